use super::{FieldChange, diff};
use insta::assert_snapshot;
use serde_json::{Value, json};

fn check(before: Option<Value>, after: Option<Value>) -> String {
    let value = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
    let line = |FieldChange { path, before, after }: FieldChange| format!("{path}: {} -> {}\n", value(before), value(after));
    diff(before.as_ref(), after.as_ref()).into_iter().map(line).collect()
}

#[test]
fn named_items_are_compared_by_name() {
    let before = json!({
        "owner": "payments", "roles": ["viewer"], "tags": { "a.b": "1", "c": "2" },
        "credentials": [{ "name": "main", "expires_in": "30d" }, { "name": "old", "expires_in": "1d" }],
        "operations": [{ "match": "GET /a/{id}", "class": "read" }],
    });
    let after = json!({
        "owner": "finance", "roles": ["viewer", "operator"], "tags": { "a.b": "2", "c": "2", "": "3" }, "until": "2027-01-01",
        "credentials": [{ "name": "new", "expires_in": "2d" }, { "name": "main", "expires_in": "60d" }],
        "operations": [{ "match": "GET /a/{id}", "class": "bulk" }],
    });
    assert_snapshot!(check(Some(before), Some(after)), @r#"
spec.credentials[main].expires_in: "30d" -> "60d"
spec.credentials[old]: {"name":"old","expires_in":"1d"} -> -
spec.credentials[new]: - -> {"name":"new","expires_in":"2d"}
spec.operations[GET /a/{id}].class: "read" -> "bulk"
spec.owner: "payments" -> "finance"
spec.roles: ["viewer"] -> ["viewer","operator"]
spec.tags."": - -> "3"
spec.tags."a.b": "1" -> "2"
spec.until: - -> "2027-01-01"
"#);
}

#[test]
fn what_comes_or_goes_is_shown_key_by_key() {
    let spec = json!({ "owner": "payments", "credentials": [{ "name": "main" }] });
    assert_snapshot!(check(None, Some(spec.clone())), @r#"
spec.credentials: - -> [{"name":"main"}]
spec.owner: - -> "payments"
"#);
    assert_snapshot!(check(Some(spec.clone()), None), @r#"
spec.credentials: [{"name":"main"}] -> -
spec.owner: "payments" -> -
"#);
    assert_eq!(diff(None, None), []);
    assert_eq!(diff(Some(&spec), Some(&spec)), []);
    assert_eq!(diff(None, Some(&json!({}))), []);
}

#[test]
fn items_without_names_are_compared_in_their_places() {
    assert_snapshot!(check(Some(json!({ "a": [{ "x": 1 }, { "x": 2 }], "b": [1, 2] })), Some(json!({ "a": [{ "x": 1 }, { "x": 3 }], "b": [2, 1] }))), @r#"
spec.a[1].x: 2 -> 3
spec.b: [1,2] -> [2,1]
"#);
    assert_snapshot!(check(Some(json!({ "a": [{ "x": 1 }] })), Some(json!({ "a": [{ "x": 1 }, { "x": 3 }] }))), @r#"spec.a: [{"x":1}] -> [{"x":1},{"x":3}]"#);
    assert_snapshot!(check(Some(json!({ "a": [{ "name": "x" }, { "name": "x" }] })), Some(json!({ "a": [{ "name": "x" }] }))), @r#"spec.a: [{"name":"x"},{"name":"x"}] -> [{"name":"x"}]"#);
    assert_snapshot!(check(Some(json!({ "a": [{ "name": "x]" }, { "name": "y" }] })), Some(json!({ "a": [{ "name": "y" }, { "name": "x]" }] }))), @r#"spec.a: [{"name":"x]"},{"name":"y"}] -> [{"name":"y"},{"name":"x]"}]"#);
    assert_snapshot!(check(Some(json!({ "a": [{ "name": "x]" }] })), Some(json!({ "a": [] }))), @r#"spec.a["x]"]: {"name":"x]"} -> -"#);
}
