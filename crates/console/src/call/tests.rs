use super::testing::Fixture;

#[tokio::test]
async fn a_sign_in_buys_a_session_and_nothing_else() {
    let fixture = Fixture::new().await;
    let refused = "403 console.proof: this takes a session, not a proof of the kind";
    assert_eq!(fixture.ask("GET /api/v1/whoami as root sign_in").await, format!("{refused} `sign_in`"));
    assert!(fixture.ask("GET /api/v1/whoami as root break_glass").await.starts_with("200"));
    assert_eq!(fixture.ask("GET /api/v1/whoami as ledger api_key").await, format!("{refused} `api_key`"));
    let session = fixture.ask("POST /api/v1/sessions as root session").await;
    assert_eq!(session, "403 console.proof: this takes a sign-in, not a proof of the kind `session`");
}

#[tokio::test]
async fn what_is_not_read_is_refused_and_named() {
    let fixture = Fixture::new().await;
    let ask = async |text: &str| fixture.ask(text).await;
    let unknown = "400 console.malformed: the query parameter `verbose` is not known here";
    assert_eq!(ask("GET /api/v1/whoami?verbose=1 as root").await, unknown);
    let twice = "400 console.malformed: the query parameter `limit` stands twice";
    assert_eq!(ask("GET /api/v1/credentials?limit=1&limit=2 as root").await, twice);
    assert_eq!(ask("GET /api/v1/whoami as root\n\n{}").await, "400 console.malformed: this operation takes no body");
}
