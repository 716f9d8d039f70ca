//! Tokens that came of a token of a task (RFC 8693): the same task, no more of it, one budget, one end.

use crate::{
    gate::until,
    http::{self, Line, bearer},
    tasks::{Payer, escaped, place},
    token_world::claims,
    upstream::{Keeper, Play, Upstream, ok},
};
use serde_json::{Value, json};
use std::sync::Arc;
use wardgate_testkit::postgres::{Disk, Server};

const EXCHANGE: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
                        &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";

/// Swaps a token, for what `detail` says of a task.
fn swap(client: &Payer<'_>, token: &str, detail: Option<&Value>) -> Result<String, String> {
    let detail = detail.map_or_else(String::new, |detail| format!("&authorization_details={}", escaped(&json!([detail]).to_string())));
    let answer = client.oauth("token", &format!("{EXCHANGE}&subject_token={token}{detail}"));
    let text = |name: &str| answer.json()[name].as_str().unwrap_or_default().to_owned();
    if answer.status == 200 { Ok(text("access_token")) } else { Err(text("error")) }
}

fn of(task: &str, change: &Value) -> Value {
    let mut detail = json!({ "type": "wardgate_task", "task_id": task });
    detail.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    detail
}

#[test]
fn what_comes_of_a_token_of_a_task_is_of_that_task_and_uses_its_budget() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let (payer, clerk) = (Payer::new(&place, &gate, "payer"), Payer::new(&place, &gate, "clerk"));
    let task = payer.start(&json!({ "operations": ["list", "read"], "budget": { "calls": 4 } }));
    let whole = payer.token(&task);
    let second = swap(&clerk, &whole, None).unwrap();
    let (before, after) = (claims(&whole), claims(&second));
    assert_eq!((&after["sub"], &after["act"]), (&json!("payer"), &json!({ "sub": "clerk" })));
    for claim in ["wardgate_task", "authorization_details", "scope"] {
        assert_eq!(after[claim], before[claim], "{claim}");
    }
    assert!(after["exp"].as_i64() <= before["exp"].as_i64());
    // The clerk may write, and whom it acts for may: the task is not for it.
    assert_eq!(clerk.call("POST /ledger/entries", &second), "403 standing.task");

    // Whoever calls, of four calls four pass.
    let said: Vec<String> = [&whole, &second, &second, &whole].iter().map(|token| payer.call("GET /ledger/entries", token)).collect();
    assert_eq!(said, ["200"; 4]);
    for token in [&whole, &second] {
        assert_eq!(payer.call("GET /ledger/entries", token), "403 reserve.task_budget");
    }
    assert_eq!(upstream.received().len(), 4);

    assert_eq!(gate.end().0, Some(0));
    let events = place.events();
    let used: Vec<&Value> = events.iter().filter(|event| event["actors"] == json!(["clerk"]) && event["client_status"] == 200).collect();
    assert_eq!(used.len(), 2);
    for event in used {
        assert_eq!((&event["task"], &event["purpose"]["basis"]), (&json!(task), &json!("task")));
    }
}

