//! Streams that are open are judged again when what they rest on changes (AZ9).

use crate::{
    edge::{PATIENCE, Running, Setup, StandingClock, answer, now, said},
    on_file::OnFile,
    upstream::{Gatekeeper, Play, Upstream},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};
use wardgate_gate::trust::{Trust, TrustedIssuer};
use wardgate_model::{
    api::{HostPattern, Mode},
    credential::{CredentialKind, CredentialState},
    event::EventKind,
    id::TrustName,
    inventory::IdentityState,
    trust::{Binding, Issuer, Keys, Reach, Subject},
    wire::Upgrade,
};
use wardgate_proof::jws::{Signer, jwks};

/// An upstream that answers piece by piece, as the test says, and never ends.
fn dripping() -> (Upstream, Arc<Gatekeeper>) {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |head| {
        if head.contains("/silence") {
            return Play::Silence;
        }
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n".to_vec();
        Play::Pieces(vec![head, b"3\r\ntwo\r\n".to_vec()], Arc::clone(&pieces))
    });
    (upstream, keeper)
}

fn read_to(socket: &mut TcpStream, end: &str) {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(end.as_bytes()) {
        socket.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
}

fn rest(mut socket: TcpStream) -> String {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    String::from_utf8_lossy(&rest).into_owned()
}

fn setup(upstream: &Upstream) -> Setup {
    Setup::before(upstream).on_record(|_, limit| limit.rate = None)
}

/// A stream of which one piece has come.
fn stream(edge: &Running, keeper: &Gatekeeper, bearer: &str) -> TcpStream {
    let mut socket = edge.connect();
    socket.write_all(format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {bearer}\r\n\r\n").as_bytes()).unwrap();
    keeper.open();
    read_to(&mut socket, "one\r\n");
    socket
}

/// Waits until every thread has looked at what was changed before: each turn does that and answers, so between two answers it was done.
fn looked_at(edge: &Running) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for _ in 0..2 {
        assert!(runtime.block_on(edge.census.count(PATIENCE)).whole, "every thread answers");
    }
}

/// A change, and why it ends a stream.
type Case = (&'static str, fn(&mut OnFile));

#[test]
fn a_change_of_what_it_rests_on_cuts_a_stream_and_the_event_says_why() {
    let cases: [Case; 9] = [
        ("standing.no_grant", |file| file.grant = None),
        ("standing.denied", |file| file.policies = "@id(\"no-more\") forbid(principal, action, resource);".into()),
        ("rule.forbidden", |file| {
            file.policies = "@id(\"no-keys\") forbid(principal, action, resource) when { context.proof.kind == \"api_key\" };".into();
        }),
        ("route.no_api", |file| file.apis.clear()),
        ("route.no_api", |file| file.apis[0].hosts = [HostPattern::Exact("elsewhere".into())].into()),
        ("route.no_method", |file| {
            let others = file.apis[0].operations.iter().filter(|operation| operation.method == "POST");
            file.apis[0].operations = others.cloned().collect();
        }),
        ("credential.not_accepted", |file| file.apis[0].accept = [CredentialKind::X509].into()),
        ("proof.expired", |file| file.credential.expires = Some(wardgate_model::time::Time::from_seconds(1))),
        ("proof.source", |file| file.credential.sources = ["10.0.0.0/8".parse().unwrap()].into()),
    ];
    for (reason, change) in cases {
        let (upstream, keeper) = dripping();
        let mut edge = setup(&upstream).start();
        let socket = stream(&edge, &keeper, &edge.key);
        edge.change(change);
        assert_eq!(rest(socket), "", "{reason}: nothing more comes");
        assert_eq!(edge.sink.told(1), [format!("{reason} cut 200 200")]);
    }
}

#[test]
fn a_change_of_the_caller_alone_cuts_its_stream() {
    let cases: [Case; 4] = [
        ("identity.contained", |file| file.identity.state = IdentityState::Suspended),
        ("identity.ended", |file| file.identity.ends = Some(wardgate_model::time::Time::from_seconds(1))),
        ("proof.revoked", |file| file.credential.state = CredentialState::Revoked { at: wardgate_model::time::Time::from_seconds(1) }),
        ("proof.source", |file| file.credential.sources = ["10.0.0.0/8".parse().unwrap()].into()),
    ];
    for (reason, change) in cases {
        let (upstream, keeper) = dripping();
        let mut edge = setup(&upstream).start();
        let socket = stream(&edge, &keeper, &edge.key);
        edge.change_caller(change);
        assert_eq!(rest(socket), "", "{reason}: nothing more comes");
        assert_eq!(edge.sink.told(1), [format!("{reason} cut 200 200")]);
    }
}

#[test]
fn what_does_not_concern_a_stream_leaves_it_alone() {
    let cases: [Case; 4] = [
        ("nothing", |_| {}),
        ("another policy", |file| {
            file.policies = "@id(\"others\") forbid(principal, action, resource) when { context.proof.kind == \"jwt\" };".into();
        }),
        ("a later end", |file| file.grant = Some(Some(now() + Duration::from_secs(3600)))),
        ("refused, but only observed", |file| {
            file.grant = None;
            file.apis[0].mode = Mode::Observe;
        }),
    ];
    for (what, change) in cases {
        let (upstream, keeper) = dripping();
        let mut edge = setup(&upstream).start();
        let mut socket = stream(&edge, &keeper, &edge.key);
        edge.change(change);
        keeper.open();
        read_to(&mut socket, "two\r\n");
        // The next change is obeyed: the one before has been looked at by then.
        edge.change(|file| {
            file.apis[0].mode = Mode::Enforce;
            file.grant = None;
        });
        assert_eq!(rest(socket), "", "{what}");
        assert_eq!(edge.sink.told(1), ["standing.no_grant cut 200 200"], "{what}");
    }
}

#[test]
fn a_grant_that_ends_ends_what_it_permits() {
    let (upstream, keeper) = dripping();
    static CLOCK: StandingClock = StandingClock::new();
    let mut edge = setup(&upstream).clock(|| CLOCK.now()).start();
    edge.change(|file| file.grant = Some(Some(CLOCK.now() + Duration::from_secs(3600))));
    let socket = stream(&edge, &keeper, &edge.key);
    edge.change(|file| file.grant = Some(Some(CLOCK.now() + Duration::from_secs(10))));
    looked_at(&edge);
    CLOCK.forward(Duration::from_secs(10));
    assert_eq!(rest(socket), "");
    assert_eq!(edge.sink.told(1), ["rule.allowed cut 200 200"]);
}

#[test]
fn a_request_that_waits_for_its_answer_is_told_so() {
    let (upstream, _keeper) = dripping();
    let mut edge = setup(&upstream).start();
    let mut socket = edge.connect();
    let head = format!("GET /silence HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", edge.key);
    socket.write_all(head.as_bytes()).unwrap();
    while upstream.received().is_empty() {
        std::thread::yield_now();
    }
    edge.change(|file| file.credential.sources = ["10.0.0.0/8".parse().unwrap()].into());
    assert_eq!(said(&answer(&mut socket)), "403 proof.source");
    assert_eq!(edge.sink.told(1), ["proof.source complete 403 -"]);
}

#[test]
fn a_tunnel_ends_with_its_grant_and_with_the_leave_to_go_over() {
    let cases: [Case; 2] =
        [("standing.no_grant", |file| file.grant = None), ("canon.upgrade", |file| file.apis[0].upstream.wire.upgrade = Box::default())];
    for (reason, change) in cases {
        let upstream = Upstream::start(|_| Play::Echo);
        let mut edge = setup(&upstream).api(|api| api.upstream.wire.upgrade = [Upgrade::WebSocket].into()).start();
        let mut socket = edge.connect();
        let opening = format!(
            "GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            edge.key
        );
        socket.write_all(opening.as_bytes()).unwrap();
        assert!(answer(&mut socket).starts_with("HTTP/1.1 101 "));
        socket.write_all(b"hello").unwrap();
        read_to(&mut socket, "hello");
        edge.change(change);
        assert_eq!(rest(socket), "");
        assert_eq!(edge.sink.told(2), ["rule.allowed complete 101 101".to_owned(), format!("{reason} cut 101 101")]);
        assert_eq!(edge.sink.wait(2)[1].kind, EventKind::Closed);
    }
}

fn signer() -> Signer {
    Signer::load(Signer::generate().unwrap().danger_expose()).unwrap()
}

/// An issuer whose keys are these; `None`: they were never fetched.
fn issuer(keys: Option<&Signer>) -> Arc<Trust> {
    let keys = keys.map_or(Keys::Discovered(Reach::default()), |signer| Keys::Here(jwks([signer]).to_string().into()));
    let issuer = Issuer {
        issuer: "https://ci.example".into(),
        audiences: ["wardgate".into()].into(),
        keys,
        algorithms: Box::default(),
        subject_claim: "sub".into(),
        on_behalf_of: None,
        leeway: Duration::from_secs(30),
        life_max: Duration::from_secs(3600),
    };
    Arc::new(Trust::new([TrustedIssuer::new(&TrustName::literal("ci"), &issuer, None)], []))
}

#[test]
fn a_token_that_nobody_vouches_for_any_more_ends_its_stream() {
    let (ours, other) = (signer(), signer());
    let seconds = now().as_micros() / 1_000_000;
    let claims = serde_json::json!({ "iss": "https://ci.example", "sub": "job", "aud": "wardgate", "iat": seconds, "exp": seconds + 600 });
    let token = ours.sign("JWT", &claims).unwrap();
    let (upstream, keeper) = dripping();
    let mut edge = Setup { trust: issuer(Some(&ours)), ..Setup::before(&upstream) }
        .api(|api| api.accept = [CredentialKind::Oidc].into())
        .on_record(|credential, limit| {
            limit.rate = None;
            credential.kind = CredentialKind::Oidc;
            credential.hash = None;
            credential.binding =
                Some(Box::new(Binding { trust: TrustName::literal("ci"), subject: Subject::Exactly("job".into()), claims: [].into() }));
        })
        .start();
    let mut count = 0;
    for (reason, trust) in [("proof.signature", issuer(Some(&other))), ("proof.issuer", Trust::nobody())] {
        edge.change(|file| file.trust = issuer(Some(&ours)));
        let mut socket = stream(&edge, &keeper, &token);
        // Keys that are away say nothing against it.
        edge.change(|file| file.trust = issuer(None));
        keeper.open();
        read_to(&mut socket, "two\r\n");
        edge.change(|file| file.trust = issuer(Some(&ours)));
        edge.change(|file| file.trust = Arc::clone(&trust));
        assert_eq!(rest(socket), "");
        count += 1;
        assert_eq!(edge.sink.told(count)[count - 1], format!("{reason} cut 200 200"));
    }
}
