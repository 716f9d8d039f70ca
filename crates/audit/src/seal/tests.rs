mod clock;
mod erasing;
mod put_back;

use super::{Seal, TAIL_NOTE, TailNote};
use crate::{
    columns::{Value, number},
    directory::SEGMENTS,
    encode::tests::{NOON, honest},
    hot::HEADER,
    note::{Trusted, tests::TestKey},
    reading::{self, Filter, Since},
    segment::find::{Predicate, Wanted},
    sink::{Log, Options, Writer},
    verify::{Asked, Depth, Report, verify},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::Duration,
};
use wardgate_model::{
    event::{EventSink, Place, Share},
    time::Time,
};

const PATIENCE: Duration = Duration::from_secs(20);
const EDGE: &str = "edge-1";

fn options(seal_events: u64) -> Options {
    let seal = Some(Seal(Arc::new(TestKey::new(&Seal::origin(EDGE), 7))));
    Options { seal_events, seal, window: Duration::from_millis(1), retry: Duration::from_millis(1), ..Options::new(EDGE) }
}

fn trusted() -> Trusted {
    TestKey::new(&Seal::origin(EDGE), 7).trusted()
}

fn start(path: &Path, options: &Options) -> (Arc<Log>, Writer) {
    Log::start(path, options).expect("starts")
}

fn record(log: &Arc<Log>, events: usize, time: Time) {
    let sink: Arc<dyn EventSink> = Arc::clone(log) as Arc<dyn EventSink>;
    for _ in 0..events {
        Place::reserve(&sink, Share::Whole).expect("a place").record(honest("/ledger/entries/7", time));
        until(|| log.counters().queued == 0);
    }
}

/// Tells the time, so long after noon: as a clock that runs since then does.
fn tell(log: &Log, since: Duration) {
    log.tell_time(NOON, Duration::ZERO);
    log.tell_time(NOON + since, since);
}

/// Waits for a state; a test that waits too long has failed.
fn until(so: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if so() {
            return;
        }
        thread::park_timeout(Duration::from_millis(1));
    }
    panic!("it did not come to that");
}

fn look(path: &Path) -> Report {
    verify(path, &Asked { trusted: &trusted(), remembered: None, depth: Depth::Records }, &mut |_| {}).expect("readable")
}

fn segments(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path.join(SEGMENTS)).expect("a folder").map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn numbers(path: &Path) -> Vec<u64> {
    let page = reading::tail(path, &Filter::default(), &Since::Newest, 1_000).expect("readable");
    assert_eq!(page.unreadable, 0);
    page.events.iter().map(|event| event.seq).collect()
}

/// Deleted while it is written, a log does not go on as if it were there: nothing is accepted until it can be written again.
#[test]
fn a_log_that_is_deleted_while_it_is_written_accepts_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log");
    let (log, writer) = start(&path, &options(100));
    record(&log, 5, NOON);
    fs::remove_dir_all(&path).expect("deleted");
    let sink: Arc<dyn EventSink> = Arc::clone(&log) as Arc<dyn EventSink>;
    let place = || Place::reserve(&sink, Share::Whole);
    place().expect("nobody has noticed yet").record(honest("/ledger/entries/7", NOON));
    until(|| log.counters().failing);
    assert!(place().is_err());
    fs::create_dir(&path).expect("made again");
    until(|| !log.counters().failing);
    record(&log, 1, NOON);
    let page = reading::tail(&path, &Filter::default(), &Since::Oldest, 10).expect("readable");
    assert_eq!(page.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [6, 7], "the numbers go on: those that are lost are a gap");
    let _ = writer.close(PATIENCE);
}

#[test]
fn full_tails_are_sealed_and_the_log_is_whole_at_every_moment() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    for run in 0..3_u64 {
        let (log, writer) = start(path, &options(10));
        record(&log, 25, NOON);
        // Of full tails, all but what the run before left in the newest.
        until(|| log.counters().sealed >= 2);
        assert_eq!(writer.close(PATIENCE).written, 25);
        assert_eq!(look(path).findings, [], "run {run}");
        assert_eq!(numbers(path), (1..=25 * (run + 1)).collect::<Vec<_>>());
    }
    let report = look(path);
    assert_eq!((report.sealed + report.in_tails, report.unsigned, report.torn), (75, 0, false));
    assert_eq!(segments(path).first().map(String::as_str), Some("events-000000000001.parquet"));
    let note = TailNote::read(&path.join(TAIL_NOTE), EDGE, &trusted().keys).expect("readable").expect("a note");
    assert_eq!(note.first + note.held.events, 76, "all of the tail is signed when the log was closed");
    for file in [path.join("tail.note"), path.join(SEGMENTS).join("events-000000000001.parquet")] {
        assert_eq!(fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600, "for its owner alone");
    }
}

