//! Who calls: two hundred identities of all kinds, most of them with a static key, as in life.

mod groups;

use super::{
    call::Proof,
    catalogue::{APIS, Operation},
    chance::{Chance, mixed},
    habit::Habit,
    place::Home,
    scale::Scale,
};
use groups::{GROUPS, Group};
use std::collections::BTreeSet;
use wardgate_model::{api::OperationClass, inventory::IdentityKind};

/// Whoever calls without a credential: no identity, and not one of the two hundred.
pub(super) const NOBODY: &str = "anonymous";

/// How an honest client takes it when something fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temper {
    /// Waits longer and longer, and for as long as it is told.
    Patient,
    /// Tries again at once, many times, and reads no `Retry-After`.
    Stubborn,
    /// Does not try again.
    Careless,
}

/// An identity of the estate.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its peers: those with the same word here do the same.
    pub group: &'static str,
    /// What kind of machine it is.
    pub kind: IdentityKind,
    /// Who answers for it when the estate begins.
    pub owner: &'static str,
    /// Where it lives.
    pub environment: &'static str,
    /// Why it exists.
    pub purpose: &'static str,
    /// What it proves itself by.
    pub proof: Proof,
    /// How far its clock is ahead of UTC, in hours.
    pub offset_hours: i8,
    pub(super) home: Home,
    /// Its software, without a version.
    pub(super) software: &'static str,
    pub(super) temper: Temper,
    pub(super) habits: Vec<Habit>,
    /// By how much it grows in a week, in thousandths.
    pub(super) growth: u64,
    /// Chance of its own, the same throughout.
    pub(super) salt: u64,
    used: Vec<&'static Operation>,
    granted: Vec<(&'static str, Vec<OperationClass>)>,
}

impl Member {
    /// The operations that it uses.
    pub(super) fn operations(&self) -> &[&'static Operation] {
        &self.used
    }

    /// What it is granted, by API: the classes that it uses, and to list and to read wherever it does anything. More than it needs, as
    /// in life.
    #[must_use]
    pub fn grants(&self) -> &[(&'static str, Vec<OperationClass>)] {
        &self.granted
    }

    /// Whether its grants cover an operation.
    #[must_use]
    pub fn may(&self, operation: &Operation) -> bool {
        let class = operation.class;
        let dangerous = matches!(class, OperationClass::Bulk | OperationClass::Admin | OperationClass::Money);
        (self.grants().iter().any(|(api, classes)| *api == operation.api && classes.contains(&class)))
            && !(dangerous && matches!(self.proof, Proof::ApiKey | Proof::None))
    }

    /// Whether it is an identity, and not whoever shows nothing.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.proof != Proof::None
    }
}

/// Everybody, the one who shows nothing last.
pub(super) fn members(seed: u64, scale: Scale) -> Vec<Member> {
    let mut members = Vec::new();
    for group in GROUPS {
        let mut nth = 0;
        for (proof, count) in group.proofs {
            let count = (u64::from(*count) * scale.identities_per_mille).div_ceil(1_000).max(1);
            for _ in 0..count {
                members.push(member(seed, group, *proof, nth));
                nth += 1;
            }
        }
    }
    members
}

/// The operations of some habits, each once.
fn used_by(habits: &[Habit]) -> Vec<&'static Operation> {
    let mut used: Vec<&'static Operation> = habits.iter().flat_map(Habit::operations).collect();
    let mut seen = BTreeSet::new();
    used.retain(|operation| seen.insert(operation.id()));
    used
}

/// Grants for whoever uses these.
fn granted_for(used: &[&'static Operation]) -> Vec<(&'static str, Vec<OperationClass>)> {
    let of = |api: &'static str| {
        let mut classes: BTreeSet<OperationClass> = used.iter().filter(|used| used.api == api).map(|used| used.class).collect();
        if classes.is_empty() {
            return None;
        }
        classes.extend([OperationClass::Read, OperationClass::List]);
        Some((api, classes.into_iter().collect()))
    };
    APIS.iter().filter_map(|api| of(api.name)).collect()
}

fn member(seed: u64, group: &'static Group, proof: Proof, nth: u64) -> Member {
    let salt = mixed(seed, mixed(group.slug.len() as u64 ^ group.slug.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte)), nth));
    let mut chance = Chance::new(seed, salt);
    let name = if group.slug == NOBODY { NOBODY.to_owned() } else { format!("{}-{:02}", group.slug, nth + 1) };
    let habits = (group.habits)(nth, proof, &mut Chance::new(seed, salt ^ 1));
    let used = used_by(&habits);
    Member {
        name,
        group: group.slug,
        kind: group.kind,
        owner: chance.pick(group.owners).copied().unwrap_or("platform"),
        environment: group.environment,
        purpose: group.purpose,
        proof,
        offset_hours: chance.pick(group.offsets).copied().unwrap_or(0),
        home: (group.home)(u8::try_from(nth % 250).unwrap_or(0)),
        software: chance.pick(group.software).copied().unwrap_or("client"),
        temper: match chance.below(100) {
            0..70 => Temper::Patient,
            70..85 => Temper::Stubborn,
            _ => Temper::Careless,
        },
        habits,
        growth: chance.between(0, 40),
        salt,
        granted: granted_for(&used),
        used,
    }
}

#[cfg(test)]
mod tests {
    use super::{Scale, members};
    use crate::estate::call::Proof;
    use std::collections::BTreeSet;
    use wardgate_model::inventory::IdentityKind;

    #[test]
    fn two_hundred_of_all_kinds_and_most_with_a_static_key() {
        let members = members(7, Scale::FULL);
        let identities: Vec<_> = members.iter().filter(|member| member.is_identity()).collect();
        assert_eq!(identities.len(), 200);
        let names: BTreeSet<&str> = identities.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names.len(), 200, "each has a name of its own");
        let kinds: BTreeSet<IdentityKind> = identities.iter().map(|member| member.kind).collect();
        assert_eq!(kinds.len(), IdentityKind::ALL.len());
        let with = |proof| identities.iter().filter(|member| member.proof == proof).count();
        assert!(with(Proof::ApiKey) > 110, "{}", with(Proof::ApiKey));
        for proof in Proof::ALL.iter().filter(|proof| **proof != Proof::None) {
            assert!(with(*proof) > 4, "{proof:?}");
        }
    }

    #[test]
    fn everybody_may_do_what_it_does() {
        for member in members(7, Scale::FULL).iter().filter(|member| member.is_identity()) {
            for operation in member.operations() {
                assert!(member.may(operation), "{} {} ({:?})", member.name, operation.id(), member.proof);
            }
        }
    }
}
