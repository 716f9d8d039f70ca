//! Limits through the whole judge: who is counted, what is given back.

use crate::ESTATE;
use std::time::Duration;
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

fn limited(limit: &str) -> TestWorld {
    world(&format!("{ESTATE}\n---\nkind: Limit\nname: test\nspec: {limit}\n"), "", ShippedLimits::Off).unwrap()
}

fn code(world: &TestWorld, identity: &str, path: &str, seconds: u64) -> &'static str {
    let asked = Asked::parse(&format!("GET {path}\nhost: ledger.example")).unwrap().bearer(world.key(identity));
    let (_, verdict) = world.judge(&asked, DAWN + Duration::from_secs(seconds)).unwrap();
    verdict.ruling.reason().code()
}

#[test]
fn a_burst_is_exact_and_neighbours_are_unharmed() {
    let world = limited("{ per: identity, rate: 1/s, burst: 3 }");
    let answers: Vec<_> = (0..4).map(|_| code(&world, "ledger-sync", "/ledger/entries", 0)).collect();
    assert_eq!(answers, ["rule.allowed", "rule.allowed", "rule.allowed", "reserve.rate_exceeded"]);
    assert_eq!(code(&world, "ledger-sync", "/ledger/entries", 1), "rule.allowed");
    assert_eq!(code(&world, "ledger-sync", "/ledger/entries", 1), "reserve.rate_exceeded");
}

#[test]
fn a_constant_refusal_burns_no_quota_and_a_late_one_gives_it_back() {
    let world = limited("{ per: owner, quota: 2/day }");
    for _ in 0..5 {
        assert_eq!(code(&world, "ledger-sync-staging", "/ledger/entries", 0), "standing.denied");
        assert_eq!(code(&world, "ledger-sync", "/ledger/export", 0), "rule.forbidden");
    }
    assert_eq!(code(&world, "ledger-sync", "/ledger/entries", 0), "rule.allowed");
    assert_eq!(code(&world, "ledger-sync", "/ledger/entries", 0), "rule.allowed");
    assert_eq!(code(&world, "ledger-sync", "/ledger/entries", 0), "reserve.quota_exceeded");
    assert_eq!(code(&world, "ledger-sync", "/ledger/entries", 86_400), "rule.allowed");
}

#[test]
fn places_are_held_as_long_as_the_permit() {
    let world = limited("{ per: api, concurrency: 1 }");
    let asked = Asked::parse("GET /ledger/entries\nhost: ledger.example").unwrap().bearer(world.key("ledger-sync"));
    let (_, first) = world.judge(&asked, DAWN).unwrap();
    let held = first.permit.unwrap().depart();
    assert_eq!(code(&world, "ledger-sync", "/ledger/entries", 0), "reserve.concurrency_exceeded");
    drop(held);
    assert_eq!(code(&world, "ledger-sync", "/ledger/entries", 0), "rule.allowed");
}
