//! Container takeover: the thief is where its victim is, and has all of it: key, address, software. What it does is all that is left to
//! tell by. It can answer a challenge where its victim could.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, hand::reads},
    place::Lair,
};
use std::time::Duration;
use wardgate_model::inventory::IdentityKind;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::ContainerTakeover,
    set: Set::Tuned,
    measure: Measure::Records,
    place: Place::Own,
    victim: |member| matches!(member.kind, IdentityKind::Workload | IdentityKind::ServiceAccount),
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(250), Duration::from_hours(2), (Lair::Rented, 1)),
        Strength::Normal => Pace::new(Duration::from_secs(4), Duration::from_hours(10), (Lair::Rented, 1)),
        Strength::Low => Pace::new(Duration::from_secs(75), Duration::from_hours(60), (Lair::Rented, 1)),
    },
    overhears: true,
    shot: |hand| {
        // It looks round first, then takes what its victim may read, in order.
        if hand.over < 30 && hand.made % 3 == 0 {
            let operation = hand.any(reads)?;
            return Some(hand.on(operation).into());
        }
        let operation = hand.own(reads)?;
        Some(hand.in_order(operation).into())
    },
};
