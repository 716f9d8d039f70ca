//! Documents to the inventory: types every spec, follows every reference, and notes all that is wrong.
//!
//! Documents come from files ([`crate::parse`]) or back from a store; both go through here. The inventory is given only
//! when nothing is wrong: a part of what an operator wrote could mean the opposite of the whole.

mod access;
mod agreed;
mod api;
mod beside;
mod flow;
mod hints;
mod hooks;
mod identity;
mod keys;
mod known;
mod operations;
mod people;
mod risk;
mod single;
mod trust;
mod wire;

pub use beside::{Beside, BesideIdentity, Naming, Nobody, still_named};
pub(crate) use hints::PAGES;
pub(crate) use operations::{Draft, DraftEnding, OPERATIONS_MAX, parameters, shape};
pub use single::{RecordedIdentity, resolve_identity, resolve_recorded};

use crate::{
    document::{Document, tidy},
    enforced,
    inventory::{IdentitySpec, Inventory, Purpose},
    names,
    raw::Raw,
    yaml::{At, Faults, Spot},
};
use known::{Known, KnownIdentity};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use wardgate_model::{
    diagnostic::{Diagnostic, Place},
    id::PurposeName,
    inventory::{Owner, Zone},
};

/// Gives the files that documents name with `file:`. This crate opens none itself.
pub trait Files {
    /// The content of the file that `from`, a document's file, names as `path`.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or it lies where the caller does not look.
    fn read(&self, from: &Path, path: &str) -> io::Result<Vec<u8>>;

    /// Where that file is, for messages about what stands in it.
    fn place(&self, from: &Path, path: &str) -> PathBuf {
        from.parent().unwrap_or_else(|| Path::new("")).join(path)
    }
}

/// A way out where a file that a document names with `file:` cannot be read.
pub(crate) const FILE_MEND: &str =
    "a relative path counts from the file that names it or, where nothing is there, from the directory of `wardgate.yaml`";

impl<F: Fn(&Path, &str) -> io::Result<Vec<u8>>> Files for F {
    fn read(&self, from: &Path, path: &str) -> io::Result<Vec<u8>> {
        self(from, path)
    }
}

/// What the documents mean, and all that is wrong with them.
#[derive(Debug, Default)]
pub struct Resolved {
    /// The inventory; `None` when a diagnostic is an error.
    pub inventory: Option<Inventory>,
    /// What is wrong or worth knowing, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// A document, its spec as typed, and what is wrong with it.
struct Entry<'a> {
    document: &'a Document,
    raw: Raw,
    faults: Faults,
}

/// Types the specs and resolves their references.
#[must_use]
pub fn resolve(documents: &[Document], files: &dyn Files) -> Resolved {
    resolve_beside(documents, files, &Nobody)
}

/// Types the specs and resolves their references, also to identities on record beside the documents. These are not in
/// the inventory: [`resolve_identity`] resolves each against it.
#[must_use]
pub fn resolve_beside(documents: &[Document], files: &dyn Files, beside: &dyn Beside) -> Resolved {
    let mut diagnostics = Vec::new();
    let mut known = Known::new(files, beside);
    let mut entries = Vec::with_capacity(documents.len());
    for document in documents {
        if let Some(entry) = admit(document, &mut known, &mut diagnostics) {
            entries.push(entry);
        }
    }
    let places = documents.iter().map(|document| ((document.kind, document.name.as_str().into()), document.place.clone())).collect();
    let mut inventory = Inventory { places, ..Inventory::default() };
    for step in [ground, agreed, called] {
        for entry in &mut entries {
            step(entry, &mut known, &mut inventory);
        }
    }
    flow::begun(&entries, &mut known, &mut inventory);
    for entry in &mut entries {
        granted(entry, &mut known, &mut inventory);
    }
    api::overlaps(&entries, &known);
    access::zones_apart(&entries);
    trust::apart(&entries, &inventory.trust);
    hooks::few(&entries, &inventory);
    hooks::apart(&entries, &inventory);
    agreed::rotations_apart(&entries);
    risk::kept(&entries, &inventory.apis);
    diagnostics.extend(known.unnoted());
    diagnostics.extend(entries.into_iter().flat_map(|entry| entry.faults.into_diagnostics()));
    let diagnostics = tidy(diagnostics);
    sort(&mut inventory);
    let good = !diagnostics.iter().any(Diagnostic::is_error);
    Resolved { inventory: good.then_some(inventory), diagnostics }
}

