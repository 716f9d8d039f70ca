//! Operations beside the documents of their APIs: called and in none, to be gone, unused, called otherwise.

use crate::{
    gate::{Gate, Place, until},
    http::{ask, bearer},
    upstream::Upstream,
};
use serde_json::Value;

const WORLD: &str = "\
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  sensitivity: high
  match: { path_prefix: /shop }
  upstream: { urls: ['@UPSTREAM@'] }
  openapi: file:../shop-api.yaml
  inspect: { requests: report }
---
kind: Api
name: legacy
spec:
  policy_owner: shop-team
  environment: production
  mode: observe
  match: { path_prefix: /legacy }
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'GET /things', class: list }]
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
";

const DOCUMENT: &str = "\
openapi: 3.1.0
paths:
  /things:
    get:
      x-wardgate-class: list
      parameters: [{ name: limit, in: query, schema: { type: integer, maximum: 100 } }]
    post:
      requestBody:
        content:
          application/json:
            schema: { type: object, required: [name], properties: { name: { type: string } } }
  /things/{id}:
    get: { parameters: [{ name: id, in: path, required: true, schema: { type: string } }] }
  /carts/{cart}:
    get: { parameters: [{ name: cart, in: path, required: true, schema: { type: string } }] }
  /old:
    get: { deprecated: true, x-wardgate-deprecated: 2020-01-01, x-sunset: '2021-01-01' }
";

struct Scene {
    gate: Gate,
    key: String,
    place: Place,
    _upstream: Upstream,
}

impl Scene {
    fn new() -> Self {
        let (place, upstream) = (Place::bare(), Upstream::plain());
        place.write("resources/shop.yaml", &WORLD.replace("@UPSTREAM@", &upstream.url()));
        place.write("shop-api.yaml", DOCUMENT);
        let gate = place.serve();
        let (_, key) = place.issue(&gate, "caller");
        Self { gate, key: bearer(&key), place, _upstream: upstream }
    }

    fn call(&self, what: &str) -> String {
        ask(self.gate.public, what, &[("Authorization", &self.key)], "").said()
    }

    fn post(&self, body: &str) -> String {
        ask(self.gate.public, "POST /shop/things", &[("Authorization", &self.key), ("Content-Type", "application/json")], body).said()
    }

    /// What is beside its document, as `STANDING OPERATION (DETAIL) CALLS/SERVED/REFUSED`.
    fn beside(&self, arguments: &[&str]) -> Vec<String> {
        let arguments: Vec<&str> = ["operations", "--output", "json"].iter().chain(arguments).copied().collect();
        let found = self.place.run(&self.gate, &arguments, "").with(0).json();
        let line = |one: &Value| {
            let text = |name: &str| one[name].as_str().unwrap_or("-").to_owned();
            let number = |name: &str| one[name].as_u64().unwrap();
            format!(
                "{} {} ({}) {}/{}/{}",
                text("standing"),
                text("operation"),
                text("detail"),
                number("calls"),
                number("served"),
                number("refused")
            )
        };
        found["items"].as_array().unwrap().iter().map(line).collect()
    }

    fn finding(&self, code: &str) -> Option<(String, String)> {
        let found = self.place.run(&self.gate, &["findings", "--code", code, "--output", "json"], "").with(0).json();
        let one = found["items"].as_array().unwrap().first()?.clone();
        Some((one["severity"].as_str().unwrap().to_owned(), one["evidence"].as_str().unwrap().to_owned()))
    }
}

