//! What was taken on other days, and what has come to be new over weeks, is told to an owner and holds no request back: what else is unusual of
//! a request decides on it.

use super::{profile::Parts, weights as w};
use wardgate_model::risk::{Contribution, Family, Signal};

/// `drip` lifts the risk of the rest as far as an owner is told, and is nothing where the rest is as much by itself; `new_operation` does so
/// too where it is `told`, and weighs no less than it does. `fresh`: possession was shown just now, so of the rest what tells of theft will be
/// cleared (`Assessment::cleared`), and must not stand in its place.
pub(super) fn no_further(parts: &mut Parts, told: bool, fresh: bool) {
    let drip = take(parts, Signal::Drip);
    if told && let Some(mut new) = take(parts, Signal::NewOperation) {
        new.weight = lacking(parts, fresh).max(new.weight);
        parts.push(new);
    }
    if let Some(mut drip) = drip {
        drip.weight = lacking(parts, fresh);
        if drip.weight > 0 {
            parts.push(drip);
        }
    }
}

fn take(parts: &mut Parts, signal: Signal) -> Option<Contribution> {
    let at = parts.iter().position(|part| part.signal == signal)?;
    Some(parts.remove(at))
}

/// How much one more has to weigh for an owner to be told; 0: the rest is enough.
fn lacking(rest: &Parts, fresh: bool) -> u8 {
    // What the rest leaves of 100, in hundredths, as risks add up; and what may be left where an owner is told.
    let stays = |part: &&Contribution| !(fresh && part.signal.family() == Family::Theft);
    let left = rest.iter().filter(stays).fold(10_000_u32, |left, part| left * u32::from(100 - part.weight.min(100)) / 100);
    let told = (100 - w::TELLS) * 100;
    if left > told { u8::try_from(((left - told) * 100).div_ceil(left)).unwrap_or(u8::MAX) } else { 0 }
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
        no_further(&mut parts, false, false);
        Assessment::of(parts).risk
    }

    /// Whoever takes a little more each day with the right key is told of from wherever it comes.
    #[test]
    fn who_shows_possession_from_elsewhere_is_told_of_all_the_same() {
        let part = |signal, weight| Contribution { signal, value: 1, weight };
        let mut parts: Parts = [part(Signal::Drip, 30), part(Signal::NewPlace, 65)].into_iter().collect();
        no_further(&mut parts, false, true);
        assert_eq!(Assessment::of(parts).cleared().risk, 30);
    }

    #[test]
    fn an_owner_is_told_and_nobody_held_back_for_it() {
        for (others, found) in [(&[] as &[u8], 30), (&[10], 30), (&[28], 30), (&[15, 10], 30), (&[30], 30), (&[42], 42), (&[65, 65], 87)] {
            assert!((found..=found + 1).contains(&risk(others)), "{others:?}: {}", risk(others));
        }
    }

    #[test]
    fn what_is_new_is_told_and_weighs_no_less_than_it_does() {
        let of = |others: &[(Signal, u8)], told| {
            let mut parts: Parts =
                others.iter().map(|(signal, weight)| Contribution { signal: *signal, value: 1, weight: *weight }).collect();
            no_further(&mut parts, told, false);
            (Assessment::of(parts.clone()).risk, parts.len())
        };
        assert_eq!(of(&[(Signal::NewOperation, 18)], false), (18, 1));
        assert_eq!(of(&[(Signal::NewOperation, 18)], true), (30, 1));
        assert_eq!(of(&[(Signal::NewOperation, 60)], true), (60, 1));
        assert_eq!(of(&[(Signal::NewOperation, 18), (Signal::FanOut, 35)], true).0, 46, "no more than they are by themselves");
        assert_eq!(of(&[(Signal::NewOperation, 18), (Signal::Drip, 30)], true), (30, 1));
    }
}
