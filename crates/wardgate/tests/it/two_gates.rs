//! Two processes on one PostgreSQL: what one is told, both obey; and both go on when the database is away.

use crate::{
    gate::{Gate, Place, until},
    http::{Answer, ask, bearer},
    process::wardgate,
    upstream::Upstream,
};
use serde_json::{Value, json};
use std::{fs, path::Path};
use wardgate_testkit::postgres::{Disk, Server};

fn on(database: &str, upstream: &Upstream) -> Place {
    let place = Place::shop(&upstream.url());
    place.change("wardgate.yaml", "secrets:", &format!("store: {{ url: '{database}' }}\nsecrets:"));
    place
}

fn call(gate: &Gate, key: &str) -> String {
    ask(gate.public, "GET /shop/things", &[("Authorization", &bearer(key))], "").said()
}

fn ready(gate: &Gate) -> String {
    ask(gate.admin, "GET /readyz", &[], "").body
}

fn contain(place: &Place, gate: &Gate, kind: &str, name: &str) -> Answer {
    place.manage(gate, "POST /api/v1/containments", &json!({ "kind": kind, "name": name, "reason": "leaked" }))
}

pub(crate) fn away(gate: &Gate) {
    until("the gate to say that the store is away", || ready(gate).contains("the store does not answer").then_some(()));
}

pub(crate) fn back(gate: &Gate) {
    until("the gate to be ready again", || (ready(gate) == "ready\n").then_some(()));
}

/// Waits until the last good state on disk has what was stopped last.
fn kept(place: &Path, name: &str) {
    let holds = |file: &str| fs::read_to_string(place.join("state").join(file)).is_ok_and(|text| text.contains(name));
    until("the last good state on disk", || (holds("wardgate.last") || holds("wardgate.last-stops")).then_some(()));
}

#[test]
fn what_one_is_told_both_obey_and_both_go_on_without_the_database() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let database = server.database().unwrap();
    let upstream = Upstream::plain();
    let (one_place, other_place) = (on(&database, &upstream), on(&database, &upstream));
    let (one, other) = (one_place.serve(), other_place.serve());

    let ((leaked, leaked_key), (_, key)) = (one_place.issue(&one, "caller"), one_place.issue(&one, "caller"));
    for key in [&leaked_key, &key] {
        assert_eq!(call(&one, key), "200");
        until("the other to know a key", || (call(&other, key) == "200").then_some(()));
    }

    let in_force = || [&one, &other].map(|gate| gate.metric("wardgate_revocation_lag_seconds_count").unwrap());
    let before = in_force();
    let stopped = contain(&one_place, &one, "credential", &leaked);
    assert_eq!(stopped.status, 200, "{stopped:?}");
    assert_ne!(call(&one, &leaked_key), "200", "the one who was told obeys at once");
    until("the other to obey", || (call(&other, &leaked_key) != "200").then_some(()));
    assert_eq!(call(&other, &key), "200", "nobody else is harmed");
    // Each says how long after the record it was in force there.
    until("both to count it", || (in_force() == before.map(|count| count + 1)).then_some(()));

    server.crash().unwrap();
    for gate in [&one, &other] {
        away(gate);
        // How soon it is known is for `wardgate::control::away` to say, which has the times.
        assert!(gate.metric("wardgate_store_stale_seconds").is_some());
        assert_eq!(gate.metric("wardgate_store_failing"), Some(1));
        assert_eq!(call(gate, &key), "200", "the last good state holds");
        assert_ne!(call(gate, &leaked_key), "200", "and so does what was stopped");
    }
    let refused = one_place.manage(&one, "POST /api/v1/credentials", &json!({ "identity": "caller" }));
    assert_eq!((refused.status, refused.json()["code"].as_str()), (503, Some("store.away")), "{refused:?}");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("the database") && detail.contains(", since 20"), "{detail}");

    server.start_again().unwrap();
    for gate in [&one, &other] {
        back(gate);
    }
    let contained = one_place.manage(&one, "GET /api/v1/containments", &Value::Null).json();
    assert_eq!(contained["items"][0]["name"], leaked.as_str(), "{contained}");
    let released = one_place.manage(&one, &format!("DELETE /api/v1/containments/credential/{leaked}?reason=mistake"), &Value::Null);
    assert_eq!(released.status, 202, "undoing it wants a second person: {released:?}");
    assert_ne!(call(&other, &leaked_key), "200");
}

