//! How many records an answer gives, as its event tells.

use crate::{
    edge::{Running, Setup, said},
    fixture,
    upstream::{Play, Upstream},
};
use std::sync::Arc;
use wardgate_model::api::{Api, Operation, OperationClass, Target};

/// Every operation lists; `GET /{x}/{y}` says where.
fn listing(api: &mut Api) {
    let operations = api.operations.iter().map(|operation| {
        let records = (operation.template.as_str() == "/{x}/{y}").then(|| "/page/total".into());
        Arc::new(Operation { class: OperationClass::List, records, ..(**operation).clone() })
    });
    api.operations = operations.collect();
}

fn upstream() -> Upstream {
    Upstream::start(|head| {
        let fields = |kind: &str, body: &str| {
            let more = if kind == "gzip" { "application/json\r\nContent-Encoding: gzip" } else { kind };
            Play::Answer(format!("HTTP/1.1 200 OK\r\nContent-Type: {more}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
        };
        let path = head.split(' ').nth(1).unwrap();
        match path {
            "/only" => fields("application/json", r#"{"items":[1,[2,3],{"a":[]}],"next":null}"#),
            "/a/b" => fields("application/json", r#"{"items":[1,2],"page":{"total":40}}"#),
            "/lines" => fields("application/x-ndjson", "{}\n{}\n"),
            "/zipped" => fields("gzip", "[1,2]"),
            "/missing" => Play::Answer(b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n[1,2]".to_vec()),
            "/broken" => Play::AnswerAndClose(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n[1,2]".to_vec()),
            _ => Play::Answer(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n1\r\n2\r\n5\r\n,\"\\\"]\r\n2\r\n\"]\r\n0\r\n\r\n".to_vec(),
            ),
        }
    })
}

fn counted(edge: &Running, request: &str, events: usize) -> Option<u64> {
    edge.raw(format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"));
    edge.sink.wait(events)[events - 1].outcome.upstream.as_ref().unwrap().records
}

#[test]
fn records_are_counted_as_they_pass() {
    let upstream = upstream();
    let edge = Setup::before(&upstream).api(listing).start();
    let cases = [
        ("GET /only", Some(3)),
        ("GET /a/b", Some(40)),
        ("GET /lines", Some(2)),
        ("GET /pieces", Some(3)),
        ("GET /zipped", None),
        ("GET /missing", None),
        ("GET /broken", None),
    ];
    for (at, (request, records)) in cases.into_iter().enumerate() {
        assert_eq!(counted(&edge, request, at + 1), records, "{request}");
    }
}

#[test]
fn what_is_only_read_is_not_counted_and_an_api_of_this_process_is() {
    let upstream = upstream();
    let edge = Setup::before(&upstream).start();
    assert_eq!(counted(&edge, "GET /only", 1), None);
    let inside = |api: &mut Api| {
        listing(api);
        api.upstream.target = Target::InProcess;
    };
    let edge = Setup::before(&upstream).api(inside).start();
    assert_eq!(said(&edge.raw("GET /json HTTP/1.1\r\nHost: a\r\n\r\n")), "200");
    assert_eq!(edge.sink.wait(1)[0].outcome.upstream.as_ref().unwrap().records, Some(3));
    assert_eq!(fixture::api("orders", "http://a:1").operations[0].records, None);
}
