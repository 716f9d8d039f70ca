use super::{Flaw, JsonLimits, Kind, read};
use proptest::prelude::*;
use serde_json::Value;

fn flaw(text: &[u8]) -> Option<&'static str> {
    read(text, &JsonLimits::default()).err().map(|fault| fault.flaw.as_str())
}

#[test]
fn what_is_json_is_read() {
    for good in [
        "null",
        " true ",
        "false",
        "0",
        "-0.5e+3",
        "\"\"",
        "[]",
        "{}",
        "[[],{}]",
        r#"{"a":[1,{"b":"\u00e9\ud83d\ude00\n"}]}"#,
        "\t[1 , 2]\r\n",
    ] {
        assert_eq!(flaw(good.as_bytes()), None, "{good}");
        assert!(serde_json::from_str::<Value>(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "nul",
        "tru",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "[1,]",
        "[1 2]",
        "[01]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "[1}",
        "{\"a\":1]",
        "'a'",
        "NaN",
        "]",
        "[",
    ] {
        assert_eq!(flaw(bad.as_bytes()), Some("syntax"), "{bad}");
    }
}

#[test]
fn what_parsers_differ_about_is_refused() {
    assert_eq!(flaw(b"{} {}"), Some("trailing"));
    assert_eq!(flaw(b"1 x"), Some("trailing"));
    assert_eq!(flaw(b"\"\xff\""), Some("encoding"));
    for half in [r#""\ud800""#, r#""\ud800a""#, r#""\ud800\u0041""#, r#""\udc00""#] {
        assert_eq!(flaw(half.as_bytes()), Some("encoding"), "{half}");
    }
    for twice in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"{"x":{"a":1,"b":[],"a":{}}}"#, r#"{"é":1,"\u00e9":2}"#] {
        assert_eq!(flaw(twice.as_bytes()), Some("duplicate"), "{twice}");
    }
    assert_eq!(flaw(br#"[{"a":1},{"a":2},{"A":{"a":1},"a":2}]"#), None);
    let many = |last: &str| format!("{{{}\"{last}\":0}}", (0..500).map(|n| format!("\"m{n}\":[{n}],")).collect::<String>());
    assert_eq!(flaw(many("m500").as_bytes()), None);
    assert_eq!(flaw(many("m250").as_bytes()), Some("duplicate"));
    assert_eq!(flaw(many("\\u006d250").as_bytes()), Some("duplicate"));
}

#[test]
fn every_limit_is_one() {
    let limits = JsonLimits { depth: 3, values: 6, text_bytes: 4, number_bytes: 3 };
    for (text, flaw) in [
        ("[[[1]]]", None),
        ("[[[[1]]]]", Some(Flaw::Depth)),
        ("[{\"a\":[{}]}]", Some(Flaw::Depth)),
        ("[1,2,3,4,5]", None),
        ("[1,2,3,4,5,6]", Some(Flaw::Values)),
        ("{\"a\":1,\"b\":2}", None),
        ("{\"a\":1,\"b\":2,\"c\":3}", Some(Flaw::Values)),
        ("\"1234\"", None),
        ("\"12345\"", Some(Flaw::TextLength)),
        ("{\"12345\":1}", Some(Flaw::TextLength)),
        ("123", None),
        ("1e12", Some(Flaw::NumberLength)),
    ] {
        assert_eq!(read(text.as_bytes(), &limits).err().map(|fault| fault.flaw), flaw, "{text}");
    }
}

#[test]
fn places_and_pointers_are_each_others() {
    let tape = read(br#"{"a/b":[10,{"c~d":"x"},[]],"":{"\u0065":true}}"#, &JsonLimits::default()).unwrap();
    for pointer in ["", "/a~1b", "/a~1b/0", "/a~1b/1", "/a~1b/1/c~0d", "/a~1b/2", "/", "//e"] {
        let at = tape.at_pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
        assert_eq!(tape.pointer_of(at), pointer);
        assert_ne!(tape.token(at).kind(), Kind::Name);
    }
    for nothing in ["a", "/b", "/a~1b/3", "/a~1b/00", "/a~1b/+1", "/a~1b/-", "/a~1b/0/x"] {
        assert_eq!(tape.at_pointer(nothing), None, "{nothing}");
    }
    let long = format!("{{\"{}\":[1]}}", "n".repeat(300));
    let tape = read(long.as_bytes(), &JsonLimits::default()).unwrap();
    assert!(tape.pointer_of(3).ends_with('…') && tape.pointer_of(3).len() < 270, "{}", tape.pointer_of(3));
}

/// The same value from a tape and from another parser.
fn value(tape: &super::Tape<'_>, at: u32) -> Value {
    let token = tape.token(at);
    match token.kind() {
        Kind::Null => Value::Null,
        Kind::True => Value::Bool(true),
        Kind::False => Value::Bool(false),
        Kind::Whole | Kind::Number => serde_json::from_str(tape.written(token)).unwrap(),
        Kind::Text => Value::String(tape.text(token).into_owned()),
        Kind::Array => tape.within(at).map(|at| value(tape, at)).collect(),
        Kind::Object => tape.within(at).map(|at| (tape.text(tape.token(at)).into_owned(), value(tape, at + 1))).collect(),
        Kind::Name | Kind::Loose | Kind::Unread => panic!("no value"),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[\"\\\\\\n\\x01é😀a]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::btree_map("[a-d\"é]{0,10}", inner, 0..40).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn another_parser_reads_the_same(json in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
        let limits = JsonLimits { number_bytes: 400, ..JsonLimits::default() };
        let tape = read(text.as_bytes(), &limits).unwrap();
        // What the other one reads: the last digit of a float may be another than the one that was written.
        prop_assert_eq!(value(&tape, 0), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn what_is_taken_is_json_for_another_parser(text in "[\\[\\]{}:, \"\\\\u0-9a-e.+-]{0,24}") {
        if read(text.as_bytes(), &JsonLimits::default()).is_ok() {
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
        } else if serde_json::from_str::<Value>(&text).is_ok() {
            prop_assert!(matches!(flaw(text.as_bytes()), Some("duplicate" | "encoding" | "number_length")), "{}", text);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, &JsonLimits::default());
    }
}
