//! The rules of X509-SVID, case by case (STANDARDS §2).

use super::pki::{Ca, NOW, at, chain, outcome, shown, trust};
use crate::x509::{Refusal, spiffe_id, verify};

/// A leaf of the trust domain `a.example`, and what it proves.
fn check(words: &str, proves: &str) {
    let ca = Ca::root("a", "uri:spiffe://a.example");
    assert_eq!(shown(&[ca.leaf(words)], &ca.trust(Some("a.example"))), proves, "{words}");
}

#[test]
fn x509svid_exactly_one_uri() {
    check("uri:spiffe://a.example/x", "spiffe://a.example/x");
    check("uri:SPIFFE://A.Example/x", "spiffe://a.example/x");
    check("uri:spiffe://a.example/x dns:x.example ip:10.0.0.1 email:x@a.example", "spiffe://a.example/x");
    check("", "no_uri");
    check("dns:a.example", "no_uri");
    check("uri:spiffe://a.example/x uri:spiffe://a.example/y", "many_uris");
    check("uri:spiffe://a.example/x uri:spiffe://a.example/x", "many_uris");
    check("uri:spiffe://a.example/x uri:https://a.example/x", "many_uris");
    check("uri:https://a.example/x uri:spiffe://a.example/x", "many_uris");
}

#[test]
fn x509svid_the_uri_is_a_spiffe_id_of_a_workload() {
    for (uri, proves) in [
        ("https://a.example/x", "spiffe_id"),
        ("spiffe://a.example", "no_workload"),
        ("spiffe://a.example/", "spiffe_id"),
        ("spiffe://a.example//x", "spiffe_id"),
        ("spiffe://a.example/../x", "spiffe_id"),
        ("spiffe://a.example/%78", "spiffe_id"),
        ("spiffe://a.example/x?y", "spiffe_id"),
        ("spiffe://a.example/x#y", "spiffe_id"),
        ("spiffe://a.example:443/x", "spiffe_id"),
        ("spiffe://u@a.example/x", "spiffe_id"),
        ("spiffe://[::1]/x", "spiffe_id"),
        ("spiffe://b.example/x", "other_domain"),
        ("spiffe://a.example.b.example/x", "other_domain"),
        ("spiffe://b.example/spiffe://a.example/x", "spiffe_id"),
    ] {
        check(&format!("uri:{uri}"), proves);
    }
    let longest = format!("spiffe://a.example/{}", "p".repeat(2048 - 19));
    check(&format!("uri:{longest}"), &longest);
    check(&format!("uri:{longest}p"), "names");
}

#[test]
fn x509svid_key_usage_is_there_critical_and_that_of_a_leaf() {
    for (words, proves) in [
        ("ku:sign", "spiffe://a.example/x"),
        ("ku:sign,agree", "spiffe://a.example/x"),
        ("ku:none", "key_usage"),
        ("ku:agree", "key_usage"),
        ("ku:sign,cert", "key_usage"),
        ("ku:sign,crl", "key_usage"),
        // digitalSignature, but not critical.
        ("ku:none usage:03020780", "key_usage"),
        // Two key usages.
        ("ku:sign usage:03020780", "unreadable"),
        // No bit at all, and what is no bit string.
        ("ku:none usage:030100", "unreadable"),
        ("ku:none usage:0500", "unreadable"),
    ] {
        check(&format!("uri:spiffe://a.example/x {words}"), proves);
    }
}

#[test]
fn x509svid_extended_key_usage_is_absent_or_both() {
    for (words, proves) in [
        ("eku:client,server", "spiffe://a.example/x"),
        ("eku:client,server,mail", "spiffe://a.example/x"),
        ("eku:none", "spiffe://a.example/x"),
        ("eku:client", "svid_purpose"),
        ("eku:server", "purpose"),
        ("eku:mail", "purpose"),
        ("eku:any", "purpose"),
    ] {
        check(&format!("uri:spiffe://a.example/x {words}"), proves);
    }
}

