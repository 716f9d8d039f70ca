//! Chains that are made to cost.

use super::pki::{Ca, shown};
use wardgate_model::proof::{CHAIN_BYTES_MAX, CertificateChain, ChainError};

#[test]
fn a_chain_of_many_authorities_ends() {
    let root = Ca::root("ca", "");
    let mut authorities = vec![root.below("1", "")];
    for name in 2..=7 {
        let next = authorities.last().expect("one").below(&name.to_string(), "");
        authorities.push(next);
    }
    let below = |depth: usize| {
        let mut certificates = vec![authorities[depth - 1].leaf("dns:x.example")];
        certificates.extend(authorities[..depth].iter().map(Ca::der));
        shown(&certificates, &root.trust(None))
    };
    assert_eq!((below(1), below(6), below(7)), ("x.example".into(), "x.example".into(), "too_costly".into()));
}

#[test]
fn authorities_of_one_name_are_tried_within_bounds() {
    // Authorities that all issue one another, as far as names tell: every order of them is a path to try.
    let root = Ca::root("same", "");
    let leaf = Ca::root("same", "").leaf("dns:x.example");
    let among = |count: usize, trusted: &Ca| {
        let strangers = (0..count).map(|_| Ca::root("same", "").below("same", "").der());
        shown(&std::iter::once(leaf.clone()).chain(strangers).collect::<Vec<_>>(), &trusted.trust(None))
    };
    assert_eq!((among(2, &root), among(3, &root), among(7, &root)), ("signature".into(), "too_costly".into(), "too_costly".into()));
    assert_eq!(among(2, &Ca::root("elsewhere", "")), "unknown_issuer");
    // Authorities of one name below one another, as nested servers make them, are no bomb.
    let one = root.below("same", "");
    let two = one.below("same", "");
    assert_eq!(shown(&[two.leaf("dns:x.example"), two.der(), one.der()], &root.trust(None)), "x.example");
}

#[test]
fn a_certificate_of_many_names_is_refused() {
    let ca = Ca::root("ca", "");
    let names = |count: usize| (0..count).map(|number| format!("dns:{number}.example ")).collect::<String>();
    assert_ne!(shown(&[ca.leaf(&names(100))], &ca.trust(None)), "too_many_names");
    assert_eq!(shown(&[ca.leaf(&names(101))], &ca.trust(None)), "too_many_names");
    // Many names under many constraints cost one by the other.
    let narrow = ca.below("narrow", &format!("constraints:{}", constraints(600)));
    let found = shown(&[narrow.leaf(&names(100)), narrow.der()], &ca.trust(None));
    assert!(["name_constraint", "too_costly"].contains(&&*found), "{found}");
}

/// permittedSubtrees of as many hosts, hexadecimal.
fn constraints(count: usize) -> String {
    let one = "30098207612e62632e6465";
    let all = one.repeat(count);
    let length = |bytes: usize| format!("82{bytes:04x}");
    let inner = format!("a0{}{all}", length(all.len() / 2));
    format!("30{}{inner}", length(inner.len() / 2))
}

#[test]
fn a_certificate_of_many_extensions_is_refused() {
    let ca = Ca::root("ca", "");
    let many: String = (1..40).map(|number| format!("odd:{} ", "00".repeat(number))).collect();
    assert_eq!(shown(&[ca.leaf(&format!("dns:x.example {many}"))], &ca.trust(None)), "unreadable");
}

#[test]
fn a_long_chain_is_no_chain() {
    let ca = Ca::root("ca", "");
    let (leaf, other) = (ca.leaf("dns:x.example"), ca.der());
    let count = |copies: usize| {
        CertificateChain::new(std::iter::once(&*leaf).chain(std::iter::repeat_n(&*other, copies))).map(|chain| chain.all().len())
    };
    assert_eq!((count(7), count(8)), (Ok(8), Err(ChainError::TooMany)));
    let long = vec![0x30; CHAIN_BYTES_MAX];
    assert_eq!(CertificateChain::new([&*leaf, &*long]).map(|_| ()), Err(ChainError::TooLong));
}
