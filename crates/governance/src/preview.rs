//! Who would break. Takes what is to be stopped, the roll-up of use and the identities, gives whom it hits, on what and how hard.
//!
//! Why from use and not from grants: what nobody calls breaks nobody. The roll-up counts since it was begun and not in a window
//! of its own, so the answer says from when to when its numbers are, and leaves out what was last used before.

use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use wardgate_model::{
    contain::Containable,
    id::{CredentialId, EnvironmentName, IdentityId, OwnerName},
    inventory::{Criticality, Identity, IdentityState},
    time::Time,
};

/// Identities that are listed; the others are counted.
pub const LISTED_MAX: usize = 200;
/// Operations that are listed of each.
pub const OPERATIONS_MAX: usize = 50;

/// One row of the roll-up of use.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// Who called.
    pub identity: &'a IdentityId,
    /// With which credential.
    pub credential: Option<&'a CredentialId>,
    /// On which API.
    pub api: &'a str,
    /// Which operation.
    pub operation: &'a str,
    /// From which network.
    pub source: &'a str,
    /// The first of these calls.
    pub first: Time,
    /// The last of these calls.
    pub last: Time,
    /// How many were let through.
    pub allowed: u64,
    /// How many were not.
    pub refused: u64,
}

/// Requests that are still open on one operation: streams, long downloads.
#[derive(Debug, Clone, Copy)]
pub struct Open<'a> {
    /// Whose.
    pub identity: &'a IdentityId,
    /// With which credential.
    pub credential: Option<&'a CredentialId>,
    /// On which operation.
    pub operation: &'a str,
    /// How many.
    pub count: u64,
    /// When the oldest began.
    pub since: Time,
}

/// What is to be stopped.
#[derive(Debug, Clone, Copy)]
pub struct Stop<'a> {
    /// What it is.
    pub kind: Containable,
    /// Its name or id.
    pub name: &'a str,
    /// The credentials that a trust source vouches for: of an issuer these are hit. Of other kinds nobody asks.
    pub vouched: &'a BTreeSet<CredentialId>,
    /// Calls before this do not count: nobody waits for them any more.
    pub since: Time,
}

/// Whom it hits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// What is to be stopped.
    pub kind: Containable,
    /// Its name or id.
    pub name: Box<str>,
    /// Whether anybody would notice: calls were let through since, or requests are open.
    pub breaks: bool,
    /// From when the numbers are; `None`: there are none.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub from: Option<Time>,
    /// Until when they are.
    #[serde(serialize_with = "crate::shown::moment")]
    pub to: Time,
    /// Calls that were let through.
    pub calls: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Requests that are open and would be cut.
    pub open: u64,
    /// When the oldest of these began.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub open_since: Option<Time>,
    /// Whom it hits, those with the most calls first; at most [`LISTED_MAX`].
    pub identities: Vec<Hit>,
    /// How many it hits, listed or not.
    pub count: u64,
    /// By owner: whom to tell.
    pub owners: Vec<Told>,
}

/// An identity that is hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Which.
    pub identity: IdentityId,
    /// Who answers for it; `None`: it is not on record any more.
    pub owner: Option<OwnerName>,
    /// Where it lives.
    pub environment: Option<EnvironmentName>,
    /// How much depends on it.
    pub criticality: Option<Criticality>,
    /// Where it is in its life.
    pub state: Option<IdentityState>,
    /// Calls that were let through.
    pub calls: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Requests that are open.
    pub open: u64,
    /// When the oldest of these began.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub open_since: Option<Time>,
    /// The last call.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub last: Option<Time>,
    /// What it called: where requests are open first, then the most called; at most [`OPERATIONS_MAX`].
    pub operations: Vec<Called>,
    /// Networks it called from.
    pub sources: Vec<Box<str>>,
}

/// An operation that would not be called any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Called {
    /// Its id.
    pub operation: Box<str>,
    /// Calls that were let through.
    pub calls: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Requests that are open.
    pub open: u64,
    /// When the oldest of these began.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub open_since: Option<Time>,
    /// The last call.
    #[serde(serialize_with = "crate::shown::moment")]
    pub last: Time,
}

/// An owner, and how many of its identities and calls are hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Who; `None`: of identities that are not on record any more.
    pub owner: Option<OwnerName>,
    /// Identities.
    pub identities: u64,
    /// Calls that were let through.
    pub calls: u64,
}