#[test]
fn what_is_stopped_without_the_database_is_obeyed_outlives_a_restart_and_comes_on_record() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let database = server.database().unwrap();
    let upstream = Upstream::plain();
    let (one_place, other_place) = (on(&database, &upstream), on(&database, &upstream));
    let (one, other) = (one_place.serve(), other_place.serve());
    let ((first, first_key), (second, second_key)) = (one_place.issue(&one, "caller"), one_place.issue(&one, "caller"));
    until("the other to know the keys", || (call(&other, &second_key) == "200").then_some(()));
    one_place.token(&one);
    // What a restart needs; its seq is later than the keys'.
    kept(one_place.path(), &second);

    server.crash().unwrap();
    away(&one);
    let revoked = one_place.manage(&one, &format!("DELETE /api/v1/credentials/{first}?reason=leaked"), &Value::Null);
    assert_eq!((revoked.status, &revoked.json()["only_here"]["on_record"]), (200, &json!(false)), "{revoked:?}");
    assert_ne!(call(&one, &first_key), "200");
    assert_eq!(call(&one, &second_key), "200");
    let stopped = contain(&one_place, &one, "identity", "caller");
    assert_eq!(stopped.status, 200, "{stopped:?}");
    let only_here = &stopped.json()["only_here"];
    assert_eq!(only_here["outlives_restart"], true, "{stopped:?}");
    assert!(only_here["said"].as_str().unwrap().contains("other gates do not know it"), "{stopped:?}");
    assert_ne!(call(&one, &second_key), "200", "the next request is refused");
    assert_eq!(call(&other, &second_key), "200", "the other was not told");
    assert!(ready(&one).contains("other gates do not know it: 2"), "{}", ready(&one));
    assert_eq!(one.metric("wardgate_stops_unrecorded"), Some(2));

    // Restarted while the database is away: it starts from its last good state, and obeys what it was told.
    one.kill();
    let one = one_place.serve();
    assert!(ready(&one).contains("stale since 20") && ready(&one).contains("other gates do not know it: 2"), "{}", ready(&one));
    assert_ne!(call(&one, &second_key), "200");
    let whoami = one_place.manage(&one, "GET /api/v1/whoami", &Value::Null);
    assert_eq!(whoami.status, 200, "sessions are in it as well: {whoami:?}");

    server.start_again().unwrap();
    back(&one);
    until("the other to hear of it", || (call(&other, &second_key) != "200").then_some(()));
    assert_eq!(one.metric("wardgate_stops_unrecorded"), Some(0));
    let contained = one_place.manage(&one, "GET /api/v1/containments", &Value::Null).json();
    assert_eq!((&contained["items"][0]["name"], &contained["items"][0]["reason"]), (&json!("caller"), &json!("leaked")), "{contained}");
    let found = one_place.manage(&one, "GET /api/v1/credentials?state=revoked", &Value::Null).json();
    assert!(found["items"].as_array().unwrap().iter().any(|one| one["id"] == first.as_str()), "{found}");
    assert!(!one_place.path().join("state/wardgate.stops").exists(), "the journal is empty");
}

