use crate::{Loaded, Sources, load};
use insta::assert_snapshot;
use std::path::Path;

/// What is said of a flow of a shop, or what it is and which operations know of it.
fn check(spec: &str) -> String {
    said(&format!("kind: Flow\nname: holds\nspec: {{{spec}}}\n"))
}

fn said(flows: &str) -> String {
    let text = format!(
        "{flows}---\n{{kind: Owner, name: o, spec: {{accountable: lead@example.com}}}}\n---\n\
         {{kind: Environment, name: e, spec: {{production: true}}}}\n---\n\
         {{kind: Api, name: shop, spec: {{policy_owner: o, business_owner: o, environment: e, match: {{path_prefix: /shop}}, \
         upstream: {{urls: [http://u]}}, operations: [{{match: 'GET /holds', class: list}}, {{match: POST /holds}}, \
         {{match: 'POST /holds/{{id}}/purchase'}}, {{match: 'DELETE /holds/{{id}}'}}]}}}}\n---\n\
         {{kind: Identity, name: bot, spec: {{type: bot, owner: o, environment: e, purpose: x}}}}\n---\n\
         {{kind: Grant, name: g, spec: {{to: {{identity: bot}}, api: shop, operations: [POST /holds]}}}}\n"
    );
    let sources = Sources { documents: vec![("r.yaml".into(), text.into_bytes())], policies: Vec::new() };
    let loaded: Loaded = load(&sources, &|_: &Path, _: &str| Err(std::io::ErrorKind::NotFound.into()));
    let mut lines: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    if let Some(inventory) = &loaded.inventory {
        lines.extend(inventory.flows.iter().map(|flow| format!("{flow:?}")));
        for operation in &inventory.apis[0].operations {
            let steps = operation.flows.iter().map(|step| format!(" {} {:?}", step.flow.name, step.part));
            lines.push(format!("{} {}:{}", operation.method, operation.template, steps.collect::<String>()));
        }
    }
    lines.join("\n")
}

const OPERATIONS: &str = "begin: [POST /holds], finish: ['POST /holds/{hold}/purchase', 'DELETE /holds/{id}']";

