//! The overlay of what was stopped: it reaches every request at once and never queues behind a rebuild.
//!
//! INVARIANT (monotone): between two full snapshots entries are only added. An entry goes only with [`Denied::settle`]:
//! when the published snapshot itself no longer admits the subject, and never sooner than [`LINGER`], so that every open
//! lease has looked at it; or with [`Denied::release`], when somebody undid the stop.

use ahash::AHashMap;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, sync::Arc, time::Duration};
use wardgate_model::{
    credential::Credential,
    facts::{Caller, Delegation},
    id::{CredentialId, IdentityId, OwnerName, TaskId, TrustName},
    inventory::Identity,
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
    /// Every proof that a trust source vouches for.
    Issuer(TrustName),
    /// One token, by its `jti`.
    Token(Box<str>),
    /// A task: all tokens of it.
    Task(TaskId),
}

/// What the published snapshot says of a stopped subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It would still let it in: the overlay alone stops it.
    StillAdmitted,
    /// It refuses it itself.
    Refused,
}

/// What is stopped, and since when. A map for each kind, so that looking needs no copy of a name.
#[derive(Debug, Clone, Default)]
struct Stopped {
    credentials: AHashMap<CredentialId, Time>,
    identities: AHashMap<IdentityId, Time>,
    owners: AHashMap<OwnerName, Time>,
    issuers: AHashMap<TrustName, Time>,
    tokens: AHashMap<Box<str>, Time>,
    tasks: AHashMap<TaskId, Time>,
}

impl Stopped {
    fn is_empty(&self) -> bool {
        let named = self.identities.is_empty() && self.owners.is_empty() && self.issuers.is_empty();
        named && self.credentials.is_empty() && self.tokens.is_empty() && self.tasks.is_empty()
    }

    fn add(&mut self, subject: Subject, now: Time) {
        match subject {
            Subject::Credential(id) => self.credentials.insert(id, now),
            Subject::Identity(id) => self.identities.insert(id, now),
            Subject::Owner(name) => self.owners.insert(name, now),
            Subject::Issuer(name) => self.issuers.insert(name, now),
            Subject::Token(id) => self.tokens.insert(id, now),
            Subject::Task(id) => self.tasks.insert(id, now),
        };
    }

    fn take(&mut self, subject: &Subject) {
        match subject {
            Subject::Credential(id) => self.credentials.remove(id),
            Subject::Identity(id) => self.identities.remove(id),
            Subject::Owner(name) => self.owners.remove(name),
            Subject::Issuer(name) => self.issuers.remove(name),
            Subject::Token(id) => self.tokens.remove(id),
            Subject::Task(id) => self.tasks.remove(id),
        };
    }

    fn has(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Credential(id) => self.credentials.contains_key(id),
            Subject::Identity(id) => self.identities.contains_key(id),
            Subject::Owner(name) => self.owners.contains_key(name),
            Subject::Issuer(name) => self.issuers.contains_key(name),
            Subject::Token(id) => self.tokens.contains_key(id),
            Subject::Task(id) => self.tasks.contains_key(id),
        }
    }

    /// What is shown was stopped: the token, its task, the credential, or whoever vouches for it.
    fn holds_shown(&self, caller: &Caller) -> bool {
        let token = || caller.token.as_ref().is_some_and(|token| self.tokens.contains_key(&token.id));
        let task = || caller.task.as_ref().is_some_and(|task| self.tasks.contains_key(task));
        caller.credential.as_ref().is_some_and(|credential| self.holds_credential(credential))
            || (!self.tokens.is_empty() && token())
            || (!self.tasks.is_empty() && task())
            || caller.delegation.as_ref().is_some_and(|delegation| self.holds_chain(delegation))
    }

    /// What a token came of was stopped: one of its ancestors, or by what one of its actors was proven.
    fn holds_chain(&self, Delegation { actors, parents }: &Delegation) -> bool {
        parents.iter().any(|parent| self.tokens.contains_key(parent)) || actors.iter().any(|actor| self.holds_credential(&actor.credential))
    }

    fn holds_identity(&self, identity: &Identity) -> bool {
        self.identities.contains_key(&identity.id) || self.owners.contains_key(&identity.owner)
    }

    fn holds_credential(&self, credential: &Credential) -> bool {
        let vouched = credential.binding.as_ref();
        self.credentials.contains_key(&credential.id) || vouched.is_some_and(|binding| self.issuers.contains_key(&binding.trust))
    }
}

