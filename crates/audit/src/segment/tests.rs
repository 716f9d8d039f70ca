mod engines;

use super::{
    BadRecord, Foreign, GROUP_ROWS, Newer, Sealed, Segment, SegmentError, SegmentName, Stored, erase,
    find::{Order, Predicate, Wanted},
    schema, write,
    write::{put_in_place, unfinished},
};
use crate::{
    canonical::{self, Personal, Record},
    columns::{COLUMNS, COUNT, Row, Type, Value, number, tests::full},
    hot, tree,
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const EDGE: &str = "edge-1";
const SALT: [u8; 16] = [7; 16];

fn set(row: &mut Row<'static>, name: &str, value: impl Into<Option<Value<'static>>>) {
    row[number(name).unwrap()] = value.into();
}

fn text(text: impl Into<String>) -> Value<'static> {
    Value::Text(text.into().into())
}

/// A plausible event: some columns repeat, some do not, most are null.
pub(crate) fn plausible(seq: u64) -> Row<'static> {
    let mut row: Row<'static> = [const { None }; COUNT];
    set(&mut row, "seq", Value::Int(i64::try_from(seq).unwrap()));
    set(&mut row, "time", Value::Int(1_790_000_000_000_000 + i64::try_from(seq).unwrap() * 1000));
    set(&mut row, "kind", text("request"));
    set(&mut row, "edge", text(EDGE));
    set(&mut row, "request_id", text(format!("01a0c450-6c00-7000-8006-{seq:012x}")));
    set(&mut row, "identity", text(format!("identity-{}", seq % 97)));
    set(&mut row, "actors", seq.is_multiple_of(3).then(|| Value::Texts(vec!["planner".into(), format!("agent-{}", seq % 7).into()])));
    if !seq.is_multiple_of(10) {
        set(&mut row, "source", text(format!("192.0.2.{}", seq % 200)));
        set(&mut row, "path", text(format!("/ledger/entries/{}", seq % 301)));
    }
    set(&mut row, "enforced", Value::Bool(seq.is_multiple_of(2)));
    set(&mut row, "client_status", Value::Int(200));
    row
}

/// The bytes of rows, as the tail of the log has them.
pub(crate) fn frames<'r>(rows: impl IntoIterator<Item = Row<'r>>) -> Vec<u8> {
    let mut bytes = hot::HEADER.to_vec();
    for row in rows {
        hot::push(&mut bytes, &row, &SALT);
    }
    bytes
}

fn seal(path: &Path, first_seq: u64, rows: Vec<Row<'_>>) -> Result<Sealed, SegmentError> {
    let bytes = frames(rows);
    let tail = hot::Tail::read(&bytes).unwrap();
    write(path, EDGE, first_seq, tail.frames().map(|frame| frame.record))
}

fn sealed(first_seq: u64, events: u64) -> (TempDir, PathBuf, Sealed) {
    sealed_rows(first_seq, (first_seq..first_seq + events).map(plausible).collect())
}

fn sealed_rows(first_seq: u64, rows: Vec<Row<'_>>) -> (TempDir, PathBuf, Sealed) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(SegmentName { first_seq }.to_string());
    let sealed = seal(&path, first_seq, rows).unwrap();
    (directory, path, sealed)
}

#[test]
fn what_was_sealed_is_read_back() {
    let events = 2 * GROUP_ROWS as u64 + 17;
    let (_directory, path, sealed) = sealed(5, events);
    let segment = Segment::open(&path).unwrap();
    assert_eq!((segment.edge(), segment.first_seq(), segment.events(), segment.groups()), (EDGE, 5, events, 3));
    assert_eq!(segment.said_root(), sealed.root);
    assert_eq!(segment.root().unwrap(), sealed.root);
    assert_eq!(
        (sealed.from_us, sealed.to_us),
        (1_790_000_000_005_000, 1_790_000_000_000_000 + 1000 * (4 + i64::try_from(events).unwrap()))
    );
    assert_eq!(sealed.bytes, fs::metadata(&path).unwrap().len());
    assert_eq!(sealed.file.as_ref(), aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &fs::read(&path).unwrap()).as_ref());
    let rows: Vec<_> = (0..3).flat_map(|group| segment.rows(group).unwrap()).collect();
    assert_eq!(rows.len() as u64, events);
    for (seq, stored) in (5..).zip(rows) {
        assert_eq!(*stored.row, plausible(seq));
        assert_eq!(stored.salt.is_some(), seq % 10 != 0);
        assert_eq!(stored.erased, None);
    }
    assert!(segment.leaves(2).unwrap().iter().all(super::Leaf::fits));
    assert!(segment.rows(3).is_err());
    assert!(!unfinished(&path).exists());
}

