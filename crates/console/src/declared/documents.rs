//! Documents in, what they would change out, and all that is wrong with them at once.

use super::{Scene, Wanted};
use crate::{
    call::Console,
    input,
    problem::{Code, DiagnosticView, Problem},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use wardgate_model::{diagnostic::Level, resource::Kind};
use wardgate_resources::normalise;
use wardgate_store::{Origin, Precondition, ResourceId};

/// Most documents in one request.
pub(crate) const DOCUMENTS_MAX: usize = 20_000;
/// Most resources that one request removes because no document has them.
const PRUNED_MAX: usize = 20_000;
/// How many resources are read at a time.
const PAGE: u32 = 500;

/// A resource document.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentBody {
    /// What it is: `Owner`, `Environment`, `Identity`, `Api`, `Grant`, …
    pub(crate) kind: String,
    /// Its name.
    pub(crate) name: String,
    /// What it declares; keys without a value are left out.
    pub(crate) spec: Map<String, Value>,
}

/// A resource document, as it is given.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct DocumentView {
    /// What it is.
    pub(crate) kind: String,
    /// Its name.
    pub(crate) name: String,
    /// What it declares.
    pub(crate) spec: Value,
}

/// Whether what was applied before and is in no document now is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prune {
    /// It stays.
    Keep,
    /// It goes; what files or single changes made stays all the same.
    Remove,
}

/// What documents come to.
pub(crate) struct Draft {
    /// What is to be changed, and what is so already, in the order of the documents; then what is to be removed.
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) scene: Scene,
    /// What can be said without resolving them.
    pub(crate) diagnostics: Vec<DiagnosticView>,
}

fn error(place: String, code: &str, what: String, mend: Option<String>) -> DiagnosticView {
    DiagnosticView { place, level: Level::Error.to_string(), code: code.to_owned(), what, mend }
}

/// Reads a kind, in the words of the operator.
pub(crate) fn kind(word: &str) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| kind.as_str().eq_ignore_ascii_case(word))
}

/// Every kind there is, for messages.
pub(crate) fn kinds() -> String {
    Kind::ALL.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
}

fn read(at: usize, document: &DocumentBody, found: &mut Vec<DiagnosticView>) -> Option<(ResourceId, Value)> {
    let place = || format!("documents[{at}]");
    let Some(kind) = kind(&document.kind) else {
        let what = format!("there is no kind `{}`", input::shown(&document.kind));
        found.push(error(place(), "resource.unknown_kind", what, Some(format!("the kinds are {}", kinds()))));
        return None;
    };
    let id = ResourceId::parse(kind, &document.name);
    let id = id.map_err(|wrong| found.push(error(place(), "resource.name", format!("the name of the {kind}: {wrong}"), None))).ok();
    let spec = normalise(Value::Object(document.spec.clone()));
    let spec = spec.map_err(|wrong| found.push(error(place(), "resource.spec", wrong.what, wrong.mend))).ok();
    id.zip(spec)
}

impl Draft {
    /// Looks documents up.
    ///
    /// # Errors
    /// Too many of them; to prune with none at all; the store fails. What is wrong with a document is no error here.
    pub(crate) async fn read(console: &Console, documents: &[DocumentBody], prune: Prune) -> Result<Self, Problem> {
        let unfit = |detail: String, remedy: &str| Err(Problem::new(Code::Unfit, detail).mend(remedy));
        if documents.len() > DOCUMENTS_MAX {
            let detail = format!("there are {} documents, at most {DOCUMENTS_MAX} are taken at once", documents.len());
            return unfit(detail, "send them in parts");
        }
        if documents.is_empty() && prune == Prune::Remove {
            return unfit("no document at all, and `prune`: nothing is removed".into(), "to remove all, remove them by name");
        }
        let mut diagnostics = Vec::new();
        let mut seen = BTreeSet::new();
        let mut read_in = Vec::with_capacity(documents.len());
        for (at, document) in documents.iter().enumerate() {
            let Some((id, spec)) = read(at, document, &mut diagnostics) else { continue };
            if seen.insert(id.clone()) {
                read_in.push((id, spec));
            } else {
                let what = format!("{id} stands twice");
                diagnostics.push(error(id.to_string(), "resource.twice", what, Some("leave one of them".into())));
            }
        }
        let pruned = if prune == Prune::Remove { applied_but(console, &seen).await? } else { Vec::new() };
        let scene = Scene::read(console, seen.iter().chain(&pruned)).await?;
        let mut wanted = Vec::with_capacity(read_in.len() + pruned.len());
        for (id, spec) in read_in {
            let one = scene.wanted(id, Some(spec), Precondition::Any);
            if let Some(file) = one.file().filter(|_| !one.is_so()) {
                let what = format!("it comes from the file `{file}`");
                diagnostics.push(error(one.change.id.to_string(), "resource.from_file", what, Some("change it there".into())));
            }
            wanted.push(one);
        }
        let gone = pruned.into_iter().map(|id| scene.wanted(id, None, Precondition::Any));
        // Somebody may have removed or taken over one of them since the names were read.
        wanted.extend(gone.filter(|one| one.before.as_ref().is_some_and(|before| before.origin == Origin::Apply)));
        Ok(Self { wanted, scene, diagnostics })
    }

    /// What is to be done: not what is so already, unless applying it makes it part of what was applied as a whole.
    pub(crate) fn changes(&self) -> Vec<Wanted> {
        let taken_over = |one: &Wanted| one.before.as_ref().is_some_and(|before| before.origin == Origin::Api);
        self.wanted.iter().filter(|one| !one.is_so() || taken_over(one)).cloned().collect()
    }

    /// How many documents say what is so already and stays as it is.
    pub(crate) fn unchanged(&self) -> usize {
        self.wanted.len() - self.changes().len()
    }
}

/// What was applied as a whole and is not among `kept`.
async fn applied_but(console: &Console, kept: &BTreeSet<ResourceId>) -> Result<Vec<ResourceId>, Problem> {
    let mut gone = Vec::new();
    for kind in Kind::ALL.iter().copied() {
        let mut after = String::new();
        loop {
            let page = console.store.resources_of(kind, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.name().to_owned();
            let old = page.into_iter().filter(|resource| resource.origin == Origin::Apply && !kept.contains(&resource.id));
            gone.extend(old.map(|resource| resource.id));
            if gone.len() > PRUNED_MAX {
                let detail = format!("more than {PRUNED_MAX} resources would be removed because no document has them");
                return Err(Problem::new(Code::Unfit, detail).mend("remove some by name first"));
            }
        }
    }
    Ok(gone)
}
