//! Proofs of possession of a key (DPoP, RFC 9449): a JWT for one request, signed by the key that is in its own header.
//!
//! It proves that whoever sends the request has that key, and nothing of who that is: a token that is bound to the key says so. What
//! costs nothing is checked first ([`Proof::check`]), the signature last ([`Proof::is_of`]); nothing is believed before it. That a proof
//! was not taken before is for whoever remembers: [`Checked`] has what to remember it by, and until when.
//!
//! The header of a client's proofs is the same each time, so a [`ProofKey`] can be remembered by its text.

mod claims;
pub mod nonce;
pub mod target;

use crate::{
    access_token::SKEW,
    client,
    jose::{
        algorithm::{Algorithm, Algorithms},
        base64url,
        claims::time,
        jwk::{Accepting, Key, KeyFault, Usage},
        jws::{self, Header, TOKEN_BYTES_MAX},
        kind::TokenKind,
        refusal::{Part, Refusal, Shown},
        signer::{SignError, Signer},
    },
    scan,
};
use claims::Claims;
use nonce::{NonceKey, Space};
use serde_json::{Value, json};
use std::{borrow::Cow, sync::Arc, time::Duration};
use wardgate_model::time::Time;

/// How long ago a proof may have been made, beside the skew of clocks.
pub const AGE_MAX: Duration = Duration::from_mins(1);
/// How far ahead of us it may have been made, beside that.
pub const AHEAD_MAX: Duration = Duration::from_secs(5);
/// Longest `jti`, in bytes.
pub const ID_BYTES_MAX: usize = 256;

/// What proofs may be signed with, by the names that JOSE has for it (`dpop_signing_alg_values_supported`, `algs`).
#[must_use]
pub fn algorithms() -> Vec<&'static str> {
    client::algorithms()
}

/// Why a proof proves nothing (RFC 9449 §4.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is no JWT of this kind that can be read in one way.
    #[error("the proof cannot be read: {0}")]
    Unreadable(#[from] Refusal),
    /// Its header has no key.
    #[error("the header's `jwk` is missing or no object")]
    NoKey,
    /// Its header has no public key that counts.
    #[error("the header's `jwk` does not count: {0}")]
    Key(#[from] KeyFault),
    /// A claim is missing or ill-formed.
    #[error("the claim `{0}` is missing or ill-formed")]
    Claim(&'static str),
    /// It is for another method.
    #[error("`htm` is another method")]
    Method,
    /// It is for another address.
    #[error("`htu` is another address")]
    Target,
    /// A nonce of ours is wanted, and it has none that counts still.
    #[error("`nonce` is missing, or none that was given out here a short while ago")]
    Nonce,
    /// It was made too long ago.
    #[error("`iat` is too long ago")]
    Old,
    /// It is made in time to come.
    #[error("`iat` is to come")]
    Early,
}

/// The public key that the header of a proof has.
#[derive(Debug)]
pub struct ProofKey {
    key: Key,
    thumbprint: [u8; 32],
    head: Arc<[u8]>,
}

impl ProofKey {
    /// Reads the header of a proof, as it stands before the first dot.
    ///
    /// # Errors
    /// When it is no header of a proof, or has no public key that counts.
    pub fn read(head: &[u8]) -> Result<Self, Fault> {
        let members = jws::header(std::str::from_utf8(head).map_err(|_| Refusal::Encoding(Part::Header))?)?;
        let header = Header::read(&members)?;
        if !TokenKind::DpopProof.accepts(header.typ()) {
            return Err(Refusal::Type(header.typ().map(Shown::of)).into());
        }
        if header.algorithm().eq_ignore_ascii_case("none") {
            return Err(Refusal::Unsigned.into());
        }
        let algorithm = Algorithm::parse(header.algorithm()).ok_or_else(|| Refusal::Algorithm(Shown::of(header.algorithm())))?;
        let jwk = members.get("jwk").and_then(Value::as_object).ok_or(Fault::NoKey)?;
        // RFC 8725 §3.1: the key is for the algorithm that the header names, and for no other.
        let accepting = Accepting { algorithms: Algorithms::from_iter([algorithm]), usage: Usage::Signature };
        let key = Key::read(jwk, accepting)?;
        let thumbprint = hash(key.thumbprint()).ok_or(Fault::NoKey)?;
        Ok(Self { key, thumbprint, head: head.into() })
    }

    /// The header that it was read from. INVARIANT (text): a header with the same text has this key, and nothing that this one had not: what counts
    /// of a header is all in its text.
    #[must_use]
    pub const fn head(&self) -> &Arc<[u8]> {
        &self.head
    }

    /// Its SHA-256 thumbprint (RFC 7638): `jkt`.
    #[must_use]
    pub const fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }
}

/// A proof that can be read, nothing of it believed.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    signed: &'a [u8],
    head: &'a [u8],
    said: &'a [u8],
    signature: &'a [u8],
    key: Option<&'a ProofKey>,
}

