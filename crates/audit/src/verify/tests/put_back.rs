//! What is put in the place of something else, or put back: older notes, files that are none, files that were begun.

use super::{EDGE, EVENTS, Sample, TAIL, key, write_segment};
use crate::{
    columns::{Row, Value, number},
    directory::SEGMENTS,
    hot::{self, TailName},
    seal::{Held, TAIL_NOTE, TailNote, kept_note},
    segment::{SegmentName, entry::Entry, tests::frames, tests::plausible},
    tree::Frontier,
    verify::{Depth, Finding},
};
use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

/// The record with this number, so many seconds later.
fn later(seq: u64, seconds: i64) -> Row<'static> {
    let mut row = plausible(seq);
    if let Some(Some(Value::Int(time))) = row.get_mut(number("time").unwrap()) {
        *time += seconds * 1_000_000;
    }
    row
}

fn held(bytes: &[u8], events: u64) -> Held {
    let mut tree = Frontier::new();
    let tail = hot::Tail::read(bytes).unwrap();
    tail.frames().take(usize::try_from(events).unwrap()).for_each(|frame| tree.append(frame.record.leaf()));
    Held { events, root: tree.root() }
}

/// Pipes at these paths.
fn pipes(paths: &[PathBuf]) {
    assert!(Command::new("mkfifo").args(paths).status().unwrap().success());
}

#[test]
fn a_note_from_before_the_newest_entry_is_found() {
    let mut sample = Sample::new();
    let older = fs::read(sample.path().join(TAIL_NOTE)).unwrap();
    let at_us = 1_790_000_000_000_000;
    sample.append(&Entry::Retired { edge: EDGE.into(), through_seq: 0, at_us });
    assert_eq!(sample.told(), [""; 0], "a machine that stopped now left this");
    let told_of = fs::read(sample.path().join(TAIL_NOTE)).unwrap();
    // The same tail, as it was signed before, with what came later edited.
    fs::write(sample.path().join(TAIL_NOTE), older).unwrap();
    assert_eq!(sample.findings(), [Finding::OldNote { size: 3, noted: Some(2) }]);
    fs::write(sample.path().join(TAIL_NOTE), told_of).unwrap();
    sample.log.append(&[Entry::Retired { edge: EDGE.into(), through_seq: 0, at_us: at_us + 1 }.to_string().as_bytes()]).unwrap();
    assert_eq!(sample.findings(), [Finding::OldNote { size: 4, noted: Some(2) }]);
}

#[test]
fn a_note_of_an_earlier_version_counts_for_the_newest_tail_alone() {
    let sample = Sample::new();
    let first = Sample::first_of_tail();
    let of_tail = |first, held| TailNote { first, held, full: BTreeMap::new(), log: None };
    sample.sign(&of_tail(first, held(&fs::read(sample.tail_file()).unwrap(), TAIL)));
    assert_eq!(sample.told(), [""; 0]);
    // One of a tail that is sealed by now: it would leave the newest without any.
    let sealed = frames((1..=EVENTS[0]).map(plausible));
    sample.sign(&of_tail(1, held(&sealed, EVENTS[0])));
    assert_eq!(sample.findings(), [Finding::OldNote { size: 2, noted: None }]);
}

#[test]
fn a_log_of_segments_that_is_set_back_is_known_by_the_note() {
    let sample = Sample::new();
    let ahead = crate::seal::LogAt { size: 5, ..sample.at() };
    let note = TailNote::open(&fs::read(sample.path().join(TAIL_NOTE)).unwrap(), EDGE, &[key().verifier()]).unwrap();
    sample.sign(&TailNote { log: Some(ahead), ..note.clone() });
    assert_eq!(sample.findings(), [Finding::LogBehind { size: 2, noted: 5 }]);
    let other = crate::seal::LogAt { root: held(&frames([plausible(1)]), 1).root, ..sample.at() };
    sample.sign(&TailNote { log: Some(other), ..note });
    assert_eq!(sample.findings(), [Finding::LogBehind { size: 2, noted: 2 }]);
}

#[test]
fn events_that_should_long_be_signed_are_found() {
    let sample = Sample::new();
    let first = Sample::first_of_tail();
    // Signed every second: what is not yet is no older than the machine took to stop.
    sample.tail(first, (first..first + TAIL).map(|seq| later(seq, i64::try_from(seq - first).unwrap())), 4);
    assert_eq!(sample.told(), [""; 0]);
    sample.tail(first, (first..first + TAIL).map(|seq| later(seq, 80 * i64::try_from(seq - first).unwrap())), 4);
    assert_eq!(sample.findings(), [Finding::Behind { first: first + 4, last: first + TAIL - 1 }]);
    sample.tail(first, (first..first + TAIL).map(|seq| later(seq, 80 * i64::try_from(seq - first).unwrap())), TAIL);
    assert_eq!(sample.told(), [""; 0], "all of it is signed");
}

