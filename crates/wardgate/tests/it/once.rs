//! What counts once counts once over all gates on one store.

use crate::{
    gate::{Gate, Place, until},
    http::{self, bearer},
    token_world::{ASSERTION, GRANT, assertion, post, said, token, world},
};
use serde_json::{Value, json};
use std::fs;
use wardgate_proof::jose::algorithm::Algorithm;
use wardgate_testkit::postgres::{Disk, Server};

/// STANDARDS §1.4, by name: the same `jti` twice, on another node too.
#[test]
fn an_assertion_counts_once_over_all_gates() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let store = format!("store: {{ url: '{}' }}", server.database().unwrap());
    let world = world(Algorithm::Es256, &store);
    let beside = Place::bare();
    beside.write("resources/world.yaml", &fs::read_to_string(world.place.path().join("resources/world.yaml")).unwrap());
    beside.change("wardgate.yaml", "secrets:", &format!("{store}\nsecrets:"));
    let other = beside.serve();
    let shown = |gate: &Gate, assertion: &str| {
        let form = format!("{GRANT}&client_assertion_type={ASSERTION}&client_assertion={assertion}");
        said(&post(gate, "token", &[], &form))
    };
    for (first, second) in [(&world.gate, &other), (&other, &world.gate)] {
        let signed = assertion(&world.client, "ledger-sync", &json!({}));
        assert_eq!(shown(first, &signed), "200");
        assert_eq!(shown(second, &signed), "401 invalid_client", "on another node");
        assert_eq!(shown(first, &signed), "401 invalid_client");
        let again = assertion(&world.client, "ledger-sync", &json!({}));
        assert_eq!(shown(second, &again), "200");
        // The same `jti`, signed again.
        let one = json!({ "jti": wardgate::clock::entropy().to_string() });
        assert_eq!(shown(first, &assertion(&world.client, "ledger-sync", &one)), "200");
        assert_eq!(shown(second, &assertion(&world.client, "ledger-sync", &one)), "401 invalid_client");
    }
    // Both have let it in: that it was refused all the same is on record with whom it was of, and costs its source as a wrong one does.
    let (status, told) = other.end();
    assert_eq!(status, Some(0), "{told}");
    let replayed = |event: &Value| event["effect"] == "refused assertion=replayed" && event["identity"]["id"] == "ledger-sync";
    assert_eq!(beside.events().iter().filter(|event| replayed(event)).count(), 2);
    let limit = "kind: Limit\nname: each-source\nspec: { per: source, rate: 1/h, burst: 40 }\n";
    for place in [&world.place, &beside] {
        place.write("resources/limit.yaml", limit);
    }
    let other = beside.serve();
    let dear = || {
        let signed = assertion(&world.client, "ledger-sync", &json!({}));
        assert_eq!(shown(&world.gate, &signed), "200");
        shown(&other, &signed) == "401 invalid_client"
    };
    let refused = (0..10).take_while(|_| dear()).count();
    assert!((1..5).contains(&refused), "{refused}");
}

/// STANDARDS §1.9, by name: revoked at node A, refused at node B, as soon as the feed tells of it; nobody else's is harmed.
#[test]
fn a_token_that_is_revoked_at_one_gate_is_refused_at_the_other() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let store = format!("store: {{ url: '{}' }}", server.database().unwrap());
    let world = world(Algorithm::Es256, &store);
    let beside = Place::bare();
    beside.write("resources/world.yaml", &fs::read_to_string(world.place.path().join("resources/world.yaml")).unwrap());
    beside.change("wardgate.yaml", "secrets:", &format!("{store}\nsecrets:"));
    let other = beside.serve();
    let call = |gate: &Gate, token: &str| http::ask(gate.public, "GET /ledger/entries", &[("Authorization", &bearer(token))], "").said();
    let ask = |gate: &Gate, endpoint: &str, form: &str| {
        let signed = assertion(&world.client, "ledger-sync", &json!({}));
        post(gate, endpoint, &[], &format!("{form}&client_assertion_type={ASSERTION}&client_assertion={signed}"))
    };
    // Both ways: whichever gate made the token, and whichever is told.
    for (made, told, last) in [(&world.gate, &world.gate, &other), (&world.gate, &other, &world.gate), (&other, &world.gate, &other)] {
        let (ended, kept) = (token(&ask(made, "token", GRANT)), token(&ask(made, "token", GRANT)));
        for gate in [told, last] {
            assert_eq!((&*call(gate, &ended), &*call(gate, &kept)), ("200", "200"));
        }
        assert_eq!(said(&ask(told, "revoke", &format!("token={ended}"))), "200");
        assert_eq!(call(told, &ended), "401 proof.invalid", "the one that was told obeys at once");
        until("the other to obey", || (call(last, &ended) == "401 proof.invalid").then_some(()));
        assert_eq!(ask(last, "introspect", &format!("token={ended}")).body, r#"{"active":false}"#);
        assert_eq!((&*call(told, &kept), &*call(last, &kept)), ("200", "200"), "another token lives");
    }
}
