//! `wardgate replay` on the log of a gate that served: everything comes out as it was recorded.

use crate::{
    gate::{Gate, Place, until},
    http::{Answer, Line, bearer},
    process::{Ended, wardgate},
    upstream::Upstream,
};
use serde_json::json;

const LIMITS: &str = "\
kind: Limit
name: pace
spec: { select: { identity: caller }, per: identity, rate: 1/h, burst: 40 }
---
kind: Limit
name: monthly
spec: { select: { identity: second }, per: identity, quota: 12/month }
";

const SECOND: &str = "
---
kind: Identity
name: second
spec:
  type: bot
  owner: shop-team
  environment: production
  purpose: reads too
  credentials: [{ name: main, type: api_key, expires_in: 30d }]
---
kind: Grant
name: second-reads
spec: { to: { identity: second }, api: shop, operations: [read, list] }
";

fn place(upstream: &Upstream) -> Place {
    let place = Place::shop(&upstream.url());
    // One thread: then the numbers of rulings are the order in which they were made.
    place.change("wardgate.yaml", "threads: 2", "threads: 1");
    place.write("resources/limits.yaml", LIMITS);
    let shop = std::fs::read_to_string(place.path().join("resources/shop.yaml")).unwrap();
    place.write("resources/shop.yaml", &(shop + SECOND));
    place
}

fn asked(gate: &Gate, key: &str, what: &[&str]) -> Vec<Answer> {
    let (mut line, key) = (Line::open(gate.public), bearer(key));
    what.iter().map(|what| line.ask(what, &[("Authorization", &key)], "")).collect()
}

fn replay(place: &Place) -> Ended {
    wardgate(place.path(), &["replay", "--format", "wardgate", "--output", "json"])
}

#[test]
fn what_a_gate_ruled_is_ruled_again() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let (_, caller) = place.issue(&gate, "caller");
    let (second_id, second) = place.issue(&gate, "second");
    let what = ["GET /shop/things", "GET /shop/things/7", "DELETE /shop/things/7", "GET /nowhere", "PUT /shop/things"];
    asked(&gate, &caller, &what);
    // The quota of one is used up, and what is left of the rate of the other.
    let answers = asked(&gate, &second, &["GET /shop/things"; 14]);
    assert_eq!(answers.iter().filter(|answer| answer.said() == "429 reserve.quota_exceeded").count(), 2, "{answers:?}");
    let answers = asked(&gate, &caller, &["GET /shop/things"; 45]);
    assert!(answers.iter().any(|answer| answer.said() == "429 reserve.rate_exceeded"), "{answers:?}");
    // Nobody, a forged key, and what is no request at all.
    assert_eq!(Line::open(gate.public).ask("GET /shop/things", &[], "").said(), "401 credential.missing");
    asked(&gate, "wg_production_AAAAAAAAAAAA_bm90LWEta2V5", &["GET /shop/things"]);
    Line::open(gate.public).try_send("NONSENSE\r\n\r\n");

    // Another policy.
    place.change("resources/shop.yaml", "operations: [read, list, write]", "operations: [read]");
    until("the policy", || (asked(&gate, &caller, &["GET /shop/things"])[0].said() == "403 standing.denied").then_some(()));
    asked(&gate, &caller, &what);

    // One is contained, a key revoked.
    assert_eq!(place.run(&gate, &["contain", "identity", "caller", "--reason", "test"], "").status, 0);
    until("the stop", || (asked(&gate, &caller, &["GET /shop/things/7"])[0].status == 403).then_some(()));
    place.revoke(&gate, &second_id);
    until("the revocation", || (asked(&gate, &second, &["GET /shop/things/7"])[0].status == 401).then_some(()));

    // Over a restart, quotas go on.
    assert_eq!(gate.end().0, Some(0));
    let gate = place.serve();
    let (_, third) = place.issue(&gate, "second");
    let answers = asked(&gate, &third, &["GET /shop/things"; 2]);
    assert!(answers.iter().all(|answer| answer.said() == "429 reserve.quota_exceeded"), "{answers:?}");
    assert_eq!(gate.end().0, Some(0));

    let report = replay(&place).with(0).json();
    let number = |name: &str| report[name].as_u64().unwrap();
    assert_eq!([number("different"), number("uncertain"), number("not_replayed"), number("runs")], [0, 0, 0, 2], "{report:#}");
    assert!(number("same") > 70 && number("same_stopped") >= 4, "{report:#}");
    assert_eq!(report["missing_rulings"], json!(0), "{report:#}");
}

#[test]
fn a_log_may_be_replayed_while_the_gate_serves_and_without_what_was_kept_it_is_said_what_is_missing() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let gate = place.serve();
    let (_, caller) = place.issue(&gate, "caller");
    let id = asked(&gate, &caller, &["GET /shop/things"])[0].id();
    until("the event", || place.events().iter().any(|event| event["request_id"] == json!(id)).then_some(()));
    replay(&place).with(0);
    assert_eq!(gate.end().0, Some(0));

    std::fs::remove_dir_all(place.path().join("audit/replay")).unwrap();
    let ended = wardgate(place.path(), &["replay"]).with(3);
    assert!(ended.out.contains("not replayed: nothing was kept of the run"), "{ended:?}");
    wardgate(place.path(), &["replay", "no-such-directory"]).with(2);
    wardgate(place.path(), &["replay", "audit", "--store", "sqlite:no-such.db"]).with(1);
}
