//! Against a server that speaks like S3: what is sealed goes there, is read there, and what is done to it there is found.

mod copied;
mod deleting;

use super::{Going, Transit, outstanding};
use crate::{
    anchor::{self, Anchor},
    columns::{Value, number},
    directory::SEGMENTS,
    encode::tests::{NOON, honest},
    note::{Trusted, tests::TestKey},
    reading::{self, Filter, Since},
    seal::{Seal, SealError},
    segment::{
        Segment,
        find::{Order, Predicate, Wanted},
        hash_of,
    },
    sink::{Log, Options, Writer},
    store::{
        Storage, Stub,
        tests::{BUCKET, Objects, objects, store},
    },
    timeline::{Children, Question, Subject, Timeline, timeline},
    verify::{Asked, Depth, Disclosure, Report, prove, verify},
};
use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::Duration,
};
use wardgate_model::{
    event::{EventSink, Place, Share},
    time::Time,
};

const PATIENCE: Duration = Duration::from_secs(60);
const EDGE: &str = "edge-1";
const DAY: Duration = Duration::from_secs(86_400);

fn trusted() -> Trusted {
    TestKey::new(&Seal::origin(EDGE), 7).trusted()
}

/// Ten events a segment, which stays here for so long after its newest event; the store's clock says that it is a day after noon.
fn options(endpoint: &str, local: Duration) -> Options {
    let seal = Some(Seal(Arc::new(TestKey::new(&Seal::origin(EDGE), 7))));
    let mut store = store(endpoint);
    store.clock = || NOON + DAY;
    let storage = Some(Storage { store, local });
    Options { seal_events: 10, seal, storage, window: Duration::from_millis(1), retry: Duration::from_millis(1), ..Options::new(EDGE) }
}

const SOON: Duration = Duration::from_secs(3_600);
const LATER: Duration = Duration::from_secs(10 * 86_400);

fn start(path: &Path, options: &Options) -> (Arc<Log>, Writer) {
    Log::start(path, options).expect("starts")
}

fn record(log: &Arc<Log>, events: usize, time: Time) {
    let sink: Arc<dyn EventSink> = Arc::clone(log) as Arc<dyn EventSink>;
    for _ in 0..events {
        Place::reserve(&sink, Share::Whole).expect("a place").record(honest("/ledger/entries/7", time));
        until(|| log.counters().queued == 0);
    }
}

/// Waits for a state; a test that waits too long has failed.
fn until(so: impl Fn() -> bool) {
    for _ in 0..120_000 {
        if so() {
            return;
        }
        thread::park_timeout(Duration::from_millis(1));
    }
    panic!("it did not come to that");
}

fn look(path: &Path) -> Report {
    verify(path, &Asked { trusted: &trusted(), remembered: None, depth: Depth::Records }, &mut |_| {}).expect("readable")
}

fn told(path: &Path) -> String {
    look(path).findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn segment(path: &Path, first: u64) -> PathBuf {
    path.join(SEGMENTS).join(format!("events-{first:012}.parquet"))
}

fn is_only_there(path: &Path, first: u64) -> bool {
    Stub::path(&segment(path, first)).exists() && !segment(path, first).exists()
}

fn numbers(path: &Path) -> Vec<u64> {
    let page = reading::tail(path, &Filter::default(), &Since::Oldest, 1_000).expect("readable");
    assert_eq!(page.unreadable, 0);
    page.events.iter().map(|event| event.seq).collect()
}

fn ask(path: &Path, subject: &str) -> Result<Timeline, reading::ReadError> {
    let subject: Subject = subject.parse().expect("a subject");
    let asked = Question { subject: &subject, time_us: i64::MIN..=i64::MAX, limit: 100, order: Order::Newest, children: Children::Left };
    timeline(&[path], &asked)
}

/// The names of the objects that are no files of the copy of `log/`.
fn segments(objects: &Objects) -> Vec<String> {
    objects.names(BUCKET).expect("listed").into_iter().filter(|name| !name.starts_with("gate-1/log/")).collect()
}

/// A log of 35 events, three segments of which lie in the store alone.
fn in_store(path: &Path, objects: &Objects) {
    let (log, writer) = start(path, &options(&objects.endpoint(), SOON));
    record(&log, 35, NOON);
    until(|| [1, 11, 21].iter().all(|first| is_only_there(path, *first)) && log.counters().unstored == 0 && log.counters().uncopied == 0);
    let _ = writer.close(PATIENCE);
}

#[test]
fn what_is_sealed_goes_to_the_store_and_is_read_where_it_lies() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    in_store(path, &objects);
    assert_eq!(segments(&objects).len(), 3);
    assert_eq!(numbers(path), (1..=35).collect::<Vec<_>>());
    let report = look(path);
    assert_eq!((report.findings.as_slice(), report.sealed), ([].as_slice(), 30));
    let address = honest("/", NOON).facts.source.address.to_string();
    let found = ask(path, &format!("source:{address}")).expect("readable");
    assert_eq!((found.entries.len(), found.unreadable), (35, 0));
    prove(path, &trusted(), 17, Disclosure::Commitment).expect("proven").verify(&trusted()).expect("right");
    // Gone on with, it knows what is where, and puts nothing again.
    let before = segments(&objects);
    let (log, writer) = start(path, &options(&objects.endpoint(), SOON));
    until(|| log.counters().unstored == 0);
    record(&log, 10, NOON);
    until(|| is_only_there(path, 31));
    let _ = writer.close(PATIENCE);
    assert_eq!(segments(&objects).len(), before.len() + 1);
    assert_eq!(numbers(path), (1..=45).collect::<Vec<_>>());
    assert_eq!(told(path), "");
}

