//! Drafts of whole logs: text in, a document out, and what that document makes of the same calls.

use super::{Draft, DraftSettings, TaughtBy, Undrafted, draft};
use crate::traffic::{Files, Format, Installation, Mapping, Reading, Report, Settings, YEARS, replay};
use insta::assert_snapshot;
use proptest::prelude::*;
use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};
use wardgate_gate::Limits;
use wardgate_resources::{Inventory, Sources, yaml};

const APACHE: &str = include_str!("../../../testdata/traffic/access-logs/apache.log");
const TRAIL: &str = include_str!("../../../testdata/traffic/cloudtrail/aws.persistence.iam-create-admin-user.json");
const LOGIN: &str = include_str!("../../../testdata/traffic/cloudtrail/aws.initial-access.console-login-without-mfa.json");

fn reading(format: Format) -> Reading {
    Reading { format, mapping: Arc::new(Mapping::new([]).unwrap()), years: YEARS }
}

fn of(format: Format) -> DraftSettings {
    DraftSettings { reading: reading(format), host: None, prefix: String::new(), taught_by: TaughtBy::Served, title: None }
}

/// Files are parted by a line of dashes.
fn with_files<T>(text: &str, doing: impl FnOnce(&Files<'_>) -> T) -> T {
    let texts: Vec<Vec<u8>> = text.split("\n----\n").map(|text| text.as_bytes().to_vec()).collect();
    let open = |at: usize| -> io::Result<Box<dyn Read>> { Ok(Box::new(io::Cursor::new(texts[at].clone()))) };
    doing(&Files { names: (0..texts.len()).map(|at| format!("log-{at}")).collect(), open: &open })
}

fn drafted(text: &str, settings: &DraftSettings) -> Result<Draft, Undrafted> {
    with_files(text, |files| draft(files, settings))
}

fn written(draft: &Draft) -> String {
    yaml::written(&draft.document, super::FIRST)
}

/// `METHOD TARGET STATUS` a line, as the common format.
fn common(lines: &str) -> String {
    let line = |line: &str| {
        let [method, target, status] = *line.split_whitespace().collect::<Vec<_>>() else { panic!("`{line}`") };
        format!("192.0.2.7 - - [01/Mar/2026:09:00:00 +0000] \"{method} {target} HTTP/1.1\" {status} 10\n")
    };
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(line).collect()
}

const ESTATE: &str = "
kind: Owner
name: team
spec: { accountable: lead@example.com }
---
kind: Environment
name: recorded
spec: { production: false, shared: true }
---
kind: Api
name: api
spec:
  policy_owner: team
  business_owner: team
  environment: recorded
  @MATCH@
  upstream: { urls: ['http://127.0.0.1:9000'] }
  openapi: file:api.yaml
  inspect: { requests: enforce }
";

/// An installation whose API has this document. It loads without an error and without a warning.
fn installed(document: &str, matching: &str) -> Inventory {
    let yaml = ESTATE.replace("@MATCH@", matching);
    let sources = Sources { documents: vec![("world.yaml".into(), yaml.into())], policies: Vec::new() };
    let loaded = wardgate_resources::load(&sources, &|_: &Path, _: &str| Ok(document.as_bytes().to_vec()));
    let found: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(found, [""; 0], "{document}");
    loaded.inventory.unwrap()
}

/// What an API that has this document makes of the calls of a log.
fn judged(text: &str, format: Format, document: &str, matching: &str) -> Report {
    let inventory = installed(document, matching);
    let installation = Installation::of(&inventory, Arc::new(Limits::compile(&inventory.limits))).unwrap();
    let settings = Settings { reading: reading(format), top: 4 };
    with_files(text, |files| replay(files, &settings, Some(&installation))).unwrap()
}

/// The reasons for which calls are not let through, and how often.
fn reasons(report: &Report) -> Vec<String> {
    let refused = report.reasons.iter().filter(|reason| !reason.code.starts_with("rule."));
    refused.map(|reason| format!("{} {}", reason.calls, reason.code)).collect()
}

#[test]
fn a_web_servers_log_teaches_a_document() {
    let draft = drafted(APACHE, &of(Format::Combined)).unwrap();
    assert_snapshot!(written(&draft));
    assert_eq!(written(&drafted(APACHE, &of(Format::Combined)).unwrap()), written(&draft), "to the byte");
    assert_eq!(
        (draft.operations, draft.calls, draft.unserved, draft.elsewhere, draft.indescribable, draft.not_understood),
        (84, 149, 1, 0, 0, 0)
    );
}

#[test]
fn the_draft_of_a_log_accepts_all_that_was_served_of_it() {
    let all = DraftSettings { taught_by: TaughtBy::All, ..of(Format::Combined) };
    for settings in [of(Format::Combined), all] {
        let draft = drafted(APACHE, &settings).unwrap();
        let report = judged(APACHE, Format::Combined, &written(&draft), "match: { path_prefix: / }");
        let refused: u64 = report.reasons.iter().filter(|reason| !reason.code.starts_with("rule.")).map(|reason| reason.calls).sum();
        let unserved = draft.unserved + draft.indescribable;
        assert!(refused <= unserved, "{refused} of {}, {unserved} not served: {:?}", report.calls, reasons(&report));
        assert_eq!(report.calls, draft.calls + unserved);
        assert_eq!(refused > 0, settings.taught_by == TaughtBy::Served && unserved > 0, "{:?}", reasons(&report));
    }
}

#[test]
fn what_operations_take_and_answer_is_guessed_from_calls() {
    let log = common(
        "
        GET /v1/orders?page=1&sort=name 200
        GET /v1/orders?page=2&tag=a&tag=b 200
        GET /v1/orders/17 200
        GET /v1/orders/18 404
        GET /v1/orders/ab12cd34ef 200
        POST /v1/orders 201
        POST /v1/orders 422
        DELETE /v1/orders/17 204
        POST /v1/login 200
        GET /v1/export?full=true 200
        GET /.env 404
        GET /v1/wp-login.php 404
        PROPFIND /v1/orders 207
        GET /health 200
        ",
    );
    let settings = DraftSettings { prefix: "/v1".to_owned(), title: Some("Orders".to_owned()), ..of(Format::Clf) };
    let draft = drafted(&log, &settings).unwrap();
    assert_snapshot!(written(&draft), @r#"
    openapi: "3.1.0"
    info:
      title: Orders
      version: draft
      description: "Learned from 8 recorded calls. Look it through: classes are guesses, and what nobody called is not here."
    servers:
      - { url: /v1 }
    paths:
      /export:
        get:
          x-wardgate-class: bulk
          x-wardgate-seen: 1
          parameters:
            - { name: full, in: query, schema: { type: boolean } }
          responses: { "200": { description: seen once } }
      /login:
        post:
          x-wardgate-class: login
          x-wardgate-seen: 1
          requestBody: { content: { "*/*": {} } }
          responses: { "200": { description: seen once } }
      /orders:
        get:
          x-wardgate-class: list
          x-wardgate-seen: 2
          parameters:
            - { name: page, in: query, schema: { type: integer } }
            - { name: sort, in: query, schema: { type: string } }
            - { name: tag, in: query, schema: { type: array, items: { type: string } } }
          responses: { "200": { description: seen 2 times } }
        post:
          x-wardgate-class: write
          x-wardgate-seen: 1
          requestBody: { content: { "*/*": {} } }
          responses: { "201": { description: seen once }, "422": { description: seen once } }
      "/orders/{id}":
        get:
          x-wardgate-class: read
          x-wardgate-seen: 2
          parameters:
            - { name: id, in: path, required: true, schema: { type: string } }
          responses: { "200": { description: seen 2 times }, "404": { description: seen once } }
        delete:
          x-wardgate-class: delete
          x-wardgate-seen: 1
          parameters:
            - { name: id, in: path, required: true, schema: { type: integer } }
          requestBody: { content: { "*/*": {} } }
          responses: { "204": { description: seen once } }
    "#);
    assert_eq!((draft.unserved, draft.elsewhere, draft.indescribable), (3, 2, 1));
    let served =
        log.lines().filter(|line| !line.contains(" 404 ") && line.contains(" /v1")).map(|line| format!("{line}\n")).collect::<String>();
    let report = judged(&served, Format::Clf, &written(&draft), "match: { path_prefix: /v1 }");
    assert_eq!(reasons(&report), ["1 route.no_method"], "what OpenAPI has no word for");
    let otherwise = common("GET /v1/orders?page=first 200\nGET /v1/carts 200\nPUT /v1/orders 200");
    let report = judged(&otherwise, Format::Clf, &written(&draft), "match: { path_prefix: /v1 }");
    assert_eq!(reasons(&report), ["1 inspect.request", "1 route.no_method", "1 route.no_operation"]);
}

#[test]
fn an_archive_teaches_what_bodies_are_like_and_no_value_of_them() {
    let entry = |method: &str, path: &str, sent: &str, status: u16, answered: &str| {
        let data = serde_json::json!({ "mimeType": "application/json; charset=utf-8", "text": sent });
        serde_json::json!({
            "startedDateTime": "2026-03-01T09:00:00Z",
            "request": { "method": method, "url": format!("https://shop.example{path}"), "postData": if sent.is_empty() { serde_json::Value::Null } else { data } },
            "response": { "status": status, "content": { "size": 9, "mimeType": "application/json", "text": answered } },
        })
    };
    let entries = [
        entry("POST", "/things", r#"{"name":"s3cret-one","count":3,"tags":["x"]}"#, 201, r#"{"id":17}"#),
        entry("POST", "/things", r#"{"name":"s3cret-two","note":null}"#, 201, r#"{"id":18}"#),
        entry("GET", "/things?limit=5", "", 200, r#"[{"id":17,"price":1.5},{"id":18}]"#),
        entry("GET", "/things/17", "", 200, "no JSON at all"),
    ];
    let har = serde_json::json!({ "log": { "version": "1.2", "entries": entries } }).to_string();
    let draft = drafted(&har, &of(Format::Har)).unwrap();
    let text = written(&draft);
    assert!(!text.contains("s3cret"), "{text}");
    assert_snapshot!(text, @r#"
    openapi: "3.1.0"
    info:
      title: shop.example
      version: draft
      description: "Learned from 4 recorded calls. Look it through: classes are guesses, and what nobody called is not here."
    paths:
      /things:
        get:
          x-wardgate-class: list
          x-wardgate-seen: 1
          parameters:
            - { name: limit, in: query, schema: { type: integer } }
          responses:
            "200":
              description: seen once
              content:
                application/json:
                  schema:
                    type: array
                    items: { required: [id], type: object, properties: { id: { type: integer }, price: { type: number } } }
        post:
          x-wardgate-class: write
          x-wardgate-seen: 2
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  required: [name]
                  type: object
                  properties:
                    name: { type: string }
                    count: { type: integer }
                    note: {}
                    tags: { type: array, items: { type: string } }
          responses:
            "201":
              description: seen 2 times
              content:
                application/json: { schema: { required: [id], type: object, properties: { id: { type: integer } } } }
      "/things/{id}":
        get:
          x-wardgate-class: read
          x-wardgate-seen: 1
          parameters:
            - { name: id, in: path, required: true, schema: { type: integer } }
          responses: { "200": { description: seen once, content: { application/json: {} } } }
    "#);
    installed(&text, "match: { hosts: [shop.example] }");
}

#[test]
fn a_log_of_several_hosts_wants_to_be_told_of_which() {
    let trail = format!("{TRAIL}\n----\n{LOGIN}");
    let Err(Undrafted::Hosts(named)) = drafted(&trail, &of(Format::CloudTrail)) else { panic!() };
    assert!(named.starts_with("`iam.amazonaws.com` (") && named.contains(", `signin.amazonaws.com` ("), "{named}");
    let one = DraftSettings { host: Some("IAM.amazonaws.com:443".to_owned()), ..of(Format::CloudTrail) };
    let draft = drafted(&trail, &one).unwrap();
    assert_snapshot!(written(&draft));
    assert!(draft.elsewhere > 0);
    installed(&written(&draft), "match: { hosts: [iam.amazonaws.com] }");
}

#[test]
fn where_nothing_is_learned_it_is_said_why() {
    let nothing = drafted("no line at all\n", &of(Format::Clf)).unwrap_err().to_string();
    assert_eq!(nothing, "no operation was learned: 0 calls, 0 of them not served, 0 elsewhere, 1 lines not understood");
    let closed = drafted(&common("GET /a 404"), &of(Format::Clf)).unwrap_err().to_string();
    assert!(closed.contains("1 calls, 1 of them not served"), "{closed}");
}

proptest! {
    #[test]
    fn every_draft_loads_and_accepts_what_taught_it(calls in proptest::collection::vec(
        ("(GET|POST|PUT|DELETE|HEAD|PATCH)", "(/[a-c0-9._~%20{}-]{1,9}){1,4}", proptest::option::of("[a-c0-9=&+%.]{0,20}")), 1..40)) {
        let lines: String = calls
            .iter()
            .map(|(method, path, query)| format!("{method} {path}{} 200\n", query.as_ref().map(|query| format!("?{query}")).unwrap_or_default()))
            .collect();
        let log = common(&lines);
        if let Ok(draft) = drafted(&log, &of(Format::Clf)) {
            let report = judged(&log, Format::Clf, &written(&draft), "match: { path_prefix: / }");
            let refused: u64 = report.reasons.iter().filter(|reason| !reason.code.starts_with("rule.")).map(|reason| reason.calls).sum();
            prop_assert!(refused <= draft.indescribable, "{refused} > {}: {:?}\n{log}{}", draft.indescribable, reasons(&report), written(&draft));
        }
    }

    #[test]
    fn nothing_that_is_in_a_file_breaks_a_draft(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..2_000, put in any::<u8>()) {
        for (format, text) in [(Format::Combined, APACHE), (Format::CloudTrail, TRAIL)] {
            let mut text = text.as_bytes().get(..2_000).unwrap().to_vec();
            text[at % 2_000] = put;
            text.extend(&bytes);
            let open = |_: usize| -> io::Result<Box<dyn Read>> { Ok(Box::new(io::Cursor::new(text.clone()))) };
            let _ = draft(&Files { names: vec!["log".to_owned()], open: &open }, &of(format));
        }
    }
}
