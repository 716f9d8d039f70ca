//! What a sender of webhooks proves: HMAC-SHA-256 (RFC 2104) over a moment and the body, under a secret that both sides know.
//!
//! ```text
//! standard_webhooks   webhook-signature: v1,BASE64 v1,BASE64     over  ID "." TIMESTAMP "." BODY
//! timestamped         X-Signature: t=TIMESTAMP,v1=HEX,v1=HEX     over  TIMESTAMP "." BODY
//! versioned           X-Signature: v0=HEX                        over  "v0:" TIMESTAMP ":" BODY
//! body                X-Signature: sha256=HEX                    over  BODY
//! ```
//!
//! A timestamp is seconds since 1970 in decimal digits. Signatures of versions that are not known here count for nothing; one
//! that fits is enough, so that a sender can sign with two secrets while one replaces the other (Standard Webhooks, "Signature
//! scheme"). Of the form `body` a signature without `sha256=` and in base64 is read too: there are senders of both.

use crate::{
    api_key::Pepper,
    entropy::{Entropy, NoEntropy},
    seal::{OpenError, SealError, SealingKey},
};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use smallvec::SmallVec;
use std::{fmt, time::Duration};
use wardgate_model::{
    credential::{KeyedHash, SignatureScheme},
    id::CredentialId,
    secret::Secret,
    time::Time,
};
use zeroize::Zeroizing;

/// Signatures of one field that are compared; a sender that replaces a secret makes two.
pub const SIGNATURES_MAX: usize = 8;
/// Longest field that a signature is looked for in, in bytes.
pub const FIELD_BYTES_MAX: usize = 2 * 1024;
/// Longest id of a message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256;
/// Longest secret, in bytes of its text.
pub const SECRET_BYTES_MAX: usize = 256;
/// Shortest secret, in bytes of its text: what is shorter is guessed offline from one call that was seen.
pub const SECRET_BYTES_MIN: usize = 16;
/// Length of a secret of Standard Webhooks, in bytes once it is decoded ("Signature scheme": 24 to 64).
pub const STANDARD_SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// What the text of a secret of Standard Webhooks begins with.
pub const SECRET_PREFIX: &str = "whsec_";

const MAC_BYTES: usize = 32;
/// Bytes of a secret that is made here.
const MADE_BYTES: usize = 32;
/// Digits of a timestamp, at most: so many that no year of ours has more.
const TIMESTAMP_DIGITS_MAX: usize = 12;

/// A signature as it was sent.
pub type Mac = [u8; MAC_BYTES];

/// Why a secret cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Too short or too long.
    #[error("a secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes, this one has {0}")]
    Length(usize),
    /// What no sender's settings hold.
    #[error("the secret has white space or a control character in it: leave it out")]
    Characters,
    /// Not base64.
    #[error("a secret of `standard_webhooks` is `{SECRET_PREFIX}` and then base64, this one is not")]
    Encoding,
    /// Decoded, it has another length.
    #[error("a secret of `standard_webhooks` has 24 to 64 bytes once it is decoded, this one has {0}")]
    Decoded(usize),
}

/// A secret, ready to verify with. It is wiped when dropped.
pub struct Key(hmac::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// The key that a secret's text is under a scheme: Standard Webhooks decodes it, the others take its bytes.
    ///
    /// # Errors
    /// When it is too short, too long, or of another form.
    pub fn parse(scheme: SignatureScheme, text: &str) -> Result<Self, SecretError> {
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&text.len()) {
            return Err(SecretError::Length(text.len()));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(SecretError::Characters);
        }
        let key = |bytes: &[u8]| Self(hmac::Key::new(hmac::HMAC_SHA256, bytes));
        if scheme != SignatureScheme::StandardWebhooks {
            return Ok(key(text.as_bytes()));
        }
        let encoded = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| SecretError::Encoding)?);
        if STANDARD_SECRET_BYTES.contains(&bytes.len()) { Ok(key(&bytes)) } else { Err(SecretError::Decoded(bytes.len())) }
    }
}

