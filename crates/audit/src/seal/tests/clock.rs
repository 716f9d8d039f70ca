//! A clock that is wrong takes nothing away, and what cannot be sealed is told.

use super::{PATIENCE, look, numbers, options, record, segments, start, until};
use crate::{directory::SEGMENTS, encode::tests::NOON, sink::Options};
use std::{fs, time::Duration};

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

fn retaining() -> Options {
    Options { retain: Some(30 * DAY), ..options(5) }
}

#[test]
fn a_clock_far_ahead_takes_nothing_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &retaining());
    record(&log, 6, NOON);
    until(|| log.counters().sealed == 1);
    let _ = writer.close(PATIENCE);

    // Of three starts with the clock a year ahead: the later ones find events of that time.
    for run in 0..3_u32 {
        let (log, writer) = start(path, &retaining());
        let now = NOON + 400 * DAY + HOUR * run;
        log.tell_time(now, HOUR);
        until(|| log.counters().clock_doubted == (run == 0));
        record(&log, 5, now);
        // It does all that it was told of before it ends.
        let counters = writer.close(PATIENCE);
        assert_eq!((counters.written, segments(path).first().map(String::as_str)), (5, Some("events-000000000001.parquet")), "run {run}");
    }
    assert_eq!(numbers(path), (1..=21).collect::<Vec<_>>());
    assert_eq!(look(path).findings, []);
}

#[test]
fn what_is_old_by_the_steady_clock_goes_after_a_standstill_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &retaining());
    record(&log, 6, NOON);
    until(|| log.counters().sealed == 1);
    let _ = writer.close(PATIENCE);
    let (log, writer) = start(path, &retaining());
    log.tell_time(NOON + 400 * DAY, HOUR);
    until(|| log.counters().clock_doubted);
    log.tell_time(NOON + 431 * DAY, HOUR + 31 * DAY);
    until(|| segments(path).is_empty());
    let _ = writer.close(PATIENCE);
    assert_eq!(look(path).findings, [], "what is gone was retired");
}

#[test]
fn a_clock_that_is_set_while_it_runs_takes_nothing_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &retaining());
    log.tell_time(NOON, HOUR);
    record(&log, 6, NOON);
    until(|| log.counters().sealed == 1);
    log.tell_time(NOON + 31 * DAY, 2 * HOUR);
    until(|| log.counters().clock_doubted);
    log.tell_time(NOON + 3 * HOUR, 3 * HOUR);
    until(|| !log.counters().clock_doubted);
    let _ = writer.close(PATIENCE);
    assert_eq!(numbers(path), (1..=6).collect::<Vec<_>>());
}

#[test]
fn a_segment_that_cannot_be_written_is_told_until_it_can() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(5));
    // Something that is no file stands in the way.
    let in_the_way = path.join(SEGMENTS).join("events-000000000001.parquet.new");
    fs::create_dir(&in_the_way).expect("made");
    record(&log, 6, NOON);
    until(|| log.counters().seal_failing);
    assert_eq!((log.counters().sealed, log.counters().failing), (0, false), "events are written all the same");
    fs::remove_dir(&in_the_way).expect("removed");
    until(|| !log.counters().seal_failing && log.counters().sealed == 1);
    let _ = writer.close(PATIENCE);
    assert_eq!(look(path).findings, []);
}
