//! What bound tokens become: of those who act with them, of jobs, and beside what an upstream says itself.

use crate::{
    delegation::{self, CLIENT, EXCHANGE, KIND, NAMES, resource, swap},
    gate::Place,
    http::Answer,
    possession::{TOKENS, call, proof, with},
    token_world::{ASSERTION, GRANT, ISSUER, assertion, claims, made, now, post, said, token, world_at},
    upstream::{Play, Upstream},
};
use serde_json::{Value, json};
use wardgate_proof::{jose::algorithm::Algorithm, jws::Signer};

/// Asks for a token in the two steps of a library: `ask` sends the form with one proof.
fn in_two_steps(key: &Signer, ask: impl Fn(&str) -> Answer) -> Answer {
    let first = ask(&proof(key, TOKENS, &json!({})));
    assert_eq!(said(&first), "400 use_dpop_nonce", "{first:?}");
    ask(&proof(key, TOKENS, &json!({ "nonce": first.field("dpop-nonce").unwrap() })))
}

impl delegation::World {
    fn proven(&self, client: &str, key: &Signer, form: &str) -> Answer {
        let own = &self.keys[NAMES.iter().position(|name| *name == client).unwrap()];
        in_two_steps(key, |proof| {
            let shown = assertion(own, client, &json!({}));
            post(&self.gate, "token", &[("DPoP", proof)], &format!("{form}&client_assertion_type={ASSERTION}&client_assertion={shown}"))
        })
    }
}

/// STANDARDS §1.8: sender binding is re-bound to the caller's key, never dropped.
#[test]
fn what_comes_of_a_bound_token_is_bound_to_the_key_of_who_acts() {
    let (world, (_, of_checkout), (_, of_orders)) = (delegation::world(), made(Algorithm::Es256), made(Algorithm::Ed25519));
    let first = token(&world.proven("checkout", &of_checkout, &format!("{CLIENT}{}", resource("orders"))));
    let form = swap(&first, &resource("ledger"));
    assert_eq!(said(&world.by("orders", "token", &form)), "400 invalid_request", "without a key of its own there is none");
    let answer = world.proven("orders", &of_orders, &form);
    let second = token(&answer);
    assert_eq!((&answer.json()["token_type"], &claims(&second)["cnf"]), (&json!("DPoP"), &json!({ "jkt": of_orders.kid() })));
    assert_eq!((&claims(&second)["sub"], &claims(&second)["act"]), (&json!("checkout"), &json!({ "sub": "orders" })));
    let shown = |token: &str, key: &Signer| {
        call(&world.gate, "GET /ledger/all", token, &[&with(key, "GET https://gate.test/ledger/all", token, &json!({}))]).said()
    };
    assert_eq!((&*shown(&second, &of_orders), &*shown(&second, &of_checkout)), ("200", "401 proof.invalid"));
    let as_bearers = crate::http::ask(world.gate.public, "GET /ledger/all", &[("Authorization", &format!("Bearer {second}"))], "");
    assert_eq!(as_bearers.said(), "401 proof.invalid");
    // A job that shows a key gets a token that is bound to it.
    let job = json!({ "iss": "https://forge.test", "sub": "nightly-job", "aud": ISSUER, "iat": now() - 5, "exp": now() + 200 });
    let form =
        format!("{EXCHANGE}&subject_token_type={KIND}jwt&subject_token={}{}", world.forge.sign("JWT", &job).unwrap(), resource("ledger"));
    let answer = in_two_steps(&of_orders, |proof| post(&world.gate, "token", &[("DPoP", proof)], &form));
    let by_job = token(&answer);
    assert_eq!((&answer.json()["token_type"], &claims(&by_job)["cnf"]), (&json!("DPoP"), &json!({ "jkt": of_orders.kid() })));
    assert_eq!((&*shown(&by_job, &of_orders), &*shown(&by_job, &of_checkout)), ("200", "401 proof.invalid"));
}

const BEHIND: &str = "\
kind: Api
name: behind
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /behind }
  accept: [jwt]
  require: { list: { nonce: true } }
  upstream: { urls: ['@BEHIND@'] }
  operations: [{ match: 'GET /all', class: list }, { match: 'POST /all', class: write }]
---
kind: Grant
name: ledger-sync-behind
spec: { to: { identity: ledger-sync }, api: behind, operations: [list, write] }
";

/// RFC 9449 §8.2: there is one `DPoP-Nonce` in an answer, and it is of whoever verifies the proofs.
#[test]
fn the_nonce_of_an_answer_is_one_and_ours_whatever_the_upstream_says() {
    let upstream = Upstream::start(|_| {
        Play::Answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDPoP-Nonce: theirs\r\nDPoP-Nonce: theirs-too\r\n\r\nok".to_owned())
    });
    let (place, (_, key)) = (Place::bare(), made(Algorithm::Es256));
    place.write("resources/behind.yaml", &BEHIND.replace("@BEHIND@", &upstream.url()));
    let world = world_at(place, Algorithm::Es256, "", &[]);
    let token = token(&world.bound(&key, &format!("{GRANT}&resource=https%3A%2F%2Fgate.test%2Fbehind")));
    let shown = |nonce: Value| {
        let proof = with(&key, "GET https://gate.test/behind/all", &token, &json!({ "nonce": nonce }));
        call(&world.gate, "GET /behind/all", &token, &[&proof])
    };
    let first = shown(Value::Null);
    assert_eq!(first.said(), "401 proof.nonce");
    let done = shown(json!(first.field("dpop-nonce").unwrap()));
    assert_eq!(done.said(), "200");
    let told: Vec<&str> = done.head.lines().filter(|line| line.to_ascii_lowercase().starts_with("dpop-nonce:")).collect();
    assert_eq!(told.len(), 1, "{done:?}");
    assert!(!done.head.contains("theirs"), "{done:?}");
    assert_eq!(shown(json!(done.field("dpop-nonce").unwrap())).said(), "200", "the one that was told counts");
    assert_eq!(shown(json!("theirs")).said(), "401 proof.nonce");
}
