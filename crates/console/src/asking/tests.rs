use crate::call::testing::Fixture;

#[tokio::test]
async fn the_log_can_be_asked_by_those_who_look_after_security() {
    let fixture = Fixture::new().await;
    let ask = async |body: &str, who: &str| fixture.ask(&format!("POST /api/v1/audit/query as {who}\n\n{body}")).await;
    let found = ask(r#"{"sql":"SELECT 1","rows":3}"#, "rosa").await;
    assert_eq!(found, r#"200 {"columns":[{"name":"asked","type":"text"}],"left_out":[],"rows":[{"asked":"SELECT 1"}],"truncated":false}"#);
    assert_eq!(ask(r#"{"sql":"SELECT 1","rows":0}"#, "rosa").await, "422 console.unfit: `rows` is a number from 1 to 10000");
    let long = format!(r#"{{"sql":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(ask(&long, "rosa").await, "422 console.unfit: `sql` has at most 65536 bytes");
    assert!(ask(r#"{"sql":1}"#, "rosa").await.starts_with("400 console.malformed"));
}
