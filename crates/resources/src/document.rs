//! Files to documents: kind, name and spec of each, and where it stands.

use crate::{
    raw::POLICY_BYTES_MAX,
    yaml::{self, At, Chunk, Faults, Node, Shape, Spot},
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    id::PolicyName,
    resource::Kind,
};

/// Most documents that are read together.
pub const DOCUMENTS_MAX: usize = 100_000;
/// Most diagnostics that are given at once; one more line says how many were left out.
pub const DIAGNOSTICS_MAX: usize = 1_000;

/// The operator's files, as `(path, bytes)`.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// YAML files of resource documents.
    pub documents: Vec<(PathBuf, Vec<u8>)>,
    /// Cedar files.
    pub policies: Vec<(PathBuf, Vec<u8>)>,
}

/// One resource document: what a store keeps of it, and where it stands.
///
/// The spec is the operator's, as JSON with sorted keys and without keys that have no value: one meaning, one text. It
/// is typed by [`crate::resolve`], wherever it comes from.
#[derive(Debug, Clone)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// Its name, as written.
    pub name: String,
    /// Its spec.
    pub spec: Value,
    /// Where it begins.
    pub place: Place,
    /// Where the keys and values of the spec stand, in the order of the spec; empty when it was not read from a file.
    spots: Arc<[Spot]>,
}

impl Document {
    /// A document that comes from elsewhere than a file: a store, the management API.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>, spec: Value, place: Place) -> Self {
        Self { kind, name: name.into(), spec, place, spots: Arc::default() }
    }

    /// The spec as nodes that know their place.
    pub(crate) fn node(&self) -> Node {
        let begin = Spot { line: self.place.line, column: self.place.column };
        let known = self.spots.iter().copied();
        Node::from_json(&self.spec, &mut known.chain(std::iter::repeat(begin)))
    }

    /// `Identity `ledger-sync``: how messages begin.
    pub(crate) fn subject(&self) -> String {
        format!("{} `{}`", self.kind, yaml::shortened(&self.name))
    }
}

impl PartialEq for Document {
    /// The same resource with the same spec; where it stands does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.spec == other.spec
    }
}

/// The documents of the files, and all that is wrong with these as files.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Every document that has a kind, a name and a spec, in the order of the files.
    pub documents: Vec<Document>,
    /// What is wrong, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads files into documents. What is wrong with one hides nothing of the next.
///
/// Here: encoding, size, YAML, keys that stand twice, kind, name, spec. What the specs mean: [`crate::resolve`].
#[must_use]
pub fn parse(sources: &Sources) -> Parsed {
    parse_up_to(sources, DOCUMENTS_MAX)
}

fn parse_up_to(sources: &Sources, documents_max: usize) -> Parsed {
    let mut parsed = Parsed::default();
    for (path, bytes) in &sources.documents {
        yaml_file(&Place::file(path), bytes, documents_max, &mut parsed);
    }
    for (path, bytes) in &sources.policies {
        cedar_file(&Place::file(path), bytes, &mut parsed);
    }
    parsed.diagnostics = tidy(parsed.diagnostics);
    parsed
}

/// Sorts by place, drops repetitions, cuts what nobody would read.
pub(crate) fn tidy(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort();
    diagnostics.dedup();
    let more = diagnostics.len().saturating_sub(DIAGNOSTICS_MAX);
    if let Some(last) = diagnostics.get(DIAGNOSTICS_MAX).map(|first| first.place.clone()) {
        diagnostics.truncate(DIAGNOSTICS_MAX);
        diagnostics
            .push(Diagnostic::error(last, "diagnostics.more", format!("{more} more diagnostics are not shown")).mend("mend these first"));
    }
    diagnostics
}

/// A diagnostic with its way out, when there is one.
pub(crate) fn mended(diagnostic: Diagnostic, mend: Option<String>) -> Diagnostic {
    match mend {
        Some(mend) => diagnostic.mend(mend),
        None => diagnostic,
    }
}

