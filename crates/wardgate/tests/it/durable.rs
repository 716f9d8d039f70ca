//! `audit: durable` from outside: whatever an upstream has seen is on record, also when the gate is killed at that moment.

use crate::{
    gate::{Place, until},
    http::{Line, bearer},
    process::wardgate,
    upstream::Upstream,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
};

fn durable(upstream: &Upstream) -> Place {
    let place = Place::shop(&upstream.url());
    place.change("resources/shop.yaml", "match: { path_prefix: /shop }", "match: { path_prefix: /shop }\n  audit: durable");
    place
}

/// The ids of the requests that have reached the upstream.
fn seen(upstream: &Upstream) -> BTreeSet<String> {
    upstream.received().iter().filter_map(|received| received.field("wardgate-request-id").map(str::to_owned)).collect()
}

/// The kinds of the events of each request, in the order of the log.
fn kinds(events: &[Value]) -> BTreeMap<&str, Vec<&str>> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["api"]["name"] == "shop") {
        kinds.entry(event["request_id"].as_str().unwrap()).or_default().push(event["kind"].as_str().unwrap());
    }
    kinds
}

#[test]
fn killed_at_any_moment_what_the_upstream_saw_is_on_record() {
    let upstream = Upstream::plain();
    let place = durable(&upstream);
    let mut key = None;
    for round in 1..=4 {
        let gate = place.serve();
        let key = key.get_or_insert_with(|| bearer(&place.issue(&gate, "caller").1)).clone();
        let (public, before) = (gate.public, upstream.received().len());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // Until the gate is gone.
                    let mut socket = TcpStream::connect(public).unwrap();
                    let ask = format!("GET /shop/things HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\n\r\n");
                    let mut piece = [0; 4096];
                    while socket.write_all(ask.as_bytes()).is_ok() && socket.read(&mut piece).is_ok_and(|count| count > 0) {}
                });
            }
            // Nobody stops before: it is killed in the midst of requests.
            until("requests at the upstream", || (upstream.received().len() >= before + 25 * round).then_some(()));
            gate.kill();
        });
        let events = place.events();
        let kinds = kinds(&events);
        let seen = seen(&upstream);
        let unrecorded: Vec<&String> = seen.iter().filter(|id| !kinds.contains_key(id.as_str())).collect();
        assert!(unrecorded.is_empty(), "{unrecorded:?} of {}", seen.len());
        assert!(kinds.values().all(|kinds| matches!(&kinds[..], ["opened"] | ["opened", "closed"])), "{kinds:?}");
    }
    let received = upstream.received().len();
    assert_eq!(seen(&upstream).len(), received, "each has an id of its own");
}

#[test]
fn two_events_of_a_request_are_one_request_wherever_they_are_read() {
    let upstream = Upstream::plain();
    let place = durable(&upstream);
    place.change("wardgate.yaml", "threads: 2", "threads: 1");
    let gate = place.serve();
    let key = bearer(&place.issue(&gate, "caller").1);
    let mut line = Line::open(gate.public);
    for _ in 0..5 {
        assert_eq!(line.ask("GET /shop/things/7", &[("Authorization", &key)], "").said(), "200");
    }
    // Refused before it could go anywhere: one event.
    assert_eq!(line.ask("GET /shop/things/7", &[], "").said(), "401 credential.missing");
    let events = until("all events", || {
        let events = place.events();
        (kinds(&events).values().flatten().count() == 11).then_some(events)
    });
    let kinds: Vec<Vec<&str>> = kinds(&events).into_values().collect();
    assert_eq!(kinds.iter().filter(|kinds| kinds[..] == ["opened", "closed"]).count(), 5, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kinds| kinds[..] == ["request"]).count(), 1, "{kinds:?}");
    for event in events.iter().filter(|event| event["kind"] == "opened") {
        assert_eq!(event["ruling"]["response"], "allow");
        assert_eq!(event["identity"]["name"], "caller");
        assert!(event["upstream"].is_null() && event["client_status"].is_null() && event["ending"].is_null(), "{event}");
    }
    // Counted once by whoever counts: the metric of rulings has five that were let in to it.
    let rulings = "wardgate_rulings_total{response=\"allow\",code=\"rule.allowed\",api=\"shop\"}";
    let metrics = crate::http::ask(gate.admin, "GET /metrics", &[], "").body;
    assert!(metrics.lines().any(|line| line == format!("{rulings} 5")), "{metrics}");
    assert_eq!(gate.end().0, Some(0));

    let told = wardgate(place.path(), &["audit", "timeline", "identity:caller", "--all"]).with(0).out;
    assert_eq!(told.matches("shop GET /shop/things/{id}").count(), 5, "{told}");
    assert!(!told.contains("stream"), "{told}");
    let report = wardgate(place.path(), &["replay", "--output", "json"]).with(0).json();
    assert_eq!(report["differences"].as_array().map(Vec::len), Some(0), "{report}");
    assert_eq!((&report["missing_rulings"], &report["not_replayed"]), (&0.into(), &0.into()), "{report}");
    let said = wardgate(place.path(), &["audit", "verify", "--output", "json"]).with(0).json();
    assert_eq!(said["whole"], true, "{said}");
}
