//! Logins that fail, by where they come from and by what software, and on the whole: who tries accounts has no baseline of its own.

use super::{
    shards::{PIECES, Shards},
    sight::Sight,
    weights as w,
};
use ahash::AHashMap;
use wardgate_model::risk::Signal;

/// How many facets are remembered in a piece, 65,536 in all; the oldest leave.
const FACETS_MAX: usize = 65_536 / PIECES;
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

/// What tries are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Facet {
    /// The network that they come from.
    Place(u32),
    /// The software that they are made with, which anybody can imitate.
    Software(u32),
}

/// All logins of an operation, for long and lately. No one can push them out.
#[derive(Debug, Clone, Copy, Default)]
struct All {
    long: Tries,
    lately: Tries,
}

impl Facet {
    const fn number(self) -> u32 {
        match self {
            Self::Place(number) | Self::Software(number) => number,
        }
    }
}

/// Tries by operation and facet.
#[derive(Debug, Default)]
struct Facets {
    tries: AHashMap<(u32, Facet), Tries>,
    /// When room was last made, in minutes since the epoch.
    swept: u32,
}

/// All logins of an installation.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// In pieces by the facet's number.
    facets: Shards<Facets>,
    /// In pieces by the operation.
    all: Shards<AHashMap<u32, All>>,
}

/// Operations whose logins are counted in a piece, however they fall to the pieces: no more are declared.
const OPERATIONS_MAX: usize = 4_096;
/// However many logins fail, it is never usual that more than this share does, in per cent: nobody makes an attack usual by attacking.
const USUAL_MAX: u32 = 30;

impl Logins {
    /// What logins like this one have come to. Software alone never refuses: an attacker that imitates everybody's would have everybody
    /// refused. It does together with a place that has brought nothing good.
    pub(super) fn assess(&self, sight: &Sight) -> [(Signal, u32, u32); 2] {
        let of = |facet: Facet| {
            let mut facets = self.facets.of(facet.number());
            facets.tries.get_mut(&(sight.operation, facet)).map_or(Tries::default(), |tries| {
                tries.age(sight.minute, HALF_MINUTES);
                *tries
            })
        };
        let (place, software) = (of(Facet::Place(sight.network)), of(Facet::Software(sight.software)));
        let all = self.all.of(sight.operation).get_mut(&sight.operation).map_or(All::default(), |all| {
            all.long.age(sight.minute, HALF_MINUTES * 9);
            all.lately.age(sight.minute, HALF_MINUTES_LATELY);
            *all
        });
        let usual = if all.long.tries >= 50 { all.long.share().min(USUAL_MAX) } else { 10 };
        let enough =
            |tries: &Tries| tries.tries >= w::LOGIN_TRIES && (tries.subjects == 0 || tries.subjects.count_ones() >= w::LOGIN_SUBJECTS);
        let share = |tries: &Tries| if enough(tries) { tries.share() } else { 0 };
        let (by_place, by_software) = (share(&place), share(&software));
        let (much, some) = (65.max(usual * 2), 40.max(usual * 2));
        let brings_good = place.failed < place.tries;
        let stuffing = if by_place >= much || (by_software >= much && !brings_good) {
            w::STUFFING
        } else if by_place.max(by_software) >= some {
            w::STUFFING_SOME
        } else {
            0
        };
        let lately = all.lately;
        let crowded = lately.tries >= 20 && lately.share() >= 25.max(usual * 3).min(90) && !brings_good;
        let crowd = if crowded { w::CROWD } else { 0 };
        [(Signal::Stuffing, by_place.max(by_software), stuffing), (Signal::Crowd, lately.share(), crowd)]
    }

    /// A login came to its end.
    pub(super) fn learn(&self, sight: &Sight, failed: bool, subject: Option<u64>) {
        let minute = sight.minute;
        for facet in [Facet::Place(sight.network), Facet::Software(sight.software)] {
            self.facets.of(facet.number()).count((sight.operation, facet), minute, failed, subject);
        }
        let mut all = self.all.of(sight.operation);
        if all.len() < OPERATIONS_MAX || all.contains_key(&sight.operation) {
            let new = Tries { minute, ..Tries::default() };
            let all = all.entry(sight.operation).or_insert(All { long: new, lately: new });
            for (tries, half) in [(&mut all.long, HALF_MINUTES * 9), (&mut all.lately, HALF_MINUTES_LATELY)] {
                tries.age(minute, half);
                tries.count(failed, subject);
            }
        }
    }
}

impl Facets {
    fn count(&mut self, of: (u32, Facet), minute: u32, failed: bool, subject: Option<u64>) {
        if self.tries.len() >= FACETS_MAX && self.swept != minute {
            self.sweep(minute);
        }
        if self.tries.len() < FACETS_MAX || self.tries.contains_key(&of) {
            let tries = self.tries.entry(of).or_insert(Tries { minute, ..Tries::default() });
            tries.age(minute, HALF_MINUTES);
            tries.count(failed, subject);
        }
    }

    /// Makes room, at most once a minute: what is old goes first, then what was tried least.
    fn sweep(&mut self, minute: u32) {
        self.swept = minute;
        let old = minute.saturating_sub(HALF_MINUTES);
        self.tries.retain(|_, tries| tries.minute >= old);
        for least in [2, 4, 8, 16] {
            if self.tries.len() < FACETS_MAX / 2 {
                return;
            }
            self.tries.retain(|_, tries| tries.tries >= least);
        }
    }
}
