//! The overlay of what was stopped: it reaches every request at once and never queues behind a rebuild.
//!
//! INVARIANT (monotone): between two full snapshots entries are only added. An entry goes only with [`Denied::settle`]:
//! when the published snapshot itself no longer admits the subject, and never sooner than [`LINGER`], so that every open
//! lease has looked at it; or with [`Denied::release`], when somebody undid the stop.

use ahash::AHashMap;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wardgate_model::{
    facts::Caller,
    id::{CredentialId, IdentityId, OwnerName},
    time::Time,
};

/// How long an entry stays at least. Open requests look many times a second.
pub const LINGER: Duration = Duration::from_secs(60);

/// Whom or what was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A credential.
    Credential(CredentialId),
    /// An identity with all it can prove itself by.
    Identity(IdentityId),
    /// Every identity of an owner.
    Owner(OwnerName),
}

/// What the published snapshot says of a stopped subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It would still let it in: the overlay alone stops it.
    StillAdmitted,
    /// It refuses it itself.
    Refused,
}

/// The overlay. Reading it costs one atomic load while nothing is in it.
#[derive(Debug, Default)]
pub struct Denied {
    generation: AtomicU64,
    subjects: ArcSwap<AHashMap<Subject, Time>>,
}

impl Denied {
    /// Stops a subject at `now`: the next request, and every open one at its next look, obeys.
    pub fn stop(&self, subject: Subject, now: Time) {
        self.subjects.rcu(|before| {
            let mut after = AHashMap::clone(before);
            after.insert(subject.clone(), now);
            after
        });
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Lets a subject in again: somebody undid the stop.
    pub fn release(&self, subject: &Subject) {
        self.subjects.rcu(|before| {
            let mut after = AHashMap::clone(before);
            after.remove(subject);
            after
        });
    }

    /// Forgets subjects that the published snapshot itself refuses, once they have been here for [`LINGER`].
    pub fn settle(&self, now: Time, standing: impl Fn(&Subject) -> Settled) {
        self.subjects.rcu(|before| {
            let stays = |(subject, since): &(&Subject, &Time)| match standing(subject) {
                Settled::StillAdmitted => true,
                Settled::Refused => now.since(**since) < LINGER,
            };
            before.iter().filter(stays).map(|(subject, since)| (subject.clone(), *since)).collect::<AHashMap<_, _>>()
        });
    }

    /// Counts the acts of stopping: as long as it stays the same, nobody new was stopped.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether this caller was stopped.
    #[must_use]
    pub fn stops(&self, caller: &Caller) -> bool {
        if self.generation() == 0 {
            return false;
        }
        let subjects = self.subjects.load();
        if subjects.is_empty() {
            return false;
        }
        let credential = caller.credential.as_ref().is_some_and(|c| subjects.contains_key(&Subject::Credential(c.id.clone())));
        credential
            || subjects.contains_key(&Subject::Identity(caller.identity.id.clone()))
            || subjects.contains_key(&Subject::Owner(caller.identity.owner.clone()))
    }
}
