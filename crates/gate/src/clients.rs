//! Clients of our token service that prove themselves by keys of their own: each identity's registered keys, made ready once.

use crate::shards::Named;
use ipnet::IpNet;
use std::sync::Arc;
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    id::IdentityId,
    inventory::Identity,
    time::Time,
};
use wardgate_proof::{
    client,
    jose::{
        jwk::{Key, KeyFault},
        key_set::KeySet,
    },
};

/// The registered keys of an identity.
#[derive(Debug)]
pub struct Client {
    identity: IdentityId,
    keys: KeySet,
    /// By the thumbprint of its key.
    credentials: Box<[(Box<str>, Arc<Credential>)]>,
}

impl Named for Client {
    fn name(&self) -> &str {
        self.identity.as_str()
    }
}

/// A registered key, and the credential that it is on record as. It needs no issue: it is there as long as it is declared, and ends
/// by containment.
///
/// # Errors
/// When the JWK is no key that counts.
pub fn registered(identity: &Identity, entry: &str, sources: &[IpNet], jwk: &str) -> Result<(Arc<Credential>, Key), KeyFault> {
    let key = client::key(jwk)?;
    let credential = Credential {
        id: client::credential_id(&identity.id, &key),
        identity: identity.id.clone(),
        name: entry.into(),
        kind: CredentialKind::PublicKey,
        environment: identity.environment.name.clone(),
        sources: sources.into(),
        hash: None,
        binding: None,
        created: Time::from_micros(0),
        expires: None,
        warn_from: None,
        state: CredentialState::Live,
    };
    Ok((Arc::new(credential), key))
}

impl Client {
    /// All registered keys of an identity; `None`: it has none. The same key in two entries is the first one.
    #[must_use]
    pub fn new(identity: &IdentityId, registered: Vec<(Arc<Credential>, Key)>) -> Option<Self> {
        let credentials: Box<[_]> = registered.iter().map(|(credential, key)| (key.thumbprint().into(), Arc::clone(credential))).collect();
        let keys = client::keys(registered.into_iter().map(|(_, key)| key));
        (!credentials.is_empty()).then(|| Self { identity: identity.clone(), keys, credentials })
    }

    /// What assertions of it are verified with.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The credential that the key of this thumbprint is.
    #[must_use]
    pub fn credential(&self, thumbprint: &str) -> Option<&Arc<Credential>> {
        self.credentials.iter().find(|(own, _)| **own == *thumbprint).map(|(_, credential)| credential)
    }
}
