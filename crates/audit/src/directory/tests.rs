use super::{Append as _, Batch, Begin, Directory, Found, Full, OnFull, Standing, StartError, lock};
use crate::{
    columns::tests::full,
    hot::{self, HEADER, NoTail, Tail, push},
};
use std::{
    fs,
    os::{fd::AsRawFd as _, unix::fs::PermissionsExt as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use wardgate_model::time::Time;

const NOON: Time = Time::from_seconds(1_790_000_000);
const FULL: Full = Full { events: 4, bytes: u64::MAX, after: Duration::from_secs(60) };

fn open(path: &Path) -> (Directory, Found) {
    start(path, FULL, 1, Box::new(|_| {})).expect("opens")
}

fn start(path: &Path, full: Full, least: u64, on_full: OnFull) -> Result<(Directory, Found), StartError> {
    Directory::open(path, lock(path)?, full, Begin { least, not: None }, on_full)
}

fn batch(seqs: std::ops::RangeInclusive<u64>) -> Batch {
    let mut batch = Batch::default();
    for seq in seqs {
        batch.leaves.push(push(&mut batch.frames, &full(seq), &[1; 16]));
    }
    batch
}

/// Each tail with how many records it holds.
fn content(path: &Path) -> Vec<(u64, usize)> {
    let records = |name: hot::TailName| {
        let bytes = fs::read(path.join(name.to_string())).expect("readable");
        (name.first_seq, Tail::read(&bytes).expect("a tail").frames().count())
    };
    hot::names(path).expect("listable").into_iter().map(records).collect()
}

#[test]
fn numbers_go_on_where_the_last_run_ended() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    for (next, until) in [(1, 3), (4, 6)] {
        let (mut log, found) = open(path);
        assert_eq!(found, Found { next_seq: next, torn_bytes: 0 });
        log.append(&batch(next..=until), next, NOON).expect("written");
    }
    assert_eq!(content(path), [(1, 6)]);
    // What is not ours is left alone.
    fs::write(path.join("tail-77.wgl"), "x").expect("writable");
    assert_eq!(open(path).1.next_seq, 7);
    // What was sealed is not given again either.
    assert_eq!(start(path, FULL, 9, Box::new(|_| {})).expect("opens").1.next_seq, 9);
}

/// A system tells of bytes that it lost once for each opening of a file: who seals must not take the answer away from who waits
/// for a record to be durable. A copy of a handle has the flags of the first, an opening its own.
#[test]
fn who_seals_syncs_through_an_opening_of_its_own() {
    const O_APPEND: u32 = 0o2000;
    let appends = |file: &fs::File| {
        let told = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).expect("told by the system");
        let flags = told.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags").trim();
        u32::from_str_radix(flags, 8).expect("a number") & O_APPEND != 0
    };
    let directory = tempfile::tempdir().expect("a directory");
    for begin in [1, 3] {
        // A tail that is begun, and one that is gone on with.
        let (mut log, _) = open(directory.path());
        log.append(&batch(begin..=begin + 1), begin, NOON).expect("written");
        let current = log.current.as_ref().expect("a tail");
        assert!(appends(&current.file));
        assert!(!appends(&log.standing().expect("a tail").file));
        log.sync().expect("synced");
    }
}

#[test]
fn a_torn_record_is_cut_off_wherever_it_was_torn() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    open(path).0.append(&batch(1..=3), 1, NOON).expect("written");
    let file = path.join("tail-000000000001.wgl");
    let whole = fs::read(&file).expect("readable");
    let two = HEADER.len() + batch(1..=2).frames.len();
    for end in [two, two + 1, two + 5, whole.len() - 1] {
        fs::write(&file, &whole[..end]).expect("writable");
        let found = open(path).1;
        assert_eq!((found.next_seq, found.torn_bytes), (3, (end - two) as u64));
        assert_eq!(content(path), [(1, 2)]);
    }
    fs::write(&file, &whole[..7]).expect("writable");
    assert_eq!(open(path).1.next_seq, 1);
    assert_eq!(content(path), [(1, 0)]);
}

#[test]
fn damage_in_the_middle_is_left_for_who_looks_and_no_number_is_given_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    open(path).0.append(&batch(1..=4), 1, NOON).expect("written");
    let file = path.join("tail-000000000001.wgl");
    let mut bytes = fs::read(&file).expect("readable");
    bytes[HEADER.len()] ^= 1;
    fs::write(&file, &bytes).expect("writable");
    let (mut log, found) = open(path);
    assert_eq!(found, Found { next_seq: 5, torn_bytes: 0 });
    log.append(&batch(5..=5), 5, NOON).expect("written");
    assert_eq!(fs::read(&file).expect("readable"), bytes);
    assert_eq!(content(path), [(1, 0), (5, 1)]);
}

