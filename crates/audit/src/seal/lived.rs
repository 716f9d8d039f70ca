//! How much time the log has lived through, as it can tell by itself: what is retired is old by that, and not by the wall clock alone.
//!
//! A clock that is a year ahead would make all evidence old at once. So the times of events count only as far as they follow each other:
//! a step of more than [`STEP_MAX`] from one segment to the next, or from the newest event to a start, counts nothing, nor does one back. Within
//! a run a clock counts that nobody sets. Where a gate really stood still for longer, what it holds is kept that much longer.

use std::time::Duration;

/// A segment holds a day of events at most (`audit.seal.after`), and a gate that serves records one a day: with some hours to spare.
pub(crate) const STEP_MAX: Duration = Duration::from_secs(50 * 3_600);

/// What of the way from one time to a later one is believed, in microseconds.
pub(crate) fn step(from_us: i64, to_us: i64) -> i64 {
    let step = to_us.saturating_sub(from_us);
    if (0..=micros(STEP_MAX)).contains(&step) { step } else { 0 }
}

/// Whole microseconds.
pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// The time as it was told, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// By the wall clock, since 1970.
    pub(crate) now_us: i64,
    /// By the clock that nobody sets, since a moment of its own.
    pub(crate) steady_us: i64,
}

/// What a log has lived through, now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now {
    /// In microseconds, of the same begin as that of its segments.
    pub(super) lived_us: i64,
    /// How far the wall clock is ahead of the newest event before this run, where that is not believed.
    pub(super) doubted: Option<Duration>,
}

/// What a log has lived through, from the newest event before this run on.
#[derive(Debug, Default)]
pub(super) struct Lived {
    /// The time of the newest event before this run; `None`: there was none.
    newest_us: Option<i64>,
    /// What was lived through until then.
    before_us: i64,
    /// How long nothing ran between that event and this run, once the wall clock said something that can be.
    between_us: Option<i64>,
}

impl Lived {
    /// A log whose newest event was at a time, when so much was lived through.
    pub(super) fn since(newest_us: Option<i64>, before_us: i64) -> Self {
        Self { newest_us, before_us, ..Self::default() }
    }

    /// What is lived through now, and what was told when the run began.
    pub(super) fn now(&mut self, begin: Told, told: Told) -> Now {
        let newest = *self.newest_us.get_or_insert(begin.now_us);
        let runs = told.steady_us.saturating_sub(begin.steady_us).max(0);
        let ahead = told.now_us.saturating_sub(newest);
        let doubted = ahead > micros(STEP_MAX).saturating_add(runs);
        if !doubted && self.between_us.is_none() {
            self.between_us = Some(ahead.saturating_sub(runs).max(0));
        }
        let lived_us = self.before_us.saturating_add(self.between_us.unwrap_or(0)).saturating_add(runs);
        Now { lived_us, doubted: doubted.then(|| Duration::from_micros(ahead.unsigned_abs())) }
    }
}

#[cfg(test)]
mod tests;
