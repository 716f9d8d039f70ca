use super::{
    page::page,
    shown::{Runs, lines},
};
use serde_json::{Value, json};
use wardgate_console::{TimelineEntry, TimelineView};

fn view(events: &[Value]) -> TimelineView {
    let entry =
        |event: &Value| TimelineEntry { child: event["child"].as_bool().unwrap_or(false), event: event.as_object().unwrap().clone() };
    TimelineView { subject: "identity:ledger-sync".into(), entries: events.iter().map(entry).collect(), ..TimelineView::default() }
}

/// 2026-09-21T14:13:20Z, and so many seconds.
fn at(second: i64) -> i64 {
    (1_790_000_000 + second) * 1_000_000
}

fn request(second: i64, response: &str, status: u16) -> Value {
    json!({
        "time_us": at(second), "kind": "request", "identity": { "id": "ledger-sync", "name": "ledger-sync" },
        "operation": "ledger GET /entries/{id}", "ruling": { "response": response, "enforced": true, "code": "rule.allowed" },
        "client_status": status, "source": { "address": "192.0.2.7" },
        "upstream": { "name": "u", "bytes_in": 0, "bytes_out": 1500, "records": 2 },
    })
}

fn shown(events: &[Value], runs: Runs) -> String {
    let text = anstream::adapter::strip_str(&lines(&view(events), runs)).to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn runs_of_the_same_are_one_line_and_the_end_sums_up() {
    let mut events: Vec<Value> = (0..4).map(|second| request(second, "allow", 200)).collect();
    events.push(request(4, "block", 403));
    events.push(json!({ "child": true, "time_us": at(5), "kind": "request", "identity": { "id": "inner" }, "operation": "stock GET /x",
        "ruling": { "response": "allow", "enforced": false, "code": "rule.allowed" }, "client_status": 200 }));
    events.push(json!({ "time_us": at(6), "kind": "change",
        "change": { "actor": "operator", "what": "revoke", "kind": "credential", "name": "k1", "reason": "leaked" } }));
    events.push(json!({ "time_us": at(100_000), "kind": "finding",
        "finding": { "code": "token.shared", "severity": "high", "kind": "identity", "name": "ledger-sync", "what": "two places" } }));
    insta::assert_snapshot!(shown(&events, Runs::Folded), @r"
    identity:ledger-sync

    2026-09-21
    14:13:20.000  ledger-sync           ledger GET /entries/{id}                      allow rule.allowed                200  × 4 until 14:13:23.000 · from 192.0.2.7 · 6.0 kB out, 8 records
    14:13:24.000  ledger-sync           ledger GET /entries/{id}                      block rule.allowed                403  from 192.0.2.7 · 1.5 kB out, 2 records
    14:13:25.000    └ inner                 stock GET /x                                  allow (observed) rule.allowed     200
    14:13:26.000  operator              revoke credential k1                          leaked

    2026-09-22
    18:00:00.000  identity ledger-sync  token.shared (high)                           two places

    events    7: 4 allow, 1 block, 1 change, 1 finding, and 1 other calls of their traces
    span      2026-09-21T14:13:20.000Z to 2026-09-22T18:00:00.000Z
    flow      7.5 kB out, 10 records
    callers   1: ledger-sync
    sources   1: 192.0.2.7
    ");
    assert_eq!(shown(&events, Runs::Apart).lines().filter(|line| line.contains("allow rule.allowed")).count(), 4);
}

#[test]
fn two_alike_are_two_lines_and_a_new_day_begins_a_new_run() {
    let folded = |seconds: &[i64]| {
        let events: Vec<Value> = seconds.iter().map(|second| request(*second, "allow", 200)).collect();
        let text = shown(&events, Runs::Folded);
        text.lines()
            .filter(|line| line.contains("ledger GET"))
            .map(|line| if line.contains('×') { "run" } else { "one" })
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(folded(&[0, 1]), "one one");
    assert_eq!(folded(&[0, 1, 2]), "run");
    // The day ends 35,200 seconds later.
    assert_eq!(folded(&[35_197, 35_198, 35_199, 35_200, 35_201]), "run one one");
}

/// What an investigation turns on is not folded away: another source or credential, a pause, what was taken, what came of it.
#[test]
fn a_run_hides_neither_where_from_nor_what_nor_a_pause() {
    let event = |second, resource: &str, credential: &str, source: &str| {
        let mut event = request(second, "allow", 200);
        event["resource"] = json!(resource);
        event["credential"] = json!({ "id": credential });
        event["source"]["address"] = json!(source);
        event["effect"] = json!(format!("moved {resource}"));
        event
    };
    let mut events: Vec<Value> = (0..5).map(|second| event(second, &format!("r{second}"), "k1", "192.0.2.7")).collect();
    events.extend((5..8).map(|second| event(second, "r1", "k2", "192.0.2.7")));
    events.extend((8..11).map(|second| event(second, "r1", "k2", "192.0.2.8")));
    events.extend((611..614).map(|second| event(second, "r1", "k2", "192.0.2.8")));
    let text = shown(&events, Runs::Folded);
    let runs: Vec<&str> = text.lines().filter_map(|line| line.split_once("200  ").map(|(_, more)| more)).collect();
    assert_eq!(
        runs,
        [
            "× 5 until 14:13:24.000 · resources 5: r0, r1, r2, r3, r4 · from 192.0.2.7 · effect: moved r0 · effect: moved r1 · effect: moved r2 \
             · and 2 more (`--all`) · 7.5 kB out, 10 records",
            "× 3 until 14:13:27.000 · resource r1 · from 192.0.2.7 · effect: moved r1 · 4.5 kB out, 6 records",
            "× 3 until 14:13:30.000 · resource r1 · from 192.0.2.8 · effect: moved r1 · 4.5 kB out, 6 records",
            "× 3 until 14:23:33.000 · resource r1 · from 192.0.2.8 · effect: moved r1 · 4.5 kB out, 6 records",
        ]
    );
}

#[test]
fn a_terminal_is_not_written_to_by_whoever_is_in_the_log() {
    let event = json!({ "time_us": at(0), "kind": "request", "method": "GET", "path": "/\u{1b}[2J", "effect": "a\r\nb" });
    let text = shown(&[event], Runs::Apart);
    assert!(text.contains(r"GET /\u{1b}[2J") && text.contains(r"effect: a\r\nb"), "{text}");
}

#[test]
fn the_page_holds_nothing_that_the_log_could_make_it_do() {
    let hostile = r#"<script>alert(1)</script>"><img src=x onerror='a&b'>"#;
    let event = json!({
        "time_us": at(0), "kind": "request", "method": "GET", "path": hostile, "effect": hostile, "resource": hostile,
        "identity": { "id": hostile, "name": hostile }, "source": { "address": hostile, "user_agent": hostile },
        "ruling": { "response": hostile, "enforced": false, "code": hostile }, "ending": hostile,
    });
    let change = json!({ "time_us": at(1), "kind": "change",
        "change": { "actor": hostile, "what": hostile, "kind": hostile, "name": hostile, "reason": hostile } });
    let finding = json!({ "time_us": i64::MAX, "kind": "finding",
        "finding": { "code": hostile, "severity": hostile, "kind": hostile, "name": hostile, "what": hostile } });
    let mut found = view(&[event, change, finding]);
    found.subject = hostile.into();
    found.clock_back = serde_json::from_value(json!([{ "edge": hostile, "seq": 1, "by_us": 5_000_000 }])).unwrap();
    let page = page(&found);
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("alert(1)</"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img src=x onerror=&#39;a&amp;b&#39;&gt;"));
    // Nothing comes from elsewhere, and the policy names the one style that is in it.
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
    assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
    for tag in page.split('<').skip(1).filter_map(|tag| tag.split(['>', ' ']).next()) {
        let known = [
            "!doctype", "html", "head", "meta", "title", "style", "body", "h1", "h2", "dl", "dt", "dd", "svg", "rect", "fieldset",
            "legend", "label", "input", "table", "tr", "td", "details", "summary", "pre",
        ];
        assert!(known.contains(&tag.trim_start_matches('/')), "`{tag}` stands in the page");
    }
}

#[test]
fn the_page_has_a_row_an_event_and_a_bar_for_each_time() {
    let events: Vec<Value> = (0..100).map(|second| request(second, if second % 3 == 0 { "block" } else { "allow" }, 200)).collect();
    let page = page(&view(&events));
    assert_eq!(page.matches("<tr class=").count(), 100);
    assert_eq!(page.matches("<tr class=\"block\"").count(), 34);
    assert!(page.contains("id=\"f-allow\"") && page.contains("id=\"f-block\"") && !page.contains("id=\"f-slow\""));
    assert!(page.matches("<rect").count() > 60);
    assert!(super::page::page(&view(&[])).contains("nothing about it"));
}

/// A request whose first event was durable is one line; a stream is two; what has no end is told so.
#[test]
fn two_events_of_one_request_are_one_line_unless_it_is_a_stream() {
    let event = |second, id: &str, kind: &str, status: Option<u16>| {
        let mut event = request(second, "allow", status.unwrap_or_default());
        (event["request_id"], event["kind"]) = (json!(id), json!(kind));
        if status.is_none() {
            event.as_object_mut().unwrap().retain(|name, _| name != "client_status" && name != "upstream");
        }
        event
    };
    let events = [
        event(0, "r1", "opened", None),
        event(0, "r1", "closed", Some(200)),
        event(1, "r2", "opened", Some(101)),
        event(1, "r2", "closed", Some(101)),
        event(2, "r3", "opened", None),
        event(3, "r4", "opened", Some(200)),
        event(3, "r4", "closed", Some(200)),
    ];
    insta::assert_snapshot!(shown(&events, Runs::Folded), @r"
    identity:ledger-sync

    2026-09-21
    14:13:20.000  ledger-sync           ledger GET /entries/{id}                      allow rule.allowed                200  from 192.0.2.7 · 1.5 kB out, 2 records
    14:13:21.000  ledger-sync           ledger GET /entries/{id}                      allow rule.allowed                101  stream opened · from 192.0.2.7 · 1.5 kB out, 2 records
    14:13:21.000  ledger-sync           ledger GET /entries/{id}                      allow rule.allowed                101  stream closed · from 192.0.2.7 · 1.5 kB out, 2 records
    14:13:22.000  ledger-sync           ledger GET /entries/{id}                      allow rule.allowed                     its end is not among these · from 192.0.2.7
    14:13:23.000  ledger-sync           ledger GET /entries/{id}                      allow rule.allowed                200  stream opened · from 192.0.2.7 · 1.5 kB out, 2 records
    14:13:23.000  ledger-sync           ledger GET /entries/{id}                      allow rule.allowed                200  stream closed · from 192.0.2.7 · 1.5 kB out, 2 records

    events    6: 6 allow
    span      2026-09-21T14:13:20.000Z to 2026-09-21T14:13:23.000Z
    flow      7.5 kB out, 10 records
    callers   1: ledger-sync
    sources   1: 192.0.2.7
    ");
    let html = page(&view(&events));
    assert_eq!(html.matches("<tr ").count(), 6);
    assert_eq!(html.matches("&quot;r1&quot;").count(), 1);
}
