//! Wycheproof's JSON Web Signature vectors: 401 of them, the contested ones and those with a wrong key named one by one.

use crate::forge::{ANY, keys};
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wardgate_proof::jose::{
    base64url,
    jwk::Key,
    jws::Compact,
    key_set::{KeySet, SetFault},
};

const VECTORS: &str = include_str!("../../testdata/jose/wycheproof_json_web_signature_test.json");

/// Good libraries disagree on these: MACs over texts that are not base64url as RFC 7515 §2 has it. Every one that holds such
/// a text is refused here, 372 and 373 too, which are called valid with a character of no alphabet in them.
const CONTESTED: [u64; 12] = [360, 365, 366, 367, 368, 369, 370, 371, 372, 373, 374, 375];

/// Called invalid, but byte for byte the token that 357 calls valid.
const SAME_AS_VALID: [u64; 2] = [367, 370];

/// Called valid, but the key's own `alg` says otherwise: `PS256` for a token of `PS384` (346, 350), and `ES521`, which is no
/// algorithm, for one of `ES512` (347, 351). RFC 7517 §4.4 and RFC 8725 §3.1 make that a refusal. With the `alg` that RFC 7520
/// meant, they verify.
const KEY_SAYS_OTHERWISE: [(u64, &str); 4] = [(346, "PS384"), (347, "ES512"), (350, "PS384"), (351, "ES512")];

/// Whether a token verifies with a key. Symmetric keys count nowhere in the product: for them the test has a MAC of its own
/// behind the same reader of tokens.
fn accepts(token: &str, jwk: &Value) -> bool {
    if jwk["kty"] != "oct" {
        return Compact::parse(token).is_ok_and(|compact| compact.signer(&keys(std::slice::from_ref(jwk))).is_ok());
    }
    let secret = base64url::decode(jwk["k"].as_str().expect("a secret")).expect("base64url");
    Compact::parse(token).is_ok_and(|compact| {
        compact.header().algorithm() == "HS256"
            && compact.header().kid() == jwk["kid"].as_str()
            && hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &secret), compact.signed().as_bytes(), compact.signature()).is_ok()
    })
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let (mut judged, mut wrong) = (BTreeSet::new(), BTreeSet::new());
    for group in vectors["testGroups"].as_array().expect("groups") {
        let jwk = group.get("public").unwrap_or(&group["private"]);
        for test in group["tests"].as_array().expect("tests") {
            let id = test["tcId"].as_u64().expect("a number");
            // Some tokens are JSON objects, not text.
            let token = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), ToOwned::to_owned);
            judged.insert(id);
            if accepts(&token, jwk) != (test["result"] == "valid") {
                wrong.insert(id);
            }
            if CONTESTED.contains(&id) {
                assert_eq!(accepts(&token, jwk), SAME_AS_VALID.contains(&id), "contested {id}");
            }
            if let Some((_, meant)) = KEY_SAYS_OTHERWISE.iter().find(|(other, _)| *other == id) {
                let mut jwk = jwk.clone();
                jwk["alg"] = json!(meant);
                assert!(accepts(&token, &jwk), "{id} with the key that RFC 7520 meant");
            }
        }
    }
    assert_eq!(judged.len(), 401);
    let differ: BTreeSet<u64> = KEY_SAYS_OTHERWISE.map(|(id, _)| id).into_iter().chain(SAME_AS_VALID).chain([372, 373]).collect();
    assert_eq!(wrong, differ);
}

#[test]
fn no_symmetric_key_of_theirs_is_taken_and_none_of_their_private_keys() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    for group in vectors["testGroups"].as_array().expect("groups") {
        let private = json!({ "keys": [group["private"]] }).to_string();
        assert!(matches!(KeySet::parse(private.as_bytes(), ANY), Err(SetFault::GivenAway { at: 0, .. })));
        assert!(Key::parse(group["private"].to_string().as_bytes(), ANY).expect_err("given away").gives_away());
    }
}
