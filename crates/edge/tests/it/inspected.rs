//! Whether a body follows a head: in chunks and in HTTP/2 nobody has to say so, nor of what type it is, and what is said of bodies holds
//! all the same.

use crate::{
    edge::{Running, Setup, answer, said},
    http2::{DATA, END_HEADERS, END_STREAM, GET, HEADERS, frame, next_of, preface},
    upstream::Upstream,
};
use std::{io::Write as _, sync::Arc};
use wardgate_model::{
    api::{Api, Operation},
    schema::Schemas,
    shape::{BodyShape, Conformance, Inspect, RequestShape},
};

/// `POST / ` of `http://a`, as [`GET`] has it.
const POST: &[u8] = &[0x83, 0x84, 0x86, 0x41, 1, b'a'];
const EVIL: &str = r#"{"evil":1}"#;

/// The document takes JSON at `POST /`, and there need be none; elsewhere it takes nothing.
fn enforced(upstream: &Upstream) -> Running {
    let enforce = |api: &mut Api| {
        api.inspect = Inspect { requests: Conformance::Enforce, json: false };
        let described = |operation: &Arc<Operation>| {
            let takes = operation.method == http::Method::POST && operation.template.as_str() == "/";
            let body = takes.then(|| BodyShape { required: false, media: Box::new([("application/json".into(), None)]) });
            let shape = RequestShape { schemas: Arc::new(Schemas::default()), parameters: Box::default(), body };
            Arc::new(Operation { request: Some(Arc::new(shape)), ..Operation::clone(operation) })
        };
        api.operations = api.operations.iter().map(described).collect();
    };
    Setup::before(upstream).api(enforce).start()
}

fn chunked(edge: &Running, path: &str, fields: &str, body: &str) -> String {
    let chunk = if body.is_empty() { String::new() } else { format!("{:x}\r\n{body}\r\n", body.len()) };
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{fields}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    said(&edge.raw(format!("{head}{chunk}0\r\n\r\n")))
}

#[test]
fn a_body_in_chunks_that_says_not_what_it_is_is_not_passed_by() {
    let upstream = Upstream::plain();
    let edge = enforced(&upstream);
    assert_eq!(chunked(&edge, "/", "", EVIL), "415 inspect.media");
    assert_eq!(chunked(&edge, "/x", "", EVIL), "415 inspect.media", "nothing is described there");
    assert_eq!(chunked(&edge, "/x", "Content-Type: application/json\r\n", EVIL), "415 inspect.media");
    assert_eq!(upstream.received(), "");
    assert_eq!(chunked(&edge, "/", "", ""), "200", "it was none");
    assert_eq!(chunked(&edge, "/", "Content-Type: application/json\r\n", EVIL), "200");
    assert!(upstream.received().contains(EVIL), "{}", upstream.received());
    let idle = "GET /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    assert_eq!(said(&edge.raw(idle)), "200", "there is no body, whatever would be its type");
}

#[test]
fn a_body_of_a_stream_that_says_neither_type_nor_length_is_not_passed_by() {
    let upstream = Upstream::plain();
    let edge = enforced(&upstream);
    let mut socket = edge.connect();
    socket.write_all(&preface()).unwrap();
    let mut told = 0;
    let mut sent = |stream: u32, head: &[u8], ends: bool, body: Option<&str>| {
        let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
        let data = body.map(|body| frame(DATA, END_STREAM, stream, body.as_bytes())).unwrap_or_default();
        socket.write_all(&[frame(HEADERS, flags, stream, head), data].concat()).unwrap();
        assert_eq!(next_of(&mut socket, HEADERS).stream, stream);
        told += 1;
        edge.sink.told(told).pop().unwrap()
    };
    assert_eq!(sent(1, POST, false, Some(EVIL)), "inspect.media complete 415 never");
    assert_eq!(sent(3, GET, false, Some(EVIL)), "inspect.media complete 415 never", "nothing is described there");
    assert_eq!(upstream.received(), "");
    assert_eq!(sent(5, POST, false, Some("")), "rule.allowed complete 200 200", "it was none");
    assert_eq!(sent(7, POST, true, None), "rule.allowed complete 200 200");
    assert_eq!(sent(9, GET, true, None), "rule.allowed complete 200 200");
    assert!(!upstream.received().contains("evil"));
}

/// Every JSON is held to its limits, whatever it is said to be.
fn guarded(upstream: &Upstream, collected: usize) -> Running {
    let json = |api: &mut Api| api.inspect = Inspect { requests: Conformance::Off, json: true };
    Setup::before(upstream).api(json).limits(|limits| limits.collected_bytes_max = collected).start()
}

#[test]
fn what_is_no_json_goes_on_as_it_comes_and_what_hides_is_refused() {
    const TWICE: &str = "{\"a\":1,\"a\":2}";
    let upstream = Upstream::plain();
    let edge = guarded(&upstream, 64);
    for fields in ["", "Content-Type: text/plain\r\n", "Content-Type: application/octet-stream\r\n"] {
        assert_eq!(chunked(&edge, "/", fields, TWICE), "400 inspect.body", "{fields}");
        assert_eq!(chunked(&edge, "/", fields, &format!("[\"{}\"]", "a".repeat(100))), "413 wire.body_too_large", "{fields}");
        assert_eq!(chunked(&edge, "/", fields, &format!("{}{TWICE}", " ".repeat(100))), "413 wire.body_too_large", "{fields}");
    }
    let length = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", TWICE.len());
    assert_eq!(said(&edge.raw(format!("{length}{TWICE}"))), "400 inspect.body");
    assert_eq!(upstream.received(), "");
    // Larger than is looked at of JSON, and its beginning is on the way before the rest has come.
    let mut socket = edge.connect();
    socket
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Type: text/csv\r\n\r\n8\r\nfirst;{}\r\n")
        .unwrap();
    while !upstream.received().contains("first;{}") {
        std::thread::yield_now();
    }
    let rest = "r".repeat(1_000);
    socket.write_all(format!("3e8\r\n{rest}\r\n0\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(said(&answer(&mut socket)), "200");
    assert!(upstream.received().contains(&rest));
    let whole = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nConnection: close\r\n\r\n<{rest}");
    assert_eq!(said(&edge.raw(whole)), "200");
    assert!(upstream.received().ends_with(&format!("<{rest}")), "byte for byte");
    assert_eq!(edge.sink.wait(12)[11].outcome.upstream.as_ref().unwrap().bytes_in, 1_001, "each byte is counted once");
}

#[test]
fn nothing_but_white_space_is_no_json() {
    let upstream = Upstream::plain();
    let edge = guarded(&upstream, 64);
    for body in ["", "  ", "\r\n"] {
        assert_eq!(chunked(&edge, "/", "", body), "200", "{body:?}");
    }
}
