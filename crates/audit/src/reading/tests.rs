use super::{Cursor, Filter, PAGE_BYTES_MAX, Since, find, tail};
use crate::{
    directory::Append as _,
    directory::Directory,
    encode::{
        self,
        tests::{NOON, honest, stranger},
    },
    lines::{LINE_BYTES_MAX, ReverseLines},
};
use proptest::prelude::*;
use std::{fs, io::Write as _, path::Path, time::Duration};
use tempfile::TempDir;
use wardgate_model::{event::Event, id::RequestId, reason::Reason, time::Time};

const DAY: Duration = Duration::from_secs(86_400);

/// A log of these events, numbered from 1, each in a file of its own day.
fn log(events: &[Event]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    append(directory.path(), events);
    directory
}

fn append(path: &Path, events: &[Event]) {
    let (mut log, found) = Directory::open(path, u64::MAX, None).expect("opens");
    for (seq, event) in (found.next_seq..).zip(events) {
        let line = serde_json::to_string(&encode::event(event, "edge-1", seq)).expect("JSON") + "\n";
        log.append(line.as_bytes(), seq, event.outcome.end).expect("written");
    }
}

fn append_raw(directory: &TempDir, file: &str, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(directory.path().join(file)).expect("opens");
    file.write_all(bytes).expect("writable");
}

/// Three days: an honest request, a stranger's, an honest one each.
fn three_days() -> Vec<Event> {
    (0..3_u32)
        .flat_map(|day| {
            let at = |second| NOON + DAY * day + Duration::from_secs(second);
            [honest("/ledger/entries/1", at(1)), stranger("/nowhere", Reason::RouteNoApi, at(2)), honest("/ledger/entries/3", at(3))]
        })
        .collect()
}

/// Text out: the numbers of the page's events, its cursor and what was unreadable.
fn check(directory: &TempDir, filter: &Filter, since: &Since, limit: usize) -> String {
    let page = tail(directory.path(), filter, since, limit).expect("readable");
    let numbers: Vec<String> = page.events.iter().map(|event| event.seq.to_string()).collect();
    let file = page.cursor.map_or_else(|| "none".to_owned(), |cursor| cursor.to_string()[7..15].to_owned());
    format!("[{}] {file} {}", numbers.join(" "), page.unreadable)
}

#[test]
fn the_newest_events_come_oldest_first() {
    let directory = log(&three_days());
    let all = Filter::default();
    assert_eq!(check(&directory, &all, &Since::Newest, 4), "[6 7 8 9] 20260923 0");
    assert_eq!(check(&directory, &all, &Since::Newest, 100), "[1 2 3 4 5 6 7 8 9] 20260923 0");
    assert_eq!(check(&directory, &all, &Since::Newest, 0), "[] 20260923 0");
    assert_eq!(check(&directory, &all, &Since::Oldest, 4), "[1 2 3 4] 20260922 0");
    assert_eq!(check(&directory, &all, &Since::Oldest, 0), "[] 20260921 0");
}

#[test]
fn filters_are_and_ed() {
    let directory = log(&three_days());
    let filter = |identity: Option<&str>, api: Option<&str>, code: Option<&str>, response: Option<&str>| {
        let text = |member: Option<&str>| member.map(Into::into);
        let filter =
            Filter { identity: text(identity), api: text(api), code: text(code), response: text(response), without_reads_of: None };
        check(&directory, &filter, &Since::Oldest, 100)
    };
    assert_eq!(filter(None, None, Some("route.no_api"), None), "[2 5 8] 20260923 0");
    assert_eq!(filter(None, None, Some("route"), None), "[2 5 8] 20260923 0");
    assert_eq!(filter(None, None, Some("rout"), None), "[] 20260923 0");
    assert_eq!(filter(None, None, None, Some("block")), "[2 5 8] 20260923 0");
    assert_eq!(filter(Some("ledger-sync"), Some("ledger"), None, Some("allow")), "[1 3 4 6 7 9] 20260923 0");
    assert_eq!(filter(Some("ledger-sync"), None, None, Some("block")), "[] 20260923 0");
    assert_eq!(filter(Some("nobody"), None, None, None), "[] 20260923 0");
}

