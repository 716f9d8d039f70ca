//! The quality of an identity: a grade from 0 to 100 that can be explained. Takes an identity, its credentials and what was found of
//! them; gives the grade, and what each cause takes off it.
//!
//! Why one table: whoever writes `principal.quality < 60` into a policy has to be able to work it out by hand (docs/governance.md has the
//! same table). Each cause counts once, however many keys it is true of: who has many is not worse than who has one. Nothing is counted
//! that only the gate's own doing is (suspended, contained): that stops by itself.

use crate::findings::{Code, Finding, Governed, Severity, is_lasting, is_live};
use std::time::Duration;
use wardgate_model::{
    credential::{Credential, CredentialKind},
    time::Time,
};

/// What an identity has of which nothing is to be said.
pub const BEST: u8 = 100;
/// A secret that is older than this is old, whatever waiver puts its rotation off.
pub const OLD: Duration = Duration::from_hours(365 * 24);
/// What a finding takes off at the most that a gate counts of requests: whoever holds what was taken from somebody could make it worse.
pub const COUNTED_MAX: u8 = 10;

/// A grade, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quality {
    /// 0 to 100.
    pub score: u8,
    /// What was taken off, the most first. Where it is more than there is, the grade is 0.
    pub parts: Vec<Part>,
}

/// What one cause takes off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The code of a finding, or one of [`CAUSES`].
    pub cause: &'static str,
    /// How much.
    pub minus: u8,
    /// What was seen.
    pub what: String,
}

/// Causes that are no finding: nothing is wrong with them, and something else would be better.
pub const CAUSES: [(&str, u8, &str); 4] = [
    ("credential.old", 10, "a secret of its is older than a year"),
    ("proof.secret", 15, "it proves itself by a secret that it sends: whoever has a copy is it"),
    ("proof.shared_secret", 5, "it proves itself by a secret that both sides hold, and does not send it"),
    ("proof.token", 5, "it proves itself by tokens of others: whoever has a copy is it until the token ends"),
];

/// What a finding takes off by what it is; all others by how much they worry.
pub const BY_CODE: [(Code, u8); 3] = [(Code::OwnerAbsent, 40), (Code::OwnerDeparted, 30), (Code::ClaimOverdue, 30)];

/// What a finding takes off by how much it worries.
#[must_use]
pub const fn by_severity(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 5,
        Severity::Medium => 10,
        Severity::High => 20,
        Severity::Critical => 30,
    }
}

impl Quality {
    /// The grade as a letter: `A` from 90 on, `B` from 75, `C` from 60, `D` below.
    #[must_use]
    pub const fn letter(&self) -> char {
        letter(self.score)
    }
}

/// A grade as a letter.
#[must_use]
pub const fn letter(score: u8) -> char {
    match score {
        90.. => 'A',
        75..90 => 'B',
        60..75 => 'C',
        ..60 => 'D',
    }
}

/// Grades an identity by what was found of it, of its credentials and of its owner. What a waiver exempts from takes nothing off.
#[must_use]
pub fn grade<'f>(governed: &Governed<'_>, found: impl IntoIterator<Item = &'f Finding>, now: Time) -> Quality {
    let mut parts: Vec<Part> = Vec::new();
    for finding in found.into_iter().filter(|finding| !finding.exempt) {
        take(&mut parts, Part { cause: finding.code.as_str(), minus: minus(finding), what: finding.evidence.clone() });
    }
    let live = || {
        let lasting = governed.credentials.iter().filter(|credential| is_live(credential, now) && is_lasting(credential));
        // A key of a task ends with it.
        lasting.filter(|credential| credential.task.is_none())
    };
    if let Some(oldest) = live().filter(|credential| is_secret(credential)).min_by_key(|credential| credential.created)
        && now.since(oldest.created) > OLD
    {
        let days = now.since(oldest.created).as_secs() / 86_400;
        put(&mut parts, "credential.old", format!("`{}` is {days} days old", oldest.name));
    }
    let by = live().filter_map(|credential| Some((proof(credential)?, credential))).max_by_key(|(cause, credential)| {
        // The worst of all; of several the first by name.
        (cost(cause), std::cmp::Reverse(&credential.name))
    });
    if let Some((cause, credential)) = by {
        put(&mut parts, cause, format!("`{}` is of type `{}`", credential.name, credential.kind));
    }
    parts.sort_by_key(|part| (std::cmp::Reverse(part.minus), part.cause));
    let score = parts.iter().fold(BEST, |score, part| score.saturating_sub(part.minus));
    Quality { score, parts }
}

fn minus(finding: &Finding) -> u8 {
    let by_severity = by_severity(finding.severity);
    if finding.code.is_counted() {
        return by_severity.min(COUNTED_MAX);
    }
    BY_CODE.iter().find(|(code, _)| *code == finding.code).map_or(by_severity, |(_, minus)| *minus)
}

fn cost(cause: &str) -> u8 {
    CAUSES.iter().find(|(known, ..)| *known == cause).map_or(0, |(_, minus, _)| *minus)
}

fn put(parts: &mut Vec<Part>, cause: &'static str, what: String) {
    take(parts, Part { cause, minus: cost(cause), what });
}

/// A cause counts once: as its worst.
fn take(parts: &mut Vec<Part>, part: Part) {
    match parts.iter_mut().find(|known| known.cause == part.cause) {
        Some(known) if known.minus < part.minus => *known = part,
        Some(_) => {}
        None => parts.push(part),
    }
}

/// Whether it is a secret that was given to somebody once.
const fn is_secret(credential: &Credential) -> bool {
    matches!(credential.kind, CredentialKind::ApiKey | CredentialKind::ForeignKey | CredentialKind::Hmac)
}

/// What is to be said of who proves itself by this; nothing of who shows that it holds a private key.
const fn proof(credential: &Credential) -> Option<&'static str> {
    match credential.kind {
        CredentialKind::ApiKey | CredentialKind::ForeignKey => Some("proof.secret"),
        CredentialKind::Hmac => Some("proof.shared_secret"),
        CredentialKind::Oidc => Some("proof.token"),
        CredentialKind::X509
        | CredentialKind::PublicKey
        | CredentialKind::WebBotAuth
        | CredentialKind::Session
        | CredentialKind::SignIn
        | CredentialKind::BreakGlass => None,
    }
}

#[cfg(test)]
mod tests;
