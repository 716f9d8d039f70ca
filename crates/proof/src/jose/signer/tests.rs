use super::{ExternalKey, SignError, Signer, jwks};
use crate::jose::base64url;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::Arc;

/// The key of RFC 7515 §A.3.1, as PKCS #8.
const RFC_7515_A3_PKCS8: &str = "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b02010104208e9b109e719098bf980487df1f5d77e9cb29606e\
bed2263b5f57c213df84f4b2a144034200047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6e\
a90b24ad8a4623288588e5ad";
/// The token of RFC 7515 §A.3.1.
const RFC_7515_A3_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal")).collect()
}

fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).expect("base64url without padding")
}

fn rfc_signer() -> Signer {
    Signer::load(&unhex(RFC_7515_A3_PKCS8)).expect("a key")
}

/// Verifies a compact JWS with a public JWK alone, as an upstream would, and gives header and claims.
pub(crate) fn verify(jwk: &Value, token: &str) -> Option<(Value, Value)> {
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let point = [vec![4], decode(jwk["x"].as_str().expect("x")), decode(jwk["y"].as_str().expect("y"))].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &decode(signature)).ok()?;
    Some((serde_json::from_slice(&decode(header)).expect("JSON"), serde_json::from_slice(&decode(claims)).expect("JSON")))
}

#[test]
fn the_key_of_rfc_7515_a3_has_its_published_coordinates() {
    let jwk = rfc_signer().jwk();
    assert_eq!(
        jwk,
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            // RFC 7638 §3 over these members, computed with another implementation.
            "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
        })
    );
    let (_, claims) = verify(&jwk, RFC_7515_A3_TOKEN).expect("the token of the RFC verifies with our JWK");
    assert_eq!(claims["iss"], "joe");
}

#[test]
fn a_signed_token_verifies_and_a_changed_one_does_not() {
    let signer = rfc_signer();
    let token = signer.sign("example+jwt", &json!({ "sub": "ledger-sync" })).expect("signed");
    let (header, claims) = verify(&signer.jwk(), &token).expect("verifies");
    assert_eq!(header, json!({ "alg": "ES256", "kid": signer.kid(), "typ": "example+jwt" }));
    assert_eq!(claims, json!({ "sub": "ledger-sync" }));
    // RFC 7518 §3.4: r and s, 64 bytes.
    assert_eq!(decode(token.rsplit('.').next().expect("a signature")).len(), 64);

    let other = URL_SAFE_NO_PAD.encode(r#"{"sub":"somebody-else"}"#);
    let parts: Vec<&str> = token.split('.').collect();
    assert!(verify(&signer.jwk(), &format!("{}.{other}.{}", parts[0], parts[2])).is_none());
}

#[test]
fn a_new_key_is_its_own() {
    let [one, two] = [(); 2].map(|()| Signer::load(Signer::generate().expect("a key").danger_expose()).expect("loads"));
    assert_ne!(one.kid(), two.kid());
    let token = one.sign("example+jwt", &json!({})).expect("signed");
    assert!(verify(&one.jwk(), &token).is_some());
    assert!(verify(&two.jwk(), &token).is_none());
}

#[test]
fn the_set_holds_public_members_only() {
    let set = jwks([&rfc_signer()]);
    let mut members: Vec<&str> = set["keys"][0].as_object().expect("a JWK").keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(jwks([]), json!({ "keys": [] }));
}

#[test]
fn what_is_no_key_is_refused() {
    let mut torn = unhex(RFC_7515_A3_PKCS8);
    // The private key says one thing, the public key in the same document another.
    torn[40] ^= 1;
    for bytes in [b"".as_slice(), b"-----BEGIN PRIVATE KEY-----", &torn, &torn[..50]] {
        assert_eq!(Signer::load(bytes).expect_err("no key"), SignError::Key);
    }
    assert_eq!(format!("{:?}", rfc_signer()), "Signer(oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U)");
}

/// A key that is elsewhere, or away.
struct Elsewhere(Option<EcdsaKeyPair>);

impl ExternalKey for Elsewhere {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let pair = self.0.as_ref().ok_or(SignError::Away)?;
        pair.sign(&SystemRandom::new(), message).map(|signature| signature.as_ref().to_vec()).map_err(|_| SignError::Sign)
    }
}

#[test]
fn a_key_that_is_elsewhere_signs_as_one_that_is_here() {
    let pkcs8 = Signer::generate().unwrap();
    let here = Signer::load(pkcs8.danger_expose()).unwrap();
    let pair = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.danger_expose()).unwrap();
    let point = pair().public_key().as_ref().to_vec();
    let there = Signer::external(&point, Arc::new(Elsewhere(Some(pair())))).unwrap();
    assert_eq!((there.jwk(), there.kid(), there.algorithm()), (here.jwk(), here.kid(), here.algorithm()));
    let token = there.sign("JWT", &serde_json::json!({ "a": 1 })).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
    assert!(key.verify(signed.as_bytes(), &base64url::decode(signature).unwrap()).is_ok());
    let away = Signer::external(&point, Arc::new(Elsewhere(None))).unwrap();
    assert_eq!(away.sign("JWT", &serde_json::json!({})), Err(SignError::Away));
    let other = Signer::generate().unwrap();
    let other = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, other.danger_expose()).unwrap();
    let foreign = Signer::external(&point, Arc::new(Elsewhere(Some(other)))).unwrap();
    assert_eq!(foreign.sign("JWT", &serde_json::json!({})), Err(SignError::Foreign), "another key has signed");
    for wrong in [&point[1..], &point[..64], &[], &[4; 66]] {
        assert_eq!(Signer::external(wrong, Arc::new(Elsewhere(None))).err(), Some(SignError::Key));
    }
}
