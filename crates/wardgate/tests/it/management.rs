//! The admin listener: what it says to whom, sign-in and sessions, and the names of its metrics.

use crate::{
    gate::{Gate, Place},
    http::{Line, ask, bearer},
    upstream::Upstream,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

fn shop() -> (Upstream, Place, Gate) {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    (upstream, place, gate)
}

#[test]
fn nothing_answers_without_a_credential_but_the_probes() {
    let (_upstream, place, gate) = shop();
    for (path, text) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = ask(gate.admin, &format!("GET {path}"), &[], "");
        assert_eq!((answer.status, answer.body.as_str()), (200, text));
    }
    assert_eq!(ask(gate.admin, "GET /metrics", &[], "").status, 200);

    // Every operation of the API, as its own document lists them.
    let (_, key) = place.issue(&gate, "caller");
    let document = place.manage(&gate, "GET /api/v1/openapi.json", &Value::Null).json();
    let mut operations: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{kind}", "Api")
            .replace("{id}", "aaaaaaaaaaaa")
            .replace("{name}", "shop")
            .replace("{kid}", "a-key")
            .replace("{identity}", "drill-a");
        let path = path.replace("{request_id}", "0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de");
        operations.extend(methods.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_ascii_uppercase())));
    }
    assert!(operations.len() >= 16, "{operations:?}");
    for operation in &operations {
        assert_eq!(ask(gate.admin, operation, &[], "").said(), "401 credential.missing", "{operation}");
        let as_caller = ask(gate.admin, operation, &[("Authorization", &bearer(&key))], "");
        assert_eq!(as_caller.said(), "401 credential.not_accepted", "a caller's key: {operation}");
        let made_up = ask(gate.admin, operation, &[("Authorization", "Bearer wgs_shared_aaaaaaaaaaaa_b")], "");
        assert!((400..500).contains(&made_up.status), "{operation}: {made_up:?}");
    }
    let others = [
        "GET /",
        "GET /api",
        "GET /api/v1",
        "GET /api/v1/",
        "GET /api/v2/credentials",
        "POST /metrics",
        "GET /metrics/",
        "GET /healthz/x",
        "GET /.well-known/jwks.json",
        "GET /debug",
        "GET /shop/things",
        "GET //metrics",
        "GET /api/v1/../../metrics",
        "OPTIONS *",
    ];
    for other in others {
        let answer = ask(gate.admin, other, &[], "");
        assert!((400..500).contains(&answer.status), "{other}: {answer:?}");
    }
    // And nothing of it at the public door.
    for what in ["GET /healthz", "GET /readyz", "GET /metrics", "GET /api/v1/whoami"] {
        assert_eq!(ask(gate.public, what, &[("Authorization", &bearer(place.token(&gate)))], "").said(), "404 route.no_api", "{what}");
    }
}

#[test]
fn metrics_can_be_closed() {
    let place = Place::shop(&Upstream::plain().url());
    place.change("wardgate.yaml", "admin: { address: '127.0.0.1:0' }", "admin: { address: '127.0.0.1:0', metrics: closed }");
    let gate = place.serve();
    let answer = ask(gate.admin, "GET /metrics", &[], "");
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert_eq!(ask(gate.admin, "GET /healthz", &[], "").status, 200);
}

#[test]
fn a_sign_in_credential_is_good_for_one_sign_in_and_nothing_else() {
    let (_upstream, place, gate) = shop();
    let first = gate.first_credential();
    let by = |what: &str, text: &str| ask(gate.admin, what, &[("Authorization", &bearer(text))], "");
    // Not for anything but signing in, and that does not use it up.
    assert!((400..500).contains(&by("GET /api/v1/whoami", &first).status));
    assert!((400..500).contains(&by("GET /api/v1/credentials", &first).status));
    let answer = by("POST /api/v1/sessions", &first);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.field("cache-control"), Some("no-store"), "{answer:?}");
    let session = answer.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(by("POST /api/v1/sessions", &first).said(), "401 proof.invalid", "once only");
    assert!((400..500).contains(&by("POST /api/v1/sessions", &session).status), "a session makes no session");
    assert_eq!(by("GET /api/v1/whoami", &session).status, 200);

    // Spent stays spent, and a session outlives a restart; only the first start shows a credential.
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    assert!(!gate.said().contains("wga_"), "{}", gate.said());
    let by = |what: &str, text: &str| ask(gate.admin, what, &[("Authorization", &bearer(text))], "");
    assert_eq!(by("POST /api/v1/sessions", &first).said(), "401 proof.invalid");
    assert_eq!(by("GET /api/v1/whoami", &session).status, 200);
}

