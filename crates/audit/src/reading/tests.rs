use super::{Cursor, Filter, Since, find, tail};
use crate::{
    columns,
    directory::{Append as _, Batch, Begin, Directory, Full, lock},
    encode::{
        self,
        tests::{NOON, honest, stranger},
    },
    hot,
};
use std::{fs, io::Write as _, path::Path, time::Duration};
use tempfile::TempDir;
use wardgate_model::{
    event::Event,
    id::RequestId,
    reason::Reason,
    ruling::{Challenge, Response},
};

const DAY: Duration = Duration::from_secs(86_400);
const FULL: Full = Full { events: 3, bytes: u64::MAX, after: DAY };

/// A log of these events, numbered from 1, three in a tail.
fn log(events: &[Event]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    append(directory.path(), events);
    directory
}

fn frame(event: &Event, seq: u64) -> Batch {
    let mut batch = Batch::default();
    batch.leaves.push(hot::push(&mut batch.frames, &columns::row(&encode::event(event, "edge-1", seq)), &[1; 16]));
    batch
}

fn append(path: &Path, events: &[Event]) {
    let (mut log, found) = Directory::open(path, lock(path).expect("locked"), FULL, Begin::default(), Box::new(|_| {})).expect("opens");
    for (seq, event) in (found.next_seq..).zip(events) {
        log.append(&frame(event, seq), seq, event.outcome.end).expect("written");
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

/// Text out: the numbers of the page's events, that of its cursor, and what was unreadable.
fn check(directory: &TempDir, filter: &Filter, since: &Since, limit: usize) -> String {
    let page = tail(directory.path(), filter, since, limit).expect("readable");
    let numbers: Vec<String> = page.events.iter().map(|event| event.seq.to_string()).collect();
    let cursor = page.cursor.map_or_else(|| "none".to_owned(), |cursor| cursor.to_string().split(':').next().unwrap().to_owned());
    format!("[{}] {cursor} {}", numbers.join(" "), page.unreadable)
}

#[test]
fn the_newest_events_come_oldest_first() {
    let directory = log(&three_days());
    let all = Filter::default();
    assert_eq!(check(&directory, &all, &Since::Newest, 4), "[6 7 8 9] 9 0");
    assert_eq!(check(&directory, &all, &Since::Newest, 100), "[1 2 3 4 5 6 7 8 9] 9 0");
    assert_eq!(check(&directory, &all, &Since::Newest, 0), "[] 9 0");
    assert_eq!(check(&directory, &all, &Since::Oldest, 4), "[1 2 3 4] 4 0");
    assert_eq!(check(&directory, &all, &Since::Oldest, 0), "[] none 0");
}

#[test]
fn filters_are_and_ed() {
    let directory = log(&three_days());
    let filter = |identity: Option<&str>, api: Option<&str>, code: Option<&str>, response: Option<&str>| {
        let text = |member: Option<&str>| member.map(Into::into);
        let filter = Filter { identity: text(identity), api: text(api), code: text(code), response: text(response), ..Filter::default() };
        check(&directory, &filter, &Since::Oldest, 100)
    };
    assert_eq!(filter(None, None, Some("route.no_api"), None), "[2 5 8] 9 0");
    assert_eq!(filter(None, None, Some("route"), None), "[2 5 8] 9 0");
    assert_eq!(filter(None, None, Some("rout"), None), "[] 9 0");
    assert_eq!(filter(None, None, None, Some("block")), "[2 5 8] 9 0");
    assert_eq!(filter(Some("ledger-sync"), Some("ledger"), None, Some("allow")), "[1 3 4 6 7 9] 9 0");
    assert_eq!(filter(Some("ledger-sync"), None, None, Some("block")), "[] 9 0");
    assert_eq!(filter(Some("nobody"), None, None, None), "[] 9 0");
}

#[test]
fn what_was_only_watched_can_be_asked_for() {
    let mut events = three_days();
    events[2].ruling.would = Some(Response::Block);
    events[6].ruling.would = Some(Response::Challenge { kind: Challenge::Possession });
    let directory = log(&events);
    let would = |word: &str| check(&directory, &Filter { would: Some(word.into()), ..Filter::default() }, &Since::Oldest, 100);
    assert_eq!((would("any"), would("block"), would("slow")), ("[3 7] 9 0".into(), "[3] 9 0".into(), "[] 9 0".into()));
}

#[test]
fn reads_of_one_api_can_be_left_out() {
    let directory = log(&three_days());
    let without = |api: &str, response: Option<&str>| {
        let filter = Filter { without_reads_of: Some(api.into()), response: response.map(Into::into), ..Filter::default() };
        check(&directory, &filter, &Since::Oldest, 100)
    };
    assert_eq!(without("ledger", None), "[2 5 8] 9 0");
    assert_eq!(without("ledger", Some("allow")), "[] 9 0");
    assert_eq!(without("another", None), "[1 2 3 4 5 6 7 8 9] 9 0");
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
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        since = Since::After(cursor);
    }
    assert_eq!(seen, (1..=9).collect::<Vec<_>>());

    append(directory.path(), &[stranger("/new", Reason::RouteNoApi, NOON + DAY * 2), stranger("/new", Reason::RouteNoApi, NOON + DAY * 3)]);
    assert_eq!(check(&directory, &Filter::default(), &since, 10), "[10 11] 11 0");
}

#[test]
fn following_begins_before_there_is_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(check(&directory, &Filter::default(), &Since::Newest, 10), "[] none 0");
    assert_eq!(check(&directory, &Filter::default(), &Since::Oldest, 10), "[] none 0");
    assert!(tail(&directory.path().join("nowhere"), &Filter::default(), &Since::Newest, 1).is_err());
}

