//! What a careful upstream does with `Wardgate-Assertion`: it verifies the signature with the gate's published keys
//! before it believes a word (RFC 7515 §5.2, ES256 of RFC 7518 §3.4).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use serde_json::Value;
use wardgate_model::time::Time;
use wardgate_proof::assertion::TYP;

/// Whether `token` is signed by one of `keys` and speaks of `identity`.
pub(super) fn proves(token: &str, keys: &Value, identity: &str) -> bool {
    claims(token, keys).is_some_and(|claims| claims.get("sub").is_some_and(|subject| subject == identity))
}

/// What an upstream believes: what one gate signed for this upstream, for the request at hand, and only for a while.
#[derive(Debug)]
pub(super) struct Believed {
    /// The keys that the gate publishes.
    pub(super) keys: Value,
    /// The gate's issuer.
    pub(super) issuer: String,
    /// The upstream itself, as the gate calls it.
    pub(super) audience: String,
    /// The API that it serves.
    pub(super) api: String,
}

impl Believed {
    /// Whether a request may be answered. Its operations have no parameters here; the samples in `samples/` know those too.
    pub(super) fn holds(&self, token: &str, method: &Method, path: &str, now: Time) -> bool {
        let Some(claims) = claims(token, &self.keys) else { return false };
        let says = |name: &str, wanted: &str| claims.get(name).is_some_and(|value| value == wanted);
        let lasts = claims.get("exp").and_then(Value::as_i64).is_some_and(|end| now.as_seconds() < end);
        let operation = format!("{} {method} {path}", self.api);
        lasts && says("iss", &self.issuer) && says("aud", &self.audience) && says("operation", &operation)
    }
}

/// The claims of a token whose signature is good.
fn claims(token: &str, keys: &Value) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).ok()?).ok()?;
    if head.get("alg")? != "ES256" || head.get("typ")? != TYP || head.get("crit").is_some() {
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
    use super::{Believed, proves};
    use http::Method;
    use serde_json::{Value, json};
    use wardgate_model::time::Time;
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

    #[test]
    fn an_assertion_is_for_one_upstream_one_operation_and_a_while() {
        let (signer, url, now) = (signer(), "http://127.0.0.1:9000", Time::from_seconds(1_800_000_000));
        let (keys, api, issuer) = (jwks([&signer]), "returns".to_owned(), "https://localhost".to_owned());
        let believed = Believed { keys, issuer, audience: url.to_owned(), api };
        let good = json!({ "iss": "https://localhost", "aud": url, "exp": 1_800_000_060, "operation": "returns GET /returns/open" });
        let holds = |claims: &Value, typ: &str| believed.holds(&signer.sign(typ, claims).unwrap(), &Method::GET, "/returns/open", now);
        assert!(holds(&good, "wardgate-assertion+jwt"));
        assert!(!holds(&good, "at+jwt"));
        for (claim, value) in [
            ("iss", json!("https://elsewhere.example")),
            ("aud", json!("http://127.0.0.1:9001")),
            ("aud", json!([url])),
            ("exp", json!(1_800_000_000)),
            ("exp", Value::Null),
            ("operation", json!("returns POST /returns/open")),
            ("operation", json!("shop GET /shop/orders")),
        ] {
            let mut bad = good.clone();
            bad[claim] = value;
            assert!(!holds(&bad, "wardgate-assertion+jwt"), "{claim}");
        }
    }
}
