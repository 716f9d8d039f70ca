//! The one place where the clock is read and where randomness for ids begins.

use rustix::time::{ClockId, clock_gettime};
use std::{
    ops::Add,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use wardgate_model::time::Time;

/// The clock for spans: nobody sets it, and it goes on while the machine sleeps, as what ends meanwhile does.
#[cfg(any(target_os = "linux", target_os = "android"))]
const STEADY: ClockId = ClockId::Boottime;
/// Elsewhere it may stand still while the machine sleeps.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const STEADY: ClockId = ClockId::Monotonic;

/// Now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place where the clock is read")]
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// A moment of this process and machine, for how long ago something was and for how long it is good: unlike a [`Time`] it does not jump when
/// somebody sets the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

/// This moment.
#[must_use]
pub fn instant() -> Instant {
    let since = clock_gettime(STEADY);
    let (seconds, nanos) = (u64::try_from(since.tv_sec).unwrap_or_default(), u32::try_from(since.tv_nsec).unwrap_or_default());
    Instant(Duration::new(seconds, nanos))
}

impl Instant {
    /// How long after another one this is; zero where it is before it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// How long after a moment this is that stays the same while the machine runs.
    #[must_use]
    pub const fn span(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// Randomness for request ids: unlike any other, but no secret.
#[must_use]
pub fn entropy() -> u128 {
    use std::{cell::Cell, hash::BuildHasher as _};
    thread_local! {
        static STATE: Cell<u128> = Cell::new({
            // Two hashers with random keys of their own, seeded by the operating system.
            let seed = || u128::from(std::collections::hash_map::RandomState::new().hash_one(0_u8));
            (seed() << 64) | seed() | 1
        });
    }
    // A Lehmer generator of 128 bits: every state once before any comes again, and cheap.
    STATE.with(|state| {
        let next = state.get().wrapping_mul(0xDA94_2042_E4DD_58B5);
        state.set(next);
        next ^ (next >> 64)
    })
}
