//! The management API held against its own OpenAPI document by `schemathesis`, a tester that did not grow up here: no
//! status, header or body that the document does not name, and no fault of ours, whatever is asked.

use crate::{
    gate::{Gate, Place},
    http::bearer,
    upstream::Upstream,
};
use serde_json::Value;
use std::{path::PathBuf, process::Command};

/// What is held: the rest is about how strict an API should be, which is for its own tests to say.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,negative_data_rejection";

/// Where `./check` puts it: beside what cargo builds.
fn tester() -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_wardgate"));
    let target = binary.parent().and_then(|profile| profile.parent()).unwrap().to_owned();
    let tester = target.join("schemathesis/bin/schemathesis");
    assert!(tester.is_file(), "`{}` is missing: run `./check`, which brings it", tester.display());
    tester
}

fn run(place: &Place, gate: &Gate, arguments: &[&str]) {
    let document = place.manage(gate, "GET /api/v1/openapi.json", &Value::Null);
    place.write("openapi.json", &document.body);
    let done = Command::new(tester())
        .current_dir(place.path())
        .args(["run", "openapi.json", "--url", &format!("http://{}", gate.admin), "--checks", CHECKS])
        .args(["--header", &format!("Authorization: {}", bearer(place.token(gate)))])
        // The same requests every time; each phase but the one that would follow links to our own session and end it.
        .args(["--seed", "20270115", "--phases", "examples,coverage,fuzzing", "--no-color"])
        .args(["--exclude-operation-id", "signIn", "--exclude-operation-id", "signOut"])
        .args(arguments)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    assert!(said.contains("No issues found"), "{said}");
}

#[test]
fn the_management_api_is_what_its_document_says() {
    let upstream = Upstream::plain();
    let place = Place::shop(&upstream.url());
    let gate = place.serve();
    place.issue(&gate, "caller");
    run(&place, &gate, &["--max-examples", "8"]);
    // It serves as before, and its own session was not touched.
    assert_eq!(place.manage(&gate, "GET /api/v1/whoami", &Value::Null).status, 200);
    let (status, said) = gate.end();
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
