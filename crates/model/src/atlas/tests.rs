use super::{AsNumber, Atlas, ByAddress, Country, LISTED_MAX, LISTS_MAX, List, Listed, Listing, Networks};
use std::{net::IpAddr, sync::Arc};

/// `first-last` or an address, with blanks between.
fn networks(text: &str) -> Networks {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for range in text.split_whitespace() {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        match (first.parse().unwrap(), last.parse().unwrap()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => v4.push((first.into(), last.into())),
            (IpAddr::V6(first), IpAddr::V6(last)) => v6.push((first.into(), last.into())),
            _ => panic!("{range}"),
        }
    }
    Networks::of(v4, v6)
}

/// Lists as `NAME:WEIGHT RANGES…`, a line each.
fn atlas(lists: &str) -> Atlas {
    let of = |line: &str| {
        let (head, ranges) = line.trim().split_once(' ').unwrap();
        let (name, weight) = head.split_once(':').unwrap();
        List { name: name.into(), weight: weight.parse().unwrap(), networks: Arc::new(networks(ranges)) }
    };
    let lists: Vec<List> = lists.lines().filter(|line| !line.trim().is_empty()).map(of).collect();
    Atlas { listed: Arc::new(Listed::of(&lists)), ..Atlas::default() }
}

fn said(atlas: &Atlas, address: &str) -> String {
    let told = |listing: &Arc<Listing>| format!("{} {} {}", listing.names(), listing.lists(), listing.weight());
    atlas.listing(address.parse().unwrap()).map_or_else(|| "none".to_owned(), told)
}

#[test]
fn an_address_is_on_the_lists_whose_networks_hold_it() {
    let atlas = atlas(
        "drop:30 192.0.2.0-192.0.2.255 2001:db8::-2001:db8::ffff 255.255.255.255
         scan:20 192.0.2.128-192.0.3.10 192.0.2.7 0.0.0.0",
    );
    for (address, lists) in [
        ("192.0.1.255", "none"),
        ("192.0.2.0", "drop 1 30"),
        ("192.0.2.6", "drop 1 30"),
        // Two: what the second weighs is taken of what the first has left.
        ("192.0.2.7", "drop,scan 2 39"),
        ("192.0.2.8", "drop 1 30"),
        ("192.0.2.127", "drop 1 30"),
        ("192.0.2.128", "drop,scan 2 39"),
        ("192.0.2.255", "drop,scan 2 39"),
        ("192.0.3.0", "scan 1 20"),
        ("192.0.3.10", "scan 1 20"),
        ("192.0.3.11", "none"),
        ("255.255.255.254", "none"),
        ("255.255.255.255", "drop 1 30"),
        ("0.0.0.0", "scan 1 20"),
        ("0.0.0.1", "none"),
        ("::ffff:192.0.2.0", "drop 1 30"),
        ("2001:db8::", "drop 1 30"),
        ("2001:db8::ffff", "drop 1 30"),
        ("2001:db8::1:0", "none"),
        ("::", "none"),
    ] {
        assert_eq!(said(&atlas, address), lists, "{address}");
    }
}

#[test]
fn lists_share_what_one_says_of_them_and_never_block_by_themselves() {
    let all: String = (0..LISTS_MAX + 1).map(|at| format!("l{at}:39 192.0.2.1\n")).collect();
    let told = said(&atlas(&all), "192.0.2.1");
    assert!(told.ends_with(&format!(" {LISTS_MAX} {LISTED_MAX}")), "{told}");
    assert_eq!(said(&atlas("a:10 192.0.2.1\nb:10 192.0.2.1"), "192.0.2.1"), "a,b 2 19");
}

