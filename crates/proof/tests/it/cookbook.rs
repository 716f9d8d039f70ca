//! RFC 7515 appendix A, RFC 7520 §4, RFC 8037 appendix A.

use crate::forge::{ANY, keys};
use aws_lc_rs::signature::{KeyPair as _, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair};
use serde_json::{Value, json};
use wardgate_proof::jose::{base64url, jws::Compact, key_set::KeySet, refusal::Refusal};

/// RFC 7515 §A.2, §A.3 and §A.4: token, key.
const RFC_7515: [(&str, &str); 3] = [
    (
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Ee\
         tdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_n\
         ZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9\
         QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
    ),
    (
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8\
         L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    ),
    (
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKd\
         CAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
        r#"{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#,
    ),
];

#[test]
fn the_tokens_of_rfc_7515_verify() {
    for (token, jwk) in RFC_7515 {
        let keys = keys(&[serde_json::from_str(jwk).expect("JSON")]);
        let compact = Compact::parse(token).expect("a token");
        compact.signer(&keys).expect("verifies");
        let (head, last) = token.split_at(token.len() - 10);
        let changed = format!("{head}{}", last.replace(|c: char| c.is_ascii_lowercase(), "A"));
        assert_eq!(Compact::parse(&changed).and_then(|compact| compact.signer(&keys).map(|_| ())), Err(Refusal::UnknownKey { kid: None }));
    }
    // §A.1 is a MAC, §A.5 is not signed at all.
    let keys = keys(&[]);
    let mac = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert!(matches!(Compact::parse(mac).expect("a token").signer(&keys), Err(Refusal::Algorithm(_))));
    let unsigned = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert_eq!(Compact::parse(unsigned).expect("a token").signer(&keys).expect_err("none"), Refusal::Unsigned);
    // Appendix E: `crit` with an extension that nobody knows.
    let critical = "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.";
    assert_eq!(Compact::parse(critical).expect_err("critical"), Refusal::Critical);
}

/// The public half of a key of the cookbook, for an algorithm.
fn public(key: &Value, algorithm: &str) -> Value {
    let mut public = key.clone();
    let members = public.as_object_mut().expect("an object");
    members.retain(|name, _| !["d", "p", "q", "dp", "dq", "qi"].contains(&name.as_str()));
    members.insert("alg".to_owned(), json!(algorithm));
    public
}

#[test]
fn the_tokens_of_rfc_7520_and_rfc_8037_verify() {
    for text in [
        include_str!("../../testdata/jose/rfc7520_jws/4_1.rsa_v15_signature.json"),
        include_str!("../../testdata/jose/rfc7520_jws/4_2.rsa-pss_signature.json"),
        include_str!("../../testdata/jose/rfc7520_jws/4_3.ecdsa_signature.json"),
        include_str!("../../testdata/jose/curve25519/jws.json"),
    ] {
        let example: Value = serde_json::from_str(text).expect("JSON");
        let token = example["output"]["compact"].as_str().expect("a token");
        let jwk = public(&example["input"]["key"], example["input"]["alg"].as_str().expect("a name"));
        let compact = Compact::parse(token).expect("a token");
        compact.signer(&keys(&[jwk])).expect("verifies");
        assert_eq!(compact.payload(), example["input"]["payload"].as_str().expect("text").as_bytes());
        // The JSON serializations of the same signature are no tokens here (RFC 8725 §3.1: compact alone).
        for form in ["json", "json_flat"] {
            assert_eq!(Compact::parse(&example["output"][form].to_string()).err(), Some(Refusal::Parts));
        }
    }
}

#[test]
fn the_keys_of_rfc_9964_have_their_published_names() {
    // The keys of a seed of 32 zeros.
    for (signing, name, thumbprint) in [
        (&ML_DSA_44_SIGNING, "ML-DSA-44", "T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o"),
        (&ML_DSA_65_SIGNING, "ML-DSA-65", "Suiu29qbfuaBaR4Ats-c6XQBePB_OpAxAwcTR_0KXVM"),
        (&ML_DSA_87_SIGNING, "ML-DSA-87", "tRn1JNIkgMsABVQBlXeDHxAIcclh-2IX0UdDEzPt5XU"),
    ] {
        let pair = PqdsaKeyPair::from_seed(signing, &[0; 32]).expect("a key");
        let jwk = json!({ "kty": "AKP", "alg": name, "pub": base64url::encode(pair.public_key().as_ref()) });
        assert_eq!(keys(&[jwk]).keys()[0].thumbprint(), thumbprint);
    }
}

#[test]
fn each_signature_of_rfc_7520_4_8_is_its_key_s() {
    let example: Value = serde_json::from_str(include_str!("../../testdata/jose/rfc7520_jws/4_8.multiple_signatures.json")).expect("JSON");
    let output = &example["output"]["json"];
    for at in [0, 1] {
        let signature = &output["signatures"][at];
        // The key's name stands in the unprotected header, which a compact token has not.
        let protected = signature["protected"].as_str().unwrap_or_default();
        let token = format!("{protected}.{}.{}", output["payload"].as_str().expect("text"), signature["signature"].as_str().expect("text"));
        let mut jwk = public(&example["input"]["key"][at], example["input"]["alg"][at].as_str().expect("a name"));
        jwk.as_object_mut().expect("an object").shift_remove("kid");
        let verified = Compact::parse(&token).map(|compact| compact.signer(&keys(&[jwk])).is_ok());
        // The second one's header is not protected at all: there is no compact form of it.
        assert_eq!(verified.ok(), (!protected.is_empty()).then_some(true), "signature {at}");
    }
}

#[test]
fn detached_content_of_rfc_7520_4_5_is_no_token_of_that_content() {
    let example: Value =
        serde_json::from_str(include_str!("../../testdata/jose/rfc7520_jws/4_5.signature_with_detached_content.json")).expect("JSON");
    let compact = Compact::parse(example["output"]["compact"].as_str().expect("a token")).expect("three parts");
    assert!(compact.payload().is_empty());
}

#[test]
fn the_keys_of_rfc_7520_3_are_read_where_they_are_public() {
    let public = [
        include_str!("../../testdata/jose/rfc7520_jwk/3_1.ec_public_key.json"),
        include_str!("../../testdata/jose/rfc7520_jwk/3_3.rsa_public_key.json"),
    ];
    let keys = keys(&public.map(|text| serde_json::from_str(text).expect("JSON")));
    let read: Vec<String> = keys.keys().iter().map(|key| key.algorithm().to_string()).collect();
    assert_eq!((read.as_slice(), keys.skipped().len()), (["ES512".to_owned(), "RS256".to_owned()].as_slice(), 0));
    for private in [
        include_str!("../../testdata/jose/rfc7520_jwk/3_2.ec_private_key.json"),
        include_str!("../../testdata/jose/rfc7520_jwk/3_4.rsa_private_key.json"),
        include_str!("../../testdata/jose/rfc7520_jwk/3_5.symmetric_key_mac_computation.json"),
        include_str!("../../testdata/jose/rfc7520_jwk/3_6.symmetric_key_encryption.json"),
    ] {
        assert!(KeySet::parse(format!("{{\"keys\":[{private}]}}").as_bytes(), ANY).is_err());
    }
}

#[test]
fn the_coder_agrees_with_appendix_c_of_rfc_7515() {
    assert_eq!(base64url::encode(&[3, 236, 255, 224, 193]), "A-z_4ME");
    assert_eq!(base64url::decode("A-z_4ME").as_deref(), Some([3, 236, 255, 224, 193].as_slice()));
}
