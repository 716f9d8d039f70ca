//! Inventory holding: stock is held with a partner's key and never bought, so that nobody else can buy it.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, can_be_stolen, uses},
    catalogue::{HOLD, STOCK_OF},
    place::Lair,
};
use std::time::Duration;
use wardgate_model::inventory::IdentityKind;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::InventoryHolding,
    set: Set::Tuned,
    measure: Measure::Holds,
    place: Place::Elsewhere,
    victim: |member| member.kind == IdentityKind::Partner && can_be_stolen(member) && uses(member, &HOLD),
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(800), Duration::from_hours(2), (Lair::Rented, 2)),
        Strength::Normal => Pace::new(Duration::from_secs(12), Duration::from_hours(12), (Lair::Rented, 3)),
        Strength::Low => Pace::new(Duration::from_mins(3), Duration::from_hours(60), (Lair::Unwitting, 6)),
    },
    overhears: true,
    shot: |hand| {
        let operation = if hand.made % 3 == 2 { &STOCK_OF } else { &HOLD };
        Some(hand.on(operation).into())
    },
};
