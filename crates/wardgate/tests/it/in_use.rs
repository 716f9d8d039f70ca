//! What use tells: counts, unknown callers, upstream secrets that are replaced while requests go on, and the door of last
//! resort.

use crate::{
    gate::{Gate, Place, until},
    http::{Line, ask, bearer},
    process::wardgate_with,
    upstream::{Play, Upstream, ok},
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

const SECRET: &str = "shop-secret";
const NO: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";

/// A shop behind a secret, whose upstream reads new ones from a directory.
fn shop(upstream: &Upstream) -> Place {
    let place = Place::shop(&upstream.url());
    place.change("resources/shop.yaml", "upstream: { urls:", "upstream: { identity: { header: X-Api-Key, secret: shop-secret }, urls:");
    place.change("wardgate.yaml", "admin:", "deliver: { directory: delivered }\nadmin:");
    let delivered = place.path().join("delivered");
    fs::create_dir(&delivered).unwrap();
    fs::set_permissions(&delivered, fs::Permissions::from_mode(0o700)).unwrap();
    place
}

fn shown(head: &str) -> String {
    let field = head.lines().find_map(|line| line.to_ascii_lowercase().starts_with("x-api-key: ").then(|| line.split_at(11).1));
    field.unwrap_or_default().to_owned()
}

/// The secret as the management API tells of it.
fn told(place: &Place, gate: &Gate) -> Value {
    let page = place.manage(gate, "GET /api/v1/secrets", &Value::Null).json();
    page["items"].as_array().unwrap().iter().find(|secret| secret["name"] == SECRET).cloned().unwrap()
}

/// An upstream that knows the keys that it was ever told, and learns a new one from a file.
fn learning(first: &str, file: &Arc<Mutex<PathBuf>>) -> Upstream {
    let (known, file) = (Mutex::new(vec![first.to_owned()]), Arc::clone(file));
    Upstream::start(move |head| {
        let mut known = known.lock().unwrap();
        if let Ok(new) = fs::read_to_string(&*file.lock().unwrap())
            && !known.contains(&new)
        {
            known.push(new);
        }
        Play::Answer(if known.contains(&shown(head)) { ok("ok") } else { NO.to_owned() })
    })
}

#[test]
fn an_upstream_secret_is_replaced_under_load_without_a_failed_request() {
    let file = Arc::new(Mutex::new(PathBuf::new()));
    let upstream = learning("first-key", &file);
    let place = shop(&upstream);
    *file.lock().unwrap() = place.path().join("delivered/shop-key");
    let gate = place.serve();
    place.run(&gate, &["secret", "put", SECRET], "first-key").with(0);
    let key = bearer(&place.issue(&gate, "caller").1);

    let (stop, failed, asked) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut line = Line::open(gate.public);
                while !stop.load(Ordering::Relaxed) {
                    let answer = line.ask("GET /shop/things", &[("Authorization", &key)], "");
                    // The caller's own limit is not what is tested here.
                    let fine = matches!(answer.status, 200 | 429);
                    failed.fetch_add(usize::from(!fine), Ordering::Relaxed);
                    asked.fetch_add(usize::from(answer.status == 200), Ordering::Relaxed);
                }
            });
        }
        for round in 1..=3 {
            let before = asked.load(Ordering::Relaxed);
            until("requests", || (asked.load(Ordering::Relaxed) > before + 10).then_some(()));
            let answer =
                place.manage(&gate, &format!("POST /api/v1/secrets/{SECRET}/rotate"), &json!({ "deliver": { "file": "shop-key" } }));
            assert_eq!(answer.status, 200, "{answer:?}");
            let after = until("the old one to be dropped", || {
                let secret = told(&place, &gate);
                secret["previous"].is_null().then_some(secret)
            });
            assert_eq!(after["version"], 1 + round, "{after}");
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(failed.into_inner(), 0, "of {} requests", asked.into_inner());

    let delivered = place.path().join("delivered/shop-key");
    let now = fs::read_to_string(&delivered).unwrap();
    assert_eq!(fs::metadata(&delivered).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(shown(&upstream.last().head), now);
    assert_eq!(gate.end().0, Some(0));
    let written = place.events();
    assert!(
        written.iter().map(ToString::to_string).all(|text| !text.contains(&now) && !text.contains("first-key")),
        "no secret in the log"
    );
}

#[test]
fn a_secret_that_the_upstream_refuses_is_taken_back() {
    let upstream = Upstream::start(|head| Play::Answer(if shown(head) == "first-key" { ok("ok") } else { NO.to_owned() }));
    let place = shop(&upstream);
    let gate = place.serve();
    place.run(&gate, &["secret", "put", SECRET], "first-key").with(0);
    let key = bearer(&place.issue(&gate, "caller").1);
    let rotate = |body: Value| place.manage(&gate, &format!("POST /api/v1/secrets/{SECRET}/rotate"), &body);

    let nowhere = rotate(json!({ "deliver": { "file": "../../etc/passwd" } }));
    assert_eq!((nowhere.status, told(&place, &gate)["version"].clone()), (422, json!(1)), "{nowhere:?}");
    let elsewhere = rotate(json!({ "deliver": { "vault": "team/shop" } }));
    assert_eq!(elsewhere.status, 422, "{elsewhere:?}");
    assert!(elsewhere.body.contains("deliver.vault"), "{elsewhere:?}");
    fs::set_permissions(place.path().join("delivered"), fs::Permissions::from_mode(0o777)).unwrap();
    let open = rotate(json!({ "deliver": { "file": "shop-key" } }));
    assert_eq!((open.status, told(&place, &gate)["staged"].clone()), (409, Value::Null), "undelivered, it is forgotten: {open:?}");
    fs::set_permissions(place.path().join("delivered"), fs::Permissions::from_mode(0o700)).unwrap();

    assert_eq!(rotate(json!({ "deliver": { "file": "shop-key" } })).status, 200);
    let again = rotate(json!({ "value": "third-key" }));
    assert_eq!(again.status, 409, "not before it is known what became of the last: {again:?}");
    // A request finds out.
    assert_eq!(ask(gate.public, "GET /shop/things", &[("Authorization", &key)], "").status, 401);
    until("the old one to be back", || told(&place, &gate)["previous"].is_null().then_some(()));
    until("the gate to show it", || (ask(gate.public, "GET /shop/things", &[("Authorization", &key)], "").status == 200).then_some(()));
    assert_eq!(shown(&upstream.last().head), "first-key");
    assert_eq!(gate.end().0, Some(0));
    let found: Vec<_> = place.events().into_iter().filter(|event| event["kind"] == "finding").collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["finding"]["code"], "secret.refused");
}

