//! Requests against the documents of APIs: every keyword beside another validator, and the examples of real documents.

use http::Method;
use serde_json::{Value, json};
use std::{io::Read as _, path::Path, sync::Arc};
use wardgate_abuse::inspect::{
    conform::{Rule, check},
    described,
    json::{JsonLimits, read},
};
use wardgate_model::{api::Api, shape::RequestShape};
use wardgate_resources::{Loaded, Sources};

const API: &str = "
kind: Owner
name: team
spec: { accountable: lead@example.com }
---
kind: Environment
name: production
spec: { production: true }
---
kind: Api
name: api
spec:
  policy_owner: team
  business_owner: team
  environment: production
  match: { hosts: [api.example] }
  upstream: { urls: ['http://127.0.0.1:9000'] }
  openapi: file:api.json
  inspect: { requests: enforce }
";

fn loaded(document: &[u8]) -> Loaded {
    let sources = Sources { documents: vec![("world.yaml".into(), API.into())], policies: Vec::new() };
    wardgate_resources::load(&sources, &|_: &Path, _: &str| Ok(document.to_vec()))
}

fn api(document: &[u8]) -> Arc<Api> {
    let loaded = loaded(document);
    let found: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    Arc::clone(&loaded.inventory.unwrap_or_else(|| panic!("{found:?}")).apis[0])
}

/// A document with one operation whose body is of this schema.
fn document(version: &str, schema: &Value) -> Vec<u8> {
    let components = json!({ "schemas": {
        "Name": { "type": "string", "minLength": 2 },
        "Tree": { "type": "object", "properties": { "left": { "$ref": "#/components/schemas/Tree" }, "value": { "type": "integer" } }, "additionalProperties": false },
    } });
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    json!({ "openapi": version, "components": components, "paths": { "/x": { "post": { "requestBody": body } } } }).to_string().into_bytes()
}

fn shape(api: &Api) -> &RequestShape {
    api.operations[0].request.as_deref().unwrap()
}

fn rule(shape: &RequestShape, media: &str, instance: &str) -> Option<Rule> {
    let node = described(shape.body.as_ref().unwrap(), Some(media)).unwrap().unwrap();
    let tape = read(instance.as_bytes(), &JsonLimits::default()).unwrap();
    check(&tape, 0, &shape.schemas, node).err().map(|miss| miss.rule)
}

/// Instances of every kind: each schema below is tried on all of them.
const INSTANCES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "1.0",
    "1.5",
    "3",
    "10",
    "1e2",
    "0.3",
    "9007199254740993",
    "2147483648",
    "\"\"",
    "\"a\"",
    "\"ab\"",
    "\"abc\"",
    "\"abcd\"",
    "\"123\"",
    "\"é\"",
    "\"éé\"",
    "\"\\u0061b\"",
    "[]",
    "[1]",
    "[1,2]",
    "[1,1]",
    "[1,1.0]",
    "[1,\"a\"]",
    "[\"a\",1]",
    "[\"a\",1,true]",
    "[[1],[1]]",
    "[{\"a\":1},{\"a\":1.0}]",
    "{}",
    "{\"a\":1}",
    "{\"a\":\"x\"}",
    "{\"b\":1}",
    "{\"a\":1,\"b\":2}",
    "{\"a\":1,\"b\":2,\"c\":3}",
    "{\"x-y\":1}",
    "{\"x-y\":\"s\"}",
    "{\"kind\":\"cat\",\"claws\":3}",
    "{\"kind\":\"dog\",\"claws\":3}",
    "{\"kind\":\"dog\",\"bark\":true}",
    "{\"left\":{\"left\":{\"value\":1}},\"value\":2}",
    "{\"left\":{\"left\":{\"value\":\"x\"}}}",
    "{\"left\":{\"rihgt\":{}}}",
    "{\"name\":\"a\"}",
    "{\"name\":\"ab\"}",
    "{\"name\":null}",
];

