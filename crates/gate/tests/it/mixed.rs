//! One API for machines and people: whose lane a request is in, what it may do there, what it is counted under.

use crate::ruled;
use wardgate_gate::denied::Subject;
use wardgate_model::{facts::Lane, id::IdentityId};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

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
kind: Identity
name: stranger
spec:
  type: service_account
  owner: shop-team
  environment: production
  purpose: has no grant
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Api
name: shop
spec:
  policy_owner: shop-team
  environment: production
  consumers: mixed
  people: { cookie: sid, classes: [list, read, write] }
  match: { hosts: [shop.example] }
  upstream: { urls: ['http://127.0.0.1:9000'] }
  operations:
    - { match: 'GET /things', class: list }
    - { match: 'GET /things/{id}', class: read }
    - { match: 'GET /stock', class: read, people: false }
    - { match: 'PUT /basket', class: write }
    - { match: 'POST /orders', class: money, people: true }
    - { match: 'GET /export', class: bulk }
    - { match: 'POST /prices', class: admin }
    - { match: 'GET /status', class: read, anonymous: true, people: false }
---
kind: Grant
name: sync-reads
spec: { to: { identity: sync }, api: shop, operations: [list, read] }
";

fn shop(limits: ShippedLimits) -> TestWorld {
    world(WORLD, "", limits).unwrap()
}

/// `METHOD PATH who`: nobody, a session, a key, both.
fn asked(world: &TestWorld, line: &str) -> String {
    let [method, path, who] = *line.split_whitespace().collect::<Vec<_>>() else { panic!("`{line}`") };
    let shown: Vec<String> = who
        .split('+')
        .map(|shown| match shown {
            "-" => String::new(),
            "session" => "cookie: theme=dark; sid=s1".to_owned(),
            "junk" => "authorization: Bearer junk".to_owned(),
            name => format!("authorization: Bearer {}", world.key(name)),
        })
        .collect();
    format!("{method} http://shop.example{path}\n{}", shown.join("\n"))
}

