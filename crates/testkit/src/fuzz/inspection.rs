//! Inspection: any bytes as JSON, as a form, as a query and through every coding, against a schema with every keyword.

use super::{Broken, Outcome, Target, hold};
use std::sync::LazyLock;
use wardgate_abuse::inspect::{
    self, Media, Wanted,
    conform::check,
    hostile,
    json::{JsonLimits, Kind, read},
};
use wardgate_model::shape::RequestShape;

pub(super) const TARGET: Target = Target {
    name: "inspection",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/inspection"),
    property,
    words: &[
        "{\"",
        "\":",
        "\"",
        "\\u",
        "\\ud83d\\ude00",
        "\\ud800",
        "[",
        "]",
        "{",
        "}",
        ",",
        "null",
        "true",
        "false",
        "-1",
        "0.1",
        "1e9",
        "1e-9",
        "name",
        "count",
        "kind",
        "cat",
        "dog",
        "tags",
        "tree",
        "left",
        "&",
        "=",
        "[]",
        "%7b",
        "\u{fe}",
        "\u{e9}",
        "' or 1=1--",
    ],
    bytes_max: 2_048,
};

const DOCUMENT: &[u8] = include_bytes!("inspection.json");

/// The shape of the one operation of the document.
static SHAPE: LazyLock<Option<RequestShape>> = LazyLock::new(|| {
    let text = "{kind: Owner, name: o, spec: {accountable: a@example.com}}\n---\n{kind: Environment, name: e, spec: {production: true}}\n---\n{kind: Api, name: a, spec: {policy_owner: o, environment: e, match: {hosts: [a.example]}, upstream: {urls: ['http://127.0.0.1:9000']}, openapi: file:x}}\n";
    let sources = wardgate_resources::Sources { documents: vec![("w.yaml".into(), text.into())], policies: Vec::new() };
    let loaded = wardgate_resources::load(&sources, &|_: &std::path::Path, _: &str| Ok(DOCUMENT.to_vec()));
    let api = loaded.inventory?.apis.first().cloned()?;
    api.operations.first()?.request.as_deref().cloned()
});

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let shape = SHAPE.as_ref().ok_or_else(|| Broken::of("the document of this target is not read"))?;
    let root = shape.body.as_ref().and_then(|body| body.of("application/json")).flatten();
    let root = root.ok_or_else(|| Broken::of("the document of this target has no schema"))?;
    let limits = JsonLimits::default();
    let read = read(bytes, &limits);
    if let Ok(tape) = &read {
        let other: Result<serde_json::Value, _> = serde_json::from_slice(bytes);
        // A number without end is JSON, and none that the other one holds.
        let endless = other.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        hold(other.is_ok() || endless, || "it is JSON here and for another parser it is none".to_owned())?;
        for (at, token) in tape.tokens().iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let pointer = tape.pointer_of(at);
            if token.kind() != Kind::Name && !pointer.ends_with('…') && !pointer.contains('\u{fffd}') {
                hold(tape.at_pointer(&pointer) == Some(at), || format!("`{pointer}` does not lead back"))?;
            }
        }
    }
    let json = read.map_err(|fault| fault.flaw.as_str()).map(|tape| check(&tape, 0, &shape.schemas, root).err().map(|miss| miss.rule));
    for (media, codings) in [
        (Media::Json, None),
        (Media::Form, None),
        (Media::Json, Some("gzip")),
        (Media::Json, Some("br, zstd")),
        (Media::Form, Some("deflate")),
    ] {
        let wanted = Wanted { media, codings, schema: Some((&*shape.schemas, root)), subject: Some("/name") };
        let told = inspect::body(bytes, &wanted, &limits);
        let again = inspect::body(bytes, &wanted, &limits);
        hold(told.as_ref().map(|told| &told.deviation) == again.as_ref().map(|told| &told.deviation), || {
            "it is told otherwise the second time".to_owned()
        })?;
    }
    let text = String::from_utf8_lossy(bytes);
    let hostile = hostile::of_text(&text).max(hostile::of_query(&text)).max(hostile::of_path(&text));
    hold(hostile <= 100, || format!("{hostile} of 100"))?;
    Ok(Outcome::of((json, hostile)))
}
