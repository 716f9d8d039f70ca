//! Acts that may have to wait for a second person: asked for here, done here, by one code path.

use crate::{
    answer::Answer,
    approvals::ApprovalView,
    call::{Asked, Console},
    problem::Problem,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wardgate_governance::second::{Act, Needed};
use wardgate_model::{
    id::{ApprovalId, RequestId},
    inventory::Identity,
    time::Time,
};
use wardgate_store::{Actor, Needs, NewApproval, StoredApproval};

/// How long an act waits for a second person.
pub const WAITS: Duration = Duration::from_hours(72);

/// What became of an act.
pub(crate) enum Outcome<T> {
    /// It is done.
    Done(T),
    /// It waits for a second person.
    Waits(Box<StoredApproval>),
}

/// What an approval keeps: the act as it was looked at, and what was on record then. It holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// What is to be done.
    pub(crate) act: Act,
    /// Why it waits, for whoever decides.
    pub(crate) why: Vec<String>,
    /// The revision of each resource that the act changes, in its order, or of the stop that it undoes; `None`: it was not
    /// there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) expects: Vec<Option<u64>>,
    /// Whether documents are applied as a whole.
    #[serde(default)]
    pub(crate) whole: bool,
}

/// Who asks for an act, and why.
pub(crate) struct Asking<'a> {
    pub(crate) caller: &'a Identity,
    pub(crate) actor: &'a Actor,
    pub(crate) request: RequestId,
}

impl<'a> Asking<'a> {
    pub(crate) fn of(asked: &'a Asked<'_>, actor: &'a Actor) -> Self {
        Self { caller: &asked.caller.identity, actor, request: asked.call.facts.id }
    }
}

/// Lets an act wait.
pub(crate) async fn ask(
    console: &Console,
    asking: &Asking<'_>,
    kept: &Kept,
    needed: Needed,
    now: Time,
) -> Result<Box<StoredApproval>, Problem> {
    let new = NewApproval {
        id: id_of(asking.request),
        act: serde_json::to_value(kept).map_err(Problem::fault)?,
        summary: kept.act.summary().into(),
        requester: asking.caller.id.clone(),
        owner: asking.caller.owner.clone(),
        needs: match needed {
            Needed::Second => Needs::Second,
            Needed::Person => Needs::Person,
        },
        expires: now + WAITS,
    };
    let stored = console.store.ask_approval(asking.actor, new, now).await?;
    console.world.published(stored.revision).await;
    Ok(Box::new(stored))
}

/// The id of the approval that a request asks for: a request asks for one at most, and its id is random enough.
fn id_of(request: RequestId) -> ApprovalId {
    let digits = request.to_string().chars().filter_map(|c| c.to_digit(16)).fold(0_u128, |all, digit| all << 4 | u128::from(digit));
    ApprovalId::of(digits)
}

/// The answer that says that an act waits (RFC 9110 §15.3.3).
pub(crate) fn waits(approval: &StoredApproval, now: Time) -> Answer {
    let place = format!("/api/v1/approvals/{}", approval.id);
    Answer::json(StatusCode::ACCEPTED, &ApprovalView::of(approval, now)).at(approval.revision).found_at(place)
}
