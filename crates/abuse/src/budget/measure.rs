//! One measure of a task's budget: what is drawn of it, taken and given back without a lock.

use super::Short;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};
use wardgate_model::time::Time;

/// How long it is believed that a budget has no more: other gates may give back what they had.
pub(super) const DRY: Duration = Duration::from_secs(1);
/// More than this is not owed: it is more than any budget has.
const OWED_MAX: i64 = 1 << 60;

/// One measure of one task.
#[derive(Debug, Default)]
pub(super) struct Measure {
    /// What is left here; below nothing where more was used than there was.
    pub(super) left: AtomicI64,
    /// Below this it runs low.
    mark: AtomicI64,
    /// Until when it is believed that the store has no more, in microseconds.
    dry: AtomicI64,
}

impl Measure {
    pub(super) fn is_dry(&self, now: Time) -> bool {
        self.dry.load(Ordering::Relaxed) > now.as_micros()
    }

    pub(super) fn short(&self, now: Time) -> Short {
        if self.is_dry(now) { Short::Used } else { Short::Ask }
    }

    /// Takes so much, or nothing.
    pub(super) fn take(&self, count: i64) -> bool {
        self.left.try_update(Ordering::AcqRel, Ordering::Acquire, |left| (left >= count).then(|| left - count)).is_ok()
    }

    pub(super) fn is_low(&self, now: Time) -> bool {
        self.left.load(Ordering::Relaxed) < self.mark.load(Ordering::Relaxed) && !self.is_dry(now)
    }

    /// Adds what was drawn, where so much was owed already: whoever gives less than that has no more.
    pub(super) fn add(&self, drawn: u64, owed: u64, now: Time) {
        if drawn == 0 || drawn < owed {
            self.dry.store((now + DRY).as_micros(), Ordering::Relaxed);
        }
        if drawn == 0 {
            return;
        }
        let drawn = i64::try_from(drawn).unwrap_or(i64::MAX);
        self.mark.store(drawn / 2, Ordering::Relaxed);
        self.left.fetch_add(drawn, Ordering::AcqRel);
    }

    /// Takes so much, whether or not there is as much. Gives what there was before.
    pub(super) fn use_up(&self, count: u64) -> i64 {
        let count = i64::try_from(count).unwrap_or(OWED_MAX);
        let taken = self.left.try_update(Ordering::AcqRel, Ordering::Acquire, |left| Some(left.saturating_sub(count).max(-OWED_MAX)));
        taken.unwrap_or_else(|left| left)
    }

    /// What was used beyond what was drawn.
    pub(super) fn owed(&self) -> u64 {
        u64::try_from(self.left.load(Ordering::Acquire).saturating_neg()).unwrap_or(0)
    }

    /// Takes what is owed: it is told elsewhere.
    pub(super) fn settle(&self) -> u64 {
        let left = self.left.try_update(Ordering::AcqRel, Ordering::Acquire, |left| Some(left.max(0))).unwrap_or_else(|left| left);
        u64::try_from(left.saturating_neg()).unwrap_or(0)
    }

    /// Takes all that is left.
    pub(super) fn empty(&self) -> u64 {
        let left = self.left.try_update(Ordering::AcqRel, Ordering::Acquire, |left| Some(left.min(0))).unwrap_or_else(|left| left);
        u64::try_from(left).unwrap_or(0)
    }

    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.left.load(Ordering::Acquire)).unwrap_or(0)
    }
}
