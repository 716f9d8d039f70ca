use super::{Offered, is_grease};

const PLAIN: Offered<'_> = Offered {
    suites: &[0x00FF, 0x1301, 0x1302, 0xC02B],
    groups: &[0x001D, 0x0017],
    schemes: &[0x0403, 0x0804],
    names_a_host: true,
    protocol: Some(b"h2"),
};

#[test]
fn a_fingerprint_reads_from_left_to_right() {
    let told = PLAIN.told();
    assert!(told.starts_with("w1_t13d0402h2_"), "{told}");
    assert_eq!(told.len(), "w1_t13d0402h2_".len() + 12 + 1 + 12);
    let other = |offered: Offered<'_>| offered.told()[..14].to_owned();
    assert_eq!(other(Offered { suites: &[0xC02B], ..PLAIN }), "w1_t12d0102h2_");
    assert_eq!(other(Offered { names_a_host: false, protocol: None, ..PLAIN }), "w1_t13i040200_");
    assert_eq!(other(Offered { protocol: Some(b"http/1.1"), ..PLAIN }), "w1_t13d0402h1_");
    assert_eq!(other(Offered { protocol: Some(b"\xff"), groups: &[], ..PLAIN }), "w1_t13d040099_");
}

/// Everything that it is made of changes it, and nothing can pass from one list to the next.
#[test]
fn whatever_is_offered_otherwise_is_another_fingerprint() {
    let others = [
        Offered { suites: &[0x00FF, 0x1301, 0x1303, 0xC02B], ..PLAIN },
        Offered { groups: &[0x0017, 0x001D], ..PLAIN },
        Offered { schemes: &[0x0804, 0x0403], ..PLAIN },
        Offered { groups: &[0x001D], schemes: &[0x0017, 0x0403, 0x0804], ..PLAIN },
        Offered { names_a_host: false, ..PLAIN },
    ];
    let mut all: Vec<String> = others.iter().chain([&PLAIN]).map(Offered::told).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), others.len() + 1);
}

#[test]
fn grease_is_what_the_standard_lists() {
    let listed: Vec<u16> = (0..=u16::MAX).filter(|value| is_grease(*value)).collect();
    assert_eq!(listed.len(), 16, "RFC 8701 §2");
    assert_eq!((listed[0], listed[1], listed[15]), (0x0A0A, 0x1A1A, 0xFAFA));
}
