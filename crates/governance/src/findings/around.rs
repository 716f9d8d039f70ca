//! Ways round the gate: what an upstream answers to somebody who has shown nothing.

use super::{Code, Collected, Estate, Finding, Severity, Subject};
use std::collections::BTreeMap;
use wardgate_model::{
    api::{Api, Sensitivity},
    id::ApiName,
    time::Time,
};

/// An upstream that answered a call which came neither through the gate nor with anything that the gate shows.
#[derive(Debug, Clone, Copy)]
pub struct Bypass<'a> {
    /// Whose upstream.
    pub api: &'a ApiName,
    /// What was called: the operation's id.
    pub operation: &'a str,
    /// Whether the API has this operation no longer.
    pub retired: bool,
    /// At which address.
    pub address: &'a str,
    /// What it answered: an HTTP status.
    pub status: u16,
    /// Since when it answers.
    pub since: Time,
    /// When it was last seen to.
    pub last: Time,
}

impl Bypass<'_> {
    /// Whether more than an error came back.
    const fn served(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// One finding an API for operations that it has, one for those that it has no longer.
pub(super) fn around(estate: &Estate<'_>, found: &mut Collected) {
    let mut by_api: BTreeMap<(&ApiName, bool), Vec<&Bypass<'_>>> = BTreeMap::new();
    for bypass in estate.bypasses {
        by_api.entry((bypass.api, bypass.retired)).or_default().push(bypass);
    }
    for api in estate.apis.iter().filter(|api| api.name.as_str() != Api::ADMIN) {
        for (retired, code) in [(false, Code::UpstreamUnguarded), (true, Code::UpstreamRetired)] {
            let Some(all) = by_api.get(&(&api.name, retired)) else { continue };
            // What served most plainly tells most.
            let Some(worst) = all.iter().min_by_key(|one| (!one.served(), one.since, one.operation, one.address)) else { continue };
            found.push(Finding {
                code,
                subject: Subject { kind: "Api", name: api.name.as_str().into() },
                owner: Some(api.policy_owner.clone()),
                severity: severity(api.sensitivity, worst.served()),
                since: all.iter().map(|one| one.since).min(),
                evidence: evidence(worst, all.len()),
                remedy: code.remedy(),
                owasp: code.owasp(),
                exempt: false,
            });
        }
    }
}

/// As bad as a leak of it would be; an error in answer to nobody in particular is a step less.
const fn severity(sensitivity: Sensitivity, served: bool) -> Severity {
    match (sensitivity, served) {
        (Sensitivity::Critical, true) => Severity::Critical,
        (Sensitivity::Critical, false) | (Sensitivity::High, true) => Severity::High,
        (Sensitivity::High, false) | (Sensitivity::Medium, true) => Severity::Medium,
        (Sensitivity::Medium, false) | (Sensitivity::Low, _) => Severity::Low,
    }
}

fn evidence(worst: &Bypass<'_>, all: usize) -> String {
    let what = if worst.retired { ", which the API has no longer," } else { "" };
    let more = if all > 1 { format!("; and {} more", all - 1) } else { String::new() };
    let Bypass { operation, address, status, last, .. } = worst;
    format!("`{operation}`{what} at {address} answered {status} to a call with no assertion or secret, last at {last}{more}")
}
