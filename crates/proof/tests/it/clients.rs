//! The attacks on tokens, on the path of a client's assertion, which is another one: its keys are few and its own, and decoys are tried
//! where none of them can have signed (STANDARDS §1.4, §1.12).

use crate::forge::{Forge, NOW, Private};
use aws_lc_rs::{
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};
use wardgate_proof::{
    client::{Assertion, key, keys},
    jose::{algorithm::Algorithm, base64url, key_set::KeySet, refusal::Refusal},
};

const ISSUER: &str = "https://gate.example";

fn claims() -> Value {
    let now = NOW.as_seconds();
    json!({ "iss": "ledger", "sub": "ledger", "aud": ISSUER, "jti": "one", "iat": now, "exp": now + 60 })
}

/// The keys of a client that has registered these.
fn registered<'f>(forges: impl IntoIterator<Item = &'f Forge>) -> KeySet {
    keys(forges.into_iter().map(|forge| key(&forge.jwk().to_string()).expect("a key")))
}

fn header(forge: &Forge, over: &Value) -> Value {
    let mut header = json!({ "alg": forge.algorithm.name(), "kid": forge.kid, "typ": "client-authentication+jwt" });
    for (name, value) in over.as_object().expect("an object") {
        header[name] = value.clone();
    }
    header.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    header
}

/// Signed by `forge`, with members put over the head of a good one; `null` takes one out.
fn signed(forge: &Forge, over: &Value) -> String {
    forge.raw(header(forge, over).to_string().as_bytes(), claims().to_string().as_bytes())
}

fn check(text: &str, keys: Option<&KeySet>) -> String {
    let checked = Assertion::read(text).and_then(|read| read.verify(keys, ISSUER, NOW));
    checked.map_or_else(|refusal| format!("refused: {refusal}"), |asserted| format!("good by {}", asserted.id))
}

/// STANDARDS §1.4, by name: an RSA client with HS256 is refused, whatever of its public key was the secret.
#[test]
fn cve_2015_9235_the_public_key_of_a_client_is_no_shared_secret() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::Ed25519] {
        let forge = Forge::new(algorithm);
        let set = registered([&forge]);
        assert_eq!(check(&signed(&forge, &json!({})), Some(&set)), "good by one", "what is forged below is good when it is signed");
        let jwk = forge.jwk();
        let number = jwk["n"].as_str().or(jwk["x"].as_str()).expect("a number");
        let spki = key(&jwk.to_string()).expect("a key").subject_public_key_info();
        let secrets =
            [Some(jwk.to_string().into_bytes()), Some(number.as_bytes().to_vec()), base64url::decode(number), spki.map(Vec::from)];
        for secret in secrets.into_iter().flatten() {
            for (alg, mac) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
                for kid in [json!(forge.kid), Value::Null] {
                    let head = header(&forge, &json!({ "alg": alg, "kid": kid }));
                    let text = format!(
                        "{}.{}",
                        base64url::encode(head.to_string().as_bytes()),
                        base64url::encode(claims().to_string().as_bytes())
                    );
                    let tag = hmac::sign(&hmac::Key::new(mac, &secret), text.as_bytes());
                    let forged = format!("{text}.{}", base64url::encode(tag.as_ref()));
                    let refused = format!("refused: the header's `alg` is `{alg}`, which proves nothing here");
                    assert_eq!(check(&forged, Some(&set)), refused);
                    assert_eq!(check(&forged, None), refused, "and of nobody");
                }
            }
        }
    }
}

#[test]
fn an_unsigned_assertion_proves_no_client() {
    let forge = Forge::new(Algorithm::Es256);
    let set = registered([&forge]);
    for alg in ["none", "NONE", "nOnE"] {
        let head = header(&forge, &json!({ "alg": alg }));
        let text = format!("{}.{}", base64url::encode(head.to_string().as_bytes()), base64url::encode(claims().to_string().as_bytes()));
        for signature in ["", "AA"] {
            assert_eq!(check(&format!("{text}.{signature}"), Some(&set)), "refused: the token is not signed: its `alg` is `none`");
        }
    }
    let good = signed(&forge, &json!({}));
    let (text, _) = good.rsplit_once('.').expect("three parts");
    assert_eq!(check(&format!("{text}."), Some(&set)), "refused: the signature is wrong");
}

