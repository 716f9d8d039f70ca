//! The keys that Wardgate issues: one grammar, four kinds (STANDARDS §1.14).
//!
//! ```text
//! key      = prefix "_" env "_" id "_" secret checksum
//! prefix   = "wg" / "wgs" / "wga" / "wgb" ; API key, session, first admin credential, break-glass session
//! env      = 1*32( a-z / 0-9 / "-" )      ; the environment's name
//! id       = 12 base62                    ; public, names the credential on record
//! secret   = 43 base62                    ; 256 random bits
//! checksum = 6 base62                     ; CRC-32 (IEEE) of all bytes before it, most significant digit first
//! base62   = 0-9 / A-Z / a-z              ; digits in this order
//! ```
//!
//! The checksum tells a typing error from a guess without any look-up; it protects nothing. On record is only
//! HMAC-SHA-256 of the whole text under a [`Pepper`], so that a stolen database opens nothing and a key cannot be
//! moved to another environment, id or kind.

use crate::{
    entropy::{Entropy, NoEntropy},
    scan,
};
use aws_lc_rs::{constant_time, digest, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    id::{CredentialId, EnvironmentName},
    proof::ProofKind,
    secret::Secret,
};
use zeroize::Zeroizing;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Longest environment name that fits into a key, in bytes.
pub const ENVIRONMENT_BYTES_MAX: usize = 32;
/// Length of the secret part, in characters: 43 × log2(62) = 256 bits.
pub const SECRET_CHARACTERS: usize = 43;
/// Length of the checksum, in characters.
pub const CHECKSUM_CHARACTERS: usize = 6;
/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize =
    "wgs_".len() + ENVIRONMENT_BYTES_MAX + 1 + CredentialId::CHARACTERS + 1 + SECRET_CHARACTERS + CHECKSUM_CHARACTERS;

const TAIL: usize = SECRET_CHARACTERS + CHECKSUM_CHARACTERS;

/// What a key is for. Told by its prefix, so that none can be shown where another belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// `wg_`: the API key of an identity.
    ApiKey,
    /// `wgs_`: a session of the management API.
    Session,
    /// `wga_`: the first admin credential, good for one sign-in.
    SignIn,
    /// `wgb_`: a short session that the break-glass socket gave.
    BreakGlass,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::ApiKey, Self::Session, Self::SignIn, Self::BreakGlass];

    /// What its keys begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "wg_",
            Self::Session => "wgs_",
            Self::SignIn => "wga_",
            Self::BreakGlass => "wgb_",
        }
    }

    /// The kind of credential on record that such a key must belong to.
    #[must_use]
    pub const fn credential(self) -> CredentialKind {
        match self {
            Self::ApiKey => CredentialKind::ApiKey,
            Self::Session => CredentialKind::Session,
            Self::SignIn => CredentialKind::SignIn,
            Self::BreakGlass => CredentialKind::BreakGlass,
        }
    }

    /// The kind of proof that such a key is.
    #[must_use]
    pub const fn proof(self) -> ProofKind {
        match self {
            Self::ApiKey => ProofKind::ApiKey,
            Self::Session => ProofKind::Session,
            Self::SignIn => ProofKind::SignIn,
            Self::BreakGlass => ProofKind::BreakGlass,
        }
    }
}

/// Why a text is no key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It does not begin as our keys do: perhaps another kind of proof.
    #[error("this is no key of Wardgate")]
    NotOurs,
    /// It begins as ours do and goes on otherwise.
    #[error("the key is not well-formed: {0}")]
    Malformed(Malformed),
    /// Well-formed, but mistyped or made up. Known without any look-up.
    #[error("the checksum of the key is wrong")]
    Checksum,
}

