//! How fast a client sends or takes, counted only over the time in which it is its turn.

use std::{cell::Cell, time::Duration};
use wardgate_model::time::Time;

/// One direction's pace.
#[derive(Debug, Default)]
pub(super) struct Pace {
    bytes: Cell<u64>,
    waited: Cell<Duration>,
    since: Cell<Option<Time>>,
}

impl Pace {
    /// It is the client's turn from now on, unless it was already.
    pub(super) fn wait(&self, now: Time) {
        if self.since.get().is_none() {
            self.since.set(Some(now));
        }
    }

    /// It is not the client's turn any more.
    pub(super) fn rest(&self, now: Time) {
        if let Some(since) = self.since.take() {
            self.waited.set(self.waited.get() + now.since(since));
        }
    }

    /// So many bytes are its doing.
    pub(super) fn moved(&self, bytes: u64) {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
    }

    /// Whether it was its turn for longer than `grace` and it moved fewer than `rate` bytes a second beyond that.
    pub(super) fn is_slow(&self, now: Time, rate: u64, grace: Duration) -> bool {
        let waited = self.waited.get() + self.since.get().map_or(Duration::ZERO, |since| now.since(since));
        let beyond = waited.saturating_sub(grace);
        !beyond.is_zero() && u128::from(self.bytes.get()) * 1_000 < u128::from(rate) * beyond.as_millis()
    }
}

#[cfg(test)]
mod tests;
