//! Which key signs when: made, published, only then used, and published for as long as a token by it may live.
//!
//! ```text
//! made ──ANNOUNCED──> signs ──SIGNS──> signs no more ──LINGERS──> retired
//!   published ................................................>
//! ```
//!
//! Whoever verifies may remember our keys for a while (`Cache-Control` of the key set, at the most 24 h): so a key is seen before
//! anything is signed with it, and seen still when the last token by it has ended. The plan is a function of what is on record and now:
//! every gate on one store makes the same, and the store lets one of them do it.

use std::time::Duration;
use wardgate_model::time::Time;
use wardgate_proof::jose::algorithm::Algorithm;
use wardgate_store::SigningKeyState;

/// For how long a key is published before it signs.
pub const ANNOUNCED: Duration = Duration::from_hours(25);
/// For how long a key signs.
pub const SIGNS: Duration = Duration::from_hours(24 * 30);
/// For how long a key is published after it signed: longer than any token lives, and any memory of it.
pub const LINGERS: Duration = Duration::from_hours(26);

/// A key on record, as far as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub kid: Box<str>,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// What it is used for.
    pub state: SigningKeyState,
    /// When it was made.
    pub created: Time,
    /// When it was put to this use.
    pub since: Time,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// A new key is made and published.
    Announce(Algorithm),
    /// This published key signs from now on.
    Sign(Box<str>),
    /// This key is not published any more.
    Retire(Box<str>),
}

/// What is due now, in the order in which it is done. `wanted`: what is to be signed with.
#[must_use]
pub fn due(known: &[Known], wanted: Algorithm, now: Time) -> Vec<Due> {
    let Some(signing) = known.iter().find(|key| key.state == SigningKeyState::Signing) else { return Vec::new() };
    let published = || known.iter().filter(|key| key.state == SigningKeyState::Published);
    // Younger than the one that signs: it has not signed yet.
    let mut next: Vec<&Known> = published().filter(|key| key.created > signing.created).collect();
    next.sort_by_key(|key| key.created);
    let mut plan = Vec::new();
    let fitting = next.iter().rev().find(|key| key.algorithm == wanted);
    let over = signing.algorithm != wanted || now >= signing.since + (SIGNS - ANNOUNCED);
    match fitting {
        Some(key) if now >= key.since + ANNOUNCED => plan.push(Due::Sign(key.kid.clone())),
        None if over => plan.push(Due::Announce(wanted)),
        Some(_) | None => {}
    }
    let past = published().filter(|key| key.created < signing.created && now >= key.since + LINGERS);
    plan.extend(past.map(|key| Due::Retire(key.kid.clone())));
    plan
}

#[cfg(test)]
mod tests;
