use super::{Children, Question, Subject, Timeline, gathered::Gathered, timeline};
use crate::{
    columns::{COUNT, Row, Value, number},
    directory::SEGMENTS,
    hot,
    segment::{
        self, SegmentName,
        find::{Order, Wanted},
    },
};
use std::{fs, num::NonZeroUsize, path::Path};
use tempfile::TempDir;

const SALT: [u8; 16] = [7; 16];
const NOON: i64 = 1_790_000_000_000_000;
const SECOND: i64 = 1_000_000;

/// A record as text: `SECOND COLUMN=VALUE …`; its number is its place, its time so many seconds after noon.
fn row(edge: &str, seq: u64, text: &str) -> Row<'static> {
    let mut row: Row<'static> = [const { None }; COUNT];
    let mut set = |name: &str, value: Value<'static>| row[number(name).unwrap()] = Some(value);
    let mut words = text.split(' ');
    let second: i64 = words.next().unwrap().parse().unwrap();
    set("seq", Value::Int(i64::try_from(seq).unwrap()));
    set("time", Value::Int(NOON + second * SECOND));
    set("kind", Value::Text("request".into()));
    set("edge", Value::Text(edge.to_owned().into()));
    for word in words {
        let (name, value) = word.split_once('=').unwrap();
        let value = value.replace('_', " ").into();
        set(name, if ["actors", "change_of", "token_parents"].contains(&name) { Value::Texts(vec![value]) } else { Value::Text(value) });
    }
    row
}

fn frames(edge: &str, first_seq: u64, records: &[&str]) -> Vec<u8> {
    let mut bytes = hot::HEADER.to_vec();
    for (seq, record) in (first_seq..).zip(records) {
        hot::push(&mut bytes, &row(edge, seq, record), &SALT);
    }
    bytes
}

/// A log of an edge: the first records sealed, the others in a tail.
fn log(edge: &str, sealed: &[&str], tail: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(SEGMENTS)).unwrap();
    if !sealed.is_empty() {
        let bytes = frames(edge, 1, sealed);
        let path = directory.path().join(SEGMENTS).join(SegmentName { first_seq: 1 }.to_string());
        let records = hot::Tail::read(&bytes).unwrap();
        segment::write(&path, edge, 1, records.frames().map(|frame| frame.record)).unwrap();
    }
    let first_seq = u64::try_from(sealed.len()).unwrap() + 1;
    if !tail.is_empty() {
        let name = hot::TailName { first_seq }.to_string();
        fs::write(directory.path().join(name), frames(edge, first_seq, tail)).unwrap();
    }
    directory
}

fn ask(directories: &[&Path], subject: &str, limit: usize, order: Order, children: Children) -> Timeline {
    let subject: Subject = subject.parse().unwrap();
    timeline(directories, &Question { subject: &subject, time_us: i64::MIN..=i64::MAX, limit, order, children }).unwrap()
}

/// Text out: `EDGE:SEQ …`, children in parentheses, `…` where there is more.
fn shown(found: &Timeline) -> String {
    let entries = found.entries.iter().map(|entry| if entry.child { format!("({})", entry.event.id) } else { entry.event.id.to_string() });
    let more = found.truncated.then(|| "…".to_owned());
    entries.chain(more).collect::<Vec<_>>().join(" ")
}

fn check(directories: &[&Path], subject: &str) -> String {
    shown(&ask(directories, subject, 100, Order::Newest, Children::Left))
}

fn problem(subject: &str) -> String {
    subject.parse::<Subject>().unwrap_err().to_string()
}

#[test]
fn subjects_are_read_and_said_again() {
    let said = |text: &str| text.parse::<Subject>().unwrap().to_string();
    assert_eq!(said(" identity:ledger-sync "), "identity:ledger-sync");
    assert_eq!(said("operation:ledger GET /entries/{id}:close"), "operation:ledger GET /entries/{id}:close");
    assert_eq!(said("trace:0AF7651916CD43DD8448EB211C80319C"), "trace:0af7651916cd43dd8448eb211c80319c");
    assert_eq!(said("source:2001:DB8::0:1"), "source:2001:db8::1");
    assert_eq!(said("2001:db8::1"), "source:2001:db8::1");
    assert_eq!(said("10.0.0.1"), "source:10.0.0.1");
    assert_eq!(said("::ffff:127.0.0.1"), "source:127.0.0.1", "as the log writes it");
    assert_eq!(said("ledger-sync"), "ledger-sync");
    assert_eq!(said("4711:a"), "4711:a");
}

