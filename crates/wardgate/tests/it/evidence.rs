//! The event log of a gate: sealed, looked over, proven and tampered with.

use crate::{
    gate::{Place, until},
    http::{Line, bearer},
    process::wardgate,
    upstream::Upstream,
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) const VERIFY: [&str; 4] = ["audit", "verify", "--output", "json"];

pub(crate) fn sealing(place: &Place, events: u32) {
    place.change(
        "wardgate.yaml",
        "resources: [resources/]",
        &format!("resources: [resources/]\naudit: {{ seal: {{ events: {events} }} }}"),
    );
}

/// What `verify` says once all that is there is signed.
fn whole(place: &Place) -> Value {
    until("a log that is signed to its end", || {
        let said = wardgate(place.path(), &VERIFY).with(0).json();
        (said["events"]["unsigned"] == 0).then_some(said)
    })
}

fn segments(place: &Place) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(place.path().join("audit/segments")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_is_changed_in_a_sealed_segment_is_found_and_what_is_whole_is_proven_by_other_means() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    sealing(&place, 20);
    let gate = place.serve();
    let key = bearer(&place.issue(&gate, "caller").1);
    let mut line = Line::open(gate.public);
    let first = line.ask("GET /shop/things/1", &[("Authorization", &key)], "").id();
    until("two sealed segments", || {
        line.ask("GET /shop/things", &[("Authorization", &key)], "");
        (segments(&place).len() >= 2).then_some(())
    });
    let said = whole(&place);
    assert_eq!(said["whole"], true);
    assert!(said["segments"].as_u64().unwrap() >= 2, "{said}");
    assert_eq!(gate.end().0, Some(0));

    // The proof of one event, checked by a script that shares nothing with us.
    let vkey = wardgate(place.path(), &["audit", "key"]).with(0).out.trim().to_owned();
    let proof = wardgate(place.path(), &["audit", "prove", &first]).with(0);
    fs::write(place.path().join("proof.json"), &proof.out).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/verify_events.py");
    let checked = |file: &str| {
        let arguments = ["-B", script.to_str().unwrap(), "proof", file, &vkey];
        Command::new("python3").args(arguments).current_dir(place.path()).output().unwrap()
    };
    let shown = checked("proof.json");
    assert!(shown.status.success(), "{shown:?}");
    let mut forged = proof.json();
    let public = forged["public"].as_str().unwrap().to_owned();
    let end = if public.ends_with('0') { "1" } else { "0" };
    forged["public"] = format!("{}{end}", &public[..public.len() - 1]).into();
    fs::write(place.path().join("forged.json"), forged.to_string()).unwrap();
    assert!(!checked("forged.json").status.success());

    // A checkpoint that was kept elsewhere.
    let remember = |status| wardgate(place.path(), &["audit", "verify", "--remember", "elsewhere.checkpoint"]).with(status);
    remember(0);
    remember(0);

    // What tells of a person goes, and the log is whole all the same.
    let address = |event: &Value| event["source"]["address"].is_string();
    assert!(place.events().iter().filter(|event| address(event)).count() > 20);
    wardgate(place.path(), &["audit", "erase", "127.0.0.1", "--reason", "asked for"]).with(2);
    let erased = wardgate(place.path(), &["audit", "erase", "source:127.0.0.1", "--reason", "asked for"]).with(0);
    assert!(erased.err.contains("left as they were, as traces of whoever asked"), "{erased:?}");
    let left = place.events();
    let own = |event: &Value| event["identity"]["id"] == "wardgate-operator";
    assert!(!left.iter().any(|event| address(event) && !own(event)), "nothing is left of the address");
    assert!(left.iter().any(|event| address(event) && own(event)), "nobody takes away traces of its own");
    assert!(left.iter().any(|event| event["identity"]["id"] == "caller"));
    remember(0);

    let exported = wardgate(place.path(), &["audit", "export"]).with(0);
    assert_eq!(exported.out.lines().count(), place.events().len());

    let file = segments(&place)[0].clone();
    let bytes = fs::read(&file).unwrap();
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x10;
    fs::write(&file, &changed).unwrap();
    let told = wardgate(place.path(), &["audit", "verify"]).with(3);
    assert!(told.out.contains("events-000000000001.parquet"), "{told:?}");
    fs::write(&file, &bytes).unwrap();
    remember(0);
    fs::remove_file(&file).unwrap();
    let told = wardgate(place.path(), &VERIFY).with(3).json();
    assert!(told["findings"][0].as_str().unwrap().contains("events-000000000001.parquet"), "{told}");
}

