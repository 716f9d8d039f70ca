//! Documents in files here, on their way to the gate and back.

use crate::{client::Told, config, control, output::note};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    resource::Kind,
};
use wardgate_resources::{Document, Sources};

/// Documents that files declare.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) documents: Vec<Document>,
    /// What is worth knowing although they were read.
    pub(super) warnings: Vec<Diagnostic>,
}

impl Declared {
    /// Reads directories and files, as `serve` does. What the documents mean is for the gate to say.
    ///
    /// # Errors
    /// With every diagnostic at once.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, Vec<Diagnostic>> {
        let mut found = Vec::new();
        let mut sources = control::gather(paths, &mut found);
        // The directory of a whole installation may be named: its configuration is no resource.
        sources.documents.retain(|(path, _)| path.file_name().is_none_or(|name| name != config::FILE));
        Self::parse(&sources, found)
    }

    /// Reads one text.
    ///
    /// # Errors
    /// As [`Declared::read`].
    pub(super) fn of_text(path: &Path, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let sources = Sources { documents: vec![(path.to_owned(), text.as_bytes().to_vec())], policies: Vec::new() };
        Self::parse(&sources, Vec::new())
    }

    fn parse(sources: &Sources, mut found: Vec<Diagnostic>) -> Result<Self, Vec<Diagnostic>> {
        let parsed = wardgate_resources::parse(sources);
        found.extend(parsed.diagnostics);
        found.extend(twice(&parsed.documents));
        found.sort();
        if found.iter().any(Diagnostic::is_error) {
            return Err(found);
        }
        Ok(Self { documents: parsed.documents, warnings: found })
    }

    /// As the management API takes them.
    pub(super) fn to_json(&self) -> Value {
        self.documents.iter().map(to_json).collect()
    }

    /// Where in the files something is that the gate found wrong: at the key it names, else at the beginning of the document.
    pub(super) fn place(&self, told: &Told) -> Option<Place> {
        let (kind, name) = told.subject.as_ref()?;
        let meant = |document: &&Document| document.kind.as_str() == kind && document.name == *name;
        let document = self.documents.iter().find(meant)?;
        Some(told.key().and_then(|key| self.key(document, key)).unwrap_or_else(|| document.place.clone()))
    }

    /// The one line of a document where the last word of `key` is a key. Where there are several it would be a guess.
    fn key(&self, document: &Document, key: &str) -> Option<Place> {
        let last = key.rsplit('.').next()?.split('[').next().filter(|word| !word.is_empty())?;
        let text = fs::read_to_string(&document.place.file).ok()?;
        let after = |other: &&Document| other.place.file == document.place.file && other.place.line > document.place.line;
        let end = self.documents.iter().filter(after).map(|other| other.place.line).min().unwrap_or(u32::MAX);
        let lines = (1_u32..).zip(text.lines()).filter(|(number, _)| (document.place.line..end).contains(number));
        let mut found = lines.filter_map(|(number, line)| Some(document.place.at(number, column(line, last)?)));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}

/// The column (from 1, in characters) where `key:` stands in a line as a whole word.
fn column(line: &str, key: &str) -> Option<u32> {
    line.match_indices(key).find_map(|(at, _)| {
        let before = line.get(..at)?.chars().next_back();
        let after = line.get(at + key.len()..)?.trim_start_matches(['"', '\'']);
        let alone = before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '#'));
        let characters = u32::try_from(line.get(..at)?.chars().count()).ok()?;
        (alone && after.starts_with(':')).then_some(characters + 1)
    })
}

/// Two documents for one resource: sent on, nobody could say which line is meant.
fn twice(documents: &[Document]) -> Vec<Diagnostic> {
    let mut first: HashMap<(Kind, &str), &Place> = HashMap::new();
    let mut found = Vec::new();
    for document in documents {
        if let Some(place) = first.insert((document.kind, &document.name), &document.place) {
            let what = format!("{} `{}`: there are two of this name", document.kind, document.name);
            let mend = format!("give one of them another name; the first stands in {place}");
            found.push(Diagnostic::error(document.place.clone(), "resource.duplicate", what).mend(mend));
        }
    }
    found
}

fn to_json(document: &Document) -> Value {
    json!({ "kind": document.kind.as_str(), "name": document.name, "spec": document.spec })
}

/// A document that the gate sent.
pub(super) fn of_json(value: &Value) -> Option<Document> {
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    let kind = member("kind").and_then(Kind::parse)?;
    let spec = value.get("spec")?.clone();
    Some(Document::new(kind, member("name")?, spec, Place::file("")))
}

/// Documents as YAML, as they would be written by hand.
pub(super) fn yaml(documents: &[Document]) -> String {
    wardgate_resources::to_yaml(documents)
}

/// Shows what is wrong with files here, and sums it up.
pub(super) fn refuse(found: &[Diagnostic]) {
    crate::diagnostics::show(found);
    note(&crate::diagnostics::summary(found));
}
