//! Keys that strangers publish: RFC 7517, RFC 7518 §6, RFC 8725 §3.4, STANDARDS §1.12.

use crate::forge::{ANY, Forge};
use proptest::prelude::*;
use serde_json::{Value, json};
use wardgate_proof::jose::{
    algorithm::{Algorithm, Algorithms},
    base64url,
    jwk::{Accepting, Key, Usage},
    key_set::{DOCUMENT_BYTES_MAX, KEYS_MAX, KeySet, SetFault},
};

fn jwk(algorithm: Algorithm, over: &Value) -> Value {
    let mut jwk = Forge::new(algorithm).jwk();
    for (name, value) in over.as_object().expect("an object") {
        if value.is_null() {
            jwk.as_object_mut().expect("an object").shift_remove(name);
        } else {
            jwk[name] = value.clone();
        }
    }
    jwk
}

fn check(jwk: &Value) -> String {
    match Key::parse(jwk.to_string().as_bytes(), ANY) {
        Ok(key) => format!("{} {}", key.algorithm(), key.kid().unwrap_or("-")),
        Err(fault) => format!("{}{fault}", if fault.gives_away() { "given away: " } else { "" }),
    }
}

#[test]
fn a_key_has_the_algorithm_that_it_says_or_that_its_curve_says() {
    for algorithm in Algorithm::ALL {
        assert_eq!(check(&jwk(algorithm, &json!({}))), format!("{algorithm} {}", algorithm.name().to_lowercase()));
    }
    let no_alg = json!({ "alg": null, "kid": null });
    for (algorithm, answer) in [
        (Algorithm::Es256, "ES256 -"),
        (Algorithm::Es384, "ES384 -"),
        (Algorithm::Es512, "ES512 -"),
        (Algorithm::Ed25519, "Ed25519 -"),
        (Algorithm::Ps512, "RS256 -"),
        (Algorithm::MlDsa44, "its member `alg` is missing or ill-formed"),
    ] {
        assert_eq!(check(&jwk(algorithm, &no_alg)), answer);
    }
    for (algorithm, alg) in [
        (Algorithm::Es256, "ES384"),
        (Algorithm::Es256, "RS256"),
        (Algorithm::Es512, "ES521"),
        (Algorithm::Rs256, "ES256"),
        (Algorithm::Rs256, "HS256"),
        (Algorithm::Rs256, "RSA-OAEP"),
        (Algorithm::Rs256, "none"),
        (Algorithm::Ed25519, "ES256"),
        (Algorithm::MlDsa44, "ES256"),
    ] {
        assert_eq!(check(&jwk(algorithm, &json!({ "alg": alg }))), format!("its `alg` is `{alg}`, which does not fit it"));
    }
    assert_eq!(check(&jwk(Algorithm::MlDsa44, &json!({ "alg": "ML-DSA-65" }))), "its member `pub` is missing or ill-formed");
}

#[test]
fn use_and_key_ops_are_obeyed() {
    let no = "its `use` or `key_ops` is not to verify signatures";
    for (over, answer) in [
        (json!({ "use": "sig" }), "ES256 es256"),
        (json!({ "use": "enc" }), no),
        (json!({ "use": "SIG" }), no),
        (json!({ "use": "" }), no),
        (json!({ "use": ["sig"] }), no),
        (json!({ "use": "jwt-svid" }), no),
        (json!({ "use": "x509-svid" }), no),
        (json!({ "key_ops": ["verify"] }), "ES256 es256"),
        (json!({ "key_ops": ["sign", "verify"] }), "ES256 es256"),
        (json!({ "key_ops": ["verify"], "use": "enc" }), no),
        (json!({ "key_ops": ["encrypt"], "use": "sig" }), no),
        (json!({ "key_ops": [] }), no),
        (json!({ "key_ops": ["verify", "verify"] }), no),
        (json!({ "key_ops": "verify" }), no),
        (json!({ "key_ops": ["verify", 1] }), no),
    ] {
        assert_eq!(check(&jwk(Algorithm::Es256, &over)), answer, "{over}");
    }
    let accepting = Accepting { algorithms: Algorithms::JWT_SVID, usage: Usage::JwtSvid };
    for (over, counts) in [
        (json!({ "use": "jwt-svid" }), true),
        (json!({ "use": "jwt-svid", "kid": null }), false),
        (json!({ "use": "sig" }), false),
        (json!({}), false),
    ] {
        assert_eq!(Key::parse(jwk(Algorithm::Es256, &over).to_string().as_bytes(), accepting).is_ok(), counts, "{over}");
    }
}

