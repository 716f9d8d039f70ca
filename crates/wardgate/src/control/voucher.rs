//! Vouching for files of this process's own: whoever does not have the master key cannot write one, nor a line of one.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use wardgate_proof::{
    entropy::SystemEntropy,
    keyring::Keyring,
    seal::{SealPurpose, SealingKey},
};

/// Vouches for text, under a key that comes from the master key.
#[derive(Debug)]
pub(super) struct Voucher(SealingKey);

impl Voucher {
    pub(super) fn new(keyring: &Keyring) -> Self {
        Self(keyring.sealing_key(SealPurpose::State))
    }

    /// What only the holder of the master key can say of this text: an envelope with nothing in it, under the text as its
    /// name.
    ///
    /// # Errors
    /// No randomness.
    pub(super) fn tag(&self, text: &str) -> anyhow::Result<String> {
        let envelope = self.0.seal(text, &[], &SystemEntropy).context("no randomness")?;
        Ok(URL_SAFE_NO_PAD.encode(envelope))
    }

    /// Whether the tag is one of this text.
    pub(super) fn holds(&self, text: &str, tag: &str) -> bool {
        URL_SAFE_NO_PAD.decode(tag).is_ok_and(|envelope| self.0.open(text, &envelope).is_ok())
    }
}
