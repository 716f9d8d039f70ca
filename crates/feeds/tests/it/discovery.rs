//! From an issuer's identifier to its keys, over sockets.

use crate::{
    fixture::{BOUNDS, Names, Server, answer, json, reach, soon},
    tls::{Authority, VALID},
};
use std::sync::Arc;
use wardgate_feeds::{discovery::Issuer, fetch::Fetcher, resolve::Resolve, roots::Roots};

async fn discover(issuer: &str, names: Names, roots: Roots) -> String {
    let issuer = Issuer::parse(issuer).unwrap();
    let fetcher = Fetcher::new(Arc::new(names) as Arc<dyn Resolve>);
    match soon(issuer.discover(&fetcher, &reach(&["127.0.0.0/8"]), &roots, BOUNDS)).await {
        Ok((metadata, fresh_for)) => format!("{} {:?}", metadata.jwks_uri.path(), fresh_for.map(|fresh| fresh.as_secs())),
        Err(fault) => format!("no: {fault}"),
    }
}

fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

/// The identifier that a request was sent to, with this path.
fn identifier(request: &str, path: &str) -> String {
    let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    format!("http://{host}{path}")
}

#[tokio::test]
async fn each_of_the_three_places_is_found() {
    for place in ["/t/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/t", "/.well-known/openid-configuration/t"]
    {
        let server = Server::start(move |_, request| {
            let issuer = identifier(request, "/t");
            let document = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{issuer}/keys"}}"#);
            if path(request) == place {
                answer("200 OK", &["cache-control: max-age=9"], &document)
            } else {
                answer("404 Not Found", &[], "")
            }
        })
        .await;
        assert_eq!(discover(&server.url("/t"), Names::default(), Roots::system().unwrap()).await, "/t/keys Some(9)", "{place}");
    }
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_once_and_one_that_has_nothing_at_each_place() {
    for (status, asked) in [("500 Internal Server Error", 1), ("403 Forbidden", 1), ("404 Not Found", 3), ("410 Gone", 3)] {
        let server = Server::start(move |_, _| answer(status, &[], "")).await;
        let said = discover(&server.url("/t"), Names::default(), Roots::system().unwrap()).await;
        assert!(said.ends_with(&format!("it answered {status}")), "{said}");
        assert_eq!(server.requests().len(), asked, "{status}");
    }
}

#[tokio::test]
async fn nobody_speaks_for_another_issuer() {
    let server = Server::start(|_, _| json(r#"{"issuer":"https://victim.example","jwks_uri":"https://evil.example/keys"}"#)).await;
    let issuer = server.url("/t");
    let said = discover(&issuer, Names::default(), Roots::system().unwrap()).await;
    assert_eq!(said, format!("no: the discovery document is of the issuer `https://victim.example`, not of `{issuer}`"));
    assert_eq!(server.requests().len(), 1, "it is not looked for elsewhere");
}

#[tokio::test]
async fn what_was_found_under_tls_does_not_lead_to_this_machine_in_clear_text() {
    let ours = Authority::new();
    let plain = Server::start(|_, _| json(r#"{"keys":[]}"#)).await;
    let keys = plain.url("/keys");
    let server = Server::start_tls(ours.server("issuer.example", VALID), move |_, request| {
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        json(&format!(r#"{{"issuer":"https://{host}","jwks_uri":"{keys}"}}"#))
    })
    .await;
    let names = Names::new(&[("issuer.example", &[&["127.0.0.1"]])]);
    let issuer = format!("https://issuer.example:{}", server.address.port());
    let said = discover(&issuer, names, Roots::only(&ours.pem).unwrap()).await;
    assert_eq!(said, "no: `jwks_uri` of the discovery document is not `https://`");
    assert_eq!(plain.connections(), 0);
}

#[tokio::test]
async fn a_document_that_is_none_is_refused() {
    for (reply, said) in [
        (json("[]"), "the discovery document cannot be read: JSON, but no object"),
        (json("{"), "the discovery document cannot be read: no JSON"),
        (answer("200 OK", &["content-type: text/html"], "<html>sign in</html>"), "the body is `text/html`"),
    ] {
        let server = Server::start(move |_, _| reply.clone()).await;
        let found = discover(&server.url(""), Names::default(), Roots::system().unwrap()).await;
        assert!(found.ends_with(said), "{found}");
    }
}
