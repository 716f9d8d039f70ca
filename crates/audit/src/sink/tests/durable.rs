//! Who waits for an event to be durable.

use super::{PATIENCE, disk, numbers, options, record, start_with};
use crate::{
    encode::tests::{NOON, honest},
    sink::{Counters, Log, Options},
};
use std::{
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::Duration,
};
use wardgate_model::event::{EventSink, NotDurable, Place, Share};

type Heard = Receiver<Result<(), NotDurable>>;

/// Records an event that is to be durable. Gives where it is told.
fn record_durable(log: &Arc<Log>) -> Heard {
    let sink: Arc<dyn EventSink> = Arc::clone(log) as Arc<dyn EventSink>;
    let (tell, told) = sync_channel(1);
    let place = Place::reserve(&sink, Share::Whole).expect("a place");
    place.record_durable(honest("/ledger/entries/7", NOON), Box::new(move |outcome| tell.send(outcome).expect("heard")));
    told
}

/// The window is an hour here: only who waits makes the log write.
#[test]
fn who_waits_for_an_event_to_be_durable_does_not_wait_for_the_window() {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, writer) = Log::start(directory.path(), &Options { window: Duration::from_secs(3_600), ..options(2_048) }).expect("starts");
    for round in 0..3 {
        record(&log).expect("a place");
        assert_eq!(record_durable(&log).recv_timeout(PATIENCE).expect("told"), Ok(()), "{round}");
        // It is in the file before anybody is told, and what came before it.
        assert_eq!(numbers(directory.path()), (1..=2 * (round + 1)).collect::<Vec<_>>());
    }
    // Whoever comes while the disk is busy goes together, from several threads too.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let heard: Vec<Heard> = (0..200).map(|_| record_durable(&log)).collect();
                assert!(heard.iter().all(|heard| heard.recv_timeout(PATIENCE) == Ok(Ok(()))));
            });
        }
    });
    assert_eq!(log.counters().written, 806);
    assert_eq!(writer.close(PATIENCE), Counters { written: 806, places: 2_048, ..Counters::default() });
}

#[test]
fn one_sync_is_for_all_who_wait_and_for_nobody_else_there_is_none() {
    let (disk, control) = disk(false);
    let (log, writer) = start_with(disk, &Options { window: Duration::from_secs(3_600), ..options(64) }).expect("starts");
    assert_eq!(record_durable(&log).recv_timeout(PATIENCE).expect("told"), Ok(()));
    assert_eq!(*control.synced.lock().expect("whole"), [1]);
    let synced = control.synced.lock().expect("whole");
    // The writer is held up in this sync, and all others wait for the next.
    let held = record_durable(&log);
    while control.records() < 2 {
        thread::yield_now();
    }
    let heard: Vec<Heard> = (0..20).map(|_| record_durable(&log)).collect();
    drop(synced);
    assert!([held].iter().chain(&heard).all(|heard| heard.recv_timeout(PATIENCE) == Ok(Ok(()))));
    assert_eq!(*control.synced.lock().expect("whole"), [1, 1, 20]);
    assert_eq!(writer.close(PATIENCE).written, 22);

    let (disk, control) = super::disk(false);
    let (log, writer) = start_with(disk, &options(64)).expect("starts");
    record(&log).expect("a place");
    while control.records() < 1 {
        thread::yield_now();
    }
    assert!(control.synced.lock().expect("whole").is_empty());
    assert_eq!(writer.close(PATIENCE).written, 1);
}

#[test]
fn on_a_full_disk_who_waits_is_told_and_the_event_is_kept() {
    let (disk, control) = disk(true);
    let (log, writer) = start_with(disk, &options(64)).expect("starts");
    let sink: Arc<dyn EventSink> = log.clone();
    let later = Place::reserve(&sink, Share::Whole).expect("a place");
    assert_eq!(record_durable(&log).recv_timeout(PATIENCE).expect("told"), Err(NotDurable));
    control.wait_for_two_refusals();
    // Who has a place already is told as well.
    let (tell, told) = sync_channel(1);
    later.record_durable(honest("/ledger/entries/8", NOON), Box::new(move |outcome| tell.send(outcome).expect("heard")));
    assert_eq!(told.recv_timeout(PATIENCE).expect("told"), Err(NotDurable));
    control.full.store(false, Ordering::SeqCst);
    assert_eq!(writer.close(PATIENCE).written, 2);
    assert_eq!(control.records(), 2);
}

#[test]
fn a_disk_that_loses_bytes_is_told_and_another_tail_begun() {
    let (disk, control) = disk(false);
    control.broken.store(true, Ordering::SeqCst);
    let (log, writer) = start_with(disk, &options(64)).expect("starts");
    assert_eq!(record_durable(&log).recv_timeout(PATIENCE).expect("told"), Err(NotDurable));
    assert_eq!(control.began.load(Ordering::SeqCst), 2);
    assert!(!log.counters().failing, "what need not be durable is taken as before");
    control.broken.store(false, Ordering::SeqCst);
    assert_eq!(record_durable(&log).recv_timeout(PATIENCE).expect("told"), Ok(()));
    assert_eq!(writer.close(PATIENCE).written, 2);
}

#[test]
fn who_waits_while_the_log_ends_is_answered() {
    let (disk, _control) = disk(false);
    let (log, writer) = start_with(disk, &options(64)).expect("starts");
    let sink: Arc<dyn EventSink> = log.clone();
    let places: Vec<Place> = (0..2).map(|_| Place::reserve(&sink, Share::Whole).expect("a place")).collect();
    drop(writer);
    let (tell, told) = sync_channel::<Result<(), NotDurable>>(1);
    for place in places {
        let tell = tell.clone();
        place.record_durable(honest("/ledger/entries/8", NOON), Box::new(move |outcome| tell.send(outcome).expect("heard")));
    }
    drop(tell);
    assert!(told.recv_timeout(PATIENCE).is_err(), "nobody is left to tell anything");
    assert_eq!(log.counters().lost, 2);
}
