//! The signature algorithms that count: asymmetric ones alone. There is no way to write `none` or a MAC down here, so an
//! issuer's public key can never be taken for a shared secret (CVE-2015-9235).

use std::fmt;

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2, RFC 9964).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// Ed25519. RFC 8037 calls it `EdDSA`, RFC 9864 calls it `Ed25519`: one algorithm under two names, since no other curve
    /// is taken.
    Ed25519,
    /// ML-DSA-44 (FIPS 204).
    MlDsa44,
    /// ML-DSA-65 (FIPS 204).
    MlDsa65,
    /// ML-DSA-87 (FIPS 204).
    MlDsa87,
}

impl Algorithm {
    /// Each of them.
    pub const ALL: [Self; 13] = [
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Ed25519,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];
    /// Those of an RSA key.
    pub const RSA: [Self; 6] = [Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256, Self::Ps384, Self::Ps512];

    /// Its name in a header or a key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Ed25519 => "Ed25519",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        }
    }

    /// The algorithm of a name; exactly this name (RFC 7515 §4.1.1: case-sensitive).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "EdDSA" { Some(Self::Ed25519) } else { Self::ALL.into_iter().find(|algorithm| algorithm.name() == name) }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of them: what an issuer may sign with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Algorithms(u16);

impl Algorithms {
    /// Each of them.
    pub const ALL: Self = Self((1 << Algorithm::ALL.len()) - 1);

    /// Those of a JWT-SVID (JWT-SVID §2): ES, RS and PS.
    pub const JWT_SVID: Self = Self((1 << 9) - 1);

    /// Reads names as configuration has them; none means [`Algorithms::ALL`].
    ///
    /// # Errors
    /// With the name that is not one of them: a mistake, a MAC, or `none`.
    pub fn parse<N: AsRef<str>>(names: &[N]) -> Result<Self, UnknownAlgorithm> {
        if names.is_empty() {
            return Ok(Self::ALL);
        }
        let known = |name: &N| Algorithm::parse(name.as_ref()).ok_or_else(|| UnknownAlgorithm(name.as_ref().into()));
        names.iter().map(known).collect()
    }

    /// Whether one is among them.
    #[must_use]
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & (1 << algorithm as u16) != 0
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |set, algorithm| set | 1 << algorithm as u16))
    }
}

impl fmt::Debug for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Algorithm::ALL.into_iter().filter(|algorithm| self.contains(*algorithm))).finish()
    }
}

/// A name that is no signature algorithm of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no signature algorithm that proves anything: use ES256, ES384, ES512, RS256 to RS512, PS256 to PS512, EdDSA or ML-DSA-44 to ML-DSA-87"
)]
pub struct UnknownAlgorithm(Box<str>);

#[cfg(test)]
mod tests {
    use super::{Algorithm, Algorithms};

    #[test]
    fn names_read_back_and_case_counts() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.name()), Some(algorithm));
            assert_eq!(Algorithm::parse(&algorithm.name().to_lowercase()), None);
            assert!(Algorithms::ALL.contains(algorithm));
        }
        assert_eq!(Algorithm::parse("EdDSA"), Some(Algorithm::Ed25519));
    }

    #[test]
    fn neither_a_mac_nor_none_can_be_allowed() {
        for name in ["none", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "ES256K", "RS1", "ES521", "Ed448", "dir", "RSA-OAEP"] {
            assert!(Algorithms::parse(&[name]).is_err(), "{name}");
        }
        let two = Algorithms::parse(&["ES256", "EdDSA"]).expect("names");
        assert_eq!(format!("{two:?}"), "{Es256, Ed25519}");
        assert!(!two.contains(Algorithm::Rs256));
        let svid = Algorithm::ALL.into_iter().filter(|algorithm| matches!(algorithm.name().get(..2), Some("ES" | "RS" | "PS")));
        assert_eq!(Algorithms::JWT_SVID, svid.collect());
        assert_eq!(Algorithms::parse::<&str>(&[]).expect("none said"), Algorithms::ALL);
    }
}