/// A note that the writer keeps beside a tail and the newest note have one form: an older one of the same tail may pose as kept.
#[test]
fn an_older_note_set_beside_a_tail_takes_nothing_off_the_newest() {
    let sample = Sample::new();
    let first = Sample::first_of_tail();
    let of = |events| (first..first + events).map(plausible);
    sample.tail(first, of(4), 4);
    let (shorter, older) = (fs::read(sample.tail_file()).unwrap(), fs::read(sample.path().join(TAIL_NOTE)).unwrap());
    sample.tail(first, of(TAIL), TAIL);
    let (whole, newest) = (fs::read(sample.tail_file()).unwrap(), fs::read(sample.path().join(TAIL_NOTE)).unwrap());
    let kept = sample.path().join(kept_note(TailName { first_seq: first }));
    fs::write(sample.tail_file(), &shorter).unwrap();
    fs::write(&kept, &older).unwrap();
    let cut = [Finding::Cut { first: first + 4, last: first + TAIL - 1 }];
    assert_eq!(sample.findings(), cut);
    // And the other way round: the newest is beside the tail, an older one was put in its place.
    fs::write(&kept, &newest).unwrap();
    fs::write(sample.path().join(TAIL_NOTE), &older).unwrap();
    assert_eq!(sample.findings(), cut);
    fs::write(sample.tail_file(), &whole).unwrap();
    assert_eq!(sample.told(), [""; 0], "all that either of them says is there");
}

#[test]
fn every_tail_that_stands_is_held_against_the_note() {
    let sample = Sample::new();
    let first = Sample::first_of_tail();
    let older = frames((first..first + TAIL).map(plausible));
    let name = TailName { first_seq: first + TAIL };
    let newest = frames((first + TAIL..first + TAIL + 3).map(plausible));
    fs::write(sample.path().join(name.to_string()), &newest).unwrap();
    let note = TailNote {
        first: name.first_seq,
        held: held(&newest, 3),
        full: BTreeMap::from([(first, held(&older, TAIL))]),
        log: Some(sample.at()),
    };
    sample.sign(&note);
    let report = sample.report(Depth::Records);
    assert_eq!((report.findings.as_slice(), report.unsigned), ([].as_slice(), 0));
    // The older one is edited, with marks that fit.
    fs::write(sample.tail_file(), frames((first..first + TAIL).map(|seq| later(seq, 1)))).unwrap();
    assert_eq!(sample.findings(), [Finding::Signed { first, last: first + TAIL - 1 }]);
    fs::remove_file(sample.tail_file()).unwrap();
    assert!(sample.findings().contains(&Finding::Cut { first, last: first + TAIL - 1 }));
    // One that the note would tell of.
    fs::write(sample.tail_file(), &older).unwrap();
    sample.sign(&TailNote { full: BTreeMap::new(), ..note });
    assert_eq!(sample.findings(), [Finding::Untold { file: TailName { first_seq: first }.to_string() }]);
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_found_and_not_waited_for() {
    let unreadable = |file: &str| Finding::Unreadable { file: file.into(), error: "it is no plain file".into() };
    let samples = [Sample::new(), Sample::new(), Sample::new()];
    let name = TailName { first_seq: 500 }.to_string();
    let segment = format!("{SEGMENTS}/{}", SegmentName { first_seq: 1 });
    let places = [&*name, TAIL_NOTE, &*segment];
    let paths: Vec<PathBuf> = samples.iter().zip(places).map(|(sample, place)| sample.path().join(place)).collect();
    paths.iter().skip(1).for_each(|path| fs::remove_file(path).unwrap());
    pipes(&paths);
    for (sample, place) in samples.iter().zip(places) {
        assert_eq!(sample.findings(), [unreadable(place)]);
    }
}

#[test]
fn files_that_were_begun_are_no_finding_where_they_may_be_and_are_named_elsewhere() {
    let mut sample = Sample::new();
    let at = |sample: &Sample, name: &str| sample.path().join(name);
    for ours in ["tail.note.new", "tail-000000000073.wgl.new", "tail-000000000064.wgl.note.new", "segments/events-000000000064.parquet.new"]
    {
        fs::write(at(&sample, ours), "begun").unwrap();
    }
    assert_eq!(sample.told(), [""; 0]);
    for others in ["tail-73.wgl", "tail.note.old", "x.new"] {
        let sample = Sample::new();
        fs::write(at(&sample, others), "x").unwrap();
        assert_eq!(sample.findings(), [Finding::Stray { file: others.into() }]);
    }
    // Of one that is retired nothing is written any more.
    sample.append(&Entry::Retired { edge: EDGE.into(), through_seq: EVENTS[0], at_us: 1 });
    fs::remove_file(sample.segment(0)).unwrap();
    write_segment(&at(&sample, "segments/events-000000000001.parquet.new"), 1, EVENTS[0]);
    assert_eq!(sample.findings(), [Finding::Stray { file: "segments/events-000000000001.parquet.new".into() }]);
}
