//! The token service without its database, and two of them on one: what needs to be known everywhere is known, or nothing is taken.

use crate::{
    gate::{Gate, Place, until},
    http::{self, Answer, bearer},
    possession::{TOKENS, call, proof, with},
    token_world::{ASSERTION, GRANT, assertion, made, post, said, token, world},
    two_gates::{away, back},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::fs;
use wardgate_proof::{jose::algorithm::Algorithm, jws::Signer};
use wardgate_testkit::postgres::{Disk, Server};

fn shown(gate: &Gate, fields: &[(&str, &str)], assertion: &str) -> Answer {
    post(gate, "token", fields, &format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={assertion}"))
}

fn entries(gate: &Gate, token: &str) -> String {
    http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(token))], "").said()
}

/// The client may come again: it is said when.
fn comes_again(answer: &Answer) {
    assert_eq!(said(answer), "503 temporarily_unavailable", "{answer:?}");
    assert!(answer.field("retry-after").unwrap().parse::<u32>().is_ok_and(|seconds| (1..=60).contains(&seconds)), "{answer:?}");
}

/// STANDARDS §0, §1.4, §1.9: where it cannot be told whether an assertion was shown before none is taken, and what cannot be put on
/// record is not ended.
#[test]
fn without_its_store_no_assertion_counts_and_what_is_revoked_is_still_good() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let world = world(Algorithm::Es256, &format!("store: {{ url: '{}' }}", server.database().unwrap()));
    let gate = &world.gate;
    let signed = || assertion(&world.client, "ledger-sync", &json!({}));
    let (_, key) = world.place.issue(gate, "ledger-sync");
    let token = token(&world.basic("ledger-sync", &key, GRANT));
    assert_eq!(entries(gate, &token), "200");
    let revoke = || {
        let basic = format!("Basic {}", STANDARD.encode(format!("ledger-sync:{key}")));
        post(gate, "revoke", &[("Authorization", &basic)], &format!("token={token}"))
    };
    server.crash().unwrap();
    away(gate);
    let caught = signed();
    for assertion in [&caught, &signed()] {
        comes_again(&shown(gate, &[], assertion));
    }
    comes_again(&revoke());
    assert_eq!(entries(gate, &token), "200", "503 says that it is good still (RFC 7009 §2.2.1)");
    server.start_again().unwrap();
    back(gate);
    assert_eq!(said(&shown(gate, &[], &caught)), "401 invalid_client", "it was shown, whatever came of it");
    assert_eq!(said(&shown(gate, &[], &signed())), "200");
    assert_eq!(said(&revoke()), "200");
    assert_eq!(entries(gate, &token), "401 proof.invalid");
}

/// STANDARDS §1.4, §1.6, §1.9: any gate on the store knows the nonces of the others and obeys what one was told; and nobody's `jti` is
/// used up by another client.
#[test]
fn two_gates_on_one_store_are_one_token_service() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let store = format!("store: {{ url: '{}' }}", server.database().unwrap());
    let world = world(Algorithm::Es256, &store);
    world.place.change(
        "resources/world.yaml",
        "  accept: [jwt, api_key]\n",
        "  accept: [jwt, api_key]\n  require: { bulk: { nonce: true } }\n",
    );
    let beside = Place::bare();
    beside.write("resources/world.yaml", &fs::read_to_string(world.place.path().join("resources/world.yaml")).unwrap());
    beside.change("wardgate.yaml", "secrets:", &format!("{store}\nsecrets:"));
    let (one, other) = (&world.gate, &beside.serve());
    let by = |gate: &Gate, signer: &Signer, client: &str, change: &Value| said(&shown(gate, &[], &assertion(signer, client, change)));
    // Of one client a `jti` is good once, of each.
    let same = json!({ "jti": wardgate::clock::entropy().to_string() });
    until("the keys to be known", || (by(other, &world.stranger, "stranger", &json!({})) == "200").then_some(()));
    assert_eq!(by(one, &world.client, "ledger-sync", &same), "200");
    assert_eq!(by(one, &world.stranger, "stranger", &same), "200", "another client's");
    for gate in [other, one] {
        assert_eq!(by(gate, &world.client, "ledger-sync", &same), "401 invalid_client");
        assert_eq!(by(gate, &world.stranger, "stranger", &same), "401 invalid_client");
    }
    // A nonce of one counts at the other: at the token endpoint and at an API.
    let (_, key) = made(Algorithm::Es256);
    let bound = |gate: &Gate, nonce: Value| {
        let proof = proof(&key, TOKENS, &json!({ "nonce": nonce }));
        shown(gate, &[("DPoP", &proof)], &assertion(&world.client, "ledger-sync", &json!({})))
    };
    let asked = bound(one, Value::Null);
    assert_eq!(said(&asked), "400 use_dpop_nonce");
    let answer = bound(other, json!(asked.field("dpop-nonce").unwrap()));
    let held = token(&answer);
    let export = |gate: &Gate, nonce: Value| {
        let proof = with(&key, "GET https://gate.test/ledger/export", &held, &json!({ "nonce": nonce }));
        call(gate, "GET /ledger/export", &held, &[&proof])
    };
    until("both to want a nonce", || {
        let wants = |gate| export(gate, Value::Null).said() == "401 proof.nonce";
        (wants(one) && wants(other)).then_some(())
    });
    for (gives, takes) in [(one, other), (other, one)] {
        let nonce = export(gives, Value::Null).field("dpop-nonce").unwrap().to_owned();
        assert_eq!(export(takes, json!(nonce)).said(), "200");
    }
    // What is revoked at one is dead at the other.
    let plain =
        token(&shown(one, &[], &assertion(&world.client, "ledger-sync", &json!({ "jti": wardgate::clock::entropy().to_string() }))));
    assert_eq!((&*entries(one, &plain), &*entries(other, &plain)), ("200", "200"));
    let signed = assertion(&world.client, "ledger-sync", &json!({}));
    let form = format!("token={plain}&client_assertion_type={ASSERTION}&client_assertion={signed}");
    assert_eq!(said(&post(one, "revoke", &[], &form)), "200");
    assert_eq!(entries(one, &plain), "401 proof.invalid");
    until("the other gate to obey", || (entries(other, &plain) == "401 proof.invalid").then_some(()));
}
