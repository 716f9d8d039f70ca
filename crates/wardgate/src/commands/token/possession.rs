//! A key that is made at start and is in no file: tokens are bound to it, so that one that was copied opens nothing (RFC 9449).

use crate::clock;
use http::{HeaderMap, HeaderValue, header};
use std::sync::{Arc, Mutex, PoisonError};
use wardgate_proof::{
    dpop::{Proving, prove},
    entropy::{Entropy as _, SystemEntropy},
    jws::Signer,
};

/// The field of requests that holds a proof.
pub(super) const PROOF: http::HeaderName = http::HeaderName::from_static("dpop");
/// The field of answers that says what proofs are to say from now on (RFC 9449 §8.2).
pub(super) const NONCE: &str = "dpop-nonce";
/// The scheme that goes with proofs (RFC 9449 §7.1).
const SCHEME: &str = "DPoP";
/// The error that asks for it.
pub(super) const WANTED: &str = "use_dpop_nonce";
/// The error that asks for a proof where none was shown (RFC 9449 §5.2).
pub(super) const UNBOUND: &str = "invalid_dpop_proof";

/// Longest nonce that is taken up, in bytes.
const NONCE_BYTES_MAX: usize = 1024;

/// The key, as one server knows it.
pub(super) struct Possession {
    signer: Arc<Signer>,
    /// The last that this server gave. Those of the token service and of an API are not each other's (RFC 9449 §9).
    nonce: Mutex<Option<String>>,
}

impl Possession {
    /// A new key.
    ///
    /// # Errors
    /// None can be made.
    pub(super) fn new() -> anyhow::Result<Self> {
        let signer = Signer::load(Signer::generate()?.danger_expose())?;
        Ok(Self { signer: Arc::new(signer), nonce: Mutex::default() })
    }

    /// The same key, for another server.
    pub(super) fn elsewhere(&self) -> Self {
        Self { signer: Arc::clone(&self.signer), nonce: Mutex::default() }
    }

    /// The proof for a request: good once, for this method at this address, with this token.
    ///
    /// # Errors
    /// No randomness, or the signature fails.
    pub(super) fn proof(&self, method: &str, target: &str, token: Option<&str>) -> anyhow::Result<HeaderValue> {
        let mut id = [0; 16];
        SystemEntropy.fill(&mut id)?;
        let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let proving = Proving { method, target, token, nonce: nonce.as_deref(), id: &id, now: clock::now() };
        Ok(HeaderValue::try_from(prove(&self.signer, &proving)?)?)
    }

    /// Takes up what the server says that proofs are to say, where it says anything.
    pub(super) fn learn(&self, nonce: Option<&str>) {
        // RFC 9449 §8.1: visible characters; it stands in a JSON text from then on.
        if let Some(nonce) = nonce.filter(|nonce| !nonce.is_empty() && nonce.len() <= NONCE_BYTES_MAX) {
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
        }
    }
}

/// Whether a refusal asks for a nonce in the proof of possession: by a challenge of that scheme, and by nothing that only looks like it
/// (RFC 9449 §9).
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).any(|challenge| {
        // One challenge a field: so the gate tells them.
        let (scheme, parameters) = challenge.split_once(' ').unwrap_or_default();
        let mut parameters = parameters.split(',').filter_map(|parameter| parameter.trim().split_once('='));
        scheme.eq_ignore_ascii_case(SCHEME)
            && parameters.any(|(name, value)| name.eq_ignore_ascii_case("error") && value.trim_matches('"') == WANTED)
    })
}

#[cfg(test)]
mod tests;