#[test]
fn pages_and_cursors_go_through_segments_and_tail() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(10));
    record(&log, 35, NOON);
    until(|| log.counters().sealed == 3);
    drop(writer);
    let (mut seen, mut since) = (Vec::new(), Since::Oldest);
    for _ in 0..20 {
        let page = reading::tail(path, &Filter::default(), &since, 3).expect("readable");
        seen.extend(page.events.iter().map(|event| event.seq));
        since = Since::After(page.cursor.expect("a cursor"));
    }
    assert_eq!(seen, (1..=35).collect::<Vec<_>>());
    let newest = reading::tail(path, &Filter::default(), &Since::Newest, 12).expect("readable");
    assert_eq!(newest.events.iter().map(|event| event.seq).collect::<Vec<_>>(), (24..=35).collect::<Vec<_>>());
    let filter = Filter { identity: Some("nobody".into()), ..Filter::default() };
    assert_eq!(reading::tail(path, &filter, &Since::Newest, 12).expect("readable").events, []);
    let id = honest("/", NOON).facts.id;
    assert!(reading::find(path, id).expect("readable").is_some());
}

#[test]
fn a_tail_that_was_changed_is_not_sealed_and_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(1_000));
    record(&log, 5, NOON);
    let _ = writer.close(PATIENCE);
    // Somebody takes the last two records out, cleanly: what is left reads well.
    let tail = path.join("tail-000000000001.wgl");
    let bytes = fs::read(&tail).expect("readable");
    let mut end = bytes.len();
    for _ in 0..2 {
        end = crate::hot::frame_before(&bytes, end).expect("a frame").0;
    }
    assert!(end > HEADER.len());
    fs::write(&tail, &bytes[..end]).expect("writable");
    assert_ne!(look(path).findings, []);
    // A gate that goes on with it seals what comes later, and never that.
    let (log, writer) = start(path, &options(3));
    record(&log, 4, NOON);
    until(|| log.counters().unsealed == 1);
    let _ = writer.close(PATIENCE);
    assert!(tail.exists());
    assert_ne!(look(path).findings, []);
}

#[test]
fn an_erasure_says_which_tail_it_left_and_does_not_wait_for_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(3));
    record(&log, 5, NOON);
    let _ = writer.close(PATIENCE);
    fs::write(path.join("tail-000000000004.wgl"), HEADER).expect("writable");
    let (log, writer) = start(path, &options(3));
    let (sender, receiver) = sync_channel(1);
    let done =
        Box::new(move |erased: Result<u64, super::SealError>| sender.send(erased.map_err(|error| error.to_string())).expect("waited for"));
    log.erase(Wanted::default(), "asked for", done).expect("a place");
    let told = receiver.recv_timeout(PATIENCE).expect("told");
    assert!(told.as_ref().is_err_and(|error| error.contains("tail-000000000004.wgl")), "{told:?}");
    let _ = writer.close(PATIENCE);
    let page = reading::tail(path, &Filter::default(), &Since::Oldest, 3).expect("readable");
    assert!(page.events.iter().all(|event| event.path.is_none()), "what is sealed is erased");
}

#[test]
fn a_tail_whose_note_was_taken_away_is_not_signed_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(1_000));
    record(&log, 5, NOON);
    let _ = writer.close(PATIENCE);
    fs::remove_file(path.join("tail.note")).expect("removed");
    for _ in 0..2 {
        let (log, writer) = start(path, &options(3));
        record(&log, 4, NOON);
        until(|| log.counters().unsealed == 1);
        let _ = writer.close(PATIENCE);
        assert!(path.join("tail-000000000001.wgl").exists());
        assert_ne!(look(path).findings, []);
    }
    assert_eq!(numbers(path), (1..=13).collect::<Vec<_>>());
}

#[test]
fn a_log_that_was_never_written_to_is_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let (_log, writer) = start(directory.path(), &options(10));
    let _ = writer.close(PATIENCE);
    let report = look(directory.path());
    assert_eq!((report.findings.as_slice(), report.sealed, report.in_tails), ([].as_slice(), 0, 0));
}

#[test]
fn what_the_log_says_was_retired_goes_at_the_next_start() {
    const DAY: Duration = Duration::from_secs(86_400);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let retaining = Options { retain: Some(DAY), ..options(5) };
    let (log, writer) = start(path, &retaining);
    record(&log, 6, NOON);
    until(|| log.counters().sealed == 1);
    let segment = path.join(SEGMENTS).join("events-000000000001.parquet");
    let bytes = fs::read(&segment).expect("readable");
    tell(&log, DAY * 2);
    until(|| !segment.exists());
    let _ = writer.close(PATIENCE);
    // As a machine leaves it that stops between the entry and the file.
    fs::write(&segment, bytes).expect("writable");
    assert_ne!(look(path).findings, []);
    let (_log, writer) = start(path, &retaining);
    assert!(!segment.exists());
    let _ = writer.close(PATIENCE);
    assert_eq!(look(path).findings, []);
}

