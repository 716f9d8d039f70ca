//! Probing: with some key, somebody tries what there is: operations and things that may not be there, and calls that make no sense.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, can_be_stolen},
    place::Lair,
    upstream::Brings,
    world::Intent,
};
use std::time::Duration;
use wardgate_model::{api::OperationClass, inventory::IdentityKind};

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::Probing,
    set: Set::Tuned,
    measure: Measure::Acts,
    place: Place::Elsewhere,
    victim: |member| can_be_stolen(member) && matches!(member.kind, IdentityKind::Legacy | IdentityKind::Partner),
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(300), Duration::from_hours(1), (Lair::Rented, 1)),
        Strength::Normal => Pace::new(Duration::from_secs(6), Duration::from_hours(6), (Lair::Rented, 2)),
        Strength::Low => Pace::new(Duration::from_mins(2), Duration::from_hours(48), (Lair::Unwitting, 4)),
    },
    overhears: true,
    shot: |hand| {
        let operation = hand.any(|operation| operation.class != OperationClass::Login)?;
        let guess = hand.guess(operation);
        let nonsense = operation.body > 0 || hand.made.is_multiple_of(5);
        Some(if nonsense { Intent { brings: Brings::Nonsense, ..guess } } else { guess }.into())
    },
};
