use crate::call::testing::Fixture;
use serde_json::json;

async fn import(fixture: &Fixture, format: &str, text: &str) -> String {
    let body = json!({ "format": format, "text": text, "owner": "payments", "environment": "production" });
    fixture.ask(&format!("POST /api/v1/import as root\n\n{body}")).await
}

#[tokio::test]
async fn a_list_becomes_documents_and_nothing_is_written() {
    let fixture = Fixture::new().await;
    fixture.apply("a.yaml Owner/payments {\"accountable\":\"pia@example.com\"}").await;
    let before = fixture.store.last_seq().await.unwrap();
    let said = import(&fixture, "csv", "name,type,purpose\nnightly-report,batch_job,reports at night\n").await;
    assert!(said.starts_with("200 ") && said.contains(r#""kind":"Identity","name":"nightly-report""#), "{said}");
    assert!(said.contains(r#""change":"create""#), "{said}");
    let away = r#"{"Resources":[{"userName":"pia@example.com","active":false}]}"#;
    let said = import(&fixture, "scim", away).await;
    assert!(said.contains(r#""owner":"payments","part":"accountable","person":"pia@example.com""#), "{said}");
    assert_eq!(fixture.store.last_seq().await.unwrap(), before);
}

#[tokio::test]
async fn what_is_no_list_is_told() {
    let fixture = Fixture::new().await;
    let odd = import(&fixture, "xls", "").await;
    assert!(odd.starts_with("422 console.unfit: there is no format `xls`"), "{odd}");
    let broken = import(&fixture, "scim", "{").await;
    assert!(broken.starts_with("200 ") && broken.contains(r#""level":"error""#), "all that is wrong is in the plan: {broken}");
}
