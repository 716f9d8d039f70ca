use super::{Lived, STEP_MAX, Told, micros, step};
use std::fmt::Write as _;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// When the newest event before the run was, and what was lived through until then.
const NEWEST: i64 = 20_000 * DAY;
const BEFORE: i64 = 100 * DAY;

/// What is told in hours after the newest event, by the wall clock and by the other; what the log makes of it, in hours.
fn check(told: &[(i64, i64)]) -> String {
    let mut lived = Lived::since(Some(NEWEST), BEFORE);
    let mut text = String::new();
    let told: Vec<Told> =
        told.iter().map(|(wall, steady)| Told { now_us: NEWEST + wall * HOUR, steady_us: (steady + 5_000) * HOUR }).collect();
    for now in &told {
        let now = lived.now(told[0], *now);
        let since = (now.lived_us - BEFORE) / HOUR;
        let _infallible = write!(text, "{since}{} ", if now.doubted.is_some() { "?" } else { "" });
    }
    text.trim_end().to_owned()
}

#[test]
fn a_step_that_cannot_be_counts_nothing() {
    assert_eq!(step(NEWEST, NEWEST + HOUR), HOUR);
    assert_eq!(step(NEWEST, NEWEST + micros(STEP_MAX)), micros(STEP_MAX));
    assert_eq!(step(NEWEST, NEWEST + micros(STEP_MAX) + 1), 0);
    assert_eq!(step(NEWEST, NEWEST - HOUR), 0);
    assert_eq!(step(i64::MIN, i64::MAX), 0);
}

#[test]
fn a_short_standstill_counts_and_then_the_run_does() {
    assert_eq!(check(&[(3, 0), (4, 1), (1_000, 997)]), "3 4 1000");
}

#[test]
fn a_clock_far_ahead_counts_nothing_and_is_told() {
    assert_eq!(check(&[(9_600, 0), (9_601, 1), (9_650, 50)]), "0? 1? 50?");
}

#[test]
fn a_clock_that_is_put_right_counts_what_it_should_have() {
    assert_eq!(check(&[(9_600, 0), (5, 2), (10, 7)]), "0? 5 10");
}

#[test]
fn a_clock_that_is_set_during_the_run_counts_nothing() {
    assert_eq!(check(&[(1, 0), (9_600, 1), (3, 2), (-9_600, 3), (41, 4)]), "1 2? 3 4 5");
}

#[test]
fn a_clock_that_is_behind_counts_what_runs() {
    assert_eq!(check(&[(-400_000, 0), (-399_999, 1), (20, 2)]), "0 1 2");
}

#[test]
fn a_log_that_held_nothing_begins_when_it_is_told_the_time() {
    let mut lived = Lived::since(None, 0);
    let begin = Told { now_us: NEWEST, steady_us: DAY };
    let now = lived.now(begin, Told { now_us: NEWEST + DAY, steady_us: 2 * DAY });
    assert_eq!((now.lived_us, now.doubted), (DAY, None));
}
