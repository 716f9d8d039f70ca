use super::document;
use crate::{call::testing::Fixture, operations};
use serde_json::Value;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/openapi-v1.json");

/// The document with its members by name, whatever order `serde_json` keeps in this build.
fn sorted() -> Value {
    let mut document = document().clone();
    document.sort_all_objects();
    document
}

#[test]
fn the_document_is_the_golden_one() {
    let made = serde_json::to_string_pretty(&sorted()).unwrap() + "\n";
    if std::env::var_os("WARDGATE_BLESS").is_some() {
        std::fs::write(GOLDEN, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(GOLDEN).unwrap(), made, "run with WARDGATE_BLESS=1, read the difference, commit it");
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_one() {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|v| walk(v, found));
            }
            Value::Array(items) => items.iter().for_each(|v| walk(v, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    walk(document, &mut found);
    assert!(found.len() > operations().count(), "one problem for each operation, and schemas");
    for reference in found {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        assert!(jsonschema::validator_for(&schema).is_ok(), "{name}");
    }
}

#[tokio::test]
async fn it_is_served() {
    let said = Fixture::new().await.ask("GET /api/v1/openapi.json as watcher").await;
    assert_eq!(said, format!("200 {}", sorted()));
}
