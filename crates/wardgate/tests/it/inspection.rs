//! Inspection over sockets: bodies that are larger than is looked at, that swell, that come in pieces, that say one thing twice.

use crate::{
    gate::{Gate, Place},
    http::{self, Line, bearer},
    upstream::Upstream,
};
use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

const WORLD: &str = "\
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /shop }
  upstream: { urls: ['@UPSTREAM@'] }
  openapi: file:shop-api.yaml
  inspect: { requests: enforce }
---
kind: Api
name: files
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /files }
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'POST /things', class: write }]
---
kind: Identity
name: caller
spec:
  type: service_account
  owner: shop-team
  environment: production
  purpose: keeps things in step
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Grant
name: caller-works
spec: { to: { identity: caller }, api: shop, operations: [read, list, write] }
---
kind: Grant
name: caller-files
spec: { to: { identity: caller }, api: files, operations: [write] }
";

const DOCUMENT: &str = "\
openapi: 3.1.0
paths:
  /things:
    get:
      parameters: [{ name: limit, in: query, schema: { type: integer, maximum: 100 } }]
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: { type: object, required: [name], properties: { name: { type: string }, note: { type: string } }, additionalProperties: false }
  /notes:
    post:
      requestBody:
        content:
          application/json:
            schema: { type: object, properties: { name: { type: string } }, additionalProperties: false }
  /pings:
    post: {}
";

struct Scene {
    upstream: Upstream,
    gate: Gate,
    key: String,
    place: Place,
}

impl Scene {
    fn new() -> Self {
        let (place, upstream) = (Place::bare(), Upstream::plain());
        place.write("resources/shop-api.yaml", DOCUMENT);
        // A document of an API is no resource.
        fs::rename(place.path().join("resources/shop-api.yaml"), place.path().join("shop-api.yaml")).unwrap();
        place.write("resources/shop.yaml", &WORLD.replace("@UPSTREAM@", &upstream.url()).replace("file:shop-api", "file:../shop-api"));
        let gate = place.serve();
        let (_, key) = place.issue(&gate, "caller");
        Self { upstream, gate, key: bearer(&key), place }
    }

    fn post(&self, fields: &[(&str, &str)], body: &str) -> http::Answer {
        let fields: Vec<(&str, &str)> =
            [("Authorization", &*self.key), ("Content-Type", "application/json")].into_iter().chain(fields.iter().copied()).collect();
        http::ask(self.gate.public, "POST /shop/things", &fields, body)
    }

    /// A body in chunks, whose bytes need not be text.
    fn chunked(&self, path: &str, fields: &str, pieces: &[&[u8]]) -> String {
        self.sent("--http1.1", path, fields, pieces)
    }

    fn sent(&self, version: &str, path: &str, fields: &str, pieces: &[&[u8]]) -> String {
        let mut curl = Command::new("curl");
        // What is uploaded from a pipe has no length, and no type unless one is named.
        curl.args([version, "-sS", "-o", "-", "-w", "\n%{http_code}", "-X", "POST", "-T", "-", "-H", "Expect:"]);
        curl.args(["-H", &format!("Authorization: {}", self.key)]);
        fields.lines().for_each(|field| {
            curl.args(["-H", field]);
        });
        let mut child =
            curl.arg(format!("http://{}{path}", self.gate.public)).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        for piece in pieces {
            // Who is refused early is not read to the end.
            let _refused = input.write_all(piece);
        }
        drop(input);
        String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes).unwrap());
    let packed = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    packed
}

