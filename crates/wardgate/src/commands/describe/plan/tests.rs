use super::{of_api, row, steps};
use serde_json::json;

#[test]
fn what_is_not_said_goes_by_the_sensitivity() {
    let said = |spec| row("shop", of_api(&spec)).to_string();
    insta::assert_snapshot!(said(json!({})), @r#"{"api":"shop","slow":45,"challenge":60,"block":80,"harmful":{"challenge":50,"block":70},"quarantine":null,"mode":"enforce"}"#);
    insta::assert_snapshot!(said(json!({ "sensitivity": "low", "risk": { "block": 70, "quarantine": true, "mode": "observe" } })), @r#"{"api":"shop","slow":60,"challenge":70,"block":70,"harmful":{"challenge":60,"block":60},"quarantine":95,"mode":"observe"}"#);
}

#[test]
fn an_identity_has_the_last_word() {
    let own = steps(&json!({ "risk": { "slow": 30, "quarantine": 90 } }));
    let plan = of_api(&json!({ "sensitivity": "critical", "risk": { "block": 85 } })).with(&own);
    insta::assert_snapshot!(row("shop", plan), @r#"{"api":"shop","slow":30,"challenge":55,"block":85,"harmful":{"challenge":45,"block":75},"quarantine":90,"mode":"enforce"}"#);
}
