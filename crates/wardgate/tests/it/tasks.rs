//! Tasks through the binary: started, used up, ended; by one gate and by two.

use crate::{
    gate::{Gate, Place, until},
    http::{self, Answer, bearer},
    upstream::{Play, Upstream},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU32, Ordering},
};
use wardgate_testkit::postgres::{Disk, Server};

const WORLD: &str = "\
kind: Api
name: ledger
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /ledger }
  accept: [jwt, api_key]
  require: { write: { task: true, purpose: true } }
  upstream: { urls: ['@UPSTREAM@'] }
  operations:
    - { match: 'GET /entries', class: list, records: /items }
    - { match: 'GET /entries/{id}/lines', class: list, resource: path.id }
    - { match: 'GET /entries/{id}', class: read, resource: path.id }
    - { match: 'POST /entries', class: write }
    - { match: 'DELETE /entries/{id}', class: delete, resource: path.id }
---
kind: Purpose
name: settlement
spec: { description: settles payments }
---
kind: Purpose
name: audit
spec: { description: looks into things }
---
kind: Identity
name: payer
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: pays
  credentials: [{ name: old, type: api_key, expires_in: 30d }]
---
kind: Identity
name: other
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: pays too
  credentials: [{ name: old, type: api_key, expires_in: 30d }]
---
kind: Grant
name: payer-works
spec: { to: { identity: payer }, api: ledger, operations: [list, read, write], purpose: settlement }
---
kind: Grant
name: other-works
spec: { to: { identity: other }, api: ledger, operations: [list], purpose: settlement }
---
kind: Identity
name: clerk
spec:
  type: workload
  owner: shop-team
  environment: production
  purpose: is what the ledger runs on
  serves: [ledger]
  credentials: [{ name: old, type: api_key, expires_in: 30d }]
---
kind: Grant
name: clerk-works
spec: { to: { identity: clerk }, api: ledger, operations: [list, read, write], purpose: settlement }
";

pub(crate) fn place(upstream: &Upstream) -> Place {
    let place = Place::bare();
    place.write("resources/world.yaml", &WORLD.replace("@UPSTREAM@", &upstream.url()));
    place
}

/// A caller by its key.
pub(crate) struct Payer<'g> {
    pub(crate) gate: &'g Gate,
    name: &'static str,
    key: String,
}

pub(crate) fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        write!(out, "%{byte:02X}").unwrap();
        out
    })
}

fn settle(change: &Value) -> Value {
    let mut body = json!({ "purpose": "settlement", "operations": ["list", "write"], "api": "ledger", "lifetime": "15m" });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

impl<'g> Payer<'g> {
    pub(crate) fn new(place: &Place, gate: &'g Gate, name: &'static str) -> Self {
        Self { gate, name, key: place.issue(gate, name).1 }
    }

    pub(crate) fn known(gate: &'g Gate, name: &'static str, key: &str) -> Self {
        Self { gate, name, key: key.to_owned() }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn at(&self, gate: &'g Gate) -> Self {
        Self { gate, name: self.name, key: self.key.clone() }
    }

    pub(crate) fn tasks(&self, what: &str, fields: &[(&str, &str)], body: &str) -> Answer {
        let key = bearer(&self.key);
        let fields: Vec<_> =
            [("Authorization", &*key), ("Content-Type", "application/json")].into_iter().chain(fields.iter().copied()).collect();
        http::ask(self.gate.public, what, &fields, body)
    }

    /// Starts a task; gives its id.
    pub(crate) fn start(&self, change: &Value) -> String {
        let started = self.tasks("POST /tasks", &[], &settle(change).to_string());
        assert_eq!(started.status, 201, "{started:?}");
        started.json()["task_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn end(&self, task: &str, how: &str) -> Answer {
        self.tasks(&format!("POST /tasks/{task}/{how}"), &[], "")
    }

    pub(crate) fn asked(&self, form: &str) -> Answer {
        self.oauth("token", &format!("grant_type=client_credentials&{form}"))
    }

    pub(crate) fn oauth(&self, endpoint: &str, form: &str) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.name, self.key)));
        let fields = [("Authorization", &*basic), ("Content-Type", "application/x-www-form-urlencoded")];
        http::ask(self.gate.public, &format!("POST /oauth/{endpoint}"), &fields, form)
    }

    pub(crate) fn detailed(&self, detail: &Value) -> Answer {
        self.asked(&format!("authorization_details={}", escaped(&json!([detail]).to_string())))
    }

    /// A token of a task.
    pub(crate) fn token(&self, task: &str) -> String {
        let answer = self.detailed(&json!({ "type": "wardgate_task", "task_id": task }));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn call(&self, what: &str, token: &str) -> String {
        self.with(what, token, &[])
    }

    pub(crate) fn with(&self, what: &str, token: &str, fields: &[(&str, &str)]) -> String {
        let token = bearer(token);
        let fields: Vec<_> = [("Authorization", &*token)].into_iter().chain(fields.iter().copied()).collect();
        http::ask(self.gate.public, what, &fields, "").said()
    }
}

