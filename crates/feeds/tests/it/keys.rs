//! Keys that rotate while a thousand ask for them.

use crate::{
    feed::{Stage, rhythm},
    fixture::{Board, Server, answer, json, key_set, soon, until},
};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use tokio::task::JoinSet;
use wardgate_feeds::{
    document::Kind,
    feed::{Change, Delivery, FeedSpec, Origin, Sought},
    pace::Rhythm,
};
use wardgate_model::{
    id::TrustName,
    trust::{Issuer, Keys, TrustSource, Vouches},
};
use wardgate_proof::x509::TrustDomain;

/// Where the junk comes from.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// As shipped, but whoever has to wait waits for longer than any test takes.
const CALM: Rhythm = Rhythm { want_every: HOUR, barred_for: HOUR, absent_for: HOUR, retry_min: HOUR, retry_max: HOUR, ..Rhythm::SHIPPED };
const HOUR: Duration = Duration::from_secs(3600);

/// An issuer that shows the key `k1` until the board says something else, and feeds that follow it.
async fn staged(rhythm: Rhythm) -> (Board, Server, Stage) {
    let board = Board::new(key_set(&["k1"]));
    let shown = board.clone();
    let server = Server::start(move |_, _| json(&shown.read())).await;
    let stage = Stage::new();
    stage.feeds.keep(vec![stage.keys_at(&server, rhythm)]).unwrap();
    (board, server, stage)
}