#[test]
fn what_is_called_and_in_no_document_is_shadow_and_stays_known_over_a_restart() {
    let mut scene = Scene::new();
    for id in ["7", "8", "9"] {
        assert_eq!(scene.call(&format!("GET /shop/hidden/{id}")), "404 route.no_operation");
    }
    assert_eq!(ask(scene.gate.public, "GET /legacy/export", &[], "").status, 200, "it is only observed");
    assert_eq!(scene.call("GET /shop/once"), "404 route.no_operation");
    let shop = "shadow GET /shop/hidden/{id} (callers ask for it, and are refused) 3/0/3";
    assert_eq!(scene.beside(&["--shadow"]), ["shadow GET /legacy/export (the upstream serves it) 1/1/0", shop]);
    assert_eq!(scene.beside(&["--api", "shop"]), [shop]);
    let (severity, evidence) = scene.finding("api.shadow").unwrap();
    assert!(
        evidence.starts_with("`GET /legacy/export` (the upstream serves it; called 1 time, served 1 time, last at "),
        "{severity} {evidence}"
    );
    let page = scene.place.run(&scene.gate, &["describe", "api", "shop"], "").with(0).out;
    assert!(page.contains("Beside its document") && page.contains("GET /shop/hidden/{id}") && page.contains("api.shadow"), "{page}");
    let table = scene.place.run(&scene.gate, &["operations", "--shadow"], "").with(0).out;
    assert!(table.contains("127.0.0.0/24"), "{table}");
    assert_eq!(scene.gate.metric("wardgate_shadow_requests_total"), Some(5));

    drop(scene.gate.end());
    scene.gate = scene.place.serve();
    assert_eq!(scene.call("GET /shop/hidden/10"), "404 route.no_operation");
    assert_eq!(
        scene.beside(&["--api", "shop"])[0],
        "shadow GET /shop/hidden/{id} (callers ask for it, and are refused) 3/0/3",
        "once more is a slip"
    );
    for id in ["11", "12"] {
        scene.call(&format!("GET /shop/hidden/{id}"));
    }
    assert_eq!(scene.beside(&["--api", "shop"])[0], "shadow GET /shop/hidden/{id} (callers ask for it, and are refused) 6/0/6");
    // Once the document has it, it is none.
    let text = format!("{DOCUMENT}  /hidden/{{id}}:\n    get: {{}}\n");
    scene.place.write("shop-api.yaml", &text);
    scene.gate.heard("the files were taken");
    assert_eq!(scene.beside(&["--api", "shop", "--shadow"]), [""; 0]);
}

#[test]
fn what_should_be_gone_is_zombie_while_it_is_called() {
    let scene = Scene::new();
    assert_eq!((scene.call("GET /shop/old"), scene.call("GET /shop/carts/7")), ("200".to_owned(), "200".to_owned()));
    let old = "zombie GET /shop/old (its sunset was at 2021-01-01T00:00:00Z) 1/1/0";
    // Use is summed up a moment later.
    until("use", || (scene.beside(&["--zombie"]) == [old]).then_some(()));
    let without = DOCUMENT.split("  /carts/{cart}:").next().unwrap();
    scene.place.write("shop-api.yaml", without);
    scene.gate.heard("the files were taken");
    assert_eq!(scene.call("GET /shop/carts/7"), "404 route.no_operation");
    assert_eq!(scene.beside(&["--zombie"]), [""; 0], "asked for once is a slip");
    for cart in ["8", "9"] {
        scene.call(&format!("GET /shop/carts/{cart}"));
    }
    let found = scene.beside(&["--zombie"]);
    assert_eq!(found, ["zombie GET /shop/carts/{cart} (the document has it no longer) 3/0/3"], "{found:?}");
}

#[test]
fn what_nobody_calls_is_unused_and_what_is_called_otherwise_is_drift() {
    let scene = Scene::new();
    assert_eq!(scene.call("GET /shop/things?limit=1000"), "200", "it is only reported");
    assert_eq!((scene.post(r#"{"name":7}"#), scene.post(r#"{"name":"a"}"#)), ("200".to_owned(), "200".to_owned()));
    let drift = scene.beside(&["--drift"]);
    let expected = [
        "drift GET /shop/things (parameter `limit` in the query: it is out of range) 1/1/0",
        "drift POST /shop/things (the body at `/name`: it is of another type) 1/1/0",
    ];
    assert_eq!(drift, expected);
    let (severity, evidence) = scene.finding("api.drift").unwrap();
    assert_eq!(severity, "low");
    assert!(evidence.contains("`POST /shop/things`: the body at `/name`: it is of another type (1 time, last at "), "{evidence}");
    until("use", || {
        let unused = scene.beside(&["--unused", "--unused-for", "1s", "--api", "shop"]);
        let names: Vec<&str> =
            unused.iter().filter_map(|line| Some(line.strip_prefix("unused ")?.split_once(" (never called since ")?.0)).collect();
        (names == ["GET /shop/carts/{cart}", "GET /shop/old", "GET /shop/things/{id}"]).then_some(())
    });
    assert_eq!(scene.beside(&["--unused"]), [""; 0], "nobody has looked for 90 days");
    assert_eq!(scene.finding("api.unused"), None);
}
