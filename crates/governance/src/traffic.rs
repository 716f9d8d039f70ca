//! Back-tests on traffic that others recorded: what this judge would have ruled, had it stood there.
//!
//! Takes files of a known format, gives a [`Report`]. Each call goes through the one judge there is, with a clock of its own; what is
//! usual is learned as it goes. A log tells less than a request does, and the report says what ([`Format::untold`]).
//!
//! # Reading order
//!
//! [`call`] is what every format comes to; [`clf`], [`json`], [`cloudtrail`], [`har`], [`own`] and `sshd` read one each, out of `lines` or
//! `records`; [`reader`] has all of them. `callers` says who called, `paths` and `classes` which operations there are, [`ground`] what is
//! judged against. `held` puts calls in order, [`replay()`] judges them, `tally` counts, [`report`] is what comes of it,
//! [`Judged`] makes the same of calls that others judge. [`draft()`] learns a
//! document of an API.
//!
//! Everything here was written by strangers: nothing grows without a bound, and what cannot be understood is counted and passed over.

pub mod call;
mod callers;
mod classes;
pub mod clf;
pub mod cloudtrail;
pub mod draft;
pub mod ground;
pub mod har;
mod held;
pub mod json;
mod judged;
mod lines;
mod moment;
pub mod own;
pub(crate) mod paths;
pub mod reader;
mod records;
pub mod replay;
pub mod report;
mod sshd;
mod tally;
#[cfg(test)]
mod testing;

pub use draft::{Draft, DraftSettings, TaughtBy, Undrafted, draft};
pub use ground::Installation;
pub use json::{MapError, Mapping};
pub use judged::Judged;
pub use reader::{Format, Reading};
pub use replay::{Files, Settings, Unreplayed, replay};
pub use report::Report;
pub use sshd::{YEARS, Years};

#[cfg(test)]
mod tests;
