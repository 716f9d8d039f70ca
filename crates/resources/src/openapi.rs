//! OpenAPI documents to operations.

use crate::resolve::Draft;
use wardgate_model::diagnostic::{Diagnostic, Place};

/// What a document says.
#[derive(Debug, Default)]
pub(crate) struct Described {
    pub(crate) operations: Vec<Draft>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

pub(crate) fn read(_place: &Place, _bytes: &[u8], _prefix: &str) -> Described {
    Described::default()
}
