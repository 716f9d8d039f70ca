//! Lateral movement: from a workload that was taken over, somebody goes where neither it nor its peers have ever been: first what all of
//! its owner's identities may see, then whatever answers.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength},
    catalogue::{PERSON, PERSONS},
    place::Lair,
};
use std::time::Duration;
use wardgate_model::{api::OperationClass, inventory::IdentityKind};

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::LateralMovement,
    set: Set::HeldOut,
    measure: Measure::Acts,
    place: Place::Own,
    victim: |member| {
        matches!(member.kind, IdentityKind::Workload | IdentityKind::ServiceAccount | IdentityKind::BatchJob | IdentityKind::AiAgent)
    },
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(700), Duration::from_mins(40), (Lair::Rented, 1)),
        Strength::Normal => Pace::new(Duration::from_secs(20), Duration::from_hours(4), (Lair::Rented, 1)),
        Strength::Low => Pace::new(Duration::from_mins(15), Duration::from_hours(48), (Lair::Rented, 1)),
    },
    overhears: true,
    shot: |hand| {
        if hand.over < 400 {
            let operation = if hand.made.is_multiple_of(3) { &PERSONS } else { &PERSON };
            return Some(hand.on(operation).into());
        }
        let known: Vec<&str> = hand.victim.operations().iter().map(|operation| operation.api).collect();
        let operation = hand.any(|operation| {
            !known.contains(&operation.api)
                && matches!(operation.class, OperationClass::Read | OperationClass::List | OperationClass::Write)
        })?;
        Some(hand.on(operation).into())
    },
};
