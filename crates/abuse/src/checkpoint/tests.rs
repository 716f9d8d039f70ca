use crate::{
    Hold, Limits, MeterBounds, Meters, Standing, TooMany, Unrecorded,
    testing::{at, facts, limits},
};
use proptest::prelude::*;
use std::{collections::VecDeque, sync::Arc};
use wardgate_model::{facts::Facts, time::Time};

const LIMITS: &str = "\
name=rate per=identity rate=3/1000ms burst=4
name=crowd per=owner concurrency=3
name=month per=identity quota=40/month
name=minute per=source quota=9/minute
name=bytes per=identity bytes=900/hour";

fn meters() -> Meters {
    Meters::new(Arc::new(Unrecorded), MeterBounds::default())
}

fn after(millis: i64) -> Time {
    Time::from_micros(at("2026-11-22T12:00:00Z").as_micros() + millis * 1000)
}

/// A request, and for how many requests after it it is under way.
#[derive(Debug, Clone)]
struct Asked {
    facts: Facts,
    millis: i64,
    lasts: usize,
    bytes: u64,
}

fn asked() -> impl Strategy<Value = Asked> {
    (0..3_u8, 0..700_i64, 0..5_usize, 0..60_u64).prop_map(|(who, millis, lasts, bytes)| {
        let facts = facts(&format!("identity=i{who} owner=o{} source=192.0.2.{who}", who % 2));
        Asked { facts, millis, lasts, bytes }
    })
}

/// What is under way: since which request, until which, and its hold.
type Open = VecDeque<(usize, usize, Hold)>;

/// Request `number`: what is over by then ends, and the answer to it.
fn ask(meters: &Meters, limits: &Limits, open: &mut Open, all: &[Asked], number: usize, now: Time) -> String {
    open.retain(|(_, until, _)| *until >= number);
    let asked = &all[number];
    match meters.reserve(limits, &asked.facts, now) {
        Ok(reservation) => {
            let hold = reservation.commit();
            drop(hold.charge_bytes(asked.bytes, now));
            open.push_back((number, number + asked.lasts, hold));
            "+".into()
        }
        Err(refusal) => format!("{} {} {:?}", refusal.reason.code(), refusal.limit, refusal.retry_after_s),
    }
}

proptest! {
    #[test]
    fn what_goes_on_from_a_checkpoint_rules_as_what_went_on(all in prop::collection::vec(asked(), 1..120), part in 0..100_usize) {
        let limits = limits(LIMITS);
        let (meters, resumed) = (meters(), meters());
        let (mut open, mut again) = (Open::new(), Open::new());
        let cut = all.len() * part / 100;
        let mut now = 0;
        for number in 0..all.len() {
            now += all[number].millis;
            if number == cut {
                resumed.resume(meters.levels(after(now), 1_000).unwrap());
                let still = open.iter().filter(|(_, until, _)| *until >= number);
                again = still.map(|(since, until, _)| (*since, *until, resumed.hold(&limits, &all[*since].facts))).collect();
            }
            let first = ask(&meters, &limits, &mut open, &all, number, after(now));
            if number >= cut {
                prop_assert_eq!(first, ask(&resumed, &limits, &mut again, &all, number, after(now)), "request {} of {}", number, all.len());
            }
        }
    }
}

#[test]
fn what_says_nothing_is_left_out_and_too_many_are_refused() {
    let limits = limits("name=rate per=identity rate=1/1000ms burst=2\nname=quota per=identity quota=5/minute");
    let meters = meters();
    for who in ["a", "b"] {
        drop(meters.reserve(&limits, &facts(&format!("identity={who}")), after(0)).unwrap().commit());
    }
    let levels = meters.levels(after(0), 4).unwrap();
    let windows = levels.iter().filter(|level| matches!(level.standing, Standing::Window { used: 1, .. })).count();
    assert_eq!((levels.len(), windows), (4, 2), "{levels:?}");
    assert_eq!(meters.levels(after(0), 3), Err(TooMany { most: 3 }));
    // The buckets are full again, the windows open still; then they are over.
    assert_eq!(meters.levels(after(10_000), 4).unwrap().len(), 2);
    assert_eq!(meters.levels(after(60_000), 0), Ok(Vec::new()));
}
