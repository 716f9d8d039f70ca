//! The client's helper where something goes wrong beside it: a token service that is away, an API that refuses by itself, somebody who ends it
//! or hangs up, and a gate that answers early.

use crate::{
    gate::{Place, until},
    helper::{helped, helped_before},
    http::{self, Line},
    process::{Serving, curl},
    upstream::{Play, Upstream, ok},
};
use serde_json::json;
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// How long something may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
const BY_NOBODY: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/problem+json\r\nWWW-Authenticate: DPoP realm=\"wardgate\", \
    error=\"use_dpop_nonce\", algs=\"ES256\"\r\nDPoP-Nonce: of-the-api\r\nWardgate-Reason: proof.nonce\r\nContent-Length: 22\r\n\r\n{\"code\":\"proof.nonce\"}";

/// Whatever an API says with its 401, it is for the program: nothing is sent a second time for it.
#[test]
fn a_refusal_of_the_api_itself_is_for_the_program() {
    let upstream = Upstream::start(|_| Play::Answer(BY_NOBODY.to_owned()));
    let helped = helped_before(upstream, |place| {
        let accepts = "  accept: [jwt, api_key]\n";
        place.change("resources/world.yaml", accepts, &format!("{accepts}  require: {{ list: {{ bound: true }} }}\n"));
    });
    let (forwarder, address) = helped.forwarder(&["--bound", "--name", "gate.test"]);
    let answer = http::ask(address, "GET /ledger/entries", &[], "");
    assert_eq!((answer.status, answer.field("wardgate-reason")), (401, None), "{answer:?}");
    assert_eq!(helped.upstream.received().len(), 1);
    assert_eq!(forwarder.end(), Some(0));
}

/// What the gate refuses says so in a field that no API can write.
#[test]
fn a_refusal_of_the_gate_says_that_it_is_one() {
    let helped = helped();
    let (forwarder, address) = helped.forwarder(&["--name", "gate.test"]);
    let answer = http::ask(address, "POST /ledger/entries", &[], "");
    assert_eq!((&*answer.said(), answer.field("wardgate-reason")), ("403 standing.scope", Some("standing.scope")), "{answer:?}");
    assert_eq!(forwarder.end(), Some(0));
}

