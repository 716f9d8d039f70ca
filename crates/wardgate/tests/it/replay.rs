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
    what.iter().map(|what| line.ask_or_cut(what, &[("Authorization", &key)], "")).collect()
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

#[test]
fn our_own_log_is_reported_as_those_of_others_are_as_a_directory_an_export_and_a_sealed_segment() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    place.change("wardgate.yaml", "resources: [resources/]", "resources: [resources/]\naudit: { seal: { events: 20 } }");
    let gate = place.serve();
    let (_, caller) = place.issue(&gate, "caller");
    asked(&gate, &caller, &["GET /shop/things"; 24]);
    asked(&gate, &caller, &["DELETE /shop/things/7"; 3]);
    assert_eq!(Line::open(gate.public).ask("GET /shop/things", &[], "").said(), "401 credential.missing");
    let segments = place.path().join("audit/segments");
    let sealed = || {
        let entries = std::fs::read_dir(&segments).ok()?;
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "parquet"));
        files.into_iter().min()
    };
    let sealed = until("a sealed segment", sealed);
    assert_eq!(gate.end().0, Some(0));

    let arguments = |html| ["replay", "--output", "json", "--html", html];
    let told = wardgate(place.path(), &arguments("once.html")).with(0);
    assert_eq!(told.out, wardgate(place.path(), &arguments("again.html")).with(0).out);
    let page = std::fs::read_to_string(place.path().join("once.html")).unwrap();
    assert_eq!(page, std::fs::read_to_string(place.path().join("again.html")).unwrap());
    assert!(page.contains("<h2>Made again</h2>") && page.contains("caller") && !page.contains("<script"), "{page}");
    wardgate(place.path(), &arguments("once.html")).with(2);
    let report = told.json();
    let of = |report: &serde_json::Value, name: &str| {
        let all = report["identities"].as_array().unwrap().iter();
        all.filter(|one| one["name"] == name)
            .map(|one| (one["calls"].clone(), one["allow"].clone(), one["block"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&report, "caller"), [(json!(27), json!(24), json!(3))], "{report:#}");
    assert_eq!((&report["format"], &report["learned"], &report["different"]), (&json!("wardgate"), &json!(false), &json!(0)));
    let shop = report["apis"].as_array().unwrap().iter().find(|api| api["name"] == "shop").unwrap();
    let list = shop["operations"].as_array().unwrap().iter().find(|told| told["operation"] == "GET /shop/things").unwrap();
    assert_eq!((&list["calls"], &list["callers"]), (&json!(25), &json!(2)), "{shop:#}");
    let steps = report["over_time"]["steps"].as_array().unwrap().iter();
    assert_eq!(steps.map(|step| step["block"].as_u64().unwrap()).sum::<u64>(), report["rulings"]["block"].as_u64().unwrap());
    let shown = wardgate(place.path(), &["replay"]).with(0).out;
    assert!(shown.contains("what was on record then") && shown.contains("all rulings come out as they were recorded"), "{shown}");

    // Files have calls and not what ruled: they are judged as the logs of others are.
    let exported = wardgate(place.path(), &["audit", "export"]).with(0).out;
    place.write("events.ndjson", &exported);
    let file = |file: &str| wardgate(place.path(), &["replay", "--format", "wardgate", "--output", "json", file]).with(0).json();
    let report = file("events.ndjson");
    assert_eq!((of(&report, "caller").len(), &report["learned"], &report["not_understood"]["count"]), (1, &json!(true), &json!(0)));
    assert_eq!(of(&report, "caller")[0].0, json!(27), "{report:#}");
    let report = file(sealed.to_str().unwrap());
    let told = &report["files"][0];
    assert!(told["calls"].as_u64() > Some(5) && told["not_understood"] == 0, "{report:#}");
    assert!(of(&report, "caller")[0].0.as_u64() > Some(5), "{report:#}");
    // Resources are of files, and a directory is none.
    wardgate(place.path(), &["replay", "--resources", "resources"]).with(2);
    wardgate(place.path(), &["replay", "--format", "wardgate", "events.ndjson", "audit"]).with(2);
}

/// Lines of a web server's log: `SECOND USER TARGET`.
fn common(lines: &[(u32, &str, &str)]) -> String {
    let line = |(second, user, target): &(u32, &str, &str)| {
        format!("192.0.2.7 - {user} [01/Mar/2026:10:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" 200 512\n", second / 60, second % 60)
    };
    lines.iter().map(line).collect()
}

#[test]
fn what_others_recorded_is_judged_packed_or_not_and_gives_the_same_report_each_time() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    let lines = [(2, "ada", "/things/17"), (1, "ada", "/things"), (3, "eve", "/things/../x")];
    std::fs::write(path.join("access.log"), common(&lines) + "nonsense\n").unwrap();
    let packed = std::process::Command::new("gzip").args(["-k", "access.log"]).current_dir(path).status().unwrap();
    assert!(packed.success());
    let arguments = |file: &'static str| ["replay", "--format", "clf", "--output", "json", file];
    let plain = wardgate(path, &arguments("access.log")).with(0);
    let report = plain.json();
    assert_eq!(
        [&report["calls"], &report["order"]["sorted"], &report["not_understood"]["count"]],
        [&json!(3), &json!(1), &json!(1)],
        "{report:#}"
    );
    assert_eq!(report["rulings"], json!({ "allow": 2, "slow": 0, "challenge": 0, "block": 1 }), "{report:#}");
    assert_eq!(report["not_understood"]["first"][0]["line"], json!(4), "{report:#}");
    assert_eq!(plain.out, wardgate(path, &arguments("access.log")).with(0).out);
    let unpacked = wardgate(path, &arguments("access.log.gz")).with(0).out;
    assert_eq!(plain.out, unpacked.replace("access.log.gz", "access.log"));

    let shown = wardgate(path, &["replay", "--format", "clf", "access.log", "--html", "report.html"]).with(0);
    assert!(shown.out.contains("canon.path") && shown.out.contains("GET /things/{id}"), "{shown:?}");
    let page = std::fs::read_to_string(path.join("report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("canon.path"), "{page}");
}

#[test]
fn an_installations_own_documents_judge_what_others_recorded() {
    let upstream = Upstream::plain();
    let place = place(&upstream);
    let lines =
        [(1, "caller", "/shop/things"), (2, "second", "/shop/things/7"), (3, "stranger", "/shop/things/7"), (4, "second", "/shop/nothing")];
    place.write("foreign.log", &common(&lines));
    let report = wardgate(place.path(), &["replay", "--format", "clf", "foreign.log", "--resources", "resources", "--output", "json"])
        .with(0)
        .json();
    assert_eq!(report["callers"]["on_record"], json!(2), "{report:#}");
    assert_eq!(report["learned"], json!(false));
    let reasons: Vec<&str> = report["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["rule.allowed", "route.no_operation"], "{report:#}");
}

#[test]
fn how_a_file_was_recorded_has_to_be_said_and_what_is_no_log_is_told() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    std::fs::write(path.join("x.log"), "hello\n").unwrap();
    let ended = wardgate(path, &["replay", "x.log"]).with(2);
    assert!(ended.err.contains("--format clf|combined|json|cloudtrail|har|sshd"), "{ended:?}");
    let ended = wardgate(path, &["replay", "--format", "combined", "x.log"]).with(3);
    for said in ["1 line not understood", "x.log:1: ", "`--format combined` is as in: 192.0.2.7 - ada ["] {
        assert!(ended.err.contains(said), "{said}: {ended:?}");
    }
    assert_eq!(ended.out, "", "there is nothing to show");
    std::fs::write(path.join("y.log"), "{\"time\":1722376393,\"path\":\"/a\"}\n").unwrap();
    let ended = wardgate(path, &["replay", "--format", "combined", "y.log"]).with(3);
    assert!(ended.err.contains("it reads as `--format json`"), "{ended:?}");
    std::fs::write(path.join("there.html"), "mine").unwrap();
    let ended = wardgate(path, &["replay", "--format", "json", "y.log", "--html", "there.html"]).with(2);
    assert!(ended.err.contains("`there.html` is there already") && ended.out.is_empty(), "{ended:?}");
    assert_eq!(std::fs::read_to_string(path.join("there.html")).unwrap(), "mine");
    wardgate(path, &["replay", "--format", "clf", "no-such.log"]).with(2);
    wardgate(path, &["replay", "--format", "clf", "x.log", "--map", "time=ts"]).with(2);
    wardgate(path, &["replay", "--format", "json", "x.log", "--map", "tyme=ts"]).with(2);
    wardgate(path, &["replay", "--html", "x.html"]).with(2);
}

#[test]
fn the_year_that_lines_do_not_say_comes_of_the_date_of_their_file() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    let line = |day: &str| format!("{day} 13:06:56 host sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2\n");
    let log = std::fs::File::create_new(path.join("auth.log")).unwrap();
    std::fs::write(path.join("auth.log"), [line("Dec 31"), line("Jan  1")].concat()).unwrap();
    // 2024-03-01.
    log.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_709_251_200)).unwrap();
    let from = |ended: Ended| ended.json()["from"].as_str().unwrap()[..10].to_owned();
    let arguments = ["replay", "--format", "sshd", "--output", "json", "auth.log"];
    let ended = wardgate(path, &arguments).with(0);
    assert!(ended.err.contains("`auth.log` begins in 2023; say another with --year"), "{ended:?}");
    assert_eq!(from(ended), "2023-12-31", "the file ended in the March after");
    let ended = wardgate(path, &[&arguments[..], &["--year", "2019"]].concat()).with(0);
    assert!(!ended.err.contains("--year"), "{ended:?}");
    assert_eq!(from(ended), "2019-12-31");
}
