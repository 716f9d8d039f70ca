//! Revocation lists: what they end, and what happens where they are missing or out of date.

use super::pki::{Ca, NOW, at, chain, outcome, shown};
use crate::x509::{CrlFault, Crls, Depth, Revocation, Stale, Trust, Uncovered, verify};

fn with(trust: Trust, lists: &[Vec<u8>], revocation: Revocation) -> Trust {
    let crls = Crls::parse(lists.iter().map(Vec::as_slice)).expect("lists");
    Trust { crls, revocation, ..trust }
}

#[test]
fn what_is_on_the_list_is_refused_and_nothing_else() {
    let ca = Ca::root("ca", "");
    let trusted = with(ca.trust(None), &[ca.crl("2026-05-01", "2026-07-01", &[7, 9])], Revocation::default());
    for (serial, proves) in [(7, "revoked"), (8, "x.example"), (9, "revoked"), (0x0700, "x.example")] {
        assert_eq!(shown(&[ca.leaf(&format!("dns:x.example serial:{serial}"))], &trusted), proves, "{serial}");
    }
}

#[test]
fn a_stale_list_is_believed_only_where_that_is_said() {
    let ca = Ca::root("ca", "");
    let stale = [ca.crl("2026-04-01", "2026-05-01", &[7])];
    let leaf = |serial: u8| [ca.leaf(&format!("dns:x.example serial:{serial}"))];
    let refused = with(ca.trust(None), &stale, Revocation::default());
    assert_eq!(shown(&leaf(8), &refused), "stale_revocation");
    let admitted = with(ca.trust(None), &stale, Revocation { stale: Stale::Admitted, ..Revocation::default() });
    assert_eq!((shown(&leaf(8), &admitted), shown(&leaf(7), &admitted)), ("x.example".into(), "revoked".into()));
}

#[test]
fn the_newest_list_counts_in_whatever_order_they_come() {
    let ca = Ca::root("ca", "");
    let (old, new) = (ca.crl("2026-04-01", "2026-05-01", &[]), ca.crl("2026-05-20", "2026-07-01", &[7]));
    let older = ca.crl("2026-05-10", "2026-08-01", &[]);
    let leaf = [ca.leaf("dns:x.example serial:7")];
    for lists in [[old.clone(), new.clone(), older.clone()], [new, older, old]] {
        assert_eq!(shown(&leaf, &with(ca.trust(None), &lists, Revocation::default())), "revoked");
    }
}

#[test]
fn a_list_that_is_still_to_come_does_not_pass_for_none() {
    let ca = Ca::root("ca", "");
    let leaf = [ca.leaf("dns:x.example serial:7")];
    let ahead = ca.crl("2026-06-02", "2026-07-01", &[]);
    assert_eq!(shown(&leaf, &with(ca.trust(None), std::slice::from_ref(&ahead), Revocation::default())), "stale_revocation");
    // Beside one that counts now it waits.
    let both = with(ca.trust(None), &[ahead, ca.crl("2026-05-01", "2026-07-01", &[7])], Revocation::default());
    assert_eq!(shown(&leaf, &both), "revoked");
    // Clocks differ by a few minutes.
    let close = with(ca.trust(None), &[ca.crl("2026-06-02", "2026-07-01", &[7])], Revocation::default());
    assert_eq!(outcome(verify(&chain(&leaf), &close, at("2026-06-01T23:57:00Z"))), "revoked");
}

#[test]
fn what_no_list_covers_is_good_unless_all_must_be_covered() {
    let (ca, other) = (Ca::root("ca", ""), Ca::root("other", ""));
    let strict = Revocation { uncovered: Uncovered::Refused, ..Revocation::default() };
    let lists = [other.crl("2026-05-01", "2026-07-01", &[7])];
    let leaf = [ca.leaf("dns:x.example serial:7")];
    assert_eq!(shown(&leaf, &with(ca.trust(None), &lists, Revocation::default())), "x.example");
    assert_eq!(shown(&leaf, &with(ca.trust(None), &lists, strict)), "unknown_revocation");
    assert_eq!(shown(&leaf, &with(ca.trust(None), &[], strict)), "unknown_revocation");
}

