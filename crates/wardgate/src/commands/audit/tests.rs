use super::readable;
use serde_json::json;

fn shown(event: &serde_json::Value) -> String {
    anstream::adapter::strip_str(&readable(event)).to_string()
}

#[test]
fn events_are_lines() {
    let allowed = json!({
        "v": 1, "time_us": 1_900_000_000_123_456_i64, "kind": "request",
        "identity": { "id": "orders-sync", "name": "orders-sync" },
        "operation": "shop GET /shop/orders/{id}", "method": "GET", "path": "/shop/orders/o-1",
        "ruling": { "response": "allow", "enforced": true, "code": "rule.allowed" },
        "client_status": 200, "duration_us": 1840, "request_id": "0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de",
    });
    let refused = json!({
        "v": 1, "time_us": 1_900_000_000_000_000_i64, "kind": "request", "method": "GET", "path": "/nothing\u{1b}[2J",
        "ruling": { "response": "block", "enforced": true, "code": "route.no_api" }, "client_status": 404, "duration_us": 90,
    });
    let observed = json!({
        "v": 1, "time_us": 1_900_000_000_000_000_i64, "kind": "request", "operation": "shop GET /shop/orders",
        "ruling": { "response": "block", "enforced": false, "code": "credential.missing" }, "client_status": 200, "duration_us": 2000,
    });
    let change = json!({
        "v": 1, "time_us": 1_900_000_000_000_000_i64, "kind": "change",
        "change": { "actor": "wardgate-operator", "what": "revoke", "kind": "credential", "name": "4fT0aZ19xQ2b", "reason": "leaked" },
    });
    let lines: Vec<String> = [allowed, refused, observed, change].iter().map(shown).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    2030-03-17T17:46:40.123Z  orders-sync           shop GET /shop/orders/{id}                    allow rule.allowed                    200     1.8 ms  0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de
    2030-03-17T17:46:40.000Z  -                     GET /nothing\u{1b}[2J                         block route.no_api                    404     0.0 ms
    2030-03-17T17:46:40.000Z  -                     shop GET /shop/orders                         block (observed) credential.missing   200     2.0 ms
    2030-03-17T17:46:40.000Z  wardgate-operator     revoke credential 4fT0aZ19xQ2b (leaked)
    ");
}

#[test]
fn a_connection_that_was_ended_and_an_empty_event_are_lines_too() {
    insta::assert_snapshot!(shown(&json!({ "kind": "connection", "ruling": { "response": "block", "enforced": true, "code": "wire.framing" } })), @"-  -                     connection                                    block wire.framing                    ---");
    insta::assert_snapshot!(shown(&json!({})), @"-  -                                                                   -                                     ---");
}

/// Who acts is no less who called than for whom it did.
#[test]
fn who_acts_for_somebody_is_named_beside() {
    let event = json!({
        "kind": "request", "identity": { "id": "shop-front" }, "actors": ["orders-service"], "operation": "ledger GET /ledger/entries",
        "ruling": { "response": "allow", "enforced": true, "code": "rule.allowed" }, "client_status": 200, "duration_us": 1840,
    });
    assert!(shown(&event).starts_with("-  orders-service, for shop-front  ledger GET"), "{}", shown(&event));
}