#[test]
fn reads_of_one_api_can_be_left_out() {
    let directory = log(&three_days());
    let without = |api: &str, response: Option<&str>| {
        let filter = Filter { without_reads_of: Some(api.into()), response: response.map(Into::into), ..Filter::default() };
        check(&directory, &filter, &Since::Oldest, 100)
    };
    assert_eq!(without("ledger", None), "[2 5 8] 20260923 0");
    assert_eq!(without("ledger", Some("allow")), "[] 20260923 0");
    assert_eq!(without("another", None), "[1 2 3 4 5 6 7 8 9] 20260923 0");
}

#[test]
fn a_cursor_goes_on_exactly_where_a_page_ended() {
    let directory = log(&three_days());
    let mut since = Since::Oldest;
    let mut seen = Vec::new();
    for _ in 0..20 {
        let page = tail(directory.path(), &Filter::default(), &since, 2).expect("readable");
        seen.extend(page.events.iter().map(|event| event.seq));
        let cursor = page.cursor.expect("a cursor");
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor.clone()));
        since = Since::After(cursor);
    }
    assert_eq!(seen, (1..=9).collect::<Vec<_>>());

    append(directory.path(), &[stranger("/new", Reason::RouteNoApi, NOON + DAY * 2), stranger("/new", Reason::RouteNoApi, NOON + DAY * 3)]);
    assert_eq!(check(&directory, &Filter::default(), &since, 10), "[10 11] 20260924 0");
}

#[test]
fn following_begins_before_there_is_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(check(&directory, &Filter::default(), &Since::Newest, 10), "[] none 0");
    assert_eq!(check(&directory, &Filter::default(), &Since::Oldest, 10), "[] none 0");
    assert!(tail(&directory.path().join("nowhere"), &Filter::default(), &Since::Newest, 1).is_err());
}

#[test]
fn a_line_that_is_being_written_is_left_for_the_next_page() {
    let directory = log(&[honest("/ledger/entries/1", NOON)]);
    let name = "events-20260921-000000000001.jsonl";
    let line = serde_json::to_string(&encode::event(&honest("/ledger/entries/2", NOON), "edge-1", 2)).expect("JSON");
    append_raw(&directory, name, &line.as_bytes()[..50]);
    let all = Filter::default();
    assert_eq!(check(&directory, &all, &Since::Newest, 10), "[1] 20260921 0");
    let page = tail(directory.path(), &all, &Since::Oldest, 10).expect("readable");
    assert_eq!(page.events.len(), 1);
    append_raw(&directory, name, &line.as_bytes()[50..]);
    append_raw(&directory, name, b"\n");
    assert_eq!(check(&directory, &all, &Since::After(page.cursor.expect("a cursor")), 10), "[2] 20260921 0");
}

#[test]
fn damage_is_passed_over_and_counted() {
    let directory = log(&[honest("/ledger/entries/1", NOON)]);
    append_raw(&directory, "events-20260921-000000000001.jsonl", b"\xFF\xFE\n\n{\"v\":1}\n{\"torn");
    append_raw(&directory, "events-20260922-000000000002.jsonl", b"");
    append(directory.path(), &[honest("/ledger/entries/2", NOON + DAY)]);
    let all = Filter::default();
    // Forwards the torn line of an older file counts too; backwards it is not seen.
    assert_eq!(check(&directory, &all, &Since::Oldest, 10), "[1 2] 20260922 3");
    assert_eq!(check(&directory, &all, &Since::Newest, 10), "[1 2] 20260922 2");
    assert_eq!(seq_of(&directory, NOON), Some(1));
}

#[test]
fn a_cursor_may_outlive_its_file_or_the_end_of_it() {
    let directory = log(&three_days());
    let after = |text: &str| check(&directory, &Filter::default(), &Since::After(Cursor::parse(text).expect("a cursor")), 10);
    assert_eq!(after("events-20260922-000000000004.jsonl:999999999"), "[7 8 9] 20260923 0");
    assert_eq!(after("events-20260922-000000000005.jsonl:3"), "[7 8 9] 20260923 0", "the file is gone");
    assert_eq!(after("events-20260930-000000000005.jsonl:3"), "[] 20260930 0", "no newer file");
    // Not between two lines: the rest of that line cannot be read.
    assert_eq!(after("events-20260923-000000000007.jsonl:3"), "[8 9] 20260923 1");
}

#[test]
fn what_is_no_cursor_is_refused() {
    for text in [
        "",
        ":",
        "events-20260921-000000000001.jsonl",
        "events-20260921-000000000001.jsonl:-1",
        "../../etc/passwd:0",
        "events-20260921-../../x.jsonl:0",
    ] {
        assert_eq!(Cursor::parse(text), None, "{text}");
    }
}

