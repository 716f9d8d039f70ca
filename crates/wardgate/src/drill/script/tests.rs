use super::{Bodies, Calls, Known, Making, Script, Shows, Side, script};
use crate::drill::{
    Unfit,
    places::{Chance, Places},
    scenario::{Scenario, Strength},
    target::Target,
};
use serde_json::json;
use std::time::Duration;

fn target(name: &str) -> Target {
    let spec = json!({
        "policy_owner": "shop-team", "environment": "staging", "match": { "path_prefix": format!("/{name}") },
        "operations": [
            { "match": "GET /things/{id}", "class": "read" },
            { "match": "GET /things", "class": "list" },
            { "match": "GET /prices" },
            { "match": "GET /export", "class": "bulk" },
            { "match": "POST /holds", "class": "write" },
            { "match": "DELETE /things/{id}" },
            { "match": "POST /login", "class": "login", "anonymous": true, "login": { "subject": "/user", "failed": [401] } },
        ],
    });
    Target::of(name, &spec, &json!({ "spec": { "production": false } })).unwrap()
}

fn made(scenario: Scenario, change: impl FnOnce(&mut Target)) -> Result<Script, Unfit> {
    let (mut target, others) = (target("shop"), [self::target("stock")]);
    change(&mut target);
    let (places, bodies) = (Places::of([127, 0, 0, 1].into(), Vec::new(), 1), Bodies::default());
    let mut making = Making {
        target: &target,
        others: &others,
        places: &places,
        strength: Strength::Normal,
        lasting: Duration::from_secs(30),
        bodies: &bodies,
        known: Known::Agent,
        keys: true,
        tokens: true,
        chance: Chance::new(7),
    };
    script(scenario, &mut making)
}

/// Every `METHOD TARGET` that is sent.
fn sent(script: &Script) -> Vec<String> {
    let calls = |calls: &Calls| match calls {
        Calls::Once(calls) | Calls::Round(calls) => calls.iter().map(|call| format!("{} {}", call.method, call.target)).collect::<Vec<_>>(),
    };
    script.lanes.iter().flat_map(|lane| calls(&lane.calls)).collect()
}

#[test]
fn without_a_word_nothing_is_sent_that_changes_anything() {
    for scenario in Scenario::ALL {
        let Ok(script) = made(*scenario, |_| {}) else {
            assert!(
                matches!(scenario, Scenario::BulkExport | Scenario::InventoryHolding | Scenario::PrivilegeClimbing),
                "{}",
                scenario.as_str()
            );
            continue;
        };
        let login = matches!(scenario, Scenario::Stuffing | Scenario::DistributedStuffing);
        for call in sent(&script) {
            let reads = call.starts_with("GET ") && !call.ends_with("/export");
            assert!(reads || (login && call == "POST /shop/login"), "{}: {call}", scenario.as_str());
        }
    }
}

#[test]
fn what_is_named_is_used_and_nothing_else() {
    let script =
        made(Scenario::PrivilegeClimbing, |target| target.name_operations(&["DELETE /shop/things/{id}".to_owned()]).unwrap()).unwrap();
    let changing: Vec<String> = sent(&script).into_iter().filter(|call| !call.starts_with("GET ")).collect();
    assert!(!changing.is_empty() && changing.iter().all(|call| call.starts_with("DELETE /shop/things/drill-")), "{changing:?}");
    let script = made(Scenario::PrivilegeClimbing, |target| target.writes = true).unwrap();
    assert!(sent(&script).iter().any(|call| call == "POST /shop/holds"));
    assert!(!sent(&script).iter().any(|call| call.contains("/login")), "logins are no way up");
}

#[test]
fn each_has_an_attack_somebody_honest_and_canaries_with_a_past() {
    for scenario in Scenario::ALL {
        let script = made(*scenario, |target| target.writes = true).unwrap();
        let slug = scenario.as_str();
        assert!(script.lanes.iter().any(|lane| lane.side == Side::Attack), "{slug}");
        assert!(script.lanes.iter().any(|lane| lane.side != Side::Attack), "{slug}");
        for lane in &script.lanes {
            if let Shows::Of(number) | Shows::Stolen(number) = lane.shows {
                assert!(number < script.canaries.len(), "{slug}: a lane of no canary");
            }
        }
        for plan in &script.canaries {
            let past = plan.past.as_ref().map_or(0, |past| {
                let calls = |habit: &wardgate_console::Habit| {
                    habit.per_hour * habit.hours.as_ref().map_or(24, |hours| u32::try_from(hours.len()).unwrap())
                };
                past.habits.iter().map(calls).sum::<u32>() * u32::from(past.days)
            });
            assert!(past <= wardgate_gate::taught::CALLS_MAX, "{slug}: {past}");
        }
    }
}

#[test]
fn the_same_seed_sends_the_same() {
    for scenario in Scenario::ALL {
        let made = || made(*scenario, |target| target.writes = true).unwrap();
        assert_eq!(sent(&made()), sent(&made()));
    }
}

#[test]
fn nobody_is_in_the_place_of_another() {
    let script = made(Scenario::DistributedStuffing, |_| {}).unwrap();
    let mut places: Vec<_> = script.lanes.iter().filter(|lane| lane.side == Side::Attack).map(|lane| lane.from).collect();
    let count = places.len();
    places.sort();
    places.dedup();
    assert_eq!((count, places.len()), (120, 120));
    assert!(!places.contains(&Places::of([127, 0, 0, 1].into(), Vec::new(), 1).at(0)), "nor where honest callers are");
    let one = Places::of([192, 0, 2, 1].into(), Vec::new(), 1);
    assert_eq!((one.count(), one.at(0), one.at(9)), (1, None, None));
}