#[test]
fn x509svid_a_signing_certificate_authenticates_nobody() {
    let root = Ca::root("a", "uri:spiffe://a.example");
    let trusted = root.trust(Some("a.example"));
    let named = root.below("named", "uri:spiffe://a.example/x ku:sign,cert eku:client,server");
    assert_eq!(shown(&[named.der()], &trusted), "authority");
    assert_eq!(shown(&[root.der()], &trusted), "authority");
    // Below an authority that has the id of a workload nobody is anybody.
    assert_eq!(shown(&[named.leaf("uri:spiffe://a.example/y"), named.der()], &trusted), "issuer_not_authority");
    let domain = root.below("domain", "uri:spiffe://a.example");
    assert_eq!(shown(&[domain.leaf("uri:spiffe://a.example/y"), domain.der()], &trusted), "spiffe://a.example/y");
    let unnamed = root.below("unnamed", "");
    assert_eq!(shown(&[unnamed.leaf("uri:spiffe://a.example/y"), unnamed.der()], &trusted), "spiffe://a.example/y");
    // A key that signs no certificates: RFC 5280 §6.1.4 (n), which `webpki` leaves to whoever asks.
    let usage = root.below("usage", "ku:none");
    assert_eq!(shown(&[usage.leaf("uri:spiffe://a.example/y"), usage.der()], &trusted), "issuer_not_authority");
}

#[test]
fn x509svid_a_bundle_vouches_for_its_own_trust_domain_only() {
    let (a, b) = (Ca::root("a", "uri:spiffe://a.example"), Ca::root("b", "uri:spiffe://b.example"));
    let (of_a, of_b) = (a.trust(Some("a.example")), b.trust(Some("b.example")));
    let svid = |ca: &Ca, domain: &str| vec![ca.leaf(&format!("uri:spiffe://{domain}/x"))];
    assert_eq!(shown(&svid(&a, "a.example"), &of_a), "spiffe://a.example/x");
    assert_eq!(shown(&svid(&b, "b.example"), &of_b), "spiffe://b.example/x");
    // BOTCHED: one pool of roots. Who may mint for b may not mint for a, whichever bundle is asked.
    assert_eq!(shown(&svid(&b, "a.example"), &of_a), "unknown_issuer");
    assert_eq!(shown(&svid(&b, "a.example"), &of_b), "other_domain");
    // Also with the other's authority under the same name.
    let imitation = Ca::root("a", "uri:spiffe://a.example");
    assert_eq!(shown(&svid(&imitation, "a.example"), &of_a), "signature");
    assert_eq!(shown(&[svid(&imitation, "a.example").remove(0), imitation.der()], &of_a), "signature");
    // Federation: the id says whose bundle is asked.
    for (leaf, domain) in
        [(svid(&a, "a.example"), Some("a.example")), (svid(&b, "A.EXAMPLE"), Some("a.example")), (vec![a.leaf("dns:x.example")], None)]
    {
        let claimed = spiffe_id(&chain(&leaf)).expect("readable");
        assert_eq!(claimed.as_ref().map(|id| id.trust_domain().as_str()), domain);
    }
    assert_eq!(spiffe_id(&chain(&[a.leaf("uri:spiffe://a.example/x uri:spiffe://b.example/x")])), Err(Refusal::ManyUris));
}

#[test]
fn bundle_empty_revokes_the_whole_domain() {
    let ca = Ca::root("a", "");
    let mut trusted = ca.trust(Some("a.example"));
    let leaf = [ca.leaf("uri:spiffe://a.example/x")];
    assert_eq!(shown(&leaf, &trusted), "spiffe://a.example/x");
    trusted.bundle = crate::x509::TrustBundle::none();
    assert_eq!(shown(&leaf, &trusted), "unknown_issuer");
}

#[test]
fn an_authority_of_another_kind_vouches_for_no_spiffe_id() {
    let ca = Ca::root("ca", "");
    let found = verify(&chain(&[ca.leaf("uri:spiffe://a.example/x uri:https://a.example/x dns:x.example")]), &ca.trust(None), at(NOW));
    let found = found.expect("good");
    assert_eq!((found.spiffe_id.clone(), outcome(Ok(found))), (None, "x.example https://a.example/x".to_owned()));
}

#[test]
fn several_anchors_of_one_domain_all_count() {
    let (old, new) = (Ca::root("a", "uri:spiffe://a.example"), Ca::root("a", "uri:spiffe://a.example"));
    let trusted = trust(&[&old, &new], Some("a.example"));
    for ca in [&old, &new] {
        assert_eq!(shown(&[ca.leaf("uri:spiffe://a.example/x")], &trusted), "spiffe://a.example/x");
    }
}
