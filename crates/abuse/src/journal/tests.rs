use super::{FileJournal, Journal, JournalFault, MeterRecord, Opened};
use crate::{
    key::{Counted, MeterKey, SourceNet, Subject, SubjectName},
    testing::at,
};
use std::{
    fmt::Write,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
};
use tempfile::TempDir;
use wardgate_model::{
    id::LimitName,
    limit::{Per, Window},
    time::Time,
};

const NOW: &str = "2026-11-22T12:34:56Z";

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("quotas");
    (folder, path)
}

fn key(name: &str) -> MeterKey {
    let subject = Subject { per: Per::Identity, name: SubjectName::Text(name.into()) };
    MeterKey::new(LimitName::literal("partner"), Counted::Quota(Window::Day), subject)
}

fn open(path: &Path) -> (FileJournal, Opened) {
    FileJournal::open(path, at(NOW)).expect("a journal")
}

/// What a journal holds, a line a counter.
fn held(opened: &Opened) -> String {
    let mut lines: Vec<_> = opened.records.iter().map(|record| format!("{} {} {}", record.key, record.window_start, record.used)).collect();
    lines.sort();
    lines.into_iter().fold(String::new(), |mut all, line| {
        writeln!(all, "{line}").expect("memory");
        all
    })
}

#[test]
fn every_kind_of_key_comes_back_with_its_last_value() {
    let (_folder, path) = place();
    let (journal, opened) = open(&path);
    assert_eq!((held(&opened).as_str(), opened.ignored_bytes), ("", 0));
    let names = [
        SubjectName::Text("ledger GET /entries/{id}/ö".into()),
        SubjectName::Net(SourceNet::V4([192, 0, 2, 7])),
        SubjectName::Net(SourceNet::V6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 1])),
        SubjectName::Overflow,
        SubjectName::Person { client: "app".into(), person: "8f2c".into() },
        SubjectName::Session("91aa".into()),
    ];
    for name in names {
        for counted in [Counted::Quota(Window::Month), Counted::Bytes(Window::Hour)] {
            let key = MeterKey::new(LimitName::literal("l"), counted, Subject { per: Per::Source, name: name.clone() });
            let start = if counted == Counted::Quota(Window::Month) { at("2026-11-01") } else { at("2026-11-22T12:00:00Z") };
            journal.raise(&key, start, 5).expect("written");
            journal.raise(&key, start, u64::MAX).expect("written");
        }
    }
    drop(journal);
    let (_, opened) = open(&path);
    let expected = "\
l bytes/hour source (overflow) 2026-11-22T12:00:00Z 18446744073709551615
l bytes/hour source 192.0.2.7 2026-11-22T12:00:00Z 18446744073709551615
l bytes/hour source 2001:db8:0:1::/64 2026-11-22T12:00:00Z 18446744073709551615
l bytes/hour source 8f2c of app 2026-11-22T12:00:00Z 18446744073709551615
l bytes/hour source ledger GET /entries/{id}/ö 2026-11-22T12:00:00Z 18446744073709551615
l bytes/hour source session 91aa 2026-11-22T12:00:00Z 18446744073709551615
l quota/month source (overflow) 2026-11-01T00:00:00Z 18446744073709551615
l quota/month source 192.0.2.7 2026-11-01T00:00:00Z 18446744073709551615
l quota/month source 2001:db8:0:1::/64 2026-11-01T00:00:00Z 18446744073709551615
l quota/month source 8f2c of app 2026-11-01T00:00:00Z 18446744073709551615
l quota/month source ledger GET /entries/{id}/ö 2026-11-01T00:00:00Z 18446744073709551615
l quota/month source session 91aa 2026-11-01T00:00:00Z 18446744073709551615
";
    assert_eq!(held(&opened), expected);
}

#[test]
fn windows_that_are_over_are_dropped_at_opening() {
    let (_folder, path) = place();
    let (journal, _) = open(&path);
    journal.raise(&key("old"), at("2026-11-21"), 5).expect("written");
    journal.raise(&key("new"), at("2026-11-22"), 6).expect("written");
    drop(journal);
    assert_eq!(held(&open(&path).1), "partner quota/day identity new 2026-11-22T00:00:00Z 6\n");
    let length = fs::metadata(&path).expect("a file").len();
    assert!(length < 100, "made compact: {length} bytes");
}

#[test]
fn a_clean_end_leaves_the_exact_values_and_takes_no_more() {
    let (_folder, path) = place();
    let (journal, _) = open(&path);
    journal.raise(&key("a"), at("2026-11-22"), 256).expect("written");
    let exact = MeterRecord { key: key("a"), window_start: at("2026-11-22"), used: 17 };
    let over = MeterRecord { key: key("b"), window_start: at("2026-11-20"), used: 3 };
    journal.close([exact, over], at(NOW)).expect("closed");
    assert!(matches!(journal.raise(&key("a"), at("2026-11-22"), 18), Err(JournalFault::Closed)));
    assert!(matches!(journal.close([], at(NOW)), Err(JournalFault::Closed)));
    assert_eq!(held(&open(&path).1), "partner quota/day identity a 2026-11-22T00:00:00Z 17\n");
}

