//! Authorities of any kind: paths, dates, purposes, names.

use super::pki::{Ca, NOW, at, chain, outcome, shown, trust};
use crate::x509::{Names, Refusal, Thumbprint, chain_hash, names, verify};
use proptest::prelude::*;

#[test]
fn dates_are_to_the_second() {
    let ca = Ca::root("ca", "from:2020-01-01 to:2040-01-01");
    let leaf = chain(&[ca.leaf("dns:x.example")]);
    for (now, proves) in [
        ("2025-12-31T23:59:59Z", "not_yet_valid"),
        ("2026-01-01T00:00:00Z", "x.example"),
        ("2027-01-01T00:00:00Z", "x.example"),
        ("2027-01-01T00:00:00.999Z", "x.example"),
        ("2027-01-01T00:00:01Z", "expired"),
        ("1960-01-01", "not_yet_valid"),
    ] {
        assert_eq!(outcome(verify(&leaf, &ca.trust(None), at(now))), proves, "{now}");
    }
    let refusal = verify(&leaf, &ca.trust(None), at("2028-01-01")).expect_err("expired");
    assert_eq!(refusal.to_string(), "the client certificate was valid until 2027-01-01T00:00:00Z");
}

#[test]
fn anchors_and_issuers_have_dates_too() {
    let root = Ca::root("ca", "from:2026-01-01 to:2026-05-01");
    assert_eq!(shown(&[root.leaf("dns:x.example")], &root.trust(None)), "anchor_time");
    let root = Ca::root("ca", "from:2026-07-01 to:2026-08-01");
    assert_eq!(shown(&[root.leaf("dns:x.example")], &root.trust(None)), "anchor_time");
    let root = Ca::root("ca", "");
    for dates in ["from:2026-01-01 to:2026-05-01", "from:2026-07-01 to:2026-08-01"] {
        let issuer = root.below("issuer", dates);
        assert_eq!(shown(&[issuer.leaf("dns:x.example"), issuer.der()], &root.trust(None)), "issuer_time");
    }
    // What is over does not stand in the way of what is not.
    let old = Ca::root("ca", "to:2026-05-01");
    let both = trust(&[&old, &root], None);
    assert_eq!(shown(&[root.leaf("dns:x.example")], &both), "x.example");
    assert_eq!(shown(&[old.leaf("dns:x.example")], &both), "signature");
}

#[test]
fn what_was_found_is_good_until_the_first_thing_ends() {
    let root = Ca::root("ca", "to:2026-12-01");
    let issuer = root.below("issuer", "to:2026-11-01");
    for (leaf, until) in [("to:2026-10-01", "2026-10-01T00:00:01Z"), ("to:2026-12-31", "2026-11-01T00:00:01Z")] {
        let found = verify(&chain(&[issuer.leaf(leaf), issuer.der()]), &root.trust(None), at(NOW)).expect("good");
        assert_eq!(found.good_until, at(until), "{leaf}");
    }
    let found = verify(&chain(&[root.leaf("to:2026-12-31")]), &root.trust(None), at(NOW)).expect("good");
    assert_eq!(found.good_until, at("2026-12-01T00:00:01Z"));
}

#[test]
fn only_a_path_of_authorities_leads_to_an_anchor() {
    let root = Ca::root("ca", "");
    let trusted = root.trust(None);
    let issuer = root.below("issuer", "");
    let deeper = issuer.below("deeper", "");
    assert_eq!(shown(&[deeper.leaf("dns:x.example"), deeper.der(), issuer.der()], &trusted), "x.example");
    assert_eq!(shown(&[deeper.leaf("dns:x.example"), issuer.der(), root.der(), deeper.der()], &trusted), "x.example");
    assert_eq!(shown(&[deeper.leaf("dns:x.example"), deeper.der()], &trusted), "unknown_issuer");
    assert_eq!(shown(&[deeper.leaf("dns:x.example")], &trusted), "unknown_issuer");
    // Self-signed: a client's own certificate, alone or as its own issuer.
    let own = Ca::root("own", "ku:sign eku:client");
    assert_eq!(shown(&[own.der()], &trusted), "authority");
    let stranger = Ca::root("stranger", "");
    assert_eq!(shown(&[stranger.leaf("dns:x.example"), stranger.der()], &trusted), "unknown_issuer");
    // A leaf issues nothing, whatever its key usage says.
    let usage = root.below("usage", "ku:sign,crl");
    assert_eq!(shown(&[usage.leaf("dns:x.example"), usage.der()], &trusted), "issuer_not_authority");
    // Without key usage an authority may do anything (RFC 5280 §6.1.4 n: if it is there).
    let silent = root.below("silent", "ku:none");
    assert_eq!(shown(&[silent.leaf("dns:x.example"), silent.der()], &trusted), "x.example");
}

