//! What an upstream and a client see of each other's fields, over real sockets.

use crate::{
    edge::{Setup, said},
    upstream::{Play, Upstream},
};
use wardgate_model::api::{Mode, UpstreamIdentity};

/// The fields that the upstream got, sorted, with what differs from run to run left out.
fn seen(upstream: &Upstream) -> String {
    let received = upstream.received();
    let head = received.split("\r\n\r\n").next().unwrap_or_default().to_owned();
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let mut fields: Vec<String> = lines
        .map(|line| match line.split_once(": ") {
            Some((name @ ("wardgate-request-id" | "wardgate-assertion"), _)) => format!("{name}: …"),
            _ => line.replace(&upstream.address.to_string(), "UPSTREAM"),
        })
        .collect();
    fields.sort();
    format!("{first}\n{}", fields.join("\n"))
}

#[test]
fn the_upstream_sees_one_truth() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).api(|api| api.upstream.identity = UpstreamIdentity::Assertion).start();
    let request = format!(
        "GET /guarded HTTP/1.1\r\nHost: API.example:8443\r\nAuthorization: Bearer {}\r\nConnection: close, X-Hop, Wardgate-Assertion, X-Forwarded-For\r\n\
         X-Hop: 1\r\nX-Forwarded-For: 10.0.0.1\r\nWardgate-Assertion: forged\r\nX_Real_IP: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\nTE: trailers\r\n\
         Traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\r\nTracestate: a=1\r\nVia: 1.1 other\r\nX-Mine: kept\r\n\r\n",
        edge.key
    );
    assert_eq!(said(&edge.raw(request)), "200");
    let expected = "GET /guarded HTTP/1.1\n\
        forwarded: for=127.0.0.1;host=\"API.example:8443\";proto=http\n\
        host: UPSTREAM\n\
        traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\n\
        tracestate: a=1\n\
        via: 1.1 other\n\
        via: 1.1 wardgate-test\n\
        wardgate-assertion: …\n\
        wardgate-request-id: …\n\
        x-forwarded-for: 127.0.0.1\n\
        x-forwarded-host: API.example:8443\n\
        x-forwarded-proto: http\n\
        x-mine: kept";
    assert_eq!(seen(&upstream), expected);
    assert!(!upstream.received().contains("forged"));
}

#[test]
fn no_key_of_ours_reaches_an_upstream_that_is_not_to_see_it() {
    for (mode, asked, expected, sent) in [
        (Mode::Enforce, "GET /x HTTP/1.1\r\nX-Api-Key: KEY", "400 credential.misplaced", false),
        (Mode::Enforce, "GET /KEY HTTP/1.1", "400 credential.misplaced", false),
        (Mode::Enforce, "GET /x?a=KEY HTTP/1.1", "400 credential.in_query", false),
        // What is only observed goes on, but without the key; what stands in a URL cannot be left out of it.
        (Mode::Observe, "GET /x HTTP/1.1\r\nX-Api-Key: KEY\r\nX-Mine: kept", "200", true),
        (Mode::Observe, "GET /a/b/unknown HTTP/1.1\r\nCookie: a=KEY\r\nX-Mine: kept", "200", true),
        (Mode::Observe, "GET /KEY HTTP/1.1", "400 credential.misplaced", false),
        (Mode::Observe, "GET /a/b/KEY HTTP/1.1", "400 credential.misplaced", false),
        (Mode::Observe, "GET /x?a=%77KEY HTTP/1.1", "400 credential.misplaced", false),
    ] {
        let upstream = Upstream::plain();
        let edge = Setup::before(&upstream).api(|api| (api.upstream.identity, api.mode) = (UpstreamIdentity::Assertion, mode)).start();
        let key = if asked.contains("%77KEY") { &edge.key[1..] } else { &edge.key };
        let told = said(&edge.raw(format!("{}\r\nHost: a\r\n\r\n", asked.replace("KEY", key))));
        assert_eq!(told, expected, "{mode:?} {asked}");
        let received = upstream.received();
        assert_eq!(!received.is_empty(), sent, "{mode:?} {asked}: {received}");
        assert!(!received.contains(&edge.key[4..]), "{mode:?} {asked}: {received}");
        assert!(!sent || received.contains("x-mine: kept"), "{received}");
    }
    // `keep` is the order to show the upstream what the client shows.
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    assert_eq!(said(&edge.raw(format!("GET /x HTTP/1.1\r\nHost: a\r\nX-Api-Key: {}\r\n\r\n", edge.key))), "200");
    assert!(upstream.received().contains(&edge.key));
}

#[test]
fn the_client_sees_what_is_meant_for_it() {
    let upstream = Upstream::start(|_| {
        Play::Answer(
            b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nWardgate-Effect: records=3\r\nWardgate-Request-Id: forged\r\nConnection: X-Hop\r\n\
              X-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Mine: kept\r\n\r\nok"
                .to_vec(),
        )
    });
    let edge = Setup::before(&upstream).start();
    let told = edge.raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(told.starts_with("HTTP/1.1 201 Created\r\n") && told.contains("x-mine: kept"), "{told}");
    assert!(!told.contains("records=3") && !told.contains("forged") && !told.contains("x-hop") && !told.contains("keep-alive"), "{told}");
    let event = edge.sink.wait(1).remove(0);
    assert_eq!(event.outcome.effect.as_deref(), Some("records=3"));
    assert!(told.contains(&format!("wardgate-request-id: {}", event.facts.id)), "{told}");
    assert_eq!(event.snapshot, 7);
}

#[test]
fn trailers_are_dropped_on_the_way() {
    let upstream = Upstream::plain();
    let edge = Setup::before(&upstream).start();
    let told = edge.raw("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nAuthorization: Bearer x\r\n\r\n");
    assert_eq!(said(&told), "200");
    assert!(upstream.received().ends_with("2\r\nok\r\n0\r\n\r\n"), "{}", upstream.received());
}

#[test]
fn a_head_has_no_body_but_its_length() {
    let upstream = Upstream::start(|_| Play::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_vec()));
    let edge = Setup::before(&upstream).start();
    let told = edge.raw("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(told.contains("content-length: 1234") && told.ends_with("\r\n\r\n"), "{told}");
    let refused = edge.raw("HEAD /a/b/c HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 404") && refused.ends_with("\r\n\r\n") && !refused.contains("content-length: 0"), "{refused}");
}
