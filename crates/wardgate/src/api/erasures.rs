//! Erasures, while the gate serves: the thread that seals makes them.

use crate::clock;
use std::sync::Arc;
use tokio::sync::oneshot;
use wardgate_audit::{
    seal::SealError,
    segment::find::Wanted,
    sink::{ChangeRecord, Log},
    timeline::Subject,
};
use wardgate_console::{Code, Erasure, Problem};

/// Erases, and records that it was done: of how many events, by whom and why, not whose.
pub(super) async fn erase(log: &Arc<Log>, erasure: Erasure) -> Result<u64, Problem> {
    let subject: Subject = erasure.subject.parse().map_err(|wrong| Problem::new(Code::Unfit, format!("`subject`: {wrong}")))?;
    log.tell_time(clock::now());
    let wanted = Wanted { either: subject.predicates(), ..Wanted::default() };
    let (tell, told) = oneshot::channel();
    // Nobody listens any more only where the process ends.
    let done = Box::new(move |erased| drop(tell.send(erased)));
    log.erase(wanted, &erasure.reason, done).map_err(|_| Problem::new(Code::Busy, "another erasure has to be begun first"))?;
    let erased = told.await.map_err(|_| Problem::fault("the event log ended before it had erased anything"))?;
    let (name, result) = match erased {
        Ok(events) => (format!("{events} events"), Ok(events)),
        Err(left) => ("what is sealed".to_owned(), Err(left)),
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
    if log.record_change(record).is_err() {
        // The log of segments has an entry of it all the same.
        tracing::warn!("no place in the event log for who asked for an erasure");
    }
    result.map_err(|left| match left {
        SealError::Changed(tail) => {
            let detail = format!("`{tail}` does not hold what was written to it, and nothing was erased from it; from all else it was");
            Problem::new(Code::Conflict, detail)
        }
        other => Problem::fault(other),
    })
}
