//! What identities declare beside what was issued to them: credentials that others vouch for, and whom their proofs stand for.

use crate::shards::{Named, Shards};
use ipnet::IpNet;
use std::{collections::BTreeMap, sync::Arc};
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    id::{CredentialId, IdentityId},
    inventory::Identity,
    time::Time,
    trust::{Binding, Subject},
};
use wardgate_proof::{
    api_key,
    binding::{Holder, Subjects},
    x509::names,
};

/// What one identity declares.
#[derive(Debug)]
struct Declared {
    identity: IdentityId,
    credentials: Box<[Arc<Credential>]>,
}

impl Named for Declared {
    fn name(&self) -> &str {
        self.identity.as_str()
    }
}

/// The credential on record for an entry of an identity's `credentials` that others vouch for. It needs no issue: it is there as
/// long as it is declared, and ends by containment.
#[must_use]
pub fn declared(identity: &Identity, entry: &str, kind: CredentialKind, sources: &[IpNet], binding: &Binding) -> Credential {
    Credential {
        id: id(&identity.id, binding),
        identity: identity.id.clone(),
        name: entry.into(),
        kind,
        environment: identity.environment.name.clone(),
        sources: sources.into(),
        hash: None,
        binding: Some(Box::new(Binding { subject: compared(kind, &binding.subject), ..binding.clone() })),
        created: Time::from_micros(0),
        expires: None,
        warn_from: None,
        task: None,
        state: CredentialState::Live,
    }
}

/// The id of the credential for a binding of an identity.
#[must_use]
pub fn id(identity: &IdentityId, binding: &Binding) -> CredentialId {
    api_key::declared_id(identity.as_str(), binding.trust.as_str(), &binding.subject.to_string())
}

/// A subject in the form in which proofs have it: names in certificates are compared in one form (RFC 5280 §7.2).
fn compared(kind: CredentialKind, subject: &Subject) -> Subject {
    match subject {
        Subject::Exactly(text) if kind == CredentialKind::X509 => names::subject(text).map_or_else(|_| subject.clone(), Subject::Exactly),
        Subject::Exactly(_) | Subject::Beginning(_) => subject.clone(),
    }
}

/// Credentials that others vouch for.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    declared: Shards<Declared>,
    subjects: Subjects,
    revision: u64,
}

impl Bindings {
    /// Counts the changes: an answer of [`Self::subjects`] is good for as long as it stays the same.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whom a foreign proof stands for.
    #[must_use]
    pub fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    /// What identities declare, of one or of all, by identity and name: what comes after a place, at most `limit`.
    #[must_use]
    pub fn declared_after(&self, of: Option<&IdentityId>, after: Option<(&str, &str)>, limit: usize) -> Vec<Arc<Credential>> {
        let one = of.and_then(|of| self.declared.get(of.as_str()));
        let all = of.is_none().then(|| self.declared.iter()).into_iter().flatten();
        // There may be a million: only as many are held as are asked for.
        let mut first = BTreeMap::new();
        for credential in one.into_iter().chain(all).flat_map(|declared| declared.credentials.iter()) {
            let place = (credential.identity.as_str(), &*credential.name);
            if after.is_none_or(|after| after < place) {
                first.insert(place, credential);
                if first.len() > limit {
                    first.pop_last();
                }
            }
        }
        first.into_values().cloned().collect()
    }

    /// Puts what an identity declares in the place of what it declared before. Gives what it does not declare any more.
    pub(crate) fn declare(&mut self, identity: &IdentityId, credentials: Box<[Arc<Credential>]>) -> Vec<Arc<Credential>> {
        let before = self.declared.get(identity.as_str()).map(|before| before.credentials.clone()).unwrap_or_default();
        if before.is_empty() && credentials.is_empty() {
            return Vec::new();
        }
        self.revision += 1;
        for old in &before {
            old.binding.iter().for_each(|binding| self.subjects.remove(binding, &old.id));
        }
        for new in &credentials {
            let holder = || Holder { identity: identity.clone(), credential: new.id };
            new.binding.iter().for_each(|binding| self.subjects.put(binding, holder()));
        }
        let gone = before.iter().filter(|old| !credentials.iter().any(|new| new.id == old.id)).cloned().collect();
        if credentials.is_empty() {
            self.declared.remove(identity.as_str());
        } else {
            self.declared.put(Arc::new(Declared { identity: identity.clone(), credentials }));
        }
        gone
    }
}

#[cfg(test)]
mod tests;