#[test]
fn who_hangs_up_ends_it_unless_that_is_ignored() {
    let helped = helped();
    let socket = helped.place.path().join("forwarder.sock");
    let at = format!("unix:{}", socket.display());
    let all = helped.arguments(&["--proxy", &at]);
    let (forwarder, _) = Serving::tour(&all, "forwarding:");
    assert!(socket.exists());
    assert_eq!(forwarder.ended_by("HUP"), Some(0), "as by any other signal that ends it");
    assert!(!socket.exists());
    // As `nohup` begins it.
    let (forwarder, _) = Serving::tour_after(r#"trap "" HUP"#, &all, "forwarding:");
    forwarder.signal("HUP");
    assert_eq!(curl(helped.place.path(), &["--unix-socket", "forwarder.sock", "http://ledger/ledger/entries"]).0, "200");
    assert_eq!(forwarder.end(), Some(0));
    // So does what it runs, and whatever is sent to it.
    let script = r#"kill -HUP $PPID; kill -HUP $$; echo goes on; while :; do read -t 1 x < /dev/zero; done"#;
    let all = helped.arguments(&["--exec", "--", "bash", "-c", script]);
    let (running, _) = Serving::tour_after(r#"trap "" HUP"#, &all, "goes on");
    assert_eq!(running.end(), Some(128 + 15));
    // Where it is not ignored the command has it.
    let script = r#"trap "exit 4" HUP; echo ready; while :; do read -t 1 x < /dev/zero; done"#;
    let (running, _) = Serving::tour(&helped.arguments(&["--exec", "--", "bash", "-c", script]), "ready");
    assert_eq!(running.ended_by("HUP"), Some(4));
    drop(helped.run(&["--exec", "--", "sh", "-c", "kill -KILL $$"]).with(128 + 9));
}

/// A token service and the API of its tokens, in one: the first token is for a second, and then there is none.
fn spent(answer: String) -> (Upstream, Place) {
    let asked = AtomicU32::new(0);
    let upstream = Upstream::start(move |head| {
        let metadata = json!({ "issuer": "http://tokens.test", "token_endpoint": "http://tokens.test/token" });
        Play::Answer(match head.split(' ').nth(1) {
            Some("/token") if asked.fetch_add(1, Ordering::Relaxed) == 0 => {
                ok(&json!({ "access_token": "t", "expires_in": 1 }).to_string())
            }
            Some("/token") => answer.clone(),
            Some("/api") => ok("served"),
            _ => ok(&metadata.to_string()),
        })
    });
    let place = Place::bare();
    place.write("api-key", "wg_production_key\n");
    (upstream, place)
}

fn forwarding(place: &Place, gate: SocketAddr) -> (Serving, SocketAddr) {
    let (connect, key) = (gate.to_string(), place.path().join("api-key"));
    let usual =
        ["token", "--issuer", "http://tokens.test", "--connect", &connect, "--client", "a", "--api-key-file", key.to_str().unwrap()];
    let (serving, said) = Serving::tour(
        &[&usual[..], &["--resource", "http://tokens.test/api", "--proxy", "127.0.0.1:0", "--name", "gate.test"]].concat(),
        "forwarding:",
    );
    let address = said.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    (serving, address)
}

/// Programs hear why, and when to come back; the token service is left alone until then, whoever asks.
#[test]
fn while_the_token_service_is_away_programs_are_told_and_it_is_left_alone() {
    let away = json!({ "error": "temporarily_unavailable", "error_description": "the signer is away now" }).to_string();
    let away = format!("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\nContent-Length: {}\r\n\r\n{away}", away.len());
    let (upstream, place) = spent(away);
    let (forwarder, address) = forwarding(&place, upstream.address);
    let told = until("the token to end", || {
        let answer = http::ask(address, "GET /api", &[], "");
        (answer.status != 200).then_some(answer)
    });
    assert_eq!(told.said(), "503 forwarder", "{told:?}");
    let detail = told.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("503 temporarily_unavailable: the signer is away now"), "{detail}");
    let after: u64 = told.field("retry-after").unwrap().parse().unwrap();
    assert!((60..=123).contains(&after), "{told:?}");
    for _ in 0..5 {
        assert_eq!(http::ask(address, "GET /api", &[], "").said(), "503 forwarder");
    }
    let asked = upstream.received().iter().filter(|request| request.head.starts_with("POST /token ")).count();
    assert_eq!(asked, 2, "once for the first, once in vain");
    assert_eq!(forwarder.end(), Some(0));
}

/// A gate that answers a request of which it has heard the head alone, and hears the rest out then. It tells of each connection what came there.
fn early() -> (SocketAddr, Receiver<(usize, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = sync_channel(64);
    thread::spawn(move || {
        for (number, socket) in listener.incoming().flatten().enumerate() {
            let tell = tell.clone();
            thread::spawn(move || hears(socket, number, &tell));
        }
    });
    (address, told)
}

fn hears(mut socket: TcpStream, number: usize, tell: &SyncSender<(usize, String)>) {
    let mut heard = Vec::new();
    while let Some(head) = read_to(&mut socket, &mut heard, |heard| http::find(heard, b"\r\n\r\n").map(|at| at + 4)) {
        let answer = match head.split(' ').nth(1) {
            Some("/token") => json!({ "access_token": "t", "expires_in": 300 }).to_string(),
            Some(path) if path.starts_with("/api/") => "early".to_owned(),
            _ => json!({ "issuer": "http://tokens.test", "token_endpoint": "http://tokens.test/token" }).to_string(),
        };
        socket.write_all(ok(&answer).as_bytes()).unwrap();
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        if read_to(&mut socket, &mut heard, |heard| (heard.len() >= length).then_some(length)).is_none() {
            return;
        }
        let line = head.lines().next().unwrap().to_owned();
        tell.send((number, line)).unwrap();
    }
}

fn read_to(socket: &mut TcpStream, heard: &mut Vec<u8>, end: impl Fn(&[u8]) -> Option<usize>) -> Option<String> {
    loop {
        if let Some(end) = end(heard) {
            return Some(String::from_utf8(heard.drain(..end).collect()).unwrap());
        }
        let mut piece = [0; 4096];
        match socket.read(&mut piece) {
            Ok(read @ 1..) => heard.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    }
}

/// Whoever answers before it has heard all may be about to close: the next request is not put at risk there.
#[test]
fn a_connection_that_was_answered_early_is_not_used_again() {
    let (gate, told) = early();
    let place = Place::bare();
    place.write("api-key", "wg_production_key\n");
    let (forwarder, address) = forwarding(&place, gate);
    let came = || {
        let mut all = std::iter::from_fn(|| told.recv_timeout(PATIENCE).ok());
        all.find(|(_, line)| line.contains("/api")).expect("a request that came")
    };
    let mut line = Line::open(address);
    line.send("POST /api/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf");
    assert_eq!(line.answer().unwrap().body, "early");
    line.send("rest");
    let first = came();
    assert_eq!(http::ask(address, "POST /api/b", &[], "whole").body, "early");
    let second = came();
    assert_ne!(first.0, second.0, "{first:?} {second:?}");
    assert_eq!(forwarder.end(), Some(0));
}
