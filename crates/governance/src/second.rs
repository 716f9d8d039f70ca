//! Which acts want a second pair of eyes. Takes an act and what is on record, gives what it needs, and why.
//!
//! Why: whoever can widen power alone can take all of it. Containing never waits; undoing it does, and so does whatever
//! lets anybody do more than before. What narrows is one person's act.

pub mod apart;
pub mod power;
mod widening;

use crate::{person, words::words};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use wardgate_model::{
    contain::Containable,
    id::{IdentityId, OwnerName},
    inventory::Identity,
    resource::Kind,
};

words! {
    /// Who has to agree.
    Needed {
        /// Another identity of another owner.
        Second = "second",
        /// One that stands for a person, too.
        Person = "person",
    }
}

/// What an act needs, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Who has to agree.
    pub needed: Needed,
    /// Each thing that wants it, in words. Never empty.
    pub why: Vec<String>,
}

/// A resource as somebody wants it to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Box<str>,
    /// Its spec; `None`: it is to go.
    pub spec: Option<Value>,
}

/// An act that may have to wait: what an approval keeps, and what is done when it is approved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Resources are made, changed, removed: all or none.
    Apply {
        /// What is to be.
        changes: Vec<Proposed>,
    },
    /// A containment is undone.
    Release {
        /// Of what.
        kind: Containable,
        /// Its name or id.
        name: Box<str>,
    },
    /// What was declared is brought back to an earlier state.
    Rollback {
        /// To which change of the feed.
        to: u64,
        /// What that changes, as it was planned: this is approved and nothing else.
        changes: Vec<Proposed>,
    },
    /// An owner who departed is taken back.
    Return {
        /// Which.
        owner: OwnerName,
    },
    /// A suspended identity is used again.
    Resume {
        /// Which.
        identity: IdentityId,
    },
    /// A credential that acts for an identity is issued, registered or taken over.
    Issue {
        /// For which.
        identity: IdentityId,
        /// The entry of its `credentials`.
        entry: Box<str>,
        /// Whether the identity may do in Wardgate what whoever asks may not ([`power::is_stronger`]).
        stronger: bool,
    },
}

impl Act {
    /// What it declares anew; empty for acts on what happened.
    #[must_use]
    pub fn changes(&self) -> &[Proposed] {
        match self {
            Self::Apply { changes } | Self::Rollback { changes, .. } => changes,
            Self::Release { .. } | Self::Return { .. } | Self::Resume { .. } | Self::Issue { .. } => &[],
        }
    }

    /// In a few words, for lists and messages.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Apply { changes } => summary("apply", changes),
            Self::Release { kind, name } => format!("release {kind} `{name}`"),
            Self::Rollback { to, changes } => summary(&format!("roll back to {to}"), changes),
            Self::Return { owner } => format!("take back owner `{owner}`"),
            Self::Resume { identity } => format!("resume identity `{identity}`"),
            Self::Issue { identity, entry, .. } => format!("issue credential `{entry}` of `{identity}`"),
        }
    }
}

/// Things that a summary names.
const NAMED_MAX: usize = 5;

fn summary(act: &str, changes: &[Proposed]) -> String {
    let named: Vec<String> = changes
        .iter()
        .take(NAMED_MAX)
        .map(|change| format!("{}{} `{}`", if change.spec.is_none() { "remove " } else { "" }, change.kind, change.name))
        .collect();
    let more = changes.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{act}: {}{more}", named.join(", "))
}

