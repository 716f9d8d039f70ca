//! The other opinion: `jsonwebtoken`, on tokens that either of us signed.
//!
//! Ours refuses more (`crit`, duplicate members, a key of another algorithm, kinds of tokens); whatever ours takes, the other takes
//! too, and where only signature, `iss`, `aud`, `exp` and `nbf` are at stake the two agree.

use crate::forge::{Forge, NOW, claims, expected, keys, verify};
use jsonwebtoken::{DecodingKey, Validation, errors::ErrorKind, jwk::Jwk};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;
use wardgate_proof::jose::{algorithm::Algorithm, base64url, refusal::Refusal};

static FORGES: LazyLock<Vec<Forge>> = LazyLock::new(|| {
    let known = Algorithm::ALL.into_iter().filter(|algorithm| their_name(*algorithm).is_some());
    known.map(Forge::new).collect()
});

/// The other one knows neither ES512 nor ML-DSA, and Ed25519 by its older name alone.
fn their_name(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    if algorithm == Algorithm::Ed25519 { Some(jsonwebtoken::Algorithm::EdDSA) } else { algorithm.name().parse().ok() }
}

/// What the other one says of a token. It reads the clock, so times are judged apart.
fn theirs(token: &str, forge: &Forge) -> Result<Value, ErrorKind> {
    let mut jwk = forge.jwk();
    if forge.algorithm == Algorithm::Ed25519 {
        jwk["alg"] = json!("EdDSA");
    }
    let jwk: Jwk = serde_json::from_value(jwk).expect("a key");
    let mut validation = Validation::new(their_name(forge.algorithm).expect("known to it"));
    validation.set_issuer(&["https://ci.example"]);
    validation.set_audience(&["wardgate", "https://gate.example"]);
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    let key = DecodingKey::from_jwk(&jwk).expect("a key");
    jsonwebtoken::decode::<Value>(token, &key, &validation).map(|data| data.claims).map_err(jsonwebtoken::errors::Error::into_kind)
}

fn header(forge: &Forge) -> String {
    let name = if forge.algorithm == Algorithm::Ed25519 { "EdDSA" } else { forge.algorithm.name() };
    json!({ "alg": name, "kid": forge.kid, "typ": "JWT" }).to_string()
}

#[test]
fn both_take_what_either_signed() {
    assert_eq!(FORGES.len(), 9);
    for forge in FORGES.iter() {
        let token = forge.raw(header(forge).as_bytes(), claims().to_string().as_bytes());
        assert_eq!(theirs(&token, forge), Ok(claims()), "{}", forge.algorithm);
        assert!(verify(&token, &forge.keys()).is_ok(), "{}", forge.algorithm);
    }
    let secret = aws_lc_rs::signature::Ed25519KeyPair::generate().expect("a key");
    let (pkcs8, public) = (secret.to_pkcs8().expect("PKCS #8"), aws_lc_rs::signature::KeyPair::public_key(&secret).as_ref().to_vec());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(&public), "kid": "theirs" });
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
    header.kid = Some("theirs".to_owned());
    let token = jsonwebtoken::encode(&header, &claims(), &jsonwebtoken::EncodingKey::from_ed_der(pkcs8.as_ref())).expect("signs");
    assert!(verify(&token, &keys(&[jwk])).is_ok());
}

#[test]
fn ours_refuses_what_the_other_lets_through() {
    let forge = &FORGES[0];
    let critical = json!({ "alg": "ES256", "kid": "es256", "typ": "JWT", "crit": ["x-unknown"] }).to_string();
    let token = forge.raw(critical.as_bytes(), claims().to_string().as_bytes());
    assert!(theirs(&token, forge).is_ok());
    assert_eq!(verify(&token, &forge.keys()), Err(Refusal::Critical));
}

/// A claim as an attacker would write it.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("https://ci.example")),
        Just(json!("wardgate")),
        Just(json!(["wardgate", "other"])),
        Just(json!(["other"])),
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        "\\PC{0,12}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |number| serde_json::Number::from_f64(number).map(Value::Number)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever is done to the bytes of a token, we never take what the other refuses.
    #[test]
    fn a_changed_token_is_taken_by_neither(which in 0..9_usize, at in any::<proptest::sample::Index>(), with in any::<char>()) {
        let forge = &FORGES[which];
        let token = forge.raw(header(forge).as_bytes(), claims().to_string().as_bytes());
        let mut characters: Vec<char> = token.chars().collect();
        let at = at.index(characters.len());
        characters[at] = with;
        let changed: String = characters.into_iter().collect();
        let ours = verify(&changed, &forge.keys());
        prop_assert_eq!(ours.is_ok(), changed == token);
        prop_assert!(theirs(&changed, forge).is_ok() || ours.is_err());
    }

    /// With odd claims, the same; and where ours refuses for another reason than its own rules, the other refuses too.
    #[test]
    fn odd_claims_are_taken_by_both_or_by_the_other_alone(
        name in prop_oneof!["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "act", "cnf", "azp", "other"],
        value in odd(),
    ) {
        let forge = &FORGES[0];
        let mut claims = claims();
        claims[&name] = value;
        let token = forge.raw(header(forge).as_bytes(), claims.to_string().as_bytes());
        let (ours, theirs) = (verify(&token, &forge.keys()), theirs(&token, forge));
        prop_assert!(theirs.is_ok() || ours.is_err(), "{:?}", theirs);
        if let Err(Refusal::Issuer(_) | Refusal::Audience(_)) = &ours {
            prop_assert!(theirs.is_err(), "{:?} {:?}", ours, theirs);
        }
    }

    /// The rules of time, against the same rules written down again.
    #[test]
    fn times_are_judged_as_rfc_7519_says(exp in -200..5_000_i64, nbf in proptest::option::of(-200..200_i64), iat in proptest::option::of(-5_000..200_i64)) {
        let forge = &FORGES[0];
        let now = NOW.as_seconds();
        let mut claims = claims();
        claims["exp"] = json!(now + exp);
        claims.as_object_mut().expect("an object").shift_remove("iat");
        for (name, time) in [("nbf", nbf), ("iat", iat)] {
            if let Some(time) = time {
                claims[name] = json!(now + time);
            }
        }
        let (skew, life) = (30, i64::try_from(expected().life_max.as_secs()).expect("short"));
        let lives = match iat {
            Some(iat) => iat <= exp && exp - iat <= life,
            None => exp <= life + skew,
        };
        let good = exp + skew > 0 && nbf.is_none_or(|nbf| nbf <= skew) && iat.is_none_or(|iat| iat <= skew) && lives;
        prop_assert_eq!(verify(&forge.token(&claims), &forge.keys()).is_ok(), good);
    }
}
