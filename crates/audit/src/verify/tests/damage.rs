use super::{EDGE, EVENTS, Sample, TAIL, trusted};
use crate::{
    columns::number,
    directory::{LOG, SEGMENTS},
    hot::{self, TailName},
    note::tests::TestKey,
    seal::TAIL_NOTE,
    segment::{
        self, GROUP_ROWS, Segment, SegmentName,
        entry::Entry,
        metadata,
        tests::{frames, plausible},
    },
    tiles,
    verify::{Asked, Depth, Finding, verify},
};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch};
use proptest::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

const FIRST: &str = "segments/events-000000000001.parquet";
const SECOND: &str = "segments/events-000000000041.parquet";

fn file(file: &str) -> String {
    file.to_owned()
}

/// All files of a directory and below, without those that nobody reads.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false if path.extension().is_some_and(|extension| extension == "lock") => (),
            false => found.push(path),
        }
    }
}

#[test]
fn every_flipped_byte_beside_the_segments_is_found() {
    let sample = Sample::new();
    let mut all = Vec::new();
    files(sample.path(), &mut all);
    let mut flipped = 0;
    for path in all.iter().filter(|path| path.extension().is_none_or(|extension| extension != "parquet")) {
        let whole = fs::read(path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(path, &bytes).unwrap();
            assert!(!sample.report(Depth::Files).findings.is_empty(), "byte {at} of {}", path.display());
            flipped += 1;
        }
        fs::write(path, &whole).unwrap();
    }
    assert!(flipped > 2000, "{flipped}");
    assert_eq!(sample.told(), [""; 0]);
}

/// Every byte of a segment is under the hash of its file, and the file is named. All bytes would take minutes here:
/// `cargo run -p wardgate-audit --example mutations` flips them all.
#[test]
fn flipped_bytes_of_a_segment_are_found_by_the_hash_of_its_file() {
    let sample = Sample::of(&[3]);
    let path = sample.segment(0);
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(17) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).unwrap();
        let found = sample.report(Depth::Files).findings;
        assert!(matches!(found.as_slice(), [one, ..] if one.to_string().contains(FIRST)), "byte {at} of {}: {found:?}", whole.len());
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(sample.told(), [""; 0]);
}

/// What is more is asked here: that each record that was hit is named, or the row group, without a panic.
/// `cargo run -p wardgate-audit --example mutations` flips all bytes.
#[test]
fn flipped_bytes_of_a_segment_are_found_and_placed() {
    let sample = Sample::new();
    let path = sample.segment(1);
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).unwrap();
        let found = sample.findings();
        assert!(!found.is_empty(), "byte {at}");
        assert!(found.iter().all(|finding| finding.to_string().contains(SECOND)), "byte {at}: {found:?}");
    }
}

#[test]
fn a_log_that_is_forged_or_set_back_is_found() {
    let mut sample = Sample::new();
    let before = tiles::Log::open(&sample.path().join(LOG), &trusted()).unwrap().checkpoint().clone();
    let old = tempfile::tempdir().unwrap();
    copy(sample.path(), old.path());
    let first = Sample::first_of_tail();
    sample.seal(first, TAIL);
    fs::remove_file(sample.tail_file()).unwrap();
    let now = tiles::Log::open(&sample.path().join(LOG), &trusted()).unwrap().checkpoint().clone();
    let found = |directory: &Path, remembered: &_| {
        verify(directory, &Asked { trusted: &trusted(), remembered: Some(remembered), depth: Depth::Files }, &mut |_| ()).unwrap().findings
    };
    assert_eq!(found(sample.path(), &before), []);
    // An older copy of everything is whole: only what was remembered elsewhere tells.
    assert_eq!(found(old.path(), &now), [Finding::Log(tiles::Finding::RolledBack { size: 2, remembered: 3 })]);
    // Signed by another key.
    let other = TestKey::new("wardgate/edge-1", 8);
    let report = verify(sample.path(), &Asked { trusted: &other.trusted(), remembered: None, depth: Depth::Records }, &mut |_| ()).unwrap();
    assert!(
        matches!(report.findings.as_slice(), [Finding::Note(_), Finding::Log(tiles::Finding::Checkpoint(_)), ..]),
        "{:?}",
        report.findings
    );
    fs::remove_dir_all(sample.path().join(LOG)).unwrap();
    assert_eq!(sample.findings()[0], Finding::Log(tiles::Finding::NoCheckpoint));
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => {
                fs::create_dir(&to).unwrap();
                copy(&entry.path(), &to);
            }
            false => fs::copy(entry.path(), to).map(|_| ()).unwrap(),
        }
    }
}

