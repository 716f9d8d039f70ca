//! When a credential is to be replaced. Takes the rules, contracts and waivers, gives dates for a credential.
//!
//! Why dates and not deeds: the gate compares moments, findings and headers show them, and nobody has to run at midnight.

use serde::Serialize;
use std::{collections::HashMap, time::Duration};
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    govern::{Contract, Exemption, Rotation, RotationSelect, Waived, Waiver},
    id::{IdentityId, OwnerName, RotationName},
    inventory::{Criticality, Identity},
    time::Time,
};

/// How long before its own end a credential warns, at most; never more than a quarter of its life.
pub const WARN_OF_END: Duration = Duration::from_hours(14 * 24);

const DAY: Duration = Duration::from_hours(24);

/// The rules that ship: API keys, by how much depends on the identity. They warn, and refuse nothing. A rule of the
/// operator's that fits a credential takes their place; one of the same name replaces one.
#[must_use]
pub fn shipped() -> Vec<Rotation> {
    let rule = |name: &'static str, criticality, days| Rotation {
        name: RotationName::literal(name),
        select: RotationSelect { credential: Some(CredentialKind::ApiKey), criticality, ..RotationSelect::default() },
        every: DAY * days,
        warn: DAY * 14,
        enforce: None,
    };
    vec![
        rule("shipped:rotation", None, 90),
        rule("shipped:rotation-low", Some(Criticality::Low), 180),
        rule("shipped:rotation-high", Some(Criticality::High), 60),
        rule("shipped:rotation-critical", Some(Criticality::Critical), 30),
    ]
}

/// When one credential is to be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// The rule that says so.
    pub rule: RotationName,
    /// When it should have been replaced.
    #[serde(serialize_with = "crate::shown::moment")]
    pub rotate_by: Time,
    /// From when on its users are warned.
    #[serde(serialize_with = "crate::shown::moment")]
    pub warn_from: Time,
    /// From when on it is refused; `None`: never.
    #[serde(serialize_with = "crate::shown::moment_or_none")]
    pub refuse_from: Option<Time>,
}

/// The dates that the gate works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    /// When it ends: by itself, or because it was not replaced.
    pub expires: Option<Time>,
    /// From when on answers warn its user.
    pub warn_from: Option<Time>,
}

/// Rules, contracts and waivers, ready to be asked for a million credentials.
#[derive(Debug, Clone, Default)]
pub struct Rotations {
    own: Vec<Rotation>,
    shipped: Vec<Rotation>,
    /// The shortest cadence of the contracts of an owner.
    contracted: HashMap<OwnerName, Duration>,
    /// Ends of waivers for identities.
    identities: HashMap<IdentityId, Vec<Put>>,
    owners: HashMap<OwnerName, Time>,
}

/// Until when rotation is put off.
#[derive(Debug, Clone)]
struct Put {
    /// Of this entry; `None`: of all.
    entry: Option<Box<str>>,
    off_until: Time,
}

