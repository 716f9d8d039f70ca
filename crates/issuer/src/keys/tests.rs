use super::{ANNOUNCED, Due, Known, LINGERS, SIGNS, due};
use std::time::Duration;
use wardgate_model::time::Time;
use wardgate_proof::{
    access_token,
    jose::algorithm::Algorithm::{self, Ed25519, Es256},
};
use wardgate_store::SigningKeyState::{Published, Retired, Signing};

const DAWN: Time = Time::from_seconds(1_800_000_000);

fn first() -> Known {
    Known { kid: "k0".into(), algorithm: Es256, state: Signing, created: DAWN, since: DAWN }
}

/// Does what is due, as the store would.
fn play(keys: &mut Vec<Known>, wanted: Algorithm, now: Time) -> Vec<Due> {
    let plan = due(keys, wanted, now);
    for one in &plan {
        match one {
            Due::Announce(algorithm) => {
                let kid = format!("k{}", keys.len()).into();
                keys.push(Known { kid, algorithm: *algorithm, state: Published, created: now, since: now });
            }
            Due::Sign(kid) => {
                for key in keys.iter_mut() {
                    if key.state == Signing {
                        (key.state, key.since) = (Published, now);
                    }
                    if key.kid == *kid {
                        (key.state, key.since) = (Signing, now);
                    }
                }
            }
            Due::Retire(kid) => keys.iter_mut().filter(|key| key.kid == *kid).for_each(|key| (key.state, key.since) = (Retired, now)),
        }
    }
    plan
}

/// A year, hour by hour: what is published, what signs, and what was signed is looked at from both sides.
#[test]
fn a_key_is_seen_before_it_signs_and_after_the_last_token_by_it() {
    let mut keys = vec![first()];
    let mut signed: Vec<(Box<str>, Time)> = Vec::new();
    for hour in 0..(24 * 365_u64) {
        let now = DAWN + Duration::from_hours(hour);
        play(&mut keys, Es256, now);
        let signing: Vec<_> = keys.iter().filter(|key| key.state == Signing).collect();
        let [signing] = signing[..] else { panic!("one signs") };
        assert!(signing.created == DAWN || now >= signing.created + ANNOUNCED, "published before use");
        assert!(now < signing.since + SIGNS + Duration::from_hours(1), "it signs no longer than it is to");
        signed.push((signing.kid.clone(), now));
        let published = |kid: &str| keys.iter().any(|key| *key.kid == *kid && key.state != Retired);
        for (kid, when) in signed.iter().rev().take(48) {
            let alive = now < *when + access_token::LIFE_MAX + access_token::SKEW;
            assert!(!alive || published(kid), "a token of {kid} lives");
        }
        assert!(keys.iter().filter(|key| key.state != Retired).count() <= 3, "few are published");
    }
    assert!((11..=14).contains(&keys.len()), "{} keys in a year", keys.len());
    assert!(LINGERS > access_token::LIFE_MAX + access_token::SKEW);
}

#[test]
fn another_algorithm_is_announced_at_once_and_used_when_it_was_seen() {
    let mut keys = vec![first()];
    let begin = DAWN + Duration::from_hours(1);
    assert_eq!(play(&mut keys, Ed25519, begin), [Due::Announce(Ed25519)]);
    assert_eq!(play(&mut keys, Ed25519, begin + Duration::from_hours(1)), []);
    assert_eq!(play(&mut keys, Ed25519, begin + ANNOUNCED), [Due::Sign("k1".into())]);
    assert_eq!(play(&mut keys, Ed25519, begin + ANNOUNCED + Duration::from_hours(1)), []);
    assert_eq!(play(&mut keys, Ed25519, begin + ANNOUNCED + LINGERS), [Due::Retire("k0".into())]);
}

#[test]
fn nothing_is_due_where_nothing_signs() {
    assert_eq!(due(&[], Es256, DAWN), []);
}
