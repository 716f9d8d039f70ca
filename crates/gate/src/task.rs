//! The end of room 6, for tokens of tasks: is the task under way, whose is it, and is the call within it?
//!
//! Why here: what a task is for is as much a fact of its caller as the identity is; so it is recorded, and replayed, with the others.
//! Refuses: tokens of tasks that are over, stopped, not on record or somebody else's, as tokens that were ended; and calls that are
//! for something else than the task.

use crate::snapshot::Snapshot;
use std::sync::Arc;
use wardgate_model::{
    facts::{Basis, Caller, Facts, Purpose},
    grant::OperationSelector,
    id::TaskId,
    reason::Reason,
    task::{Task, covers, holds},
    time::Time,
};
use wardgate_proof::{
    access_token::{DETAILS, TASK},
    jose::claims::Claims,
};

/// What a token of ours says of its task: it may be for less than the task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfTask {
    /// Which.
    pub task: TaskId,
    /// For which operations.
    pub operations: Box<[OperationSelector]>,
    /// On which resources; empty: any.
    pub resources: Box<[Box<str>]>,
}

impl OfTask {
    /// Reads it from a token of ours. What cannot be read opens nothing.
    #[must_use]
    pub fn of(claims: &Claims) -> Option<Self> {
        let task = TaskId::parse(claims.text(TASK)?).ok()?;
        let detail = claims.at(DETAILS).and_then(|details| details.get(0));
        let texts = |name: &str| detail.and_then(|detail| detail.get(name)?.as_array());
        let operations = texts("operations").into_iter().flatten();
        let operations = operations.filter_map(|text| OperationSelector::parse(text.as_str()?)).collect();
        // One that is no text is a name that no resource has.
        let resources = texts("resources").into_iter().flatten().map(|text| text.as_str().unwrap_or_default().into()).collect();
        Some(Self { task, operations, resources })
    }
}

/// The task of a caller, while it is under way and was not stopped.
#[must_use]
pub fn open<'s>(caller: &Caller, snapshot: &'s Snapshot, now: Time) -> Option<&'s Arc<Task>> {
    snapshot.task(caller.task.as_ref()?.as_str(), &caller.identity.id, now)
}

/// From when on the task of a caller is over if nothing more is heard of it: at once, where it is not on record. `None`: it calls for none.
///
/// It is known from the last heartbeat that was told, so that it ends what is open while the store is away, too.
#[must_use]
pub fn over_from(caller: &Caller, snapshot: &Snapshot, now: Time) -> Option<Time> {
    let task = caller.task.as_ref()?;
    Some(snapshot.population().tasks().get(task.as_str()).map_or(now, |task| task.is_over_from()))
}

/// Looks whether a call is within its task, and gives it the task's purpose; `of`: what of the task the token is for that is shown. What was
/// made for a task (a credential) is for all of it, and says besides what becomes of it.
///
/// # Errors
/// When it is not, or the task is over.
pub(crate) fn within(of: Option<&OfTask>, facts: &mut Facts, snapshot: &Snapshot, now: Time) -> Result<(), Reason> {
    let caller = facts.caller.as_ref().ok_or(Reason::StandingFault)?;
    let Some(id) = &caller.task else { return Ok(()) };
    let task = open(caller, snapshot, now).ok_or(Reason::ProofRevoked)?;
    let made_for = caller.credential.as_ref().and_then(|credential| credential.task.as_ref());
    if made_for.is_some_and(|made_for| made_for != id) {
        return Err(Reason::StandingTask);
    }
    let (Some(api), Some(operation)) = (&facts.api, &facts.operation) else { return Err(Reason::StandingFault) };
    let resource = facts.resource.as_deref();
    let whole = api.name == task.api && covers(&task.operations, operation) && holds(&task.resources, resource);
    let narrowed = of.is_none_or(|of| covers(&of.operations, operation) && holds(&of.resources, resource));
    let own = made_for.is_some() && of.is_none() && api.is_tasks() && resource == Some(id.as_str());
    let inside = (whole && narrowed) || own;
    let other = facts.purpose.as_ref().is_some_and(|purpose| purpose.value != task.purpose);
    facts.purpose = Some(Purpose { value: task.purpose.clone(), basis: Basis::Task });
    if inside && !other { Ok(()) } else { Err(Reason::StandingTask) }
}
