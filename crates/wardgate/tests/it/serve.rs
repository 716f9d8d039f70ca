//! A gate as it is begun with `init`, called by other HTTP stacks than ours, and taken down with SIGTERM.

use crate::{
    gate::{Gate, Place, until},
    http::{Line, bearer, request},
    process::{curl, wardgate},
    upstream::{Keeper, Play, Upstream},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

/// What `init` writes, on ports that the system chooses, before an upstream of ours.
fn starter(upstream: &Upstream) -> (TempDir, Gate) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    wardgate(path, &["init"]).with(0);
    change(path, "wardgate.yaml", "address: 127.0.0.1:8443", "address: 127.0.0.1:0");
    change(path, "wardgate.yaml", "address: 127.0.0.1:9080", "address: 127.0.0.1:0");
    change(path, "resources/hello.yaml", "http://127.0.0.1:9000", &upstream.url());
    wardgate(path, &["check"]).with(0);
    let gate = Gate::start(path);
    change(path, ".wardgate/profile.json", "127.0.0.1:9080", &gate.admin.to_string());
    (place, gate)
}

fn change(place: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(place.join(name)).unwrap();
    assert!(text.contains(from), "`{from}` in {text}");
    fs::write(place.join(name), text.replace(from, to)).unwrap();
}

fn issued(place: &Path) -> (String, String) {
    let issued = wardgate(place, &["credential", "issue", "hello-client", "--output", "json"]).with(0).json();
    (issued["id"].as_str().unwrap().to_owned(), issued["key"].as_str().unwrap().to_owned())
}

