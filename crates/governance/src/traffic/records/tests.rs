use super::{RECORD_BYTES_MAX, Record, Records};
use insta::assert_snapshot;
use proptest::prelude::*;
use std::io::{self, Read};

/// Gives a few bytes at a time.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(room.len());
        room[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn read(way: &'static [&'static str], bytes: &[u8], at_a_time: usize) -> String {
    let mut records = Records::new(Drops(bytes, at_a_time), way);
    let mut told = Vec::new();
    while let Some(record) = records.next().unwrap() {
        let record = match record {
            Record::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Record::TooLong => "too long".to_owned(),
            Record::Broken => "broken".to_owned(),
        };
        told.push(record);
        let at = told.len() - 1;
        told[at] = format!("{}: {}", records.number(), told[at]);
    }
    told.join("\n")
}

fn check(way: &'static [&'static str], text: &str) -> String {
    let (whole, pieces) = (read(way, text.as_bytes(), usize::MAX), read(way, text.as_bytes(), 3));
    assert_eq!(whole, pieces, "in pieces it reads the same");
    whole
}

const RECORDS: &[&str] = &["Records"];
const ENTRIES: &[&str] = &["log", "entries"];

#[test]
fn records_stand_alone_in_arrays_and_in_members() {
    assert_snapshot!(check(RECORDS, "{\"a\":1}\n\n{\"a\":{\"b\":[\"}\",\"\\\"{\"]}}{}"), @r#"
    1: {"a":1}
    3: {"a":{"b":["}","\"{"]}}
    3: {}
    "#);
    assert_snapshot!(check(RECORDS, "\u{feff}[ {\"a\":1},\n [{\"b\":[1,{\"c\":2}]}] ]{\"d\":1}"), @r#"
    1: {"a":1}
    2: {"b":[1,{"c":2}]}
    2: {"d":1}
    "#);
    assert_snapshot!(check(RECORDS, "{ \"Records\" : [ {\"Records\":[]},\n{\"b\":1} ], \"more\": {\"x\":[1]} }\n{\"c\":1}"), @r#"
    1: {"Records":[]}
    2: {"b":1}
    3: {"c":1}
    "#);
    assert_snapshot!(
        check(ENTRIES, "{\"log\":{\"version\":\"1.2\",\"pages\":[{\"id\":\"{\"}],\"n\":-1.5e3,\"t\":true,\"entries\":[{\"log\":1},{\"e\":[]}],\"z\":null}}"),
        @r#"
    1: {"log":1}
    1: {"e":[]}
    "#
    );
}

#[test]
fn what_is_broken_is_said_and_reading_goes_on_at_the_next_line() {
    assert_snapshot!(check(RECORDS, "{\"a\":\"open\n{\"b\":1}\nhello\n{\"c\":1}\n{\"d\":"), @r#"
    1: broken
    2: {"b":1}
    3: broken
    4: {"c":1}
    5: broken
    "#);
    assert_snapshot!(check(RECORDS, "{\"Records\":7}\n{\"b\":1}"), @r#"
    1: broken
    2: {"b":1}
    "#);
    assert_snapshot!(check(RECORDS, &format!("{}\n{{\"b\":1}}", "[".repeat(50))), @r#"
    1: broken
    2: {"b":1}
    "#);
}

#[test]
fn a_record_that_is_too_long_is_passed_over() {
    let long = format!("[{{\"a\":\"{}\"}},{{\"b\":1}}]", "x".repeat(RECORD_BYTES_MAX + 1));
    assert_eq!(read(RECORDS, long.as_bytes(), usize::MAX), "1: too long\n1: {\"b\":1}");
}

proptest! {
    #[test]
    fn nothing_breaks_it_and_pieces_are_the_whole(bytes in proptest::collection::vec(prop_oneof![
        Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'), Just(b','), Just(b':'), Just(b'\n'), Just(b' '), any::<u8>(),
    ], 0..80), at_a_time in 1_usize..9) {
        prop_assert_eq!(read(ENTRIES, &bytes, usize::MAX), read(ENTRIES, &bytes, at_a_time));
        let within = [b"{\"log\":{\"entries\":[".as_slice(), &bytes].concat();
        prop_assert_eq!(read(ENTRIES, &within, usize::MAX), read(ENTRIES, &within, at_a_time));
    }

    #[test]
    fn what_json_has_in_an_array_comes_out(values in proptest::collection::vec(("[a-z\"\\\\{}]{0,6}", any::<i32>()), 0..6)) {
        let objects: Vec<serde_json::Value> = values.iter().map(|(key, number)| serde_json::json!({ key: { "n": [number, key] } })).collect();
        let text = serde_json::to_string_pretty(&objects).unwrap();
        let mut records = Records::new(Drops(text.as_bytes(), 7), RECORDS).into_values();
        prop_assert_eq!(records.by_ref().collect::<Vec<_>>(), objects);
    }
}

impl<R: Read> Records<R> {
    fn into_values(mut self) -> impl Iterator<Item = serde_json::Value> {
        std::iter::from_fn(move || match self.next().unwrap()? {
            Record::Bytes(bytes) => Some(serde_json::from_slice(bytes).unwrap()),
            other => panic!("{other:?}"),
        })
    }
}
