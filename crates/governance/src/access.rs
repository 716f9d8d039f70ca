//! Who can call what. Takes policies, APIs and identities, gives a path for each identity and operation that is not plainly
//! refused.
//!
//! Why these answers: they are what the gate's room `standing` asks, so the estate is told what requests would be told. What a
//! request brings with it (proof, risk, purpose, zone) is left as a condition.

use crate::words::words;
use serde::Serialize;
use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};
use wardgate_gate::{Snapshot, denied::Denied};
use wardgate_model::{
    api::{Api, Mode, Operation, OperationClass},
    facts::Caller,
    id::{ApiName, IdentityId},
    inventory::{Identity, IdentityState},
    proof::ProofFacts,
    time::Time,
};
use wardgate_policy::{Effect, Left, Outlook, PolicySet, Prospect};

/// Most paths on a page.
pub const PAGE_MAX: u32 = 1_000;
/// Identities and operations that are looked at for one page; a page may be short of paths and still have a next one.
pub const LOOKED_MAX: u32 = 20_000;

words! {
    /// What requests on a path are told.
    Answer {
        /// Each is let through, as far as policies go.
        Allowed = "allowed",
        /// It depends on what the request brings.
        Conditional = "conditional",
        /// Each is refused.
        Denied = "denied",
    }
}

/// Which paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessQuery {
    /// Of this identity; `None`: of all.
    pub identity: Option<IdentityId>,
    /// Only on this API.
    pub api: Option<ApiName>,
    /// Only this operation: `METHOD /full/template`, or its id with the API before it.
    pub operation: Option<Box<str>>,
    /// Denied paths too.
    pub denied: bool,
    /// Where the last page ended.
    pub after: Option<Box<str>>,
    /// At most so many, and [`PAGE_MAX`].
    pub limit: u32,
}

/// One identity and one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessPath {
    /// Who.
    pub identity: IdentityId,
    /// On which API.
    pub api: ApiName,
    /// What: the operation's id.
    pub operation: Box<str>,
    /// What it does.
    pub class: OperationClass,
    /// What requests are told.
    pub answer: Answer,
    /// The permits (`grant:NAME` for grants); of a denial, who forbids, or empty where nobody permits.
    pub by: Vec<Box<str>>,
    /// What a request must bring, each with the policy that wants it.
    pub conditions: Vec<Condition>,
    /// When the last permit ends, where all of them end.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub until: Option<Time>,
    /// Whether the ruling binds; not under `mode: observe`.
    pub enforced: bool,
}

/// Something that a request must bring, or must not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Whose.
    pub policy: Box<str>,
    /// Whether it forbids when this holds; else it permits.
    pub forbids: bool,
    /// As text.
    pub when: Box<str>,
}

/// A page of paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessPage {
    /// By identity, then by operation.
    pub paths: Vec<AccessPath>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Box<str>>,
}

/// What paths are looked for in: the present, or a past that was resolved again.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The compiled policies.
    pub policies: &'a PolicySet,
    /// The APIs.
    pub apis: &'a [Arc<Api>],
    /// What was stopped and is not yet in the identities' states.
    pub denied: Option<&'a Denied>,
}

impl<'a> Scene<'a> {
    /// The present.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot) -> Self {
        Self { policies: snapshot.policies(), apis: snapshot.apis(), denied: Some(snapshot.denied()) }
    }
}

/// The paths of `identities`, which come by name, that a query lets through.
pub fn paths<'i>(scene: &Scene<'_>, identities: impl IntoIterator<Item = &'i Identity>, query: &AccessQuery, now: Time) -> AccessPage {
    let operations = operations(scene, query);
    let (after, limit) = (query.after.as_deref().and_then(|after| after.split_once(' ')), query.limit.clamp(1, PAGE_MAX));
    let mut page = AccessPage { paths: Vec::new(), next: None };
    let mut last: Option<(&IdentityId, &str)> = None;
    let mut looked = 0_u32;
    let wanted = |identity: &&Identity| query.identity.as_ref().is_none_or(|id| *id == identity.id);
    for identity in identities.into_iter().filter(wanted) {
        let order = after.map_or(Ordering::Greater, |(seen, _)| identity.id.as_str().cmp(seen));
        if order == Ordering::Less {
            continue;
        }
        for (api, operation) in &operations {
            let done = order == Ordering::Equal && after.is_some_and(|(_, seen)| operation.id.as_str() <= seen);
            if done {
                continue;
            }
            if page.paths.len() >= limit as usize || looked >= LOOKED_MAX {
                page.next = last.map(|(identity, operation)| format!("{identity} {operation}").into());
                return page;
            }
            looked += 1;
            last = Some((&identity.id, operation.id.as_str()));
            let path = path(scene, identity, api, operation, now);
            if query.denied || path.answer != Answer::Denied {
                page.paths.push(path);
            }
        }
    }
    page
}

/// Of a population in no order, the identities that the next page is about, by name: what [`paths`] wants. It looks at each
/// once and keeps no more than a page can look at.
#[must_use]
pub fn in_order<'i>(population: impl IntoIterator<Item = &'i Arc<Identity>>, query: &AccessQuery) -> Vec<Arc<Identity>> {
    let from = query.after.as_deref().and_then(|after| after.split_once(' ')).map_or("", |(seen, _)| seen);
    let wanted = |identity: &&Arc<Identity>| identity.id.as_str() >= from && query.identity.as_ref().is_none_or(|id| *id == identity.id);
    let most = LOOKED_MAX as usize + 1;
    let mut first: BTreeMap<&IdentityId, &'i Arc<Identity>> = BTreeMap::new();
    for identity in population.into_iter().filter(wanted) {
        first.insert(&identity.id, identity);
        if first.len() > most {
            first.pop_last();
        }
    }
    first.into_values().cloned().collect()
}

