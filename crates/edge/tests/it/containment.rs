//! What becomes of requests whose caller is stopped, or has used up its bytes.

use crate::{
    edge::{PATIENCE, Running, Setup, answer, said},
    upstream::{Gatekeeper, Play, Upstream, ok},
};
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    num::NonZeroU64,
    sync::Arc,
    time::Duration,
};
use wardgate_edge::EdgeLimits;
use wardgate_gate::denied::Subject;
use wardgate_model::{
    api::Target,
    id::{IdentityId, OwnerName},
    limit::{Quota, Window},
    time::Time,
};

const NOW: Time = Time::from_seconds(1_780_272_000);

fn get(edge: &Running) -> String {
    format!("GET /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", edge.key)
}

fn rest(mut socket: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    rest
}

/// Reads up to a text.
fn read_to(socket: &mut TcpStream, end: &str) {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(end.as_bytes()) {
        socket.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
}

#[test]
fn every_open_stream_of_a_stopped_owner_ends() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n".to_vec();
        Play::Pieces(vec![head], Arc::clone(&pieces))
    });
    let edge = Setup::before(&upstream).on_record(|_, limit| limit.rate = None).start();
    let mut sockets: Vec<TcpStream> = (0..20).map(|_| edge.connect()).collect();
    for socket in &mut sockets {
        socket.write_all(get(&edge).as_bytes()).unwrap();
        keeper.open();
    }
    for socket in &mut sockets {
        read_to(socket, "one\r\n");
    }
    edge.denied.stop(Subject::Owner(OwnerName::literal("shop")), NOW);
    for socket in sockets {
        assert_eq!(rest(socket), b"", "nothing more comes, not even the end of the body");
    }
    assert!(edge.sink.told(20).iter().all(|told| told == "rule.allowed cut 200 200"));
}

/// Who has requests open, as lines `IDENTITY OPERATION COUNT`.
fn open_now(edge: &Running) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let counted = runtime.block_on(edge.census.count(PATIENCE));
    assert!(counted.whole, "every thread answers");
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    // Each thread tells of its own.
    for open in counted.open {
        assert!(open.common.credential.is_some() && open.since > Time::default(), "{open:?}");
        let operation = open.common.operation.map(|operation| operation.to_string()).unwrap_or_default();
        *lines.entry(format!("{} {operation}", open.common.identity)).or_default() += open.count;
    }
    lines.into_iter().map(|(line, count)| format!("{line} {count}")).collect()
}

#[test]
fn who_has_requests_open_is_told_until_they_end() {
    let keeper = Arc::new(Gatekeeper::default());
    let pieces = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n".to_vec();
        Play::Pieces(vec![head], Arc::clone(&pieces))
    });
    let half_close = |limits: &mut EdgeLimits| limits.half_close = Duration::from_millis(200);
    let edge = Setup::before(&upstream).on_record(|_, limit| limit.rate = None).limits(half_close).start();
    assert_eq!(open_now(&edge), [""; 0]);
    let mut sockets: Vec<TcpStream> = (0..5).map(|_| edge.connect()).collect();
    for socket in &mut sockets {
        socket.write_all(get(&edge).as_bytes()).unwrap();
        keeper.open();
        read_to(socket, "one\r\n");
    }
    // A refused one is over when it is answered.
    assert!(edge.raw("GET /guarded HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 401"));
    assert_eq!(open_now(&edge), ["ledger-sync orders GET /guarded 5"]);
    drop(sockets.pop());
    let told = edge.sink.wait(2);
    assert_eq!(told.len(), 2);
    assert_eq!(open_now(&edge), ["ledger-sync orders GET /guarded 4"]);
    edge.denied.stop(Subject::Identity(IdentityId::literal("ledger-sync")), NOW);
    edge.sink.wait(6);
    assert_eq!(open_now(&edge), [""; 0]);
}

