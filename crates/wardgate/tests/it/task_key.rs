//! Keys that are made for a task: good for that alone, out of its budget, and over with it.

use crate::{
    gate::{Gate, Place},
    http::{self, bearer},
    tasks::{Payer, place},
    upstream::Upstream,
};
use serde_json::{Value, json};

/// What `wardgate credential issue payer --task ID` says.
fn issue(place: &Place, gate: &Gate, task: &str) -> Result<Value, String> {
    let issued = place.run(gate, &["credential", "issue", "payer", "--task", task, "--output", "json"], "");
    if issued.status == 0 { Ok(serde_json::from_str(&issued.out).unwrap()) } else { Err(issued.err) }
}

#[test]
fn a_key_for_a_task_is_good_for_that_alone_and_ends_with_it() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let task = payer.start(&json!({ "budget": { "calls": 3 } }));
    let other = payer.start(&json!({}));
    let issued = issue(&place, &gate, &task).unwrap();
    assert_eq!(issued["task"], json!(task));
    let ends = payer.tasks(&format!("GET /tasks/{task}"), &[], "").json()["ends"].clone();
    assert_eq!(issued["expires"], ends, "no later than the task");
    let key = issued["key"].as_str().unwrap();

    // Of the task: its operations, its purpose (which `require` of the API wants), its budget.
    assert_eq!(payer.call("POST /ledger/entries", key), "200");
    assert_eq!(payer.call("GET /ledger/entries/2027", key), "403 standing.task");
    assert_eq!(payer.call("POST /ledger/entries", &payer.token(&task)), "200");
    assert_eq!(payer.call("POST /ledger/entries", key), "200");
    assert_eq!(payer.call("POST /ledger/entries", key), "403 reserve.task_budget");
    // It says what becomes of its task, and nothing else: no other task, and no token.
    let said = |what: &str| http::ask(gate.public, what, &[("Authorization", &bearer(key))], "");
    assert_eq!(said(&format!("POST /tasks/{task}/heartbeat")).status, 200);
    assert_eq!(said(&format!("POST /tasks/{other}/complete")).said(), "403 standing.task");
    assert_eq!(said("GET /tasks").said(), "403 standing.task");
    assert_eq!(said("POST /tasks").said(), "403 standing.task");
    assert_eq!(Payer::known(&gate, "payer", key).asked("scope=list").json()["error"], "unauthorized_client");

    let listed = place.run(&gate, &["credential", "list", "--identity", "payer"], "");
    assert!(listed.out.contains("TASK") && listed.out.contains(&task), "{}", listed.out);
    assert_eq!(said(&format!("POST /tasks/{task}/complete")).json()["state"], "completed");
    assert_eq!(payer.call("GET /ledger/entries", key), "401 proof.invalid");
    assert!(issue(&place, &gate, &task).unwrap_err().contains("has no task"), "it is over");
    assert!(issue(&place, &gate, "t-0").unwrap_err().contains("has no task"));

    // Containment, too, and a gate that starts again knows whose it is.
    let second = issue(&place, &gate, &other).unwrap();
    let second = second["key"].as_str().unwrap();
    assert_eq!(payer.call("GET /ledger/entries", second), "200");
    let master = payer.key().to_owned();
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    let payer = Payer::known(&gate, "payer", &master);
    assert_eq!([payer.call("GET /ledger/entries", second), payer.call("GET /ledger/entries", key)], ["200", "401 proof.invalid"]);
    assert_eq!(place.run(&gate, &["contain", "task", &other], "").status, 0);
    assert_eq!(payer.call("GET /ledger/entries", second), "401 proof.invalid");
    // Nothing is given out for it, and nobody keeps it alive.
    assert!(issue(&place, &gate, &other).unwrap_err().contains("is contained since 2"));
    assert_eq!(payer.tasks(&format!("POST /tasks/{other}/heartbeat"), &[], "").status, 409);
    let beat = place.run(&gate, &["task", "heartbeat", &other], "");
    assert!(beat.status != 0 && beat.err.contains("is contained since 2"), "{beat:?}");
    assert_eq!(gate.end().0, Some(0));
    let call = place.events().into_iter().find(|event| event["task"] == json!(task) && event["client_status"] == 200).unwrap();
    assert_eq!((&call["proof"]["kind"], &call["purpose"]["basis"]), (&json!("api_key"), &json!("task")));
}
