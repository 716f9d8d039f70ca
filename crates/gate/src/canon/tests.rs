use super::{host_name, path, read, traceparent};
use crate::arrival::Arrival;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use proptest::prelude::{any, proptest};
use std::net::{IpAddr, Ipv4Addr};
use wardgate_model::{facts::Door, id::RequestId, time::Time};

/// `METHOD TARGET` and header lines → `host path` or the code of the refusal.
fn check(request: &str) -> String {
    let mut lines = request.lines().map(str::trim).filter(|line| !line.is_empty());
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    let (method, uri): (Method, Uri) = (method.parse().unwrap(), target.parse().unwrap());
    let arrival = Arrival {
        id: RequestId::new(Time::default(), 0),
        time: Time::default(),
        door: Door::Public,
        version: Version::HTTP_11,
        protocol: None,
        certificates: None,
        handshake: None,
        method: &method,
        uri: &uri,
        headers: &headers,
        body: false,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        via: "wardgate-1",
    };
    match read(&arrival) {
        Ok(canonical) => format!("{} {}", canonical.request.host, canonical.request.path),
        Err(refused) => {
            let facts = crate::judge::tests_support::facts(refused);
            facts.stopped.unwrap().reason.code().to_owned()
        }
    }
}

#[test]
fn one_host_in_one_form() {
    for (request, expected) in [
        ("GET /a\nhost: Ledger.Example:8443", "ledger.example /a"),
        ("GET /a\nhost: [::1]:80", "::1 /a"),
        ("GET http://a.example/a\nhost: a.example", "a.example /a"),
        ("GET http://a.example/a", "a.example /a"),
        ("GET http://a.example/a\nhost: b.example", "canon.host"),
        ("GET /a", "canon.host"),
        ("GET /a\nhost: a\nhost: a", "canon.host"),
        ("GET /a\nhost: a b", "canon.host"),
        ("GET /a\nhost: user@a", "canon.host"),
        ("GET /a\nhost: a:99999", "canon.host"),
        ("GET /a\nhost: a..b", "canon.host"),
        ("GET /a\nhost: a.", "canon.host"),
        ("GET /a\nhost: [::1", "canon.host"),
    ] {
        assert_eq!(check(request), expected, "{request}");
    }
}

#[test]
fn one_path_in_one_form() {
    for (raw, expected) in [
        ("/", Some("/")),
        ("/a/b/", Some("/a/b/")),
        ("/a%20b", Some("/a%20b")),
        ("/%7euser/%41", Some("/~user/A")),
        ("/caf%c3%a9", Some("/caf%C3%A9")),
        ("/a;v=1", Some("/a;v=1")),
        ("/a/../b", None),
        ("/a/./b", None),
        ("/a/%2e%2e/b", None),
        ("/a/.%2E/b", None),
        ("/a/..;/b", None),
        ("/a/..%3bx/b", None),
        ("/a/;x/b", None),
        ("//a", None),
        ("/a//b", None),
        ("/a%2fb", None),
        ("/a%5cb", None),
        ("/a\\b", None),
        ("/a%00", None),
        ("/a%0d%0a", None),
        ("/a%252e", None),
        ("/a%zz", None),
        ("/a%4", None),
        ("/%c0%ae", None),
        ("/caf\u{e9}", None),
        ("a", None),
        ("", None),
        ("*", None),
    ] {
        assert_eq!(path(raw).as_deref(), expected, "{raw}");
    }
}

/// Every text of up to `most` of these characters.
fn texts(characters: &[char], most: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut begin = 0;
    for _ in 0..most {
        let longer: Vec<String> = all[begin..].iter().flat_map(|text| characters.iter().map(move |one| format!("{text}{one}"))).collect();
        begin = all.len();
        all.extend(longer);
    }
    all
}

#[test]
fn every_short_path_is_judged_segment_by_segment() {
    for rest in texts(&['a', '/', '.', ';'], 7) {
        let (raw, segments) = (format!("/{rest}"), rest.split('/').collect::<Vec<_>>());
        let good = |(at, segment): (usize, &&str)| match segment.split(';').next().unwrap() {
            "." | ".." => false,
            "" => segment.is_empty() && at + 1 == segments.len(),
            _ => true,
        };
        let expected = segments.iter().enumerate().all(good).then_some(&*raw);
        assert_eq!(path(&raw).as_deref(), expected, "{raw}");
    }
}

