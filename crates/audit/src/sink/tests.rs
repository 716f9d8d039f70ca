mod durable;
mod kinds;
mod slow;

use super::{Counters, Fullness, Log, Options, scribe::BATCH_EVENTS_MAX};
use crate::{
    directory::{Append, Batch, Found, Standing},
    encode::tests::{NOON, honest, stranger},
    reading::{self, Filter, Since},
    segment::find::Wanted,
};
use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};
use wardgate_model::{
    event::{EventSink, NoPlace, Place, Share},
    reason::Reason,
    time::Time,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn options(queue_events: usize) -> Options {
    Options { queue_events, window: Duration::from_millis(1), retry: Duration::from_millis(1), ..Options::new("edge-1") }
}

fn record(log: &Arc<Log>) -> Result<(), NoPlace> {
    let sink: Arc<dyn EventSink> = Arc::clone(log) as Arc<dyn EventSink>;
    Place::reserve(&sink, Share::Whole).map(|place| place.record(honest("/ledger/entries/7", NOON)))
}

fn start_with(disk: Box<Disk>, options: &Options) -> io::Result<(Arc<Log>, super::Writer)> {
    Log::start_with(disk, &Found { next_seq: 1, torn_bytes: 0 }, options, None, Arc::default(), None)
}

/// The numbers of all events in the directory, in the order of the files.
fn numbers(directory: &Path) -> Vec<u64> {
    let page = reading::tail(directory, &Filter::default(), &Since::Oldest, usize::MAX).expect("readable");
    assert_eq!(page.unreadable, 0);
    page.events.iter().map(|event| event.seq).collect()
}

/// A disk that fills up and is emptied when told to. Says each time it was asked to write.
struct Disk {
    /// Whether it cannot be synced.
    broken: Arc<AtomicBool>,
    /// How many records each sync was for, since the one before.
    synced: Arc<Mutex<Vec<usize>>>,
    full: Arc<AtomicBool>,
    records: Arc<AtomicUsize>,
    began: Arc<AtomicU64>,
    asked: SyncSender<bool>,
}

struct DiskControl {
    broken: Arc<AtomicBool>,
    synced: Arc<Mutex<Vec<usize>>>,
    full: Arc<AtomicBool>,
    records: Arc<AtomicUsize>,
    /// The first number of the last tail that was begun.
    began: Arc<AtomicU64>,
    asked: Receiver<bool>,
}

impl DiskControl {
    /// Waits until a write was refused, and then until the next one was: by then the log knows of the first.
    fn wait_for_two_refusals(&self) {
        for _ in 0..2 {
            while self.asked.recv_timeout(PATIENCE).expect("the log tries again") {}
        }
    }

    fn records(&self) -> usize {
        self.records.load(Ordering::SeqCst)
    }
}

impl Append for Disk {
    fn append(&mut self, batch: &Batch, _: u64, _: Time) -> io::Result<()> {
        let full = self.full.load(Ordering::SeqCst);
        // Nobody may be listening any more.
        let _ = self.asked.try_send(!full);
        if full {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.records.fetch_add(batch.leaves.len(), Ordering::SeqCst);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("lost"));
        }
        let mut synced = self.synced.lock().expect("whole");
        let before: usize = synced.iter().sum();
        synced.push(self.records.load(Ordering::SeqCst) - before);
        Ok(())
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn recount(&mut self) -> io::Result<u64> {
        Ok(0)
    }

    fn begin_another(&mut self, first_seq: u64) -> io::Result<()> {
        self.began.store(first_seq, Ordering::SeqCst);
        Ok(())
    }

    fn is_old(&self, _: Time) -> bool {
        false
    }

    fn standing(&self) -> Option<Standing> {
        None
    }
}

fn disk(full: bool) -> (Box<Disk>, DiskControl) {
    let (asked, ask) = sync_channel(1_024);
    let (full, records) = (Arc::new(AtomicBool::new(full)), Arc::new(AtomicUsize::new(0)));
    let began = Arc::new(AtomicU64::new(0));
    let (broken, synced) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<usize>>>::default());
    let disk = Disk {
        broken: Arc::clone(&broken),
        synced: Arc::clone(&synced),
        full: Arc::clone(&full),
        records: Arc::clone(&records),
        began: Arc::clone(&began),
        asked,
    };
    (Box::new(disk), DiskControl { broken, synced, full, records, began, asked: ask })
}

