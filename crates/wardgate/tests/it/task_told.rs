//! What an operator is told of tasks that are over, and of tokens that were not given out.

use crate::{
    gate::until,
    http::{self, bearer},
    tasks::{Payer, escaped, place},
    upstream::Upstream,
};
use serde_json::{Value, json};

/// What was refused because its task is over says so, at once, and what to do.
#[test]
fn a_call_whose_task_is_over_is_explained() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let refused = |token: &str| {
        let answer = http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(token))], "");
        assert_eq!(answer.said(), "401 proof.invalid");
        // What was answered just now is on record.
        place.run(&gate, &["explain", &answer.id()], "").out
    };
    let first = payer.start(&json!({}));
    let token = payer.token(&first);
    assert_eq!(payer.end(&first, "complete").status, 200);
    let told = refused(&token);
    assert!(told.contains(&first) && told.contains("  completed 2") && told.contains("its task is over: start another"), "{told}");

    let second = payer.start(&json!({}));
    let (token, key) =
        (payer.token(&second), place.run(&gate, &["credential", "issue", "payer", "--task", &second, "--output", "json"], ""));
    let key: Value = serde_json::from_str(&key.out).unwrap();
    assert_eq!(place.run(&gate, &["contain", "task", &second], "").status, 0);
    for shown in [&*token, key["key"].as_str().unwrap()] {
        let told = refused(shown);
        assert!(
            told.contains(&second) && told.contains("  contained 2") && told.contains("its task is contained: start another"),
            "{told}"
        );
    }
    // A key of a task that is over is not live.
    let states = |state: &str| {
        let listed = place.run(&gate, &["credential", "list", "--identity", "payer", "--state", state, "--output", "json"], "").out;
        listed.matches(key["id"].as_str().unwrap()).count()
    };
    assert_eq!([states("live"), states("ended")], [1, 0]);
    assert_eq!(payer.end(&second, "fail").status, 200);
    assert_eq!([states("live"), states("ended")], [0, 1]);
    let rotated = place.run(&gate, &["credential", "rotate", key["id"].as_str().unwrap()], "");
    assert!(rotated.status != 0 && rotated.err.contains("has no task"), "{rotated:?}");

    // The newest stands last.
    let third = payer.start(&json!({}));
    let listed = place.run(&gate, &["task", "list", "--state", "all"], "").out;
    assert!(listed.lines().next().unwrap().contains("STARTED"), "{listed}");
    let at = |id: &str| listed.find(id).unwrap();
    assert!(at(&first) < at(&third) && at(&second) < at(&third), "{listed}");

    let none = place.run(&gate, &["explain", "019ab000-0000-7000-8000-000000000000"], "");
    assert!(none.status == 1 && none.err.contains("wardgate audit tail"), "{none:?}");
    let released = place.run(&gate, &["release", "task", &third], "");
    assert!(released.status == 1 && released.err.contains("wardgate contain --list"), "{released:?}");
}

/// What a task is for, and which task it is, stands in every event of it, from the first: also in those in which nothing is shown of it yet.
#[test]
fn the_timeline_of_a_task_begins_with_its_start_and_knows_its_tokens() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let task = payer.start(&json!({}));
    let token = payer.token(&task);
    assert_eq!(payer.call("GET /ledger/entries", &token), "200");
    let revoked = payer.oauth("revoke", &format!("token={token}"));
    assert_eq!(revoked.status, 200, "{revoked:?}");
    // Nothing is shown of another.
    let other = payer.start(&json!({}));
    let told = until("all of them to be on record", || {
        let subject = format!("task:{task}");
        let told = place.run(&gate, &["audit", "timeline", &subject, "--output", "json"], "").json();
        let events: Vec<Value> = told["entries"].as_array().unwrap().iter().map(|entry| entry["event"].clone()).collect();
        let requests: Vec<Value> = events.into_iter().filter(|event| event["kind"] == "request").collect();
        (requests.len() == 4).then_some(requests)
    });
    let operations: Vec<_> = told.iter().map(|event| event["operation"].as_str().unwrap().rsplit(' ').next().unwrap()).collect();
    assert_eq!(operations, ["/tasks", "/oauth/token", "/ledger/entries", "/oauth/revoke"], "{told:?}");
    for event in &told {
        assert_eq!((&event["task"], &event["purpose"]), (&json!(task), &json!({ "value": "settlement", "basis": "task" })), "{event}");
    }
    assert_ne!(task, other);
}

/// The grant says what a call is for where its caller does not: the upstream is told so, and the record.
#[test]
fn the_purpose_of_a_grant_is_recorded_as_the_upstream_is_told_it() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let answer = http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(payer.key()))], "");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(upstream.last().field("wardgate-purpose"), Some("settlement"));
    let told = place.run(&gate, &["explain", &answer.id(), "--output", "json"], "").json();
    assert_eq!(told["purpose"], json!({ "value": "settlement", "basis": "registered" }), "{told}");
}

const GUARDED: &str = "\
kind: Api
name: vault
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /vault }
  accept: [jwt, api_key]
  require: { read: { bound: true } }
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'GET /', class: read }]
---
kind: Api
name: shelf
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /shelf }
  accept: [jwt]
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'GET /', class: read }]
---
kind: Grant
name: clerk-opens
spec: { to: { identity: clerk }, api: vault, operations: [read] }
";

/// What the client is not told of an address that it may not call, the operator finds in the record.
#[test]
fn why_no_token_is_given_out_for_an_api_is_on_record() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    place.change("wardgate.yaml", "secrets:", "issuer: { url: 'http://gate.test' }\nsecrets:");
    place.write("resources/guarded.yaml", &GUARDED.replace("@UPSTREAM@", &upstream.url()));
    let gate = place.serve();
    let (payer, other) = (Payer::new(&place, &gate, "payer"), Payer::new(&place, &gate, "other"));
    let clerk = Payer::new(&place, &gate, "clerk");
    let of = |payer: &Payer<'_>, path: &str| {
        let answer = payer.asked(&format!("resource={}", escaped(&format!("http://gate.test/{path}"))));
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_target")), "{answer:?}");
        let told = place.run(&gate, &["explain", &answer.id()], "").out;
        let effect = told.lines().find_map(|line| line.split_once("refused target=")).map(|(_, why)| why.trim().to_owned());
        (effect.unwrap_or_else(|| panic!("{told}")), told)
    };
    let (why, told) = of(&payer, "nothing");
    assert!(why == "unknown" && told.contains("no API has that address"), "{told}");
    // What it says to look at is there, and has what is wanted.
    let says = http::ask(gate.public, "GET /.well-known/oauth-protected-resource/ledger", &[], "").json();
    assert!(
        told.contains("/.well-known/oauth-protected-resource") && says["resource"].as_str().unwrap().ends_with("://gate.test/ledger"),
        "{told} {says}"
    );
    let (why, told) = of(&other, "vault");
    assert!(why == "no_grant" && told.contains("declare a `Grant`"), "{told}");
    let (why, told) = of(&clerk, "vault");
    assert!(why == "unbound" && told.contains("wardgate token --proxy ADDRESS --bound"), "{told}");
    let (why, _) = of(&payer, "shelf");
    assert_eq!(why, "key_not_accepted");
}
