//! Who is over the limit of its source is told so after a pause, and keeps nobody else from anything meanwhile.

use crate::{
    edge::{PATIENCE, Running, Setup, StandingClock, answer, said, told_anything},
    http2::{END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, NO_ERROR, code, frame, next_of, preface},
    upstream::Upstream,
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    num::NonZeroU64,
    time::Duration,
};
use wardgate_edge::Proxies;
use wardgate_model::{
    limit::{Per, Rate, Select},
    time::Time,
};

const ONE: NonZeroU64 = NonZeroU64::MIN;
const HOUR: Duration = Duration::from_secs(3600);
const PAUSE: Duration = Duration::from_secs(1);
const REQUEST: &[u8] = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

/// Each source has one request an hour.
fn limited(upstream: &Upstream, clock: fn() -> Time) -> Setup {
    Setup::before(upstream).clock(clock).on_record(|_, limit| {
        (limit.select, limit.per) = (Select::default(), Per::Source);
        limit.rate = Some(Rate { count: ONE, period: HOUR, burst: ONE });
    })
}

fn until_waiting(edge: &Running, count: usize) {
    until(edge, &format!("wardgate_paused_refusals {count}\n"));
}

fn until(edge: &Running, line: &str) {
    while !edge.metrics.render().contains(line) {
        std::thread::yield_now();
    }
}

#[test]
fn a_source_over_its_limit_is_told_so_after_a_pause() {
    static CLOCK: StandingClock = StandingClock::new();
    let upstream = Upstream::plain();
    let edge = limited(&upstream, || CLOCK.now()).start();
    let mut socket = edge.connect();
    socket.write_all(REQUEST).unwrap();
    assert_eq!(said(&answer(&mut socket)), "200");
    // The connection stays as it is: each further request on it waits as long.
    for count in 2..4 {
        socket.write_all(REQUEST).unwrap();
        until_waiting(&edge, 1);
        assert!(!told_anything(&socket), "the clock stands");
        assert_eq!(edge.sink.held(), 0, "events of others have all the room");
        CLOCK.forward(PAUSE);
        let told = answer(&mut socket).to_ascii_lowercase();
        assert_eq!(said(&told.replace("http/1.1", "HTTP/1.1")), "429 source.limited");
        assert!(told.contains("retry-after: 3") && !told.contains("connection: close"), "{told}");
        assert_eq!(edge.sink.told(count)[count - 1], "source.limited complete 429 never");
    }
    until_waiting(&edge, 0);
}

#[test]
fn a_pause_ends_when_the_doors_close() {
    static CLOCK: StandingClock = StandingClock::new();
    let upstream = Upstream::plain();
    let mut edge = limited(&upstream, || CLOCK.now()).start();
    assert_eq!(said(&edge.raw(REQUEST)), "200");
    let mut socket = edge.connect();
    socket.write_all(REQUEST).unwrap();
    until_waiting(&edge, 1);
    edge.drain(PATIENCE);
    assert_eq!(said(&answer(&mut socket)), "429 source.limited");
    assert_eq!(edge.sink.told(2)[1], "source.limited complete 429 never");
}

#[test]
fn whom_a_trusted_proxy_passes_on_may_wait_so_many_times() {
    static CLOCK: StandingClock = StandingClock::new();
    let upstream = Upstream::plain();
    let setup = limited(&upstream, || CLOCK.now()).limits(|limits| limits.paused_source_max = 2);
    let edge = Setup { proxies: Proxies::new(["127.0.0.0/8".parse().unwrap()]), ..setup }.start();
    let ask = |socket: &mut TcpStream, last: u8| {
        let head = format!("GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.{last}\r\n\r\n");
        socket.write_all(head.as_bytes()).unwrap();
    };
    let mut sockets: Vec<TcpStream> = (0..4).map(|_| edge.connect()).collect();
    ask(&mut sockets[0], 7);
    assert_eq!(said(&answer(&mut sockets[0])), "200");
    for (at, socket) in sockets.iter_mut().take(2).enumerate() {
        ask(socket, 7);
        until_waiting(&edge, at + 1);
    }
    // The clock stands: this one does not wait. Its connection is the proxy's, and serves the next client.
    ask(&mut sockets[2], 7);
    assert_eq!(said(&answer(&mut sockets[2])), "429 source.limited");
    until(&edge, "wardgate_unpaused_refusals_total 1\n");
    ask(&mut sockets[2], 8);
    assert_eq!(said(&answer(&mut sockets[2])), "200");
    // One source takes no place of another.
    ask(&mut sockets[3], 8);
    until_waiting(&edge, 3);
    CLOCK.forward(PAUSE);
    for at in [0, 1, 3] {
        assert_eq!(said(&answer(&mut sockets[at])), "429 source.limited");
    }
}

