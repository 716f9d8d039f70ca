//! Flips every byte of a sealed segment, one after the other, and counts what `verify` says of each: nothing may pass.
//!
//! `cargo run -p wardgate-audit --example mutations -- [EVENTS]`; with few events it takes some minutes.

#![expect(clippy::print_stdout, reason = "a measurement tells what it found")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use std::{collections::BTreeMap, error::Error, fs, sync::Arc};
use wardgate_audit::{
    canonical::{self, Personal, Record},
    columns::{self, Value},
    note::{Signer, Trusted, Verifier},
    segment::{self, SegmentName, entry::Entry},
    tiles,
    verify::{Asked, Depth, Finding, verify},
};

const EDGE: &str = "edge-1";

struct Key(Ed25519KeyPair);

impl Signer for Key {
    fn name(&self) -> &str {
        "wardgate/edge-1"
    }

    fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.0.sign(text).as_ref().try_into().unwrap_or([0; 64])
    }

    fn public(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap_or([0; 32])
    }
}

fn record(seq: u64) -> (Vec<u8>, Vec<u8>) {
    let mut row: columns::Row<'static> = [const { None }; columns::COUNT];
    let values = [
        ("seq", Value::Int(i64::try_from(seq).unwrap_or(0))),
        ("time", Value::Int(1_790_000_000_000_000 + i64::try_from(seq).unwrap_or(0) * 977)),
        ("kind", Value::Text("request".into())),
        ("edge", Value::Text(EDGE.into())),
        ("request_id", Value::Text(format!("01a0c450-6c00-7000-8006-{seq:012x}").into())),
        ("identity", Value::Text(format!("service-{}", seq % 7).into())),
        ("actors", Value::Texts(vec!["planner".into(), format!("agent-{}", seq % 3).into()])),
        ("source", Value::Text(format!("192.0.2.{}", seq % 50).into())),
        ("path", Value::Text(format!("/ledger/entries/{}", seq % 31).into())),
        ("enforced", Value::Bool(seq.is_multiple_of(2))),
        ("client_status", Value::Int(200)),
    ];
    for (name, value) in values {
        if let Some(cell) = columns::number(name).and_then(|number| row.get_mut(number)) {
            *cell = Some(value);
        }
    }
    let (mut public, mut personal) = (Vec::new(), Vec::new());
    canonical::encode(&row, false, &mut public);
    canonical::encode(&row, true, &mut personal);
    (public, personal)
}

fn main() -> Result<(), Box<dyn Error>> {
    let events: u64 = std::env::args().nth(1).map_or(Ok(40), |text| text.parse())?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("segments").join(SegmentName { first_seq: 1 }.to_string());
    fs::create_dir(directory.path().join("segments"))?;
    let records: Vec<_> = (1..=events).map(record).collect();
    let sealed = segment::write(
        &path,
        EDGE,
        1,
        records.iter().map(|(public, personal)| Record { public, personal: Personal::Clear { salt: [7; 16], bytes: personal } }),
    )?;
    let key = Key(Ed25519KeyPair::from_seed_unchecked(&[7; 32])?);
    let trusted = Trusted::of(Verifier::of(&key)?);
    let (mut log, _) = tiles::Writer::open(&directory.path().join("log"), trusted.clone(), Arc::new(key))?;
    let segment::Sealed { first_seq, events, from_us, to_us, root, file, bytes } = sealed;
    log.append(&[Entry::Segment { edge: EDGE.into(), first_seq, events, from_us, to_us, root, file }.to_string().as_bytes()])?;
    let asked = Asked { trusted: &trusted, remembered: None, depth: Depth::Records };
    // There is no tail here, so nothing signed tells of one.
    let found = || -> Result<Vec<Finding>, std::io::Error> {
        let findings = verify(directory.path(), &asked, &mut |_| ())?.findings;
        Ok(findings.into_iter().filter(|finding| *finding != Finding::NoNote).collect())
    };
    let before = found()?;
    println!("{events} events, {bytes} bytes; unchanged: {} findings", before.len());
    // Panics of the reader of Parquet are caught, and become findings.
    std::panic::set_hook(Box::new(|_| ()));
    let whole = fs::read(&path)?;
    let (mut passed, mut kinds) = (0, BTreeMap::<String, u64>::new());
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= 1 << (at % 8);
        }
        fs::write(&path, &changed)?;
        let findings = found()?;
        passed += u64::from(findings.is_empty());
        if let Some(first) = findings.first() {
            let kind = format!("{first:?}");
            let kind = kind.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
            *kinds.entry(kind).or_default() += 1;
        }
    }
    println!("{} flipped bytes, {passed} passed unseen; by the first finding: {kinds:?}", whole.len());
    if passed > 0 || !before.is_empty() { Err("a flipped byte passed unseen".into()) } else { Ok(()) }
}
