//! Identities and credentials, from the record to what the gate knows of them.
//!
//! There may be a million, so nothing here reads or keeps all of them but [`all`], which goes page by page.

use super::{Loaded, Material, change::Proposed, graded::graded, load::DECLARED};
use crate::{builtin, tasks};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};
use wardgate_console::PERSON;
use wardgate_gate::{
    Change, Client, Population, bindings,
    clients::{self, Registered},
};
use wardgate_governance::rotation::replaced_from;
use wardgate_model::{
    credential::{Credential, CredentialKind},
    diagnostic::{Diagnostic, Place},
    id::{EnvironmentName, IdentityId, OwnerName},
    inventory::{Identity, IdentityKind},
    resource::Kind,
};
use wardgate_resources::{
    Beside, BesideIdentity, CredentialSpec, Document, IdentitySpec, Inventory, Naming, RecordedIdentity, references, resolve_recorded,
};
use wardgate_store::{Claim, IdentityRecord, ResourceId, Store, StoreFault};

/// Records read from the store at a time.
const PAGE: u32 = 5_000;
/// How many of those that name something are found for a message.
const NAMED: u32 = 10;

/// A document that does not stand in a file.
pub(super) fn declared(id: &ResourceId, spec: Value) -> Document {
    Document::new(id.kind(), id.name(), spec, Place::file(format!("{DECLARED}{id}")))
}

/// What an identity's record declares, typed.
///
/// # Errors
/// With what is wrong with it: it was good when it was taken, so something that it names has changed.
pub(super) fn spec(record: &IdentityRecord, loaded: &Loaded) -> Result<Option<IdentitySpec>, Vec<Diagnostic>> {
    let Some(resource) = &record.resource else { return Ok(None) };
    let recorded = recorded(&declared(&resource.id, resource.spec.clone()), &loaded.inventory)?;
    for warning in recorded.warnings {
        tracing::debug!(identity = %record.identity, %warning, "an identity on record does not fit what it names any more");
    }
    Ok(Some(recorded.spec))
}

/// A document on record, typed. The name of a person who signs in at an issuer is Wardgate's own, which no other document
/// may have: it is read without what keeps it apart.
///
/// # Errors
/// As [`spec`].
pub(crate) fn recorded(document: &Document, inventory: &Inventory) -> Result<RecordedIdentity, Vec<Diagnostic>> {
    let Some(rest) = document.name.strip_prefix(PERSON) else { return resolve_recorded(document, inventory) };
    let mut plain = document.clone();
    plain.name = format!("person-{rest}");
    let mut recorded = resolve_recorded(&plain, inventory)?;
    if let Ok(id) = IdentityId::parse(&document.name) {
        recorded.spec.identity.id = id;
    }
    Ok(recorded)
}

