//! A forge of tokens: any header, any claims, any key.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
        PqdsaSigningAlgorithm, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
        RsaEncoding, RsaKeyPair,
    },
};
use serde_json::{Value, json};
use std::{sync::LazyLock, time::Duration};
use wardgate_model::time::Time;
use wardgate_proof::jose::{
    algorithm::{Algorithm, Algorithms},
    base64url,
    expected::{Expected, Sharing},
    jwk::{Accepting, Usage},
    jwt::{self, Verified},
    key_set::KeySet,
    kind::TokenKind,
    refusal::Refusal,
};

/// The moment of every test.
pub(crate) const NOW: Time = Time::from_seconds(1_800_000_000);

/// Takes any algorithm, of keys for signatures.
pub(crate) const ANY: Accepting = Accepting { algorithms: Algorithms::ALL, usage: Usage::Signature };

/// A private key.
pub(crate) enum Private {
    /// ECDSA.
    Ec(EcdsaKeyPair),
    /// RSA.
    Rsa(&'static RsaKeyPair),
    /// Ed25519.
    Ed(Ed25519KeyPair),
    /// ML-DSA.
    Lattice(PqdsaKeyPair),
}

/// A key that signs.
pub(crate) struct Forge {
    /// For what.
    pub(crate) algorithm: Algorithm,
    /// Its name.
    pub(crate) kid: String,
    /// The key.
    pub(crate) private: Private,
}

static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"));

impl Forge {
    /// A key for an algorithm, called like it in lower case. RSA keys are one.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let ec = |signing: &'static EcdsaSigningAlgorithm| Private::Ec(EcdsaKeyPair::generate(signing).expect("a key"));
        let lattice = |signing: &'static PqdsaSigningAlgorithm| Private::Lattice(PqdsaKeyPair::generate(signing).expect("a key"));
        let private = match algorithm {
            Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::Es512 => ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::Ed25519 => Private::Ed(Ed25519KeyPair::generate().expect("a key")),
            Algorithm::MlDsa44 => lattice(&ML_DSA_44_SIGNING),
            Algorithm::MlDsa65 => lattice(&ML_DSA_65_SIGNING),
            Algorithm::MlDsa87 => lattice(&ML_DSA_87_SIGNING),
            _ => Private::Rsa(&RSA),
        };
        Self { algorithm, kid: algorithm.name().to_lowercase(), private }
    }

    /// The public key.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.private {
            Private::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match self.algorithm {
                    Algorithm::Es256 => "P-256",
                    Algorithm::Es384 => "P-384",
                    _ => "P-521",
                };
                json!({ "kty": "EC", "crv": curve, "x": base64url::encode(x), "y": base64url::encode(y) })
            }
            Private::Rsa(pair) => {
                let public = pair.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                let number = |bytes: &[u8]| base64url::encode(bytes);
                json!({
                    "kty": "RSA",
                    "n": number(n.big_endian_without_leading_zero()),
                    "e": number(e.big_endian_without_leading_zero()),
                })
            }
            Private::Ed(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(pair.public_key().as_ref()) }),
            Private::Lattice(pair) => json!({ "kty": "AKP", "pub": base64url::encode(pair.public_key().as_ref()) }),
        };
        jwk["alg"] = json!(self.algorithm.name());
        jwk["kid"] = json!(self.kid);
        jwk
    }

    /// The set of this key alone.
    pub(crate) fn keys(&self) -> KeySet {
        keys(&[self.jwk()])
    }

    /// The signature over any bytes.
    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        match &self.private {
            Private::Ec(pair) => pair.sign(&SystemRandom::new(), message).expect("signs").as_ref().to_vec(),
            Private::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Private::Lattice(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                let length = pair.sign(message, &mut signature).expect("signs");
                signature.truncate(length);
                signature
            }
            Private::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match self.algorithm {
                    Algorithm::Rs256 => &RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &RSA_PSS_SHA256,
                    Algorithm::Ps384 => &RSA_PSS_SHA384,
                    _ => &RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature).expect("signs");
                signature
            }
        }
    }

    /// A token with any header and payload.
    pub(crate) fn raw(&self, header: &[u8], payload: &[u8]) -> String {
        let signed = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
        let signature = self.signature(signed.as_bytes());
        format!("{signed}.{}", base64url::encode(&signature))
    }

    /// A token with a plain header and any claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let header = json!({ "alg": self.algorithm.name(), "kid": self.kid, "typ": "JWT" });
        self.raw(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }
}

/// A set of any keys.
pub(crate) fn keys(jwks: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": jwks }).to_string().as_bytes(), ANY).expect("a set")
}

/// Claims that are right in every way.
pub(crate) fn claims() -> Value {
    let now = NOW.as_seconds();
    json!({ "iss": "https://ci.example", "sub": "repo:acme/ledger:ref:refs/heads/main", "aud": "wardgate", "iat": now, "exp": now + 600 })
}

/// Claims that are right but for what is put over them; `null` takes a claim away.
pub(crate) fn claims_with(over: &Value) -> Value {
    let mut all = claims();
    for (name, value) in over.as_object().expect("an object") {
        if value.is_null() {
            all.as_object_mut().expect("an object").shift_remove(name);
        } else {
            all[name] = value.clone();
        }
    }
    all
}

/// What must hold of [`claims`].
pub(crate) fn expected() -> Expected {
    Expected {
        issuer: Some("https://ci.example".into()),
        audiences: ["wardgate".into(), "https://gate.example".into()].into(),
        sharing: Sharing::Allowed,
        kinds: [TokenKind::Plain, TokenKind::Access].into(),
        trust_domain: None,
        subject_claim: "sub".into(),
        on_behalf_of: None,
        leeway: Duration::from_secs(30),
        life_max: Duration::from_hours(1),
    }
}

/// Verifies as [`expected`], now.
pub(crate) fn verify(token: &str, keys: &KeySet) -> Result<Verified, Refusal> {
    jwt::verify(token, keys, &expected(), NOW)
}

/// The answer as text: who it is, or why not.
pub(crate) fn told(outcome: Result<Verified, Refusal>) -> String {
    match outcome {
        Ok(verified) => format!("{} by {}", verified.subject, verified.algorithm),
        Err(refusal) => format!("refused: {refusal}"),
    }
}
