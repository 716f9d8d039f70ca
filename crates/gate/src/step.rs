//! How a room asks for more: it hands over what it holds, by value, and says what it needs.

use crate::rule::Ruled;
use bytes::Bytes;
use serde_json::{Map, Value};
use wardgate_abuse::Reservation;
use wardgate_model::{
    id::{TaskId, TrustName},
    reason::Reason,
    secret::Secret,
    time::Time,
};

/// The result of the rooms so far.
#[derive(Debug)]
pub enum Step<T, H = Held> {
    /// They are through.
    Done(T),
    /// They need something from the door. [`crate::resume`] goes on with the *next* room: nothing is metered or slowed twice.
    Wait(H, Need),
}

/// What a room needs before the next can go on. The door answers with bounded waits and bounded waiters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The body, up to so many bytes.
    Body {
        /// At most this many bytes.
        limit: u64,
    },
    /// The body, up to so many bytes, where it begins like JSON ([`crate::inspect::beginning`]); else at least as much of it as shows that
    /// it does not.
    Start {
        /// At most this many bytes, where it is to be whole.
        limit: u64,
    },
    /// Newer keys of a trust source, in the snapshot.
    Keys {
        /// The trust source.
        trust: TrustName,
        /// The key that is asked for, where it has a name.
        kid: Option<Box<str>>,
    },
    /// What an issuer says of an opaque token of its own (RFC 7662).
    Introspection {
        /// The trust source.
        trust: TrustName,
        /// The token.
        token: Secret<String>,
    },
    /// More of the budget of a task, drawn from the store.
    Budget {
        /// The task.
        task: TaskId,
    },
    /// Nothing but time: a `slow` ruling.
    Delay {
        /// Until then.
        until: Time,
    },
}

impl Need {
    /// Whether an answer is one to this kind of need, whatever it says.
    #[must_use]
    pub const fn is_answered_by(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (Self::Body { .. } | Self::Start { .. }, Answer::Body(_))
                | (Self::Keys { .. }, Answer::Keys(_))
                | (Self::Introspection { .. }, Answer::Introspection { .. })
                | (Self::Budget { .. }, Answer::Budget(_))
                | (Self::Delay { .. }, Answer::Elapsed)
        )
    }
}

/// The door's answer to a [`Need`].
#[derive(Debug, Clone)]
pub enum Answer {
    /// The whole body, or of one whose start was asked for as much as is needed; or why it cannot be had.
    Body(Result<Bytes, Reason>),
    /// What came of asking for keys.
    Keys(KeysAnswer),
    /// What the issuer said of the token.
    Introspection {
        /// The trust source that was asked: of a token of another, this says nothing.
        of: TrustName,
        /// What it said.
        said: Introspection,
    },
    /// It was drawn from the budget, or there is no more; `false`: nobody knows.
    Budget(bool),
    /// The time is over.
    Elapsed,
}

/// What came of asking for the keys of a trust source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysAnswer {
    /// It answered, now or not long ago: what is not in the snapshot it does not have.
    Answered,
    /// It is not asked again before this moment.
    NotBefore(Time),
    /// It gave no answer.
    Silent,
}

/// What an issuer says of an opaque token (RFC 7662 §2.2).
#[derive(Debug, Clone, PartialEq)]
pub enum Introspection {
    /// It is active, and this is said of it.
    Active(Map<String, Value>),
    /// It is not.
    Inactive,
    /// It gave no answer: nothing is known of the token.
    Silent,
}

/// What is held while a room waits: reservations included, so that dropping it gives them back.
#[derive(Debug)]
pub struct Held(pub(crate) Holding);

#[derive(Debug)]
pub(crate) enum Holding {
    /// Nothing: it was not counted yet.
    Nothing,
    /// Its place under every limit. It waits for its body.
    Reserved(Box<Reservation>),
    /// A ruling. It waits for time to pass.
    Ruled(Box<Ruled>),
}

impl Held {
    /// Whether nothing is held: once the need is answered, the request is to be judged from room 7 on ([`crate::decide`]), where it was
    /// not counted yet.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self.0, Holding::Nothing)
    }
}

/// A request waits for what its proof is verified with. Its source has been counted; nothing is reserved for it yet.
#[derive(Debug)]
pub struct Unproven(pub(crate) ());
