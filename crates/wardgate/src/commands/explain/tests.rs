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
fn what_is_only_observed_is_no_refusal() {
    let ruling = |response: &str, enforced: bool| json!({ "ruling": { "response": response, "enforced": enforced } });
    assert!(!refused(&ruling("allow", true)) && !refused(&ruling("slow", true)) && !refused(&ruling("block", false)));
    assert!(refused(&ruling("block", true)) && refused(&ruling("challenge", true)));
    assert!(refused(&json!({})), "an answer without a ruling is no yes");
}
