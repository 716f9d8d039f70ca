//! The same seed gives the same estate, in bounded memory.

use super::{run, small};
use crate::estate::{Estate, Fate, Scale};
use proptest::{prelude::*, test_runner::Config};
use std::hash::{DefaultHasher, Hash, Hasher};

/// All of an estate's calls as one number.
fn digest(mut estate: Estate) -> u64 {
    let mut hasher = DefaultHasher::new();
    run(&mut estate, |_, call| {
        call.hash(&mut hasher);
        Fate::Allowed
    });
    hasher.finish()
}

#[test]
fn a_seed_gives_the_same_calls_to_the_byte_and_another_seed_gives_others() {
    let once = digest(small(7));
    assert_eq!(once, digest(small(7)));
    assert_ne!(once, digest(small(8)));
}

#[test]
fn calls_per_day_and_kind() {
    let mut estate = small(7);
    let tally = run(&mut estate, |_, _| Fate::Allowed);
    insta::assert_snapshot!("calls_per_day_and_kind", tally.table(&estate));
}

#[test]
fn a_driver_that_says_nothing_has_allowed_it() {
    let mut said = small(7);
    run(&mut said, |_, _| Fate::Allowed);
    let mut unsaid = small(7);
    for _ in unsaid.by_ref() {}
    assert_eq!(said.attacks(), unsaid.attacks());
}

#[test]
fn what_it_holds_does_not_grow() {
    let mut estate = small(7);
    let (actors, mut most) = (estate.actors(), 0);
    run(&mut estate, |estate, _| {
        most = most.max(estate.queued());
        Fate::Allowed
    });
    assert!(most <= actors, "{most} places for {actors} actors");
}

proptest! {
    #![proptest_config(Config { cases: 12, ..Config::default() })]

    #[test]
    fn time_never_goes_back(seed: u64, met in 0_u64..5) {
        let scale = Scale { days: 2, calls_per_mille: 30, identities_per_mille: 1, attacks: 1 };
        let mut estate = Estate::new(seed, scale);
        let (mut last, ends) = (crate::estate::BEGINS, estate.ends());
        let mut wrong = None;
        run(&mut estate, |_, call| {
            if call.time < last || call.time >= ends {
                wrong = Some(call.clone());
            }
            last = call.time;
            match (u64::from(call.actor) + met) % 5 {
                0 => Fate::Blocked(None),
                1 => Fate::Challenged,
                2 => Fate::Slowed(std::time::Duration::from_secs(2)),
                _ => Fate::Allowed,
            }
        });
        prop_assert_eq!(wrong, None);
    }
}
