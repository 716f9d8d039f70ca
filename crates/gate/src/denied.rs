//! The overlay of what was stopped: it reaches every request at once and never queues behind a rebuild.
//!
//! INVARIANT (monotone): between two full snapshots entries are only added. An entry goes only with
//! [`Denied::settle`], after a snapshot that itself no longer admits the subject has been published, or by an explicit
//! release.

use ahash::AHashSet;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicU64, Ordering};
use wardgate_model::{
    facts::Caller,
    id::{CredentialId, IdentityId, OwnerName},
};

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

/// The overlay. Reading it costs one atomic load while nothing is in it.
#[derive(Debug, Default)]
pub struct Denied {
    generation: AtomicU64,
    subjects: ArcSwap<AHashSet<Subject>>,
}

impl Denied {
    /// Stops a subject: the next request, and every open one at its next look, obeys.
    pub fn stop(&self, subject: Subject) {
        self.subjects.rcu(|now| {
            let mut next = AHashSet::clone(now);
            next.insert(subject.clone());
            next
        });
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Forgets subjects that the published snapshot itself refuses, or that were released.
    pub fn settle(&self, keep: impl Fn(&Subject) -> bool) {
        self.subjects.rcu(|now| now.iter().filter(|subject| keep(subject)).cloned().collect::<AHashSet<_>>());
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
        let credential = caller.credential.as_ref().is_some_and(|c| subjects.contains(&Subject::Credential(c.id.clone())));
        credential
            || subjects.contains(&Subject::Identity(caller.identity.id.clone()))
            || subjects.contains(&Subject::Owner(caller.identity.owner.clone()))
    }
}
