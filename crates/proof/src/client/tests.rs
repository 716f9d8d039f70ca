use super::{Asserted, Assertion, assertion, credential_id, key, keys};
use crate::jose::{algorithm::Algorithm, jwk::VERIFIED, key_set::KeySet, refusal::Refusal, signer::Signer};
use serde_json::{Value, json};
use wardgate_model::{id::IdentityId, time::Time};

const NOW: Time = Time::from_seconds(1_800_000_000);
const ISSUER: &str = "https://gate.example";

fn signer(algorithm: Algorithm) -> Signer {
    Signer::load(Signer::generate_for(algorithm).expect("a key").danger_expose()).expect("a signer")
}

fn claims(change: Value) -> Value {
    let mut claims =
        json!({ "iss": "ledger", "sub": "ledger", "aud": ISSUER, "jti": "one", "iat": 1_800_000_000_i64, "exp": 1_800_000_060_i64 });
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in change.as_object().expect("an object") {
        if value.is_null() { drop(members.remove(name)) } else { drop(members.insert(name.clone(), value.clone())) }
    }
    claims
}

fn verify(signer: &Signer, typ: &str, change: Value) -> Result<Asserted, Refusal> {
    let set = keys([key(&signer.jwk().to_string()).expect("a key")]);
    let text = signer.sign(typ, &claims(change)).expect("signed");
    Assertion::read(&text)?.verify(Some(&set), ISSUER, NOW)
}

#[test]
fn what_we_make_is_good_with_either_algorithm() {
    for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
        let signer = signer(algorithm);
        let set = keys([key(&signer.jwk().to_string()).expect("a key")]);
        let text = assertion(&signer, "ledger", ISSUER, &[7; 16], NOW).expect("signed");
        let read = Assertion::read(&text).expect("an assertion");
        assert_eq!(read.client(), Some("ledger"));
        let asserted = read.verify(Some(&set), ISSUER, NOW).expect("good");
        assert_eq!((&*asserted.key, asserted.issued), (signer.kid(), Some(NOW)));
    }
}

/// STANDARDS §1.4, by name.
#[test]
fn private_key_jwt_is_refused_where_the_standard_says_so() {
    let signer = signer(Algorithm::Es256);
    let good = "client-authentication+jwt";
    assert!(verify(&signer, good, json!({})).is_ok());
    // Servers are told not to refuse a missing or plain `typ`; another known kind is refused.
    assert!(verify(&signer, "JWT", json!({})).is_ok());
    for typ in ["at+jwt", "dpop+jwt"] {
        assert!(matches!(verify(&signer, typ, json!({})), Err(Refusal::Type(_))), "{typ}");
    }
    for (what, change) in [
        ("aud = [issuer, other]", json!({ "aud": [ISSUER, "https://other.example"] })),
        ("aud = token endpoint", json!({ "aud": "https://gate.example/oauth/token" })),
        ("aud with a slash behind it", json!({ "aud": "https://gate.example/" })),
        ("no aud", json!({ "aud": null })),
        ("exp 1 h ahead", json!({ "exp": 1_800_003_600_i64 })),
        ("exp 1 h ahead, no iat", json!({ "exp": 1_800_003_600_i64, "iat": null })),
        ("no exp", json!({ "exp": null })),
        ("over", json!({ "iat": 1_799_999_000_i64, "exp": 1_799_999_060_i64 })),
        ("no jti", json!({ "jti": null })),
        ("iss != client_id", json!({ "iss": "other" })),
        ("no iss", json!({ "iss": null })),
        ("no sub", json!({ "sub": null })),
    ] {
        assert!(verify(&signer, good, change).is_err(), "{what}");
    }
    assert!(verify(&signer, good, json!({ "aud": [ISSUER] })).is_ok(), "a list of one");
}

