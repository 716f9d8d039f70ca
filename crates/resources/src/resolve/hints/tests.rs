use crate::{Sources, load};
use insta::assert_snapshot;
use std::path::Path;

const WORLD: &str = "\
{kind: Owner, name: payments, spec: {accountable: lead@example.com}}
---
{kind: Environment, name: production, spec: {production: true}}
---
kind: Api
name: ledger
spec:
  policy_owner: payments
  business_owner: payments
  environment: production
  match: {path_prefix: /ledger}
  upstream: {urls: [http://u:90]}
  openapi: file:ledger.yaml
";

/// What is warned of: `spec` stands in the resource, `paths` in the document.
fn check(spec: &str, paths: &str) -> String {
    let sources = Sources { documents: vec![("r.yaml".into(), format!("{WORLD}  {spec}\n").into_bytes())], policies: Vec::new() };
    let document = format!("openapi: 3.1.0\npaths: {paths}\n");
    let loaded = load(&sources, &|_: &Path, _: &str| Ok(document.clone().into_bytes()));
    loaded.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

#[test]
fn logins_and_lists_that_are_not_declared_are_named() {
    let paths = "{/sessions: {post: {}}, /oauth/token: {post: {}}, /login: {get: {}}, '/logins/{id}': {post: {}}, \
                 /events: {get: {parameters: [{name: cursor, in: query, schema: {type: string}}]}}, \
                 /tags: {get: {responses: {'200': {content: {application/json: {schema: {type: array}}}}}}}, \
                 /things: {get: {}}, '/things/{id}': {get: {}}}";
    assert_snapshot!(check("sensitivity: high", paths), @r"
    r.yaml:13:12: warning[operation.unclassed]: Api `ledger`: `GET /events`, `GET /tags` look like lists, and no class is said
      = declare `class: list`, with `records`, so that what is taken can be counted; or the class that they are of
    r.yaml:13:12: warning[operation.unclassed]: Api `ledger`: `POST /sessions`, `POST /oauth/token` look like logins, and no class is said
      = declare `class: login`, with `login: {subject: …, failed: […]}`, so that tries are told from each other; or the class that they are of
    ");
}

#[test]
fn whoever_says_a_class_is_not_asked_again() {
    let paths =
        "{/sessions: {post: {x-wardgate-class: write}}, /events: {get: {parameters: [{name: page, in: query, schema: {type: integer}}]}}}";
    assert_eq!(check("operations: [{match: GET /events, class: read}]", paths), "");
}

#[test]
fn power_behind_a_low_sensitivity_is_named() {
    assert_snapshot!(check("sensitivity: low", "{/keys: {post: {x-wardgate-class: admin}}}"), @r"
    r.yaml:14:16: warning[api.underclassified]: Api `ledger`: `sensitivity`: `low`, and `POST /keys` is of the class `admin`
      = say what a leak of its powers would mean
    ");
}

#[test]
fn a_sign_in_is_declared_whole() {
    let paths = "{/sessions: {post: {}}}";
    let said = |login: &str| check(&format!("operations: [{{match: POST /sessions, class: login, login: {login}}}]"), paths);
    assert_eq!(said("{subject: /username, failed: [401, 403]}"), "");
    assert!(said("{subject: username, failed: [401]}").contains("`username` is no JSON pointer"));
    assert!(
        said("{subject: /username, failed: [99]}")
            .contains("error[operation.login]: Api `ledger`: `operations[0].login.failed`: `99` is no status code")
    );
    assert!(said("{subject: /username, failed: []}").contains("`operations[0].login.failed`: the list is empty"));
    let other = check("operations: [{match: POST /sessions, class: write, login: {subject: /u, failed: [401]}}]", paths);
    assert!(other.contains("`operations[0].login`: the operation is of the class `write`"), "{other}");
}
