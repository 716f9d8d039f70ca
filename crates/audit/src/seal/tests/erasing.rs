//! Erasing from a log that somebody changed.

use super::{EDGE, NOON, PATIENCE, look, options, record, start, until};
use crate::{
    canonical::Personal,
    columns::{Row, Value, number},
    directory::SEGMENTS,
    reading::{self, Cursor, Filter, Since},
    seal::SealError,
    segment::{
        Segment,
        erase::{ERASURE, Erasable, erase},
        find::Wanted,
        write::put_in_place,
    },
    sink::{ChangeRecord, Options},
    store::{
        Storage, Stub,
        tests::{objects, store},
    },
};
use std::{fs, net::TcpListener, path::Path, sync::mpsc::sync_channel, time::Duration};

fn asked(path: &Path) -> Result<u64, String> {
    let (log, writer) = start(path, &options(10));
    let (sender, receiver) = sync_channel(1);
    let done = Box::new(move |erased: Result<u64, SealError>| sender.send(erased.map_err(|error| error.to_string())).expect("waited for"));
    log.erase(Wanted::default(), "asked for", done).expect("a place");
    let told = receiver.recv_timeout(PATIENCE).expect("told");
    let _ = writer.close(PATIENCE);
    told
}

#[test]
fn what_is_not_what_was_sealed_is_left_and_never_signed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(10));
    record(&log, 25, NOON);
    until(|| log.counters().sealed == 2);
    let _ = writer.close(PATIENCE);
    // A file that fits itself, with the root of the log, and is another one than the log names.
    let first = path.join(SEGMENTS).join("events-000000000001.parquet");
    erase(&first, &Wanted { seq: 3..=3, ..Wanted::default() }.into()).expect("readable").expect("something");
    put_in_place(&first).expect("in place");
    let (forged, before) = (fs::read(&first).expect("readable"), look(path).checkpoint.expect("a checkpoint").size);
    assert_ne!(look(path).findings, []);
    let told = asked(path).expect_err("not all was erased");
    assert!(told.contains("events-000000000001.parquet` is not what was sealed"), "{told}");
    assert_eq!(fs::read(&first).expect("readable"), forged, "it is left as it is");
    let report = look(path);
    assert_ne!(report.findings, [], "what was changed is still found");
    // The tail is sealed first; of the two others, each has an entry.
    assert_eq!(report.checkpoint.expect("a checkpoint").size, before + 3, "one was sealed, and two were erased from");
    assert_eq!(report.erased, 15, "of what the log names");
    // Whoever reads is told of it.
    let page = reading::tail(path, &Filter::default(), &Since::After(Cursor::after(10)), 100).expect("readable");
    assert!(!page.events.is_empty() && page.events.iter().all(|event| event.erased), "{:?}", page.events.first());
    let second = Segment::open(&path.join(SEGMENTS).join("events-000000000011.parquet")).expect("a segment");
    assert_eq!(second.edge(), EDGE);
    second
        .records(0, |_, record| {
            assert!(!matches!(record.personal, Personal::Clear { .. }), "what comes behind it is erased all the same");
            Ok(())
        })
        .expect("readable");
}

#[test]
fn while_a_store_does_not_answer_what_comes_is_signed_and_sealed() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, objects) = (directory.path(), objects());
    let mut store = store(&objects.endpoint());
    store.clock = || NOON + Duration::from_secs(86_400);
    let storage = Some(Storage { store, local: Duration::ZERO });
    let (log, writer) = start(path, &Options { storage, ..options(10) });
    record(&log, 15, NOON);
    let first = path.join(SEGMENTS).join("events-000000000001.parquet");
    until(|| Stub::path(&first).exists() && !first.exists());
    let _ = writer.close(PATIENCE);
    // In its place, one that takes calls and never says a word.
    let port = objects.port();
    drop(objects);
    let mute = TcpListener::bind(("127.0.0.1", port)).expect("bound");
    let (log, writer) = start(path, &options(10));
    let (sender, receiver) = sync_channel(2);
    let done = || {
        let sender = sender.clone();
        Box::new(move |erased: Result<u64, SealError>| drop(sender.send(erased.map_err(|error| error.to_string()))))
    };
    log.erase(Wanted::default(), "asked for", done()).expect("a place");
    let _call = mute.accept().expect("a call");
    let before = log.counters().sealed;
    record(&log, 25, NOON);
    until(|| log.counters().sealed >= before + 2);
    assert_eq!(receiver.try_recv().ok(), None, "it is still under way");
    let progress = log.erased();
    assert!(progress.segments >= 1 && progress.looked_at == 0 && progress.events == 0, "{progress:?}");
    log.erase(Wanted::default(), "asked again", done()).expect_err("one at a time");
    let _ = writer.close(PATIENCE);
    let told = receiver.recv_timeout(PATIENCE).expect("told").expect_err("not done");
    assert!(told.contains("closed"), "{told}");
}

