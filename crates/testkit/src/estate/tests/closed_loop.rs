//! What becomes of a call has consequences.

use super::{run, small};
use crate::estate::{Call, Estate, Family, Fate, Label, Place, Strength, Take, Why};
use proptest::{prelude::*, test_runner::Config};
use std::time::Duration;

/// The take of a family at a strength.
fn take(estate: &Estate, family: Family, strength: Strength) -> Take {
    let found = estate.attacks().iter().find(|attack| (attack.family, attack.strength) == (family, strength));
    found.map(|attack| attack.take).unwrap()
}

/// Blocks attacks from a number of calls on.
fn after(estate: &Estate, call: &Call, calls: u64) -> Fate {
    match call.label {
        Label::Attack { attack, .. } if estate.attacks()[usize::from(attack)].take.calls >= calls => Fate::Blocked(None),
        _ => Fate::Allowed,
    }
}

proptest! {
    #![proptest_config(Config { cases: 4, ..Config::default() })]

    #[test]
    fn what_is_contained_takes_nothing_more(seed: u64, calls in 0_u64..30) {
        let mut estate = small(seed);
        run(&mut estate, |estate, call| after(estate, call, calls));
        for attack in estate.attacks() {
            prop_assert_eq!(attack.take.reached, attack.take.calls.min(calls), "{:?}", attack);
            prop_assert!(calls > 0 || (attack.take.leaked, attack.take.took) == (0, None), "{:?}", attack);
            prop_assert!(attack.take.leaked <= attack.take.attempted);
        }
    }
}

#[test]
fn attackers_who_are_blocked_give_up_the_sooner_the_more_patient_they_are() {
    let mut estate = small(7);
    run(&mut estate, |estate, call| after(estate, call, 5));
    let calls = |strength| take(&estate, Family::Stuffing, strength).calls;
    assert!((6..=5 + 8).contains(&calls(Strength::Low)), "{}", calls(Strength::Low));
    assert!((5 + 8..=5 + 40).contains(&calls(Strength::Normal)), "{}", calls(Strength::Normal));
    assert_eq!(calls(Strength::Loud), 5 + 400);
    assert!(take(&estate, Family::Stuffing, Strength::Loud).gave_up.is_some());
}

#[test]
fn attackers_who_are_blocked_go_over_to_other_sources() {
    let sources = |blocked: bool| {
        let mut found = std::collections::HashSet::new();
        run(&mut small(7), |_, call| match call.label {
            Label::Attack { family: Family::Scraping, strength: Strength::Loud, .. } => {
                found.insert(call.source.address);
                if blocked { Fate::Blocked(None) } else { Fate::Allowed }
            }
            _ => Fate::Allowed,
        });
        found.len()
    };
    assert_eq!(sources(false), 1);
    assert!(sources(true) > 10);
}

#[test]
fn an_attack_that_is_slowed_takes_less() {
    let taken = |fate: Fate| {
        let mut estate = small(7);
        run(&mut estate, |_, call| if call.label.is_attack() { fate } else { Fate::Allowed });
        take(&estate, Family::Scraping, Strength::Loud)
    };
    let (free, slowed) = (taken(Fate::Allowed), taken(Fate::Slowed(Duration::from_secs(5))));
    assert!(slowed.leaked * 4 < free.leaked, "{} and {}", slowed.leaked, free.leaked);
    assert_eq!((free.met, slowed.met), (None, slowed.first));
}

#[test]
fn honest_callers_answer_a_challenge_where_their_proof_can_and_thieves_do_not() {
    let (mut bound, mut unbound, mut answers) = (0, 0, 0);
    let mut estate = small(7);
    run(&mut estate, |_, call| {
        if call.shown.answers {
            assert!(call.shown.proof.bound(), "{call:?}");
            answers += 1;
            return Fate::Allowed;
        }
        if call.shown.proof.bound() {
            bound += 1
        } else {
            unbound += 1
        };
        if call.actor % 3 == 0 { Fate::Challenged } else { Fate::Allowed }
    });
    assert!(bound > 1_000 && unbound > 1_000 && answers > 300, "{bound} {unbound} {answers}");
    for attack in estate.attacks() {
        let held = attack.place == Place::Own;
        assert!(held || attack.take.answered == 0, "{attack:?}");
    }
}

#[test]
fn a_caller_that_is_told_when_to_come_back_comes_back_then() {
    let told = Duration::from_secs(777);
    let mut blocked: std::collections::BTreeMap<u32, _> = std::collections::BTreeMap::new();
    let (mut patient, mut stubborn, mut careless) = (0, 0, 0);
    run(&mut small(7), |_, call| {
        if let Some(at) = blocked.remove(&call.actor) {
            match (call.label, call.time.since(at) >= told) {
                (Label::Honest(Why::Again), true) => patient += 1,
                (Label::Honest(Why::Again), false) => stubborn += 1,
                // Whoever does not try again comes back with something else.
                _ => careless += 1,
            }
            return Fate::Allowed;
        }
        let again = call.attempt == 0 && matches!(call.label, Label::Honest(_)) && call.time.as_micros() % 97 == 0;
        if again && call.member.is_some() {
            blocked.insert(call.actor, call.time);
            return Fate::Blocked(Some(told));
        }
        Fate::Allowed
    });
    assert!(patient > stubborn && stubborn > 0 && careless > 0, "{patient} waited, {stubborn} did not, {careless} let it be");
}

#[test]
fn what_becomes_of_one_leaves_the_others_as_they_are() {
    let of_others = |blocked: bool| {
        let mut others = 0_u64;
        run(&mut small(7), |_, call| {
            if call.actor == 0 {
                return if blocked { Fate::Blocked(None) } else { Fate::Allowed };
            }
            others = others.rotate_left(5) ^ u64::try_from(call.time.as_micros()).unwrap();
            Fate::Allowed
        });
        others
    };
    assert_eq!(of_others(false), of_others(true));
}
