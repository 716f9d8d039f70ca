//! `audit: durable`: nothing of a request goes to its upstream before it is on record for good that it does.

use crate::{
    edge::{PATIENCE, Running, Setup, StandingClock, answer, said},
    upstream::{Play, Upstream, ok},
};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};
use wardgate_gate::denied::Subject;
use wardgate_model::{
    api::{AuditMode, Mode, Target},
    event::{EventKind, NotDurable},
    id::IdentityId,
    time::Time,
    wire::Upgrade,
};

const NOW: Time = Time::from_seconds(1_780_272_000);
const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

fn durable(upstream: &Upstream) -> Setup {
    Setup::before(upstream).api(|api| api.audit = AuditMode::Durable).on_record(|_, limit| limit.rate = None)
}

/// A request under way.
fn ask(edge: &Running, bytes: &str) -> TcpStream {
    let mut socket = edge.connect();
    socket.write_all(bytes.as_bytes()).unwrap();
    socket
}

fn guarded(edge: &Running) -> String {
    format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", edge.key)
}

/// Each event as `kind response upstream`.
fn kinds(edge: &Running, count: usize) -> Vec<String> {
    let events = edge.sink.wait(count);
    assert!(events.windows(2).all(|pair| pair[0].facts.id == pair[1].facts.id && pair[0].judge_order == pair[1].judge_order));
    let upstream = |event: &wardgate_model::event::Event| if event.outcome.upstream.is_some() { "reached" } else { "not reached" };
    events.iter().map(|event| format!("{} {} {}", event.kind, event.ruling.response.as_str(), upstream(event))).collect()
}

