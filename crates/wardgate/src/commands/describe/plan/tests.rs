use super::{of_api, row, steps};
use serde_json::json;

#[test]
fn what_is_not_said_goes_by_the_sensitivity() {
    let said = |spec| row("shop", of_api(&spec)).to_string();
    insta::assert_snapshot!(said(json!({})), @r#"{"api":"shop","block":80,"challenge":60,"harmful":{"block":70,"challenge":50},"mode":"enforce","quarantine":null,"slow":45}"#);
    insta::assert_snapshot!(said(json!({ "sensitivity": "low", "risk": { "block": 70, "quarantine": true, "mode": "observe" } })), @r#"{"api":"shop","block":70,"challenge":70,"harmful":{"block":60,"challenge":60},"mode":"observe","quarantine":95,"slow":60}"#);
}

#[test]
fn an_identity_has_the_last_word() {
    let own = steps(&json!({ "risk": { "slow": 30, "quarantine": 90 } }));
    let plan = of_api(&json!({ "sensitivity": "critical", "risk": { "block": 85 } })).with(&own);
    insta::assert_snapshot!(row("shop", plan), @r#"{"api":"shop","block":85,"challenge":55,"harmful":{"block":75,"challenge":45},"mode":"enforce","quarantine":90,"slow":30}"#);
}
