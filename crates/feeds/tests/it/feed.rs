//! How feeds go on: on schedule, by change, started and stopped.

use crate::fixture::{Board, Names, PATIENCE, Server, answer, clock, json, key_set, reach, soon, until};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex, mpsc};
use wardgate_feeds::{
    clock::Clock,
    document::{Document, Kind},
    feed::{Change, Delivery, FeedSpec, FeedState, Fetched, Origin, Sought, WAITERS_MAX},
    feeds::{FEEDS_MAX, FETCHES_MAX, Feeds, TooMany},
    fetch::Bounds,
    pace::Rhythm,
};
use wardgate_model::id::TrustName;
use wardgate_proof::{
    entropy::SystemEntropy,
    jose::{
        algorithm::Algorithms,
        jwk::{Accepting, Usage},
    },
};

/// A rhythm that fits into a test.
pub(crate) fn rhythm() -> Rhythm {
    Rhythm {
        refresh_min: Duration::from_millis(20),
        refresh_usual: Duration::from_millis(40),
        refresh_max: Duration::from_millis(200),
        retry_min: Duration::from_millis(10),
        retry_max: Duration::from_millis(40),
        want_every: Duration::from_millis(30),
        want_burst: 1,
        barred_for: Duration::ZERO,
        absent_for: Duration::from_millis(60),
        look_every: Duration::from_millis(5),
        hard_age: Duration::from_secs(60),
    }
}

pub(crate) fn for_tokens() -> Kind {
    Kind::Keys(Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature })
}

/// The shipped ones, but for the time: no fetch is to fail because the machine is busy.
const BOUNDS: Bounds = Bounds { connect: PATIENCE, whole: PATIENCE, ..Bounds::KEYS };

/// A set of feeds with the receiver of what they fetch.
pub(crate) struct Stage {
    pub(crate) feeds: Feeds,
    pub(crate) clock: Clock,
    deliveries: Arc<Mutex<mpsc::Receiver<Delivery>>>,
    /// By how many seconds the clock was put forward.
    ahead: Arc<AtomicU64>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let (running, ahead) = (clock(), Arc::new(AtomicU64::new(0)));
        let by = Arc::clone(&ahead);
        let clock = Clock::new(move || running.now() + Duration::from_secs(by.load(Ordering::SeqCst)));
        let (feeds, deliveries) = Feeds::new(Arc::new(Names::default()), clock.clone(), Arc::new(SystemEntropy)).unwrap();
        Self { feeds, clock, deliveries: Arc::new(Mutex::new(deliveries)), ahead }
    }

    /// Puts the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(by.as_secs(), Ordering::SeqCst);
    }

    pub(crate) fn spec(&self, trust: &str, kind: Kind, origin: Origin, rhythm: Rhythm) -> FeedSpec {
        FeedSpec { trust: TrustName::parse(trust).unwrap(), kind, origin, reach: reach(&["127.0.0.0/8"]), bounds: BOUNDS, rhythm }
    }

    pub(crate) fn keys_at(&self, server: &Server, rhythm: Rhythm) -> FeedSpec {
        self.spec("ci", for_tokens(), Origin::At(server.target("/keys")), rhythm)
    }

    pub(crate) async fn next(&self) -> Delivery {
        soon(async { self.deliveries.lock().await.recv().await }).await.expect("a delivery")
    }

    pub(crate) async fn fetched(&self) -> Fetched {
        match self.next().await {
            Delivery::Fetched(fetched) => fetched,
            Delivery::Lapsed { feed, .. } => panic!("{feed} lapsed"),
        }
    }

    /// Takes up all that comes from now on.
    pub(crate) fn take_all(&self) {
        let deliveries = Arc::clone(&self.deliveries);
        tokio::spawn(async move { while deliveries.lock().await.recv().await.is_some() {} });
    }

    /// How the only feed is.
    pub(crate) fn state(&self) -> FeedState {
        let mut states = self.feeds.states();
        assert_eq!(states.len(), 1);
        states.remove(0)
    }
}

