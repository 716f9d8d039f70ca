//! Reading YAML (and JSON, which is YAML) into typed values without stopping at the first fault.
//!
//! Takes bytes, gives values and every [`Diagnostic`]. Two steps: `serde-saphyr` makes a tree of nodes that know
//! their place, under budgets that make a small file of nested aliases harmless; then a deserialiser of ours walks the
//! tree and, at every [`At`], notes what is wrong and goes on. Unknown keys are noted from the names of the struct's
//! fields, so a key is written once.

mod at;
mod de;
mod node;
mod split;
pub(crate) mod write;

pub use at::{At, Spot};
pub(crate) use de::Faults;
pub(crate) use node::read_strict;
pub(crate) use node::{Node, Shape, shortened};
pub(crate) use split::{Chunk, text};
pub(crate) use write::Keys;
pub use write::written;

use serde::de::DeserializeOwned;
use std::path::Path;
use wardgate_model::diagnostic::{Diagnostic, Place};

/// Largest YAML file, in bytes.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// Deepest nesting of a YAML document; the reader is recursive.
pub(crate) const DEPTH_MAX: usize = 24;

/// What was read from one document, with all that was wrong with it.
#[derive(Debug)]
pub struct Read<T> {
    /// The value; `None` when the text is no YAML or not of that shape at all.
    pub value: Option<T>,
    /// Everything that is wrong, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file that holds one document, and goes on after a fault, so that the caller can add what only it knows to
/// the list. A member of type [`At`] that was wrong is empty; the fault is in the list.
pub fn read_lenient<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Read<T> {
    let place = Place::file(path);
    let mut faults = Faults::new(place.clone());
    let value = read_one(&place, bytes, &mut faults);
    let mut diagnostics = faults.into_diagnostics();
    diagnostics.sort();
    Read { value, diagnostics }
}

/// Reads a file that holds one document, such as `wardgate.yaml`. An empty file is an empty mapping.
///
/// # Errors
/// Everything that is wrong with it: bytes that are not UTF-8, more than [`FILE_BYTES_MAX`], YAML syntax, unknown and
/// repeated keys (with the nearest right one), missing keys, wrong types and values; each with line and column.
pub fn read<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, Vec<Diagnostic>> {
    let read = read_lenient(path, bytes);
    match read.value {
        Some(value) if !read.diagnostics.iter().any(Diagnostic::is_error) => Ok(value),
        _ => Err(read.diagnostics),
    }
}

/// Where the value of a key stands in a file that holds one document: `edge.drain`, `listeners[0].tls.key`. The innermost
/// part of it that is there; the file itself when there is none.
#[must_use]
pub fn place(path: &Path, bytes: &[u8], key: &str) -> Place {
    let file = Place::file(path);
    let chunk = text(&file, bytes, FILE_BYTES_MAX).ok().and_then(|text| Chunk::split(text).find(|chunk| !chunk.is_blank()));
    let node = chunk.and_then(|chunk| Node::read(&file, &chunk, &mut Vec::new()).ok());
    let Some(mut node) = node.as_ref() else { return file };
    let mut found = file.clone();
    for part in key.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        let next = match &node.shape {
            Shape::List(items) => part.parse().ok().and_then(|at: usize| items.get(at)),
            Shape::Map(entries) => entries.iter().find(|(key, _)| key.text() == Some(part)).map(|(_, value)| value),
            Shape::Null | Shape::Bool(_) | Shape::Number(_) | Shape::Text(_) => None,
        };
        let Some(next) = next else { break };
        node = next;
        found = node.spot.of(&file);
    }
    found
}

fn read_one<T: DeserializeOwned>(place: &Place, bytes: &[u8], faults: &mut Faults) -> Option<T> {
    let text = match text(place, bytes, FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(diagnostic) => {
            faults.push(*diagnostic);
            return None;
        }
    };
    let mut chunks = Chunk::split(text).filter(|chunk| !chunk.is_blank());
    let node = match chunks.next() {
        None => Node::new(Spot { line: 1, column: 1 }, Shape::Map(Vec::new())),
        Some(chunk) => match Node::read(place, &chunk, faults.refused()) {
            Ok(node) => node,
            Err(diagnostic) => {
                faults.push(*diagnostic);
                return None;
            }
        },
    };
    if let Some(second) = chunks.next() {
        let at = place.at(second.line, 1);
        faults.push(Diagnostic::error(at, "yaml.documents", "a second document stands here").mend("keep one document in this file"));
    }
    faults.decode(&node, "")
}

#[cfg(test)]
mod tests;