#[test]
fn its_operations_know_of_a_flow() {
    assert_snapshot!(check(&format!("api: shop, {OPERATIONS}, within: 15m, unfinished: {{share: 60%, at_least: 30}}")), @r#"
Flow { name: FlowName("holds"), api: ApiName("shop"), within: 900s, share: 60, at_least: 30 }
GET /shop/holds:
POST /shop/holds: holds Begins
DELETE /shop/holds/{id}: holds Finishes
POST /shop/holds/{id}/purchase: holds Finishes
"#);
    assert_snapshot!(check(&format!("api: shop, {OPERATIONS}, within: 1h30m")), @r#"
Flow { name: FlowName("holds"), api: ApiName("shop"), within: 5400s, share: 50, at_least: 20 }
GET /shop/holds:
POST /shop/holds: holds Begins
DELETE /shop/holds/{id}: holds Finishes
POST /shop/holds/{id}/purchase: holds Finishes
"#);
}

#[test]
fn what_is_no_flow_is_said_with_its_place() {
    let wrong = [
        format!("api: shop, {OPERATIONS}"),
        format!("api: shp, {OPERATIONS}, within: 15m"),
        format!("api: wardgate-admin, {OPERATIONS}, within: 15m"),
        "api: shop, begin: [], finish: [], within: 15m".to_owned(),
        "api: shop, begin: [POST /hold], finish: ['DELETE /holds/{id}'], within: 15m".to_owned(),
        "api: shop, begin: [POST /holds, POST /holds], finish: [POST /holds], within: 15m".to_owned(),
        "api: shop, begin: [GET /holds], finish: ['DELETE /holds/{id}'], within: 15m".to_owned(),
        format!("api: shop, {OPERATIONS}, within: 30s"),
        format!("api: shop, {OPERATIONS}, within: 8d"),
        format!("api: shop, {OPERATIONS}, within: 15m, unfinished: {{share: 0%, at_least: 0}}"),
        format!("api: shop, {OPERATIONS}, within: 15m, unfinished: {{share: most, at_least: 10001}}"),
        format!("api: shop, {OPERATIONS}, within: 15m, steps: [a, b]"),
    ];
    assert_snapshot!(wrong.map(|spec| check(&spec)).join("\n\n"), @r#"
r.yaml:3:7: error[key.missing]: Flow `holds`: `within`: this key is missing

r.yaml:3:13: error[reference.unknown]: Flow `holds`: `api`: there is no Api `shp`
  = did you mean `shop`?

r.yaml:3:13: error[flow.api]: Flow `holds`: `api`: the management API has no flows
  = name an API of yours

r.yaml:3:26: error[flow.empty]: Flow `holds`: `begin`: the list is empty
  = name an operation of the API, as in `["POST /holds"]`
r.yaml:3:38: error[flow.empty]: Flow `holds`: `finish`: the list is empty
  = name an operation of the API, as in `["POST /holds"]`

r.yaml:3:27: error[flow.no_operation]: Flow `holds`: the API `shop` has no operation `POST /hold`
  = did you mean `POST /holds`?

r.yaml:3:40: error[flow.twice]: Flow `holds`: `begin`: `POST /holds` stands twice, first in line 3
  = keep one: names of parameters make no difference
r.yaml:3:63: error[flow.both]: Flow `holds`: `finish`: `POST /holds` begins it, in line 3: what begins a flow cannot end it
  = keep it in one of the two lists

r.yaml:3:27: warning[flow.reads]: Flow `holds`: `begin`: `GET /holds` is of the class `list`, which begins nothing
  = name the operation that takes or creates something
Flow { name: FlowName("holds"), api: ApiName("shop"), within: 900s, share: 50, at_least: 20 }
GET /shop/holds: holds Begins
POST /shop/holds:
DELETE /shop/holds/{id}: holds Finishes
POST /shop/holds/{id}/purchase:

r.yaml:3:112: error[flow.within]: Flow `holds`: `within`: 30s is not between 1m and 7d
  = write how long it takes at the most from the beginning to the end

r.yaml:3:112: error[flow.within]: Flow `holds`: `within`: 8d is not between 1m and 7d
  = write how long it takes at the most from the beginning to the end

r.yaml:3:137: error[value.invalid]: Flow `holds`: `unfinished.share`: `0%` is no share
  = write a share as in `60%`: 1% to 100%
r.yaml:3:151: error[flow.at_least]: Flow `holds`: `unfinished.at_least`: 0 is not between 1 and 10000
  = write how much has to be begun before anything is told

r.yaml:3:137: error[value.invalid]: Flow `holds`: `unfinished.share`: `most` is no share
  = write a share as in `60%`: 1% to 100%
r.yaml:3:153: error[flow.at_least]: Flow `holds`: `unfinished.at_least`: 10001 is not between 1 and 10000
  = write how much has to be begun before anything is told

r.yaml:3:117: error[key.unknown]: Flow `holds`: `steps`: this key is not known
  = one of `api`, `begin`, `finish`, `within`, `unfinished`
"#);
}

#[test]
fn an_operation_stands_in_a_few_flows_only() {
    let flows: String = (1..=5)
        .map(|number| format!("---\nkind: Flow\nname: f-{number}\nspec: {{api: shop, begin: [POST /holds], finish: ['DELETE /holds/{{id}}'], within: {number}m}}\n"))
        .collect();
    assert_snapshot!(said(&flows), @r"
r.yaml:20:27: error[flow.many]: Flow `f-5`: an operation stands in 4 flows at the most
  = take it out here, or make one of two flows
r.yaml:20:50: error[flow.many]: Flow `f-5`: an operation stands in 4 flows at the most
  = take it out here, or make one of two flows
");
}
