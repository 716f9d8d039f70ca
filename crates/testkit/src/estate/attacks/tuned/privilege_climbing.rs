//! Privilege climbing: a caller that reads goes on to write, to delete and to rule, step by step, and tries each step many times.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength},
    place::Lair,
};
use std::time::Duration;
use wardgate_model::{api::OperationClass, inventory::IdentityKind};

const STEPS: [&[OperationClass]; 4] = [
    &[OperationClass::Read, OperationClass::List],
    &[OperationClass::Write],
    &[OperationClass::Delete, OperationClass::Money],
    &[OperationClass::Admin],
];

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::PrivilegeClimbing,
    set: Set::Tuned,
    measure: Measure::Acts,
    place: Place::Own,
    victim: |member| matches!(member.kind, IdentityKind::ServiceAccount | IdentityKind::AiAgent | IdentityKind::Bot),
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_secs(1), Duration::from_hours(1), (Lair::Rented, 1)),
        Strength::Normal => Pace::new(Duration::from_secs(30), Duration::from_hours(6), (Lair::Rented, 1)),
        Strength::Low => Pace::new(Duration::from_mins(20), Duration::from_hours(72), (Lair::Rented, 1)),
    },
    overhears: true,
    shot: |hand| {
        let step = usize::try_from(hand.over * 4 / 1_000).unwrap_or(0).min(3);
        let classes = STEPS.get(step)?;
        let operation = hand.any(|operation| operation.api != "build" && classes.contains(&operation.class))?;
        Some(hand.on(operation).into())
    },
};