#[test]
fn a_page_ends_after_so_many_bytes_and_the_next_goes_on() {
    let directory = log(&[honest("/ledger/entries/1", NOON)]);
    let damage = vec![b'x'; usize::try_from(PAGE_BYTES_MAX).expect("fits") + 10];
    append_raw(&directory, "events-20260921-000000000001.jsonl", &[&damage[..], b"\n"].concat());
    append(directory.path(), &[honest("/ledger/entries/2", NOON + DAY)]);
    let mut since = Since::Oldest;
    let mut pages = Vec::new();
    for _ in 0..4 {
        let page = tail(directory.path(), &Filter::default(), &since, 10).expect("readable");
        pages.push(format!("{} read, {} not", page.events.len(), page.unreadable));
        since = Since::After(page.cursor.expect("a cursor"));
    }
    assert_eq!(pages, ["1 read, 0 not", "0 read, 1 not", "1 read, 1 not", "0 read, 0 not"]);
}

fn seq_of(directory: &TempDir, arrived: Time) -> Option<u64> {
    let id = honest("/", arrived).facts.id;
    find(directory.path(), id).expect("readable").map(|event| event.seq)
}

#[test]
fn the_event_of_a_request_is_found() {
    let directory = log(&three_days());
    let at = |day: u32, second| NOON + DAY * day + Duration::from_secs(second);
    assert_eq!(seq_of(&directory, at(0, 1)), Some(1));
    assert_eq!(seq_of(&directory, at(1, 2)), Some(5));
    assert_eq!(seq_of(&directory, at(2, 3)), Some(9));
    assert_eq!(seq_of(&directory, at(2, 4)), None);
    assert_eq!(find(directory.path(), RequestId::parse("ffffffff-ffff-ffff-ffff-ffffffffffff").expect("an id")).expect("readable"), None);
}

/// A request that arrived before midnight may end, and so be written, on a later day; and a batch may hold both.
#[test]
fn a_request_is_found_on_the_day_it_ended() {
    let mut event = honest("/ledger/entries/1", NOON);
    event.outcome.end = NOON + DAY * 2;
    let directory = log(&[stranger("/x", Reason::RouteNoApi, NOON + DAY), event, stranger("/x", Reason::RouteNoApi, NOON + DAY * 3)]);
    assert_eq!(seq_of(&directory, NOON), Some(2));
}

/// An id in the words of another request is not that request.
#[test]
fn an_id_elsewhere_in_a_line_is_not_found() {
    let wanted = honest("/", NOON).facts.id;
    let directory = log(&[stranger(&format!("/{wanted}"), Reason::RouteNoApi, NOON + Duration::from_secs(1))]);
    assert_eq!(find(directory.path(), wanted).expect("readable"), None);
}

proptest! {
    /// Backwards as forwards, whatever the bytes and wherever chunks end.
    #[test]
    fn lines_backwards_are_the_lines_forwards(lines in prop::collection::vec(prop_oneof![3 => 0..50_usize, 1 => 60_000..140_000_usize], 0..6), torn in 0..3_usize) {
        let text: Vec<u8> = lines.iter().flat_map(|length| [vec![b'a'; *length], vec![b'\n']].concat()).chain(vec![b't'; torn]).collect();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&text).expect("writable");
        let mut reverse = ReverseLines::before(&mut file, text.len() as u64);
        let mut lengths = Vec::new();
        while let Some(line) = reverse.next_line().expect("readable") {
            lengths.insert(0, line.len());
        }
        let forwards: Vec<usize> = text.split(|byte| *byte == b'\n').map(<[u8]>::len).filter(|length| *length > 0).collect();
        prop_assert_eq!(lengths, forwards);
    }
}

#[test]
fn a_line_longer_than_any_is_cut_and_memory_stays_bounded() {
    let mut file = tempfile::tempfile().expect("a file");
    let text = [b"first\n".to_vec(), vec![b'x'; 4 * LINE_BYTES_MAX], b"\nlast\n".to_vec()].concat();
    file.write_all(&text).expect("writable");
    let mut reverse = ReverseLines::before(&mut file, text.len() as u64);
    let mut next = || reverse.next_line().expect("readable").map(|line| line.len());
    assert_eq!(next(), Some(4));
    assert!(next().is_some_and(|length| length <= LINE_BYTES_MAX + 64 * 1024));
    assert_eq!((next(), next()), (Some(5), None));
}