/// Who looks at what came last is told that something of it could not be read, also by the gate.
#[test]
fn a_record_that_cannot_be_read_is_told_to_who_looks_at_what_came_last() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    let key = bearer(&place.issue(&gate, "caller").1);
    Line::open(gate.public).ask("GET /shop/things/4711", &[("Authorization", &key)], "");
    until("the event", || place.events().iter().any(|event| event["path"] == "/shop/things/4711").then_some(()));
    let listed = || place.manage(&gate, "GET /api/v1/events?limit=200", &Value::Null).json();
    let all = wardgate(place.path(), &["audit", "tail", "--offline", "--all", "-n", "200"]).with(0);
    assert!(listed().get("unreadable").is_none() && !all.err.contains("could not be read"), "{all:?}");

    let tail = place.path().join("audit/tail-000000000001.wgl");
    let bytes = fs::read(&tail).unwrap();
    let at = bytes.windows(19).position(|piece| piece.ends_with(b"/things/4711")).expect("its path") + 18;
    fs::OpenOptions::new().write(true).open(&tail).unwrap().write_all_at(&[bytes[at] ^ 1], at as u64).unwrap();
    assert_eq!(listed()["unreadable"], 1);
    let said = wardgate(place.path(), &["audit", "tail", "--offline", "--all", "-n", "200"]).with(0);
    assert!(said.err.contains("1 record or segment could not be read: `wardgate audit verify` says which it is"), "{said:?}");
    let asked = place.run(&gate, &["audit", "tail", "--all", "-n", "200"], "").with(0);
    assert!(asked.err.contains("1 record or segment could not be read"), "{asked:?}");
}

#[test]
fn a_gate_that_serves_erases_what_tells_of_a_person_and_goes_on() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    sealing(&place, 20);
    let gate = place.serve();
    let (credential, key) = place.issue(&gate, "caller");
    let key = bearer(&key);
    let mut line = Line::open(gate.public);
    until("a sealed segment", || {
        line.ask("GET /shop/things/1", &[("Authorization", &key)], "");
        (!segments(&place).is_empty()).then_some(())
    });
    let address = |event: &Value| event["source"]["address"].is_string();
    let before = place.events();
    assert!(before.iter().any(address));
    let last = before.last().unwrap()["seq"].as_u64().unwrap();

    // Whoever serves from the directory does it; nobody does it without saying what, and why.
    let erase = |subject: &str| place.run(&gate, &["audit", "erase", subject, "--reason", "asked for"], "");
    erase("127.0.0.1").with(2);
    let erased = erase("source:127.0.0.1").with(0);
    assert!(erased.out.contains("what may tell of a person is gone from"), "{erased:?}");
    assert!(erased.err.contains("left as they were, as traces of whoever asked"), "{erased:?}");
    let own = place.manage(
        &gate,
        "POST /api/v1/audit/erasures",
        &serde_json::json!({ "subject": "identity:wardgate-operator", "reason": "asked for" }),
    );
    assert_eq!(own.said(), "403 console.undecidable", "{own:?}");
    let silent = place.manage(&gate, "POST /api/v1/audit/erasures", &serde_json::json!({ "subject": "source:127.0.0.1", "reason": "" }));
    assert_eq!(silent.status, 422, "{silent:?}");
    let after = place.events();
    let erased = after.iter().filter(|event| event["seq"].as_u64().unwrap() <= last);
    let erased = erased.filter(|event| address(event) && event["identity"]["id"] != "wardgate-operator");
    assert_eq!(erased.count(), 0, "what was recorded before is erased, also what was in the tail");
    let asked =
        place.events().into_iter().find(|event| event["change"]["kind"] == "erasure").expect("who asked is on record before anything goes");
    assert_eq!((&asked["change"]["what"], &asked["change"]["actor"]), (&"ask".into(), &"wardgate-operator".into()));
    let told = until("that it is recorded", || place.events().into_iter().find(|event| event["change"]["what"] == "erase"));
    assert_eq!((&told["change"]["reason"], &told["change"]["kind"]), (&"asked for".into(), &"event".into()));

    // Who asks over the API is told where it can be seen how far it is.
    let asked = place.manage(
        &gate,
        "POST /api/v1/audit/erasures",
        &serde_json::json!({ "subject": "request:0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de", "reason": "asked for" }),
    );
    assert_eq!(asked.status, 202, "{asked:?}");
    let at = format!("GET /api/v1/audit/erasures/{}", asked.json()["id"].as_str().unwrap());
    let over = until("its end", || Some(place.manage(&gate, &at, &Value::Null).json()).filter(|view| view["state"] != "running"));
    assert_eq!((&over["state"], &over["events"], &over["outstanding"]), (&"done".into(), &0.into(), &0.into()), "{over}");
    assert_eq!(place.manage(&gate, "GET /api/v1/audit/erasures/00", &Value::Null).status, 404);
    let nothing = erase("request:0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de").with(0);
    assert!(nothing.err.contains("nothing matched `request:0197c5b2"), "{nothing:?}");

    // It goes on serving and recording, and the log is whole.
    line.ask("GET /shop/things/2", &[("Authorization", &key)], "");
    until("an event that came later", || place.events().iter().any(|event| event["path"] == "/shop/things/2").then_some(()));
    assert_eq!(whole(&place)["whole"], true);

    // What was done to the identity's credential is the identity's story too.
    place.revoke(&gate, &credential);
    until("the change in the log", || {
        let found = wardgate(place.path(), &["audit", "timeline", "identity:caller", "--output", "json"]).with(0).json();
        let revoked = |entry: &Value| entry["event"]["change"]["what"] == "revoke" && entry["event"]["change"]["of"][0] == "caller";
        found["entries"].as_array().unwrap().iter().any(revoked).then_some(())
    });
    wardgate(place.path(), &["audit", "timeline", "identity:caller", "--from", "2030-01-02", "--to", "2030-01-01"]).with(2);

    // What somebody changed is never signed: the rest is erased, and it is no success.
    let file = segments(&place)[0].clone();
    let bytes = fs::read(&file).unwrap();
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x10;
    fs::write(&file, &changed).unwrap();
    let failed = erase("identity:caller").with(1);
    assert!(failed.err.contains("error: not all was erased: ") && failed.err.contains(".parquet"), "{failed:?}");
    fs::write(&file, &bytes).unwrap();
    assert_eq!(gate.end().0, Some(0));

    // Who only looks leaves no trace.
    let lines = place.events().len();
    let shown = wardgate(place.path(), &["audit", "tail", "--offline", "-n", "500", "--all", "-o", "json"]).with(0);
    assert_eq!(shown.out.lines().count(), lines);
    assert_eq!(place.events().len(), lines, "to look at the log writes nothing");
}

