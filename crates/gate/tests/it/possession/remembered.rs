//! What is remembered of the proofs that a token was shown with saves looking at them again, and opens nothing: whatever differs from what
//! was verified is refused as if nothing were remembered.

use super::{Scene, signer};
use serde_json::{Value, json};
use wardgate_proof::{
    dpop::{Proving, prove},
    jose::base64url,
    jws::Signer,
};
use wardgate_testkit::world::{Asked, DAWN};

const TARGET: &str = "https://ledger.example/ledger/entries";

fn shown(token: &str, proof: &str) -> Asked {
    Asked::parse("GET /ledger/entries\nhost: ledger.example").unwrap().possessed(token, proof)
}

fn by(key: &Signer, token: &str, id: u8) -> String {
    prove(key, &Proving { method: "GET", target: TARGET, token: Some(token), nonce: None, id: &[id; 16], now: DAWN }).unwrap()
}

/// A proof of a key with another header, and a good signature over that.
fn headed(key: &Signer, head: &str, token: &str, id: u8) -> String {
    let proof = by(key, token, id);
    let signed = format!("{}.{}", base64url::encode(head.as_bytes()), proof.split('.').nth(1).unwrap());
    let signature = base64url::encode(&key.sign_bytes(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[test]
fn a_header_that_is_known_opens_no_token_of_another_key() {
    let (scene, other) = (Scene::new(), signer());
    let (own, others) = (scene.bound(), scene.token(json!({ "jkt": other.kid() })));
    let ruled = |token: &str, proof: &str| scene.ruled(&shown(token, proof), DAWN);
    // Each was shown with its own, twice: both keys and both headers are remembered.
    for id in [1, 2] {
        assert_eq!(ruled(&own, &by(&scene.key, &own, id)), "rule.allowed");
        assert_eq!(ruled(&others, &by(&other, &others, id)), "rule.allowed");
    }
    assert_eq!(ruled(&own, &by(&other, &own, 3)), "proof.binding");
    assert_eq!(ruled(&others, &by(&scene.key, &others, 3)), "proof.binding");
    assert_eq!(ruled(&own, &by(&other, &others, 4)), "proof.binding", "nor a proof for the other's");
    // The right header over what another key has signed.
    let right = by(&scene.key, &own, 5);
    let head = base64url::decode(right.split('.').next().unwrap()).unwrap();
    assert_eq!(ruled(&own, &headed(&other, std::str::from_utf8(&head).unwrap(), &own, 5)), "proof.binding");
    // All that uses up nothing.
    assert_eq!(ruled(&own, &right), "rule.allowed");
    assert_eq!(ruled(&own, &right), "proof.repeated");
}

#[test]
fn a_token_that_was_never_shown_well_has_no_key() {
    let (scene, other) = (Scene::new(), signer());
    let own = scene.bound();
    for id in [1, 2] {
        assert_eq!(scene.ruled(&shown(&own, &by(&other, &own, id)), DAWN), "proof.binding", "time {id}");
    }
    assert_eq!(scene.ruled(&shown(&own, &by(&scene.key, &own, 3)), DAWN), "rule.allowed");
}

/// RFC 9449 §4.3: whatever a header must not be it must not be after a good one either, though the same key has signed it.
#[test]
fn another_header_of_the_same_key_is_read_from_its_beginning() {
    let scene = Scene::new();
    let token = scene.bound();
    let jwk = scene.key.jwk();
    let public = json!({ "kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"] });
    let mut private = public.clone();
    private["d"] = "AAAA".into();
    let head = |change: Value| {
        let mut head = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": public });
        for (name, value) in change.as_object().unwrap() {
            head[name] = value.clone();
        }
        head.to_string()
    };
    let ruled = |head: &str, id: u8| scene.ruled(&shown(&token, &headed(&scene.key, head, &token, id)), DAWN);
    assert_eq!(scene.ruled(&shown(&token, &by(&scene.key, &token, 0)), DAWN), "rule.allowed");
    // Written otherwise it is the same key, as often as it is shown so.
    let (plain, spaced) = (head(json!({})), head(json!({})).replace(',', " , "));
    for (id, head) in [(1, &plain), (2, &spaced), (3, &plain), (4, &spaced)] {
        assert_eq!(ruled(head, id), "rule.allowed", "{head}");
    }
    for (id, change) in [
        json!({ "typ": "JWT" }),
        json!({ "alg": "ES384" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "none" }),
        json!({ "crit": ["x"] }),
        json!({ "jwk": private }),
        json!({ "jwk": Value::Null }),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(ruled(&head(change.clone()), 10 + u8::try_from(id).unwrap()), "proof.binding", "{change}");
    }
    assert_eq!(ruled(&plain, 30), "rule.allowed", "and no harm is done");
}

/// What is compared as text is the text of one way of writing it: base64url has no second one (RFC 7515 §2).
#[test]
fn a_header_that_ends_in_other_bits_is_none() {
    let scene = Scene::new();
    let token = scene.bound();
    assert_eq!(scene.ruled(&shown(&token, &by(&scene.key, &token, 1)), DAWN), "rule.allowed");
    let proof = by(&scene.key, &token, 2);
    let (head, rest) = proof.split_once('.').unwrap();
    for wrong in [format!("{head}="), format!("{head}A"), format!("{}\u{e9}", &head[1..]), format!("{}+", &head[..head.len() - 1])] {
        let payload = rest.split('.').next().unwrap();
        let signed = format!("{wrong}.{payload}");
        let signature = base64url::encode(&scene.key.sign_bytes(signed.as_bytes()).unwrap());
        let told = scene.ruled(&shown(&token, &format!("{signed}.{signature}")), DAWN);
        assert!(["proof.binding", "proof.possession"].contains(&&*told), "{wrong}: {told}");
    }
    assert_eq!(scene.ruled(&shown(&token, &proof), DAWN), "rule.allowed");
}