#[test]
fn the_upstream_sees_nothing_before_the_record_is_durable() {
    let upstream = Upstream::plain();
    let edge = durable(&upstream).start();
    edge.sink.slow_down();
    let mut socket = ask(&edge, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    let waiting = edge.sink.waiting();
    assert_eq!((upstream.connections(), upstream.received().as_str()), (0, ""));
    assert_eq!(kinds(&edge, 1), ["opened allow not reached"]);
    assert_eq!(edge.sink.held(), 1, "its end has a place already");
    waiting(Ok(()));
    assert_eq!(said(&answer(&mut socket)), "200");
    assert_eq!(kinds(&edge, 2), ["opened allow not reached", "closed allow reached"]);
    assert_eq!(edge.sink.told(2)[1], "rule.allowed complete 200 200");
    assert!(upstream.received().ends_with("abc"));
    // Once for each request, on the same connection too.
    socket.write_all(GET.as_bytes()).unwrap();
    edge.sink.tell(Ok(()));
    assert_eq!(said(&answer(&mut socket)), "200");
    assert_eq!((edge.sink.wait(4).len(), edge.sink.held()), (4, 0));
}

#[test]
fn what_cannot_be_made_durable_is_refused() {
    let upstream = Upstream::plain();
    for untold in [false, true] {
        let edge = durable(&upstream).start();
        edge.sink.slow_down();
        let mut socket = ask(&edge, GET);
        if untold {
            drop(edge.sink.waiting());
        } else {
            edge.sink.tell(Err(NotDurable));
        }
        assert_eq!(said(&answer(&mut socket)), "503 commit.no_record");
        assert_eq!(kinds(&edge, 2), ["opened allow not reached", "closed block not reached"]);
        assert_eq!(edge.sink.told(2)[1], "commit.no_record complete 503 never");
        assert!(edge.metrics.render().contains("code=\"commit.no_record\""));
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn nobody_waits_for_a_disk_for_ever() {
    static CLOCK: StandingClock = StandingClock::new();
    let upstream = Upstream::plain();
    let edge = durable(&upstream).clock(|| CLOCK.now()).start();
    edge.sink.slow_down();
    let mut socket = ask(&edge, GET);
    let late = edge.sink.waiting();
    CLOCK.forward_until(Duration::from_secs(1), || crate::edge::told_anything(&socket));
    assert_eq!(said(&answer(&mut socket)), "503 commit.no_record");
    late(Ok(()));
    assert_eq!(edge.sink.told(2)[1], "commit.no_record complete 503 never");
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn without_a_place_for_both_of_its_events_it_is_one_refusal() {
    let upstream = Upstream::plain();
    let edge = durable(&upstream).start();
    edge.sink.hold_few(1);
    assert_eq!(said(&edge.raw(GET)), "503 commit.no_record");
    assert_eq!(kinds(&edge, 1), ["request block not reached"]);
    edge.sink.hold_few(2);
    assert_eq!(said(&edge.raw(GET)), "200");
    assert_eq!((edge.sink.wait(3).len(), edge.sink.held()), (3, 0));
    assert_eq!(upstream.received().matches("GET ").count(), 1);
}

#[test]
fn who_is_refused_before_has_one_event() {
    let upstream = Upstream::plain();
    let edge = durable(&upstream).start();
    assert_eq!(said(&edge.raw("GET /guarded HTTP/1.1\r\nHost: a\r\n\r\n")), "401 credential.missing");
    assert_eq!(kinds(&edge, 1), ["request block not reached"]);
}

#[test]
fn who_is_stopped_while_it_waits_goes_nowhere() {
    let upstream = Upstream::plain();
    for told in [false, true] {
        let edge = durable(&upstream).start();
        edge.sink.slow_down();
        let mut socket = ask(&edge, &guarded(&edge));
        let waiting = edge.sink.waiting();
        edge.denied.stop(Subject::Identity(IdentityId::literal("ledger-sync")), NOW);
        let late = if told {
            waiting(Ok(()));
            None
        } else {
            Some(waiting)
        };
        assert_eq!(said(&answer(&mut socket)), "403 identity.contained");
        assert_eq!(edge.sink.told(2)[1], "commit.stale complete 403 never");
        drop(late);
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn whose_grant_ends_while_it_waits_goes_nowhere() {
    let upstream = Upstream::plain();
    let mut edge = durable(&upstream).start();
    edge.sink.slow_down();
    let mut socket = ask(&edge, &guarded(&edge));
    let waiting = edge.sink.waiting();
    edge.change(|file| file.grant = None);
    assert_eq!(said(&answer(&mut socket)), "403 standing.denied");
    drop(waiting);
    assert_eq!(edge.sink.told(2)[1], "standing.no_grant complete 403 never");
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_client_that_goes_while_it_waits_is_told_of_and_asks_nothing() {
    let upstream = Upstream::plain();
    let edge = durable(&upstream).limits(|limits| limits.half_close = Duration::ZERO).start();
    edge.sink.slow_down();
    let socket = ask(&edge, GET);
    let waiting = edge.sink.waiting();
    socket.shutdown(Shutdown::Both).unwrap();
    assert_eq!(kinds(&edge, 2)[1], "closed allow not reached");
    assert_eq!(edge.sink.told(2)[1], "rule.allowed client_gone - never");
    waiting(Ok(()));
    assert_eq!((upstream.connections(), edge.sink.held()), (0, 0));
}

#[test]
fn the_end_of_an_answer_that_breaks_is_told() {
    let upstream = Upstream::start(|head| {
        if head.contains("/broken") {
            return Play::AnswerAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec());
        }
        Play::Answer(ok("ok"))
    });
    let edge = durable(&upstream).start();
    edge.raw("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(edge.sink.told(2)[1], "rule.allowed upstream_broke 200 200");
    let nowhere = crate::upstream::Nobody::new();
    let port = nowhere.address.port();
    let url = wardgate_model::api::UpstreamUrl { tls: false, host: "127.0.0.1".into(), port };
    let edge = durable(&upstream).api(move |api| api.upstream.target = Target::Http(Box::new([url]))).start();
    assert_eq!(said(&edge.raw(GET)), "502 forward.connect");
    assert_eq!(kinds(&edge, 2), ["opened allow not reached", "closed allow reached"]);
}

#[test]
fn a_stream_that_goes_over_is_opened_once() {
    let upstream = Upstream::start(|_| Play::Echo);
    let edge = durable(&upstream).api(|api| api.upstream.wire.upgrade = [Upgrade::WebSocket].into()).start();
    edge.sink.slow_down();
    let mut socket = ask(
        &edge,
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    let waiting = edge.sink.waiting();
    assert_eq!(upstream.connections(), 0);
    waiting(Ok(()));
    assert!(answer(&mut socket).starts_with("HTTP/1.1 101 "));
    socket.write_all(b"hello").unwrap();
    let mut back = [0; 5];
    socket.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"hello");
    assert_eq!(kinds(&edge, 1), ["opened allow not reached"]);
    drop(socket);
    assert_eq!(kinds(&edge, 2)[1], "closed allow reached");
}

#[test]
fn it_holds_under_observation_and_for_apis_of_this_process() {
    let upstream = Upstream::plain();
    let observed = durable(&upstream).api(|api| api.mode = Mode::Observe).start();
    observed.sink.slow_down();
    let mut socket = ask(&observed, "GET /guarded HTTP/1.1\r\nHost: a\r\n\r\n");
    let waiting = observed.sink.waiting();
    assert_eq!(upstream.connections(), 0);
    waiting(Ok(()));
    assert_eq!(said(&answer(&mut socket)), "200");
    assert!(observed.sink.wait(2).iter().all(|event| !event.ruling.enforced));

    let inside = durable(&upstream).api(|api| api.upstream.target = Target::InProcess).start();
    inside.sink.slow_down();
    let mut socket = ask(&inside, GET);
    inside.sink.tell(Err(NotDurable));
    assert_eq!(said(&answer(&mut socket)), "503 commit.no_record");
    let mut socket = ask(&inside, GET);
    inside.sink.tell(Ok(()));
    assert_eq!(said(&answer(&mut socket)), "200");
    let kinds: Vec<EventKind> = inside.sink.wait(4).iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Opened, EventKind::Closed, EventKind::Opened, EventKind::Closed]);
}

/// That the end of a request has an event of its own makes it no stream that has gone over: a change that leaves its leave as it is does
/// not cut it.
#[test]
fn what_does_not_concern_it_leaves_it_alone() {
    let keeper = std::sync::Arc::new(crate::upstream::Gatekeeper::default());
    let pieces = std::sync::Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none".to_vec();
        Play::Pieces(vec![head, b"two".to_vec()], std::sync::Arc::clone(&pieces))
    });
    let mut edge = durable(&upstream).start();
    let mut socket = ask(&edge, &guarded(&edge));
    keeper.open();
    let mut seen = Vec::new();
    while !seen.ends_with(b"one") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    edge.change(|file| file.identity.tags = [("team".into(), "other".into())].into());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for _ in 0..2 {
        assert!(runtime.block_on(edge.census.count(PATIENCE)).whole);
    }
    keeper.open();
    let mut rest = [0; 3];
    socket.read_exact(&mut rest).unwrap();
    assert_eq!(&rest, b"two");
    assert_eq!(edge.sink.told(2)[1], "rule.allowed complete 200 200");
}
