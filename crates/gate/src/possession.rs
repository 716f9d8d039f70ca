//! Proofs of possession (DPoP, RFC 9449) that were taken: none counts twice. And where a nonce of ours is wanted in one, which.
//!
//! How much is remembered is bounded, for each identity and in all. Who remembers much has to leave as much again free, so that nobody, with
//! however many credentials, uses up the room of others; where there is no room, no proof is taken. It is remembered in slices of time, for as long as the proof would be taken: what a proof says of when it
//! was made says in which slice it is, so one is looked into and each is forgotten whole.

use crate::{snapshot::Snapshot, spent::Taken};
use ahash::{AHashMap, RandomState};
use quick_cache::sync::Cache;
use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use wardgate_model::{
    api::{Api, Operation, OperationClass},
    facts::Facts,
    id::IdentityId,
    proof::HeldKey,
    reason::Reason,
    time::Time,
};
use wardgate_proof::dpop::{self, Checked, ProofKey, nonce::Space};

/// Proofs of one identity that are remembered, at the most: about 2,000 each second.
pub const PER_IDENTITY_MAX: usize = 262_144;
/// Proofs of all identities together, at the most; 10 to 20 bytes each.
pub const IN_ALL_MAX: usize = 2_097_152;
/// Keys that are remembered ready to verify with, at the most.
const KEYS_MAX: usize = 16_384;
/// Longest header of proofs whose key is remembered, in bytes: those of RSA keys of 4,096 bits are shorter.
const HEAD_BYTES_MAX: usize = 1_024;
/// How long a slice is.
const SLICE_US: i64 = 8_000_000;
/// How often it is looked through for what can be forgotten, where it is full.
const SWEPT_EVERY: Duration = Duration::from_secs(1);

/// What proofs may be signed with, as `algs` of a challenge has it (RFC 9449 §7.1).
#[must_use]
pub fn algorithms() -> String {
    dpop::algorithms().join(" ")
}

/// For what a nonce is wanted in proofs of possession; `None`: it is not.
#[must_use]
pub(crate) fn space<'a>(api: &'a Api, operation: &Operation) -> Option<Space<'a>> {
    if api.is_issuer() {
        return (operation.class == OperationClass::Login).then_some(Space::TokenService);
    }
    let wanted = api.require.iter().any(|require| require.nonce && require.class == operation.class);
    wanted.then_some(Space::Api(&api.name, operation.class))
}

/// The nonce that a client has to put into its next proof, where the answer to this request is to say it (RFC 9449 §8, §9).
#[must_use]
pub fn next_nonce(facts: &Facts, snapshot: &Snapshot, now: Time) -> Option<String> {
    let wanted = facts.stopped.is_some_and(|stopped| stopped.reason == Reason::ProofNonce);
    let used = || facts.caller.as_ref().is_some_and(|caller| matches!(caller.holds, Some(HeldKey::Key(_))));
    if !wanted && !used() {
        return None;
    }
    let space = space(facts.api.as_deref()?, facts.operation.as_deref()?)?;
    Some(snapshot.nonces().offer(space, now))
}

/// Whether a key may be remembered: not where its header is so long that somebody made it so.
#[must_use]
pub(crate) fn is_usual(key: &ProofKey) -> bool {
    key.head().len() <= HEAD_BYTES_MAX
}

/// What stands for a proof: a keyed hash of what makes it one of a kind. Two of one identity are held for the same once in 2⁶⁴, and then the
/// second is refused.
type Mark = u64;

/// A hash of marks: they are hashes.
#[derive(Debug, Clone, Copy, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write_u64(&mut self, mark: u64) {
        self.0 = mark;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Marks = HashSet<Mark, BuildHasherDefault<AsItIs>>;

/// Proofs of one identity, by the slice that their end lies in.
#[derive(Debug, Default)]
struct Memory {
    slices: Vec<(i64, Marks)>,
}

impl Memory {
    /// Forgets what is over; says how many that were.
    fn forget(&mut self, now: Time) -> usize {
        let first = now.as_micros().div_euclid(SLICE_US);
        if self.slices.iter().all(|(slice, _)| *slice >= first) {
            return 0;
        }
        let before = self.count();
        self.slices.retain(|(slice, _)| *slice >= first);
        before - self.count()
    }

    fn count(&self) -> usize {
        self.slices.iter().map(|(_, taken)| taken.len()).sum()
    }

