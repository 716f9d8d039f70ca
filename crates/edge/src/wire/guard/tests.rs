use super::{Guard, Wire};
use crate::{limits::EdgeLimits, watch::Tick};
use std::{cell::Cell, rc::Rc, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use wardgate_model::time::Time;

thread_local! {
    static NOW: Cell<Time> = const { Cell::new(Time::from_micros(0)) };
}

fn clock() -> Time {
    NOW.get()
}

fn pass_time(wire: &Wire, time: Duration) {
    NOW.set(NOW.get() + time);
    wire.tick(NOW.get());
}

/// A guard, its state, and the client's end.
fn guarded(begun: &str) -> (Guard<DuplexStream>, Rc<Wire>, DuplexStream) {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let wire = Wire::new(
        EdgeLimits::default(),
        clock,
        Box::new(|refusal, method, target| {
            format!("{} [{}] [{}]", refusal.reason.code(), String::from_utf8_lossy(method), String::from_utf8_lossy(target)).into_bytes()
        }),
    );
    (Guard::new(server, Rc::clone(&wire), begun.as_bytes().to_vec()), wire, client)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

async fn read(guard: &mut Guard<DuplexStream>) -> String {
    let mut buffer = [0; 4096];
    let count = guard.read(&mut buffer).await.expect("read");
    String::from_utf8(buffer[..count].to_vec()).expect("text")
}

async fn answer(guard: &mut Guard<DuplexStream>, client: &mut DuplexStream) -> String {
    guard.shutdown().await.expect("shut down");
    let mut told = String::new();
    client.read_to_string(&mut told).await.expect("read");
    told
}

#[tokio::test]
async fn good_bytes_pass_unchanged() {
    let (mut guard, wire, mut client) = guarded("GET / HT");
    client.write_all(b"TP/1.1\r\nHost: a\r\n").await.unwrap();
    client.write_all(b"\r\n").await.unwrap();
    assert_eq!(read(&mut guard).await, GET);
    assert_eq!(wire.in_flight(), 1);
    wire.answered();
    client.write_all(format!("{GET}GET /part").as_bytes()).await.unwrap();
    assert_eq!(read(&mut guard).await, GET, "the part of a head is kept back");
}

#[tokio::test]
async fn a_refusal_waits_for_its_turn() {
    let (mut guard, wire, mut client) = guarded("");
    client.write_all(format!("{GET}G@T /x HTTP/1.1\r\n").as_bytes()).await.unwrap();
    assert_eq!(read(&mut guard).await, GET);
    let mut buffer = [0; 16];
    tokio::select! {
        biased;
        _ = guard.read(&mut buffer) => panic!("the engine was told while an answer is under way"),
        () = tokio::task::yield_now() => {}
    }
    guard.write_all(b"[answer]").await.unwrap();
    guard.flush().await.unwrap();
    wire.answered();
    assert_eq!(read(&mut guard).await, "");
    drop(client.shutdown().await);
    assert_eq!(answer(&mut guard, &mut client).await, "[answer]wire.malformed [] []");
}

#[tokio::test]
async fn a_refusal_knows_what_was_asked() {
    let (mut guard, _wire, mut client) = guarded("");
    client.write_all(b"PUT /x?y HTTP/1.1\r\nHost : a\r\n\r\n").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read(&mut guard).await, "");
    assert_eq!(answer(&mut guard, &mut client).await, "wire.malformed [PUT] [/x?y]");
}

#[tokio::test]
async fn time_runs_for_heads_and_idle_connections() {
    let (mut guard, wire, mut client) = guarded("GET /");
    let mut buffer = [0; 16];
    let late = async {
        tokio::task::yield_now().await;
        pass_time(&wire, Duration::from_secs(11));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        read = guard.read(&mut buffer) => assert_eq!(read.unwrap(), 0),
        () = late => {}
    }
    client.shutdown().await.unwrap();
    assert_eq!(answer(&mut guard, &mut client).await, "wire.timeout [] []");

    let (mut guard, wire, mut client) = guarded(GET);
    assert_eq!(read(&mut guard).await, GET);
    wire.answered();
    let idle = async {
        for _ in 0..8 {
            tokio::task::yield_now().await;
            pass_time(&wire, Duration::from_secs(10));
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        read = guard.read(&mut buffer) => assert_eq!(read.unwrap(), 0),
        () = idle => {}
    }
    client.shutdown().await.unwrap();
    assert_eq!(answer(&mut guard, &mut client).await, "", "an idle connection is closed without a word");
}

#[tokio::test]
async fn a_broken_body_is_told_to_the_door() {
    let (mut guard, wire, mut client) = guarded("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    assert!(read(&mut guard).await.ends_with("ab"));
    client.shutdown().await.unwrap();
    assert_eq!(read(&mut guard).await, "");
    assert_eq!(wire.broken().map(|refusal| refusal.reason.code()), Some("wire.body_incomplete"));
}

#[tokio::test]
async fn idle_time_is_not_held_against_a_head() {
    let (mut guard, wire, mut client) = guarded(GET);
    assert_eq!(read(&mut guard).await, GET);
    wire.answered();
    let mut buffer = [0; 256];
    let story = async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
            pass_time(&wire, Duration::from_secs(10));
        }
        for piece in ["GET / HTTP/1.1\r\n", "Host: a\r\n", "\r\n"] {
            client.write_all(piece.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
            pass_time(&wire, Duration::from_secs(3));
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        count = guard.read(&mut buffer) => assert_eq!(count.unwrap(), GET.len()),
        () = story => {}
    }
}

#[tokio::test]
async fn the_end_waits_for_what_is_still_to_be_written() {
    let (mut guard, wire, mut client) = guarded(GET);
    assert_eq!(read(&mut guard).await, GET);
    client.shutdown().await.unwrap();
    guard.write_all(b"[half]").await.unwrap();
    wire.answered();
    let mut buffer = [0; 16];
    tokio::select! {
        biased;
        _ = guard.read(&mut buffer) => panic!("the engine was told of the end before it had written all"),
        () = tokio::task::yield_now() => {}
    }
    guard.flush().await.unwrap();
    assert_eq!(read(&mut guard).await, "");
}
