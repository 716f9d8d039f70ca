mod made;

use super::{change, event, read_part};
use crate::{columns, event_v1::EventV1, sink::ChangeRecord};
pub(crate) use made::{NOON, honest, stranger};
use serde_json::{Value, json};
use std::time::Duration;
use wardgate_model::{
    event::{Event, EventKind, ForTask},
    facts::{Basis, Purpose, Stopped},
    id::{PurposeName, RequestId, TaskId},
    reason::Reason,
    ruling::{Challenge, Response},
};

fn told(recorded: &Event) -> Value {
    serde_json::to_value(read(event(recorded, "edge-1", 9))).expect("JSON")
}

/// As it is read back.
fn read(told: EventV1<'_>) -> EventV1<'static> {
    columns::event(columns::row(&told).map(|value| value.map(columns::Value::into_owned))).expect("an event")
}

#[test]
fn a_request_is_told_as_the_contract_says() {
    let line =
        serde_json::to_string(&read(event(&honest("/ledger/entries/7?page=2&token=x&sort%20by=a", NOON), "edge-1", 9))).expect("JSON");
    // The first line of the golden file is this very line: what is written today is what must parse for ever.
    let golden = include_str!("../../testdata/event-v1.jsonl").lines().next().expect("a line");
    assert_eq!(line, golden);
}

#[test]
fn what_is_unknown_is_absent() {
    assert_eq!(
        told(&stranger("/nowhere?token=x", Reason::RouteNoApi, NOON)),
        json!({
            "v": 1, "time_us": 1_790_000_000_000_000_i64, "seq": 9, "id": "edge-1:9", "kind": "request",
            "request_id": RequestId::new(NOON, 1_790_000_000_000_000).to_string(), "door": "public", "edge": "edge-1",
            "source": { "address": "192.0.2.7" }, "request": { "host": "ledger.example" }, "method": "GET", "path": "/nowhere",
            "ruling": {
                "response": "block", "enforced": true, "code": "route.no_api", "reasons": ["route.no_api"], "policies": [], "risk": 0, "signals": [],
            },
            "ending": "complete", "duration_us": 250, "client_status": 404, "snapshot": 3, "judge_order": 41,
        })
    );
}

#[test]
fn why_a_request_was_made_is_told_with_what_it_rests_on() {
    let purpose = |value: &'static str, basis| Some(Purpose { value: PurposeName::literal(value), basis });
    let mut event = honest("/ledger/entries/7", NOON);
    event.ruling.purpose = purpose("settlement", Basis::Registered);
    assert_eq!(told(&event)["purpose"], json!({ "value": "settlement", "basis": "declared" }), "as it was judged");
    event.facts.purpose = None;
    assert_eq!(told(&event)["purpose"], json!({ "value": "settlement", "basis": "registered" }));
    event.ruling.purpose = None;
    assert_eq!(told(&event)["purpose"], Value::Null);

    // A token of a task was given out: who asks for it shows none of it.
    event.facts.caller.as_mut().expect("a caller").task = None;
    let task = ForTask { task: TaskId::literal("t-7"), purpose: PurposeName::literal("refunds") };
    event.outcome.came_of.task = Some(task);
    assert_eq!((&told(&event)["task"], &told(&event)["purpose"]), (&json!("t-7"), &json!({ "value": "refunds", "basis": "task" })));
    event.facts.purpose = purpose("settlement", Basis::Declared);
    assert_eq!((&told(&event)["task"], &told(&event)["purpose"]["value"]), (&json!("t-7"), &json!("settlement")));
}

#[test]
fn a_connection_has_no_method_and_no_path() {
    let mut event = stranger("", Reason::WireMalformed, NOON);
    event.kind = EventKind::Connection;
    event.facts.request.host = "".into();
    let told = told(&event);
    assert_eq!(told["kind"], "connection");
    for absent in ["method", "path", "request", "identity", "proof"] {
        assert!(told.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn a_stream_that_begins_has_no_end_yet() {
    let mut event = stranger("/chat", Reason::RouteNoApi, NOON);
    event.kind = EventKind::Opened;
    let told = told(&event);
    assert_eq!(told["kind"], "opened");
    assert!(told.get("ending").is_none() && told.get("duration_us").is_none());
}

/// Replay enters at the judge, so it needs to know what stopped a request before it.
#[test]
fn what_stopped_a_request_early_is_told() {
    let mut event = stranger("/ledger/entries/7", Reason::ProofExpired, NOON);
    event.facts.stopped = Some(Stopped::because(Reason::ProofExpired));
    assert_eq!(told(&event)["stopped"], "proof.expired");
    assert_eq!(told(&event)["ruling"]["code"], "proof.expired");
}

#[test]
fn milder_answers_say_how() {
    let mut event = honest("/ledger/entries/7", NOON);
    let mut ruling = |response| {
        event.ruling.response = response;
        told(&event)["ruling"].clone()
    };
    assert_eq!(ruling(Response::Slow { delay: Duration::from_millis(30) })["delay_us"], 30_000);
    assert_eq!(ruling(Response::Challenge { kind: Challenge::Possession })["challenge"], "possession");
    assert_eq!(ruling(Response::Challenge { kind: Challenge::StepUp })["challenge"], "step_up");
}

#[test]
fn only_listed_parameters_of_a_query_are_told() {
    let check =
        |query: &str| read_part(query, &["page".into(), "sort by".into()]).map_or_else(|| "-".to_owned(), std::borrow::Cow::into_owned);
    assert_eq!(check("page=2&token=x"), "page=2");
    assert_eq!(check("token=page"), "-");
    assert_eq!(check("pa%67e=2&page=3&page"), "pa%67e=2&page=3&page");
    assert_eq!(check("sort+by=a&sort%20by=b&sortby=c"), "sort+by=a&sort%20by=b");
    assert_eq!(check("%=1&%zz&&=page"), "-");
    assert_eq!(check("page=wg_dev_000000000003_abc"), "page=wg_dev_000000000003_…");
}

/// CONTRACT: never a secret, a token or a body; whatever part of the request it was put in.
#[test]
fn a_key_in_any_part_of_the_request_is_not_told() {
    const SECRET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2Elzoh";
    let key = format!("wg_production_aB3dE5gH7jK9_{SECRET}");
    let mut event = honest(&format!("/ledger/{key}/x?page={key}&other={key}"), NOON);
    event.facts.resource = Some(key.as_str().into());
    event.facts.source.user_agent = Some(format!("curl {key}").into());
    event.facts.request.content_type = Some(key.as_str().into());
    event.facts.request.host = key.as_str().into();
    event.outcome.effect = Some(key.as_str().into());
    let told = told(&event).to_string();
    assert!(!told.contains(&SECRET[..6]), "{told}");
    assert!(told.contains("/ledger/wg_production_aB3dE5gH7jK9_…/x"), "{told}");
}

#[test]
fn a_change_says_who_did_what_and_why() {
    let record = ChangeRecord {
        time: NOON,
        actor: "alice".into(),
        what: "revoke".into(),
        kind: "credential".into(),
        name: "aB3dE5gH7jK9".into(),
        reason: Some("leaked: wg_production_aB3dE5gH7jK9_0123".into()),
        of: Vec::new(),
    };
    assert_eq!(
        serde_json::to_value(read(change(&record, "edge-1", 9))).expect("JSON"),
        json!({
            "v": 1, "time_us": 1_790_000_000_000_000_i64, "seq": 9, "id": "edge-1:9", "kind": "change", "edge": "edge-1",
            "change": {
                "actor": "alice", "what": "revoke", "kind": "credential", "name": "aB3dE5gH7jK9",
                "reason": "leaked: wg_production_aB3dE5gH7jK9_…",
            },
        })
    );
}
