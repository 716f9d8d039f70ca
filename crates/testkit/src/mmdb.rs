//! A writer of MMDB files, for tests: the gate ships a reader and no database.
//!
//! It writes what the format's specification (version 2.0) calls for and no more: a search tree with records of 24 bits, a data section
//! without pointers, metadata.

#![expect(clippy::indexing_slicing, clippy::expect_used, clippy::panic, reason = "a test may stop where its own fixture is wrong")]

use ipnet::IpNet;
use serde_json::{Value, json};
use std::net::IpAddr;

/// Behind the data section.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// Between the tree and the data.
const SEPARATOR: [u8; 16] = [0; 16];

#[derive(Debug, Clone, Copy)]
enum Slot {
    Nothing,
    Node(usize),
    Data(usize),
}

/// Which addresses a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// Version 4 alone.
    V4,
    /// Both: those of version 4 under `::/96`.
    Both,
    /// Both, those of version 4 also as mapped and as 6to4 addresses, as published files have it.
    Aliased,
}

/// A file of these networks, none of which holds another.
///
/// # Panics
/// When one does, or a network is none.
#[must_use]
pub fn mmdb(addresses: Addresses, networks: &[(&str, Value)]) -> Vec<u8> {
    let mut tree = vec![[Slot::Nothing; 2]];
    let mut data = Vec::new();
    for (network, record) in networks {
        let network: IpNet = network.parse().expect("a network");
        let bits = bits(network, addresses);
        insert(&mut tree, &bits, Slot::Data(data.len()));
        encode(&mut data, "", record);
    }
    if addresses == Addresses::Aliased {
        let v4 = walk(&tree, &[false; 96]);
        let mapped: Vec<bool> = (0..96).map(|bit| bit >= 80).collect();
        insert(&mut tree, &mapped, v4);
        insert(&mut tree, &(0..16).map(|bit| 0x2002_u16 & (1 << (15 - bit)) != 0).collect::<Vec<_>>(), v4);
    }
    let count = tree.len();
    let mut file = Vec::new();
    for slot in tree.iter().flatten() {
        let number = match slot {
            Slot::Nothing => count,
            Slot::Node(node) => *node,
            Slot::Data(offset) => count + SEPARATOR.len() + offset,
        };
        file.extend_from_slice(number.to_be_bytes().last_chunk::<3>().expect("more than three bytes"));
    }
    file.extend_from_slice(&SEPARATOR);
    file.extend_from_slice(&data);
    file.extend_from_slice(MARKER);
    let version = if addresses == Addresses::V4 { 4 } else { 6 };
    encode(
        &mut file,
        "",
        &json!({
            "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1_700_000_000, "database_type": "Test",
            "description": { "en": "a test" }, "ip_version": version, "languages": ["en"], "node_count": count, "record_size": 24,
        }),
    );
    file
}

fn bits(network: IpNet, addresses: Addresses) -> Vec<bool> {
    let (number, length) = match network.network() {
        IpAddr::V4(v4) if addresses == Addresses::V4 => (u128::from(u32::from(v4)) << 96, network.prefix_len()),
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), network.prefix_len() + 96),
        IpAddr::V6(v6) => (u128::from(v6), network.prefix_len()),
    };
    (0..length).map(|bit| number & (1 << (127 - bit)) != 0).collect()
}

fn insert(tree: &mut Vec<[Slot; 2]>, bits: &[bool], what: Slot) {
    let (last, way) = bits.split_last().expect("not all addresses");
    let mut node = 0;
    for bit in way {
        node = match tree[node][usize::from(*bit)] {
            Slot::Node(next) => next,
            Slot::Nothing => {
                tree.push([Slot::Nothing; 2]);
                let next = tree.len() - 1;
                tree[node][usize::from(*bit)] = Slot::Node(next);
                next
            }
            Slot::Data(_) => panic!("one network holds another"),
        };
    }
    let slot = &mut tree[node][usize::from(*last)];
    assert!(matches!(slot, Slot::Nothing), "one network holds another");
    *slot = what;
}

fn walk(tree: &[[Slot; 2]], bits: &[bool]) -> Slot {
    bits.iter().fold(Slot::Node(0), |slot, bit| if let Slot::Node(node) = slot { tree[node][usize::from(*bit)] } else { slot })
}

/// One value: a map, a text, a list, or a number, whose width its name says.
fn encode(out: &mut Vec<u8>, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            head(out, 7, members.len());
            for (name, member) in members {
                encode(out, "", &Value::String(name.clone()));
                encode(out, name, member);
            }
        }
        Value::Array(items) => {
            head(out, 11, items.len());
            items.iter().for_each(|item| encode(out, "", item));
        }
        Value::String(text) => {
            head(out, 2, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Number(number) => {
            let number = number.as_u64().expect("a whole number");
            let bytes: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            // Of 64, of 16, of 32 bits.
            let kind = match name {
                "build_epoch" => 9,
                "binary_format_major_version" | "binary_format_minor_version" | "ip_version" | "record_size" => 5,
                _ => 6,
            };
            head(out, kind, bytes.len());
            out.extend_from_slice(&bytes);
        }
        Value::Null | Value::Bool(_) => panic!("not in such files: {value}"),
    }
}

fn head(out: &mut Vec<u8>, kind: u8, size: usize) {
    let (size, more) =
        if size < 29 { (u8::try_from(size).expect("small"), None) } else { (29, Some(u8::try_from(size - 29).expect("small"))) };
    // Kinds from 8 on stand in a byte of their own.
    match kind {
        0..=7 => out.push(kind << 5 | size),
        _ => out.extend_from_slice(&[size, kind - 7]),
    }
    out.extend(more);
}
