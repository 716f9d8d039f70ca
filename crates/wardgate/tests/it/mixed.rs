//! One API that serves a browser and machines, over sockets: lanes apart at the upstream, in the log, in the metrics and in use.

use crate::{
    gate::{Gate, Place, until},
    http::{self, bearer},
    process::curl,
    upstream::{Play, Upstream, ok},
};
use serde_json::Value;
use std::collections::BTreeMap;

const MIXED: &str = "\
kind: Api
name: shop
spec:
  policy_owner: shop-team
  business_owner: shop-team
  environment: production
  exposure: public
  consumers: mixed
  people: { cookie: sid, header: X-Session, classes: [list, read] }
  match: { path_prefix: /shop }
  upstream: { urls: ['@UPSTREAM@'] }
  operations:
    - { match: 'GET /things', class: list }
    - { match: 'GET /export', class: bulk }
    - { match: 'POST /orders', class: money, people: true }
    - { match: 'POST /sign-in', class: login, anonymous: true }
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
spec: { to: { identity: caller }, api: shop, operations: [list] }
---
kind: Limit
name: shop-people
spec: { select: { api: shop, lane: people }, per: person, quota: 4/day }
";

/// A shop that knows its people by a cookie.
struct Scene {
    place: Place,
    upstream: Upstream,
    gate: Gate,
}

impl Scene {
    fn new() -> Self {
        let upstream = Upstream::start(|head| {
            let answer = ok("ok");
            Play::Answer(match head.starts_with("POST /shop/sign-in ") {
                true => {
                    answer.replacen("\r\n", "\r\nSet-Cookie: sid=4f1c-of-ada; Path=/; HttpOnly\r\nSet-Cookie: theme=dark; Path=/\r\n", 1)
                }
                false => answer,
            })
        });
        let place = Place::bare();
        place.write("resources/shop.yaml", &MIXED.replace("@UPSTREAM@", &upstream.url()));
        let gate = place.serve();
        Self { place, upstream, gate }
    }

    /// A request of a browser, which keeps its cookies in a jar.
    fn browser(&self, what: &str, more: &[&str]) -> String {
        let (method, path) = what.split_once(' ').unwrap();
        let url = format!("http://{}{path}", self.gate.public);
        let arguments: Vec<&str> = ["-X", method, "-b", "jar", "-c", "jar", &url].into_iter().chain(more.iter().copied()).collect();
        curl(self.place.path(), &arguments).0
    }

    /// The lane, ruling and person of every request so far, once the log has so many.
    fn told(&self, count: usize) -> Vec<(String, String, Option<String>)> {
        let events = until("the events", || {
            let events: Vec<Value> = self.place.events().into_iter().filter(|event| event["api"]["name"] == "shop").collect();
            (events.len() >= count).then_some(events)
        });
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        events
            .iter()
            .map(|event| (text(&event["lane"]), text(&event["ruling"]["code"]), event["on_behalf_of"].as_str().map(str::to_owned)))
            .collect()
    }
}

#[test]
fn a_browser_and_machines_share_an_api_and_nothing_else() {
    let scene = Scene::new();
    let Scene { place, upstream, gate } = &scene;
    let key = bearer(&place.issue(gate, "caller").1);
    let header = format!("Authorization: {key}");

    assert_eq!(scene.browser("GET /shop/things", &[]), "401", "nobody has signed in");
    assert_eq!(scene.browser("POST /shop/sign-in", &[]), "200");
    assert_eq!(scene.browser("GET /shop/things", &[]), "200");
    let cookies = upstream.last().field("cookie").unwrap_or_default().to_owned();
    assert!(cookies.contains("sid=4f1c-of-ada") && cookies.contains("theme=dark"), "the session is the upstream's: {cookies}");
    assert!(upstream.last().field("wardgate-assertion").is_some(), "it can tell that the gate let it through");
    assert_eq!(scene.browser("POST /shop/orders", &[]), "200");
    assert_eq!(scene.browser("GET /shop/export", &[]), "403", "no class opens it");

    // A machine whose library keeps cookies is a machine, and a bad proof is not made good by a session.
    assert_eq!(scene.browser("GET /shop/things", &["-H", &header, "-H", "X-Session: x"]), "200");
    let received = upstream.last();
    assert_eq!([received.field("cookie"), received.field("x-session"), received.field("authorization")], [None; 3]);
    assert_eq!(scene.browser("GET /shop/things", &["-H", "Authorization: Bearer junk"]), "401");
    assert_eq!(scene.browser("POST /shop/orders", &["-H", &header]), "403", "what people may, this machine may not");
    assert_eq!(upstream.received().len(), 4);

    let told = scene.told(8);
    let lanes: Vec<&str> = told.iter().map(|(lane, ..)| lane.as_str()).collect();
    assert_eq!(lanes, ["-", "anonymous", "people", "people", "people", "machine", "-", "machine"]);
    let people: Vec<&String> = told.iter().filter_map(|(.., person)| person.as_ref()).collect();
    assert!(people.len() == 3 && people.iter().all(|person| *person == people[0] && !person.contains("4f1c")), "{told:?}");
    let log = place.events().iter().map(ToString::to_string).collect::<String>();
    assert!(!log.contains("4f1c-of-ada"), "no session is on record");

    let lane = |lane: &str, response: &str| {
        gate.metric(&format!("wardgate_lane_rulings_total{{lane=\"{lane}\",response=\"{response}\",api=\"shop\"}}")).unwrap_or_default()
    };
    assert_eq!([lane("people", "allow"), lane("people", "block"), lane("machine", "allow"), lane("machine", "block")], [2, 1, 1, 1]);
    assert_eq!(lane("anonymous", "allow"), 1);
}

