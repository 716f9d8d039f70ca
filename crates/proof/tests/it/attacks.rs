//! Attacks on tokens, by the name they are known under: RFC 8725, STANDARDS §1.4 and §1.12.

use crate::forge::{Forge, NOW, claims, claims_with, expected, keys, told, verify};
use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use wardgate_proof::{
    jose::{
        algorithm::{Algorithm, Algorithms},
        base64url,
        expected::Expected,
        jwk::{Accepting, Usage},
        jwt::{self, Unverified},
        key_set::KeySet,
        refusal::Refusal,
    },
    x509::TrustDomain,
};

/// A token with members put over a plain header, signed by the key that it names.
fn with_header(forge: &Forge, over: &Value) -> String {
    let mut header = json!({ "alg": forge.algorithm.name(), "kid": forge.kid, "typ": "JWT" });
    for (name, value) in over.as_object().expect("an object") {
        header[name] = value.clone();
    }
    forge.raw(header.to_string().as_bytes(), claims().to_string().as_bytes())
}

fn check(token: &str, keys: &KeySet) -> String {
    told(verify(token, keys))
}

#[test]
fn every_algorithm_proves_who_calls() {
    for algorithm in Algorithm::ALL {
        let forge = Forge::new(algorithm);
        let verified = verify(&forge.token(&claims()), &forge.keys()).expect("verifies");
        assert_eq!(&*verified.subject, "repo:acme/ledger:ref:refs/heads/main");
        assert_eq!((verified.algorithm, &*verified.key), (algorithm, forge.keys().keys()[0].thumbprint()));
        assert_eq!(verified.ends.as_seconds(), NOW.as_seconds() + 630);
        // Another key of the same kind and name proves nothing. RSA keys are one here.
        if !Algorithm::RSA.contains(&algorithm) {
            assert_eq!(check(&forge.token(&claims()), &Forge::new(algorithm).keys()), "refused: the signature is wrong");
        }
    }
}

#[test]
fn rfc_9864_names_the_algorithm_that_rfc_8037_calls_eddsa() {
    let forge = Forge::new(Algorithm::Ed25519);
    for (key, header) in [("EdDSA", "EdDSA"), ("EdDSA", "Ed25519"), ("Ed25519", "EdDSA"), ("Ed25519", "Ed25519")] {
        let mut jwk = forge.jwk();
        jwk["alg"] = json!(key);
        assert!(check(&with_header(&forge, &json!({ "alg": header })), &keys(&[jwk])).ends_with("by Ed25519"));
    }
    assert_eq!(
        check(&with_header(&forge, &json!({ "alg": "Ed448" })), &forge.keys()),
        "refused: the header's `alg` is `Ed448`, which proves nothing here"
    );
}

#[test]
fn an_unsigned_token_proves_nothing_however_none_is_written() {
    let forge = Forge::new(Algorithm::Es256);
    for alg in ["none", "None", "NONE", "nOnE"] {
        for kid in [json!({ "alg": alg }), json!({ "alg": alg, "kid": "es256" })] {
            let signed =
                format!("{}.{}", base64url::encode(kid.to_string().as_bytes()), base64url::encode(claims().to_string().as_bytes()));
            for signature in ["", "AA", "bm9uZQ"] {
                assert_eq!(check(&format!("{signed}.{signature}"), &forge.keys()), "refused: the token is not signed: its `alg` is `none`");
            }
        }
    }
    // An algorithm of a key, and no signature.
    let token = forge.token(&claims());
    let (signed, _) = token.rsplit_once('.').expect("three parts");
    assert_eq!(check(&format!("{signed}."), &forge.keys()), "refused: the signature is wrong");
}

#[test]
fn cve_2015_9235_a_public_key_is_no_shared_secret() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let forge = Forge::new(algorithm);
        let jwk = forge.jwk();
        let secrets = [
            jwk.to_string().into_bytes(),
            base64url::decode(jwk["n"].as_str().or(jwk["x"].as_str()).expect("a number")).expect("base64url"),
        ];
        for secret in secrets {
            let signed = format!(
                "{}.{}",
                base64url::encode(json!({ "alg": "HS256", "kid": forge.kid }).to_string().as_bytes()),
                base64url::encode(claims().to_string().as_bytes())
            );
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
            let token = format!("{signed}.{}", base64url::encode(mac.as_ref()));
            assert_eq!(check(&token, &forge.keys()), "refused: the header's `alg` is `HS256`, which proves nothing here");
        }
    }
}