#[test]
fn a_tail_put_within_what_is_sealed_is_not_signed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(10));
    record(&log, 25, NOON);
    until(|| log.counters().sealed == 2);
    let _ = writer.close(PATIENCE);
    let put = path.join("tail-000000000005.wgl");
    fs::copy(path.join("tail-000000000021.wgl"), &put).expect("copied");
    let before = look(path).checkpoint.expect("a checkpoint").size;
    let (log, writer) = start(path, &options(100));
    until(|| log.counters().unsealed == 1);
    let _ = writer.close(PATIENCE);
    assert!(put.exists());
    let report = look(path);
    assert_eq!(report.checkpoint.expect("a checkpoint").size, before);
    assert_ne!(report.findings, []);
}

#[test]
fn what_was_kept_long_enough_goes_and_the_log_says_so() {
    const DAY: Duration = Duration::from_secs(86_400);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &Options { retain: Some(2 * DAY), ..options(5) });
    for day in 0..4_u32 {
        record(&log, 5, NOON + DAY * day);
    }
    until(|| log.counters().sealed == 3);
    assert_eq!(segments(path).len(), 3);
    tell(&log, DAY * 2 + Duration::from_secs(60));
    until(|| segments(path) == ["events-000000000006.parquet", "events-000000000011.parquet"]);
    let _ = writer.close(PATIENCE);
    assert_eq!(look(path).findings, [], "what is gone was retired");
    // The same by hand is no retirement.
    fs::remove_file(path.join(SEGMENTS).join("events-000000000006.parquet")).expect("removed");
    assert_ne!(look(path).findings, []);
}

#[test]
fn what_tells_of_a_person_is_erased_everywhere_and_the_log_stays_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(10));
    record(&log, 25, NOON);
    let address = honest("/", NOON).facts.source.address.to_string();
    let wanted = Wanted { either: vec![vec![Predicate::text("source", &address).expect("a column")]], ..Wanted::default() };
    let (sender, receiver) = sync_channel(1);
    let done =
        Box::new(move |erased: Result<u64, super::SealError>| sender.send(erased.map_err(|error| error.to_string())).expect("waited for"));
    log.erase(wanted, "asked for by the person", done).expect("a place");
    assert_eq!(receiver.recv_timeout(PATIENCE).expect("told"), Ok(25), "what was in the tail too");
    record(&log, 1, NOON);
    let _ = writer.close(PATIENCE);
    assert_eq!(look(path).findings, []);
    let page = reading::tail(path, &Filter::default(), &Since::Oldest, 100).expect("readable");
    assert_eq!(page.events.len(), 26);
    for event in &page.events[..25] {
        assert_eq!(event.path, None);
        assert_eq!(event.source.as_ref().and_then(|source| source.address.clone()), None);
        assert!(event.identity.is_some(), "what tells of no person is still there");
    }
    let column = number("source").expect("a column");
    assert!(matches!(&crate::columns::row(&page.events[25])[column], Some(Value::Text(_))), "what came later was not asked for");
}

#[test]
fn who_follows_while_it_is_sealed_misses_nothing_and_sees_nothing_twice() {
    const EVENTS: u64 = 150;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(3));
    let (ended, seen) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut since = Since::Oldest;
            loop {
                let last = ended.load(Ordering::SeqCst);
                let page = reading::tail(path, &Filter::default(), &since, 7).expect("readable");
                let all = page.events.is_empty();
                seen.lock().unwrap().extend(page.events.iter().map(|event| event.seq));
                since = page.cursor.map_or(Since::Oldest, Since::After);
                if all && last {
                    break;
                }
            }
        });
        for number in 0..EVENTS {
            record(&log, 1, NOON);
            if number % 10 == 9 {
                let newest = reading::tail(path, &Filter::default(), &Since::Newest, 5).expect("readable");
                let numbers: Vec<u64> = newest.events.iter().map(|event| event.seq).collect();
                assert_eq!(numbers, (number - 3..=number + 1).collect::<Vec<_>>());
            }
        }
        ended.store(true, Ordering::SeqCst);
    });
    assert_eq!(*seen.lock().unwrap(), (1..=EVENTS).collect::<Vec<_>>());
    let _ = writer.close(PATIENCE);
    assert_eq!(look(path).findings, []);
}

#[test]
fn an_old_tail_is_sealed_while_no_event_comes() {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, writer) = start(directory.path(), &Options { seal_after: Duration::from_secs(60), ..options(100) });
    record(&log, 3, NOON);
    until(|| log.counters().written == 3);
    assert_eq!(log.counters().sealed, 0);
    tell(&log, Duration::from_secs(3_600));
    until(|| log.counters().sealed == 1);
    let _ = writer.close(PATIENCE);
    let report = look(directory.path());
    assert_eq!((report.findings.as_slice(), report.sealed, report.in_tails), ([].as_slice(), 3, 0));
}
