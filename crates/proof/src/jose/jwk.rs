//! One public key of a stranger (RFC 7517 §4): read strictly, bound to one algorithm, made ready once.
//!
//! The algorithm follows from the key and from what the issuer may sign with, never from a token (RFC 8725 §3.1). Where the
//! key does not say it, its curve does; an RSA key that does not say it is for `RS256`, as OpenID Connect Core §2 has it,
//! or for the only RSA algorithm that is allowed.

mod material;

use super::{
    algorithm::{Algorithm, Algorithms},
    json::{self, JsonFault},
    refusal::{KID_BYTES_MAX, Shown},
};
use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    signature::ParsedPublicKey,
};
use serde_json::{Map, Value};
use std::fmt;

/// Longest document of a single key, in bytes: one of ML-DSA-87 with a chain of certificates is shorter.
const DOCUMENT_BYTES_MAX: usize = 32 * 1024;
/// What a document of one key may hold.
const BOUNDS: json::Bounds = json::Bounds { depth: 4, values: 128 };
/// The members that hold what only the owner of a key may know (RFC 7518 §6, RFC 8037 §2, RFC 9964).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"];

/// Which keys count.
#[derive(Debug, Clone, Copy)]
pub struct Accepting {
    /// What they may sign with.
    pub algorithms: Algorithms,
    /// What they are for.
    pub usage: Usage,
}

/// What a key is published for (RFC 7517 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Signatures: `use` is `sig`, or absent.
    Signature,
    /// JWT-SVIDs of a SPIFFE trust domain: `use` is `jwt-svid`, and the key has a name (SPIFFE trust domain and bundle §4.2.2).
    JwtSvid,
}

/// Why something is no key that counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// It cannot be read.
    #[error("{0}")]
    Json(#[from] JsonFault),
    /// Longer than a key is.
    #[error("longer than a key is")]
    TooLong,
    /// Private members: whoever published them gave the key away.
    #[error("it has the member `{0}` of a private key")]
    Private(&'static str),
    /// A symmetric key: whoever can verify with it can sign with it.
    #[error("it is a symmetric key")]
    Symmetric,
    /// A member is missing or ill-formed.
    #[error("its member `{0}` is missing or ill-formed")]
    Member(&'static str),
    /// An unknown `kty`.
    #[error("its `kty` is `{0}`, which is not known here")]
    Kty(Shown),
    /// An unknown `crv`.
    #[error("its `crv` is `{0}`, which is not known here")]
    Curve(Shown),
    /// It is published for something else.
    #[error("its `use` or `key_ops` is not to verify signatures")]
    Usage,
    /// Its `alg` is not known, or not one of this type of key.
    #[error("its `alg` is `{0}`, which does not fit it")]
    Algorithm(Shown),
    /// Its algorithm is not allowed.
    #[error("`{0}` is not among the allowed algorithms")]
    NotAllowed(Algorithm),
    /// It does not say its algorithm, and several could be meant.
    #[error("it has no `alg`, and several of the allowed algorithms could be meant")]
    AlgorithmUnclear,
    /// An RSA modulus of a size that is too small or too large, in bits.
    #[error("its modulus has {0} bits, not 2048 to 8192")]
    ModulusBits(usize),
    /// An RSA exponent that is even, below 2^16 or above 2^33.
    #[error("its exponent is even, below 65537 or above 2^33")]
    Exponent,
    /// No point of its curve, one of small order, or no public key at all.
    #[error("it is no point of its curve, or no usable public key")]
    Point,
    /// The same key, for the same algorithm, under the same name stands before it.
    #[error("the same key stands before it")]
    Twice,
}

impl KeyFault {
    /// Whether the whole set must not be used: its publisher has given a secret away.
    #[must_use]
    pub const fn gives_away(&self) -> bool {
        matches!(self, Self::Private(_) | Self::Symmetric)
    }
}

/// A public key with its one algorithm.
#[derive(Clone)]
pub struct Key {
    kid: Option<Box<str>>,
    algorithm: Algorithm,
    thumbprint: Box<str>,
    public: ParsedPublicKey,
}

impl Key {
    /// Reads the document of one key.
    ///
    /// # Errors
    /// Says why it does not count.
    pub fn parse(document: &[u8], accepting: Accepting) -> Result<Self, KeyFault> {
        if document.len() > DOCUMENT_BYTES_MAX {
            return Err(KeyFault::TooLong);
        }
        Self::read(&json::object(document, BOUNDS)?, accepting)
    }

    /// Reads a key from its members.
    ///
    /// # Errors
    /// Says why it does not count.
    pub fn read(members: &Map<String, Value>, accepting: Accepting) -> Result<Self, KeyFault> {
        let kty = text(members, "kty")?;
        if kty == "oct" || members.contains_key("k") {
            return Err(KeyFault::Symmetric);
        }
        if let Some(member) = PRIVATE_MEMBERS.into_iter().find(|member| members.contains_key(*member)) {
            return Err(KeyFault::Private(member));
        }
        let kid = kid(members)?;
        check_usage(members, accepting.usage, kid)?;
        let material = material::read(kty, members)?;
        let algorithm = bind(members, material.fitting, accepting.algorithms)?;
        let public = material.public(algorithm)?;
        Ok(Self { kid: kid.map(Into::into), algorithm, thumbprint: material.thumbprint(algorithm).into(), public })
    }

    /// Its name, where it has one; at most [`KID_BYTES_MAX`] bytes.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The same under its thumbprint.
    pub(super) fn by_thumbprint(self) -> Self {
        Self { kid: Some(self.thumbprint.clone()), ..self }
    }

    /// The one algorithm that it is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its RFC 7638 thumbprint with SHA-256: 43 characters of base64url.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// It as a certificate has it: `SubjectPublicKeyInfo`, DER (RFC 5280 §4.1.2.7). `None`: its kind has no such form here.
    #[must_use]
    pub fn subject_public_key_info(&self) -> Option<Box<[u8]>> {
        let der: PublicKeyX509Der<'static> = self.public.as_der().ok()?;
        Some(der.as_ref().into())
    }

    /// Whether a signature is this key's over a message. ECDSA signatures are `r` and `s`, not DER (RFC 7518 §3.4).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        #[cfg(test)]
        VERIFIED.set(VERIFIED.get() + 1);
        self.public.verify_sig(message, signature).is_ok()
    }
}

#[cfg(test)]
thread_local! {
    /// How many signatures this thread has verified, whatever came of them: what is to cost the same is counted by tests.
    pub(crate) static VERIFIED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {} {:?})", self.algorithm, self.thumbprint, self.kid)
    }
}

