use crate::call::testing::Fixture;

/// Which operations are told of, a word each.
async fn told(fixture: &Fixture, who: &str, query: &str) -> String {
    let said = fixture.ask(&format!("GET /api/v1/operations?{query} as {who}")).await;
    let Some(body) = said.strip_prefix("200 ") else { return said };
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let items = body["items"].as_array().unwrap().iter();
    let names = items
        .map(|one| format!("{}:{}:{}", one["api"].as_str().unwrap(), one["standing"].as_str().unwrap(), one["detail"].as_str().unwrap()));
    format!("{} next={}", names.collect::<Vec<_>>().join(" "), body["next"])
}

#[tokio::test]
async fn operations_are_listed_by_api_and_standing_and_in_pages() {
    let fixture = Fixture::new().await;
    let ask = async |query: &str| told(&fixture, "watcher", query).await;
    assert_eq!(ask("").await, "ledger:shadow:served ledger:unused:for 7776000s shop:drift:otherwise next=null");
    assert_eq!(ask("limit=1&cursor=1").await, r#"ledger:unused:for 7776000s next="2""#);
    assert_eq!(ask("standing=unused&unused_for_s=60").await, "ledger:unused:for 60s next=null");
    assert_eq!(ask("api=shop").await, "shop:drift:otherwise next=null");
    let own = told(&fixture, "olga", "").await;
    assert_eq!(own, "ledger:shadow:served ledger:unused:for 7776000s next=null", "whoever acts for one owner sees its own");
    assert_eq!(ask("standing=odd").await, "400 console.malformed: `standing` is one of `shadow`, `zombie`, `unused`, `drift`, not `odd`");
    assert_eq!(ask("unused_for_s=90d").await, "400 console.malformed: `unused_for_s` is a number of seconds, not `90d`");
    let odd = ask("api=No%20Api").await;
    assert!(odd.starts_with("400 console.malformed: api: `N` may not stand in a name"), "{odd}");
    assert_eq!(ask("api=nowhere").await, "404 console.not_found: there is no Api `nowhere`");
}
