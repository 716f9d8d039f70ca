//! What happens to the estate is told in order, and shows in the calls.

use super::run;
use crate::estate::{Call, Estate, Fate, Happening, Label, Scale, What, Why};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// All identities, for a few days, with few calls of each.
const WIDE: Scale = Scale { days: 5, calls_per_mille: 60, ..Scale::FULL };

/// What happened once to a member, where it happened once.
fn once(estate: &Estate, of: fn(What) -> bool) -> BTreeMap<u16, Happening> {
    let mut found: BTreeMap<u16, Vec<Happening>> = BTreeMap::new();
    for one in estate.happenings().iter().filter(|one| of(one.what)) {
        found.entry(one.what.member().unwrap()).or_default().push(one.clone());
    }
    found.into_iter().filter(|(_, all)| all.len() == 1).map(|(member, mut all)| (member, all.remove(0))).collect()
}

/// The honest call's member, and what happened to it.
fn honest<'h>(happened: &'h BTreeMap<u16, Happening>, call: &Call) -> Option<(u16, &'h Happening)> {
    let member = call.member.filter(|_| !call.label.is_attack())?;
    Some((member, happened.get(&member)?))
}

#[test]
fn after_a_deploy_it_is_other_software_in_other_places() {
    let mut estate = Estate::new(7, WIDE);
    let deployed = once(&estate, |what| matches!(what, What::Deploy { .. }));
    let mut agents: BTreeMap<u16, (String, usize)> = BTreeMap::new();
    let mut places = BTreeSet::new();
    run(&mut estate, |_, call| {
        if let Some((member, deploy)) = honest(&deployed, call) {
            // Whoever was in the middle of something ends it as it began it.
            if call.time < deploy.from {
                let before = agents.entry(member).or_insert_with(|| (call.user_agent.to_string(), 0));
                assert_eq!(*call.user_agent, *before.0);
                places.insert((member, call.source.address));
            } else if let Some(before) = agents.get_mut(&member)
                && call.time.since(deploy.from) > Duration::from_hours(1)
            {
                assert_ne!(*call.user_agent, *before.0);
                assert!(call.source.zone != Some("cluster") || !places.contains(&(member, call.source.address)), "{call:?}");
                before.1 += 1;
            }
        }
        Fate::Allowed
    });
    assert!(agents.values().filter(|(_, after)| *after > 5).count() > 12, "{agents:?}");
    assert!(estate.happenings().iter().any(|one| !one.told && matches!(one.what, What::Deploy { .. })), "some are not told");
}

#[test]
fn both_keys_are_used_while_one_replaces_the_other_and_only_then() {
    let mut estate = Estate::new(7, Scale { days: 7, ..WIDE });
    let rotated = once(&estate, |what| matches!(what, What::KeyRotation { .. }));
    let mut within = [0, 0];
    run(&mut estate, |_, call| {
        if let Some((_, rotation)) = honest(&rotated, call) {
            let credential = call.shown.credential;
            if call.time < rotation.from {
                assert_eq!(credential, 0);
            } else if call.time < rotation.until {
                within[usize::from(credential)] += 1;
            } else if call.time.since(rotation.until) > Duration::from_hours(1) {
                assert_eq!(credential, 1);
            }
        }
        Fate::Allowed
    });
    assert!(within.iter().all(|calls| *calls > 10), "{within:?}");
}

#[test]
fn what_happens_is_told_in_order_and_shows_in_the_calls() {
    let mut estate = Estate::new(7, WIDE);
    assert!(estate.happenings().is_sorted_by_key(|one| one.from));
    for what in ["deploy", "key_rotation", "move", "outage", "api_change", "new_version", "incident", "holiday", "owner_change"] {
        assert!(estate.happenings().iter().any(|one| one.what.as_str() == what), "{what}");
    }
    let mut causes = BTreeMap::new();
    run(&mut estate, |_, call| {
        if let Label::Honest(why) = call.label {
            *causes.entry(why).or_insert(0_u64) += 1;
        }
        Fate::Allowed
    });
    for why in [Why::Usual, Why::Retry, Why::Storm, Why::Outdated] {
        assert!(causes.get(&why).is_some_and(|count| *count > 10), "{why:?}: {causes:?}");
    }
    assert_eq!(causes.get(&Why::Again), None, "nobody was refused");
}
