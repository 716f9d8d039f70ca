//! What a document says of the requests of an operation: parameters and bodies, compiled.

use super::{member, schema::Compiler, walk::escaped};
use crate::resolve::PAGES;
use http::HeaderName;
use serde_json::{Map, Value};
use std::sync::Arc;
use wardgate_model::{
    schema::{Node, NodeId, Schemas, Types},
    shape::{BodyShape, Parameter, ParameterForm, ParameterPlace, RequestShape},
};

/// References that follow each other.
const REFERENCES_MAX: usize = 8;
/// Types that a text can be meant as.
const SCALARS: Types = Types::STRING.or(Types::NUMBER).or(Types::BOOLEAN).or(Types::NULL);

/// A shape whose table is not whole yet.
#[derive(Debug)]
pub(super) struct Requested {
    parameters: Vec<Parameter>,
    body: Option<BodyShape>,
}

impl Requested {
    /// With the table. That a document describes neither parameters nor a body says something, too: there is to be no body.
    pub(super) fn shape(self, schemas: &Arc<Schemas>) -> Arc<RequestShape> {
        Arc::new(RequestShape { schemas: Arc::clone(schemas), parameters: self.parameters.into(), body: self.body })
    }
}

/// Reads what an operation of a path item says of its requests.
pub(super) fn read<'a>(
    document: &'a Value,
    compiler: &mut Compiler<'a>,
    item: (&'a Map<String, Value>, &str),
    operation: (&'a Map<String, Value>, &str),
) -> Requested {
    let mut parameters: Vec<(String, Parameter)> = Vec::new();
    for (members, pointer) in [item, operation] {
        for (at, written) in members.get("parameters").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let pointer = format!("{pointer}/parameters/{at}");
            let Some(written) = followed(document, written, compiler, &pointer) else { continue };
            let Some((key, parameter)) = parameter(written, compiler, &pointer) else { continue };
            // An operation's own stands for that of its path.
            parameters.retain(|(known, _)| *known != key);
            parameters.push((key, parameter));
        }
    }
    let (members, pointer) = operation;
    let body = members.get("requestBody").and_then(|body| {
        let pointer = format!("{pointer}/requestBody");
        let body = followed(document, body, compiler, &pointer)?;
        Some(self::body(body, compiler, &pointer))
    });
    Requested { parameters: parameters.into_iter().map(|(_, parameter)| parameter).collect(), body }
}

/// Whether an operation goes through a list: by its parameters, or because its answer is an array.
pub(super) fn pages(document: &Value, item: &Map<String, Value>, operation: &Map<String, Value>) -> bool {
    fn meant<'v>(document: &'v Value, value: &'v Value) -> &'v Value {
        let target = value.get("$ref").and_then(Value::as_str).and_then(|target| document.pointer(target.strip_prefix('#')?));
        target.unwrap_or(value)
    }
    let parameters = [item, operation].into_iter().filter_map(|members| members.get("parameters")?.as_array()).flatten();
    let paged = parameters.into_iter().any(|written| {
        let written = meant(document, written);
        let text = |key: &str| written.get(key).and_then(Value::as_str).unwrap_or_default();
        text("in") == "query" && PAGES.iter().any(|name| text("name").eq_ignore_ascii_case(name))
    });
    let answer = operation.get("responses").and_then(|responses| responses.get("200")).map(|answer| meant(document, answer));
    let schema = answer.and_then(|answer| answer.pointer("/content/application~1json/schema")).map(|schema| meant(document, schema));
    paged || schema.is_some_and(|schema| schema.get("type").and_then(Value::as_str) == Some("array"))
}

fn followed<'a>(document: &'a Value, mut value: &'a Value, compiler: &mut Compiler<'a>, pointer: &str) -> Option<&'a Map<String, Value>> {
    for _ in 0..REFERENCES_MAX {
        let members = value.as_object()?;
        let Some(target) = members.get("$ref") else { return Some(members) };
        match target.as_str().and_then(|target| target.strip_prefix('#')).and_then(|target| document.pointer(target)) {
            Some(found) => value = found,
            None => break,
        }
    }
    compiler.leave("a reference that leads nowhere in the document", pointer);
    None
}

