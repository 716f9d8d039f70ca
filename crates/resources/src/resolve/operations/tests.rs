use crate::{Sources, load};
use insta::assert_snapshot;
use std::{io, path::Path};
use wardgate_model::time::Time;

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

/// How operations go out of use, or what is wrong: `spec` stands in the resource, `paths` in the document.
fn check(spec: &str, paths: &str) -> String {
    let sources = Sources { documents: vec![("r.yaml".into(), format!("{WORLD}  {spec}\n").into_bytes())], policies: Vec::new() };
    let document = format!("openapi: 3.1.0\npaths: {paths}\n");
    let files = |_: &Path, path: &str| match path {
        "ledger.yaml" => Ok(document.clone().into_bytes()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let loaded = load(&sources, &files);
    let wrong: String = loaded.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect();
    let Some(inventory) = loaded.inventory else { return wrong };
    let moment = |time: Option<Time>| time.map_or_else(|| "-".to_owned(), Time::to_rfc3339);
    let operations = inventory.apis.iter().flat_map(|api| &api.operations);
    let lines = operations.map(|operation| match operation.ending {
        None => format!("{} goes on\n", operation.id),
        Some(ending) => format!("{} {} {} {}\n", operation.id, moment(ending.deprecated), moment(ending.sunset), ending.then),
    });
    wrong + &lines.collect::<String>()
}

#[test]
fn the_document_says_what_goes_out_of_use() {
    let paths = "{/a: {get: {deprecated: true}, put: {deprecated: false}, post: {x-sunset: 2027-06-30}}, \
                 /b: {get: {deprecated: true, x-wardgate-deprecated: 2026-01-01, x-sunset: '2027-06-30T12:00:00Z'}}}";
    assert_snapshot!(check("after_sunset: deny", paths), @"
    ledger GET /ledger/a - - deny
    ledger POST /ledger/a - 2027-06-30T00:00:00Z deny
    ledger PUT /ledger/a goes on
    ledger GET /ledger/b 2026-01-01T00:00:00Z 2027-06-30T12:00:00Z deny
    ");
}

#[test]
fn the_resource_says_more() {
    let paths = "{/a: {get: {deprecated: true, x-sunset: 2027-06-30}, put: {}}}";
    let refined = "operations: [{match: GET /a, deprecated: 2026-05-01, sunset: 2027-12-31}, {match: PUT /a, sunset: 2028-01-01}]";
    assert_snapshot!(check(refined, paths), @"
    ledger GET /ledger/a 2026-05-01T00:00:00Z 2027-12-31T00:00:00Z allow
    ledger PUT /ledger/a - 2028-01-01T00:00:00Z allow
    ");
}

#[test]
fn what_is_no_date_is_refused() {
    let paths = "{/a: {get: {deprecated: soon, x-sunset: 'Sat, 31 Dec 2027 23:59:59 GMT', x-wardgate-deprecated: 7}}, \
                 /b: {get: {x-wardgate-deprecated: 2027-06-30, x-sunset: 2026-06-30}}}";
    assert_snapshot!(check("after_sunset: perhaps", paths), @r#"
ledger.yaml:2:20: error[value.type]: `/paths/~1a/get/deprecated`: expected `true` or `false`
ledger.yaml:2:38: error[value.invalid]: `/paths/~1a/get/x-sunset`: this is no date
  = write a date as in `"2027-06-30"`, or a moment as RFC 3339 has it
ledger.yaml:2:81: error[value.invalid]: `/paths/~1a/get/x-wardgate-deprecated`: this is no date
  = write a date as in `"2027-06-30"`, or a moment as RFC 3339 has it
ledger.yaml:2:155: error[operation.sunset]: `/paths/~1b/get/x-sunset`: 2026-06-30T00:00:00Z is before 2027-06-30T00:00:00Z, since when the operation is deprecated
  = what is gone was deprecated before (RFC 9745 §4)
r.yaml:14:17: error[value.word]: Api `ledger`: `after_sunset`: `perhaps` is not one of `allow`, `deny`
"#);
    let said = check("operations: [{match: GET /c, deprecated: 2027-06-30, sunset: 2026-06-30}, {match: GET /d, sunset: never}]", "{}");
    assert!(
        said.contains("`operations[0].sunset`: 2026-06-30T00:00:00Z is before 2027-06-30T00:00:00Z") && said.contains("`never`"),
        "{said}"
    );
}
