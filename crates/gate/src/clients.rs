//! Clients of our token service that prove themselves by keys of their own: each identity's registered keys, made ready once.

use crate::shards::Named;
use ipnet::IpNet;
use std::sync::Arc;
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState, TokenBinding},
    id::{CredentialId, IdentityId},
    inventory::Identity,
    time::Time,
};
use wardgate_proof::{
    client,
    jose::{
        jwk::{Key, KeyFault},
        key_set::KeySet,
    },
    x509,
};

/// The registered keys of an identity.
#[derive(Debug)]
pub struct Client {
    identity: IdentityId,
    keys: KeySet,
    credentials: Box<[Entry]>,
}

/// What one of them stands for.
#[derive(Debug)]
struct Entry {
    thumbprint: Box<str>,
    /// As a certificate has it.
    in_certificates: Option<Box<[u8]>>,
    credential: Arc<Credential>,
    tokens: TokenBinding,
}

/// A registered key, the credential that it is on record as, and what tokens have to be that it is shown for.
#[derive(Debug)]
pub struct Registered {
    /// The credential.
    pub credential: Arc<Credential>,
    /// The key.
    pub key: Key,
    /// Whether its tokens have to be bound to a key.
    pub tokens: TokenBinding,
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
pub fn registered(identity: &Identity, entry: &str, sources: &[IpNet], jwk: &str, tokens: TokenBinding) -> Result<Registered, KeyFault> {
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
        task: None,
        state: CredentialState::Live,
    };
    Ok(Registered { credential: Arc::new(credential), key, tokens })
}

impl Client {
    /// All registered keys of an identity; `None`: it has none. The same key in two entries is the first one.
    #[must_use]
    pub fn new(identity: &IdentityId, registered: Vec<Registered>) -> Option<Self> {
        let entry = |one: &Registered| Entry {
            thumbprint: one.key.thumbprint().into(),
            in_certificates: one.key.subject_public_key_info(),
            credential: Arc::clone(&one.credential),
            tokens: one.tokens,
        };
        let credentials: Box<[Entry]> = registered.iter().map(entry).collect();
        let keys = client::keys(registered.into_iter().map(|one| one.key));
        (!credentials.is_empty()).then(|| Self { identity: identity.clone(), keys, credentials })
    }

    /// The names of its keys: their thumbprints (RFC 7638).
    pub(crate) fn thumbprints(&self) -> impl Iterator<Item = &str> {
        self.credentials.iter().map(|entry| &*entry.thumbprint)
    }

    /// Whose keys these are.
    pub(crate) const fn identity(&self) -> &IdentityId {
        &self.identity
    }

    /// A key by its thumbprint or by the id of its credential, with the credential that it is.
    pub(crate) fn signing(&self, name: &str) -> Option<(&Key, &Arc<Credential>)> {
        let entry = self.credentials.iter().find(|entry| *entry.thumbprint == *name || entry.credential.id.as_str() == name)?;
        let key = self.keys.keys().iter().find(|key| *key.thumbprint() == *entry.thumbprint)?;
        Some((key, &entry.credential))
    }

    /// What assertions of it are verified with.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The credential that the key of this thumbprint is.
    #[must_use]
    pub fn credential(&self, thumbprint: &str) -> Option<&Arc<Credential>> {
        self.credentials.iter().find(|entry| *entry.thumbprint == *thumbprint).map(|entry| &entry.credential)
    }

    /// The credential whose key a certificate has, whoever signed that (RFC 8705 §2.2).
    #[must_use]
    pub fn certified(&self, leaf: &[u8]) -> Option<&Arc<Credential>> {
        let has = |entry: &&Entry| entry.in_certificates.as_deref().is_some_and(|key| x509::has_key(leaf, key));
        self.credentials.iter().find(has).map(|entry| &entry.credential)
    }

    /// Whether tokens that are got by one of these credentials have to be bound to a key.
    #[must_use]
    pub fn tokens(&self, credential: &CredentialId) -> TokenBinding {
        let entry = self.credentials.iter().find(|entry| entry.credential.id == *credential);
        entry.map_or(TokenBinding::Optional, |entry| entry.tokens)
    }
}
