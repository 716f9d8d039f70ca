//! Under what a token that was verified is remembered: the whole of it, so that what was found holds for this very text.
//!
//! The signed part is kept as it stands, the signature only as its hash. Comparing is cheaper than hashing a thousand bytes, and what
//! is kept is no token: without its signature it proves nothing to anybody who reads our memory.

use quick_cache::Equivalent;
use wardgate_proof::jose;

/// What is kept of a token. Only genuine ones come to be here, so nobody outside chooses what falls together in the map.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    signed: Box<str>,
    signature: [u8; 32],
}

/// The same of a token that is shown, borrowed. It hashes as [`Seen`] does.
#[derive(Debug, Hash)]
pub(super) struct Shown<'a> {
    signed: &'a str,
    signature: [u8; 32],
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
