//! Rates: a token bucket in one word (GCRA, the generic cell rate algorithm of ITU-T I.371).
//!
//! The word holds the theoretical arrival time: the moment at which the bucket will be full again. It counts in fractions of a
//! microsecond that fit the rate, so that a third of a second is exactly that. After a rest `burst` requests go at once, then one
//! every `period / count`.

use std::sync::atomic::{AtomicU64, Ordering};
use wardgate_model::{limit::Rate, time::Time};

/// Bits of the word that hold the fraction of a microsecond.
const FRACTION_BITS: u32 = 10;
const FRACTION: u64 = 1 << FRACTION_BITS;
/// Latest moment that a bucket knows, in microseconds (the year 2255). Later ones count as this: time stands still, nothing refills.
const LATEST_US: u64 = 1 << 53;
/// Longest time to fill a bucket, in microseconds (142 years).
const DEPTH_US_MAX: u64 = 1 << 52;
/// Beyond its depth by more than this, in microseconds, a bucket takes the clock as set back. Cores that read the clock in
/// another order differ by far less.
const SET_BACK_US: u64 = 1_000_000;

/// A rate, ready to be counted with. Parts of a microsecond are counted in ticks of 1/`ticks` µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Ticks in a microsecond, 1 to 1024.
    ticks: u64,
    /// Ticks that one request costs.
    step: u64,
    /// Ticks that an empty bucket takes to fill.
    depth: u64,
    burst: u64,
}

/// Refused: how long until the cost is there, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) u64);

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn narrow(value: u128, most: u64) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX).min(most)
}

impl Pace {
    /// Exact where `period / count` is a multiple of 1/n µs with n ≤ 1024 (every rate of up to 1,024 a second is); else each
    /// request costs less than a nanosecond more than it should. Never less.
    pub(crate) fn new(rate: &Rate) -> Self {
        let count = u128::from(rate.count.get());
        let (mut step, mut ticks) = (rate.period.as_nanos().max(1), count.saturating_mul(1000));
        let common = gcd(step, ticks).max(1);
        (step, ticks) = (step / common, ticks / common);
        if ticks > u128::from(FRACTION) {
            step = step.saturating_mul(u128::from(FRACTION)).div_ceil(ticks);
            ticks = u128::from(FRACTION);
        }
        let ticks = narrow(ticks, FRACTION).max(1);
        let depth_max = DEPTH_US_MAX * ticks;
        let step = narrow(step, depth_max).max(1);
        let burst = rate.burst.get().min(depth_max / step).max(1);
        Self { ticks, step, depth: burst * step, burst }
    }

    /// How many go at once after a rest.
    pub(crate) const fn burst(&self) -> u64 {
        self.burst
    }

    /// Microseconds until an empty bucket is full.
    pub(crate) const fn fill_us(&self) -> u64 {
        self.depth.div_ceil(self.ticks)
    }
}

/// The level of one bucket.
#[derive(Debug, Default)]
pub(crate) struct Bucket(AtomicU64);

fn micros(now: Time) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(0).min(LATEST_US)
}

/// Ticks that are missing from the bucket.
fn missing(word: u64, pace: &Pace, now_us: u64) -> u64 {
    let full_at = word >> FRACTION_BITS;
    let Some(ahead) = full_at.checked_sub(now_us) else { return 0 };
    // A fraction left by another rate can be too large for this one: carried over, it is off by less than a microsecond.
    let fraction = (word & (FRACTION - 1)).min(pace.ticks - 1);
    ahead.saturating_mul(pace.ticks).saturating_add(fraction)
}

/// The word of a bucket that lacks `missing` ticks at `now_us`.
const fn word(missing: u64, pace: &Pace, now_us: u64) -> u64 {
    ((now_us + missing / pace.ticks) << FRACTION_BITS) | (missing % pace.ticks)
}

impl Bucket {
    /// Takes `cost` requests' worth.
    pub(crate) fn take(&self, cost: u64, pace: &Pace, now: Time) -> Result<(), Wait> {
        let now_us = micros(now);
        let mut old = self.0.load(Ordering::Relaxed);
        loop {
            let lacks = missing(old, pace, now_us);
            let wanted = lacks.saturating_add(cost.saturating_mul(pace.step));
            let new = if wanted <= pace.depth {
                word(wanted, pace, now_us)
            } else if lacks > pace.depth.saturating_add(SET_BACK_US * pace.ticks) {
                word(pace.depth, pace, now_us)
            } else {
                return Err(Wait(wanted.saturating_sub(pace.depth).div_ceil(pace.ticks)));
            };
            match self.0.compare_exchange_weak(old, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) if wanted <= pace.depth => return Ok(()),
                Ok(_) => old = new,
                Err(current) => old = current,
            }
        }
    }

    /// Takes `cost` requests' worth. What is not there is owed, for half a second at most: who takes each request as soon as it is
    /// there pays for it too.
    pub(crate) fn drain(&self, cost: u64, pace: &Pace, now: Time) {
        let now_us = micros(now);
        // Less than what is taken for a clock that was set back.
        let owed = cost.saturating_mul(pace.step).min(SET_BACK_US / 2 * pace.ticks);
        let most = pace.depth.saturating_add(owed).min(DEPTH_US_MAX * pace.ticks);
        let mut old = self.0.load(Ordering::Relaxed);
        loop {
            let wanted = missing(old, pace, now_us).saturating_add(cost.saturating_mul(pace.step));
            match self.0.compare_exchange_weak(old, word(wanted.min(most), pace, now_us), Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => old = current,
            }
        }
    }

    /// Gives back what [`Bucket::take`] took.
    pub(crate) fn give_back(&self, cost: u64, pace: &Pace) {
        let mut old = self.0.load(Ordering::Relaxed);
        loop {
            let full_at =
                u128::from(old >> FRACTION_BITS) * u128::from(pace.ticks) + u128::from((old & (FRACTION - 1)).min(pace.ticks - 1));
            let earlier = full_at.saturating_sub(u128::from(cost) * u128::from(pace.step));
            let ticks = u128::from(pace.ticks);
            let new = (narrow(earlier / ticks, LATEST_US * 2 - 1) << FRACTION_BITS) | narrow(earlier % ticks, FRACTION - 1);
            match self.0.compare_exchange_weak(old, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => old = current,
            }
        }
    }

    /// How many could be taken now.
    pub(crate) fn available(&self, pace: &Pace, now: Time) -> u64 {
        let lacks = missing(self.0.load(Ordering::Relaxed), pace, micros(now));
        pace.depth.saturating_sub(lacks) / pace.step
    }

    /// Microseconds until one more is there than now; 0 when full.
    pub(crate) fn next_us(&self, pace: &Pace, now: Time) -> u64 {
        let lacks = missing(self.0.load(Ordering::Relaxed), pace, micros(now)).min(pace.depth);
        if lacks == 0 {
            return 0;
        }
        let there = (pace.depth - lacks) / pace.step;
        let then = pace.depth.saturating_sub((there + 1).saturating_mul(pace.step));
        lacks.saturating_sub(then).div_ceil(pace.ticks)
    }

    /// The word, for [`Bucket::at`].
    pub(crate) fn level(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A bucket whose word is this.
    pub(crate) const fn at(level: u64) -> Self {
        Self(AtomicU64::new(level))
    }

    /// Whether it is full under any rate: forgetting it changes nothing.
    pub(crate) fn is_full(&self, now: Time) -> bool {
        self.0.load(Ordering::Relaxed) >> FRACTION_BITS < micros(now)
    }
}

#[cfg(test)]
mod tests;
