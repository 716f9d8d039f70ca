//! What a request has shown of itself, once it is known to be genuine.

mod chain;

pub use chain::{CHAIN_BYTES_MAX, CHAIN_CERTIFICATES_MAX, CertificateChain, ChainError};

use crate::{inventory::words, time::Time};

words! {
    /// How a caller proved itself; `context.proof.kind` in policies.
    ProofKind {
        /// It did not.
        None = "none",
        /// An API key.
        ApiKey = "api_key",
        /// A session of the management API.
        Session = "session",
        /// The first admin credential.
        SignIn = "sign_in",
        /// A session that the break-glass socket gave.
        BreakGlass = "break_glass",
        /// A signed token.
        Jwt = "jwt",
        /// A client certificate.
        X509 = "x509",
        /// A signature over the request.
        Signature = "signature",
        /// A MAC over a webhook.
        Hmac = "hmac",
    }
}

/// A key whose possession was shown: what a token is bound to that is given out for it (RFC 7800 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldKey {
    /// A public key, by its SHA-256 thumbprint (RFC 7638; `jkt`, RFC 9449 §6.1).
    Key([u8; 32]),
    /// A client certificate, by the SHA-256 of its DER (`x5t#S256`, RFC 8705 §3.1).
    Certificate([u8; 32]),
}

/// The proof of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofFacts {
    /// How.
    pub kind: ProofKind,
    /// Whether possession of a key was shown, so that what a listener saw is useless to it.
    pub bound: bool,
    /// Whether possession was shown over a nonce of ours, so just now: the answer to a challenge.
    pub fresh: bool,
    /// When what was shown was made: the token's `iat`, the key's issue.
    pub since: Time,
    /// When what was shown is not good any more, whatever its credential says: the token's `exp`, the certificate's end.
    pub ends: Option<Time>,
}

impl ProofFacts {
    /// No proof at all.
    pub const NONE: Self = Self { kind: ProofKind::None, bound: false, fresh: false, since: Time::from_micros(0), ends: None };

    /// Age at `now`, in whole seconds; 0 without a proof.
    #[must_use]
    pub fn age_s(&self, now: Time) -> i64 {
        if self.kind == ProofKind::None { 0 } else { i64::try_from(now.since(self.since).as_secs()).unwrap_or(i64::MAX) }
    }
}
