//! Tasks while the store is away: what is open ends with its lease, what is said of a task is not half done, and a gate ends.

use crate::{
    gate::until,
    http::{self, bearer},
    tasks::{Payer, place},
    two_gates::{away, back},
    upstream::{Keeper, Play, Upstream},
};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use wardgate_testkit::postgres::{Disk, Server};

/// An upstream whose lists come in two parts, of which the second is held back.
fn held() -> (Upstream, Arc<Keeper>) {
    let keeper = Arc::new(Keeper::default());
    let held = Arc::clone(&keeper);
    let upstream = Upstream::start(move |received| {
        if !received.starts_with("GET /ledger/entries ") {
            return Play::Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned());
        }
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        Play::Held(head.to_owned(), "0\r\n\r\n".to_owned(), Arc::clone(&held))
    });
    (upstream, keeper)
}

#[test]
fn without_the_store_a_lease_ends_what_is_open_and_what_is_said_of_a_task_is_said_again() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let (upstream, keeper) = held();
    let place = place(&upstream);
    place.change("wardgate.yaml", "secrets:", &format!("store: {{ url: '{}' }}\nsecrets:", server.database().unwrap()));
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let (left, whole) = (payer.start(&json!({ "lease": "10s" })), payer.start(&json!({ "budget": { "calls": 40 } })));
    let (lost, token) = (payer.token(&left), payer.token(&whole));
    let mut stream = http::Line::open(gate.public);
    stream.send(&http::request("GET /ledger/entries", &[("Authorization", &bearer(&lost))], ""));
    stream.read_until("first\r\n");
    assert_eq!(payer.call("POST /ledger/entries", &token), "200");

    server.crash().unwrap();
    away(&gate);
    for step in ["heartbeat", "complete", "fail"] {
        let refused = payer.end(&whole, step);
        assert_eq!((refused.status, refused.field("retry-after")), (503, Some("1")), "{step}: {refused:?}");
        assert!(refused.json()["detail"].as_str().unwrap().starts_with("the task cannot be"), "{refused:?}");
    }
    assert_eq!(payer.tasks("POST /tasks", &[], "{}").status, 400, "what makes no sense makes none now");
    assert_eq!(payer.call("POST /ledger/entries", &token), "200", "nothing was half done: it goes on, with its share");

    // The lease of the other is over, 30 s for clocks that differ included: at this gate, which cannot put it on record.
    until("the call to be refused", || (payer.call("POST /ledger/entries", &lost) == "401 proof.invalid").then_some(()));
    stream.read_out();
    keeper.open();

    server.start_again().unwrap();
    back(&gate);
    until("the lapse to be on record", || {
        (payer.tasks("GET /tasks?state=lapsed", &[], "").json()["items"][0]["task_id"] == json!(left)).then_some(())
    });
    assert_eq!(payer.end(&left, "heartbeat").status, 409);
    assert_eq!(payer.end(&whole, "complete").json()["state"], "completed", "said again");
    assert_eq!(payer.call("POST /ledger/entries", &token), "401 proof.invalid");

    // With a share that cannot be given back a gate ends all the same.
    let more = payer.start(&json!({ "budget": { "calls": 40 } }));
    let token = payer.token(&more);
    assert_eq!(payer.call("POST /ledger/entries", &token), "200");
    server.crash().unwrap();
    away(&gate);
    let (status, said) = gate.end();
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("could not be given back"), "{said}");
    let events = place.events();
    let cut = events.iter().find(|event| event["task"] == json!(left) && event["ending"] == "cut").unwrap();
    assert_eq!(cut["ruling"]["code"], "proof.revoked");
}

/// What exceeds a budget is told when the store is there again, although nobody calls here any more.
#[test]
fn what_is_owed_while_the_store_is_away_is_told_when_it_is_back() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let calls = AtomicUsize::new(0);
    let upstream = Upstream::start(move |_| {
        let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        let body = json!({ "items": vec![0; if first { 1 } else { 4_000 }] }).to_string();
        Play::Answer(format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    });
    let place = place(&upstream);
    place.change("wardgate.yaml", "secrets:", &format!("store: {{ url: '{}' }}\nsecrets:", server.database().unwrap()));
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let task = payer.start(&json!({ "budget": { "records": 5_000 } }));
    let token = payer.token(&task);
    let given_out = || payer.tasks(&format!("GET /tasks/{task}"), &[], "").json()["given_out"]["records"].clone();
    assert_eq!((payer.call("GET /ledger/entries", &token), given_out()), ("200".to_owned(), json!(2_500)));

    server.crash().unwrap();
    away(&gate);
    assert_eq!(payer.call("GET /ledger/entries", &token), "200", "more than was drawn, by 1,501");
    // Nothing can be drawn, neither for this one nor in the background before it.
    until("nothing to be left here", || payer.call("GET /ledger/entries", &token).starts_with("503 ").then_some(()));

    server.start_again().unwrap();
    back(&gate);
    until("what is owed to be drawn", || (given_out() == 5_000).then_some(()));
}