/// Checks name and enforcement, types the spec. What is not admitted is still known by its name.
fn admit<'a>(document: &'a Document, known: &mut Known<'a>, diagnostics: &mut Vec<Diagnostic>) -> Option<Entry<'a>> {
    let faults = Faults::about(document.place.clone(), &document.subject());
    let here = Spot { line: document.place.line, column: document.place.column };
    let named = names::check(document.kind, &document.name);
    if let Err(wrong) = &named {
        faults.error(here, "resource.name", &wrong.what, wrong.mend.clone());
    }
    let node = document.node();
    enforced::refuse(document.kind, &node, &faults);
    let raw = Raw::read(document.kind, &node, &faults);
    let mut single = true;
    match known.names.entry(document.kind).or_default().entry(document.name.as_str()) {
        std::collections::hash_map::Entry::Vacant(free) => {
            free.insert(document);
        }
        std::collections::hash_map::Entry::Occupied(first) => {
            single = false;
            let mend = format!("give one of them another name; the first stands in {}", first.get().place);
            faults.error(here, "resource.duplicate", "there are two of this name", mend);
        }
    }
    match raw.filter(|_| single && named.is_ok()) {
        Some(raw) => Some(Entry { document, raw, faults }),
        None => {
            diagnostics.extend(faults.into_diagnostics());
            None
        }
    }
}

/// First: what stands on nothing else.
fn ground<'a>(entry: &mut Entry<'a>, known: &mut Known<'a>, inventory: &mut Inventory) {
    let name = entry.document.name.as_str();
    match &entry.raw {
        Raw::Owner(raw) => {
            if let Some(owner) = identity::owner(name, raw) {
                known.owners.insert(name, owner.clone());
                inventory.owners.push(owner);
            }
        }
        Raw::Environment(raw) => {
            if let Some(environment) = identity::environment(name, raw, &entry.faults).map(Arc::new) {
                known.environments.insert(name, Arc::clone(&environment));
                inventory.environments.push(environment);
            }
        }
        Raw::Purpose(raw) => {
            let description = raw.description.as_ref().and_then(|at| at.value.as_ref()).map(|prose| prose.0.clone());
            inventory.purposes.extend(PurposeName::parse(name).ok().map(|name| Purpose { name, description }));
        }
        Raw::Policy(raw) => {
            if let Some(text) = &raw.cedar.value {
                inventory.policies.push((raw.cedar.place(&entry.document.place), Arc::from(&*text.0)));
            }
        }
        Raw::TrustSource(raw) => {
            let file = Arc::clone(&entry.document.place.file);
            if let Some(source) = trust::source(name, raw, &file, known, &entry.faults).map(Arc::new) {
                known.trust.insert(name, Arc::clone(&source));
                inventory.trust.push(source);
            }
        }
        Raw::Identity(raw) => {
            known.identities.insert(name, KnownIdentity::of(raw));
        }
        Raw::Api(_)
        | Raw::Grant(_)
        | Raw::Limit(_)
        | Raw::Zone(_)
        | Raw::Flow(_)
        | Raw::Contract(_)
        | Raw::Waiver(_)
        | Raw::Rotation(_)
        | Raw::Later => {}
    }
}

