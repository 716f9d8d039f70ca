//! What was taken on other days is told to an owner, and holds no request back: what else is unusual of a request decides on it.

use super::{profile::Parts, weights as w};
use wardgate_model::risk::{Contribution, Family, Signal};

/// `drip` lifts the risk of the rest as far as an owner is told, and is nothing where the rest is as much by itself. `fresh`: possession was shown
/// just now, so of the rest what tells of theft will be cleared (`Assessment::cleared`), and must not stand in its place.
pub(super) fn no_further(parts: &mut Parts, fresh: bool) {
    let Some(at) = parts.iter().position(|part| part.signal == Signal::Drip) else { return };
    let mut drip = parts.remove(at);
    // What the rest leaves of 100, in hundredths, as risks add up; and what may be left where an owner is told.
    let stays = |part: &&Contribution| !(fresh && part.signal.family() == Family::Theft);
    let left = parts.iter().filter(stays).fold(10_000_u32, |left, part| left * u32::from(100 - part.weight.min(100)) / 100);
    let told = (100 - w::TELLS) * 100;
    if left > told {
        drip.weight = u8::try_from(((left - told) * 100).div_ceil(left)).unwrap_or(u8::MAX);
        parts.push(drip);
    }
}

#[cfg(test)]
mod tests {
    use super::no_further;
    use crate::watch::profile::Parts;
    use wardgate_model::risk::{Assessment, Contribution, Signal};

    fn risk(others: &[u8]) -> u8 {
        let part = |signal, weight| Contribution { signal, value: 1, weight };
        let mut parts: Parts = others.iter().map(|weight| part(Signal::NewSoftware, *weight)).collect();
        parts.insert(0, part(Signal::Drip, 30));
        no_further(&mut parts, false);
        Assessment::of(parts).risk
    }

    /// Whoever takes a little more each day with the right key is told of from wherever it comes.
    #[test]
    fn who_shows_possession_from_elsewhere_is_told_of_all_the_same() {
        let part = |signal, weight| Contribution { signal, value: 1, weight };
        let mut parts: Parts = [part(Signal::Drip, 30), part(Signal::NewPlace, 65)].into_iter().collect();
        no_further(&mut parts, true);
        assert_eq!(Assessment::of(parts).cleared().risk, 30);
    }

    #[test]
    fn an_owner_is_told_and_nobody_held_back_for_it() {
        for (others, found) in [(&[] as &[u8], 30), (&[10], 30), (&[28], 30), (&[15, 10], 30), (&[30], 30), (&[42], 42), (&[65, 65], 87)] {
            assert!((found..=found + 1).contains(&risk(others)), "{others:?}: {}", risk(others));
        }
    }
}