#[test]
fn every_column_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events-000000000007.parquet");
    let row = || {
        let mut row = full(7);
        set(&mut row, "edge", text(EDGE));
        row
    };
    let sealed = seal(&path, 7, vec![row()]).unwrap();
    let segment = Segment::of(&path, fs::read(&path).unwrap()).unwrap();
    assert_eq!(*segment.rows(0).unwrap()[0].row, row());
    assert_eq!(segment.root().unwrap(), sealed.root);
    let (mut public, mut personal) = (Vec::new(), Vec::new());
    canonical::encode(&row(), false, &mut public);
    canonical::encode(&row(), true, &mut personal);
    let leaf = Record { public: &public, personal: Personal::Clear { salt: SALT, bytes: &personal } }.leaf();
    assert_eq!(tree::root([leaf]), sealed.root);
}

#[test]
fn the_schema_is_the_columns_and_what_the_proof_needs() {
    let schema = schema();
    assert_eq!(schema.fields().len(), COUNT + 3);
    for (field, column) in schema.fields().iter().zip(COLUMNS) {
        assert_eq!(field.name(), column.name);
        assert_eq!(*field.data_type(), super::fields::data_type(column.kind));
    }
    let bytes = frames((1..4).map(plausible));
    let batch = super::batch(hot::Tail::read(&bytes).unwrap().frames().map(|frame| frame.record)).unwrap();
    assert_eq!((batch.num_rows(), batch.schema()), (3, schema));
    assert!(super::fields::SUBJECTS.iter().all(|name| COLUMNS[number(name).unwrap()].kind == Type::Text));
}

#[test]
fn a_record_that_does_not_come_next_is_not_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events-000000000001.parquet");
    let refused = |rows: Vec<Row<'static>>| match seal(&path, 1, rows).unwrap_err() {
        SegmentError::Record { seq, wrong, .. } => (seq, wrong),
        other => panic!("{other}"),
    };
    assert_eq!(refused(vec![plausible(1), plausible(3)]), (2, BadRecord::Seq(Some(3))));
    assert_eq!(refused(vec![plausible(1), plausible(1)]), (2, BadRecord::Seq(Some(1))));
    assert_eq!(refused(vec![]), (1, BadRecord::Nothing));
    let mut elsewhere = plausible(1);
    set(&mut elsewhere, "edge", text("edge-2"));
    assert_eq!(refused(vec![elsewhere]), (1, BadRecord::Edge));
    let mut timeless = plausible(1);
    set(&mut timeless, "time", None);
    assert_eq!(refused(vec![timeless]), (1, BadRecord::Time));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left of it");
}

fn find(segment: &Segment, wanted: &Wanted) -> (Vec<u64>, usize) {
    let found = segment.find(wanted).unwrap();
    let seq = |row: &Row<'_>| match row[0] {
        Some(Value::Int(seq)) => u64::try_from(seq).unwrap(),
        _ => panic!("no number"),
    };
    assert!(found.records.iter().all(|stored| *stored.row == plausible(seq(&stored.row))));
    (found.records.iter().map(|stored| seq(&stored.row)).collect(), found.groups_read)
}

#[test]
fn only_row_groups_that_may_hold_an_event_are_read() {
    let group = GROUP_ROWS as u64;
    let (_directory, path, _) = sealed(1, 3 * group);
    let segment = Segment::open(&path).unwrap();
    let by = |column: &str, value: &str| Wanted { either: vec![vec![Predicate::text(column, value).unwrap()]], ..Wanted::default() };
    // Each request has its own id: the bloom filter names the row group.
    let id = format!("01a0c450-6c00-7000-8006-{:012x}", 2 * group + 9);
    assert_eq!(find(&segment, &by("request_id", &id)), (vec![2 * group + 9], 1));
    assert_eq!(find(&segment, &by("identity", "nobody")), (vec![], 0));
    assert_eq!(find(&segment, &by("token", "none")), (vec![], 0), "a column without any value");
    let of_one: Vec<u64> = (1..=3 * group).filter(|seq| seq % 97 == 5).collect();
    assert_eq!(find(&segment, &by("identity", "identity-5")), (of_one.clone(), 3));
    let newest = Wanted { order: Order::Newest, limit: 2, ..by("identity", "identity-5") };
    assert_eq!(find(&segment, &newest), (of_one.iter().rev().take(2).copied().collect(), 1));
    let oldest = Wanted { limit: 3, ..by("identity", "identity-5") };
    assert_eq!(find(&segment, &oldest), (of_one.iter().take(3).copied().collect(), 1));
    // Numbers and times.
    let numbers = Wanted { seq: group + 5..=group + 6, ..Wanted::default() };
    assert_eq!(find(&segment, &numbers), (vec![group + 5, group + 6], 1));
    let time = |seq: u64| 1_790_000_000_000_000 + i64::try_from(seq).unwrap() * 1000;
    let times = Wanted { time_us: time(7)..=time(9), order: Order::Newest, ..Wanted::default() };
    assert_eq!(find(&segment, &times), (vec![9, 8, 7], 1));
}

