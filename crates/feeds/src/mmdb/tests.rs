mod fuzz;

use super::{Unusable, countries, networks};
use serde_json::{Value, json};
use wardgate_model::atlas::Atlas;
use wardgate_testkit::mmdb::{Addresses, mmdb};

/// What a file says of an address, `-` for nothing.
fn country(file: &[u8], address: &str) -> String {
    let atlas = Atlas { countries: countries(file).unwrap().into(), ..Atlas::default() };
    atlas.country(address.parse().unwrap()).map_or_else(|| "-".to_owned(), |country| country.as_str().to_owned())
}

fn network(file: &[u8], address: &str) -> String {
    let atlas = Atlas { networks: networks(file).unwrap().into(), ..Atlas::default() };
    atlas.network(address.parse().unwrap()).map_or_else(|| "-".to_owned(), |number| number.to_string())
}

fn iso(code: &str) -> Value {
    json!({ "continent": { "code": "EU" }, "country": { "iso_code": code, "names": { "en": "somewhere" } } })
}

#[test]
fn countries_of_both_versions() {
    let said = [("192.0.2.0/25", iso("DE")), ("192.0.2.128/25", iso("FR")), ("203.0.113.7/32", iso("JP")), ("2001:db8::/32", iso("IT"))];
    for form in [Addresses::Both, Addresses::Aliased] {
        let file = mmdb(form, &said);
        for (address, code) in [
            ("192.0.1.255", "-"),
            ("192.0.2.0", "DE"),
            ("192.0.2.127", "DE"),
            ("192.0.2.128", "FR"),
            ("192.0.2.255", "FR"),
            ("192.0.3.0", "-"),
            ("203.0.113.7", "JP"),
            ("::ffff:203.0.113.7", "JP"),
            ("2001:db8::1", "IT"),
            ("2001:db9::", "-"),
            // 6to4, of 192.0.2.1: what is said of the other address is left out.
            ("2002:c000:201::", "-"),
        ] {
            assert_eq!(country(&file, address), code, "{form:?} {address}");
        }
        // Neighbours: two of version 4 that touch, one apart, one of version 6; each has an end.
        assert_eq!(countries(&file).unwrap().len(), 7, "{form:?}");
    }
    let file = mmdb(Addresses::V4, said.get(..3).unwrap());
    assert_eq!(["192.0.2.1", "192.0.2.200", "203.0.113.7", "2001:db8::1"].map(|address| country(&file, address)), ["DE", "FR", "JP", "-"]);
}

#[test]
fn other_makes_say_it_elsewhere() {
    let file = mmdb(
        Addresses::Both,
        &[
            ("192.0.2.0/26", json!({ "country_code": "DE", "country": "Germany", "asn": "AS64501" })),
            ("192.0.2.64/26", json!({ "country": "FR", "autonomous_system_number": 64_502 })),
            ("192.0.2.128/26", json!({ "registered_country": { "iso_code": "JP" } })),
            ("192.0.2.192/26", json!({ "country": { "iso_code": "deu" }, "asn": "none" })),
        ],
    );
    assert_eq!(["192.0.2.1", "192.0.2.65", "192.0.2.129", "192.0.2.193"].map(|address| country(&file, address)), ["DE", "FR", "JP", "-"]);
    assert_eq!(
        ["192.0.2.1", "192.0.2.65", "192.0.2.129", "192.0.2.193"].map(|address| network(&file, address)),
        ["AS64501", "AS64502", "-", "-"]
    );
}

#[test]
fn what_is_no_such_file_says_so() {
    let cities = mmdb(Addresses::Both, &[("192.0.2.0/24", json!({ "city": "x" }))]);
    assert!(matches!(countries(&cities), Err(Unusable::Other { wanted: "a country", .. })));
    assert_eq!(networks(&cities).unwrap_err().to_string(), "none of its records says the number of an autonomous system: it is `Test`");
    for bytes in [b"".as_slice(), b"<html>", &[0; 4096]] {
        assert!(matches!(countries(bytes), Err(Unusable::Damaged(_))));
    }
    let good = mmdb(Addresses::Both, &[("192.0.2.0/24", iso("DE"))]);
    assert!(countries(good.get(..good.len() / 2).unwrap()).is_err());
}

/// A tree whose nodes all lead to the same next one has more networks than could ever be walked through.
#[test]
fn a_tree_without_an_end_is_given_up() {
    let depth = 60_u32;
    let mut file = Vec::new();
    for node in 1..=depth {
        // The last one leads to no data.
        file.extend_from_slice(&[&node.to_be_bytes()[1..], &node.to_be_bytes()[1..]].concat());
    }
    let honest = mmdb(Addresses::Both, &[("::/1", iso("DE"))]);
    let tail = honest.get(6..).unwrap();
    file.extend_from_slice(tail);
    // The number of nodes, in the metadata of the honest one: one.
    let name = b"node_count";
    let at = file.windows(name.len()).position(|window| window == name).unwrap() + name.len();
    assert_eq!(file.get(at..at + 2), Some(&[0xc1, 1][..]));
    *file.get_mut(at + 1).unwrap() = u8::try_from(depth).unwrap();
    assert!(matches!(countries(&file), Err(Unusable::Many { what: "networks in its tree", .. })));
}
