//! Ways round the gate: upstreams are called past it and with nothing to show, and whoever answers is a finding until it refuses.

use crate::{
    gate::{Gate, Place, until},
    http::{ask, bearer},
    upstream::{Play, Upstream, ok},
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/// An upstream that answers whoever reaches it, until it is told to want an assertion.
fn careless() -> (Upstream, Arc<AtomicBool>) {
    let careful = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&careful);
    let upstream = Upstream::start(move |head| {
        let shown = head.to_ascii_lowercase().contains("\r\nwardgate-assertion: ");
        let closed = told.load(Ordering::SeqCst) && !shown;
        Play::Answer(if closed { REFUSED.to_owned() } else { ok("ok") })
    });
    (upstream, careful)
}

/// The findings about ways round, as `CODE SEVERITY EVIDENCE`.
fn found(place: &Place, gate: &Gate) -> Vec<String> {
    let ended = place.run(gate, &["findings", "--probe", "shop", "--output", "json"], "").with(0);
    let items = ended.json()["items"].as_array().unwrap().clone();
    let of = |one: &Value, member: &str| one[member].as_str().unwrap_or("-").to_owned();
    let ours = items.iter().filter(|one| of(one, "code").starts_with("upstream."));
    ours.map(|one| format!("{} {} {} {}", of(one, "code"), of(one, "severity"), of(one, "owner"), of(one, "evidence"))).collect()
}

fn event(place: &Place, code: &str) -> Value {
    let find = || place.events().into_iter().find(|event| event["finding"]["code"] == code);
    until(code, find)["finding"].clone()
}

#[test]
fn an_upstream_that_answers_is_found_and_closed_when_it_refuses() {
    let (upstream, careful) = careless();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    assert_eq!(gate.metric("wardgate_bypass_open"), Some(0));
    let open = found(&place, &gate);
    assert_eq!(open.len(), 1, "{open:?}");
    let told =
        format!(" shop-team `shop GET /shop/things` at {} answered 200 to a call with no assertion or secret, last at ", upstream.url());
    assert!(open[0].starts_with("upstream.unguarded ") && open[0].contains(&told) && open[0].ends_with("; and 1 more"), "{open:?}");
    assert_eq!(gate.metric("wardgate_bypass_open"), Some(2));
    assert_eq!(gate.metric("wardgate_bypass_calls_total"), Some(2));

    // What was sent: what reads, and nothing that could be believed.
    let sent = upstream.received();
    let lines: Vec<&str> = sent.iter().filter_map(|one| one.head.lines().next()).collect();
    assert_eq!(lines, ["GET /shop/things HTTP/1.1", "GET /shop/things/0 HTTP/1.1"]);
    for request in &sent {
        let names: Vec<String> = request.fields().iter().map(|field| field.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(names, ["accept", "connection", "host", "user-agent"], "{request:?}");
    }
    let page = place.run(&gate, &["describe", "api", "shop"], "").with(0).out;
    assert!(page.contains("unguarded") && page.contains("upstream.unguarded") && page.contains("answered"), "{page}");
    assert_eq!(event(&place, "upstream.unguarded")["name"], "shop");

    careful.store(true, Ordering::SeqCst);
    assert_eq!(found(&place, &gate), Vec::<String>::new());
    assert_eq!(gate.metric("wardgate_bypass_open"), Some(0));
    assert_eq!(event(&place, "upstream.closed")["name"], "shop");
    let view = place.manage(&gate, "GET /api/v1/probes?api=shop", &Value::Null).json();
    assert_eq!((&view["items"][0]["state"], &view["items"][0]["calls"][0]["status"]), (&json!("guarded"), &json!(401)), "{view:#}");
    // And whoever comes through the gate is served as before.
    let key = bearer(&place.issue(&gate, "caller").1);
    assert_eq!(ask(gate.public, "GET /shop/things", &[("Authorization", &key)], "").status, 200);
}

#[test]
fn from_time_to_time_it_is_looked_without_being_asked() {
    let (upstream, careful) = careless();
    let place = Place::shop(&upstream.url());
    place.change("wardgate.yaml", "edge:", "bypass: { every: 1s }\nedge:");
    let gate = place.serve();
    let open = |wanted| until("a round", || (gate.metric("wardgate_bypass_open") == Some(wanted)).then_some(()));
    open(2);
    careful.store(true, Ordering::SeqCst);
    open(0);
}

#[test]
fn an_operation_that_is_taken_out_is_called_still() {
    let gone = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&gone);
    let upstream = Upstream::start(move |head| {
        let old = head.starts_with("GET /shop/things/");
        Play::Answer(match (old, told.load(Ordering::SeqCst)) {
            (true, false) => ok("still here"),
            (true, true) => NOT_FOUND.to_owned(),
            (false, _) => REFUSED.to_owned(),
        })
    });
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    assert!(found(&place, &gate)[0].starts_with("upstream.unguarded "));
    place.change("resources/shop.yaml", "    - { match: 'GET /things/{id}', class: read }\n", "");
    gate.heard("the files were taken");
    let open = found(&place, &gate);
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(
        open[0].starts_with("upstream.retired ") && open[0].contains("`shop GET /shop/things/{id}`, which the API has no longer,"),
        "{open:?}"
    );

    // A restart knows of it.
    drop(gate.end());
    let gate = place.serve();
    assert!(found(&place, &gate)[0].starts_with("upstream.retired "));
    gone.store(true, Ordering::SeqCst);
    assert_eq!(found(&place, &gate), Vec::<String>::new(), "404 is as good a refusal for what is gone");
}

#[test]
fn what_is_not_called_says_why() {
    let (upstream, _careful) = careless();
    let place = Place::shop(&upstream.url());
    place.change("wardgate.yaml", "edge:", "bypass: { every: off, except: [shop] }\nedge:");
    place.write(
        "resources/hooks.yaml",
        &format!(
            "kind: Api\nname: hooks\nspec:\n  policy_owner: shop-team\n  environment: production\n  match: {{ path_prefix: /hooks }}\n  upstream: \
             {{ urls: ['{}'] }}\n  operations: [{{ match: 'POST /in', class: write }}, {{ match: 'GET /up', class: read, anonymous: true }}]\n",
            upstream.url()
        ),
    );
    let gate = place.serve();
    let ended = place.run(&gate, &["findings", "--probe"], "").with(0);
    assert!(ended.err.contains("hooks: not probed: it has no guarded operation that surely changes nothing"), "{ended:?}");
    assert!(ended.err.contains("shop: not probed: `bypass.except` in wardgate.yaml names it"), "{ended:?}");
    assert_eq!(upstream.received().len(), 0);
    let refused = place.run(&gate, &["findings", "--probe", "nowhere"], "").with(1);
    assert!(refused.err.contains("there is no API `nowhere`"), "{refused:?}");
}
