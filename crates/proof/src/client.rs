//! How a client of our token service proves itself by a key of its own: `private_key_jwt` (RFC 7521 §4.2, RFC 7523 §3 with the audience
//! rules of RFC 7523bis). The other way, a key that Wardgate issued, is [`crate::api_key`].
//!
//! The client is named by the assertion and nothing of it is believed before one of *its own* keys has verified it: a `kid` finds no
//! key of anybody else. Every assertion whose claims are good costs the work of one signature at least, whether or not there is a client
//! and a key of that name.

mod decoy;

use crate::{
    api_key,
    jose::{
        algorithm::{Algorithm, Algorithms},
        base64url,
        expected::{Expected, Sharing},
        jwk::{Accepting, Key, KeyFault, Usage},
        jwt::Unverified,
        key_set::KeySet,
        kind::TokenKind,
        refusal::Refusal,
        signer::{SignError, Signer},
    },
    signature,
};
use serde_json::json;
use std::time::Duration;
use wardgate_model::{
    id::{CredentialId, IdentityId},
    time::Time,
};

/// `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Longest life of an assertion, from `iat` (or from now, where it is missing) to `exp` (STANDARDS §1.4).
pub const LIFE_MAX: Duration = Duration::from_mins(5);
/// How far the client's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(30);
/// For how long those are good that [`assertion`] makes.
const LIFE: Duration = Duration::from_mins(1);
/// What a client may sign with.
const ALGORITHMS: Algorithms = Algorithms::ALL;
/// Stands in the id of a credential where a trust source stands otherwise; no name has brackets.
const BY: &str = "<public_key>";

/// What a client may sign with, by the names that JOSE has for it.
#[must_use]
pub fn algorithms() -> Vec<&'static str> {
    Algorithm::ALL.into_iter().filter(|algorithm| ALGORITHMS.contains(*algorithm)).map(alg).collect()
}

/// Ed25519 has two names; libraries know the older one (RFC 8037 §3.1).
fn alg(algorithm: Algorithm) -> &'static str {
    if algorithm == Algorithm::Ed25519 { "EdDSA" } else { algorithm.name() }
}

/// Reads a registered key: a JWK.
///
/// # Errors
/// Says why it does not count.
pub fn key(jwk: &str) -> Result<Key, KeyFault> {
    Key::parse(jwk.as_bytes(), Accepting { algorithms: ALGORITHMS, usage: Usage::Signature })
}

/// A key that is nobody's, for what an algorithm of HTTP signatures names (RFC 9421 §6.2.2): what is signed by nobody is tried with it, so
/// that it takes as long as with a key on record.
#[must_use]
pub fn stranger(algorithm: Option<&str>) -> Option<&'static Key> {
    let named = |key: &&Key| algorithm.is_some() && signature::name(key.algorithm()) == algorithm;
    let keys = decoy::keys().keys();
    keys.iter().find(named).or_else(|| keys.iter().find(|key| key.algorithm() == Algorithm::Ed25519))
}

/// The keys of one client together.
#[must_use]
pub fn keys(all: impl IntoIterator<Item = Key>) -> KeySet {
    KeySet::of(ALGORITHMS, all)
}

/// The id of the credential that a registered key is.
#[must_use]
pub fn credential_id(identity: &IdentityId, key: &Key) -> CredentialId {
    api_key::declared_id(identity.as_str(), BY, key.thumbprint())
}

/// An assertion that can be read, nothing of it believed.
#[derive(Debug)]
pub struct Assertion<'a>(Unverified<'a>);

/// A client that has proven itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asserted {
    /// The RFC 7638 thumbprint of the key that signed it.
    pub key: Box<str>,
    /// `jti`: it is good once.
    pub id: Box<str>,
    /// When it was made; `None`: it does not say.
    pub issued: Option<Time>,
    /// From this moment on it is not good any more, skew included.
    pub ends: Time,
}

impl<'a> Assertion<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// When it is no token that can be read in one way.
    pub fn read(text: &'a str) -> Result<Self, Refusal> {
        Unverified::read(text).map(Self)
    }

    /// Who it says that it is of: to find the keys by, and for nothing else.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.0.subject()
    }

    /// Its `jti`: of one that was verified before, to know it again.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.0.id()
    }

    /// Verifies it with the keys of its client, for the token service of this issuer. `None`: there is no such client, and nothing
    /// verifies, at the same cost.
    ///
    /// # Errors
    /// Says why it proves nothing.
    pub fn verify(self, keys: Option<&KeySet>, issuer: &str, now: Time) -> Result<Asserted, Refusal> {
        let client = self.0.subject().ok_or(Refusal::Missing("sub"))?;
        let expected = Expected {
            // RFC 7523 §3, rules 1 and 2: both are the client.
            issuer: Some(client.into()),
            // RFC 7523bis §4: the issuer and nothing else, not the address of an endpoint either.
            audiences: [issuer.into()].into(),
            sharing: Sharing::Refused,
            kinds: [TokenKind::ClientAuthentication].into(),
            trust_domain: None,
            subject_claim: "sub".into(),
            on_behalf_of: None,
            leeway: LEEWAY,
            life_max: LIFE_MAX,
        };
        let nobody = keys.is_none().then(|| KeySet::of(ALGORITHMS, []));
        let keys = keys.or(nobody.as_ref()).ok_or(Refusal::UnknownKey { kid: None })?;
        let verified = self.0.verify_evenly(keys, decoy::keys(), &expected, now)?;
        let id = verified.claims.id().ok_or(Refusal::Missing("jti"))?.into();
        Ok(Asserted { key: verified.key, id, issued: verified.claims.issued(), ends: verified.ends })
    }
}

/// An assertion of our own: what `wardgate token` shows. `id` is unlike any other.
///
/// # Errors
/// When the signature fails.
pub fn assertion(signer: &Signer, client: &str, issuer: &str, id: &[u8; 16], now: Time) -> Result<String, SignError> {
    let claims = json!({
        "iss": client,
        "sub": client,
        "aud": issuer,
        "jti": base64url::encode(id),
        "iat": now.as_seconds(),
        "exp": (now + LIFE).as_seconds(),
    });
    signer.sign(TokenKind::ClientAuthentication.typ(), &claims)
}

#[cfg(test)]
mod tests;