/// A new secret, as text: good for each of the schemes.
///
/// # Errors
/// When there is no randomness.
pub fn generate(entropy: &dyn Entropy) -> Result<Secret<String>, NoEntropy> {
    let mut bytes = Zeroizing::new([0_u8; MADE_BYTES]);
    entropy.fill(&mut *bytes)?;
    // The whole text fits from the start: a growing one would leave copies behind.
    let mut text = String::with_capacity(SECRET_PREFIX.len() + MADE_BYTES.div_ceil(3) * 4);
    text.push_str(SECRET_PREFIX);
    STANDARD.encode_string(*bytes, &mut text);
    Ok(Secret::new(text))
}

/// A new id for a credential whose secret does not hold it.
///
/// # Errors
/// When there is no randomness.
pub fn new_id(entropy: &dyn Entropy) -> Result<CredentialId, NoEntropy> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes)?;
    Ok(CredentialId::of(u128::from_be_bytes(bytes)))
}

/// The keyed hash that a secret is told from another by. A domain of its own: it is never that of an API key.
#[must_use]
pub fn hash(pepper: &Pepper, secret: &str) -> KeyedHash {
    pepper.keyed(&[b"webhook secret\0", secret.as_bytes()])
}

/// Seals a secret for the record of its credential.
///
/// # Errors
/// When there is no randomness.
pub fn seal(key: &SealingKey, id: &CredentialId, secret: &Secret<String>, entropy: &dyn Entropy) -> Result<Vec<u8>, SealError> {
    key.seal(id.as_str(), secret.danger_expose().as_bytes(), entropy)
}

/// Why what is on record gives no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It does not open.
    #[error(transparent)]
    Sealed(#[from] OpenError),
    /// It opens, and is no secret of this scheme.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Opens what [`seal`] made, as a key under a scheme.
///
/// # Errors
/// When it was sealed under another master key or for another credential, or does not fit the scheme.
pub fn open(key: &SealingKey, id: &CredentialId, sealed: &[u8], scheme: SignatureScheme) -> Result<Key, Unusable> {
    let plain = key.open(id.as_str(), sealed)?;
    let text = std::str::from_utf8(plain.danger_expose()).map_err(|_| SecretError::Characters)?;
    Ok(Key::parse(scheme, text)?)
}

/// The fields of a request that a signature is read from.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// The signature's.
    pub signature: &'a str,
    /// The timestamp's, where it is one of its own.
    pub timestamp: Option<&'a str>,
    /// That of the message's id, where it is signed.
    pub message: Option<&'a str>,
}

/// The fields do not hold a signature of this scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the fields of the request hold no signature of this form")]
pub struct Malformed;

/// What was sent, read and not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature<'a> {
    scheme: SignatureScheme,
    message: &'a str,
    timestamp: Option<(&'a str, Time)>,
    macs: SmallVec<[Mac; 2]>,
}

impl<'a> Signature<'a> {
    /// Reads the fields.
    ///
    /// # Errors
    /// Where a part is missing, stands twice or is none.
    pub fn read(scheme: SignatureScheme, fields: &Fields<'a>) -> Result<Self, Malformed> {
        if fields.signature.len() > FIELD_BYTES_MAX {
            return Err(Malformed);
        }
        let mut message = "";
        let mut timestamp = fields.timestamp;
        let mut macs = SmallVec::new();
        match scheme {
            SignatureScheme::StandardWebhooks => {
                message = fields.message.filter(|id| is_message(id)).ok_or(Malformed)?;
                let parts = fields.signature.split(' ').filter(|part| !part.is_empty());
                put(&mut macs, parts.filter_map(|part| part.strip_prefix("v1,")).map(from_base64))?;
            }
            SignatureScheme::Timestamped => {
                let parts = || fields.signature.split(',').filter_map(|part| part.trim_ascii().split_once('='));
                let mut moments = parts().filter(|(name, _)| *name == "t").map(|(_, value)| value);
                timestamp = moments.next();
                if moments.next().is_some() {
                    return Err(Malformed);
                }
                put(&mut macs, parts().filter(|(name, _)| *name == "v1").map(|(_, value)| from_hex(value)))?;
            }
            SignatureScheme::Versioned => {
                put(&mut macs, std::iter::once(fields.signature.strip_prefix("v0=").and_then(from_hex)))?;
            }
            SignatureScheme::Body => {
                timestamp = None;
                let text = fields.signature.strip_prefix("sha256=").unwrap_or(fields.signature);
                put(&mut macs, std::iter::once(if text.len() == 2 * MAC_BYTES { from_hex(text) } else { from_base64(text) }))?;
            }
        }
        let timestamp = match (scheme, timestamp) {
            (SignatureScheme::Body, _) => None,
            (_, Some(text)) => Some((text, moment(text).ok_or(Malformed)?)),
            (_, None) => return Err(Malformed),
        };
        Ok(Self { scheme, message, timestamp, macs })
    }