#[test]
fn an_authority_limits_what_is_below_it() {
    let root = Ca::root("ca", "");
    let trusted = root.trust(None);
    let shallow = root.below("shallow", "depth:0");
    assert_eq!(shown(&[shallow.leaf("dns:x.example"), shallow.der()], &trusted), "x.example");
    let deeper = shallow.below("deeper", "");
    assert_eq!(shown(&[deeper.leaf("dns:x.example"), deeper.der(), shallow.der()], &trusted), "path_length");
    let servers = root.below("servers", "eku:server");
    assert_eq!(shown(&[servers.leaf("dns:x.example"), servers.der()], &trusted), "purpose");
    let clients = root.below("clients", "eku:client");
    assert_eq!(shown(&[clients.leaf("dns:x.example"), clients.der()], &trusted), "x.example");
}

#[test]
fn name_constraints_bind_and_those_on_uris_allow_nothing() {
    let root = Ca::root("ca", "");
    let trusted = root.trust(None);
    let narrow = root.below("narrow", "permit:a.example");
    assert_eq!(shown(&[narrow.leaf("dns:x.a.example"), narrow.der()], &trusted), "x.a.example");
    assert_eq!(shown(&[narrow.leaf("dns:x.b.example"), narrow.der()], &trusted), "name_constraint");
    // Of an anchor too.
    let anchor = Ca::root("anchor", "permit:a.example");
    assert_eq!(shown(&[anchor.leaf("dns:x.b.example")], &anchor.trust(None)), "name_constraint");
    // permittedSubtrees: URI `.a.example`, RUSTSEC-2026-0098.
    let uris = root.below("uris", "constraints:3010a00e300c860a2e612e6578616d706c65");
    assert_eq!(shown(&[uris.leaf("uri:https://x.a.example/x"), uris.der()], &trusted), "name_constraint");
    assert_eq!(shown(&[uris.leaf("dns:x.example"), uris.der()], &trusted), "x.example");
}

#[test]
fn a_client_certificate_is_for_clients() {
    let ca = Ca::root("ca", "");
    for (words, proves) in [
        ("eku:client", "x.example"),
        ("eku:none ku:none", "x.example"),
        ("eku:server", "purpose"),
        ("eku:any", "purpose"),
        ("ku:agree", "key_usage"),
        ("ku:sign,cert", "key_usage"),
        ("ca", "authority"),
        ("critical:0500", "unreadable"),
    ] {
        assert_eq!(shown(&[ca.leaf(&format!("dns:x.example {words}"))], &ca.trust(None)), proves, "{words}");
    }
}

#[test]
fn names_have_one_form_and_hold_nothing_unseen() {
    let ca = Ca::root("ca", "");
    for (words, proves) in [
        (
            "dns:X.Example email:First.Last@A.Example uri:https://A.example/X ip:::1",
            "x.example https://A.example/X First.Last@a.example ::1",
        ),
        ("dns:*.example", "*.example"),
        ("", ""),
        // An empty list, a NUL in a name, a letter that is none of ASCII, a line feed, an empty name, an address of five bytes,
        // a kind that there is not, something after the list.
        ("san:3000", "names"),
        ("san:30058203610062", "names"),
        ("san:3004820261e9", "names"),
        ("san:30048602610a", "names"),
        ("san:30028200", "names"),
        ("san:300787050102030405", "names"),
        ("san:30038901ff", "names"),
        ("san:3003820161ff", "unreadable"),
        // otherName and directoryName are passed over.
        ("san:300fa00a060355040aa0030c0161820178", "x"),
        ("dns:x.example san:3003820161", "unreadable"),
    ] {
        assert_eq!(shown(&[ca.leaf(words)], &ca.trust(None)), proves, "{words}");
    }
    assert_eq!((&*names::dns("X.Y"), &*names::email("A@B.C"), &*names::email("AB")), ("x.y", "A@b.c", "AB"));
    assert!(Names::default().is_empty());
}

