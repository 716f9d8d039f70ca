//! The mint of upstream assertions: signed once, used again for up to a minute by every equal request.
//!
//! Signing costs 13 µs and more, so a minted assertion is remembered by *every* claim it carries and the revision of the
//! identity. It names no request: `Wardgate-Request-Id` does.

use http::HeaderValue;
use quick_cache::sync::Cache;
use std::sync::Arc;
use wardgate_model::time::Time;
use wardgate_proof::{
    assertion::{AssertionClaims, REUSE_MAX},
    jws::Signer,
};

/// Assertions remembered at a time, over all callers.
const REMEMBERED_MAX: usize = 16_384;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    claims: AssertionClaims,
    revision: u64,
}

#[derive(Debug, Clone)]
struct Minted {
    value: HeaderValue,
    until: Time,
}

/// What our tokens are signed with.
#[derive(Debug)]
enum Tokens {
    /// What assertions are signed with.
    Same,
    /// A key that is elsewhere; `None`: it is away.
    Elsewhere(Option<Signer>),
}

/// Signs assertions. Shared by all snapshots that use the same key.
pub struct Mint {
    signer: Signer,
    tokens: Tokens,
    issuer: Arc<str>,
    remembered: Cache<Key, Minted>,
}

impl Mint {
    /// A mint for an issuer's URL.
    #[must_use]
    pub fn new(signer: Signer, issuer: Arc<str>) -> Self {
        Self { signer, tokens: Tokens::Same, issuer, remembered: Cache::new(REMEMBERED_MAX) }
    }

    /// The same, where tokens are signed with a key that is elsewhere; `None`: it is away, and there are none. Assertions are made where
    /// requests are judged, which wait for nobody: they keep the key that is here.
    #[must_use]
    pub fn with_tokens_by(self, signer: Option<Signer>) -> Self {
        Self { tokens: Tokens::Elsewhere(signer), ..self }
    }

    /// The key that signs tokens; `None`: it is away.
    #[must_use]
    pub const fn tokens(&self) -> Option<&Signer> {
        match &self.tokens {
            Tokens::Same => Some(&self.signer),
            Tokens::Elsewhere(signer) => signer.as_ref(),
        }
    }

    /// Who signs.
    #[must_use]
    pub fn issuer(&self) -> &Arc<str> {
        &self.issuer
    }

    /// The key that signs; its public half belongs into the published key set.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The assertion for these claims about an identity at this revision. `None` when signing failed.
    #[must_use]
    pub fn assert(&self, claims: AssertionClaims, revision: u64, now: Time) -> Option<HeaderValue> {
        let key = Key { claims, revision };
        if let Some(minted) = self.remembered.get(&key).filter(|minted| now < minted.until) {
            return Some(minted.value);
        }
        let token = key.claims.sign(&self.signer, now).ok()?;
        let mut value = HeaderValue::try_from(token).ok()?;
        value.set_sensitive(true);
        self.remembered.insert(key, Minted { value: value.clone(), until: now + REUSE_MAX });
        Some(value)
    }
}

impl std::fmt::Debug for Mint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mint").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
