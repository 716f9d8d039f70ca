//! Containment of abuse: how much of what, for whom, over which time, counted exactly.
//!
//! It never reads a clock, never waits, never draws chance, and does no I/O but in [`journal`], which says why it must.
//!
//! # How it counts
//!
//! A [`Limit`](wardgate_model::limit::Limit) has up to four measures, each with a meter of its own per subject:
//!
//! | measure | meter | a request that is refused later, by the policy, |
//! |---|---|---|
//! | rate | token bucket, one word, exact (GCRA) | stays counted: attempts count |
//! | concurrency | gauge | is given back |
//! | quota | calendar window in UTC, journaled | is given back |
//! | bytes | calendar window in UTC, journaled | has passed no bytes |
//!
//! [`Meters::reserve`] takes all of them or none: what one limit refuses costs nothing under another, its rate included.
//! A rate refusal therefore never drains a quota, and a caller that keeps knocking is not pushed further back.
//! Constant denials of the policy (room 7) never reach this crate and use up nothing.
//!
//! # Clocks
//!
//! `now` may go back, jump or be absurd: nothing panics or overflows. A bucket that finds itself filled beyond its depth
//! by more than a second takes the clock as set back and is empty from now on, refilling at its rate. A window never turns back
//! for less than its own length; for more, the earlier window takes over what was used. A jump forward gives what a calendar
//! gives: one new window.
//!
//! # Reading order
//!
//! [`limits`] compiles and selects, [`meters`] takes and gives back, [`reservation`] is what a request holds. Below them
//! `bucket` (rates), `ledger` (windows), `calendar`, `meter` and `key`. [`journal`] is how windows outlive the process, `checkpoint` how a
//! replay goes on with all of them. [`budget`] is what tasks may use in all. [`inspect`] looks at what requests say.
//!
//! ```
//! use std::sync::Arc;
//! use wardgate_abuse::{Limits, MeterBounds, Meters, Unrecorded};
//! use wardgate_model::time::Time;
//!
//! let limits = Limits::compile(&Limits::shipped().into_iter().map(Arc::new).collect::<Vec<_>>());
//! let meters = Meters::new(Arc::new(Unrecorded), MeterBounds::default());
//! let source = "192.0.2.7".parse().expect("an address");
//! assert!(meters.admit_source(&limits, source, Time::from_seconds(1_800_000_000)).is_ok());
//! ```

mod bucket;
pub mod budget;
mod calendar;
mod checkpoint;
pub mod inspect;
pub mod journal;
mod key;
mod ledger;
pub mod limits;
mod meter;
pub mod meters;
pub mod reservation;
mod states;
#[cfg(test)]
mod testing;
pub mod watch;

pub use budget::Budgets;
pub use checkpoint::{Level, Standing, TooMany};
pub use journal::{FileJournal, Journal, JournalFault, MeterRecord, Unrecorded};
pub use key::{Counted, MeterKey, SourceNet, Subject, SubjectName};
pub use limits::Limits;
pub use meters::{MeterBounds, Meters};
pub use reservation::{Exhausted, Hold, Refusal, Reservation};
