use crate::call::testing::{Fixture, NOW};
use serde_json::{Value, json};
use wardgate_store::{Precondition, ResourceChange, ResourceId};

const LEDGER: &str = r#"{"owner":"payments","purpose":"copies"}"#;

async fn put(fixture: &Fixture, caller: &str, target: &str, spec: &str) -> String {
    fixture.ask(&format!("PUT /api/v1/resources/{target} as {caller}\n\n{{\"spec\":{spec},\"reason\":\"ticket 7\"}}")).await
}

async fn post(fixture: &Fixture, caller: &str, path: &str, body: &Value) -> String {
    fixture.ask(&format!("POST /api/v1/{path} as {caller}\n\n{body}")).await
}

#[tokio::test]
async fn a_resource_is_made_changed_and_removed() {
    let fixture = Fixture::new().await;
    let made = put(&fixture, "op", "Identity/bot", LEDGER).await;
    assert!(made.starts_with(r#"201 "2" {"kind":"Identity","name":"bot","origin":"api","revision":2"#), "{made}");
    assert!(made.contains(r#""requester":"op","#) && made.contains(r#""state":"requested"}"#), "{made}");
    let same = put(&fixture, "op", "identity/bot", LEDGER).await;
    assert!(same.starts_with(r#"200 "2" "#), "the same spec again changes nothing: {same}");
    let nulls = put(&fixture, "op", "identity/bot", r#"{"purpose":"copies","owner":"payments","team":null}"#).await;
    assert!(nulls.starts_with(r#"200 "2" "#), "one meaning, one spec: {nulls}");
    let other = put(&fixture, "op", "identity/bot", r#"{"owner":"payments","purpose":"copies more"}"#).await;
    assert!(other.starts_with(r#"200 "3" "#), "{other}");
    let stale = fixture.ask("DELETE /api/v1/resources/Identity/bot as op\nif-match: \"2\"").await;
    assert_eq!(stale, "412 console.stale: resource `Identity/bot` was changed meanwhile: read it again, then decide");
    let there = put(&fixture, "op\nif-none-match: *", "Identity/bot", LEDGER).await;
    assert!(there.starts_with("412 console.stale"), "{there}");
    assert_eq!(fixture.ask("DELETE /api/v1/resources/Identity/bot as op\nif-match: \"3\"").await, "204");
    assert_eq!(
        fixture.ask("DELETE /api/v1/resources/Identity/bot as op").await,
        "404 console.not_found: there is no resource `Identity/bot`"
    );
    let changes = fixture.ask("GET /api/v1/changes?kind=Identity&name=bot as watcher").await;
    assert_eq!(changes.matches(r#""actor":"op""#).count(), 3, "{changes}");
    assert!(changes.contains(r#""reason":"ticket 7""#), "{changes}");
}

#[tokio::test]
async fn what_makes_no_sense_is_told_at_once_and_nothing_is_done() {
    let fixture = Fixture::new().await;
    let before = fixture.store.last_seq().await.unwrap();
    let said = put(&fixture, "op", "Identity/bot", r#"{"owner":"payments","broken":"colour size"}"#).await;
    assert_eq!(said, "422 console.diagnostics: Identity/bot: `colour`: this key is not known, and 1 more");
    let documents = json!({ "documents": [
        { "kind": "Identity", "name": "bot", "spec": { "owner": "payments", "broken": "colour" } },
        { "kind": "Pony", "name": "p", "spec": {} },
        { "kind": "Owner", "name": "No Body", "spec": {} },
        { "kind": "Zone", "name": "z", "spec": {} },
        { "kind": "Zone", "name": "z", "spec": {} },
    ] });
    let planned = post(&fixture, "root", "plan", &documents).await;
    let planned: Value = serde_json::from_str(planned.strip_prefix("200 ").unwrap()).unwrap();
    let told: Vec<String> = planned["diagnostics"].as_array().unwrap().iter().map(|d| format!("{} {}", d["place"], d["code"])).collect();
    let expected = [
        r#""documents[1]" "resource.unknown_kind""#,
        r#""documents[2]" "resource.name""#,
        r#""Zone/z" "resource.twice""#,
        r#""Identity/bot" "key.unknown""#,
    ];
    assert_eq!(told, expected);
    let applied = post(&fixture, "root", "apply", &documents).await;
    assert_eq!(applied, "422 console.diagnostics: documents[1]: there is no kind `Pony`, and 3 more");
    assert_eq!(fixture.store.last_seq().await.unwrap(), before);
}

#[tokio::test]
async fn what_files_own_stays_theirs() {
    let fixture = Fixture::new().await;
    fixture.apply("a/owners.yaml Zone/z {\"networks\":[]}").await;
    let file = "comes from the file `a/owners.yaml`";
    assert_eq!(put(&fixture, "root", "Zone/z", "{}").await, format!("409 console.conflict: resource `Zone/z` {file}"));
    let removed = fixture.ask("DELETE /api/v1/resources/Zone/z as root").await;
    assert_eq!(removed, format!("409 console.conflict: resource `Zone/z` {file}"));
    let other = json!({ "documents": [{ "kind": "Zone", "name": "z", "spec": {} }, { "kind": "Zone", "name": "y", "spec": {} }] });
    assert_eq!(post(&fixture, "root", "apply", &other).await, format!("409 console.conflict: resource `Zone/z`: it {file}"));
    let same = json!({ "documents": [{ "kind": "Zone", "name": "z", "spec": { "networks": [] } }], "prune": true });
    let applied = post(&fixture, "root", "apply", &same).await;
    assert!(applied.starts_with(r#"200 {"created":0,"diagnostics":[],"removed":0,"#), "{applied}");
}

#[tokio::test]
async fn documents_are_planned_applied_pruned_and_exported() {
    let fixture = Fixture::new().await;
    fixture.apply("a.yaml Owner/cards {}").await;
    put(&fixture, "root", "Zone/by-hand", "{}").await;
    let documents = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| json!({ "kind": "Zone", "name": name, "spec": { "networks": ["10.0.0.0/8"] } })).collect()
    };
    let plan = post(&fixture, "root", "plan", &json!({ "documents": documents(&["a", "b"]), "prune": true })).await;
    assert_eq!(plan.matches(r#""change":"create""#).count(), 2, "{plan}");
    assert!(plan.contains(r#""approval":false"#) && !plan.contains("by-hand") && !plan.contains("cards"), "{plan}");
    let applied = post(&fixture, "root", "apply", &json!({ "documents": documents(&["a", "b"]), "prune": true, "reason": "first" })).await;
    assert_eq!(applied, r#"200 {"created":2,"diagnostics":[],"removed":0,"seq":5,"unchanged":0,"updated":0}"#);
    let again = post(&fixture, "root", "apply", &json!({ "documents": documents(&["a", "b"]), "prune": true })).await;
    assert_eq!(again, r#"200 {"created":0,"diagnostics":[],"removed":0,"seq":5,"unchanged":2,"updated":0}"#);
    let mut other = documents(&["b"]);
    other[0]["spec"]["networks"] = json!(["10.0.0.0/8", "11.0.0.0/8"]);
    let plan = post(&fixture, "root", "plan", &json!({ "documents": other, "prune": true })).await;
    assert!(plan.contains(r#""change":"update""#) && plan.contains(r#""path":"spec.networks""#), "{plan}");
    assert!(plan.contains(r#""change":"remove","fields":[],"kind":"Zone","name":"a""#), "{plan}");
    let applied = post(&fixture, "root", "apply", &json!({ "documents": other, "prune": true })).await;
    assert_eq!(applied, r#"200 {"created":0,"diagnostics":[],"removed":1,"seq":7,"unchanged":0,"updated":1}"#);
    let nothing = post(&fixture, "root", "apply", &json!({ "documents": [], "prune": true })).await;
    assert!(nothing.starts_with("422 console.unfit: no document at all, and `prune`"), "{nothing}");

    let exported = fixture.ask("GET /api/v1/export as watcher").await;
    let owner = r#"{"kind":"Owner","name":"cards","spec":{}}"#;
    let zones = r#"{"kind":"Zone","name":"b","spec":{"networks":["10.0.0.0/8","11.0.0.0/8"]}},{"kind":"Zone","name":"by-hand","spec":{}}"#;
    assert_eq!(exported, format!(r#"200 {{"documents":[{owner},{zones}],"next":null}}"#));
    let mut page = fixture.ask("GET /api/v1/export?limit=1&kind=zone as watcher").await;
    let mut names = Vec::new();
    loop {
        let body: Value = serde_json::from_str(page.strip_prefix("200 ").unwrap()).unwrap();
        names.extend(body["documents"].as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap().to_owned()));
        let Some(next) = body["next"].as_str() else { break };
        page = fixture.ask(&format!("GET /api/v1/export?limit=1&kind=zone&cursor={next} as watcher")).await;
    }
    assert_eq!(names, ["b", "by-hand"]);
    let files = fixture.ask("GET /api/v1/export?origin=file as watcher").await;
    assert_eq!(files, format!(r#"200 {{"documents":[{owner}],"next":null}}"#));
    let lost = fixture.ask("GET /api/v1/export?cursor=Pony as watcher").await;
    assert_eq!(lost, "400 console.malformed: `Pony` is no cursor of this list");
}

#[tokio::test]
async fn what_somebody_else_changes_meanwhile_is_not_overrun() {
    let fixture = Fixture::new().await;
    put(&fixture, "root", "Zone/z", "{}").await;
    let meanwhile = |name: &str, spec: Value| ResourceChange {
        id: ResourceId::parse(wardgate_model::resource::Kind::Zone, name).unwrap(),
        spec: Some(spec),
        expect: Precondition::Any,
    };
    // Something else: looked at again, and done.
    *fixture.played.meanwhile.lock().unwrap() = Some(meanwhile("other", json!({})));
    let done = put(&fixture, "root\nif-match: \"2\"", "Zone/z", r#"{"networks":[]}"#).await;
    assert!(done.starts_with(r#"200 "4" "#), "{done}");
    // The thing itself: refused.
    *fixture.played.meanwhile.lock().unwrap() = Some(meanwhile("z", json!({ "networks": ["10.0.0.0/8"] })));
    let stale = put(&fixture, "root\nif-match: \"4\"", "Zone/z", "{}").await;
    assert!(stale.starts_with("412 console.stale"), "{stale}");
    assert_eq!(fixture.store.last_seq().await.unwrap(), 5);
}

#[tokio::test]
async fn the_same_apply_again_gets_the_first_answer() {
    let fixture = Fixture::new().await;
    let ask = async |name: &str, at| {
        let body = json!({ "documents": [{ "kind": "Zone", "name": name, "spec": {} }] });
        fixture.ask_at(at, &format!("POST /api/v1/apply as root\nidempotency-key: deploy-7\n\n{body}")).await
    };
    let first = ask("a", NOW).await;
    assert!(first.starts_with(r#"200 {"created":1"#), "{first}");
    assert_eq!(ask("a", NOW).await, first);
    assert!(ask("b", NOW).await.starts_with("422 console.key_reused"));
}
