use crate::{Loaded, Sources, load};
use insta::assert_snapshot;
use std::path::Path;

/// What is said of an API with more in its spec and these operations, or which of them are open to people.
fn check(more: &str, operations: &str) -> String {
    let text = format!(
        "{{kind: Owner, name: o, spec: {{accountable: lead@example.com}}}}\n---\n{{kind: Environment, name: e, spec: {{production: true}}}}\n---\n\
         {{kind: Api, name: shop, spec: {{policy_owner: o, business_owner: o, environment: e, match: {{path_prefix: /shop}}, \
         upstream: {{urls: [http://u]}}, {more}operations: [{operations}]}}}}\n"
    );
    let sources = Sources { documents: vec![("r.yaml".into(), text.into_bytes())], policies: Vec::new() };
    let loaded: Loaded = load(&sources, &|_: &Path, _: &str| Err(std::io::ErrorKind::NotFound.into()));
    let said: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    let open = loaded.inventory.iter().flat_map(|inventory| inventory.apis.iter()).flat_map(|api| api.operations.iter());
    let open: Vec<String> = open.filter(|operation| operation.people).map(|operation| operation.id.to_string()).collect();
    [said.join("\n"), open.join("\n")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

const OPERATIONS: &str = "{match: GET /things, class: list}, {match: GET /stock, people: false}, {match: GET /export, class: bulk}, \
                          {match: POST /orders, class: money, people: true}, {match: PUT /basket}, {match: DELETE /basket}";

#[test]
fn what_is_open_to_people_is_said_by_class_or_by_operation() {
    assert_eq!(check("", "{match: GET /things}"), "", "an API serves machines");
    assert_snapshot!(check("consumers: mixed, people: {cookie: sid, classes: [list, write]}, ", OPERATIONS), @r"
    shop PUT /shop/basket
    shop POST /shop/orders
    shop GET /shop/things
    ");
    assert_snapshot!(check("consumers: mixed, people: {header: X-Session}, ", OPERATIONS), @"shop POST /shop/orders");
}

#[test]
fn what_would_open_too_much_or_nothing_is_said() {
    let one = "{match: GET /things}";
    let said = [
        ("consumers: mixed, ", one),
        ("people: {cookie: sid}, ", one),
        ("consumers: machine, ", "{match: GET /things, people: true}"),
        ("consumers: mixed, people: {}, ", "{match: GET /things, people: true}"),
        ("consumers: mixed, people: {cookie: sid, classes: [read, bulk, admin, money]}, ", one),
        ("consumers: mixed, people: {cookie: 'a b', classes: [read]}, ", one),
        ("consumers: mixed, people: {header: Authorization, classes: [read]}, ", one),
        ("consumers: mixed, api_key_header: X-Api-Key, people: {header: X-Api-Key, classes: [read]}, ", one),
        ("consumers: mixed, people: {header: Wardgate-Person, classes: [read]}, ", one),
        ("consumers: mixed, people: {cookie: sid}, ", one),
        ("consumers: mixed, people: {cookie: sid, classes: [read]}, require: {read: {bound: true}}, ", one),
    ];
    let all: Vec<String> = said.iter().map(|(more, operations)| format!("{more}{operations}\n{}", check(more, operations))).collect();
    assert_snapshot!(
        all.join("\n\n"),
        @r#"
consumers: mixed, {match: GET /things}
r.yaml:5:154: error[api.people]: Api `shop`: `consumers: mixed`: nothing says what a person's session looks like
  = write `people: {cookie: NAME}`, `people: {header: NAME}` or both

people: {cookie: sid}, {match: GET /things}
r.yaml:5:151: error[api.people]: Api `shop`: `people`: this API serves machines only
  = write `consumers: mixed`, or take it out

consumers: machine, {match: GET /things, people: true}
r.yaml:5:1: error[operation.people]: Api `shop`: `GET /things` is open to people, and the API serves machines only
  = write `consumers: mixed` and `people`, or take it out

consumers: mixed, people: {}, {match: GET /things, people: true}
r.yaml:5:169: error[api.people]: Api `shop`: `people`: nothing says what a person's session looks like
  = write `people: {cookie: NAME}`, `people: {header: NAME}` or both

consumers: mixed, people: {cookie: sid, classes: [read, bulk, admin, money]}, {match: GET /things}
r.yaml:5:199: error[api.people_class]: Api `shop`: `people.classes`: operations of the class `bulk` are opened one by one
  = take it out, and write `people: true` at each operation that is meant
r.yaml:5:205: error[api.people_class]: Api `shop`: `people.classes`: operations of the class `admin` are opened one by one
  = take it out, and write `people: true` at each operation that is meant
r.yaml:5:212: error[api.people_class]: Api `shop`: `people.classes`: operations of the class `money` are opened one by one
  = take it out, and write `people: true` at each operation that is meant

consumers: mixed, people: {cookie: 'a b', classes: [read]}, {match: GET /things}
r.yaml:5:178: error[value.invalid]: Api `shop`: `people.cookie`: `a b` is no name of a cookie
  = write letters, digits, `-` and `_`, as in `session`

consumers: mixed, people: {header: Authorization, classes: [read]}, {match: GET /things}
r.yaml:5:178: error[api.people_header]: Api `shop`: `people.header`: `authorization` has another office
  = name a header that bears nothing but the session

consumers: mixed, api_key_header: X-Api-Key, people: {header: X-Api-Key, classes: [read]}, {match: GET /things}
r.yaml:5:205: error[api.people_header]: Api `shop`: `people.header`: `x-api-key` has another office
  = name a header that bears nothing but the session

consumers: mixed, people: {header: Wardgate-Person, classes: [read]}, {match: GET /things}
r.yaml:5:178: error[value.invalid]: Api `shop`: `people.header`: the header `Wardgate-Person` has another office
  = use a header of its own, as in `X-Api-Key`

consumers: mixed, people: {cookie: sid}, {match: GET /things}
r.yaml:5:169: warning[api.people_idle]: Api `shop`: `people`: no operation is open to people
  = name `classes` here, or write `people: true` at an operation

consumers: mixed, people: {cookie: sid, classes: [read]}, require: {read: {bound: true}}, {match: GET /things}
r.yaml:5:169: warning[api.people_bound]: Api `shop`: `people`: `GET /things` is open to people, and `require` wants of `read` what no session can show
  = take `bound` out of `require: {read: …}`, or the operation out of what is open to people
shop GET /shop/things
"#
    );
}