/// The operations that a query is about, by id.
fn operations<'a>(scene: &Scene<'a>, query: &AccessQuery) -> Vec<(&'a Api, &'a Operation)> {
    // Everybody may ask the token service for what was granted elsewhere: it is told of where it is asked about.
    let on = scene.apis.iter().filter(|api| query.api.as_ref().map_or(!api.is_issuer() && !api.is_tasks(), |name| *name == api.name));
    let all = on.flat_map(|api| api.operations.iter().map(|operation| (&**api, &**operation)));
    let mut wanted: Vec<_> = all
        .filter(|(api, operation)| {
            query.operation.as_deref().is_none_or(|text| {
                let id = operation.id.as_str();
                id == text || id.strip_prefix(api.name.as_str()).and_then(|rest| rest.strip_prefix(' ')) == Some(text)
            })
        })
        .collect();
    wanted.sort_by(|(_, a), (_, b)| a.id.as_str().cmp(b.id.as_str()));
    wanted
}

/// One path.
#[must_use]
pub fn path(scene: &Scene<'_>, identity: &Identity, api: &Api, operation: &Operation, now: Time) -> AccessPath {
    let outlook = scene.policies.outlook(identity, api, operation, now);
    let stopped = is_stopped(scene, identity) || operation.ending.is_some_and(|ending| ending.refuses(now));
    let answer = match &outlook.prospect {
        _ if stopped => Answer::Denied,
        Prospect::Denied(_) => Answer::Denied,
        Prospect::Allowed(_) => Answer::Allowed,
        Prospect::Depends => Answer::Conditional,
    };
    let by = if stopped && !matches!(outlook.prospect, Prospect::Denied(_)) { Vec::new() } else { deciding(&outlook) };
    let asks = |left: &Left| {
        let condition = Condition {
            policy: left.policy.as_str().into(),
            forbids: left.effect == Effect::Forbid,
            when: left.condition.as_deref()?.into(),
        };
        Some(condition)
    };
    AccessPath {
        identity: identity.id.clone(),
        api: api.name.clone(),
        operation: operation.id.as_str().into(),
        class: operation.class,
        answer,
        by,
        conditions: if answer == Answer::Conditional { outlook.left.iter().filter_map(asks).collect() } else { Vec::new() },
        until: if answer == Answer::Denied { None } else { until(&outlook) },
        enforced: stopped || api.mode == Mode::Enforce,
    }
}

fn deciding(outlook: &Outlook) -> Vec<Box<str>> {
    let wanted = if matches!(outlook.prospect, Prospect::Denied(_)) { Effect::Forbid } else { Effect::Permit };
    outlook.left.iter().filter(|left| left.effect == wanted).map(|left| left.policy.as_str().into()).collect()
}

/// When the last permit ends; `None` when one has no end.
fn until(outlook: &Outlook) -> Option<Time> {
    let mut permits = outlook.left.iter().filter(|left| left.effect == Effect::Permit).map(|left| left.until);
    permits.try_fold(None, |latest: Option<Time>, end| end.map(|end| Some(latest.map_or(end, |latest| latest.max(end))))).flatten()
}

/// Whether the gate's room `identity` refuses it, whatever the policies say.
fn is_stopped(scene: &Scene<'_>, identity: &Identity) -> bool {
    let state = matches!(identity.state, IdentityState::Suspended | IdentityState::Quarantined | IdentityState::Retired);
    let overlaid = || {
        let caller = Caller {
            identity: Arc::new(identity.clone()),
            credential: None,
            proof: ProofFacts::NONE,
            token: None,
            on_behalf_of: None,
            actors: smallvec::SmallVec::new(),
            holds: None,
            delegation: None,
            task: None,
        };
        scene.denied.is_some_and(|denied| denied.generation() > 0 && denied.stops(&caller))
    };
    state || overlaid()
}

/// How access differs between two moments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AccessDiff {
    /// Denied before, no longer.
    pub gained: Vec<AccessPath>,
    /// Denied now, not before.
    pub lost: Vec<AccessPath>,
    /// Another answer, other permits or other conditions.
    pub changed: Vec<Changed>,
}

/// A path that is another than it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// As it was.
    pub before: AccessPath,
    /// As it is.
    pub after: AccessPath,
}

/// How two lists of paths differ. Denied paths count as none; the order makes no difference.
#[must_use]
pub fn diff(before: &[AccessPath], after: &[AccessPath]) -> AccessDiff {
    let key = |path: &AccessPath| (path.identity.clone(), path.operation.clone());
    let open = |paths: &[AccessPath]| -> BTreeMap<_, AccessPath> {
        paths.iter().filter(|path| path.answer != Answer::Denied).map(|path| (key(path), path.clone())).collect()
    };
    let (mut old, mut diff) = (open(before), AccessDiff::default());
    for (at, path) in open(after) {
        match old.remove(&at) {
            None => diff.gained.push(path),
            Some(was) if was != path => diff.changed.push(Changed { before: was, after: path }),
            Some(_) => {}
        }
    }
    diff.lost = old.into_values().collect();
    diff
}

#[cfg(test)]
mod tests;