/// What the gate is to be told of an identity's record: itself and its credentials, as status and rotation make them.
/// As it was graded in the population `before`, it is.
pub(super) fn changes(record: &IdentityRecord, loaded: &Loaded, material: &Material, before: &Population) -> Vec<Change> {
    let mut changes = Vec::with_capacity(2 + record.credentials.len());
    let mut declared = Vec::new();
    let identity = match spec(record, loaded) {
        Ok(Some(spec)) => {
            declared = spec.credentials;
            Some(with_status(spec.identity, record))
        }
        // The one who sets this installation up is on no file.
        Ok(None) if record.identity.as_str() == builtin::OPERATOR => Some(with_status(builtin::operator(), record)),
        Ok(None) => None,
        Err(found) => {
            let why = found.first().map(ToString::to_string).unwrap_or_default();
            tracing::error!(identity = %record.identity, %why, "an identity on record does not fit what it names: it is not let in");
            None
        }
    };
    let identity = identity.map(|mut identity| {
        identity.quality = graded(before, &identity.id);
        Arc::new(identity)
    });
    match &identity {
        Some(identity) => {
            changes.push(Change::Identity(Arc::clone(identity)));
            let vouched = declared.iter().filter_map(|entry| Some((entry, entry.binding.as_ref()?)));
            let vouched = vouched.map(|(entry, by)| bindings::declared(identity, &entry.name, entry.kind, &entry.sources, by));
            let registered = registered(identity, &declared);
            let keys = registered.iter().map(|one| Arc::clone(&one.credential));
            changes.push(Change::Declared(identity.id.clone(), vouched.map(Arc::new).chain(keys).collect()));
            changes.push(Change::Client(identity.id.clone(), Client::new(&identity.id, registered).map(Arc::new)));
        }
        None => changes.push(Change::NoIdentity(record.identity.clone())),
    }
    let mut kept = Vec::new();
    for stored in &record.credentials {
        let mut credential = stored.credential.clone();
        if let Some(identity) = &identity {
            share(&mut credential, identity);
            // From where it may be used its document says, also of one that was issued before. Without an entry it stays as it was.
            if let Some(entry) = declared.iter().find(|entry| entry.name == credential.name && entry.kind == credential.kind) {
                credential.sources = entry.sources.clone();
            }
            let dates = loaded.rotations.dates(&credential, identity);
            let replaced = replaced_from(&stored.credential, record.credentials.iter().map(|other| &other.credential));
            credential.expires = dates.expires;
            credential.warn_from = [dates.warn_from, replaced].into_iter().flatten().min();
        }
        let credential = Arc::new(credential);
        if credential.kind == CredentialKind::Hmac {
            kept.push((Arc::clone(&credential), stored.sealed.as_ref()));
        }
        changes.push(Change::Credential(credential));
    }
    if let Some(identity) = &identity {
        changes.push(Change::Hooks(identity.id.clone(), material.open_hooks(identity, &declared, &kept)));
    }
    changes
}

/// The registered keys of an identity, made ready. They counted when they were taken.
fn registered(identity: &Identity, declared: &[CredentialSpec]) -> Vec<Registered> {
    let read = |entry: &CredentialSpec| {
        let read = clients::registered(identity, &entry.name, &entry.sources, entry.jwk.as_deref()?, entry.tokens);
        read.map_err(|why| tracing::error!(identity = %identity.id, entry = %entry.name, %why, "a public key cannot be used")).ok()
    };
    declared.iter().filter_map(read).collect()
}

/// Lets a credential use its identity's own names, so that each is in memory once.
fn share(credential: &mut Credential, identity: &Identity) {
    credential.identity = identity.id.clone();
    if credential.environment == identity.environment.name {
        credential.environment = identity.environment.name.clone();
    }
}

fn with_status(mut identity: Identity, record: &IdentityRecord) -> Identity {
    let revision = record.resource.as_ref().map(|resource| resource.revision).unwrap_or_default();
    identity.revision = revision;
    if let Some(status) = &record.status {
        identity.state = status.state;
        identity.claim_overdue = status.claim == Claim::Overdue;
        identity.revision = revision.max(status.revision);
    }
    identity
}

/// Everybody on record, graded as in the population `before`.
///
/// # Errors
/// When the store fails.
pub(super) async fn all(store: &Store, loaded: &Loaded, material: &Material, before: &Population) -> Result<Population, StoreFault> {
    let mut population = Population::default();
    population.apply(Change::Identity(Arc::new(builtin::operator())));
    let mut after = String::new();
    loop {
        let page = store.identities_page(&after, PAGE).await?;
        let Some(last) = page.records.last() else { break };
        last.identity.as_str().clone_into(&mut after);
        for record in &page.records {
            population.extend(changes(record, loaded, material, before));
        }
    }
    // After the identities, whose names they share.
    tasks::all(store, &mut population).await?;
    Ok(population)
}

/// The identities that documents name.
pub(super) fn wanted(documents: &[Document]) -> BTreeSet<IdentityId> {
    let mut names = BTreeSet::new();
    for document in documents {
        let named = references(document).filter(|reference| reference.kind == Kind::Identity).map(|reference| reference.name);
        let in_text = document.spec.get("cedar").and_then(Value::as_str).into_iter().flat_map(named_in_policy);
        names.extend(named.chain(in_text).filter_map(|name| IdentityId::parse(name).ok()));
    }
    names
}