#[test]
fn a_token_of_a_task_opens_what_the_task_is_for_and_dies_with_it() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let (payer, other) = (Payer::new(&place, &gate, "payer"), Payer::new(&place, &gate, "other"));
    // Without a task: what wants one is not given out, and not let in.
    assert_eq!(payer.asked("scope=write").json()["error"], "invalid_scope");
    assert_eq!(payer.call("POST /ledger/entries", &payer.key), "403 rule.forbidden");

    let task = payer.start(&json!({ "operations": ["list", "read"], "resources": ["2027-*"] }));
    let told =
        payer.detailed(&json!({ "type": "wardgate_task", "task_id": task, "operations": ["read"], "resources": ["2027-01"] })).json();
    assert_eq!(told["authorization_details"][0]["operations"], json!(["read"]), "{told}");
    assert_eq!((&told["authorization_details"][0]["purpose"], &told["scope"]), (&json!("settlement"), &json!("read")));
    let narrow = told["access_token"].as_str().unwrap();
    assert_eq!(payer.call("GET /ledger/entries/2027-01", narrow), "200");
    assert_eq!(payer.call("GET /ledger/entries/2027-02", narrow), "403 standing.task");

    let whole = payer.token(&task);
    assert_eq!(payer.call("GET /ledger/entries/2027-02", &whole), "200");
    assert_eq!(payer.call("GET /ledger/entries/2026-12", &whole), "403 standing.task", "another resource");
    assert_eq!(payer.call("GET /ledger/entries", &whole), "403 standing.task", "no resource at all");
    assert_eq!(payer.with("GET /ledger/entries/2027-02", &whole, &[("Wardgate-Purpose", "audit")]), "403 standing.task");
    assert_eq!(payer.with("GET /ledger/entries/2027-02", &whole, &[("Wardgate-Purpose", "settlement")]), "200");
    let said = payer.oauth("introspect", &format!("token={whole}")).json();
    assert_eq!((&said["active"], &said["authorization_details"][0]["task_id"]), (&json!(true), &json!(task)), "{said}");

    // Nobody else's, and nobody else ends it.
    assert_eq!(other.detailed(&json!({ "type": "wardgate_task", "task_id": task })).json()["error"], "invalid_authorization_details");
    assert_eq!(other.end(&task, "complete").status, 404);
    assert_eq!(payer.end(&task, "complete").json()["state"], "completed");
    assert_eq!(payer.end(&task, "complete").status, 200, "twice is once");
    assert_eq!(payer.end(&task, "fail").status, 409);
    assert_eq!(payer.call("GET /ledger/entries/2027-02", &whole), "401 proof.invalid");
    assert_eq!(payer.call("GET /ledger/entries/2027-01", narrow), "401 proof.invalid");
    assert_eq!(payer.oauth("introspect", &format!("token={whole}")).body, r#"{"active":false}"#);
    assert_eq!(payer.detailed(&json!({ "type": "wardgate_task", "task_id": task })).json()["error"], "invalid_authorization_details");

    assert_eq!(gate.end().0, Some(0));
    let events = place.events();
    let call = events.iter().find(|event| event["resource"] == "2027-01" && event["client_status"] == 200).unwrap();
    assert_eq!((&call["task"], &call["purpose"]), (&json!(task), &json!({ "value": "settlement", "basis": "task" })));
    let effects: Vec<&Value> = events.iter().map(|event| &event["effect"]).collect();
    for effect in [format!("started task={task}"), format!("completed task={task}")] {
        assert!(effects.iter().any(|told| **told == effect), "{effects:?}");
    }
}