#[test]
fn what_is_done_to_an_object_is_found_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    in_store(path, &objects);
    let stub = Stub::beside(&segment(path, 11)).expect("readable").expect("a stub");
    let bytes = objects.get(BUCKET, &stub.key).expect("there");
    let mut edited = bytes.clone();
    edited[bytes.len() / 2] ^= 1;
    objects.put(BUCKET, &stub.key, &edited).expect("put");
    let found = told(path);
    assert!(found.contains("segments/events-000000000011.parquet") && found.contains(&stub.object()), "{found}");
    objects.put(BUCKET, &stub.key, &edited[1..]).expect("put");
    assert!(told(path).contains(&format!("the object `{}` was changed", stub.object())), "{}", told(path));
    // What is damaged is passed over, and counted.
    let page = reading::tail(path, &Filter::default(), &Since::Oldest, 100).expect("readable");
    assert_eq!((page.events.len(), page.unreadable), (25, 1));
    objects.delete(BUCKET, &stub.key).expect("deleted");
    assert!(told(path).contains(&format!("the object `{}` is not there", stub.object())), "{}", told(path));
    let error = prove(path, &trusted(), 12, Disclosure::Commitment).expect_err("gone").to_string();
    assert!(error.contains(&stub.object()), "{error}");
    // The same with another object of ours in its place, and without the stub.
    let other = Stub::beside(&segment(path, 1)).expect("readable").expect("a stub");
    objects.put(BUCKET, &stub.key, &objects.get(BUCKET, &other.key).expect("there")).expect("put");
    assert_ne!(told(path), "");
    objects.put(BUCKET, &stub.key, &bytes).expect("put");
    assert_eq!(told(path), "", "the same bytes are the same segment");
    // A file that anybody could lay there leads nowhere: what it names is not even asked for.
    let bucket = "elsewhere".to_owned();
    let others = [
        Stub { bucket: bucket.clone(), sha256: hash_of(b"other"), ..stub.clone() },
        Stub { bucket, key: stub.key.replace("events-000000000011", "events-000000000001"), ..stub.clone() },
    ];
    for made_up in others {
        made_up.write(&Stub::path(&segment(path, 11))).expect("written");
        assert!(told(path).contains("is not of the file that the log names"), "{}", told(path));
    }
    fs::remove_file(Stub::path(&segment(path, 11))).expect("removed");
    assert!(told(path).contains("is missing: events 11 to 20"), "{}", told(path));
}

#[test]
fn a_store_that_is_away_is_an_error_and_no_finding() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    in_store(path, &objects);
    let stub = Stub::beside(&segment(path, 21)).expect("readable").expect("a stub");
    drop(objects);
    let asked = Asked { trusted: &trusted(), remembered: None, depth: Depth::Records };
    let error = verify(path, &asked, &mut |_| {}).expect_err("away").to_string();
    assert!(error.contains("s3://evidence/gate-1/events-000000000001"), "{error}");
    let error = ask(path, "identity:nobody").expect_err("away").to_string();
    assert!(error.contains(&stub.object()) && error.contains("events-000000000021.parquet"), "{error}");
    reading::tail(path, &Filter::default(), &Since::Newest, 2).expect("what is in the tail needs no store");
    // A finding is told all the same.
    fs::remove_file(Stub::path(&segment(path, 11))).expect("removed");
    assert!(told(path).contains("is missing: events 11 to 20"), "{}", told(path));
}

