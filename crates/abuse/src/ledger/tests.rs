use super::{Allowance, Ledger, Short};
use crate::{
    calendar,
    journal::{Journal, JournalFault, Unrecorded},
    key::{Counted, MeterKey, Subject, SubjectName},
    testing::at,
};
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    num::NonZeroU64,
    sync::{
        Barrier, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};
use wardgate_model::{
    id::LimitName,
    limit::{Per, Quota, Window},
    time::Time,
};

fn ledger(window: Window) -> Ledger {
    let subject = Subject { per: Per::Identity, name: SubjectName::Text("a".into()) };
    Ledger::new(MeterKey::new(LimitName::literal("l"), Counted::Quota(window), subject))
}

fn quota(count: u64, window: Window) -> Quota {
    Quota { count: NonZeroU64::new(count).expect("a count"), window }
}

/// A journal in memory: the last ceiling, and whether writing works.
#[derive(Default)]
struct Remembered {
    last: Mutex<Option<(Time, u64)>>,
    raises: AtomicU64,
    broken: AtomicBool,
}

impl Journal for Remembered {
    fn raise(&self, _: &MeterKey, window_start: Time, ceiling: u64) -> Result<(), JournalFault> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(JournalFault::Closed);
        }
        *self.last.lock().expect("unpoisoned") = Some((window_start, ceiling));
        self.raises.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_quota_is_exact_and_begins_anew_with_its_window() {
    let (ledger, allowed) = (ledger(Window::Month), Allowance::requests(&quota(3, Window::Month)));
    let take = |now: &str| ledger.take(1, &allowed, &Unrecorded, at(now)).is_ok();
    assert!(take("2028-02-01") && take("2028-02-10T12:00:00Z") && take("2028-02-29T23:59:59.999999Z"));
    assert!(!take("2028-02-29T23:59:59.999999Z"));
    assert!(take("2028-03-01"));
    assert_eq!(ledger.standing(Window::Month, at("2028-03-31")).used, 1);
    assert_eq!(ledger.standing(Window::Month, at("2028-04-01")).used, 0);
}

#[test]
fn what_is_given_back_after_its_window_is_nobodys() {
    let (ledger, allowed) = (ledger(Window::Minute), Allowance::requests(&quota(2, Window::Minute)));
    let token = ledger.take(1, &allowed, &Unrecorded, at("2026-11-22T00:00:59Z")).expect("a place");
    let second = ledger.take(1, &allowed, &Unrecorded, at("2026-11-22T00:01:00Z")).expect("a place");
    ledger.give_back(1, token);
    assert_eq!(ledger.standing(Window::Minute, at("2026-11-22T00:01:00Z")).used, 1);
    ledger.give_back(1, second);
    assert_eq!(ledger.standing(Window::Minute, at("2026-11-22T00:01:00Z")).used, 0);
}

#[test]
fn a_clock_set_back_gives_no_fresh_window() {
    let (ledger, allowed) = (ledger(Window::Hour), Allowance::requests(&quota(5, Window::Hour)));
    let take = |now: &str| ledger.take(1, &allowed, &Unrecorded, at(now)).is_ok();
    assert!(take("2026-11-22T12:00:00Z") && take("2026-11-22T12:30:00Z"));
    assert!(take("2026-11-22T11:59:00Z"), "a little late: counts in the later hour");
    assert_eq!(ledger.standing(Window::Hour, at("2026-11-22T12:30:00Z")).used, 3);
    assert!(take("2026-11-20T00:00:00Z"), "two days back: the hour of then goes on from 3");
    assert_eq!(ledger.standing(Window::Hour, at("2026-11-20T00:30:00Z")).used, 4);
    assert!(take("2026-11-20T00:59:59Z") && !take("2026-11-20T00:59:59Z"));
    assert!(take("2026-11-20T01:00:00Z"), "and the next hour is a new one: nobody is locked out until the 22nd");
}

#[test]
fn at_the_ends_of_time_a_window_stands_still() {
    for now in [i64::MIN, i64::MAX] {
        let (ledger, allowed) = (ledger(Window::Minute), Allowance::requests(&quota(2, Window::Minute)));
        let take = || ledger.take(1, &allowed, &Unrecorded, Time::from_micros(now)).is_ok();
        assert_eq!([take(), take(), take(), take()], [true, true, false, false]);
    }
}

#[test]
fn counts_without_bound_do_not_overflow() {
    let (ledger, allowed) = (ledger(Window::Minute), Allowance::bytes(&quota(u64::MAX, Window::Minute)));
    for minute in 0..10 {
        let now = Time::from_seconds(1_800_000_000 + minute * 60);
        assert_eq!(ledger.spend(u64::MAX, &allowed, &Unrecorded, now), Err(Short::Full));
        assert_eq!(ledger.standing(Window::Minute, now).used, allowed.count);
        assert_eq!(ledger.spend(1, &allowed, &Unrecorded, now), Err(Short::Full));
    }
}

#[test]
fn bytes_that_pass_over_the_end_use_it_up() {
    let (ledger, allowed) = (ledger(Window::Day), Allowance::bytes(&quota(100, Window::Day)));
    let now = at("2026-11-22T01:00:00Z");
    assert_eq!(ledger.spend(60, &allowed, &Unrecorded, now), Ok(()));
    assert_eq!(ledger.spend(60, &allowed, &Unrecorded, now), Err(Short::Full));
    assert_eq!(ledger.standing(Window::Day, now).used, 100);
    assert_eq!(ledger.spend(100, &allowed, &Unrecorded, at("2026-11-23T00:00:00Z")), Ok(()));
}

