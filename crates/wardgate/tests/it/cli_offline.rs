//! Commands on a store that nobody serves from: the same answers, the same refusals, the same record.

use crate::{
    gate::{Place, until},
    http::{ask, bearer},
    process::{Ended, wardgate},
    upstream::Upstream,
};
use serde_json::Value;
use wardgate_testkit::postgres::{Disk, Server};

fn offline(place: &Place, arguments: &[&str]) -> Ended {
    wardgate(place.path(), &[arguments, &["--offline"]].concat())
}

#[test]
fn what_is_contained_offline_is_refused_by_the_next_gate() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    let (id, key) = place.issue(&gate, "caller");
    let calls = |gate: &crate::gate::Gate| ask(gate.public, "GET /shop/things", &[("Authorization", &bearer(&key))], "").said();
    assert_eq!(calls(&gate), "200");
    gate.end();

    assert!(offline(&place, &["get", "identities"]).with(0).out.contains("caller"));
    let listed = offline(&place, &["credential", "list", "--identity", "caller", "-o", "json"]).with(0).json();
    assert_eq!(listed["items"][0]["id"], id.as_str());
    assert!(offline(&place, &["access", "--identity", "caller"]).with(0).out.contains("grant:caller-works"));
    assert!(offline(&place, &["describe", "identity", "caller"]).with(0).out.contains("keeps things in step"));
    offline(&place, &["findings"]).with(0);
    offline(&place, &["export", "declared"]).with(0);
    assert!(offline(&place, &["plan", "declared"]).with(0).out.contains("no change"));

    let contained = offline(&place, &["contain", "identity", "caller", "--reason", "while it was down"]).with(0);
    assert!(contained.out.contains("contained: identity caller"), "{contained:?}");
    // What wants a second person wants one here as well.
    let released = offline(&place, &["release", "identity", "caller"]).with(3);
    assert!(released.out.contains("waits for a second person"), "{released:?}");
    let alone = offline(&place, &["approval", "list", "-o", "json"]).with(0).json();
    let refused = offline(&place, &["approval", "approve", alone["items"][0]["id"].as_str().unwrap()]).with(1);
    assert!(refused.err.contains("403"), "{refused:?}");

    let history = offline(&place, &["history", "identity", "caller"]).with(0).out;
    assert!(history.contains("active → quarantined") && history.contains("free → contained"), "{history}");
    let events = place.events();
    let of_operator = |event: &&Value| event["identity"]["id"] == "wardgate-operator";
    assert!(events.iter().filter(of_operator).any(|event| event["operation"].as_str().is_some_and(|id| id.contains("/containments"))));

    let gate = place.serve();
    assert_eq!(calls(&gate), "403 identity.contained");
    let left = place.manage(&gate, "GET /api/v1/credentials?identity=wardgate-operator&state=live", &Value::Null).json();
    let sessions = left["items"].as_array().unwrap().iter().filter(|one| one["kind"] == "session").count();
    assert_eq!(sessions, 1, "the sessions of the commands have ended, the one of this test has not: {left:#}");
}

#[test]
fn a_store_in_use_says_by_whom_and_how_to_reach_it() {
    let place = Place::bare();
    let gate = place.serve();
    for arguments in [&["get", "owners", "--offline"][..], &["sign-in", "--offline"]] {
        let refused = wardgate(place.path(), arguments).with(1);
        let process = format!("process {} has the store", gate.process());
        assert!(refused.err.contains(&process) && refused.err.contains("ask it at http://"), "{refused:?}");
    }
    assert!(!place.path().join(".wardgate/profile.json").exists(), "nothing half done");
}

#[test]
fn files_that_make_no_sense_are_told_and_nothing_is_done() {
    let place = Place::bare();
    place.write("resources/ground.yaml", "kind: Owner\nname: shop-team\nspec: { acountable: ada@example.com }\n");
    let refused = offline(&place, &["get", "owners"]).with(2);
    assert!(refused.err.contains("resources/ground.yaml:3") && refused.err.contains("nothing is done"), "{refused:?}");
    let nowhere = wardgate(place.path(), &["get", "owners", "--offline", "-c", "nowhere.yaml"]).with(2);
    assert!(nowhere.err.contains("nowhere.yaml"), "{nowhere:?}");
    let alone = wardgate(place.path(), &["get", "owners", "-c", "wardgate.yaml"]).with(2);
    assert!(alone.err.contains("--offline"), "{alone:?}");
}

#[test]
fn the_first_command_on_a_new_store_shows_the_first_credential() {
    let place = Place::bare();
    let first = offline(&place, &["get", "owners"]).with(0);
    assert!(first.err.contains("The first admin credential") && first.err.contains("wga_"), "{first:?}");
    let again = offline(&place, &["get", "owners"]).with(0);
    assert!(again.out.contains("shop-team") && !again.err.contains("wga_"), "{again:?}");
    assert!(!place.events().iter().any(|event| event.to_string().contains("wga_")));
}

#[test]
fn on_postgresql_gates_elsewhere_go_on_and_obey() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let database = server.database().unwrap();
    let upstream = Upstream::plain();
    let place = || {
        let place = Place::shop(&upstream.url());
        place.change("wardgate.yaml", "secrets:", &format!("store: {{ url: '{database}' }}\nsecrets:"));
        place
    };
    let (there, here) = (place(), place());
    let gate = there.serve();
    let (_, key) = there.issue(&gate, "caller");
    let call = || ask(gate.public, "GET /shop/things", &[("Authorization", &bearer(&key))], "").said();
    assert_eq!(call(), "200");
    offline(&here, &["contain", "identity", "caller"]).with(0);
    until("the gate elsewhere to obey", || (call() == "403 identity.contained").then_some(()));
    // Where a gate serves, it is asked itself; a sign-in can be made beside it.
    let beside = offline(&there, &["contain", "--list"]).with(1);
    assert!(beside.err.contains("ask it at http://"), "{beside:?}");
    let signed = wardgate(there.path(), &["sign-in", "--offline", "--output", "json"]).with(0).json();
    let credential = signed["sign_in"].as_str().unwrap();
    let session = || ask(gate.admin, "POST /api/v1/sessions", &[("Authorization", &bearer(credential))], "").status;
    until("the gate to know the sign-in", || (session() == 201).then_some(()));
}
