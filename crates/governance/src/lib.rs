//! How identities are governed: the rules of their lives, as pure functions over values.
//!
//! It never does I/O, never waits, never reads a clock, never speaks HTTP: it says what is legal, what is due, what would
//! break and what should worry, and others do it.
//!
//! # Reading order
//!
//! [`lifecycle`] is the life of an identity, [`departure`] and [`due`] what owners and the clock do to it. [`rotation`] and
//! [`contract`] say how old and how long-lived credentials may be. [`second`] says which acts wait for whom, [`person`] who
//! is a person. [`preview`], [`access`] and [`findings`] answer questions, [`quality`] makes a grade of what was found; [`rollback`] goes back; [`import`] reads what
//! others know. [`surface`] holds what is called against what documents say. [`traffic`] replays what others recorded. [`stored`] leads from the store's values to those of the rules and back.
//!
//! ```
//! use wardgate_governance::lifecycle::{Born, Life, Move};
//! use wardgate_model::inventory::IdentityState;
//!
//! let asked_for = Life::begin(Born::Request);
//! let illegal = asked_for.step(Move::Resume).expect_err("nobody approved it");
//! assert_eq!(illegal.legal, [Move::Approve, Move::Reject, Move::Quarantine, Move::Retire]);
//! assert_eq!(asked_for.step(Move::Approve).map(|life| life.state), Ok(IdentityState::Approved));
//! ```

pub mod access;
pub mod contract;
pub mod departure;
pub mod due;
pub mod findings;
pub mod import;
pub mod lifecycle;
pub mod person;
pub mod preview;
pub mod quality;
pub mod rollback;
pub mod rotation;
pub mod second;
mod shown;
pub mod stored;
pub mod surface;
#[cfg(test)]
mod testing;
pub mod traffic;
mod words;