#[test]
fn a_hop_within_a_task_only_narrows() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let (payer, clerk) = (Payer::new(&place, &gate, "payer"), Payer::new(&place, &gate, "clerk"));
    let task = payer.start(&json!({ "operations": ["list", "read"] }));
    let whole = payer.token(&task);
    let narrow = swap(&clerk, &whole, Some(&of(&task, &json!({ "operations": ["GET /entries/{id}"], "resources": ["2027-*"] })))).unwrap();
    assert_eq!(clerk.call("GET /ledger/entries/2027-01", &narrow), "200");
    assert_eq!(clerk.call("GET /ledger/entries/2026-01", &narrow), "403 standing.task");
    assert_eq!(clerk.call("GET /ledger/entries", &narrow), "403 standing.task");

    // Nothing said: as narrow as before. The task has more; the token had not.
    let again = swap(&clerk, &narrow, None).unwrap();
    assert_eq!(claims(&again)["authorization_details"], claims(&narrow)["authorization_details"]);
    let less = swap(&clerk, &narrow, Some(&of(&task, &json!({ "resources": ["2027-01"] })))).unwrap();
    assert_eq!(clerk.call("GET /ledger/entries/2027-02", &less), "403 standing.task");
    let another = payer.start(&json!({}));
    for detail in [
        of(&task, &json!({ "operations": ["list"] })),
        of(&task, &json!({ "operations": ["read"] })),
        of(&task, &json!({ "resources": ["2026-*"] })),
        of(&task, &json!({ "resources": ["*"] })),
        of(&another, &json!({})),
    ] {
        assert_eq!(swap(&clerk, &narrow, Some(&detail)).unwrap_err(), "invalid_authorization_details", "{detail}");
    }

    // Under a task that is its own nobody puts what is somebody else's; under whose it is, it may.
    let plain = payer.asked("scope=list").json()["access_token"].as_str().unwrap().to_owned();
    let own = clerk.start(&json!({ "operations": ["list"] }));
    for detail in [of(&own, &json!({})), of(&another, &json!({}))] {
        assert_eq!(swap(&clerk, &plain, Some(&detail)).unwrap_err(), "invalid_authorization_details");
    }
    let under = swap(&payer, &plain, Some(&of(&another, &json!({})))).unwrap();
    assert_eq!((&claims(&under)["wardgate_task"], claims(&under).get("act")), (&json!(another), None));
}

/// The end of a task is the end of all that came of it: here, at the other gate, and of what is open.
#[test]
fn what_came_of_a_task_ends_with_it_at_every_gate() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let database = server.database().unwrap();
    let keeper = Arc::new(Keeper::default());
    let kept = Arc::clone(&keeper);
    let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let upstream = Upstream::start(move |head| match head.contains("/held ") {
        true => Play::Held(begun.to_owned(), "4\r\nlast\r\n0\r\n\r\n".to_owned(), Arc::clone(&kept)),
        false => Play::Answer(ok("ok")),
    });
    let places = [place(&upstream), place(&upstream)];
    let [one, other] = places.each_ref().map(|place| {
        place.change("wardgate.yaml", "secrets:", &format!("store: {{ url: '{database}' }}\nsecrets:"));
        place.serve()
    });
    let (payer, clerk) = (Payer::new(&places[0], &one, "payer"), Payer::new(&places[0], &one, "clerk"));
    let task = payer.start(&json!({ "operations": ["list", "read"] }));
    let second = swap(&clerk, &payer.token(&task), None).unwrap();
    let elsewhere = clerk.at(&other);
    until("the other gate to know the task", || (elsewhere.call("GET /ledger/entries", &second) == "200").then_some(()));
    let open = |address| {
        let mut line = Line::open(address);
        line.send(&http::request("GET /ledger/entries/held", &[("Authorization", &bearer(&second))], ""));
        line.read_until("first");
        line
    };
    let mut lines = [open(one.public), open(other.public)];
    assert_eq!(payer.end(&task, "complete").status, 200);
    assert_eq!(clerk.call("GET /ledger/entries", &second), "401 proof.invalid");
    assert_eq!(swap(&clerk, &second, None).unwrap_err(), "invalid_request");
    until("the other gate to obey", || (elsewhere.call("GET /ledger/entries", &second) == "401 proof.invalid").then_some(()));
    for line in &mut lines {
        assert!(line.answer().is_none(), "what was cut must not look whole");
    }
    keeper.open();
}

/// The tasks of whom somebody acts for are none of the actor's: it neither sees, starts nor ends any.
#[test]
fn who_acts_for_somebody_gets_no_token_for_its_tasks() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let (payer, clerk) = (Payer::new(&place, &gate, "payer"), Payer::new(&place, &gate, "clerk"));
    let task = payer.start(&json!({}));
    let plain = payer.asked("scope=list").json()["access_token"].as_str().unwrap().to_owned();
    let at =
        |client: &Payer<'_>| client.oauth("token", &format!("{EXCHANGE}&subject_token={plain}&resource=https%3A%2F%2Fgate.test%2Ftasks"));
    assert_eq!((at(&clerk).status, &at(&clerk).json()["error"]), (400, &json!("invalid_target")));
    assert!(swap(&clerk, &plain, None).is_ok(), "for the rest of what both may it acts");
    assert_eq!(payer.end(&task, "complete").status, 200, "nobody has ended it");
}
