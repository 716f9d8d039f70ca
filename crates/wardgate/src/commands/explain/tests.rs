use super::{readable, refused};
use serde_json::json;

#[test]
fn a_refusal_says_who_what_why_and_what_to_do() {
    let explained = json!({
        "identity": { "id": "analytics-reader", "owner": "insights", "environment": "production" },
        "operation": "shop GET /shop/export",
        "grant": null,
        "ruling": {
            "response": "block", "enforced": true, "code": "standing.denied", "reasons": ["standing.denied"],
            "policies": ["guardrail:power"], "risk": 0
        },
        "policies": [
            { "policy": "guardrail:power", "effect": "forbid", "verdict": "satisfied", "missing": ["context.proof.kind != \"api_key\""], "place": "shipped.cedar:18:1" },
            { "policy": "grant:analytics-reads", "effect": "permit", "verdict": "not_satisfied", "missing": [] }
        ],
        "remedy": "ask for a grant that covers this operation"
    });
    assert!(refused(&explained));
    insta::assert_snapshot!(anstream::adapter::strip_str(&readable(&explained)).to_string(), @r#"
    ruling     block  standing.denied
    caller     analytics-reader  owner insights, environment production
    operation  shop GET /shop/export
    reason     standing.denied
    grant      none that covers it
    decided    guardrail:power
    risk       0
    policy     guardrail:power  forbid satisfied  shipped.cedar:18:1
                 needs context.proof.kind != "api_key"
    policy     grant:analytics-reads  permit not satisfied
    remedy     ask for a grant that covers this operation
    "#);
}

#[test]
fn a_recorded_request_says_when_and_from_where() {
    let explained = json!({
        "time_us": 1_900_000_000_123_456_i64,
        "source": { "address": "192.0.2.7", "country": "DE", "network": "AS64500", "reputation": "drop,scan" },
        "identity": { "id": "operator", "owner": "wardgate", "environment": "wardgate" },
        "operation": "wardgate-admin GET /api/v1/events", "method": "GET", "path": "/api/v1/events",
        "ruling": { "response": "allow", "enforced": true, "code": "rule.allowed", "reasons": ["rule.allowed"], "policies": ["shipped:admin-admin"], "risk": 0 },
        "client_status": 200, "remedy": ""
    });
    insta::assert_snapshot!(anstream::adapter::strip_str(&readable(&explained)).to_string(), @r"
    ruling     allow  rule.allowed
    recorded   2030-03-17T17:46:40Z  from 192.0.2.7  GET /api/v1/events  answered 200
    source     country DE; network AS64500; on the lists drop, scan
    caller     operator  owner wardgate, environment wardgate
    operation  wardgate-admin GET /api/v1/events
    reason     rule.allowed
    decided    shipped:admin-admin
    risk       0
    ");
}

/// Staging may be called from staging. That production is, is seen at once.
#[test]
fn where_a_call_comes_from_is_told_beside_where_its_caller_lives() {
    let source = |zone: serde_json::Value, lives: &str| {
        let identity = json!({ "id": "ledger-sync", "owner": "payments", "environment": lives });
        let page = readable(&json!({ "source": zone, "identity": identity, "ruling": { "response": "allow", "code": "rule.allowed" } }));
        anstream::adapter::strip_str(&page).to_string().lines().find(|line| line.starts_with("source")).map(str::to_owned)
    };
    let runners = json!({ "zone": "runners", "environment": "staging" });
    assert_eq!(source(runners.clone(), "staging").unwrap(), "source     zone runners of staging");
    assert_eq!(source(runners, "production").unwrap(), "source     zone runners of staging, and the caller is of production");
    assert_eq!(source(json!({ "zone": "partners" }), "production").unwrap(), "source     zone partners");
    assert_eq!(source(json!({ "address": "192.0.2.7" }), "production"), None);
}

#[test]
fn signals_say_what_was_measured_and_what_would_have_been() {
    let explained = json!({
        "ruling": {
            "response": "allow", "enforced": true, "code": "rule.allowed", "reasons": ["rule.allowed"], "policies": [], "risk": 62, "would": "slow",
            "signals": [{ "name": "rate", "value": 430.0, "weight": 50.0 }, { "name": "new_operation", "value": 0.0, "weight": 25.0 }]
        }
    });
    insta::assert_snapshot!(anstream::adapter::strip_str(&readable(&explained)).to_string(), @"
    ruling     allow  rule.allowed
    reason     rule.allowed
    risk       62
    signal     rate  50 of 100, at 430 per cent of the usual  it calls far more often than it does at such an hour
    signal     new_operation  25 of 100  it uses operations that it has not used before
    would      slow  for its risk, if the plan did not only watch (`risk.mode: observe`) or keep the operation (`risk.keep`)
    ");
}

#[test]
fn what_is_only_observed_is_no_refusal() {
    let ruling = |response: &str, enforced: bool| json!({ "ruling": { "response": response, "enforced": enforced } });
    assert!(!refused(&ruling("allow", true)) && !refused(&ruling("slow", true)) && !refused(&ruling("block", false)));
    assert!(refused(&ruling("block", true)) && refused(&ruling("challenge", true)));
    assert!(refused(&json!({})), "an answer without a ruling is no yes");
}

/// Somebody acts for the caller: both are named. What the token service refuses is a no, though the gate let it in; the same status of any other API
/// is that API's business.
#[test]
fn who_acts_and_what_the_token_service_refused_is_told() {
    let mut explained = json!({
        "identity": { "id": "shop-front", "owner": "shop", "environment": "production" }, "actors": ["orders", "cart"],
        "api": { "name": "wardgate-issuer" }, "operation": "wardgate-issuer POST /oauth/token",
        "effect": "refused scope=not_granted: no grant gives `orders` the class `write` of the API `ledger`, or an operation of it",
        "ruling": { "response": "allow", "enforced": true, "code": "rule.allowed", "reasons": ["rule.allowed"], "policies": [], "risk": 0 },
        "client_status": 400, "remedy": "declare a `Grant`"
    });
    assert!(refused(&explained));
    insta::assert_snapshot!(anstream::adapter::strip_str(&readable(&explained)).to_string(), @r"
    ruling     allow  rule.allowed  (let in; what it asked for was refused: see effect)
    caller     shop-front  owner shop, environment production
    acting     orders, for cart  for the caller, outermost first
    operation  wardgate-issuer POST /oauth/token
    effect     refused scope=not_granted: no grant gives `orders` the class `write` of the API `ledger`, or an operation of it
    reason     rule.allowed
    risk       0
    remedy     declare a `Grant`
    ");
    explained["api"]["name"] = json!("ledger");
    assert!(!refused(&explained));
}
