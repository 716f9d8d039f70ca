//! Raw bytes over a real socket → what the client is told. Where it is refused, the upstream sees not a byte.

use crate::{
    edge::{Running, Setup, StandingClock, answer, said, told_anything},
    upstream::{Nobody, Play, Upstream},
};
use std::{
    io::{Read, Write},
    time::Duration,
};
use wardgate_model::api::{Target, UpstreamUrl};

/// `\n` is CRLF, `␊` a bare line feed, `␍` a bare carriage return, `␀` a NUL.
fn bytes(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").replace('␊', "\n").replace('␍', "\r").replace('␀', "\0").into_bytes()
}

/// What is passed on.
const GOOD: &[(&str, &str)] = &[
    ("GET / HTTP/1.1\nHost: a\n\n", "200"),
    ("\nGET / HTTP/1.1\nHost: a\n\n", "200"),
    ("GET / HTTP/1.0\nHost: a\n\n", "200"),
    ("HEAD / HTTP/1.1\nHost: a\n\n", "200"),
    ("GET /x?y=[1]&z={2} HTTP/1.1\nHost: a:8080\n\n", "200"),
    ("GET http://a/x HTTP/1.1\nHost: a\n\n", "200"),
    ("GET /x HTTP/1.1\nhOST:a\nX-Empty:\nX-Tab:\ta\tb\t\n\n", "200"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n", "200"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 005\n\nhello", "200"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n", "200"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: CHUNKED\n\n5;ext=\"a b\"\nhello\n0\n\n", "200"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n0\nX-Sum: 1\n\n", "200"),
    ("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 2\n\nok", "200"),
    ("GET / HTTP/1.1\nHost: [::1]:8080\n\n", "200"),
];

/// What is refused, with what the client is told.
const BAD: &[(&str, &str)] = &[
    // Framing.
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nContent-Length: 5\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked, gzip\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked, chunked\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTransfer-Encoding: identity\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: xchunked\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: identity\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding:\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n\nab", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 2\nContent-Length: 2\n\nab", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 2, 2\n\nab", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: -1\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: +2\n\nab", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 0x2\n\nab", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length:\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 99999999999999999999\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nContent-Length: 999999999999999999\n\n", "413 wire.body_too_large"),
    // Chunks that come with their head.
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0x5\nhello\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n+5\nhello\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n-5\nhello\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5 \nhello\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5␊hello\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5;a␊hello\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello␊0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhellox\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n00000000000000005\nhello\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nffffffffffffffff\nhello", "413 wire.body_too_large"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n;\nhello\n0\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\nX : 1\n\n", "400 wire.framing"),
    ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\n folded: 1\n\n", "400 wire.framing"),
    // Fields.
    ("GET / HTTP/1.1\nHost: a\nX : 1\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost : a\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nTransfer-Encoding : chunked\n\n0\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX: 1\n folded\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX: 1\n\tfolded: 2\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\n X: 1\nHost: a\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX: a␍b\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX: 1␍Y: 2\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1␊Host: a\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a␊X: 1\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\n␊", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX: a␀b\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX␀: 1\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX: \u{7f}\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX: \u{8}\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX(1): 1\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nna\u{ef}ve: 1\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\n: 1\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1\nHost: a\nX\n\n", "400 wire.malformed"),
    // Host.
    ("GET / HTTP/1.1\n\n", "400 canon.host"),
    ("GET / HTTP/1.0\n\n", "400 canon.host"),
    ("GET / HTTP/1.1\nHost: a\nHost: a\n\n", "400 canon.host"),
    ("GET / HTTP/1.1\nHost: a\nhost: b\n\n", "400 canon.host"),
    ("GET / HTTP/1.1\nHost:\n\n", "400 canon.host"),
    ("GET / HTTP/1.1\nHost: a b\n\n", "400 canon.host"),
    ("GET / HTTP/1.1\nHost: a/b\n\n", "400 canon.host"),
    ("GET / HTTP/1.1\nHost: user@a\n\n", "400 canon.host"),
    ("GET / HTTP/1.1\nHost: a:99999\n\n", "400 canon.host"),
    ("GET / HTTP/1.1\nHost: a, b\n\n", "400 canon.host"),
    ("GET http://b/ HTTP/1.1\nHost: a\n\n", "400 canon.host"),
    ("GET http://user@a/ HTTP/1.1\nHost: a\n\n", "400 canon.host"),
    // Request lines.
    ("GET /#x HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("GET /caf\u{e9} HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("GET /␀ HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("GET /\t HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("GET /a b HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("GET  / HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1 \nHost: a\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.1x\nHost: a\n\n", "400 wire.malformed"),
    ("GET / HTTP/1.2\nHost: a\n\n", "505 wire.version"),
    ("GET / HTTP/2.0\nHost: a\n\n", "505 wire.version"),
    ("GET / HTTP/0.9\nHost: a\n\n", "505 wire.version"),
    ("GET / http/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("GET /\n\n", "400 wire.malformed"),
    ("GET x HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("GET * HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("GET ftp://a/ HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("G@T / HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("\n\nGET / HTTP/1.1\nHost: a\n\n", "400 wire.malformed"),
    ("CONNECT a:80 HTTP/1.1\nHost: a:80\n\n", "405 canon.method"),
    ("\u{16}\u{3}\u{1}\u{2}", "400 wire.malformed"),
    // What the judge's own first room refuses, after the guard.
    ("TRACE / HTTP/1.1\nHost: a\n\n", "405 canon.method"),
    ("OPTIONS * HTTP/1.1\nHost: a\n\n", "400 canon.path"),
    ("GET /a/../b HTTP/1.1\nHost: a\n\n", "400 canon.path"),
    ("GET /a%2fb HTTP/1.1\nHost: a\n\n", "400 canon.path"),
    ("GET /a\\b HTTP/1.1\nHost: a\n\n", "400 canon.path"),
    ("GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n", "400 canon.upgrade"),
    ("GET / HTTP/1.1\nHost: a\nVia: 1.1 wardgate-test\n\n", "508 canon.loop"),
    // Broken off.
    ("GET / HTTP/1.1\nHost: a\n", "400 wire.malformed"),
    ("GET / HT", "400 wire.malformed"),
];

#[test]
fn honest_requests_pass() {
    for (request, expected) in GOOD {
        let upstream = Upstream::plain();
        let edge = Setup::before(&upstream).start();
        let told = edge.raw(bytes(request)).replace("HTTP/1.1 100 Continue\r\n\r\n", "");
        assert_eq!(said(&told), *expected, "{request:?} → {told}");
        assert!(!upstream.received().is_empty(), "{request:?}");
        assert!(told.contains("wardgate-request-id: "), "{request:?} → {told}");
    }
}

#[test]
fn bad_requests_reach_nothing() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    for (count, (request, expected)) in BAD.iter().enumerate() {
        let told = edge.raw(bytes(request));
        assert_eq!(said(&told), *expected, "{request:?} → {told}");
        assert!(told.contains("application/problem+json") && told.contains("wardgate-request-id: "), "{request:?} → {told}");
        assert_eq!(upstream.received(), "", "{request:?}");
        let events = edge.sink.wait(count + 1);
        let code = expected.split(' ').nth(1).expect("a code");
        assert_eq!(events[count].ruling.reason().code(), code, "{request:?}");
    }
    assert!(GOOD.len() + BAD.len() >= 60);
}

#[test]
fn sizes_are_bounded() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let long = "x".repeat(9_000);
    assert_eq!(said(&edge.raw(format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"))), "414 wire.target_too_long");
    assert_eq!(said(&edge.raw(format!("GET /{}", "x".repeat(9_000)))), "414 wire.target_too_long");
    assert_eq!(said(&edge.raw(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(40_000)))), "431 wire.head_too_large");
    assert_eq!(said(&edge.raw(format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(100)))), "431 wire.head_too_large");
    assert_eq!(said(&edge.raw(format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(5_000)))), "431 wire.head_too_large");
    let chunk = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;{}", "x".repeat(5_000));
    assert_eq!(said(&edge.raw(chunk)), "400 wire.framing");
    assert_eq!(upstream.received(), "");
    // As large as allowed passes.
    let fields = format!("X: {}\r\n", "x".repeat(250)).repeat(99);
    assert_eq!(said(&edge.raw(format!("GET /{} HTTP/1.1\r\nHost: a\r\n{fields}\r\n", "x".repeat(6_000)))), "200");
}

#[test]
fn a_refusal_comes_after_the_answers_before_it() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let told = edge.raw("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost : a\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n");
    let statuses: Vec<&str> = told.match_indices("HTTP/1.1 ").map(|(at, _)| &told[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "200", "400"], "{told}");
    let received = upstream.received();
    assert!(
        received.contains("GET /1 ") && received.contains("GET /2 ") && !received.contains("/3") && !received.contains("/4"),
        "{received}"
    );
    // Whoever is told that the connection ends is told so once, at the end.
    assert_eq!(told.matches("onnection: close").count(), 1, "{told}");
}

#[test]
fn a_body_that_breaks_later_is_refused_and_its_connection_not_used_again() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").unwrap();
    while !upstream.received().contains("hello") {
        std::thread::yield_now();
    }
    socket.write_all(b"zz\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let told = answer(&mut socket);
    assert_eq!(said(&told), "400 wire.framing", "{told}");
    assert!(told.contains("connection: close"), "{told}");
    let mut rest = String::new();
    socket.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert_eq!(edge.sink.told(1), ["wire.framing complete 400 -"]);
    assert_eq!(said(&edge.raw("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")), "200");
    assert!(!upstream.received().contains("smuggled"));
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn heads_that_drip_are_timed_out() {
    let upstream = Upstream::plain();
    static CLOCK: StandingClock = StandingClock::new();
    let edge = Setup::before(&upstream).clock(|| CLOCK.now()).start();
    let mut socket = edge.connect();
    socket.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
    CLOCK.forward_until(Duration::from_secs(1), || told_anything(&socket));
    let told = answer(&mut socket);
    assert_eq!(said(&told), "408 wire.timeout", "{told}");
    assert_eq!(edge.sink.told(1), ["wire.timeout complete 408 never"]);
    // Nothing at all is closed without a word.
    let edge = Setup::before(&upstream).limits(|limits| limits.head_timeout = Duration::from_millis(300)).start();
    let mut silent = String::new();
    edge.connect().read_to_string(&mut silent).unwrap();
    assert_eq!(silent, "");
}

#[test]
fn bodies_that_stop_are_timed_out() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).limits(|limits| limits.body_idle = Duration::from_millis(300)).start();
    let mut socket = edge.connect();
    socket.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello").unwrap();
    assert_eq!(said(&answer(&mut socket)), "408 wire.timeout");
    assert_eq!(edge.sink.told(1), ["wire.timeout complete 408 -"]);
}

#[test]
fn heads_may_come_byte_by_byte() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    for byte in b"POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" {
        socket.write_all(&[*byte]).unwrap();
    }
    assert_eq!(said(&answer(&mut socket)), "200");
    socket.write_all(b"GET /again HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(said(&answer(&mut socket)), "200");
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn an_early_refusal_arrives_although_the_body_does_not_end() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(b"POST /guarded/x/y HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n").unwrap();
    socket.write_all(&vec![b'x'; 400_000]).unwrap();
    let told = answer(&mut socket);
    assert_eq!(said(&told), "404 route.no_operation", "{told}");
    assert_eq!(upstream.received(), "");
}

/// A connection goes on only where the next request can: who is not told that it ends would send one into nothing.
#[test]
fn a_refusal_that_overtakes_the_body_says_whether_the_connection_goes_on() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let refused = |socket: &mut std::net::TcpStream, fields: &str, body: usize| {
        socket.write_all(format!("POST /guarded/x/y HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes()).unwrap();
        socket.write_all(&vec![b'x'; body]).unwrap();
        let told = answer(socket);
        assert_eq!(said(&told), "404 route.no_operation", "{told}");
        told.to_ascii_lowercase().contains("connection: close")
    };
    let mut socket = edge.connect();
    for _ in 0..3 {
        assert!(!refused(&mut socket, "Content-Length: 40000\r\n", 40_000));
    }
    socket.write_all(b"GET /again HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(said(&answer(&mut socket)), "200");
    // More than is taken in, a body that does not come, and one that is held back until it is asked for.
    assert!(refused(&mut edge.connect(), "Content-Length: 500000\r\n", 400_000));
    assert!(refused(&mut edge.connect(), "Content-Length: 40000\r\n", 39_999));
    let mut asking = edge.connect();
    assert!(refused(&mut asking, "Content-Length: 40000\r\nExpect: 100-continue\r\n", 0));
}

/// The same where the request was let in, and something went wrong after that: nobody has read its body then.
#[test]
fn whatever_fails_on_the_way_says_whether_the_connection_goes_on() {
    let nobody = Nobody::new();
    let gone = UpstreamUrl { tls: false, host: "127.0.0.1".into(), port: nobody.address.port() };
    let away = Setup::before(&Upstream::plain()).api(|api| api.upstream.target = Target::Http(Box::new([gone]))).start();
    let inside = Setup::before(&Upstream::plain()).api(|api| api.upstream.target = Target::InProcess);
    let inside = inside.limits(|limits| limits.collected_bytes_max = 1_000).start();
    let broken = Setup::before(&Upstream::start(|_| Play::Answer(b"garbage\r\n\r\n".to_vec()))).start();
    let told = |edge: &Running, body: usize, sent: usize| {
        let mut socket = edge.connect();
        socket.write_all(format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\n\r\n").as_bytes()).unwrap();
        socket.write_all(&vec![b'x'; sent]).unwrap();
        let told = answer(&mut socket);
        let ends = told.to_ascii_lowercase().contains("connection: close");
        // Who is not told that it ends has the next request answered.
        if !ends {
            socket.write_all(b"GET /again HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            assert_ne!(answer(&mut socket), "", "after {told}");
        }
        (said(&told), ends)
    };
    let pair = |said: &str, ends| (said.to_owned(), ends);
    assert_eq!(told(&away, 200_000, 200_000), pair("502 forward.connect", true));
    assert_eq!(told(&away, 40_000, 0), pair("502 forward.connect", true));
    assert_eq!(told(&away, 0, 0), pair("502 forward.connect", false));
    assert_eq!(told(&inside, 200_000, 200_000), pair("413 wire.body_too_large", true));
    // A body that has gone on, whole, is in nobody's way.
    assert_eq!(told(&broken, 10, 10), pair("502 forward.malformed", false));
}

/// One byte of an honest request replaced by each hostile one: whatever is not served is refused in our words, never in the
/// engine's, which has none.
#[test]
fn the_guard_is_the_only_author_of_refusals() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let honest = b"POST /x?y HTTP/1.1\r\nHost: a:80\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n3;e\r\nabc\r\n0\r\nT: 1\r\n\r\n";
    for at in 0..honest.len() {
        for hostile in *b"\0\t\n\r #:;%\x7f\xff" {
            let mut request = honest.to_vec();
            request[at] = hostile;
            let told = edge.raw(&request);
            let good = said(&told) == "200" || told.contains("application/problem+json");
            assert!(good, "{:?} → {told:?}", String::from_utf8_lossy(&request));
        }
    }
}
