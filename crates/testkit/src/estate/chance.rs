//! Chance under a seed, in whole numbers only: the same on every machine.

use crate::fuzz::Random;
use std::time::Duration;

/// One in a million parts of the mean, in which [`Chance::exponential`] counts.
const MILLION: u64 = 1_000_000;

/// A stream of chance of its own for each of the estate's actors: what becomes of one leaves what another draws as it is.
#[derive(Debug, Clone)]
pub(super) struct Chance(Random);

impl Chance {
    /// The stream of this number under a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Random::new(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        random.next();
        Self(random)
    }

    /// The next 64 bits.
    pub(super) const fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `bound`; 0 for 0.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.next() % bound }
    }

    /// A number from `low` to `high`, both of them included.
    pub(super) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Whether something happens that does so many times in a thousand.
    pub(super) const fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of some things.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        self.0.pick(from)
    }

    /// A moment's length with this mean, distributed as the gaps of things that happen independently of each other.
    pub(super) fn pause(&mut self, mean: Duration) -> Duration {
        Duration::from_micros(micros(mean).saturating_mul(self.exponential()) / MILLION)
    }

    /// A length within a fifth of this one.
    pub(super) fn around(&mut self, span: Duration) -> Duration {
        Duration::from_micros(micros(span).saturating_mul(self.between(800, 1_200)) / 1_000)
    }

    /// An exponentially distributed number with mean one million.
    ///
    /// Von Neumann's way: it compares uniform numbers and nothing else, so no library of floating point has a say in it.
    pub(super) fn exponential(&mut self) -> u64 {
        let mut whole = 0_u64;
        loop {
            let first = self.next();
            let (mut last, mut falling) = (first, 1_u32);
            loop {
                let drawn = self.next();
                if drawn >= last {
                    break;
                }
                last = drawn;
                falling += 1;
            }
            if falling % 2 == 1 {
                return whole + scaled(first, MILLION);
            }
            whole += MILLION;
        }
    }
}

/// Where 64 bits lie between 0 and `bound`.
fn scaled(bits: u64, bound: u64) -> u64 {
    u64::try_from((u128::from(bits) * u128::from(bound)) >> 64).unwrap_or(u64::MAX)
}

/// A number that goes with two others, the same under each seed.
pub(super) const fn mixed(one: u64, other: u64) -> u64 {
    Random::new(one.wrapping_mul(0x9E6C_63D0_876A_68EE) ^ other.rotate_left(32)).next()
}

/// A length in microseconds; saturates.
pub(super) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Chance;
    use std::time::Duration;

    #[test]
    fn pauses_have_their_mean_and_their_spread() {
        let mut chance = Chance::new(7, 1);
        let drawn: Vec<u64> = (0..100_000).map(|_| chance.exponential()).collect();
        let mean = drawn.iter().sum::<u64>() / 100_000;
        assert!((990_000..1_010_000).contains(&mean), "{mean}");
        // Of an exponential distribution 36.8 % are longer than the mean, and 5 % than three times the mean.
        let longer = |than: u64| drawn.iter().filter(|one| **one > than).count();
        assert!((36_200..37_400).contains(&longer(1_000_000)), "{}", longer(1_000_000));
        assert!((4_700..5_300).contains(&longer(3_000_000)), "{}", longer(3_000_000));
    }

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |seed, stream| Chance::new(seed, stream).pause(Duration::from_secs(60));
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }
}
