//! The life of a process in the event log: a run starts, goes on once a day, and stops. One that did not stop was killed, or its machine
//! stopped, and the next one says so: what it had not written is missing.

use crate::{
    clock::{self, Instant},
    kept,
};
use std::{io, path::Path, sync::Arc, time::Duration};
use wardgate_audit::{
    event_v1::EventV1,
    reading::{self, Filter, Since},
    sink::{ChangeRecord, Log},
};
use wardgate_model::event::EventSink as _;

/// Who does what no identity does. No identity and no file is called so.
pub const PROCESS: &str = "<process>";
/// The kind of thing that a run is.
pub const KIND: &str = "run";
/// What is done to it first.
pub const START: &str = "start";
/// What is done to it once a day: so the times of events follow each other although nobody calls, and retirement can tell a clock that is wrong.
const GO_ON: &str = "continue";
/// What is done to it last.
const STOP: &str = "stop";
/// What the next one says of it where that is not there.
const CRASH: &str = "crash";

/// How often a run says that it goes on.
const DAILY: Duration = Duration::from_secs(86_400);
/// After the end of a run come at most the ends of what was cut, and what a command did to the log where no gate served.
const EVENTS_AFTER: usize = 64;

/// The file in the directory of the state that says that runs tell of their ends.
const TOLD: &str = "runs";

/// How the run before this one ended, as the event log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// There was none, or nothing is known of it.
    Nothing,
    /// By itself.
    Stopped,
    /// It was killed, or its machine stopped.
    Crashed,
}

impl Before {
    /// Looks at the end of a log, before anything is recorded there. `state`: where a run notes that it tells of its end ([`Run::started`]).
    /// A log that cannot be read is opened or refused by whoever writes to it.
    ///
    /// # Errors
    /// Whether there is such a note cannot be found out.
    pub fn look(directory: &Path, state: &Path) -> io::Result<Self> {
        Ok(match Self::at_the_end_of(directory) {
            // Runs of releases that told of no end are all without one: of the last of them nothing is known.
            Self::Crashed if !state.join(TOLD).try_exists()? => Self::Nothing,
            known => known,
        })
    }

    fn at_the_end_of(directory: &Path) -> Self {
        let Ok(page) = reading::tail(directory, &Filter::default(), &Since::Newest, EVENTS_AFTER) else { return Self::Nothing };
        Self::of(&page.events, page.unreadable)
    }

    fn of(newest: &[EventV1<'_>], unreadable: u64) -> Self {
        let changes = newest.iter().rev().filter_map(|event| event.change.as_ref());
        match changes
            .map(|change| (&*change.actor, &*change.kind, &*change.what))
            .find(|(actor, kind, _)| (*actor, *kind) == (PROCESS, KIND))
        {
            Some((_, _, STOP)) => Self::Stopped,
            None if newest.is_empty() && unreadable == 0 => Self::Nothing,
            _ => Self::Crashed,
        }
    }
}

/// What is done to a run.
pub fn change(run: &str, what: &str, reason: Option<&str>) -> ChangeRecord {
    ChangeRecord {
        time: clock::now(),
        actor: PROCESS.into(),
        what: what.into(),
        kind: KIND.into(),
        name: run.into(),
        reason: reason.map(Into::into),
        of: Vec::new(),
    }
}

/// Records a change of a run, or counts that there was no place for it.
fn record(log: &Log, run: &str, what: &str, reason: Option<&str>) {
    if log.record_change(change(run, what, reason)).is_err() {
        log.count_dropped();
    }
}

/// Records the end of a run that never served: what it needs to start was not there.
pub fn stopped(log: &Log, run: &str) {
    record(log, run, STOP, None);
}

/// A run that has started. When it is dropped its end is recorded.
#[derive(Debug)]
pub struct Run {
    log: Arc<Log>,
    name: Box<str>,
}

impl Run {
    /// It has started; what is missing of the one before is told. `window`: how long events were in memory only. That it will tell of its end is
    /// noted in `state` only now: a start that failed before had none to tell of.
    ///
    /// # Errors
    /// The note cannot be made.
    pub fn started(log: &Arc<Log>, name: &str, before: Before, window: Duration, state: &Path) -> io::Result<Self> {
        if before == Before::Crashed {
            let lacks =
                format!("the run before did not end by itself: up to {} ms of events may be missing before this one", window.as_millis());
            tracing::warn!("{lacks}");
            record(log, name, CRASH, Some(&lacks));
        }
        let run = Self { log: Arc::clone(log), name: name.into() };
        // Once: it outlasts the machine, as the start does that is on record by now.
        if !state.join(TOLD).try_exists()? {
            kept::replace(state, TOLD, |_| io::Result::Ok(()))?;
        }
        Ok(run)
    }

    /// Who says once a day that it goes on.
    #[must_use]
    pub fn daily(&self) -> Daily {
        Daily { log: Arc::clone(&self.log), name: self.name.clone(), told: clock::instant() }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        record(&self.log, &self.name, STOP, None);
    }
}

/// Who says once a day that a run goes on.
#[derive(Debug)]
pub struct Daily {
    log: Arc<Log>,
    name: Box<str>,
    told: Instant,
}

impl Daily {
    /// Says so where it is due.
    pub fn goes_on(&mut self) {
        self.goes_on_at(clock::instant());
    }

    fn goes_on_at(&mut self, now: Instant) -> bool {
        let is_due = now.since(self.told) >= DAILY;
        if is_due {
            self.told = now;
            record(&self.log, &self.name, GO_ON, None);
        }
        is_due
    }
}

#[cfg(test)]
mod tests;