/// What is on record: the whole estate (every resource but identities) and the identities that the act names.
#[derive(Debug, Clone, Default)]
pub struct Record<'a> {
    resources: BTreeMap<(Kind, &'a str), &'a Value>,
    returning: BTreeSet<&'a str>,
    contained: BTreeSet<&'a str>,
    formers: BTreeMap<&'a str, &'a Value>,
    stopped: BTreeMap<&'a str, &'a str>,
    tagged: Vec<(&'a str, &'a str)>,
    serving: Vec<(&'a str, &'a str, &'a str)>,
}

impl<'a> FromIterator<(Kind, &'a str, &'a Value)> for Record<'a> {
    fn from_iter<I: IntoIterator<Item = (Kind, &'a str, &'a Value)>>(resources: I) -> Self {
        let resources = resources.into_iter().map(|(kind, name, spec)| ((kind, name), spec)).collect();
        Self { resources, ..Self::default() }
    }
}

impl<'a> Record<'a> {
    /// Says which of the identities that the act makes have a status from before: such a one would be active again without
    /// having been approved for what it is now.
    #[must_use]
    pub fn with_returning(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.returning.extend(names);
        self
    }

    /// Says which owners are contained: an identity that goes to another owner would be let in again.
    #[must_use]
    pub fn with_contained(mut self, owners: impl IntoIterator<Item = &'a str>) -> Self {
        self.contained.extend(owners);
        self
    }

    /// Says what the APIs were that have been removed: one that is made again, or takes the place of one, is held against it.
    #[must_use]
    pub fn with_formers(mut self, apis: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        self.formers.extend(apis);
        self
    }

    /// Says which identities have a proof that is contained, and the entry of it: under another entry it would be let in again.
    #[must_use]
    pub fn with_stopped(mut self, entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.stopped.extend(entries);
        self
    }

    /// Says which identities have an address as their tag `person`: one becomes a person when an owner has that address.
    #[must_use]
    pub fn with_tagged(mut self, tagged: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.tagged.extend(tagged);
        self
    }

    /// Says which identities say to stand behind an API: identity, its owner, the API. It counts when that owner answers for it.
    #[must_use]
    pub fn with_serving(mut self, serving: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Self {
        self.serving.extend(serving);
        self
    }

    /// The identities that say to stand behind an API, each with its owner.
    pub(crate) fn serving<'s>(&'s self, api: &'s str) -> impl Iterator<Item = (&'a str, &'a str)> + 's {
        self.serving.iter().filter(move |(.., of)| *of == api).map(|(identity, owner, _)| (*identity, *owner))
    }

    /// The entry of an identity's proof that is contained.
    pub(crate) fn stopped(&self, identity: &str) -> Option<&'a str> {
        self.stopped.get(identity).copied()
    }

    /// An identity that would stand for the person of this address.
    pub(crate) fn tagged(&self, address: &str) -> Option<&'a str> {
        self.tagged.iter().find(|(_, tag)| person::same(tag, address)).map(|(name, _)| *name)
    }

    /// What an API of this name was, when it is not on record any more.
    pub(crate) fn former(&self, api: &str) -> Option<&'a Value> {
        self.formers.get(api).copied()
    }

    /// The APIs that were removed.
    pub(crate) fn formers(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + '_ {
        self.formers.iter().map(|(name, spec)| (*name, *spec))
    }

    /// Whether an owner is contained, and with it everything that it owns.
    pub(crate) fn is_contained(&self, owner: &str) -> bool {
        self.contained.contains(owner)
    }

    /// Whether an identity that is not on record was so before.
    pub(crate) fn returns(&self, name: &str) -> bool {
        self.returning.contains(name)
    }

    /// The spec of a resource.
    #[must_use]
    pub fn spec(&self, kind: Kind, name: &str) -> Option<&'a Value> {
        self.resources.get(&(kind, name)).copied()
    }

    /// Every resource of a kind, by name.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (&'a str, &'a Value)> + '_ {
        self.resources.range((kind, "")..).take_while(move |((of, _), _)| *of == kind).map(|((_, name), spec)| (*name, *spec))
    }
}

/// What an act needs beside its actor; `None`: it is done at once.
#[must_use]
pub fn needs(act: &Act, before: &Record<'_>) -> Option<Needs> {
    let mut found = Found::default();
    match act {
        Act::Apply { changes } | Act::Rollback { changes, .. } => widening::find(changes, before, &mut found),
        Act::Release { kind: kind @ (Containable::Owner | Containable::Issuer), name } => {
            found.person(format!("it lets the {kind} `{name}` in again"));
        }
        Act::Release { kind, name } => found.second(format!("it lets the {kind} `{name}` in again")),
        Act::Return { owner } => found.person(format!("it takes back the owner `{owner}`, who departed")),
        Act::Issue { identity, stronger: true, .. } => {
            found.second(format!("`{identity}` may do more in Wardgate than whoever asks for its credential"));
        }
        Act::Issue { stronger: false, .. } | Act::Resume { .. } => {}
    }
    found.needs()
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    why: Vec<String>,
    person: bool,
}

impl Found {
    fn second(&mut self, why: String) {
        self.why.push(why);
    }

    fn person(&mut self, why: String) {
        self.person = true;
        self.why.push(why);
    }

    fn needs(self) -> Option<Needs> {
        let needed = if self.person { Needed::Person } else { Needed::Second };
        (!self.why.is_empty()).then_some(Needs { needed, why: self.why })
    }
}

/// Who asked for an act, and what it needs.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The identity that asked.
    pub requester: &'a IdentityId,
    /// Its owner, when it asked.
    pub owner: &'a OwnerName,
    /// Who has to agree.
    pub needed: Needed,
}

/// Why somebody may not decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecidable {
    /// It asked for it.
    #[error("`{0}` asked for this: another identity has to decide")]
    OwnRequest(IdentityId),
    /// The same owner answers for both.
    #[error("`{decider}` and whoever asked belong to the owner `{owner}`: an identity of another owner has to decide")]
    SameOwner {
        /// Who would decide.
        decider: IdentityId,
        /// The owner of both.
        owner: OwnerName,
    },
    /// It has no role that decides.
    #[error("`{0}` has neither the role `security` nor `admin`")]
    NoRole(IdentityId),
    /// It is not in use itself.
    #[error("`{0}` is not active")]
    NotActive(IdentityId),
    /// A machine.
    #[error("this wants a person: `{0}` has no tag `person` that is the address of an accountable person or deputy")]
    NoPerson(IdentityId),
}

/// Whether `decider` may decide what somebody asked for, as far as it itself goes; who stands behind it is looked at by
/// [`apart::may_decide_behind`]. Saying no is free to everybody who could say yes.
///
/// # Errors
/// Says why not.
pub fn may_decide(asked: &Asked<'_>, decider: &Identity, is_person: bool) -> Result<(), Undecidable> {
    let id = || decider.id.clone();
    if decider.id == *asked.requester {
        return Err(Undecidable::OwnRequest(id()));
    }
    // Whether it is a person is said last: it is the narrowest.
    if let Some(why) = apart::cannot(decider, true, asked.needed) {
        return Err(why);
    }
    if decider.owner == *asked.owner {
        return Err(Undecidable::SameOwner { decider: id(), owner: decider.owner.clone() });
    }
    apart::cannot(decider, is_person, asked.needed).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests;