#[test]
fn a_private_or_symmetric_key_is_refused_and_with_it_the_whole_set() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"] {
        for value in [json!("AA"), json!(""), json!([]), json!(false)] {
            let given = jwk(Algorithm::Rs256, &json!({ member: value }));
            assert_eq!(check(&given), format!("given away: it has the member `{member}` of a private key"));
        }
    }
    let secret = "given away: it is a symmetric key";
    assert_eq!(check(&json!({ "kty": "oct", "k": "AAAA", "alg": "HS256" })), secret);
    assert_eq!(check(&json!({ "kty": "oct" })), secret);
    assert_eq!(check(&jwk(Algorithm::Es256, &json!({ "k": "AA" }))), secret);
    let set = json!({ "keys": [jwk(Algorithm::Es256, &json!({})), jwk(Algorithm::Ed25519, &json!({ "d": "AA" }))] });
    let refused = KeySet::parse(set.to_string().as_bytes(), ANY).expect_err("given away");
    assert_eq!(refused.to_string(), "key 1 must not be published: it has the member `d` of a private key");
}

#[test]
fn cve_2021_points_off_their_curve_and_of_small_order_are_no_keys() {
    let no_point = "it is no point of its curve, or no usable public key";
    let zeros = |length: usize| base64url::encode(&vec![0; length]);
    for (algorithm, length) in [(Algorithm::Es256, 32), (Algorithm::Es384, 48), (Algorithm::Es512, 66)] {
        assert_eq!(check(&jwk(algorithm, &json!({ "x": zeros(length), "y": zeros(length) }))), no_point);
        let other = Forge::new(algorithm).jwk();
        assert_eq!(check(&jwk(algorithm, &json!({ "y": other["y"] }))), no_point);
        // RFC 7518 §6.2.1.2: the full length, zeros in front included.
        for wrong in [length - 1, length + 1, 0] {
            assert_eq!(check(&jwk(algorithm, &json!({ "x": zeros(wrong) }))), "its member `x` is missing or ill-formed");
        }
        assert_eq!(check(&jwk(algorithm, &json!({ "y": null }))), "its member `y` is missing or ill-formed");
        assert_eq!(check(&jwk(algorithm, &json!({ "y": 7 }))), "its member `y` is missing or ill-formed");
    }
    // The eight points of small order, and the ways to write them that are not canonical.
    let eighth = [
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    ];
    let near = |first: u8, fill: u8, last: u8| [[first].as_slice(), &[fill; 30], &[last]].concat();
    let mut small: Vec<Vec<u8>> = eighth.iter().map(|text| unhex(text)).collect();
    small.extend([near(0, 0, 0), near(1, 0, 0), near(0xec, 0xff, 0x7f), near(0xed, 0xff, 0x7f), near(0xee, 0xff, 0x7f)]);
    for point in small {
        for sign in [0, 0x80] {
            let mut point = point.clone();
            point[31] |= sign;
            assert_eq!(check(&jwk(Algorithm::Ed25519, &json!({ "x": base64url::encode(&point) }))), no_point);
        }
    }
    assert_eq!(check(&jwk(Algorithm::Ed25519, &json!({ "x": zeros(33) }))), "its member `x` is missing or ill-formed");
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal")).collect()
}

#[test]
fn rsa_keys_are_neither_small_nor_odd_in_their_exponent() {
    let n = |bytes: usize, first: u8, last: u8| {
        let mut n = vec![0xa5; bytes];
        (n[0], n[bytes - 1]) = (first, last);
        json!({ "n": base64url::encode(&n) })
    };
    let e = |bytes: &[u8]| json!({ "e": base64url::encode(bytes) });
    let exponent = "its exponent is even, below 65537 or above 2^33";
    for (over, answer) in [
        (n(256, 0x80, 1), "RS256 rs256"),
        (n(1024, 0xff, 1), "RS256 rs256"),
        (n(256, 0x7f, 1), "its modulus has 2047 bits, not 2048 to 8192"),
        (n(128, 0xff, 1), "its modulus has 1024 bits, not 2048 to 8192"),
        (n(1025, 1, 1), "its modulus has 8193 bits, not 2048 to 8192"),
        (n(257, 0, 1), "its member `n` is missing or ill-formed"),
        (n(256, 0x80, 2), "its member `n` is missing or ill-formed"),
        (json!({ "n": "" }), "its member `n` is missing or ill-formed"),
        (e(&[1, 0, 1]), "RS256 rs256"),
        (e(&[1, 0, 0, 0, 1]), "RS256 rs256"),
        (e(&[3]), exponent),
        (e(&[1]), exponent),
        (e(&[1, 0, 0]), exponent),
        (e(&[2, 0, 0, 0, 1]), exponent),
        (e(&[0xff; 40]), exponent),
        (e(&[0, 1, 0, 1]), "its member `e` is missing or ill-formed"),
        (e(&[]), "its member `e` is missing or ill-formed"),
        (json!({ "e": "AQAB=" }), "its member `e` is missing or ill-formed"),
    ] {
        assert_eq!(check(&jwk(Algorithm::Rs256, &over)), answer, "{over}");
    }
}

