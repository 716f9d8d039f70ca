use super::{HEADER, NoTail, Tail, TailName, frame_before, push};
use crate::columns::{COLUMNS, Row, Value, tests::full};
use proptest::prelude::*;

fn row(seq: u64) -> Row<'static> {
    let mut row = full(seq);
    if seq.is_multiple_of(3) {
        // Nothing personal: no salt either.
        for (column, value) in COLUMNS.iter().zip(&mut row) {
            if column.personal {
                *value = None;
            }
        }
    }
    row
}

fn tail(records: u64) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    for seq in 1..=records {
        push(&mut bytes, &row(seq), &[u8::try_from(seq).unwrap(); 16]);
    }
    bytes
}

fn seqs(bytes: &[u8]) -> Vec<Row<'_>> {
    Tail::read(bytes).unwrap().frames().filter(|frame| frame.leaf().is_some()).map(|frame| frame.record.row().unwrap()).collect()
}

#[test]
fn rows_read_back_in_both_directions() {
    let bytes = tail(10);
    assert_eq!(seqs(&bytes), (1..=10).map(row).collect::<Vec<_>>());
    let (mut end, mut back) = (bytes.len(), Vec::new());
    while let Some((begin, frame)) = frame_before(&bytes, end) {
        back.push(frame.record.row().unwrap());
        end = begin;
    }
    assert_eq!(end, HEADER.len());
    assert_eq!(back, (1..=10).rev().map(row).collect::<Vec<_>>());
}

#[test]
fn a_torn_end_is_known_from_damage() {
    let bytes = tail(4);
    let three = tail(3).len();
    for end in three..bytes.len() {
        let torn = Tail::read(&bytes[..end]).unwrap();
        assert_eq!((torn.whole, torn.damaged), (three, false), "{end}");
    }
    for end in 0..HEADER.len() {
        assert_eq!(Tail::read(&bytes[..end]).unwrap().whole, 0);
    }
}

#[test]
fn what_is_behind_damage_is_still_found() {
    let mut bytes = tail(6);
    // The length of the third record.
    bytes[tail(2).len()] ^= 0x40;
    let found = Tail::read(&bytes).unwrap();
    assert!(found.damaged);
    assert_eq!(found.frames().count(), 2);
    assert_eq!(
        found.behind_damage().iter().map(|frame| frame.record.row().unwrap()[0].clone()).collect::<Vec<_>>(),
        [Some(Value::Int(4)), Some(Value::Int(5)), Some(Value::Int(6))]
    );
}

#[test]
fn every_flipped_byte_is_seen() {
    let bytes = tail(3);
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x01;
        let sound = Tail::read(&flipped).map(|tail| tail.whole == flipped.len() && tail.frames().all(|frame| frame.leaf().is_some()));
        assert_ne!(sound, Ok(true), "byte {at}");
    }
}

#[test]
fn other_files_are_told_apart() {
    assert_eq!(Tail::read(b"{\"v\":1}\n{\"v\":1}\n").unwrap_err(), NoTail::Foreign);
    assert_eq!(Tail::read(b"wardgate-tail/2\n").unwrap_err(), NoTail::Newer);
    let name = TailName { first_seq: 12 };
    assert_eq!(TailName::parse(&name.to_string()), Some(name));
    for text in
        ["tail-12.wgl", "tail-000000000012.wgl/..", "tail-+00000000012.wgl", "../tail-000000000012.wgl", "tail-99999999999999999999.wgl"]
    {
        assert_eq!(TailName::parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut tail = HEADER.to_vec();
        tail.extend_from_slice(&bytes);
        if let Ok(tail) = Tail::read(&tail) {
            let _ = tail.frames().chain(tail.behind_damage()).filter(|frame| frame.leaf().is_some()).count();
        }
    }
}
