//! The one place where the clock is read and where randomness for ids begins.

use std::time::{SystemTime, UNIX_EPOCH};
use wardgate_model::time::Time;

/// Now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place where the clock is read")]
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
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
