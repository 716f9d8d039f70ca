mod any;

use super::to_yaml;
use crate::{Document, Sources, normalise, parse};
use insta::assert_snapshot;
use serde_json::{Value, json};
use wardgate_model::{diagnostic::Place, resource::Kind};

fn read(text: &str) -> Vec<Document> {
    let parsed = parse(&Sources { documents: vec![("r.yaml".into(), text.into())], policies: Vec::new() });
    assert_eq!(parsed.diagnostics, [], "{text}");
    parsed.documents
}

fn document(kind: Kind, name: &str, spec: Value) -> Document {
    Document::new(kind, name, spec, Place::file("store"))
}

/// What is written is read again, key for key; and is written as before.
fn hold(spec: Value) -> String {
    let documents = [document(Kind::Flow, "x", normalise(spec).unwrap()), document(Kind::Webhook, "no", json!({}))];
    let text = to_yaml(&documents);
    let again = read(&text);
    assert_eq!(again, documents, "{text}");
    assert_eq!(again[0].spec.to_string(), documents[0].spec.to_string(), "{text}");
    assert_eq!(to_yaml(&again), text);
    text
}

#[test]
fn the_contract_is_written_as_it_is_read() {
    let documents = read(include_str!("../../testdata/contract.yaml"));
    let text = to_yaml(&documents);
    let mut sorted = documents;
    sorted.sort_by_key(|document| (super::rank(document.kind), document.name.clone()));
    assert_eq!(read(&text), sorted);
    assert_snapshot!(text, @r#"
kind: Owner
name: acme-partner
spec: { accountable: lead@acme.example }
---
kind: Owner
name: finance
spec: { accountable: cfo@example.com }
---
kind: Owner
name: payments
spec:
  accountable: payments-lead@example.com
  deputy: payments-deputy@example.com
  contact: payments@example.com
  teams: [settlement]
---
kind: Environment
name: production
spec: { production: true }
---
kind: Environment
name: shared
spec: { shared: true }
---
kind: Purpose
name: settlement
spec: { description: settle what was paid }
---
kind: Zone
name: data-platform
spec: { networks: [10.20.0.0/16, 2001:db8::/32], environment: production }
---
kind: Rotation
name: partners
spec:
  select: { credential: api_key, type: partner, criticality: high, owner: acme-partner, environment: production }
  every: 90d
  warn: 14d
  enforce: 30d
---
kind: Api
name: ledger
spec:
  policy_owner: payments
  business_owner: finance
  business_function: settlement
  environment: production
  sensitivity: high
  exposure: internal
  consumers: machine
  openapi: file:openapi/ledger.yaml
  match: { hosts: [ledger.example], path_prefix: /ledger }
  audit: required
  upstream: { urls: [http://127.0.0.1:9000], identity: assertion }
  mode: enforce
  accept: [api_key]
  api_key_header: X-Api-Key
  operations:
    - { match: GET /entries, class: list, query: [since] }
    - { match: "GET /entries/{id}", class: read, resource: path.id }
    - { match: GET /export, class: bulk }
    - { match: GET /status, class: read, anonymous: true }
---
kind: Api
name: legacy
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: { hosts: [legacy.example] }
  upstream:
    urls: ["http://[::1]:9001"]
    path: /v1
    identity: { basic: gate, secret: legacy-password }
    timeouts: { response: 5s }
    connections_max: 8
  mode: observe
---
kind: Contract
name: acme
spec:
  owner: acme-partner
  contacts: [ops@acme.example]
  until: 2027-06-30
  quota: 1000000/month
  rate: 100/s
  concurrency: 20
  rotation: 90d
  key_life_max: 90d
  drill: 180d
  apis: [ledger]
---
kind: Identity
name: acme-feed
spec:
  type: partner
  owner: acme-partner
  environment: production
  purpose: fetch entries
  until: 2027-12-31
  credentials:
    - { name: main, type: api_key, expires_in: 90d }
    - { name: frozen, type: api_key }
---
kind: Identity
name: ledger-sync
spec:
  type: service_account
  owner: payments
  team: settlement
  environment: production
  purpose: copy settled payments to the ledger every five minutes
  business_function: settlement
  criticality: high
  roles: []
  tags: { cost-centre: "4711" }
  credentials:
    - { name: main, type: api_key, expires_in: 30d, sources: [10.0.0.0/8] }
---
kind: Waiver
name: acme-frozen
spec:
  for: { identity: acme-feed, credential: frozen }
  exempts: expiry
  reason: their appliance cannot change its key
  approver: payments-lead@example.com
  until: 2027-03-31
---
kind: Grant
name: acme-reads
spec: { to: { identity: acme-feed }, api: ledger, operations: [list], contract: acme }
---
kind: Grant
name: ledger-sync-writes
spec:
  to: { identity: ledger-sync }
  api: ledger
  operations: [read, write, GET /export]
  purpose: settlement
  until: 2027-06-30
---
kind: Grant
name: payments-read
spec: { to: { owner: payments }, api: ledger, operations: ["GET /entries/{entry}"] }
---
kind: Limit
name: partner-contract
spec:
  select: { type: partner }
  per: identity
  rate: 100/s
  burst: 200
  quota: 1000000/month
  concurrency: 20
  bytes: 1GiB/day
---
kind: Policy
name: analytics
spec:
  cedar: |
    @id("example:analytics")
    permit (principal, action, resource);
"#);
}

#[test]
fn words_that_mean_something_else_are_quoted() {
    let words = [
        "no",
        "Yes",
        "null",
        "~",
        "TRUE",
        "1e3",
        "0x1F",
        "0o17",
        "1_000",
        "12:30",
        "1.5",
        ".5",
        "-1",
        "+1",
        ".inf",
        "1e",
        "0b1",
        "12",
        "",
        " ",
        " a",
        "a ",
        "a: b",
        "a:",
        "a #b",
        "a#b",
        "#a",
        "- a",
        "-",
        "?",
        "? a",
        ":",
        "[a]",
        "{a}",
        "a, b",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "|",
        ">",
        "'a'",
        "\"a\"",
        "a\\b",
        "---",
        "...",
        "<<",
        "=",
        "a\tb",
        "a\rb",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "\u{202e}",
        "é",
        "日本語",
        "🦀",
        "\u{10ffff}",
        "\u{ffff}",
        "30d",
        "1GiB/day",
        "10.0.0.0/8",
        "100/s",
        "2027-06-30",
        "2027-06-30T00:00:00Z",
        "GET /a/{id}",
        "GET /a",
        "repo:acme/ledger:*",
        "http://127.0.0.1:9000",
        "::1/128",
        "lead@example.com",
        "/ledger",
        "1 a",
        "don't",
        "a  b",
    ];
    assert_snapshot!(hold(json!({ "words": words.to_vec() })), @r##"
kind: Flow
name: x
spec:
  words:
    - "no"
    - "Yes"
    - "null"
    - "~"
    - "TRUE"
    - "1e3"
    - "0x1F"
    - "0o17"
    - "1_000"
    - "12:30"
    - "1.5"
    - ".5"
    - "-1"
    - "+1"
    - ".inf"
    - "1e"
    - "0b1"
    - "12"
    - ""
    - " "
    - " a"
    - "a "
    - "a: b"
    - "a:"
    - "a #b"
    - "a#b"
    - "#a"
    - "- a"
    - "-"
    - "?"
    - "? a"
    - ":"
    - "[a]"
    - "{a}"
    - a, b
    - "*a"
    - "&a"
    - "!a"
    - "%a"
    - "@a"
    - "`a"
    - "|"
    - ">"
    - "'a'"
    - "\"a\""
    - "a\\b"
    - "---"
    - "..."
    - "<<"
    - "="
    - "a\tb"
    - "a\rb"
    - "\u0000"
    - "\u007F"
    - "\u0085"
    - "\u00A0"
    - "\u2028"
    - "\uFEFF"
    - "\u202E"
    - é
    - 日本語
    - "🦀"
    - "\U0010FFFF"
    - "\uFFFF"
    - 30d
    - 1GiB/day
    - 10.0.0.0/8
    - 100/s
    - 2027-06-30
    - "2027-06-30T00:00:00Z"
    - "GET /a/{id}"
    - GET /a
    - "repo:acme/ledger:*"
    - http://127.0.0.1:9000
    - "::1/128"
    - lead@example.com
    - /ledger
    - "1 a"
    - "don't"
    - "a  b"
---
kind: Webhook
name: "no"
spec: {}
"##);
}

#[test]
fn texts_of_several_lines_stay_readable() {
    let texts = [
        "a\nb",
        "a\nb\n",
        "a\nb\n\n\n",
        "a\n\n  b\n",
        " a\nb",
        "\na",
        "a \nb",
        "a\n\tb",
        "\n",
        "a\n",
        "a\r\nb",
        "a\n---\nb\n",
        "a\n# b",
        "a\n\u{85}",
        "permit (\n  principal,\n  action,\n  resource\n) when { context.risk < 40 };\n",
    ];
    assert_snapshot!(hold(json!({ "texts": texts.to_vec(), "deep": { "text": "a\nb\n" } })), @r#"
kind: Flow
name: x
spec:
  deep:
    text: |
      a
      b
  texts:
    - |-
      a
      b
    - |
      a
      b
    - |+
      a
      b


    - |
      a

        b
    - " a\nb"
    - "\na"
    - "a \nb"
    - "a\n\tb"
    - "\n"
    - |
      a
    - "a\r\nb"
    - |
      a
      ---
      b
    - |-
      a
      # b
    - "a\n\u0085"
    - |
      permit (
        principal,
        action,
        resource
      ) when { context.risk < 40 };
---
kind: Webhook
name: "no"
spec: {}
"#);
}

#[test]
fn numbers_and_empty_things_stay_what_they_are() {
    let spec = json!({
        "numbers": [0, -1, u64::MAX, i64::MIN, 1.0, -0.5, 1e300, 5e-324, 1e21, 0.1],
        "empty": [{}, [], "", null, [[]], [{}], [null]], "truth": [true, false], "nothing": {},
    });
    assert_snapshot!(hold(spec), @r#"
kind: Flow
name: x
spec:
  empty:
    - {}
    - []
    - ""
    - null
    - [[]]
    -
      - {}
    - [null]
  nothing: {}
  numbers: [0, -1, 18446744073709551615, -9223372036854775808, 1.0, -0.5, 1e+300, 5e-324, 1e+21, 0.1]
  truth: [true, false]
---
kind: Webhook
name: "no"
spec: {}
"#);
}

#[test]
fn long_keys_and_long_lines_are_written() {
    hold(
        json!({ "k".repeat(2000): { "é".repeat(129): [{ "x".repeat(1100): "y".repeat(3000) }] }, "": { "": "" }, "a: b": 1, "<<": { "a": 1 }, "l".repeat(119): {}, "m".repeat(119): [], "? a": [] }),
    );
}

#[test]
fn what_is_as_deep_as_may_be_is_read_again() {
    let lists = (0..crate::SPEC_DEPTH_MAX - 1).fold(json!("a\nb"), |inner, _| json!([inner]));
    hold(json!({ "a": lists }));
    hold((0..crate::SPEC_DEPTH_MAX).fold(json!(1), |inner, _| json!({ "a": inner })));
}

#[test]
fn nothing_is_no_document() {
    assert_eq!(to_yaml(&[]), "");
}
