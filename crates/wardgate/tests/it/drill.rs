//! Rehearsals of attacks against a gate that serves: each scenario as a command, with what it says of it; and what is left when one is over.

use crate::{
    gate::{Gate, Place, until},
    process::{Ended, wardgate},
    upstream::{Play, Upstream, ok},
};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};

const WORLD: &str = "\
kind: Environment
name: staging
spec: { production: false }
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: staging
  match: { path_prefix: /shop }
  accept: [api_key, jwt]
  upstream: { urls: ['@UPSTREAM@'] }
  operations:
    - { match: 'GET /things/{id}', class: read }
    - { match: 'GET /things', class: list }
    - { match: 'GET /orders/{id}', class: read }
    - { match: 'GET /customers/{id}', class: read }
    - { match: 'GET /invoices/{id}', class: read }
    - { match: 'GET /prices/{id}', class: read }
    - { match: 'GET /returns/{id}', class: read }
    - { match: 'GET /export', class: bulk }
    - { match: 'POST /holds', class: write }
    - { match: 'DELETE /orders/{id}', class: delete }
    - { match: 'POST /payments', class: money }
    - { match: 'POST /users', class: admin }
    - { match: 'POST /login', class: login, anonymous: true, login: { subject: /user, failed: [401] } }
---
kind: Api
name: stock
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: staging
  match: { path_prefix: /stock }
  upstream: { urls: ['@UPSTREAM@'] }
  operations:
    - { match: 'GET /items/{id}', class: read }
    - { match: 'GET /places/{id}', class: read }
    - { match: 'GET /counts/{id}', class: read }
    - { match: 'GET /moves/{id}', class: read }
    - { match: 'GET /orders/{id}', class: read }
    - { match: 'GET /audits', class: list }
---
kind: Api
name: live
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  match: { path_prefix: /live }
  upstream: { urls: ['@UPSTREAM@'] }
  operations: [{ match: 'GET /things/{id}', class: read }]
---
kind: Identity
name: watcher
spec:
  type: bot
  owner: shop-team
  environment: staging
  purpose: looks on
  roles: [operator]
";

/// Things have great numbers; who signs in with a long password may.
fn played(head: &str) -> Play {
    let line = head.lines().next().unwrap_or_default();
    let path = line.split(' ').nth(1).unwrap_or_default();
    let length =
        head.to_ascii_lowercase().split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
    let last = path.rsplit('/').next().unwrap_or_default();
    let thing = last.parse::<u64>().is_ok_and(|number| (10_000..90_000_000).contains(&number));
    let answer = if path == "/shop/login" {
        if length > Some(150) { ok("{}") } else { "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}".to_owned() }
    } else if line.starts_with("GET") && path.matches('/').count() > 2 && !thing {
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()
    } else {
        ok(r#"{"items":[{"id":1},{"id":2}]}"#)
    };
    Play::Answer(answer)
}

struct World {
    place: Place,
    gate: Gate,
    upstream: Upstream,
}

impl World {
    fn new() -> Self {
        let (place, upstream) = (Place::bare(), Upstream::start(played));
        place.write("resources/world.yaml", &WORLD.replace("@UPSTREAM@", &upstream.url()));
        let gate = place.serve();
        Self { place, gate, upstream }
    }

    fn arguments(&self, scenario: &str, more: &[&str]) -> Vec<String> {
        let connect = format!("http://{}", self.gate.public);
        // What is said otherwise takes the place of this.
        let usual = [("--api", "shop"), ("--gate", "https://gate.test"), ("--connect", &connect), ("--for", "40s"), ("--output", "json")];
        let usual = usual.iter().filter(|(name, _)| !more.contains(name)).flat_map(|(name, value)| [*name, *value]);
        ["drill", "attack", scenario].into_iter().chain(usual).chain(more.iter().copied()).map(str::to_owned).collect()
    }

    fn run(&self, scenario: &str, more: &[&str]) -> Ended {
        let arguments = self.arguments(scenario, more);
        self.place.run(&self.gate, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), "")
    }

    /// What a rehearsal says that was contained, and that harmed nobody.
    fn contained(&self, scenario: &str, more: &[&str]) -> Value {
        let report = self.run(scenario, more).with(0).json();
        assert_eq!((&report["contained"], &report["honest"]["harmed"]), (&json!(true), &json!(0)), "{report:#}");
        self.told(&report)
    }

    /// The same of one that was not contained.
    fn open(&self, scenario: &str, more: &[&str]) -> Value {
        let report = self.run(scenario, more).with(3).json();
        assert_eq!((&report["contained"], &report["honest"]["harmed"]), (&json!(false), &json!(0)), "{report:#}");
        self.told(&report)
    }

    /// What holds of every report; nothing is left.
    fn told(&self, report: &Value) -> Value {
        assert!(report["attack"]["attempted"].as_u64() > Some(0), "{report:#}");
        assert!(report["honest"]["requests"].as_u64() >= Some(12), "{report:#}");
        assert!(!report["notes"].to_string().contains("were not found in the record"), "{report:#}");
        assert_eq!(report["left"], json!([]), "{report:#}");
        self.nothing_is_left();
        report.clone()
    }

    fn names(&self, kind: &str) -> Vec<String> {
        let found = self.place.manage(&self.gate, &format!("GET /api/v1/resources/{kind}?limit=500"), &Value::Null).json();
        let items = found["items"].as_array().unwrap().clone();
        items.iter().filter_map(|one| one["name"].as_str()).filter(|name| name.starts_with("drill-")).map(str::to_owned).collect()
    }

    fn nothing_is_left(&self) {
        assert_eq!((self.names("identity"), self.names("grant")), (vec![], vec![]));
        let under_way = self.place.manage(&self.gate, "GET /api/v1/rehearsals", &Value::Null).json();
        assert_eq!(under_way["items"], json!([]));
        let live = self.place.manage(&self.gate, "GET /api/v1/credentials?state=live&limit=500", &Value::Null).body;
        assert!(!live.contains("drill-"), "{live}");
    }
}

