//! What follows from a risk: the plan of the API, the containment plan of the identity before it, what stays alive, what is only watched.

use crate::{ESTATE, POLICIES, done};
use smallvec::smallvec;
use wardgate_gate::{Need, Step, decide, establish};
use wardgate_model::{
    risk::{Assessment, Contribution, Signal},
    ruling::Ruling,
};
use wardgate_testkit::world::{Asked, DAWN, ShippedLimits, TestWorld, world};

/// A world whose API and whose `dashboards` have these plans.
fn planned(api: &str, identity: &str) -> TestWorld {
    let yaml = ESTATE.replace("  sensitivity: high\n", &format!("  sensitivity: high\n  risk: {api}\n"));
    let yaml = yaml.replace("name: dashboards\nspec:\n", &format!("name: dashboards\nspec:\n  risk: {identity}\n"));
    assert_ne!(yaml, ESTATE);
    world(&yaml, POLICIES, ShippedLimits::Off).unwrap()
}

/// What is ruled on a request of `dashboards` whose risk is this much, of a signal.
fn at(world: &TestWorld, signal: Signal, weight: u8) -> String {
    let asked = Asked::parse("GET /ledger/entries\nhost: ledger.example").unwrap().bearer(world.key("dashboards"));
    let mut facts = done(establish(&asked.arrival(DAWN), &world.snapshot, &world.meters, DAWN));
    facts.assessed = Some(Box::new(Assessment::of(smallvec![Contribution { signal, value: 1, weight }])));
    let said = |ruling: &Ruling| {
        let would = ruling.would.map(|would| format!(", would {}", would.as_str())).unwrap_or_default();
        format!("{} {}{would}", ruling.response.as_str(), ruling.reason().code())
    };
    match decide(&facts, &world.snapshot, &world.meters, DAWN) {
        Step::Done(verdict) => said(&verdict.ruling),
        Step::Wait(_, Need::Delay { .. }) => "slow".to_owned(),
        Step::Wait(_, need) => panic!("{need:?}"),
    }
}

#[test]
fn an_api_says_what_follows() {
    let world = planned("{slow: 20, challenge: 30, block: 40}", "{tell: [owner]}");
    assert_eq!(at(&world, Signal::Rate, 19), "allow rule.allowed");
    assert_eq!(at(&world, Signal::Rate, 39), "slow");
    assert_eq!(at(&world, Signal::Rate, 40), "block risk.blocked");
    assert_eq!(at(&world, Signal::NewPlace, 30), "block risk.blocked", "a bare key has nothing to show");
}

#[test]
fn an_identity_says_it_before_its_apis() {
    let world = planned("{slow: 20, challenge: 30, block: 40}", "{slow: 60, challenge: 70, block: 80}");
    assert_eq!(at(&world, Signal::Rate, 59), "allow rule.allowed");
    assert_eq!(at(&world, Signal::Rate, 79), "slow");
    assert_eq!(at(&world, Signal::Rate, 80), "block risk.blocked");
}

#[test]
fn what_stays_alive_is_recorded_and_never_refused() {
    let world = planned("{slow: 20}", "{keep: [list]}");
    assert_eq!(at(&world, Signal::Rate, 100), "allow rule.allowed, would block");
    assert_eq!(at(&world, Signal::Rate, 30), "allow rule.allowed, would slow");
    assert_eq!(at(&world, Signal::Rate, 10), "allow rule.allowed");
    let world = planned("{slow: 20}", "{keep: [GET /entries]}");
    assert_eq!(at(&world, Signal::Rate, 100), "allow rule.allowed, would block");
    let world = planned("{slow: 20}", "{keep: [read]}");
    assert_eq!(at(&world, Signal::Rate, 100), "block risk.blocked");
}

#[test]
fn what_is_only_watched_is_recorded_as_it_would_have_been() {
    let world = planned("{mode: observe}", "{tell: [owner]}");
    assert_eq!(at(&world, Signal::Rate, 100), "allow rule.allowed, would block");
    let world = planned("{mode: observe}", "{mode: enforce}");
    assert_eq!(at(&world, Signal::Rate, 100), "block risk.blocked", "the identity has the last word");
    let world = planned("{mode: enforce}", "{mode: observe}");
    assert_eq!(at(&world, Signal::Rate, 100), "allow rule.allowed, would block");
}
