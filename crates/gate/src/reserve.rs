//! Room 8. Takes a [`Considered`], gives a [`Reserved`]: rate, quota, concurrency and bytes, all or none.
//!
//! Why here: counting comes after the constant answer, so that a caller who may not call at all uses nobody's quota, and
//! before the dear rooms. Refuses: what is over a limit. Dropping the reservation gives it back.

use crate::{
    judge::Denial,
    snapshot::Snapshot,
    standing::{Considered, is_break_glass},
};
use wardgate_abuse::{Limits, Meters, Reservation};
use wardgate_model::time::Time;

/// A request that has its place under every limit.
#[derive(Debug)]
pub struct Reserved<'f> {
    /// What is asked.
    pub considered: Considered<'f>,
    /// What is held.
    pub reservation: Reservation,
}

/// Takes a place under every limit that counts this request.
///
/// # Errors
/// When one has none left.
pub fn take<'f>(considered: Considered<'f>, snapshot: &Snapshot, meters: &Meters, now: Time) -> Result<Reserved<'f>, Box<Denial>> {
    let none = is_break_glass(considered.caller, considered.api).then(|| Limits::compile(&[]));
    match meters.reserve(none.as_ref().unwrap_or(snapshot.limits()), considered.facts, now) {
        Ok(reservation) => Ok(Reserved { considered, reservation }),
        Err(refusal) => Err(Denial::because(refusal.reason).limits(refusal.states, refusal.retry_after_s)),
    }
}
