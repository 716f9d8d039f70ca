//! What the operator's files say of an address: looked up in room 3, weighed in room 10, read by policies; kept by snapshots that come
//! after one that knows it.

use crate::{ESTATE, POLICIES, done};
use std::{net::Ipv4Addr, sync::Arc};
use wardgate_gate::{Gate, Snapshot, establish};
use wardgate_model::atlas::{Atlas, ByAddress, List, Listed, Networks};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

const EMBARGO: &str = r#"
@id("embargo") forbid (principal, action, resource in Api::"ledger-staging") when { context.source.country == "XX" };"#;

fn range(network: [u8; 4]) -> (u32, u32) {
    let first = u32::from(Ipv4Addr::from(network));
    (first, first + 255)
}

/// `192.0.2.0/24` is on a list, `203.0.113.0/24` in the country XX and of AS64500.
fn atlas() -> Arc<Atlas> {
    let networks = Arc::new(Networks::of(vec![range([192, 0, 2, 0])], Vec::new()));
    let (first, last) = range([203, 0, 113, 0]);
    Arc::new(Atlas {
        listed: Arc::new(Listed::of(&[List { name: "drop".into(), weight: 30, networks }])),
        countries: Arc::new(ByAddress::of([(first, last, *b"XX")], [])),
        networks: Arc::new(ByAddress::of([(first, last, 64_500)], [])),
    })
}

fn charted() -> TestWorld {
    let mut world = world(ESTATE, &format!("{POLICIES}{EMBARGO}"), ShippedLimits::Off).unwrap();
    world.snapshot = world.snapshot.knowing(atlas());
    world
}

/// What is known and ruled of a request from there.
fn from(world: &TestWorld, address: &str) -> String {
    let asked = Asked::parse("GET /ledger/entries\nhost: staging.ledger.example").unwrap().from(address.parse().unwrap());
    let (facts, verdict) = world.judge(&asked.bearer(world.key("pipeline")), DAWN).unwrap();
    let source = &facts.source;
    let of = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    format!(
        "{} {} {}: {} risk {}",
        of(source.country.map(|country| country.as_str().to_owned())),
        of(source.network.map(|network| network.to_string())),
        of(source.listing.as_deref().map(|listing| listing.names().to_owned())),
        verdict.ruling.reason().code(),
        verdict.ruling.risk
    )
}

#[test]
fn an_address_is_looked_up_weighed_and_read() {
    let world = charted();
    assert_eq!(from(&world, "10.0.0.1"), "- - -: rule.allowed risk 0");
    assert_eq!(from(&world, "192.0.2.255"), "- - drop: rule.allowed risk 30");
    assert_eq!(from(&world, "203.0.113.7"), "XX AS64500 -: rule.forbidden risk 0");
}

/// Who shows nothing genuine is refused before anybody weighs where it comes from; the event has it all the same.
#[test]
fn a_refusal_in_the_first_rooms_has_it_too() {
    let world = charted();
    let asked = Asked::parse("GET /ledger/entries\nhost: staging.ledger.example").unwrap().from([192, 0, 2, 7].into());
    let facts = done(establish(&asked.bearer("nothing").arrival(DAWN), &world.snapshot, &world.meters, DAWN));
    assert!(facts.stopped.is_some());
    assert_eq!(facts.source.listing.as_deref().map(|listing| listing.names().to_owned()).as_deref(), Some("drop"));
}

#[test]
fn the_next_snapshot_knows_what_the_one_before_knew() {
    let world = charted();
    let (population, estate) = (world.snapshot.population().clone(), Arc::clone(world.snapshot.estate()));
    let next = || Snapshot::new(2, population.clone(), Arc::clone(&estate));
    let gate = Gate::new(world.snapshot, world.meters);
    let listed = |gate: &Gate| gate.snapshot().atlas().listing([192, 0, 2, 7].into()).is_some();
    assert!(listed(&gate));
    gate.publish(next());
    assert!(listed(&gate));
    gate.publish(next().knowing(Arc::default()));
    assert!(!listed(&gate));
}