#[test]
fn use_is_on_record_after_the_end_of_the_process() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    let (id, key) = place.issue(&gate, "caller");
    for _ in 0..3 {
        assert_eq!(ask(gate.public, "GET /shop/things/7", &[("Authorization", &bearer(&key))], "").status, 200);
    }
    assert_eq!(ask(gate.public, "DELETE /shop/things/7", &[("Authorization", &bearer(&key))], "").status, 403);
    assert_eq!(gate.end().0, Some(0));

    let gate = place.serve();
    let page = place.manage(&gate, &format!("GET /api/v1/usage?credential={id}"), &Value::Null).json();
    let rows = page["items"].as_array().unwrap_or_else(|| panic!("{page}"));
    let row = |operation: &str| rows.iter().find(|row| row["operation"] == operation).unwrap_or_else(|| panic!("{operation} in {page}"));
    let read = row("shop GET /shop/things/{id}");
    assert_eq!((&read["allowed"], &read["refused"], &read["source"]), (&json!(3), &json!(0), &json!("127.0.0.0/24")));
    assert_eq!(row("shop DELETE /shop/things/{id}")["refused"], 1);
}

#[test]
fn an_unknown_key_in_traffic_becomes_a_discovery_that_tells_no_key() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    place.change("resources/shop.yaml", "  policy_owner: shop-team\n", "  policy_owner: shop-team\n  mode: observe\n");
    let gate = place.serve();
    let theirs = "their-own-key-4711";
    assert_eq!(ask(gate.public, "GET /shop/things", &[("Authorization", &bearer(theirs))], "").status, 200);
    let list = || place.manage(&gate, "GET /api/v1/discoveries", &Value::Null);
    let found = until("a discovery", || {
        let page = list().json();
        page["items"].as_array().and_then(|items| items.first().cloned())
    });
    assert!(found["id"].as_str().unwrap().starts_with("discovered-"), "{found}");
    assert_eq!((&found["what"], &found["apis"]), (&json!("key"), &json!(["shop"])));
    assert!(!list().body.contains(theirs) && !list().body.contains("hash"));
    assert_eq!(gate.end().0, Some(0));
    let store = fs::read(place.path().join("wardgate.db")).unwrap();
    assert!(!store.windows(theirs.len()).any(|window| window == theirs.as_bytes()), "the key is not in the store");
    let noted = place.events().into_iter().any(|event| event["change"]["what"] == "discover");
    assert!(noted, "the event log tells of it");
}

