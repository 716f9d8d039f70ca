use super::Possession;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

fn said(possession: &Possession, token: Option<&str>) -> Value {
    let proof = possession.proof("GET", "https://gate.example/ledger/entries", token).unwrap();
    let payload = proof.to_str().unwrap().split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// RFC 9449 §9: nonces of two servers are not each other's; §4.2: each proof is another.
#[test]
fn each_proof_is_another_and_has_the_last_nonce_of_its_own_server() {
    let issuer = Possession::new().unwrap();
    let api = issuer.elsewhere();
    issuer.learn(Some("of-the-issuer"));
    issuer.learn(None);
    let first = said(&issuer, None);
    assert_eq!((&first["nonce"], &first["htm"], first.get("ath")), (&"of-the-issuer".into(), &"GET".into(), None));
    assert!(said(&api, Some("eyJ")).get("nonce").is_none());
    assert!(said(&api, Some("eyJ"))["ath"].is_string());
    assert_ne!(first["jti"], said(&issuer, None)["jti"]);
    for bad in [String::new(), "n".repeat(2_000)] {
        issuer.learn(Some(&bad));
        assert_eq!(said(&issuer, None)["nonce"], "of-the-issuer");
    }
}