#[test]
fn what_is_not_known_is_left_out_and_named() {
    let set = json!({ "keys": [
        jwk(Algorithm::Es256, &json!({})),
        { "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "k1" },
        { "kty": "OKP", "crv": "Ed448", "x": "AA", "kid": "ed448\n" },
        { "kty": "QUANTUM", "kid": "q" },
        { "kid": "no type" },
        7,
        jwk(Algorithm::Es256, &json!({ "use": "enc" })),
        jwk(Algorithm::Es256, &json!({ "kid": 7 })),
        jwk(Algorithm::Es256, &json!({ "kid": "k".repeat(257) })),
    ], "other": { "member": 1 } });
    let keys = KeySet::parse(set.to_string().as_bytes(), ANY).expect("a set");
    let left_out: Vec<String> = keys
        .skipped()
        .iter()
        .map(|key| format!("{} {} {}", key.at, key.kid.as_ref().map_or("-", |kid| &kid.as_str()[..kid.as_str().len().min(8)]), key.why))
        .collect();
    assert_eq!(keys.keys().len(), 1);
    assert_eq!(
        left_out,
        [
            "1 k1 its `crv` is `secp256k1`, which is not known here",
            "2 ed448? its `crv` is `Ed448`, which is not known here",
            "3 q its `kty` is `QUANTUM`, which is not known here",
            "4 no type its member `kty` is missing or ill-formed",
            "5 - JSON, but no object",
            "6 es256 its `use` or `key_ops` is not to verify signatures",
            "7 - its member `kid` is missing or ill-formed",
            "8 kkkkkkkk its member `kid` is missing or ill-formed",
        ]
    );
    assert!(keys.has("es256") && !keys.has("k1"));
}

#[test]
fn a_set_is_bounded_and_can_be_read_in_one_way() {
    let key = jwk(Algorithm::Es256, &json!({}));
    let set = |count: usize| json!({ "keys": vec![&key; count] }).to_string();
    let check = |text: &[u8]| match KeySet::parse(text, ANY) {
        Ok(keys) => format!("{} keys, {} left out", keys.keys().len(), keys.skipped().len()),
        Err(fault) => fault.to_string(),
    };
    assert_eq!(check(set(KEYS_MAX).as_bytes()), "1 keys, 99 left out");
    assert_eq!(check(set(KEYS_MAX + 1).as_bytes()), "it has more than 100 keys");
    assert_eq!(check(b"{\"keys\":[]}"), "0 keys, 0 left out");
    for (text, answer) in [
        ("", "it cannot be read: no JSON"),
        ("<html>", "it cannot be read: no JSON"),
        ("[]", "it cannot be read: JSON, but no object"),
        ("{}", "it has no list `keys`"),
        (r#"{"keys":{}}"#, "it has no list `keys`"),
        (r#"{"keys":null}"#, "it has no list `keys`"),
        (r#"{"keys":[],"keys":[]}"#, "it cannot be read: the member `keys` is there twice"),
        (r#"{"keys":[{"kty":"EC","kty":"RSA"}]}"#, "it cannot be read: the member `kty` is there twice"),
        (r#"{"keys":[[[[[[[[]]]]]]]]}"#, "it cannot be read: nested too deeply"),
    ] {
        assert_eq!(check(text.as_bytes()), answer, "{text}");
    }
    let long = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(DOCUMENT_BYTES_MAX));
    assert_eq!(KeySet::parse(long.as_bytes(), ANY).expect_err("long"), SetFault::TooLong);
    assert_eq!(check(format!("{{\"keys\":[],\"x\":[{}0]}}", "0,".repeat(9_000)).as_bytes()), "it cannot be read: too many values");
}

#[test]
fn keys_show_no_more_than_their_name() {
    let key = Key::parse(jwk(Algorithm::Es256, &json!({})).to_string().as_bytes(), ANY).expect("a key");
    assert_eq!(format!("{key:?}"), format!("Key(ES256 {} Some(\"es256\"))", key.thumbprint()));
}

proptest! {
    #[test]
    fn any_bytes_end_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _answer = KeySet::parse(&bytes, ANY);
    }

    #[test]
    fn any_members_end_in_an_answer(
        kty in prop_oneof!["EC", "RSA", "OKP", "AKP", "oct", "[a-zA-Z]{0,5}"],
        crv in prop_oneof!["P-256", "P-384", "P-521", "Ed25519", "\\PC{0,5}"],
        alg in prop_oneof!["ES256", "RS256", "EdDSA", "ML-DSA-44", "\\PC{0,5}"],
        number in "[A-Za-z0-9_-]{0,90}",
    ) {
        let jwk = json!({ "kty": kty, "crv": crv, "alg": alg, "x": number, "y": number, "n": number, "e": number, "pub": number });
        prop_assert!(Key::parse(jwk.to_string().as_bytes(), ANY).is_err() || crv == "Ed25519");
    }
}