impl Rotations {
    /// Takes the operator's rules; what ships is added where no name replaces it.
    #[must_use]
    pub fn compile<'a>(
        rules: impl IntoIterator<Item = &'a Rotation>,
        contracts: impl IntoIterator<Item = &'a Contract>,
        waivers: impl IntoIterator<Item = &'a Waiver>,
    ) -> Self {
        let mut all = Self { own: rules.into_iter().cloned().collect(), ..Self::default() };
        all.shipped = shipped().into_iter().filter(|rule| !all.own.iter().any(|own| own.name == rule.name)).collect();
        all.own.sort_by_key(strictness);
        all.shipped.sort_by_key(strictness);
        for contract in contracts {
            let Some(every) = contract.rotation else { continue };
            let known = all.contracted.entry(contract.owner.clone()).or_insert(every);
            *known = every.min(*known);
        }
        for waiver in waivers.into_iter().filter(|waiver| waiver.exempts == Exemption::Rotation) {
            match &waiver.waived {
                Waived::Identity { identity, credential } => {
                    let put = Put { entry: credential.clone(), off_until: waiver.until };
                    all.identities.entry(identity.clone()).or_default().push(put);
                }
                Waived::Owner(owner) => {
                    let end = all.owners.entry(owner.clone()).or_insert(waiver.until);
                    *end = waiver.until.max(*end);
                }
                Waived::Api(_) => {}
            }
        }
        all
    }

    /// The rule for a credential: the operator's before what ships, the most selective first, of two the stricter. None for one
    /// that others vouch for: it was not issued, so nothing of it is replaced.
    #[must_use]
    pub fn rule(&self, credential: &Credential, identity: &Identity) -> Option<&Rotation> {
        if credential.binding.is_some() {
            return None;
        }
        let fitting = |rules: &'_ [Rotation]| rules.iter().position(|rule| fits(&rule.select, credential, identity));
        match fitting(&self.own) {
            Some(at) => self.own.get(at),
            None => fitting(&self.shipped).and_then(|at| self.shipped.get(at)),
        }
    }

    /// When a credential is to be replaced; `None` when no rule is about it. A contract's cadence counts when it is shorter;
    /// while a waiver runs nothing is due, and what was due is due at its end.
    #[must_use]
    pub fn schedule(&self, credential: &Credential, identity: &Identity) -> Option<Schedule> {
        let rule = self.rule(credential, identity)?;
        let every = self.contracted.get(&identity.owner).map_or(rule.every, |contracted| rule.every.min(*contracted));
        let rotate_by = (credential.created + every).max(self.waived_until(credential, identity).unwrap_or_default());
        Some(Schedule {
            rule: rule.name.clone(),
            rotate_by,
            warn_from: before(rotate_by, rule.warn),
            refuse_from: rule.enforce.map(|enforce| rotate_by + enforce),
        })
    }

    /// When a credential ends and from when on its user is warned, all told.
    #[must_use]
    pub fn dates(&self, credential: &Credential, identity: &Identity) -> Dates {
        let schedule = self.schedule(credential, identity);
        let refused = schedule.as_ref().and_then(|schedule| schedule.refuse_from);
        let expires = [credential.expires, refused].into_iter().flatten().min();
        // Sessions and the like are too short to warn of.
        let lasting = !matches!(credential.kind, CredentialKind::Session | CredentialKind::SignIn | CredentialKind::BreakGlass);
        let of_end = credential.expires.filter(|_| lasting).map(|end| before(end, WARN_OF_END.min(end.since(credential.created) / 4)));
        Dates { expires, warn_from: [schedule.map(|schedule| schedule.warn_from), of_end].into_iter().flatten().min() }
    }

    /// When the last waiver that exempts a credential from rotation ends.
    #[must_use]
    pub fn waived_until(&self, credential: &Credential, identity: &Identity) -> Option<Time> {
        let own = self.identities.get(&identity.id).into_iter().flatten();
        let own = own.filter(|put| put.entry.as_ref().is_none_or(|entry| *entry == credential.name)).map(|put| put.off_until);
        own.chain(self.owners.get(&identity.owner).copied()).max()
    }
}

/// Since when a key that ends has a newer one beside it, of the same entry of its identity: who still comes with the older is
/// warned from then on, however little of its life is left.
#[must_use]
pub fn replaced_from<'a>(credential: &Credential, all: impl IntoIterator<Item = &'a Credential>) -> Option<Time> {
    let end = credential.expires.filter(|_| credential.kind == CredentialKind::ApiKey)?;
    let newer = |other: &&Credential| {
        other.id != credential.id
            && other.kind == credential.kind
            && other.identity == credential.identity
            && other.name == credential.name
            && other.created > credential.created
            && other.state == CredentialState::Live
            && other.expires.is_none_or(|later| later > end)
    };
    all.into_iter().filter(newer).map(|other| other.created).min()
}

fn before(time: Time, span: Duration) -> Time {
    Time::from_micros(time.as_micros().saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
}

/// Sorts the rule that wins first: more members set, a shorter cadence, an earlier refusal, an earlier warning, the name.
fn strictness(rule: &Rotation) -> impl Ord + use<> {
    let select = &rule.select;
    let set = [
        select.credential.is_some(),
        select.kind.is_some(),
        select.criticality.is_some(),
        select.owner.is_some(),
        select.environment.is_some(),
    ];
    let members = set.iter().filter(|set| **set).count();
    let enforce = rule.enforce.unwrap_or(Duration::MAX);
    (std::cmp::Reverse(members), rule.every, enforce, std::cmp::Reverse(rule.warn), rule.name.clone())
}

fn fits(select: &RotationSelect, credential: &Credential, identity: &Identity) -> bool {
    select.credential.is_none_or(|kind| kind == credential.kind)
        && select.kind.is_none_or(|kind| kind == identity.kind)
        && select.criticality.is_none_or(|criticality| criticality == identity.criticality)
        && select.owner.as_ref().is_none_or(|owner| *owner == identity.owner)
        && select.environment.as_ref().is_none_or(|environment| *environment == identity.environment.name)
}

#[cfg(test)]
mod tests;