/// Who wants to hear at once that something was stopped.
type Listener = Arc<dyn Fn() + Send + Sync>;

/// The overlay. Reading it costs one atomic load while nothing was ever in it.
#[derive(Default)]
pub struct Denied {
    generation: AtomicU64,
    stopped: ArcSwap<Stopped>,
    listeners: ArcSwap<Vec<Listener>>,
}

impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denied").field("generation", &self.generation()).field("stopped", &self.stopped).finish_non_exhaustive()
    }
}

impl Denied {
    /// Stops a subject at `now`: the next request, and every open one at its next look, obeys.
    pub fn stop(&self, subject: Subject, now: Time) {
        self.stop_all([subject], now);
    }

    /// Stops subjects together, which costs little more than one.
    pub fn stop_all(&self, subjects: impl IntoIterator<Item = Subject>, now: Time) {
        let subjects: Vec<Subject> = subjects.into_iter().collect();
        if subjects.is_empty() {
            return;
        }
        self.stopped.rcu(|before| {
            let mut after = Stopped::clone(before);
            for subject in &subjects {
                after.add(subject.clone(), now);
            }
            after
        });
        self.generation.fetch_add(1, Ordering::Release);
        for wake in self.listeners.load().iter() {
            wake();
        }
    }

    /// Calls `wake` after every stop, on the thread that stops: it must not wait.
    pub fn listen(&self, wake: impl Fn() + Send + Sync + 'static) {
        let wake: Listener = Arc::new(wake);
        self.listeners.rcu(|before| {
            let mut after = Vec::clone(before);
            after.push(Arc::clone(&wake));
            after
        });
    }

    /// Lets a subject in again: somebody undid the stop.
    pub fn release(&self, subject: &Subject) {
        self.stopped.rcu(|before| {
            let mut after = Stopped::clone(before);
            after.take(subject);
            after
        });
    }

    /// Forgets subjects that the published snapshot itself refuses, once they have been here for [`LINGER`].
    pub fn settle(&self, now: Time, standing: impl Fn(&Subject) -> Settled) {
        if self.stopped.load().is_empty() {
            return;
        }
        let stays = |subject: Subject, since: Time| match standing(&subject) {
            Settled::StillAdmitted => true,
            Settled::Refused => now.since(since) < LINGER,
        };
        self.stopped.rcu(|before| {
            let mut after = Stopped::clone(before);
            after.credentials.retain(|id, since| stays(Subject::Credential(*id), *since));
            after.identities.retain(|id, since| stays(Subject::Identity(id.clone()), *since));
            after.owners.retain(|name, since| stays(Subject::Owner(name.clone()), *since));
            after.issuers.retain(|name, since| stays(Subject::Issuer(name.clone()), *since));
            after.tokens.retain(|id, since| stays(Subject::Token(id.clone()), *since));
            after.tasks.retain(|id, since| stays(Subject::Task(id.clone()), *since));
            after
        });
    }

    /// Counts the acts of stopping: as long as it stays the same, nobody new was stopped.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether what this caller shows was stopped: its token, its credential, or whoever vouches for it; whatever was said of the
    /// caller itself.
    #[must_use]
    pub fn stops_credential(&self, caller: &Caller) -> bool {
        self.stopped.load().holds_shown(caller)
    }

    /// Whether a subject is stopped here.
    #[must_use]
    pub fn holds(&self, subject: &Subject) -> bool {
        self.generation() != 0 && self.stopped.load().has(subject)
    }

    /// Whether what a trust source vouches for was stopped.
    #[must_use]
    pub fn stops_issuer(&self, trust: &TrustName) -> bool {
        self.generation() != 0 && self.stopped.load().issuers.contains_key(trust)
    }

    /// Whether a task was stopped.
    #[must_use]
    pub fn stops_task(&self, task: &TaskId) -> bool {
        self.generation() != 0 && self.stopped.load().tasks.contains_key(task)
    }

    /// Whether this caller was stopped.
    #[must_use]
    pub fn stops(&self, caller: &Caller) -> bool {
        if self.generation() == 0 {
            return false;
        }
        let stopped = self.stopped.load();
        if stopped.is_empty() {
            return false;
        }
        let actors = || caller.delegation.iter().flat_map(|delegation| &delegation.actors);
        stopped.holds_shown(caller)
            || stopped.holds_identity(&caller.identity)
            || actors().any(|actor| stopped.holds_identity(&actor.identity))
    }
}
