//! What is called of APIs beside what their documents say: operations that no document has (shadow), that should be gone and are called
//! still (zombie), that nobody calls (unused), and requests that are otherwise than described (drift).
//!
//! Takes the APIs, what use adds up to and what was seen astray; gives a [`Line`] for each operation and way in which it is beside its
//! document. [`folded`] keeps rows few: strangers choose what paths there are, and none of them may choose what is told of others.

mod fold;
mod line;
mod names;
mod room;

pub use fold::{SHADOW_MAX, folded, join, place, shadow};
pub use line::{Ground, Line, lines};
pub use names::renamed;

use crate::words::words;
use std::time::Duration;

/// Refused so often, an unknown operation is one that somebody calls, and no slip.
pub const SEEN_MIN: u64 = 3;
/// What was seen astray within this time is so still; after it, it is forgotten.
pub const KEPT: Duration = Duration::from_hours(30 * 24);

words! {
    /// How an operation stands to the document of its API.
    Standing {
        /// It is called, and no document has it.
        Shadow = "shadow",
        /// It is called, and should not be any more: deprecated, past its sunset, or taken out.
        Zombie = "zombie",
        /// The document has it, and nobody calls it.
        Unused = "unused",
        /// It is called otherwise than the document has it.
        Drift = "drift",
    }
}

#[cfg(test)]
mod tests;