/// What is wrong with a key that begins as ours do. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than any key.
    #[error("it is longer than {KEY_BYTES_MAX} bytes")]
    TooLong,
    /// Not three parts after the prefix.
    #[error("it does not have the parts environment, id and secret")]
    Parts,
    /// The environment.
    #[error("its environment is not 1 to {ENVIRONMENT_BYTES_MAX} of a-z, 0-9 and `-`")]
    Environment,
    /// The id.
    #[error("its id is not {} of 0-9, A-Z and a-z", CredentialId::CHARACTERS)]
    Id,
    /// The secret with its checksum.
    #[error("its secret and checksum are not {TAIL} of 0-9, A-Z and a-z")]
    Secret,
}

/// A well-formed key with a right checksum. Nothing is known yet of whether it was ever issued.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApiKey<'a> {
    kind: KeyKind,
    environment: &'a str,
    id: &'a str,
    // INVARIANT (whole): the text of the whole key, at most KEY_BYTES_MAX bytes, all of them ASCII.
    text: &'a str,
}

impl<'a> ApiKey<'a> {
    /// Reads a key. Allocates nothing and looks nothing up.
    ///
    /// # Errors
    /// [`KeyError::NotOurs`] when another kind of proof may try it, the others when nobody else should.
    pub fn parse(text: &'a str) -> Result<Self, KeyError> {
        let (kind, rest) =
            KeyKind::ALL.into_iter().find_map(|kind| text.strip_prefix(kind.prefix()).map(|rest| (kind, rest))).ok_or(KeyError::NotOurs)?;
        if text.len() > KEY_BYTES_MAX {
            return Err(KeyError::Malformed(Malformed::TooLong));
        }
        let parts = || parted(rest).and_then(|(environment, rest)| parted(rest).map(|(id, tail)| (environment, id, tail)));
        let (environment, id, tail) = parts().ok_or(KeyError::Malformed(Malformed::Parts))?;
        if !is_environment(environment) {
            return Err(KeyError::Malformed(Malformed::Environment));
        }
        if !is_base62(id, CredentialId::CHARACTERS) {
            return Err(KeyError::Malformed(Malformed::Id));
        }
        if !is_base62(tail, TAIL) {
            return Err(KeyError::Malformed(Malformed::Secret));
        }
        match text.split_at_checked(text.len() - CHECKSUM_CHARACTERS) {
            Some((body, sum)) if checksum(body.as_bytes()) == sum.as_bytes() => Ok(Self { kind, environment, id, text }),
            Some(_) | None => Err(KeyError::Checksum),
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The environment it was issued for, as the key says; binding once the key [`matches()`].
    #[must_use]
    pub const fn environment(&self) -> &'a str {
        self.environment
    }

    /// The public id: look the credential up by this.
    #[must_use]
    pub const fn id(&self) -> &'a str {
        self.id
    }

    /// The whole key. Secret: for [`hash`] and [`matches()`] only.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }
}

impl fmt::Debug for ApiKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}{}_{}_…)", self.kind.prefix(), self.environment, self.id)
    }
}

/// Finds the first key with a right checksum in `bytes`, anywhere: for what must hold none (a query, a body, a log
/// line). Percent-decoding is the caller's. Takes time linear in `bytes`.
#[must_use]
pub fn find(bytes: &[u8]) -> Option<ApiKey<'_>> {
    if !may_hold(bytes) {
        return None;
    }
    let mut rest = bytes;
    while let Some(at) = scan::find_soon(rest, b'w') {
        let candidate = rest.get(at..)?;
        // A key ends where its characters do, or earlier: what follows may be word characters too, so the length is
        // taken from the grammar, never from the surroundings.
        if matches!(candidate, [b'w', b'g', b'_' | b's' | b'a' | b'b', ..])
            && let Some(key) = leading_key(candidate)
        {
            return Some(key);
        }
        rest = candidate.get(1..)?;
    }
    None
}

/// Whether the two letters that every key begins with stand anywhere: many bytes in one step, which counts where a field is long (a token, a
/// proof of possession).
fn may_hold(bytes: &[u8]) -> bool {
    scan::holds_pair(bytes, b'w', b'g')
}

