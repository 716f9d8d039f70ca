//! Under what a token that was verified is remembered: the whole of it, so that what was found holds for this very text.
//!
//! The signed part is kept as it stands, the signature only as its SHA-256. Comparing is cheaper than hashing a thousand bytes, and
//! what is kept is no token: without its signature it proves nothing to anybody who reads our memory.
//!
//! A keyed hash that is faster (SipHash, ahash) would not do for the signature, however random its key: who reads our memory reads
//! the key too, and these functions can be run backwards by whoever has it. A text that gives the tag would be taken for the signature
//! here. SHA-256 cannot be run backwards; and a comparison of it that ends early tells nobody outside more than some bytes of a
//! hash whose text they would have to know already.

use quick_cache::Equivalent;
use std::hash::{Hash, Hasher};
use wardgate_proof::jose;

/// What is kept of a token. Only genuine ones come to be here, and the map finds them by the SHA-256 of their signatures, so nobody
/// outside chooses what falls together in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    signed: Box<str>,
    signature: [u8; 32],
}

/// The same of a token that is shown, borrowed. It hashes as [`Seen`] does.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    signed: &'a str,
    signature: [u8; 32],
}

impl Hash for Seen {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.signature.hash(state);
    }
}

impl Hash for Shown<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.signature.hash(state);
    }
}

impl<'a> Shown<'a> {
    /// Of a token's text; `None`: it has no parts.
    pub(super) fn of(token: &'a str) -> Option<Self> {
        token.rsplit_once('.').map(|(signed, signature)| Self { signed, signature: jose::hash(signature) })
    }
}

impl Equivalent<Seen> for Shown<'_> {
    fn equivalent(&self, seen: &Seen) -> bool {
        self.signature == seen.signature && *self.signed == *seen.signed
    }
}

impl From<Shown<'_>> for Seen {
    fn from(shown: Shown<'_>) -> Self {
        Self { signed: shown.signed.into(), signature: shown.signature }
    }
}

#[cfg(test)]
mod tests;