/// A key is looked up among those of the client alone, and its algorithm is its own.
#[test]
fn no_other_key_helps() {
    let (one, other) = (signer(Algorithm::Es256), signer(Algorithm::Ed25519));
    let set = keys([key(&one.jwk().to_string()).expect("a key")]);
    let text = assertion(&other, "ledger", ISSUER, &[7; 16], NOW).expect("signed");
    assert!(Assertion::read(&text).expect("readable").verify(Some(&set), ISSUER, NOW).is_err());
    for private in ["d", "k"] {
        let mut jwk = one.jwk();
        jwk.as_object_mut().expect("an object").insert(private.into(), "AAAA".into());
        assert!(key(&jwk.to_string()).is_err(), "{private}");
    }
}

/// What is said of a client that is not there is said of one that has another key, whatever is signed with: with either, one signature
/// was tried.
#[test]
fn a_client_that_is_not_there_is_as_one_with_another_key() {
    for (algorithm, others) in [(Algorithm::Es256, Algorithm::Ed25519), (Algorithm::Ed25519, Algorithm::Es256)] {
        let other = keys([key(&signer(others).jwk().to_string()).expect("a key")]);
        let signer = signer(algorithm);
        let said = |set, change| {
            let text = signer.sign("client-authentication+jwt", &claims(change)).expect("signed");
            Assertion::read(&text).expect("readable").verify(set, ISSUER, NOW)
        };
        for change in [json!({}), json!({ "exp": 1_799_999_060_i64, "iat": 1_799_999_000_i64 }), json!({ "aud": "other" })] {
            let nobody = said(None, change.clone());
            assert!(nobody.is_err() && nobody == said(Some(&other), change.clone()), "{change}");
        }
    }
}

/// STANDARDS §1.4: an unknown client costs what a known one does, and so does one that has no key of that name or algorithm.
#[test]
fn each_assertion_whose_claims_are_good_costs_one_signature_whoever_it_is_of() {
    for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
        let (own, same) = (signer(algorithm), signer(algorithm));
        let other = signer(if algorithm == Algorithm::Es256 { Algorithm::Ed25519 } else { Algorithm::Es256 });
        let of = |signer: &Signer| keys([key(&signer.jwk().to_string()).expect("a key")]);
        let nameless = |signer: &Signer| {
            let mut jwk = signer.jwk();
            drop(jwk.as_object_mut().expect("an object").remove("kid"));
            keys([key(&jwk.to_string()).expect("a key")])
        };
        let cost = |set: Option<&KeySet>, change: Value| {
            let text = own.sign("client-authentication+jwt", &claims(change)).expect("signed");
            let before = VERIFIED.get();
            let good = Assertion::read(&text).expect("readable").verify(set, ISSUER, NOW).is_ok();
            (good, VERIFIED.get() - before)
        };
        assert_eq!(cost(Some(&of(&own)), json!({})), (true, 1), "{algorithm}");
        for (what, set) in [
            ("nobody", None),
            ("another key of the algorithm", Some(of(&same))),
            ("a key of another algorithm", Some(of(&other))),
            ("a key without a name", Some(nameless(&same))),
            ("no key at all", Some(keys([]))),
        ] {
            assert_eq!(cost(set.as_ref(), json!({})), (false, 1), "{what}, {algorithm}");
            // What is refused before costs nothing for anybody.
            assert_eq!(cost(set.as_ref(), json!({ "aud": "other" })), (false, 0), "{what}, {algorithm}");
        }
        assert_eq!(cost(Some(&of(&own)), json!({ "aud": "other" })), (false, 0));
    }
}

#[test]
fn an_id_is_of_the_identity_and_its_key() {
    let key = key(&signer(Algorithm::Es256).jwk().to_string()).expect("a key");
    let (one, other) = (IdentityId::literal("one"), IdentityId::literal("other"));
    assert_eq!(credential_id(&one, &key), credential_id(&one, &key));
    assert_ne!(credential_id(&one, &key), credential_id(&other, &key));
}
