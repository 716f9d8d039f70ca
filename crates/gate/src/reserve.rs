//! Room 8. Takes a [`Considered`], gives a [`Reserved`]: rate, quota, concurrency and bytes, all or none; and a call of its task.
//!
//! Why here: counting comes after the constant answer, so that a caller who may not call at all uses nobody's quota, and
//! before the dear rooms. The task comes first: nothing else is counted while more of its budget is drawn. Refuses: what is over a
//! limit or the budget of its task. Dropping the reservation gives it back.

use crate::{
    judge::{Denial, Unruled},
    snapshot::Snapshot,
    standing::{Considered, is_break_glass},
    step::{Held, Holding, Need},
};
use wardgate_abuse::{
    Limits, Meters, Refusal, Reservation,
    budget::{Short, TaskPlace},
};
use wardgate_model::{reason::Reason, time::Time};

/// A request that has its place under every limit.
#[derive(Debug)]
pub struct Reserved<'f> {
    /// What is asked.
    pub considered: Considered<'f>,
    /// What is held.
    pub reservation: Reservation,
    /// From when on the task is over that it is a call of, if nothing more is heard of it; `None`: it is of none, or that was not looked for.
    pub lapses: Option<Time>,
}

/// Takes a place under every limit that counts this request.
///
/// # Errors
/// When one has none left.
pub fn take<'f>(considered: Considered<'f>, snapshot: &Snapshot, meters: &Meters, now: Time) -> Result<Reserved<'f>, Unruled> {
    let (task, lapses) = of_task(&considered, snapshot, meters, now)?;
    let none = is_break_glass(considered.caller, considered.api).then(|| Limits::compile(&[]));
    match meters.reserve(none.as_ref().unwrap_or(snapshot.limits()), considered.facts, now) {
        Ok(mut reservation) => {
            if let Some(task) = task {
                reservation.hold_task(task);
            }
            Ok(Reserved { considered, reservation, lapses })
        }
        Err(refusal) => {
            let Refusal { reason, states, retry_after_s, .. } = *refusal;
            Err(Denial::because(reason).limits(states, retry_after_s).into())
        }
    }
}

/// A call of the budget of its task, and from when on that is over. What calls to end the task, or to keep it alive, is none of it.
fn of_task(
    considered: &Considered<'_>,
    snapshot: &Snapshot,
    meters: &Meters,
    now: Time,
) -> Result<(Option<TaskPlace>, Option<Time>), Unruled> {
    let of = considered.caller.task.as_ref().filter(|_| !considered.api.is_tasks());
    let Some(task) = of.and_then(|id| snapshot.task(id.as_str(), &considered.caller.identity.id, now)) else {
        return Ok((None, None));
    };
    match meters.budgets().take(task, considered.facts.request.retry.as_ref(), now) {
        Ok(place) => Ok((place, Some(task.is_over_from()))),
        Err(Short::Ask) => Err(Unruled::Needs(Need::Budget { task: task.id.clone() }, Held(Holding::Nothing))),
        Err(Short::Used) => Err(Denial::because(Reason::ReserveTask).into()),
    }
}