#[test]
fn a_stopped_caller_that_takes_nothing_is_not_waited_for() {
    let upstream = Upstream::start(|_| Play::Answer(ok(&"x".repeat(32 << 20))));
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(get(&edge).as_bytes()).unwrap();
    read_to(&mut socket, "\r\n\r\n");
    edge.denied.stop(Subject::Identity(IdentityId::literal("ledger-sync")), NOW);
    // The time that a client may leave its answer lying is a minute.
    assert_eq!(edge.sink.told(1), ["rule.allowed cut 200 200"]);
    assert!(rest(socket).len() < 32 << 20);
}

#[test]
fn a_caller_stopped_while_it_sends_is_told_so() {
    let upstream = Upstream::plain();
    for in_process in [false, true] {
        let setup = Setup::before(&upstream);
        let edge = if in_process { setup.api(|api| api.upstream.target = Target::InProcess) } else { setup }.start();
        let mut socket = edge.connect();
        let head = format!("POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: 6\r\n\r\nabc", edge.key);
        socket.write_all(head.as_bytes()).unwrap();
        while !edge.metrics.render().contains("http_server_active_requests 1") {
            std::thread::yield_now();
        }
        edge.denied.stop(Subject::Identity(IdentityId::literal("ledger-sync")), NOW);
        let told = said(&answer(&mut socket));
        assert_eq!(told, "403 identity.contained");
    }
}

#[test]
fn a_caller_stopped_while_the_upstream_works_gets_nothing_of_the_answer() {
    let upstream = Upstream::start(|_| Play::Silence);
    let edge = Setup::before(&upstream).start();
    let mut socket = edge.connect();
    socket.write_all(get(&edge).as_bytes()).unwrap();
    while upstream.received().is_empty() {
        std::thread::yield_now();
    }
    edge.denied.stop(Subject::Identity(IdentityId::literal("ledger-sync")), NOW);
    // Outside, whoever is stopped now and whoever was before look the same.
    assert_eq!(said(&answer(&mut socket)), "403 identity.contained");
    assert_eq!(edge.sink.told(1), ["commit.stale complete 403 -"]);
}

#[test]
fn an_act_of_this_process_is_answered_although_it_stops_its_caller() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).api(|api| api.upstream.target = Target::InProcess).start();
    let body = "stop me";
    let post = format!("POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}", edge.key, body.len());
    let told = edge.raw(&post);
    assert!(told.ends_with("ledger-sync POST /x \"stop me\""), "{told}");
    assert_eq!(said(&edge.raw(&post)), "403 identity.contained");
    assert_eq!(edge.sink.told(2), ["rule.allowed complete 200 200", "identity.contained complete 403 never"]);
}

fn with_bytes(upstream: &Upstream, count: u64) -> Running {
    let quota = Quota { count: NonZeroU64::new(count).unwrap(), window: Window::Month };
    Setup::before(upstream).on_record(move |_, limit| (limit.rate, limit.bytes) = (None, Some(quota))).start()
}

#[test]
fn bytes_that_are_used_up_cut_the_answer() {
    let upstream = Upstream::start(|_| Play::Answer(ok(&"x".repeat(4 << 20))));
    let edge = with_bytes(&upstream, 1 << 20);
    let told = edge.raw(get(&edge));
    assert!(told.starts_with("HTTP/1.1 200") && told.len() < 2 << 20, "{} bytes came", told.len());
    assert_eq!(edge.sink.told(1), ["rule.allowed cut 200 200"]);
    let passed = edge.sink.wait(1)[0].outcome.upstream.clone().unwrap().bytes_out;
    assert!(passed <= 1 << 20, "{passed} bytes passed");
    let told = said(&edge.raw(get(&edge)));
    assert!(told.starts_with("429 "), "{told}");
}

#[test]
fn bytes_that_are_used_up_cut_the_request() {
    let upstream = Upstream::plain();
    let edge = with_bytes(&upstream, 1 << 20);
    let head = format!("POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n", edge.key, 4 << 20);
    let told = said(&edge.raw(head + &"y".repeat(4 << 20)));
    assert!(told.starts_with("429 "), "{told}");
    assert!(upstream.received().len() < 2 << 20);
}