#[test]
fn what_operators_write_is_compared_with_what_certificates_say() {
    for (written, read) in [
        ("dns:X.Example", "dns:x.example"),
        ("email:First@A.Example", "email:First@a.example"),
        ("uri:https://A.example/X", "uri:https://A.example/X"),
        ("ip:0:0:0:0:0:0:0:1", "ip:::1"),
        ("ip:10.0.0.01", "Name"),
        ("dns:", "Name"),
        ("dns:x example", "Name"),
        ("dns:é.example", "Name"),
        ("uri:SPIFFE://a.example/x", "SpiffeId"),
        ("cn:x", "Kind"),
        ("x.example", "Kind"),
    ] {
        let outcome = names::subject(written).map_or_else(|error| format!("{error:?}"), Into::into);
        assert_eq!(outcome, read, "{written}");
    }
    let ca = Ca::root("ca", "");
    let leaf = chain(&[ca.leaf("dns:X.Example email:First@A.Example uri:https://A.example/X ip:::1")]);
    let found = verify(&leaf, &ca.trust(None), at(NOW)).expect("good");
    let subjects: Vec<_> = found.names.subjects().collect();
    assert_eq!(subjects.join(" "), "dns:x.example uri:https://A.example/X email:First@a.example ip:::1");
    for subject in &subjects {
        assert_eq!(names::subject(subject).as_ref(), Ok(subject));
    }
}

#[test]
fn of_several_authorities_the_one_that_issued_says_why() {
    let (ca, other) = (Ca::root("ca", ""), Ca::root("other", ""));
    let leaf = chain(&[ca.leaf("dns:x.example to:2026-02-01")]);
    let issued = [ca.leaf("dns:x.example critical:0500"), ca.leaf("dns:x.example eku:server")];
    assert!(!verify(&leaf, &ca.trust(None), at(NOW)).expect_err("expired").is_elsewhere());
    assert!(verify(&chain(&[ca.leaf("dns:x.example")]), &other.trust(None), at(NOW)).expect_err("a stranger").is_elsewhere());
    for leaf in issued {
        assert!(!verify(&chain(&[leaf]), &ca.trust(None), at(NOW)).expect_err("refused").is_elsewhere());
    }
}

#[test]
fn a_chain_has_one_hash_and_a_leaf_one_thumbprint() {
    let ca = Ca::root("ca", "");
    let (leaf, other) = (ca.leaf("dns:x.example serial:255"), ca.leaf("dns:x.example"));
    let found = verify(&chain(std::slice::from_ref(&leaf)), &ca.trust(None), at(NOW)).expect("good");
    assert_eq!((found.thumbprint, &*found.serial), (Thumbprint::of(&leaf), "00ff"));
    assert_eq!((found.not_before, found.not_after), (at("2026-01-01"), at("2027-01-01")));
    let hashes = [vec![leaf.clone()], vec![leaf.clone(), ca.der()], vec![leaf.clone(), other.clone()], vec![other, leaf]]
        .map(|chained| chain_hash(&chain(&chained)));
    for (index, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..index].contains(hash), "{index}");
    }
    // What is one certificate cannot pass for two.
    assert_ne!(chain_hash(&chain(&[b"ab".to_vec()])), chain_hash(&chain(&[b"a".to_vec(), b"b".to_vec()])));
    // RFC 8705 §3.1: of the DER, base64url without padding.
    assert_eq!(Thumbprint::of(b"").to_base64url(), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
}

#[test]
fn every_refusal_has_a_code_of_its_own_and_short_words() {
    let mut codes = Refusal::CODES.to_vec();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Refusal::CODES.len());
    let text = Refusal::Revoked.to_string();
    assert_eq!((Refusal::Revoked.code(), &*text), ("revoked", "the client certificate, or that of an issuer, was revoked"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Neither noise nor a good certificate with a few bytes changed proves anything that the good one does not.
    #[test]
    fn changed_bytes_prove_nothing(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in proptest::option::of(any::<prop::sample::Index>())) {
        thread_local!(static CA: (Ca, Vec<u8>) = {
            let ca = Ca::root("a", "");
            let leaf = ca.leaf("uri:spiffe://a.example/x");
            (ca, leaf)
        });
        CA.with(|(ca, leaf)| {
            let mut changed = leaf.clone();
            for (index, byte) in &changes {
                changed[index.index(leaf.len())] = *byte;
            }
            if let Some(cut) = &cut {
                changed.truncate(cut.index(leaf.len()));
            }
            let found = verify(&chain(std::slice::from_ref(&changed)), &ca.trust(Some("a.example")), at(NOW));
            prop_assert_eq!(found.is_ok(), changed == *leaf);
            Ok(())
        })?;
    }

    #[test]
    fn noise_proves_nothing(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        thread_local!(static CA: Ca = Ca::root("a", ""));
        let refused = CA.with(|ca| shown(&[noise], &ca.trust(None)));
        prop_assert_eq!(refused, "unreadable");
    }
}
