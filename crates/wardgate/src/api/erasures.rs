//! Erasures, while the gate serves: the thread that seals makes them, and who asks is told how far they are.

use crate::clock;
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;
use wardgate_audit::{
    seal::{ErasureProgress, SealError, outside::outstanding},
    segment::{
        SegmentError,
        erase::{ERASURE, Erasable},
        find::Wanted,
    },
    sink::{ChangeRecord, Log},
    timeline::Subject,
};
use wardgate_console::{Code, Erasure, ErasureState, ErasureView, Problem};
use wardgate_model::{id::IdentityId, time::Time};

/// Erasures that are told of: the oldest are forgotten.
const KEPT_MAX: usize = 64;

/// The erasures of this process.
pub(super) struct Erasures {
    log: Arc<Log>,
    directory: PathBuf,
    // INVARIANT (kept): at most `KEPT_MAX`, and at most one of them is under way: the log takes no other.
    kept: Mutex<VecDeque<Kept>>,
}

/// One of them. Of whom is in memory only, so that it can be joined.
struct Kept {
    id: Box<str>,
    subject: Subject,
    begun: Time,
    ended: Option<Ended>,
}

#[derive(Clone)]
struct Ended {
    at: Time,
    progress: ErasureProgress,
    /// Why not all was erased.
    wrong: Option<(Code, String)>,
}

