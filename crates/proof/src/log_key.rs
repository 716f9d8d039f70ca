//! The key that signs an edge's event log.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

/// An Ed25519 key (RFC 8032). Its seed follows from the master key.
pub struct LogKey(Ed25519KeyPair);

impl LogKey {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "INVARIANT (length): RFC 8032 §5.1.5 takes any 32 bytes as a seed")]
        Self(Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a seed"))
    }

    /// The signature over `text`.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.0.sign(text).as_ref());
        signature
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        let mut public = [0; 32];
        public.copy_from_slice(self.0.public_key().as_ref());
        public
    }
}

impl std::fmt::Debug for LogKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use crate::keyring::Keyring;

    #[test]
    fn each_edge_and_each_master_key_has_a_key_of_its_own_and_always_the_same() {
        let one = Keyring::parse("7f3c9b04d1a8e65277c0ffee5eed1e550badcafe8899aabbccddeeff00112233").unwrap();
        let other = Keyring::parse("7e3c9b04d1a8e65277c0ffee5eed1e550badcafe8899aabbccddeeff00112233").unwrap();
        let publics = [one.log_key("edge-1").public(), one.log_key("edge-2").public(), other.log_key("edge-1").public()];
        assert_eq!(publics[0], one.log_key("edge-1").public());
        assert!(publics[0] != publics[1] && publics[0] != publics[2]);
        let signature = one.log_key("edge-1").sign(b"text");
        let key = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, publics[0]);
        assert!(key.verify(b"text", &signature).is_ok());
        assert!(key.verify(b"tex", &signature).is_err());
        assert!(!format!("{:?}", one.log_key("edge-1")).contains("7f3c"));
    }
}
