use crate::call::testing::Fixture;

#[tokio::test]
async fn what_is_erased_says_of_whom_and_why() {
    let fixture = Fixture::new().await;
    let ask = async |body: &str| fixture.ask(&format!("POST /api/v1/audit/erasures as rosa\n\n{body}")).await;
    assert_eq!(ask(r#"{"subject":"person:ab12","reason":"asked for"}"#).await, r#"200 {"events":9}"#);
    let alone = ask(r#"{"subject":"ab12","reason":"asked for"}"#).await;
    assert!(alone.starts_with("422 console.unfit: `ab12` alone may mean many things"), "{alone}");
    let silent = ask(r#"{"subject":"person:ab12","reason":" "}"#).await;
    assert!(silent.starts_with("422 console.unfit: `reason` says why"), "{silent}");
    for malformed in [r#"{"subject":"person:ab12"}"#, r#"{"subject":1,"reason":"x"}"#, r#"{"subject":"a:b","reason":"x","now":true}"#, "x"]
    {
        assert!(ask(malformed).await.starts_with("400 console.malformed"), "{malformed}");
    }
}