#[test]
fn what_is_asked_of_tasks_and_makes_no_sense_is_named() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    for (change, status, said) in [
        (json!({ "purpose": "unheard-of" }), 400, "`purpose`: `unheard-of` is none that is registered"),
        (json!({ "purpose": "audit" }), 403, "`purpose`: `audit` is not what `list` is granted for"),
        (json!({ "operations": ["delete"] }), 403, "`operations`: `delete` is nothing that the identity is granted"),
        (json!({ "operations": ["GET /nothing"] }), 400, "`operations`: `GET /nothing` is no class"),
        (json!({ "operations": [] }), 400, "`operations` is missing"),
        (json!({ "operations": "list" }), 400, "`operations` is a list of texts"),
        (json!({ "lifetime": "25h" }), 400, "`lifetime` is seconds"),
        (json!({ "lifetime": "+5m" }), 400, "`lifetime` is seconds"),
        (json!({ "lease": 9 }), 400, "`lease` is seconds, or a text as `15m` or `2h`: from 10 s to 24 h"),
        (json!({ "lease": "16m" }), 400, "`lease` is longer than `lifetime`"),
        (json!({ "operations": vec!["list"; 65] }), 400, "`operations` has more than 64"),
        (json!({ "resources": vec!["a"; 65] }), 400, "`resources` has more than 64"),
        (json!({ "resources": ["a".repeat(257)] }), 400, "`resources`: one is empty, longer than 256 bytes"),
        (json!({ "resources": ["2027-*"] }), 400, "`resources`: `write` names no resource"),
        (
            json!({ "operations": ["list", "GET /entries"], "resources": ["*"] }),
            400,
            "`resources`: `GET /ledger/entries` names no resource",
        ),
        (json!({ "purpose": 7 }), 400, "`purpose` is a text"),
        (json!({ "api": "x".repeat(4_096) }), 413, "the body has more than 4096 bytes"),
        (json!({ "budget": { "calls": 0 } }), 400, "`budget.calls` is a whole number"),
        (json!({ "budget": { "call": 1 } }), 400, "`budget.call` is nothing that is counted"),
        (json!({ "api": "wardgate-tasks" }), 400, "there is no API `wardgate-tasks`"),
        (json!({ "color": "red" }), 400, "`color` is nothing that a task has"),
    ] {
        let refused = payer.tasks("POST /tasks", &[], &settle(&change).to_string());
        let told = refused.json();
        assert!(refused.status == status && told["detail"].as_str().unwrap().starts_with(said), "{change}: {refused:?}");
        // As all that the gate refuses.
        let (code, id) = (told["code"].as_str().unwrap(), refused.id());
        assert!(code.starts_with("task.") && told["type"] == format!("urn:wardgate:reason:{code}"), "{told}");
        assert!(told["request_id"] == id && told["instance"] == format!("urn:uuid:{id}") && told["remedy"].is_string(), "{told}");
    }
    // One meaning, or none.
    let whole = settle(&json!({})).to_string();
    let twice = |member: &str| format!("{},{member}}}", whole.strip_suffix('}').unwrap());
    for (body, said) in [
        (twice(r#""lifetime":"1h""#), "the body: the member `lifetime` is there twice"),
        (twice(r#""budget":{"calls":1,"calls":2}"#), "the body: the member `calls` is there twice"),
        (format!("{whole} {{}}"), "the body: no JSON at line 1 column "),
        ("{\n\"purpose\": settlement}".to_owned(), "the body: no JSON at line 2 column 12"),
        (format!("[{whole}]"), "the body: JSON, but no object"),
        (String::new(), "the body: no JSON at line 1 column 0"),
    ] {
        let refused = payer.tasks("POST /tasks", &[], &body);
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(refused.status == 400 && detail.starts_with(said), "{body}: {refused:?}");
    }
    assert_eq!(http::ask(gate.public, "GET /tasks", &[], "").said(), "401 credential.missing");

    // Once for each name; another body under it is another task.
    let named = [("Idempotency-Key", "\"one\"")];
    let first = payer.tasks("POST /tasks", &named, &settle(&json!({})).to_string()).json();
    let again = payer.tasks("POST /tasks", &named, &settle(&json!({})).to_string()).json();
    assert_eq!(first["task_id"], again["task_id"]);
    assert_eq!(payer.tasks("POST /tasks", &named, &settle(&json!({ "lifetime": "1h" })).to_string()).status, 422);

    let task = payer.start(&json!({ "budget": { "calls": 5 } }));
    for (detail, said) in [
        (json!({ "type": "payment_initiation", "task_id": task }), "the one type"),
        (json!({ "type": "wardgate_task" }), "`task_id` is missing"),
        (json!({ "type": "wardgate_task", "task_id": "t-0" }), "there is no such task"),
        (json!({ "type": "wardgate_task", "task_id": task, "purpose": "audit" }), "`purpose` is not the task's"),
        (json!({ "type": "wardgate_task", "task_id": task, "operations": ["read"] }), "the operation `read` is none"),
        (json!({ "type": "wardgate_task", "task_id": task, "max_calls": 6 }), "`max_calls` is not the task's"),
        (json!({ "type": "wardgate_task", "task_id": task, "locations": [] }), "`locations` is nothing"),
    ] {
        let refused = payer.detailed(&detail);
        assert_eq!(refused.json()["error"], "invalid_authorization_details", "{detail}: {refused:?}");
        assert!(refused.json()["error_description"].as_str().unwrap().starts_with(said), "{refused:?}");
    }
    assert_eq!(payer.asked("authorization_details=%5B").json()["error"], "invalid_authorization_details");
}

/// As many callers at once as there are threads; gives how many calls were let through.
fn calls(payer: &Payer<'_>, token: &str, callers: usize, each: usize) -> u32 {
    let (passed, address, token) = (AtomicU32::new(0), payer.gate.public, bearer(token));
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                let mut line = http::Line::open(address);
                for _ in 0..each {
                    let answer = line.ask("POST /ledger/entries", &[("Authorization", &token)], "");
                    match &*answer.said() {
                        "200" => drop(passed.fetch_add(1, Ordering::Relaxed)),
                        said => assert_eq!(said, "403 reserve.task_budget"),
                    }
                }
            });
        }
    });
    passed.load(Ordering::Relaxed)
}

