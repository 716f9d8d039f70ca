//! What runs now: a preview of a containment tells it before it is cut.

use crate::{
    gate::{Place, until},
    http::{Line, ask, bearer, request},
    upstream::{Keeper, Play, Upstream, ok},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// `held` stands still until the keeper opens.
fn scripted(keeper: &Arc<Keeper>) -> Upstream {
    let keeper = Arc::clone(keeper);
    Upstream::start(move |head| match head.contains("/held ") {
        true => Play::Held(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n".to_owned(),
            "4\r\nlast\r\n0\r\n\r\n".to_owned(),
            Arc::clone(&keeper),
        ),
        false => Play::Answer(ok("ok")),
    })
}

#[test]
fn a_preview_tells_what_runs_now_and_what_runs_is_cut_by_the_stop() {
    let keeper = Arc::new(Keeper::default());
    let upstream = scripted(&keeper);
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    let (id, key) = place.issue(&gate, "caller");
    let bearer = bearer(&key);
    let held = || {
        let mut line = Line::open(gate.public);
        line.send(&request("GET /shop/things/held", &[("Authorization", &bearer)], ""));
        line.read_until("first");
        line
    };
    let preview = |kind: &str, name: &str| {
        let answer = place.manage(&gate, "POST /api/v1/containments", &json!({ "kind": kind, "name": name, "preview": true }));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["preview"].clone()
    };
    assert_eq!(preview("identity", "caller")["open"], 0);

    let mut lines = [held(), held(), held()];
    // One that is over is not open.
    assert_eq!(ask(gate.public, "GET /shop/things", &[("Authorization", &bearer)], "").status, 200);
    for (kind, name) in [("identity", "caller"), ("credential", id.as_str()), ("owner", "shop-team")] {
        let seen = preview(kind, name);
        assert_eq!((&seen["open"], &seen["open_whole"], &seen["breaks"]), (&json!(3), &json!(true), &json!(true)), "{kind}: {seen:#}");
        let hit = &seen["identities"][0];
        assert_eq!((&hit["identity"], &hit["open"]), (&json!("caller"), &json!(3)), "{kind}: {seen:#}");
        let called = &hit["operations"][0];
        assert_eq!((&called["operation"], &called["open"]), (&json!("shop GET /shop/things/{id}"), &json!(3)), "{kind}: {seen:#}");
        assert!(seen["open_since"].is_string() && called["open_since"] == seen["open_since"], "{kind}: {seen:#}");
    }
    // Whoever asks is not cut by the stop of another, nor counts itself.
    assert_eq!(preview("identity", "wardgate-operator")["open"], 0);
    let shown = place.run(&gate, &["contain", "identity", "caller", "--preview"], "").with(0).out;
    assert!(shown.contains("3, the oldest since "), "{shown}");
    assert!(shown.contains("OPEN SINCE") && shown.contains("shop GET /shop/things/{id}"), "{shown}");

    let contained = place.manage(&gate, "POST /api/v1/containments", &json!({ "kind": "identity", "name": "caller", "reason": "test" }));
    assert_eq!(contained.status, 200, "{contained:?}");
    for line in &mut lines {
        assert!(line.answer().is_none(), "what was cut must not look whole");
    }
    until("the cut streams to be over", || (preview("identity", "caller")["open"] == 0).then_some(()));
    keeper.open();
}

#[test]
fn a_log_at_its_cap_refuses_what_must_be_recorded_and_lets_operators_act() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    place.change("wardgate.yaml", "admin:", "audit: { directory: audit/, bytes_max: 64KiB }\nadmin:");
    let gate = place.serve();
    let (_, key) = place.issue(&gate, "caller");
    let bearer = bearer(&key);
    let known: &[(&str, &str)] = &[("Authorization", &bearer)];
    let ready = || ask(gate.admin, "GET /readyz", &[], "");
    assert_eq!(ready().body, "ready\n");

    let mut line = Line::open(gate.public);
    let refused = until("the cap", || Some(line.ask("GET /shop/things", known, "")).filter(|answer| answer.status != 200));
    assert_eq!(refused.said(), "503 commit.no_record");
    let away = "the event log is at its cap, `audit.bytes_max`: raise `audit.bytes_max`, keep less long (`audit.retain`), or have segments lie in a \
                bucket (`audit.segments`)\n";
    assert_eq!((ready().status, ready().body.as_str()), (503, away));
    let metrics = ask(gate.admin, "GET /metrics", &[], "").body;
    assert!(metrics.contains("wardgate_audit_bytes_max 65536\n"), "{metrics}");

    // Operators see and stop.
    let contained = place.manage(&gate, "POST /api/v1/containments", &json!({ "kind": "identity", "name": "caller", "reason": "test" }));
    assert_eq!(contained.status, 200, "{contained:?}");
    assert_eq!(line.ask("GET /shop/things", known, "").said(), "403 identity.contained");
    let is_change = |event: &Value| event["kind"] == "containment";
    until("the change in the log", || place.events().iter().any(is_change).then_some(()));
    // Refusals are counted, not recorded.
    assert!(!place.events().iter().any(|event| event["ruling"]["code"] == "identity.contained"));
}
