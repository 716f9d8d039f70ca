//! What goes to the upstream and what comes back.

use crate::{
    edge::{Setup, answer, connect, raw, said},
    upstream::{Gatekeeper, Nobody, Play, Upstream, ok},
};
use std::{
    io::{Read, Write},
    sync::Arc,
    time::Duration,
};
use wardgate_gate::denied::Subject;
use wardgate_model::{
    api::{AuditMode, Mode, Target, UpstreamUrl},
    credential::Credential,
    id::IdentityId,
    reason::Reason,
    time::Time,
};

const SINCE: Time = Time::from_seconds(0);
/// 2100-01-01T00:00:00Z.
const UNTIL: Time = Time::from_seconds(4_102_444_800);
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// An upstream that plays this to every request → what the client is told, and the event.
fn check(play: impl Fn() -> Play + Send + Sync + 'static) -> (String, String) {
    let upstream = Upstream::start(move |_| play());
    let edge = Setup::before(&upstream).start();
    let told = edge.raw(GET);
    (said(&told), edge.sink.told(1).remove(0))
}

fn check_bytes(bytes: &'static str) -> (String, String) {
    check(move || Play::AnswerAndClose(bytes.as_bytes().to_vec()))
}

fn pair(told: &str, event: &str) -> (String, String) {
    (told.to_owned(), event.to_owned())
}