    /// When it was made, as the sender says; `None`: it does not say.
    #[must_use]
    pub fn made(&self) -> Option<Time> {
        self.timestamp.map(|(_, made)| made)
    }

    /// Whether it was made at most `tolerance` before or after `now`. One that does not say when is never too old.
    #[must_use]
    pub fn is_timely(&self, now: Time, tolerance: Duration) -> bool {
        self.made().is_none_or(|made| now.since(made) <= tolerance && made.since(now) <= tolerance)
    }

    /// Which of the signatures is this key's, over this body; in constant time for each of them.
    #[must_use]
    pub fn verify(&self, key: &Key, body: &[u8]) -> Option<Mac> {
        let timestamp = self.timestamp.map_or("", |(text, _)| text);
        let tag = tag(self.scheme, key, self.message, timestamp, body);
        let fits = |mac: &&Mac| aws_lc_rs::constant_time::verify_slices_are_equal(tag.as_ref(), mac.as_slice()).is_ok();
        self.macs.iter().find(fits).copied()
    }
}

/// What is signed, under a key.
fn tag(scheme: SignatureScheme, key: &Key, message: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&key.0);
    let before: &[&str] = match scheme {
        SignatureScheme::StandardWebhooks => &[message, ".", timestamp, "."],
        SignatureScheme::Timestamped => &[timestamp, "."],
        SignatureScheme::Versioned => &["v0:", timestamp, ":"],
        SignatureScheme::Body => &[],
    };
    before.iter().for_each(|part| context.update(part.as_bytes()));
    context.update(body);
    context.sign()
}

/// What a sender writes into the field of its signature: over a message's id (of `standard_webhooks`), seconds since 1970 (where
/// they are signed) and the body.
#[must_use]
pub fn sign(scheme: SignatureScheme, key: &Key, message: &str, seconds: i64, body: &[u8]) -> String {
    let timestamp = seconds.to_string();
    let tag = tag(scheme, key, message, &timestamp, body);
    let hex = || tag.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    match scheme {
        SignatureScheme::StandardWebhooks => format!("v1,{}", STANDARD.encode(tag.as_ref())),
        SignatureScheme::Timestamped => format!("t={timestamp},v1={}", hex()),
        SignatureScheme::Versioned => format!("v0={}", hex()),
        SignatureScheme::Body => format!("sha256={}", hex()),
    }
}

/// Takes all of the signatures: at least one, not too many, each whole.
fn put(macs: &mut SmallVec<[Mac; 2]>, read: impl Iterator<Item = Option<Mac>>) -> Result<(), Malformed> {
    for mac in read {
        if macs.len() == SIGNATURES_MAX {
            return Err(Malformed);
        }
        macs.push(mac.ok_or(Malformed)?);
    }
    if macs.is_empty() { Err(Malformed) } else { Ok(()) }
}

/// An id with a dot in it would let two messages have the same signed bytes (Standard Webhooks, "Signature scheme").
fn is_message(id: &str) -> bool {
    !id.is_empty() && id.len() <= MESSAGE_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

/// Only digits: the text itself is signed, and a sign or a space in it would be another text for the same moment.
fn moment(text: &str) -> Option<Time> {
    let digits = !text.is_empty() && text.len() <= TIMESTAMP_DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i64 = text.parse().ok().filter(|_| digits)?;
    seconds.checked_mul(1_000_000).map(Time::from_micros)
}

fn from_hex(text: &str) -> Option<Mac> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != MAC_BYTES || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut mac = [0; MAC_BYTES];
    for (byte, [high, low]) in mac.iter_mut().zip(pairs) {
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(mac)
}

fn from_base64(text: &str) -> Option<Mac> {
    let mut room = [0; MAC_BYTES + 1];
    if text.len() != MAC_BYTES.div_ceil(3) * 4 {
        return None;
    }
    match STANDARD.decode_slice(text, &mut room) {
        Ok(MAC_BYTES) => room.first_chunk().copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
