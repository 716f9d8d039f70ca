//! The OpenAPI 3.1 document, made from the table of operations.

use crate::{
    operations::{AdminOperation, Key, Needs, Parameter, Place, operations},
    problem::{Code, DiagnosticView},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::LazyLock};
use wardgate_model::{
    api::{PathTemplate, Segment},
    id::NAME_BYTES_MAX,
    resource::Kind,
};

/// A refusal (RFC 9457), as the document describes it.
#[derive(JsonSchema)]
#[schemars(rename = "Problem")]
#[expect(dead_code, reason = "only its schema is wanted: `problem::Problem` writes the answer itself")]
struct ProblemSchema {
    /// `urn:wardgate:reason:CODE`.
    r#type: String,
    /// What is wrong, the same for every occurrence.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What exactly is wrong this time.
    detail: String,
    /// `urn:uuid:REQUEST_ID`.
    instance: String,
    /// `room.cause`, for programs.
    code: String,
    /// The id of the request: `wardgate explain` takes it.
    request_id: String,
    /// What to do about it.
    remedy: String,
    /// All that is wrong with what would be declared; only with `console.diagnostics`.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<Vec<DiagnosticView>>,
    /// The moves that are possible; only with `console.illegal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    legal: Option<Vec<String>>,
}

/// How the gate may refuse before a request comes to any operation, by status (`model::reason` has the codes).
const BY_THE_GATE: [(u16, &str); 10] = [
    (400, "the request is not well-formed, or shows a credential twice or where it must not"),
    (401, "no credential that counts here"),
    (403, "contained, ended, or not permitted by policy"),
    (404, "nothing is served at this path"),
    (408, "the request did not arrive in time"),
    (413, "the body is too large"),
    (414, "the request target is too long"),
    (429, "too many requests"),
    (431, "the header section is too large"),
    (503, "the gate cannot rule or record at present"),
];

/// The document. It is made once.
#[must_use]
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(made);
    &DOCUMENT
}

fn made() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let refusal = generator.subschema_for::<ProblemSchema>();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let mut paths: Map<String, Value> = Map::new();
    for row in operations() {
        let operation = operation(row, &refusal, &mut generator);
        let path = paths.entry(row.template).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(row.method.http().as_str().to_ascii_lowercase(), operation);
        }
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wardgate management API",
            "version": "1",
            "summary": "Everything that a Wardgate installation governs, and what happened to it.",
            "description": format!(
                "Every request is judged like any other; refusals of the gate itself are problems too. Codes of this API: {}.",
                codes.join(", ")
            ),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "a session token; a sign-in credential at `POST /api/v1/sessions`" },
            },
        },
    })
}

fn operation(row: &AdminOperation, refusal: &Schema, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": row.key.as_str(),
        "summary": row.summary,
        "x-wardgate-class": row.class.as_str(),
        "parameters": parameters(row),
        "responses": responses(row, refusal, generator),
    });
    if row.needs == Needs::SignIn {
        set(&mut operation, "description", json!("Takes a single-use sign-in credential; everything else takes a session."));
    }
    if let Some(schema) = row.request {
        let content = json!({ "application/json": { "schema": schema(generator) } });
        set(&mut operation, "requestBody", json!({ "required": true, "content": content }));
    }
    operation
}

/// Every status that an operation can answer with.
fn responses(row: &AdminOperation, refusal: &Schema, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut responses = Map::new();
    for (status, body) in row.answers {
        let waits = match row.key {
            Key::EraseEvents => "it is under way; `Location` says where it can be seen how far",
            _ => "it waits for a second person; `Location` names the approval",
        };
        let mut success = json!({ "description": if *status == 202 { waits } else { "done" } });
        if let Some(schema) = body {
            set(&mut success, "content", json!({ "application/json": { "schema": schema(generator) } }));
        }
        responses.insert(status.to_string(), success);
    }
    let mut told: BTreeMap<u16, Vec<&str>> = BY_THE_GATE.iter().map(|(status, what)| (*status, vec![*what])).collect();
    for code in refusals(row) {
        told.entry(code.status().as_u16()).or_default().push(code.as_str());
    }
    for (status, what) in told {
        let content = json!({ "application/problem+json": { "schema": refusal } });
        responses.insert(status.to_string(), json!({ "description": what.join("; "), "content": content }));
    }
    responses
}

/// How the API itself may refuse an operation: the ways of its row, and those of all.
fn refusals(row: &AdminOperation) -> impl Iterator<Item = Code> {
    [Code::Malformed, Code::Proof, Code::Reach, Code::Away, Code::Fault].into_iter().chain(row.refusals.iter().copied())
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn parameters(row: &AdminOperation) -> Vec<Value> {
    let template = PathTemplate::parse(row.template);
    let segments = template.as_ref().map(PathTemplate::segments).unwrap_or_default();
    let in_path = segments.iter().filter_map(Segment::parameter);
    let path = in_path.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": in_path_schema(row, name) }));
    path.chain(row.parameters.iter().map(parameter)).collect()
}

/// What may stand in a path.
fn in_path_schema(row: &AdminOperation, name: &str) -> Value {
    let room = row.template.split('/').nth(3).unwrap_or_default();
    match (room, name) {
        ("resources", "kind") => json!({ "type": "string", "enum": Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>() }),
        ("containments", "kind") => json!({ "type": "string", "enum": ["identity", "credential", "owner"] }),
        ("credentials" | "approvals", "id") => json!({ "type": "string", "pattern": "^[0-9A-Za-z]{12}$" }),
        ("audit", "id") => json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }),
        (_, "request_id") => json!({ "type": "string", "format": "uuid" }),
        ("containments", _) => json!({ "type": "string", "minLength": 1 }),
        (_, _) => json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9._:-]*$", "maxLength": NAME_BYTES_MAX }),
    }
}

fn parameter(parameter: &Parameter) -> Value {
    let place = match parameter.place {
        Place::Query => "query",
        Place::Header => "header",
    };
    let schema =
        if parameter.name == "limit" { json!({ "type": "integer", "minimum": 1, "maximum": 500 }) } else { json!({ "type": "string" }) };
    json!({ "name": parameter.name, "in": place, "description": parameter.about, "schema": schema })
}

#[cfg(test)]
mod tests;
