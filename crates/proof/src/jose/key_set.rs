//! The keys of an issuer: a JWK Set (RFC 7517 §5), bounded, each key made ready once.
//!
//! A key that is not known or not for us is left out and named, so that an issuer may publish what we do not know yet. A set
//! that gives a secret away, or that cannot be read in one way, is refused whole: the last good one stays.

use super::{
    algorithm::{Algorithm, Algorithms},
    json::{self, JsonFault},
    jwk::{Accepting, Key, KeyFault},
    refusal::{Refusal, Shown},
};
use serde_json::Value;
use smallvec::SmallVec;

/// Longest document, in bytes (STANDARDS §1.12).
pub const DOCUMENT_BYTES_MAX: usize = 512 * 1024;
/// Most keys of one issuer.
pub const KEYS_MAX: usize = 100;
/// Most keys that are tried for a token that names none.
pub const TRIES_MAX: usize = 4;
/// What a document may hold: a hundred keys with their chains of certificates.
const BOUNDS: json::Bounds = json::Bounds { depth: 6, values: 8_192 };

/// Why a document is no set of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetFault {
    /// Longer than [`DOCUMENT_BYTES_MAX`].
    #[error("it is longer than {DOCUMENT_BYTES_MAX} bytes")]
    TooLong,
    /// It cannot be read in one way.
    #[error("it cannot be read: {0}")]
    Json(#[from] JsonFault),
    /// No array `keys`.
    #[error("it has no list `keys`")]
    Keys,
    /// More than [`KEYS_MAX`].
    #[error("it has more than {KEYS_MAX} keys")]
    TooMany,
    /// It gives a secret away.
    #[error("key {at} must not be published: {why}")]
    GivenAway {
        /// Which, counted from 0.
        at: usize,
        /// Why.
        why: KeyFault,
    },
}

/// A key that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which, counted from 0.
    pub at: usize,
    /// Its name.
    pub kid: Option<Shown>,
    /// Why.
    pub why: KeyFault,
}

/// The keys of an issuer.
#[derive(Debug, Clone)]
pub struct KeySet {
    algorithms: Algorithms,
    keys: Box<[Key]>,
    skipped: Box<[Skipped]>,
}

impl KeySet {
    /// Reads a JWK Set. Other members than `keys` mean nothing here; a set may be empty, and then nothing verifies.
    ///
    /// # Errors
    /// Says why it must not be used at all.
    pub fn parse(document: &[u8], accepting: Accepting) -> Result<Self, SetFault> {
        if document.len() > DOCUMENT_BYTES_MAX {
            return Err(SetFault::TooLong);
        }
        let members = json::object(document, BOUNDS)?;
        let listed = members.get("keys").and_then(Value::as_array).ok_or(SetFault::Keys)?;
        if listed.len() > KEYS_MAX {
            return Err(SetFault::TooMany);
        }
        let (mut keys, mut skipped) = (Vec::<Key>::with_capacity(listed.len()), Vec::new());
        for (at, listed) in listed.iter().enumerate() {
            let read = listed.as_object().ok_or(KeyFault::Json(JsonFault::NotObject)).and_then(|members| Key::read(members, accepting));
            let read = read.and_then(|key| if keys.iter().any(|before| same(before, &key)) { Err(KeyFault::Twice) } else { Ok(key) });
            match read {
                Ok(key) => keys.push(key),
                Err(why) if why.gives_away() => return Err(SetFault::GivenAway { at, why }),
                Err(why) => skipped.push(Skipped { at, kid: listed.get("kid").and_then(Value::as_str).map(Shown::of), why }),
            }
        }
        Ok(Self { algorithms: accepting.algorithms, keys: keys.into(), skipped: skipped.into() })
    }

    /// Of keys that were read one by one; the same key counts once.
    #[must_use]
    pub fn of(algorithms: Algorithms, all: impl IntoIterator<Item = Key>) -> Self {
        let mut keys = Vec::<Key>::new();
        for key in all {
            if !keys.iter().any(|before| same(before, &key)) {
                keys.push(key);
            }
        }
        Self { algorithms, keys: keys.into(), skipped: Box::default() }
    }

    /// The same, each key under its thumbprint (RFC 7638), as signatures of requests name it. One that is published under another name is
    /// left out: who names it so means another key.
    #[must_use]
    pub fn by_thumbprint(self) -> Self {
        let (mut keys, mut skipped) = (Vec::with_capacity(self.keys.len()), self.skipped.into_vec());
        for (at, key) in self.keys.into_iter().enumerate() {
            if key.kid().is_none_or(|kid| kid == key.thumbprint()) {
                keys.push(key.by_thumbprint());
            } else {
                skipped.push(Skipped { at, kid: key.kid().map(Shown::of), why: KeyFault::Member("kid") });
            }
        }
        Self { algorithms: self.algorithms, keys: keys.into(), skipped: skipped.into() }
    }

    /// The keys that count.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys that were left out, and why.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What its keys may sign with.
    #[must_use]
    pub const fn algorithms(&self) -> Algorithms {
        self.algorithms
    }

    /// Whether a key has this name.
    #[must_use]
    pub fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == Some(kid))
    }

    /// The keys that can have made a signature: the named one, or without a name every one of the algorithm.
    ///
    /// # Errors
    /// When there is none, when the named one is for another algorithm, and when more than [`TRIES_MAX`] could be meant.
    pub(super) fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<SmallVec<[&Key; TRIES_MAX]>, Refusal> {
        let named = |key: &&Key| kid.is_none() || key.kid() == kid;
        let mut fitting = self.keys.iter().filter(named).filter(|key| key.algorithm() == algorithm);
        let found: SmallVec<[&Key; TRIES_MAX]> = fitting.by_ref().take(TRIES_MAX).collect();
        if fitting.next().is_some() {
            return Err(Refusal::KeyUnclear);
        }
        if !found.is_empty() {
            return Ok(found);
        }
        match self.keys.iter().find(named) {
            Some(other) if kid.is_some() => Err(Refusal::AlgorithmOfKey { header: algorithm, key: other.algorithm() }),
            Some(_) | None => Err(Refusal::UnknownKey { kid: kid.map(Into::into) }),
        }
    }
}

fn same(one: &Key, other: &Key) -> bool {
    one.thumbprint() == other.thumbprint() && one.algorithm() == other.algorithm() && one.kid() == other.kid()
}