#[test]
fn most_streams_of_a_trusted_proxys_connection_are_kept_for_its_other_clients() {
    static CLOCK: StandingClock = StandingClock::new();
    let upstream = Upstream::plain();
    let setup = limited(&upstream, || CLOCK.now()).limits(|limits| limits.streams_max = 8);
    let edge = Setup { proxies: Proxies::new(["127.0.0.0/8".parse().unwrap()]), ..setup }.start();
    let mut socket = edge.connect();
    let ask = |socket: &mut TcpStream, stream: u32, last: u8| {
        // The name and the value of a field, neither of them indexed (RFC 7541 §6.2.2).
        let field: &[u8] = b"\x00\x0fx-forwarded-for\x0c198.51.100.";
        let head = [GET, field, &[b'0' + last]].concat();
        socket.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &head)).unwrap();
    };
    socket.write_all(&preface()).unwrap();
    ask(&mut socket, 1, 7);
    assert_eq!(next_of(&mut socket, HEADERS).stream, 1);
    for (stream, waiting) in [(3, 1), (5, 2)] {
        ask(&mut socket, stream, 7);
        until_waiting(&edge, waiting);
    }
    // The clock stands: these do not wait, and the next client is served beside those that do.
    ask(&mut socket, 7, 7);
    assert_eq!(next_of(&mut socket, HEADERS).stream, 7);
    until(&edge, "wardgate_unpaused_refusals_total 1\n");
    ask(&mut socket, 9, 8);
    assert_eq!(next_of(&mut socket, HEADERS).stream, 9);
    CLOCK.forward(PAUSE);
    until_waiting(&edge, 0);
}

#[test]
fn few_streams_of_a_connection_wait_and_more_end_it() {
    static CLOCK: StandingClock = StandingClock::new();
    let upstream = Upstream::plain();
    let edge = limited(&upstream, || CLOCK.now()).limits(|limits| limits.paused_streams_max = 2).start();
    let mut socket = edge.connect();
    let ask = |socket: &mut TcpStream, stream: u32| socket.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, stream, GET)).unwrap();
    socket.write_all(&preface()).unwrap();
    ask(&mut socket, 1);
    assert_eq!(next_of(&mut socket, HEADERS).stream, 1);
    for (stream, waiting) in [(3, 1), (5, 2)] {
        ask(&mut socket, stream);
        until_waiting(&edge, waiting);
    }
    // One too many is told at once, and the client to open no more.
    ask(&mut socket, 7);
    until(&edge, "wardgate_unpaused_refusals_total 1\n");
    assert_eq!(edge.sink.told(2)[1], "source.limited complete 429 never");
    assert_eq!(code(&next_of(&mut socket, GOAWAY)), NO_ERROR);
    CLOCK.forward(PAUSE);
    until_waiting(&edge, 0);
    assert_eq!(edge.sink.told(4)[2..], ["source.limited complete 429 never"; 2]);
    // This client does not listen.
    for (stream, waiting) in [(9, 1), (11, 2)] {
        ask(&mut socket, stream);
        until_waiting(&edge, waiting);
    }
    ask(&mut socket, 13);
    let events = edge.sink.wait(5);
    assert_eq!((events[4].kind.as_str(), events[4].ruling.reason().code()), ("connection", "wire.flood"));
    let _ = socket.read_to_end(&mut Vec::new());
    until_waiting(&edge, 0);
}
