//! What goes over to WebSocket, by HTTP/1 and by HTTP/2, and what ends it.

use crate::{
    edge::{Running, Setup, StandingClock, answer, said, told_anything},
    upstream::{Gatekeeper, Play, Upstream, ok},
};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::Duration,
};
use wardgate_gate::denied::Subject;
use wardgate_model::{
    event::EventKind,
    id::IdentityId,
    limit::{Quota, Window},
    time::Time,
    wire::{Upgrade, UpstreamProtocol},
};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn opening(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: chat\r\n{more}\r\n"
    )
}

fn allowing(upstream: &Upstream) -> Setup {
    Setup::before(upstream).api(|api| api.upstream.wire.upgrade = [Upgrade::WebSocket].into())
}

fn exchange(socket: &mut TcpStream, text: &str) -> String {
    socket.write_all(text.as_bytes()).unwrap();
    let mut back = vec![0; text.len()];
    socket.read_exact(&mut back).unwrap();
    String::from_utf8(back).unwrap()
}

fn rest(socket: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    String::from_utf8_lossy(&rest).into_owned()
}

#[test]
fn bytes_pass_both_ways_once_both_sides_agree() {
    let upstream = Upstream::start(|_| Play::Echo);
    let edge = allowing(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(opening("/chat?room=1", "").as_bytes()).unwrap();
    let told = answer(&mut socket);
    assert!(told.starts_with("HTTP/1.1 101 "), "{told}");
    let lower = told.to_ascii_lowercase();
    for field in ["connection: upgrade\r\n", "upgrade: websocket\r\n", "wardgate-request-id: "] {
        assert!(lower.contains(field), "{field} {told}");
    }
    assert!(told.contains(ACCEPT), "{told}");
    assert_eq!(exchange(&mut socket, "\u{1}hello"), "\u{1}hello");
    // What looks like HTTP is none any more.
    assert_eq!(exchange(&mut socket, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"), "GET / HTTP/1.1\r\nHost : a\r\n\r\n");
    assert_eq!(exchange(&mut socket, &"x".repeat(300_000)).len(), 300_000);
    let opened = edge.sink.wait(1);
    assert_eq!((opened.len(), opened[0].kind), (1, EventKind::Opened));
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut socket), "");
    let events = edge.sink.wait(2);
    assert_eq!((events[1].kind, events[1].facts.id), (EventKind::Closed, events[0].facts.id));
    assert_eq!(edge.sink.told(2)[1], "rule.allowed complete 101 101");
    let passed = events[1].outcome.upstream.clone().unwrap();
    assert_eq!((passed.bytes_in, passed.bytes_out), (300_034, 300_034));
    let received = upstream.received();
    let head = received.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
    for field in
        ["get /chat?room=1 http/1.1", "connection: upgrade", "upgrade: websocket", "sec-websocket-protocol: chat", "via: 1.1 wardgate-test"]
    {
        assert!(head.contains(field), "{field} {head}");
    }
    assert!(!head.contains("keep-alive"), "{head}");
}

#[test]
fn what_is_not_allowed_or_no_opening_reaches_nothing() {
    let upstream = Upstream::start(|_| Play::Echo);
    for (allowed, request, expected) in [
        (false, opening("/chat", ""), "400 canon.upgrade"),
        (true, opening("/chat", "Upgrade: h3\r\n"), "400 canon.upgrade"),
        (true, opening("/chat", "Content-Length: 0\r\n"), "400 canon.upgrade"),
        (true, opening("/chat", "Sec-WebSocket-Version: 13\r\n"), "400 canon.upgrade"),
        (true, opening("/chat", "").replace("GET", "POST"), "400 canon.upgrade"),
        (true, opening("/chat", "").replace("HTTP/1.1", "HTTP/1.0"), "400 canon.upgrade"),
        (true, opening("/chat", "").replace("keep-alive, Upgrade", "keep-alive"), "400 canon.upgrade"),
        (true, opening("/chat", "").replace("websocket", "tls/1.2"), "400 canon.upgrade"),
        (true, opening("/guarded", ""), "401 credential.missing"),
        (true, opening("/nowhere/x/y", ""), "404 route.no_operation"),
    ] {
        let edge = if allowed { allowing(&upstream) } else { Setup::before(&upstream) }.start();
        let told = edge.raw(&request);
        assert_eq!(said(&told), expected, "{request}");
        assert_eq!(edge.sink.wait(1).len(), 1);
    }
    assert_eq!(upstream.received(), "");
}

#[test]
fn who_is_refused_by_the_upstream_goes_on_with_http() {
    let upstream = Upstream::start(|head| match head.contains("/chat") {
        true => Play::Answer(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno".to_vec()),
        false => Play::Answer(ok("ok")),
    });
    let edge = allowing(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(opening("/chat", "").as_bytes()).unwrap();
    assert_eq!(said(&answer(&mut socket)), "426");
    socket.write_all(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(said(&answer(&mut socket)), "200");
    // Its connection to the upstream is not used again.
    assert_eq!(upstream.connections(), 2);
    assert_eq!(edge.sink.told(2), ["rule.allowed complete 426 426", "rule.allowed complete 200 200"]);
}

#[test]
fn nothing_behind_the_opening_goes_on_before_it_is_answered() {
    // CVE-2026-2833.
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |head| match head.contains("/chat") {
        true => Play::Pieces(vec![b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".to_vec()], Arc::clone(&pieces)),
        false => Play::Answer(ok("ok")),
    });
    let edge = allowing(&upstream).start();
    let mut socket = edge.connect();
    socket
        .write_all(format!("{}GET /guarded HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", opening("/chat", "")).as_bytes())
        .unwrap();
    while !upstream.received().contains("/chat") {
        std::thread::yield_now();
    }
    assert!(!upstream.received().contains("/guarded") && !upstream.received().contains("/2"));
    keeper.open();
    // What follows is judged as requests of their own.
    assert_eq!(said(&answer(&mut socket)), "403");
    assert_eq!(said(&answer(&mut socket)), "401 credential.missing");
    assert_eq!(said(&answer(&mut socket)), "200");
    assert!(!upstream.received().contains("/guarded"));
}

#[test]
fn an_upstream_that_does_not_answer_the_key_is_not_believed() {
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    ] {
        let upstream = Upstream::start(move |_| Play::AnswerAndClose(answer.into()));
        let edge = allowing(&upstream).start();
        assert_eq!(said(&edge.raw(opening("/chat", ""))), "502 forward.malformed");
        assert_eq!(edge.sink.wait(1)[0].kind, EventKind::Request);
    }
}

fn guarded(edge: &Running) -> TcpStream {
    let mut socket = edge.connect();
    socket.write_all(opening("/guarded", &format!("Authorization: Bearer {}\r\n", edge.key)).as_bytes()).unwrap();
    let told = answer(&mut socket);
    assert!(told.starts_with("HTTP/1.1 101 "), "{told}");
    socket
}

#[test]
fn a_stop_of_the_caller_cuts_it() {
    let upstream = Upstream::start(|_| Play::Echo);
    let edge = allowing(&upstream).start();
    let mut socket = guarded(&edge);
    assert_eq!(exchange(&mut socket, "before"), "before");
    edge.denied.stop(Subject::Identity(IdentityId::literal("ledger-sync")), Time::from_seconds(1_780_272_000));
    assert_eq!(rest(&mut socket), "");
    assert_eq!(edge.sink.told(2)[1], "rule.allowed cut 101 101");
    while upstream.closes() == 0 {
        std::thread::yield_now();
    }
}

#[test]
fn the_end_of_the_credential_cuts_it() {
    let upstream = Upstream::start(|_| Play::Echo);
    static CLOCK: StandingClock = StandingClock::new();
    let expires = CLOCK.now() + Duration::from_secs(1);
    let edge = allowing(&upstream).clock(|| CLOCK.now()).on_record(move |credential, _| credential.expires = Some(expires)).start();
    let mut socket = guarded(&edge);
    assert_eq!(exchange(&mut socket, "before"), "before");
    CLOCK.forward(Duration::from_secs(1));
    assert_eq!(rest(&mut socket), "");
    assert_eq!(edge.sink.told(2)[1], "rule.allowed cut 101 101");
}

#[test]
fn bytes_that_are_used_up_cut_it() {
    let upstream = Upstream::start(|_| Play::Echo);
    let quota = Quota { count: std::num::NonZeroU64::new(100_000).unwrap(), window: Window::Month };
    let edge = allowing(&upstream).on_record(move |_, limit| (limit.rate, limit.bytes) = (None, Some(quota))).start();
    let mut socket = guarded(&edge);
    let _ = socket.write_all(&vec![b'x'; 1 << 20]);
    assert!(rest(&mut socket).len() <= 100_000);
    assert_eq!(edge.sink.told(2)[1], "rule.allowed cut 101 101");
}

#[test]
fn a_tunnel_in_which_nobody_says_anything_ends() {
    let upstream = Upstream::start(|_| Play::Echo);
    static CLOCK: StandingClock = StandingClock::new();
    let edge = allowing(&upstream).clock(|| CLOCK.now()).start();
    let mut socket = edge.connect();
    socket.write_all(opening("/chat", "").as_bytes()).unwrap();
    assert!(answer(&mut socket).starts_with("HTTP/1.1 101 "));
    assert_eq!(exchange(&mut socket, "one"), "one");
    CLOCK.forward_until(Duration::from_secs(10), || told_anything(&socket));
    assert_eq!(rest(&mut socket), "");
    assert_eq!(edge.sink.wait(2)[1].kind, EventKind::Closed);
}

#[test]
fn a_drain_cuts_what_does_not_end_by_itself() {
    let upstream = Upstream::start(|_| Play::Echo);
    static CLOCK: StandingClock = StandingClock::new();
    let mut edge = allowing(&upstream).clock(|| CLOCK.now()).start();
    let mut socket = edge.connect();
    socket.write_all(opening("/chat", "").as_bytes()).unwrap();
    assert!(answer(&mut socket).starts_with("HTTP/1.1 101 "));
    let sink = Arc::clone(&edge.sink);
    let address = edge.public;
    let draining = std::thread::spawn(move || edge.drain(Duration::from_millis(500)));
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    // It goes on until the deadline.
    assert_eq!(exchange(&mut socket, "still"), "still");
    CLOCK.forward(Duration::from_millis(500));
    draining.join().unwrap();
    assert_eq!(rest(&mut socket), "");
    assert_eq!(sink.told(2)[1], "rule.allowed cut 101 101");
}

#[test]
fn the_record_is_full_so_nothing_goes_over() {
    let upstream = Upstream::start(|_| Play::Echo);
    let edge = allowing(&upstream).api(|api| api.audit = wardgate_model::api::AuditMode::Required).start();
    edge.sink.fill();
    assert_eq!(said(&edge.raw(opening("/chat", ""))), "503 commit.no_record");
    assert_eq!(upstream.received(), "");
}

#[test]
fn an_upstream_of_http2_takes_no_opening() {
    let upstream = Upstream::start(|_| Play::Echo);
    let edge = allowing(&upstream).api(|api| api.upstream.wire.protocol = UpstreamProtocol::Http2).start();
    assert_eq!(said(&edge.raw(opening("/chat", ""))), "400 canon.upgrade");
    assert_eq!(upstream.received(), "");
}