#[test]
fn what_names_no_subject_is_said() {
    assert_eq!(problem(" "), "no subject is named: write one as in `identity:NAME`, or a word alone");
    assert_eq!(problem("identity:"), "no subject is named: write one as in `identity:NAME`, or a word alone");
    assert_eq!(
        problem("identiy:a"),
        "`identiy` is no kind of subject: it is one of identity, credential, token, task, grant, trace, source, owner, resource, \
         api, operation, request, person"
    );
    assert_eq!(problem("source:here"), "`here` is no address");
    assert_eq!(problem("trace:xyz"), "`xyz` is no id of a trace: it has 32 hexadecimal digits");
    assert_eq!(problem("request:zzz"), "`zzz` is no id of a request: it is one as in `0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de`");
    assert_eq!(problem("identity:a\u{1b}[2J"), "a subject holds no control characters");
    assert_eq!(problem(&"a".repeat(1025)), "a subject has at most 1024 bytes");
}

#[test]
fn what_belongs_to_a_subject_is_found_in_segments_and_tails() {
    let sealed = [
        "1 identity=a credential=k1 owner=team source=192.0.2.1 resource=7",
        "2 identity=b actors=a",
        "3 kind=change change_kind=Identity change_name=a change_actor=operator",
        "4 kind=containment change_kind=containment change_name=identity/a",
        "5 kind=finding finding_kind=identity finding_name=a",
        "6 kind=change change_kind=credential change_name=k1",
        "7 kind=change change_kind=Owner change_name=a",
    ];
    let tail = [
        "8 identity=a token=j task=t grant_name=g operation=api_GET_/x on_behalf_of=h request_id=0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de",
        "9 kind=containment change_kind=containment change_name=credential/k1",
        "10 kind=change change_kind=Grant change_name=g change_actor=a",
        "11 identity=c credential=k2",
        "12 identity=d api=wardgate-issuer effect=issued_token=j",
        "13 identity=d api=wardgate-issuer effect=revoked_token=j",
        "14 kind=containment change_kind=containment change_name=token/j",
        "15 identity=e api=ledger effect=issued_token=j",
        "16 identity=f api=wardgate-issuer effect=issued_token=j2 token_parents=j",
        "17 identity=a token=j2 token_parents=j",
    ];
    let log = log("e", &sealed, &tail);
    let found = |subject| check(&[log.path()], subject);
    assert_eq!(found("identity:a"), "e:1 e:2 e:3 e:4 e:5 e:8 e:10 e:17");
    assert_eq!(found("a"), "e:1 e:2 e:3 e:4 e:5 e:7 e:8 e:10 e:17");
    assert_eq!(found("credential:k1"), "e:1 e:6 e:9");
    assert_eq!(found("owner:team"), "e:1");
    assert_eq!(found("owner:a"), "e:7");
    assert_eq!(found("source:192.0.2.1"), "e:1");
    assert_eq!(found("resource:7"), "e:1");
    // Whoever stands behind another API says nothing about tokens.
    assert_eq!(found("token:j"), "e:8 e:12 e:13 e:14 e:16 e:17", "and what came of it");
    assert_eq!(found("token:j2"), "e:16 e:17");
    assert_eq!(found("task:t"), "e:8");
    assert_eq!(found("grant:g"), "e:8 e:10");
    assert_eq!(found("operation:api GET /x"), "e:8");
    assert_eq!(found("person:h"), "e:8");
    assert_eq!(found("request:0197C5B2-6e0a-7c3d-9b1f-2f60d1a4c0de"), "e:8");
    assert_eq!(found("api:ledger"), "e:15");
    assert_eq!(found("identity:nobody"), "");
}

#[test]
fn the_limit_keeps_the_end_that_was_asked_for() {
    let log = log("e", &["1 identity=a", "2 identity=a", "3 identity=b"], &["4 identity=a", "5 identity=a"]);
    let found = |limit, order| shown(&ask(&[log.path()], "identity:a", limit, order, Children::Left));
    assert_eq!(found(2, Order::Newest), "e:4 e:5 …");
    assert_eq!(found(3, Order::Newest), "e:2 e:4 e:5 …");
    assert_eq!(found(1, Order::Oldest), "e:1 …");
    assert_eq!(found(3, Order::Oldest), "e:1 e:2 e:4 …");
    assert_eq!(found(4, Order::Oldest), "e:1 e:2 e:4 e:5");
    assert_eq!(found(4, Order::Newest), "e:1 e:2 e:4 e:5");
}

#[test]
fn times_bound_it() {
    let log = log("e", &["1 identity=a", "2 identity=a"], &["3 identity=a"]);
    let subject: Subject = "identity:a".parse().unwrap();
    let time_us = NOON + 2 * SECOND..=NOON + 3 * SECOND - 1;
    let asked = Question { subject: &subject, time_us, limit: 9, order: Order::Newest, children: Children::Left };
    assert_eq!(shown(&timeline(&[log.path()], &asked).unwrap()), "e:2");
}

