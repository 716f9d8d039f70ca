//! Mosaic scraping: one haul is divided among six stolen keys, so that none of them does much more than it used to.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, can_be_stolen},
    catalogue::{ORDER, ORDERS},
    place::Lair,
};
use std::time::Duration;
use wardgate_model::inventory::IdentityKind;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::MosaicScraping,
    set: Set::HeldOut,
    measure: Measure::Records,
    place: Place::Elsewhere,
    victim: |member| member.kind == IdentityKind::Partner && can_be_stolen(member) && member.may(&ORDER),
    victims: 6,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(400), Duration::from_hours(3), (Lair::Fleet, 12)),
        Strength::Normal => Pace::new(Duration::from_secs(6), Duration::from_hours(24), (Lair::Fleet, 24)),
        Strength::Low => Pace::new(Duration::from_secs(45), Duration::from_hours(96), (Lair::Unwitting, 60)),
    },
    overhears: true,
    shot: |hand| {
        let operation = if hand.made.is_multiple_of(5) { &ORDERS } else { &ORDER };
        Some(hand.in_order(operation).into())
    },
};