#[test]
fn upstreams_that_misbehave_are_answered_for() {
    let malformed = pair("502 forward.malformed", "forward.malformed complete 502 -");
    assert_eq!(check_bytes("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), malformed);
    assert_eq!(check_bytes("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), malformed);
    assert_eq!(check_bytes("garbage\r\n\r\n"), malformed);
    assert_eq!(check_bytes("HTTP/1.1 200 OK\r\nX"), malformed);
    assert_eq!(check_bytes(""), malformed);
    let two = check_bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!(two, pair("502 forward.malformed", "forward.malformed complete 502 200"));
    let upgraded = check_bytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    assert_eq!(upgraded, pair("502 forward.malformed", "forward.malformed complete 502 101"));
    let early = check_bytes("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(early, pair("200", "rule.allowed complete 200 200"));
}

#[test]
fn an_upstream_that_says_nothing_is_not_waited_for() {
    let upstream = Upstream::start(|_| Play::Silence);
    let edge = Setup::before(&upstream).api(|api| api.upstream.timeouts.response = Duration::from_millis(300)).start();
    assert_eq!(said(&edge.raw(GET)), "504 forward.timeout");
    assert_eq!(edge.sink.told(1), ["forward.timeout complete 504 -"]);
}

#[test]
fn a_body_goes_on_whatever_the_method() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let chunked = "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(said(&edge.raw(chunked)), "200");
    let received = upstream.received();
    assert!(received.contains("transfer-encoding: chunked\r\n") && received.contains("hello"), "{received}");
    assert_eq!(said(&edge.raw("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nyou")), "200");
    assert!(upstream.received().ends_with("you"), "{}", upstream.received());
}

#[test]
fn an_answer_that_breaks_off_is_not_made_whole() {
    let short = check_bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort");
    assert_eq!(short, pair("200", "rule.allowed upstream_broke 200 200"));
    let upstream =
        Upstream::start(|_| Play::AnswerAndClose(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n".to_vec()));
    let edge = Setup::before(&upstream).start();
    let told = edge.raw(GET);
    assert!(told.ends_with("5\r\nshort\r\n"), "no last chunk: {told}");
    assert_eq!(edge.sink.told(1), ["rule.allowed upstream_broke 200 200"]);
}

#[test]
fn nobody_listens() {
    let upstream = Upstream::plain();
    let nobody = Nobody::new();
    let gone = nobody.address;
    let address = |port| UpstreamUrl { tls: false, host: "127.0.0.1".into(), port };
    let edge = Setup::before(&upstream).api(|api| api.upstream.target = Target::Http(Box::new([address(gone.port())]))).start();
    assert_eq!(said(&edge.raw(GET)), "502 forward.connect");
    assert_eq!(edge.sink.told(1), ["forward.connect complete 502 -"]);
    // With a second address, the request goes there: nothing of it had been sent.
    let both = Target::Http(Box::new([address(gone.port()), address(upstream.address.port())]));
    let edge = Setup::before(&upstream).api(|api| api.upstream.target = both).start();
    for _ in 0..4 {
        assert_eq!(said(&edge.raw(GET)), "200");
    }
    assert!(upstream.received().contains(&format!("host: {}\r\n", upstream.address)));
}

#[test]
fn connections_are_kept_and_the_dead_ones_passed_over() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    for _ in 0..5 {
        socket.write_all(GET.as_bytes()).unwrap();
        assert_eq!(said(&answer(&mut socket)), "200");
    }
    assert_eq!(upstream.connections(), 1);

    // What the upstream closed is not used again, although it never said that it would close.
    let closing = Upstream::start(|_| Play::AnswerAndClose(ok("once")));
    let edge = Setup::before(&closing).start();
    for count in 1..=5 {
        assert_eq!(said(&edge.raw(GET)), "200");
        while closing.closes() < count {
            std::thread::yield_now();
        }
    }
    assert_eq!(closing.connections(), 5);
}

#[test]
fn a_poisoned_connection_reaches_no_other_request() {
    let upstream = Upstream::start(|_| {
        Play::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned".to_vec())
    });
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    for _ in 0..20 {
        socket.write_all(GET.as_bytes()).unwrap();
        let told = answer(&mut socket);
        assert!(told.ends_with("\r\n\r\nok"), "{told}");
    }
    assert_eq!(upstream.connections(), 20);
}

#[test]
fn bodies_stream_both_ways() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| {
        let piece = |text: &str| text.as_bytes().to_vec();
        let head = piece("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        Play::Pieces(vec![head, piece("3\r\none\r\n"), piece("3\r\ntwo\r\n0\r\n\r\n")], Arc::clone(&pieces))
    });
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc").unwrap();
    while !upstream.received().contains("abc") {
        std::thread::yield_now();
    }
    keeper.open();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    for expected in ["3\r\none\r\n", "3\r\ntwo\r\n0\r\n\r\n"] {
        keeper.open();
        let mut piece = vec![0; expected.len()];
        socket.read_exact(&mut piece).unwrap();
        assert_eq!(String::from_utf8(piece).unwrap(), expected);
    }
    let event = edge.sink.wait(1).remove(0);
    let outcome = event.outcome.upstream.expect("an upstream");
    assert_eq!((outcome.bytes_in, outcome.bytes_out, outcome.status), (3, 6, Some(200)));
}

#[test]
fn a_client_that_goes_away_leaves_its_event() {
    let upstream = Upstream::start(|_| Play::Silence);
    let edge = Setup::before(&upstream).limits(|limits| limits.half_close = Duration::from_millis(200)).start();
    let mut socket = edge.connect();
    socket.write_all(GET.as_bytes()).unwrap();
    while upstream.received().is_empty() {
        std::thread::yield_now();
    }
    drop(socket);
    assert_eq!(edge.sink.told(1), ["rule.allowed client_gone - -"]);
    while upstream.closes() == 0 {
        std::thread::yield_now();
    }
}

#[test]
fn containment_cuts_what_is_under_way() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n".to_vec();
        Play::Pieces(vec![head, b"3\r\ntwo\r\n".to_vec()], Arc::clone(&pieces))
    });
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", edge.key).as_bytes()).unwrap();
    keeper.open();
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"one\r\n") {
        socket.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    edge.denied.stop(Subject::Identity(IdentityId::literal("ledger-sync")), wardgate_model::time::Time::from_seconds(1_780_272_000));
    // Nothing more of the upstream is needed: the stream ends by itself.
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    assert_eq!(String::from_utf8_lossy(&rest), "");
    assert_eq!(edge.sink.told(1), ["rule.allowed cut 200 200"]);
    let again = edge.raw(format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", edge.key));
    assert_eq!(said(&again), "403 identity.contained");
}

#[test]
fn known_callers_are_told_their_limits() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let request = format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", edge.key);
    let told = edge.raw(&request);
    assert_eq!(said(&told), "200");
    assert!(told.contains("ratelimit-policy: \"guarded") && told.contains("ratelimit: \"guarded"), "{told}");
    edge.raw(&request);
    let told = edge.raw(&request);
    assert_eq!(said(&told), "429 reserve.rate_exceeded");
    assert!(told.contains("retry-after: ") && told.contains(";r=0;"), "{told}");
    let stranger = edge.raw("GET /guarded HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(said(&stranger), "401 credential.missing");
    assert!(stranger.contains("www-authenticate: Bearer realm=\"wardgate\"\r\n") && !stranger.contains("ratelimit"), "{stranger}");
    assert_eq!(upstream.received().matches("GET /guarded").count(), 2);
}

#[test]
fn whoever_calls_with_a_credential_that_ends_is_told() {
    let upstream = Upstream::plain();
    let ends = |credential: &mut Credential| (credential.warn_from, credential.expires) = (Some(SINCE), Some(UNTIL));
    let edge = Setup::before(&upstream).on_record(move |credential, _| ends(credential)).start();
    let told = edge.raw(format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", edge.key));
    assert!(told.contains("wardgate-credential-expires: 2100-01-01T00:00:00Z\r\n") && told.contains("deprecation: @0\r\n"), "{told}");
    assert!(!upstream.received().contains("deprecation"));
}

#[test]
fn no_place_for_the_event_is_no_request_where_that_is_required() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).api(|api| api.audit = AuditMode::Required).start();
    edge.sink.fill();
    assert_eq!(said(&edge.raw(GET)), "503 commit.no_record");
    assert_eq!(upstream.received(), "");

    let edge = Setup::before(&upstream).start();
    edge.sink.fill();
    assert_eq!(said(&edge.raw(GET)), "200");
    while edge.sink.dropped() == 0 {
        std::thread::yield_now();
    }
    assert!(edge.metrics.render().contains("wardgate_audit_dropped_total 1"));
}

#[test]
fn observing_forwards_what_would_be_refused() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).api(|api| api.mode = Mode::Observe).start();
    assert_eq!(said(&edge.raw("GET /guarded HTTP/1.1\r\nHost: a\r\n\r\n")), "200");
    let event = edge.sink.wait(1).remove(0);
    assert!(!event.ruling.enforced);
    assert_ne!(event.ruling.reason(), Reason::RuleAllowed);
}