#[test]
fn logs_of_two_edges_are_one_by_time_and_a_clock_that_went_back_is_said() {
    let one = log("one", &["1 identity=a", "5 identity=a", "3 identity=a"], &["9 identity=a"]);
    let two = log("two", &["1 identity=a", "4 identity=a"], &["9 identity=a", "2 identity=a"]);
    let both = [one.path(), two.path()];
    let found = ask(&both, "identity:a", 100, Order::Newest, Children::Left);
    assert_eq!(shown(&found), "one:1 two:1 two:4 one:3 two:2 one:2 one:4 two:3");
    let back: Vec<String> = found.clock_back.iter().map(|back| format!("{}:{} {}", back.edge, back.seq, back.by_us / SECOND)).collect();
    // Two seconds are what many threads at once may come to.
    assert_eq!(back, ["two:4 7"]);
    let found = ask(&both, "identity:a", 3, Order::Newest, Children::Left);
    assert_eq!(shown(&found), "one:2 one:4 two:3 …");
    let twice = [one.path(), one.path()];
    assert_eq!(check(&twice, "identity:a"), "one:1 one:3 one:2 one:4");
}

#[test]
fn other_calls_of_a_trace_stand_below_the_event_that_they_belong_to() {
    let edge = log("e", &["1 identity=a trace_id=t1", "2 identity=b trace_id=t1", "3 identity=a"], &["5 identity=a trace_id=t1"]);
    let inner =
        log("i", &["4 identity=c trace_id=t1", "6 identity=c trace_id=t1", "0 identity=d trace_id=t1"], &["7 identity=e trace_id=t2"]);
    let found = ask(&[edge.path(), inner.path()], "identity:a", 100, Order::Newest, Children::Shown);
    assert_eq!(shown(&found), "e:1 (i:3) (e:2) (i:1) e:3 e:4 (i:2)");
    let none = ask(&[edge.path(), inner.path()], "identity:nobody", 100, Order::Newest, Children::Shown);
    assert_eq!(shown(&none), "");
}

#[test]
fn damage_is_passed_over_and_counted() {
    let log = log("e", &["1 identity=a", "2 identity=a"], &["3 identity=a", "4 identity=a"]);
    fs::write(log.path().join(SEGMENTS).join("events-000000000001.parquet"), b"PAR1 no").unwrap();
    let found = ask(&[log.path()], "identity:a", 100, Order::Newest, Children::Left);
    assert_eq!((shown(&found).as_str(), found.unreadable), ("e:3 e:4", 1));
    let left_out: Vec<_> = found.left_out.iter().map(|gap| (gap.edge.as_str(), gap.first, gap.last)).collect();
    assert_eq!(left_out, [("e", 1, 2)]);
    let gone = log.path().join("nowhere");
    let subject: Subject = "a".parse().unwrap();
    let asked = Question { subject: &subject, time_us: 0..=i64::MAX, limit: 1, order: Order::Newest, children: Children::Left };
    assert!(timeline(&[gone], &asked).is_err());
}

/// Twelve segments of five events each; every third event is of `a`.
fn segments() -> TempDir {
    let directory = log("e", &[], &[]);
    for first_seq in (1..60).step_by(5) {
        let records: Vec<String> =
            (first_seq..first_seq + 5).map(|seq| format!("{seq} identity={}", if seq % 3 == 0 { "a" } else { "b" })).collect();
        let bytes = frames("e", first_seq, &records.iter().map(String::as_str).collect::<Vec<_>>());
        let path = directory.path().join(SEGMENTS).join(SegmentName { first_seq }.to_string());
        segment::write(&path, "e", first_seq, hot::Tail::read(&bytes).unwrap().frames().map(|frame| frame.record)).unwrap();
    }
    directory
}

/// What so many hands gather: the numbers of events, how many files could not be read, and what is left out.
fn gathered(directory: &Path, hands: usize, order: Order, limit: usize) -> (Vec<u64>, u64, Vec<(u64, u64)>) {
    let subject: Subject = "identity:a".parse().unwrap();
    let wanted = Wanted { either: subject.predicates(), order, limit, ..Wanted::default() };
    let mut gathered = Gathered::default();
    gathered.gather(NonZeroUsize::new(hands).unwrap(), directory, &wanted).unwrap();
    let left_out = gathered.left_out().iter().map(|gap| (gap.first, gap.last)).collect();
    (gathered.events.iter().map(|event| event.seq).collect(), gathered.unreadable, left_out)
}

