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
fn process(path: &Path, name: &str, after: usize, ends: bool) -> Before {
    let before = Before::look(path);
    let (log, writer) = Log::start(path, &Options { window: Duration::from_millis(1), ..Options::new("edge-1") }).expect("starts");
    log.record_change(change(name, START, None)).expect("a place");
    let run = Run::started(&log, name, before, WINDOW);
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
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path();
    assert_eq!(process(path, "a", 0, true), Before::Nothing);
    assert_eq!(process(path, "b", 20, true), Before::Stopped);
    assert_eq!(process(path, "c", 20, false), Before::Stopped, "what was done to the log meanwhile is no crash");
    assert_eq!(process(path, "d", 0, false), Before::Crashed);
    assert_eq!(process(path, "e", 0, true), Before::Crashed);
    assert_eq!(process(path, "f", 0, true), Before::Stopped);
    assert_eq!(
        told(path),
        ["start a", "stop a", "start b", "stop b", "start c", "start d", "crash d", "start e", "crash e", "stop e", "start f", "stop f"]
    );
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
