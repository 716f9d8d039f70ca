//! JOSE: what a signed token proves, and how ours are signed. Written here because libraries are laxer than what stands
//! at a gate: none of them refuses all that RFC 8725 says to refuse.
//!
//! It never fetches a key: `jku`, `x5u`, `jwk` and `x5c` of a header are read by nobody, but for the `jwk`
//! that a proof of possession is all about ([`crate::dpop`]). It never reads a clock.
//!
//! # Reading order
//!
//! [`algorithm`] is what may sign; [`json`] and [`base64url`] read strictly; [`jwk`] is one key, [`key_set`] those of an
//! issuer; [`jws`] takes a token apart and finds the key that made it; [`kind`] tells kinds of tokens apart and [`claims`]
//! is what one says; [`expected`] is what must hold of it; [`jwt`] does all of it in order, and [`refusal`] says why not.
//! [`thumbprint`] names keys, [`signer`] signs.

pub mod algorithm;
pub mod base64url;
pub mod claims;
pub mod expected;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod jwt;
pub mod key_set;
pub mod kind;
pub mod refusal;
pub mod signer;
pub mod thumbprint;

/// SHA-256 of a token, or of the signature that makes it one: under this it is remembered, and never by its text.
#[must_use]
pub fn hash(token: &str) -> [u8; 32] {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref().try_into().unwrap_or([0; 32])
}
