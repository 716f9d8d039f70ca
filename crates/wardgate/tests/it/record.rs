//! One event for every request, however it ended, and every line as the published schema says.

use crate::{
    gate::{Place, until},
    http::{Answer, Line, ask, bearer, request},
    process::wardgate,
    upstream::{Keeper, Nobody, Play, Upstream, ok},
};
use serde_json::Value;
use std::{collections::BTreeMap, process::Command, sync::Arc};

/// Two more APIs: one whose upstream is not there, one whose record may be lost.
const MORE: &str = "\
kind: Api
name: down
spec:
  policy_owner: shop-team
  environment: production
  match: { path_prefix: /down }
  upstream: { urls: ['http://@NOBODY@'] }
  operations: [{ match: 'GET /things', class: list }]
---
kind: Api
name: loose
spec:
  policy_owner: shop-team
  environment: production
  audit: best_effort
  match: { path_prefix: /loose }
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'GET /things', class: list }]
---
kind: Grant
name: caller-calls-down
spec: { to: { identity: caller }, api: down, operations: [list] }
---
kind: Grant
name: caller-calls-loose
spec: { to: { identity: caller }, api: loose, operations: [list] }
";

/// Plays a part for each path; `held` stands still until the keeper opens.
fn scripted(keeper: &Arc<Keeper>) -> Upstream {
    let keeper = Arc::clone(keeper);
    Upstream::start(move |head| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        match path.rsplit('/').next().unwrap_or_default() {
            "held" | "left" | "cut" => Play::Held(chunked.to_owned(), "4\r\nlast\r\n0\r\n\r\n".to_owned(), Arc::clone(&keeper)),
            "broken-body" => Play::Break(chunked.to_owned()),
            "broken-head" => Play::Break("HTTP/1.1 200 O".to_owned()),
            "no-http" => Play::Break("SSH-2.0-OpenSSH_9.9\r\n\r\n".to_owned()),
            "effect" => Play::Answer(ok("done").replace("\r\n\r\n", "\r\nWardgate-Effect: made thing 7\r\n\r\n")),
            _ => Play::Answer(ok("ok")),
        }
    })
}

fn place(upstream: &Upstream, nobody: &Nobody) -> Place {
    let place = Place::shop(&upstream.url());
    place.write("resources/more.yaml", &MORE.replace("@NOBODY@", &nobody.address.to_string()).replace("@UPSTREAM@", &upstream.url()));
    place.change("resources/shop.yaml", "'DELETE /things/{id}', class: delete", "'PUT /things/{id}', class: write");
    place
}

/// `code ending client_status upstream_status` of an event.
fn told(event: &Value) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.as_u64().map_or("-".to_owned(), |n| n.to_string()), str::to_owned);
    let parts = [&event["ruling"]["code"], &event["ending"], &event["client_status"], &event["upstream"]["status"]];
    parts.map(word).join(" ")
}

/// Events of requests at the public door.
fn public(place: &Place) -> Vec<Value> {
    place.events().into_iter().filter(|event| event["door"] == "public").collect()
}

