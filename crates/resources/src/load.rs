//! Files to the inventory in one step.

use crate::{
    document::{Document, Sources, parse, tidy},
    inventory::Inventory,
    resolve::{Files, resolve},
};
use wardgate_model::diagnostic::{Diagnostic, Level};

/// What files mean, and all that is wrong with them.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What a store keeps.
    pub documents: Vec<Document>,
    /// The inventory; `None` when a diagnostic is an error.
    pub inventory: Option<Inventory>,
    /// What is wrong or worth knowing, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses and resolves.
#[must_use]
pub fn load(sources: &Sources, files: &dyn Files) -> Loaded {
    let parsed = parse(sources);
    let resolved = resolve(&parsed.documents, files);
    let good = parsed.diagnostics.iter().all(|diagnostic| diagnostic.level == Level::Warning);
    Loaded {
        documents: parsed.documents,
        inventory: resolved.inventory.filter(|_| good),
        diagnostics: tidy(parsed.diagnostics.into_iter().chain(resolved.diagnostics).collect()),
    }
}
