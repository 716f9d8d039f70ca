mod damage;
mod hands;
mod independent;
mod proofs;
mod put_back;

use super::{Asked, Depth, Finding, Report, verify};
use crate::{
    columns::Row,
    directory::{LOG, SEGMENTS},
    hot::{self, TailName},
    note::{Trusted, tests::TestKey},
    seal::{Held, LogAt, TAIL_NOTE, TailNote},
    segment::{self, SegmentName, entry::Entry, find::Wanted, tests::frames, tests::plausible, write::put_in_place},
    tiles,
    tree::{self, Frontier},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

const EDGE: &str = "edge-1";
/// Events of the sample's segments and of its tail.
const EVENTS: [u64; 2] = [40, 23];
const TAIL: u64 = 9;

/// A whole log: two segments and a tail that is signed to its end.
struct Sample {
    directory: TempDir,
    log: tiles::Writer,
}

fn key() -> TestKey {
    TestKey::new("wardgate/edge-1", 7)
}

fn trusted() -> Trusted {
    key().trusted()
}

impl Sample {
    fn new() -> Self {
        Self::of(&EVENTS)
    }

    /// Segments of so many events each, and a tail.
    fn of(events: &[u64]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(SEGMENTS)).unwrap();
        let (log, _) = tiles::Writer::open(&directory.path().join(LOG), trusted(), Arc::new(key())).unwrap();
        let mut sample = Self { directory, log };
        let mut next = 1;
        for events in events.iter().copied() {
            sample.seal(next, events);
            next += events;
        }
        sample.tail(next, (next..next + TAIL).map(plausible), TAIL);
        sample
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn segment(&self, number: usize) -> PathBuf {
        let first_seq = 1 + EVENTS.iter().take(number).sum::<u64>();
        self.path().join(SEGMENTS).join(SegmentName { first_seq }.to_string())
    }

    fn first_of_tail() -> u64 {
        1 + EVENTS.iter().sum::<u64>()
    }

    fn tail_file(&self) -> PathBuf {
        self.path().join(TailName { first_seq: Self::first_of_tail() }.to_string())
    }

    fn seal(&mut self, first_seq: u64, events: u64) {
        let bytes = frames((first_seq..first_seq + events).map(plausible));
        let tail = hot::Tail::read(&bytes).unwrap();
        let path = self.path().join(SEGMENTS).join(SegmentName { first_seq }.to_string());
        let sealed = segment::write(&path, EDGE, first_seq, tail.frames().map(|frame| frame.record)).unwrap();
        self.append(&Entry::Segment {
            edge: EDGE.into(),
            first_seq,
            events,
            from_us: sealed.from_us,
            to_us: sealed.to_us,
            root: sealed.root,
            file: sealed.file,
        });
    }

    /// Appends an entry that the note tells of before.
    fn append(&mut self, entry: &Entry) {
        let text = entry.to_string();
        if let Ok(Some(note)) = TailNote::read(&self.path().join(TAIL_NOTE), EDGE, &trusted().keys) {
            self.sign(&TailNote { log: Some(LogAt { next: Some(tree::leaf(text.as_bytes())), ..self.at() }), ..note });
        }
        self.log.append(&[text.as_bytes()]).unwrap();
    }

    /// How far the log is.
    fn at(&self) -> LogAt {
        LogAt { size: self.log.size(), root: self.log.log().checkpoint().root, next: None }
    }

    fn sign(&self, note: &TailNote) {
        fs::write(self.path().join(TAIL_NOTE), note.sign(EDGE, &key()).unwrap()).unwrap();
    }

    /// Writes a tail and signs the first so many of its records.
    fn tail(&self, first_seq: u64, rows: impl IntoIterator<Item = Row<'static>>, signed: u64) {
        let bytes = frames(rows);
        fs::write(self.path().join(TailName { first_seq }.to_string()), &bytes).unwrap();
        let mut tree = Frontier::new();
        let tail = hot::Tail::read(&bytes).unwrap();
        tail.frames().take(usize::try_from(signed).unwrap()).for_each(|frame| tree.append(frame.record.leaf()));
        let held = Held { events: signed, root: tree.root() };
        self.sign(&TailNote { first: first_seq, held, full: BTreeMap::new(), log: Some(self.at()) });
    }

    fn report(&self, depth: Depth) -> Report {
        verify(self.path(), &Asked { trusted: &trusted(), remembered: None, depth }, &mut |_| ()).unwrap()
    }

    fn findings(&self) -> Vec<Finding> {
        self.report(Depth::Records).findings
    }

    fn told(&self) -> Vec<String> {
        self.findings().iter().map(ToString::to_string).collect()
    }
}

/// Writes a segment that the log does not name.
fn write_segment(path: &Path, first_seq: u64, events: u64) {
    let bytes = frames((first_seq..first_seq + events).map(plausible));
    let tail = hot::Tail::read(&bytes).unwrap();
    segment::write(path, EDGE, first_seq, tail.frames().map(|frame| frame.record)).unwrap();
}

#[test]
fn a_whole_log_gives_no_finding() {
    let sample = Sample::new();
    let mut bytes = 0;
    let asked = Asked { trusted: &trusted(), remembered: None, depth: Depth::Records };
    let report = verify(sample.path(), &asked, &mut |more| bytes += more).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.segments, report.sealed, report.in_tails, report.unsigned, report.torn), (2, 63, TAIL, 0, false));
    assert_eq!(report.checkpoint.as_ref().map(|checkpoint| checkpoint.size), Some(2));
    let files = [sample.segment(0), sample.segment(1), sample.tail_file()].map(|file| fs::metadata(file).unwrap().len());
    assert_eq!((report.bytes, bytes), (files.iter().sum(), files.iter().sum()));
    assert_eq!(sample.report(Depth::Files), report);
}

