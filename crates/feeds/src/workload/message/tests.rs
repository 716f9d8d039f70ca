use super::document;
use proptest::prelude::*;
use serde_json::{Value, json};
use wardgate_proof::x509::TrustDomain;

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).expect("a short one");
    assert!(length < 0x80, "one byte");
    [&[number << 3 | 2, length], bytes].concat()
}

fn entry(map: u8, domain: &str, bundle: &[u8]) -> Vec<u8> {
    field(map, &[field(1, domain.as_bytes()), field(2, bundle)].concat())
}

fn domain() -> TrustDomain {
    TrustDomain::parse("acme.example").expect("a domain")
}

fn read(x509: &[u8], jwt: &[u8]) -> String {
    match document(x509, jwt, &domain()) {
        Ok(None) => "none".to_owned(),
        Ok(Some(document)) => {
            let document: Value = serde_json::from_slice(&document).expect("JSON");
            let keys = document["keys"].as_array().expect("keys").iter();
            keys.map(|key| format!("{} {}; ", key["use"], key["x5c"][0].as_str().or(key["kid"].as_str()).unwrap_or("-"))).collect()
        }
        Err(fault) => fault.to_string(),
    }
}

const MESH: &str = "spiffe://acme.example";

#[test]
fn a_bundle_is_put_together_from_both_messages() {
    let two = [0x30, 1, 7, 0x30, 0x81, 2, 8, 9];
    let x509 = [entry(2, "spiffe://other.example", &[0x30, 0]), entry(2, MESH, &two)].concat();
    let jwt = |keys: &Value| entry(1, MESH, json!({ "keys": keys }).to_string().as_bytes());
    assert_eq!(read(&x509, b""), r#""x509-svid" MAEH; "x509-svid" MIECCAk=; "#);
    let keys = json!([{ "kty": "EC", "kid": "a" }, { "kid": "b", "use": "sig" }]);
    assert_eq!(read(&x509, &jwt(&keys)), r#""x509-svid" MAEH; "x509-svid" MIECCAk=; "jwt-svid" a; "sig" b; "#);
    // A field that is not known, of each kind.
    let unknown =
        [x509.clone(), vec![9 << 3, 0x80, 1], [vec![9 << 3 | 1], vec![0; 8]].concat(), [vec![9 << 3 | 5], vec![0; 4]].concat()].concat();
    assert_eq!(read(&unknown, b""), read(&x509, b""));
    assert_eq!(read(&entry(2, MESH, b""), b""), "", "an empty bundle vouches for nobody");
    assert_eq!(read(&entry(2, "spiffe://other.example", &[0x30, 0]), b""), "none");
    assert_eq!(read(&entry(2, "spiffe://acme.example/workload", &[0x30, 0]), b""), "none");
}

#[test]
fn what_cannot_be_read_in_one_way_is_refused() {
    let good = entry(2, MESH, &[0x30, 0]);
    for (x509, jwt, said) in [
        ([good.clone(), good.clone()].concat(), vec![], "a trust domain is there twice"),
        ([good.clone(), field(1, b"list")].concat(), vec![], "it has revocation lists: name them in `revoked`"),
        (entry(2, MESH, &[0x31, 0]), vec![], "a bundle is no certificates in DER, one after another"),
        (entry(2, MESH, &[0x30, 5, 0]), vec![], "a bundle is no certificates in DER, one after another"),
        (vec![0x12, 0x7f], vec![], "it is no Protocol Buffers message"),
        (vec![0xff; 20], vec![], "it is no Protocol Buffers message"),
        (vec![0x13], vec![], "it is no Protocol Buffers message"),
        (good.clone(), entry(1, MESH, b"{}"), "a set of keys has no list `keys`"),
        (good.clone(), entry(1, MESH, br#"{"keys":[],"keys":[]}"#), "a set of keys is no JSON that can be read in one way"),
    ] {
        assert_eq!(read(&x509, &jwt), format!("a message of the agent cannot be read: {said}"));
    }
}

proptest! {
    #[test]
    fn any_bytes_end_in_an_answer(x509 in prop::collection::vec(any::<u8>(), 0..60), jwt in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = read(&x509, &jwt);
        let within = entry(2, MESH, &x509);
        let _ = read(&within, &entry(1, MESH, &jwt));
    }
}
