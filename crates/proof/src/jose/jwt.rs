//! A token proves who calls, or it is refused: all steps in one order.
//!
//! Takes text, the keys of its issuer, what must hold, and now; gives [`Verified`]. Cheap before dear: shape, kind, claims,
//! and the signature last, so that an expired or foreign token costs no verification and asks nobody for keys. Nothing is
//! believed before the last step.

use super::{
    algorithm::Algorithm, claims::Claims, expected::Expected, jwk::Key, jws::Compact, key_set::KeySet, kind::TokenKind, refusal::Refusal,
};
use serde_json::{Map, Value};
use wardgate_model::time::Time;

/// A token that can be read, nothing of it believed. It says whose keys are to be taken.
#[derive(Debug)]
pub struct Unverified<'a> {
    compact: Compact<'a>,
    claims: Claims,
}

/// A token that is genuine and meant for us.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Who calls: the value of the claim that says it.
    pub subject: Box<str>,
    /// For whom it calls, where a claim is to say so and does.
    pub on_behalf_of: Option<Box<str>>,
    /// Its kind.
    pub kind: TokenKind,
    /// What it was signed with.
    pub algorithm: Algorithm,
    /// The RFC 7638 thumbprint of the key that signed it.
    pub key: Box<str>,
    /// From this moment on it is not good any more: `exp`, skew included.
    pub ends: Time,
    /// All that it says.
    pub claims: Claims,
}

impl<'a> Unverified<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// When it is no token that can be read in one way.
    pub fn read(token: &'a str) -> Result<Self, Refusal> {
        let compact = Compact::parse(token)?;
        let claims = Claims::read(compact.payload())?;
        Ok(Self { compact, claims })
    }

    /// Who is said to have issued it: to find keys by, and for nothing else.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.claims.issuer()
    }

    /// Whom it is said to be about: to find the keys of a SPIFFE trust domain by, and for nothing else.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.claims.subject()
    }

    /// `jti`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.claims.id()
    }

    /// Under which name the key is known.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.compact.header().kid()
    }

    /// Verifies it.
    ///
    /// # Errors
    /// Says why it proves nothing.
    pub fn verify(self, keys: &KeySet, expected: &Expected, now: Time) -> Result<Verified, Refusal> {
        self.verified(keys, expected, now, |compact| compact.signer(keys))
    }

    /// The same, at the cost of a signature also where no key can have made it: with a key of the algorithm among `decoys`.
    ///
    /// # Errors
    /// Says why it proves nothing.
    pub fn verify_evenly(self, keys: &KeySet, decoys: &KeySet, expected: &Expected, now: Time) -> Result<Verified, Refusal> {
        self.verified(keys, expected, now, |compact| compact.signer_evenly(keys, decoys))
    }

    fn verified<'k>(
        self,
        keys: &'k KeySet,
        expected: &Expected,
        now: Time,
        signer: impl FnOnce(&Compact<'a>) -> Result<&'k Key, Refusal>,
    ) -> Result<Verified, Refusal> {
        // RFC 8725 §3.1: before anything else, so that `none` is always called by its name.
        let algorithm = self.compact.algorithm(keys)?;
        let kind = expected.kind(self.compact.header())?;
        let ends = expected.check(kind, &self.claims, now)?;
        let subject = expected.subject(kind, &self.claims)?;
        let on_behalf_of = expected.on_behalf_of(&self.claims)?;
        let key = signer(&self.compact)?;
        Ok(Verified { subject, on_behalf_of, kind, algorithm, key: key.thumbprint().into(), ends, claims: self.claims })
    }
}

/// Verifies a token whose issuer is known beforehand.
///
/// # Errors
/// Says why it proves nothing.
pub fn verify(token: &str, keys: &KeySet, expected: &Expected, now: Time) -> Result<Verified, Refusal> {
    Unverified::read(token)?.verify(keys, expected, now)
}

/// What an issuer says of an active opaque token of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Introspected {
    /// Who calls.
    pub subject: Box<str>,
    /// For whom it calls, where a member is to say so and does.
    pub on_behalf_of: Option<Box<str>>,
    /// From this moment on it is not good any more, skew included.
    pub ends: Time,
    /// All that is said of it.
    pub claims: Claims,
}

/// Judges what an issuer says of an active opaque token (RFC 7662 §2.2), as a token's own claims are judged.
///
/// # Errors
/// Says why it proves nothing here.
pub fn introspected(members: Map<String, Value>, expected: &Expected, now: Time) -> Result<Introspected, Refusal> {
    let claims = Claims::of(members)?;
    let ends = expected.check_introspected(&claims, now)?;
    let subject = expected.subject(TokenKind::Plain, &claims)?;
    let on_behalf_of = expected.on_behalf_of(&claims)?;
    Ok(Introspected { subject, on_behalf_of, ends, claims })
}
