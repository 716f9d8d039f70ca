use super::{AFTER_MAX, LOOKED, PAUSE, PAUSE_MAX, pause, until};
use crate::{
    clock,
    commands::token::{asking::Token, issuer::Way},
};
use serde_json::Value;
use std::{cell::Cell, time::Duration};
use wardgate_model::secret::Secret;

const NONE: u128 = 0;
const ALL: u128 = u128::MAX;

#[test]
fn pauses_grow_and_end_somewhere_and_differ_from_client_to_client() {
    let mut last = Duration::ZERO;
    for failures in 0..100 {
        let (least, most) = (pause(failures, None, NONE), pause(failures, None, ALL));
        assert_eq!(least, most / 2, "{failures}");
        assert!(most >= last && most <= PAUSE_MAX, "{failures}: {most:?}");
        last = most;
    }
    assert_eq!((pause(0, None, ALL), pause(3, None, ALL), last), (PAUSE, PAUSE * 8, PAUSE_MAX));
}

#[test]
fn what_the_token_service_asks_for_is_waited_for_within_bounds() {
    for entropy in [NONE, 0x8000, ALL] {
        let asked = Duration::from_secs(120);
        let waited = pause(0, Some(asked), entropy);
        assert!(waited >= asked && waited <= asked + PAUSE, "{waited:?}");
        assert!(pause(100, Some(Duration::MAX), entropy) <= AFTER_MAX + PAUSE_MAX);
        assert!(pause(100, Some(Duration::ZERO), entropy) >= PAUSE_MAX / 2, "no sooner than without");
    }
}

/// By a clock that nobody sets.
#[test]
fn a_token_ages_by_what_passes_and_not_by_the_time_of_day() {
    let asked = clock::instant();
    let life = Duration::from_secs(300);
    let tls = Way::default().tls().unwrap();
    let token = Token { text: Secret::new("t".to_owned()), asked, life, bound: false, answer: Value::Null, tls };
    let at = |seconds| asked + Duration::from_secs(seconds);
    assert_eq!(token.age(at(7)), Duration::from_secs(7));
    assert_eq!(token.due(), at(200));
    assert!(token.is_live(at(299)) && !token.is_live(at(300)));
    let later = at(10_000);
    let older = Token { asked: later, text: Secret::new("t".to_owned()), answer: Value::Null, tls: token.tls.clone(), ..token };
    assert_eq!(older.age(asked), Duration::ZERO, "never before it was asked for");
    assert!(clock::instant() >= asked, "it does not go back");
}

/// On a machine that sleeps for an hour in the second piece.
#[tokio::test]
async fn a_pause_that_the_machine_slept_through_is_over() {
    let (begun, passed, pieces) = (clock::instant(), Cell::new(Duration::ZERO), Cell::new(0));
    let sleep = async |piece: Duration| {
        assert!(piece <= LOOKED && !piece.is_zero(), "{piece:?}");
        pieces.set(pieces.get() + 1);
        passed.set(passed.get() + if pieces.get() == 2 { Duration::from_hours(1) } else { piece });
    };
    until(begun + AFTER_MAX, || begun + passed.get(), sleep).await;
    assert_eq!(pieces.get(), 2);
    until(begun + passed.get() + LOOKED + PAUSE, || begun + passed.get(), sleep).await;
    assert_eq!((pieces.get(), passed.get()), (4, Duration::from_hours(1) + LOOKED + LOOKED + PAUSE), "and no longer than it is");
}
