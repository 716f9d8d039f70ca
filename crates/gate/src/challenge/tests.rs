use super::{HANDSHAKE_LIFE, Handshakes, MEMORY, WANTED_MAX};
use std::time::Duration;
use wardgate_model::{id::CredentialId, time::Time};

const NOW: Time = Time::from_seconds(1_800_000_000);

fn credential(n: usize) -> CredentialId {
    CredentialId::parse(&format!("{n:012}")).unwrap()
}

fn at(seconds: u64) -> Time {
    NOW + Duration::from_secs(seconds)
}

#[test]
fn a_handshake_counts_that_began_after_it_was_asked_for_and_for_a_minute() {
    let (handshakes, own) = (Handshakes::default(), credential(1));
    let answered = |began, now| handshakes.is_answered(own, [1; 32], at(began), at(now));
    assert!(handshakes.is_empty() && !answered(11, 11), "nobody was asked");
    handshakes.want(own, [1; 32], at(10));
    assert!(!handshakes.is_empty());
    assert_eq!((answered(9, 11), answered(10, 11), answered(11, 11)), (false, false, true));
    assert_eq!((answered(11, 71), answered(11, 72)), (true, false));
    assert!(!handshakes.is_answered(own, [2; 32], at(11), at(11)), "another certificate");
    assert!(!handshakes.is_answered(credential(2), [1; 32], at(11), at(11)), "another credential");
}

/// A client with many connections is challenged on each of them, and its first new one counts all the same.
#[test]
fn a_second_challenge_undoes_no_handshake_that_was_just_made() {
    let (handshakes, own) = (Handshakes::default(), credential(1));
    handshakes.want(own, [1; 32], at(10));
    handshakes.want(own, [1; 32], at(10 + HANDSHAKE_LIFE.as_secs() - 1));
    assert!(handshakes.is_answered(own, [1; 32], at(11), at(70)));
    handshakes.want(own, [1; 32], at(10 + HANDSHAKE_LIFE.as_secs()));
    assert!(!handshakes.is_answered(own, [1; 32], at(11), at(70)), "that is a new one");
    assert!(handshakes.is_answered(own, [1; 32], at(71), at(71)));
}

#[test]
fn what_is_remembered_is_bounded_and_forgotten() {
    let handshakes = Handshakes::default();
    for n in 0..=WANTED_MAX {
        handshakes.want(credential(n), [1; 32], NOW);
    }
    assert!(handshakes.is_answered(credential(0), [1; 32], at(1), at(1)));
    assert!(!handshakes.is_answered(credential(WANTED_MAX), [1; 32], at(1), at(1)), "there was no room");
    let later = MEMORY.as_secs();
    handshakes.want(credential(WANTED_MAX), [1; 32], at(later));
    assert!(handshakes.is_answered(credential(WANTED_MAX), [1; 32], at(later + 1), at(later + 1)));
    assert_eq!(handshakes.wanted.lock().unwrap().since.len(), 1);
}