#[test]
fn a_session_ends_when_it_signs_out_and_when_its_time_is_over() {
    let (_upstream, place, gate) = shop();
    let session = place.token(&gate).to_owned();
    let issued = place.manage(&gate, "POST /api/v1/credentials", &json!({ "identity": "caller", "kind": "sign_in" }));
    assert!((400..500).contains(&issued.status), "a caller without a role gets no sign-in: {issued:?}");
    let mut line = Line::open(gate.admin);
    let known: &[(&str, &str)] = &[("Authorization", &bearer(&session))];
    assert_eq!(line.ask("GET /api/v1/whoami", known, "").json()["identity"], "wardgate-operator");
    let renewed = line.ask("POST /api/v1/sessions/renew", known, "");
    assert_eq!(renewed.status, 200, "{renewed:?}");
    assert_eq!(gate.end().0, Some(0));

    // Twelve hours later: the store says when it ends.
    let expire = "import sqlite3; db = sqlite3.connect('wardgate.db'); n = db.execute(\"UPDATE credential SET expires_us = created_us + 1 WHERE kind = 'session'\").rowcount; db.commit(); print(n)";
    let changed = Command::new("python3").args(["-c", expire]).current_dir(place.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&changed.stdout).trim(), "1", "{changed:?}");
    let gate = place.serve();
    assert_eq!(ask(gate.admin, "GET /api/v1/whoami", known, "").said(), "401 proof.invalid");
    assert_eq!(ask(gate.admin, "POST /api/v1/sessions/renew", known, "").said(), "401 proof.invalid", "over is over");
    assert_eq!(gate.end().0, Some(0));

    let made = crate::process::wardgate(place.path(), &["sign-in", "--offline", "--output", "json"]).with(0).json();
    let gate = place.serve();
    let sign_in = made["sign_in"].as_str().unwrap();
    let answer = ask(gate.admin, "POST /api/v1/sessions", &[("Authorization", &bearer(sign_in))], "");
    let session = answer.json()["token"].as_str().unwrap().to_owned();
    let known: &[(&str, &str)] = &[("Authorization", &bearer(&session))];
    let mut line = Line::open(gate.admin);
    assert_eq!(line.ask("GET /api/v1/whoami", known, "").status, 200);
    let out = line.ask("DELETE /api/v1/sessions/current", known, "");
    assert_eq!(out.status, 204, "{out:?}");
    assert_eq!(line.ask("GET /api/v1/whoami", known, "").said(), "401 proof.invalid", "on the same connection, at once");
}

/// One sample: its name and labels.
fn sample(line: &str) -> (String, Vec<(String, String)>) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("`{line}`"));
    assert!(value.parse::<f64>().is_ok(), "`{line}`");
    let (name, labels) = series.split_once('{').map_or((series, ""), |(name, labels)| (name, labels.strip_suffix('}').unwrap()));
    assert!(
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':') && !name.starts_with(|c: char| c.is_ascii_digit()),
        "`{line}`"
    );
    let labels = labels.split(',').filter(|label| !label.is_empty()).map(|label| {
        let (name, value) = label.split_once('=').unwrap_or_else(|| panic!("`{line}`"));
        (name.to_owned(), value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap().to_owned())
    });
    (name.to_owned(), labels.collect())
}

#[test]
fn metrics_are_prometheus_text_with_names_that_stay() {
    let (_upstream, place, gate) = shop();
    let (_, key) = place.issue(&gate, "caller");
    let known: &[(&str, &str)] = &[("Authorization", &bearer(&key))];
    for what in ["GET /shop/things", "DELETE /shop/things/1", "GET /nowhere"] {
        ask(gate.public, what, known, "");
    }
    Line::open(gate.public).ask("GET /shop/things", &[("Content-Length", "1"), ("Transfer-Encoding", "chunked")], "");
    let answer = ask(gate.admin, "GET /metrics", &[], "");
    assert!(answer.field("content-type").unwrap().starts_with("text/plain; version=0.0.4"), "{answer:?}");

    let (mut types, mut helped) = (BTreeMap::new(), BTreeSet::new());
    let (mut series, mut labels) = (BTreeSet::new(), BTreeMap::<String, BTreeSet<String>>::new());
    for line in answer.body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(helped.insert(rest.split(' ').next().unwrap().to_owned()), "told twice: {line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "told twice: {line}");
        } else {
            let (name, of) = sample(line);
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end).filter(|base| types.get(*base).is_some_and(|kind| kind == "histogram")));
            let family = family.unwrap_or(&name).to_owned();
            assert!(types.contains_key(&family), "no type before `{line}`");
            assert!(series.insert(line.rsplit_once(' ').unwrap().0.to_owned()), "twice: {line}");
            labels.entry(family).or_default().extend(of.iter().map(|(name, _)| name.clone()).filter(|name| name != "le"));
            assert!(of.iter().all(|(_, value)| value != "caller"), "identities never become labels: {line}");
        }
    }
    assert_eq!(types.keys().cloned().collect::<BTreeSet<_>>(), helped);
    let names: Vec<String> = types
        .iter()
        .map(|(name, kind)| {
            let labels = labels.get(name).map(|labels| labels.iter().cloned().collect::<Vec<_>>().join(",")).unwrap_or_default();
            format!("{name} {kind} {{{labels}}}")
        })
        .collect();
    insta::assert_snapshot!("metric_names", names.join("\n"));
    assert!(
        answer.body.contains("wardgate_rulings_total{response=\"block\",code=\"standing.no_grant\",api=\"shop\"} 1")
            || answer.body.contains("wardgate_rulings_total{response=\"block\",code=\"standing.denied\",api=\"shop\"} 1"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("wardgate_rulings_total{response=\"allow\",code=\"rule.allowed\",api=\"shop\"} 1"), "{}", answer.body);
    assert!(answer.body.contains("wardgate_wire_refusals_total{code=\"wire.framing\"} 1"), "{}", answer.body);
}
