//! Distributed stuffing: the same as stuffing, from three hundred machines of people who do not know it.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, uses},
    catalogue::LOGIN,
    place::Lair,
    upstream::Brings,
    world::Intent,
};
use std::time::Duration;

/// From so many sources it comes, however strong it is.
const SOURCES: u64 = 300;
/// Of a thousand stolen passwords so many are right here too.
const RIGHT_PER_MILLE: u64 = 12;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::DistributedStuffing,
    set: Set::HeldOut,
    measure: Measure::Logins,
    place: Place::Elsewhere,
    victim: |member| uses(member, &LOGIN),
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(300), Duration::from_hours(1), (Lair::Unwitting, SOURCES)),
        Strength::Normal => Pace::new(Duration::from_secs(5), Duration::from_hours(10), (Lair::Unwitting, SOURCES)),
        Strength::Low => Pace::new(Duration::from_secs(60), Duration::from_hours(60), (Lair::Unwitting, SOURCES)),
    },
    overhears: false,
    shot: |hand| {
        let subject = Some(600_000 + hand.made);
        Some(Intent { subject, brings: Brings::Password(RIGHT_PER_MILLE), ..hand.on(&LOGIN) }.into())
    },
};
