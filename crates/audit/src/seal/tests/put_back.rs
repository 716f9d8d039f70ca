//! What a start makes of tails and notes that somebody edited, put back or took away.

use super::{EDGE, NOON, PATIENCE, look, numbers, options, record, segments, start, trusted, until};
use crate::{
    columns::{Value, number},
    directory::{LOG, SEGMENTS},
    hot::{self, Tail},
    note::tests::TestKey,
    seal::{Held, LogAt, Seal, TAIL_NOTE, TailNote},
    sink::{Log, Options},
    tiles,
    tree::Frontier,
    verify::Finding,
};
use std::{fs, path::Path, process::Command, sync::Arc};

/// The bytes of a tail with another status in one of its records, and marks that fit.
fn edited(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut out = hot::HEADER.to_vec();
    for (index, frame) in Tail::read(bytes).expect("a tail").frames().enumerate() {
        let mut row = frame.record.row().expect("columns");
        if index == at {
            row[number("client_status").expect("a column")] = Some(Value::Int(599));
        }
        hot::push(&mut out, &row, &[3; 16]);
    }
    out
}

fn held(bytes: &[u8]) -> Held {
    let mut tree = Frontier::new();
    Tail::read(bytes).expect("a tail").frames().for_each(|frame| tree.append(frame.record.leaf()));
    Held { events: tree.size(), root: tree.root() }
}

#[test]
fn an_older_note_put_back_with_an_edit_of_the_newest_tail_is_neither_believed_nor_sealed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(10));
    record(&log, 12, NOON);
    until(|| log.counters().sealed == 1);
    let _ = writer.close(PATIENCE);
    let older = fs::read(path.join(TAIL_NOTE)).expect("readable");
    let (log, writer) = start(path, &options(10));
    record(&log, 12, NOON);
    until(|| log.counters().sealed == 1);
    let _ = writer.close(PATIENCE);
    assert_eq!(look(path).findings, []);
    // A note that tells of the tail before, which is sealed: nothing would cover the newest one.
    let tail = path.join("tail-000000000021.wgl");
    fs::write(&tail, edited(&fs::read(&tail).expect("readable"), 1)).expect("writable");
    fs::write(path.join(TAIL_NOTE), older).expect("writable");
    assert_eq!(look(path).findings, [Finding::OldNote { size: 2, noted: Some(1) }]);
    let (log, writer) = start(path, &options(3));
    record(&log, 4, NOON);
    until(|| log.counters().unsealed == 1 && log.counters().sealed == 1);
    let _ = writer.close(PATIENCE);
    assert!(tail.exists(), "it is left as it is");
    assert!(look(path).findings.contains(&Finding::Unnoted { file: "tail-000000000021.wgl".into() }));
    assert_eq!(numbers(path), (1..=28).collect::<Vec<_>>());
}

/// As a machine leaves it that stops while three tails stand.
fn several_tails(path: &Path) -> [Vec<u8>; 3] {
    let (log, writer) = start(path, &Options { seal: None, ..options(3) });
    record(&log, 8, NOON);
    let _ = writer.close(PATIENCE);
    let tails = [1, 4, 7].map(|first_seq| fs::read(path.join(hot::TailName { first_seq }.to_string())).expect("readable"));
    let key = Arc::new(TestKey::new(&Seal::origin(EDGE), 7));
    let (log, _) = tiles::Writer::open(&path.join(LOG), trusted(), key.clone()).expect("opens");
    let at = LogAt { size: 0, root: log.log().checkpoint().root, next: None };
    let full = [(1, held(&tails[0])), (4, held(&tails[1]))].into();
    let note = TailNote { first: 7, held: held(&tails[2]), full, log: Some(at) };
    fs::write(path.join(TAIL_NOTE), note.sign(EDGE, &*key).expect("signed")).expect("writable");
    tails
}