#[test]
fn a_revoked_issuer_takes_all_below_with_it() {
    let root = Ca::root("ca", "");
    let issuer = root.below("issuer", "serial:5");
    let lists = [root.crl("2026-05-01", "2026-07-01", &[5]), issuer.crl("2026-05-01", "2026-07-01", &[7])];
    let leaf = |serial: u8| [issuer.leaf(&format!("dns:x.example serial:{serial}")), issuer.der()];
    assert_eq!(shown(&leaf(8), &with(root.trust(None), &lists, Revocation::default())), "revoked");
    let leaves_only = Revocation { depth: Depth::Leaf, ..Revocation::default() };
    let trusted = with(root.trust(None), &lists, leaves_only);
    assert_eq!((shown(&leaf(8), &trusted), shown(&leaf(7), &trusted)), ("x.example".into(), "revoked".into()));
    // The list of the issuer is stale: that of the root does not help.
    let stale = [root.crl("2026-05-01", "2026-07-01", &[]), issuer.crl("2026-04-01", "2026-05-01", &[])];
    assert_eq!(shown(&leaf(8), &with(root.trust(None), &stale, Revocation::default())), "stale_revocation");
}

#[test]
fn what_a_list_names_does_not_pass_because_the_list_is_said_to_be_for_another_place() {
    let ca = Ca::root("ca", "");
    let (here, moved) = ("http://ca.example/here.crl", "http://ca.example/moved.crl");
    let leaf = |serial: u64, point: &str| [ca.leaf(&format!("dns:x.example serial:{serial} crl:{point}"))];
    let list = |made, serials: &[u64]| ca.crl_at(Some(moved), made, "2026-07-01", serials);
    let trusted = with(ca.trust(None), &[list("2026-05-01", &[7])], Revocation::default());
    for (serial, point, proves) in [(7, moved, "revoked"), (7, here, "revoked"), (8, moved, "x.example"), (8, here, "x.example")] {
        assert_eq!(shown(&leaf(serial, point), &trusted), proves, "{serial} {point}");
    }
    // Of one place the newest list counts.
    let trusted = with(ca.trust(None), &[list("2026-05-01", &[7]), list("2026-05-20", &[])], Revocation::default());
    assert_eq!(shown(&leaf(7, here), &trusted), "x.example");
}

#[test]
fn nobody_revokes_for_another() {
    let (ca, imitation) = (Ca::root("ca", ""), Ca::root("ca", ""));
    let leaf = [ca.leaf("dns:x.example serial:7")];
    // Whoever hands in a list of the right name that another signed must not free what is revoked, nor end what is not.
    let forged = with(ca.trust(None), &[imitation.crl("2026-05-01", "2026-07-01", &[])], Revocation::default());
    assert_eq!(shown(&leaf, &forged), "revocation_signature");
    // An issuer whose key signs no lists (RFC 5280 §6.3.3 f).
    let issuer = ca.below("issuer", "ku:cert");
    let signer = ca.below("issuer", "");
    let lists = [signer.crl("2026-05-01", "2026-07-01", &[])];
    let trusted = with(ca.trust(None), &lists, Revocation::default());
    assert_eq!(shown(&[issuer.leaf("dns:x.example"), issuer.der()], &trusted), "revocation_signature");
}

#[test]
fn what_was_found_is_good_until_a_list_is_stale() {
    let ca = Ca::root("ca", "");
    let leaf = chain(&[ca.leaf("dns:x.example")]);
    let lists = [ca.crl("2026-05-01", "2026-07-01", &[])];
    let found = verify(&leaf, &with(ca.trust(None), &lists, Revocation::default()), at(NOW)).expect("good");
    assert_eq!(found.good_until, at("2026-07-01"));
    let lasting = Revocation { stale: Stale::Admitted, ..Revocation::default() };
    let found = verify(&leaf, &with(ca.trust(None), &lists, lasting), at(NOW)).expect("good");
    assert_eq!(found.good_until, at("2027-01-01T00:00:01Z"));
}

#[test]
fn what_was_found_is_good_until_a_list_begins_to_count() {
    let ca = Ca::root("ca", "");
    let leaf = chain(&[ca.leaf("dns:x.example serial:7")]);
    let lists = [ca.crl("2026-05-01", "2026-07-01", &[]), ca.crl("2026-06-03", "2026-07-03", &[7])];
    let trusted = with(ca.trust(None), &lists, Revocation::default());
    let found = verify(&leaf, &trusted, at(NOW)).expect("good");
    assert_eq!(found.good_until, at("2026-06-02T23:55:00Z"));
    assert_eq!(outcome(verify(&leaf, &trusted, found.good_until)), "revoked");
}

