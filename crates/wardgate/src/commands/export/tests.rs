use super::{Files, file_name, is_plain, place, there};
use crate::commands::documents::{Declared, of_json};
use serde_json::json;
use std::{collections::BTreeMap, fs, path::Path};

#[test]
fn files_are_named_by_kind() {
    let names = ["Identity", "Api", "TrustSource"].map(|kind| file_name(kind, 1));
    assert_eq!(names, ["identities.yaml", "apis.yaml", "trustsources.yaml"]);
    assert_eq!(file_name("Identity", 3), "identities-3.yaml");
}

#[test]
fn only_names_that_an_export_writes_are_touched() {
    let plain = |name| is_plain(name);
    assert!(plain("identities.yaml") && plain("policies/guardrail:power.cedar"));
    assert!(!plain("../x.yaml") && !plain("/etc/passwd") && !plain("policies/../x") && !plain(".git") && !plain("") && !plain("a/b"));
}

/// Writes documents as an export does.
fn write(directory: &Path, documents: &[serde_json::Value]) -> Vec<String> {
    let before = there(directory).unwrap().unwrap();
    let beside = tempfile::tempdir_in(directory).unwrap();
    let mut files = Files { directory: beside.path().to_owned(), open: BTreeMap::new(), written: Vec::new(), documents: 0 };
    for document in documents {
        files.take(of_json(document).unwrap()).unwrap();
    }
    let (written, _) = files.end().unwrap();
    place(directory, beside.path(), &before, &written).unwrap();
    written
}

#[test]
fn what_is_written_reads_back_and_is_written_over() {
    let place = tempfile::tempdir().unwrap();
    let owner = json!({ "kind": "Owner", "name": "payments", "spec": { "accountable": "no", "teams": ["1e3", "# a"] } });
    let policy = json!({ "kind": "Policy", "name": "mine", "spec": { "cedar": "permit (principal, action, resource);\n" } });
    let hostile = json!({ "kind": "Policy", "name": "../mine", "spec": { "cedar": "permit (principal, action, resource);\n" } });
    assert_eq!(
        write(place.path(), &[owner.clone(), policy.clone(), hostile.clone()]),
        ["owners.yaml", "policies.yaml", "policies/mine.cedar"]
    );
    let read = Declared::read(&[place.path().to_owned()]).unwrap();
    let sorted = |mut documents: Vec<serde_json::Value>| {
        documents.sort_by_key(ToString::to_string);
        documents
    };
    let back = sorted(read.to_json().as_array().unwrap().clone());
    assert_eq!(back, sorted(vec![owner.clone(), policy, hostile]));

    assert_eq!(write(place.path(), &[owner]), ["owners.yaml"]);
    assert!(!place.path().join("policies/mine.cedar").exists(), "what is not declared any more is not left there");
    fs::remove_file(place.path().join(".wardgate-export")).unwrap();
    assert_eq!(there(place.path()).unwrap(), None, "somebody else's files");
}