#[test]
fn segments_that_are_gone_doubled_renamed_or_others_are_named() {
    let with = |change: &dyn Fn(&Sample)| {
        let sample = Sample::new();
        change(&sample);
        sample.findings()
    };
    let missing = || Finding::Missing { file: file(FIRST), first: 1, last: EVENTS[0] };
    let at = |sample: &Sample, name: &str| sample.path().join(SEGMENTS).join(name);
    assert_eq!(with(&|sample| fs::remove_file(sample.segment(0)).unwrap()), [missing()]);
    let copied = "events-000000000099.parquet";
    let extra = || Finding::Extra { file: format!("segments/{copied}") };
    assert_eq!(with(&|sample| fs::copy(sample.segment(0), at(sample, copied)).map(|_| ()).unwrap()), [extra()]);
    assert_eq!(with(&|sample| fs::rename(sample.segment(0), at(sample, copied)).unwrap()), [extra(), missing()]);
    assert_eq!(
        with(&|sample| fs::copy(sample.segment(0), sample.segment(1)).map(|_| ()).unwrap()),
        [Finding::Other { file: file(SECOND), first: 1, events: EVENTS[0] }]
    );
    let stray = Finding::Stray { file: file("segments/notes.txt") };
    assert_eq!(with(&|sample| fs::write(at(sample, "notes.txt"), "x").unwrap()), [stray]);
    let cut = with(&|sample| {
        let bytes = fs::read(sample.segment(0)).unwrap();
        fs::write(sample.segment(0), &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(matches!(cut.as_slice(), [Finding::Segment { file, first: 1, last: 40, .. }] if file == FIRST), "{cut:?}");
    // Whole, and sealed by nobody.
    let sealed_anew = with(&|sample| {
        let bytes = frames((1..=EVENTS[0]).map(|seq| {
            let mut row = plausible(seq);
            row[number("client_status").unwrap()] = Some(crate::columns::Value::Int(403));
            row
        }));
        let tail = hot::Tail::read(&bytes).unwrap();
        segment::write(&sample.segment(0), EDGE, 1, tail.frames().map(|frame| frame.record)).unwrap();
    });
    assert_eq!(sealed_anew, [Finding::GroupRoots { file: file(FIRST) }, Finding::Records { file: file(FIRST) }]);
}

/// A segment with other rows and the footer that was sealed.
fn rewrite(path: &Path, change: impl FnOnce(RecordBatch) -> RecordBatch) {
    let segment = Segment::open(path).unwrap();
    let bytes = frames((segment.first_seq()..segment.first_seq() + segment.events()).map(plausible));
    let batch = segment::batch(hot::Tail::read(&bytes).unwrap().frames().map(|frame| frame.record)).unwrap();
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, segment::schema(), None).unwrap();
    let batch = change(batch);
    let rows = batch.num_rows() as u64;
    for from in (0..batch.num_rows()).step_by(GROUP_ROWS) {
        writer.write(&batch.slice(from, GROUP_ROWS.min(batch.num_rows() - from))).unwrap();
        writer.flush().unwrap();
    }
    for said in metadata::say(1, segment.edge(), segment.first_seq(), rows, segment.group_roots()) {
        writer.append_key_value_metadata(said);
    }
    writer.close().unwrap();
    fs::write(path, file).unwrap();
}

/// The records that were sealed, in this order.
fn taken(events: impl IntoIterator<Item = u64>) -> RecordBatch {
    let bytes = frames(events.into_iter().map(plausible));
    segment::batch(hot::Tail::read(&bytes).unwrap().frames().map(|frame| frame.record)).unwrap()
}

#[test]
fn records_that_are_dropped_doubled_swapped_or_edited_are_named() {
    let with = |change: &dyn Fn(RecordBatch) -> RecordBatch| {
        let sample = Sample::new();
        rewrite(&sample.segment(0), change);
        sample.findings()
    };
    let seq = |expected, found| Finding::Seq { file: file(FIRST), expected, found: Some(found) };
    assert_eq!(with(&|batch| batch), [Finding::Beside { file: file(FIRST), mark: None }], "only the file is another");
    let swapped = with(&|_| taken((1..5).chain([6, 5]).chain(7..=40)));
    assert_eq!(swapped, [seq(5, 6), seq(6, 5)]);
    let doubled = with(&|_| taken((1..=39).chain([39])));
    assert_eq!(doubled, [seq(40, 39)]);
    let dropped = with(&|_| taken((1..=7).chain(9..=40)));
    assert_eq!(dropped, [Finding::Dropped { file: file(FIRST), first: 8, last: 8 }]);
    let inserted = with(&|_| taken((1..=7).chain([7]).chain(8..=40)));
    let request = Some(format!("01a0c450-6c00-7000-8006-{:012x}", 7).into());
    assert_eq!(inserted, [Finding::Doubled { file: file(FIRST), seq: 7, request }]);
    let edited = with(&|batch| replaced(&batch, "client_status", |numbers| numbers[6] = Some(403)));
    assert_eq!(edited, [Finding::Record { file: file(FIRST), seq: 7 }]);
    let renumbered = with(&|batch| replaced(&batch, "seq", |numbers| numbers[6] = Some(70)));
    assert_eq!(renumbered, [Finding::Record { file: file(FIRST), seq: 7 }]);
    // With a mark that fits: not the record, but the row group is named.
    let forged = with(&|_| forged(1..=40, 7));
    assert_eq!(forged, [Finding::Group { file: file(FIRST), group: 0, first: 1, last: 40 }]);
    let half_erased = with(&|batch| {
        let mut columns = batch.columns().to_vec();
        columns[segment::schema().index_of("salt").unwrap()] =
            arrow_array::new_null_array(&arrow_schema::DataType::FixedSizeBinary(16), 40);
        RecordBatch::try_new(batch.schema(), columns).unwrap()
    });
    assert_eq!(half_erased.len(), 36, "all that have something to hide: {half_erased:?}");
}

/// The records with these numbers, of which one has another status, and a mark that fits.
fn forged(seqs: impl IntoIterator<Item = u64>, one: u64) -> RecordBatch {
    let bytes = frames(seqs.into_iter().map(|seq| {
        let mut row = plausible(seq);
        if seq == one {
            row[number("client_status").unwrap()] = Some(crate::columns::Value::Int(403));
        }
        row
    }));
    segment::batch(hot::Tail::read(&bytes).unwrap().frames().map(|frame| frame.record)).unwrap()
}

/// A segment of more than one row group: damage in one is told of that one.
#[test]
fn what_is_forged_or_edited_in_the_second_row_group_is_told_of_that_one() {
    let (first, all) = (GROUP_ROWS as u64, GROUP_ROWS as u64 + 10);
    let sample = Sample::of(&[all]);
    assert_eq!(Segment::open(&sample.segment(0)).unwrap().groups(), 2);
    let with = |change: &dyn Fn(RecordBatch) -> RecordBatch| {
        rewrite(&sample.segment(0), change);
        sample.findings()
    };
    let group = |group, first, last| Finding::Group { file: file(FIRST), group, first, last };
    assert_eq!(with(&|_| forged(1..=all, first + 3)), [group(1, first + 1, all)]);
    assert_eq!(with(&|_| forged(1..=all, 7)), [group(0, 1, first)]);
    let edited = with(&|batch| replaced(&batch, "client_status", |numbers| numbers[GROUP_ROWS + 2] = Some(403)));
    assert_eq!(edited, [Finding::Record { file: file(FIRST), seq: first + 3 }]);
    let dropped = with(&|_| taken((1..=first + 2).chain(first + 4..=all)));
    assert_eq!(dropped, [Finding::Dropped { file: file(FIRST), first: first + 3, last: first + 3 }]);
}

fn replaced(batch: &RecordBatch, column: &str, change: impl FnOnce(&mut Vec<Option<i64>>)) -> RecordBatch {
    let at = number(column).unwrap();
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    let mut numbers: Vec<Option<i64>> = columns[at].as_any().downcast_ref::<Int64Array>().unwrap().iter().collect();
    change(&mut numbers);
    columns[at] = Arc::new(Int64Array::from(numbers));
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

#[test]
fn records_of_a_tail_that_are_damaged_moved_or_cut_off_are_named() {
    let first = Sample::first_of_tail();
    let name = TailName { first_seq: first }.to_string();
    let with = |change: &dyn Fn(&Sample, Vec<u8>)| {
        let sample = Sample::new();
        change(&sample, fs::read(sample.tail_file()).unwrap());
        sample.findings()
    };
    let ends = |bytes: &[u8]| -> Vec<usize> { hot::Tail::read(bytes).unwrap().frames().map(|frame| frame.end).collect() };
    // A byte of a record.
    let damaged = with(&|sample, mut bytes| {
        let end = ends(&bytes)[3];
        bytes[end - 9] ^= 1;
        fs::write(sample.tail_file(), bytes).unwrap();
    });
    assert_eq!(damaged, [Finding::Record { file: name.clone(), seq: first + 3 }]);
    // A length: what follows is found again.
    let lost = with(&|sample, mut bytes| {
        let begin = ends(&bytes)[2];
        bytes[begin + 2] ^= 0x7f;
        fs::write(sample.tail_file(), bytes).unwrap();
    });
    assert_eq!(lost, [Finding::TailDamaged { file: name.clone(), first: first + 3, last: Some(first + 3) }]);
    let cut = with(&|sample, bytes| fs::write(sample.tail_file(), &bytes[..ends(&bytes)[5]]).unwrap());
    assert_eq!(cut, [Finding::Cut { first: first + 6, last: first + TAIL - 1 }]);
    let gone = with(&|sample, _| fs::remove_file(sample.tail_file()).unwrap());
    assert_eq!(gone, [Finding::Cut { first, last: first + TAIL - 1 }]);
    let moved = |rows: Vec<u64>| with(&|sample, _| fs::write(sample.tail_file(), frames(rows.iter().map(|seq| plausible(*seq)))).unwrap());
    let seq = |expected, found: u64| Finding::Seq { file: name.clone(), expected, found: i64::try_from(found).ok() };
    let last = first + TAIL - 1;
    assert_eq!(moved([first + 1, first].into_iter().chain(first + 2..=last).collect()), [seq(first, first + 1), seq(first + 1, first)]);
    let request = Some(format!("01a0c450-6c00-7000-8006-{:012x}", last - 1).into());
    let doubled = Finding::Doubled { file: name.clone(), seq: last - 1, request };
    assert_eq!(
        moved((first..=last).map(|seq| if seq == last { last - 1 } else { seq }).collect()),
        [doubled, Finding::Cut { first: last, last }]
    );
    let dropped = Finding::Dropped { file: name.clone(), first: first + 2, last: first + 3 };
    assert_eq!(moved((first..=last).filter(|seq| ![first + 2, first + 3].contains(seq)).collect()), [dropped]);
    // Edited with a mark that fits.
    let forged = with(&|sample, _| {
        let row = |seq| {
            let mut row = plausible(seq);
            row[number("client_status").unwrap()] = Some(crate::columns::Value::Int(500));
            row
        };
        fs::write(sample.tail_file(), frames((first..=last).map(row))).unwrap();
    });
    assert_eq!(forged, [Finding::Signed { first, last }]);
    let foreign = with(&|sample, _| fs::write(sample.tail_file(), "something else altogether").unwrap());
    assert!(matches!(foreign.as_slice(), [Finding::Tail { .. }]), "{foreign:?}");
    let unsigned = with(&|sample, _| fs::remove_file(sample.path().join(TAIL_NOTE)).unwrap());
    assert_eq!(unsigned, [Finding::NoNote]);
    let renamed = with(&|sample, _| fs::rename(sample.tail_file(), sample.path().join("tail-000000000070.wgl")).unwrap());
    let out_of_place = Finding::Seq { file: "tail-000000000070.wgl".into(), expected: 70, found: i64::try_from(first).ok() };
    assert_eq!(renamed, [out_of_place, Finding::Cut { first, last }], "and not that there is a gap as well");
}

#[test]
fn entries_that_do_not_follow_each_other_are_named() {
    let mut sample = Sample::new();
    fs::remove_file(sample.tail_file()).unwrap();
    fs::remove_file(sample.path().join(TAIL_NOTE)).unwrap();
    sample.seal(80, 3);
    sample.tail(83, [], 0);
    sample.append(&Entry::Retired { edge: "edge-2".into(), through_seq: 900, at_us: 1 });
    sample.log.append(&[b"wardgate-holiday/1\n", b"hello"]).unwrap();
    sample.tail(83, [], 0);
    let told = sample.told();
    assert_eq!(
        told,
        [
            "log of segments: entry 2 begins with event 80 where 64 comes next",
            "log of segments: entry 3 is of another edge, `edge-2`",
            "log of segments: entry 4: `wardgate-holiday/1` is no entry that this version knows: written by a newer version",
            "log of segments: entry 5: it is no entry of an event log: the line `wardgate-segment/1` is missing or not as such a line is",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is done to the bytes of a segment, it is said to be another, and nothing breaks.
    #[test]
    fn no_bytes_of_a_segment_break_the_look(from in 0_usize..20_000, to in 0_usize..20_000, bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let sample = Sample::new();
        let path = sample.path().join(SEGMENTS).join(SegmentName { first_seq: 1 }.to_string());
        let whole = fs::read(&path).unwrap();
        let (from, to) = (from.min(to).min(whole.len()), to.max(from).min(whole.len()));
        let changed = [&whole[..from], &bytes, &whole[to..]].concat();
        prop_assume!(changed != whole);
        fs::write(&path, changed).unwrap();
        prop_assert!(!sample.findings().is_empty());
    }
}
