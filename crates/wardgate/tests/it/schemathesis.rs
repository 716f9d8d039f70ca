//! The management API held against its own OpenAPI document by `schemathesis`, a tester that did not grow up here: no
//! status, header or body that the document does not name, and no fault of ours, whatever is asked.

use crate::{
    gate::{Gate, Place},
    http::bearer,
    upstream::Upstream,
};
use serde_json::{Value, json};
use std::{path::PathBuf, process::Command};

/// What is held of every answer.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";

/// Where `./check` puts it: beside what cargo builds.
fn tester() -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_wardgate"));
    let target = binary.parent().and_then(|profile| profile.parent()).unwrap().to_owned();
    let tester = target.join("schemathesis/bin/schemathesis");
    assert!(tester.is_file(), "`{}` is missing: run `./check`, which brings it", tester.display());
    tester
}

fn document(place: &Place, gate: &Gate) -> Value {
    place.manage(gate, "GET /api/v1/openapi.json", &Value::Null).json()
}

fn hold(place: &Place, gate: &Gate, document: &Value, checks: &str, arguments: &[&str]) {
    place.write("openapi.json", &document.to_string());
    let done = Command::new(tester())
        .current_dir(place.path())
        .args(["run", "openapi.json", "--url", &format!("http://{}", gate.admin), "--checks", checks])
        .args(["--header", &format!("Authorization: {}", bearer(place.token(gate)))])
        // The same requests every time; each phase but the one that would follow links to our own session and end it.
        .args(["--seed", "20270115", "--phases", "examples,coverage,fuzzing", "--no-color", "--warnings", "off"])
        .args(["--exclude-operation-id", "signIn", "--exclude-operation-id", "signOut"])
        .args(arguments)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    let paths = document["paths"].as_object().unwrap().values().filter_map(Value::as_object);
    let operations = paths.flat_map(|path| path.values()).filter(|operation| operation["operationId"].is_string()).count();
    // All but the two that would end our own session.
    assert!(said.contains(&format!("Tested: {}", operations - 2)), "{operations} operations: {said}");
}

/// It serves as before, and our own session was not touched.
fn as_before(place: &Place, gate: Gate) {
    assert_eq!(place.manage(&gate, "GET /api/v1/whoami", &Value::Null).status, 200);
    let (status, said) = gate.end();
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("panicked") && !said.contains("could not serve a request"), "{said}");
}

#[test]
fn the_management_api_is_what_its_document_says() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    hold(&place, &gate, &document(&place, &gate), &format!("{CHECKS},negative_data_rejection"), &["--max-examples", "6"]);
    as_before(&place, gate);
}

/// The document with names that are there, so that requests come further than to the first look-up.
fn at_home(mut document: Value, credential: &str) -> Value {
    let names = |words: &[&str]| json!({ "type": "string", "enum": words });
    let paths = document["paths"].as_object_mut().unwrap();
    for (path, parameter) in paths.iter_mut().flat_map(|(path, methods)| {
        let operations = methods.as_object_mut().unwrap().values_mut();
        let parameters = operations.flat_map(|operation| operation["parameters"].as_array_mut().unwrap());
        parameters.map(move |parameter| (path.as_str(), parameter))
    }) {
        let room = path.split('/').nth(3).unwrap();
        let schema = match (room, parameter["name"].as_str().unwrap()) {
            ("identities", "name") => names(&["caller", "bot", "other"]),
            ("owners", "name") => names(&["shop-team", "spare"]),
            ("secrets", "name") => names(&["erp"]),
            ("resources" | "containments", "name") => names(&["bot", "other", "caller", "shop", "spare", "z"]),
            ("credentials", "id") => names(&[credential]),
            _ => continue,
        };
        parameter["schema"] = schema;
    }
    for (of, member, words) in [
        ("IssueRequest", "identity", &["caller", "bot", "other"][..]),
        ("IssueRequest", "kind", &["api_key", "sign_in"]),
        ("ContainRequest", "kind", &["identity", "credential", "owner", "token"]),
        ("ContainRequest", "name", &["caller", "bot", "other", "spare"]),
        ("TransferRequest", "owner", &["shop-team", "spare", "nobody"]),
        ("DepartRequest", "grace", &["1h", "14d", "91d"]),
        ("RotateRequest", "overlap", &["1h", "31d"]),
        ("ImportRequest", "format", &["csv", "scim", "codeowners", "kubernetes", "keycloak"]),
        ("DocumentBody", "kind", &["Zone", "Owner", "Identity", "Grant", "Purpose"]),
        ("DocumentBody", "name", &["bot", "z", "spare", "shop"]),
    ] {
        document["components"]["schemas"][of]["properties"][member] = names(words);
    }
    document["components"]["schemas"]["RollbackRequest"]["properties"]["to"] = json!({ "type": "integer", "minimum": 1, "maximum": 40 });
    document
}

#[test]
fn also_where_there_is_something() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    let (credential, _) = place.issue(&gate, "caller");
    let bot = json!({ "type": "bot", "owner": "shop-team", "environment": "production", "purpose": "answers" });
    let spare = json!({ "accountable": "cy@example.com", "deputy": "di@example.com", "contact": "spare@example.com" });
    for (path, spec) in
        [("Identity/bot", &bot), ("Identity/other", &bot), ("Owner/spare", &spare), ("Zone/z", &json!({ "networks": ["192.0.2.0/24"] }))]
    {
        let made = place.manage(&gate, &format!("PUT /api/v1/resources/{path}"), &json!({ "spec": spec }));
        assert_eq!(made.status, 201, "{made:?}");
    }
    assert_eq!(place.manage(&gate, "PUT /api/v1/secrets/erp", &json!({ "value": "hunter2" })).status, 200);
    let document = at_home(document(&place, &gate), &credential);
    hold(&place, &gate, &document, CHECKS, &["--max-examples", "12", "--mode", "positive"]);
    as_before(&place, gate);
}
