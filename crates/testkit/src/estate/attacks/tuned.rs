//! Families that weights and thresholds may be chosen by.

mod bulk_export;
mod container_takeover;
mod inventory_holding;
mod privilege_climbing;
mod probing;
mod scraping;
mod slow_scraping;
mod stuffing;
mod token_theft;

use super::Scenario;

/// Every family of this set.
pub(in crate::estate) const SCENARIOS: &[Scenario] = &[
    stuffing::SCENARIO,
    scraping::SCENARIO,
    slow_scraping::SCENARIO,
    token_theft::SCENARIO,
    container_takeover::SCENARIO,
    bulk_export::SCENARIO,
    inventory_holding::SCENARIO,
    probing::SCENARIO,
    privilege_climbing::SCENARIO,
];