#[test]
fn what_overlaps_or_touches_is_one() {
    let one = networks("10.0.0.5-10.0.0.9 10.0.0.0-10.0.0.4 10.0.0.3-10.0.0.6 10.0.0.11 255.255.255.255 255.255.255.0-255.255.255.255 ::");
    assert_eq!(one, networks("10.0.0.0-10.0.0.9 10.0.0.11 255.255.255.0-255.255.255.255 ::"));
    assert_eq!(one.len(), 4);
    assert_eq!(networks("10.0.0.9-10.0.0.0"), Networks::default());
}

/// Laid over each other in any way, each address is on the lists that hold it: the same as asking each list.
#[test]
fn laid_over_each_other_says_what_each_says() {
    let mut number = 7_u32;
    let mut next = |below: u32| {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (number >> 8) % below
    };
    for _ in 0..200 {
        let lists: Vec<Vec<(u32, u32)>> = (0..4)
            .map(|_| {
                let count = next(6);
                let mut range = || {
                    let first = next(60);
                    (first, first + next(9))
                };
                (0..count).map(|_| range()).collect()
            })
            .collect();
        let list = |(at, ranges): (usize, &Vec<(u32, u32)>)| List {
            name: at.to_string().into(),
            weight: 1,
            networks: Arc::new(Networks::of(ranges.clone(), Vec::new())),
        };
        let atlas = Atlas { listed: Arc::new(Listed::of(&lists.iter().enumerate().map(list).collect::<Vec<_>>())), ..Atlas::default() };
        for address in 0..80_u32 {
            let holds = |ranges: &Vec<(u32, u32)>| ranges.iter().any(|(first, last)| (*first..=*last).contains(&address));
            let on: Vec<String> = lists.iter().enumerate().filter(|(_, ranges)| holds(ranges)).map(|(at, _)| at.to_string()).collect();
            let told = atlas.listing(IpAddr::V4(address.into())).map(|listing| listing.names().to_owned());
            assert_eq!(told.unwrap_or_default(), on.join(","), "{address} of {lists:?}");
        }
    }
}

#[test]
fn countries_and_networks_are_found() {
    let at = |text: &str| u32::from(text.parse::<std::net::Ipv4Addr>().unwrap());
    let de = Country::parse("DE").unwrap().letters();
    let countries = ByAddress::of(
        [
            (at("192.0.2.0"), at("192.0.2.127"), de),
            (at("192.0.2.64"), at("192.0.2.255"), *b"FR"),
            (at("192.0.2.128"), u32::MAX, *b"FR"),
            (at("192.0.2.200"), u32::MAX, *b"IT"),
        ],
        [(0, u128::MAX, de)],
    );
    let networks = ByAddress::of([(at("192.0.2.0"), at("192.0.2.1"), 64_500)], []);
    let atlas = Atlas { countries: Arc::new(countries), networks: Arc::new(networks), ..Atlas::default() };
    let country = |address: &str| atlas.country(address.parse().unwrap()).map(|country| country.as_str().to_owned()).unwrap_or_default();
    assert_eq!(["192.0.1.255", "192.0.2.127", "192.0.2.128", "255.255.255.255", "::1"].map(country), ["", "DE", "FR", "FR", "DE"]);
    assert_eq!(atlas.network("192.0.2.1".parse().unwrap()), AsNumber::parse("AS64500"));
    assert_eq!(atlas.network("192.0.2.2".parse().unwrap()), None);
    assert_eq!(AsNumber(64_500).to_string(), "AS64500");
    assert_eq!(["de", "D", "DEU", "1A", ""].map(Country::parse), [None; 5]);
    assert_eq!(Atlas::default().country("192.0.2.1".parse().unwrap()), None);
}

#[test]
fn what_was_recorded_is_read_back() {
    let atlas = atlas("drop:30 192.0.2.1\nscan:20 192.0.2.1");
    let listing = atlas.listing("192.0.2.1".parse().unwrap()).unwrap();
    let back = Listing::recorded(listing.names());
    assert_eq!((back.names(), back.lists(), back.weight()), ("drop,scan", 2, 0));
}