fn leading_key(candidate: &[u8]) -> Option<ApiKey<'_>> {
    let head = candidate.get(..KEY_BYTES_MAX.min(candidate.len()))?;
    let mut underscores = head.iter().enumerate().filter(|(_, byte)| **byte == b'_').map(|(at, _)| at);
    let end = underscores.nth(2)? + 1 + TAIL;
    ApiKey::parse(std::str::from_utf8(head.get(..end)?).ok()?).ok()
}

/// Before and after the first `_`. By bytes: for texts of this length that is a third of what looking for a character costs.
fn parted(text: &str) -> Option<(&str, &str)> {
    let (before, after) = text.split_at_checked(text.bytes().position(|byte| byte == b'_')?)?;
    Some((before, after.get(1..)?))
}

fn is_environment(text: &str) -> bool {
    (1..=ENVIRONMENT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_base62(text: &str, length: usize) -> bool {
    // To the end whatever is found: so several bytes are looked at in one step.
    text.len() == length && text.bytes().fold(true, |good, b| good & b.is_ascii_alphanumeric())
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_CHARACTERS] {
    let mut rest = crc32fast::hash(body);
    let mut text = [b'0'; CHECKSUM_CHARACTERS];
    for slot in text.iter_mut().rev() {
        *slot = DIGITS.get((rest % 62) as usize).copied().unwrap_or(b'0');
        rest /= 62;
    }
    text
}

/// Why no key could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The environment's name does not fit into a key.
    #[error("a key cannot name the environment `{0}`: use 1 to {ENVIRONMENT_BYTES_MAX} of a-z, 0-9 and `-`")]
    Environment(EnvironmentName),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Makes a new key: its public id and its text, which is to be shown once and then forgotten. Sessions and the first
/// admin credential name the environment of the management API, `shared`.
///
/// # Errors
/// When the environment's name does not fit, or there is no randomness.
pub fn generate(
    kind: KeyKind,
    environment: &EnvironmentName,
    entropy: &dyn Entropy,
) -> Result<(CredentialId, Secret<String>), GenerateError> {
    if !is_environment(environment.as_str()) {
        return Err(GenerateError::Environment(environment.clone()));
    }
    let id = random_base62::<{ CredentialId::CHARACTERS }>(entropy)?;
    let secret = random_base62::<SECRET_CHARACTERS>(entropy)?;
    // The capacity is the most a key can need: a growing string would leave copies of the secret behind.
    let mut text = String::with_capacity(KEY_BYTES_MAX);
    text.push_str(kind.prefix());
    text.push_str(environment.as_str());
    text.push('_');
    text.extend(id.iter().copied().map(char::from));
    text.push('_');
    text.extend(secret.iter().copied().map(char::from));
    let sum = checksum(text.as_bytes());
    text.extend(sum.into_iter().map(char::from));
    let text = Secret::new(text);
    let id = std::str::from_utf8(&*id).ok().and_then(CredentialId::parse).ok_or(NoEntropy)?;
    Ok((id, text))
}

/// Random digits, each of the 62 equally likely: six bits at a time, the two values that are no digit thrown away.
fn random_base62<const N: usize>(entropy: &dyn Entropy) -> Result<Zeroizing<[u8; N]>, NoEntropy> {
    // A round leaves 64 × 62/64 = 62 digits on average. A source that gives none in so many rounds is broken.
    const ROUNDS_MAX: usize = 16;
    let mut text = Zeroizing::new([0_u8; N]);
    let mut slots = text.iter_mut();
    for _ in 0..ROUNDS_MAX {
        let mut bytes = Zeroizing::new([0_u8; 64]);
        entropy.fill(&mut *bytes)?;
        for digit in bytes.iter().filter_map(|byte| DIGITS.get(usize::from(byte & 0x3F))) {
            match slots.next() {
                Some(slot) => *slot = *digit,
                None => return Ok(text),
            }
        }
    }
    Err(NoEntropy)
}

/// The installation's own secret in every stored hash of a key, its HMAC state computed once. Without it a stolen
/// database cannot even be tried against.
#[derive(Clone)]
pub struct Pepper(hmac::Key);

impl Pepper {
    /// Takes 32 secret bytes. Made by [`Keyring::pepper`](crate::keyring::Keyring::pepper).
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// HMAC-SHA-256 of these parts, one after the other.
    pub(crate) fn keyed(&self, parts: &[&[u8]]) -> KeyedHash {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        let mut bytes = [0_u8; 32];
        bytes.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        KeyedHash::new(bytes)
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

/// HMAC-SHA-256 of the whole key: what goes on record (STANDARDS §1.14).
#[must_use]
pub fn hash(pepper: &Pepper, key_text: &str) -> KeyedHash {
    pepper.keyed(&[key_text.as_bytes()])
}

/// Whether this is the key on record. `None` stands for an id that is not on record: the answer is `false` after the
/// same work, so that time does not tell known ids from unknown ones.
#[must_use]
pub fn matches(pepper: &Pepper, key_text: &str, on_record: Option<&KeyedHash>) -> bool {
    const NOBODY: [u8; 32] = [0; 32];
    let tag = hmac::sign(&pepper.0, key_text.as_bytes());
    let expected: &[u8; 32] = on_record.map_or(&NOBODY, KeyedHash::bytes);
    let equal = constant_time::verify_slices_are_equal(tag.as_ref(), expected).is_ok();
    equal & on_record.is_some()
}

/// The id and the keyed hash under which a key of foreign make is on record. Another domain than [`hash()`]: no key of
/// ours is ever taken for one, and the id says nothing of the hash.
#[must_use]
pub fn foreign(pepper: &Pepper, text: &str) -> (CredentialId, KeyedHash) {
    let hash = pepper.keyed(&[b"foreign key\0", text.as_bytes()]);
    (foreign_id(&hash), hash)
}

/// The id of a key of foreign make, from its keyed hash alone: whoever claims a discovered caller has no more of the key.
#[must_use]
pub fn foreign_id(hash: &KeyedHash) -> CredentialId {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"foreign key, id\0");
    context.update(hash.bytes());
    first_id(&context.finish())
}

fn first_id(digest: &digest::Digest) -> CredentialId {
    CredentialId::of(digest.as_ref().iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte)))
}

/// What stands for a person in events, limits and policies: a keyed hash, so that nobody reads from it who it is. The same
/// person of another trust source is another one. 22 characters of base64url.
#[must_use]
pub fn pseudonym(pepper: &Pepper, trust: &str, person: &str) -> Box<str> {
    let mut context = hmac::Context::with_key(&pepper.0);
    for part in ["person", trust, person] {
        context.update(part.as_bytes());
        context.update(b"\0");
    }
    let tag = context.sign();
    URL_SAFE_NO_PAD.encode(tag.as_ref().get(..16).unwrap_or_default()).into()
}

/// What stands for whom a login at an API is for: a keyed hash, that of another API another one.
#[must_use]
pub fn subject(pepper: &Pepper, api: &str, subject: &str) -> u64 {
    let mut context = hmac::Context::with_key(&pepper.0);
    for part in ["subject of a login", api, subject] {
        context.update(part.as_bytes());
        context.update(b"\0");
    }
    context.sign().as_ref().iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
}

/// The id of a credential that others vouch for, of whom (an identity) by what (a trust source) and which (a subject): the same
/// in every process and after every restart, whatever its entry is called, so that no new name undoes its containment.
#[must_use]
pub fn declared_id(whose: &str, by: &str, subject: &str) -> CredentialId {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in ["declared credential", whose, by, subject] {
        context.update(part.as_bytes());
        context.update(b"\0");
    }
    first_id(&context.finish())
}

/// Whether two hashes are the same, in constant time.
#[must_use]
pub fn same(one: &KeyedHash, other: &KeyedHash) -> bool {
    constant_time::verify_slices_are_equal(one.bytes(), other.bytes()).is_ok()
}

#[cfg(test)]
mod tests;
