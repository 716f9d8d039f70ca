//! How a room asks for more: it hands over what it holds, by value, and says what it needs.

use crate::rule::Ruled;
use bytes::Bytes;
use wardgate_model::time::Time;

/// The result of the rooms so far.
#[derive(Debug)]
pub enum Step<T> {
    /// They are through.
    Done(T),
    /// They need something from the door. [`crate::resume`] goes on with the *next* room: nothing is metered or slowed twice.
    Wait(Held, Need),
}

/// What a room needs before the next can go on. The door answers with bounded waits and bounded waiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The body, up to so many bytes.
    Body {
        /// At most this many bytes.
        limit: u64,
    },
    /// Nothing but time: a `slow` ruling.
    Delay {
        /// Until then.
        until: Time,
    },
}

/// The door's answer to a [`Need`].
#[derive(Debug, Clone)]
pub enum Answer {
    /// The whole body.
    Body(Bytes),
    /// The time is over.
    Elapsed,
}

/// What is held while a room waits: reservations included, so that dropping it gives them back.
#[derive(Debug)]
pub struct Held(pub(crate) Box<Ruled>);