#[test]
fn an_event_is_the_same_whether_its_columns_are_read_or_known() {
    let (_directory, path, _) = sealed(1, GROUP_ROWS as u64 + 1);
    let segment = Segment::open(&path).unwrap();
    for group in 0..segment.groups() {
        let rows: Vec<usize> = (0..segment.group_rows(group)).step_by(97).collect();
        for order in [Order::Oldest, Order::Newest] {
            let events = |stored: Vec<Stored>| stored.into_iter().map(|stored| stored.event().unwrap()).collect::<Vec<_>>();
            let whole = segment.at(group, &rows, order).unwrap();
            assert_eq!(events(segment.events_at(group, &rows, order).unwrap()), events(whole), "row group {group}");
        }
    }
    // A text that statistics hold only the begin of.
    let long = |end: &str| {
        let mut row = plausible(if end == "a" { 1 } else { 2 });
        set(&mut row, "purpose", text(format!("{}{end}", "long ".repeat(100))));
        row
    };
    for ends in [["a", "a"], ["a", "b"]] {
        let mut rows = ends.map(long);
        set(&mut rows[1], "seq", Value::Int(2));
        let (_directory, path, _) = sealed_rows(1, rows.to_vec());
        let read = Segment::open(&path).unwrap().events_at(0, &[0, 1], Order::Oldest).unwrap();
        assert_eq!(read.into_iter().map(|stored| *stored.row).collect::<Vec<_>>(), rows);
    }
}

#[test]
fn events_are_found_by_one_text_of_several_and_by_several_columns() {
    let (_directory, path, _) = sealed(1, 500);
    let segment = Segment::open(&path).unwrap();
    let holds = |column: &str, value: Value<'static>| Predicate::new(column, value).unwrap();
    let agent = |seq: &u64| seq.is_multiple_of(3) && seq % 7 == 2;
    let either = vec![
        vec![holds("actors", text("agent-2")), holds("enforced", Value::Bool(true))],
        vec![holds("client_status", Value::Int(200)), holds("source", text("192.0.2.3"))],
    ];
    let expected: Vec<u64> = (1..=500).filter(|seq| (agent(seq) && seq % 2 == 0) || (seq % 200 == 3 && seq % 10 != 0)).collect();
    assert_eq!(find(&segment, &Wanted { either, ..Wanted::default() }).0, expected);
    assert!(Predicate::text("nothing", "x").is_none());
    assert!(Predicate::text("client_status", "x").is_none());
}

#[test]
fn what_tells_of_a_person_is_erased_and_the_root_stays() {
    let (_directory, path, before) = sealed(1, GROUP_ROWS as u64 + 100);
    let wanted = Wanted { either: vec![vec![Predicate::text("source", "192.0.2.3").unwrap()]], ..Wanted::default() };
    let (records, after) = erase(&path, &wanted.clone().into()).unwrap().unwrap();
    assert_eq!(Segment::open(&path).unwrap().find(&wanted).unwrap().records.len() as u64, records, "not yet in place");
    put_in_place(&path).unwrap();
    assert_eq!((after.root, after.events), (before.root, before.events));
    assert_ne!(after.file, before.file);
    let segment = Segment::open(&path).unwrap();
    assert_eq!(segment.root().unwrap(), before.root);
    assert_eq!(segment.find(&wanted).unwrap().records, []);
    let found = segment.find(&Wanted { seq: 3..=3, ..Wanted::default() }).unwrap();
    let stored = &found.records[0];
    assert!(stored.erased.is_some() && stored.salt.is_none());
    for (column, value) in COLUMNS.iter().zip(&*stored.row) {
        assert!(!(column.personal && value.is_some()), "{}", column.name);
    }
    let says = |row: usize| segment.events_at(0, &[row], Order::Oldest).unwrap().remove(0).event().unwrap().erased;
    assert!(says(2) && !says(3) && found.records[0].clone().event().unwrap().erased, "which event it was is said");
    assert!(segment.leaves(0).unwrap().iter().all(super::Leaf::fits));
    assert!(!fs::read(&path).unwrap().windows(10).any(|bytes| bytes == b"192.0.2.3\0"));
    // Again: nothing is left to erase, and nothing is written.
    assert_eq!(erase(&path, &wanted.into()).unwrap(), None);
    assert!(!unfinished(&path).exists());
}