#[test]
fn what_is_not_yet_signed_is_said_and_no_finding() {
    let sample = Sample::new();
    let first = Sample::first_of_tail();
    sample.tail(first, (first..first + TAIL).map(plausible), 4);
    let report = sample.report(Depth::Records);
    assert_eq!((report.findings.as_slice(), report.unsigned, report.torn), ([].as_slice(), TAIL - 4, false));
    // A machine that stopped in the middle of a record.
    let bytes = fs::read(sample.tail_file()).unwrap();
    fs::write(sample.tail_file(), &bytes[..bytes.len() - 3]).unwrap();
    let report = sample.report(Depth::Records);
    assert_eq!((report.findings.as_slice(), report.in_tails, report.torn), ([].as_slice(), TAIL - 1, true));
}

#[test]
fn a_log_that_goes_on_is_whole_at_each_step() {
    let mut sample = Sample::new();
    let first = Sample::first_of_tail();
    // The next tail is begun, the note still tells of the one before.
    fs::write(sample.path().join(TailName { first_seq: first + TAIL }.to_string()), frames([plausible(first + TAIL)])).unwrap();
    assert_eq!(sample.told(), [""; 0]);
    // Sealed, not yet in the log; then in the log, and its tail still there; then the tail is gone and the note tells of it.
    let logged = sample.path().join(SEGMENTS).join(SegmentName { first_seq: first }.to_string());
    write_segment(&logged, first, TAIL);
    assert_eq!(sample.told(), [""; 0]);
    sample.seal(first, TAIL);
    assert_eq!(sample.told(), [""; 0]);
    fs::remove_file(sample.tail_file()).unwrap();
    assert_eq!(sample.told(), [""; 0]);
    assert_eq!(sample.report(Depth::Files).in_tails, 1);
}

#[test]
fn what_would_be_read_in_place_of_events_is_found() {
    // A segment that the log does not name, of other records than the tail beside it, or of fewer.
    let first = Sample::first_of_tail();
    let beside = SegmentName { first_seq: first }.to_string();
    for (from, events) in [(first, TAIL - 1), (first, TAIL + 1), (1, TAIL)] {
        let sample = Sample::new();
        write_segment(&sample.path().join(SEGMENTS).join(&beside), from, events);
        assert_eq!(sample.findings(), [Finding::Extra { file: format!("{SEGMENTS}/{beside}") }]);
    }
    // A tail that begins within a segment, with records or without.
    for events in [0, 3] {
        let sample = Sample::new();
        let name = TailName { first_seq: 5 }.to_string();
        fs::write(sample.path().join(&name), frames((5..5 + events).map(plausible))).unwrap();
        assert_eq!(sample.findings(), [Finding::Overlap { file: name, expected: first }]);
    }
}

#[test]
fn what_is_no_file_in_the_place_of_a_segment_is_found() {
    let sample = Sample::new();
    fs::remove_file(sample.segment(0)).unwrap();
    fs::create_dir(sample.segment(0)).unwrap();
    let file = format!("{SEGMENTS}/{}", SegmentName { first_seq: 1 });
    assert_eq!(sample.findings(), [Finding::Unreadable { file, error: "it is no plain file".into() }]);
}

#[test]
fn what_was_retired_or_erased_is_no_finding() {
    let mut sample = Sample::new();
    let wanted = Wanted { seq: 45..=50, ..Wanted::default() };
    let path = sample.segment(1);
    let (records, erased) = segment::erase(&path, &wanted.into()).unwrap().unwrap();
    let at_us = 1_790_000_000_000_000;
    let erasure = Entry::Erasure { edge: EDGE.into(), segment: 41, records, at_us, file: erased.file, reason: "asked for".into() };
    // Before it is in place, the log tells of a file that is not yet there.
    sample.append(&erasure);
    assert_eq!(sample.findings(), [Finding::Older { file: "segments/events-000000000041.parquet".into() }]);
    let older = fs::read(&path).unwrap();
    put_in_place(&path).unwrap();
    assert_eq!(sample.told(), [""; 0]);
    // Whoever puts the old file back is found out.
    fs::write(&path, older).unwrap();
    assert_eq!(sample.findings(), [Finding::Older { file: "segments/events-000000000041.parquet".into() }]);
    // Retired, before and after its file is gone.
    let mut sample = Sample::new();
    sample.append(&Entry::Retired { edge: EDGE.into(), through_seq: EVENTS[0], at_us });
    assert_eq!(sample.findings(), [Finding::Retired { file: "segments/events-000000000001.parquet".into() }]);
    fs::remove_file(sample.segment(0)).unwrap();
    assert_eq!(sample.told(), [""; 0]);
    assert_eq!(sample.report(Depth::Records).sealed, EVENTS[1]);
}