/// Every line is what `wardgate schema event` says.
fn follows_the_schema(place: &Place) {
    let schema = wardgate(place.path(), &["schema", "event"]).with(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let events = place.events();
    for event in &events {
        let errors: Vec<String> = validator.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {event:#}");
    }
    let numbers: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "numbered without gaps: {numbers:?}");
}

/// Requests that get an answer, and what their events say.
fn answered(gate: std::net::SocketAddr, key: &str) -> Vec<(Answer, &'static str)> {
    let bearer = bearer(key);
    let known: &[(&str, &str)] = &[("Authorization", &bearer)];
    let wrong = format!("{}{}", &bearer[..bearer.len() - 1], if bearer.ends_with('1') { "2" } else { "1" });
    let in_query = format!("GET /shop/things?key={key}");
    let large = "x".repeat(65 * 1024);
    let mut asked = vec![
        (ask(gate, "GET /shop/things", known, ""), "rule.allowed complete 200 200"),
        (ask(gate, "POST /shop/things", known, "body"), "rule.allowed complete 200 200"),
        (ask(gate, "GET /shop/things/effect", known, ""), "rule.allowed complete 200 200"),
        (ask(gate, "GET /shop/things", &[], ""), "credential.missing complete 401 -"),
        (ask(gate, "GET /shop/things", &[("Authorization", &wrong)], ""), "proof.checksum complete 401 -"),
        (ask(gate, "GET /shop/things", &[("Authorization", "Basic QTpC")], ""), "credential.not_accepted complete 401 -"),
        (ask(gate, &in_query, known, ""), "credential.in_query complete 400 -"),
        (ask(gate, "GET /shop/things", &[("Authorization", &bearer), ("X-Old-Key", key)], ""), "credential.misplaced complete 400 -"),
        (ask(gate, "GET /nowhere", known, ""), "route.no_api complete 404 -"),
        (ask(gate, "GET /shop/other", known, ""), "route.no_operation complete 404 -"),
        (ask(gate, "PATCH /shop/things", known, ""), "route.no_method complete 405 -"),
        (ask(gate, "GET /shop/../things", known, ""), "canon.path complete 400 -"),
        (ask(gate, "GET /down/things", known, ""), "forward.connect complete 502 -"),
        (ask(gate, "GET /shop/things/broken-head", known, ""), "forward.malformed complete 502 -"),
        (ask(gate, "GET /shop/things/no-http", known, ""), "forward.malformed complete 502 -"),
        (ask(gate, "POST /shop/things", known, &large), "wire.body_too_large complete 413 -"),
    ];
    for (raw, said) in [
        ("GET /shop/things HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "wire.framing complete 400 -"),
        ("GET /shop/things HTTP/1.1\nHost: a\n\n", "wire.malformed complete 400 -"),
    ] {
        let mut line = Line::open(gate);
        line.send(raw);
        asked.push((line.answer().unwrap(), said));
    }
    asked
}

#[test]
fn one_event_for_every_request_however_it_ends() {
    let keeper = Arc::new(Keeper::default());
    let upstream = scripted(&keeper);
    let nobody = Nobody::new();
    let place = place(&upstream, &nobody);
    place.change("wardgate.yaml", "drain: 20s", "drain: 500ms");
    let gate = place.serve();
    let (_, key) = place.issue(&gate, "caller");
    let bearer = bearer(&key);
    let known: &[(&str, &str)] = &[("Authorization", &bearer)];
    let open = |path: &str| {
        let mut line = Line::open(gate.public);
        line.send(&request(&format!("GET /shop/things/{path}"), known, ""));
        line
    };

    let answered = answered(gate.public, &key);
    // What has no answer, or none that is whole, is known by its path.
    let mut unanswered: BTreeMap<&str, &str> = BTreeMap::new();

    // The client goes away in the middle of its body.
    let mut line = Line::open(gate.public);
    line.send(&format!(
        "PUT /shop/things/half-sent HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\nContent-Length: 100\r\n\r\nten bytes."
    ));
    until("the upload to reach the upstream", || upstream.received().iter().find(|r| r.head.contains("half-sent")).cloned());
    drop(line);
    // Seen from here it closed its sending side only, so it is still told.
    unanswered.insert("/shop/things/half-sent", "wire.body_incomplete complete 400 -");

    // The client goes away in the middle of the answer.
    let mut line = open("left");
    line.read_until("first");
    drop(line);
    // A closed sending side alone is no farewell: it takes a moment (`half_close`) until it is known.
    let is_left = |event: &Value| event["path"] == "/shop/things/left";
    until("the event of the client that left", || public(&place).iter().any(is_left).then_some(()));
    unanswered.insert("/shop/things/left", "rule.allowed client_gone 200 200");

    // The upstream breaks off in the middle of its answer: the client can tell.
    assert!(open("broken-body").answer().is_none(), "a broken answer must not look whole");
    unanswered.insert("/shop/things/broken-body", "rule.allowed upstream_broke 200 200");

    // A chunked body that grows too large on its way: nobody could know before.
    let mut line = Line::open(gate.public);
    line.send(&format!("PUT /shop/things/grown HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for _ in 0..5 {
        line.try_send(&format!("4000\r\n{}\r\n", "x".repeat(0x4000)));
    }
    assert_eq!(line.answer().unwrap().said(), "413 wire.body_too_large");
    unanswered.insert("/shop/things/grown", "wire.body_too_large complete 413 -");

    // HTTP/2 in clear text.
    let url = format!("http://{}/shop/things/second", gate.public);
    let arguments = ["-sS", "-m", "60", "--http2-prior-knowledge", "-o", "/dev/null", "-H", &format!("Authorization: {bearer}"), &url];
    assert!(Command::new("curl").args(arguments).status().unwrap().success());
    unanswered.insert("/shop/things/second", "rule.allowed complete 200 200");

    // An answer that does not end while the gate does.
    let mut line = open("cut");
    line.read_until("first");
    unanswered.insert("/shop/things/cut", "rule.allowed cut 200 200");
    assert_eq!(gate.end().0, Some(0));
    assert!(line.answer().is_none(), "what was cut must not look whole");
    keeper.open();

    let events = public(&place);
    let mut of_answers = 0;
    for (answer, said) in &answered {
        let found: Vec<&Value> = events.iter().filter(|event| event["request_id"] == answer.id().as_str()).collect();
        assert_eq!(found.iter().map(|event| told(event)).collect::<Vec<_>>(), [*said], "{answer:?}");
        of_answers += found.len();
    }
    for (path, said) in &unanswered {
        let found: Vec<String> = events.iter().filter(|event| event["path"] == *path).map(told).collect();
        assert_eq!(found, [*said], "{path}");
    }
    assert_eq!(events.len(), answered.len() + unanswered.len(), "events and requests");
    assert_eq!(of_answers, answered.len());
    let effect = events.iter().find(|event| event["path"] == "/shop/things/effect").unwrap();
    assert_eq!(effect["effect"], "made thing 7");
    follows_the_schema(&place);
}

#[test]
fn without_a_place_for_its_event_a_request_goes_no_further_or_is_counted() {
    let keeper = Arc::new(Keeper::default());
    let upstream = scripted(&keeper);
    let nobody = Nobody::new();
    let place = place(&upstream, &nobody);
    let gate = place.serve();
    let (_, key) = place.issue(&gate, "caller");
    assert_eq!(gate.end().0, Some(0));

    // One place: a request that is under way has it, until its event is on disk.
    place.write(
        "wardgate.yaml",
        &format!("{}audit: {{ queue_events: 1 }}\n", std::fs::read_to_string(place.path().join("wardgate.yaml")).unwrap()),
    );
    let gate = place.serve();
    let empty = || until("an empty queue", || gate.metric("wardgate_audit_queue_events").filter(|queued| *queued == 0));
    let dropped = || gate.metric("wardgate_audit_dropped_total").unwrap();
    let (bearer, before) = (bearer(&key), upstream.received().len());
    let known: &[(&str, &str)] = &[("Authorization", &bearer)];
    empty();
    let at_first = dropped();
    let mut held = Line::open(gate.public);
    held.send(&request("GET /shop/things/held", known, ""));
    held.read_until("first");

    let refused = ask(gate.public, "GET /shop/things", known, "");
    assert_eq!(refused.said(), "503 commit.no_record");
    assert!(refused.field("retry-after").is_some(), "{refused:?}");
    assert_eq!(upstream.received().len(), before + 1, "`required`: refused before it is forwarded");
    assert_eq!(ask(gate.public, "GET /loose/things", known, "").said(), "200");
    assert_eq!(upstream.received().len(), before + 2, "`best_effort`: forwarded");
    // A request is counted when it is over here, which may be after its client has read the answer.
    until("the lost events to be counted", || (dropped() - at_first >= 2).then_some(()));
    assert_eq!(dropped() - at_first, 2, "both events are lost, and counted");

    keeper.open();
    let held = held.answer().unwrap();
    assert_eq!(held.body, "firstlast");
    empty();
    let again = ask(gate.public, "GET /shop/things", known, "");
    assert_eq!(again.said(), "200");
    assert_eq!(gate.end().0, Some(0));
    let recorded: Vec<String> = public(&place).iter().map(|event| event["request_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(recorded, [held.id(), again.id()]);
    follows_the_schema(&place);
}

const ZONE: &str = "\
kind: Environment
name: laboratory
spec: {}
---
kind: Zone
name: here
spec: { networks: [127.0.0.0/8, '::1'], environment: laboratory }
";

/// What a responder asks of a call: on what it acted, what it gave, from where it came, and what was called because of it.
#[test]
fn an_event_tells_what_a_call_acted_on_and_gave_and_from_where_it_came() {
    let json = |body: &str| ok(body).replace("\r\n\r\n", "\r\nContent-Type: application/json\r\nWardgate-Effect: looked\r\n\r\n");
    let upstream = Upstream::start(move |head| match head.split(' ').nth(1).unwrap_or_default() {
        "/shop/things" => Play::Answer(json(r#"{"things":[{"id":1},{"id":2},{"id":3}],"next":null}"#)),
        _ => Play::Answer(json(r#"{"parts":{"total":12}}"#)),
    });
    let place = Place::shop(&upstream.url());
    place.write("resources/zone.yaml", ZONE);
    place.change(
        "resources/shop.yaml",
        "'GET /things/{id}', class: read",
        "'GET /things/{id}', class: read, resource: path.id, records: /parts/total",
    );
    let gate = place.serve();
    let key = bearer(&place.issue(&gate, "caller").1);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let known: &[(&str, &str)] = &[("Authorization", &key), ("traceparent", trace)];
    assert_eq!(ask(gate.public, "GET /shop/things", known, "").said(), "200");
    assert_eq!(ask(gate.public, "GET /shop/things/4711", known, "").said(), "200");
    let events = until("both events", || {
        let events: Vec<Value> = place.events().into_iter().filter(|event| event["api"]["name"] == "shop").collect();
        (events.len() == 2).then_some(events)
    });
    let told = |event: &Value| [&event["resource"], &event["upstream"]["records"], &event["effect"]].map(Value::to_string).join(" ");
    assert_eq!(events.iter().map(told).collect::<Vec<_>>(), ["null 3 \"looked\"", "\"4711\" 12 \"looked\""]);
    for event in &events {
        let source = &event["source"];
        assert_eq!(
            (&source["zone"], &source["environment"], &event["identity"]["environment"]),
            (&"here".into(), &"laboratory".into(), &"production".into())
        );
    }
    // The other call of the trace stands below the one on the resource, or before it.
    let told = wardgate(place.path(), &["audit", "timeline", "resource:4711", "--trace-children"]).with(0).out;
    assert!(told.contains("12 records") && told.contains("3 records") && told.contains("resource 4711"), "{told}");
    assert_eq!(told.matches("└").count(), 1, "{told}");
    follows_the_schema(&place);
    assert_eq!(gate.end().0, Some(0));
}
