//! Signatures of revocation lists, verified once.
//!
//! `webpki` verifies the signature of a list whenever it looks up a certificate in it, and for that hashes all of it: 2 MB for 100,000
//! revoked certificates. What it verifies with is ours to give, so what was verified is remembered there.

use aws_lc_rs::digest::{Context, SHA256};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use std::sync::Mutex;
use wardgate_model::proof::CHAIN_BYTES_MAX;
use webpki::ALL_VERIFICATION_ALGS;

/// Most signatures that are remembered: a list has one, by one key.
const SEEN_MAX: usize = super::CRLS_MAX;

/// The signatures of the lists of one trust source that were found right.
// INVARIANT (lasting): what is longer than a chain of certificates may be is the text of a list. Whoever has the lists has this too,
// and neither changes nor gives up a list: so the place of a text says which text it is.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Vec<Signature>>);

#[derive(Debug, PartialEq, Eq)]
struct Signature {
    place: usize,
    bytes: usize,
    /// Of algorithm, key and signature.
    hash: Box<[u8]>,
}

impl Seen {
    /// Every algorithm that is safe, remembering here.
    pub(super) fn algorithms(&self) -> Vec<Remembering<'_>> {
        ALL_VERIFICATION_ALGS.iter().map(|algorithm| Remembering { algorithm: *algorithm, seen: self }).collect()
    }

    fn holds(&self, signature: &Signature) -> bool {
        self.0.lock().is_ok_and(|seen| seen.contains(signature))
    }

    fn add(&self, signature: Signature) {
        if let Ok(mut seen) = self.0.lock()
            && seen.len() < SEEN_MAX
            && !seen.contains(&signature)
        {
            seen.push(signature);
        }
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().map_or(0, |seen| seen.len())
    }
}

/// An algorithm that does not look twice at the same list.
#[derive(Debug)]
pub(super) struct Remembering<'a> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    seen: &'a Seen,
}

impl SignatureVerificationAlgorithm for Remembering<'_> {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        if message.len() <= CHAIN_BYTES_MAX {
            return self.algorithm.verify_signature(public_key, message, signature);
        }
        let mut hash = Context::new(&SHA256);
        for part in [self.public_key_alg_id().as_ref(), self.signature_alg_id().as_ref(), public_key, signature] {
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let seen = Signature { place: message.as_ptr().addr(), bytes: message.len(), hash: hash.finish().as_ref().into() };
        if self.seen.holds(&seen) {
            return Ok(());
        }
        self.algorithm.verify_signature(public_key, message, signature)?;
        self.seen.add(seen);
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.algorithm.fips()
    }
}
