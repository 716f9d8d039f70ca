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
    process::Command,
};
use wardgate_testkit::{
    anchor::{AnchorServer, certify},
    bucket::Objects,
};

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
    let endpoint = objects.endpoint();
    let says = |file: &str, said: &str, own: &str| {
        format!(
            "elsewhere  `segments/{file}` names the bucket `{said}` at `{endpoint}`, and `audit.segments` names the bucket `{own}` at `{endpoint}`"
        )
    };
    assert!(told.contains(&says("events-000000000001.stored", "made-up", BUCKET)) && !told.contains("damaged"), "{told}");
    let told = verify(&["--output", "json"], 3).json();
    assert_eq!((&told["whole"], &told["findings"]), (&Value::Bool(false), &Value::Array(Vec::new())), "{told}");
    assert!(told["elsewhere"][0].as_str().unwrap().contains("made-up"), "{told}");
    fs::write(&stub, true_one).unwrap();

    // So is a configuration that names another store: once, whatever number of files there is, and what is damaged is told as that.
    place.change("wardgate.yaml", "bucket: evidence", "bucket: moved-to");
    let told = verify(&[], 3).out;
    assert!(told.contains("name the bucket `evidence` at") && told.contains("names the bucket `moved-to` at"), "{told}");
    assert!(told.matches("elsewhere  ").count() == 1 && !told.contains("damaged"), "{told}");
    let second = files(&place, "stored")[1].clone();
    let true_one = fs::read_to_string(&second).unwrap();
    fs::write(&second, "{").unwrap();
    let told = verify(&[], 3).out;
    assert!(told.contains("elsewhere  ") && told.contains("damaged  ") && told.contains("does not say where a segment lies"), "{told}");
    fs::write(&second, true_one).unwrap();
    place.change("wardgate.yaml", "bucket: moved-to", "bucket: evidence");
    verify(&[], 0);

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
    // What was sealed while the gate ended is put at its next start.
    until("all that is sealed in the store", || {
        let gate = place.serve();
        until("the rest in the store", || files(&place, "parquet").is_empty().then_some(()));
        assert_eq!(gate.end().0, Some(0));
        files(&place, "parquet").is_empty().then_some(())
    });
    // The disk is lost: what lies in the store, brought down as docs/evidence.md has it, is proven, and answers.
    let lost = place.path().join("lost");
    for name in objects.names(BUCKET).unwrap() {
        let file = lost.join(name.strip_prefix("gate-1/").unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, objects.get(BUCKET, &name).unwrap()).unwrap();
    }
    let put_right =
        "mkdir lost/segments && for f in lost/events-*.parquet; do n=${f##*/}; mv \"$f\" \"lost/segments/${n%-*}.parquet\"; done";
    assert!(Command::new("sh").args(["-c", put_right]).current_dir(place.path()).status().unwrap().success());
    let lost = ["audit", "verify", "--directory", "lost", "--key", &key];
    let told = wardgate(place.path(), &[&lost[..], &["--sealed", "--anchor", "elsewhere/checkpoints"]].concat()).with(0);
    assert!(told.out.contains("whole") && told.err.contains("a copy has no tail"), "{} {}", told.out, told.err);
    assert!(wardgate(place.path(), &lost).with(3).out.contains("`tail.note` is missing"));
    let timeline = ["audit", "timeline", &format!("request:{first}"), "--directory", "lost", "--output", "json"];
    assert_eq!(wardgate(place.path(), &timeline).with(0).json()["entries"].as_array().map(Vec::len), Some(1));

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

#[test]
fn a_log_is_held_against_what_a_url_has_kept() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let kept = place.path().join("keeper");
    fs::create_dir(&kept).unwrap();
    certify(&kept).unwrap();
    let server = AnchorServer::start(&kept, 0).unwrap();
    let url = format!("https://localhost:{}/gate-1", server.port());
    let audit = format!("audit:\n  seal: {{ events: 20 }}\n  anchor: [{{ url: \"{url}\", ca: file:keeper/certificate.pem }}]");
    place.change("wardgate.yaml", "resources: [resources/]", &format!("resources: [resources/]\n{audit}"));
    // Until there is another segment, and the checkpoint that names it is kept.
    let serve = || {
        let is_kept = || {
            let newest = fs::read(place.path().join("audit/log/checkpoint")).unwrap();
            fs::read(kept.join("kept")).is_ok_and(|kept| kept.ends_with(&newest))
        };
        let gate = place.serve();
        let key = bearer(&place.issue(&gate, "caller").1);
        let mut line = Line::open(gate.public);
        let sealed = || fs::read_dir(place.path().join("audit/segments")).unwrap().count();
        let before = sealed();
        until("another segment", || {
            line.ask("GET /shop/things", &[("Authorization", &key)], "");
            (sealed() > before && is_kept()).then_some(())
        });
        assert_eq!(gate.end().0, Some(0));
    };
    serve();
    let verify = |anchor: &str, status: i32| wardgate(place.path(), &["audit", "verify", "--anchor", anchor]).with(status);
    verify(&url, 0);
    let copy = place.path().join("copy");
    copied(&place.path().join("audit"), &copy);
    serve();
    verify(&url, 0);
    // Set back whole: of itself it is good, and who kept its checkpoints says that it is not.
    fs::remove_dir_all(place.path().join("audit")).unwrap();
    copied(&copy, &place.path().join("audit"));
    wardgate(place.path(), &["audit", "verify"]).with(0);
    let told = verify(&url, 3).out;
    assert!(told.contains("the log was set back"), "{told}");
    // What gives nothing proves nothing.
    let told = verify(&url.replace("gate-1", "gate-2"), 1).err;
    assert!(
        told.contains("cannot read the anchor") && told.contains("certificate"),
        "the authority is that of the URL that is named: {told}"
    );
    drop(server);
    let told = verify(&url, 1).err;
    assert!(told.contains(&format!("cannot read the anchor `{url}`")), "{told}");
    // Clear text to this machine only.
    fs::remove_file(kept.join("certificate.pem")).unwrap();
    let server = AnchorServer::start(&kept, 0).unwrap();
    let local = format!("http://127.0.0.1:{}", server.port());
    assert!(verify(&format!("{local}/gate-1"), 3).out.contains("the log was set back"));
    assert!(verify(&format!("{local}/gate-2"), 1).err.contains("it answered 404"));
    fs::write(kept.join("kept"), "not a note").unwrap();
    assert!(verify(&format!("{local}/gate-1"), 1).err.contains("holds no checkpoint of `wardgate/edge-1`"));
    let told = verify("http://192.0.2.7/gate-1", 2).err;
    assert!(told.contains("`http` is for this machine only"), "{told}");
}
