//! How doors and connections end.

use crate::{
    edge::{PATIENCE, Setup, answer, raw, said},
    upstream::{Gatekeeper, Play, Upstream, ok},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_drain_lets_what_runs_end() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| Play::Pieces(vec![ok("late")], Arc::clone(&pieces)));
    let mut edge = Setup::before(&upstream).start();
    let address = edge.public;
    let mut idle = edge.connect();
    let mut busy = edge.connect();
    busy.write_all(GET).unwrap();
    // What has not been taken up yet would be reset and not closed.
    while upstream.received().is_empty() || edge.metrics.connections() < 2 {
        std::thread::yield_now();
    }
    let sink = Arc::clone(&edge.sink);
    let draining = std::thread::spawn(move || edge.drain(PATIENCE));
    // Nothing new is taken, and what is idle is closed.
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    let mut nothing = Vec::new();
    idle.read_to_end(&mut nothing).unwrap();
    assert_eq!(nothing, b"");
    keeper.open();
    let told = answer(&mut busy);
    assert!(said(&told) == "200" && told.ends_with("late") && told.contains("connection: close"), "{told}");
    draining.join().unwrap();
    assert_eq!(sink.told(1), ["rule.allowed complete 200 200"]);
}

#[test]
fn what_does_not_end_in_time_is_cut_with_an_event() {
    let upstream = Upstream::start(|_| Play::Silence);
    let mut edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(GET).unwrap();
    while upstream.received().is_empty() {
        std::thread::yield_now();
    }
    edge.drain(Duration::from_millis(200));
    assert_eq!(edge.sink.told(1), ["rule.allowed cut - -"]);
    let mut nothing = Vec::new();
    let _ = socket.read_to_end(&mut nothing);
    assert_eq!(nothing, b"");
}

#[test]
fn connections_are_bounded() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).limits(|limits| limits.connections_max = 2).start();
    let mut kept: Vec<TcpStream> = (0..2).map(|_| edge.connect()).collect();
    for socket in &mut kept {
        socket.write_all(GET).unwrap();
        assert_eq!(said(&answer(socket)), "200");
    }
    let mut third = edge.connect();
    let mut nothing = Vec::new();
    let _ = third.read_to_end(&mut nothing);
    assert_eq!(nothing, b"");
    // Whoever fills the gate does not keep its operator out.
    assert_eq!(said(&raw(edge.admin, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")), "200");
    drop(kept);
    while edge.metrics.connections() > 0 {
        std::thread::yield_now();
    }
    assert_eq!(said(&edge.raw(GET)), "200");
}

#[test]
fn a_source_has_only_so_many_connections() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).limits(|limits| limits.source_connections_max = 2).start();
    let mut kept: Vec<TcpStream> = (0..2).map(|_| edge.connect()).collect();
    for socket in &mut kept {
        socket.write_all(GET).unwrap();
        assert_eq!(said(&answer(socket)), "200");
    }
    let mut nothing = Vec::new();
    let _ = edge.connect().read_to_end(&mut nothing);
    assert_eq!(nothing, b"");
    assert!(edge.metrics.render().contains("wardgate_source_connections_refused_total 1"));
    // Operators may sit where clients do.
    assert_eq!(said(&raw(edge.admin, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")), "200");
    drop(kept);
    while said(&edge.raw(GET)) != "200" {
        std::thread::yield_now();
    }
}

#[test]
fn a_connection_takes_so_many_requests() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).limits(|limits| limits.connection_requests_max = 2).start();
    let mut socket = edge.connect();
    socket.write_all(GET).unwrap();
    assert!(!answer(&mut socket).contains("connection: close"));
    socket.write_all(GET).unwrap();
    assert!(answer(&mut socket).contains("connection: close"));
    let mut nothing = Vec::new();
    socket.read_to_end(&mut nothing).unwrap();
    assert_eq!(nothing, b"");
}

#[test]
fn a_client_may_close_its_side_first() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| Play::Pieces(vec![ok("late")], Arc::clone(&pieces)));
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(GET).unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    while upstream.received().is_empty() {
        std::thread::yield_now();
    }
    keeper.open();
    assert_eq!(said(&answer(&mut socket)), "200");
}

#[test]
fn a_busy_upstream_is_waited_for_but_not_for_long() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| Play::Pieces(vec![ok("late")], Arc::clone(&pieces)));
    let edge = Setup::before(&upstream)
        .api(|api| api.upstream.connections_max = 1)
        .limits(|limits| limits.upstream_wait = Duration::from_millis(100))
        .start();
    // Two threads, at least one connection each: two requests are under way at most.
    let mut sockets: Vec<TcpStream> = (0..3).map(|_| edge.connect()).collect();
    for socket in &mut sockets {
        socket.write_all(GET).unwrap();
    }
    let event = edge.sink.told(1).remove(0);
    assert_eq!(event, "commit.busy complete 503 -");
    (0..3).for_each(|_| keeper.open());
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
    let upstream = Upstream::start(|_| Play::Answer(ok(&"x".repeat(32 << 20))));
    let edge = Setup::before(&upstream).limits(|limits| limits.client_idle = Duration::from_millis(300)).start();
    let mut socket = edge.connect();
    socket.write_all(GET).unwrap();
    assert_eq!(edge.sink.told(1), ["rule.allowed client_gone 200 200"]);
    let passed = edge.sink.wait(1)[0].outcome.upstream.as_ref().unwrap().bytes_out;
    assert!(passed < 32 << 20, "{passed} bytes were taken from the upstream");
}

#[test]
fn streams_pass_at_their_own_size() {
    let body = "x".repeat(8 << 20);
    let upstream = Upstream::start(move |_| Play::Answer(ok(&body)));
    let edge = Setup::before(&upstream).start();
    let sent = "y".repeat(4 << 20);
    let told = edge.raw(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{sent}", sent.len()));
    assert!(
        told.ends_with("xxxx") && told.len() > 8 << 20,
        "{} bytes came, {:?}: {}",
        told.len(),
        edge.sink.told(1),
        &told[..told.len().min(900)]
    );
    let outcome = edge.sink.wait(1)[0].outcome.upstream.clone().unwrap();
    assert_eq!((outcome.bytes_in, outcome.bytes_out), (4 << 20, 8 << 20));
}
