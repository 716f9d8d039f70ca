mod page;

use super::{COLUMNS, COUNT, Type, Value, event, number, row};
use crate::event_v1::EventV1;
use std::{borrow::Cow, collections::BTreeSet};

/// A row with a value in every column.
pub(crate) fn full(seq: u64) -> super::Row<'static> {
    std::array::from_fn(|index| {
        let column = &COLUMNS[index];
        Some(match (column.name, column.kind) {
            ("seq", _) => Value::Int(i64::try_from(seq).unwrap()),
            ("time", _) => Value::Int(1_790_000_000_000_000 + i64::try_from(seq).unwrap()),
            ("kind", _) => Value::Text("request".into()),
            ("signals", _) => Value::Text(r#"[{"name":"token_shared","value":2.5,"weight":30.0}]"#.into()),
            (_, Type::Int | Type::Time) => Value::Int(i64::try_from(index).unwrap()),
            (_, Type::Bool) => Value::Bool(index % 2 == 0),
            (name, Type::Text) => Value::Text(Cow::Owned(format!("{name} {seq}"))),
            (name, Type::Texts) => Value::Texts(vec![name.into(), "é".into()]),
        })
    })
}

#[test]
fn what_every_column_holds_comes_back() {
    let event = event(full(7)).unwrap();
    let back = row(&event);
    for ((column, expected), found) in COLUMNS.iter().zip(full(7)).zip(&back) {
        assert_eq!(found, &expected, "{}", column.name);
    }
    assert_eq!(event.id, "edge 7:7");
}

#[test]
fn columns_are_for_ever() {
    let names: Vec<String> = COLUMNS
        .iter()
        .map(|column| format!("{} {:?}{}", column.name, column.kind, if column.personal { " personal" } else { "" }))
        .collect();
    let golden = include_str!("../../testdata/columns.txt");
    assert_eq!(names.join("\n"), golden.trim_end(), "columns are only appended, never moved, renamed or given another type");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), COUNT);
}

#[test]
fn every_member_of_an_event_is_a_column() {
    // What an event says as JSON is what it says after the way through the columns.
    let event = event(full(7)).unwrap();
    let told = serde_json::to_value(&event).unwrap();
    let back: EventV1<'_> = serde_json::from_value(told.clone()).unwrap();
    assert_eq!(serde_json::to_value(super::event(row(&back).map(|value| value.map(Value::into_owned))).unwrap()).unwrap(), told);
    let schema = crate::event_v1::schema();
    // That something was erased is said by what stands in place of the columns.
    for member in schema["properties"].as_object().unwrap().keys().filter(|member| *member != "erased") {
        assert!(told.get(member).is_some(), "{member} is no column");
    }
    for group in schema["$defs"].as_object().unwrap().values().filter_map(|def| def["properties"].as_object()) {
        for member in group.keys() {
            let found =
                told.as_object().unwrap().values().any(|value| value.get(member).is_some() || value["signals"][0].get(member).is_some());
            assert!(found, "{member} is no column");
        }
    }
}

#[test]
fn a_value_of_another_type_is_told() {
    let mut row = full(1);
    row[number("risk").unwrap()] = Some(Value::Int(256));
    assert_eq!(event(row).unwrap_err().to_string(), "column `risk` holds what it cannot hold");
    let mut row = full(1);
    row[number("kind").unwrap()] = Some(Value::Text("wish".into()));
    assert_eq!(event(row).unwrap_err().0, "kind");
}