#[test]
fn of_several_tails_at_a_crash_each_is_held_against_the_note() {
    let directory = tempfile::tempdir().expect("a directory");
    several_tails(directory.path());
    assert_eq!(look(directory.path()).findings, []);
    let (log, writer) = start(directory.path(), &options(3));
    until(|| log.counters().sealed == 2);
    let _ = writer.close(PATIENCE);
    assert_eq!((look(directory.path()).findings, numbers(directory.path())), (vec![], (1..=8).collect()));

    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let tails = several_tails(path);
    fs::write(path.join("tail-000000000004.wgl"), edited(&tails[1], 2)).expect("writable");
    assert_eq!(look(path).findings, [Finding::Signed { first: 4, last: 6 }]);
    for _ in 0..2 {
        let (log, writer) = start(path, &options(3));
        until(|| log.counters().unsealed == 1);
        let _ = writer.close(PATIENCE);
        assert_eq!(segments(path), ["events-000000000001.parquet"], "what was edited is never sealed");
        assert_eq!(look(path).findings, [Finding::Signed { first: 4, last: 6 }]);
    }
}

#[test]
fn a_tail_that_was_put_among_others_is_not_sealed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let [_, middle, _] = several_tails(path);
    let note = TailNote::read(&path.join(TAIL_NOTE), EDGE, &trusted().keys).expect("readable").expect("a note");
    let full = note.full.iter().map(|(first, held)| (*first, *held)).filter(|(first, _)| *first != 4).collect();
    let signed = TailNote { full, ..note }.sign(EDGE, &TestKey::new(&Seal::origin(EDGE), 7)).expect("signed");
    fs::write(path.join(TAIL_NOTE), signed).expect("writable");
    let (log, writer) = start(path, &options(3));
    until(|| log.counters().unsealed == 1);
    let _ = writer.close(PATIENCE);
    assert_eq!(fs::read(path.join("tail-000000000004.wgl")).expect("there"), middle);
    assert_eq!(look(path).findings, [Finding::Untold { file: "tail-000000000004.wgl".into() }]);
}

#[test]
fn a_start_waits_for_no_pipe_and_names_it() {
    let names = ["tail-000000000009.wgl", TAIL_NOTE];
    let pipes = tempfile::tempdir().expect("a directory");
    let made = Command::new("mkfifo").args(names).current_dir(pipes.path()).status().expect("runs");
    assert!(made.success());
    for name in names {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        let (log, writer) = start(path, &options(10));
        record(&log, 2, NOON);
        let _ = writer.close(PATIENCE);
        fs::rename(pipes.path().join(name), path.join(name)).expect("moved over it");
        let refused = Log::start(path, &options(10)).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains(name) && refused.contains("it is no plain file"), "{refused}");
    }
}

#[test]
fn what_was_begun_and_not_ended_is_taken_away_at_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(3));
    record(&log, 5, NOON);
    until(|| log.counters().sealed == 1);
    let _ = writer.close(PATIENCE);
    let segment = |first: u64| format!("{SEGMENTS}/events-{first:012}.parquet.new");
    let begun = ["tail.note.new".to_owned(), "tail-000000000009.wgl.new".to_owned(), segment(1), segment(4), segment(900)];
    begun.iter().for_each(|name| fs::write(path.join(name), "begun").expect("writable"));
    let (_log, writer) = start(path, &options(3));
    let _ = writer.close(PATIENCE);
    for name in begun {
        assert!(!path.join(&name).exists(), "{name}");
    }
    assert_eq!((look(path).findings, segments(path)), (vec![], vec!["events-000000000001.parquet".to_owned()]));
}

#[test]
fn the_log_of_another_edge_is_not_gone_on_with() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(10));
    record(&log, 2, NOON);
    let _ = writer.close(PATIENCE);
    let seal = Some(Seal(Arc::new(TestKey::new(&Seal::origin("west"), 8))));
    let refused = Log::start(path, &Options { seal, ..Options::new("west") }).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("the event log of the edge `edge-1`, and this one is called `west`"), "{refused}");
    let (log, writer) = start(path, &options(10));
    record(&log, 1, NOON);
    let _ = writer.close(PATIENCE);
    assert_eq!((look(path).findings, numbers(path)), (vec![], vec![1, 2, 3]), "nothing was changed");
}