#[test]
fn who_may_do_what_in_which_lane() {
    let world = shop(ShippedLimits::Off);
    let mut table = String::new();
    for operation in ["GET /things", "GET /stock", "PUT /basket", "POST /orders", "GET /export", "POST /prices", "GET /status"] {
        for who in ["-", "session", "sync", "sync+session", "stranger+session", "junk+session"] {
            let text = asked(&world, &format!("{operation} {who}"));
            let (facts, verdict) = world.judge(&Asked::parse(&text).unwrap(), DAWN).unwrap();
            let lane = facts.lane().map_or("-", Lane::as_str);
            let by = verdict.ruling.policies.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            table.push_str(&format!("{operation} {who}: {lane} {} {by}\n", verdict.ruling.reason().code()));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_session_is_known_by_a_keyed_hash_and_only_in_its_lane() {
    let world = shop(ShippedLimits::Off);
    let person = |who: &str| {
        let text = asked(&world, &format!("GET /things {who}"));
        let (facts, _) = world.judge(&Asked::parse(&text).unwrap(), DAWN).unwrap();
        facts.caller.and_then(|caller| caller.on_behalf_of)
    };
    let session = person("session").unwrap();
    assert!(session.len() == 22 && !session.contains("s1"));
    assert_eq!(person("sync+session"), None, "what nobody vouches for is not on a machine's record");
}

#[test]
fn the_lane_can_be_closed_everywhere_at_once() {
    let world = shop(ShippedLimits::Off);
    let session = asked(&world, "GET /things session");
    assert_eq!(ruled(&world, "", &session), "200 rule.allowed");
    world.denied.stop(Subject::Identity(IdentityId::literal("people")), DAWN);
    assert_eq!(ruled(&world, "", &session), "403 identity.contained");
    assert_eq!(ruled(&world, "sync", "GET http://shop.example/things"), "200 rule.allowed");
    assert_eq!(ruled(&world, "", "GET http://shop.example/status"), "200 rule.allowed");
}

/// How many of `count` requests, made by `text` from their number, are let in.
fn admitted(world: &TestWorld, count: usize, text: impl Fn(usize) -> (String, String)) -> usize {
    (0..count)
        .filter(|n| {
            let (text, from) = text(*n);
            let asked = Asked::parse(&text).unwrap().from(from.parse().unwrap());
            world.judge(&asked, DAWN).is_some_and(|(_, verdict)| verdict.ruling.forwards())
        })
        .count()
}

#[test]
fn a_stolen_lane_does_not_pay() {
    let world = shop(ShippedLimits::On);
    let made_up = |n: usize| (format!("GET http://shop.example/things\ncookie: sid=made-up-{n}"), "192.0.2.1".to_owned());
    assert_eq!(admitted(&world, 1000, made_up), 400, "a source has what it has, however many people it says it is");
    let one = |n: usize| ("GET http://shop.example/things\ncookie: sid=one".to_owned(), format!("198.51.100.{}", n % 200));
    assert_eq!(admitted(&world, 1000, one), 100, "and one session has what it has, wherever it comes from");
    let honest = |n: usize| (format!("GET http://shop.example/things\ncookie: sid=h{n}"), "203.0.113.9".to_owned());
    assert_eq!(admitted(&world, 50, honest), 50, "others go on");
    let machine = |_| (format!("GET http://shop.example/things\nauthorization: Bearer {}", world.key("sync")), "192.0.2.1".to_owned());
    assert_eq!(admitted(&world, 1000, machine), 1000, "so does a machine from the same source");
}

#[test]
fn a_line_of_ipv6_is_one_source_of_what_shows_nothing() {
    let world = shop(ShippedLimits::On);
    let status = |net: &'static str| move |n: usize| ("GET http://shop.example/status".to_owned(), format!("2001:db8:0:{net}::{n:x}"));
    assert_eq!(admitted(&world, 1000, status("1")), 200);
    assert_eq!(admitted(&world, 100, status("2")), 100);
}

#[test]
fn whom_an_api_is_there_for_makes_no_default_laxer() {
    let lines = |exposure: &str| {
        let yaml = WORLD.replace("consumers: mixed", &format!("consumers: mixed\n  exposure: {exposure}"));
        let world = world(&yaml, "", ShippedLimits::On).unwrap();
        let mut told = String::new();
        for (operation, who) in
            [("GET /status", "-"), ("GET /things", "session"), ("GET /things", "sync"), ("GET /stock", "session"), ("GET /things", "-")]
        {
            let text = asked(&world, &format!("{operation} {who}"));
            let count = admitted(&world, 1500, |_| (text.clone(), "192.0.2.1".to_owned()));
            told.push_str(&format!("{operation} {who}: {count}\n"));
        }
        told
    };
    let public = lines("public");
    assert_eq!(lines("internal"), public);
    assert_eq!(lines("partner"), public);
    insta::assert_snapshot!(public, @"
    GET /status -: 200
    GET /things session: 100
    GET /things sync: 1000
    GET /stock session: 0
    GET /things -: 0
    ");
}

#[test]
fn the_upstream_never_takes_a_session_for_one_of_its_machines() {
    let yaml = WORLD.replace("['http://127.0.0.1:9000']", "['http://127.0.0.1:9000'], identity: { header: X-Legacy, secret: legacy }");
    let world = world(&yaml, "", ShippedLimits::Off).unwrap();
    let shown = |who: &str| {
        let (_, verdict) = world.judge(&Asked::parse(&asked(&world, &format!("GET /things {who}"))).unwrap(), DAWN).unwrap();
        format!("{:?}", verdict.permit.unwrap().depart().show)
    };
    assert!(shown("sync").starts_with("Secret"), "{}", shown("sync"));
    assert_eq!(shown("session"), "Nothing");
}

#[test]
fn policies_see_the_lane_and_no_session() {
    let policies = r#"
        @id("no-people-at-things") forbid (principal, action == Action::"list", resource in Api::"shop") when { context.lane == "people" };
        @id("vouched") forbid (principal, action == Action::"write", resource in Api::"shop") when { context has on_behalf_of };
    "#;
    let world = world(WORLD, policies, ShippedLimits::Off).unwrap();
    assert_eq!(ruled(&world, "", &asked(&world, "GET /things session")), "403 rule.forbidden");
    assert_eq!(ruled(&world, "sync", "GET http://shop.example/things"), "200 rule.allowed");
    assert_eq!(ruled(&world, "", &asked(&world, "PUT /basket session")), "200 rule.allowed");
}

#[test]
fn a_made_up_session_is_refused_where_it_could_be_read_as_two() {
    let world = shop(ShippedLimits::Off);
    for (cookie, expected) in [
        ("sid=a; sid=b", "400 credential.conflict"),
        ("sid=a; SID=b", "400 credential.malformed"),
        ("sid=", "401 credential.missing"),
        ("theme=dark", "401 credential.missing"),
    ] {
        assert_eq!(ruled(&world, "", &format!("GET http://shop.example/things\ncookie: {cookie}")), expected, "{cookie}");
    }
}
