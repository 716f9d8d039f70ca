use super::{Counting, Extent, Records};
use crate::fixture;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};
use wardgate_model::{
    api::{Operation, OperationClass},
    id::ApiName,
};

fn operation(class: OperationClass, pointer: Option<&str>) -> Operation {
    let operation = fixture::operation(&ApiName::literal("orders"), "GET /x", true);
    Operation { class, records: pointer.map(Into::into), ..(*operation).clone() }
}

fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn records(pointer: Option<&str>, kind: &'static str) -> Option<Records> {
    Records::of(&operation(OperationClass::List, pointer), StatusCode::OK, &headers(&[("content-type", kind)]))
}

/// What is counted of a text that comes in these pieces.
fn counted<'a>(pointer: Option<&str>, pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<u64> {
    let mut records = records(pointer, "application/json").expect("counted");
    pieces.into_iter().for_each(|piece| records.take(piece));
    records.count(Extent::Whole)
}

/// `POINTER TEXT` → how many; whole, and byte by byte.
fn at(pointer: &str, text: &str) -> Option<u64> {
    let whole = counted(Some(pointer), [text.as_bytes()]);
    assert_eq!(whole, counted(Some(pointer), text.as_bytes().chunks(1)), "in pieces: {text}");
    whole
}

fn only(text: &str) -> Option<u64> {
    let whole = counted(None, [text.as_bytes()]);
    assert_eq!(whole, counted(None, text.as_bytes().chunks(1)), "in pieces: {text}");
    whole
}

