//! What operators hand in as anchors.

use super::pki::{Ca, at};
use crate::x509::{Life, TrustBundle, TrustDomain};

fn parse(bytes: &[u8]) -> String {
    let domain = TrustDomain::parse("a.example").expect("a trust domain");
    match TrustBundle::parse(bytes, Some(&domain)) {
        Ok(bundle) => format!("{} anchors", bundle.lives().len()),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn pem_of_several_and_der_of_one_are_read() {
    let (one, two) = (Ca::root("one", ""), Ca::root("two", "to:2026-02-01"));
    assert_eq!(parse(format!("Authorities of ours\n{}\n{}", one.pem(), two.pem()).as_bytes()), "2 anchors");
    assert_eq!(parse(one.pem().replace('\n', "\r\n").as_bytes()), "1 anchors");
    assert_eq!(parse(&one.der()), "1 anchors");
    let bundle = TrustBundle::parse(two.pem().as_bytes(), None).expect("a bundle");
    assert_eq!(bundle.lives(), [Life { not_before: at("2026-01-01"), not_after: at("2026-02-01") }]);
    assert!(TrustBundle::none().is_empty() && !bundle.is_empty());
}

#[test]
fn what_is_no_anchor_is_said_with_its_place() {
    let ca = Ca::root("ca", "");
    let pem = |der: &[u8]| {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
    };
    let broken = &ca.pem()[..200];
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    let mut longer = ca.der();
    longer.push(0);
    for (bundle, says) in [
        (String::new(), "the trust bundle has no certificate"),
        ("not a bundle".to_owned(), "the trust bundle has no certificate"),
        (broken.to_owned(), "the trust bundle is not PEM (`-----BEGIN CERTIFICATE-----`), or it breaks off"),
        (format!("{}{key}", ca.pem()), "the trust bundle has a `PRIVATE KEY` in it; it is for certificates of authorities only"),
        (
            format!("{}{}", ca.pem(), pem(&ca.leaf("dns:x.example"))),
            "certificate 2 of the trust bundle is not that of a certificate authority (`CA:TRUE`)",
        ),
        (Ca::root("x", "ku:sign").pem(), "the key usage of certificate 1 of the trust bundle does not allow it to sign certificates"),
        (pem(b"\x30\x03\x02\x01\x01"), "certificate 1 of the trust bundle cannot be read"),
        (pem(&longer), "certificate 1 of the trust bundle cannot be read"),
        (
            Ca::root("b", "uri:spiffe://b.example").pem(),
            "certificate 1 of the trust bundle has a SPIFFE id that is not that of the trust domain `a.example`",
        ),
        (
            Ca::root("a", "uri:spiffe://a.example/x").pem(),
            "certificate 1 of the trust bundle has a SPIFFE id that is not that of the trust domain `a.example`",
        ),
        (ca.pem().repeat(257), "a trust bundle has at most 256 certificates"),
        ("x".repeat(1024 * 1024 + 1), "a trust bundle has at most 1048576 bytes"),
    ] {
        assert_eq!(parse(bundle.as_bytes()), says);
    }
    assert_eq!(parse(&[0x30, 0x03, 0xff]), "the trust bundle is not PEM (`-----BEGIN CERTIFICATE-----`), or it breaks off");
}
