//! What came of calls is learned, and who is not as usual waits: within bounds, and in nobody's way.

use crate::{
    edge::{Running, Setup, StandingClock, answer, said, told_anything},
    upstream::Upstream,
};
use std::{io::Write, net::TcpStream, time::Duration};
use wardgate_edge::{EdgeLimits, Proxies};
use wardgate_model::{api::Sensitivity, time::Time};

const HOUR: Duration = Duration::from_secs(3600);
/// Calls by which the caller gets known, one an hour.
const CALLS: usize = 80;

/// An API of which little has to be wrong for a call to wait: one from a new place does.
fn critical(upstream: &Upstream, clock: fn() -> Time, change: impl FnOnce(&mut EdgeLimits)) -> Running {
    let setup = Setup::before(upstream).clock(clock).one_thread().limits(change).on_record(|_, limit| limit.rate = None);
    let setup =
        setup.api(|api| (api.sensitivity, api.risk) = (Sensitivity::Critical, wardgate_model::risk::Plan::of(Sensitivity::Critical)));
    Setup { proxies: Proxies::new(["127.0.0.0/8".parse().unwrap()]), ..setup }.start()
}

fn request(edge: &Running, from: &str) -> String {
    format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nX-Forwarded-For: {from}\r\n\r\n", edge.key)
}

fn ask(edge: &Running, from: &str) -> TcpStream {
    let mut socket = edge.connect();
    socket.write_all(request(edge, from).as_bytes()).unwrap();
    socket
}

/// Calls from one place until that is usual.
fn get_known(edge: &Running, clock: &StandingClock) {
    for call in 1..=CALLS {
        assert_eq!(said(&edge.raw(request(edge, "203.0.113.5"))), "200");
        edge.sink.wait(call);
        clock.forward(HOUR);
    }
}

fn until(edge: &Running, line: &str) {
    while !edge.metrics.render().contains(line) {
        std::thread::yield_now();
    }
}

#[test]
fn who_calls_from_a_new_place_waits_and_goes_on() {
    static CLOCK: StandingClock = StandingClock::new();
    let upstream = Upstream::plain();
    let edge = critical(&upstream, || CLOCK.now(), |_| {});
    get_known(&edge, &CLOCK);
    let before = upstream.received().len();
    let mut socket = ask(&edge, "198.51.100.7");
    until(&edge, "wardgate_slowed_requests 1\n");
    assert!(!told_anything(&socket) && upstream.received().len() == before, "the clock stands");
    assert_eq!(edge.sink.held(), 0, "events of others have all the room");
    // From its own place nothing has changed meanwhile.
    assert_eq!(said(&edge.raw(request(&edge, "203.0.113.5"))), "200");
    CLOCK.forward(Duration::from_secs(4));
    assert_eq!(said(&answer(&mut socket)), "200");
    until(&edge, "wardgate_slowed_requests 0\n");
    let events = edge.sink.wait(CALLS + 2);
    let slowed = &events[CALLS + 1];
    assert_eq!((slowed.ruling.response.as_str(), slowed.ruling.reason().code()), ("slow", "risk.slowed"));
    assert_eq!(slowed.ruling.signals.iter().map(|part| part.signal.as_str()).collect::<Vec<_>>(), ["new_place"]);
    until(&edge, "wardgate_rulings_total{response=\"slow\",code=\"risk.slowed\",api=\"orders\"} 1\n");
}

#[test]
fn so_many_wait_of_a_source_and_of_all_and_who_comes_beyond_is_told_when_to_come_again() {
    static CLOCK: StandingClock = StandingClock::new();
    let upstream = Upstream::plain();
    let edge = critical(&upstream, || CLOCK.now(), |limits| (limits.slowed_source_max, limits.slowed_max) = (1, 2));
    get_known(&edge, &CLOCK);
    let mut first = ask(&edge, "198.51.100.7");
    until(&edge, "wardgate_slowed_requests 1\n");
    let told = edge.raw(request(&edge, "198.51.100.7"));
    assert_eq!(said(&told), "429 risk.slowed", "one of a source");
    assert!(told.to_ascii_lowercase().contains("\r\nretry-after: 1\r\n"), "{told}");
    let mut second = ask(&edge, "192.0.2.7");
    until(&edge, "wardgate_slowed_requests 2\n");
    assert_eq!(said(&edge.raw(request(&edge, "100.64.0.7"))), "429 risk.slowed", "two in all");
    until(&edge, "wardgate_unslowed_refusals_total 2\n");
    let events = edge.sink.wait(CALLS + 2);
    let refused: Vec<_> = events[CALLS..].iter().map(|event| (event.ruling.response.as_str(), event.ruling.risk > 0)).collect();
    assert_eq!(refused, [("block", true); 2], "with the ruling as it was made");
    CLOCK.forward(Duration::from_secs(4));
    assert_eq!((said(&answer(&mut first)), said(&answer(&mut second))), ("200".to_owned(), "200".to_owned()));
}

#[test]
fn who_waits_goes_on_when_the_doors_close() {
    static CLOCK: StandingClock = StandingClock::new();
    let upstream = Upstream::plain();
    let mut edge = critical(&upstream, || CLOCK.now(), |_| {});
    get_known(&edge, &CLOCK);
    let mut socket = ask(&edge, "198.51.100.7");
    until(&edge, "wardgate_slowed_requests 1\n");
    edge.drain(crate::edge::PATIENCE);
    assert_eq!(said(&answer(&mut socket)), "200");
}
