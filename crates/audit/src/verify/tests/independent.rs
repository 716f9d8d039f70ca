//! The script for those who want to believe nothing of ours: it and we find the same.

use super::{Sample, key, trusted};
use crate::{
    segment::hash_of,
    store::{Stub, tests::store},
    verify::{Disclosure, prove},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs it under a Python, and gives how it ended and what it said.
fn run(python: &Path, words: &[&str]) -> (Option<i32>, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/verify_events.py");
    let done = Command::new(python).arg("-B").arg(script).args(words).output().expect("python3 runs");
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn the_proof_of_an_event_is_checked_by_the_script() {
    let sample = Sample::new();
    let vkey = key().verifier().to_string();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("proof.json");
    let check = |json: &str| {
        fs::write(&file, json).unwrap();
        run(Path::new("python3"), &["proof", file.to_str().unwrap(), &vkey])
    };
    for (seq, disclosure) in [(1, Disclosure::Personal), (10, Disclosure::Personal), (47, Disclosure::Commitment)] {
        let proof = prove(sample.path(), &trusted(), seq, disclosure).unwrap();
        let json = serde_json::to_string_pretty(&proof).unwrap();
        let (code, said) = check(&json);
        assert_eq!(code, Some(0), "{said}");
        let shown: Vec<&str> = said.lines().collect();
        assert_eq!(shown[..2], [&*format!("event {seq} is in the log of 2 entries"), &*format!("  seq: {seq}")]);
        assert!(shown.contains(&&*format!("  identity: \"identity-{seq}\"")), "the record that is proven is shown: {said}");
        let address = format!("  source: \"192.0.2.{seq}\"");
        assert_eq!(shown.contains(&&*address), seq == 1, "what was disclosed of a person: {said}");
    }
    let mut proof = prove(sample.path(), &trusted(), 7, Disclosure::Personal).unwrap();
    proof.path.pop();
    let refused = "the proof does not show event 7 to be in its segment\n".to_owned();
    assert_eq!(check(&serde_json::to_string(&proof).unwrap()), (Some(3), refused));
    let mut proof = prove(sample.path(), &trusted(), 7, Disclosure::Personal).unwrap();
    proof.salt = Some("00".repeat(16));
    let refused = "what tells of a person is not what was committed to\n".to_owned();
    assert_eq!(check(&serde_json::to_string(&proof).unwrap()), (Some(3), refused));
}

/// Another reader of Parquet, which `./check` brings.
fn with_pyarrow() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/engines/bin/python");
    let there = Command::new(&python).args(["-c", "import pyarrow"]).status().is_ok_and(|status| status.success());
    assert!(there, "pyarrow is missing: ./check brings it");
    python
}

#[test]
fn segments_are_read_by_another_engine_and_hashed_by_the_script() {
    let python = with_pyarrow();
    let sample = Sample::new();
    let vkey = key().verifier().to_string();
    let check = || run(&python, &["segments", sample.path().to_str().unwrap(), &vkey]);
    assert_eq!(check(), (Some(0), "2 segments, 63 events\n".to_owned()));
    fs::copy(sample.segment(0), sample.segment(1)).unwrap();
    let (code, said) = check();
    assert_eq!(code, Some(3));
    assert!(said.contains("events-000000000041.parquet is not the file that the log names"), "{said}");
    assert!(said.contains("event 1 stands where 41 belongs"), "{said}");
}

#[test]
fn a_segment_that_lies_in_a_store_is_said_and_no_finding() {
    let python = with_pyarrow();
    let sample = Sample::new();
    let vkey = key().verifier().to_string();
    let check = || run(&python, &["segments", sample.path().to_str().unwrap(), &vkey]);
    let bytes = fs::read(sample.segment(0)).unwrap();
    let stub = store("http://127.0.0.1:9").stub(1, hash_of(&bytes), u64::try_from(bytes.len()).unwrap());
    stub.write(&Stub::path(&sample.segment(0))).unwrap();
    assert_eq!(check().0, Some(0), "both are there");
    fs::remove_file(sample.segment(0)).unwrap();
    let (code, said) = check();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("1 of 2 segments lie in a store"), "{said}");
    // Of another content, of another place, of nothing, and more than the log names.
    let other = Stub { sha256: hash_of(b"other"), ..stub.clone() };
    let elsewhere = Stub { key: stub.key.replace("000001", "000002"), ..stub.clone() };
    for made_up in [other, elsewhere] {
        made_up.write(&Stub::path(&sample.segment(0))).unwrap();
        let (code, said) = check();
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("events-000000000001.stored is not of the file that the log names"), "{said}");
    }
    fs::write(Stub::path(&sample.segment(0)), "[]").unwrap();
    assert_eq!(check().0, Some(3));
    stub.write(&Stub::path(&sample.segment(0))).unwrap();
    stub.write(&sample.path().join("segments/events-000000000007.stored")).unwrap();
    assert_eq!(check().0, Some(3));
}

#[test]
fn hostile_proofs_end_in_a_message() {
    let place = tempfile::tempdir().unwrap();
    let vkey = key().verifier().to_string();
    let sample = Sample::new();
    let whole = serde_json::to_value(prove(sample.path(), &trusted(), 7, Disclosure::Personal).unwrap()).unwrap();
    let mut hostile: Vec<Vec<u8>> =
        [&b""[..], b"[]", b"null", b"7", b"{}", b"\xff\xfe", b"{\"proof\":"].iter().map(|bytes| bytes.to_vec()).collect();
    hostile.push([b"[".repeat(100_000)].concat());
    for member in whole.as_object().unwrap().keys() {
        for value in
            [serde_json::json!(null), serde_json::json!([]), serde_json::json!(-1), serde_json::json!("\u{1b}[2J"), serde_json::json!("zz")]
        {
            let mut proof = whole.clone();
            proof[member] = value;
            hostile.push(serde_json::to_vec(&proof).unwrap());
        }
    }
    // All of them in one process.
    for (at, proof) in hostile.iter().enumerate() {
        fs::write(place.path().join(format!("{at}.json")), proof).unwrap();
    }
    let code = "
import sys
sys.path.insert(0, sys.argv[1])
import verify_events
for at in range(int(sys.argv[4])):
    print('-', verify_events.main(['proof', f'{sys.argv[2]}/{at}.json', sys.argv[3]]))
";
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts");
    let mut command = Command::new("python3");
    command.args(["-B", "-c", code]).args([&*scripts, place.path()]).args([&vkey, &hostile.len().to_string()]);
    let done = command.output().expect("python3 runs");
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    let told: Vec<&str> = said.split_inclusive("- 3\n").collect();
    assert_eq!(told.len(), hostile.len(), "{said}");
    for (proof, told) in hostile.iter().zip(told) {
        let has_message = told.len() > "- 3\n".len() && !told.contains("Traceback") && !told.contains('\u{1b}');
        assert!(has_message, "{}: {told}", String::from_utf8_lossy(proof));
    }
    let (code, said) = run(Path::new("python3"), &["proof", "/nowhere", &vkey]);
    assert_eq!((code, said.as_str()), (Some(1), "/nowhere cannot be read: No such file or directory\n"));
    assert_eq!(run(Path::new("python3"), &["proof", "/nowhere", "x"]).0, Some(2));
}

#[test]
fn it_knows_the_columns() {
    let code = "import sys; sys.path.insert(0, sys.argv[1]); import verify_events as v; print(*v.COLUMNS)";
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts");
    let done = Command::new("python3").args(["-B", "-c", code]).arg(scripts).output().expect("python3 runs");
    let names: Vec<&str> = crate::columns::COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), names.join(" "));
}
