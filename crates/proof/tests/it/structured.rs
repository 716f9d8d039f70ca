//! The working group's cases for structured fields, against the library that signatures are read with.

use serde_json::Value;
use sfv::{BareItem, Dictionary, FieldType, Item, List, ListEntry, Parser};

const FILES: [&str; 19] = [
    include_str!("../../testdata/structured_fields/binary.json"),
    include_str!("../../testdata/structured_fields/boolean.json"),
    include_str!("../../testdata/structured_fields/date.json"),
    include_str!("../../testdata/structured_fields/dictionary.json"),
    include_str!("../../testdata/structured_fields/display-string.json"),
    include_str!("../../testdata/structured_fields/examples.json"),
    include_str!("../../testdata/structured_fields/item.json"),
    include_str!("../../testdata/structured_fields/key-generated.json"),
    include_str!("../../testdata/structured_fields/list.json"),
    include_str!("../../testdata/structured_fields/listlist.json"),
    include_str!("../../testdata/structured_fields/number-generated.json"),
    include_str!("../../testdata/structured_fields/number.json"),
    include_str!("../../testdata/structured_fields/param-dict.json"),
    include_str!("../../testdata/structured_fields/param-list.json"),
    include_str!("../../testdata/structured_fields/param-listlist.json"),
    include_str!("../../testdata/structured_fields/string-generated.json"),
    include_str!("../../testdata/structured_fields/string.json"),
    include_str!("../../testdata/structured_fields/token-generated.json"),
    include_str!("../../testdata/structured_fields/token.json"),
];

/// The strict form of what was read, or `None`.
fn strict(kind: &str, text: &str) -> Option<String> {
    fn written<T: FieldType>(text: &str, write: impl FnOnce(T) -> String) -> Option<String> {
        Parser::new(text).parse::<T>().ok().map(write)
    }
    match kind {
        "item" => written(text, |item: Item| item.serialize()),
        "list" => written(text, |list: List| list.serialize().unwrap_or_default()),
        "dictionary" => written(text, |members: Dictionary| members.serialize().unwrap_or_default()),
        other => panic!("{other}"),
    }
}

#[test]
fn every_case_is_read_as_it_says() {
    let (mut read, mut refused) = (0, 0);
    for case in FILES.into_iter().flat_map(|file| serde_json::from_str::<Vec<Value>>(file).expect("cases")) {
        let name = case["name"].as_str().expect("a name");
        let lines: Vec<&str> = case["raw"].as_array().expect("lines").iter().filter_map(Value::as_str).collect();
        let text = lines.join(", ");
        let said = strict(case["header_type"].as_str().expect("a type"), &text);
        if case["must_fail"] == true {
            assert_eq!(said, None, "{name}: {text:?}");
            refused += 1;
        } else if case["can_fail"] != true || said.is_some() {
            let canonical = case
                .get("canonical")
                .map(|lines| lines.as_array().expect("lines").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
            assert_eq!(said.as_deref(), Some(&*canonical.unwrap_or(text)), "{name}");
            read += 1;
        }
    }
    assert_eq!((read, refused), (716, 864), "read and refused");
}

/// A member of a Dictionary is written alone as a list of one: what signatures of members rest on.
#[test]
fn a_member_alone_is_a_list_of_one() {
    let members: Dictionary = Parser::new("a=1;x, b=(1 2);y, c").parse().expect("members");
    let written: Vec<_> = members.values().map(|entry| vec![entry.clone()].serialize().expect("one")).collect();
    assert_eq!(written, ["1;x", "(1 2);y", "?1"]);
    assert!(matches!(&members["c"], ListEntry::Item(Item { bare_item: BareItem::Boolean(true), .. })));
}
