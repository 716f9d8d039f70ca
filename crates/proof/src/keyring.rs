//! The one master key of an installation, and the key for each purpose that comes from it.
//!
//! HKDF-SHA-256 (RFC 5869) with the salt `wardgate/v1` and the purpose's label as `info`. INVARIANT (labels): a label or
//! the salt never changes, or every stored hash and sealed secret of every installation is lost.

use crate::log_key::LogKey;
use crate::{
    api_key::Pepper,
    entropy::{Entropy, NoEntropy},
    seal::{SealPurpose, SealingKey},
};
use aws_lc_rs::hkdf;
use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use wardgate_model::secret::Secret;
use zeroize::Zeroizing;

const SALT: &[u8] = b"wardgate/v1";
const PEPPER_LABEL: &str = "api-key pepper";
/// The name of the edge follows.
const LOG_LABEL: &str = "event-log sign ";
const BYTES: usize = 32;

const URL_SAFE: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::URL_SAFE, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Why a text is no master key. Says nothing of its content but its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Nothing there.
    #[error("the master key is empty: it is 32 random bytes as 64 hexadecimal digits or in base64url")]
    Empty,
    /// Neither form has this length.
    #[error("the master key has {0} characters: it is 32 bytes as 64 hexadecimal digits or as 43 characters of base64url")]
    Length(usize),
    /// 64 characters, not all hexadecimal.
    #[error("the master key has 64 characters, but the one at position {0} is no hexadecimal digit")]
    Hex(usize),
    /// 43 or 44 characters, not base64url of 32 bytes.
    #[error("the master key is not base64url of 32 bytes: use A-Z, a-z, 0-9, `-` and `_`")]
    Base64,
    /// Every byte is the same: a placeholder.
    #[error("the master key is one byte repeated: make a random one")]
    Placeholder,
}

/// The master key.
pub struct Keyring {
    master: Secret<[u8; BYTES]>,
}

impl Keyring {
    /// Takes the 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; BYTES]) -> Self {
        Self { master: Secret::new(bytes) }
    }

    /// Reads the key as it stands in a file or variable: 64 hexadecimal digits, or base64url of 32 bytes with or
    /// without padding; white space around it does not count.
    ///
    /// # Errors
    /// Says what is wrong with the form, never what the text was.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let text = text.trim_ascii();
        let bytes = match text.len() {
            0 => return Err(KeyringError::Empty),
            64 => from_hex(text)?,
            43 | 44 => from_base64(text)?,
            length => return Err(KeyringError::Length(length)),
        };
        if bytes.array_windows::<2>().all(|[a, b]| a == b) {
            return Err(KeyringError::Placeholder);
        }
        Ok(Self::new(*bytes))
    }

    /// A new master key as text, for the file that [`Keyring::parse`] reads.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Secret<String>, NoEntropy> {
        let mut bytes = Zeroizing::new([0_u8; BYTES]);
        entropy.fill(&mut *bytes)?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// The pepper of stored key hashes.
    #[must_use]
    pub fn pepper(&self) -> Pepper {
        Pepper::new(&self.derive(PEPPER_LABEL))
    }

    /// The key that seals secrets of this purpose.
    #[must_use]
    pub fn sealing_key(&self, purpose: SealPurpose) -> SealingKey {
        SealingKey::new(purpose, &self.derive(purpose.label()))
    }

    /// The key that signs the event log of an edge. It follows from the master key and the edge's name: nothing has to be kept.
    #[must_use]
    pub fn log_key(&self, edge: &str) -> LogKey {
        LogKey::from_seed(&self.derive(&format!("{LOG_LABEL}{edge}")))
    }

    fn derive(&self, label: &str) -> Zeroizing<[u8; BYTES]> {
        let mut bytes = Zeroizing::new([0_u8; BYTES]);
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(self.master.danger_expose());
        let info = [label.as_bytes()];
        let done = extracted.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut *bytes));
        #[expect(clippy::expect_used, reason = "INVARIANT (length): RFC 5869 §2.3 fails only beyond 255 × 32 bytes, and 32 are asked for")]
        done.expect("32 bytes of HKDF-SHA-256");
        bytes
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(…)")
    }
}

fn from_hex(text: &str) -> Result<Zeroizing<[u8; BYTES]>, KeyringError> {
    let mut bytes = Zeroizing::new([0_u8; BYTES]);
    for (at, c) in text.bytes().enumerate() {
        let digit = char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(KeyringError::Hex(at + 1))?;
        if let Some(byte) = bytes.get_mut(at / 2) {
            *byte = (*byte << 4) | digit;
        }
    }
    Ok(bytes)
}

fn from_base64(text: &str) -> Result<Zeroizing<[u8; BYTES]>, KeyringError> {
    // One byte more than a key has: what 44 characters without padding would decode to.
    let mut room = Zeroizing::new([0_u8; BYTES + 1]);
    match (URL_SAFE.decode_slice(text, &mut *room), room.first_chunk::<BYTES>()) {
        (Ok(BYTES), Some(bytes)) => Ok(Zeroizing::new(*bytes)),
        _ => Err(KeyringError::Base64),
    }
}

#[cfg(test)]
mod tests;