#[test]
fn cve_2024_33663_the_key_says_the_algorithm_and_the_header_does_not() {
    // One RSA key: it signs with RS256 and is published for PS256, and the reverse.
    for (signs, published) in
        [(Algorithm::Rs256, Algorithm::Ps256), (Algorithm::Ps256, Algorithm::Rs256), (Algorithm::Rs384, Algorithm::Rs256)]
    {
        let (forge, mut jwk) = (Forge::new(signs), Forge::new(published).jwk());
        jwk["kid"] = json!(forge.kid);
        let refused = format!("refused: the header's `alg` is `{signs}`, the key is for `{published}`");
        assert_eq!(check(&forge.token(&claims()), &keys(&[jwk.clone()])), refused);
        // Without a name it is not even tried.
        let unnamed = forge.raw(json!({ "alg": signs.name() }).to_string().as_bytes(), claims().to_string().as_bytes());
        assert_eq!(check(&unnamed, &keys(&[jwk])), "refused: the header names no key, and none that is known made the signature");
    }
}

#[test]
fn an_rsa_key_that_does_not_say_its_algorithm_has_one_all_the_same() {
    let without_alg = |forge: &Forge| {
        let mut jwk = forge.jwk();
        jwk.as_object_mut().expect("an object").shift_remove("alg");
        json!({ "keys": [jwk] }).to_string().into_bytes()
    };
    let check = |signs: Algorithm, allowed: &[&str]| {
        let forge = Forge::new(signs);
        let accepting = Accepting { algorithms: Algorithms::parse(allowed).expect("names"), usage: Usage::Signature };
        let keys = KeySet::parse(&without_alg(&forge), accepting).expect("a set");
        let skipped = keys.skipped().first().map(|skipped| format!("left out: {}", skipped.why));
        skipped.unwrap_or_else(|| told(verify(&forge.token(&claims()), &keys)))
    };
    let subject = "repo:acme/ledger:ref:refs/heads/main";
    assert_eq!(check(Algorithm::Rs256, &[]), format!("{subject} by RS256"));
    assert_eq!(check(Algorithm::Ps256, &[]), "refused: the header's `alg` is `PS256`, the key is for `RS256`");
    assert_eq!(check(Algorithm::Ps256, &["PS256", "ES256"]), format!("{subject} by PS256"));
    assert_eq!(check(Algorithm::Rs256, &["PS256"]), "refused: `RS256` is not among the algorithms of this trust source");
    assert_eq!(
        check(Algorithm::Ps256, &["PS256", "PS384"]),
        "left out: it has no `alg`, and several of the allowed algorithms could be meant"
    );
    assert_eq!(check(Algorithm::Rs256, &["ES256"]), "left out: `RS256` is not among the allowed algorithms");
}

#[test]
fn cve_2018_0114_a_key_that_a_token_brings_or_points_to_is_read_by_nobody() {
    let (honest, thief) = (Forge::new(Algorithm::Es256), Forge::new(Algorithm::Es256));
    for over in [
        json!({ "jwk": thief.jwk() }),
        json!({ "jku": "https://evil.example/jwks.json" }),
        json!({ "x5u": "http://169.254.169.254/latest/meta-data" }),
        json!({ "x5c": ["MIIB"], "x5t": "AA", "x5t#S256": "AA" }),
    ] {
        assert_eq!(check(&with_header(&thief, &over), &honest.keys()), "refused: the signature is wrong");
        // They do no harm to a token that a known key signed: some issuers send them.
        assert!(check(&with_header(&honest, &over), &honest.keys()).ends_with("by ES256"));
    }
}

