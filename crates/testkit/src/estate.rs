//! A simulated estate: four weeks of calls by two hundred identities against twelve APIs, with attacks among them that are labelled.
//!
//! It is what signals and responses are measured by. [`Estate`] gives one call after the other, as values; whoever drives it says what
//! became of each ([`Estate::settle`]), and the estate goes on accordingly: honest clients wait, try again, answer challenges where they
//! can; attackers go on, go elsewhere, slow down or give up. What each attack got is counted ([`Estate::attacks`]). The same seed and
//! [`Scale`] and the same fates give the same calls to the byte; nothing reads a clock, and all arithmetic is in whole numbers.
//!
//! It never judges anything, and the label of a call is for whoever measures, not for the gate.
//!
//! Reading order: `catalogue` (what can be called), `population` and `habit` (who calls, and when), `happening` (what happens besides),
//! `honest` (how callers behave), `attacks`, `run` (all of them in one queue), `documents` (the same as an operator writes it). What it
//! cannot tell stands in `docs/estate.md`.
//!
//! ```
//! use wardgate_testkit::estate::{Estate, Fate, Scale};
//!
//! let mut estate = Estate::new(7, Scale::SMALL);
//! let call = estate.next().ok_or("nobody calls")?;
//! assert!(!call.label.is_attack(), "attacks begin when there is something to compare them with");
//! estate.settle(Fate::Allowed);
//! # Ok::<(), &str>(())
//! ```

mod attacks;
mod calendar;
mod call;
mod catalogue;
mod chance;
mod documents;
mod habit;
mod happening;
mod honest;
mod place;
mod population;
mod run;
mod scale;
mod tally;
mod upstream;
mod world;

pub use attacks::{Attack, Family, Measure, Place, Set, Strength, Take};
pub use calendar::BEGINS;
pub use call::{Answer, Call, Fate, Label, Proof, Shown, Source, Token, Why};
pub use catalogue::{APIS, Api, Operation};
pub use documents::Documents;
pub use happening::{Happening, What};
pub use place::{ZONES, Zone};
pub use population::Member;
pub use run::Estate;
pub use scale::Scale;
pub use tally::Tally;

#[cfg(test)]
mod tests;
