//! Who calls, by what, and the tasks that are under way: the part of a snapshot that grows to millions.

use crate::{
    bindings::Bindings,
    clients::Client,
    hooks::{Hook, Hooks},
    shards::Shards,
    signers::Signers,
};
use std::sync::Arc;
use wardgate_model::{
    credential::Credential,
    id::{CredentialId, IdentityId, TaskId},
    inventory::Identity,
    task::Task,
};

/// Who calls, and by what: the part of a snapshot that grows to millions. Copying it is cheap.
#[derive(Debug, Clone)]
pub struct Population {
    pub(super) identities: Shards<Identity>,
    pub(super) credentials: Shards<Credential>,
    bindings: Bindings,
    hooks: Hooks,
    clients: Shards<Client>,
    signers: Signers,
    pub(super) tasks: Shards<Task>,
}

impl Default for Population {
    /// Nobody but `anonymous`.
    fn default() -> Self {
        let mut identities = Shards::default();
        identities.put(Arc::new(Identity::anonymous()));
        let (credentials, bindings, hooks, clients, signers, tasks) = Default::default();
        Self { identities, credentials, bindings, hooks, clients, signers, tasks }
    }
}

/// What became of an identity or a credential.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is so now.
    Identity(Arc<Identity>),
    /// It is not there any more.
    NoIdentity(IdentityId),
    /// It is so now.
    Credential(Arc<Credential>),
    /// It is not there any more.
    NoCredential(CredentialId),
    /// These are the credentials that an identity declares, beside what was issued to it; all of them.
    Declared(IdentityId, Box<[Arc<Credential>]>),
    /// These are the secrets that an identity's calls may be signed with; all of them.
    Hooks(IdentityId, Box<[Arc<Hook>]>),
    /// These are the keys that an identity may sign assertions with; all of them.
    Client(IdentityId, Option<Arc<Client>>),
    /// It is under way, and so it is now.
    Task(Arc<Task>),
    /// It is over.
    NoTask(TaskId),
}

impl Extend<Change> for Population {
    fn extend<I: IntoIterator<Item = Change>>(&mut self, changes: I) {
        for change in changes {
            self.apply(change);
        }
    }
}

impl FromIterator<Change> for Population {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        let mut population = Self::default();
        population.extend(changes);
        population
    }
}

impl Population {
    /// Makes a change true.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Identity(identity) => self.identities.put(identity),
            Change::NoIdentity(id) => {
                self.identities.remove(id.as_str());
                self.declare(&id, Box::default());
                self.hooks.put(&id, Box::default());
                self.register(&id, None);
            }
            Change::Credential(credential) => self.credentials.put(credential),
            Change::NoCredential(id) => self.credentials.remove(id.as_str()),
            Change::Declared(identity, credentials) => self.declare(&identity, credentials),
            Change::Hooks(identity, hooks) => self.hooks.put(&identity, hooks),
            Change::Client(identity, client) => self.register(&identity, client),
            Change::Task(task) => self.tasks.put(self.named_once(task)),
            Change::NoTask(id) => self.tasks.remove(id.as_str()),
        }
    }

    fn declare(&mut self, identity: &IdentityId, credentials: Box<[Arc<Credential>]>) {
        credentials.iter().for_each(|credential| self.credentials.put(Arc::clone(credential)));
        for gone in self.bindings.declare(identity, credentials) {
            self.credentials.remove(gone.id.as_str());
        }
    }

    /// INVARIANT (both): who has keys is found by name, and by each of the keys.
    fn register(&mut self, identity: &IdentityId, client: Option<Arc<Client>>) {
        self.signers.change(self.clients.get(identity.as_str()).map(|before| &**before), client.as_deref());
        match client {
            Some(client) => self.clients.put(client),
            None => self.clients.remove(identity.as_str()),
        }
    }

    /// Lets a task use the name of its identity as it is in memory already.
    fn named_once(&self, task: Arc<Task>) -> Arc<Task> {
        match self.identities.get(task.identity.as_str()) {
            Some(identity) => Arc::new(Task { identity: identity.id.clone(), ..Arc::unwrap_or_clone(task) }),
            None => task,
        }
    }

    /// The tasks that are under way, as far as is on record.
    #[must_use]
    pub fn tasks(&self) -> &Shards<Task> {
        &self.tasks
    }

    /// Which credential a foreign proof stands for.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// Who signs webhooks.
    #[must_use]
    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// The keys that an identity may sign assertions with.
    #[must_use]
    pub fn client(&self, identity: &str) -> Option<&Arc<Client>> {
        self.clients.get(identity)
    }

    /// Who has the key of a thumbprint.
    #[must_use]
    pub(crate) fn signers(&self) -> &Signers {
        &self.signers
    }

    /// The identities, `anonymous` among them.
    #[must_use]
    pub fn identities(&self) -> &Shards<Identity> {
        &self.identities
    }

    /// The credentials.
    #[must_use]
    pub fn credentials(&self) -> &Shards<Credential> {
        &self.credentials
    }
}