    /// How many are remembered in all, and the slice that is looked for.
    fn with(&mut self, slice: i64) -> (usize, &mut Marks) {
        let (mut count, mut at) = (0, None);
        for (place, (of, marks)) in self.slices.iter().enumerate() {
            count += marks.len();
            at = if *of == slice { Some(place) } else { at };
        }
        let at = at.unwrap_or_else(|| {
            self.slices.push((slice, Marks::default()));
            self.slices.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "INVARIANT (there): it was found there, or has just been put there")]
        (count, &mut self.slices[at].1)
    }
}

/// Proofs that were taken, and the keys that made them.
#[derive(Debug)]
pub struct Possessions {
    keys: Cache<Arc<[u8]>, Arc<ProofKey>>,
    /// Keyed anew in each process.
    hash: RandomState,
    shards: [Mutex<AHashMap<IdentityId, Memory>>; 16],
    count: AtomicUsize,
    swept_us: AtomicI64,
    per_identity: usize,
    in_all: usize,
}

impl Default for Possessions {
    fn default() -> Self {
        Self::with_room(PER_IDENTITY_MAX, IN_ALL_MAX)
    }
}

impl Possessions {
    fn with_room(per_identity: usize, in_all: usize) -> Self {
        Self {
            keys: Cache::new(KEYS_MAX),
            hash: RandomState::new(),
            shards: Default::default(),
            count: AtomicUsize::new(0),
            swept_us: AtomicI64::new(i64::MIN),
            per_identity,
            in_all,
        }
    }

    /// How many are remembered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// The key that a header of proofs has, where one of them was good before.
    #[must_use]
    pub(crate) fn key(&self, head: &[u8]) -> Option<Arc<ProofKey>> {
        self.keys.get(head)
    }

    /// Remembers a key by its header ([`is_usual`]).
    pub(crate) fn remember(&self, key: &Arc<ProofKey>) {
        if is_usual(key) {
            self.keys.insert(Arc::clone(key.head()), Arc::clone(key));
        }
    }

    /// Takes a genuine proof of a key, shown by an identity. It stands for itself by key, address and `jti`: so nobody uses up those of
    /// another (RFC 9449 §11.1).
    pub fn take(&self, identity: &IdentityId, key: &[u8; 32], proof: &Checked<'_>, now: Time) -> Taken {
        // Half of a thumbprint is as much as anybody can find two keys for.
        let (half, _) = key.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        self.remember_once(identity, self.hash.hash_one((u128::from_le_bytes(*half), &*proof.target, &*proof.id)), proof.ends, now)
    }

    /// Takes a genuine signature of a request (RFC 9421) by a key, by what makes it one of a kind: until then it would be taken.
    pub(crate) fn take_signature(&self, identity: &IdentityId, key: &str, one_of_a_kind: &[u8], ends: Time, now: Time) -> Taken {
        self.remember_once(identity, self.hash.hash_one(("signature", key, one_of_a_kind)), ends, now)
    }

    fn remember_once(&self, identity: &IdentityId, mark: Mark, ends: Time, now: Time) -> Taken {
        let slice = ends.as_micros().div_euclid(SLICE_US);
        let taken = self.try_take(identity, mark, slice, now);
        if taken == Taken::NoRoom && self.sweep(now) { self.try_take(identity, mark, slice, now) } else { taken }
    }

    fn try_take(&self, identity: &IdentityId, mark: Mark, slice: i64, now: Time) -> Taken {
        let mut shard = self.shard(identity);
        match shard.get_mut(identity) {
            Some(memory) => self.note(memory, mark, slice, now),
            None => {
                let mut memory = Memory::default();
                let taken = self.note(&mut memory, mark, slice, now);
                shard.insert(identity.clone(), memory);
                taken
            }
        }
    }

    fn note(&self, memory: &mut Memory, mark: Mark, slice: i64, now: Time) -> Taken {
        let forgotten = memory.forget(now);
        if forgotten > 0 {
            self.count.fetch_sub(forgotten, Ordering::Relaxed);
        }
        let (count, taken) = memory.with(slice);
        if count >= self.per_identity.min(self.in_all.saturating_sub(self.count())) {
            return if taken.contains(&mark) { Taken::Again } else { Taken::NoRoom };
        }
        if !taken.insert(mark) {
            return Taken::Again;
        }
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
            shard.retain(|_, memory| !memory.slices.is_empty());
            self.count.fetch_sub(forgotten, Ordering::Relaxed);
        }
        true
    }

    fn shard(&self, identity: &IdentityId) -> MutexGuard<'_, AHashMap<IdentityId, Memory>> {
        let byte = identity.as_str().bytes().last().unwrap_or_default();
        let [first, ..] = &self.shards;
        self.shards.get(usize::from(byte % 16)).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
