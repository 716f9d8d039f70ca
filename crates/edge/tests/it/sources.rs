//! From where a request comes: trusted proxies, the PROXY protocol, and who is slow.

use crate::{
    edge::{Running, Setup, answer, said},
    upstream::{Play, Upstream, ok},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use wardgate_edge::Proxies;
use wardgate_gate::trust::{Trust, TrustedIssuer};
use wardgate_model::{
    credential::CredentialKind,
    id::TrustName,
    trust::{Issuer, Keys, Reach},
};
use wardgate_proof::jws::Signer;

fn trusting(upstream: &Upstream, network: &str) -> Setup {
    Setup { proxies: Proxies::new([network.parse().unwrap()]), ..Setup::before(upstream) }
}

/// The fields by which the upstream is told where the last request came from, and what the event says.
fn told(upstream: &Upstream, edge: &Running, count: usize) -> Vec<String> {
    let received = upstream.received().to_ascii_lowercase();
    let head = received.rsplit("get /").next().unwrap();
    let mut told: Vec<String> =
        head.lines().filter(|line| line.starts_with("x-forwarded-") || line.starts_with("forwarded")).map(ToOwned::to_owned).collect();
    told.push(edge.sink.wait(count)[count - 1].facts.source.address.to_string());
    told
}

#[test]
fn only_trusted_proxies_say_from_where_a_request_comes() {
    let upstream = Upstream::plain();
    let request = "GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7\r\nX-Forwarded-Proto: https\r\n\r\n";
    let edge = Setup::before(&upstream).start();
    assert_eq!(said(&edge.raw(request)), "200");
    assert_eq!(
        told(&upstream, &edge, 1),
        [
            "forwarded: for=127.0.0.1;host=a;proto=http",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: a",
            "x-forwarded-proto: http",
            "127.0.0.1"
        ]
    );
    let edge = trusting(&upstream, "127.0.0.0/8").start();
    assert_eq!(said(&edge.raw(request)), "200");
    assert_eq!(
        told(&upstream, &edge, 1),
        [
            "forwarded: for=198.51.100.7;host=a;proto=https",
            "x-forwarded-for: 198.51.100.7",
            "x-forwarded-host: a",
            "x-forwarded-proto: https",
            "198.51.100.7"
        ]
    );
    // Each request of a connection has its own source.
    let other = "GET /y HTTP/1.1\r\nHost: a\r\nForwarded: for=192.0.2.44\r\n\r\n";
    assert_eq!(edge.raw(format!("{request}{other}")).matches("HTTP/1.1 200").count(), 2);
    assert_eq!(edge.sink.wait(3)[2].facts.source.address.to_string(), "192.0.2.44");
    // Two accounts that disagree: one of them is the client's own.
    let both = "GET /x HTTP/1.1\r\nHost: a\r\nForwarded: for=192.0.2.44\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n";
    assert_eq!(said(&edge.raw(both)), "400 canon.header");
}

fn preamble(command: u8, source: [u8; 4]) -> Vec<u8> {
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    bytes.extend([command, 0x11, 0, 15]);
    bytes.extend(source);
    bytes.extend([127, 0, 0, 1, 0x12, 0x67, 1, 0xBB]);
    // A TLV, which nobody looks at.
    bytes.extend([4, 0, 0]);
    bytes
}

fn after(edge: &Running, preamble: &[u8]) -> String {
    edge.raw([preamble, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"].concat())
}

#[test]
fn a_balancer_says_who_calls_before_the_first_byte() {
    let upstream = Upstream::plain();
    let edge = Setup { proxy_protocol: true, ..trusting(&upstream, "127.0.0.1/32") }.start();
    assert_eq!(said(&after(&edge, &preamble(0x21, [198, 51, 100, 7]))), "200");
    assert_eq!(told(&upstream, &edge, 1)[4], "198.51.100.7");
    assert_eq!(said(&after(&edge, &preamble(0x20, [198, 51, 100, 7]))), "200");
    assert_eq!(told(&upstream, &edge, 2)[4], "127.0.0.1");
    // Without it, or with version 1, nothing is served and an event says why.
    for (count, wrong) in [(3, &b""[..]), (4, b"PROXY TCP4 198.51.100.7 127.0.0.1 4711 443\r\n"), (5, &preamble(0x2F, [0; 4]))] {
        assert_eq!(said(&after(&edge, wrong)), "nothing");
        let event = &edge.sink.wait(count)[count - 1];
        assert_eq!((event.kind.as_str(), event.ruling.reason().code()), ("connection", "wire.malformed"));
    }
    assert_eq!(upstream.received().matches("GET /x").count(), 2);
}

#[test]
fn only_trusted_balancers_may_connect() {
    let upstream = Upstream::plain();
    let edge = Setup { proxy_protocol: true, ..trusting(&upstream, "10.0.0.0/8") }.start();
    assert_eq!(said(&after(&edge, &preamble(0x21, [198, 51, 100, 7]))), "nothing");
    assert!(edge.metrics.render().contains("wardgate_untrusted_connections_refused_total 1"));
    assert_eq!(upstream.received(), "");
}

#[test]
fn connections_are_counted_for_whom_the_balancer_names() {
    let upstream = Upstream::plain();
    let setup = Setup { proxy_protocol: true, ..trusting(&upstream, "127.0.0.1/32") };
    let edge = setup.limits(|limits| limits.source_connections_max = 2).start();
    let open = |last: u8| {
        let mut socket = edge.connect();
        socket.write_all(&preamble(0x21, [198, 51, 100, last])).unwrap();
        socket.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let told = said(&answer(&mut socket));
        (socket, told)
    };
    let held: Vec<(TcpStream, String)> = [1, 1, 2, 3].map(open).into();
    assert!(held.iter().all(|(_, told)| told == "200"));
    let (mut socket, told) = {
        let mut socket = edge.connect();
        socket.write_all(&preamble(0x21, [198, 51, 100, 1])).unwrap();
        let mut told = String::new();
        let _ = socket.read_to_string(&mut told);
        (socket, told)
    };
    assert_eq!((told.as_str(), socket.read(&mut [0]).unwrap_or(0)), ("", 0));
}

#[test]
fn a_body_that_drips_is_not_waited_for() {
    drips("text/plain");
    // Whoever only says that it is gRPC is not let be.
    drips("application/grpc");
}

fn drips(kind: &str) {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).limits(|limits| (limits.rate_min, limits.rate_grace) = (1_000, Duration::from_millis(200))).start();
    let mut socket = edge.connect();
    let head = format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: 1000000\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let writer = socket.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        let mut writer = writer;
        // Each byte is in time; all of them together are not.
        while writer.write_all(b"x").is_ok() {
            std::thread::park_timeout(Duration::from_millis(5));
        }
    });
    assert_eq!(said(&answer(&mut socket)), "408 wire.timeout");
    drop(socket);
    dripping.join().unwrap();
    assert_eq!(edge.sink.told(1), ["wire.timeout complete 408 -"]);
}