/// Schemas that mean the same in OpenAPI 3.1 as in JSON Schema 2020-12, which the other validator knows.
fn schemas() -> Vec<Value> {
    vec![
        json!(true),
        json!(false),
        json!({}),
        json!({ "type": "null" }),
        json!({ "type": "boolean" }),
        json!({ "type": "integer" }),
        json!({ "type": "number" }),
        json!({ "type": "string" }),
        json!({ "type": "array" }),
        json!({ "type": "object" }),
        json!({ "type": ["string", "null", "integer"] }),
        json!({ "enum": [1, "a", null, [1, 2], { "a": 1 }, 1.5] }),
        json!({ "const": 1 }),
        json!({ "const": { "a": 1, "b": 2 } }),
        json!({ "enum": [] }),
        json!({ "minimum": 1, "maximum": 3 }),
        json!({ "exclusiveMinimum": 1, "exclusiveMaximum": 10 }),
        json!({ "multipleOf": 0.1 }),
        json!({ "multipleOf": 3 }),
        json!({ "maximum": 9007199254740992_i64 }),
        json!({ "minLength": 2, "maxLength": 3 }),
        json!({ "pattern": "^a" }),
        json!({ "pattern": "b" }),
        json!({ "pattern": "^\\d+$" }),
        json!({ "items": { "type": "integer" } }),
        json!({ "items": false }),
        json!({ "prefixItems": [{ "type": "string" }, { "type": "integer" }] }),
        json!({ "prefixItems": [{ "type": "string" }, { "type": "integer" }], "items": false }),
        json!({ "prefixItems": [{ "type": "string" }], "items": { "type": "integer" } }),
        json!({ "minItems": 1, "maxItems": 2 }),
        json!({ "uniqueItems": true }),
        json!({ "properties": { "a": { "type": "integer" } } }),
        json!({ "required": ["a"] }),
        json!({ "required": ["a", "b"], "properties": { "a": {} } }),
        json!({ "properties": { "a": {} }, "additionalProperties": false }),
        json!({ "properties": { "a": {} }, "additionalProperties": { "type": "integer", "maximum": 2 } }),
        json!({ "patternProperties": { "^x-": { "type": "integer" } } }),
        json!({ "patternProperties": { "^x-": { "type": "integer" } }, "properties": { "a": {} }, "additionalProperties": false }),
        json!({ "required": ["b"], "additionalProperties": false, "properties": { "a": {} } }),
        json!({ "propertyNames": { "maxLength": 1 } }),
        json!({ "minProperties": 1, "maxProperties": 2 }),
        json!({ "allOf": [{ "type": "integer" }, { "minimum": 1 }] }),
        json!({ "anyOf": [{ "type": "integer" }, { "type": "string", "maxLength": 1 }] }),
        json!({ "oneOf": [{ "type": "integer" }, { "minimum": 1 }] }),
        json!({ "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] }),
        json!({ "not": { "type": "integer" } }),
        json!({ "not": { "required": ["a"] } }),
        json!({ "not": {} }),
        json!({ "$ref": "#/components/schemas/Name" }),
        json!({ "$ref": "#/components/schemas/Name", "maxLength": 2 }),
        json!({ "$ref": "#/components/schemas/Tree" }),
        json!({ "properties": { "name": { "$ref": "#/components/schemas/Name" } } }),
        json!({ "type": "object", "allOf": [{ "properties": { "kind": { "enum": ["cat"] } } }, { "required": ["kind"] }] }),
        json!({ "anyOf": [{ "not": { "type": "array" } }, { "items": { "type": "integer" } }] }),
    ]
}

#[test]
fn another_validator_says_the_same_of_every_keyword() {
    let mut compared = 0;
    for schema in schemas() {
        let bytes = document("3.1.0", &schema);
        let api = api(&bytes);
        // Its references are within the document: that is what the other one is given too.
        let whole: Value = serde_json::from_slice(&bytes).unwrap();
        let mut own = json!({ "components": whole["components"], "allOf": [schema] });
        own["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        let oracle = jsonschema::options().should_validate_formats(false).build(&own).unwrap();
        for instance in INSTANCES {
            let ours = rule(shape(&api), "application/json", instance);
            let value: Value = serde_json::from_str(instance).unwrap();
            assert_eq!(ours.is_none(), oracle.is_valid(&value), "{schema} on {instance}: {ours:?}");
            compared += 1;
        }
    }
    assert!(compared > 2_500, "{compared}");
}

#[test]
fn what_openapi_says_otherwise_is_obeyed() {
    let check = |version: &str, schema: Value, instance: &str| rule(shape(&api(&document(version, &schema))), "application/json", instance);
    let three = |schema: Value, instance: &str| check("3.0.3", schema, instance);
    assert_eq!(three(json!({ "type": "string", "nullable": true }), "null"), None);
    assert_eq!(three(json!({ "type": "string" }), "null"), Some(Rule::Type));
    assert_eq!(three(json!({ "type": "string", "nullable": true, "enum": ["a"] }), "null"), None);
    assert_eq!(three(json!({ "nullable": true, "allOf": [{ "$ref": "#/components/schemas/Name" }] }), "null"), None);
    assert_eq!(three(json!({ "allOf": [{ "$ref": "#/components/schemas/Name" }] }), "null"), Some(Rule::Type));
    assert_eq!(three(json!({ "type": "integer", "minimum": 1, "exclusiveMinimum": true }), "1"), Some(Rule::Range));
    assert_eq!(three(json!({ "type": "integer", "minimum": 1, "exclusiveMinimum": false }), "1"), None);
    assert_eq!(three(json!({ "$ref": "#/components/schemas/Name", "maxLength": 2 }), "\"abc\""), None, "beside a reference nothing counts");
    assert_eq!(three(json!({ "type": "integer", "format": "int32" }), "2147483648"), Some(Rule::Range));
    assert_eq!(three(json!({ "type": "integer", "format": "int64" }), "9223372036854775808"), Some(Rule::Range));
    let read_only =
        json!({ "type": "object", "required": ["id", "a"], "properties": { "id": { "type": "string", "readOnly": true }, "a": {} } });
    assert_eq!(three(read_only, "{\"a\":1}"), None, "answers have it");
    for (format, good, bad) in [
        ("date", "2026-02-28", "2026-02-30"),
        ("date-time", "2026-11-23T09:00:00.5+01:00", "2026-11-23 at nine"),
        ("date-time", "2026-12-31T23:59:60Z", "2026-11-23T09:00:00"),
        ("uuid", "0e37df36-f698-11e6-8dd4-cb9ced3df976", "0e37df36f69811e68dd4cb9ced3df976"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "2001:db8:::1"),
    ] {
        for version in ["3.0.3", "3.1.0"] {
            let schema = json!({ "type": "string", "format": format });
            assert_eq!(check(version, schema.clone(), &json!(good).to_string()), None, "{format} {good}");
            assert_eq!(check(version, schema, &json!(bad).to_string()), Some(Rule::Format), "{format} {bad}");
        }
    }
    let any = json!({ "type": "string", "format": "email" });
    assert_eq!(three(any, "\"no address\""), None, "all other formats say what is meant, no more");
}

#[test]
fn what_is_not_checked_is_told() {
    let told = |schema: Value| {
        let loaded = loaded(&document("3.1.0", &schema));
        let found =
            loaded.diagnostics.iter().map(ToString::to_string).filter(|found| found.contains("warning[openapi.unchecked]: `/paths/"));
        found.map(|found| found.split_once("`: ").unwrap().1.to_owned()).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(json!({ "properties": { "a": { "pattern": "^(?!x)" }, "b": { "pattern": "(" } } })), @r"
    a `pattern`: it looks around, or back at what it has matched, which takes more than linear time: this is not checked in requests
    a `pattern`: it is no pattern of ECMA-262: this is not checked in requests
    ");
    insta::assert_snapshot!(told(json!({ "if": {}, "then": {}, "contains": {}, "items": { "contains": {} } })), @r"
    `contains`: this is not checked in requests, nor at one other place
    `if`: this is not checked in requests
    `then`: this is not checked in requests
    ");
    insta::assert_snapshot!(told(json!({ "$ref": "other.yaml#/X" })), @"a reference that leads nowhere in the document: this is not checked in requests");
    assert_eq!(told(json!({ "title": "t", "format": "email", "x-own": 1, "unevaluatedProperties": true })), "");
}

fn real(file: &str) -> Vec<u8> {
    let packed = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/testdata/openapi").join(file)).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// The examples of request bodies that a document has: method, path, example.
fn examples(document: &Value) -> Vec<(Method, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(content) = operation.pointer("/requestBody/content/application~1json") else { continue };
            let several = content.get("examples").and_then(Value::as_object).into_iter().flatten();
            let method: Method = method.to_ascii_uppercase().parse().unwrap();
            found.extend(several.filter_map(|(_, example)| Some((method.clone(), path.clone(), example.get("value")?.clone()))));
        }
    }
    found
}

#[test]
fn the_examples_of_a_real_document_are_as_it_says() {
    let bytes = real("api.github.com.json.gz");
    let api = api(&bytes);
    let raw: Value = serde_json::from_slice(&bytes).unwrap();
    let (mut all, mut otherwise, mut noticed, mut broken) = (0, Vec::new(), 0, 0);
    for (method, path, example) in examples(&raw) {
        let operation = api.operations.iter().find(|operation| operation.method == method && operation.template.as_str() == path).unwrap();
        let shape = operation.request.as_deref().unwrap();
        let rule = |value: &Value| rule(shape, "application/json", &value.to_string());
        all += 1;
        if let Some(rule) = rule(&example) {
            otherwise.push(format!("{method} {path}: {rule:?}"));
        }
        // Each of its members with a value that no member has.
        for name in example.as_object().into_iter().flat_map(serde_json::Map::keys) {
            let mut other = example.clone();
            other[name] = json!([[{ "wardgate": [[]] }]]);
            broken += 1;
            noticed += u32::from(rule(&other).is_some());
        }
    }
    // Each of these is a mistake of the document: a number that is written as a text, a null where none is allowed, a list for an object, …
    insta::assert_snapshot!(format!("{all} examples, otherwise: {otherwise:#?}\n{noticed} of {broken} broken ones noticed"), @r#"
    373 examples, otherwise: [
        "PATCH /gists/{gist_id}: Type",
        "POST /orgs/{org}/issue-fields: Required",
        "PUT /orgs/{org}/outside_collaborators/{username}: Type",
        "PATCH /repos/{owner}/{repo}/security-advisories/{ghsa_id}: Type",
        "PUT /user/codespaces/secrets/{secret_name}/repositories: Type",
        "POST /user/keys: Pattern",
        "POST /user/ssh_signing_keys: Pattern",
    ]
    888 of 893 broken ones noticed
    "#);
}

#[test]
fn real_documents_are_compiled_whole() {
    for (file, unchecked) in [("api.github.com.json.gz", 0), ("stripe.com.json.gz", 0), ("kubernetes.io.json.gz", 0)] {
        let loaded = loaded(&real(file));
        let told: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).filter(|told| told.contains("unchecked")).collect();
        assert_eq!(told.len(), unchecked, "{file}: {told:#?}");
        let api = &loaded.inventory.unwrap().apis[0];
        let bodies = api.operations.iter().filter(|operation| operation.request.as_ref().is_some_and(|shape| shape.body.is_some())).count();
        assert!(bodies > 100, "{file}: {bodies}");
    }
}