#[test]
fn every_short_host_has_dots_between_labels_only() {
    for text in texts(&['a', 'B', '.', '-', '/'], 6) {
        let good = !text.contains('/') && text.split('.').all(|label| !label.is_empty());
        assert_eq!(host_name(&text).as_deref(), good.then(|| text.to_lowercase()).as_deref(), "{text}");
        assert_eq!(host_name(&format!("{text}:8443")), host_name(&text), "{text}");
    }
    let longest = "a".repeat(253);
    assert_eq!(host_name(&longest).as_deref(), Some(&*longest));
    assert_eq!(host_name(&format!("{longest}a")), None);
}

#[test]
fn what_cannot_be_served_is_refused() {
    for (request, expected) in [
        ("TRACE /a\nhost: a", "canon.method"),
        ("CONNECT a.example:443\nhost: a.example:443", "canon.method"),
        ("GET /a\nhost: a\nupgrade: websocket", "canon.upgrade"),
        ("GET /a\nhost: a\nupgrade: h2c", "a /a"),
        (
            "GET /a\nhost: a\nupgrade: websocket\nconnection: upgrade\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            "a /a",
        ),
        (
            "POST /a\nhost: a\nupgrade: websocket\nconnection: upgrade\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            "canon.upgrade",
        ),
        ("GET /a\nhost: a\nupgrade: websocket\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "canon.upgrade"),
        (
            "GET /a\nhost: a\nupgrade: websocket\nconnection: upgrade\nsec-websocket-version: 8\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            "canon.upgrade",
        ),
        ("GET /a\nhost: a\nupgrade: websocket\nconnection: upgrade\nsec-websocket-version: 13\nsec-websocket-key: short", "canon.upgrade"),
        (
            "GET /a\nhost: a\nupgrade: websocket, h2c\nconnection: upgrade\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            "canon.upgrade",
        ),
        (
            "GET /a\nhost: a\ncontent-length: 5\nupgrade: websocket\nconnection: upgrade\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            "canon.upgrade",
        ),
        ("GET /a\nhost: a\nvia: 1.1 other, 1.1 wardgate-1", "canon.loop"),
        ("GET /a\nhost: a\nvia: 1.1 wardgate-2", "a /a"),
        ("GET /a\nhost: a\nvia: 1.1 other\nvia: 1.1 wardgate-1", "canon.loop"),
        ("POST /a\nhost: a\ncontent-length: 1\ncontent-length: 1", "canon.header"),
        ("GET /a\nhost: a\nwardgate-purpose: settlement\nwardgate-purpose: settlement", "canon.header"),
        ("GET /a\nhost: a\nuser-agent: one\nuser-agent: two", "a /a"),
        ("GET /a\nhost: a\ntraceparent: one\ntraceparent: two", "a /a"),
        ("GET /a\nhost: a\ncontent-type: a/b\ncontent-type: a/b", "canon.header"),
        ("GET /a\nhost: a\nwardgate-purpose: Not A Name", "canon.header"),
        ("GET /a\nhost: a\nwardgate-purpose: settlement", "a /a"),
        ("POST /a\nhost: a\ncontent-length: 1x", "canon.header"),
        ("OPTIONS *\nhost: a", "canon.path"),
    ] {
        assert_eq!(check(request), expected, "{request}");
    }
}

#[test]
fn trace_context_follows_the_specification() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert!(traceparent(good).is_some());
    assert!(traceparent(&format!("01{}-extra", &good[2..])).is_some());
    for bad in [
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    ] {
        assert!(traceparent(bad).is_none(), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_canonical_path_is_its_own_canonical_form(raw in "/[ -~]{0,40}") {
        if let Some(once) = path(&raw) {
            let twice = path(&once).map(std::borrow::Cow::into_owned);
            assert_eq!(twice.as_deref(), Some(&*once));
            assert!(!once.contains("/../") && !once.ends_with("/.."));
        }
    }

    #[test]
    fn nothing_makes_it_panic(raw in any::<String>()) {
        let _ = path(&raw);
        let _ = host_name(&raw);
        let _ = traceparent(&raw);
    }
}
