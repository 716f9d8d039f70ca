use super::{Ended, Outcome, Pace, Rhythm, Wish};
use proptest::prelude::*;
use std::time::Duration;
use wardgate_model::time::Time;

const START: i64 = 1_800_000_000;

fn at(seconds: i64) -> Time {
    Time::from_seconds(START + seconds)
}

fn pace() -> Pace {
    Pace::new(Rhythm::SHIPPED, at(0))
}

/// Ends a fetch that begins now, and says in how many whole seconds the next is due.
fn next(pace: &mut Pace, now: Time, ended: Ended, chance: u64) -> u64 {
    assert!(pace.begin(now), "it is due at {now}");
    pace.end(ended, chance, now);
    pace.wait(now).as_secs()
}

fn fetched(seconds: Option<u64>) -> Ended {
    Ended::Fetched { fresh_for: seconds.map(Duration::from_secs) }
}

const FAILED: Ended = Ended::Failed { retry_after: None };

#[test]
fn freshness_counts_within_bounds() {
    for (said, due) in [(None, 900), (Some(0), 60), (Some(59), 60), (Some(61), 61), (Some(3600), 3600), (Some(10_000_000), 86_400)] {
        assert_eq!(next(&mut pace(), at(0), fetched(said), 0), due, "{said:?}");
    }
    assert_eq!(next(&mut pace(), at(0), fetched(None), 1_000), 810, "up to a tenth sooner");
}

#[test]
fn pauses_grow_and_end() {
    let mut pace = pace();
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let pause = next(&mut pace, now, FAILED, 1_000);
        assert!(!pace.begin(now), "a pause is kept");
        pauses.push(pause);
        now = now + Duration::from_secs(pause);
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
    assert_eq!(next(&mut pace, now, Ended::Failed { retry_after: Some(Duration::from_secs(99_999)) }, 0), 150, "at least half of it");
    let later = now + Duration::from_secs(150);
    assert_eq!(next(&mut pace, later, fetched(None), 0), 900);
    let last = later + Duration::from_secs(900);
    assert_eq!(next(&mut pace, last, Ended::Failed { retry_after: Some(Duration::from_secs(30)) }, 1_000), 30, "it asked for rest");
}

#[test]
fn the_last_good_one_is_dropped_at_its_hard_age() {
    let mut pace = pace();
    next(&mut pace, at(0), fetched(None), 0);
    assert_eq!(pace.good_until(), Some(at(48 * 3600)));
    assert!(!pace.lapse(at(48 * 3600 - 1)));
    next(&mut pace, at(47 * 3600), FAILED, 0);
    assert_eq!(pace.good_until(), Some(at(48 * 3600)), "a failure renews nothing");
    assert!(pace.lapse(at(48 * 3600)));
    assert_eq!((pace.lapse(at(48 * 3600)), pace.good_until()), (false, None), "once");
}

#[test]
fn whoever_wants_joins_and_the_next_one_waits() {
    let mut pace = pace();
    let first = pace.turn();
    assert!(pace.begin(at(0)));
    assert_eq!(pace.wish(first, None, at(0)), Wish::Wait, "the first fetch is under way");
    pace.end(fetched(None), 0, at(1));
    assert_eq!(pace.wish(first, None, at(1)), Wish::Over(Outcome::Fetched));

    // Somebody comes while nothing is under way: one fetch, for all who come before it begins.
    let came = pace.turn();
    assert_eq!(pace.wish(came, None, at(10)), Wish::Caused);
    assert_eq!(pace.wish(came, None, at(10)), Wish::Wait);
    assert_eq!(pace.wait(at(10)), Duration::ZERO);
    assert!(pace.begin(at(10)));
    assert!(!pace.begin(at(10)), "one at a time");
    // Who comes while it is under way cannot know what it will have seen: its end does not answer them.
    let late = pace.turn();
    pace.end(fetched(None), 0, at(11));
    assert_eq!(pace.wish(came, None, at(11)), Wish::Over(Outcome::Fetched));
    assert_eq!(pace.wish(late, None, at(11)), Wish::Caused, "one of its own");
}