#[tokio::test]
async fn a_feed_goes_on_by_itself_and_says_what_changed() {
    let board = Board::new(key_set(&["k1"]));
    let shown = board.clone();
    let server = Server::start(move |_, _| json(&shown.read())).await;
    let stage = Stage::new();
    stage.feeds.keep(vec![stage.keys_at(&server, rhythm())]).unwrap();
    let first = stage.fetched().await;
    assert_eq!(first.change, Change::Changed);
    let document = Arc::clone(&first.document);
    drop(first);
    let second = stage.fetched().await;
    assert_eq!(second.change, Change::Renewed);
    assert!(Arc::ptr_eq(&second.document, &document), "the very same, not read again");
    drop(second);
    board.write(key_set(&["k1", "k2"]));
    let changed = loop {
        let next = stage.fetched().await;
        if next.change == Change::Changed {
            break next;
        }
    };
    assert_eq!((changed.document.count(), changed.document.has("k2")), (2, true));
    drop(changed);
    // No keys at all is an answer too: nobody is vouched for any more.
    board.write(r#"{"keys":[]}"#);
    until_changed(&stage, 0).await;
}

async fn until_changed(stage: &Stage, count: usize) {
    loop {
        let next = stage.fetched().await;
        if next.change == Change::Changed {
            assert_eq!(next.document.count(), count);
            return;
        }
    }
}

#[tokio::test]
async fn nothing_is_fetched_more_often_than_the_server_and_we_want() {
    let server = Server::start(|_, _| answer("200 OK", &["cache-control: no-store"], r#"{"keys":[]}"#)).await;
    let stage = Stage::new();
    let slow = Rhythm { refresh_min: Duration::from_secs(3600), refresh_max: Duration::from_secs(7200), ..rhythm() };
    stage.feeds.keep(vec![stage.keys_at(&server, slow)]).unwrap();
    stage.take_all();
    until(|| stage.state().success.is_some()).await;
    let other = Server::start(|_, _| json(r#"{"keys":[]}"#)).await;
    // Another feed has its tenth fetch before this one has its second.
    stage.feeds.keep(vec![stage.keys_at(&server, slow), stage.keys_at(&other, rhythm())]).unwrap();
    until(|| other.requests().len() >= 10).await;
    assert_eq!(server.requests().len(), 1, "`no-store` is as short as we ever ask, not shorter");
}

#[tokio::test]
async fn a_feed_that_stays_the_same_goes_on_and_others_stop() {
    let one = Server::start(|_, _| json(r#"{"keys":[]}"#)).await;
    let two = Server::start(|_, _| json(r#"{"keys":[]}"#)).await;
    let stage = Stage::new();
    stage.take_all();
    let spec = |trust: &str, server: &Server| stage.spec(trust, for_tokens(), Origin::At(server.target("/")), Rhythm::SHIPPED);
    stage.feeds.keep(vec![spec("one", &one), spec("two", &two), spec("two", &two)]).unwrap();
    until(|| stage.feeds.states().iter().all(|state| state.success.is_some())).await;
    assert_eq!(stage.feeds.states().len(), 2, "what is said twice is one");

    stage.feeds.keep(vec![spec("one", &one)]).unwrap();
    let names: Vec<String> = stage.feeds.states().iter().map(|state| state.feed.to_string()).collect();
    assert_eq!(names, [format!("keys of `one` from `{}`", one.url("/"))]);
    assert_eq!((one.requests().len(), two.requests().len()), (1, 1), "it was not started anew");
    assert_eq!(stage.feeds.want(&TrustName::literal("two"), "k", None).await, Sought::Gone);
    assert_eq!(stage.feeds.want(&TrustName::literal("nobody"), "k", None).await, Sought::Gone);

    let many = (0..=FEEDS_MAX).map(|number| spec(&format!("t{number}"), &one)).collect();
    assert_eq!(stage.feeds.keep(many), Err(TooMany(FEEDS_MAX + 1)));
    assert_eq!(stage.feeds.states().len(), 1, "nothing changed");
}

#[tokio::test]
async fn who_waits_is_told_when_the_feed_is_stopped() {
    let server = Server::start(|_, _| crate::fixture::Reply::Hang(Vec::new())).await;
    let stage = Stage::new();
    stage.feeds.keep(vec![stage.keys_at(&server, Rhythm::SHIPPED)]).unwrap();
    let feeds = stage.feeds.clone();
    let wish = tokio::spawn(async move { feeds.want(&TrustName::literal("ci"), "k1", None).await });
    until(|| server.connections() == 1).await;
    stage.feeds.keep(Vec::new()).unwrap();
    assert_eq!(soon(wish).await.unwrap(), Sought::Gone);
}

#[tokio::test]
async fn so_many_wait_and_no_more() {
    let server = Server::start(|_, _| crate::fixture::Reply::Hang(Vec::new())).await;
    let stage = Stage::new();
    stage.feeds.keep(vec![stage.keys_at(&server, Rhythm::SHIPPED)]).unwrap();
    let mut wishes = tokio::task::JoinSet::new();
    for number in 0..WAITERS_MAX + 100 {
        let feeds = stage.feeds.clone();
        wishes.spawn(async move { feeds.want(&TrustName::literal("ci"), &format!("k{number}"), None).await });
    }
    until(|| stage.state().turned_away == 100).await;
    assert_eq!(stage.state().waited, 4_096);
    stage.feeds.keep(Vec::new()).unwrap();
    let told = soon(wishes.join_all()).await;
    let told = |what: Sought| told.iter().filter(|sought| **sought == what).count();
    assert_eq!((told(Sought::Busy), told(Sought::Gone)), (100, WAITERS_MAX));
}

/// What lies in the channel when its feed is stopped is of an address, or was fetched by rules, that count no more; the next feed of that
/// name must not be given it.
#[tokio::test]
async fn what_a_stopped_feed_has_handed_out_is_outdated() {
    let server = Server::start(|_, target| json(&key_set(&[if target.contains("/other") { "new" } else { "old" }]))).await;
    let stage = Stage::new();
    let spec = |path: &str| stage.spec("ci", for_tokens(), Origin::At(server.target(path)), Rhythm::SHIPPED);
    stage.feeds.keep(vec![spec("/keys")]).unwrap();
    until(|| server.requests().len() == 1).await;
    let before = stage.next().await;
    assert!(!before.is_outdated());
    stage.feeds.keep(vec![spec("/keys")]).unwrap();
    assert!(!before.is_outdated(), "the same feed goes on");
    stage.feeds.keep(vec![spec("/other")]).unwrap();
    assert!(before.is_outdated(), "at once, and not when its task hears of it");
    let after = stage.next().await;
    assert!(!after.is_outdated());
    let Delivery::Fetched(after) = after else { panic!("nothing was fetched") };
    assert!(after.document.has("new"));
    let mut pinned = spec("/other");
    pinned.reach.networks = reach(&["127.0.0.1/32"]).networks;
    stage.feeds.keep(vec![pinned]).unwrap();
    assert!(Delivery::Fetched(after).is_outdated(), "also where its name stays the same");
}

#[tokio::test]
async fn so_many_fetch_at_a_time_and_no_more() {
    let server = Server::start(|_, _| crate::fixture::Reply::Hang(Vec::new())).await;
    let stage = Stage::new();
    let specs = (0..FETCHES_MAX + 10)
        .map(|number| stage.spec("ci", for_tokens(), Origin::At(server.target(&format!("/{number}"))), Rhythm::SHIPPED));
    stage.feeds.keep(specs.collect()).unwrap();
    until(|| server.requests().len() == FETCHES_MAX && stage.feeds.states().iter().all(|state| state.fetches == 1)).await;
    assert_eq!(server.connections(), FETCHES_MAX, "the others wait");
}

#[tokio::test]
async fn roots_that_are_none_are_said() {
    let server = Server::start(|_, _| json("{}")).await;
    let stage = Stage::new();
    let mut spec = stage.keys_at(&server, rhythm());
    spec.reach.roots = Some("no certificate".into());
    stage.feeds.keep(vec![spec]).unwrap();
    until(|| stage.state().failures > 1).await;
    assert_eq!(stage.state().failure.unwrap().why.as_ref(), "its roots (`ca`) cannot be used: it has no certificate in PEM");
    assert_eq!((server.connections(), stage.state().is_ready(stage.clock.now())), (0, false));
}

#[tokio::test]
async fn a_bundle_says_how_often_to_ask_and_never_goes_back() {
    let bundle = |sequence: u64| format!(r#"{{"keys":[],"spiffe_sequence":{sequence},"spiffe_refresh_hint":0}}"#);
    let board = Board::new(bundle(7));
    let shown = board.clone();
    let server = Server::start(move |_, _| answer("200 OK", &["cache-control: max-age=86400"], &shown.read())).await;
    let stage = Stage::new();
    let domain = wardgate_proof::x509::TrustDomain::parse("acme.example").unwrap();
    stage.feeds.keep(vec![stage.spec("mesh", Kind::Bundle(domain), Origin::At(server.target("/")), rhythm())]).unwrap();
    stage.take_all();
    until(|| stage.state().fetches > 3).await;
    board.write(bundle(6));
    until(|| stage.state().failure.is_some()).await;
    let why = stage.state().failure.unwrap().why;
    assert_eq!(why.as_ref(), "it is older than the one that was fetched before: `spiffe_sequence` 6 after 7");
    board.write(bundle(8));
    until(|| stage.state().failure.is_none()).await;
}

#[tokio::test]
async fn revocation_lists_are_handed_out_read_and_not_taken_back() {
    let list = crl(5, 2);
    let shown = Board::new(list.clone());
    let board = shown.clone();
    let server = Server::start(move |_, _| answer("200 OK", &["content-type: application/x-pem-file"], &board.read())).await;
    let stage = Stage::new();
    stage.feeds.keep(vec![stage.spec("ca", Kind::Revocations, Origin::At(server.target("/ca.crl")), rhythm())]).unwrap();
    let fetched = stage.fetched().await;
    let Document::Revocations(lists) = &*fetched.document else { panic!("no revocation lists") };
    assert_eq!(lists.lists().len(), 1);
    drop(fetched);
    stage.take_all();
    shown.write(crl(6, 1));
    until(|| stage.state().failure.is_some()).await;
    let why = stage.state().failure.unwrap().why;
    assert!(why.starts_with("it is older than the one that was fetched before: a list of 2026-"), "{why}");
    // A document without the list of an issuer: whom that revoked would be good again.
    let other = crl_of("another", 1, 3);
    shown.write(other.clone());
    let said = |why: &str| stage.state().failure.is_some_and(|failure| failure.takes_back && failure.why.starts_with(why));
    until(|| said("it has no list of `rcgen self signed cert` any more: the last one counts until 2100-01-01T00:00:00Z")).await;
    // Beside it, it is taken; and is missed itself from then on.
    shown.write([crl(6, 3), other].concat());
    until(|| stage.state().failure.is_none()).await;
    assert_eq!(stage.state().count, 2);
    shown.write(crl(7, 4));
    until(|| said("it has no list of `another` any more: ")).await;
    // Nor by an older document once the last good one is too old to count itself.
    let lapsed = || stage.state().good_until.is_none();
    stage.advance(Duration::from_secs(61));
    until(lapsed).await;
    let before = stage.state().fetches;
    until(|| stage.state().fetches > before + 1).await;
    assert!(lapsed());
    shown.write([crl(7, 4), crl_of("another", 2, 4)].concat());
    until(|| !lapsed()).await;
}

/// A list with this number, made on this day of the year 2026.
fn crl(number: u64, day: u8) -> String {
    crl_of("rcgen self signed cert", number, day)
}

/// The same of an issuer of this name.
fn crl_of(name: &str, number: u64, day: u8) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
    let issuer = rcgen::Issuer::new(params, key);
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 1, day),
        next_update: rcgen::date_time_ymd(2100, 1, 1),
        crl_number: rcgen::SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    list.signed_by(&issuer).unwrap().pem().unwrap()
}
