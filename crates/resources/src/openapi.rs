//! OpenAPI 3.0 and 3.1 documents to operations.
//!
//! Takes the bytes of a document (JSON or YAML), gives its operations relative to the API's prefix and all that is wrong
//! with it. Faults name the JSON pointer (RFC 6901) of what is wrong, and where in the text that is. Read are paths,
//! methods, the `x-wardgate-…` keys, and what requests have to be like; what is said of answers is left alone. Nothing outside the document is ever fetched.

mod circle;
mod keywords;
mod request;
mod schema;
mod spots;
mod text;
mod walk;

use crate::resolve::Draft;
use serde_json::Value;
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    shape::Conformance,
};

/// Largest document, in bytes.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 32 << 20;

/// What a document says.
#[derive(Debug, Default)]
pub(crate) struct Described {
    /// Its operations, each method and shape of path once.
    pub(crate) operations: Vec<Draft>,
    /// What is wrong with it.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads a document. `prefix` is the API's, for the comparison with `servers`.
/// `conformance`: whether requests are to be held against it.
pub(crate) fn read(place: &Place, bytes: &[u8], prefix: &str, conformance: Conformance) -> Described {
    let (document, text) = match text::document(place, bytes) {
        Ok(read) => read,
        Err(diagnostic) => return Described { operations: Vec::new(), diagnostics: vec![*diagnostic] },
    };
    let mut reader = walk::Reader::new(place, &document, conformance);
    reader.version();
    reader.servers(prefix);
    reader.paths();
    let (operations, said) = reader.finish();
    let spots = spots::of(place, text, said.iter().map(|(pointer, _)| pointer.as_str()));
    let placed = |pointer: &str, mut diagnostic: Diagnostic| {
        diagnostic.place = spots.get(pointer).map_or(diagnostic.place, |spot| spot.of(place));
        diagnostic
    };
    let diagnostics = said.iter().map(|(pointer, diagnostic)| placed(pointer, diagnostic.clone())).collect();
    Described { operations, diagnostics }
}

/// The member of an object, if the value is one.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.get(name)
}

#[cfg(test)]
mod tests;