#[test]
fn an_issuer_that_changes_its_key_has_a_list_of_each() {
    let (old, new) = (Ca::root("ca", ""), Ca::root("ca", ""));
    let lists = [old.crl("2026-05-01", "2026-07-01", &[7]), new.crl("2026-05-02", "2026-07-01", &[8])];
    let trusted = with(super::pki::trust(&[&old, &new], None), &lists, Revocation::default());
    for (ca, other, serial, proves) in
        [(&old, &new, 7, "revoked"), (&old, &new, 8, "x.example"), (&new, &old, 7, "x.example"), (&new, &old, 8, "revoked")]
    {
        assert_eq!(shown(&[ca.leaf(&format!("dns:x.example serial:{serial}"))], &trusted), proves, "{serial}");
        // What else comes along changes nothing: it can only make more lists count.
        let beside = shown(&[ca.leaf(&format!("dns:x.example serial:{serial}")), other.leaf("dns:y.example")], &trusted);
        assert!([proves, "revocation_signature"].contains(&&*beside), "{serial} {beside}");
    }
    // Only the list of the other key is there: nobody can tell.
    let trusted = with(super::pki::trust(&[&old, &new], None), &lists[1..], Revocation::default());
    assert_eq!(shown(&[old.leaf("dns:x.example serial:9")], &trusted), "revocation_signature");
}

#[test]
fn the_signature_of_a_long_list_is_verified_once_for_each_key() {
    let (ca, imitation) = (Ca::root("ca", ""), Ca::root("ca", ""));
    let serials: Vec<u64> = (1_000..5_000).collect();
    let list = ca.crl("2026-05-01", "2026-07-01", &serials);
    let trusted = with(ca.trust(None), std::slice::from_ref(&list), Revocation::default());
    assert!(list.len() > 48 * 1024 && trusted.crls.seen.len() == 0);
    for (serial, proves) in [(7, "x.example"), (1_000, "revoked"), (4_999, "revoked"), (5_000, "x.example")] {
        assert_eq!(shown(&[ca.leaf(&format!("dns:x.example serial:{serial}"))], &trusted), proves, "{serial}");
        assert_eq!(trusted.crls.seen.len(), 1, "{serial}");
    }
    // What one key signed does not stand for another of the same name, and what is wrong is not remembered.
    let trusted = Trust { bundle: imitation.trust(None).bundle, ..trusted };
    for _ in 0..2 {
        assert_eq!(shown(&[imitation.leaf("dns:x.example serial:7")], &trusted), "revocation_signature");
        assert_eq!(trusted.crls.seen.len(), 1);
    }
}

#[test]
fn only_whole_lists_are_read() {
    let ca = Ca::root("ca", "");
    let list = ca.crl("2026-05-01", "2026-07-01", &[7]);
    let parse = |document: &[u8]| Crls::parse([document]).map(|crls| crls.lists().len());
    assert_eq!(parse(&list), Ok(1));
    assert_eq!(parse(&list[..list.len() - 1]), Err(CrlFault::Unreadable { at: 1 }));
    assert_eq!(parse(b""), Err(CrlFault::Empty));
    assert_eq!(parse(&[0x30, 0x00, 0xff]), Err(CrlFault::NotPem));
    assert_eq!(parse(ca.pem().as_bytes()), Err(CrlFault::Foreign("CERTIFICATE")));
    assert_eq!(parse(b"-----BEGIN X509 CRL-----\nAAAA\n"), Err(CrlFault::NotPem));
    assert_eq!(parse(&ca.der()), Err(CrlFault::Unreadable { at: 1 }));
    let many = vec![list.as_slice(); 65];
    assert_eq!(Crls::parse(many).map(|crls| crls.lists().len()), Err(CrlFault::TooMany));
    let long = vec![b'x'; 16 * 1024 * 1024 + 1];
    assert_eq!(parse(&long), Err(CrlFault::TooLong));
    let read = Crls::parse([list.as_slice()]).expect("a list");
    assert_eq!(
        read.lists().iter().map(|list| (list.this_update(), list.next_update())).collect::<Vec<_>>(),
        [(at("2026-05-01"), at("2026-07-01"))]
    );
}
