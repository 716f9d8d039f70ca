//! Two processes on one PostgreSQL: what one is told, both obey; and both go on when the database is away.

use crate::{
    gate::{Gate, Place, until},
    http::{ask, bearer},
    upstream::Upstream,
};
use serde_json::{Value, json};
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

    let stop = json!({ "kind": "credential", "name": leaked, "reason": "leaked" });
    let stopped = one_place.manage(&one, "POST /api/v1/containments", &stop);
    assert_eq!(stopped.status, 200, "{stopped:?}");
    assert_ne!(call(&one, &leaked_key), "200", "the one who was told obeys at once");
    until("the other to obey", || (call(&other, &leaked_key) != "200").then_some(()));
    assert_eq!(call(&other, &key), "200", "nobody else is harmed");

    server.crash().unwrap();
    for gate in [&one, &other] {
        until("the gate to say that the store is away", || ready(gate).contains("the store does not answer").then_some(()));
        assert_eq!(call(gate, &key), "200", "the last good state holds");
        assert_ne!(call(gate, &leaked_key), "200", "and so does what was stopped");
    }
    let refused = one_place.manage(&one, "POST /api/v1/credentials", &json!({ "identity": "caller" }));
    assert!((500..600).contains(&refused.status), "nothing is acknowledged that is not kept: {refused:?}");

    server.start_again().unwrap();
    for gate in [&one, &other] {
        until("the gate to be ready again", || (ready(gate) == "ready\n").then_some(()));
    }
    let contained = one_place.manage(&one, "GET /api/v1/containments", &Value::Null).json();
    assert_eq!(contained["items"][0]["name"], leaked.as_str(), "{contained}");
    let released = one_place.manage(&one, &format!("DELETE /api/v1/containments/credential/{leaked}?reason=mistake"), &Value::Null);
    assert_eq!(released.status, 202, "undoing it wants a second person: {released:?}");
    assert_ne!(call(&other, &leaked_key), "200");
}
