//! What an operator is told of tasks that are over, and of tokens that were not given out.

use crate::{
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
    let (why, told) = of(&other, "vault");
    assert!(why == "no_grant" && told.contains("declare a `Grant`"), "{told}");
    let (why, told) = of(&clerk, "vault");
    assert!(why == "unbound" && told.contains("wardgate token --bound"), "{told}");
    let (why, _) = of(&payer, "shelf");
    assert_eq!(why, "key_not_accepted");
}
