//! When the control side was last heard: what a snapshot cannot say of itself, because nothing changes when nothing is heard.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};
use wardgate_model::time::Time;

/// When the control side was last heard. Shared by all snapshots of a process.
#[derive(Debug)]
pub struct LastHeard(AtomicI64);

impl Default for LastHeard {
    /// Nothing is ever old: there is no control side that could fall silent.
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl LastHeard {
    /// Last heard at `time`.
    #[must_use]
    pub const fn at(time: Time) -> Self {
        Self(AtomicI64::new(time.as_micros()))
    }

    /// It was heard at `now`.
    pub fn note(&self, now: Time) {
        self.0.store(now.as_micros(), Ordering::Relaxed);
    }

    /// When that was.
    #[must_use]
    pub fn last(&self) -> Time {
        Time::from_micros(self.0.load(Ordering::Relaxed))
    }

    /// Whether that is longer ago than `after`.
    #[must_use]
    pub fn is_stale(&self, after: Duration, now: Time) -> bool {
        now.since(self.last()) > after
    }
}

#[cfg(test)]
mod tests;