/// A parameter, and what tells it from others: two of one name in two places are two.
fn parameter<'a>(written: &'a Map<String, Value>, compiler: &mut Compiler<'a>, pointer: &str) -> Option<(String, Parameter)> {
    let name = written.get("name").and_then(Value::as_str)?;
    let word = written.get("in").and_then(Value::as_str)?;
    let place = match word {
        "path" => ParameterPlace::Path,
        "query" => ParameterPlace::Query,
        // What these say is said elsewhere in the document (OpenAPI 3.1 §4.8.12.2).
        "header" if ["accept", "content-type", "authorization"].iter().any(|own| name.eq_ignore_ascii_case(own)) => return None,
        "header" => ParameterPlace::Header(HeaderName::try_from(name).ok()?),
        _ => {
            compiler.leave("a parameter in a cookie", pointer);
            return None;
        }
    };
    let is = |key: &str| written.get(key) == Some(&Value::Bool(true));
    let required = place == ParameterPlace::Path || is("required");
    let (schema, form) = match (written.get("schema"), written.get("content").and_then(Value::as_object)) {
        (Some(schema), _) => {
            let schema = compiler.schema(schema, &format!("{pointer}/schema"), 0);
            let form = if is("allowEmptyValue") { ParameterForm::Unread } else { form(written, &place, schema, compiler) };
            (schema, form)
        }
        (None, Some(content)) => content_of(content, compiler, pointer),
        (None, None) => (anything(compiler), ParameterForm::Unread),
    };
    let key = format!("{word} {}", if word == "header" { name.to_ascii_lowercase() } else { name.to_owned() });
    Some((key, Parameter { name: name.into(), place, required, schema, form }))
}

fn anything(compiler: &mut Compiler<'_>) -> NodeId {
    compiler.keep(Node::default())
}

fn content_of<'a>(content: &'a Map<String, Value>, compiler: &mut Compiler<'a>, pointer: &str) -> (NodeId, ParameterForm) {
    let json = content.iter().find(|(media, _)| media.starts_with("application/json"));
    match json.and_then(|(media, described)| Some((media, member(described, "schema")?))) {
        Some((media, schema)) => (compiler.schema(schema, &format!("{pointer}/content/{}/schema", escaped(media)), 0), ParameterForm::Json),
        None => (anything(compiler), ParameterForm::Unread),
    }
}

/// How a value is written (OpenAPI 3.1 §4.8.12.2: `style`, `explode`).
fn form(written: &Map<String, Value>, place: &ParameterPlace, schema: NodeId, compiler: &Compiler<'_>) -> ParameterForm {
    let (list, object, scalar) =
        (compiler.admits(schema, Types::ARRAY), compiler.admits(schema, Types::OBJECT), compiler.admits(schema, SCALARS));
    let query = *place == ParameterPlace::Query;
    let style = written.get("style").and_then(Value::as_str).unwrap_or(if query { "form" } else { "simple" });
    let explode = written.get("explode").and_then(Value::as_bool).unwrap_or(style == "form");
    match (style, list, object) {
        ("form" | "simple", false, false) => ParameterForm::Single,
        ("deepObject", false, _) => ParameterForm::Brackets,
        ("form", true, false) if !scalar => {
            if explode {
                ParameterForm::Repeated
            } else {
                ParameterForm::Joined(',')
            }
        }
        ("simple", true, false) if !scalar => ParameterForm::Joined(','),
        ("spaceDelimited", true, false) if !scalar && !explode => ParameterForm::Joined(' '),
        ("pipeDelimited", true, false) if !scalar && !explode => ParameterForm::Joined('|'),
        _ => ParameterForm::Unread,
    }
}

fn body<'a>(written: &'a Map<String, Value>, compiler: &mut Compiler<'a>, pointer: &str) -> BodyShape {
    let required = written.get("required") == Some(&Value::Bool(true));
    let mut media = Vec::new();
    for (range, described) in written.get("content").and_then(Value::as_object).into_iter().flatten() {
        let essence = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_form = essence == "application/x-www-form-urlencoded";
        let is_read =
            is_form || essence == "application/json" || essence == "text/json" || essence.ends_with("+json") || essence.contains('*');
        let at = format!("{pointer}/content/{}", escaped(range));
        let joined = |encoding: &Value| encoding.get("explode") == Some(&Value::Bool(false)) || encoding.get("contentType").is_some();
        let encodings = member(described, "encoding").and_then(Value::as_object).into_iter().flatten();
        let unread = is_form && encodings.into_iter().any(|(_, encoding)| joined(encoding));
        if unread {
            compiler.leave("a form with an `encoding` of its own", &at);
        }
        let schema = member(described, "schema").filter(|_| is_read && !unread);
        media.push((essence.into(), schema.map(|schema| compiler.schema(schema, &format!("{at}/schema"), 0))));
    }
    BodyShape { required, media: media.into() }
}
