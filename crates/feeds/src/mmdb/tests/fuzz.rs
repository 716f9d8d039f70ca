//! The fuzz target of MMDB files. What a damaged file says once it is laid out is what a look-up in it says.

use super::super::{Unusable, countries, networks};
use maxminddb::{PathElement, Reader};
use std::net::IpAddr;
use wardgate_model::atlas::Atlas;
use wardgate_testkit::fuzz::{Broken, Outcome, Run, Target, hold};

const TARGET: Target = Target {
    name: "mmdb",
    corpus: concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/mmdb"),
    property,
    words: &[
        "country",
        "iso_code",
        "DE",
        "asn",
        "AS7",
        "autonomous_system_number",
        "node_count",
        "record_size",
        "ip_version",
        "MaxMind.com",
    ],
    bytes_max: 4_096,
};

/// Addresses that are asked about, none of them one of version 4 in another form.
const ASKED: [&str; 12] = [
    "0.0.0.0",
    "8.8.8.8",
    "64.0.0.0",
    "79.255.255.255",
    "127.255.255.255",
    "128.0.0.0",
    "192.0.2.1",
    "255.255.255.255",
    "2000::1",
    "2600::1",
    "fc00::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let refused = |unusable: &Unusable| std::mem::discriminant(unusable);
    let (countries, networks) = (countries(bytes), networks(bytes));
    let outcome =
        (countries.as_ref().map(|of| of.len().min(4)).map_err(refused), networks.as_ref().map(|of| of.len().min(4)).map_err(refused));
    let (Ok(countries), Ok(reader)) = (countries, Reader::from_source(bytes)) else { return Ok(Outcome::of(outcome)) };
    let atlas = Atlas { countries: countries.into(), ..Atlas::default() };
    for address in ASKED.map(|text| text.parse::<IpAddr>().expect("an address")) {
        let Ok(found) = reader.lookup(address) else { continue };
        // One of version 4 that lies in a network of version 6 is not looked up there.
        if found.network().is_ok_and(|network| network.is_ipv4() != address.is_ipv4()) {
            continue;
        }
        let told = found.decode_path::<String>(&[PathElement::Key("country"), PathElement::Key("iso_code")]).ok().flatten();
        let Some(told) = told.filter(|told| told.len() == 2 && told.bytes().all(|letter| letter.is_ascii_uppercase())) else { continue };
        let known = atlas.country(address).map(|country| country.as_str().to_owned());
        hold(known.as_deref() == Some(&*told), || format!("`{address}` is in {told}, and {known:?} is known"))?;
    }
    Ok(Outcome::of(outcome))
}

#[test]
fn a_damaged_file_says_what_a_look_up_says_or_nothing() {
    let mut run = Run::new(TARGET, TARGET.corpus().unwrap(), 7).unwrap_or_else(|failure| panic!("{failure}"));
    run.steps(5_000).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(run.outcomes() >= 8, "only {} different outcomes", run.outcomes());
}
