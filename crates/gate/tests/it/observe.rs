//! `mode: observe`: everything is ruled and recorded, and goes on all the same but for what always binds.

use crate::{ESTATE, POLICIES, ruled};
use wardgate_gate::denied::Subject;
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

fn observing() -> TestWorld {
    let yaml = ESTATE.replace("  sensitivity: high\n", "  sensitivity: high\n  mode: observe\n");
    assert_ne!(yaml, ESTATE);
    world(&yaml, POLICIES, ShippedLimits::Off).unwrap()
}

#[test]
fn what_would_be_refused_goes_on_with_its_reason() {
    let world = observing();
    for (identity, request, expected) in [
        ("dashboards", "GET /ledger/export\nhost: ledger.example", "403 standing.no_grant (observed)"),
        ("", "GET /ledger/entries\nhost: ledger.example", "401 credential.missing (observed)"),
        ("", "GET /ledger/unknown\nhost: ledger.example", "404 route.no_operation (observed)"),
        ("ledger-sync-staging", "GET /ledger/entries\nhost: ledger.example", "403 standing.denied (observed)"),
        ("", "GET /other\nhost: ledger.example", "404 route.no_api"),
        ("", "GET /ledger/../x\nhost: ledger.example", "400 canon.path"),
        ("", "GET /ledger/entries", "400 canon.host"),
    ] {
        assert_eq!(ruled(&world, identity, request), expected, "{identity} {request}");
    }
}

#[test]
fn containment_binds_all_the_same() {
    let world = observing();
    world.denied.stop(Subject::Identity(world.identity("dashboards").unwrap()));
    assert_eq!(ruled(&world, "dashboards", "GET /ledger/entries\nhost: ledger.example"), "403 identity.contained");
}

#[test]
fn an_open_request_ends_when_its_caller_is_stopped() {
    let world = observing();
    let asked = Asked::parse("GET /ledger/entries\nhost: ledger.example").unwrap().bearer(world.key("dashboards"));
    let (_, verdict) = world.judge(&asked, DAWN).unwrap();
    let lease = verdict.permit.unwrap().depart().lease;
    assert!(lease.is_live());
    world.denied.stop(Subject::Identity(world.identity("ledger-sync").unwrap()));
    assert!(lease.is_live());
    world.denied.stop(Subject::Owner(wardgate_model::id::OwnerName::literal("data")));
    assert!(!lease.is_live());
}
