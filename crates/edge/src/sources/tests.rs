use super::Sources;
use std::{net::IpAddr, sync::Arc, time::Duration};
use wardgate_model::time::Time;

const NOW: Time = Time::from_seconds(1_780_272_000);

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn a_source_has_so_many_and_no_more() {
    let sources = Arc::new(Sources::default());
    let enter = |text: &str| sources.enter(address(text), 2, NOW);
    let (one, two) = (enter("192.0.2.1"), enter("192.0.2.1"));
    assert!(one.is_some() && two.is_some());
    assert!(enter("192.0.2.1").is_none());
    // IPv4-mapped IPv6 is the same source.
    assert!(enter("::ffff:192.0.2.1").is_none());
    assert!(enter("192.0.2.2").is_some());
    drop(one);
    assert!(enter("192.0.2.1").is_some());
}

#[test]
fn an_ipv6_network_is_one_source() {
    let sources = Arc::new(Sources::default());
    let one = sources.enter(address("2001:db8:0:1::1"), 1, NOW);
    assert_eq!(one.as_ref().map(super::Entrance::peer), Some(address("2001:db8:0:1::1")));
    assert!(sources.enter(address("2001:db8:0:1:ffff::9"), 1, NOW).is_none());
    assert!(sources.enter(address("2001:db8:0:2::1"), 1, NOW).is_some());
}

#[test]
fn nothing_is_left_of_those_who_went() {
    let sources = Arc::new(Sources::default());
    let open: Vec<_> = (0..100_u8).map(|last| sources.enter(IpAddr::from([192, 0, 2, last]), 1, NOW)).collect();
    assert_eq!(sources.count(), 100);
    // A refused one leaves nothing either.
    assert!(sources.enter(address("192.0.2.7"), 1, NOW).is_none());
    assert!(sources.enter(address("198.51.100.1"), 0, NOW).is_none());
    drop(open);
    assert_eq!(sources.count(), 0);
}

#[test]
fn a_source_that_is_slow_again_and_again_gets_fewer_for_a_while() {
    let sources = Arc::new(Sources::default());
    let enter = |text: &str, now| sources.enter(address(text), 80, now);
    let held: Vec<_> = (0..12).map(|_| enter("192.0.2.1", NOW).unwrap()).collect();
    (0..19).for_each(|_| held[0].slow(NOW));
    assert!(enter("192.0.2.1", NOW).is_some());
    held[0].slow(NOW);
    assert!(enter("192.0.2.1", NOW).is_none());
    // Others, and trusted proxies, which bring many, are not meant.
    assert!(enter("192.0.2.2", NOW).is_some());
    assert!(sources.enter(address("192.0.2.1"), usize::MAX, NOW).is_some());
    assert!(enter("192.0.2.1", NOW + Duration::from_secs(60)).is_some());
}