/// So many bytes nearly every proof says, signature included.
const SHORT: usize = 384;
/// As long is a signature of 64 bytes in base64url, which nearly every proof has.
const SIGNATURE_CHARACTERS: usize = 86;

/// Room for what a proof says, decoded: for the usual one nothing is allocated.
#[derive(Debug)]
pub struct Room {
    short: [u8; SHORT],
    long: Vec<u8>,
}

impl Default for Room {
    fn default() -> Self {
        Self { short: [0; SHORT], long: Vec::new() }
    }
}

impl Room {
    fn of(&mut self, length: usize) -> &mut [u8] {
        if length <= SHORT {
            return self.short.get_mut(..length).unwrap_or_default();
        }
        self.long.resize(length, 0);
        &mut self.long
    }
}

/// For which request a proof is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// Under which scheme, host and port what it asks for is called: as [`target::origin`] has them.
    pub origins: &'a [Box<str>],
    /// Its path, in its one plain form.
    pub path: &'a str,
    /// Where a nonce of ours is wanted: by which key, and for what.
    pub nonce: Option<(&'a NonceKey, Space<'a>)>,
    /// The hash of the token that it should be for, where that is known, as `ath` has it: so that what it says is not looked at twice.
    pub token: Option<&'a str>,
    /// Now.
    pub now: Time,
}

/// What a proof says that is for its request and in time. Its signature is to be verified still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked<'p> {
    /// `jti`: together with key and address it is good once.
    pub id: Cow<'p, [u8]>,
    /// `htu`, as it says it.
    pub target: Cow<'p, [u8]>,
    /// `ath`: the SHA-256 of the token that it is for, in base64url: of one hash there is one such text ([`base64url::is_hash`]).
    pub token: Option<Cow<'p, [u8]>>,
    /// `nonce`, as it says it: it may answer a challenge, where none is wanted otherwise.
    pub nonce: Option<Cow<'p, [u8]>>,
    /// From then on it is not taken any more: so long it has to be remembered.
    pub ends: Time,
}

