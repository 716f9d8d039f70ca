use crate::call::testing::{Fixture, HOUR, NOW};
use wardgate_model::id::{ApiName, CredentialId, IdentityId};
use wardgate_store::UsageRow;

#[tokio::test]
async fn what_use_adds_up_to() {
    let fixture = Fixture::new().await;
    let row = |identity: &'static str, operation: &str, hours: u32| UsageRow {
        credential: CredentialId::parse("KEY000000001"),
        identity: IdentityId::literal(identity),
        api: ApiName::literal("shop"),
        operation: operation.into(),
        source: "10.0.0.0/24".into(),
        first: NOW,
        last: NOW + HOUR * hours,
        allowed: 2,
        refused: 1,
    };
    fixture
        .store
        .add_usage(&[row("ledger", "shop GET /a", 1), row("ledger", "shop GET /b", 3), row("stranger", "shop GET /a", 2)])
        .await
        .unwrap();
    let ask = async |query: &str| fixture.ask(&format!("GET /api/v1/usage?{query} as watcher")).await;
    let first = ask("limit=1").await;
    assert!(first.contains(r#""last":"2027-01-15T11:00:00Z","operation":"shop GET /b""#) && first.ends_with(r#""next":"1"}"#), "{first}");
    let second = ask("limit=2&cursor=1").await;
    assert!(second.contains("stranger") && second.contains("ledger") && second.ends_with(r#""next":null}"#), "{second}");
    let one = ask("identity=stranger&api=shop&credential=KEY000000001").await;
    assert!(one.contains(r#""allowed":2"#) && !one.contains("ledger"), "{one}");
    let late = ask("since=2027-01-15T10:30:00Z").await;
    assert!(late.contains("shop GET /b") && !late.contains("shop GET /a"), "{late}");
    for (query, said) in [
        ("credential=7", "400 console.malformed: the id of a credential has 12 letters and digits"),
        ("since=now", "400 console.malformed: `since` is a time such as `2027-01-31T12:00:00Z`, not `now`"),
        ("credential=KEY000000009", "404 console.not_found: there is no credential `KEY000000009`"),
        ("identity=ledgr", "404 console.not_found: there is no Identity `ledgr`"),
        ("api=shob", "404 console.not_found: there is no Api `shob`"),
        ("cursor=20001", "400 console.malformed: at most 20000 rows are listed: ask for one identity, credential or API"),
    ] {
        assert_eq!(ask(query).await, said);
    }
}
