use super::{Document, Kind};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use rcgen::SerialNumber;
use std::time::Duration;
use wardgate_model::time::Time;
use wardgate_proof::x509::TrustDomain;

const NOW: Time = Time::from_seconds(1_800_000_000);

/// Who signs revocation lists.
struct Signer(rcgen::Issuer<'static, rcgen::KeyPair>);

impl Signer {
    fn named(name: &str) -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
        Self(rcgen::Issuer::new(params, rcgen::KeyPair::generate().expect("a key")))
    }

    /// A list, DER: from one day of January 2026 to another.
    fn list(&self, (from, to): (u8, u8), number: u64, point: Option<&str>) -> Vec<u8> {
        let point = point.map(|uri| rcgen::CrlIssuingDistributionPoint {
            distribution_point: rcgen::CrlDistributionPoint { uris: vec![uri.to_owned()] },
            scope: None,
        });
        let list = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 1, from),
            next_update: rcgen::date_time_ymd(2026, 1, to),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: point,
            revoked_certs: Vec::new(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).expect("a list").der().to_vec()
    }
}

/// A document of lists, PEM.
fn pem(lists: &[Vec<u8>]) -> Bytes {
    let section = |der: &Vec<u8>| format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", STANDARD.encode(der));
    lists.iter().map(section).collect::<String>().into()
}

/// An authority of this trust domain, as `x5c` has it.
fn authority(id: &str) -> String {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).expect("parameters");
    params.subject_alt_names = vec![rcgen::SanType::URI(id.try_into().expect("an id"))];
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    STANDARD.encode(params.self_signed(&key).expect("a certificate").der())
}

fn check(text: &str) -> String {
    let domain = TrustDomain::parse("acme.example").expect("a domain");
    match Document::read(&Kind::Bundle(domain), &Bytes::copy_from_slice(text.as_bytes()), None, NOW) {
        Ok(Document::Bundle(bundle)) => {
            let (anchors, keys) = (bundle.anchors().lives().len(), bundle.keys().keys().len());
            format!("{anchors} anchors, {keys} keys, {} left out, {:?}, {:?}", bundle.skipped(), bundle.sequence(), bundle.refresh_hint())
        }
        Ok(other) => format!("{other:?}"),
        Err(fault) => format!("no: {fault}"),
    }
}

