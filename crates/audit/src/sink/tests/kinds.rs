//! Events that are no requests, and who is shown those that are.

use super::{PATIENCE, numbers, options, record};
use crate::{
    encode::tests::{NOON, honest},
    reading::{self, Filter, Since},
    sink::{ChangeRecord, Counters, FindingRecord, Log},
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use wardgate_model::event::{Event, EventSink, Place, Share};

#[test]
fn changes_stand_between_the_requests() {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, writer) = Log::start(directory.path(), &options(64)).expect("starts");
    record(&log).expect("a place");
    log.record_change(change("revoke", "credential")).expect("a place");
    record(&log).expect("a place");
    assert_eq!(writer.close(PATIENCE).written, 3);
    let page = reading::tail(directory.path(), &Filter::default(), &Since::Oldest, 10).expect("readable");
    let kinds: Vec<String> = page.events.iter().map(|event| format!("{} {:?}", event.seq, event.kind)).collect();
    assert_eq!(kinds, ["1 Request", "2 Change", "3 Request"]);
}

#[test]
fn an_observer_sees_each_request_once_and_nothing_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let observer = Box::new(move |event: &Event| kept.lock().expect("a lock").push(event.facts.request.path.to_string()));
    let (log, writer) = Log::start_observed(directory.path(), &options(64), observer).expect("starts");
    let sink: Arc<dyn EventSink> = Arc::clone(&log) as Arc<dyn EventSink>;
    for path in ["/a", "/b", "/c"] {
        Place::reserve(&sink, Share::Whole).expect("a place").record(honest(path, NOON));
    }
    log.record_change(change("apply", "resource")).expect("a place");
    log.record_finding(finding()).expect("a place");
    assert_eq!(writer.close(PATIENCE).written, 5);
    assert_eq!(*seen.lock().expect("a lock"), ["/a", "/b", "/c"]);
}

#[test]
fn an_observer_that_breaks_down_takes_nothing_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let observer = Box::new(move |_: &Event| {
        assert!(count.fetch_add(1, Ordering::SeqCst) < 1, "it breaks down at the second event");
    });
    let (log, writer) = Log::start_observed(directory.path(), &options(64), observer).expect("starts");
    for _ in 0..4 {
        record(&log).expect("a place");
    }
    assert_eq!(writer.close(PATIENCE), Counters { written: 4, places: 64, ..Counters::default() });
    assert_eq!((numbers(directory.path()), asked.load(Ordering::SeqCst)), (vec![1, 2, 3, 4], 2));
}

#[test]
fn containments_and_findings_are_events_of_their_own_kinds() {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, writer) = Log::start(directory.path(), &options(64)).expect("starts");
    log.record_change(change("apply", "resource")).expect("a place");
    log.record_change(change("contain", "containment")).expect("a place");
    log.record_finding(finding()).expect("a place");
    assert_eq!(writer.close(PATIENCE).written, 3);
    let page = reading::tail(directory.path(), &Filter::default(), &Since::Oldest, 10).expect("readable");
    let told: Vec<_> = page.events.iter().map(|event| serde_json::to_value(event).expect("JSON")).collect();
    assert_eq!(
        told.iter().map(|event| event["kind"].as_str().unwrap_or_default()).collect::<Vec<_>>(),
        ["change", "containment", "finding"]
    );
    assert_eq!(told[1]["change"]["what"], "contain");
    assert_eq!(
        told[2]["finding"],
        serde_json::json!({ "code": "claim.overdue", "severity": "high", "kind": "identity", "name": "ledger", "what": "nobody claimed it" })
    );
}

pub(super) fn change(what: &str, kind: &str) -> ChangeRecord {
    ChangeRecord {
        time: NOON,
        actor: "alice".into(),
        what: what.into(),
        kind: kind.into(),
        name: "ledger".into(),
        reason: None,
        of: Vec::new(),
    }
}

fn finding() -> FindingRecord {
    let (code, severity, kind) = ("claim.overdue".into(), "high".into(), "identity".into());
    FindingRecord { time: NOON, code, severity, kind, name: "ledger".into(), what: "nobody claimed it".into() }
}