#[test]
fn what_people_do_is_nobodys_use_and_each_of_them_has_a_limit() {
    let scene = Scene::new();
    let Scene { place, gate, .. } = &scene;
    let key = bearer(&place.issue(gate, "caller").1);
    let things = |name: &str, value: &str| http::ask(gate.public, "GET /shop/things", &[(name, value)], "");
    for _ in 0..4 {
        assert_eq!(things("X-Session", "ada").status, 200);
    }
    let over = things("X-Session", "ada");
    assert_eq!(over.said(), "429 reserve.quota_exceeded");
    assert!(over.field("retry-after").is_some() && over.field("ratelimit").is_none(), "who proves nothing is told no numbers: {over:?}");
    assert_eq!(things("Cookie", "sid=ada").said(), "429 reserve.quota_exceeded", "the same session");
    assert_eq!(things("X-Session", "bo").said(), "200");
    assert_eq!(things("Authorization", &key).said(), "200");

    let used = until("use", || {
        let page = place.manage(gate, "GET /api/v1/usage", &Value::Null).json();
        let items = page["items"].as_array().unwrap().clone();
        let mut counts: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for row in &items {
            let sum = counts.entry(format!("{} {}", row["identity"].as_str().unwrap(), row["source"].as_str().unwrap())).or_default();
            *sum = (sum.0 + row["allowed"].as_i64().unwrap(), sum.1 + row["refused"].as_i64().unwrap());
        }
        counts.retain(|name, _| name.starts_with("people") || name.starts_with("caller"));
        (counts.values().map(|(allowed, refused)| allowed + refused).sum::<i64>() == 8).then_some(counts)
    });
    let used: Vec<String> = used.iter().map(|(name, counts)| format!("{name}: {} {}", counts.0, counts.1)).collect();
    assert_eq!(used, ["caller 127.0.0.0/24: 1 0", "people other: 5 2"]);
}

#[test]
fn the_lane_is_explained_looked_up_and_closed_by_its_name() {
    let scene = Scene::new();
    let Scene { place, gate, .. } = &scene;
    let explained = |operation: &str| {
        let (method, path) = operation.split_once(' ').unwrap();
        let url = format!("https://gate.test{path}");
        place.run(gate, &["explain", "--identity", "people", "--method", method, "--url", &url, "--output", "json"], "").json()
    };
    let open = explained("GET /shop/things");
    assert_eq!([&open["lane"], &open["ruling"]["code"], &open["ruling"]["policies"][0]], ["people", "rule.allowed", "shipped:people"]);
    assert_eq!(explained("GET /shop/export")["ruling"]["policies"][0], "guardrail:people");
    let listed = place.run(gate, &["access", "--identity", "people"], "").with(0).out;
    assert!(
        listed.contains("GET /shop/things") && listed.contains("POST /shop/orders") && !listed.contains("GET /shop/export"),
        "{listed}"
    );

    let session = || http::ask(gate.public, "GET /shop/things", &[("Cookie", "sid=ada")], "").said();
    assert_eq!(session(), "200");
    place.run(gate, &["contain", "identity", "people", "--reason", "stolen sessions"], "").with(0);
    assert_eq!(session(), "403 identity.contained");
    assert_eq!(http::ask(gate.public, "POST /shop/sign-in", &[], "").said(), "200");
    place.run(gate, &["release", "identity", "people", "--reason", "over"], "").with(3);
    assert_eq!(session(), "403 identity.contained", "that waits for a second person");
}

#[test]
fn a_session_that_is_written_twice_goes_nowhere() {
    let scene = Scene::new();
    for cookie in ["sid=a; sid=b", "sid=a; SID=b", "x=1, sid=b", "sid=a; %73id=b"] {
        let said = http::ask(scene.gate.public, "GET /shop/things", &[("Cookie", cookie)], "").said();
        assert!(matches!(said.as_str(), "400 credential.conflict" | "400 credential.malformed"), "{cookie}: {said}");
    }
    assert_eq!(scene.upstream.received(), []);
}
