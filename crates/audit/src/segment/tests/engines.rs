//! Other engines read in a segment what was sealed in it, every column of every event.

use super::{EDGE, full, plausible, sealed_rows, set, text};
use crate::columns::{COLUMNS, Row, Value};
use serde_json::{Value as Json, json};
use std::{path::Path, process::Command};

fn json_of(row: &Row<'_>) -> Json {
    let cell = |value: &Option<Value<'_>>| match value {
        None => Json::Null,
        Some(Value::Int(number)) => json!(number),
        Some(Value::Bool(bool)) => json!(bool),
        Some(Value::Text(text)) => json!(text),
        Some(Value::Texts(texts)) => json!(texts),
    };
    row.iter().map(cell).collect()
}

#[test]
fn duckdb_and_pyarrow_read_what_was_sealed() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/engines/bin/python");
    assert!(python.exists(), "duckdb and pyarrow are missing: ./check brings them");
    // Two row groups; every column in some rows, most null in others.
    let everything = |seq| {
        let mut row = full(seq);
        set(&mut row, "edge", text(EDGE));
        row
    };
    let rows: Vec<Row<'static>> = (1..=10_000).map(|seq| if seq % 100 == 0 { everything(seq) } else { plausible(seq) }).collect();
    let expected: Json = rows.iter().map(json_of).collect();
    let (_directory, path, _) = sealed_rows(1, rows);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/rows.py");
    let output = Command::new(python).arg(script).arg(&path).args(COLUMNS.iter().map(|column| column.name)).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    for engine in ["duckdb", "pyarrow"] {
        let read = read[engine].as_array().expect("rows");
        assert_eq!(read.len(), 10_000, "{engine}");
        for (read, expected) in read.iter().zip(expected.as_array().expect("rows")) {
            assert_eq!(read, expected, "{engine}");
        }
    }
}