#[test]
fn what_is_not_as_the_document_has_it_reaches_no_upstream_and_is_told_where() {
    let scene = Scene::new();
    assert_eq!(scene.post(&[], r#"{"name":"a"}"#).said(), "200");
    assert_eq!(scene.upstream.last().body, r#"{"name":"a"}"#, "byte for byte");
    let before = scene.upstream.received().len();
    let refused = scene.post(&[], r#"{"name":["a-secret-of-mine"]}"#);
    assert_eq!(refused.said(), "400 inspect.request");
    assert_eq!(refused.json()["detail"], "the body at `/name`: it is of another type");
    assert!(!refused.body.contains("a-secret-of-mine"));
    assert_eq!(scene.post(&[], r#"{"name":"a","name":"b"}"#).said(), "400 inspect.body");
    assert_eq!(scene.post(&[], r#"{"name":"a"} {}"#).said(), "400 inspect.body");
    assert_eq!(scene.post(&[("Content-Encoding", "aes128gcm")], "x").said(), "415 inspect.coding");
    let query = http::ask(scene.gate.public, "GET /shop/things?limit=1000", &[("Authorization", &scene.key)], "");
    assert_eq!(query.said(), "400 inspect.request");
    assert_eq!(query.json()["detail"], "parameter `limit` in the query: it is out of range");
    assert_eq!(scene.upstream.received().len(), before);
    // Whoever describes the call is told as much; of what was recorded only the code is known.
    let described = ["explain", "--identity", "caller", "--method", "GET", "--url", "/shop/things?limit=1000"];
    let explained = scene.place.run(&scene.gate, &described, "").with(3);
    assert!(explained.out.contains("where      parameter `limit` in the query: it is out of range"), "{explained:?}");
    let id = query.json()["request_id"].as_str().unwrap().to_owned();
    let recorded = crate::gate::until("the record", || {
        Some(scene.place.run(&scene.gate, &["explain", &id], "")).filter(|ended| ended.out.contains("inspect.request"))
    });
    assert!(recorded.out.contains("where      not recorded") && !recorded.out.contains("`limit`"), "{recorded:?}");
}

#[test]
fn a_body_beyond_the_buffer_is_refused_where_it_is_read_and_passes_where_it_is_not() {
    let scene = Scene::new();
    let large = format!("{{\"name\":\"{}\"}}", "a".repeat(63 * 1024));
    assert_eq!(scene.post(&[], &large).said(), "200", "it just fits");
    let before = scene.upstream.received().len();
    let larger = format!("{{\"name\":\"{}\"}}", "a".repeat(65 * 1024));
    let answer = scene.chunked("/shop/things", "Content-Type: application/json", &[larger.as_bytes()]);
    assert!(answer.ends_with("413"), "{answer}");
    assert_eq!(scene.upstream.received().len(), before);
}

#[test]
fn a_body_in_pieces_is_read_whole_before_any_of_it_goes_on() {
    let scene = Scene::new();
    let good = scene.chunked("/shop/things", "Content-Type: application/json", &[b"{\"na", b"me\":\"a\"", b"}"]);
    assert!(good.ends_with("200"), "{good}");
    let before = scene.upstream.received().len();
    let bad = scene.chunked("/shop/things", "Content-Type: application/json", &[b"{\"name\":\"a\",", b"\"nam\\u0065\":\"b\"", b"}"]);
    assert!(bad.contains("inspect.body") && bad.ends_with("400"), "{bad}");
    let hidden = scene.chunked("/shop/things", "Content-Type: text/plain", &[b"{\"name\":1}"]);
    assert!(hidden.contains("inspect.media") && hidden.ends_with("415"), "{hidden}");
    assert_eq!(scene.upstream.received().len(), before);
    let stream = scene.chunked("/files/things", "Content-Type: application/json", &[b"{\"name\":\"a\",\"name\":", b"2}"]);
    assert!(stream.ends_with("200"), "nothing reads it there: {stream}");
}

/// Where no body has to be there, none of which nobody says anything is passed by for that.
#[test]
fn a_body_that_says_neither_length_nor_type_is_refused_too() {
    let scene = Scene::new();
    let evil: &[&[u8]] = &[br#"{"evil":1}"#];
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        for path in ["/shop/notes", "/shop/pings"] {
            let answer = scene.sent(version, path, "", evil);
            assert!(answer.contains("inspect.media") && answer.ends_with("415"), "{version} {path}: {answer}");
        }
    }
    assert_eq!(scene.upstream.received().len(), 0);
    let good = scene.chunked("/shop/notes", "Content-Type: application/json", &[br#"{"name":"a"}"#]);
    assert!(good.ends_with("200"), "{good}");
    assert!(scene.upstream.last().body.contains(r#"{"name":"a"}"#), "as it came");
}

#[test]
fn what_swells_is_refused_and_what_is_compressed_is_read() {
    let scene = Scene::new();
    let fields = "Content-Type: application/json\nContent-Encoding: gzip";
    let good = scene.chunked("/shop/things", fields, &[&gzip(br#"{"name":"a"}"#)]);
    assert!(good.ends_with("200"), "{good}");
    let before = scene.upstream.received().len();
    let bad = scene.chunked("/shop/things", fields, &[&gzip(br#"{"name":1}"#)]);
    assert!(bad.contains("inspect.request") && bad.ends_with("400"), "{bad}");
    let bomb = gzip(format!("{{\"name\":\"{}\"}}", "a".repeat(20 << 20)).as_bytes());
    assert!(bomb.len() < 60 * 1024, "{}", bomb.len());
    let bomb = scene.chunked("/shop/things", fields, &[&bomb]);
    assert!(bomb.ends_with("413"), "{bomb}");
    assert_eq!(scene.upstream.received().len(), before);
}

#[test]
fn a_body_that_never_ends_holds_nothing_back_from_others() {
    let scene = Scene::new();
    let mut slow = Line::open(scene.gate.public);
    slow.send(&format!(
        "POST /shop/things HTTP/1.1\r\nHost: gate.test\r\nAuthorization: {}\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{{\"name\"",
        scene.key
    ));
    assert_eq!(scene.post(&[], r#"{"name":"a"}"#).said(), "200");
    slow.send(":\"b\"}");
    assert_eq!(slow.answer().unwrap().status, 200);
    assert_eq!(scene.upstream.last().body, r#"{"name":"b"}"#);
}
