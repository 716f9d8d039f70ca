//! OpenAPI 3.0 and 3.1 documents to operations.
//!
//! Takes the bytes of a document (JSON or YAML), gives its operations relative to the API's prefix and all that is wrong
//! with it. Faults name the JSON pointer (RFC 6901) of what is wrong. Only what routing and policy need is read: paths,
//! methods and the `x-wardgate-…` keys; schemas are left alone. Nothing outside the document is ever fetched.

mod text;
mod walk;

use crate::resolve::Draft;
use serde_json::Value;
use wardgate_model::diagnostic::{Diagnostic, Place};

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
pub(crate) fn read(place: &Place, bytes: &[u8], prefix: &str) -> Described {
    let document = match text::document(place, bytes) {
        Ok(document) => document,
        Err(diagnostic) => return Described { operations: Vec::new(), diagnostics: vec![*diagnostic] },
    };
    let mut reader = walk::Reader::new(place, &document);
    reader.version();
    reader.servers(prefix);
    reader.paths();
    reader.finish()
}

/// The member of an object, if the value is one.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.get(name)
}

#[cfg(test)]
mod tests;
