use crate::call::testing::Fixture;
use wardgate_store::CredentialFilter;

async fn put(fixture: &Fixture, target: &str, spec: &str) {
    let said = fixture.ask(&format!("PUT /api/v1/resources/{target} as root\n\n{{\"spec\":{spec}}}")).await;
    assert!(said.starts_with("20"), "{said}");
}

async fn back(fixture: &Fixture, body: &str) -> String {
    fixture.ask(&format!("POST /api/v1/rollback as root\n\n{body}")).await
}

#[tokio::test]
async fn back_to_how_it_was_planned_and_recorded() {
    let fixture = Fixture::new().await;
    put(&fixture, "Zone/a", r#"{"networks":["10.0.0.0/8"]}"#).await;
    fixture.apply("f.yaml Owner/payments {}").await;
    let then = fixture.store.last_seq().await.unwrap();
    put(&fixture, "Zone/a", r#"{"networks":["11.0.0.0/8"]}"#).await;
    put(&fixture, "Zone/b", "{}").await;
    fixture.apply("f.yaml Owner/payments {\"x\":1}").await;
    let issued = fixture.ask("POST /api/v1/credentials as op\n\n{\"identity\":\"ledger\"}").await;
    fixture.ask(&format!("DELETE /api/v1/credentials/{} as op", Fixture::member(&issued, "id"))).await;
    let before = fixture.store.last_seq().await.unwrap();

    let plan = back(&fixture, &format!(r#"{{"to":{then},"plan":true}}"#)).await;
    assert!(plan.contains(r#""change":"update""#) && plan.contains(r#""change":"remove""#), "{plan}");
    assert!(plan.contains(r#""applied":null,"approval":false"#), "{plan}");
    assert!(plan.contains("the file `f.yaml` owns it: change it there") && plan.contains("it was revoked: it stays so"), "{plan}");
    assert_eq!(fixture.store.last_seq().await.unwrap(), before, "a plan writes nothing");

    let done = back(&fixture, &format!(r#"{{"to":{then},"reason":"undo"}}"#)).await;
    assert!(done.contains(r#""applied":{"created":0,"diagnostics":[],"removed":1,"#), "{done}");
    let zone = fixture.ask("GET /api/v1/resources/Zone as watcher").await;
    assert!(zone.contains("10.0.0.0/8") && !zone.contains(r#""name":"b""#), "{zone}");
    let changes = fixture.ask(&format!("GET /api/v1/changes?since={before} as watcher")).await;
    assert_eq!(changes.matches(r#""reason":"undo""#).count(), 2, "{changes}");
    let all = fixture.store.credentials(&CredentialFilter::default()).await.unwrap();
    assert!(all.iter().any(|one| format!("{:?}", one.credential.state).starts_with("Revoked")), "and stays so");
    let again = back(&fixture, &format!(r#"{{"to":{then}}}"#)).await;
    assert!(again.contains(r#""changes":[]"#), "there is nothing left to undo: {again}");
}

#[tokio::test]
async fn no_way_round_the_second_person_and_no_future() {
    let fixture = Fixture::signed_in().await;
    let then = fixture.store.last_seq().await.unwrap();
    let forbid = r#"{"cedar":"@id(\"team:stop\") forbid (principal, action, resource);"}"#;
    put(&fixture, "Policy/stop", forbid).await;
    let asked = back(&fixture, &format!(r#"{{"to":{then}}}"#)).await;
    assert!(asked.starts_with("202") && asked.contains("it takes away a forbid: `team:stop`"), "{asked}");
    // What is approved is what was planned then, not what a rollback would be by then.
    put(&fixture, "Zone/later", "{}").await;
    let id = Fixture::member(&asked, "id");
    let done = fixture.ask(&format!("POST /api/v1/approvals/{id}/approve as rita\n\n{{}}")).await;
    assert!(done.starts_with("200"), "{done}");
    assert!(fixture.ask("GET /api/v1/resources/Zone/later as watcher").await.starts_with("200"));
    assert!(fixture.ask("GET /api/v1/resources/Policy/stop as watcher").await.starts_with("404"));
    let operator = fixture.ask(&format!("POST /api/v1/rollback as op\n\n{{\"to\":{then}}}")).await;
    assert!(operator.starts_with("403 console.reach: `Zone/later`: to declare a Zone takes"), "{operator}");
    let future = back(&fixture, r#"{"to":1000}"#).await;
    assert!(future.starts_with("422 console.unfit: there is no change 1000 yet"), "{future}");
    let odd = back(&fixture, r#"{"to":-1}"#).await;
    assert!(odd.starts_with("400 console.malformed: the body: a member is of the wrong type"), "{odd}");
}
