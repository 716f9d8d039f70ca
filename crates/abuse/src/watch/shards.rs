//! What is remembered of many, in pieces with a lock each: requests on two cores seldom wait for each other.

use super::lock;
use std::sync::{Mutex, MutexGuard};

/// How many pieces there are.
pub(super) const PIECES: usize = 16;

/// The pieces. Who belongs to which is told by a keyed number, so that nobody outside can have them all in one.
#[derive(Debug)]
pub(super) struct Shards<T>([Mutex<T>; PIECES]);

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl<T> Shards<T> {
    /// The piece of a number.
    pub(super) fn of(&self, number: u32) -> MutexGuard<'_, T> {
        #[expect(clippy::indexing_slicing, reason = "INVARIANT (pieces): what is left of a division by PIECES is below it")]
        lock(&self.0[number as usize % PIECES])
    }

    /// Every piece, one after the other.
    pub(super) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.0.iter().map(lock)
    }
}
