//! Stuffing: passwords stolen elsewhere are tried here, from a few rented servers, with the key that is in every copy of an app.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, uses},
    catalogue::LOGIN,
    place::Lair,
    upstream::Brings,
    world::Intent,
};
use std::time::Duration;

/// Of a thousand stolen passwords so many are right here too.
const RIGHT_PER_MILLE: u64 = 9;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::Stuffing,
    set: Set::Tuned,
    measure: Measure::Logins,
    place: Place::Elsewhere,
    victim: |member| member.is_identity() && uses(member, &LOGIN),
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(120), Duration::from_mins(40), (Lair::Rented, 2)),
        Strength::Normal => Pace::new(Duration::from_secs(3), Duration::from_hours(8), (Lair::Rented, 5)),
        Strength::Low => Pace::new(Duration::from_secs(50), Duration::from_hours(36), (Lair::Unwitting, 12)),
    },
    overhears: false,
    shot: |hand| {
        // A list of accounts, each tried once or twice.
        let subject = Some(500_000 + hand.made * 7 / 8);
        Some(Intent { subject, brings: Brings::Password(RIGHT_PER_MILLE), ..hand.on(&LOGIN) }.into())
    },
};
