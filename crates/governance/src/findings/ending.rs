//! Operations that go out of use: who still calls them.

use super::{Code, Collected, Estate, Finding, Subject};
use std::{collections::HashMap, fmt::Write as _, time::Duration};
use wardgate_model::{
    api::{Api, Operation, OperationEnding},
    id::IdentityId,
    time::Time,
};

/// Who called within this time still calls.
const STILL: Duration = Duration::from_hours(30 * 24);
/// Callers that are named.
const NAMED_MAX: usize = 3;

/// What one identity did with an operation that goes out of use.
#[derive(Debug, Clone, Copy)]
pub struct Called<'a> {
    /// The operation's id.
    pub operation: &'a str,
    /// Who called.
    pub identity: &'a IdentityId,
    /// The last time.
    pub last: Time,
    /// How often, refused calls among them.
    pub count: u64,
}

/// One finding an operation that somebody still calls.
pub(super) fn ending(estate: &Estate<'_>, now: Time, found: &mut Collected) {
    let mut calls: HashMap<&str, Vec<&Called<'_>>> = HashMap::new();
    for called in estate.calls.iter().filter(|called| now.since(called.last) <= STILL) {
        calls.entry(called.operation).or_default().push(called);
    }
    for api in estate.apis {
        for operation in &api.operations {
            let (Some(ending), Some(all)) = (operation.ending, calls.get(operation.id.as_str())) else { continue };
            if let Some(finding) = one(api, operation, &ending, all, now) {
                found.push(finding);
            }
        }
    }
}

fn one(api: &Api, operation: &Operation, ending: &OperationEnding, all: &[&Called<'_>], now: Time) -> Option<Finding> {
    let (code, since) =
        if ending.is_past(now) { (Code::OperationSunset, ending.sunset) } else { (Code::OperationDeprecated, ending.deprecated) };
    let mut callers: Vec<&Called<'_>> = all.iter().copied().filter(|called| since.is_none_or(|since| called.last >= since)).collect();
    callers.sort_by_key(|called| (std::cmp::Reverse(called.count), called.identity));
    if callers.is_empty() || since.is_some_and(|since| since > now) {
        return None;
    }
    Some(Finding {
        code,
        subject: Subject { kind: "Operation", name: operation.id.as_str().into() },
        owner: Some(api.policy_owner.clone()),
        severity: code.severity(),
        since,
        evidence: evidence(ending, &callers, now),
        remedy: code.remedy(),
        owasp: code.owasp(),
        exempt: false,
    })
}

fn evidence(ending: &OperationEnding, callers: &[&Called<'_>], now: Time) -> String {
    let mut text = match (ending.sunset, ending.deprecated) {
        (Some(sunset), _) if ending.is_past(now) => format!("its sunset was at {sunset}"),
        (Some(sunset), _) => format!("deprecated, and gone from {sunset} on"),
        (None, Some(since)) => format!("deprecated since {since}"),
        (None, None) => "deprecated".to_owned(),
    };
    let told = if ending.refuses(now) { "; refused since; called by " } else { "; called by " };
    text.push_str(told);
    let named = callers.iter().take(NAMED_MAX).map(|called| {
        let times = if called.count == 1 { "time" } else { "times" };
        format!("`{}` ({} {times}, last at {})", called.identity, called.count, called.last)
    });
    text.push_str(&named.collect::<Vec<_>>().join(", "));
    if let more @ 1.. = callers.len().saturating_sub(NAMED_MAX) {
        // Writing to a string cannot fail.
        let _ = write!(text, " and {more} more");
    }
    text
}
