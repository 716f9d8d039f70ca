//! Signing: compact JWS (RFC 7515 §7.1) with ES256 (RFC 7518 §3.4) or Ed25519 (RFC 8037 §3.1), and the JWK Set (RFC 7517 §5) that
//! verifies it.
//!
//! ES256 unless said, because every JOSE library knows it and signing costs little. A key's `kid` is its RFC 7638 thumbprint: it
//! follows from the key, so nobody has to name keys and two keys never share a name.

use super::{algorithm::Algorithm, base64url, thumbprint};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use wardgate_model::secret::Secret;

/// Length of a coordinate of P-256, in bytes.
const COORDINATE_BYTES: usize = 32;

/// Why there is no signer or no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// No key could be made.
    #[error("no signing key could be made")]
    Generate,
    /// Not PKCS #8 of a P-256 or Ed25519 key.
    #[error("the signing key is not PKCS #8 of a P-256 or Ed25519 key")]
    Key,
    /// Nothing of ours is signed with that.
    #[error("nothing is signed with `{0}` here: use `ES256` or `EdDSA`")]
    Algorithm(Algorithm),
    /// The claims are no JSON.
    #[error("the claims cannot be written as JSON")]
    Claims,
    /// The signature failed.
    #[error("the token could not be signed")]
    Sign,
    /// The key is elsewhere, and does not answer.
    #[error("the key that signs is away")]
    Away,
    /// The key is elsewhere, and another one signed.
    #[error("the signature is not by the key that is published")]
    Foreign,
}

/// A private key that is not in this process: in a hardware module, or with a service.
pub trait ExternalKey: Send + Sync {
    /// Signs a message by ES256 as JOSE has it: r and s, 32 bytes each (RFC 7518 §3.4). It may take its time, within bounds.
    ///
    /// # Errors
    /// The key does not answer, or refuses.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

enum Pair {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    /// For ES256, elsewhere; by its public half, an uncompressed point.
    External(Arc<dyn ExternalKey>, Box<[u8]>),
}

/// A private key that signs our tokens.
pub struct Signer {
    pair: Pair,
    kid: Box<str>,
    x: Box<str>,
    /// Of a point that has two coordinates.
    y: Option<Box<str>>,
}

impl Signer {
    /// Makes a new key for ES256: PKCS #8 bytes (RFC 5958), to be sealed as [`SealPurpose::SigningKey`](crate::seal::SealPurpose)
    /// and given to [`Signer::load`]. Randomness is the cryptographic library's own: it takes no other for keys.
    ///
    /// # Errors
    /// When the library fails.
    pub fn generate() -> Result<Secret<Vec<u8>>, SignError> {
        Self::generate_for(Algorithm::Es256)
    }

