//! Scraping: with a partner's stolen key, everything is read in order, page by page and number by number.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, can_be_stolen},
    catalogue::{ORDER, ORDERS, PRODUCT, PRODUCTS},
    place::Lair,
};
use std::time::Duration;
use wardgate_model::inventory::IdentityKind;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::Scraping,
    set: Set::Tuned,
    measure: Measure::Records,
    place: Place::Elsewhere,
    victim: |member| member.kind == IdentityKind::Partner && can_be_stolen(member),
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(150), Duration::from_hours(2), (Lair::Rented, 1)),
        Strength::Normal => Pace::new(Duration::from_secs(2), Duration::from_hours(12), (Lair::Rented, 8)),
        Strength::Low => Pace::new(Duration::from_secs(25), Duration::from_hours(48), (Lair::Unwitting, 40)),
    },
    overhears: true,
    shot: |hand| {
        let goods = hand.victim.may(&PRODUCT);
        let (list, each) = if goods { (&PRODUCTS, &PRODUCT) } else { (&ORDERS, &ORDER) };
        let operation = if hand.made.is_multiple_of(4) { list } else { each };
        Some(hand.in_order(operation).into())
    },
};
