//! Replay: calls that were overheard are made again as they were, nonce and all, from elsewhere.

use crate::estate::{
    attacks::{Family, Measure, Pace, Place, Scenario, Set, Shot, Strength},
    call::Proof,
    place::Lair,
    upstream::Brings,
    world::Intent,
};
use std::time::Duration;

pub(super) const SCENARIO: Scenario = Scenario {
    family: Family::Replay,
    set: Set::HeldOut,
    measure: Measure::Acts,
    place: Place::Elsewhere,
    victim: |member| matches!(member.proof, Proof::BoundJwt | Proof::Signature),
    victims: 1,
    pace: |strength| match strength {
        Strength::Loud => Pace::new(Duration::from_millis(600), Duration::from_mins(30), (Lair::Rented, 1)),
        Strength::Normal => Pace::new(Duration::from_secs(20), Duration::from_hours(4), (Lair::Rented, 2)),
        Strength::Low => Pace::new(Duration::from_mins(25), Duration::from_hours(48), (Lair::Unwitting, 2)),
    },
    overhears: true,
    shot: |hand| {
        let heard = hand.heard?;
        let page = heard.query.as_deref().and_then(|query| query.strip_prefix("page=")?.parse().ok());
        let intent = Intent { operation: heard.operation, resource: heard.resource, page, subject: heard.subject, brings: Brings::Sense };
        Some(Shot { intent, replays: true })
    },
};
