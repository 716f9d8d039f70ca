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
    world.denied.stop(Subject::Identity(world.identity("dashboards").unwrap()), DAWN);
    assert_eq!(ruled(&world, "dashboards", "GET /ledger/entries\nhost: ledger.example"), "403 identity.contained");
}

#[test]
fn an_open_request_ends_when_its_caller_is_stopped() {
    let world = observing();
    let asked = Asked::parse("GET /ledger/entries\nhost: ledger.example").unwrap().bearer(world.key("dashboards"));
    let (_, verdict) = world.judge(&asked, DAWN).unwrap();
    let lease = verdict.permit.unwrap().depart().lease;
    assert!(lease.is_live());
    world.denied.stop(Subject::Identity(world.identity("ledger-sync").unwrap()), DAWN);
    assert!(lease.is_live());
    world.denied.stop(Subject::Owner(wardgate_model::id::OwnerName::literal("data")), DAWN);
    assert!(!lease.is_live());
}

#[test]
fn an_entry_stays_until_every_open_request_has_looked() {
    use std::time::Duration;
    use wardgate_gate::denied::{LINGER, Settled};
    let world = observing();
    let asked = Asked::parse("GET /ledger/entries\nhost: ledger.example").unwrap().bearer(world.key("dashboards"));
    let lease = |_: ()| world.judge(&asked, DAWN).unwrap().1.permit.unwrap().depart().lease;
    let (early, late) = (lease(()), lease(()));
    world.denied.stop(Subject::Identity(world.identity("dashboards").unwrap()), DAWN);
    // The rebuilt snapshot refuses the identity by itself; the open request has not looked yet.
    world.denied.settle(DAWN + Duration::from_secs(1), |_| Settled::Refused);
    assert!(!early.is_live());
    world.denied.settle(DAWN + LINGER, |_| Settled::Refused);
    assert!(late.is_live(), "only after LINGER is the entry forgotten");
}