#[test]
fn apis_of_this_process_get_the_caller_and_the_whole_body() {
    let upstream = Upstream::plain();
    let inside = |api: &mut wardgate_model::api::Api| api.upstream.target = Target::InProcess;
    let edge = Setup::before(&upstream).api(inside).limits(|limits| limits.collected_bytes_max = 10).start();
    let told = edge.raw("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert!(told.ends_with("anonymous POST /x \"abc\""), "{told}");
    assert!(!told.contains("wardgate-effect"), "{told}");
    assert_eq!(edge.sink.wait(1)[0].outcome.effect.as_deref(), Some("done"));
    let large = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n12345678901";
    assert_eq!(said(&edge.raw(large)), "413 wire.body_too_large");
    let large = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n";
    assert_eq!(said(&edge.raw(large)), "413 wire.body_too_large");
}

#[test]
fn a_panic_of_ours_is_an_answer_and_an_event() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).api(|api| api.upstream.target = Target::InProcess).start();
    assert_eq!(said(&edge.raw("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")), "500 forward.fault");
    assert_eq!(edge.sink.told(1), ["forward.fault fault 500 -"]);
    // The thread goes on.
    assert_eq!(said(&edge.raw(GET)), "200");
}

#[test]
fn probes_answer_at_their_door_only() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    assert!(raw(edge.admin, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("admin /healthz"));
    assert!(edge.raw("GET /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("public /.well-known/jwks.json"));
    // What is there for one host alone is an API's elsewhere.
    let discovery = |host: &str| edge.raw(format!("GET /.well-known/openid-configuration HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert!(discovery("Issuer.test:8443").ends_with("public /.well-known/openid-configuration"));
    assert!(!discovery("tenant.test").ends_with("public /.well-known/openid-configuration"));
    // Elsewhere these are paths like any other.
    assert_eq!(said(&edge.raw("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")), "200");
    assert!(upstream.received().contains("GET /healthz"));
    let mut socket = connect(edge.admin);
    socket.write_all(b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").unwrap();
    assert_eq!(said(&answer(&mut socket)), "200");
}
