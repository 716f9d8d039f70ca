//! Programs that did not grow up here, on both sides of the gate: PyPI `grpcio` and `websockets`.

use crate::{
    gate::{Gate, Place, until},
    http,
};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

/// Where `./check` puts them: beside what cargo builds.
fn python() -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_wardgate"));
    let target = binary.parent().and_then(|profile| profile.parent()).unwrap().to_owned();
    let python = target.join("peers/bin/python");
    assert!(python.is_file(), "`{}` is missing: run `./check`, which brings it", python.display());
    python
}

fn script(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(python());
    command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)).args(arguments);
    command.env("GRPC_VERBOSITY", "NONE").env("no_proxy", "*");
    command
}

/// A program that goes on; ended when dropped.
struct Peer {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    _input: ChildStdin,
}

impl Peer {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = script(name, arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (lines, _input) = (BufReader::new(child.stdout.take().unwrap()), child.stdin.take().unwrap());
        Self { child, lines, _input }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        rest
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end → what it printed.
fn play(name: &str, arguments: &[&str]) -> String {
    let done = script(name, arguments).output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    said
}

const LEDGER: &str = "\
kind: Api
name: ledger
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /ledger.Book }
  upstream: { urls: ['http://127.0.0.1:@PORT@'], protocol: http2, trailers: [balance] }
  operations:
    - { match: 'POST /One', class: write }
    - { match: 'POST /Many', class: write }
    - { match: 'POST /Gather', class: write }
    - { match: 'POST /Both', class: write }
    - { match: 'POST /Forever', class: write }
    - { match: 'POST /Burn', class: delete }
---
kind: Grant
name: caller-books
spec: { to: { identity: caller }, api: ledger, operations: [write] }
";

const CHAT: &str = "\
kind: Api
name: chat
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /chat }
  upstream: { urls: ['http://127.0.0.1:@PORT@'], upgrade: [websocket] }
  operations: [{ match: 'GET /rooms/{id}', class: read }]
---
kind: Grant
name: caller-chats
spec: { to: { identity: caller }, api: chat, operations: [read] }
";

/// A gate before the program `name`, with an API that is spoken to as `api` says, and a key of `caller`.
fn before(name: &str, api: &str) -> (Peer, Place, Gate, String) {
    let mut server = Peer::start(name, &["serve"]);
    let place = Place::shop("http://127.0.0.1:9");
    place.write("resources/peer.yaml", &api.replace("@PORT@", &server.line()));
    let gate = place.serve();
    let key = place.issue(&gate, "caller").1;
    (server, place, gate, key)
}

fn contain(place: &Place, gate: &Gate) {
    let answer =
        place.manage(gate, "POST /api/v1/containments", &serde_json::json!({ "kind": "identity", "name": "caller", "reason": "test" }));
    assert!(answer.status < 300, "{answer:?}");
}

/// Waits until so many events tell of this API.
fn events(place: &Place, api: &str, count: usize) -> Vec<Value> {
    until("events", || {
        let mut events = place.events();
        events.retain(|event| event["api"]["name"] == api);
        (events.len() >= count).then_some(events)
    })
}

#[test]
fn grpc_passes_with_trailers_deadlines_and_refusals_in_its_own_words() {
    let (_server, place, gate, key) = before("rpc.py", LEDGER);
    let said = play("rpc.py", &["call", &gate.public.to_string(), &key]);
    assert_eq!(
        said,
        "one: one a ['balance']\n\
         many: ['0 b', '1 b', '2 b', '3 b', '4 b']\n\
         gather: +e\n\
         both: ['F', 'G']\n\
         their no: FAILED_PRECONDITION: no such book\n\
         nobody: UNAUTHENTICATED: a credential is needed\n\
         no grant: PERMISSION_DENIED: the caller may not do this\n\
         nowhere: NOT_FOUND: nothing is served here\n\
         too slow: DEADLINE_EXCEEDED\n"
    );
    let events = events(&place, "ledger", 8);
    assert!(events.iter().all(|event| event["kind"] == "request"), "{events:?}");
}

#[test]
fn a_stop_ends_a_grpc_stream_with_a_status() {
    let (_server, place, gate, key) = before("rpc.py", LEDGER);
    let mut stream = Peer::start("rpc.py", &["stream", &gate.public.to_string(), &key]);
    assert_eq!(stream.line(), "on");
    contain(&place, &gate);
    let rest = stream.rest();
    assert!(rest.starts_with("PERMISSION_DENIED: "), "{rest}");
    assert_eq!(events(&place, "ledger", 1)[0]["ending"], "cut");
}

#[test]
fn websockets_pass_and_are_cut() {
    let (_server, place, gate, key) = before("chat.py", CHAT);
    let url = format!("ws://{}/chat/rooms/1", gate.public);
    assert_eq!(play("chat.py", &["call", &url, &key]), "agreed: chat deflate\npong: True\nclosed: 1000\nrefused: 401\nrefused: 401\n");
    let mut stays = Peer::start("chat.py", &["stay", &url, &key]);
    assert_eq!(stays.line(), "there");
    contain(&place, &gate);
    assert_eq!(stays.rest(), "cut: None\n");
    let told: Vec<String> = events(&place, "chat", 6).iter().map(|event| format!("{} {}", event["kind"], event["ending"])).collect();
    assert_eq!(told.iter().filter(|told| told.contains("opened")).count(), 2, "{told:?}");
    assert!(told.contains(&"\"closed\" \"complete\"".to_owned()) && told.contains(&"\"closed\" \"cut\"".to_owned()), "{told:?}");
    // To who does not ask for it, it is an API as any.
    let answer = http::ask(gate.public, "GET /chat/rooms/1", &[("Authorization", &http::bearer(&key))], "");
    assert_eq!(answer.status, 403, "contained: {answer:?}");
}
