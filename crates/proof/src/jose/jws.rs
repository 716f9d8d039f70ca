//! A compact JWS (RFC 7515 §7.1) taken apart, and the key that made it found.
//!
//! Bounded before anything is read. The header is a stranger's: it says under which name the key is known, and no more.
//! Members that bring or point to a key (`jwk`, `jku`, `x5c`, `x5u`) are read by nobody (CVE-2018-0114), but for the `jwk` of a
//! proof of possession ([`crate::dpop`]); members that would
//! change what the bytes mean (`crit`, `b64`, `zip`, `enc`, `cty: JWT`) are refused.

use super::{
    algorithm::Algorithm,
    base64url, json,
    jwk::Key,
    key_set::KeySet,
    refusal::{KID_BYTES_MAX, Part, Refusal, Shown},
};
use serde_json::{Map, Value};

/// Longest token, in bytes: one signed with ML-DSA-87 and many claims is shorter.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Longest header of a token, in bytes as it is sent.
const HEADER_BYTES_MAX: usize = 8 * 1024;
/// Longest `alg` and `typ`, in bytes.
const WORD_BYTES_MAX: usize = 128;
/// What a header may hold. A certificate chain that nobody reads is one list.
const BOUNDS: json::Bounds = json::Bounds { depth: 4, values: 64 };

/// What a header says that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    algorithm: Box<str>,
    kid: Option<Box<str>>,
    typ: Option<Box<str>>,
    bare: bool,
}

impl Header {
    /// `alg`, as it is written.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The name of the key; at most [`KID_BYTES_MAX`] bytes.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The kind of token.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// Whether nothing but `alg`, `kid` and `typ` is there.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.bare
    }

    /// Reads it from its members.
    ///
    /// # Errors
    /// When a member that is read has not its type, or one is there that would change what the bytes mean.
    pub(crate) fn read(members: &Map<String, Value>) -> Result<Self, Refusal> {
        if members.contains_key("enc") {
            return Err(Refusal::Encrypted);
        }
        if members.contains_key("crit") {
            return Err(Refusal::Critical);
        }
        if members.contains_key("b64") {
            return Err(Refusal::Unencoded);
        }
        if members.contains_key("zip") {
            return Err(Refusal::Compressed);
        }
        let cty = word(members, "cty", WORD_BYTES_MAX)?;
        if cty.is_some_and(is_token) {
            return Err(Refusal::Nested);
        }
        Ok(Self {
            algorithm: word(members, "alg", WORD_BYTES_MAX)?.ok_or(Refusal::Header("alg"))?.into(),
            kid: word(members, "kid", KID_BYTES_MAX)?.map(Into::into),
            typ: word(members, "typ", WORD_BYTES_MAX)?.map(Into::into),
            bare: members.keys().all(|name| matches!(name.as_str(), "alg" | "kid" | "typ")),
        })
    }
}

/// The members of a header, as it stands before the first dot.
///
/// # Errors
/// When it is too long, or cannot be read in one way.
pub(crate) fn header(text: &str) -> Result<Map<String, Value>, Refusal> {
    if text.len() > HEADER_BYTES_MAX {
        return Err(Refusal::TooLong);
    }
    let bytes = base64url::decode(text).ok_or(Refusal::Encoding(Part::Header))?;
    json::object(&bytes, BOUNDS).map_err(|fault| Refusal::Json(Part::Header, fault))
}

fn word<'a>(members: &'a Map<String, Value>, name: &'static str, bytes_max: usize) -> Result<Option<&'a str>, Refusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= bytes_max => Ok(Some(text)),
        Some(_) => Err(Refusal::Header(name)),
    }
}

/// Whether a media type says that a token is within (RFC 7519 §5.2).
fn is_token(cty: &str) -> bool {
    let cty = cty.to_ascii_lowercase();
    let subtype = cty.strip_prefix("application/").unwrap_or(&cty);
    matches!(subtype, "jwt" | "jose") || subtype.ends_with("+jwt")
}

/// A compact JWS, nothing of it verified.
#[derive(Debug)]
pub struct Compact<'a> {
    header: Header,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Takes it apart.
    ///
    /// # Errors
    /// Says why it is none, or none that is taken here.
    pub fn parse(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::TooLong);
        }
        match token.bytes().filter(|byte| *byte == b'.').count() {
            2 => {}
            4 => return Err(Refusal::Encrypted),
            _ => return Err(Refusal::Parts),
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Parts)?;
        let (text, payload) = signed.split_once('.').ok_or(Refusal::Parts)?;
        let header = Header::read(&header(text)?)?;
        let decode = |part, text| base64url::decode(text).ok_or(Refusal::Encoding(part));
        Ok(Self { header, signed, payload: decode(Part::Claims, payload)?, signature: decode(Part::Signature, signature)? })
    }

    /// Its header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What is signed (RFC 7515 §5.1, step 8): header and payload as they were sent.
    #[must_use]
    pub const fn signed(&self) -> &'a str {
        self.signed
    }

    /// What it carries.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The algorithm, when it is one that a set of keys may sign with.
    ///
    /// # Errors
    /// For `none`, for what is not known, and for what is not allowed.
    pub fn algorithm(&self, keys: &KeySet) -> Result<Algorithm, Refusal> {
        let name = self.header.algorithm();
        if name.eq_ignore_ascii_case("none") {
            return Err(Refusal::Unsigned);
        }
        let algorithm = Algorithm::parse(name).ok_or_else(|| Refusal::Algorithm(Shown::of(name)))?;
        if keys.algorithms().contains(algorithm) { Ok(algorithm) } else { Err(Refusal::AlgorithmNotAllowed(algorithm)) }
    }

    /// The key that made the signature.
    ///
    /// # Errors
    /// When none of them did.
    pub fn signer<'k>(&self, keys: &'k KeySet) -> Result<&'k Key, Refusal> {
        let algorithm = self.algorithm(keys)?;
        let kid = self.header.kid();
        let candidates = keys.candidates(kid, algorithm)?;
        let made = candidates.into_iter().find(|key| key.verifies(self.signed.as_bytes(), &self.signature));
        // Without a name a newer key can have made it.
        made.ok_or(if kid.is_some() { Refusal::Signature } else { Refusal::UnknownKey { kid: None } })
    }

    /// The key that made the signature. Where none of them can have, one of `decoys` is tried, whatever comes of it: it takes as long.
    ///
    /// # Errors
    /// When none of them did.
    pub fn signer_evenly<'k>(&self, keys: &'k KeySet, decoys: &KeySet) -> Result<&'k Key, Refusal> {
        let algorithm = self.algorithm(keys)?;
        if keys.candidates(self.header.kid(), algorithm).is_err()
            && let Some(decoy) = decoys.keys().iter().find(|key| key.algorithm() == algorithm)
        {
            let _whatever = std::hint::black_box(decoy.verifies(self.signed.as_bytes(), &self.signature));
        }
        self.signer(keys)
    }
}
