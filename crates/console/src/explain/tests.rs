use crate::call::testing::{Fixture, NOW};
use wardgate_model::id::RequestId;

#[tokio::test]
async fn a_recorded_request() {
    let fixture = Fixture::new().await;
    let ask = async |id: &str| fixture.ask(&format!("GET /api/v1/explain/{id} as watcher")).await;
    let known = RequestId::new(NOW, 7).to_string();
    assert_eq!(ask(&known).await, r#"200 {"remedy":"slow down","ruling":{"response":"block"}}"#);
    let other = RequestId::new(NOW, 8).to_string();
    assert_eq!(ask(&other).await, format!("404 console.not_found: there is no event of the request `{other}`, or not any more"));
    assert_eq!(ask("latest").await, "400 console.malformed: `latest` is no request id");
}

#[tokio::test]
async fn a_described_request() {
    let fixture = Fixture::new().await;
    let ask = async |body: &str| fixture.ask(&format!("POST /api/v1/explain as watcher\n\n{body}")).await;
    let whole = r#"{"identity":"ledger","method":"GET","url":"https://ledger.example/entries?x=1","headers":["Authorization: Bearer k","Wardgate-Purpose: settlement"],"source":"10.1.2.3"}"#;
    assert_eq!(
        ask(whole).await,
        r#"200 {"headers":["authorization","wardgate-purpose"],"identity":"ledger","method":"GET","source":"10.1.2.3","url":"https://ledger.example/entries?x=1"}"#
    );
    let least = r#"200 {"headers":[],"identity":null,"method":"GET","source":null,"url":"http://ledger.example/"}"#;
    assert_eq!(ask(r#"{"method":"GET","url":"http://ledger.example"}"#).await, least);
    let url = "https://ledger.example/";
    for (body, said) in [
        (r#"{"method":"GET","url":"/entries"}"#.to_owned(), "`/entries` is no whole URL: begin with `http://` or `https://` and the host"),
        (r#"{"method":"GET","url":"ftp://a/"}"#.to_owned(), "`ftp://a/` is no whole URL: begin with `http://` or `https://` and the host"),
        (format!(r#"{{"method":"G T","url":"{url}"}}"#), "`G T` is no method"),
        (format!(r#"{{"method":"GET","url":"{url}{}"}}"#, "x".repeat(9_000)), "`url` has at most 8192 bytes"),
        (format!(r#"{{"method":"GET","url":"{url}","headers":["secret"]}}"#), "the header field 1 has no colon: write `Name: value`"),
        (format!(r#"{{"method":"GET","url":"{url}","headers":["a b: secret"]}}"#), "the header field 1 has no valid name"),
        (
            format!(r#"{{"method":"GET","url":"{url}","headers":["a: x","b: sec\u0000ret"]}}"#),
            "the header field 2 has a value that is not visible ASCII",
        ),
        (format!(r#"{{"method":"GET","url":"{url}","source":"home"}}"#), "`home` is no address"),
        (
            format!(r#"{{"method":"GET","url":"{url}","identity":"ledger","proof":"smile"}}"#),
            "`smile` is no kind of proof: there are `none`, `api_key`, `session`, `sign_in`, `break_glass`, `jwt`, `x509`, `signature`, `hmac`",
        ),
        (
            format!(r#"{{"method":"GET","url":"{url}","proof":"x509"}}"#),
            "`proof` says how `identity` would prove itself, and there is none",
        ),
        (r#"{"method":"GET","url":"https://nowhere.example/"}"#.to_owned(), "no API answers for this host"),
    ] {
        assert_eq!(ask(&body).await, format!("422 console.unfit: {said}"), "{body}");
    }
}