/// Whether a program of the machine can be run.
fn there_is(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn curl_is_served_over_both_protocols_and_both_versions_of_tls() {
    let upstream = Upstream::plain();
    let (place, gate) = starter(&upstream);
    let place = place.path();
    let (id, key) = issued(place);
    let (authorization, url) =
        (format!("Authorization: Bearer {key}"), format!("https://localhost:{}/hello/greetings", gate.public.port()));
    let ways: [(&[&str], &str); 4] = [
        (&["--http1.1", "--tls-max", "1.2"], "1.1"),
        (&["--http1.1", "--tlsv1.3"], "1.1"),
        (&["--http2", "--tls-max", "1.2"], "2"),
        (&["--http2", "--tlsv1.3"], "2"),
    ];
    let ids = place.join("ids");
    let mut asked = BTreeSet::new();
    for (options, version) in ways {
        let arguments = [
            options,
            &["--cacert", "tls/ca.pem", "-H", &authorization, "-D", ids.to_str().unwrap(), "-w", "\n%{http_version}\n%{http_code}", &url],
        ];
        let (status, body) = curl(place, &arguments.concat());
        assert_eq!((status.as_str(), body), ("200", format!("ok\n{version}")), "{options:?}");
        asked.insert(request_id(&fs::read_to_string(&ids).unwrap()));
    }
    assert_eq!((asked.len(), upstream.received().len()), (4, 4));

    // An authority that the client does not know: no request is made at all.
    let unknown = Command::new("curl").args(["-sS", "-m", "60", &url]).current_dir(place).output().unwrap();
    assert_eq!(unknown.status.code(), Some(60), "{unknown:?}");

    // The record of all four, as `audit tail` prints it; it is written shortly after the answer.
    let told = until("four events", || {
        let tail = wardgate(place, &["audit", "tail", "--identity", "hello-client", "--output", "json"]).with(0);
        let events: Vec<Value> = tail.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (events.len() == 4).then_some(events)
    });
    let recorded: BTreeSet<String> = told.iter().map(|event| event["request_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(recorded, asked);
    assert!(told.iter().all(|event| event["ruling"]["code"] == "rule.allowed" && event["credential"]["id"] == id.as_str()), "{told:?}");
    assert_eq!(gate.end().0, Some(0));
}

fn request_id(head: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix("wardgate-request-id: ").or(line.strip_prefix("Wardgate-Request-Id: ")));
    line.unwrap_or_else(|| panic!("{head}")).trim().to_owned()
}

/// Asks on one connection, waits for a line, asks again on the same connection: `STATUS CONNECTIONS`.
const PYTHON: &str = r#"
import http.client, ssl, sys
port, key = int(sys.argv[1]), sys.argv[2]
opened = 0
class Counted(http.client.HTTPSConnection):
    def connect(self):
        global opened
        opened += 1
        super().connect()
line = Counted("localhost", port, context=ssl.create_default_context(cafile="tls/ca.pem"), timeout=60)
def ask():
    line.request("GET", "/hello/greetings", headers={"Authorization": "Bearer " + key})
    answer = line.getresponse()
    answer.read()
    print(answer.status, opened, flush=True)
ask()
sys.stdin.readline()
ask()
"#;

/// The same with node's HTTP/2.
const NODE: &str = r#"
const http2 = require("node:http2"), fs = require("node:fs"), readline = require("node:readline");
const [port, key] = process.argv.slice(-2);
let opened = 0;
const line = http2.connect(`https://localhost:${port}`, { ca: fs.readFileSync("tls/ca.pem") });
line.on("connect", () => opened++);
const ask = () => new Promise((done, failed) => {
  const request = line.request({ ":path": "/hello/greetings", authorization: `Bearer ${key}` });
  let status;
  request.on("response", (fields) => { status = fields[":status"]; });
  request.on("error", failed);
  request.on("data", () => {});
  request.on("end", () => { console.log(status, opened); done(); });
  request.end();
});
const told = readline.createInterface({ input: process.stdin });
ask().then(() => told.once("line", () => ask().then(() => { line.close(); told.close(); })));
"#;

/// Runs a client of another stack: its key is revoked while its connection stays open.
fn revoked_on_an_open_connection(program: &str, options: &[&str]) {
    let upstream = Upstream::plain();
    let (place, gate) = starter(&upstream);
    let place = place.path();
    let (id, key) = issued(place);
    let mut client = Command::new(program)
        .args(options)
        .args([&gate.public.port().to_string(), &key])
        .current_dir(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "200 1");
    wardgate(place, &["credential", "revoke", &id, "--reason", "leaked"]).with(0);
    client.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "401 1", "refused, on the same connection");
    assert!(client.wait().unwrap().success());
    assert_eq!(upstream.received().len(), 1);
    assert_eq!(gate.end().0, Some(0));
}

#[test]
fn python_is_refused_on_its_open_connection_once_its_key_is_revoked() {
    revoked_on_an_open_connection("python3", &["-c", PYTHON]);
}

#[test]
fn node_is_refused_on_its_open_http2_connection_once_its_key_is_revoked() {
    if there_is("node") {
        revoked_on_an_open_connection("node", &["-e", NODE]);
    }
}

#[test]
fn sigterm_lets_what_runs_end_and_takes_nothing_new() {
    let keeper = Arc::new(Keeper::default());
    let held = Arc::clone(&keeper);
    let upstream = Upstream::start(move |_| {
        let first = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n".to_owned();
        Play::Held(first, "7\r\n second\r\n0\r\n\r\n".to_owned(), Arc::clone(&held))
    });
    let place = Place::shop(&upstream.url());
    let mut gate = place.serve();
    let (_, key) = place.issue(&gate, "caller");
    let mut line = Line::open(gate.public);
    line.send(&request("GET /shop/things", &[("Authorization", &bearer(&key))], ""));
    line.read_until("first");

    let public = gate.public;
    gate.signal("-TERM");
    until("the door to close", || TcpStream::connect(public).is_err().then_some(()));
    let admin = gate.admin;
    until("the admin door to close, too", || TcpStream::connect(admin).is_err().then_some(()));
    keeper.open();
    let answer = line.answer().expect("the answer that was under way, whole");
    assert_eq!((answer.status, answer.body.as_str()), (200, "first second"));
    assert!(line.is_closed(), "the connection ends after it");
    let (status, said) = gate.ended();
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("draining"), "{said}");

    let event = place.events().into_iter().find(|event| event["request_id"] == answer.id().as_str()).expect("its event");
    assert_eq!((&event["ending"], &event["client_status"], &event["upstream"]["bytes_out"]), (&"complete".into(), &200.into(), &12.into()));
}