/// Begins and ends a fetch that was wanted, and says what becomes of the next wish.
fn wanted(pace: &mut Pace, now: Time) -> Wish {
    let wish = pace.wish(pace.turn(), None, now);
    if wish == Wish::Caused {
        assert!(pace.begin(now));
        pace.end(fetched(None), 0, now);
    }
    wish
}

#[test]
fn a_few_may_be_wanted_at_once_and_then_one_in_30_s() {
    let mut pace = pace();
    next(&mut pace, at(0), fetched(None), 0);
    let told: Vec<Wish> = (0..6).map(|_| wanted(&mut pace, at(10))).collect();
    assert_eq!(told, [Wish::Caused, Wish::Caused, Wish::Caused, Wish::Caused, Wish::NotBefore(at(40)), Wish::NotBefore(at(40))]);
    assert_eq!([wanted(&mut pace, at(40)), wanted(&mut pace, at(40))], [Wish::Caused, Wish::NotBefore(at(70))]);
    // After a while of quiet all of them are there again.
    let told: Vec<Wish> = (0..5).map(|_| wanted(&mut pace, at(300))).collect();
    assert_eq!(told, [Wish::Caused, Wish::Caused, Wish::Caused, Wish::Caused, Wish::NotBefore(at(330))]);
    assert_eq!(wanted(&mut pace, at(-100_000)), Wish::Caused, "a clock that was set back makes nobody wait for long");
}

#[test]
fn who_is_barred_causes_no_fetch_and_may_join_one() {
    let mut pace = pace();
    next(&mut pace, at(0), fetched(None), 0);
    let came = pace.turn();
    assert_eq!(pace.wish(came, Some(at(70)), at(10)), Wish::NotBefore(at(70)));
    assert!(!pace.begin(at(10)), "nobody wanted one");
    assert_eq!(pace.wish(came, None, at(11)), Wish::Caused, "somebody else");
    assert_eq!(pace.wish(came, Some(at(70)), at(11)), Wish::Wait);
    assert_eq!(pace.wish(came, Some(at(9)), at(11)), Wish::Wait);
}

#[test]
fn a_scheduled_fetch_under_way_does_not_answer_who_came_later() {
    let mut pace = pace();
    next(&mut pace, at(0), fetched(None), 0);
    assert!(pace.begin(at(900)));
    let came = pace.turn();
    assert_eq!(pace.wish(came, None, at(900)), Wish::Wait);
    pace.end(fetched(None), 0, at(901));
    assert_eq!(pace.wish(came, None, at(901)), Wish::Caused, "a second one, of its own");
    assert!(pace.begin(at(901)));
    pace.end(FAILED, 0, at(902));
    assert_eq!(pace.wish(came, None, at(902)), Wish::Over(Outcome::Failed));
}

#[test]
fn nobody_is_asked_in_a_pause_however_many_want() {
    let mut pace = pace();
    next(&mut pace, at(0), FAILED, 1_000);
    assert_eq!(pace.wish(pace.turn(), None, at(1)), Wish::NotBefore(at(2)));
    assert!(!pace.begin(at(1)));
    assert_eq!(pace.wish(pace.turn(), None, at(2)), Wish::Caused);
}

proptest! {
    /// However the clock jumps and whatever comes, nobody waits for ever and few fetches are begun.
    #[test]
    fn no_story_stops_or_storms(steps in prop::collection::vec((0_u8..4, -100_000_i64..100_000, any::<u64>()), 1..200)) {
        let mut pace = pace();
        let mut now = at(0);
        for (what, seconds, chance) in steps {
            match what {
                0 => now = Time::from_micros(now.as_micros() + seconds * 1_000_000),
                1 => { if pace.begin(now) { pace.end(fetched(Some(chance)), chance, now); prop_assert!(!pace.begin(now)); } }
                2 => { if pace.begin(now) { pace.end(FAILED, chance, now); prop_assert!(!pace.begin(now)); } }
                _ => { let came = pace.turn(); let _ = pace.wish(came, None, now); }
            }
            prop_assert!(pace.wait(now) <= Rhythm::SHIPPED.refresh_max);
            let later = now + Rhythm::SHIPPED.refresh_max;
            prop_assert!(pace.clone().begin(now) || pace.clone().begin(later), "due at once or within the longest plan");
        }
    }
}