#[test]
fn a_pointer_names_a_list_or_a_number() {
    assert_eq!(at("/items", r#"{"items":[1,{"items":[1,2,3]},[[]],"x"],"more":false}"#), Some(4));
    assert_eq!(at("/items", r#" { "page" : 1 , "items" : [ ] } "#), Some(0));
    assert_eq!(at("/page/total", r#"{"total":7,"page":{"items":[{"total":1}],"total":42}}"#), Some(42));
    assert_eq!(at("", "[1,2,3]"), Some(3));
    assert_eq!(at("", " 12 "), Some(12));
    assert_eq!(at("/0/rows", r#"[{"rows":[1,2]},{"rows":[]}]"#), Some(2));
    assert_eq!(at("/1/rows", r#"[[{"rows":[9]}],{"rows":[null,true]}]"#), Some(2));
    assert_eq!(at("/2", r#"[[1],[2],[3,3,3]]"#), Some(3));
    assert_eq!(at("/a/0/b", r#"{"x":[[]],"a":[{"c":1,"b":[1,2]}]}"#), Some(2));
    // A number in a pointer is also the name of a member; names are compared without their escapes (RFC 6901 §4).
    assert_eq!(at("/0", r#"{"0":[1]}"#), Some(1));
    assert_eq!(at("/a~1b/m~0n", r#"{"a/b":{"m~n":[1]}}"#), Some(1));
    assert_eq!(at("/~01", r#"{"~1":[1,2]}"#), Some(2));
    assert_eq!(at("/items", r#"{"\u0069\u0074ems":[1,2]}"#), Some(2));
    assert_eq!(at("/a\"\\/\n", r#"{"a\"\\":{"\n":[1,2]}}"#), Some(2));
    assert_eq!(at("/\u{1f600}", r#"{"\uD83D\ude00":[1,2]}"#), Some(2));
    assert_eq!(at("/\u{1f600}", "{\"\u{1f600}\":[1,2]}"), Some(2));
    assert_eq!(at("/", r#"{"":[1]}"#), Some(1));
}

#[test]
fn what_a_pointer_does_not_name_is_not_told() {
    for text in [
        r#"{"items":{"0":1}}"#,
        r#"{"items":"12"}"#,
        r#"{"items":null}"#,
        r#"{"other":[1]}"#,
        r#"{"nested":{"items":[1]}}"#,
        r#"{"item":[1],"itemss":[1],"Items":[1]}"#,
        r#"[{"items":[1]}]"#,
        "[]",
        // No count: a sign, a fraction, a power, more than fits.
        r#"{"items":-1}"#,
        r#"{"items":-0}"#,
        r#"{"items":1.0}"#,
        r#"{"items":1e3}"#,
        r#"{"items":9223372036854775808}"#,
        r#"{"items":123456789012345678901234567890}"#,
        // Which of two is meant, readers do not agree on.
        r#"{"items":[1],"items":[1,2]}"#,
        r#"{"items":1,"\u0069tems":[1,2]}"#,
    ] {
        assert_eq!(at("/items", text), None, "{text}");
    }
    assert_eq!(at("/a/b", r#"{"a":{"b":[1]},"a":{}}"#), None);
    assert_eq!(at("/01", r#"[[],[1]]"#), None);
    assert_eq!(at("/-", r#"[[],[1]]"#), None);
    assert_eq!(at("/items", r#"{"items":9223372036854775807}"#), Some(9_223_372_036_854_775_807));
    // Half of a pair is no text at all.
    assert_eq!(at("/\u{fffd}", r#"{"\ud83d":[1]}"#), None);
    assert_eq!(at("/\u{fffd}x", r#"{"\ud83dx":[1]}"#), None);
    assert_eq!(at("/\u{fffd}", r#"{"\ude00":[1]}"#), None);
}

#[test]
fn without_a_pointer_it_is_the_only_list_there_is() {
    assert_eq!(only("[]"), Some(0));
    assert_eq!(only("[[1,2],3]"), Some(2));
    assert_eq!(only(r#"{"next":"x","data":[{"a":[]},2],"page":{"rows":[1,2,3]}}"#), Some(2));
    assert_eq!(only(r#"{"data":[1],"warnings":[]}"#), None);
    assert_eq!(only(r#"{"data":[1],"data":[1,2]}"#), None);
    assert_eq!(only(r#"{"data":[1],"data":2}"#), None);
    assert_eq!(only(r#"{"page":{"rows":[1,2,3]}}"#), None);
    assert_eq!(only("{}"), None);
    assert_eq!(only("3"), None);
}

#[test]
fn what_is_no_json_is_not_counted() {
    for text in [
        "",
        " ",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1]]",
        "[1] [2]",
        "[1],",
        "[1}",
        "{]",
        "[tru]",
        "[truee]",
        "[nul",
        "[01]",
        "[1.]",
        "[.5]",
        "[1e]",
        "[+1]",
        "[-]",
        "[0x1]",
        "[\"a]",
        "[\"\\x\"]",
        "[\"\\u12g4\"]",
        "[\"\\u12\"]",
        "['a']",
        "[\"a\nb\"]",
        "{1:2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{,}",
        "[//x\n1]",
        "\u{feff}[1]",
        "[NaN]",
        "[1]x",
        "[\u{0}]",
        "[1\u{a0}]",
    ] {
        assert_eq!(only(text), None, "{text:?}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text:?}");
    }
    // What nobody needs of a text is not looked at.
    assert_eq!(counted(None, [&b"[\"\xff\xfe\", \"\\ud800\"]"[..]]), Some(2));
}

#[test]
fn a_million_levels_are_given_up_and_nothing_is_kept_of_them() {
    for open in ["[", "{\"a\":"] {
        let mut records = records(Some("/a/a/a"), "application/json").expect("counted");
        for _ in 0..1_000_000 {
            records.take(open.as_bytes());
        }
        assert_eq!(records.count(Extent::Whole), None);
    }
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!((only(&nested(128)), only(&nested(129))), (Some(1), None));
    let pointer = "/0".repeat(127);
    assert_eq!(
        (
            at(&pointer, &nested(128)),
            Records::of(
                &operation(OperationClass::Read, Some(&"/0".repeat(128))),
                StatusCode::OK,
                &headers(&[("content-type", "application/json")])
            )
            .is_none()
        ),
        (Some(0), true)
    );
}

#[test]
fn lines_and_sequences_are_counted_by_their_texts() {
    let lines = |kind, text: &str, extent| {
        let count = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut records = records(None, kind).expect("counted");
            pieces.for_each(|piece| records.take(piece));
            records.count(extent)
        };
        let whole = count(&mut std::iter::once(text.as_bytes()));
        assert_eq!(whole, count(&mut text.as_bytes().chunks(1)), "{text:?}");
        whole
    };
    for kind in ["application/x-ndjson", "application/jsonl; charset=utf-8", "Application/NDJSON"] {
        assert_eq!(lines(kind, "{}\n{}\r\n\n  \n[1]\n", Extent::Whole), Some(3));
        assert_eq!(lines(kind, "{}\n{}", Extent::Whole), Some(2));
        assert_eq!(lines(kind, "", Extent::Whole), Some(0));
        // Of what was broken off, whole lines have been given.
        assert_eq!(lines(kind, "{}\n{\"a\":", Extent::Begin), Some(1));
    }
    assert_eq!(lines("application/json-seq", "\u{1e}{}\n\u{1e}[1,\n2]\n\u{1e}\u{1e}3\n", Extent::Whole), Some(3));
    assert_eq!(lines("application/geo+json-seq", "\u{1e}{}\n", Extent::Begin), Some(0));
}

#[test]
fn counted_is_what_is_wanted_and_can_be_read() {
    let of = |class, pointer, status, fields: &[_]| Records::of(&operation(class, pointer), status, &headers(fields)).is_some();
    let json = [("content-type", "application/json; charset=utf-8")];
    assert!(of(OperationClass::List, None, StatusCode::OK, &json));
    assert!(of(OperationClass::Bulk, None, StatusCode::OK, &[("content-type", "application/vnd.api+json")]));
    assert!(of(OperationClass::Read, Some("/items"), StatusCode::CREATED, &json));
    assert!(of(OperationClass::List, None, StatusCode::OK, &[json[0], ("content-encoding", "identity")]));
    assert!(!of(OperationClass::Read, None, StatusCode::OK, &json));
    assert!(!of(OperationClass::List, None, StatusCode::NOT_FOUND, &json));
    assert!(!of(OperationClass::List, None, StatusCode::PARTIAL_CONTENT, &json));
    assert!(!of(OperationClass::List, None, StatusCode::OK, &[]));
    assert!(!of(OperationClass::List, None, StatusCode::OK, &[("content-type", "text/csv")]));
    assert!(!of(OperationClass::List, None, StatusCode::OK, &[json[0], ("content-encoding", "gzip")]));
    assert!(!of(OperationClass::List, None, StatusCode::OK, &[json[0], ("content-encoding", "identity, br")]));
    let mut two = headers(&json);
    two.append("content-type", HeaderValue::from_static("text/html"));
    assert!(Records::of(&operation(OperationClass::List, None), StatusCode::OK, &two).is_none());
    let mut broken = records(None, "application/json").expect("counted");
    broken.take(b"[1,2]");
    assert_eq!(broken.count(Extent::Begin), None);
}

/// What a whole text counts as, at the most.
fn whole(pointer: Option<&str>, text: &str) -> Option<u64> {
    let operation = operation(OperationClass::List, pointer);
    let mut counting = Counting::of(&operation, StatusCode::OK, &headers(&[("content-type", "application/json")]));
    counting.take(text.as_bytes());
    counting.end(Extent::Whole, text.len() as u64).passed
}

#[test]
fn an_answer_without_any_list_holds_no_record() {
    for text in ["null", "{}", r#"{"items":null}"#, r#"{"items":[]}"#, r#"{"job":"7"}"#] {
        assert_eq!(whole(Some("/items"), text), Some(0), "{text}");
    }
    assert_eq!(whole(None, r#"{"job":{"id":7,"state":"queued"}}"#), Some(0));
    assert_eq!(whole(Some("/page/total"), r#"{"accepted":true}"#), Some(0));
    // There may be some that are not counted.
    for (pointer, text) in [
        (Some("/items"), r#"{"data":[1,2]}"#),
        (Some("/items"), r#"{"items":null,"more":[[]]}"#),
        (Some("/items"), r#"{"items":{"a":1}}"#),
        (Some("/items"), r#"{"items":null,"items":null}"#),
        (None, r#"{"a":[1],"b":[2]}"#),
        (Some("/page/total"), r#"{"page":{"total":"2"},"items":[1,2]}"#),
        (Some("/items"), r#"{"items":nul"#),
    ] {
        assert_eq!(whole(pointer, text), None, "{text}");
    }
}

/// What has passed of an answer that was broken off behind this text.
fn passed(pointer: Option<&str>, kind: &'static str, text: &str) -> Option<u64> {
    let operation = operation(OperationClass::List, pointer);
    let mut counting = Counting::of(&operation, StatusCode::OK, &headers(&[("content-type", kind)]));
    counting.take(text.as_bytes());
    counting.end(Extent::Begin, text.len() as u64).passed
}

#[test]
fn of_what_was_broken_off_all_counts_that_has_passed() {
    let json = |pointer, text| passed(pointer, "application/json", text);
    // Members that have begun; none of them when the list alone has.
    assert_eq!([json(None, "[1,[2,3],{\"a\":"), json(None, "["), json(None, "[1]")], [Some(3), Some(0), Some(1)]);
    assert_eq!(json(Some("/items"), r#"{"more":[1,2],"items":[{},{}"#), Some(2));
    assert_eq!(json(Some("/total"), r#"{"total":40,"items":[1"#), Some(40));
    // Before it is known what counts, nobody can say what has passed.
    assert_eq!(json(Some("/total"), r#"{"items":[1,2,3],"tot"#), None);
    assert_eq!(json(Some("/total"), r#"{"items":[1,2,3],"total":4"#), None, "forty, perhaps");
    assert_eq!(json(None, r#"{"one":[1],"other":[2"#), None);
    assert_eq!(json(None, "{\"one\":[1,}"), None);
    assert_eq!(json(None, ""), Some(0), "nothing has passed");
    assert_eq!(passed(None, "application/x-ndjson", "{}\n{\"a\":"), Some(2), "one in part");
}

#[test]
fn what_may_hold_records_and_cannot_be_read_is_told_from_what_holds_none() {
    let json = [("content-type", "application/json")];
    let of = |class, status, fields: &[_], bytes| {
        Counting::of(&operation(class, None), status, &headers(fields)).end(Extent::Whole, bytes).passed
    };
    for fields in [&[json[0], ("content-encoding", "gzip")][..], &[("content-type", "text/csv")], &[]] {
        assert_eq!(of(OperationClass::List, StatusCode::OK, fields, 9), None, "{fields:?}");
        assert_eq!(of(OperationClass::List, StatusCode::OK, fields, 0), Some(0), "nothing has passed");
    }
    assert_eq!(of(OperationClass::List, StatusCode::PARTIAL_CONTENT, &json, 9), None);
    assert_eq!(of(OperationClass::List, StatusCode::IM_USED, &json, 9), None);
    assert_eq!(of(OperationClass::List, StatusCode::NOT_FOUND, &json, 9), Some(0));
    assert_eq!(of(OperationClass::Write, StatusCode::OK, &[("content-type", "text/csv")], 9), Some(0));
}

fn value() -> impl Strategy<Value = Value> {
    let text = "[a-c\"\\\\/~\u{1}\n é\u{1f600}]{0,12}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u64..100).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let member = (text, inner.clone());
        prop_oneof![vec(inner, 0..5).prop_map(Value::from), vec(member, 0..5).prop_map(|members| Value::from(Map::from_iter(members)))]
    })
}

/// Every pointer into a value.
fn pointers(value: &Value, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| pointers(item, &format!("{here}/{at}"), all)),
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, &format!("{here}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn expected(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Array(items) => Some(items.len() as u64),
        Value::Number(number) => number.as_u64().filter(|count| i64::try_from(*count).is_ok()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => None,
    }
}

/// All that is not ASCII as escapes, in which a reader must see the same.
fn escaped(text: &str) -> String {
    let escape = |c: char| {
        if c.is_ascii() { c.to_string() } else { c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect() }
    };
    text.chars().map(escape).collect()
}

fn cut<'a>(text: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for to in places {
        pieces.push(&text[from..to]);
        from = to;
    }
    pieces.push(&text[from..]);
    pieces
}

proptest! {
    /// Any text in any pieces: what is counted is what a parser finds there.
    #[test]
    fn it_is_what_a_parser_finds(value in value(), cuts in vec(any::<prop::sample::Index>(), 0..6), pick in any::<prop::sample::Index>(), form in 0..3) {
        let text = match form {
            0 => value.to_string(),
            1 => serde_json::to_string_pretty(&value).unwrap(),
            _ => escaped(&value.to_string()),
        };
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        let pointer = pick.get(&all);
        prop_assert_eq!(counted(Some(pointer), cut(text.as_bytes(), &cuts)), expected(value.pointer(pointer)), "{} in {}", pointer, text);
        let lists: Vec<&Value> = match &value {
            Value::Array(_) => vec![&value],
            Value::Object(members) => members.values().filter(|member| member.is_array()).collect(),
            _ => vec![],
        };
        let list = if let [list] = lists[..] { Some(list) } else { None };
        prop_assert_eq!(counted(None, cut(text.as_bytes(), &cuts)), expected(list), "{}", text);
    }

    /// A text with a byte put in, taken out or changed: nothing is counted of what a parser does not take, and pieces change nothing.
    #[test]
    fn what_a_parser_refuses_is_not_counted(value in value(), at in any::<prop::sample::Index>(), byte in prop::sample::select(b"[]{}:,\"\\tn0-. \x01u1".to_vec()), how in 0..3, cuts in vec(any::<prop::sample::Index>(), 0..4)) {
        let mut text = value.to_string().into_bytes();
        let place = at.index(text.len());
        match how {
            0 => text.insert(place, byte),
            1 => drop(text.remove(place)),
            _ => text[place] = byte,
        }
        let count = counted(None, cut(&text, &cuts));
        prop_assert_eq!(count, counted(None, [&text[..]]));
        // A number that fits no type is one all the same, and half of a pair moves the end of no text.
        let refused = serde_json::from_slice::<Value>(&text).is_err_and(|error| !error.to_string().contains("out of range"));
        if refused && std::str::from_utf8(&text).is_ok() && !text.windows(2).any(|pair| pair == b"\\u") {
            prop_assert_eq!(count, None, "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn any_bytes_end_in_a_count_or_none(bytes in vec(any::<u8>(), 0..200), cuts in vec(any::<prop::sample::Index>(), 0..4)) {
        prop_assert_eq!(counted(None, cut(&bytes, &cuts)), counted(None, [&bytes[..]]));
        prop_assert_eq!(counted(Some("/a/0"), cut(&bytes, &cuts)), counted(Some("/a/0"), [&bytes[..]]));
    }
}
