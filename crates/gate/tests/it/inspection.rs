//! Inspection of requests: what is asked for, what is refused, and that nothing is counted twice while a body is waited for.

use bytes::Bytes;
use std::fmt::Write as _;
use wardgate_gate::{Answer, Held, Need, Step, Verdict, decide, establish, resume};
use wardgate_model::{facts::Facts, reason::Reason, ruling::Response};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, Texts};

const WORLD: &str = "
kind: Owner
name: shop-team
spec: { accountable: lead@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Identity
name: sync
spec:
  type: service_account
  owner: shop-team
  environment: production
  purpose: keeps stock in step
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { hosts: [shop.example] }
  upstream: { urls: ['http://127.0.0.1:9000'] }
  openapi: file:shop.yaml
  mode: MODE
  inspect: INSPECT
  operations:
    - { match: 'POST /sessions', class: login, login: { subject: /username, failed: [401] } }
    - { match: 'POST /logins', class: login, login: { subject: /username, failed: [401] } }
---
kind: Grant
name: sync-works
spec: { to: { identity: sync }, api: shop, operations: [read, list, write, login] }
---
kind: Limit
name: shop
spec: { select: { api: shop }, per: identity, quota: 3/day }
";

const DOCUMENT: &str = "
openapi: 3.1.0
paths:
  /things:
    get:
      parameters:
        - { name: limit, in: query, schema: { type: integer, maximum: 100 } }
        - { name: X-Page, in: header, schema: { type: integer } }
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: { type: object, required: [name], properties: { name: { type: string }, count: { type: integer, minimum: 1 } }, additionalProperties: false }
          application/x-www-form-urlencoded:
            schema: { type: object, required: [name], properties: { name: { type: string }, count: { type: integer, minimum: 1 } } }
          text/plain: {}
  /sessions:
    post: {}
  /logins:
    post: { requestBody: { content: { application/json: {} } } }
  /notes:
    post:
      requestBody:
        content:
          application/json:
            schema: { type: object, properties: { name: { type: string } }, additionalProperties: false }
  /blobs:
    post: { requestBody: { content: { '*/*': {} } } }
  /files:
    post: { requestBody: { content: { application/octet-stream: {}, 'text/plain': {} } } }
  /pings:
    get: {}
    post: {}
";

fn shop(inspect: &str, mode: &str) -> TestWorld {
    let yaml = WORLD.replace("INSPECT", inspect).replace("MODE", mode);
    let files: &[(&str, &[u8])] = &[("shop.yaml", DOCUMENT.as_bytes())];
    Texts { yaml: &yaml, cedar: &[], files, grants: &[], shipped: ShippedLimits::Off }.world().unwrap()
}

fn facts(world: &TestWorld, request: &str) -> Facts {
    let asked = Asked::parse(request).unwrap().bearer(world.key("sync"));
    match establish(&asked.arrival(DAWN), &world.snapshot, &world.meters, DAWN) {
        Step::Done(facts) => facts,
        Step::Wait(_, need) => panic!("{need:?}"),
    }
}

enum Came {
    Ruled(Box<Verdict>),
    Waits(Held),
}

fn begin(world: &TestWorld, facts: &Facts) -> Came {
    match decide(facts, &world.snapshot, &world.meters, DAWN) {
        Step::Done(verdict) => Came::Ruled(Box::new(verdict)),
        Step::Wait(held, Need::Body { limit } | Need::Start { limit }) => {
            assert_eq!(limit, 1 << 20);
            Came::Waits(held)
        }
        Step::Wait(_, need) => panic!("{need:?}"),
    }
}

fn end(world: &TestWorld, facts: &Facts, held: Held, body: Result<&[u8], Reason>) -> Verdict {
    let answer = Answer::Body(body.map(Bytes::copy_from_slice));
    match resume(held, &answer, facts, &world.snapshot, &world.meters, DAWN) {
        Step::Done(verdict) => verdict,
        Step::Wait(_, need) => panic!("{need:?}"),
    }
}

fn said(verdict: &Verdict) -> String {
    let mut said = verdict.ruling.reason().code().to_owned();
    if let Some(told) = &verdict.ruling.told {
        let _ = write!(said, " ({told})");
    }
    said + if verdict.permit.is_some() { ", goes on" } else { "" }
}

/// What becomes of a request with a body.
fn check(world: &TestWorld, request: &str, body: &[u8]) -> String {
    let facts = facts(world, request);
    match begin(world, &facts) {
        Came::Ruled(verdict) => format!("unread: {}", said(&verdict)),
        Came::Waits(held) => said(&end(world, &facts, held, Ok(body))),
    }
}

fn post(media: &str, length: impl std::fmt::Display) -> String {
    post_to("/things", media, length)
}

/// Without a length it comes in chunks.
fn post_to(path: &str, media: &str, length: impl std::fmt::Display) -> String {
    let length = length.to_string();
    let length = if length.is_empty() { "\ntransfer-encoding: chunked".to_owned() } else { format!("\ncontent-length: {length}") };
    let media = if media.is_empty() { String::new() } else { format!("\ncontent-type: {media}") };
    format!("POST {path}\nhost: shop.example{media}{length}")
}

const JSON: &str = "application/json; charset=utf-8";

#[test]
fn what_the_document_says_is_enforced_where_the_api_says_so() {
    let of = |body: &str| check(&shop("{ requests: enforce }", "enforce"), &post(JSON, body.len()), body.as_bytes());
    assert_eq!(of(r#"{"name":"a","count":1}"#), "rule.allowed, goes on");
    assert_eq!(of(r#"{"name":"a","count":0}"#), "inspect.request (the body at `/count`: it is out of range)");
    assert_eq!(of(r#"{"name":"a","c":0}"#), "inspect.request (the body at `/c`: it is nothing that is described)");
    assert_eq!(of("{}"), "inspect.request (the body: `name` is required, and missing)");
    assert_eq!(of(r#"{"name":"a","name":"b"}"#), "inspect.body (the body, at byte 13: a name stands twice in one object)");
    let world = shop("{ requests: enforce }", "enforce");
    assert_eq!(
        check(&world, &post("application/x-www-form-urlencoded", 8), b"name=a&count=x"),
        "inspect.request (the body at `/count`: it is of another type)"
    );
    assert_eq!(
        check(&world, &post("text/plain", 8), b"anything"),
        "unread: rule.allowed, goes on",
        "it is taken, and nothing is said of it"
    );
    assert_eq!(
        check(&world, &post("application/xml", 8), b""),
        "unread: inspect.media (the body: the document describes none of this media type)"
    );
    assert_eq!(check(&world, &post("", 8), b""), "unread: inspect.media (the body: the document describes none of this media type)");
    assert_eq!(check(&world, &post("", 0), b""), "inspect.request (the body: it is required, and missing)");
    assert_eq!(check(&world, &post("", ""), b"{\"name\":\"a\"}"), "inspect.media", "it came without a length and says not what it is");
    assert_eq!(check(&world, &post(JSON, 2_000_000), b""), "unread: wire.body_too_large");
}

/// Nobody has to say how long a body is, or of what type: that is no way round what is said of bodies.
#[test]
fn a_body_whose_length_and_type_nobody_says_is_a_body() {
    let world = shop("{ requests: enforce }", "enforce");
    let evil = br#"{"evil":1}"#;
    assert_eq!(check(&world, &post_to("/notes", "", ""), evil), "inspect.media");
    assert_eq!(
        check(&world, &post_to("/notes", "", evil.len()), evil),
        "unread: inspect.media (the body: the document describes none of this media type)"
    );
    assert_eq!(check(&world, &post_to("/notes", "", ""), b""), "rule.allowed, goes on", "it was none");
    assert_eq!(check(&world, &post_to("/notes", JSON, ""), evil), "inspect.request (the body at `/evil`: it is nothing that is described)");
    assert_eq!(check(&world, "POST /notes\nhost: shop.example", b""), "unread: rule.allowed, goes on");
    assert_eq!(check(&world, &post_to("/things", "", ""), b""), "inspect.request (the body: it is required, and missing)");
    let world = shop("{ requests: enforce }", "enforce");
    assert_eq!(check(&world, &post_to("/blobs", "", ""), evil), "unread: rule.allowed, goes on", "the document takes anything");
    let world = shop("{ requests: report }", "enforce");
    assert_eq!(check(&world, &post_to("/notes", "", ""), evil), "unread: rule.allowed, goes on");
}

#[test]
fn an_operation_of_which_a_document_says_nothing_takes_no_body() {
    let world = shop("{ requests: enforce }", "enforce");
    let none = "unread: inspect.media (the body: the document describes none)";
    assert_eq!(check(&world, &post_to("/pings", JSON, 2), b"{}"), none);
    assert_eq!(check(&world, &post_to("/pings", JSON, ""), b"{}"), none);
    assert_eq!(check(&world, &post_to("/pings", "", 2), b"{}"), none);
    assert_eq!(check(&world, &post_to("/pings", "", ""), b"{}"), "inspect.media");
    assert_eq!(check(&world, &post_to("/pings", "", ""), b""), "rule.allowed, goes on");
    assert_eq!(check(&world, &post_to("/pings", "", 0), b""), "unread: rule.allowed, goes on");
    // Many clients say of what type their bodies are, whether there is one or not.
    let world = shop("{ requests: enforce }", "enforce");
    let idle = "GET /pings\nhost: shop.example\ncontent-type: application/json";
    assert_eq!(check(&world, idle, b""), "unread: rule.allowed, goes on");
    assert_eq!(check(&shop("{ requests: report }", "enforce"), &post_to("/pings", JSON, 2), b"{}"), "unread: rule.allowed, goes on");
    // That there is a body of a login, the operator says.
    let login = br#"{"username":"ada"}"#;
    assert_eq!(check(&world, &post_to("/sessions", JSON, login.len()), login), "rule.allowed, goes on");
}

#[test]
fn parameters_are_held_against_the_document_too() {
    let world = shop("{ requests: enforce }", "enforce");
    let get = |target: &str| check(&world, &format!("GET {target}\nhost: shop.example"), b"");
    assert_eq!(get("/things?limit=100"), "unread: rule.allowed, goes on");
    assert_eq!(get("/things?limit=101"), "unread: inspect.request (parameter `limit` in the query: it is out of range)");
    let page = check(&world, "GET /things\nhost: shop.example\nx-page: two", b"");
    assert_eq!(page, "unread: inspect.request (parameter `X-Page` in the header: it is of another type)");
    let body = check(&world, "GET /things\nhost: shop.example\ncontent-type: text/plain\ncontent-length: 3", b"");
    assert_eq!(body, "unread: inspect.media (the body: the document describes none)");
}

#[test]
fn what_is_only_reported_goes_on() {
    for (inspect, mode) in [("{ requests: report }", "enforce"), ("{}", "enforce"), ("{ requests: report }", "observe")] {
        let world = shop(inspect, mode);
        for body in [r#"{"name":1}"#, r#"{"name":"a","name":"b"}"#, "no json"] {
            assert_eq!(
                check(&shop(inspect, mode), &post(JSON, body.len()), body.as_bytes()),
                "rule.allowed, goes on",
                "{inspect} {mode} {body}"
            );
        }
        assert_eq!(check(&world, &post(JSON, ""), b""), "unread: rule.allowed, goes on", "{inspect} {mode}: it has no length");
        let facts = facts(&world, &post(JSON, 10));
        let Came::Waits(held) = begin(&world, &facts) else { panic!("it is read") };
        assert_eq!(said(&end(&world, &facts, held, Err(Reason::CommitBusy))), "rule.allowed, goes on", "nothing of it was taken");
    }
    let world = shop("{ requests: off }", "enforce");
    assert_eq!(check(&world, &post(JSON, 10), b""), "unread: rule.allowed, goes on");
}

/// Who looks at what `enforce` would refuse, before it does, is told of what is found here as of all else.
#[test]
fn what_would_be_refused_is_told_where_rulings_do_not_bind() {
    let shop = || shop("{ requests: enforce, json: true }", "observe");
    for (body, code) in [(r#"{"name":1}"#, "inspect.request"), (r#"{"name":"a","name":"b"}"#, "inspect.body"), ("no json", "inspect.body")]
    {
        let world = shop();
        let facts = facts(&world, &post(JSON, body.len()));
        let Came::Waits(held) = begin(&world, &facts) else { panic!("it is read") };
        let verdict = end(&world, &facts, held, Ok(body.as_bytes()));
        let ruling = &verdict.ruling;
        assert_eq!((ruling.reason().code(), ruling.response, ruling.enforced), (code, Response::Block, false), "{body}");
        assert!(ruling.forwards() && verdict.permit.is_some(), "{body}");
    }
    let head = check(&shop(), "GET /things?limit=101\nhost: shop.example", b"");
    assert!(head.starts_with("unread: inspect.request") && head.ends_with("goes on"), "{head}");
    // What nobody would wait for goes on unread.
    assert_eq!(check(&shop(), &post(JSON, ""), b""), "unread: rule.allowed, goes on");
}

#[test]
fn every_json_is_held_to_its_limits_where_the_api_says_so() {
    let of = |body: &str| check(&shop("{ requests: off, json: true }", "enforce"), &post(JSON, body.len()), body.as_bytes());
    assert_eq!(of(r#"{"other":1}"#), "rule.allowed, goes on");
    assert_eq!(of(&format!("{}{}", "[".repeat(65), "]".repeat(65))), "inspect.body (the body, at byte 64: it is nested too deeply)");
    let coded = |coding: &str, body: &[u8]| {
        check(&shop("{ json: true }", "enforce"), &format!("{}\ncontent-encoding: {coding}", post(JSON, body.len())), body)
    };
    assert_eq!(coded("compress", b"x"), "inspect.coding");
    assert_eq!(coded("gzip", b"x"), "inspect.body (the body: it is not what its content coding says)");
    assert_eq!(coded("identity", br#"{"name":"a"}"#), "rule.allowed, goes on");
}

/// A rule that a client can switch off is none: what a body is said to be is its sender's word, and parsers behind ask for none.
#[test]
fn what_begins_like_json_is_held_to_its_limits_whatever_it_is_said_to_be() {
    let twice = br#" {"a":1,"a":2}"#;
    let of = |path: &str, media: &str, length: &dyn std::fmt::Display, body: &[u8]| {
        check(&shop("{ requests: off, json: true }", "enforce"), &post_to(path, media, length), body)
    };
    for media in ["", "text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "multipart/form-data; boundary=x"] {
        for length in [&twice.len() as &dyn std::fmt::Display, &""] {
            let said = of("/things", media, length, twice);
            assert_eq!(said, "inspect.body (the body, at byte 9: a name stands twice in one object)", "{media} {length}");
            assert_eq!(of("/pings", media, length, twice), said, "{media} {length}");
        }
        assert_eq!(of("/things", media, &7, br#"{"a":1}"#), "rule.allowed, goes on", "{media}");
        assert_eq!(of("/things", media, &7, b"a=%7B%7D"), "rule.allowed, goes on", "{media}");
        assert_eq!(of("/things", media, &"", b""), "rule.allowed, goes on", "{media}");
        assert_eq!(of("/things", media, &"", b" \n"), "rule.allowed, goes on", "{media}");
    }
    assert!(of("/files", "text/plain", &twice.len(), twice).starts_with("inspect.body"), "nobody looks into the document");
    // Where the document has an operation take that type and no JSON, it is let be.
    let described =
        |path: &str, media: &str| check(&shop("{ requests: report, json: true }", "enforce"), &post_to(path, media, twice.len()), twice);
    for media in ["application/octet-stream", "text/plain; charset=utf-8"] {
        assert_eq!(described("/files", media), "unread: rule.allowed, goes on", "{media}");
    }
    assert!(described("/files", "").starts_with("inspect.body"), "it is not said to be of that type");
    assert!(described("/files", "image/png").starts_with("inspect.body"));
    assert!(described("/blobs", "image/png").starts_with("inspect.body"), "anything may be JSON");
    let coded = |coding: &str, body: &[u8]| {
        let request = format!("{}\ncontent-encoding: {coding}", post("text/plain", body.len()));
        check(&shop("{ requests: off, json: true }", "enforce"), &request, body)
    };
    assert_eq!(coded("gzip", twice), "inspect.body (the body: it is not what its content coding says)");
    assert_eq!(coded("aes128gcm", b"x"), "inspect.coding");
    assert!(coded("identity", twice).starts_with("inspect.body"));
    // What is not as the document has it goes on where that is only reported; that it is bad JSON does not.
    let reported = |body: &[u8]| check(&shop("{ requests: report, json: true }", "enforce"), &post("image/png", body.len()), body);
    assert!(reported(twice).starts_with("inspect.body"));
    assert_eq!(reported(b"\x89PNG"), "rule.allowed, goes on");
    let observed = check(&shop("{ json: true }", "observe"), &post("text/plain", 8), twice);
    assert!(observed.starts_with("inspect.body") && observed.ends_with("goes on"), "{observed}");
}

/// A message of gRPC may come when the answer has begun: the operator says that an upstream takes such, and the client alone cannot.
#[test]
fn calls_of_grpc_are_not_waited_for() {
    let yaml = WORLD.replace("INSPECT", "{ requests: off, json: true }").replace("MODE", "enforce");
    let with = |protocol: &str| {
        let yaml = yaml.replace("9000']", &format!("9000'], protocol: {protocol}"));
        let files: &[(&str, &[u8])] = &[("shop.yaml", DOCUMENT.as_bytes())];
        let world = Texts { yaml: &yaml, cedar: &[], files, grants: &[], shipped: ShippedLimits::Off }.world().unwrap();
        check(&world, &post_to("/things", "application/grpc+proto", ""), br#"{"a":1,"a":2}"#)
    };
    assert_eq!(with("http2"), "unread: rule.allowed, goes on");
    assert!(with("http1").starts_with("inspect.body"));
}

/// Of what is large it is enough to see how it begins.
#[test]
fn what_does_not_begin_like_json_is_not_waited_for_to_its_end() {
    let world = shop("{ requests: off, json: true }", "enforce");
    let started = |media: &str, length: &dyn std::fmt::Display| {
        let facts = facts(&world, &post_to("/things", media, length));
        match decide(&facts, &world.snapshot, &world.meters, DAWN) {
            Step::Wait(_, Need::Start { limit }) => limit,
            other => panic!("{other:?}"),
        }
    };
    for (media, length) in [("text/plain", &1_000_000 as &dyn std::fmt::Display), ("", &""), ("image/png", &"")] {
        assert_eq!(started(media, length), 1 << 20, "{media} {length}");
    }
}

#[test]
fn whom_a_login_is_for_is_known_and_cannot_be_hidden() {
    let world = shop("{ requests: off }", "enforce");
    let login = |media: &str, body: &str| {
        let request = format!("POST /sessions\nhost: shop.example\ncontent-length: {}{media}", body.len());
        let facts = facts(&world, &request);
        match begin(&world, &facts) {
            Came::Ruled(verdict) => (said(&verdict), None),
            Came::Waits(held) => {
                let verdict = end(&world, &facts, held, Ok(body.as_bytes()));
                (said(&verdict), verdict.ruling.subject)
            }
        }
    };
    let json = "\ncontent-type: application/json";
    let (_, ada) = login(json, r#"{"username":"ada","password":"x"}"#);
    let (_, form) = login("\ncontent-type: application/x-www-form-urlencoded", "username=ada&password=y");
    let (_, bo) = login(json, r#"{"username":"bo","password":"x"}"#);
    assert!(ada.is_some() && ada == form && ada != bo);
    let world = shop("{ requests: off }", "enforce");
    let login = |media: &str, body: &str| {
        let facts = facts(&world, &format!("POST /sessions\nhost: shop.example\ncontent-length: {}{media}", body.len()));
        let Came::Waits(held) = begin(&world, &facts) else { panic!("it is read") };
        said(&end(&world, &facts, held, Ok(body.as_bytes())))
    };
    assert_eq!(login("\ncontent-type: text/plain", r#"{"username":"ada"}"#), "inspect.media");
    assert_eq!(login("", r#"{"username":"ada"}"#), "inspect.media");
    // Nor by a type that the document does not have, where that is only reported.
    let reporting = shop("{ requests: report }", "enforce");
    let body = r#"{"username":"ada"}"#;
    assert_eq!(check(&reporting, &post_to("/logins", "text/plain", body.len()), body.as_bytes()), "inspect.media");
    assert_eq!(
        login(json, r#"{"username":"ada","username":"bo"}"#),
        "inspect.body (the body, at byte 19: a name stands twice in one object)"
    );
}

#[test]
fn a_request_is_counted_once_and_given_back_when_it_is_refused() {
    let world = shop("{ requests: enforce }", "enforce");
    let facts = facts(&world, &post(JSON, 12));
    let good = br#"{"name":"a"}"#;
    // Three a day: what is dropped while it waits and what its body is refused for is given back.
    for _ in 0..5 {
        let Came::Waits(held) = begin(&world, &facts) else { panic!("it is read") };
        drop(held);
        let Came::Waits(held) = begin(&world, &facts) else { panic!("it is read") };
        assert_eq!(said(&end(&world, &facts, held, Ok(b"{}"))), "inspect.request (the body: `name` is required, and missing)");
        let Came::Waits(held) = begin(&world, &facts) else { panic!("it is read") };
        assert_eq!(said(&end(&world, &facts, held, Err(Reason::WireTimeout))), "wire.timeout");
    }
    for _ in 0..3 {
        let Came::Waits(held) = begin(&world, &facts) else { panic!("it is read") };
        assert_eq!(said(&end(&world, &facts, held, Ok(good))), "rule.allowed, goes on");
    }
    let Came::Ruled(verdict) = begin(&world, &facts) else { panic!("its quota is used up") };
    assert_eq!(said(&verdict), "reserve.quota_exceeded");
}

#[test]
fn whoever_may_not_call_any_more_is_refused_when_the_body_is_there() {
    let world = shop("{ requests: enforce }", "enforce");
    let facts = facts(&world, &post(JSON, 12));
    let Came::Waits(held) = begin(&world, &facts) else { panic!("it is read") };
    // Meanwhile its grant is taken away.
    let yaml = WORLD.replace("INSPECT", "{ requests: enforce }").replace("MODE", "enforce").replace("identity: sync }", "owner: nobody }");
    let yaml = format!("{yaml}---\n{{kind: Owner, name: nobody, spec: {{accountable: n@example.com}}}}\n");
    let files: &[(&str, &[u8])] = &[("shop.yaml", DOCUMENT.as_bytes())];
    let after = Texts { yaml: &yaml, cedar: &[], files, grants: &[], shipped: ShippedLimits::Off }.world().unwrap();
    let answer = Answer::Body(Ok(Bytes::from_static(br#"{"name":"a"}"#)));
    let Step::Done(verdict) = resume(held, &answer, &facts, &after.snapshot, &world.meters, DAWN) else { panic!("no ruling") };
    assert_eq!(said(&verdict), "standing.no_grant");
}