    /// The same for ES256 or Ed25519.
    ///
    /// # Errors
    /// When the library fails, or the algorithm is another.
    pub fn generate_for(algorithm: Algorithm) -> Result<Secret<Vec<u8>>, SignError> {
        let document = match algorithm {
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()),
            // Without the public half, which not every library takes (RFC 5958 §2, version 1).
            Algorithm::Ed25519 => Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()),
            other => return Err(SignError::Algorithm(other)),
        };
        document.map(|document| Secret::new(document.as_ref().to_vec())).map_err(|_| SignError::Generate)
    }

    /// Takes a key that [`Signer::generate`] made, or one of these kinds from elsewhere. A public key inside is checked against the
    /// private one.
    ///
    /// # Errors
    /// When the bytes are something else.
    pub fn load(pkcs8: &[u8]) -> Result<Self, SignError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(pkcs8) {
            let x = base64url::encode(pair.public_key().as_ref());
            let kid = thumbprint::of(&[("crv", "Ed25519"), ("kty", "OKP"), ("x", &x)]);
            return Ok(Self { kid: kid.into(), x: x.into(), y: None, pair: Pair::Ed25519(pair) });
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(|_| SignError::Key)?;
        let point: Box<[u8]> = pair.public_key().as_ref().into();
        Self::of_point(&point, Pair::Es256(pair))
    }

    /// A key for ES256 that is elsewhere, by its public half: an uncompressed point of P-256 (SEC 1 §2.3.3).
    ///
    /// # Errors
    /// When the bytes are no such point.
    pub fn external(point: &[u8], key: Arc<dyn ExternalKey>) -> Result<Self, SignError> {
        Self::of_point(point, Pair::External(key, point.into()))
    }

    fn of_point(point: &[u8], pair: Pair) -> Result<Self, SignError> {
        // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
        let point = point.strip_prefix(&[4]).ok_or(SignError::Key)?;
        let (x, y) = point.split_at_checked(COORDINATE_BYTES).filter(|(_, y)| y.len() == COORDINATE_BYTES).ok_or(SignError::Key)?;
        let (x, y) = (base64url::encode(x), base64url::encode(y));
        let kid = thumbprint::of(&[("crv", "P-256"), ("kty", "EC"), ("x", &x), ("y", &y)]);
        Ok(Self { kid: kid.into(), x: x.into(), y: Some(y.into()), pair })
    }

    /// The key's name: its RFC 7638 thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Es256(_) | Pair::External(..) => Algorithm::Es256,
            Pair::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// `alg`. Of Ed25519 the name that every library knows (RFC 8037 §3.1).
    const fn alg(&self) -> &'static str {
        match self.pair {
            Pair::Es256(_) | Pair::External(..) => Algorithm::Es256.name(),
            Pair::Ed25519(_) => "EdDSA",
        }
    }

    /// The public key as a JWK (RFC 7517 §4, RFC 7518 §6.2.1, RFC 8037 §2).
    #[must_use]
    pub fn jwk(&self) -> Value {
        match &self.y {
            Some(y) => json!({ "kty": "EC", "crv": "P-256", "x": self.x, "y": y, "use": "sig", "alg": self.alg(), "kid": self.kid }),
            None => json!({ "kty": "OKP", "crv": "Ed25519", "x": self.x, "use": "sig", "alg": self.alg(), "kid": self.kid }),
        }
    }

    /// Signs `claims` as a compact JWS whose header has `typ` (RFC 8725 §3.11: every kind of token names itself).
    ///
    /// # Errors
    /// When the claims are no JSON or the library fails.
    pub fn sign<C: Serialize + ?Sized>(&self, typ: &str, claims: &C) -> Result<String, SignError> {
        self.signed(&json!({ "alg": self.alg(), "kid": self.kid, "typ": typ }), claims)
    }

    /// The same with the public key in the header: what a proof of possession is (RFC 9449 §4.2).
    ///
    /// # Errors
    /// When the claims are no JSON or the library fails.
    pub fn sign_showing_key<C: Serialize + ?Sized>(&self, typ: &str, claims: &C) -> Result<String, SignError> {
        let jwk = match &self.y {
            Some(y) => json!({ "kty": "EC", "crv": "P-256", "x": self.x, "y": y }),
            None => json!({ "kty": "OKP", "crv": "Ed25519", "x": self.x }),
        };
        self.signed(&json!({ "alg": self.alg(), "jwk": jwk, "typ": typ }), claims)
    }

    /// Signs any bytes: by ES256 r and s, 32 bytes each, not DER (RFC 7518 §3.4, RFC 9421 §3.3.4).
    ///
    /// # Errors
    /// When the library fails, or a key that is elsewhere.
    pub fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(match &self.pair {
            Pair::Es256(pair) => pair.sign(&SystemRandom::new(), message).map_err(|_| SignError::Sign)?.as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            // INVARIANT (published): what somebody else signed counts when whoever verifies it would take it, and not before.
            Pair::External(key, point) => {
                let signature = key.sign(message)?;
                let published = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                published.verify(message, &signature).map_err(|_| SignError::Foreign)?;
                signature
            }
        })
    }

    /// Signs `claims` under this very header.
    fn signed<C: Serialize + ?Sized>(&self, header: &Value, claims: &C) -> Result<String, SignError> {
        let claims = serde_json::to_vec(claims).map_err(|_| SignError::Claims)?;
        let mut text = base64url::encode(header.to_string().as_bytes());
        text.push('.');
        base64url::append(&claims, &mut text);
        let signature = self.sign_bytes(text.as_bytes())?;
        text.push('.');
        base64url::append(&signature, &mut text);
        Ok(text)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

/// The JWK Set (RFC 7517 §5) of these keys: the one that signs, and those whose tokens still live.
#[must_use]
pub fn jwks<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> Value {
    json!({ "keys": signers.into_iter().map(Signer::jwk).collect::<Vec<_>>() })
}

#[cfg(test)]
pub(crate) mod tests;
