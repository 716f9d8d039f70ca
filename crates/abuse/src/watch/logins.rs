//! Logins that fail, by where they come from and by what software, and on the whole: who tries accounts has no baseline of its own.

use super::{sight::Sight, weights as w};
use ahash::AHashMap;
use std::sync::{Mutex, PoisonError};
use wardgate_model::risk::Signal;

/// How many facets are remembered; the oldest leave.
const FACETS_MAX: usize = 65_536;
/// After so many minutes tries count half.
const HALF_MINUTES: u32 = 8 * 60;
const HALF_MINUTES_LATELY: u32 = 15;

/// Tries of one facet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tries {
    tries: u32,
    failed: u32,
    /// Accounts, a bit each.
    subjects: u64,
    minute: u32,
}

impl Tries {
    fn age(&mut self, minute: u32, half: u32) {
        let halvings = minute.saturating_sub(self.minute) / half;
        if halvings > 0 {
            self.tries = self.tries.checked_shr(halvings).unwrap_or(0);
            self.failed = self.failed.checked_shr(halvings).unwrap_or(0);
            if self.tries == 0 {
                self.subjects = 0;
            }
            self.minute = minute;
        }
    }

    fn count(&mut self, failed: bool, subject: Option<u64>) {
        self.tries = self.tries.saturating_add(1);
        self.failed = self.failed.saturating_add(u32::from(failed));
        if failed && let Some(subject) = subject {
            self.subjects |= 1 << (subject % 64);
        }
    }

    fn share(&self) -> u32 {
        if self.tries == 0 { 0 } else { self.failed * 100 / self.tries.max(1) }
    }
}

/// All logins of an installation.
#[derive(Debug, Default)]
pub(super) struct Logins {
    facets: Mutex<AHashMap<(u32, u32), Tries>>,
}

/// Facets of an operation that belong to no place and no software: of all its logins, for long and lately.
const FOR_LONG: u32 = 0;
const LATELY: u32 = u32::MAX;

impl Logins {
    /// What logins like this one have come to.
    pub(super) fn assess(&self, sight: &Sight) -> [(Signal, u32, u32); 2] {
        let mut facets = self.facets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of = |facet: u32, half: u32| {
            let tries = facets.get_mut(&(sight.operation, facet));
            tries.map_or(Tries::default(), |tries| {
                tries.age(sight.minute, half);
                *tries
            })
        };
        let (place, software) = (of(sight.network, HALF_MINUTES), of(sight.software, HALF_MINUTES));
        let (long, lately) = (of(FOR_LONG, HALF_MINUTES * 9), of(LATELY, HALF_MINUTES_LATELY));
        let usual = if long.tries >= 50 { long.share() } else { 10 };
        let worst = [place, software].into_iter().filter(|tries| tries.tries >= w::LOGIN_TRIES);
        let worst = worst.filter(|tries| tries.subjects == 0 || tries.subjects.count_ones() >= w::LOGIN_SUBJECTS);
        let worst = worst.map(|tries| tries.share()).max().unwrap_or(0);
        let stuffing = if worst >= 65.max(usual * 2) {
            w::STUFFING
        } else if worst >= 40.max(usual * 2) {
            w::STUFFING_SOME
        } else {
            0
        };
        let crowded = lately.tries >= 20 && lately.share() >= 25.max(usual * 3) && place.failed >= place.tries;
        [(Signal::Stuffing, worst, stuffing), (Signal::Crowd, lately.share(), if crowded { w::CROWD } else { 0 })]
    }

    /// A login came to its end.
    pub(super) fn learn(&self, sight: &Sight, failed: bool, subject: Option<u64>) {
        let mut facets = self.facets.lock().unwrap_or_else(PoisonError::into_inner);
        if facets.len() >= FACETS_MAX {
            let old = sight.minute.saturating_sub(HALF_MINUTES);
            facets.retain(|_, tries| tries.minute >= old && tries.tries > 1);
            if facets.len() >= FACETS_MAX {
                facets.clear();
            }
        }
        for (facet, half) in
            [(sight.network, HALF_MINUTES), (sight.software, HALF_MINUTES), (FOR_LONG, HALF_MINUTES * 9), (LATELY, HALF_MINUTES_LATELY)]
        {
            let tries = facets.entry((sight.operation, facet)).or_insert(Tries { minute: sight.minute, ..Tries::default() });
            tries.age(sight.minute, half);
            tries.count(failed, subject);
        }
    }
}
