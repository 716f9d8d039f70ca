//! Bulk export: a job that takes everything once a night does so again and again, for somebody else.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength},
    place::Lair,
    population::Member,
};
use std::time::Duration;
use wardgate_model::api::OperationClass;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::BulkExport,
    set: Set::Tuned,
    measure: Measure::Records,
    place: Place::Own,
    victim: exports,
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_mins(1), Duration::from_hours(2), (Lair::Rented, 1)),
        Strength::Normal => Pace::new(Duration::from_mins(20), Duration::from_hours(10), (Lair::Rented, 1)),
        Strength::Low => Pace::new(Duration::from_hours(9), Duration::from_hours(96), (Lair::Rented, 1)),
    },
    overhears: true,
    shot: |hand| {
        let operation = hand.own(|operation| operation.class == OperationClass::Bulk)?;
        Some(hand.on(operation).into())
    },
};

fn exports(member: &Member) -> bool {
    member.operations().iter().any(|operation| operation.class == OperationClass::Bulk)
}
