//! Secrets at rest: AES-256-GCM (NIST SP 800-38D) in an envelope that names its version.
//!
//! ```text
//! envelope = version(1 byte, 0x01) nonce(12 bytes, random) ciphertext tag(16 bytes)
//! AAD      = version label 0x00 name
//! ```
//!
//! The name is authenticated, so that whoever can write to the database cannot put one upstream's secret in another's
//! place. With random nonces a key is good for 2³² envelopes (SP 800-38D §8.3): far more than an installation seals.

use crate::entropy::{Entropy, NoEntropy};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use wardgate_model::secret::Secret;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = 1 + NONCE_LEN;

/// Longest secret that is sealed, in bytes.
pub const PLAIN_BYTES_MAX: usize = 64 * 1024;

/// What a sealed secret is for. Each purpose has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SealPurpose {
    /// What an upstream is shown instead of the client's credential.
    UpstreamSecret,
    /// What a sender of webhooks signs with.
    WebhookSecret,
    /// A private key that signs our tokens.
    SigningKey,
    /// Files of a process's own that nobody else may write: only their names are authenticated, nothing is hidden in them.
    State,
}

impl SealPurpose {
    /// Its label in key derivation and in the authenticated data. Never changes (`keyring`, INVARIANT labels).
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::UpstreamSecret => "upstream-secret seal",
            Self::WebhookSecret => "webhook-secret seal",
            Self::SigningKey => "signing-key seal",
            Self::State => "state seal",
        }
    }
}

/// Why a secret could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Longer than [`PLAIN_BYTES_MAX`].
    #[error("a secret has at most {PLAIN_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The cipher refused.
    #[error("the secret could not be encrypted")]
    Cipher,
}

/// Why an envelope could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short or too long to be one.
    #[error("the sealed secret has {0} bytes, which no sealed secret has")]
    Length(usize),
    /// Made by a later version.
    #[error("the sealed secret has version {0}, this program knows version {VERSION}")]
    Version(u8),
    /// Another master key, another name, or changed bytes: which of them cannot be told.
    #[error("the sealed secret does not open: it was sealed under another master key or name, or changed since")]
    Forged,
}

/// Seals and opens the secrets of one purpose. Made by [`Keyring::sealing_key`](crate::keyring::Keyring::sealing_key).
pub struct SealingKey {
    purpose: SealPurpose,
    key: LessSafeKey,
}

impl SealingKey {
    /// Takes 32 secret bytes.
    #[must_use]
    pub fn new(purpose: SealPurpose, bytes: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "INVARIANT (length): a key of AES-256 is refused only when it has not 32 bytes")]
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("32 bytes of key");
        Self { purpose, key: LessSafeKey::new(key) }
    }

    /// Seals `plain` under `name`.
    ///
    /// # Errors
    /// When it is too long or there is no randomness.
    pub fn seal(&self, name: &str, plain: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, SealError> {
        if plain.len() > PLAIN_BYTES_MAX {
            return Err(SealError::TooLong(plain.len()));
        }
        let mut nonce = [0_u8; NONCE_LEN];
        entropy.fill(&mut nonce)?;
        // The whole envelope fits from the start: a growing buffer would leave copies of the plain text behind.
        let mut envelope = Vec::with_capacity(HEAD_BYTES + plain.len() + TAG_BYTES);
        envelope.push(VERSION);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(plain);
        let body = envelope.get_mut(HEAD_BYTES..).ok_or(SealError::Cipher)?;
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), self.aad(name), body)
            .map_err(|_| SealError::Cipher)?;
        envelope.extend_from_slice(tag.as_ref());
        Ok(envelope)
    }

    /// Opens what [`SealingKey::seal`] made under the same name.
    ///
    /// # Errors
    /// When it is no envelope, or not one made with this key for this name.
    pub fn open(&self, name: &str, envelope: &[u8]) -> Result<Secret<Vec<u8>>, OpenError> {
        let length = OpenError::Length(envelope.len());
        if !(HEAD_BYTES + TAG_BYTES..=HEAD_BYTES + PLAIN_BYTES_MAX + TAG_BYTES).contains(&envelope.len()) {
            return Err(length);
        }
        let (&version, rest) = envelope.split_first().ok_or(length)?;
        if version != VERSION {
            return Err(OpenError::Version(version));
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or(length)?;
        let mut body = zeroize::Zeroizing::new(sealed.to_vec());
        let plain =
            self.key.open_in_place(Nonce::assume_unique_for_key(*nonce), self.aad(name), &mut body).map_err(|_| OpenError::Forged)?;
        Ok(Secret::new(plain.to_vec()))
    }

    fn aad(&self, name: &str) -> Aad<Vec<u8>> {
        let label = self.purpose.label().as_bytes();
        let mut bytes = Vec::with_capacity(2 + label.len() + name.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(label);
        bytes.push(0);
        bytes.extend_from_slice(name.as_bytes());
        Aad::from(bytes)
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealingKey({:?})", self.purpose)
    }
}

#[cfg(test)]
mod tests;
