//! The OpenAPI 3.1 document, made from the table of operations.

use crate::{
    operations::{AdminOperation, OPERATIONS, Parameter, Place},
    problem::Code,
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use wardgate_model::api::{PathTemplate, Segment};

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
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let refusal = generator.subschema_for::<ProblemSchema>();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let mut paths: Map<String, Value> = Map::new();
    for row in OPERATIONS {
        let operation = operation(row, &mut generator);
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
            "summary": "Credentials, secrets, explanations and records of a Wardgate installation.",
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
            "responses": {
                "Problem": { "description": "a refusal", "content": { "application/problem+json": { "schema": refusal } } },
            },
        },
    })
}

fn operation(row: &AdminOperation, generator: &mut SchemaGenerator) -> Value {
    let (status, body) = row.response;
    let mut success = json!({ "description": "done" });
    if let Some(schema) = body {
        set(&mut success, "content", json!({ "application/json": { "schema": schema(generator) } }));
    }
    let mut operation = json!({
        "operationId": row.key.as_str(),
        "summary": row.summary,
        "x-wardgate-class": row.class.as_str(),
        "parameters": parameters(row),
        "responses": { status.to_string(): success, "default": { "$ref": "#/components/responses/Problem" } },
    });
    if let Some(schema) = row.request {
        let content = json!({ "application/json": { "schema": schema(generator) } });
        set(&mut operation, "requestBody", json!({ "required": true, "content": content }));
    }
    operation
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
    let path = in_path.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    path.chain(row.parameters.iter().map(parameter)).collect()
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