#[test]
fn of_a_budget_of_n_calls_n_pass_whoever_calls_at_once() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let task = payer.start(&json!({ "budget": { "calls": 100 } }));
    let token = payer.token(&task);
    assert_eq!(calls(&payer, &token, 32, 5), 100);
    // Another token of the same task has the same budget.
    assert_eq!(payer.call("POST /ledger/entries", &payer.token(&task)), "403 reserve.task_budget");
    assert_eq!(upstream.received().len(), 100);

    // A retry is charged once; what another limit or the policy refuses is given back.
    let task = payer.start(&json!({ "budget": { "calls": 2 } }));
    let token = payer.token(&task);
    let key = [("Idempotency-Key", "\"a\"")];
    assert_eq!([payer.with("POST /ledger/entries", &token, &key), payer.with("POST /ledger/entries", &token, &key)], ["200", "200"]);
    assert_eq!(
        [payer.call("POST /ledger/entries", &token), payer.call("POST /ledger/entries", &token)],
        ["200", "403 reserve.task_budget"]
    );
}

#[test]
fn bytes_are_cut_and_records_overshoot_by_one_answer() {
    let items = json!({ "items": (0..50).collect::<Vec<u32>>() }).to_string();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{items}", items.len());
    let upstream = Upstream::start(move |_| Play::Answer(answer.clone()));
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let token = payer.token(&payer.start(&json!({ "budget": { "records": 60 } })));
    // They are charged when an answer is over, which its reader may know a little sooner.
    let mut passed = 0;
    until("the budget of records to be used up", || match &*payer.call("GET /ledger/entries", &token) {
        "200" => {
            passed += 1;
            None
        }
        said => {
            assert_eq!(said, "403 reserve.task_budget");
            Some(())
        }
    });
    assert!((2..=3).contains(&passed), "50 of 60, 100 of 60: {passed}");

    let token = payer.token(&payer.start(&json!({ "budget": { "bytes": 100 } })));
    let mut line = http::Line::open(gate.public);
    line.send(&http::request("GET /ledger/entries", &[("Authorization", &bearer(&token))], ""));
    assert!(line.is_closed(), "an answer of more than 100 bytes is cut");
    assert_eq!(payer.call("GET /ledger/entries", &token), "403 reserve.task_budget");
}