#[test]
fn a_block_is_journaled_once_and_before_it_is_used() {
    let (ledger, allowed, journal) = (ledger(Window::Day), Allowance::requests(&quota(100_000, Window::Day)), Remembered::default());
    for used in 1..=1000 {
        assert!(ledger.take(1, &allowed, &journal, at("2026-11-22")).is_ok());
        let (start, ceiling) = journal.last.lock().expect("unpoisoned").expect("a record");
        assert_eq!(start, at("2026-11-22"));
        assert!(used <= ceiling && ceiling - used < 100, "{used} used, {ceiling} journaled");
    }
    assert_eq!(journal.raises.load(Ordering::Relaxed), 10);
}

#[test]
fn without_a_journal_nothing_is_given_and_it_heals() {
    let (ledger, allowed, journal) = (ledger(Window::Day), Allowance::requests(&quota(2000, Window::Day)), Remembered::default());
    let take = || ledger.take(1, &allowed, &journal, at("2026-11-22"));
    assert!(take().is_ok());
    journal.broken.store(true, Ordering::Relaxed);
    assert!(take().is_ok(), "the block of 2 was written");
    assert_eq!(take(), Err(Short::Fault));
    assert_eq!(ledger.take(1, &allowed, &journal, at("2026-11-23")), Err(Short::Fault), "a new window needs a record too");
    journal.broken.store(false, Ordering::Relaxed);
    assert!(ledger.take(1, &allowed, &journal, at("2026-11-23")).is_ok());
    assert_eq!(ledger.standing(Window::Day, at("2026-11-23")).used, 1);
}

#[test]
fn of_many_threads_exactly_as_many_succeed_as_the_quota_has() {
    let (ledger, journal) = (ledger(Window::Day), Remembered::default());
    let allowed = Allowance::requests(&quota(20_000, Window::Day));
    let won: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..5_000).filter(|_| ledger.take(1, &allowed, &journal, at("2026-11-22")).is_ok()).count()))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic") as u64).sum()
    });
    assert_eq!(won, 20_000);
    assert_eq!(journal.last.lock().expect("unpoisoned").expect("a record").1, 20_000);
}

#[test]
fn threads_that_cross_windows_never_win_more_than_each_has() {
    // Threads meet at second 30 of each minute and cross its end each at its own pace, giving a third back: who is late counts in
    // the later window.
    let meeting = Barrier::new(8);
    let (ledger, journal) = (ledger(Window::Minute), Remembered::default());
    let allowed = Allowance::requests(&quota(50, Window::Minute));
    let won: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let (ledger, journal, allowed, meeting) = (&ledger, &journal, &allowed, &meeting);
                scope.spawn(move || {
                    let mut kept = 0;
                    for step in 0..40 * 60 {
                        if step % 60 == 30 {
                            meeting.wait();
                        }
                        let now = Time::from_seconds(1_800_000_000 + step);
                        if let Ok(token) = ledger.take(1, allowed, journal, now) {
                            if (step + thread) % 3 == 0 { ledger.give_back(1, token) } else { kept += 1 }
                        }
                    }
                    kept
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert!(won > 0 && won <= 40 * 50, "{won} of {}", 40 * 50);
    let (_, ceiling) = journal.last.lock().expect("unpoisoned").expect("a record");
    assert!(ledger.standing(Window::Minute, Time::from_seconds(1_800_000_000 + 40 * 60 - 1)).used <= ceiling);
}

#[derive(Debug, Clone)]
enum Step {
    Pause(i64),
    Take(u64),
    Spend(u64),
    GiveBack(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..40_000_000_000_i64).prop_map(Step::Pause),
        (1..5_u64).prop_map(Step::Take),
        (1..40_u64).prop_map(Step::Spend),
        (0..8_usize).prop_map(Step::GiveBack),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    #[test]
    fn it_counts_as_a_map_of_windows_does(count in 1..60_u64, window in prop::sample::select(Window::ALL), steps in steps()) {
        let (ledger, journal) = (ledger(window), Remembered::default());
        let allowed = Allowance::requests(&quota(count, window));
        let mut used: BTreeMap<i64, u64> = BTreeMap::new();
        let mut tokens = Vec::new();
        let mut now = Time::from_seconds(1_830_000_000);
        for step in steps {
            let start = calendar::span(window, now).start;
            let here = used.entry(start).or_default();
            match step {
                Step::Pause(micros) => now = Time::from_micros(now.as_micros() + micros),
                Step::Take(n) => {
                    let taken = ledger.take(n, &allowed, &journal, now);
                    prop_assert_eq!(taken.is_ok(), *here + n <= count);
                    if let Ok(token) = taken {
                        *here += n;
                        tokens.push((token, start, n));
                    }
                }
                Step::Spend(n) => {
                    prop_assert_eq!(ledger.spend(n, &allowed, &journal, now).is_ok(), *here + n <= count);
                    *here = (*here + n).min(count);
                }
                Step::GiveBack(at) if at < tokens.len() => {
                    let (token, start, n) = tokens.remove(at);
                    ledger.give_back(n, token);
                    if ledger.start.load(Ordering::Relaxed) == start {
                        *used.entry(start).or_default() -= n;
                    }
                }
                Step::GiveBack(_) => {}
            }
            let start = calendar::span(window, now).start;
            prop_assert_eq!(ledger.standing(window, now).used, used.get(&start).copied().unwrap_or(0));
            if let Some((_, ceiling)) = *journal.last.lock().expect("unpoisoned") {
                prop_assert!(ledger.record().is_none_or(|(_, used)| used <= ceiling));
            }
        }
    }
}
