use crate::call::testing::Fixture;

#[tokio::test]
async fn the_feed_is_read_from_where_one_stopped() {
    let fixture = Fixture::new().await;
    fixture.apply("a.yaml Owner/payments {}\na.yaml Owner/cards {}").await;
    let ask = async |query: &str| fixture.ask(&format!("GET /api/v1/changes?{query} as watcher")).await;
    let row = |seq, name| {
        format!(
            r#"{{"act":"create","actor":"file:a.yaml","after":{{}},"before":null,"kind":"Owner","name":"{name}","reason":"","seq":{seq},"time":"2027-01-15T08:00:00Z"}}"#
        )
    };
    assert_eq!(ask("limit=1&cursor=1").await, format!(r#"200 {{"items":[{}],"next":"2"}}"#, row(2, "payments")));
    assert_eq!(ask("limit=1&cursor=2").await, format!(r#"200 {{"items":[{}],"next":null}}"#, row(3, "cards")));
    assert_eq!(ask("kind=Owner&name=cards").await, format!(r#"200 {{"items":[{}],"next":null}}"#, row(3, "cards")));
    let unknown = "400 console.malformed: `kind` is a kind of resource or one of `status`, `credential`, `secret`, `signing_key`, `owner_status`, `containment`, `approval`, `discovery`, not `pony`";
    assert_eq!(ask("since=2").await, format!(r#"200 {{"items":[{}],"next":null}}"#, row(3, "cards")));
    assert_eq!(ask("kind=pony").await, unknown);
}