impl<'a> Proof<'a> {
    /// Takes it apart; `known`: a key whose header it may have, so that one that is known is not looked through again.
    ///
    /// # Errors
    /// When it is no compact JWS.
    pub fn read(text: &'a (impl AsRef<[u8]> + ?Sized), known: Option<&'a ProofKey>, room: &'a mut Room) -> Result<Self, Fault> {
        let text = text.as_ref();
        if text.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::TooLong.into());
        }
        // INVARIANT (text): a header that a key was read from is base64url, so there is no dot in it, and it is ASCII.
        let key = known.filter(|key| text.strip_prefix(&**key.head()).is_some_and(|rest| rest.first() == Some(&b'.')));
        let end = key.map_or_else(|| scan::find(text, b'.'), |key| Some(key.head().len()));
        let (head, rest) = parted(text, end).ok_or(Refusal::Parts)?;
        let (payload, signature) = parted(rest, last_dot(rest)).ok_or(Refusal::Parts)?;
        let signed = text.get(..head.len() + 1 + payload.len()).ok_or(Refusal::Parts)?;
        // Whose key it is is asked later on. What is no text is no header at all.
        if key.is_none() && !head.is_ascii() {
            return Err(Refusal::Encoding(Part::Header).into());
        }
        // A fourth part would be in one of these, and a dot is no base64url.
        let why = |part| if rest.iter().filter(|byte| **byte == b'.').count() > 1 { Refusal::Parts } else { Refusal::Encoding(part) };
        let payload_len = base64url::bytes_of(payload);
        let bytes = room.of(payload_len + base64url::bytes_of(signature));
        let (said, by) = bytes.split_at_mut_checked(payload_len).unwrap_or_default();
        if !base64url::decode_into(signature, by) {
            return Err(why(Part::Signature).into());
        }
        if !base64url::decode_into(payload, said) {
            return Err(why(Part::Claims).into());
        }
        Ok(Self { signed, head, said, signature: by, key })
    }

    /// Its header as it stands: what [`ProofKey::read`] reads, and what a key may be remembered by.
    #[must_use]
    pub const fn head(&self) -> &'a [u8] {
        self.head
    }

    /// The key of its header, where that was known.
    #[must_use]
    pub const fn key(&self) -> Option<&'a ProofKey> {
        self.key
    }

    /// Checks all but the signature, and but the token that it is for: RFC 9449 §4.3, checks 3, 8 to 11.
    ///
    /// # Errors
    /// Says what does not hold.
    pub fn check(&self, asked: &Asked<'_>) -> Result<Checked<'a>, Fault> {
        let claims = Claims::read(self.said)?;
        let id = claims.jti.filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX).ok_or(Fault::Claim("jti"))?;
        let issued = claims.iat.and_then(|number| time(&number)).ok_or(Fault::Claim("iat"))?;
        // RFC 9110 §9.1: methods are case-sensitive.
        if *claims.htm.ok_or(Fault::Claim("htm"))? != *asked.method.as_bytes() {
            return Err(Fault::Method);
        }
        let target = claims.htu.ok_or(Fault::Claim("htu"))?;
        if !asked.origins.iter().any(|origin| target::is(&target, origin, asked.path)) {
            return Err(Fault::Target);
        }
        let ends = match asked.nonce {
            // §11.1: the nonce says when it was made at the earliest, whatever the clock of the client.
            Some((key, space)) => {
                let made = claims.nonce.as_deref().and_then(|nonce| key.shown(space, nonce, asked.now)).ok_or(Fault::Nonce)?;
                made + (nonce::LIFE + SKEW)
            }
            None if issued > asked.now + (AHEAD_MAX + SKEW) => return Err(Fault::Early),
            None if asked.now > issued + (AGE_MAX + SKEW) => return Err(Fault::Old),
            None => issued + (AGE_MAX + SKEW),
        };
        let token = claims.ath;
        if token.as_deref().is_some_and(|text| asked.token.is_none_or(|hash| hash.as_bytes() != text) && !base64url::is_hash(text)) {
            return Err(Fault::Claim("ath"));
        }
        // It is taken at its end too.
        let ends = Time::from_micros(ends.as_micros().saturating_add(1));
        Ok(Checked { id, target, token, nonce: claims.nonce, ends })
    }

    /// Whether this key, which its header has, made it (checks 6 and 7).
    #[must_use]
    pub fn is_of(&self, key: &ProofKey) -> bool {
        key.key.verifies(self.signed, self.signature)
    }
}

/// Before and after the dot at a place.
fn parted(text: &[u8], at: Option<usize>) -> Option<(&[u8], &[u8])> {
    let (before, after) = text.split_at_checked(at?)?;
    Some((before, after.get(1..)?))
}

/// The dot before the signature: where it usually is, else the first. INVARIANT (one dot): where there are several, some part is no base64url,
/// whichever is taken.
fn last_dot(rest: &[u8]) -> Option<usize> {
    let usual = rest.len().checked_sub(SIGNATURE_CHARACTERS + 1);
    usual.filter(|at| rest.get(*at) == Some(&b'.')).or_else(|| scan::find(rest, b'.'))
}

fn hash(text: &str) -> Option<[u8; 32]> {
    base64url::decode(text)?.try_into().ok()
}

/// What a client proves with a request.
#[derive(Debug, Clone, Copy)]
pub struct Proving<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its address, without query and fragment.
    pub target: &'a str,
    /// The token that goes with it.
    pub token: Option<&'a str>,
    /// The last nonce that its server gave.
    pub nonce: Option<&'a str>,
    /// Unlike any other.
    pub id: &'a [u8; 16],
    /// Now.
    pub now: Time,
}

/// A proof of our own, as a client shows it (RFC 9449 §4.2).
///
/// # Errors
/// When the signature fails.
pub fn prove(signer: &Signer, proving: &Proving<'_>) -> Result<String, SignError> {
    let mut claims = json!({
        "jti": base64url::encode(proving.id), "htm": proving.method, "htu": proving.target, "iat": proving.now.as_seconds(),
    });
    if let Some(members) = claims.as_object_mut() {
        if let Some(token) = proving.token {
            members.insert("ath".to_owned(), base64url::encode(&crate::jose::hash(token)).into());
        }
        if let Some(nonce) = proving.nonce {
            members.insert("nonce".to_owned(), nonce.into());
        }
    }
    signer.sign_showing_key(TokenKind::DpopProof.typ(), &claims)
}

#[cfg(test)]
mod tests;
