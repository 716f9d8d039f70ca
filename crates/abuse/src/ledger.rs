//! Calendar windows: how much was used of a quota, exact to the unit, and journaled before it is used.
//!
//! A ledger is used without a lock. Only when a window begins, or the block that was journaled is used up, does one thread at a
//! time go through [`Ledger::turn`] or [`Ledger::raise`].
//!
//! INVARIANT (`used` never repeats across windows): `used`, `base` and `ceiling` are absolute. A new window begins above every
//! value that `used` ever had, so that an exchange prepared in the old window fails in the new one.
//!
//! INVARIANT (order): readers load `used`, then `ceiling`, then the rest. A turn first makes `ceiling` 0 ("being turned"), then
//! moves `used`, then the rest, and makes `ceiling` non-zero last. So a reader whose exchange succeeds saw one window.

use crate::{
    calendar::{self, Span},
    journal::{Journal, JournalFault},
    key::MeterKey,
};
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
};
use wardgate_model::{
    limit::{Quota, Window},
    time::Time,
};

/// More than this in a window is no limit any more (2 EiB); larger counts mean this.
const COUNT_MAX: u64 = 1 << 61;
/// Above this the absolute values begin anew.
const ABSOLUTE_MAX: u64 = 1 << 62;
/// Requests in a block at most.
const BLOCK_REQUESTS_MAX: u64 = 256;
/// Bytes in a block at least.
const BLOCK_BYTES_MIN: u64 = 64 * 1024;

/// How much in a window, and how much of it is journaled at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) count: u64,
    pub(crate) window: Window,
    /// What a caller may lose by kill -9, at most, beyond what was under way.
    pub(crate) block: u64,
}

impl Allowance {
    /// Requests: a block is a thousandth of the quota, 1 to 256.
    pub(crate) fn requests(quota: &Quota) -> Self {
        let count = quota.count.get().min(COUNT_MAX);
        Self { count, window: quota.window, block: (count / 1000).clamp(1, BLOCK_REQUESTS_MAX) }
    }

    /// Bytes: a block is a thousandth of the quota, at least 64 KiB.
    pub(crate) fn bytes(quota: &Quota) -> Self {
        let count = quota.count.get().min(COUNT_MAX);
        Self { count, window: quota.window, block: (count / 1000).max(BLOCK_BYTES_MIN) }
    }
}

/// Why a ledger did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    /// The window has less left.
    Full,
    /// The journal could not be written.
    Fault,
}

impl From<JournalFault> for Short {
    fn from(_: JournalFault) -> Self {
        Self::Fault
    }
}

/// In which window something was taken: it is given back only there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token(i64);

/// What is used of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) used: u64,
    pub(crate) until: i64,
}

/// What one subject used of one quota.
#[derive(Debug)]
pub(crate) struct Ledger {
    key: MeterKey,
    used: AtomicU64,
    ceiling: AtomicU64,
    base: AtomicU64,
    start: AtomicI64,
    until: AtomicI64,
    turning: Mutex<()>,
}

impl Ledger {
    pub(crate) const fn new(key: MeterKey) -> Self {
        Self::restored(key, Span { start: i64::MIN, until: i64::MIN }, 0)
    }

