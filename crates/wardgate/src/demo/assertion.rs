//! What a careful upstream does with `Wardgate-Assertion`: it verifies the signature with the gate's published keys
//! before it believes a word (RFC 7515 §5.2, ES256 of RFC 7518 §3.4).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// Whether `token` is signed by one of `keys` and speaks of `identity`.
pub(super) fn proves(token: &str, keys: &Value, identity: &str) -> bool {
    claims(token, keys).is_some_and(|claims| claims.get("sub").is_some_and(|subject| subject == identity))
}

/// The claims of a token whose signature is good.
fn claims(token: &str, keys: &Value) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).ok()?).ok()?;
    if head.get("alg")? != "ES256" {
        return None;
    }
    let key = keys.get("keys")?.as_array()?.iter().find(|key| key.get("kid") == head.get("kid"))?;
    // SEC 1 §2.3.3: an uncompressed point is 4, x, y.
    let mut point = vec![4];
    for coordinate in ["x", "y"] {
        point.extend(URL_SAFE_NO_PAD.decode(key.get(coordinate)?.as_str()?).ok()?);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &signature).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::proves;
    use serde_json::json;
    use wardgate_proof::jws::{Signer, jwks};

    fn signer() -> Signer {
        Signer::load(Signer::generate().unwrap().danger_expose()).unwrap()
    }

    #[test]
    fn only_what_the_gate_signed_is_believed() {
        let (signer, stranger) = (signer(), signer());
        let keys = jwks([&signer]);
        let claims = json!({ "sub": "orders-sync" });
        let token = signer.sign("wardgate-assertion+jwt", &claims).unwrap();
        assert!(proves(&token, &keys, "orders-sync"));
        assert!(!proves(&token, &keys, "root"));
        assert!(!proves(&token, &jwks([&stranger]), "orders-sync"));
        let mut altered = token.clone().into_bytes();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        assert!(!proves(&String::from_utf8_lossy(&altered), &keys, "orders-sync"));
        assert!(!proves("eyJhbGciOiJub25lIn0.eyJzdWIiOiJvcmRlcnMtc3luYyJ9.", &keys, "orders-sync"));
    }
}
