//! Identities whose requests were far from what they usually do: one finding each, under the signal that told most.

use super::{Code, Collected, Estate, Finding, Severity, Subject};
use std::fmt::Write as _;
use wardgate_model::{
    id::{IdentityId, OwnerName},
    inventory::Identity,
    risk::{Signal, Told},
    time::Time,
};

/// Signals that are named.
const NAMED_MAX: usize = 4;
/// From this risk on it should worry this week, and from this on soon.
const HIGH: u8 = 80;
const MEDIUM: u8 = 55;

/// What was seen of one signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signalled {
    /// Which.
    pub signal: Signal,
    /// In how many requests.
    pub count: u64,
    /// The heaviest weight it had.
    pub weight: u8,
}

/// The risky requests of one identity.
#[derive(Debug, Clone, Copy)]
pub struct Risky<'a> {
    /// Whose.
    pub identity: &'a IdentityId,
    /// The first.
    pub first: Time,
    /// The last.
    pub last: Time,
    /// How many.
    pub count: u64,
    /// The highest risk.
    pub risk: u8,
    /// How many were slowed, challenged or refused for it.
    pub answered: u64,
    /// How many would have been, had the risk not only been watched.
    pub would: u64,
    /// When it was quarantined for its risk.
    pub quarantined: Option<Time>,
    /// What told, the heaviest first. Never empty.
    pub signals: &'a [Signalled],
}

/// The finding of one identity.
pub(super) fn risky(estate: &Estate<'_>, identity: &Identity, risky: &Risky<'_>, found: &mut Collected) {
    let Some(main) = risky.signals.first() else { return };
    let told = identity.risk.as_deref().map_or(&[Told::Owner][..], |plan| plan.told());
    let code = Code::Risk(main.signal);
    found.push(Finding {
        code,
        subject: Subject { kind: "Identity", name: identity.id.as_str().into() },
        severity: severity(risky),
        since: Some(risky.first),
        evidence: evidence(risky, &reached(estate, &identity.owner, told)),
        owner: Some(identity.owner.clone()),
        remedy: code.remedy(),
        owasp: code.owasp(),
        exempt: false,
    });
}

const fn severity(risky: &Risky<'_>) -> Severity {
    if risky.risk >= HIGH || risky.quarantined.is_some() {
        Severity::High
    } else if risky.risk >= MEDIUM {
        Severity::Medium
    } else {
        Severity::Low
    }
}

/// Who is told, by address where the owner has one.
fn reached(estate: &Estate<'_>, owner: &OwnerName, told: &[Told]) -> String {
    let known = estate.owners.iter().find(|answering| answering.owner.name == *owner).map(|answering| answering.owner);
    let named = told.iter().filter_map(|told| {
        let known = known?;
        match told {
            Told::Owner => Some(&known.accountable),
            Told::Deputy => known.deputy.as_ref(),
            Told::Contact => known.contact.as_ref(),
        }
    });
    named.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn evidence(risky: &Risky<'_>, told: &str) -> String {
    let times = |count: u64| if count == 1 { "1 time".to_owned() } else { format!("{count} times") };
    let requests = if risky.count == 1 { "request" } else { "requests" };
    let mut text =
        format!("{} {requests} of risk 30 or more from {} to {}, the highest {}", risky.count, risky.first, risky.last, risky.risk);
    let named = risky.signals.iter().take(NAMED_MAX);
    let named: Vec<_> = named.map(|one| format!("`{}` ({}, at most {})", one.signal.as_str(), times(one.count), one.weight)).collect();
    // Writing to a string cannot fail.
    let _ = write!(text, "; {}", named.join(", "));
    if let more @ 1.. = risky.signals.len().saturating_sub(NAMED_MAX) {
        let _ = write!(text, " and {more} more");
    }
    if risky.answered > 0 {
        let _ = write!(text, "; slowed, challenged or refused {}", times(risky.answered));
    }
    if risky.would > 0 {
        let _ = write!(text, "; would have been {}, but is only watched", times(risky.would));
    }
    if let Some(moment) = risky.quarantined {
        let _ = write!(text, "; quarantined for it at {moment}");
    }
    if !told.is_empty() {
        let _ = write!(text, "; to be told: {told}");
    }
    text
}
