//! Families that are only measured by. Nobody looks at what the gate makes of them while weights and thresholds are chosen.

mod distributed_stuffing;
mod lateral_movement;
mod mosaic_scraping;
mod replay;
mod scope_creep;
mod token_sharing;

use super::Scenario;

/// Every family of this set.
pub(in crate::estate) const SCENARIOS: &[Scenario] = &[
    distributed_stuffing::SCENARIO,
    mosaic_scraping::SCENARIO,
    token_sharing::SCENARIO,
    lateral_movement::SCENARIO,
    scope_creep::SCENARIO,
    replay::SCENARIO,
];
