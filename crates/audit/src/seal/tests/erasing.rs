//! Erasing from a log that somebody changed.

use super::{EDGE, NOON, PATIENCE, look, options, record, start, until};
use crate::{
    canonical::Personal,
    directory::SEGMENTS,
    seal::SealError,
    segment::{Segment, erase, find::Wanted, write::put_in_place},
    sink::Options,
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
    erase(&first, &Wanted { seq: 3..=3, ..Wanted::default() }).expect("readable").expect("something");
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