#[test]
fn while_the_store_is_away_all_stays_here_and_goes_there_later() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    // A port at which nobody is, for as long as this holds it.
    let nobody = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = nobody.local_addr().expect("an address").port();
    drop(nobody);
    let (log, writer) = start(path, &options(&format!("http://127.0.0.1:{port}"), SOON));
    record(&log, 25, NOON);
    until(|| {
        log.counters().sealed == 2 && log.counters().unstored == 2 && log.counters().store_failures > 0 && log.counters().uncopied == 2
    });
    assert!(segment(path, 1).exists() && segment(path, 11).exists());
    let objects = Objects::start(port, BUCKET).expect("a server");
    until(|| is_only_there(path, 1) && is_only_there(path, 11) && log.counters().unstored == 0 && log.counters().uncopied == 0);
    let _ = writer.close(PATIENCE);
    assert_eq!(segments(&objects).len(), 2);
    assert_eq!(told(path), "");
}

fn erase(log: &Log) -> u64 {
    let address = honest("/", NOON).facts.source.address.to_string();
    let wanted = Wanted { either: vec![vec![Predicate::text("source", &address).expect("a column")]], ..Wanted::default() };
    let (sender, receiver) = sync_channel(1);
    let done = Box::new(move |erased: Result<u64, SealError>| sender.send(erased.map_err(|error| error.to_string())).expect("waited for"));
    log.erase(wanted, "asked for by the person", done).expect("a place");
    receiver.recv_timeout(PATIENCE).expect("told").expect("erased")
}

fn has_address(bytes: Vec<u8>) -> bool {
    let segment = Segment::of(Path::new("object"), bytes).expect("a segment");
    let column = number("source").expect("a column");
    segment.rows(0).expect("readable").iter().any(|row| matches!(&row.row[column], Some(Value::Text(_))))
}

#[test]
fn what_is_erased_is_erased_in_the_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    in_store(path, &objects);
    let before = segments(&objects);
    assert!(has_address(objects.get(BUCKET, &before[0]).expect("there")));
    // It is done when the log is closed, whatever is still here or only there.
    let (log, writer) = start(path, &options(&objects.endpoint(), SOON));
    assert_eq!(erase(&log), 35);
    let _ = writer.close(PATIENCE);
    let after = segments(&objects);
    assert!(after.iter().all(|name| !before.contains(name)), "{after:?}");
    for name in &after {
        assert!(!has_address(objects.get(BUCKET, name).expect("there")), "{name}");
    }
    assert_eq!(outstanding(path).expect("readable"), 0);
    assert_eq!((told(path).as_str(), numbers(path)), ("", (1..=35).collect::<Vec<_>>()));
    // The object of a segment that was erased here is still to be replaced.
    let stub = Stub::beside(&segment(path, 1)).expect("readable").expect("a stub");
    fs::write(segment(path, 1), objects.get(BUCKET, &stub.key).expect("there")).expect("writable");
    assert_eq!(outstanding(path).expect("readable"), 0);
    Stub { sha256: hash_of(b"before"), ..stub.clone() }.write(&Stub::path(&segment(path, 1))).expect("written");
    assert_eq!(outstanding(path).expect("readable"), 1);
    stub.write(&Stub::path(&segment(path, 1))).expect("written");
    let (log, writer) = start(path, &options(&objects.endpoint(), SOON));
    until(|| (0..4).all(|at| is_only_there(path, 1 + 10 * at)) && log.counters().unstored == 0);
    let _ = writer.close(PATIENCE);
    assert_eq!(told(path), "");
}

#[test]
fn what_is_retired_goes_from_the_store() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    let retaining = Options { retain: Some(DAY), ..options(&objects.endpoint(), SOON) };
    let (log, writer) = start(path, &retaining);
    record(&log, 10, NOON);
    record(&log, 15, NOON + DAY * 2);
    until(|| is_only_there(path, 1) && Stub::path(&segment(path, 11)).exists());
    log.tell_time(NOON, Duration::ZERO);
    log.tell_time(NOON + DAY * 2, DAY * 2);
    until(|| segments(&objects).len() == 1 && outstanding(path).expect("readable") == 0);
    assert!(!Stub::path(&segment(path, 1)).exists());
    let _ = writer.close(PATIENCE);
    assert_eq!((told(path).as_str(), numbers(path)), ("", (11..=25).collect::<Vec<_>>()));
}