#[test]
fn cve_2025_59420_what_a_token_calls_critical_is_refused() {
    let forge = Forge::new(Algorithm::Es256);
    for over in [
        json!({ "crit": ["x-unknown"], "x-unknown": true }),
        json!({ "crit": [] }),
        json!({ "crit": ["exp"], "exp": 1 }),
        json!({ "crit": null }),
    ] {
        assert_eq!(
            check(&with_header(&forge, &over), &forge.keys()),
            "refused: the header has `crit`: the token wants an extension that is not known here"
        );
    }
    for (over, refused) in [
        (json!({ "b64": false }), "the header has `b64`: a token's claims are always encoded"),
        (json!({ "b64": true }), "the header has `b64`: a token's claims are always encoded"),
        (json!({ "zip": "DEF" }), "the header has `zip`: compressed tokens are not taken"),
        (json!({ "cty": "JWT" }), "the header's `cty` says that another token is within"),
        (json!({ "cty": "application/at+jwt" }), "the header's `cty` says that another token is within"),
        (json!({ "cty": 1 }), "the header's `cty` is missing or ill-formed"),
        (json!({ "enc": "A128GCM" }), "the token is encrypted, not signed"),
    ] {
        assert_eq!(check(&with_header(&forge, &over), &forge.keys()), format!("refused: {refused}"));
    }
}

#[test]
fn cve_2022_21449_a_signature_of_zeros_is_none() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        let forge = Forge::new(algorithm);
        let token = forge.token(&claims());
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let length = base64url::decode(signature).expect("base64url").len();
        let with = |bytes: &[u8]| check(&format!("{signed}.{}", base64url::encode(bytes)), &forge.keys());
        for bytes in [
            vec![0; length],
            vec![0xff; length],
            vec![0; length - 1],
            vec![0; length + 1],
            vec![],
            [vec![0x30, 6, 2, 1, 0, 2, 1, 0]].concat(),
        ] {
            assert_eq!(with(&bytes), "refused: the signature is wrong");
        }
    }
}

#[test]
fn an_ecdsa_signature_in_der_is_refused() {
    // STANDARDS §1.6, botched: DER in place of r and s.
    let forge = Forge::new(Algorithm::Es256);
    let token = forge.token(&claims());
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let fixed = base64url::decode(signature).expect("base64url");
    let number = |bytes: &[u8]| {
        let bytes = if bytes[0] & 0x80 == 0 { bytes.to_vec() } else { [&[0], bytes].concat() };
        [&[2, u8::try_from(bytes.len()).expect("short")], bytes.as_slice()].concat()
    };
    let numbers = [number(&fixed[..32]), number(&fixed[32..])].concat();
    let der = [&[0x30, u8::try_from(numbers.len()).expect("short")], numbers.as_slice()].concat();
    assert_eq!(check(&format!("{signed}.{}", base64url::encode(&der)), &forge.keys()), "refused: the signature is wrong");
}

#[test]
fn cve_2023_51774_and_cve_2024_33664_what_is_encrypted_proves_nobody_and_is_not_opened() {
    let forge = Forge::new(Algorithm::Rs256);
    for alg in ["RSA-OAEP", "dir", "PBES2-HS256+A128KW", "ECDH-ES"] {
        let header = base64url::encode(json!({ "alg": alg, "enc": "A128GCM", "p2c": 2_147_483_647, "zip": "DEF" }).to_string().as_bytes());
        for token in [format!("{header}.AA.AA.AA.AA"), format!("{header}....")] {
            assert_eq!(check(&token, &forge.keys()), "refused: the token is encrypted, not signed");
        }
    }
}

