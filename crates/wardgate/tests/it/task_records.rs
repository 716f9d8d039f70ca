//! Budgets of records: nobody evades the count, and what exceeds it is known to every gate.

use crate::{
    gate::{Gate, Place, until},
    http::{self, bearer},
    tasks::{Payer, place},
    upstream::{Keeper, Play, Upstream},
};
use serde_json::{Value, json};
use std::sync::Arc;
use wardgate_testkit::postgres::{Disk, Server};

fn items(count: usize) -> String {
    json!({ "items": vec![0; count] }).to_string()
}

fn answer(fields: &str, body: &str) -> Play {
    let length = body.len();
    Play::Answer(format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{fields}Content-Length: {length}\r\n\r\n{body}"))
}

/// How many calls are let through until the budget of records is used up.
fn calls(payer: &Payer<'_>, token: &str, fields: &[(&str, &str)]) -> usize {
    let mut passed = 0;
    until("the budget of records to be used up", || match &*payer.with("GET /ledger/entries", token, fields) {
        "200" => {
            passed += 1;
            None
        }
        said => {
            assert_eq!(said, "403 reserve.task_budget");
            Some(())
        }
    });
    passed
}

fn given_out(payer: &Payer<'_>, task: &str) -> Value {
    payer.tasks(&format!("GET /tasks/{task}"), &[], "").json()["given_out"]["records"].clone()
}

#[test]
fn who_asks_for_a_part_or_for_what_cannot_be_read_gets_the_whole_and_is_charged() {
    // It codes and cuts as it is asked to, so that nothing could be counted.
    let upstream = Upstream::start(|received| {
        let head = received.to_lowercase();
        let evades = head.contains("gzip") || head.contains("range:");
        answer(if evades { "Content-Encoding: gzip\r\n" } else { "" }, &items(50))
    });
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let task = payer.start(&json!({ "budget": { "records": 120 } }));
    let evading = [("Accept-Encoding", "gzip"), ("Range", "bytes=0-9"), ("If-Range", "\"x\"")];
    let passed = calls(&payer, &payer.token(&task), &evading);
    assert!((3..=4).contains(&passed), "50, 100, 150 of 120: {passed}");
    for received in upstream.received() {
        let head = received.head.to_lowercase();
        assert!(head.contains("accept-encoding: identity\r\n") && !head.contains("range"), "{head}");
    }
    // Of a task without such a budget nothing is touched.
    let token = payer.token(&payer.start(&json!({ "budget": { "calls": 9 } })));
    assert_eq!(payer.with("GET /ledger/entries", &token, &evading), "200");
    assert!(upstream.received().last().unwrap().head.to_lowercase().contains("range: bytes=0-9"));
}

#[test]
fn what_cannot_be_counted_all_the_same_uses_up_what_is_left() {
    let upstream = Upstream::start(|_| answer("Content-Encoding: gzip\r\n", &items(1)));
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let task = payer.start(&json!({ "budget": { "records": 5_000 } }));
    let token = payer.token(&task);
    assert!((1..=2).contains(&calls(&payer, &token, &[])), "one, and perhaps another while that ends");
    assert_eq!(given_out(&payer, &task), 5_000, "no other gate has any of it");
    // What is written gives no records, and needs none counted.
    let other = payer.token(&payer.start(&json!({ "budget": { "records": 5 } })));
    for _ in 0..3 {
        assert_eq!(payer.call("POST /ledger/entries", &other), "200");
    }
    assert_eq!(gate.end().0, Some(0));
    let events = place.events();
    let uncounted: Vec<&Value> = events.iter().filter(|event| event["ruling"]["code"] == "reserve.uncounted").collect();
    assert!(!uncounted.is_empty() && uncounted.iter().all(|event| event["task"] == json!(task)), "{uncounted:?}");
    assert_eq!(uncounted[0]["ruling"]["reasons"], json!(["reserve.uncounted", "rule.allowed"]));
}

/// Its answers begin with so many records, and go on when they are let.
fn held(count: usize) -> (Upstream, Arc<Keeper>) {
    let keeper = Arc::new(Keeper::default());
    let held = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| {
        let begin = items(count);
        let begin = begin.strip_suffix("]}").unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{begin}");
        Play::Held(head, String::new(), Arc::clone(&held))
    });
    (upstream, keeper)
}

