//! How much of a long change goes into one transaction.

use crate::apply::CHANGES_WELL_MADE;
use std::time::Duration;

/// How long one piece of a long change should keep others from writing.
pub const PIECE: Duration = Duration::from_millis(50);
/// The first piece, and the smallest: with less, each costs more than what is in it.
const SMALLEST: usize = 50;

/// The size of the pieces that a long change is cut into, so that whoever revokes something waits for one of them and no
/// longer than [`PIECE`], however fast or slow the database is. It learns from how long the last ones took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    next: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { next: SMALLEST }
    }
}

impl Pace {
    /// How many changes the next piece should have.
    #[must_use]
    pub const fn next(self) -> usize {
        self.next
    }

    /// A piece of so many changes took so long. It grows to the double at most, and shrinks at once.
    pub fn took(&mut self, changes: usize, time: Duration) {
        if changes == 0 {
            return;
        }
        let fitting = changes as u128 * PIECE.as_micros() / time.as_micros().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(CHANGES_WELL_MADE);
        self.next = fitting.min(self.next * 2).clamp(SMALLEST, CHANGES_WELL_MADE);
    }
}

#[cfg(test)]
mod tests;