#[test]
fn names_are_read_as_they_are_written() {
    let name = SegmentName { first_seq: 12 };
    assert_eq!(name.to_string(), "events-000000000012.parquet");
    assert_eq!(SegmentName::parse(&name.to_string()), Some(name));
    for other in ["events-12.parquet", "events-000000000012.parquet.new", "events-+00000000012.parquet", "../events-000000000012.parquet"] {
        assert_eq!(SegmentName::parse(other), None, "{other}");
    }
}

#[test]
fn what_is_no_segment_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events-000000000001.parquet");
    let told = |bytes: &[u8]| Segment::of(Path::new("x.parquet"), bytes.to_vec()).unwrap_err().to_string();
    assert!(told(b"").starts_with("`x.parquet`: "));
    assert!(told(b"PAR1\0\0\0\0PAR1").starts_with("`x.parquet`"));
    assert!(matches!(Segment::open(&path), Err(SegmentError::Io { .. })));
    // Sound Parquet of others.
    let other = other_parquet(schema(), &[]);
    assert_eq!(told(&other), "`x.parquet`: it is no segment of an event log: the footer has no sound `wardgate.version`");
    let said = |version, count: u64| super::metadata::say(version, EDGE, 1, count, &[tree::Hash::EMPTY]).to_vec();
    assert_eq!(told(&other_parquet(schema(), &said(2, 1))), "`x.parquet` was written by a newer version: version 2");
    assert_eq!(told(&other_parquet(schema(), &said(1, 1))), "`x.parquet`: its row groups are not those of 1 events");
    let newer = with_columns(|fields| fields.insert(COUNT, arrow_schema::Field::new("later", arrow_schema::DataType::Utf8, true)));
    assert!(matches!(Segment::of(&path, other_parquet(newer, &said(1, 1))), Err(SegmentError::Newer { newer: Newer::Column(_), .. })));
    let gone = with_columns(|fields| drop(fields.remove(7)));
    let wrong = |schema| match Segment::of(&path, other_parquet(schema, &said(1, 1))).unwrap_err() {
        SegmentError::Foreign { wrong, .. } => wrong,
        other => panic!("{other}"),
    };
    assert_eq!(wrong(gone), Foreign::Missing("identity"));
    let typed = with_columns(|fields| fields[7] = arrow_schema::Field::new("identity", arrow_schema::DataType::Int64, true));
    assert_eq!(wrong(typed), Foreign::Type("identity".into()));
}

#[test]
fn a_segment_of_a_version_with_fewer_columns_is_read() {
    let earlier = with_columns(|fields| drop(fields.drain(COUNT - 2..COUNT)));
    let bytes = frames([plausible(1)]);
    let batch = super::batch(hot::Tail::read(&bytes).unwrap().frames().map(|frame| frame.record)).unwrap();
    let kept: Vec<usize> = (0..COUNT - 2).chain(COUNT..COUNT + 3).collect();
    let batch = batch.project(&kept).unwrap();
    let root = hot::Tail::read(&bytes).unwrap().frames().next().unwrap().record.leaf();
    let said = super::metadata::say(1, EDGE, 1, 1, &[root]);
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, earlier, None).unwrap();
    writer.write(&batch).unwrap();
    said.into_iter().for_each(|said| writer.append_key_value_metadata(said));
    writer.close().unwrap();
    let segment = Segment::of(Path::new("earlier.parquet"), file).unwrap();
    assert_eq!(*segment.rows(0).unwrap()[0].row, plausible(1));
    assert_eq!(segment.root().unwrap(), root);
    let later = Wanted { either: vec![vec![Predicate::text("finding_what", "x").unwrap()]], ..Wanted::default() };
    assert_eq!(segment.find(&later).unwrap().records, []);
}

fn with_columns(change: impl FnOnce(&mut Vec<arrow_schema::Field>)) -> arrow_schema::SchemaRef {
    let mut fields: Vec<_> = schema().fields().iter().map(|field| (**field).clone()).collect();
    change(&mut fields);
    std::sync::Arc::new(arrow_schema::Schema::new(fields))
}

fn other_parquet(schema: arrow_schema::SchemaRef, said: &[parquet::file::metadata::KeyValue]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, schema, None).unwrap();
    said.iter().for_each(|said| writer.append_key_value_metadata(said.clone()));
    writer.close().unwrap();
    file
}

#[test]
fn a_pipe_in_the_place_of_a_segment_is_not_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let pipe = directory.path().join("events-000000000001.parquet");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let told = Segment::open(&pipe).expect_err("a pipe").to_string();
    assert!(told.contains("it is no plain file"), "{told}");
}