#[test]
fn the_glass_is_broken_when_nothing_else_lets_in() {
    let place = Place::bare();
    // A policy that lets nobody do anything, not even in the management API.
    place.write("resources/shut.cedar", "@id(\"shut\")\nforbid (principal, action, resource);\n");
    let gate = place.serve();
    let shut = ask(gate.admin, "POST /api/v1/sessions", &[("Authorization", &bearer(&gate.first_credential()))], "");
    assert_eq!(shut.status, 403, "{shut:?}");

    let no_reason = break_glass(place.path(), &["--reason", ""]);
    assert_ne!(no_reason.0, 0, "{no_reason:?}");
    let opened = break_glass(place.path(), &["--reason", "the policy `shut` locks everybody out"]);
    assert_eq!(opened.0, 0, "{opened:?}");
    let listed = wardgate_with(place.path(), &["credential", "list", "--output", "json"], &[], "").with(0);
    assert!(listed.out.contains("break_glass"), "{listed:?}");
    gate.heard("BREAK-GLASS");
    assert_eq!(gate.metric("wardgate_break_glass_total"), Some(1));
    assert_eq!(gate.end().0, Some(0));
    let events = place.events();
    assert!(events.iter().any(|event| event["finding"]["code"] == "break_glass.opened"), "a finding");
    assert!(
        events.iter().any(|event| event["proof"]["kind"] == "break_glass" && event["ruling"]["response"] == "allow"),
        "its use is on record"
    );
}

fn break_glass(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let all: Vec<&str> = std::iter::once("break-glass").chain(arguments.iter().copied()).collect();
    let ended = wardgate_with(directory, &all, &[], "");
    (ended.status, format!("{}{}", ended.out, ended.err))
}

#[test]
fn who_calls_what_goes_out_of_use_is_told_and_named() {
    let upstream = Upstream::start(|_| Play::Answer(ok("ok")));
    let place = Place::shop(&upstream.url());
    place.change("resources/shop.yaml", "class: list }", "class: list, deprecated: 2020-01-01, sunset: 2999-01-01 }");
    place.change("resources/shop.yaml", "'GET /things/{id}', class: read }", "'GET /things/{id}', class: read, sunset: 2021-02-01 }");
    place.change("resources/shop.yaml", "  operations:\n", "  after_sunset: deny\n  operations:\n");
    let gate = place.serve();
    let key = bearer(&place.issue(&gate, "caller").1);
    let call = |line: &str| ask(gate.public, line, &[("Authorization", &key)], "");

    let going = call("GET /shop/things");
    let told = (going.status, going.field("deprecation"), going.field("sunset"));
    assert_eq!(told, (200, Some("@1577836800"), Some("Tue, 01 Jan 2999 00:00:00 GMT")));
    let stays = call("POST /shop/things");
    assert_eq!((stays.status, stays.field("deprecation"), stays.field("sunset")), (200, None, None));
    let gone = call("GET /shop/things/7");
    assert_eq!((gone.said().as_str(), gone.field("sunset")), ("410 standing.sunset", Some("Mon, 01 Feb 2021 00:00:00 GMT")));
    let stranger = ask(gate.public, "GET /shop/things/7", &[], "");
    assert_eq!((stranger.status, stranger.field("sunset")), (401, None), "who shows nothing learns nothing");

    let found = |code: &str| {
        until(code, || {
            let page = place.manage(&gate, &format!("GET /api/v1/findings?code={code}"), &Value::Null).json();
            page["items"].as_array().unwrap().first().cloned()
        })
    };
    let deprecated = found("operation.deprecated");
    assert_eq!(deprecated["name"], "shop GET /shop/things");
    assert!(deprecated["evidence"].as_str().unwrap().contains("called by `caller` (1 time"), "{deprecated}");
    let gone = found("operation.sunset");
    assert!(gone["evidence"].as_str().unwrap().contains("refused since; called by `caller` (1 time"), "{gone}");
    let listed = place.run(&gate, &["findings", "--probe", "shop", "--code", "operation.sunset"], "").with(0).out;
    assert!(listed.contains("operation.sunset") && listed.contains("shop GET /shop/things/{id}"), "{listed}");
}
