//! Signatures that were taken: none is taken twice.
//!
//! What says when it was made is remembered for as long as it would be taken again, so the memory has no gap: where there is no
//! room the call is refused. What does not say so is remembered for the time that its entry says; where there is no room the one
//! that would be forgotten next is forgotten now. It is this process's own memory: it outlives snapshots, not the process, and
//! another gate does not know it.

use ahash::{AHashMap, AHashSet};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use wardgate_model::{id::CredentialId, time::Time};
use wardgate_proof::webhook::Mac;

/// Signatures of one credential that are remembered, at the most.
pub const PER_CREDENTIAL_MAX: usize = 65_536;
/// Signatures of all credentials together, at the most; about 60 bytes each.
pub const IN_ALL_MAX: usize = 524_288;
/// How often it is looked through for what can be forgotten, where it is full.
const SWEPT_EVERY: Duration = Duration::from_secs(1);

/// What is remembered of a signature: two have the same half once in 2⁶⁴ calls.
type Half = [u8; 16];

/// What a signature is to those that were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was not taken before, and will not be again.
    First,
    /// It was.
    Again,
    /// There is no room to remember it.
    NoRoom,
}

/// What happens where there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// Nothing more is taken.
    Refuse,
    /// The one that would be forgotten next is forgotten.
    Forget,
}

/// Signatures of one credential. INVARIANT (both): what is in one is in the other.
#[derive(Debug, Default)]
struct Memory {
    taken: AHashSet<Half>,
    ends: BinaryHeap<Reverse<(Time, Half)>>,
}

impl Memory {
    /// Forgets what is over; says how many that were.
    fn forget(&mut self, now: Time) -> usize {
        let mut forgotten = 0;
        while self.ends.peek().is_some_and(|Reverse((end, _))| *end <= now) {
            forgotten += self.forget_next();
        }
        forgotten
    }

    fn forget_next(&mut self) -> usize {
        let Some(Reverse((_, half))) = self.ends.pop() else { return 0 };
        usize::from(self.taken.remove(&half))
    }
}

/// Signatures that were taken.
#[derive(Debug)]
pub struct Spent {
    shards: [Mutex<AHashMap<CredentialId, Memory>>; 16],
    count: AtomicUsize,
    swept_us: AtomicI64,
    per_credential: usize,
    in_all: usize,
}

impl Default for Spent {
    fn default() -> Self {
        Self::with_room(PER_CREDENTIAL_MAX, IN_ALL_MAX)
    }
}

impl Spent {
    fn with_room(per_credential: usize, in_all: usize) -> Self {
        let (count, swept_us) = (AtomicUsize::new(0), AtomicI64::new(i64::MIN));
        Self { shards: Default::default(), count, swept_us, per_credential, in_all }
    }

    /// How many are remembered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Takes a genuine signature of a credential, which is remembered until `end`.
    pub fn take(&self, credential: &CredentialId, mac: &Mac, end: Time, full: WhenFull, now: Time) -> Taken {
        let half: Half = std::array::from_fn(|at| mac.get(at).copied().unwrap_or_default());
        let taken = self.try_take(credential, half, end, full, now);
        if taken == Taken::NoRoom && self.sweep(now) { self.try_take(credential, half, end, full, now) } else { taken }
    }

    fn try_take(&self, credential: &CredentialId, half: Half, end: Time, full: WhenFull, now: Time) -> Taken {
        let mut shard = self.shard(credential);
        let memory = shard.entry(*credential).or_default();
        self.fewer(memory.forget(now));
        if memory.taken.contains(&half) {
            return Taken::Again;
        }
        let no_room = |memory: &Memory| memory.taken.len() >= self.per_credential || self.count() >= self.in_all;
        if no_room(memory) && full == WhenFull::Forget {
            self.fewer(memory.forget_next());
        }
        if no_room(memory) {
            return Taken::NoRoom;
        }
        memory.taken.insert(half);
        memory.ends.push(Reverse((end, half)));
        self.count.fetch_add(1, Ordering::Relaxed);
        Taken::First
    }

    /// Forgets what is over, of everybody. `false`: that was done a moment ago.
    fn sweep(&self, now: Time) -> bool {
        let before = self.swept_us.load(Ordering::Relaxed);
        let due = before == i64::MIN || now.since(Time::from_micros(before)) >= SWEPT_EVERY;
        let first = || self.swept_us.compare_exchange(before, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !due || !first() {
            return false;
        }
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let forgotten: usize = shard.values_mut().map(|memory| memory.forget(now)).sum();
            shard.retain(|_, memory| !memory.taken.is_empty());
            self.fewer(forgotten);
        }
        true
    }

    fn fewer(&self, forgotten: usize) {
        self.count.fetch_sub(forgotten, Ordering::Relaxed);
    }

    fn shard(&self, credential: &CredentialId) -> MutexGuard<'_, AHashMap<CredentialId, Memory>> {
        let byte = credential.as_str().bytes().last().unwrap_or_default();
        let [first, ..] = &self.shards;
        self.shards.get(usize::from(byte % 16)).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
