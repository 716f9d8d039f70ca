//! An upstream that becomes slow gets fewer requests, and those go first on whom more depends. Times are told by a clock of the test.

use crate::{
    edge::{Running, Setup, StandingClock, said},
    upstream::{Play, Upstream},
};
use std::{
    io::Write as _,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use wardgate_model::{inventory::Criticality, wire::Concurrency};

const WELL: usize = 0;
/// It answers that it has too much to do.
const LOADED: usize = 1;
/// It leaves requests lying.
const SILENT: usize = 2;

/// An upstream that is as it is told to be.
fn upstream(state: &Arc<AtomicUsize>) -> Upstream {
    let state = Arc::clone(state);
    Upstream::start(move |_| match state.load(Ordering::SeqCst) {
        WELL => Play::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        LOADED => Play::Answer(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_vec()),
        _ => Play::Silence,
    })
}

fn request(edge: &Running) -> String {
    format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", edge.key)
}

fn borne(edge: &Running) -> u64 {
    let text = edge.metrics.render();
    let line = text.lines().find(|line| line.starts_with("wardgate_upstream_concurrency{api=\"orders\"}"));
    line.and_then(|line| line.rsplit(' ').next()).map_or(0, |number| number.parse().unwrap())
}

/// Requests that the upstream leaves lying, each on a connection of its own.
fn hold(edge: &Running, upstream: &Upstream, count: usize) -> Vec<TcpStream> {
    let before = upstream.received().matches("GET /guarded").count();
    let sockets = (0..count).map(|_| {
        let mut socket = edge.connect();
        socket.write_all(request(edge).as_bytes()).unwrap();
        socket
    });
    let sockets: Vec<_> = sockets.collect();
    while upstream.received().matches("GET /guarded").count() < before + count {
        std::thread::yield_now();
    }
    sockets
}

#[test]
fn a_slow_upstream_gets_fewer_and_those_first_on_whom_more_depends() {
    static CLOCK: StandingClock = StandingClock::new();
    let state = Arc::new(AtomicUsize::new(WELL));
    let upstream = upstream(&state);
    let mut edge = Setup::before(&upstream)
        .clock(|| CLOCK.now())
        .one_thread()
        .api(|api| api.upstream.wire.concurrency = Some(Concurrency { min: 5, max: 50 }))
        .on_record(|_, limit| limit.rate = None)
        .start();
    assert_eq!(said(&edge.raw(request(&edge))), "200");
    assert_eq!(borne(&edge), 20);
    // Each window in which one failed makes it fewer by a tenth, down to the bound.
    state.store(LOADED, Ordering::SeqCst);
    for _ in 0..40 {
        assert_eq!(said(&edge.raw(request(&edge))), "503");
        CLOCK.forward(Duration::from_secs(1));
    }
    assert_eq!(borne(&edge), 5);
    state.store(SILENT, Ordering::SeqCst);
    // Of five, three are for those who can wait.
    let lying = hold(&edge, &upstream, 3);
    let shed = edge.raw(request(&edge));
    assert_eq!(said(&shed), "503 forward.shed");
    assert!(shed.to_ascii_lowercase().contains("\r\nretry-after: 1\r\n"), "{shed}");
    edge.change_caller(|file| file.identity.criticality = Criticality::High);
    let more = hold(&edge, &upstream, 1);
    assert_eq!(said(&edge.raw(request(&edge))), "503 forward.shed", "one is kept for what must not stop");
    edge.change_caller(|file| file.identity.criticality = Criticality::Critical);
    let last = hold(&edge, &upstream, 1);
    assert_eq!(said(&edge.raw(request(&edge))), "503 forward.shed", "there are no more than five");
    let told = edge.metrics.render();
    assert!(told.contains("code=\"forward.shed\",api=\"orders\"} 3\n"), "{told}");
    drop((lying, more, last));
}

#[test]
fn unless_it_is_asked_for_nothing_is_counted() {
    let state = Arc::new(AtomicUsize::new(WELL));
    let upstream = upstream(&state);
    let edge = Setup::before(&upstream).on_record(|_, limit| limit.rate = None).start();
    assert_eq!(said(&edge.raw(request(&edge))), "200");
    assert!(!edge.metrics.render().contains("wardgate_upstream_concurrency"));
}