fn yaml_file(place: &Place, bytes: &[u8], documents_max: usize, parsed: &mut Parsed) {
    let text = match yaml::text(place, bytes, yaml::FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(diagnostic) => return parsed.diagnostics.push(*diagnostic),
    };
    let mut blank = None;
    let mut found = false;
    for chunk in Chunk::split(text) {
        if chunk.is_blank() {
            if chunk.marked {
                blank = Some(chunk.line);
                parsed.diagnostics.push(
                    Diagnostic::warning(place.at(chunk.line, 1), "yaml.empty", "there is no document after this `---`")
                        .mend("take the line out"),
                );
            }
            continue;
        }
        found = true;
        if parsed.documents.len() >= documents_max {
            let what = format!("there are more than {documents_max} documents; this one and all that follow are not read");
            return parsed.diagnostics.push(Diagnostic::error(place.at(chunk.line, 1), "resource.too_many", what));
        }
        let mut faults = Faults::new(place.at(chunk.line, 1));
        if let Some(document) = document(place, &chunk, &mut faults) {
            parsed.documents.push(document);
        }
        parsed.diagnostics.extend(faults.into_diagnostics());
    }
    if !found && blank.is_none() {
        let empty = Diagnostic::warning(place.clone(), "yaml.empty", "there is no document in this file");
        parsed.diagnostics.push(empty.mend("write a document with `kind`, `name` and `spec`, or take the file out"));
    }
}

/// The head of a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHead {
    kind: At<Kind>,
    name: At<String>,
    #[expect(dead_code, reason = "read apart, as nodes; named here as a known key")]
    spec: Option<IgnoredAny>,
}

fn document(place: &Place, chunk: &Chunk<'_>, faults: &mut Faults) -> Option<Document> {
    let node = match Node::read(place, chunk, faults.refused()) {
        Ok(node) => node,
        Err(diagnostic) => {
            faults.push(*diagnostic);
            return None;
        }
    };
    let head: RawHead = faults.decode(&node, "")?;
    let spec = node.member("spec").filter(|spec| spec.shape != Shape::Null);
    if spec.is_none() {
        faults.error(node.spot, "key.missing", "`spec`: this key is missing", "write `spec: {}` for a spec without keys".to_owned());
    }
    let (kind, name, spec) = (head.kind.value?, head.name.value?, spec?);
    let mut spots = Vec::new();
    spec.spots(&mut spots);
    Some(Document { kind, name, spec: spec.to_json(), place: place.at(node.spot.line, node.spot.column), spots: spots.into() })
}

/// A Cedar file is a document of kind `Policy` whose name is the file's.
fn cedar_file(place: &Place, bytes: &[u8], parsed: &mut Parsed) {
    let text = match yaml::text(place, bytes, POLICY_BYTES_MAX) {
        Ok(text) => text,
        Err(diagnostic) => return parsed.diagnostics.push(*diagnostic),
    };
    if text.trim().is_empty() {
        let empty = Diagnostic::warning(place.clone(), "policy.empty", "there is no policy in this file");
        return parsed.diagnostics.push(empty.mend("write a policy, or take the file out"));
    }
    let name = place.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if let Err(error) = PolicyName::parse(&name) {
        let what = format!("the file's name `{}` makes no name of a policy: {error}", yaml::shortened(&name));
        return parsed.diagnostics.push(Diagnostic::error(place.clone(), "resource.name", what).mend("give the file another name"));
    }
    let spec = Value::Object(std::iter::once(("cedar".to_owned(), Value::String(text.to_owned()))).collect());
    let begin = Spot { line: 1, column: 1 };
    parsed.documents.push(Document { kind: Kind::Policy, name, spec, place: place.at(1, 1), spots: Arc::new([begin; 3]) });
}

#[cfg(test)]
mod tests;