#[test]
fn events_are_numbered_without_gaps_over_restarts() {
    let directory = tempfile::tempdir().expect("a directory");
    for run in 0..3 {
        let (log, writer) = Log::start(directory.path(), &options(64)).expect("starts");
        for _ in 0..5 {
            record(&log).expect("a place");
        }
        assert_eq!(writer.close(PATIENCE), Counters { written: 5, places: 64, ..Counters::default() }, "run {run}");
    }
    assert_eq!(numbers(directory.path()), (1..=15).collect::<Vec<_>>());
}

/// Events wait a moment for each other; whoever reads does not wait for that.
#[test]
fn who_reads_is_told_when_what_was_recorded_before_can_be_read() {
    let directory = tempfile::tempdir().expect("a directory");
    // Longer than anybody waits here.
    let (log, writer) = Log::start(directory.path(), &Options { window: PATIENCE * 10, ..options(64) }).expect("starts");
    let told = |log: &Log| {
        let (tell, told) = sync_channel(1);
        log.when_written(Box::new(move || tell.send(()).expect("somebody waits")));
        told
    };
    for count in 1..=3 {
        record(&log).expect("a place");
        told(&log).recv_timeout(PATIENCE).expect("told");
        assert_eq!(numbers(directory.path()), (1..=count).collect::<Vec<_>>());
    }
    told(&log).recv_timeout(PATIENCE).expect("told where there is nothing new");
    assert_eq!(writer.close(PATIENCE).written, 3);
    assert!(told(&log).recv_timeout(PATIENCE).is_err(), "nobody is left to tell");
}

#[test]
fn a_torn_record_is_cut_off_counted_and_its_number_given_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, writer) = Log::start(directory.path(), &options(64)).expect("starts");
    record(&log).expect("a place");
    record(&log).expect("a place");
    assert_eq!(writer.close(PATIENCE).written, 2);

    let file = directory.path().join("tail-000000000001.wgl");
    let text = std::fs::read(&file).expect("readable");
    std::fs::write(&file, &text[..text.len() - 10]).expect("writable");
    let (log, writer) = Log::start(directory.path(), &options(64)).expect("starts");
    record(&log).expect("a place");
    let counters = writer.close(PATIENCE);
    assert!(counters.torn_bytes > 100, "{counters:?}");
    assert_eq!(numbers(directory.path()), [1, 2]);
}

#[test]
fn a_full_queue_gives_no_place_and_a_returned_one_can_be_had_again() {
    let (disk, _control) = disk(false);
    let (log, _writer) = start_with(disk, &options(3)).expect("starts");
    let sink: Arc<dyn EventSink> = log.clone();
    let mut places: Vec<Place> = (0..3).map(|_| Place::reserve(&sink, Share::Whole).expect("a place")).collect();
    assert_eq!(Place::reserve(&sink, Share::Whole).map(|_| ()), Err(NoPlace));
    assert_eq!(log.record_change(kinds::change("revoke", "credential")), Err(NoPlace));
    places.pop();
    assert_eq!(log.counters().queued, 2);
    places.push(Place::reserve(&sink, Share::Whole).expect("the returned place"));
    assert_eq!(Place::reserve(&sink, Share::Whole).map(|_| ()), Err(NoPlace));
    sink.count_dropped();
    assert_eq!(log.counters(), Counters { dropped: 1, queued: 3, places: 3, ..Counters::default() });
}

#[test]
fn a_tail_that_is_ended_on_a_full_disk_is_followed_by_what_was_not_yet_written() {
    let (disk, control) = disk(true);
    let (log, writer) = start_with(disk, &options(8)).expect("starts");
    record(&log).expect("a place");
    control.wait_for_two_refusals();
    log.erase(Wanted::default(), "asked for", Box::new(|_| {})).expect("a place");
    while control.began.load(Ordering::SeqCst) == 0 {
        control.wait_for_two_refusals();
    }
    assert_eq!(control.began.load(Ordering::SeqCst), 1, "the first event still waits to be written");
    control.full.store(false, Ordering::SeqCst);
    assert_eq!(writer.close(PATIENCE).written, 1);
}