#[test]
fn however_many_hands_gather_they_find_the_same() {
    let directory = segments();
    let mut of_a: Vec<u64> = (1..=20).map(|third| third * 3).collect();
    for order in [Order::Oldest, Order::Newest] {
        for (hands, limit) in [1, 2, 3, 8].into_iter().flat_map(|hands| [1, 2, 5, 7, 20, 100].map(|limit| (hands, limit))) {
            let expected: Vec<u64> = of_a.iter().copied().take(limit).collect();
            assert_eq!(gathered(directory.path(), hands, order, limit), (expected, 0, Vec::new()), "{hands} hands, {order:?} {limit}");
        }
        of_a.reverse();
    }
    // One ends too early, of another the columns cannot be read: what is wanted of the others is found all the same.
    let path = |first_seq| directory.path().join(SEGMENTS).join(SegmentName { first_seq }.to_string());
    let whole = fs::read(path(16)).unwrap();
    fs::write(path(16), &whole[..whole.len() / 2]).unwrap();
    let mut bytes = fs::read(path(36)).unwrap();
    bytes[4..2000].fill(0xff);
    fs::write(path(36), bytes).unwrap();
    for hands in [1, 2, 3, 8] {
        let expected = (vec![3, 6, 9, 12, 15, 21, 24, 27, 30, 33, 42, 45], 2, vec![(16, 20), (36, 40)]);
        assert_eq!(gathered(directory.path(), hands, Order::Oldest, 12), expected, "{hands} hands");
        let expected = (vec![60, 57, 54, 51, 48, 45, 42], 0, Vec::new());
        assert_eq!(gathered(directory.path(), hands, Order::Newest, 7), expected, "{hands} hands");
        let expected = (vec![60, 57, 54, 51, 48, 45, 42, 33], 1, vec![(36, 40)]);
        assert_eq!(gathered(directory.path(), hands, Order::Newest, 8), expected, "{hands} hands");
    }
}

#[test]
fn a_tail_that_is_sealed_already_counts_once() {
    let log = log("e", &["1 identity=a", "2 identity=a"], &["3 identity=a"]);
    fs::write(log.path().join(hot::TailName { first_seq: 1 }.to_string()), frames("e", 1, &["1 identity=a", "2 identity=a"])).unwrap();
    assert_eq!(check(&[log.path()], "identity:a"), "e:1 e:2 e:3");
}

#[test]
fn a_timeline_is_told_as_json() {
    let log = log("e", &["1 identity=a trace_id=t", "2 trace_id=t"], &[]);
    let found = ask(&[log.path()], "identity:a", 9, Order::Oldest, Children::Shown);
    assert_eq!(
        serde_json::to_string(&found).unwrap(),
        r#"{"subject":"identity:a","entries":[{"event":{"v":1,"time_us":1790000001000000,"seq":1,"id":"e:1","kind":"request","trace_id":"t","edge":"e","identity":{"id":"a"}}},{"child":true,"event":{"v":1,"time_us":1790000002000000,"seq":2,"id":"e:2","kind":"request","trace_id":"t","edge":"e"}}],"truncated":false,"unreadable":0,"clock_back":[],"left_out":[]}"#
    );
}

#[test]
fn what_is_missing_between_files_is_said() {
    let directory = log("edge-1", &["0 identity=bot", "1 identity=bot"], &[]);
    let put = |first_seq: u64, records: &[&str]| {
        let name = hot::TailName { first_seq }.to_string();
        fs::write(directory.path().join(name), frames("edge-1", first_seq, records)).unwrap();
    };
    put(5, &["4 identity=bot"]);
    put(9, &["8 identity=bot"]);
    let left_out = |order| {
        let found = ask(&[directory.path(), directory.path()], "identity:bot", 10, order, Children::Left);
        found.left_out.iter().map(|gap| (gap.edge.clone(), gap.first, gap.last)).collect::<Vec<_>>()
    };
    let gaps = [("edge-1".to_owned(), 3, 4), ("edge-1".to_owned(), 6, 8)];
    assert_eq!((left_out(Order::Newest), left_out(Order::Oldest)), (gaps.to_vec(), gaps.to_vec()));
    // Nothing is missing of a log that begins later, as one does that is kept for some time.
    fs::remove_dir_all(directory.path().join(SEGMENTS)).unwrap();
    assert_eq!(left_out(Order::Newest), gaps[1..]);
}

#[test]
fn changes_of_an_identitys_credentials_and_grants_are_its_own() {
    let changed = "kind=change change_what=revoke change_kind=credential change_name=aB3dE5gH7jK9";
    let of = [&*format!("0 {changed} change_of=ledger-sync"), "1 identity=ledger-sync", &*format!("2 {changed} change_of=billing")];
    let sealed = log("edge-1", &of, &[]);
    let hot = log("edge-2", &[], &of);
    for directory in [sealed.path(), hot.path()] {
        let found = ask(&[directory], "identity:ledger-sync", 10, Order::Newest, Children::Left);
        assert_eq!(found.entries.iter().map(|entry| entry.event.seq).collect::<Vec<_>>(), [1, 2]);
    }
}
