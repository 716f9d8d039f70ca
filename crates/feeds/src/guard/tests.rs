use super::{Forbidden, admit, forbidden};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wardgate_model::trust::Reach;

fn reach(networks: &[&str]) -> Reach {
    Reach { networks: networks.iter().map(|text| text.parse().expect("a network")).collect(), roots: None }
}

#[test]
fn every_special_address_is_known_for_what_it_is() {
    for (address, what) in [
        ("0.0.0.0", Some(Forbidden::Unspecified)),
        ("0.1.2.3", Some(Forbidden::Unspecified)),
        ("127.0.0.1", Some(Forbidden::Loopback)),
        ("127.255.255.254", Some(Forbidden::Loopback)),
        ("10.0.0.1", Some(Forbidden::Private)),
        ("172.15.255.255", None),
        ("172.16.0.1", Some(Forbidden::Private)),
        ("172.31.255.255", Some(Forbidden::Private)),
        ("172.32.0.1", None),
        ("192.168.1.1", Some(Forbidden::Private)),
        ("100.64.0.1", Some(Forbidden::Private)),
        ("100.100.100.200", Some(Forbidden::Metadata)),
        ("168.63.129.16", Some(Forbidden::Metadata)),
        ("192.0.0.192", Some(Forbidden::Metadata)),
        ("169.254.1.1", Some(Forbidden::LinkLocal)),
        ("169.254.169.254", Some(Forbidden::Metadata)),
        ("169.254.170.2", Some(Forbidden::Metadata)),
        ("192.0.2.1", Some(Forbidden::Reserved)),
        ("198.18.0.1", Some(Forbidden::Reserved)),
        ("203.0.113.7", Some(Forbidden::Reserved)),
        ("224.0.0.1", Some(Forbidden::Multicast)),
        ("255.255.255.255", Some(Forbidden::Multicast)),
        ("240.0.0.1", Some(Forbidden::Reserved)),
        ("1.1.1.1", None),
        ("::", Some(Forbidden::Unspecified)),
        ("::1", Some(Forbidden::Loopback)),
        ("::ffff:127.0.0.1", Some(Forbidden::Loopback)),
        ("::ffff:169.254.169.254", Some(Forbidden::Metadata)),
        ("::ffff:1.1.1.1", None),
        ("::10.0.0.1", Some(Forbidden::Private)),
        ("::1.1.1.1", Some(Forbidden::Reserved)),
        ("64:ff9b::7f00:1", Some(Forbidden::Loopback)),
        ("64:ff9b::a9fe:a9fe", Some(Forbidden::Metadata)),
        ("64:ff9b::101:101", None),
        ("64:ff9b:1::101:101", Some(Forbidden::Reserved)),
        ("2002:a00:1::", Some(Forbidden::Private)),
        ("2002:7f00:1::1", Some(Forbidden::Loopback)),
        ("2002:101:101::1", None),
        ("2001::1", Some(Forbidden::Reserved)),
        ("2001:db8::1", Some(Forbidden::Reserved)),
        ("3fff::1", Some(Forbidden::Reserved)),
        ("100::1", Some(Forbidden::Reserved)),
        ("5f00::1", Some(Forbidden::Reserved)),
        ("fc00::1", Some(Forbidden::Private)),
        ("fd00:ec2::254", Some(Forbidden::Metadata)),
        ("fe80::1", Some(Forbidden::LinkLocal)),
        ("fec0::1", Some(Forbidden::Private)),
        ("ff02::1", Some(Forbidden::Multicast)),
        ("2606:4700::1111", None),
        ("2606:4700::5efe:a00:1", Some(Forbidden::Private)),
        ("2606:4700::200:5efe:7f00:1", Some(Forbidden::Loopback)),
    ] {
        assert_eq!(forbidden(address.parse().expect("an address")), what, "{address}");
    }
}

#[test]
fn a_named_network_opens_itself_and_nothing_else() {
    let named = reach(&["10.1.0.0/16", "127.0.0.0/8", "fd12::/16"]);
    for (address, open) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("10.2.0.1", false),
        ("127.0.0.1", true),
        ("::1", false),
        ("fd12::1", true),
        ("fd13::1", false),
        ("192.168.0.1", false),
        ("1.1.1.1", true),
        // What is inside counts: its own network was not named.
        ("64:ff9b::a01:203", false),
        ("2002:a01:203::1", false),
    ] {
        assert_eq!(admit(address.parse().expect("an address"), &named).is_ok(), open, "{address}");
    }
    assert!(admit("10.1.2.3".parse().expect("an address"), &reach(&["::ffff:10.1.0.0/112"])).is_ok());
}

#[test]
fn nobody_can_name_a_clouds_secrets_or_what_is_no_host() {
    let everything = reach(&["0.0.0.0/0", "::/0"]);
    for address in
        ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254"]
    {
        assert!(admit(address.parse().expect("an address"), &everything).is_err(), "{address}");
    }
    assert!(admit("64:ff9b::a9fe:a9fe".parse().expect("an address"), &everything).is_err());
}

proptest! {
    /// However an IPv4 address is wrapped, it is not better than bare.
    #[test]
    fn wrapping_opens_nothing(bits in any::<u32>()) {
        let bare = Ipv4Addr::from_bits(bits);
        let [a, b] = [(bits >> 16) as u16, (bits & 0xffff) as u16];
        for wrapped in [
            bare.to_ipv6_mapped(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
            Ipv6Addr::new(0x2002, a, b, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, a, b),
            Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, a, b),
        ] {
            prop_assert!(forbidden(IpAddr::V4(bare)).is_none() || forbidden(IpAddr::V6(wrapped)).is_some(), "{wrapped}");
        }
    }
}
