//! What counts once counts once over all gates on one store.

use crate::{
    gate::{Gate, Place},
    token_world::{ASSERTION, GRANT, assertion, post, said, world},
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