#[test]
fn what_is_no_tail_of_this_version_stops_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("tail-000000000001.wgl");
    for (text, expected) in [("wardgate-tail/9\n...", NoTail::Newer), ("something else, long enough", NoTail::Foreign)] {
        fs::write(&file, text).expect("writable");
        let error = start(directory.path(), FULL, 1, Box::new(|_| {})).err().expect("refused");
        assert!(matches!(error, StartError::Unreadable { why, .. } if why == expected), "{error}");
        assert_eq!(fs::read_to_string(&file).expect("readable"), text);
    }
}

#[test]
fn a_full_tail_and_an_old_one_are_followed_by_the_next() {
    let directory = tempfile::tempdir().expect("a directory");
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let on_full = Box::new(move |full: Option<Standing>| {
        counter.fetch_add(usize::from(full.is_none()), Ordering::SeqCst);
    });
    let (mut log, _) = start(directory.path(), FULL, 1, on_full).expect("opens");
    log.append(&batch(1..=5), 1, NOON).expect("written");
    log.append(&batch(6..=6), 6, NOON).expect("written");
    log.append(&batch(7..=7), 7, NOON + Duration::from_secs(59)).expect("written");
    // A clock that goes back makes nothing old.
    log.append(&batch(8..=8), 8, Time::default()).expect("written");
    log.append(&batch(9..=9), 9, NOON + Duration::from_secs(60)).expect("written");
    assert_eq!(content(directory.path()), [(1, 5), (6, 3), (9, 1)]);
    assert_eq!(told.load(Ordering::SeqCst), 3, "whoever seals is told");
    let standing = log.standing().expect("a tail");
    assert_eq!((standing.first_seq, standing.events), (9, 1));
    let bytes = log.bytes();
    assert_eq!(log.recount().expect("counted"), bytes);
}

#[test]
fn a_tail_that_cannot_be_begun_leaves_no_name_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (mut log, _) = open(path);
    log.append(&batch(1..=2), 1, NOON).expect("written");
    let in_the_way = path.join("tail-000000000003.wgl.new");
    fs::create_dir(&in_the_way).expect("made");
    log.begin_another(3).expect_err("there is no place for it");
    // What is still appended to must not look full to whoever seals.
    assert_eq!(content(path), [(1, 2)]);
    log.append(&batch(3..=3), 3, NOON).expect("written");
    assert_eq!(content(path), [(1, 3)]);
    fs::remove_dir(&in_the_way).expect("removed");
    log.begin_another(4).expect("begun");
    assert_eq!(content(path), [(1, 3), (4, 0)]);
    assert!(!path.join("tail-000000000004.wgl.new").exists());
}

#[test]
fn a_tail_that_somebody_took_away_is_not_written_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(directory.path());
    log.append(&batch(1..=1), 1, NOON).expect("written");
    fs::remove_file(directory.path().join("tail-000000000001.wgl")).expect("removed");
    log.recount().expect("counted");
    log.append(&batch(2..=2), 2, NOON).expect("written");
    assert_eq!(content(directory.path()), [(2, 1)]);
}

#[test]
fn only_one_process_writes_and_only_its_user_reads() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("audit");
    let (mut log, _) = open(&path);
    log.append(&batch(1..=1), 1, NOON).expect("written");
    assert!(matches!(start(&path, FULL, 1, Box::new(|_| {})).err(), Some(StartError::Locked(_))));
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(path.join("tail-000000000001.wgl")).expect("there").permissions().mode() & 0o777, 0o600);
    drop(log);
    open(&path);
}

#[test]
fn a_tail_is_old_so_long_after_its_first_event_and_an_empty_one_never() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(directory.path());
    let later = |seconds| NOON + Duration::from_secs(seconds);
    assert!(!log.is_old(later(1_000)));
    log.append(&batch(1..=2), 1, NOON).expect("written");
    assert_eq!((log.is_old(Time::default()), log.is_old(later(59)), log.is_old(later(60))), (false, false, true));
    log.begin_another(3).expect("begins");
    assert!(!log.is_old(later(1_000)));
    assert_eq!(content(directory.path()), [(1, 2), (3, 0)]);
}
