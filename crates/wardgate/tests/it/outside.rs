//! Evidence elsewhere: segments in an object store, checkpoints with an anchor.

use crate::{
    gate::{Gate, Place, until},
    http::{Line, bearer},
    process::{wardgate, wardgate_with},
    upstream::Upstream,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};
use wardgate_testkit::bucket::Objects;

const BUCKET: &str = "evidence";
const SECRET: &str = "s3cret-of-the-bucket";

fn configured(place: &Place, objects: &Objects) {
    place.write("bucket.key", &format!("{SECRET}\n"));
    let (endpoint, key) = (objects.endpoint(), "access_key: AKIDEXAMPLE, secret_key: file:bucket.key");
    let audit = format!(
        "audit:\n  seal: {{ events: 20 }}\n  anchor: [{{ file: elsewhere/checkpoints }}]\n  segments:\n    s3: {{ endpoint: \"{endpoint}\", bucket: {BUCKET}, prefix: gate-1/, {key} }}\n    local: 1ms"
    );
    fs::create_dir(place.path().join("elsewhere")).unwrap();
    place.change("wardgate.yaml", "resources: [resources/]", &format!("resources: [resources/]\n{audit}"));
}

/// The files of segments, by the end of their names.
fn files(place: &Place, end: &str) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(place.path().join("audit/segments")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).filter(|path| path.extension().unwrap() == end).collect();
    files.sort();
    files
}

/// Calls until so many segments lie in the store alone. Gives the id of the first request.
fn called(place: &Place, gate: &Gate, segments: usize) -> String {
    let key = bearer(&place.issue(gate, "caller").1);
    let mut line = Line::open(gate.public);
    let first = line.ask("GET /shop/things/1", &[("Authorization", &key)], "").id();
    until("segments in the store", || {
        line.ask("GET /shop/things", &[("Authorization", &key)], "");
        (files(place, "stored").len() >= segments && files(place, "parquet").is_empty()).then_some(())
    });
    first
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn segments_in_a_store_are_read_where_they_lie_and_an_anchor_knows_a_log_that_was_set_back() {
    let (upstream, objects) = (Upstream::plain(), Objects::start(0, BUCKET).unwrap());
    let place = Place::shop(&upstream.url());
    configured(&place, &objects);
    let gate = place.serve();
    let first = called(&place, &gate, 2);
    // By the gate.
    let subject = place.manage(&gate, &format!("GET /api/v1/timeline?subject=request:{first}"), &Value::Null);
    assert_eq!(subject.json()["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(gate.end().0, Some(0));
    // By whoever has the configuration.
    let verify = |more: &[&str], status: i32| wardgate(place.path(), &[&["audit", "verify"], more].concat()).with(status);
    verify(&["--anchor", "elsewhere/checkpoints"], 0);
    let proof = wardgate(place.path(), &["audit", "prove", &first]).with(0).json();
    assert_eq!(proof["proof"], "wardgate-event-proof/1");
    let timeline = wardgate(place.path(), &["audit", "timeline", &format!("request:{first}"), "--output", "json"]).with(0).json();
    assert_eq!(timeline["entries"].as_array().map(Vec::len), Some(1));
    let exported = wardgate(place.path(), &["audit", "export"]).with(0).out;
    let numbers: Vec<u64> = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    // By whoever has the directory and a key of the store.
    let key = wardgate(place.path(), &["audit", "key"]).with(0).out.trim().to_owned();
    let copy = place.path().join("copy");
    copied(&place.path().join("audit"), &copy);
    let elsewhere = ["audit", "verify", "--directory", "copy", "--key", &key];
    let by_configuration = ["audit", "verify", "--directory", "audit", "--key", &key];
    wardgate(place.path(), &by_configuration).with(0);
    let told = wardgate_with(place.path(), &elsewhere, &[], "").with(1).err;
    assert!(told.contains("s3://evidence/gate-1/events-000000000001-") && told.contains("AWS_ACCESS_KEY_ID"), "{told}");
    let endpoint = objects.endpoint();
    let lent = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_ENDPOINT_URL_S3", &*endpoint)];
    wardgate_with(place.path(), &elsewhere, &lent, "").with(0);
    let told = wardgate_with(place.path(), &elsewhere, &lent[..2], "").with(1).err;
    assert!(told.contains("set AWS_ENDPOINT_URL_S3"), "a file alone decides nothing: {told}");
    // Nothing secret is in the directory, and nothing is said of it.
    for stub in files(&place, "stored") {
        assert!(!fs::read_to_string(stub).unwrap().contains("s3cret"));
    }
    assert!(!wardgate(place.path(), &["config", "show"]).with(0).out.contains(SECRET));

    // A file that leads to another store is not believed, and named.
    let stub = files(&place, "stored")[0].clone();
    let true_one = fs::read_to_string(&stub).unwrap();
    fs::write(&stub, true_one.replace("\"evidence\"", "\"made-up\"")).unwrap();
    let told = verify(&[], 3).out;
    assert!(
        told.contains("events-000000000001.parquet") && told.contains("in the bucket `made-up`, and the store of this log is"),
        "{told}"
    );
    fs::write(&stub, true_one).unwrap();

    // What is done to an object is found by name.
    let name = objects.names(BUCKET).unwrap()[0].clone();
    let bytes = objects.get(BUCKET, &name).unwrap();
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    objects.put(BUCKET, &name, &changed).unwrap();
    let told = verify(&[], 3).out;
    assert!(told.contains("events-000000000001.parquet") && told.contains(&format!("s3://evidence/{name}")), "{told}");
    objects.delete(BUCKET, &name).unwrap();
    assert!(verify(&[], 3).out.contains("is not there"));
    objects.put(BUCKET, &name, &bytes).unwrap();
    verify(&[], 0);

    // The log goes on; then all of its files are put back from the copy. The key is right, and of itself it is whole.
    let gate = place.serve();
    called(&place, &gate, files(&place, "stored").len() + 1);
    assert_eq!(gate.end().0, Some(0));
    verify(&["--anchor", "elsewhere/checkpoints"], 0);
    fs::remove_dir_all(place.path().join("audit")).unwrap();
    copied(&copy, &place.path().join("audit"));
    verify(&[], 0);
    let told = verify(&["--anchor", "elsewhere/checkpoints"], 3).out;
    assert!(told.contains("the log was set back"), "{told}");
    // An anchor that knows nothing of this log is no proof of anything.
    place.write("elsewhere/empty", "");
    verify(&["--anchor", "elsewhere/empty"], 1);
    verify(&["--anchor", "elsewhere/missing"], 1);

    // A store that is away is no finding.
    drop(objects);
    let told = verify(&[], 1).err;
    assert!(told.contains("cannot be reached"), "{told}");
}
