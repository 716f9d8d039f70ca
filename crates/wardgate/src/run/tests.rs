use super::{Before, Daily, KIND, PROCESS, Run, START, change};
use crate::clock;
use std::{path::Path, sync::Arc, time::Duration};
use wardgate_audit::{
    reading::{self, Filter, Since},
    sink::{ChangeRecord, Log, Options},
};

const PATIENCE: Duration = Duration::from_secs(20);
const WINDOW: Duration = Duration::from_millis(100);

/// What a process finds and does that starts, does something, and ends or does not.
fn process((path, state): (&Path, &Path), name: &str, after: usize, ends: bool) -> Before {
    let before = Before::look(path, state).expect("readable");
    let (log, writer) = Log::start(path, &Options { window: Duration::from_millis(1), ..Options::new("edge-1") }).expect("starts");
    log.record_change(change(name, START, None)).expect("a place");
    let run = Run::started(&log, name, before, WINDOW, state).expect("a note");
    if ends {
        drop(run);
    } else {
        // As if it were killed: nobody drops it.
        std::mem::forget(run);
    }
    for _ in 0..after {
        let erased = ChangeRecord { actor: "wardgate-operator".into(), kind: "erasure".into(), ..change("by a command", "ask", None) };
        log.record_change(erased).expect("a place");
    }
    assert_eq!(writer.close(PATIENCE).lost, 0);
    before
}

/// What the log tells of runs.
fn told(path: &Path) -> Vec<String> {
    let page = reading::tail(path, &Filter::default(), &Since::Oldest, 500).expect("readable");
    let changes =
        page.events.into_iter().filter_map(|event| event.change).filter(|change| (&*change.actor, &*change.kind) == (PROCESS, KIND));
    changes.map(|change| format!("{} {}", change.what, change.name)).collect()
}

#[test]
fn a_run_that_did_not_stop_is_told_by_the_next_one() {
    let (place, state) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let path = place.path();
    assert_eq!(process((path, state.path()), "a", 0, true), Before::Nothing);
    assert_eq!(process((path, state.path()), "b", 20, true), Before::Stopped);
    assert_eq!(process((path, state.path()), "c", 20, false), Before::Stopped, "what was done to the log meanwhile is no crash");
    assert_eq!(process((path, state.path()), "d", 0, false), Before::Crashed);
    assert_eq!(process((path, state.path()), "e", 0, true), Before::Crashed);
    assert_eq!(process((path, state.path()), "f", 0, true), Before::Stopped);
    assert_eq!(
        told(path),
        ["start a", "stop a", "start b", "stop b", "start c", "start d", "crash d", "start e", "crash e", "stop e", "start f", "stop f"]
    );
}

/// The first start after an upgrade from a release that told of no end, and a start that fails before anybody is served: nobody was killed.
#[test]
fn nobody_is_taken_for_killed_who_was_not() {
    let (place, state) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let path = place.path();
    let recorded = |changes: &[ChangeRecord]| {
        let (log, writer) = Log::start(path, &Options::new("edge-1")).expect("starts");
        changes.iter().for_each(|one| log.record_change(one.clone()).expect("a place"));
        drop(log);
        assert_eq!(writer.close(PATIENCE).lost, 0);
    };
    recorded(&[change("old", START, None)]);
    let look = || Before::look(path, state.path()).expect("readable");
    assert_eq!(look(), Before::Nothing, "it told of no end");
    assert_eq!(look(), Before::Nothing, "whoever looked then and failed to open the log was not killed");
    let (log, writer) = Log::start(path, &Options::new("edge-1")).expect("starts");
    log.record_change(change("fails", START, None)).expect("a place");
    super::stopped(&log, "fails");
    drop(log);
    assert_eq!(writer.close(PATIENCE).lost, 0);
    assert_eq!(look(), Before::Stopped);
    assert_eq!(process((path, state.path()), "killed", 0, false), Before::Stopped);
    assert_eq!(look(), Before::Crashed, "who started has noted that it tells of its end");
}

/// What cannot be noted is no reason to be taken for killed either.
#[test]
fn a_start_that_cannot_note_it_ends_at_once() {
    let (place, state) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let gone = state.path().join("gone");
    let (log, writer) = Log::start(place.path(), &Options::new("edge-1")).expect("starts");
    log.record_change(change("a", START, None)).expect("a place");
    assert!(Run::started(&log, "a", Before::Nothing, WINDOW, &gone).is_err());
    assert_eq!(writer.close(PATIENCE).lost, 0);
    assert_eq!(told(place.path()), ["start a", "stop a"]);
}

#[test]
fn a_run_says_once_a_day_that_it_goes_on() {
    let place = tempfile::tempdir().expect("a directory");
    let (log, writer) = Log::start(place.path(), &Options::new("edge-1")).expect("starts");
    let begun = clock::instant();
    let mut daily = Daily { log: Arc::clone(&log), name: "a".into(), told: begun };
    let hour = Duration::from_secs(3_600);
    let told_at: Vec<u32> = (0..80).filter(|hours| daily.goes_on_at(begun + hour * *hours)).collect();
    assert_eq!(told_at, [24, 48, 72]);
    assert_eq!(writer.close(PATIENCE).lost, 0);
    assert_eq!(told(place.path()), ["continue a"; 3]);
}
