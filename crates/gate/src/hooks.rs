//! Senders of signed webhooks: what each one's calls look like, and which of them a request may come from.
//!
//! A signature does not say whose it is, so the field that it stands in and the API that it is sent to say which secrets are
//! tried. INVARIANT (few): never more than [`CANDIDATES_MAX`] for a request, the oldest first, so that nobody who comes later
//! keeps an older sender from being known.

use ahash::{AHashMap, AHashSet};
use http::{HeaderMap, HeaderName};
use smallvec::SmallVec;
use std::{collections::BTreeMap, sync::Arc};
use wardgate_model::{
    api::Api,
    credential::{Credential, CredentialKind, CredentialState, HOOKS_MAX, SignatureForm},
    grant::{Grant, GrantTo},
    id::{ApiName, IdentityId, OwnerName},
    inventory::Identity,
    time::Time,
};
use wardgate_proof::webhook::Key;

/// Secrets that are tried for one request, at the most.
pub const CANDIDATES_MAX: usize = 2 * HOOKS_MAX;

/// A secret of a sender, ready to verify with.
#[derive(Debug)]
pub struct Hook {
    /// The credential that it belongs to.
    pub credential: Arc<Credential>,
    /// The owner of its identity.
    pub owner: OwnerName,
    /// How the sender signs its calls.
    pub form: SignatureForm,
    /// The secret.
    pub key: Key,
}

/// The secrets that a request may be signed with.
pub type Candidates = SmallVec<[Arc<Hook>; 2]>;

/// Every sender's secrets, found by the field that their signatures stand in. Copying it is cheap; a change of a sender is not,
/// and there are few of them.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    of: Arc<BTreeMap<IdentityId, Box<[Arc<Hook>]>>>,
    /// Each in the order of their issue.
    by_header: Arc<AHashMap<HeaderName, Vec<Arc<Hook>>>>,
}

impl Hooks {
    /// Whether nobody signs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Puts the secrets of an identity in the place of those it had before.
    pub(crate) fn put(&mut self, identity: &IdentityId, hooks: Box<[Arc<Hook>]>) {
        if hooks.is_empty() && !self.of.contains_key(identity) {
            return;
        }
        let by_header = Arc::make_mut(&mut self.by_header);
        let of = Arc::make_mut(&mut self.of);
        for old in of.remove(identity).iter().flatten() {
            if let Some(same) = by_header.get_mut(&old.form.header) {
                same.retain(|hook| hook.credential.identity != *identity);
                if same.is_empty() {
                    by_header.remove(&old.form.header);
                }
            }
        }
        for hook in &hooks {
            let same = by_header.entry(hook.form.header.clone()).or_default();
            let key = |hook: &Hook| (hook.credential.created, hook.credential.id);
            let at = same.partition_point(|other| key(other) < key(hook));
            same.insert(at, Arc::clone(hook));
        }
        if !hooks.is_empty() {
            of.insert(identity.clone(), hooks);
        }
    }

    /// The secrets that a request to an API may be signed with. Those that cannot be used any more come last: by them only the
    /// record can tell what became of a sender.
    #[must_use]
    pub fn candidates(&self, headers: &HeaderMap, api: &Api, granted: &Granted, now: Time) -> Candidates {
        let mut found = Candidates::new();
        if self.is_empty() || !api.accept.contains(&CredentialKind::Hmac) {
            return found;
        }
        let shown = || headers.keys().filter_map(|name| self.by_header.get(name)).flatten().filter(|hook| granted.may(hook, &api.name));
        for wanted in [true, false] {
            let some = shown().filter(|hook| is_usable(&hook.credential, now) == wanted);
            found.extend(some.take(CANDIDATES_MAX - found.len()).cloned());
        }
        found
    }
}

/// Whether a credential can be used still.
pub(crate) fn is_usable(credential: &Credential, now: Time) -> bool {
    credential.state == CredentialState::Live && credential.expires.is_none_or(|end| now < end)
}

/// Who is granted something on the APIs that take signatures.
#[derive(Debug, Default)]
pub struct Granted {
    to: AHashMap<ApiName, (AHashSet<IdentityId>, AHashSet<OwnerName>)>,
}

impl Granted {
    /// From all APIs and grants.
    #[must_use]
    pub fn new(apis: &[Arc<Api>], grants: &[Arc<Grant>]) -> Self {
        let accepting = apis.iter().filter(|api| api.accept.contains(&CredentialKind::Hmac));
        let mut to: AHashMap<ApiName, (AHashSet<IdentityId>, AHashSet<OwnerName>)> =
            accepting.map(|api| (api.name.clone(), Default::default())).collect();
        for grant in grants {
            let Some((identities, owners)) = to.get_mut(&grant.api) else { continue };
            match &grant.to {
                GrantTo::Identity(identity) => drop(identities.insert(identity.clone())),
                GrantTo::Owner(owner) => drop(owners.insert(owner.clone())),
            }
        }
        Self { to }
    }

    /// Whether a sender may be who calls this API: its entry names it, or names none and it is granted something there.
    fn may(&self, hook: &Hook, api: &ApiName) -> bool {
        match &hook.form.api {
            Some(named) => named == api,
            None => self
                .to
                .get(api)
                .is_some_and(|(identities, owners)| identities.contains(&hook.credential.identity) || owners.contains(&hook.owner)),
        }
    }
}

/// How many secrets of one entry are kept at hand: the two that may be live, and as many that were before them.
const KEPT: usize = 4;

/// The credentials of an entry that are worth opening: every one that can still be used, and some that could be.
pub fn worth_opening<'a>(credentials: impl Iterator<Item = &'a Arc<Credential>>) -> impl Iterator<Item = &'a Arc<Credential>> {
    let mut all: Vec<&Arc<Credential>> = credentials.filter(|credential| credential.kind == CredentialKind::Hmac).collect();
    // Of the live ones those that are over end before those that are not.
    all.sort_by_key(|credential| std::cmp::Reverse((credential.state == CredentialState::Live, credential.expires, credential.id)));
    all.into_iter().take(KEPT)
}

impl Hook {
    /// A secret of an identity.
    #[must_use]
    pub fn new(credential: &Arc<Credential>, identity: &Identity, form: &SignatureForm, key: Key) -> Self {
        Self { credential: Arc::clone(credential), owner: identity.owner.clone(), form: form.clone(), key }
    }
}