fn signals(report: &Value) -> Vec<String> {
    report["signals"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn taking_much_is_contained() {
    let world = World::new();
    let report = world.contained("scraping", &["--strength", "loud"]);
    assert!(signals(&report).contains(&"enumeration".to_owned()), "{report:#}");
    assert!(report["attack"]["leaked"]["count"].as_u64() <= Some(60), "{report:#}");
    assert_eq!(report["attack"]["contained_by"], "risk.blocked");

    // The thief answers every challenge, and is found by what it does.
    let report = world.contained("container-takeover", &[]);
    assert!(signals(&report).contains(&"enumeration".to_owned()), "{report:#}");

    let report = world.contained("bulk-export", &["--operation", "GET /export"]);
    assert!(signals(&report).contains(&"bulk".to_owned()) || signals(&report).contains(&"off_schedule".to_owned()), "{report:#}");
    let exports = world.upstream.received().iter().filter(|one| one.head.starts_with("GET /shop/export")).count();
    assert!(exports <= 4, "{exports}");

    // Nothing tells of it within minutes, and the report says so.
    let report = world.open("slow-scraping", &["--for", "12s", "--strength", "low"]);
    assert!(report["notes"].to_string().contains("drip"), "{report:#}");
}

#[test]
fn what_was_stolen_is_of_no_use() {
    let world = World::new();
    let report = world.contained("token-theft", &[]);
    assert!(report["challenges"]["owner"]["met"].as_u64() > Some(0), "{report:#}");
    assert_eq!(report["challenges"]["owner"]["met"], report["challenges"]["owner"]["passed"], "{report:#}");
    assert_eq!(report["challenges"]["thief"]["passed"], 0, "{report:#}");
    assert!(signals(&report).contains(&"new_place".to_owned()), "{report:#}");
    let report = world.contained("token-sharing", &[]);
    assert!(signals(&report).contains(&"shared".to_owned()), "{report:#}");
}

#[test]
fn trying_accounts_is_contained() {
    let world = World::new();
    let honest = json!({ "user": "probe", "password": "x".repeat(200) }).to_string();
    let report = world.contained("distributed-stuffing", &["--honest-login", &honest, "--strength", "low"]);
    assert!(report["attack"]["leaked"]["count"].as_u64() <= Some(25), "{report:#}");
    let report = world.contained("stuffing", &["--honest-login", &honest]);
    assert!(signals(&report).contains(&"stuffing".to_owned()), "{report:#}");
}

#[test]
fn reaching_for_more_is_contained() {
    let world = World::new();
    let report = world.contained("lateral-movement", &["--also", "stock"]);
    assert!(signals(&report).contains(&"fan_out".to_owned()), "{report:#}");
    let report = world.contained("privilege-climbing", &["--writes"]);
    assert!(signals(&report).contains(&"climbing".to_owned()), "{report:#}");
    assert_eq!(report["attack"]["leaked"]["what"], "acts");
}

/// The first few new operations become what it does; what comes after them is refused. The report says that this is not all.
#[test]
fn reaching_for_ever_more_is_held_back() {
    let world = World::new();
    for (scenario, more) in [("scope-creep", &["--strength", "low"][..]), ("probing", &["--strength", "low"])] {
        let report = world.run(scenario, more).json();
        assert_eq!(report["honest"]["harmed"], 0, "{report:#}");
        assert!(signals(&report).contains(&"new_operation".to_owned()), "{report:#}");
        assert!(report["responses"]["blocked"]["request"].as_u64() <= Some(10), "{report:#}");
        let (attempted, reached) = (report["attack"]["attempted"].as_u64().unwrap(), report["attack"]["reached"].as_u64().unwrap());
        assert!(reached * 2 < attempted, "{report:#}");
        world.told(&report);
    }
}

#[test]
fn holds_without_a_purchase_are_told_as_they_are() {
    let world = World::new();
    let report = world.run("inventory-holding", &["--operation", "POST /holds"]).json();
    assert_eq!(report["honest"]["harmed"], 0, "{report:#}");
    let held = world.upstream.received().iter().filter(|one| one.head.starts_with("POST /shop/holds")).count();
    assert_eq!(report["attack"]["leaked"], json!({ "what": "holds", "count": held }), "what the report says is what was held");
    world.told(&report);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let world = World::new();
    for (scenario, more, said) in [
        ("scraping", &["--api", "live"][..], "`live` is of the production environment `production`"),
        ("stuffing", &["--api", "stock"], "`stuffing` needs an operation of the class `login` with `login:`: `stock` has none"),
        ("inventory-holding", &[], "`inventory-holding` needs an operation that begins something (named by `--operation`, or `--writes`)"),
        ("bulk-export", &[], "`bulk-export` needs an operation of the class `bulk` (`--writes`, or named by `--operation`)"),
        ("privilege-climbing", &[], "`privilege-climbing` needs operations that change something"),
        ("scraping", &["--operation", "GET /nothing"], "`shop` declares no operation `GET /nothing`; it has `GET /things/{id}`"),
        ("lateral-movement", &["--also", "live"], "`live` is of the production environment"),
        ("scraping", &["--connect", "192.0.2.7:80", "--gate", "http://gate.test"], "credentials would cross a network in the clear"),
        ("scraping", &["--gate", "ftp://gate.test"], "`ftp://gate.test` is no address of a gate"),
    ] {
        let ended = world.run(scenario, more).with(2);
        assert!(ended.err.contains(said), "{scenario} {more:?}: {ended:?}");
        assert!(ended.out.is_empty());
    }
    assert!(world.upstream.received().is_empty());
    world.nothing_is_left();
    // With the word it is done.
    let report = world.contained("scraping", &["--api", "live", "--production"]);
    assert_eq!(report["api"], "live");
}

#[test]
fn a_role_that_is_too_small_rehearses_nothing() {
    let world = World::new();
    let signed = world.place.manage(&world.gate, "POST /api/v1/credentials", &json!({ "identity": "watcher", "kind": "sign_in" })).json();
    let key = format!("Bearer {}", signed["key"].as_str().unwrap());
    let session = crate::http::ask(world.gate.admin, "POST /api/v1/sessions", &[("Authorization", &key)], "").json();
    let (url, token) = (format!("http://{}", world.gate.admin), session["token"].as_str().unwrap().to_owned());
    let arguments = world.arguments("scraping", &[]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended =
        crate::process::wardgate_with(world.place.path(), &arguments, &[("WARDGATE_URL", &url), ("WARDGATE_TOKEN", &token)], "").with(1);
    assert!(ended.err.contains("refused"), "{ended:?}");
    assert!(world.upstream.received().is_empty());
}

#[test]
fn who_interrupts_a_rehearsal_leaves_nothing() {
    let world = World::new();
    let mut running = started(&world, "slow-scraping");
    until("a canary that calls", || world.upstream.received().first().cloned());
    assert!(!world.names("identity").is_empty());
    assert!(Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap().success());
    assert_eq!(running.wait().unwrap().code(), Some(1));
    world.nothing_is_left();
}

fn started(world: &World, scenario: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_wardgate"))
        .args(world.arguments(scenario, &[]))
        .current_dir(world.place.path())
        .envs([("WARDGATE_URL", format!("http://{}", world.gate.admin)), ("WARDGATE_TOKEN", world.place.token(&world.gate).to_owned())])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn every_attack_has_a_sentence_and_a_page() {
    let world = World::new();
    let listed = wardgate(world.place.path(), &["drill", "attack", "--list", "--output", "json"]).with(0).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 13);
    let report = world.contained("scraping", &["--report", "report.html"]);
    let page = std::fs::read_to_string(world.place.path().join("report.html")).unwrap();
    assert!(page.contains("Drill scraping: contained") && page.contains("default-src 'none'"), "{page}");
    assert!(!page.contains("wg_") && !report.to_string().contains("wg_"), "no key is told");
    let again = world.run("scraping", &["--report", "report.html"]).with(1);
    assert!(again.err.contains("cannot make `report.html`"), "{again:?}");
}