fn text<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, KeyFault> {
    members.get(name).and_then(Value::as_str).ok_or(KeyFault::Member(name))
}

/// RFC 7517 §4.5.
fn kid(members: &Map<String, Value>) -> Result<Option<&str>, KeyFault> {
    match members.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if !kid.is_empty() && kid.len() <= KID_BYTES_MAX => Ok(Some(kid)),
        Some(_) => Err(KeyFault::Member("kid")),
    }
}

/// RFC 7517 §4.2 and §4.3: what is there must allow it, both where both are there.
fn check_usage(members: &Map<String, Value>, usage: Usage, kid: Option<&str>) -> Result<(), KeyFault> {
    let of_use = match (usage, members.get("use").map(Value::as_str)) {
        (Usage::Signature, None | Some(Some("sig"))) => true,
        (Usage::JwtSvid, Some(Some("jwt-svid"))) => kid.is_some(),
        (Usage::Signature | Usage::JwtSvid, _) => false,
    };
    let of_operations = match members.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => {
            let verify = operations.iter().filter(|operation| operation.as_str() == Some("verify")).count();
            verify == 1 && operations.iter().all(Value::is_string)
        }
        Some(_) => false,
    };
    if of_use && of_operations { Ok(()) } else { Err(KeyFault::Usage) }
}

/// The one algorithm of a key: what it says, or what its type leaves open.
fn bind(members: &Map<String, Value>, fitting: &[Algorithm], allowed: Algorithms) -> Result<Algorithm, KeyFault> {
    if let Some(named) = members.get("alg") {
        let named = named.as_str().ok_or(KeyFault::Member("alg"))?;
        let algorithm = Algorithm::parse(named).filter(|algorithm| fitting.contains(algorithm));
        let algorithm = algorithm.ok_or_else(|| KeyFault::Algorithm(Shown::of(named)))?;
        return if allowed.contains(algorithm) { Ok(algorithm) } else { Err(KeyFault::NotAllowed(algorithm)) };
    }
    let mut open = fitting.iter().copied().filter(|algorithm| allowed.contains(*algorithm));
    match (open.next(), open.next()) {
        (None, _) => fitting.first().map_or(Err(KeyFault::Member("alg")), |algorithm| Err(KeyFault::NotAllowed(*algorithm))),
        (Some(only), None) => Ok(only),
        (Some(Algorithm::Rs256), Some(_)) => Ok(Algorithm::Rs256),
        (Some(_), Some(_)) => Err(KeyFault::AlgorithmUnclear),
    }
}
