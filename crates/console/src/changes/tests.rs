use super::moved;
use crate::call::testing::Fixture;
use serde_json::{Value, json};
use wardgate_model::resource::Kind;
use wardgate_store::Subject;

#[tokio::test]
async fn the_feed_is_read_from_where_one_stopped() {
    let fixture = Fixture::new().await;
    fixture.apply("a.yaml Owner/payments {}\na.yaml Owner/cards {}").await;
    let ask = async |query: &str| fixture.ask(&format!("GET /api/v1/changes?{query} as watcher")).await;
    let row = |seq, name| {
        format!(
            r#"{{"act":"create","actor":"file:a.yaml","after":{{}},"before":null,"from":null,"kind":"Owner","name":"{name}","reason":"","seq":{seq},"time":"2027-01-15T08:00:00Z","to":null}}"#
        )
    };
    assert_eq!(ask("limit=1&cursor=1").await, format!(r#"200 {{"items":[{}],"next":"2"}}"#, row(2, "payments")));
    assert_eq!(ask("limit=1&cursor=2").await, format!(r#"200 {{"items":[{}],"next":null}}"#, row(3, "cards")));
    assert_eq!(ask("kind=Owner&name=cards").await, format!(r#"200 {{"items":[{}],"next":null}}"#, row(3, "cards")));
    let unknown = "400 console.malformed: `kind` is a kind of resource or one of `status`, `credential`, `secret`, `signing_key`, `owner_status`, `containment`, `approval`, `discovery`, `task`, `announcement`, `rehearsal`, not `pony`";
    assert_eq!(ask("since=2").await, format!(r#"200 {{"items":[{}],"next":null}}"#, row(3, "cards")));
    assert_eq!(ask("kind=pony").await, unknown);
    let slip = "404 console.not_found: there is no Owner `payment`: did you mean `payments`?";
    assert_eq!(ask("kind=Owner&name=payment").await, slip);
    assert_eq!(ask("kind=credential&name=x").await, "404 console.not_found: there is no credential `x`");
    // What nothing happened to yet, and what came after the last page, is no slip.
    let none = r#"200 {"items":[],"next":null}"#;
    assert_eq!(ask("kind=owner_status&name=cards").await, none);
    assert_eq!(ask("kind=Owner&name=cards&since=3").await, none);
}

#[test]
fn where_it_was_and_where_it_is() {
    let said = |subject, before: Value, after: Value| {
        let there = |value: &Value| !value.is_null();
        let (from, to) = moved(subject, Some(&before).filter(|v| there(v)), Some(&after).filter(|v| there(v)));
        format!("{} → {}", from.as_deref().unwrap_or("-"), to.as_deref().unwrap_or("-"))
    };
    let live = |end: &str| json!({ "state": "live", "expires": end });
    for (subject, before, after, expected) in [
        (Subject::Status, Value::Null, json!({ "state": "requested" }), "- → requested"),
        (Subject::Status, json!({ "state": "active" }), json!({ "state": "quarantined" }), "active → quarantined"),
        (Subject::Containment, Value::Null, json!({ "kind": "identity" }), "free → contained"),
        (Subject::Containment, json!({ "kind": "identity" }), Value::Null, "contained → free"),
        (Subject::Credential, Value::Null, live("2027-02-01"), "- → live"),
        (Subject::Credential, live("2027-02-01"), live("2027-01-16"), "until 2027-02-01 → until 2027-01-16"),
        (Subject::Credential, live("2027-02-01"), json!({ "state": "revoked" }), "live → revoked"),
        (Subject::Secret, json!({ "version": 1 }), json!({ "version": 2 }), "version 1 → version 2"),
        (Subject::OwnerStatus, json!({ "departed": null }), json!({ "departed": "2027-01-15" }), "present → departed"),
        (Subject::Resource(Kind::Owner), json!({}), json!({ "contact": "x" }), "- → -"),
    ] {
        assert_eq!(said(subject, before, after), expected);
    }
}