/// As a machine leaves it that stops between any two steps of storing, erasing and retiring.
#[test]
fn what_a_stopped_machine_left_is_done_at_the_next_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    let (log, writer) = start(path, &options(&objects.endpoint(), LATER));
    record(&log, 25, NOON);
    until(|| Stub::path(&segment(path, 1)).exists() && Stub::path(&segment(path, 11)).exists());
    let _ = writer.close(PATIENCE);
    let whole = segments(&objects);
    let transit = Transit::open(path).expect("a folder");
    let stub = Stub::beside(&segment(path, 1)).expect("readable").expect("a stub");
    let settled = |objects: &Objects| {
        let (log, writer) = start(path, &options(&objects.endpoint(), LATER));
        until(|| log.counters().unstored == 0 && fs::read_dir(path.join("outside")).expect("a folder").next().is_none());
        let _ = writer.close(PATIENCE);
        assert_eq!((segments(objects), told(path)), (whole.clone(), String::new()));
        assert_eq!(Stub::beside(&segment(path, 1)).expect("readable").expect("a stub").key, stub.key);
    };
    // It was to be put, and was or was not.
    for is_put in [true, false] {
        fs::rename(Stub::path(&segment(path, 1)), transit.place(1, &stub.sha256, Going::In)).expect("renamed");
        if !is_put {
            objects.delete(BUCKET, &stub.key).expect("deleted");
        }
        settled(&objects);
    }
    // The file that says so was half written.
    fs::write(transit.place(1, &stub.sha256, Going::In), "{").expect("written");
    settled(&objects);
    // Put, and the log names another content since: of an erasure, say. What is there of it goes.
    let store = store(&objects.endpoint());
    for going in [Going::In, Going::Out] {
        let other = store.put(&store.stub(1, hash_of(b"before"), 6), b"before").expect("put");
        other.write(&transit.place(1, &other.sha256, going)).expect("written");
        settled(&objects);
    }
    // Replaced, and the stub says still what was there before.
    let other = store.put(&store.stub(1, hash_of(b"before"), 6), b"before").expect("put");
    other.write(&Stub::path(&segment(path, 1))).expect("written");
    settled(&objects);
}

#[test]
fn an_object_that_is_gone_before_the_file_here_is_put_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    let (log, writer) = start(path, &options(&objects.endpoint(), LATER));
    record(&log, 15, NOON);
    until(|| Stub::path(&segment(path, 1)).exists());
    let _ = writer.close(PATIENCE);
    let [name] = &*segments(&objects) else { panic!("one object") };
    objects.delete(BUCKET, name).expect("deleted");
    let (_log, writer) = start(path, &options(&objects.endpoint(), SOON));
    until(|| segments(&objects).contains(name));
    let _ = writer.close(PATIENCE);
    assert_eq!(told(path), "");
}

#[test]
fn a_segment_that_was_changed_here_is_not_put() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    let without = Options { storage: None, ..options("http://127.0.0.1:9", SOON) };
    let (log, writer) = start(path, &without);
    record(&log, 25, NOON);
    until(|| log.counters().sealed == 2);
    let _ = writer.close(PATIENCE);
    let mut bytes = fs::read(segment(path, 1)).expect("readable");
    bytes[1_000] ^= 1;
    fs::write(segment(path, 1), bytes).expect("writable");
    let (log, writer) = start(path, &options(&objects.endpoint(), SOON));
    until(|| is_only_there(path, 11) && log.counters().unstored == 1);
    let _ = writer.close(PATIENCE);
    assert!(segment(path, 1).exists());
    assert_eq!(segments(&objects).len(), 1);
    assert!(told(path).contains("events-000000000001.parquet"));
}

/// All files put back from a copy, with the right key: nothing in the directory says so, and what an anchor has kept does.
#[test]
fn a_log_that_was_set_back_whole_is_found_by_what_an_anchor_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, kept) = (directory.path().join("audit"), directory.path().join("checkpoints"));
    let anchored = Options { storage: None, anchors: vec![Anchor::File(kept.clone())], ..options("http://127.0.0.1:9", SOON) };
    let run = |events: usize| {
        let (log, writer) = start(&path, &anchored);
        record(&log, events, NOON);
        until(|| log.counters().queued == 0);
        let _ = writer.close(PATIENCE);
    };
    run(25);
    let copy = directory.path().join("copy");
    copied(&path, &copy);
    run(25);
    let compare = || {
        let kept = anchor::read(&fs::read(&kept).expect("readable"), &trusted());
        assert_eq!((kept.unread, kept.others), (0, 0));
        anchor::compare(&path.join("log"), &trusted(), &kept.checkpoints).expect("readable")
    };
    assert_eq!((told(&path).as_str(), compare()), ("", Vec::new()));
    fs::remove_dir_all(&path).expect("removed");
    copied(&copy, &path);
    assert_eq!(told(&path), "", "of itself it is whole");
    let found = compare();
    assert!(matches!(&found[..], [crate::tiles::Finding::RolledBack { .. }]), "{found:?}");
    // Gone on with in another way, it is as long as before, and another one.
    let elsewhere = Options { anchors: Vec::new(), ..anchored.clone() };
    let (log, writer) = start(&path, &elsewhere);
    record(&log, 35, NOON + DAY);
    until(|| log.counters().queued == 0);
    let _ = writer.close(PATIENCE);
    let found = compare();
    assert!(matches!(&found[..], [crate::tiles::Finding::Rewritten { .. }]), "{found:?}");
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copied(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}
