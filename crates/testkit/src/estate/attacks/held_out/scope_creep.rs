//! Scope creep: an agent or a service begins to use, one after the other, rights that it was granted and has never used. All of it is
//! allowed; more and more of it is new.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, uses},
    catalogue::{Operation, operations},
    place::Lair,
    population::Member,
};
use std::time::Duration;
use wardgate_model::inventory::IdentityKind;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::ScopeCreep,
    set: Set::HeldOut,
    measure: Measure::Acts,
    place: Place::Own,
    victim: |member| {
        matches!(member.kind, IdentityKind::AiAgent | IdentityKind::ServiceAccount | IdentityKind::Bot) && !unused(member).is_empty()
    },
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_secs(10), Duration::from_hours(6), (Lair::Rented, 1)),
        Strength::Normal => Pace::new(Duration::from_mins(4), Duration::from_hours(36), (Lair::Rented, 1)),
        Strength::Low => Pace::new(Duration::from_mins(40), Duration::from_hours(120), (Lair::Rented, 1)),
    },
    overhears: true,
    shot: |hand| {
        let unused = unused(hand.victim);
        let reach = (u64::try_from(unused.len()).unwrap_or(1) * (hand.over + 100) / 1_000).max(1);
        let operation = *unused.get(usize::try_from(hand.chance.below(reach)).unwrap_or(0)).or_else(|| unused.first())?;
        Some(hand.on(operation).into())
    },
};

/// What an identity may do and never does.
fn unused(member: &Member) -> Vec<&'static Operation> {
    operations().filter(|operation| member.may(operation) && !uses(member, operation) && !is_new(operation)).collect()
}

/// Whether honest callers will go over to it.
fn is_new(operation: &'static Operation) -> bool {
    operations().any(|old| old.successor.is_some_and(|new| std::ptr::eq(new, operation)))
}