#[test]
fn an_answer_that_is_sipped_is_not_kept() {
    let upstream = Upstream::start(|_| Play::Answer(ok(&"x".repeat(64 << 20))));
    let edge =
        Setup::before(&upstream).limits(|limits| (limits.rate_min, limits.rate_grace) = (1 << 30, Duration::from_millis(300))).start();
    let mut socket = edge.connect();
    socket.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut taken = 0;
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = socket.read(&mut piece) {
        taken += count;
        std::thread::park_timeout(Duration::from_millis(1));
    }
    assert!(taken < 64 << 20);
    assert_eq!(edge.sink.told(1), ["rule.allowed client_gone 200 200"]);
}

#[test]
fn one_source_does_not_take_all_places_to_wait_for_keys() {
    let issuer = Issuer {
        issuer: "https://ci.example".into(),
        audiences: ["wardgate".into()].into(),
        keys: Keys::Discovered(Reach::default()),
        algorithms: Box::default(),
        subject_claim: "sub".into(),
        on_behalf_of: None,
        leeway: Duration::from_secs(30),
        life_max: Duration::from_secs(3600),
    };
    let token = Signer::load(Signer::generate().unwrap().danger_expose()).unwrap();
    let token = token.sign("JWT", &serde_json::json!({ "iss": "https://ci.example", "sub": "a", "aud": "wardgate" })).unwrap();
    let upstream = Upstream::plain();
    let edge = Setup {
        trust: Arc::new(Trust::new([TrustedIssuer::new(&TrustName::literal("ci"), &issuer, None)], [])),
        ..trusting(&upstream, "127.0.0.0/8").limits(|limits| limits.asking_max = 2).api(|api| api.accept = [CredentialKind::Oidc].into())
    }
    .start();
    let request = |from: &str| format!("GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {from}\r\nAuthorization: Bearer {token}\r\n\r\n");
    let ask = |from: &str, count: usize| {
        let mut socket = edge.connect();
        socket.write_all(request(from).as_bytes()).unwrap();
        while edge.asked.load(Ordering::Relaxed) < count {
            std::thread::yield_now();
        }
        socket
    };
    let waiting = [ask("198.51.100.7", 1), ask("198.51.100.7", 2)];
    assert_eq!(said(&edge.raw(request("198.51.100.7"))), "503 proof.keys_away");
    assert_eq!(edge.asked.load(Ordering::Relaxed), 2, "nobody was asked for it");
    let other = ask("198.51.100.8", 3);
    drop((waiting, other));
}