#[test]
fn a_bundle_has_anchors_and_keys_and_leaves_out_what_it_does_not_know() {
    let (ours, more) = (authority("spiffe://acme.example"), authority("spiffe://acme.example"));
    let jwt = r#"{"kty":"EC","crv":"P-256","use":"jwt-svid","kid":"j1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let svid = |x5c: &str| format!(r#"{{"kty":"EC","use":"x509-svid","x5c":[{x5c}]}}"#);
    let unknown = r#"{"kty":"EC","use":"wit-svid"},{"kty":"quantum"}"#;
    for (keys, read) in [
        (String::new(), "0 anchors, 0 keys, 0 left out, None, None"),
        (svid(&format!(r#""{ours}""#)), "1 anchors, 0 keys, 0 left out, None, None"),
        // Exactly one certificate counts: the rest of `x5c` is ignored (§4.2.1).
        (svid(&format!(r#""{ours}","{more}""#)), "1 anchors, 0 keys, 0 left out, None, None"),
        (svid(""), "0 anchors, 0 keys, 1 left out, None, None"),
        (jwt.to_owned(), "0 anchors, 1 keys, 0 left out, None, None"),
        (format!(r#"{},{jwt},{unknown}"#, svid(&format!(r#""{ours}""#))), "1 anchors, 1 keys, 2 left out, None, None"),
    ] {
        assert_eq!(check(&format!(r#"{{"keys":[{keys}]}}"#)), read, "{keys}");
    }
}

#[test]
fn an_anchor_of_another_domain_spoils_the_bundle() {
    let other = authority("spiffe://evil.example");
    let said = check(&format!(r#"{{"keys":[{{"kty":"EC","use":"x509-svid","x5c":["{other}"]}}]}}"#));
    assert!(said.starts_with("no: this is no bundle of the trust domain: an anchor: "), "{said}");
}

#[test]
fn numbers_of_a_bundle_are_numbers() {
    for (members, read) in [
        (r#""spiffe_sequence":12,"spiffe_refresh_hint":300"#, "0 anchors, 0 keys, 0 left out, Some(12), Some(300s)"),
        (r#""spiffe_sequence":18446744073709551615"#, "0 anchors, 0 keys, 0 left out, Some(18446744073709551615), None"),
        (r#""spiffe_sequence":-1"#, "no: this is no bundle of the trust domain: `spiffe_sequence` is no whole number from 0 on"),
        (r#""spiffe_sequence":"12""#, "no: this is no bundle of the trust domain: `spiffe_sequence` is no whole number from 0 on"),
        (r#""spiffe_refresh_hint":-5"#, "0 anchors, 0 keys, 0 left out, None, None"),
    ] {
        assert_eq!(check(&format!(r#"{{"keys":[],{members}}}"#)), read, "{members}");
    }
}

#[test]
fn what_is_something_else_is_refused() {
    for (kind, text, said) in [
        (Kind::Anchors(None), "x", "these are no anchors: "),
        (Kind::Revocations, "x", "these are no revocation lists: "),
        (Kind::Revocations, "", "these are no revocation lists: "),
    ] {
        let fault = Document::read(&kind, &Bytes::from_static(text.as_bytes()), None, NOW).expect_err(text).to_string();
        assert!(fault.starts_with(said), "{fault}");
    }
}

#[test]
fn a_revocation_list_is_fetched_again_before_its_time_is_over() {
    let text = Bytes::from(Signer::named("ca").list((1, 3), 1, None));
    let document = Document::read(&Kind::Revocations, &text, None, NOW).expect("a list in DER");
    let now = Time::parse("2026-01-02T23:00:00Z").expect("a moment");
    let hour = Duration::from_secs(3_600);
    for (said, hint) in [(None, hour / 4), (Some(hour * 24), hour / 2), (Some(hour / 3), hour / 3)] {
        assert_eq!(document.refresh_hint(said, hour / 4, now), Some(hint), "{said:?}");
    }
    assert_eq!(document.refresh_hint(None, hour / 4, now + hour * 48), Some(Duration::ZERO), "its time is over: as soon as we ever ask");
}

#[test]
fn a_list_is_followed_by_newer_ones_until_its_time_is_over() {
    let (ca, other, anew) = (Signer::named("ca"), Signer::named("other"), Signer::named("ca"));
    let before = [ca.list((2, 9), 0x0100, None), other.list((2, 9), 7, Some("http://crl.example/a"))];
    let before = Document::read(&Kind::Revocations, &pem(&before), None, NOW).expect("lists");
    let of_ca = ca.list((3, 10), 0x0101, None);
    let of_other = other.list((3, 10), 8, Some("http://crl.example/a"));
    let older = "it is older than the one that was fetched before: ";
    let (second, ninth) = ("2026-01-05T00:00:00Z", "2026-01-09T00:00:00Z");
    for (lists, day, said) in [
        (vec![of_ca.clone(), of_other.clone()], second, String::new()),
        (vec![of_other.clone()], second, "it has no list of `ca` any more: the last one counts until 2026-01-09T00:00:00Z".to_owned()),
        (vec![of_other.clone()], ninth, String::new()),
        (
            vec![of_ca.clone(), other.list((3, 10), 8, Some("http://crl.example/b"))],
            second,
            "it has no list of `other` any more for the same distribution point: the last one counts until 2026-01-09T00:00:00Z".to_owned(),
        ),
        // The same day, or a later one, and a number of before: RFC 5280 §5.2.3.
        (vec![ca.list((2, 9), 0xff, None), of_other.clone()], second, format!("{older}a list of number 0xff after 0x0100")),
        (vec![ca.list((3, 9), 0xff, None), of_other.clone()], ninth, String::new()),
        // Another key of the same name counts for itself.
        (vec![anew.list((3, 10), 1, None), of_other.clone()], second, String::new()),
        // An older list stays an older one, however old.
        (
            vec![ca.list((1, 28), 0x0200, None), of_other.clone()],
            ninth,
            format!("{older}a list of 2026-01-01T00:00:00Z after one of 2026-01-02T00:00:00Z"),
        ),
        // One of a time to come is not asked yet: it takes no other's place, and brings none back beside it.
        (
            vec![ca.list((20, 28), 0x0300, None), of_other.clone()],
            second,
            "it has no list of `ca` any more: the last one counts until 2026-01-09T00:00:00Z".to_owned(),
        ),
        (
            vec![ca.list((1, 28), 0x0200, None), ca.list((20, 28), 0x0300, None), of_other.clone()],
            second,
            format!("{older}a list of 2026-01-01T00:00:00Z after one of 2026-01-02T00:00:00Z"),
        ),
        // Nor does a newer one for another distribution point.
        (
            vec![of_ca.clone(), other.list((1, 9), 7, Some("http://crl.example/a")), other.list((3, 10), 8, Some("http://crl.example/b"))],
            second,
            format!("{older}a list of 2026-01-01T00:00:00Z after one of 2026-01-02T00:00:00Z"),
        ),
        // Newer lists beside an older one: the newest is what counts.
        (vec![of_ca, ca.list((1, 28), 1, None), of_other], second, String::new()),
    ] {
        let now = Time::parse(day).expect("a moment");
        let read = Document::read(&Kind::Revocations, &pem(&lists), Some(&before), now);
        assert_eq!(read.map_or_else(|fault| fault.to_string(), |_| String::new()), said);
    }
}