#[test]
fn a_torn_end_is_ignored_and_said() {
    let (_folder, path) = place();
    let (journal, _) = open(&path);
    for ceiling in 1..=3 {
        journal.raise(&key("a"), at("2026-11-22"), ceiling).expect("written");
    }
    drop(journal);
    let whole = fs::read(&path).expect("a file");
    let record = (whole.len() - 8) / 3;
    for length in 8..whole.len() {
        fs::write(&path, &whole[..length]).expect("written");
        let (_, opened) = open(&path);
        let records = (length - 8) / record;
        assert_eq!(opened.records.first().map_or(0, |record| record.used), records as u64, "cut at {length}");
        assert_eq!(opened.ignored_bytes, ((length - 8) % record) as u64, "cut at {length}");
    }
}

#[test]
fn damage_is_never_taken_for_a_value() {
    let (_folder, path) = place();
    let (journal, _) = open(&path);
    journal.raise(&key("a"), at("2026-11-22"), 1).expect("written");
    journal.raise(&key("a"), at("2026-11-22"), 2).expect("written");
    drop(journal);
    let whole = fs::read(&path).expect("a file");
    for at in 8..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            fs::write(&path, damaged).expect("written");
            let (_, opened) = open(&path);
            let expected = if at < 8 + (whole.len() - 8) / 2 { "" } else { "partner quota/day identity a 2026-11-22T00:00:00Z 1\n" };
            assert_eq!(held(&opened), expected, "bit {bit} of byte {at}");
            assert!(opened.ignored_bytes > 0);
        }
    }
}

#[test]
fn lengths_that_lie_and_good_checksums_over_nonsense_end_the_replay() {
    let (_folder, path) = place();
    let nonsense = b"nonsense".as_slice();
    let with_crc = [8_u32.to_le_bytes(), crc32fast::hash(nonsense).to_le_bytes()].concat();
    let tails = [vec![0xFF; 8], vec![0; 8], vec![0xFF; 4096], [with_crc.as_slice(), nonsense].concat()];
    for tail in tails {
        fs::write(&path, [b"wgquota1".as_slice(), &tail].concat()).expect("written");
        let (_, opened) = open(&path);
        assert_eq!((opened.records.len(), opened.ignored_bytes), (0, tail.len() as u64), "{tail:?}");
    }
}

#[test]
fn another_file_is_not_overwritten() {
    let (_folder, path) = place();
    fs::write(&path, "kind: Owner\n").expect("written");
    let fault = FileJournal::open(&path, at(NOW)).expect_err("not a journal");
    assert_eq!(
        fault.to_string(),
        format!("`{}` is no quota journal of this version: it does not begin with the words of one", path.display())
    );
    assert_eq!(fs::read_to_string(&path).expect("a file"), "kind: Owner\n");
}

#[test]
fn a_place_that_cannot_be_written_is_a_fault_that_names_it() {
    let (folder, _) = place();
    let path = folder.path().join("missing/quotas");
    let fault = FileJournal::open(&path, at(NOW)).expect_err("no folder");
    assert_eq!(fault.to_string(), format!("cannot open the quota journal `{}`", path.display()));
}

#[test]
fn one_journal_has_one_writer() {
    let (_folder, path) = place();
    let (journal, _) = open(&path);
    assert!(matches!(FileJournal::open(&path, at(NOW)), Err(JournalFault::InUse(_))));
    drop(journal);
    open(&path);
}

#[test]
fn only_its_owner_may_read_it() {
    let (_folder, path) = place();
    fs::write(&path, "").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
    let (_journal, _) = open(&path);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_journal_that_grows_is_made_compact_and_keeps_the_last_values() {
    let (_folder, path) = place();
    let (journal, _) = FileJournal::open_grown(&path, at(NOW), 4096).expect("a journal");
    journal.raise(&key("over"), at("2026-11-21"), 9).expect("written");
    for ceiling in 1..=1000 {
        journal.raise(&key("a"), at("2026-11-22"), ceiling).expect("written");
        journal.raise(&key("b"), at("2026-11-22"), ceiling * 2).expect("written");
        assert!(fs::metadata(&path).expect("a file").len() < 8192);
    }
    drop(journal);
    let expected = "partner quota/day identity a 2026-11-22T00:00:00Z 1000\npartner quota/day identity b 2026-11-22T00:00:00Z 2000\n";
    assert_eq!(held(&open(&path).1), expected);
}

#[test]
fn several_threads_raise_at_once() {
    let (_folder, path) = place();
    let (journal, _) = FileJournal::open_grown(&path, at(NOW), 4096).expect("a journal");
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let journal = &journal;
            scope.spawn(move || (1..=500).for_each(|ceiling| journal.raise(&key(name), at("2026-11-22"), ceiling).expect("written")));
        }
    });
    drop(journal);
    let (_, opened) = open(&path);
    assert_eq!(opened.ignored_bytes, 0);
    assert_eq!(held(&opened).lines().filter(|line| line.ends_with(" 500")).count(), 4, "{}", held(&opened));
}

#[test]
fn a_key_too_long_is_refused_and_does_no_harm() {
    let (_folder, path) = place();
    let (journal, _) = open(&path);
    assert!(matches!(journal.raise(&key(&"x".repeat(70_000)), at("2026-11-22"), 1), Err(JournalFault::KeyTooLong(_))));
    journal.raise(&key("a"), Time::from_micros(i64::MAX), 1).expect("written");
    drop(journal);
    assert_eq!(open(&path).1.records.len(), 1);
}
