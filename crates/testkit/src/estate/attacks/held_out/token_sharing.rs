//! Token sharing: a key or token is handed on, and more machines use it than it was given to, each as its owner would.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Strength, can_be_stolen},
    place::Lair,
};
use std::time::Duration;
use wardgate_model::{api::OperationClass, inventory::IdentityKind};

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::TokenSharing,
    set: Set::HeldOut,
    measure: Measure::Acts,
    place: Place::Elsewhere,
    victim: |member| {
        can_be_stolen(member) && matches!(member.kind, IdentityKind::Bot | IdentityKind::AiAgent | IdentityKind::ServiceAccount)
    },
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_secs(5), Duration::from_hours(24), (Lair::Fleet, 20)),
        Strength::Normal => Pace::new(Duration::from_secs(40), Duration::from_hours(48), (Lair::Fleet, 4)),
        Strength::Low => Pace::new(Duration::from_mins(6), Duration::from_hours(120), (Lair::Unwitting, 1)),
    },
    overhears: true,
    shot: |hand| {
        let operation = hand.own(|operation| operation.class != OperationClass::Login)?;
        Some(hand.on(operation).into())
    },
};
