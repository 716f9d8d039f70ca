use super::{Append as _, Day, Directory, FileName, Found, StartError, names};
use proptest::prelude::*;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use wardgate_model::time::Time;

const MIDNIGHT: Time = Time::from_seconds(1_790_035_200);
const EVENING: Time = Time::from_seconds(1_790_035_199);

fn open(path: &Path) -> (Directory, Found) {
    Directory::open(path, 1024, None).expect("opens")
}

/// Each file of the log with what is in it, one a line.
fn content(path: &Path) -> String {
    let file = |name: FileName| format!("{name} {:?}", fs::read_to_string(path.join(name.to_string())).expect("readable"));
    names(path).expect("listable").into_iter().map(file).collect::<Vec<_>>().join("\n")
}

/// Opens a log that holds these files, and says what was found.
fn check(files: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(directory.path().join(name), text).expect("writable");
    }
    let found = open(directory.path()).1;
    format!("next {}, torn {}\n{}", found.next_seq, found.torn_bytes, content(directory.path()))
}

#[test]
fn numbers_go_on_where_the_last_run_ended() {
    assert_eq!(check(&[]), "next 1, torn 0\n");
    let one = ("events-20260921-000000000001.jsonl", "{\"seq\":1}\n{\"seq\":2}\n");
    assert_eq!(check(&[one]), "next 3, torn 0\nevents-20260921-000000000001.jsonl \"{\\\"seq\\\":1}\\n{\\\"seq\\\":2}\\n\"");
    // A file that was begun and never written to.
    assert!(check(&[one, ("events-20260922-000000000003.jsonl", "")]).starts_with("next 3, torn 0"));
    // What is not ours is left alone.
    assert!(check(&[one, ("events-99999999-1.jsonl", "{\"seq\":77}\n"), ("notes.txt", "x")]).starts_with("next 3, torn 0"));
}

#[test]
fn a_torn_last_line_is_cut_off_and_whole_lines_stay() {
    assert_eq!(
        check(&[("events-20260921-000000000001.jsonl", "{\"seq\":1}\n{\"se")]),
        "next 2, torn 4\nevents-20260921-000000000001.jsonl \"{\\\"seq\\\":1}\\n\""
    );
    assert_eq!(check(&[("events-20260921-000000000007.jsonl", "{\"se")]), "next 7, torn 4\nevents-20260921-000000000007.jsonl \"\"");
    // Whole but unreadable lines stay where they are, and their numbers are not given again.
    let damaged = check(&[("events-20260921-000000000001.jsonl", "{\"seq\":1}\n\0\0\0\n?\n{")]);
    assert!(damaged.starts_with("next 4, torn 1"), "{damaged}");
    let long = "x".repeat(200_000);
    assert!(check(&[("events-20260921-000000000001.jsonl", &format!("{{\"seq\":1}}\n{long}"))]).starts_with("next 2, torn 200000"));
}

#[test]
fn a_new_day_and_a_full_file_begin_a_new_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(directory.path());
    let full = format!("{}\n", "x".repeat(1023));
    log.append(b"1\n", 1, EVENING).expect("written");
    log.append(b"2\n", 2, MIDNIGHT).expect("written");
    // A clock that goes back does not take the order of files with it.
    log.append(full.as_bytes(), 3, EVENING).expect("written");
    log.append(b"4\n", 4, MIDNIGHT).expect("written");
    assert_eq!(
        content(directory.path()),
        format!(
            "events-20260921-000000000001.jsonl \"1\\n\"\nevents-20260922-000000000002.jsonl {:?}\nevents-20260922-000000000004.jsonl \"4\\n\"",
            format!("2\n{full}")
        )
    );
}

/// A file that can no longer be written to is left, and the batch that failed begins a new one.
#[test]
fn a_failed_write_leaves_whole_lines_and_can_be_tried_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut log, _) = open(directory.path());
    log.append(b"1\n", 1, EVENING).expect("written");
    let path = directory.path().join("events-20260921-000000000001.jsonl");
    // Half a line of the failed batch is in the file, and the handle can neither write nor cut.
    fs::write(&path, "1\n2").expect("writable");
    log.current.as_mut().expect("a file").file = fs::File::open(&path).expect("readable");
    log.append(b"2\n", 2, EVENING).expect_err("read only");
    log.append(b"2\n", 2, EVENING).expect("written");
    log.sync().expect("synced");
    drop(log);
    assert_eq!(open(directory.path()).1, Found { next_seq: 2 + 1, torn_bytes: 0 });
    assert_eq!(content(directory.path()), "events-20260921-000000000001.jsonl \"1\\n2\"\nevents-20260921-000000000002.jsonl \"2\\n\"");
}

#[test]
fn files_are_private_and_written_by_one_process() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("deep/audit");
    let (mut log, _) = open(&path);
    log.append(b"1\n", 1, EVENING).expect("written");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join("events-20260921-000000000001.jsonl"))), (0o700, 0o600));

    let again = Directory::open(&path, 1024, None).map(|_| ()).expect_err("locked");
    assert_eq!(again.to_string(), format!("another process writes to the audit directory `{}`", path.display()));
    drop(log);
    assert_eq!(open(&path).1.next_seq, 2);
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("writable");
    let error = Directory::open(&file.join("audit"), 1024, None).map(|_| ()).expect_err("no directory");
    assert!(matches!(error, StartError::Io { does: "made", .. }), "{error}");
    assert!(error.to_string().contains("file/audit` cannot be made: "), "{error}");
}

#[test]
fn days_are_calendar_days_in_utc() {
    let day = |seconds| Day::of(Time::from_seconds(seconds)).0;
    assert_eq!((day(0), day(86_399), day(86_400), day(-1)), (19_700_101, 19_700_101, 19_700_102, 19_691_231));
    assert_eq!(day(951_782_400), 20_000_229);
    assert_eq!(day(i64::MAX), 19_700_101);
}

proptest! {
    #[test]
    fn names_are_read_as_written_and_nothing_else(text in "(events-)?[0-9+-]{0,10}(-[0-9/.+]{0,21})?(\\.jsonl)?", day in 0..1_0000_0000_u32, first_seq in any::<u64>()) {
        let name = FileName { day: Day(day), first_seq };
        prop_assert_eq!(FileName::parse(&name.to_string()), Some(name));
        if let Some(name) = FileName::parse(&text) {
            prop_assert_eq!(name.to_string(), text);
        }
    }
}