/// Who would break if `stop` were stopped at `now`. `known` gives identities by name.
pub fn preview<'u>(
    stop: &Stop<'_>,
    rows: impl IntoIterator<Item = Use<'u>>,
    open: impl IntoIterator<Item = Open<'u>>,
    known: &dyn Fn(&IdentityId) -> Option<Arc<Identity>>,
    now: Time,
) -> Preview {
    let mut tally = Tally { stop, known, all: BTreeMap::new(), from: None };
    for row in rows {
        tally.call(&row);
    }
    for one in open {
        tally.open(&one);
    }
    let from = tally.from;
    let mut hits: Vec<Hit> = tally.all.into_iter().filter_map(|(identity, tallied)| tallied?.hit(identity)).collect();
    let (calls, refused, open) = hits.iter().fold((0_u64, 0_u64, 0_u64), |(calls, refused, open), hit| {
        (calls.saturating_add(hit.calls), refused.saturating_add(hit.refused), open.saturating_add(hit.open))
    });
    let open_since = hits.iter().filter_map(|hit| hit.open_since).min();
    let mut owners: BTreeMap<Option<OwnerName>, Told> = BTreeMap::new();
    for hit in &hits {
        let told = owners.entry(hit.owner.clone()).or_insert_with(|| Told { owner: hit.owner.clone(), identities: 0, calls: 0 });
        told.identities += 1;
        told.calls = told.calls.saturating_add(hit.calls);
    }
    let count = u64::try_from(hits.len()).unwrap_or(u64::MAX);
    hits.sort_by(|a, b| (b.open, b.calls).cmp(&(a.open, a.calls)).then_with(|| a.identity.cmp(&b.identity)));
    hits.truncate(LISTED_MAX);
    Preview {
        kind: stop.kind,
        name: stop.name.into(),
        breaks: calls > 0 || open > 0,
        from,
        to: now,
        calls,
        refused,
        open,
        open_since,
        identities: hits,
        count,
        owners: owners.into_values().collect(),
    }
}

/// What was counted of one identity.
struct Tallied {
    identity: Option<Arc<Identity>>,
    operations: BTreeMap<Box<str>, Called>,
    sources: BTreeSet<Box<str>>,
}

impl Tallied {
    /// What was counted of one operation, which was called at `last`.
    fn called(&mut self, operation: &str, last: Time) -> &mut Called {
        let none = || Called { operation: operation.into(), calls: 0, refused: 0, open: 0, open_since: None, last };
        self.operations.entry(operation.into()).or_insert_with(none)
    }

    fn hit(self, id: IdentityId) -> Option<Hit> {
        let mut operations: Vec<Called> = self.operations.into_values().collect();
        if operations.is_empty() {
            return None;
        }
        operations.sort_by(|a, b| (b.open, b.calls).cmp(&(a.open, a.calls)).then_with(|| a.operation.cmp(&b.operation)));
        let known = self.identity.as_deref();
        let hit = Hit {
            owner: known.map(|identity| identity.owner.clone()),
            environment: known.map(|identity| identity.environment.name.clone()),
            criticality: known.map(|identity| identity.criticality),
            state: known.map(|identity| identity.state),
            calls: operations.iter().fold(0, |all, one| all.saturating_add(one.calls)),
            refused: operations.iter().fold(0, |all, one| all.saturating_add(one.refused)),
            open: operations.iter().fold(0, |all, one| all.saturating_add(one.open)),
            open_since: operations.iter().filter_map(|one| one.open_since).min(),
            last: operations.iter().map(|one| one.last).max(),
            operations: operations.into_iter().take(OPERATIONS_MAX).collect(),
            sources: self.sources.into_iter().collect(),
            identity: id,
        };
        Some(hit)
    }
}

struct Tally<'s> {
    stop: &'s Stop<'s>,
    known: &'s dyn Fn(&IdentityId) -> Option<Arc<Identity>>,
    /// `None`: looked at, and not hit.
    all: BTreeMap<IdentityId, Option<Tallied>>,
    from: Option<Time>,
}

impl Tally<'_> {
    /// The tally of an identity that is hit through a credential.
    fn of(&mut self, identity: &IdentityId, credential: Option<&CredentialId>) -> Option<&mut Tallied> {
        let hit = match self.stop.kind {
            Containable::Identity => identity.as_str() == self.stop.name,
            Containable::Credential => credential.is_some_and(|credential| credential.as_str() == self.stop.name),
            Containable::Issuer => credential.is_some_and(|credential| self.stop.vouched.contains(credential)),
            // Whose an identity is, is asked once below. Of tokens and tasks no use is on record.
            Containable::Owner => true,
            Containable::Token | Containable::Task => false,
        };
        if !hit {
            return None;
        }
        if !self.all.contains_key(identity) {
            let known = (self.known)(identity);
            let of_owner = known.as_ref().is_some_and(|identity| identity.owner.as_str() == self.stop.name);
            let counts = self.stop.kind != Containable::Owner || of_owner;
            let tallied = Tallied { identity: known, operations: BTreeMap::new(), sources: BTreeSet::new() };
            self.all.insert(identity.clone(), counts.then_some(tallied));
        }
        self.all.get_mut(identity)?.as_mut()
    }

    fn call(&mut self, row: &Use<'_>) {
        if row.last < self.stop.since || (row.allowed == 0 && row.refused == 0) {
            return;
        }
        let Some(tallied) = self.of(row.identity, row.credential) else { return };
        let called = tallied.called(row.operation, row.last);
        called.calls = called.calls.saturating_add(row.allowed);
        called.refused = called.refused.saturating_add(row.refused);
        called.last = called.last.max(row.last);
        tallied.sources.insert(row.source.into());
        self.from = Some(self.from.map_or(row.first, |from| from.min(row.first)));
    }

    fn open(&mut self, open: &Open<'_>) {
        let Some(tallied) = self.of(open.identity, open.credential) else { return };
        let called = tallied.called(open.operation, open.since);
        called.open = called.open.saturating_add(open.count);
        called.open_since = Some(called.open_since.map_or(open.since, |since| since.min(open.since)));
        called.last = called.last.max(open.since);
    }
}

#[cfg(test)]
mod tests;