#[test]
fn an_owner_starts_contains_and_ends_tasks() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let arguments = "task start --identity payer --api ledger --purpose settlement --operation write --calls 9 --output json";
    let started = place.run(&gate, &arguments.split(' ').collect::<Vec<_>>(), "");
    let task: Value = serde_json::from_str(&started.out).unwrap();
    let id = task["id"].as_str().unwrap();
    let token = payer.token(id);
    assert_eq!(payer.call("POST /ledger/entries", &token), "200");
    let shown = place.run(&gate, &["task", "show", id], "");
    assert!(shown.out.contains("open, settlement") && shown.out.contains("of 9 given out"), "{}", shown.out);
    let read: Value = serde_json::from_str(&place.run(&gate, &["task", "show", id, "--output", "json"], "").out).unwrap();
    assert_eq!((&read["id"], &read["identity"]), (&json!(id), &json!("payer")));
    let beat = place.run(&gate, &["task", "heartbeat", id, "--reason", "it works on"], "");
    assert!(beat.status == 0 && beat.out.contains(id), "{}{}", beat.out, beat.err);
    let none = place.run(&gate, &["task", "show", "t-0"], "");
    assert!(none.status == 1 && none.err.contains("= list what is on record: `wardgate task list --state all`"), "{none:?}");
    let preview = place.run(&gate, &["contain", "task", id, "--preview"], "");
    assert!(preview.status != 0 && preview.err.contains("use is not counted by task"), "{preview:?}");
    let contained = place.run(&gate, &["contain", "task", id], "");
    assert_eq!(contained.status, 0, "{}", contained.err);
    assert_eq!(payer.call("POST /ledger/entries", &token), "401 proof.invalid");
    // Nobody is told that it is open.
    let shown = place.run(&gate, &["task", "show", id], "").out;
    assert!(shown.contains("contained, settlement") && shown.contains("\n  contained  2"), "{shown}");
    let states = |state: &str| {
        let listed = place.run(&gate, &["task", "list", "--state", state, "--output", "json"], "").out;
        let all: Value = serde_json::from_str(&listed).unwrap();
        all["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| format!("{} {}", task["id"].as_str().unwrap(), task["state"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let whole = format!("{id} contained");
    assert_eq!([states("open"), states("contained"), states("failed")], [vec![whole.clone()], vec![whole], Vec::new()]);
    let own = payer.tasks(&format!("GET /tasks/{id}"), &[], "").json();
    assert!(own["state"] == "contained" && own["contained"].is_string(), "{own}");
    assert_eq!(payer.tasks("GET /tasks", &[], "").json()["items"][0]["state"], "contained");
    assert_eq!(payer.tasks(&format!("POST /tasks/{id}/heartbeat"), &[], "").said(), "409 task.contained");
    let failed = place.run(&gate, &["task", "fail", id], "");
    assert_eq!(failed.status, 0, "{}", failed.err);
    let late = place.run(&gate, &["task", "heartbeat", id], "");
    assert!(late.status == 1 && late.err.contains("is failed already") && late.err.contains("start another"), "{}", late.err);
    assert_eq!(payer.tasks(&format!("GET /tasks/{id}"), &[], "").json()["state"], "failed");
}

#[test]
fn a_gate_that_is_killed_loses_what_it_had_and_no_call_is_had_twice() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let payer = Payer::new(&place, &gate, "payer");
    let task = payer.start(&json!({ "budget": { "calls": 40 } }));
    let token = payer.token(&task);
    let before = calls(&payer, &token, 4, 3);
    assert_eq!(before, 12);
    let key = payer.key.clone();
    gate.kill();
    let gate = place.serve();
    let payer = Payer { gate: &gate, name: "payer", key };
    let after = calls(&payer, &token, 4, 20);
    assert!(before + after <= 40 && after > 0, "{before} and {after}");
    assert!(upstream.received().len() <= 40);
    // Ended well, what it has is given back.
    let task = payer.start(&json!({ "budget": { "calls": 40 } }));
    let token = payer.token(&task);
    let before = calls(&payer, &token, 1, 1);
    let key = payer.key.clone();
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    let payer = Payer { gate: &gate, name: "payer", key };
    assert_eq!(before + calls(&payer, &token, 4, 20), 40);
}