#[test]
fn cve_2018_0114_a_key_that_an_assertion_brings_or_points_to_is_read_by_nobody() {
    let (client, thief) = (Forge::new(Algorithm::Es256), Forge::new(Algorithm::Es256));
    let set = registered([&client]);
    for over in [
        json!({ "jwk": thief.jwk() }),
        json!({ "jwk": thief.jwk(), "kid": null }),
        json!({ "jku": "https://evil.example/jwks.json" }),
        json!({ "x5u": "http://169.254.169.254/latest/meta-data" }),
        json!({ "x5c": ["MIIB"], "x5t": "AA", "x5t#S256": "AA" }),
    ] {
        let refused = if over.get("kid").is_some() {
            "refused: the header names no key, and none that is known made the signature"
        } else {
            "refused: the signature is wrong"
        };
        assert_eq!(check(&signed(&thief, &over), Some(&set)), refused, "{over}");
        assert!(check(&signed(&thief, &over), None).starts_with("refused: "), "{over}");
        assert_eq!(check(&signed(&client, &over), Some(&set)), "good by one", "they do no harm to what the client's own key signed");
    }
}

#[test]
fn cve_2025_59420_what_an_assertion_calls_critical_is_refused() {
    let forge = Forge::new(Algorithm::Es256);
    let set = registered([&forge]);
    for over in [json!({ "crit": ["x-unknown"], "x-unknown": true }), json!({ "crit": [] }), json!({ "crit": ["exp"], "exp": 1 })] {
        let critical = "refused: the header has `crit`: the token wants an extension that is not known here";
        assert_eq!(check(&signed(&forge, &over), Some(&set)), critical, "{over}");
    }
    for over in [json!({ "b64": false }), json!({ "zip": "DEF" }), json!({ "cty": "JWT" }), json!({ "enc": "A128GCM" })] {
        assert!(check(&signed(&forge, &over), Some(&set)).starts_with("refused: "), "{over}");
    }
}

/// A key says its algorithm; the header does not choose another for it.
#[test]
fn the_algorithm_of_an_assertion_is_that_of_the_registered_key() {
    for (signs, has) in [(Algorithm::Rs256, Algorithm::Ps256), (Algorithm::Ps256, Algorithm::Rs256), (Algorithm::Rs384, Algorithm::Rs256)] {
        let (signer, mut jwk) = (Forge::new(signs), Forge::new(has).jwk());
        jwk["kid"] = json!(signer.kid);
        let set = keys([key(&jwk.to_string()).expect("a key")]);
        assert_eq!(
            check(&signed(&signer, &json!({})), Some(&set)),
            format!("refused: the header's `alg` is `{signs}`, the key is for `{has}`")
        );
        assert!(check(&signed(&signer, &json!({ "kid": null })), Some(&set)).starts_with("refused: "));
    }
}

/// The private half of the decoy for ES256 is the number one: it is the base point of the curve, and whoever knows that can sign with it.
fn of_the_decoy() -> Forge {
    let (x, y) = ("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU");
    let point = [&[4][..], &base64url::decode(x).expect("base64url"), &base64url::decode(y).expect("base64url")].concat();
    let mut one = [0; 32];
    one[31] = 1;
    let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &one, &point).expect("the base point");
    Forge { algorithm: Algorithm::Es256, kid: "es256".to_owned(), private: Private::Ec(pair) }
}

#[test]
fn what_a_decoy_verifies_proves_nobody() {
    let decoy = of_the_decoy();
    let thumbprint = key(&decoy.jwk().to_string()).expect("a key").thumbprint().to_owned();
    let others = [Forge::new(Algorithm::Es256), Forge::new(Algorithm::Ed25519), Forge::new(Algorithm::Rs256)];
    for over in [json!({ "kid": null }), json!({}), json!({ "kid": thumbprint })] {
        let forged = signed(&decoy, &over);
        let read = || Assertion::read(&forged).expect("an assertion");
        assert!(read().verify(None, ISSUER, NOW).is_err(), "a client that is not there: {over}");
        for other in &others {
            assert!(read().verify(Some(&registered([other])), ISSUER, NOW).is_err(), "{} {over}", other.algorithm);
        }
    }
    // The signature itself is a good one: it counts where somebody has registered that key.
    assert_eq!(check(&signed(&decoy, &json!({})), Some(&registered([&decoy]))), "good by one");
}

/// Keys are those of the client that the assertion names; a `kid` finds no key of anybody else, and is no path and no query.
#[test]
fn the_name_of_a_key_finds_keys_of_its_client_alone() {
    let (client, other) = (Forge::new(Algorithm::Es256), Forge { kid: "theirs".to_owned(), ..Forge::new(Algorithm::Es256) });
    let set = registered([&client]);
    for kid in ["theirs", "../../../dev/null", "' UNION SELECT 'a", "es256\0"] {
        let refused = Assertion::read(&signed(&other, &json!({ "kid": kid }))).and_then(|read| read.verify(Some(&set), ISSUER, NOW));
        assert_eq!(refused, Err(Refusal::UnknownKey { kid: Some(kid.into()) }));
    }
    assert_eq!(check(&signed(&other, &json!({ "kid": "es256" })), Some(&set)), "refused: the signature is wrong");
}
