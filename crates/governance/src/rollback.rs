//! Back to an earlier state of what was declared. Takes what was declared then and now, and what happened between, gives the
//! changes that lead back, and what cannot come back.
//!
//! Why only what was declared: what *happened* is not undone by going back. A revoked credential stays revoked, a retired
//! identity retired, a containment in force; files own what they declare and are changed as files.

use crate::second::Proposed;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use wardgate_store::{Act, Change, Origin, ResourceId, StoredResource, Subject};

/// What a rollback does, and what it does not.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RolledBack {
    /// What is to be, in order of kind and name. Empty: everything is as it was.
    pub changes: Vec<Proposed>,
    /// What stays as it is, and why.
    pub notes: Vec<Note>,
}

/// Something that a rollback leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// What it is: a kind, or `credential`, `status`, `secret` and so on.
    pub subject: &'static str,
    /// Its name or id.
    pub name: Box<str>,
    /// Why it stays.
    pub why: Box<str>,
}

/// What leads back to `then`.
///
/// `then`: every resource at that change of the feed. `present`: every resource now (of identities, at least those in `then`
/// and those changed since). `since`: every change after it, oldest first.
#[must_use]
pub fn rollback(then: &[(ResourceId, Value)], present: &[StoredResource], since: &[Change]) -> RolledBack {
    let before: BTreeMap<&ResourceId, &Value> = then.iter().map(|(id, spec)| (id, spec)).collect();
    let now: BTreeMap<&ResourceId, &StoredResource> = present.iter().map(|resource| (&resource.id, resource)).collect();
    let mut done = RolledBack::default();
    let all: BTreeSet<&ResourceId> = before.keys().chain(now.keys()).copied().collect();
    for id in all {
        let (old, new) = (before.get(id).copied(), now.get(id).copied());
        if old == new.map(|resource| &resource.spec) {
            continue;
        }
        match held(id, new, since) {
            Some(why) => done.notes.push(Note { subject: id.kind().as_str(), name: id.name().into(), why: why.into() }),
            None => done.changes.push(Proposed { kind: id.kind(), name: id.name().into(), spec: old.cloned() }),
        }
    }
    done.notes.extend(happened(since));
    done.notes.sort();
    done.notes.dedup();
    done
}

/// Who else than the management API answers for a resource.
fn held(id: &ResourceId, now: Option<&StoredResource>, since: &[Change]) -> Option<String> {
    match now.map(|resource| &resource.origin) {
        Some(Origin::File(path)) => return Some(format!("the file `{path}` owns it: change it there")),
        Some(Origin::Shipped) => return Some("this program ships it".to_owned()),
        // What the management API made, in whatever way.
        Some(_) | None => {}
    }
    let of_it = |change: &&Change| change.subject == Subject::Resource(id.kind()) && *change.name == *id.name();
    let last = since.iter().rev().find(of_it)?;
    let file = last.actor.strip_prefix("file:")?;
    (now.is_none() && last.act == Act::Remove).then(|| format!("the file `{file}` declared it and does so no more: put it back there"))
}

/// What happened since and stays so. Each thing once, with the last that happened to it.
fn happened(since: &[Change]) -> Vec<Note> {
    let mut notes: BTreeMap<(&'static str, &str), &'static str> = BTreeMap::new();
    for change in since {
        if let Some(why) = lasting(change) {
            notes.insert((change.subject.as_str(), &change.name), why);
        }
    }
    notes.into_iter().map(|((subject, name), why)| Note { subject, name: name.into(), why: why.into() }).collect()
}

/// Why what this change did is not undone; `None` where there is nothing to say.
fn lasting(change: &Change) -> Option<&'static str> {
    match (change.subject, change.act) {
        (Subject::Credential, Act::Revoke) => Some("it was revoked: it stays so, issue a new one"),
        (Subject::Credential, Act::Issue) => Some("it was issued since: it stays live, revoke it if it should not be"),
        (Subject::Status, Act::State) => {
            let retired = change.after.as_ref().and_then(|after| after.get("state")).and_then(Value::as_str) == Some("retired");
            Some(if retired { "it was retired: that is for good" } else { "its state is not rolled back: move it by itself" })
        }
        (Subject::Credential, Act::Rotate | Act::Shorten) => Some("its end was brought forward: that stays"),
        (Subject::Containment, Act::Contain) => Some("it was contained: it stays so until it is released"),
        (Subject::Containment, Act::Release) => Some("it was released: contain it again if it should be"),
        (Subject::OwnerStatus, Act::Depart) => Some("it departed: take it back by itself"),
        (Subject::Secret, _) => Some("secrets are not rolled back: put the old value again if it still counts"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