    /// A ledger that continues where a journal ended.
    pub(crate) const fn restored(key: MeterKey, span: Span, used: u64) -> Self {
        let used = 1 + if used > COUNT_MAX { COUNT_MAX } else { used };
        Self {
            key,
            used: AtomicU64::new(used),
            ceiling: AtomicU64::new(used),
            base: AtomicU64::new(1),
            start: AtomicI64::new(span.start),
            until: AtomicI64::new(span.until),
            turning: Mutex::new(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.turning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `now` wants another window than the one that is open. Going back by less than a window's length does not: what
    /// comes late counts in the later window.
    fn outside(&self, now: i64) -> bool {
        let (start, until) = (self.start.load(SeqCst), self.until.load(SeqCst));
        now >= until || now < start.saturating_sub(until.saturating_sub(start))
    }

    /// Takes `n`, all or nothing.
    pub(crate) fn take(&self, n: u64, allowed: &Allowance, journal: &dyn Journal, now: Time) -> Result<Token, Short> {
        let micros = calendar::clamp(now);
        loop {
            if self.outside(micros) {
                self.turn(allowed.window, now);
            }
            let used = self.used.load(SeqCst);
            let ceiling = self.ceiling.load(SeqCst);
            let base = self.base.load(SeqCst);
            let token = Token(self.until.load(SeqCst));
            let after = used.saturating_add(n);
            if ceiling != 0 && after.saturating_sub(base) > allowed.count {
                return Err(Short::Full);
            }
            if after > ceiling {
                self.raise(n, allowed, journal, micros)?;
            } else if self.used.compare_exchange(used, after, SeqCst, SeqCst).is_ok() {
                return Ok(token);
            }
        }
    }

    /// Takes `n`; when less is left, takes all that is left and says so: what has passed, has passed.
    pub(crate) fn spend(&self, n: u64, allowed: &Allowance, journal: &dyn Journal, now: Time) -> Result<(), Short> {
        match self.take(n, allowed, journal, now) {
            Ok(_) => return Ok(()),
            Err(Short::Fault) => return Err(Short::Fault),
            Err(Short::Full) => {}
        }
        loop {
            let left = allowed.count.saturating_sub(self.standing(allowed.window, now).used).min(n);
            if left == 0 || self.take(left, allowed, journal, now) != Err(Short::Full) {
                return Err(Short::Full);
            }
        }
    }

    /// Gives `n` back to the window that it was taken from; nothing when that window is over.
    pub(crate) fn give_back(&self, n: u64, token: Token) {
        loop {
            let used = self.used.load(SeqCst);
            let ceiling = self.ceiling.load(SeqCst);
            if self.until.load(SeqCst) != token.0 {
                return;
            }
            if ceiling == 0 {
                drop(self.lock());
            } else if self.used.compare_exchange(used, used.saturating_sub(n), SeqCst, SeqCst).is_ok() {
                return;
            }
        }
    }

    /// What is used of the window of `now`.
    pub(crate) fn standing(&self, window: Window, now: Time) -> Standing {
        let micros = calendar::clamp(now);
        loop {
            let used = self.used.load(SeqCst);
            let ceiling = self.ceiling.load(SeqCst);
            let base = self.base.load(SeqCst);
            let until = self.until.load(SeqCst);
            if ceiling == 0 {
                drop(self.lock());
                continue;
            }
            if micros >= until {
                return Standing { used: 0, until: calendar::span(window, now).until };
            }
            return Standing { used: used.saturating_sub(base), until };
        }
    }

    /// What is used of the window that is open, and when that began; `None` when nothing is.
    pub(crate) fn record(&self) -> Option<(Time, u64)> {
        let _turning = self.lock();
        let used = self.used.load(SeqCst).saturating_sub(self.base.load(SeqCst));
        (used > 0).then(|| (Time::from_micros(self.start.load(SeqCst)), used))
    }

    /// Whether forgetting it changes nothing.
    pub(crate) fn is_over(&self, now: Time) -> bool {
        calendar::clamp(now) >= self.until.load(SeqCst)
    }

    /// The key, for the journal.
    pub(crate) const fn key(&self) -> &MeterKey {
        &self.key
    }

    /// Opens the window of `now`. After the clock was set back by more than a window, what was used is carried over: else
    /// each such jump would give a fresh window.
    fn turn(&self, window: Window, now: Time) {
        let _turning = self.lock();
        let micros = calendar::clamp(now);
        if !self.outside(micros) {
            return;
        }
        let span = calendar::span(window, now);
        let forward = micros >= self.until.load(SeqCst);
        let ceiling = self.ceiling.swap(0, SeqCst);
        let above = ceiling.max(self.used.load(SeqCst)).saturating_add(1);
        let fresh = if above > ABSOLUTE_MAX { 1 } else { above };
        let before = self.used.swap(fresh, SeqCst).saturating_sub(self.base.load(SeqCst));
        let carried = if forward { 0 } else { before };
        self.used.fetch_add(carried, SeqCst);
        self.base.store(fresh, SeqCst);
        self.start.store(span.start, SeqCst);
        self.until.store(span.until, SeqCst);
        self.ceiling.store(fresh, SeqCst);
    }

    /// Journals the next block, then lets it be used.
    ///
    /// INVARIANT (never gains): `used` passes `ceiling` only after the journal holds the new ceiling.
    fn raise(&self, n: u64, allowed: &Allowance, journal: &dyn Journal, now: i64) -> Result<(), Short> {
        let _turning = self.lock();
        let base = self.base.load(SeqCst);
        let used = self.used.load(SeqCst).saturating_sub(base);
        let ceiling = self.ceiling.load(SeqCst).saturating_sub(base);
        let wanted = used.saturating_add(n);
        if wanted <= ceiling || wanted > allowed.count || self.outside(now) {
            return Ok(());
        }
        let next = ceiling.saturating_add(allowed.block).max(wanted).min(allowed.count);
        journal.raise(&self.key, Time::from_micros(self.start.load(SeqCst)), next)?;
        self.ceiling.store(base.saturating_add(next), SeqCst);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
