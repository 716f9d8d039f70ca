//! What the observers of requests, the governor and the break-glass door count, for `/metrics`.

use super::Usage;
use crate::{bypass::Bypass, deliver::Deliveries, discovery::Discovery, risks::Risks, surface::Surface};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// One number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// What it says.
    pub help: &'static str,
    /// It.
    pub value: u64,
}

/// Everybody who counts.
#[derive(Debug)]
pub struct Counting {
    /// The roll-up.
    pub usage: Arc<Usage>,
    /// Unknown callers.
    pub discovery: Arc<Discovery>,
    /// Upstream secrets.
    pub deliveries: Arc<Deliveries>,
    /// Identities with risky requests.
    pub risks: Arc<Risks>,
    /// What is called beside the documents of APIs.
    pub surface: Arc<Surface>,
    /// Ways round the gate.
    pub bypass: Bypass,
    /// What the clock made due.
    pub due: Arc<AtomicU64>,
    /// The break-glass door.
    pub glass: Arc<AtomicU64>,
}

impl Counting {
    /// All numbers, as they are now.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        let (usage, seen, (settled, reverted)) = (self.usage.counters(), self.discovery.counters(), self.deliveries.counters());
        let (around, risks, beside) = (self.bypass.counters(), self.risks.counters(), self.surface.counters());
        let counter = |name, help, value| Metric { name, kind: "counter", help, value };
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        vec![
            counter("wardgate_usage_rows_total", "Rows of use kept by the store.", usage.rows),
            counter(
                "wardgate_usage_coarse_total",
                "Requests counted without operation and network: there were too many rows.",
                usage.coarse,
            ),
            counter("wardgate_usage_lost_total", "Requests that were not counted: there were too many rows.", usage.lost),
            counter("wardgate_usage_failures_total", "Times that the store did not take counts of use.", usage.failures),
            counter("wardgate_passed_total", "Requests that reached an upstream.", seen.passed),
            counter("wardgate_passed_unattributed_total", "Of these, requests that no identity on record answers for.", seen.unattributed),
            counter("wardgate_discoveries_total", "Unknown callers noted.", seen.noted),
            counter("wardgate_discoveries_dropped_total", "Sightings of unknown callers dropped because of a bound.", seen.dropped),
            Metric {
                name: "wardgate_discoveries_open",
                kind: "gauge",
                help: "Unknown callers that waited for an owner when one was last noted.",
                value: seen.open,
            },
            counter("wardgate_secrets_settled_total", "New upstream secrets that the upstream was seen to take.", settled),
            counter("wardgate_secrets_reverted_total", "New upstream secrets that the upstream refused.", reverted),
            counter("wardgate_bypass_calls_total", "Calls of upstreams past the gate, with nothing to show.", around.calls),
            Metric {
                name: "wardgate_bypass_open",
                kind: "gauge",
                help: "Operations, by address, that an upstream answers to whoever reaches it.",
                value: around.open,
            },
            counter("wardgate_risk_requests_total", "Requests of risk 30 or more.", risks.requests),
            counter(
                "wardgate_risk_would_total",
                "Of these, requests that would have been slowed, challenged or refused, had it not only been watched.",
                risks.would,
            ),
            counter("wardgate_risk_quarantined_total", "Identities that were quarantined for their risk.", risks.quarantined),
            Metric {
                name: "wardgate_risk_identities",
                kind: "gauge",
                help: "Identities with risky requests, which findings tell of.",
                value: risks.identities,
            },
            counter("wardgate_shadow_requests_total", "Requests for operations that no document of their API has.", beside.shadow),
            counter("wardgate_drift_requests_total", "Requests that were not as the document of their API has them.", beside.drift),
            counter("wardgate_strays_dropped_total", "Of both, requests that are told of nowhere because of a bound.", beside.dropped),
            counter("wardgate_due_total", "Deeds that the clock made due.", read(&self.due)),
            counter("wardgate_break_glass_total", "Times that the break-glass door was opened.", read(&self.glass)),
        ]
    }
}
