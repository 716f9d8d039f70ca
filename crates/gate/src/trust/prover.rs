//! With which key a token that is bound to one was shown, found by the token: no header is read twice, and none looked up.
//!
//! INVARIANT (verified there): a key is noted once a proof of it was verified and found to be of the thumbprint that the token is bound to.
//! A header with the same text has the same key ([`ProofKey::head`]); any other text is read as if nothing were noted. Whoever uses it holds its
//! thumbprint against that of the token that is shown all the same.

use std::sync::{Arc, OnceLock};
use wardgate_proof::dpop::ProofKey;

/// The key of the first proof that was good.
#[derive(Debug, Default)]
pub(crate) struct Prover(OnceLock<Arc<ProofKey>>);

impl Prover {
    /// The key that was noted.
    pub(crate) fn key(&self) -> Option<&ProofKey> {
        self.0.get().map(Arc::as_ref)
    }

    /// Notes a key. What was noted before stays.
    pub(crate) fn note(&self, key: &Arc<ProofKey>) {
        let _noted_before = self.0.set(Arc::clone(key));
    }
}
