//! The bytes of a public key, by type (RFC 7518 §6, RFC 8037 §2, RFC 9964).

use super::{KeyFault, text};
use crate::jose::{algorithm::Algorithm, base64url, refusal::Shown, thumbprint};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, ML_DSA_44, ML_DSA_65, ML_DSA_87, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use serde_json::{Map, Value};

/// The smallest RSA exponent: FIPS 186-5 §A.1.1 wants more than 2^16.
const EXPONENT_MIN: u64 = 65_537;
/// Above this no RSA exponent may be: the library takes 33 bits.
const EXPONENT_END: u64 = 1 << 33;

/// What a key is made of.
pub(super) struct Material<'a> {
    /// The algorithms that such a key can be for; never empty.
    pub(super) fitting: &'static [Algorithm],
    bytes: Bytes,
    /// The members that its thumbprint covers (RFC 7638 §3.2), but `alg`, in lexicographic order.
    named: [(&'static str, &'a str); 4],
}

enum Bytes {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Plain(Vec<u8>),
}

/// Reads what a key of a type is made of.
pub(super) fn read<'a>(kty: &'a str, members: &'a Map<String, Value>) -> Result<Material<'a>, KeyFault> {
    match kty {
        "EC" => elliptic(members),
        "RSA" => rsa(members),
        "OKP" => edwards(members),
        "AKP" => lattice(members),
        _ => Err(KeyFault::Kty(Shown::of(kty))),
    }
}

impl Material<'_> {
    /// Makes it ready to verify with.
    pub(super) fn public(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, KeyFault> {
        let parsed = match &self.bytes {
            Bytes::Rsa { n, e } => {
                let parameters = rsa_parameters(algorithm).ok_or(KeyFault::Point)?;
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters)
            }
            // The library checks that a point lies on its curve (RFC 8725 §3.4).
            Bytes::Plain(bytes) => ParsedPublicKey::new(plain_algorithm(algorithm).ok_or(KeyFault::Point)?, bytes),
        };
        parsed.map_err(|_| KeyFault::Point)
    }

    /// Its name after RFC 7638.
    pub(super) fn thumbprint(&self, algorithm: Algorithm) -> String {
        let named = self.named.map(|(name, value)| if name == "alg" { (name, algorithm.name()) } else { (name, value) });
        let named: Vec<_> = named.into_iter().filter(|(name, _)| !name.is_empty()).collect();
        thumbprint::of(&named)
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn plain_algorithm(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &ECDSA_P521_SHA512_FIXED,
        Algorithm::Ed25519 => &ED25519,
        Algorithm::MlDsa44 => &ML_DSA_44,
        Algorithm::MlDsa65 => &ML_DSA_65,
        Algorithm::MlDsa87 => &ML_DSA_87,
        _ => return None,
    })
}

fn bytes(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    base64url::decode(text(members, name)?).ok_or(KeyFault::Member(name))
}

/// RFC 7518 §6.2.1: coordinates have the full length of the field, zeros in front included.
fn elliptic(members: &Map<String, Value>) -> Result<Material<'_>, KeyFault> {
    let curve = text(members, "crv")?;
    let (fitting, length): (&[Algorithm], usize) = match curve {
        "P-256" => (&[Algorithm::Es256], 32),
        "P-384" => (&[Algorithm::Es384], 48),
        "P-521" => (&[Algorithm::Es512], 66),
        _ => return Err(KeyFault::Curve(Shown::of(curve))),
    };
    // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = bytes(members, name)?;
        if coordinate.len() != length {
            return Err(KeyFault::Member(name));
        }
        point.extend(coordinate);
    }
    let named = [("crv", curve), ("kty", "EC"), ("x", text(members, "x")?), ("y", text(members, "y")?)];
    Ok(Material { fitting, bytes: Bytes::Plain(point), named })
}

/// RFC 7518 §6.3.1: whole numbers without a zero in front.
fn rsa(members: &Map<String, Value>) -> Result<Material<'_>, KeyFault> {
    let (n, e) = (bytes(members, "n")?, bytes(members, "e")?);
    let (first, last) = (n.first().copied().unwrap_or(0), n.last().copied().unwrap_or(0));
    if first == 0 || last % 2 == 0 {
        return Err(KeyFault::Member("n"));
    }
    let bits = n.len().saturating_mul(8).saturating_sub(usize::try_from(first.leading_zeros()).unwrap_or(0));
    if !(2048..=8192).contains(&bits) {
        return Err(KeyFault::ModulusBits(bits));
    }
    if e.first().is_none_or(|first| *first == 0) {
        return Err(KeyFault::Member("e"));
    }
    let exponent = if e.len() > 8 { u64::MAX } else { e.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)) };
    if exponent % 2 == 0 || !(EXPONENT_MIN..EXPONENT_END).contains(&exponent) {
        return Err(KeyFault::Exponent);
    }
    let named = [("e", text(members, "e")?), ("kty", "RSA"), ("n", text(members, "n")?), ("", "")];
    Ok(Material { fitting: &Algorithm::RSA, bytes: Bytes::Rsa { n, e }, named })
}

/// RFC 8037 §2.
fn edwards(members: &Map<String, Value>) -> Result<Material<'_>, KeyFault> {
    let curve = text(members, "crv")?;
    if curve != "Ed25519" {
        return Err(KeyFault::Curve(Shown::of(curve)));
    }
    let point = bytes(members, "x")?;
    if point.len() != 32 {
        return Err(KeyFault::Member("x"));
    }
    if of_small_order(&point) {
        return Err(KeyFault::Point);
    }
    let named = [("crv", curve), ("kty", "OKP"), ("x", text(members, "x")?), ("", "")];
    Ok(Material { fitting: &[Algorithm::Ed25519], bytes: Bytes::Plain(point), named })
}

/// RFC 9964: the algorithm says how long the key is.
fn lattice(members: &Map<String, Value>) -> Result<Material<'_>, KeyFault> {
    let named = text(members, "alg")?;
    let (fitting, length): (&[Algorithm], usize) = match Algorithm::parse(named) {
        Some(Algorithm::MlDsa44) => (&[Algorithm::MlDsa44], 1312),
        Some(Algorithm::MlDsa65) => (&[Algorithm::MlDsa65], 1952),
        Some(Algorithm::MlDsa87) => (&[Algorithm::MlDsa87], 2592),
        Some(_) | None => return Err(KeyFault::Algorithm(Shown::of(named))),
    };
    let key = bytes(members, "pub")?;
    if key.len() != length {
        return Err(KeyFault::Member("pub"));
    }
    let named = [("alg", named), ("kty", "AKP"), ("pub", text(members, "pub")?), ("", "")];
    Ok(Material { fitting, bytes: Bytes::Plain(key), named })
}

/// Whether a point of Ed25519 is one of the eight whose order divides 8, however it is encoded: with such a key signatures
/// verify that nobody made.
fn of_small_order(point: &[u8]) -> bool {
    // y of order 8, and its negative; the first byte of each and the rest.
    const EIGHTH: [[u8; 32]; 2] = [
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c,
            0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3,
            0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
    ];
    let Some((last, rest)) = point.split_last() else { return true };
    let Some((first, middle)) = rest.split_first() else { return true };
    // The sign of x does not matter.
    let last = last & 0x7f;
    let near_zero = matches!(*first, 0 | 1) && last == 0 && middle.iter().all(|byte| *byte == 0);
    let near_prime = matches!(*first, 0xec..=0xee) && last == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    let eighth = EIGHTH.iter().any(|y| y.split_last().is_some_and(|(end, start)| *end == last && start == rest));
    near_zero || near_prime || eighth
}
