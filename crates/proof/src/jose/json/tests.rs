use super::{Bounds, JsonFault, object};
use proptest::prelude::*;
use serde_json::{Value, json};

const BOUNDS: Bounds = Bounds { depth: 3, values: 8 };

fn check(text: &str) -> String {
    match object(text.as_bytes(), BOUNDS) {
        Ok(members) => Value::Object(members).to_string(),
        Err(fault) => format!("refused: {fault}"),
    }
}

#[test]
fn what_can_be_read_in_one_way_is_read() {
    for (text, read) in [
        (r#"{"iss":"a","n":[1,-2,2.5],"t":null}"#, r#"{"iss":"a","n":[1,-2,2.5],"t":null}"#),
        (" {\t\"a\" :\n{ \"b\" : true } }\r\n", r#"{"a":{"b":true}}"#),
        (r#"{"a":18446744073709551615}"#, r#"{"a":18446744073709551615}"#),
        (r#"{"a":"\u0069\ud83d\ude00"}"#, "{\"a\":\"i\u{1f600}\"}"),
        // The names that serde_json gives a meaning of its own are plain text here.
        (r#"{"$serde_json::private::RawValue":"1"}"#, r#"{"$serde_json::private::RawValue":"1"}"#),
        (r#"{"$serde_json::private::Number":"1"}"#, r#"{"$serde_json::private::Number":"1"}"#),
    ] {
        assert_eq!(check(text), read);
    }
}

#[test]
fn duplicate_members_are_refused_at_every_depth() {
    for text in [r#"{"iss":"a","iss":"a"}"#, r#"{"iss":"a","\u0069ss":"b"}"#, r#"{"a":{"iss":1,"iss":2}}"#, r#"{"a":[{"iss":1,"iss":2}]}"#]
    {
        assert_eq!(check(text), "refused: the member `iss` is there twice", "{text}");
    }
    assert_eq!(check(r#"{"iss":1,"ISS":2}"#), r#"{"iss":1,"ISS":2}"#);
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "{}{}",
        "{} x",
        "{'a':1}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1e999}",
        "{\"a\":NaN}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"\\ud800\"}",
        "\u{feff}{}",
        "{\"a\":\"\\x\"}",
        "// {}",
        "{\"a\":-}",
    ] {
        assert_eq!(check(text), "refused: no JSON", "{text}");
    }
    assert_eq!(object(b"{\"a\":\"\xff\"}", BOUNDS), Err(JsonFault::Grammar));
    assert_eq!(object(b"{\"\xc0\xaf\":1}", BOUNDS), Err(JsonFault::Grammar));
    for text in ["[]", "1", "\"iss\"", "null"] {
        assert_eq!(check(text), "refused: JSON, but no object");
    }
}

#[test]
fn depth_and_number_are_bounded() {
    assert_eq!(check(r#"{"a":[[1]]}"#), r#"{"a":[[1]]}"#);
    assert_eq!(check(r#"{"a":[[[]]]}"#), "refused: nested too deeply");
    assert_eq!(check(r#"{"a":[1,2,3,4,5,6]}"#), r#"{"a":[1,2,3,4,5,6]}"#);
    assert_eq!(check(r#"{"a":[1,2,3,4,5,6,7]}"#), "refused: too many values");
    // A bomb ends where the bound is, not where the stack does.
    let bomb = format!("{{\"a\":{}", "[".repeat(1_000_000));
    assert_eq!(check(&bomb), "refused: nested too deeply");
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _read = object(&bytes, BOUNDS);
    }

    #[test]
    fn what_is_read_is_what_serde_json_reads(text in "[\\[\\]{}\":,a0-9.eE\\\\ -]{0,40}") {
        let wide = Bounds { depth: 60, values: 1000 };
        if let Ok(members) = object(text.as_bytes(), wide) {
            prop_assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(Value::Object(members)));
        }
    }
}

#[test]
fn the_fault_names_no_more_than_a_little_of_what_was_sent() {
    let long = "x".repeat(10_000);
    let fault = object(json!({ "a": 1 }).to_string().replace("\"a\":1", &format!("\"{long}\":1,\"{long}\":2")).as_bytes(), BOUNDS);
    assert!(fault.expect_err("twice").to_string().len() < 120);
}