#[test]
fn a_gate_starts_from_its_last_good_state_and_from_nothing_that_was_edited() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let place = on(&server.database().unwrap(), &Upstream::plain());
    let upstream = Upstream::plain();
    place.change("resources/shop.yaml", "  match: { path_prefix: /shop }", "  match: { path_prefix: /shop }\n  stale: { after: 5s }");
    let text = fs::read_to_string(place.path().join("resources/shop.yaml")).unwrap();
    let from = text.lines().find(|line| line.contains("urls:")).unwrap().to_owned();
    place.change("resources/shop.yaml", &from, &format!("  upstream: {{ urls: ['{}'] }}", upstream.url()));
    let gate = place.serve();
    let ((_, key), (ended, ended_key)) = (place.issue(&gate, "caller"), place.issue(&gate, "caller"));
    place.revoke(&gate, &ended);
    assert_eq!(call(&gate, &key), "200");
    kept(place.path(), &ended);
    gate.kill();
    server.crash().unwrap();

    let state = place.path().join("state/wardgate.last");
    let good = fs::read_to_string(&state).unwrap();
    fs::write(&state, good.replace("keeps things in step", "does other things")).unwrap();
    let refused = wardgate(place.path(), &["serve"]);
    assert!(refused.status != 0 && refused.err.contains("was not written under this master key"), "{refused:?}");
    fs::write(&state, &good).unwrap();

    // What is wrong in files now is no matter before the store is back, and then the old state stays.
    place.write("resources/wrong.yaml", "kind: Nonsense\n");
    let gate = place.serve();
    assert!(ready(&gate).contains("stale since 20"), "{}", ready(&gate));
    assert_eq!(gate.metric("wardgate_store_failing"), Some(1));
    assert_ne!(call(&gate, &ended_key), "200", "what was ended stays so");
    until("an API that bears no old state to refuse", || call(&gate, &key).contains("route.stale").then_some(()));

    server.start_again().unwrap();
    back(&gate);
    gate.heard("the files were not taken");
    assert_eq!(call(&gate, &key), "200", "it hears again");
    assert_ne!(call(&gate, &ended_key), "200");
    let zone = json!({ "spec": { "networks": ["198.51.100.0/24"] } });
    let changed = place.manage(&gate, "PUT /api/v1/resources/Zone/office", &zone);
    assert!((200..300).contains(&changed.status), "{changed:?}");
    assert_eq!(call(&gate, &key), "200", "what stood in files is still there");

    drop(gate);
    server.crash().unwrap();
    fs::remove_file(&state).unwrap();
    let refused = wardgate(place.path(), &["serve"]);
    assert!(refused.status != 0 && refused.err.contains("there is no last good state"), "{refused:?}");
}

const STAGING: &str = "\
kind: Environment
name: staging
spec: { production: false }
---
kind: Api
name: yard
spec:
  policy_owner: shop-team
  environment: staging
  match: { path_prefix: /yard }
  upstream: { urls: ['http://127.0.0.1:9'] }
  operations: [{ match: 'GET /things', class: list }]
";

#[test]
fn a_rehearsal_is_taught_to_both_and_both_forget_it_when_it_is_over() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let database = server.database().unwrap();
    let upstream = Upstream::plain();
    let (one_place, other_place) = (on(&database, &upstream), on(&database, &upstream));
    for place in [&one_place, &other_place] {
        place.write("resources/staging.yaml", STAGING);
    }
    let (one, other) = (one_place.serve(), other_place.serve());
    let watched = |gate: &Gate| gate.metric("wardgate_profiles").unwrap();
    let put = |what: &str, spec: Value| {
        let answer = one_place.manage(&one, &format!("PUT /api/v1/resources/{what}"), &json!({ "spec": spec }));
        assert_eq!(answer.status, 201, "{answer:?}");
    };
    let habit = json!({ "operation": "yard GET /yard/things", "per_hour": 2, "from": "127.0.0.1" });
    let until_then = wardgate_model::time::Time::from_micros(wardgate::clock::now().as_micros() + 600_000_000).to_rfc3339();
    put(
        "identity/drill-a",
        json!({ "type": "bot", "owner": "shop-team", "environment": "staging", "purpose": "a rehearsal", "until": until_then }),
    );
    put("grant/drill-a", json!({ "to": { "identity": "drill-a" }, "api": "yard", "operations": ["list"] }));
    // Whoever asks is watched, too.
    let before = [watched(&one), watched(&other)];
    let begun = json!({ "identity": "drill-a", "for": "20m", "taught": { "days": 2, "habits": [habit] } });
    let begun = one_place.manage(&one, "POST /api/v1/rehearsals", &begun);
    assert_eq!(begun.status, 201, "{begun:?}");
    assert_eq!(watched(&one), before[0] + 1, "the one that was asked has taught itself");
    until("the other to be taught", || (watched(&other) == before[1] + 1).then_some(()));
    let ended = one_place.manage(&one, "DELETE /api/v1/rehearsals/drill-a?reason=over", &Value::Null);
    assert_eq!(ended.status, 200, "{ended:?}");
    for (gate, before) in [&one, &other].into_iter().zip(before) {
        until("it to be forgotten", || (watched(gate) == before).then_some(()));
    }
}
