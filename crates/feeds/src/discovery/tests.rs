use super::Issuer;
use proptest::prelude::*;

fn places(issuer: &str) -> Vec<String> {
    let issuer = Issuer::parse(issuer).expect("an issuer");
    issuer.places().expect("places").iter().map(ToString::to_string).collect()
}

fn read(issuer: &str, document: &str) -> String {
    match Issuer::parse(issuer).expect("an issuer").read(document.as_bytes()) {
        Ok(metadata) => metadata.jwks_uri.to_string(),
        Err(fault) => format!("no: {fault}"),
    }
}

#[test]
fn openid_appends_and_rfc_8414_inserts() {
    assert_eq!(
        places("https://h.example/tenant1"),
        [
            "https://h.example/tenant1/.well-known/openid-configuration",
            "https://h.example/.well-known/oauth-authorization-server/tenant1",
            "https://h.example/.well-known/openid-configuration/tenant1",
        ]
    );
    // A terminating slash is removed first, whether or not a path stands before it.
    let bare = ["https://h.example/.well-known/openid-configuration", "https://h.example/.well-known/oauth-authorization-server"];
    assert_eq!(places("https://h.example"), bare);
    assert_eq!(places("https://h.example/"), bare);
    assert_eq!(places("https://h.example/t/"), places("https://h.example/t"));
}

#[test]
fn the_document_is_of_exactly_this_issuer() {
    let document = |issuer: &str| format!(r#"{{"issuer":"{issuer}","jwks_uri":"https://k.example/keys","x":[{{}}]}}"#);
    assert_eq!(read("https://h.example", &document("https://h.example")), "https://k.example/keys");
    for other in ["https://h.example/", "https://H.example", "https://h.example:443", "http://h.example", "https://evil.example", ""] {
        assert_eq!(
            read("https://h.example", &document(other)),
            format!("no: the discovery document is of the issuer `{other}`, not of `https://h.example`")
        );
    }
}

#[test]
fn a_document_that_is_none_says_so() {
    for (document, said) in [
        ("", "no: the discovery document cannot be read: no JSON"),
        ("[]", "no: the discovery document cannot be read: JSON, but no object"),
        ("<html>", "no: the discovery document cannot be read: no JSON"),
        (
            r#"{"issuer":"https://h.example","issuer":"https://h.example"}"#,
            "no: the discovery document cannot be read: the member `issuer` is there twice",
        ),
        (r#"{"issuer":["https://h.example"]}"#, "no: the discovery document is of the issuer ``, not of `https://h.example`"),
        (r#"{"issuer":"https://h.example"}"#, "no: `jwks_uri` of the discovery document: write `https://HOST[:PORT]/PATH`"),
        (r#"{"issuer":"https://h.example","jwks_uri":"http://127.0.0.1/"}"#, "no: `jwks_uri` of the discovery document is not `https://`"),
        (
            r#"{"issuer":"https://h.example","jwks_uri":"file:///etc/passwd"}"#,
            "no: `jwks_uri` of the discovery document: write `https://HOST[:PORT]/PATH`",
        ),
    ] {
        assert_eq!(read("https://h.example", document), said, "{document}");
    }
    let clear = r#"{"issuer":"http://127.0.0.1:9","jwks_uri":"http://127.0.0.1:9/k"}"#;
    assert_eq!(read("http://127.0.0.1:9", clear), "http://127.0.0.1:9/k");
}

proptest! {
    /// Whatever comes is refused, or leads to what may be fetched.
    #[test]
    fn no_document_leads_astray(uri in r#"[ -~]{0,40}"#, rest in r#"[ -~]{0,40}"#, bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let issuer = Issuer::parse("https://h.example").expect("an issuer");
        prop_assert!(issuer.read(&bytes).is_err());
        for text in [format!(r#"{{"issuer":"https://h.example","jwks_uri":"{uri}"{rest}}}"#), format!("{uri}{rest}")] {
            if let Ok(metadata) = issuer.read(text.as_bytes()) {
                prop_assert!(metadata.jwks_uri.to_string().starts_with("https://"));
            }
        }
    }
}

#[test]
fn an_identifier_is_an_address_without_query() {
    for text in ["https://h.example?x", "https://h.example/#f", "ci", "https://u@h.example"] {
        assert!(Issuer::parse(text).is_err(), "{text}");
    }
}