/// Many who want a key at once, from one address, and what each was told.
async fn all_want(stage: &Stage, kids: impl Iterator<Item = String>) -> Vec<Sought> {
    let mut asking = JoinSet::new();
    for kid in kids {
        let feeds = stage.feeds.clone();
        asking.spawn(async move { feeds.want(&TrustName::literal("ci"), &kid, Some(STRANGER)).await });
    }
    soon(asking.join_all()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_rotates_under_a_thousand_wishes_costs_one_fetch() {
    let (board, server, stage) = staged(CALM).await;
    let first = stage.fetched().await;
    assert_eq!((first.change, first.document.has("k1"), first.document.has("k2")), (Change::Changed, true, false));
    drop(first);
    until(|| stage.state().success.is_some()).await;

    board.write(key_set(&["k1", "k2"]));
    let (told, second) = tokio::join!(all_want(&stage, (0..1_000).map(|_| "k2".to_owned())), async {
        let second = stage.fetched().await;
        (second.change, second.document.has("k2"))
    });
    assert_eq!(second, (Change::Changed, true));
    assert_eq!(told, vec![Sought::Present; 1_000]);
    assert_eq!(server.requests().len(), 2, "one at the start, one for a thousand");
    assert_eq!(all_want(&stage, (0..1_000).map(|_| "k1".to_owned())).await, vec![Sought::Present; 1_000]);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_names_that_nobody_has_cost_one_fetch() {
    let keys = key_set(&["k1"]);
    let server = Server::start(move |_, _| json(&keys)).await;
    let stage = Stage::new();
    stage.feeds.keep(vec![stage.keys_at(&server, CALM)]).unwrap();
    stage.take_all();
    until(|| stage.state().success.is_some()).await;
    for _ in 0..3 {
        let told = all_want(&stage, (0..1_000).map(|number| format!("junk-{number}"))).await;
        assert!(told.iter().all(|sought| matches!(sought, Sought::Absent | Sought::NotBefore(_))));
    }
    assert_eq!(server.requests().len(), 2, "one at the start, one for all that one source does not know");
    let long = "k".repeat(100_000);
    assert_eq!(all_want(&stage, std::iter::once(long)).await, [Sought::Absent]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_junk_from_one_source_leaves_a_fresh_key_to_others() {
    let (board, server, stage) = staged(CALM).await;
    stage.take_all();
    until(|| stage.state().success.is_some()).await;
    let one = async |kid: &str, from: &str| soon(stage.feeds.want(&TrustName::literal("ci"), kid, Some(from.parse().unwrap()))).await;
    for round in 0..5 {
        let told = all_want(&stage, (0..200).map(|number| format!("junk-{round}-{number}"))).await;
        assert!(told.iter().all(|sought| matches!(sought, Sought::Absent | Sought::NotBefore(_))), "{told:?}");
    }
    board.write(key_set(&["k1", "fresh"]));
    let barred = one("fresh", "192.0.2.1").await;
    assert!(matches!(barred, Sought::NotBefore(_)), "who asked for junk causes no fetch for a while: {barred:?}");
    assert_eq!(one("fresh", "192.0.2.2").await, Sought::Present, "at once");
    assert_eq!(one("fresh", "192.0.2.1").await, Sought::Present, "and then for everybody");
    assert_eq!(server.requests().len(), 3, "one at the start, one for the junk, one for the fresh key");
    // A whole line of IPv6 is one source.
    assert_eq!(one("more", "2001:db8:1:2::1").await, Sought::Absent);
    assert!(matches!(one("still-more", "2001:db8:1:2:ffff::9").await, Sought::NotBefore(_)));
    assert_eq!(server.requests().len(), 4);
}

/// On one thread: the wish is there before the first fetch begins, which every feed makes by itself.
#[tokio::test]
async fn who_waited_for_the_first_keys_is_not_barred_from_the_next() {
    let (board, server, stage) = staged(CALM).await;
    stage.take_all();
    let want = async |kid: &str| soon(stage.feeds.want(&TrustName::literal("ci"), kid, Some(STRANGER))).await;
    assert_eq!(want("").await, Sought::Present);
    board.write(key_set(&["k2"]));
    assert_eq!(want("k2").await, Sought::Present);
    assert_eq!(server.requests().len(), 2);
}

/// A request that is judged before the first keys are there may ask for any when they have come.
#[tokio::test]
async fn who_asked_for_any_keys_a_moment_too_late_is_not_barred_from_the_next() {
    let (board, server, stage) = staged(CALM).await;
    stage.take_all();
    until(|| stage.feeds.states().iter().all(|state| state.is_ready(stage.clock.now()))).await;
    let want = async |kid: &str| soon(stage.feeds.want(&TrustName::literal("ci"), kid, Some(STRANGER))).await;
    assert_eq!(want("").await, Sought::Absent);
    board.write(key_set(&["k2"]));
    assert_eq!(want("k2").await, Sought::Present);
    assert_eq!(server.requests().len(), 3);
    assert_eq!(want("").await, Sought::Absent, "and no further fetch");
    assert!(matches!(want("k3").await, Sought::Absent));
    assert!(matches!(want("k4").await, Sought::NotBefore(_)), "who names what nobody has is barred");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn without_a_name_whatever_was_never_fetched_is_waited_for() {
    let keys = key_set(&["k1"]);
    let server = Server::start(move |_, request| json(if request.starts_with("GET /bundle ") { r#"{"keys":[]}"# } else { &keys })).await;
    let stage = Stage::new();
    let keys = stage.keys_at(&server, Rhythm::SHIPPED);
    let kind = Kind::Bundle(TrustDomain::parse("acme.example").unwrap());
    let bundle = FeedSpec { kind, origin: Origin::At(server.target("/bundle")), ..keys.clone() };
    stage.feeds.keep(vec![keys, bundle]).unwrap();
    stage.take_all();
    assert_eq!(soon(stage.feeds.want(&TrustName::literal("ci"), "", Some(STRANGER))).await, Sought::Present);
    until(|| stage.feeds.states().iter().all(|state| state.is_ready(stage.clock.now()))).await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_name_that_was_looked_for_in_vain_is_not_looked_for_again_for_a_while() {
    let eager = Rhythm { want_every: Duration::ZERO, absent_for: Duration::from_secs(3600), ..Rhythm::SHIPPED };
    let (board, server, stage) = staged(eager).await;
    stage.take_all();
    until(|| stage.state().success.is_some()).await;
    let want = async |kid: &str| (soon(stage.feeds.want(&TrustName::literal("ci"), kid, None)).await, server.requests().len());
    assert_eq!(want("junk").await, (Sought::Absent, 2));
    assert_eq!(want("junk").await, (Sought::Absent, 2));
    assert_eq!(want("other").await, (Sought::Absent, 3));
    // It is remembered as absent no longer than it is.
    board.write(key_set(&["junk"]));
    assert_eq!(want("k2").await, (Sought::Absent, 4));
    assert_eq!(want("junk").await, (Sought::Present, 4));
    assert_eq!(want("k1").await, (Sought::Absent, 5), "a key that was taken back is looked for as any other");
}

#[tokio::test]
async fn who_is_told_that_a_key_is_there_finds_it_taken_up() {
    let (board, _server, stage) = staged(Rhythm::SHIPPED).await;
    drop(stage.fetched().await);
    until(|| stage.state().success.is_some()).await;
    board.write(key_set(&["k2"]));
    let feeds = stage.feeds.clone();
    let wish = tokio::spawn(async move { feeds.want(&TrustName::literal("ci"), "k2", None).await });
    let second = stage.fetched().await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!wish.is_finished(), "what was fetched does not count yet");
    drop(second);
    assert_eq!(soon(wish).await.unwrap(), Sought::Present);
}

#[tokio::test]
async fn a_server_in_a_storm_is_left_alone_and_its_last_good_keys_stay() {
    let board = Board::new(key_set(&["k1"]));
    let shown = board.clone();
    let server = Server::start(move |_, _| match shown.read() {
        text if text.is_empty() => answer("503 Service Unavailable", &["retry-after: 3600"], "{}"),
        text => json(&text),
    })
    .await;
    let stage = Stage::new();
    stage.feeds.keep(vec![stage.keys_at(&server, CALM)]).unwrap();
    stage.take_all();
    until(|| stage.state().success.is_some()).await;
    board.write("");
    let told = all_want(&stage, (0..1_000).map(|number| format!("k-{number}"))).await;
    assert!(told.iter().all(|sought| matches!(sought, Sought::Unavailable | Sought::NotBefore(_))), "{told:?}");
    let told = all_want(&stage, (0..1_000).map(|number| format!("k-{number}"))).await;
    assert!(told.iter().all(|sought| matches!(sought, Sought::NotBefore(_))), "{told:?}");
    assert_eq!(all_want(&stage, std::iter::once("k1".to_owned())).await, [Sought::Present], "the last good keys stay");
    assert_eq!(server.requests().len(), 2);
    let state = stage.state();
    assert_eq!((state.failures, state.count, state.is_ready(stage.clock.now())), (1, 1, true));
    assert_eq!(state.failure.unwrap().why.as_ref(), "it answered 503 Service Unavailable");
}

#[tokio::test]
async fn keys_end_at_their_hard_age_and_come_back() {
    let board = Board::new(key_set(&["k1"]));
    let shown = board.clone();
    let server = Server::start(move |_, _| match shown.read() {
        text if text.is_empty() => answer("500 Internal Server Error", &[], ""),
        text => json(&text),
    })
    .await;
    let stage = Stage::new();
    let hard_age = Duration::from_millis(400);
    stage.feeds.keep(vec![stage.keys_at(&server, Rhythm { hard_age, ..rhythm() })]).unwrap();
    let first = stage.fetched().await;
    assert_eq!(first.good_until, first.fetched_at + hard_age);
    drop(first);
    board.write("");
    // What was under way when the keys went away may still come.
    let lapsed = loop {
        match stage.next().await {
            Delivery::Fetched(fetched) => assert_eq!(fetched.change, Change::Renewed),
            Delivery::Lapsed { feed, at, .. } => break (feed, at),
        }
    };
    assert_eq!(lapsed.0.to_string(), format!("keys of `ci` from `{}`", server.url("/keys")));
    let state = stage.state();
    assert_eq!((state.count, state.good_until, state.is_ready(stage.clock.now())), (0, None, false));
    assert!(state.success.is_some_and(|success| success + hard_age <= lapsed.1));
    until(|| stage.state().failures > 0).await;

    board.write(key_set(&["k1"]));
    assert_eq!(stage.fetched().await.change, Change::Changed);
    stage.take_all();
    until(|| stage.state().is_ready(stage.clock.now())).await;
}

#[tokio::test]
async fn a_hostile_set_of_keys_is_a_failed_fetch() {
    let many: Vec<&str> = vec!["k"; 101];
    for (text, said) in [
        ("{}".to_owned(), "this is no set of keys: it has no list `keys`"),
        ("<html>".to_owned(), "this is no set of keys: it cannot be read: no JSON"),
        (r#"{"keys":[],"keys":[]}"#.to_owned(), "this is no set of keys: it cannot be read: the member `keys` is there twice"),
        (r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#.to_owned(), "this is no set of keys: key 0 must not be published: "),
        (key_set(&many), "this is no set of keys: it has more than 100 keys"),
        (format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(600_000)), "it has more than 524288 bytes"),
    ] {
        let board = Board::new(key_set(&["k1"]));
        let shown = board.clone();
        let server = Server::start(move |_, _| json(&shown.read())).await;
        let stage = Stage::new();
        stage.feeds.keep(vec![stage.keys_at(&server, rhythm())]).unwrap();
        drop(stage.fetched().await);
        board.write(text);
        stage.take_all();
        until(|| stage.state().failure.is_some()).await;
        let state = stage.state();
        let why = state.failure.unwrap().why;
        assert!(why.starts_with(said), "{why}");
        assert_eq!(state.count, 1, "the last good keys stay");
    }
}

#[tokio::test]
async fn keys_are_discovered_and_the_document_is_remembered() {
    let (board, keys) = (Board::new("/old".into()), key_set(&["k1"]));
    let (shown, second) = (board.clone(), key_set(&["k1", "k2"]));
    let server = Server::start(move |_, request| {
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
        let now = shown.read();
        match request.split(' ').nth(1).unwrap() {
            "/.well-known/openid-configuration" => {
                let document = format!(r#"{{"issuer":"http://{host}","jwks_uri":"http://{host}{now}"}}"#);
                answer("200 OK", &["cache-control: max-age=3600"], &document)
            }
            path if path != now => answer("404 Not Found", &[], ""),
            "/old" => json(&keys),
            _ => json(&second),
        }
    })
    .await;
    let stage = Stage::new();
    let issuer = Issuer {
        issuer: server.url("").into(),
        audiences: Box::new(["wardgate".into()]),
        keys: Keys::Discovered(crate::fixture::reach(&["127.0.0.0/8"])),
        algorithms: Box::default(),
        subject_claim: "sub".into(),
        on_behalf_of: None,
        leeway: Duration::ZERO,
        life_max: Duration::from_secs(3600),
    };
    let source = TrustSource { name: TrustName::literal("ci"), vouches: Vouches::Tokens(Box::new(issuer)) };
    let spec = FeedSpec::of(&source).unwrap().pop().unwrap();
    stage.feeds.keep(vec![FeedSpec { rhythm: rhythm(), ..spec }]).unwrap();
    stage.take_all();
    until(|| stage.state().fetches > 5).await;
    let asked = |path: &str| server.requests().iter().filter(|request| request.contains(&format!(" {path} "))).count();
    let found = asked("/.well-known/openid-configuration");
    assert!(found >= 1 && found < asked("/old"), "the document is fresh for longer than the keys here: {found}");
    // The keys move: the failed fetch leads back to the document.
    board.write("/new");
    until(|| stage.state().count == 2).await;
}