impl Erasures {
    pub(super) fn new(log: &Arc<Log>, directory: &Path) -> Arc<Self> {
        Arc::new(Self { log: Arc::clone(log), directory: directory.to_owned(), kept: Mutex::default() })
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one, or joins one of the same subject.
    pub(super) fn begin(self: &Arc<Self>, erasure: Erasure) -> Result<ErasureView, Problem> {
        let subject: Subject = erasure.subject.parse().map_err(|wrong| Problem::new(Code::Unfit, format!("`subject`: {wrong}")))?;
        let (id, told) = {
            let mut kept = self.kept();
            let running = kept.iter().find(|one| one.ended.is_none());
            if let Some(same) = running.filter(|one| one.subject == subject) {
                self.record_asked(&erasure, &same.id)?;
                return Ok(self.view(same));
            }
            if running.is_some() {
                return Err(busy(running));
            }
            self.log.tell_time(clock::now(), clock::instant().span());
            let id: Box<str> = format!("{:032x}", clock::entropy()).into();
            self.record_asked(&erasure, &id)?;
            let wanted = Wanted { either: subject.predicates(), ..Wanted::default() };
            let erasable = Erasable::from(wanted).without_traces_of(erasure.own.iter().map(IdentityId::as_str));
            let (tell, told) = oneshot::channel();
            // Nobody listens any more only where the process ends.
            let done = Box::new(move |erased| drop(tell.send(erased)));
            self.log.erase(erasable, &erasure.reason, done).map_err(|_| busy(running))?;
            kept.push_back(Kept { id: id.clone(), subject, begun: clock::now(), ended: None });
            if kept.len() > KEPT_MAX {
                kept.pop_front();
            }
            (id, told)
        };
        let all = Arc::clone(self);
        let begun = self.known(&id);
        tokio::spawn(async move { all.end(&id, told.await.unwrap_or(Err(SealError::Ended)), erasure) });
        begun.ok_or_else(|| Problem::fault("an erasure that was begun is not known"))
    }

    /// Records who asks, before anything is erased: that is not done without.
    fn record_asked(&self, erasure: &Erasure, id: &str) -> Result<(), Problem> {
        let record = ChangeRecord {
            time: clock::now(),
            actor: erasure.actor.as_str().into(),
            what: "ask".into(),
            kind: ERASURE.into(),
            name: id.into(),
            reason: Some(erasure.reason.clone()),
            of: Vec::new(),
        };
        let unrecorded = |_| Problem::new(Code::Fault, "the event log takes no record of who asks: nothing is erased without");
        self.log.record_change(record).map_err(unrecorded)
    }

    /// Records that it was done: of how many events, by whom and why, not whose.
    fn end(&self, id: &str, erased: Result<u64, SealError>, erasure: Erasure) {
        let progress = self.log.erased();
        let name = match (&erased, progress.events) {
            (Ok(1), _) => format!("1 event, erasure {id}"),
            (Ok(events), _) => format!("{events} events, erasure {id}"),
            (Err(_), 0) => format!("what is sealed, erasure {id}"),
            (Err(_), events) => format!("{events} of the events, erasure {id}"),
        };
        let record = ChangeRecord {
            time: clock::now(),
            actor: erasure.actor.as_str().into(),
            what: "erase".into(),
            kind: "event".into(),
            name: name.into(),
            reason: Some(erasure.reason),
            of: Vec::new(),
        };
        if self.log.record_change(record).is_err() {
            // Who asked for it is on record, and the log of segments has an entry of it.
            tracing::warn!("no place in the event log for how an erasure ended");
        }
        let ended = Ended { at: clock::now(), progress, wrong: erased.err().map(|error| told(&error)) };
        if let Some(one) = self.kept().iter_mut().find(|one| *one.id == *id) {
            one.ended = Some(ended);
        }
    }

    fn known(&self, id: &str) -> Option<ErasureView> {
        self.kept().iter().find(|one| *one.id == *id).map(|one| self.view(one))
    }

    /// How far one is; where it is over, also how many objects still hold what was erased.
    pub(super) async fn read(&self, id: &str) -> Option<ErasureView> {
        let mut view = self.known(id)?;
        if view.state != ErasureState::Running {
            let directory = self.directory.clone();
            // What cannot be read is told by whoever has to replace it.
            let left = tokio::task::spawn_blocking(move || outstanding(&directory)).await.ok().and_then(Result::ok);
            view.outstanding = left.and_then(|left| u64::try_from(left).ok());
        }
        Some(view)
    }

    fn view(&self, one: &Kept) -> ErasureView {
        let progress = one.ended.as_ref().map_or_else(|| self.log.erased(), |ended| ended.progress);
        let wrong = one.ended.as_ref().and_then(|ended| ended.wrong.clone());
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        ErasureView {
            id: one.id.to_string(),
            state: match (&one.ended, &wrong) {
                (None, _) => ErasureState::Running,
                (Some(_), None) => ErasureState::Done,
                (Some(_), Some(_)) => ErasureState::Failed,
            },
            begun: one.begun.to_rfc3339(),
            ended: one.ended.as_ref().map(|ended| ended.at.to_rfc3339()),
            events: progress.events,
            own: progress.own,
            segments: count(progress.segments),
            looked_at: count(progress.looked_at),
            failed: count(progress.failed),
            outstanding: None,
            code: wrong.as_ref().map(|(code, _)| code.as_str().to_owned()),
            detail: wrong.map(|(_, detail)| detail),
        }
    }
}

/// Another is under way, or the log takes none any more.
fn busy(running: Option<&Kept>) -> Problem {
    let detail = match running {
        Some(one) => format!("the erasure `{}` of another subject is under way since {}: there is one at a time", one.id, one.begun),
        None => "the event log takes no erasure at this moment: it is being closed, or another one has just ended".to_owned(),
    };
    Problem::new(Code::Busy, detail).mend("ask again when it is over: `GET /api/v1/audit/erasures/{id}` tells")
}

/// Why not all was erased, for who asked. What somebody has to look at first is a conflict; a store that is away is named.
fn told(error: &SealError) -> (Code, String) {
    let rest = "from all else it was erased";
    match error {
        SealError::Changed(tail) => {
            (Code::Conflict, format!("`{tail}` does not hold what was written to it, and nothing was erased from it; {rest}"))
        }
        SealError::Unsealed { path } => {
            let file = path.file_name().unwrap_or_default().display().to_string();
            (Code::Conflict, format!("`{file}` is not what was sealed: it is left as it is, and nothing was erased from it; {rest}"))
        }
        SealError::Ended => (Code::Conflict, error.to_string()),
        SealError::Segment(SegmentError::Store { error, .. }) => {
            (Code::Fault, format!("{error}: nothing was erased from it, ask again when the store answers; {rest}"))
        }
        SealError::Segment(error) if !matches!(error, SegmentError::Io { .. }) => {
            (Code::Conflict, format!("{error}: it is left as it is, and nothing was erased from it; {rest}"))
        }
        other => {
            tracing::error!(error = %other, "an erasure could not be made");
            (Code::Fault, "the event log cannot be read or written: the gate's own log says why".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