#[test]
fn what_is_refused_leaves_half_of_the_queue_to_what_is_permitted() {
    let (disk, _control) = disk(false);
    let (log, _writer) = start_with(disk, &options(4)).expect("starts");
    let sink: Arc<dyn EventSink> = log;
    let refused: Vec<_> = std::iter::from_fn(|| Place::reserve(&sink, Share::Half).ok()).take(9).collect();
    assert_eq!(refused.len(), 2);
    let permitted: Vec<_> = std::iter::from_fn(|| Place::reserve(&sink, Share::Whole).ok()).take(9).collect();
    assert_eq!(permitted.len(), 2);
}

/// Many threads at a small queue: never more places out than there are, and every event that had one is written.
#[test]
fn places_are_exact_under_threads() {
    const PLACES: usize = 7;
    let directory = tempfile::tempdir().expect("a directory");
    let (log, writer) = Log::start(directory.path(), &options(PLACES)).expect("starts");
    let (out, recorded, refused) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for worker in 0..8 {
            let sink: Arc<dyn EventSink> = log.clone();
            let (out, recorded, refused) = (&out, &recorded, &refused);
            scope.spawn(move || {
                for turn in 0..500 {
                    let Ok(place) = Place::reserve(&sink, Share::Whole) else {
                        refused.fetch_add(1, Ordering::SeqCst);
                        sink.count_dropped();
                        thread::yield_now();
                        continue;
                    };
                    assert!(out.fetch_add(1, Ordering::SeqCst) < PLACES, "more places than there are");
                    out.fetch_sub(1, Ordering::SeqCst);
                    if (turn + worker) % 3 == 0 {
                        drop(place);
                    } else {
                        place.record(stranger("/nowhere", Reason::RouteNoApi, NOON));
                        recorded.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let counters = writer.close(PATIENCE);
    let (recorded, refused) = (recorded.into_inner() as u64, refused.into_inner() as u64);
    assert_eq!(counters, Counters { written: recorded, dropped: refused, places: PLACES, ..Counters::default() });
    assert_eq!(numbers(directory.path()), (1..=recorded).collect::<Vec<_>>());
    assert!(recorded > 0);
}

/// A full disk: nothing more is accepted, nothing is lost, and all is written once there is room again.
#[test]
fn while_the_disk_is_full_nothing_is_accepted_and_nothing_lost() {
    let (disk, control) = disk(true);
    let (log, writer) = start_with(disk, &options(64)).expect("starts");
    let sink: Arc<dyn EventSink> = log.clone();
    let forwarded_before = Place::reserve(&sink, Share::Whole).expect("the disk is not known to be full yet");
    record(&log).expect("likewise");
    control.wait_for_two_refusals();
    assert_eq!(Place::reserve(&sink, Share::Whole).map(|_| ()), Err(NoPlace), "`audit: required` refuses");
    assert!(log.counters().failing);
    forwarded_before.record(honest("/ledger/entries/8", NOON));

    control.full.store(false, Ordering::SeqCst);
    assert_eq!(writer.close(PATIENCE), Counters { written: 2, places: 64, ..Counters::default() });
    assert_eq!(control.records(), 2);
}

#[test]
fn what_cannot_be_written_before_the_end_is_counted_as_lost() {
    let (disk, control) = disk(true);
    let (log, writer) = start_with(disk, &options(64)).expect("starts");
    record(&log).expect("a place");
    record(&log).expect("a place");
    control.wait_for_two_refusals();
    assert_eq!(writer.close(PATIENCE), Counters { lost: 2, places: 64, failing: true, ..Counters::default() });
}

#[test]
fn closing_writes_all_that_is_queued() {
    let (disk, control) = disk(false);
    let events = 3 * BATCH_EVENTS_MAX + 5;
    // A window that never ends: only the closing can bring the rest out.
    let options = Options { window: Duration::from_secs(3_600), ..options(4 * events) };
    let (log, writer) = start_with(disk, &options).expect("starts");
    for _ in 0..events {
        record(&log).expect("a place");
    }
    assert_eq!(writer.close(Duration::ZERO), Counters { written: events as u64, places: 4 * events, ..Counters::default() });
    assert_eq!(control.records(), events);
}

#[test]
fn closing_waits_for_places_that_are_out() {
    let (disk, control) = disk(false);
    let (log, writer) = start_with(disk, &options(64)).expect("starts");
    let sink: Arc<dyn EventSink> = log.clone();
    let out = Place::reserve(&sink, Share::Whole).expect("a place");
    thread::scope(|scope| {
        let closing = scope.spawn(move || writer.close(PATIENCE));
        // Once nothing new is accepted, the closing has begun.
        while let Ok(place) = Place::reserve(&sink, Share::Whole) {
            drop(place);
            thread::yield_now();
        }
        out.record(honest("/ledger/entries/7", NOON));
        assert_eq!(closing.join().expect("closed").written, 1);
    });
    assert_eq!(control.records(), 1);
}

#[test]
fn after_closing_an_event_is_lost_loudly() {
    let (disk, _control) = disk(false);
    let (log, writer) = start_with(disk, &options(64)).expect("starts");
    let sink: Arc<dyn EventSink> = log.clone();
    let out = Place::reserve(&sink, Share::Whole).expect("a place");
    assert_eq!(writer.close(Duration::ZERO).lost, 0);
    assert_eq!(Place::reserve(&sink, Share::Whole).map(|_| ()), Err(NoPlace));
    out.record(honest("/ledger/entries/7", NOON));
    assert_eq!(log.counters(), Counters { lost: 1, places: 64, ..Counters::default() });
}

#[test]
fn a_queue_that_fills_is_written_before_its_window_ends() {
    let (disk, control) = disk(false);
    let options = Options { window: Duration::from_secs(3_600), ..options(64) };
    let (log, _writer) = start_with(disk, &options).expect("starts");
    record(&log).expect("a place");
    assert!(control.asked.recv_timeout(PATIENCE).expect("the first event is written at once"));
    for _ in 0..40 {
        record(&log).expect("a place");
    }
    assert!(control.asked.recv_timeout(PATIENCE).expect("written although the window is an hour long"));
}

/// Waits until it is so.
fn until(so: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() {
        if so() {
            return;
        }
        thread::park_timeout(Duration::from_millis(1));
    }
    panic!("it does not come to be so");
}

fn admitted(log: &Log) -> [bool; 3] {
    [Share::Half, Share::Whole, Share::Operators].map(|share| {
        let place = log.reserve(share);
        if place.is_ok() {
            log.release();
        }
        place.is_ok()
    })
}

#[test]
fn at_its_cap_the_log_takes_only_what_operators_do_until_there_is_room_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options { bytes_max: 16 * 1024, ..options(64) };
    let (log, writer) = Log::start(directory.path(), &options).expect("starts");
    assert_eq!(admitted(&log), [true, true, true]);
    let mut written = 0;
    while log.taken().fullness == Fullness::Roomy {
        record(&log).expect("a place");
        written += 1;
        until(|| log.counters().queued == 0);
    }
    assert_eq!(admitted(&log), [false, true, true], "{:?}", log.taken());
    while record(&log).is_ok() {
        written += 1;
        until(|| log.counters().queued == 0);
    }
    assert_eq!(admitted(&log), [false, false, true], "{:?}", log.taken());
    assert!(log.taken().bytes >= 16 * 1024);
    log.record_change(kinds::change("contain", "identity")).expect("operators can act");
    until(|| log.counters().queued == 0);
    assert_eq!(numbers(directory.path()).len(), written + 1, "nothing is lost");
    // A start finds what is there.
    let _ = writer.close(PATIENCE);
    drop(log);
    let (log, writer) = Log::start(directory.path(), &options).expect("starts");
    assert_eq!(admitted(&log), [false, false, true]);
    // Somebody moves the files away.
    for file in std::fs::read_dir(directory.path()).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if file.extension().is_some_and(|extension| extension == "wgl") {
            std::fs::remove_file(file).expect("removed");
        }
    }
    until(|| log.taken().fullness == Fullness::Roomy);
    assert_eq!(admitted(&log), [true, true, true]);
    let _ = writer.close(PATIENCE);
}