#[test]
fn a_record_that_is_being_written_is_left_for_the_next_page() {
    let directory = log(&[honest("/ledger/entries/1", NOON)]);
    let name = "tail-000000000001.wgl";
    let second = frame(&honest("/ledger/entries/2", NOON), 2).frames;
    append_raw(&directory, name, &second[..50]);
    let all = Filter::default();
    assert_eq!(check(&directory, &all, &Since::Newest, 10), "[1] 1 0");
    let page = tail(directory.path(), &all, &Since::Oldest, 10).expect("readable");
    assert_eq!(page.events.len(), 1);
    append_raw(&directory, name, &second[50..]);
    assert_eq!(check(&directory, &all, &Since::After(page.cursor.expect("a cursor")), 10), "[2] 2 0");
}

#[test]
fn damage_is_passed_over_and_counted() {
    let directory = log(&three_days());
    let file = directory.path().join("tail-000000000004.wgl");
    let mut bytes = fs::read(&file).expect("readable");
    // The framing of event 4, and something that event 9 says.
    bytes[hot::HEADER.len()] ^= 1;
    fs::write(&file, &bytes).expect("writable");
    let file = directory.path().join("tail-000000000007.wgl");
    let mut bytes = fs::read(&file).expect("readable");
    let last = bytes.len() - 30;
    bytes[last] ^= 1;
    fs::write(&file, &bytes).expect("writable");
    let all = Filter::default();
    assert_eq!(check(&directory, &all, &Since::Oldest, 10), "[1 2 3 5 6 7 8] 8 2");
    assert_eq!(check(&directory, &all, &Since::Newest, 10), "[1 2 3 5 6 7 8] 8 2");
    append_raw(&directory, "tail-000000000010.wgl", b"nothing of ours");
    assert_eq!(check(&directory, &all, &Since::Newest, 1), "[8] 8 2");
}

#[test]
fn a_cursor_may_outlive_its_file_or_be_made_up() {
    let directory = log(&three_days());
    let after = |text: &str| check(&directory, &Filter::default(), &Since::After(Cursor::parse(text).expect("a cursor")), 10);
    for place in ["6", "6:4:999999999", "6:4:3", "6:7:16", "6:7:17", "6:99:16"] {
        assert_eq!(after(place), "[7 8 9] 9 0", "{place}");
    }
    fs::remove_file(directory.path().join("tail-000000000004.wgl")).expect("removed");
    assert_eq!(after("4"), "[7 8 9] 9 0", "the file is gone");
    assert_eq!(after("77"), "[] 77 0", "no newer event");
}

#[test]
fn what_is_no_cursor_is_refused() {
    for text in
        ["", ":", "events-20260921-000000000001.jsonl:5", "1:2", "1:2:3:4", "-1", "+1", "1:../../etc/passwd:0", "99999999999999999999"]
    {
        assert_eq!(Cursor::parse(text), None, "{text}");
    }
}

fn seq_of(directory: &TempDir, arrived: wardgate_model::time::Time) -> Option<u64> {
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
