mod persons;

use super::{MeterBounds, Meters};
use crate::{
    FileJournal, Hold, Journal, JournalFault, Limits, MeterKey, Reservation, Unrecorded,
    testing::{at, facts, limits},
};
use proptest::prelude::*;
use std::{
    net::{IpAddr, Ipv6Addr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread,
};
use wardgate_model::{facts::Facts, ruling::LimitUnit, time::Time};

fn meters() -> Meters {
    Meters::new(Arc::new(Unrecorded), MeterBounds::default())
}

fn after(micros: i64) -> Time {
    Time::from_micros(at("2026-11-22T12:00:00Z").as_micros() + micros)
}

/// One request under `limits`, at `now`, that goes ahead and ends at once: `+`, or why not, of which limit and when to come again.
fn tried(meters: &Meters, limits: &Limits, facts: &Facts, now: Time) -> String {
    match meters.reserve(limits, facts, now) {
        Ok(reservation) => {
            drop(reservation.commit());
            "+".into()
        }
        Err(refusal) => {
            let again = refusal.retry_after_s.map_or("-".into(), |seconds| seconds.to_string());
            format!("{} {} {again}", refusal.reason.code(), refusal.limit)
        }
    }
}

fn states(states: &[wardgate_model::ruling::LimitState]) -> String {
    let lines = states.iter().map(|s| {
        let window = s.window_s.map_or(String::new(), |seconds| format!(";w={seconds}"));
        format!("{};q={}{window};qu={};r={};t={}", s.policy, s.quota, s.unit.as_str(), s.remaining, s.reset_s)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_measure_refuses_in_its_own_words() {
    let caller = facts("identity=a");
    let check = |line: &str, held: usize, expected: &[&str]| {
        let (limits, meters) = (limits(line), meters());
        let _held: Vec<Hold> = (0..held).map(|_| meters.reserve(&limits, &caller, after(0)).expect("a place").commit()).collect();
        let answers: Vec<_> = expected.iter().map(|_| tried(&meters, &limits, &caller, after(0))).collect();
        assert_eq!(answers, expected, "{line}");
    };
    check("name=l per=identity rate=1/60000ms burst=2", 0, &["+", "+", "reserve.rate_exceeded l 60"]);
    check("name=l per=identity quota=2/hour", 0, &["+", "+", "reserve.quota_exceeded l 3600"]);
    check("name=l per=identity concurrency=2", 1, &["+", "+", "+"]);
    check("name=l per=identity concurrency=2", 2, &["reserve.concurrency_exceeded l 1"]);
    check("name=l per=identity concurrency=0", 0, &["reserve.concurrency_exceeded l 1"]);
}

#[test]
fn bytes_cut_the_stream_that_runs_over_and_refuse_the_next() {
    let (limits, meters, caller) = (
        limits("name=l per=identity bytes=100/day\nname=m per=owner bytes=500/day\nname=n per=api bytes=500/day"),
        meters(),
        facts("identity=a"),
    );
    let hold = meters.reserve(&limits, &caller, after(0)).expect("a place").commit();
    assert_eq!(hold.charge_bytes(60, after(0)), Ok(()));
    let exhausted = hold.charge_bytes(60, after(0)).expect_err("over");
    assert_eq!((exhausted.limit.as_ref().map_or("", |limit| limit.as_str()), exhausted.reason.code()), ("l", "reserve.bytes_exceeded"));
    assert_eq!(hold.charge_bytes(0, after(0)), Ok(()), "nothing passes, nothing is wrong");
    assert_eq!(tried(&meters, &limits, &caller, after(0)), "reserve.bytes_exceeded l 43200");
    assert_eq!(tried(&meters, &limits, &facts("identity=b"), after(0)), "+");
    assert_eq!(
        states(&meters.peek(&limits, &facts("identity=b"), after(0))).lines().next(),
        Some("m.bytes;q=500;w=86400;qu=content-bytes;r=380;t=43200")
    );
    assert!(!states(&meters.peek(&limits, &caller, after(0))).contains("n.bytes"), "what callers share is not told to one of them");
    assert_eq!(tried(&meters, &limits, &caller, at("2026-11-23")), "+");
    assert_eq!(hold.charge_bytes(100, at("2026-11-23")), Ok(()), "a stream that lives on into the next day");
}

#[test]
fn what_one_limit_refuses_costs_nothing_under_another() {
    let limits = limits("name=r per=identity rate=1/1000ms burst=5 quota=5/day concurrency=5\nname=q per=identity quota=2/day");
    let (meters, caller) = (meters(), facts("identity=a"));
    assert_eq!(tried(&meters, &limits, &caller, after(0)), "+");
    assert_eq!(tried(&meters, &limits, &caller, after(0)), "+");
    for _ in 0..10 {
        assert_eq!(tried(&meters, &limits, &caller, after(0)), "reserve.quota_exceeded q 43200");
    }
    let expected = "\
q.quota;q=2;w=86400;qu=requests;r=0;t=43200
r.quota;q=5;w=86400;qu=requests;r=3;t=43200
r;q=5;w=5;qu=requests;r=3;t=1
r.concurrency;q=5;qu=concurrent-requests;r=5;t=0";
    assert_eq!(states(&meters.peek(&limits, &caller, after(0))), expected);
}

#[test]
fn a_request_refused_later_gives_back_all_but_its_rate() {
    let limits = limits("name=l per=identity rate=1/1000ms burst=5 quota=5/day concurrency=5");
    let (meters, caller) = (meters(), facts("identity=a"));
    let reservation = meters.reserve(&limits, &caller, after(0)).expect("a place");
    let during = "\
l.quota;q=5;w=86400;qu=requests;r=4;t=43200
l;q=5;w=5;qu=requests;r=4;t=1
l.concurrency;q=5;qu=concurrent-requests;r=4;t=0";
    assert_eq!(states(&reservation.states(after(0))), during);
    drop(reservation);
    let afterwards = "\
l;q=5;w=5;qu=requests;r=4;t=1
l.quota;q=5;w=86400;qu=requests;r=5;t=43200
l.concurrency;q=5;qu=concurrent-requests;r=5;t=0";
    assert_eq!(states(&meters.peek(&limits, &caller, after(0))), afterwards);
}

#[test]
fn the_refusal_names_what_has_to_be_waited_for_longest() {
    let limits = limits("name=fast per=identity rate=1/1000ms burst=1\nname=month per=identity quota=1/month");
    let (meters, caller) = (meters(), facts("identity=a"));
    assert_eq!(tried(&meters, &limits, &caller, at("2026-11-29T23:00:00Z")), "+");
    assert_eq!(tried(&meters, &limits, &caller, at("2026-11-29T23:00:00Z")), format!("reserve.quota_exceeded month {}", 25 * 3600));
}

#[test]
fn a_failed_journal_refuses_and_what_was_taken_goes_back() {
    #[derive(Default)]
    struct Broken(AtomicBool);
    impl Journal for Broken {
        fn raise(&self, _: &MeterKey, _: Time, _: u64) -> Result<(), JournalFault> {
            if self.0.load(Ordering::Relaxed) { Err(JournalFault::Closed) } else { Ok(()) }
        }
    }
    let (journal, caller) = (Arc::new(Broken::default()), facts("identity=a"));
    let limits = limits(
        "name=a per=identity rate=1/1000ms burst=3 concurrency=1\nname=q per=identity quota=10/day\nname=b per=identity bytes=10/day",
    );
    let meters = Meters::new(Arc::clone(&journal) as Arc<dyn Journal>, MeterBounds::default());
    let hold = meters.reserve(&limits, &caller, after(0)).expect("a place").commit();
    journal.0.store(true, Ordering::Relaxed);
    assert_eq!(hold.charge_bytes(1, after(0)).map_err(|exhausted| exhausted.reason.code()), Err("reserve.fault"));
    drop(hold);
    assert_eq!(tried(&meters, &limits, &caller, after(0)), "reserve.fault q -");
    journal.0.store(false, Ordering::Relaxed);
    assert_eq!(tried(&meters, &limits, &caller, after(0)), "+");
    assert_eq!(tried(&meters, &limits, &caller, after(0)), "+", "the refused one cost no rate: this is the third of three");
}

#[test]
fn a_reload_keeps_what_was_counted() {
    let (meters, caller) = (meters(), facts("identity=a"));
    let before = limits("name=l per=identity rate=2/1000ms burst=4 quota=4/day");
    for _ in 0..3 {
        assert_eq!(tried(&meters, &before, &caller, after(0)), "+");
    }
    let wider = limits("name=l per=identity rate=3/1000ms burst=6 quota=6/day");
    assert_eq!(states(&meters.peek(&wider, &caller, after(0))).lines().next(), Some("l;q=6;w=2;qu=requests;r=1;t=1"));
    assert_eq!(tried(&meters, &wider, &caller, after(0)), "+");
    let narrower = limits("name=l per=identity quota=3/day");
    assert_eq!(tried(&meters, &narrower, &caller, after(0)), "reserve.quota_exceeded l 43200");
    let other_window = limits("name=l per=identity quota=3/hour");
    assert_eq!(tried(&meters, &other_window, &caller, after(0)), "+", "an hour's quota is another meter");
    assert_eq!(tried(&meters, &narrower, &caller, after(0)), "reserve.quota_exceeded l 43200", "and the day's is still there");
}

#[test]
fn sources_are_admitted_by_their_rate_and_failed_proofs_cost_more() {
    let limits =
        limits("name=s per=source rate=1/1000ms burst=20 quota=3/day\nname=only-anonymous per=source anonymous=true rate=1/1000ms");
    let (meters, thief, neighbour) = (meters(), "192.0.2.1".parse().expect("an address"), "192.0.2.2".parse().expect("an address"));
    let admitted = |source: IpAddr, now: Time| match meters.admit_source(&limits, source, now) {
        Ok(()) => "+".to_owned(),
        Err(refusal) => format!("{} {} {:?}", refusal.reason.code(), refusal.limit, refusal.retry_after_s),
    };
    assert_eq!(admitted(thief, after(0)), "+");
    meters.charge_failed_proof(&limits, thief, after(0));
    for _ in 0..9 {
        assert_eq!(admitted(thief, after(0)), "+");
    }
    assert_eq!(admitted(thief, after(0)), "source.limited s Some(1)");
    assert_eq!(admitted(neighbour, after(0)), "+");
    assert_eq!(admitted(thief, after(1_000_000)), "+");
    // The rate is not counted a second time in room 8, the quota is.
    let caller = facts("identity=a source=192.0.2.1");
    let answers: Vec<_> = (0..4).map(|_| tried(&meters, &limits, &caller, after(0))).collect();
    assert_eq!(answers, ["+", "+", "+", "reserve.quota_exceeded s 43200"]);
}

#[test]
fn a_line_of_ipv6_is_one_source_and_ipv4_is_itself_in_either_form() {
    let (limits, meters) = (limits("name=s per=source rate=1/60000ms burst=1"), meters());
    let admitted = |source: &str| meters.admit_source(&limits, source.parse().expect("an address"), after(0)).is_ok();
    assert!(admitted("2001:db8::1") && !admitted("2001:db8::ffff:2") && admitted("2001:db8:0:1::1"));
    assert!(admitted("192.0.2.1") && !admitted("::ffff:192.0.2.1"));
}

#[test]
fn unknown_sources_never_make_more_meters_than_bounded() {
    let limits = limits("name=s per=source rate=1/1000ms burst=3\nname=i per=identity rate=1/1000ms burst=1");
    let meters = Meters::new(Arc::new(Unrecorded), MeterBounds { named_max: 10, sources_max: 1000, ..MeterBounds::default() });
    let admitted = (0..100_000_u128).filter(|n| {
        let source = IpAddr::V6(Ipv6Addr::from((0x2001_0db8 << 96) | (n << 64)));
        meters.admit_source(&limits, source, after(0)).is_ok()
    });
    assert_eq!(admitted.count(), 1000 + 3, "a thousand of their own, and three of all the others together");
    assert_eq!(meters.len(), 1001);
    assert_eq!(tried(&meters, &limits, &facts("identity=known"), after(0)), "+", "identities have room of their own");
    assert_eq!(tried(&meters, &limits, &facts("source=192.0.2.1"), after(0)), "+", "the shared one of limit i");
    assert_eq!(tried(&meters, &limits, &facts("source=192.0.2.2"), after(0)), "reserve.rate_exceeded i 1");
    assert_eq!(meters.sweep(after(3_000_001)), 1003);
    assert!(meters.is_empty());
    assert!(meters.admit_source(&limits, "192.0.2.1".parse().expect("an address"), after(3_000_001)).is_ok());
    assert_eq!(meters.len(), 1);
}

#[test]
fn a_sweep_forgets_only_what_is_idle() {
    let limits = limits("name=l per=identity rate=1/1000ms burst=1 concurrency=9 quota=9/hour bytes=9/hour");
    let (meters, caller) = (meters(), facts("identity=a"));
    let hold = meters.reserve(&limits, &caller, after(0)).expect("a place").commit();
    assert_eq!(hold.charge_bytes(9, after(0)), Ok(()));
    assert_eq!(meters.sweep(after(1_000_000)), 0, "held");
    assert_eq!(meters.sweep(after(4_000_000_000)), 0, "held, however late");
    drop(hold);
    assert_eq!(meters.sweep(after(1_000_000)), 0, "the bucket is not quite full, the hour not over");
    assert_eq!(meters.sweep(after(1_000_001)), 1, "the bucket");
    assert_eq!(tried(&meters, &limits, &caller, after(1_000_001)), "reserve.bytes_exceeded l 3599");
    assert_eq!(meters.sweep(at("2026-11-22T13:00:00Z")), 3);
}

#[test]
fn of_many_threads_exactly_as_many_succeed_while_meters_are_swept() {
    let limits = limits(
        "name=l per=identity rate=300/3600000ms burst=300\nname=m per=api quota=1000/day concurrency=5\nname=o per=owner quota=800/day",
    );
    let (meters, running, most, done) = (meters(), AtomicI64::new(0), AtomicI64::new(0), AtomicBool::new(false));
    let won = AtomicU64::new(0);
    thread::scope(|scope| {
        let (meters, limits, running, most, won, done) = (&meters, &limits, &running, &most, &won, &done);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                meters.sweep(after(1));
                thread::yield_now();
            }
        });
        let threads: Vec<_> = (0..4)
            .map(|name| {
                scope.spawn(move || {
                    let caller = facts(&format!("identity=i{} owner=o", name % 3));
                    // Refused for the moment (a place) or for good (the rest): enough tries see all of it used up.
                    for attempt in 0..20_000_u64 {
                        let Ok(reservation) = meters.reserve(limits, &caller, after(0)) else { continue };
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        if attempt % 50 != 7 {
                            won.fetch_add(1, Ordering::Relaxed);
                            let hold = reservation.commit();
                            running.fetch_sub(1, Ordering::SeqCst);
                            drop(hold);
                        } else {
                            running.fetch_sub(1, Ordering::SeqCst);
                            drop(reservation);
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        done.store(true, Ordering::Relaxed);
    });
    let won = won.load(Ordering::Relaxed);
    assert!(most.load(Ordering::Relaxed) <= 5, "{most:?} at a time");
    let left: u64 = ["i0", "i1", "i2"]
        .iter()
        .map(|name| {
            let states = meters.peek(&limits, &facts(&format!("identity={name} owner=o")), after(0));
            states.iter().find(|state| &*state.policy == "l").map_or(300, |state| state.remaining)
        })
        .sum();
    let quota = meters.peek(&limits, &facts("identity=i0 owner=o"), after(0));
    let used = 800 - quota.iter().find(|state| &*state.policy == "o.quota").expect("a state").remaining;
    assert_eq!(used, won, "every success and nothing else is in the quota");
    assert!(won <= 800 && won <= 900 - left, "{won} won, {left} left of the rates");
    assert!(won == 800 || left == 0, "somebody was refused for nothing: {won} won, {left} left");
}

fn journaled(path: &Path, now: Time) -> (Meters, Arc<FileJournal>) {
    let (journal, opened) = FileJournal::open(path, now).expect("a journal");
    let journal = Arc::new(journal);
    let meters = Meters::new(Arc::clone(&journal) as Arc<dyn Journal>, MeterBounds::default());
    meters.restore(opened.records);
    (meters, journal)
}

#[test]
fn a_graceful_restart_is_exact_and_a_kill_loses_at_most_a_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("quotas");
    let limits = limits("name=l per=identity quota=50000/day\nname=b per=identity bytes=1000000000/month");
    let caller = facts("identity=a");
    let used = |meters: &Meters| {
        let states = meters.peek(&limits, &caller, after(0));
        let of = |unit: LimitUnit| states.iter().find(|state| state.unit == unit).map(|state| state.quota - state.remaining);
        [of(LimitUnit::Requests), of(LimitUnit::ContentBytes)].map(Option::unwrap_or_default)
    };
    let run = |meters: &Meters| {
        let hold = meters.reserve(&limits, &caller, after(0)).expect("a place").commit();
        hold.charge_bytes(700_000, after(0)).expect("bytes left");
    };
    let (meters, journal) = journaled(&path, after(0));
    run(&meters);
    run(&meters);
    journal.close(meters.checkpoint(), after(0)).expect("closed");
    drop((meters, journal));

    let (meters, journal) = journaled(&path, after(0));
    assert_eq!(used(&meters), [2, 1_400_000], "a graceful end");
    run(&meters);
    drop((meters, journal)); // kill -9

    let (meters, _journal) = journaled(&path, after(0));
    assert_eq!(used(&meters), [2 + 50, 1_400_000 + 1_000_000], "a kill: the whole of the last block");
}

/// One life of the process in the property below.
#[derive(Debug, Clone)]
struct Life {
    requests: usize,
    given_back: usize,
    graceful: bool,
    pause_s: i64,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let life = (0..60_usize, 0..4_usize, any::<bool>(), 0..40_i64).prop_map(|(requests, given_back, graceful, pause_s)| Life {
        requests,
        given_back,
        graceful,
        pause_s,
    });
    prop::collection::vec(life, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn over_restarts_and_kills_nobody_gains(count in prop_oneof![1..80_u64, 2000..9000_u64], lives in lives()) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("quotas");
        let limits = limits(&format!("name=l per=identity quota={count}/minute"));
        let caller = facts("identity=a");
        let (mut now, mut minute, mut won, mut lost) = (after(0), 0, 0_u64, 0_u64);
        for life in lives {
            now = Time::from_micros(now.as_micros() + life.pause_s * 1_000_000);
            if now.as_seconds() / 60 != minute {
                (minute, won, lost) = (now.as_seconds() / 60, 0, 0);
            }
            let (meters, journal) = journaled(&path, now);
            let used = count - meters.peek(&limits, &caller, now).first().expect("a state").remaining;
            prop_assert!(used >= won, "{} used, {} won", used, won);
            prop_assert!(used <= won + lost, "{} used, {} won, {} may be lost", used, won, lost);
            for at in 0..life.requests {
                let Ok(reservation) = meters.reserve(&limits, &caller, now) else { break };
                if at % 7 < life.given_back { drop(reservation) } else { drop(reservation.commit()); won += 1; }
            }
            prop_assert!(won <= count);
            if life.graceful {
                journal.close(meters.checkpoint(), now).expect("closed");
            } else {
                // A block, and what was under way at once: one.
                lost += (count / 1000).max(1) + 1;
            }
        }
    }
}

/// The naive model of three limits at once: a list of what happened.
#[derive(Default)]
struct Naive {
    rate: Vec<(usize, i64)>,
    quota: Vec<(i64, u64)>,
    running: Vec<u64>,
}

const MINUTE: i64 = 60_000_000;

impl Naive {
    /// 2 a second, burst 4, for the identity; 30 a minute and 3 at a time for all together.
    fn admits(&self, identity: usize, now: i64) -> bool {
        let mut level = 4 * 500_000_i64;
        let mut last = 0;
        for (_, when) in self.rate.iter().filter(|(who, _)| *who == identity) {
            level = (level + when - last).min(4 * 500_000) - 500_000;
            last = *when;
        }
        let level = (level + now - last).min(4 * 500_000);
        let here = self.quota.iter().filter(|(minute, _)| *minute == now.div_euclid(MINUTE)).count();
        level >= 500_000 && here < 30 && self.running.len() < 3
    }
}

enum Held {
    Open(Reservation),
    Ahead(Hold),
}

proptest! {
    #[test]
    fn reservations_interleave_as_the_naive_model_does(
        steps in prop::collection::vec((0..700_000_i64, 0..6_u8, 0..2_usize, 0..3_usize), 1..250),
    ) {
        let limits = limits("name=r per=identity rate=2/1000ms burst=4\nname=q per=api quota=30/minute concurrency=3");
        let callers = [facts("identity=a"), facts("identity=b")];
        let (meters, mut naive, mut held) = (meters(), Naive::default(), Vec::<(u64, i64, Held)>::new());
        let (mut now, mut number) = (0_i64, 0_u64);
        for (pause, step, who, which) in steps {
            now += pause;
            let minute = now.div_euclid(MINUTE);
            match step {
                0..=2 => {
                    let expected = naive.admits(who, now);
                    let reserved = meters.reserve(&limits, &callers[who], after(now));
                    prop_assert_eq!(reserved.is_ok(), expected, "at {}", now);
                    if let Ok(reservation) = reserved {
                        number += 1;
                        naive.rate.push((who, now));
                        naive.quota.push((minute, number));
                        naive.running.push(number);
                        held.push((number, minute, Held::Open(reservation)));
                    }
                }
                3 if which < held.len() => {
                    let (number, minute, place) = held.remove(which);
                    held.push((number, minute, match place { Held::Open(open) => Held::Ahead(open.commit()), ahead @ Held::Ahead(_) => ahead }));
                }
                4 if which < held.len() => {
                    let (number, minute, place) = held.remove(which);
                    naive.running.retain(|n| *n != number);
                    match place {
                        Held::Open(open) => {
                            naive.quota.retain(|taken| *taken != (minute, number));
                            drop(open);
                        }
                        Held::Ahead(hold) => prop_assert!(hold.charge_bytes(1, after(now)).is_ok(), "no limit of bytes"),
                    }
                }
                5 => { meters.sweep(after(now)); }
                _ => {}
            }
        }
    }
}

#[test]
fn absurd_clocks_and_counts_neither_panic_nor_open() {
    let max = u64::MAX;
    let limits = limits(&format!(
        "name=wide per=identity rate={max}/{max}ms burst={max} quota={max}/month concurrency=4294967295 bytes={max}/minute\n\
         name=narrow per=identity quota=1/month"
    ));
    let (meters, caller) = (meters(), facts("identity=a"));
    let mut won = 0;
    for now in [i64::MAX, i64::MIN, 0, i64::MAX, -1, i64::MAX - 1].map(Time::from_micros) {
        let Ok(reservation) = meters.reserve(&limits, &caller, now) else { continue };
        let hold = reservation.commit();
        assert!(hold.charge_bytes(max, now).is_err());
        assert!(hold.states(now).len() <= 4);
        won += 1;
        meters.sweep(now);
    }
    assert!(won <= 2, "{won} of one a month, over a clock that jumped forward once more");
}

#[test]
fn a_monthly_quota_is_there_once_in_each_month_of_thirty_years() {
    let (limits, meters, caller) = (limits("name=l per=identity quota=1/month"), meters(), facts("identity=a"));
    let first = at("1999-12-15").as_seconds();
    let won = (0..365 * 30).filter(|day| tried(&meters, &limits, &caller, Time::from_seconds(first + day * 86_400)) == "+").count();
    assert_eq!(won, 1 + 12 * 30, "from December 1999 to December 2029");
}