#[test]
fn who_hangs_up_is_charged_for_what_has_passed() {
    let (upstream, keeper) = held(70);
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let task = payer.start(&json!({ "budget": { "records": 60 } }));
    let token = payer.token(&task);
    let mut line = http::Line::open(gate.public);
    line.send(&http::request("GET /ledger/entries", &[("Authorization", &bearer(&token))], ""));
    line.read_until("0,0,0");
    drop(line);
    until("the event of the call", || place.events().iter().any(|event| event["ending"] == "client_gone").then_some(()));
    assert_eq!(payer.call("GET /ledger/entries", &token), "403 reserve.task_budget");
    keeper.open();
}

/// An empty list may be left out of an answer, or be `null`: nothing is charged for it.
#[test]
fn who_finds_nothing_is_charged_nothing() {
    let upstream = Upstream::start(|received| {
        let empty = if received.starts_with("GET /ledger/entries?a") { "{\"items\":null}" } else { "{}" };
        answer("", empty)
    });
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let task = payer.start(&json!({ "budget": { "records": 1 } }));
    let token = payer.token(&task);
    for target in ["GET /ledger/entries", "GET /ledger/entries?a", "GET /ledger/entries"] {
        assert_eq!(payer.call(target, &token), "200");
    }
}

/// However many answers are under way, and however slowly they are taken: as many records pass as there are, and the rest of one answer.
#[test]
fn answers_that_are_held_open_do_not_evade_the_count() {
    let (upstream, keeper) = held(50);
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let token = payer.token(&payer.start(&json!({ "budget": { "records": 60 } })));
    let mut lines = Vec::new();
    let refused = until("a call to be refused", || {
        let mut line = http::Line::open(gate.public);
        line.send(&http::request("GET /ledger/entries", &[("Authorization", &bearer(&token))], ""));
        let head = line.read_until("\r\n\r\n");
        let is_let_in = head.starts_with("HTTP/1.1 200");
        if is_let_in {
            line.read_until("0,0,0");
            lines.push(line);
        }
        (!is_let_in).then_some(head)
    });
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    assert!((2..=3).contains(&lines.len()), "50, 100 of 60, and perhaps one while that is told: {}", lines.len());
    drop(lines);
    keeper.open();
}

fn on(database: &str, upstream: &Upstream) -> Place {
    let place = place(upstream);
    place.change("wardgate.yaml", "secrets:", &format!("store: {{ url: '{database}' }}\nsecrets:"));
    place
}

#[test]
fn what_exceeds_a_budget_at_one_gate_no_other_gives_out() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let database = server.database().unwrap();
    let upstream = Upstream::start(|_| answer("", &items(3_000)));
    let (one_place, other_place) = (on(&database, &upstream), on(&database, &upstream));
    let (one, other): (Gate, Gate) = (one_place.serve(), other_place.serve());
    let key = one_place.issue(&one, "payer").1;
    let (payer, elsewhere) = (Payer::known(&one, "payer", &key), Payer::known(&other, "payer", &key));
    let task = payer.start(&json!({ "budget": { "records": 2_500 } }));
    let token = payer.token(&task);
    // Known there, and nothing of it drawn: the call is outside of it.
    until("the other to know the task", || (elsewhere.call("DELETE /ledger/entries/1", &token) == "403 standing.task").then_some(()));
    assert_eq!(payer.call("GET /ledger/entries", &token), "200");
    until("what it owes to be drawn", || (given_out(&payer, &task) == 2_500).then_some(()));
    assert_eq!(elsewhere.call("GET /ledger/entries", &token), "403 reserve.task_budget");
    assert_eq!((one.end().0, given_out(&elsewhere, &task)), (Some(0), json!(2_500)), "nothing of it comes back");
}
