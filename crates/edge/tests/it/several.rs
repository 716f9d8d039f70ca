//! Several addresses of one upstream, and TLS towards it.

use crate::{
    edge::{Running, Setup, answer, said, told_anything},
    upstream::{Gatekeeper, Nobody, Play, Upstream, ok},
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use wardgate_model::{
    api::{Target, UpstreamUrl},
    wire::{Health, UpstreamProtocol},
};

fn url(address: SocketAddr) -> UpstreamUrl {
    UpstreamUrl { tls: false, host: address.ip().to_string().into(), port: address.port() }
}

fn before(upstreams: &[&Upstream]) -> Setup {
    let urls = upstreams.iter().map(|upstream| url(upstream.address)).collect();
    Setup::before(upstreams[0]).api(|api| api.upstream.target = Target::Http(urls))
}

fn named(name: &'static str) -> Upstream {
    Upstream::start(move |_| Play::Answer(ok(name)))
}

fn get(edge: &Running, count: usize) -> Vec<String> {
    let ask = || edge.raw("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    let told = |answer: String| if said(&answer) == "200" { answer.rsplit("\r\n").next().unwrap().to_owned() } else { said(&answer) };
    (0..count).map(|_| told(ask())).collect()
}

#[test]
fn requests_go_round() {
    let (one, two, three) = (named("one"), named("two"), named("three"));
    // Each thread takes turns of its own.
    let edge = before(&[&one, &two, &three]).one_thread().start();
    assert_eq!(get(&edge, 30), ["one", "two", "three"].repeat(10));
}

#[test]
fn who_has_fewer_requests_gets_the_next() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let (busy, idle) = (Upstream::start(move |_| Play::Pieces(vec![ok("busy")], Arc::clone(&pieces))), named("idle"));
    // Each thread counts its own.
    let edge = before(&[&busy, &idle]).one_thread().start();
    // The first request stays with the first address.
    let mut held = edge.connect();
    held.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    while busy.received().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(get(&edge, 20), ["idle"; 20]);
    keeper.open();
    assert!(answer(&mut held).ends_with("busy"));
    assert_eq!(busy.received().matches("GET").count(), 1);
}

#[test]
fn an_address_at_which_nobody_listens_costs_nobody_a_request_and_is_passed_over() {
    let good = named("good");
    let nobody = Nobody::new();
    let urls = vec![url(nobody.address), url(good.address)];
    let edge = Setup::before(&good).api(|api| api.upstream.target = Target::Http(urls.into())).start();
    assert_eq!(get(&edge, 40), vec!["good"; 40]);
    let metrics = edge.metrics.render();
    let ejections = metrics.lines().find_map(|line| line.strip_prefix("wardgate_upstream_ejections_total ")).unwrap().to_owned();
    assert!(ejections.parse::<u32>().unwrap() >= 1, "{ejections}");
    // Also what may be done once only goes on, where nothing of it was sent.
    let post = edge.raw("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(said(&post), "200");
}

#[test]
fn where_none_is_up_any_is_tried() {
    let (one, two) = (Nobody::new(), Nobody::new());
    let urls = vec![url(one.address), url(two.address)];
    let good = named("good");
    let edge = Setup::before(&good).api(|api| api.upstream.target = Target::Http(urls.into())).start();
    assert_eq!(get(&edge, 20), vec!["502 forward.connect"; 20]);
}

#[test]
fn what_may_be_repeated_is_repeated_once_elsewhere_and_nothing_else() {
    let broken = || Upstream::start(|_| Play::AnswerAndClose(Vec::new()));
    let (one, two, good) = (broken(), broken(), named("good"));
    let edge = before(&[&one, &good]).start();
    // Idempotent and without a body.
    assert_eq!(get(&edge, 4), vec!["good"; 4]);
    assert!(one.received().contains("GET /x"));
    // What was sent and may not be done twice is not repeated.
    let both = before(&[&one, &two]).start();
    let sent = |upstream: &Upstream| upstream.received().matches("POST /x").count();
    let before = sent(&one) + sent(&two);
    assert!(said(&both.raw("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")).starts_with("502 "));
    assert!(said(&both.raw("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")).starts_with("502 "));
    assert_eq!(sent(&one) + sent(&two), before + 2);
    // Once: a second failure is told.
    let sent = |upstream: &Upstream| upstream.received().matches("GET /x").count();
    let before = sent(&one) + sent(&two);
    assert!(get(&both, 1)[0].starts_with("502 "));
    assert_eq!(sent(&one) + sent(&two), before + 2);
}

#[test]
fn who_answers_badly_when_asked_gets_no_requests_until_it_is_well() {
    let keeper = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let well = Arc::clone(&keeper);
    let sick = Upstream::start(move |head| {
        let well = well.load(std::sync::atomic::Ordering::SeqCst);
        match (head.starts_with("GET /healthz "), well) {
            (true, false) => Play::AnswerAndClose(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n".to_vec()),
            (true, true) => Play::AnswerAndClose(ok("")),
            (false, _) => Play::Answer(ok("sick")),
        }
    });
    let good = Upstream::start(|_| Play::Answer(ok("good")));
    // An answer may take as long as the next question does: the good one has time, however busy this machine is.
    let health = Health { path: "/healthz".into(), every: Duration::from_secs(1) };
    let edge = before(&[&sick, &good]).one_thread().api(move |api| api.upstream.wire.health = Some(health)).start();
    // The first request makes the pools; from then on each is asked.
    get(&edge, 1);
    let asked = |upstream: &Upstream| upstream.received().matches("GET /healthz ").count();
    // Two bad answers are enough, and the third question comes after they were read.
    while asked(&sick) < 3 {
        std::thread::yield_now();
    }
    assert_eq!(get(&edge, 20), vec!["good"; 20]);
    keeper.store(true, std::sync::atomic::Ordering::SeqCst);
    while !get(&edge, 1).contains(&"sick".to_owned()) {
        std::thread::yield_now();
    }
    assert!(upstream_fields(&sick).contains("host: 127.0.0.1"));
}

fn upstream_fields(upstream: &Upstream) -> String {
    upstream.received().to_ascii_lowercase()
}

#[test]
fn waiting_for_a_connection_is_bounded() {
    let silent = Upstream::start(|_| Play::Silence);
    // Each thread has its share of the connections.
    let edge = Setup::before(&silent)
        .one_thread()
        .api(|api| api.upstream.connections_max = 2)
        .limits(|limits| limits.upstream_wait = Duration::from_millis(100))
        .start();
    let mut sockets = [edge.connect(), edge.connect(), edge.connect()];
    for (count, socket) in sockets.iter_mut().enumerate() {
        socket.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        while count < 2 && silent.received().matches("GET /x").count() <= count {
            std::thread::yield_now();
        }
    }
    assert_eq!(said(&answer(&mut sockets[2])), "503 commit.busy");
    assert!(!told_anything(&sockets[0]) && !told_anything(&sockets[1]), "they wait for the upstream");
    assert_eq!(silent.connections(), 2);
}

/// A TLS upstream for `name`, which agrees on `protocol`: its address, its certificate, and the names that clients asked for.
fn tls_upstream(name: &str, protocol: &'static [u8]) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            std::thread::spawn(move || {
                let connection = rustls::ServerConnection::new(config).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, socket);
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut byte) {
                        Ok(1) => head.push(byte[0]),
                        _ => return,
                    }
                }
                let _ = stream.write_all(&ok("secret")).and_then(|()| stream.flush());
                let _ = stream.read(&mut byte);
            });
        }
    });
    (address, made.cert.pem())
}

