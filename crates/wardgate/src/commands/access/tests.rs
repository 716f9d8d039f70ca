use super::{condition, is_about, row};
use serde_json::json;

#[test]
fn what_forbids_is_turned_round() {
    let said = |forbids: bool, when: &str| condition(&json!({ "policy": "p", "forbids": forbids, "when": when }));
    let power = "!((context.proof.kind != \"api_key\") && (context.risk < 40))";
    assert_eq!(said(true, power), "(proof.kind != \"api_key\") && (risk < 40)");
    assert_eq!(said(true, "context.proof.kind == \"sign_in\""), "not proof.kind == \"sign_in\"");
    assert_eq!(said(true, "!(context.a) && (context.b)"), "not !(a) && (b)", "the parentheses are not one pair");
    assert_eq!(said(false, "(context.source.zone == \"dc\")"), "source.zone == \"dc\"");
}

#[test]
fn what_is_about_an_api_names_it() {
    let about = |kind: &str, name: &str, api: &str| is_about(&json!({ "kind": kind, "name": name }), api);
    assert!(about("Api", "shop", "shop") && about("Operation", "shop GET /things", "shop"));
    assert!(!about("Api", "shop-2", "shop") && !about("Operation", "shop-2 GET /things", "shop") && !about("Identity", "shop", "shop"));
    assert!(about("Identity", "till", ""), "no API was named");
}

#[test]
fn a_row_says_the_api_once() {
    let path = json!({ "api": "shop", "operation": "shop GET /shop/things", "conditions": [] });
    assert_eq!(row(&path)["operation"], "GET /shop/things");
    assert_eq!(row(&path).get("when"), None);
}
