//! Slow scraping: a partner itself takes a little more than it used to, from its own place, for days: at normal strength three tenths more.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, hand::reads},
    catalogue::ORDER,
    place::Lair,
};
use std::time::Duration;
use wardgate_model::inventory::IdentityKind;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::SlowScraping,
    set: Set::Tuned,
    measure: Measure::Records,
    place: Place::Own,
    victim: |member| member.kind == IdentityKind::Partner,
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => above(1_000, 4),
        Strength::Normal => above(300, 8),
        Strength::Low => above(150, 9),
    },
    overhears: true,
    shot: |hand| {
        let operation = hand.own(reads).unwrap_or(&ORDER);
        Some(hand.in_order(operation).into())
    },
};

/// So many thousandths of the victim's own calls, for so many days.
const fn above(per_mille: u32, days: u64) -> Pace {
    let pace = Pace::new(Duration::from_mins(10), Duration::from_hours(24 * days), (Lair::Rented, 1));
    Pace { above_per_mille: Some(per_mille), ..pace }
}