/// The identities that documents name and that are not among them, as they are on record.
#[derive(Debug, Default)]
pub(crate) struct OnRecord {
    identities: HashMap<Box<str>, (BesideIdentity, BTreeSet<Box<str>>)>,
    naming: BTreeMap<(Kind, Box<str>), Naming>,
}

impl OnRecord {
    /// The identities of these documents.
    pub(crate) fn of(documents: &[Document]) -> Self {
        let mut on_record = Self::default();
        documents.iter().for_each(|document| on_record.note(&document.name, &document.spec));
        on_record
    }

    /// Reads what `documents` need to know, as it would be after a change.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn read(store: &Store, documents: &[Document], proposed: &Proposed<'_>) -> Result<Self, StoreFault> {
        let gone = &proposed.gone;
        let mut on_record = Self::default();
        let names: Vec<_> = wanted(documents).into_iter().filter(|name| !gone.contains(name.as_str())).collect();
        for record in store.identity_records(&names).await?.records {
            if let Some(resource) = &record.resource {
                on_record.note(record.identity.as_str(), &resource.spec);
            }
        }
        for identity in &proposed.identities {
            on_record.note(&identity.name, &identity.spec);
        }
        for (kind, name) in proposed.removed.iter().filter(|(kind, _)| *kind == Kind::Owner) {
            let owned = store.identities_of(name, "", NAMED + 1).await?;
            let owned: Vec<_> = owned.into_iter().filter(|id| !gone.contains(id.as_str())).collect();
            let count = u64::try_from(owned.len()).unwrap_or(u64::MAX);
            on_record.naming.insert((*kind, (*name).into()), Naming { first: owned, count });
        }
        Ok(on_record)
    }

    /// Notes who lives in an environment that is about to go.
    pub(super) fn lives_in(&mut self, kind: Kind, name: &str, population: &Population, gone: &BTreeSet<&str>) {
        let mut naming = Naming::default();
        let there = population.identities().iter().filter(|identity| identity.environment.name.as_str() == name);
        for identity in there.filter(|identity| !gone.contains(identity.id.as_str())) {
            naming.count += 1;
            if naming.first.len() < NAMED as usize {
                naming.first.push(identity.id.clone());
            }
        }
        self.naming.insert((kind, name.into()), naming);
    }

    /// Notes an identity that is on record.
    pub(super) fn note(&mut self, name: &str, spec: &Value) {
        let text = |key: &str| spec.get(key).and_then(Value::as_str);
        let (Some(owner), Some(environment)) = (text("owner"), text("environment")) else { return };
        let (Ok(owner), Ok(environment)) = (OwnerName::parse(owner), EnvironmentName::parse(environment)) else { return };
        let Some(kind) = text("type").and_then(IdentityKind::parse) else { return };
        let entries = spec.get("credentials").and_then(Value::as_array).into_iter().flatten();
        let entries = entries.filter_map(|entry| entry.get("name")?.as_str().map(Into::into)).collect();
        self.identities.insert(name.into(), (BesideIdentity { owner, environment, kind }, entries));
    }
}

impl Beside for OnRecord {
    fn identity(&self, name: &str) -> Option<BesideIdentity> {
        self.identities.get(name).map(|(identity, _)| identity.clone())
    }

    fn has_credential(&self, identity: &str, entry: &str) -> Option<bool> {
        self.identities.get(identity).map(|(_, entries)| entries.contains(entry))
    }

    fn naming(&self, kind: Kind, name: &str) -> Naming {
        self.naming.get(&(kind, name.into())).cloned().unwrap_or_default()
    }
}

/// The names in `Identity::"…"` of a policy's text; more than there are, rather than fewer.
fn named_in_policy(text: &str) -> impl Iterator<Item = &str> {
    text.split("Identity::\"").skip(1).filter_map(|rest| rest.split('"').next())
}