/// Second: what identities and grants look at.
fn agreed<'a>(entry: &mut Entry<'a>, known: &mut Known<'a>, inventory: &mut Inventory) {
    let name = entry.document.name.as_str();
    match &entry.raw {
        Raw::Contract(raw) => {
            if let Some(contract) = agreed::contract(name, raw, known, &entry.faults).map(Arc::new) {
                agreed::keep(name, &contract, known);
                inventory.limits.extend(agreed::limit(&contract).map(Arc::new));
                inventory.contracts.push(contract);
            }
        }
        Raw::Waiver(raw) => {
            if let Some(waiver) = agreed::waiver(name, raw, &entry.faults) {
                agreed::keep_waiver(&waiver, known);
                inventory.waivers.push(Arc::new(waiver));
            }
            agreed::stands(raw, known, &entry.faults);
        }
        Raw::Rotation(raw) => inventory.rotations.extend(agreed::rotation(name, raw, known, &entry.faults).map(Arc::new)),
        Raw::Owner(_)
        | Raw::Environment(_)
        | Raw::Purpose(_)
        | Raw::Policy(_)
        | Raw::Identity(_)
        | Raw::Api(_)
        | Raw::Grant(_)
        | Raw::Limit(_)
        | Raw::Zone(_)
        | Raw::Flow(_)
        | Raw::TrustSource(_)
        | Raw::Later => {}
    }
}

/// Third: who calls, what is called, from where.
fn called<'a>(entry: &mut Entry<'a>, known: &mut Known<'a>, inventory: &mut Inventory) {
    let name = entry.document.name.as_str();
    match &entry.raw {
        Raw::Identity(raw) => {
            inventory.identities.extend(identity::identity(name, raw, known, &entry.faults));
            inventory.keys.extend(keys::places(raw, &entry.faults).into_iter().map(|(of, place)| ((name.into(), of), place)));
        }
        Raw::Api(raw) => {
            let file = Arc::clone(&entry.document.place.file);
            if let Some(api) = api::api(name, raw, &file, known, &mut entry.faults).map(Arc::new) {
                known.apis.insert(name, Arc::clone(&api));
                inventory.apis.push(api);
            }
        }
        Raw::Zone(raw) => inventory.zones.extend(access::zone(name, raw, known, &entry.faults)),
        Raw::Owner(_)
        | Raw::Environment(_)
        | Raw::Purpose(_)
        | Raw::Policy(_)
        | Raw::Flow(_)
        | Raw::Grant(_)
        | Raw::Limit(_)
        | Raw::Contract(_)
        | Raw::Waiver(_)
        | Raw::Rotation(_)
        | Raw::TrustSource(_)
        | Raw::Later => {}
    }
}

/// Fourth: who may do what, and how much of it.
fn granted<'a>(entry: &mut Entry<'a>, known: &mut Known<'a>, inventory: &mut Inventory) {
    let name = entry.document.name.as_str();
    match &entry.raw {
        Raw::Grant(raw) => inventory.grants.extend(access::grant(name, raw, known, &entry.faults).map(Arc::new)),
        Raw::Limit(raw) => inventory.limits.extend(access::limit(name, raw, known, &entry.faults).map(Arc::new)),
        Raw::Owner(_)
        | Raw::Environment(_)
        | Raw::Purpose(_)
        | Raw::Policy(_)
        | Raw::Identity(_)
        | Raw::Api(_)
        | Raw::Zone(_)
        | Raw::Flow(_)
        | Raw::Contract(_)
        | Raw::Waiver(_)
        | Raw::Rotation(_)
        | Raw::TrustSource(_)
        | Raw::Later => {}
    }
}

fn sort(inventory: &mut Inventory) {
    inventory.owners.sort_by(|a: &Owner, b| a.name.cmp(&b.name));
    inventory.environments.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.identities.sort_by(|a: &IdentitySpec, b| a.identity.id.cmp(&b.identity.id));
    inventory.apis.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.grants.sort_by(|a, b| a.id.cmp(&b.id));
    inventory.limits.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.contracts.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.waivers.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.rotations.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.trust.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.flows.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.zones.sort_by(|a: &Zone, b| a.name.cmp(&b.name));
    inventory.purposes.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.policies.sort();
}

/// The items of a list that were right, and none when there is no list.
fn items<T>(list: Option<&At<Vec<At<T>>>>) -> impl Iterator<Item = (&T, Spot)> {
    list.and_then(At::as_ref).into_iter().flatten().filter_map(|at| Some((at.value.as_ref()?, at.spot)))
}

/// The value of an optional member.
fn value<T>(member: Option<&At<T>>) -> Option<&T> {
    member.and_then(At::as_ref)
}

/// A place in the file of a document.
fn place(document: &Document, spot: Spot) -> Place {
    spot.of(&document.place)
}

#[cfg(test)]
mod tests;