fn change(actor: &str, what: &str, kind: &str) -> ChangeRecord {
    ChangeRecord {
        time: NOON,
        actor: actor.into(),
        what: what.into(),
        kind: kind.into(),
        name: "one".into(),
        reason: Some("a reason".into()),
        of: Vec::new(),
    }
}

/// Who asks for something that all events have loses nothing of its own by it; somebody else can take that, but never who asked.
#[test]
fn nobody_takes_away_traces_of_its_own_nor_who_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (log, writer) = start(path, &options(100));
    record(&log, 3, NOON);
    for (actor, what, kind) in
        [("rosa", "issue", "credential"), ("sam", "issue", "credential"), ("rosa", "ask", ERASURE), ("rosa", "erase", "event")]
    {
        log.record_change(change(actor, what, kind)).expect("a place");
    }
    let asked = |erasable: Erasable| {
        let (sender, receiver) = sync_channel(1);
        let done =
            Box::new(move |erased: Result<u64, SealError>| sender.send(erased.map_err(|error| error.to_string())).expect("waited for"));
        log.erase(erasable, "asked for", done).expect("a place");
        let erased = receiver.recv_timeout(PATIENCE).expect("told").expect("erased");
        (erased, log.erased().own)
    };
    let left = || {
        let page = reading::tail(path, &Filter::default(), &Since::Oldest, 100).expect("readable");
        let changes = page.events.into_iter().filter_map(|event| event.change);
        changes.filter(|change| !change.actor.is_empty()).map(|change| format!("{} {}", change.actor, change.what)).collect::<Vec<_>>()
    };
    let by = |identities: &[&str]| Erasable::from(Wanted::default()).without_traces_of(identities.iter().copied());
    assert_eq!(asked(by(&["rosa"])), (4, 1), "three requests and what another did");
    assert_eq!(left(), ["rosa issue", "rosa ask", "rosa erase"]);
    assert_eq!(asked(by(&["rosa"])), (0, 1), "again and again");
    assert_eq!(asked(by(&["sam"])), (1, 0), "by another");
    assert_eq!(left(), ["rosa ask", "rosa erase"], "who asked is there for ever");
    let _ = writer.close(PATIENCE);
    assert_eq!(look(path).findings, []);
}

/// Whatever it did: what it called itself, and what was called for it.
#[test]
fn traces_are_what_somebody_did_by_whatever_hand() {
    let own = Erasable::from(Wanted::default()).without_traces_of(["rosa"]);
    let both = |values: Vec<(&str, Value<'static>)>| {
        let mut row: Row<'static> = std::array::from_fn(|_| None);
        for (column, value) in values.into_iter().chain([("seq", Value::Int(1)), ("time", Value::Int(1))]) {
            row[number(column).expect("a column")] = Some(value);
        }
        own.spares(&row)
    };
    let text = |column: &str, value: Value<'static>| both(vec![(column, value)]);
    let texts = |all: &[&str]| Value::Texts(all.iter().map(|one| (*one).to_owned().into()).collect());
    let word = |one: &str| Value::Text(one.to_owned().into());
    assert!(text("identity", word("rosa")) && text("change_actor", word("rosa")));
    assert!(text("actors", texts(&["sam", "rosa"])));
    let asking = |ruled: &str| {
        both(vec![
            ("operation", word("wardgate-admin POST /api/v1/audit/erasures")),
            ("response", word(ruled)),
            ("source", word("192.0.2.7")),
        ])
    };
    assert!(asking("allow"), "from where it was asked for");
    assert!(!asking("block") && !asking("challenge"), "a stranger who was turned away asked for nothing, and can be forgotten");
    assert!(!text("identity", word("sam")) && !text("change_of", texts(&["rosa"])) && !text("on_behalf_of", word("rosa")));
}
