use crate::{call::testing::Fixture, world::EventQuery};
use wardgate_model::id::IdentityId;

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let fixture = Fixture::new().await;
    let ask = async |query: &str| fixture.ask(&format!("GET /api/v1/events{query} as watcher")).await;
    assert_eq!(ask("").await, r#"200 {"items":[{"seq":1}],"next":"a:1"}"#);
    let filters =
        "?cursor=a%3A1&limit=5&identity=ledger&api=orders&code=proof.expired&response=block&would=any&without_reads_of=wardgate-admin";
    assert_eq!(ask(filters).await, r#"200 {"items":[],"next":"a:1","unreadable":2}"#);
    assert_eq!(ask("?cursor=b").await, "400 console.malformed: this is no cursor of the event log");
    let asked = fixture.played.asked.lock().unwrap();
    let filtered = EventQuery {
        cursor: Some("a:1".into()),
        limit: 5,
        identity: Some(IdentityId::literal("ledger")),
        api: Some("orders".into()),
        code: Some("proof.expired".into()),
        response: Some("block".into()),
        would: Some("any".into()),
        without_reads_of: Some("wardgate-admin".into()),
    };
    assert_eq!((asked[0].limit, &asked[1]), (100, &filtered));
}