#[test]
fn a_segment_that_is_gone_is_said_by_who_reads_the_log() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    sealing(&place, 10);
    let gate = place.serve();
    let key = bearer(&place.issue(&gate, "caller").1);
    let mut line = Line::open(gate.public);
    until("three sealed segments", || {
        line.ask("GET /shop/things", &[("Authorization", &key)], "");
        (segments(&place).len() >= 3).then_some(())
    });
    assert_eq!(gate.end().0, Some(0));
    let (second, third) = (segments(&place)[1].clone(), segments(&place)[2].clone());
    let first_of = |file: &Path| -> u64 { file.file_stem().unwrap().to_str().unwrap()["events-".len()..].parse().unwrap() };
    let (first, last) = (first_of(&second), first_of(&third) - 1);
    fs::remove_file(&second).unwrap();
    let said = format!("left out: events {first}\u{2013}{last}");
    let timeline = |form: &str| wardgate(place.path(), &["audit", "timeline", "identity:caller", "--output", form]).with(1);
    assert!(timeline("table").err.contains(&said), "{:?}", timeline("table"));
    assert!(timeline("html").out.contains(&said));
    let gap = &timeline("json").json()["left_out"][0];
    assert_eq!((&gap["edge"], &gap["first"], &gap["last"]), (&"edge-1".into(), &first.into(), &last.into()));
    let exported = wardgate(place.path(), &["audit", "export"]).with(1);
    assert!(exported.err.contains(&said), "{exported:?}");
}

#[test]
fn a_gate_has_the_name_that_it_is_given_and_its_log_keeps_it() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    place.change("wardgate.yaml", "edge: { threads: 2", "edge: { name: west, threads: 2");
    let gate = place.serve();
    let key = bearer(&place.issue(&gate, "caller").1);
    Line::open(gate.public).ask("GET /shop/things", &[("Authorization", &key)], "");
    until("events", || place.events().iter().any(|event| event["kind"] == "request" && event["edge"] == "west").then_some(()));
    assert_eq!(gate.end().0, Some(0));
    assert!(wardgate(place.path(), &["audit", "key"]).with(0).out.starts_with("wardgate/west+"));
    assert_eq!(whole(&place)["checkpoint"]["origin"], "wardgate/west");
    // What is not sealed yet has no proof, and it is said when it will.
    let early = wardgate(place.path(), &["audit", "prove", "1"]).with(1);
    assert!(early.err.contains("error: event 1 is not sealed yet") && early.err.contains("at the latest, or 13"), "{early:?}");
    let refused = wardgate(place.path(), &["audit", "query", "--directory", "audit", "--timeout", "1ms", "SELECT 1"]).with(2);
    assert!(refused.err.contains("`1ms` for --timeout: time is bounded in whole seconds"), "{refused:?}");
    let nobody = wardgate(place.path(), &["audit", "tail"]).with(1);
    assert!(nobody.err.contains("without a gate, `--offline` reads the log"), "{nobody:?}");

    // Another name is no damage; a log that only says that it is another's is.
    place.change("wardgate.yaml", "name: west", "name: east");
    let other = wardgate(place.path(), &["audit", "verify"]).with(1);
    assert!(other.err.contains("is the event log of the edge `west`, and") && other.err.contains("calls this one `east`"), "{other:?}");
    let checkpoint = place.path().join("audit/log/checkpoint");
    let true_one = fs::read_to_string(&checkpoint).unwrap();
    fs::write(&checkpoint, true_one.replace("wardgate/west", "wardgate/north")).unwrap();
    wardgate(place.path(), &["audit", "verify"]).with(3);
    fs::write(&checkpoint, true_one).unwrap();
    let refused = wardgate(place.path(), &["serve"]).with(1);
    assert!(refused.err.contains("the event log of the edge `west`, and this one is called `east`"), "{refused:?}");
}
