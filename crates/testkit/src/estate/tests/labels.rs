//! Labels say what is behind a call, and what stands apart stays apart.

use super::{run, small};
use crate::estate::{
    Attack, Estate, Family, Fate, Label, Place, Scale, Set, Strength, attacks,
    attacks::{held_out, tuned},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

#[test]
fn no_family_is_both_tuned_and_held_out() {
    let families = |scenarios: &[attacks::Scenario]| scenarios.iter().map(|scenario| scenario.family).collect::<BTreeSet<_>>();
    let (tuned_by, held) = (families(tuned::SCENARIOS), families(held_out::SCENARIOS));
    assert_eq!(tuned_by.intersection(&held).count(), 0);
    assert_eq!(tuned_by.len() + held.len(), Family::ALL.len(), "every family is in one of them");
    assert!(tuned::SCENARIOS.iter().all(|scenario| scenario.set == Set::Tuned));
    assert!(held_out::SCENARIOS.iter().all(|scenario| scenario.set == Set::HeldOut));
}

#[test]
fn each_family_has_a_file_of_its_name_in_the_folder_of_its_set_and_in_no_other() {
    let folder = |set: Set| Path::new(env!("CARGO_MANIFEST_DIR")).join("src/estate/attacks").join(set.as_str());
    for scenario in attacks::scenarios() {
        for set in Set::ALL {
            let file = folder(*set).join(scenario.family.as_str()).with_extension("rs");
            assert_eq!(file.is_file(), scenario.set == *set, "{}", file.display());
        }
    }
    let files: usize = Set::ALL.iter().map(|set| std::fs::read_dir(folder(*set)).unwrap().count()).sum();
    assert_eq!(files, Family::ALL.len());
}

#[test]
fn a_tuned_family_knows_nothing_of_a_held_out_one() {
    for scenario in attacks::scenarios() {
        let other = if scenario.set == Set::Tuned { "held_out::" } else { "tuned::" };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/estate/attacks").join(scenario.set.as_str());
        let text = std::fs::read_to_string(folder.join(scenario.family.as_str()).with_extension("rs")).unwrap();
        assert!(!text.contains(other), "{} uses {other}", scenario.family.as_str());
    }
}

#[test]
fn every_family_calls_at_every_strength_and_stays_within_its_time() {
    for seed in [1, 7, 23] {
        let mut estate = small(seed);
        run(&mut estate, |estate, call| {
            if let Label::Attack { attack, family, strength } = call.label {
                let attack = &estate.attacks()[usize::from(attack)];
                assert_eq!((attack.family, attack.strength), (family, strength));
                assert!(attack.begins <= call.time && call.time < attack.ends, "{family:?} at {}", call.time);
                assert!(call.member.is_none_or(|member| attack.victims.contains(&member)), "{family:?} has a victim that it does not name");
            }
            Fate::Allowed
        });
        assert_eq!(estate.attacks().len(), Family::ALL.len() * Strength::ALL.len());
        for attack in estate.attacks() {
            assert!(
                attack.take.calls > 0 && attack.take.leaked > 0,
                "seed {seed}, {:?} {:?}: {:?}",
                attack.family,
                attack.strength,
                attack.take
            );
            assert_eq!(attack.take.attempted, attack.take.leaked, "nobody contained it");
        }
    }
}

#[test]
fn an_actor_is_honest_or_not_and_never_both() {
    let mut actors: BTreeMap<u32, bool> = BTreeMap::new();
    run(&mut small(7), |_, call| {
        assert_eq!(*actors.entry(call.actor).or_insert(call.label.is_attack()), call.label.is_attack());
        Fate::Allowed
    });
    assert_eq!(actors.values().filter(|attacks| **attacks).count(), Family::ALL.len() * Strength::ALL.len());
}

#[test]
fn honest_calls_never_come_from_where_attacks_come_from_elsewhere() {
    let (mut honest, mut theirs) = (HashSet::new(), HashSet::new());
    run(&mut small(7), |estate, call| {
        match call.label {
            Label::Honest(_) => honest.insert(call.source.address),
            Label::Attack { attack, .. } if estate.attacks()[usize::from(attack)].place == Place::Elsewhere => {
                assert_eq!(call.source.zone, None);
                theirs.insert(call.source.address)
            }
            // Whoever is in its victim's container calls from there.
            Label::Attack { .. } => true,
        };
        Fate::Allowed
    });
    assert!(theirs.len() > 300, "{} sources of attacks", theirs.len());
    assert_eq!(honest.intersection(&theirs).count(), 0);
}

#[test]
fn distributed_stuffing_comes_from_three_hundred_sources_and_stuffing_from_few() {
    let mut sources: BTreeMap<(Family, Strength), HashSet<std::net::IpAddr>> = BTreeMap::new();
    run(&mut small(7), |_, call| {
        if let Label::Attack { family, strength, .. } = call.label {
            sources.entry((family, strength)).or_default().insert(call.source.address);
        }
        Fate::Allowed
    });
    for strength in Strength::ALL {
        assert!(sources[&(Family::DistributedStuffing, *strength)].len() >= 290);
        assert!(sources[&(Family::Stuffing, *strength)].len() <= 12);
    }
}

#[test]
fn what_is_made_for_one_call_is_shown_twice_by_a_replay_alone() {
    let mut seen = HashSet::new();
    let mut replayed = 0;
    run(&mut small(7), |_, call| {
        if let Some(once) = call.shown.once
            && !seen.insert(once)
        {
            assert!(matches!(call.label, Label::Attack { family: Family::Replay, .. }), "{call:?}");
            replayed += 1;
        }
        Fate::Allowed
    });
    assert!(replayed > 100, "{replayed}");
}

#[test]
fn whoever_took_a_container_over_looks_like_its_victim() {
    let mut victims: BTreeMap<u16, HashSet<(std::net::IpAddr, u64)>> = BTreeMap::new();
    let mut seen = 0;
    run(&mut small(7), |_, call| {
        let looks = (call.source.address, call.fingerprint);
        match (call.label, call.member) {
            (Label::Honest(_), Some(member)) => {
                victims.entry(member).or_default().insert(looks);
            }
            (Label::Attack { family: Family::ContainerTakeover, .. }, Some(member)) => {
                assert!(victims[&member].contains(&looks), "{call:?}");
                seen += 1;
            }
            _ => {}
        }
        Fate::Allowed
    });
    assert!(seen > 100, "{seen}");
}

#[test]
fn slow_scraping_is_three_tenths_above_what_its_victim_does() {
    let mut estate = Estate::new(7, Scale { days: 14, identities_per_mille: 1, calls_per_mille: 300, attacks: 1 });
    let slow = |attack: &&Attack| (attack.family, attack.strength) == (Family::SlowScraping, Strength::Normal);
    let (victim, from, until) = estate.attacks().iter().find(slow).map(|slow| (slow.victims[0], slow.begins, slow.ends)).unwrap();
    let (mut own, mut more) = (0_u32, 0_u32);
    run(&mut estate, |_, call| {
        if call.member == Some(victim) && (from..until).contains(&call.time) {
            match call.label {
                Label::Honest(_) => own += 1,
                Label::Attack { family: Family::SlowScraping, .. } => more += 1,
                Label::Attack { .. } => {}
            }
        }
        Fate::Allowed
    });
    assert!((200..450).contains(&(more * 1_000 / own)), "{more} beside {own}");
}

#[test]
fn most_of_what_is_held_is_bought_but_not_by_whoever_holds_it_back() {
    let (mut held, mut bought) = (0_u32, 0_u32);
    run(&mut small(7), |_, call| {
        match (call.label, call.operation.template) {
            (Label::Honest(_), "/holds") => held += 1,
            (Label::Honest(_), "/purchases") => bought += 1,
            (Label::Attack { family: Family::InventoryHolding, .. }, template) => assert_ne!(template, "/purchases"),
            _ => {}
        }
        Fate::Allowed
    });
    assert!((650..800).contains(&(bought * 1_000 / held)), "{bought} of {held}");
}