#[test]
fn two_gates_have_one_budget_and_one_word_of_a_task() {
    let server = Server::start(Disk::DoesNotWait).unwrap();
    let (database, upstream) = (server.database().unwrap(), Upstream::plain());
    let on = || {
        let place = place(&upstream);
        place.change("wardgate.yaml", "secrets:", &format!("store: {{ url: '{database}' }}\nsecrets:"));
        place
    };
    let (one_place, other_place) = (on(), on());
    let (one, other) = (one_place.serve(), other_place.serve());
    let payer = Payer::new(&one_place, &one, "payer");
    let elsewhere = payer.at(&other);
    let task = payer.start(&json!({ "budget": { "calls": 60 } }));
    let token = payer.token(&task);
    until("the other to know the task", || (elsewhere.call("POST /ledger/entries", &token) == "200").then_some(()));
    // A retry is charged once by the gate that charged it, and by another one again: which calls there were is known to each for itself.
    let key = [("Idempotency-Key", "\"a\"")];
    let retried = [&payer, &payer, &elsewhere].map(|payer| payer.with("POST /ledger/entries", &token, &key));
    assert_eq!(retried, ["200"; 3]);
    let (here, there) = std::thread::scope(|scope| {
        let here = scope.spawn(|| calls(&payer, &token, 8, 10));
        let there = scope.spawn(|| calls(&elsewhere, &token, 8, 10));
        (here.join().unwrap(), there.join().unwrap())
    });
    assert_eq!(here + there + 1 + 2, 60, "each asked for more than all of it: {here} and {there}");

    let task = payer.start(&json!({}));
    let token = payer.token(&task);
    until("the other to know the task", || (elsewhere.call("GET /ledger/entries", &token) == "200").then_some(()));
    assert_eq!(payer.end(&task, "complete").status, 200);
    until("the other to refuse it", || (elsewhere.call("GET /ledger/entries", &token) == "401 proof.invalid").then_some(()));
}
