//! Directories of bots (Web Bot Auth): STANDARDS §3.3 by name.

use crate::{
    feed::Stage,
    fixture::{Board, Reply, Server, answer, reach, soon, until},
};
use std::time::Duration;
use wardgate_feeds::{
    document::Document,
    feed::{FeedSpec, Sought},
    pace::Rhythm,
};
use wardgate_model::{
    id::TrustName,
    trust::{Bot, Keys, TrustSource, Vouches},
};

const TYPE: &str = "Content-Type: application/http-message-signatures-directory+json";
/// The key of RFC 9421 §B.1.4, by its thumbprint.
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
const THUMBPRINT: &str = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";

fn spec(server: &Server) -> FeedSpec {
    let address = server.url(Bot::DIRECTORY);
    let bot = Bot { agent: "https://bot.example".into(), keys: Keys::At(address.into(), reach(&["127.0.0.0/8"])) };
    let source = TrustSource { name: TrustName::literal("ci"), vouches: Vouches::Signatures(Box::new(bot)) };
    let hour = Duration::from_secs(3600);
    let mut spec = FeedSpec::of(&source).unwrap().remove(0);
    spec.rhythm = Rhythm { want_every: Duration::ZERO, barred_for: Duration::ZERO, retry_min: hour, retry_max: hour, ..Rhythm::SHIPPED };
    spec
}

async fn stage(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (Stage, Server) {
    let server = Server::start(move |_, request| reply(request)).await;
    let stage = Stage::new();
    stage.feeds.keep(vec![spec(&server)]).unwrap();
    (stage, server)
}

#[tokio::test]
async fn keys_of_a_directory_are_known_by_their_thumbprints() {
    let other = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"}"#;
    let board = Board::new(format!("{{\"keys\":[{KEY},{other}]}}"));
    let shown = board.clone();
    let (stage, server) = stage(move |_| answer("200 OK", &[TYPE], &shown.read())).await;
    let first = stage.fetched().await;
    let Document::Keys(keys) = &*first.document else { panic!("{:?}", first.document) };
    assert_eq!((keys.keys().len(), keys.skipped().len()), (1, 1), "a key under the name of another is none");
    assert!(first.document.has(THUMBPRINT));
    drop(first);
    stage.take_all();
    until(|| stage.state().success.is_some()).await;
    let want = async |kid: &str| soon(stage.feeds.want(&TrustName::literal("ci"), kid, None)).await;
    assert_eq!(want(THUMBPRINT).await, Sought::Present);
    assert_eq!(want("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k").await, Sought::Absent);
    // What it is asked for is said, and its place is the well-known one.
    let asked = server.requests().remove(0);
    assert!(asked.starts_with("GET /.well-known/http-message-signatures-directory HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_ascii_lowercase().contains("accept: application/http-message-signatures-directory+json\r\n"), "{asked}");
    // A failed fetch takes no key away.
    board.write("no JSON");
    assert_eq!(want("another").await, Sought::Unavailable);
    assert_eq!(want(THUMBPRINT).await, Sought::Present);
}

/// Media type, status 200 alone, no redirect.
#[tokio::test]
async fn what_is_no_directory_is_not_taken_for_one() {
    let keys = format!("{{\"keys\":[{KEY}]}}");
    for (status, headers, expected) in [
        ("200 OK", &["Content-Type: application/json"] as &[&str], "application/json"),
        ("200 OK", &["Content-Type: application/jwk-set+json"], "application/jwk-set+json"),
        ("200 OK", &["Content-Type: text/plain"], "text/plain"),
        ("200 OK", &[], "nothing"),
        ("302 Found", &[TYPE, "Location: /elsewhere"], "/elsewhere"),
        ("301 Moved Permanently", &[TYPE, "Location: https://other.example/"], "other.example"),
        ("203 Non-Authoritative Information", &[TYPE], "203"),
        ("404 Not Found", &[TYPE], "404"),
    ] {
        let (keys, headers_of) = (keys.clone(), headers.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        let (stage, _server) = stage(move |_| {
            let lines: Vec<&str> = headers_of.iter().map(String::as_str).collect();
            answer(status, &lines, &keys)
        })
        .await;
        until(|| stage.state().failure.is_some()).await;
        let why = stage.state().failure.unwrap().why;
        assert!(why.contains(expected), "{status} {headers:?}: {why}");
        assert_eq!(stage.state().good_until, None);
    }
}
