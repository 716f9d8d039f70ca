//! Documents to the inventory: types every spec, follows every reference, and notes all that is wrong.
//!
//! Documents come from files ([`crate::parse`]) or back from a store; both go through here. The inventory is given only
//! when nothing is wrong: a part of what an operator wrote could mean the opposite of the whole.

mod access;
mod api;
mod identity;
mod operations;

pub(crate) use operations::{Draft, OPERATIONS_MAX, parameters, shape};

use crate::{
    document::{Document, tidy},
    enforced,
    inventory::{IdentitySpec, Inventory, Purpose},
    names,
    nearest::nearest,
    raw::{Name, Raw},
    yaml::{At, Faults, Spot, shortened},
};
use std::{collections::HashMap, io, path::Path, sync::Arc};
use wardgate_model::{
    api::Api,
    diagnostic::{Diagnostic, Place},
    id::{EnvironmentName, OwnerName, PurposeName},
    inventory::{Environment, Owner, Zone},
    resource::Kind,
};

/// Gives the files that documents name with `file:`. This crate opens none itself.
pub trait Files {
    /// The content of the file that `from`, a document's file, names as `path`.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or it lies where the caller does not look.
    fn read(&self, from: &Path, path: &str) -> io::Result<Vec<u8>>;
}

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

/// What every step can look at.
struct Known<'a> {
    /// Every document by kind and name, also those that are wrong: a reference to one is not wrong too.
    names: HashMap<Kind, HashMap<&'a str, &'a Document>>,
    owners: HashMap<&'a str, Owner>,
    environments: HashMap<&'a str, Arc<Environment>>,
    apis: HashMap<&'a str, Arc<Api>>,
    files: &'a dyn Files,
}

/// Types the specs and resolves their references.
#[must_use]
pub fn resolve(documents: &[Document], files: &dyn Files) -> Resolved {
    let mut diagnostics = Vec::new();
    let mut known = Known { names: HashMap::new(), owners: HashMap::new(), environments: HashMap::new(), apis: HashMap::new(), files };
    let mut entries = Vec::with_capacity(documents.len());
    for document in documents {
        if let Some(entry) = admit(document, &mut known, &mut diagnostics) {
            entries.push(entry);
        }
    }
    let places = documents.iter().map(|document| ((document.kind, document.name.as_str().into()), document.place.clone())).collect();
    let mut inventory = Inventory { places, ..Inventory::default() };
    for step in [ground, called, granted] {
        for entry in &mut entries {
            step(entry, &mut known, &mut inventory);
        }
    }
    api::overlaps(&entries, &known);
    access::zones_apart(&entries);
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
        Raw::Identity(_) | Raw::Api(_) | Raw::Grant(_) | Raw::Limit(_) | Raw::Zone(_) | Raw::Later => {}
    }
}

/// Second: who calls, what is called, from where.
fn called<'a>(entry: &mut Entry<'a>, known: &mut Known<'a>, inventory: &mut Inventory) {
    let name = entry.document.name.as_str();
    match &entry.raw {
        Raw::Identity(raw) => {
            inventory.identities.extend(identity::identity(name, raw, known, &entry.faults));
        }
        Raw::Api(raw) => {
            let file = Arc::clone(&entry.document.place.file);
            if let Some(api) = api::api(name, raw, &file, known, &mut entry.faults).map(Arc::new) {
                known.apis.insert(name, Arc::clone(&api));
                inventory.apis.push(api);
            }
        }
        Raw::Zone(raw) => inventory.zones.extend(access::zone(name, raw, known, &entry.faults)),
        Raw::Owner(_) | Raw::Environment(_) | Raw::Purpose(_) | Raw::Policy(_) | Raw::Grant(_) | Raw::Limit(_) | Raw::Later => {}
    }
}

/// Third: who may do what, and how much of it.
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
    inventory.zones.sort_by(|a: &Zone, b| a.name.cmp(&b.name));
    inventory.purposes.sort_by(|a, b| a.name.cmp(&b.name));
    inventory.policies.sort();
}

/// More names than this are not searched for a near one.
const SEARCHED_MAX: usize = 2_000;

impl Known<'_> {
    /// Whether there is such a resource; notes an error when there is none.
    fn exists(&self, kind: Kind, name: &str, spot: Spot, key: &str, faults: &Faults) -> bool {
        let names = self.names.get(&kind);
        if names.is_some_and(|names| names.contains_key(name)) {
            return true;
        }
        let near = names.filter(|names| names.len() <= SEARCHED_MAX).and_then(|names| {
            let mut sorted: Vec<&str> = names.keys().copied().collect();
            sorted.sort_unstable();
            nearest(name, sorted)
        });
        let mend = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write a document `kind: {kind}`, `name: {}`", shortened(name)),
        };
        faults.error(spot, "reference.unknown", format_args!("`{key}`: there is no {kind} `{}`", shortened(name)), mend);
        false
    }

    fn environment(&self, at: &At<Name<EnvironmentName>>, key: &str, faults: &Faults) -> Option<Arc<Environment>> {
        let name = at.value.as_ref()?;
        self.exists(Kind::Environment, name.0.as_str(), at.spot, key, faults);
        self.environments.get(name.0.as_str()).cloned()
    }

    fn owner(&self, at: &At<Name<OwnerName>>, key: &str, faults: &Faults) -> Option<OwnerName> {
        let name = at.value.as_ref()?;
        self.exists(Kind::Owner, name.0.as_str(), at.spot, key, faults).then(|| name.0.clone())
    }
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
