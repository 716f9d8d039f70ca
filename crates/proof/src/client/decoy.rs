//! Keys that are nobody's, one of each algorithm: what an assertion is tried with that no key of a client can have made, so that who is a
//! client cannot be told by time. That something verifies with one of them proves nothing, and nobody asks.

use super::ALGORITHMS;
use crate::jose::{
    algorithm::Algorithm,
    base64url,
    jwk::{Accepting, Key, Usage},
    key_set::KeySet,
};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Bytes of an RSA modulus, as most clients have it.
const MODULUS_BYTES: usize = 256;

/// All of them.
pub(super) fn keys() -> &'static KeySet {
    static KEYS: LazyLock<KeySet> = LazyLock::new(|| KeySet::of(ALGORITHMS, Algorithm::ALL.into_iter().filter_map(key)));
    &KEYS
}

fn key(algorithm: Algorithm) -> Option<Key> {
    let document = document(algorithm).to_string();
    Key::parse(document.as_bytes(), Accepting { algorithms: ALGORITHMS, usage: Usage::Signature }).ok()
}

/// Base points are points, and any bytes of the right length are a key of ML-DSA.
fn document(algorithm: Algorithm) -> Value {
    let name = algorithm.name();
    let lattice = |bytes: usize| json!({ "kty": "AKP", "alg": name, "pub": base64url::encode(&vec![0x2a; bytes]) });
    match algorithm {
        Algorithm::Es256 => json!({
            "kty": "EC", "crv": "P-256", "alg": name,
            "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
        }),
        Algorithm::Es384 => json!({
            "kty": "EC", "crv": "P-384", "alg": name,
            "x": "qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3",
            "y": "NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f",
        }),
        Algorithm::Es512 => json!({
            "kty": "EC", "crv": "P-521", "alg": name,
            "x": "AMaFjga3BATpzZ4-y2YjlbRCnGSBOQU_tSH4KK9ga009uqFLXnfv51ko_h3BJ6L_qN4zSLPBhWpCm_l-fjHC5b1m",
            "y": "ARg5KWp4mjvABFyKX7QsfRvZmPVESVebRGgXr70XJz5mLJfucple9CZAxVC5AT-tB2E1PHCGonLCQIi-lHaf0WZQ",
        }),
        Algorithm::Ed25519 => json!({ "kty": "OKP", "crv": "Ed25519", "alg": name, "x": "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY" }),
        Algorithm::MlDsa44 => lattice(1312),
        Algorithm::MlDsa65 => lattice(1952),
        Algorithm::MlDsa87 => lattice(2592),
        Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => {
            json!({ "kty": "RSA", "alg": name, "n": base64url::encode(&[0xff; MODULUS_BYTES]), "e": "AQAB" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, keys};

    /// Otherwise the algorithm that lacks one would tell who is a client.
    #[test]
    fn there_is_one_of_each_algorithm() {
        let found: Vec<Algorithm> = keys().keys().iter().map(super::Key::algorithm).collect();
        assert_eq!(found, Algorithm::ALL);
    }
}
