//! What others know of identities and owners, as resource documents. Takes text, gives documents and departures; nothing is
//! written here.
//!
//! Why: an inventory that is typed by hand is old on the day it is done. Inputs are files that other systems export; they are
//! nobody's word: sizes and counts are bounded, what cannot be read is said with its line or its place, and what can is given.

mod codeowners;
mod csv;
mod keycloak;
mod kubernetes;
mod name;
mod scim;

use crate::words::words;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    id::{EnvironmentName, OwnerName},
    inventory::Owner,
    resource::Kind,
};
use wardgate_resources::Document;

/// Largest text that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 << 20;
/// Most documents that one text gives.
pub const DOCUMENTS_MAX: usize = 50_000;
/// Most diagnostics that are given.
pub const DIAGNOSTICS_MAX: usize = 500;

words! {
    /// Whose words they are.
    Format {
        /// A table: a header, then an identity a line.
        Csv = "csv",
        /// Users as SCIM 2.0 has them (RFC 7643 §4.1), as a list response (RFC 7644 §3.4.2) or a plain array.
        Scim = "scim",
        /// Which team owns which path.
        Codeowners = "codeowners",
        /// `kubectl get serviceaccounts -A -o json` (or yaml).
        Kubernetes = "kubernetes",
        /// A realm export: its clients with service accounts.
        Keycloak = "keycloak",
    }
}

/// What a text does not say itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The owner of what comes without one.
    pub owner: Option<&'a OwnerName>,
    /// The environment of what comes without one.
    pub environment: Option<&'a EnvironmentName>,
    /// The owners on record: who is away is looked for among their people.
    pub owners: &'a [Owner],
}

/// Somebody on record who is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Departed {
    /// The owner that the person answers for.
    pub owner: OwnerName,
    /// The person's address.
    pub person: Box<str>,
    /// `accountable` or `deputy`.
    pub part: &'static str,
    /// The other one of the two who is still there and could take over.
    pub successor: Option<Box<str>>,
}

/// What a text said.
#[derive(Debug, Default)]
pub struct Imported {
    /// Resource documents, in the order of the text.
    pub documents: Vec<Document>,
    /// Who is away.
    pub departures: Vec<Departed>,
    /// What is wrong or was left out.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a text.
#[must_use]
pub fn import(format: Format, text: &str, beside: &Beside<'_>) -> Imported {
    let mut reading = Reading::new(format, beside);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > TEXT_BYTES_MAX {
        let what = format!("the text has {} bytes, more than {TEXT_BYTES_MAX}", text.len());
        reading.error(0, "import.too_large", what, "split it");
        return reading.done();
    }
    match format {
        Format::Csv => csv::read(text, &mut reading),
        Format::Scim => scim::read(text, &mut reading),
        Format::Codeowners => codeowners::read(text, &mut reading),
        Format::Kubernetes => kubernetes::read(text, &mut reading),
        Format::Keycloak => keycloak::read(text, &mut reading),
    }
    reading.done()
}

/// A reading under way.
struct Reading<'a> {
    beside: &'a Beside<'a>,
    place: Place,
    names: BTreeSet<(Kind, String)>,
    imported: Imported,
    left_off: usize,
}

impl<'a> Reading<'a> {
    fn new(format: Format, beside: &'a Beside<'a>) -> Self {
        let (names, imported) = (BTreeSet::new(), Imported::default());
        Self { beside, place: Place::file(format.as_str()), names, imported, left_off: 0 }
    }

    fn say(&mut self, diagnostic: Diagnostic) {
        if self.imported.diagnostics.len() < DIAGNOSTICS_MAX {
            self.imported.diagnostics.push(diagnostic);
        } else {
            self.left_off += 1;
        }
    }

    fn error(&mut self, line: u32, code: &'static str, what: impl Into<String>, mend: &str) {
        let place = self.place.at(line, 0);
        self.say(Diagnostic::error(place, code, what).mend(mend));
    }

    fn warning(&mut self, line: u32, code: &'static str, what: impl Into<String>, mend: &str) {
        let place = self.place.at(line, 0);
        self.say(Diagnostic::warning(place, code, what).mend(mend));
    }

    /// Adds a document, once by kind and name. `false` when there is no more room.
    fn add(&mut self, kind: Kind, name: &str, spec: Value, line: u32) -> bool {
        if self.imported.documents.len() >= DOCUMENTS_MAX {
            self.error(line, "import.too_many", format!("there are more than {DOCUMENTS_MAX} documents; no more are read"), "split it");
            return false;
        }
        if !self.names.insert((kind, name.to_owned())) {
            self.error(
                line,
                "import.duplicate",
                format!("there are two of the name {kind} `{}`", name::short(name)),
                "give one another name",
            );
            return true;
        }
        // The form that documents of files have: equal meaning, equal spec.
        match wardgate_resources::normalise(spec) {
            Ok(spec) => self.imported.documents.push(Document::new(kind, name, spec, self.place.at(line, 0))),
            Err(wrong) => self.error(line, "import.spec", format!("{kind} `{}`: {}", name::short(name), wrong.what), "make it smaller"),
        }
        true
    }

    /// An owner on record.
    fn owner(&self, name: &str) -> Option<&'a Owner> {
        self.beside.owners.iter().find(|known| known.name.as_str() == name)
    }

    /// The owner that the caller named, or an error that says who lacks one.
    fn owner_or(&mut self, who: &str, line: u32) -> Option<String> {
        let owner = self.beside.owner.map(|owner| owner.as_str().to_owned());
        if owner.is_none() {
            self.error(
                line,
                "import.no_owner",
                format!("nobody answers for `{}`", name::short(who)),
                "say `owner` for all that come without one",
            );
        }
        owner
    }

    /// The environment that the caller named, or an error that says who lacks one.
    fn environment_or(&mut self, who: &str, line: u32) -> Option<String> {
        let environment = self.beside.environment.map(|environment| environment.as_str().to_owned());
        if environment.is_none() {
            let what = format!("it is not said where `{}` lives", name::short(who));
            self.error(line, "import.no_environment", what, "say `environment` for all that come without one");
        }
        environment
    }

    fn done(mut self) -> Imported {
        if self.left_off > 0 {
            let what = format!("{} more diagnostics are not shown", self.left_off);
            self.imported.diagnostics.push(Diagnostic::error(self.place.clone(), "diagnostics.more", what).mend("mend these first"));
        }
        self.imported
    }
}

#[cfg(test)]
mod tests;