#[test]
fn what_is_no_compact_token_is_refused() {
    let forge = Forge::new(Algorithm::Es256);
    let token = forge.token(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    for (text, refused) in [
        (String::new(), "the token is no compact JWS: it has not three parts"),
        ("abc".to_owned(), "the token is no compact JWS: it has not three parts"),
        (format!("{}.{}", parts[0], parts[1]), "the token is no compact JWS: it has not three parts"),
        (format!("{token}."), "the token is no compact JWS: it has not three parts"),
        (format!("{token}.AA.AA.AA"), "the token is no compact JWS: it has not three parts"),
        ("..".to_owned(), "the header cannot be read: no JSON"),
        (format!(" {token}"), "the header: not base64url without padding"),
        (format!("{token} "), "the signature: not base64url without padding"),
        (format!("{token}\n"), "the signature: not base64url without padding"),
        (format!("{token}="), "the signature: not base64url without padding"),
        (format!("{}=.{}.{}", parts[0], parts[1], parts[2]), "the header: not base64url without padding"),
        (format!("{}.{}=.{}", parts[0], parts[1], parts[2]), "the claims: not base64url without padding"),
        (format!("{}.{}\u{200b}.{}", parts[0], parts[1], parts[2]), "the claims: not base64url without padding"),
        (json!({ "payload": parts[1], "signatures": [] }).to_string(), "the token is no compact JWS: it has not three parts"),
        (format!("{}.{}.{}", base64url::encode(b"[]"), parts[1], parts[2]), "the header cannot be read: JSON, but no object"),
        (format!("{}.{}.{}", base64url::encode(b"{}"), parts[1], parts[2]), "the header's `alg` is missing or ill-formed"),
    ] {
        assert_eq!(check(&text, &forge.keys()), format!("refused: {}", refused), "{text}");
    }
    // 64 bytes are 86 characters, the last with 4 bits left over: only where they are 0 it is the text of those bytes.
    for last in ['B', 'R', 'h', 'x'] {
        let other = format!("{}{last}", &token[..token.len() - 1]);
        assert_eq!(check(&other, &forge.keys()), "refused: the signature: not base64url without padding");
    }
}

#[test]
fn duplicate_members_are_refused_in_header_and_claims() {
    let forge = Forge::new(Algorithm::Es256);
    let good = claims().to_string();
    for header in [
        r#"{"alg":"ES256","kid":"es256","alg":"none"}"#,
        r#"{"alg":"none","kid":"es256","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"x","\u006bid":"es256"}"#,
    ] {
        assert!(check(&forge.raw(header.as_bytes(), good.as_bytes()), &forge.keys()).ends_with("` is there twice"), "{header}");
    }
    let header = br#"{"alg":"ES256","kid":"es256"}"#;
    let twice = good.replacen('{', r#"{"sub":"repo:acme/root:x","#, 1);
    assert_eq!(
        check(&forge.raw(header, twice.as_bytes()), &forge.keys()),
        "refused: the claims cannot be read: the member `sub` is there twice"
    );
    let within = good.replacen('{', r#"{"act":{"sub":"a","sub":"b"},"#, 1);
    assert_eq!(
        check(&forge.raw(header, within.as_bytes()), &forge.keys()),
        "refused: the claims cannot be read: the member `sub` is there twice"
    );
}

#[test]
fn the_name_of_a_key_is_looked_up_and_nothing_else() {
    let forge = Forge::new(Algorithm::Es256);
    for kid in ["../../../dev/null", "' UNION SELECT 'a", "es256\0", "ES256", "es256 ", "https://evil.example/k"] {
        let refused = verify(&with_header(&forge, &json!({ "kid": kid })), &forge.keys()).expect_err("unknown");
        assert_eq!(refused, Refusal::UnknownKey { kid: Some(kid.into()) });
        assert!(refused.newer_keys_may_help());
    }
    for kid in [json!(""), json!(1), json!(null), json!(["es256"]), json!({}), json!("k".repeat(257))] {
        assert_eq!(
            check(&with_header(&forge, &json!({ "kid": kid })), &forge.keys()),
            "refused: the header's `kid` is missing or ill-formed"
        );
    }
}

#[test]
fn a_named_key_is_the_only_one_that_is_tried() {
    let (one, mut two) = (Forge::new(Algorithm::Es256), Forge::new(Algorithm::Es256));
    two.kid = "two".to_owned();
    let both = keys(&[one.jwk(), two.jwk()]);
    assert!(check(&two.token(&claims()), &both).ends_with("by ES256"));
    // Signed by one, named two.
    assert_eq!(check(&with_header(&one, &json!({ "kid": "two" })), &both), "refused: the signature is wrong");
    // An algorithm that the named key is not for, while another key is.
    let other = Forge::new(Algorithm::Ed25519);
    let three = keys(&[one.jwk(), other.jwk()]);
    assert_eq!(
        check(&with_header(&other, &json!({ "kid": "es256" })), &three),
        "refused: the header's `alg` is `Ed25519`, the key is for `ES256`"
    );
}

#[test]
fn without_a_name_few_keys_are_tried() {
    let forges: Vec<Forge> = (0..5).map(|at| Forge { kid: format!("k{at}"), ..Forge::new(Algorithm::Es256) }).collect();
    let jwks: Vec<Value> = forges.iter().map(Forge::jwk).collect();
    let unnamed = |forge: &Forge| forge.raw(br#"{"alg":"ES256"}"#, claims().to_string().as_bytes());
    assert!(check(&unnamed(&forges[3]), &keys(&jwks[..4])).ends_with("by ES256"));
    assert_eq!(check(&unnamed(&forges[0]), &keys(&jwks)), "refused: the header names no key, and too many could be meant");
    let newer = verify(&unnamed(&forges[4]), &keys(&jwks[..4])).expect_err("unknown");
    assert_eq!((newer.newer_keys_may_help(), newer), (true, Refusal::UnknownKey { kid: None }));
    assert_eq!(verify(&unnamed(&forges[0]), &keys(&[])), Err(Refusal::UnknownKey { kid: None }));
}

#[test]
fn a_rotated_key_is_found_when_it_comes_and_gone_when_it_goes() {
    let (old, new) =
        (Forge { kid: "old".to_owned(), ..Forge::new(Algorithm::Es256) }, Forge { kid: "new".to_owned(), ..Forge::new(Algorithm::Es256) });
    let (before, overlap, after) = (keys(&[old.jwk()]), keys(&[old.jwk(), new.jwk()]), keys(&[new.jwk()]));
    assert_eq!(check(&new.token(&claims()), &before), "refused: no key is called `new`");
    for forge in [&old, &new] {
        assert!(check(&forge.token(&claims()), &overlap).ends_with("by ES256"));
    }
    assert_eq!(check(&old.token(&claims()), &after), "refused: no key is called `old`");
    // SPIFFE: an empty set ends every token at once.
    assert_eq!(check(&new.token(&claims()), &keys(&[])), "refused: no key is called `new`");
}

#[test]
fn tokens_are_bounded_before_they_are_read() {
    let forge = Forge::new(Algorithm::Es256);
    let long = forge.token(&claims_with(&json!({ "x": "y".repeat(13_000) })));
    assert_eq!(check(&long, &forge.keys()), "refused: the token is too long");
    let head = with_header(&forge, &json!({ "x5c": ["A".repeat(7_000)] }));
    assert_eq!(check(&head, &forge.keys()), "refused: the token is too long");
    let fits = forge.token(&claims_with(&json!({ "x": "y".repeat(11_000) })));
    assert!(check(&fits, &forge.keys()).ends_with("by ES256"));
    let deep = claims_with(&json!({ "x": (0..12).fold(json!(1), |within, _| json!([within])) }));
    assert_eq!(check(&forge.token(&deep), &forge.keys()), "refused: the claims cannot be read: nested too deeply");
    let many = claims_with(&json!({ "x": vec![0; 1_100] }));
    assert_eq!(check(&forge.token(&many), &forge.keys()), "refused: the claims cannot be read: too many values");
}

#[test]
fn a_trust_source_s_algorithms_are_all_that_count() {
    let forge = Forge::new(Algorithm::Es256);
    let accepting = Accepting { algorithms: Algorithms::parse(&["RS256"]).expect("a name"), usage: Usage::Signature };
    let keys = KeySet::parse(json!({ "keys": [forge.jwk()] }).to_string().as_bytes(), accepting).expect("a set");
    assert_eq!(keys.keys().len(), 0);
    assert_eq!(check(&forge.token(&claims()), &keys), "refused: `ES256` is not among the algorithms of this trust source");
}

#[test]
fn a_jwt_svid_has_a_bare_header_and_a_key_of_its_bundle() {
    let forge = Forge::new(Algorithm::Es256);
    let mut jwk = forge.jwk();
    jwk["use"] = json!("jwt-svid");
    let (plain, x509) = (forge.jwk(), json!({ "kty": "EC", "use": "x509-svid", "crv": "P-256", "x5c": ["MIIB"], "x": "AA", "y": "AA" }));
    let document = json!({ "keys": [jwk, plain, x509], "spiffe_sequence": 4, "spiffe_refresh_hint": 300 }).to_string();
    let accepting = Accepting { algorithms: Algorithms::JWT_SVID, usage: Usage::JwtSvid };
    let bundle = KeySet::parse(document.as_bytes(), accepting).expect("a bundle");
    assert_eq!((bundle.keys().len(), bundle.skipped().len()), (1, 2));
    let domain = TrustDomain::parse("acme.example").expect("a trust domain");
    let expected = Expected::svids(domain, ["wardgate".into()].into(), Duration::from_secs(30), Duration::from_hours(1));
    let about = |header: &Value, subject: &str| {
        let svid = claims_with(&json!({ "iss": null, "sub": subject })).to_string();
        told(jwt::verify(&forge.raw(header.to_string().as_bytes(), svid.as_bytes()), &bundle, &expected, NOW))
    };
    let workload = "spiffe://acme.example/prod/ledger-sync";
    let check = |header: &Value| about(header, workload);
    for typ in [json!({}), json!({ "typ": "JWT" }), json!({ "typ": "JOSE" })] {
        let mut header = json!({ "alg": "ES256", "kid": "es256" });
        header.as_object_mut().expect("an object").extend(typ.as_object().expect("an object").clone());
        assert_eq!(check(&header), format!("{workload} by ES256"));
    }
    let bare = json!({ "alg": "ES256", "kid": "es256" });
    assert_eq!(about(&bare, "SPIFFE://ACME.example/prod/ledger-sync"), format!("{workload} by ES256"));
    for subject in
        ["spiffe://other.example/prod/x", "spiffe://acme.example", "spiffe://acme.example/", "spiffe://acme.example/a/../b", "ledger-sync"]
    {
        assert_eq!(about(&bare, subject), format!("refused: `sub` is `{subject}`, which is no workload of this trust domain"));
    }
    assert_eq!(
        check(&json!({ "alg": "ES256", "kid": "es256", "x5t": "AA" })),
        "refused: the header has a member that a JWT-SVID must not have"
    );
    assert_eq!(check(&json!({ "alg": "ES256", "kid": "es256", "typ": "at+jwt" })), "refused: the header's `typ` is `at+jwt`");
    // JWT-SVID §2: no EdDSA.
    assert_eq!(check(&json!({ "alg": "EdDSA", "kid": "es256" })), "refused: `Ed25519` is not among the algorithms of this trust source");
}

#[test]
fn reading_a_token_says_whose_keys_to_take_and_nothing_more() {
    let thief = Forge::new(Algorithm::Es256);
    let token = thief.token(&claims());
    let unverified = Unverified::read(&token).expect("a token");
    assert_eq!((unverified.issuer(), unverified.kid()), (Some("https://ci.example"), Some("es256")));
    assert_eq!(unverified.subject(), Some("repo:acme/ledger:ref:refs/heads/main"));
    assert!(unverified.verify(&Forge::new(Algorithm::Es256).keys(), &expected(), NOW).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_ends_in_an_answer(text in "\\PC{0,200}") {
        prop_assert!(verify(&text, &keys(&[])).is_err());
    }

    #[test]
    fn any_header_and_claims_end_in_an_answer(header in "[\\PC]{0,80}", payload in proptest::collection::vec(any::<u8>(), 0..120)) {
        let token = format!("{}.{}.AA", base64url::encode(header.as_bytes()), base64url::encode(&payload));
        prop_assert!(verify(&token, &keys(&[])).is_err());
    }
}

#[test]
fn one_changed_character_ends_a_token() {
    let forge = Forge::new(Algorithm::Ed25519);
    let (token, keys) = (forge.token(&claims()), forge.keys());
    assert!(verify(&token, &keys).is_ok());
    for at in 0..token.len() {
        for with in ["A", "-", "."] {
            let mut changed = token.clone();
            changed.replace_range(at..=at, with);
            assert!(changed == token || verify(&changed, &keys).is_err(), "{at} {with}");
        }
    }
}
