//! Token theft: a key or bearer token that was found in a log or a repository is used elsewhere, for what its owner does too, and for more.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, can_be_stolen, hand::reads},
    catalogue::CUSTOMERS,
    place::Lair,
};
use std::time::Duration;
use wardgate_model::inventory::IdentityKind;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::TokenTheft,
    set: Set::Tuned,
    measure: Measure::Records,
    place: Place::Elsewhere,
    victim: |member| can_be_stolen(member) && matches!(member.kind, IdentityKind::ServiceAccount | IdentityKind::BatchJob),
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(500), Duration::from_hours(2), (Lair::Rented, 2)),
        Strength::Normal => Pace::new(Duration::from_secs(8), Duration::from_hours(10), (Lair::Rented, 1)),
        Strength::Low => Pace::new(Duration::from_mins(4), Duration::from_hours(72), (Lair::Unwitting, 2)),
    },
    overhears: true,
    shot: |hand| {
        let own = hand.own(reads);
        let operation = if hand.made % 5 == 4 && hand.victim.may(&CUSTOMERS) { Some(&CUSTOMERS) } else { own };
        let operation = operation.or_else(|| hand.any(reads))?;
        Some(hand.on(operation).into())
    },
};
