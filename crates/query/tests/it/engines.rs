//! Other engines read the same segments and find the same.

use crate::log::Log;
use serde_json::Value;
use std::{path::Path, process::Command};

/// The Python that `./check` gives DuckDB and PyArrow.
const PYTHON: &str = "target/engines/bin/python";

#[test]
fn duckdb_and_pyarrow_give_equal_answers() {
    let python = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).canonicalize().unwrap().join(PYTHON);
    assert!(python.exists(), "`{PYTHON}` is not there: `./check` brings it");
    let log = Log::new("edge-1");
    log.seal(1..10_001);
    log.seal(10_001..10_501);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/engines.py");
    let output = Command::new(python).arg(script).arg(log.path().join("segments")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answers = answers.as_object().unwrap();
    assert!(answers.len() >= 12, "{}", answers.len());
    for (name, answer) in answers {
        let ours = log.ask(answer["sql"].as_str().unwrap());
        assert!(!ours.as_array().unwrap().is_empty(), "{name}");
        assert_eq!(ours, answer["duckdb"], "{name}, DuckDB");
        assert_eq!(ours, answer["pyarrow"], "{name}, PyArrow");
    }
}