/// What comes of a request to `https://host`, of which only these roots are known.
fn over_tls(host: &str, address: SocketAddr, ca: Option<&str>, protocol: UpstreamProtocol) -> String {
    over_tls_within(Duration::from_secs(60), host, address, ca, protocol)
}

/// The same, where the upstream may take so long to connect.
fn over_tls_within(connect: Duration, host: &str, address: SocketAddr, ca: Option<&str>, protocol: UpstreamProtocol) -> String {
    let plain = Upstream::plain();
    let url = UpstreamUrl { tls: true, host: host.into(), port: address.port() };
    let ca = ca.map(|pem| pem.as_bytes().into());
    let edge = Setup::before(&plain)
        .api(move |api| {
            api.upstream.target = Target::Http([url].into());
            api.upstream.timeouts.connect = connect;
            (api.upstream.wire.ca, api.upstream.wire.protocol) = (ca, protocol);
        })
        .start();
    get(&edge, 1).remove(0)
}

#[test]
fn tls_upstreams_are_known_by_their_own_roots_and_their_name() {
    let http1 = UpstreamProtocol::Http1;
    let (address, pem) = tls_upstream("localhost", b"http/1.1");
    assert_eq!(over_tls("localhost", address, Some(&pem), http1), "secret");
    // Another name than the certificate's, roots of others, the roots of the world, no roots at all.
    assert_eq!(over_tls("127.0.0.1", address, Some(&pem), http1), "502 forward.connect");
    let (_, other) = tls_upstream("localhost", b"http/1.1");
    assert_eq!(over_tls("localhost", address, Some(&other), http1), "502 forward.connect");
    assert_eq!(over_tls("localhost", address, None, http1), "502 forward.connect");
    assert_eq!(over_tls("localhost", address, Some("nothing"), http1), "502 forward.connect");
    // An address in the certificate.
    let (address, pem) = tls_upstream("127.0.0.1", b"http/1.1");
    assert_eq!(over_tls("127.0.0.1", address, Some(&pem), http1), "secret");
    // A server that does not speak HTTP/2 is not spoken to by it; one that waits for clear text never answers TLS.
    assert_eq!(over_tls("127.0.0.1", address, Some(&pem), UpstreamProtocol::Http2), "502 forward.connect");
    let clear = Upstream::plain();
    assert_eq!(over_tls_within(Duration::from_millis(500), "127.0.0.1", clear.address, Some(&pem), http1), "504 forward.timeout");
}
