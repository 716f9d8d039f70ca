//! Acts that wait for a second person: listed, decided, and done by the same code as acts that do not wait.

use crate::{
    acts::Kept,
    answer::{Answer, Page},
    call::{Asked, Console},
    declared::{self, Scene, Wanted},
    input, power,
    problem::{Code, Problem},
    reasons::ReasonRequest,
    world::Manner,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use wardgate_governance::second::{self, Act, Needed, may_decide};
use wardgate_model::{
    contain::Containable,
    id::{ApprovalId, OwnerName},
    inventory::{Identity, IdentityState},
    time::Time,
};
use wardgate_store::{Actor, ApprovalState, Decision, Needs, Precondition, ResourceChange, ResourceId, StoredApproval, StoredOwner, Who};

/// An act that waits for a second person, or waited.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApprovalView {
    /// Its id.
    id: String,
    /// What is to be done, in a few words.
    summary: String,
    /// What is to be done, in full.
    act: Value,
    /// Why it waits.
    why: Vec<String>,
    /// Who has to agree: `second` (an identity of another owner) or `person` (one that stands for a person, too).
    needs: &'static str,
    /// Who asked.
    requester: String,
    /// The owner of who asked.
    owner: String,
    /// Why, in the words of who asked.
    reason: String,
    /// When it was asked for (RFC 3339).
    asked: String,
    /// Until when it can be decided (RFC 3339).
    expires: String,
    /// `waiting`, `approved`, `denied` or `lapsed`.
    state: &'static str,
    /// Who decided.
    decider: Option<String>,
    /// When (RFC 3339).
    decided: Option<String>,
    /// Why, in the words of who decided.
    decision_reason: String,
    /// What `ETag` says, in quotes.
    revision: u64,
}

impl ApprovalView {
    pub(crate) fn of(stored: &StoredApproval, now: Time) -> Self {
        let member = |name: &str| stored.act.get(name).cloned();
        let why = member("why").and_then(|why| serde_json::from_value(why).ok());
        Self {
            id: stored.id.to_string(),
            summary: stored.summary.to_string(),
            act: member("act").unwrap_or_default(),
            why: why.unwrap_or_default(),
            needs: stored.needs.as_str(),
            requester: stored.requester.to_string(),
            owner: stored.owner.to_string(),
            reason: stored.reason.to_string(),
            asked: stored.asked.to_rfc3339(),
            expires: stored.expires.to_rfc3339(),
            state: state_at(stored, now).as_str(),
            decider: stored.decider.as_deref().map(str::to_owned),
            decided: stored.decided.map(Time::to_rfc3339),
            decision_reason: stored.decision_reason.to_string(),
            revision: stored.revision,
        }
    }
}

/// What became of it at `now`: what nobody decided in time has lapsed, also before that is noted.
fn state_at(stored: &StoredApproval, now: Time) -> ApprovalState {
    match stored.state {
        ApprovalState::Waiting if stored.expires <= now => ApprovalState::Lapsed,
        state => state,
    }
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let state = asked.query.value("state").map(|word| {
        let detail = || format!("`state` is `waiting`, `approved`, `denied` or `lapsed`, not `{}`", input::shown(word));
        ApprovalState::parse(word).ok_or_else(|| input::malformed(detail()))
    });
    let (state, limit, after) = (state.transpose()?, asked.query.limit()?, asked.query.cursor()?);
    let found = console.store.approvals(state, after, limit + 1).await?;
    let mut page = Page::cut(found, limit, |one| one.created_seq.to_string(), |one| one);
    page.items.retain(|one| may_see(asked, one).is_ok());
    let items = page.items.iter().map(|one| ApprovalView::of(one, asked.now)).collect();
    Ok(Answer::ok(&Page { items, next: page.next }))
}

pub(crate) async fn read(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let stored = console.store.approval(&id(asked)?).await?;
    may_see(asked, &stored)?;
    Ok(Answer::ok(&ApprovalView::of(&stored, asked.now)).at(stored.revision))
}

fn may_see(asked: &Asked<'_>, stored: &StoredApproval) -> Result<(), Problem> {
    power::may_see(&asked.caller.identity, &stored.owner)
}

fn id(asked: &Asked<'_>) -> Result<ApprovalId, Problem> {
    let text = asked.parameter("id")?;
    ApprovalId::parse(&text)
        .ok_or_else(|| input::malformed(format!("the id of an approval has {} letters and digits", ApprovalId::CHARACTERS)))
}

/// The approval that the path names, still to be decided.
async fn waiting(console: &Console, asked: &Asked<'_>) -> Result<StoredApproval, Problem> {
    let stored = console.store.approval(&id(asked)?).await?;
    match state_at(&stored, asked.now) {
        ApprovalState::Waiting => Ok(stored),
        ApprovalState::Lapsed => {
            Err(Problem::new(Code::Decided, format!("nobody decided `{}` until {}: it has lapsed", stored.id, stored.expires)))
        }
        state => Err(Problem::new(Code::Decided, format!("`{}` is {state} already", stored.id))),
    }
}

fn undecidable(why: impl std::fmt::Display) -> Problem {
    Problem::new(Code::Undecidable, why.to_string())
}

fn decidable(console: &Console, asked: &Asked<'_>, stored: &StoredApproval, needed: Needed) -> Result<(), Problem> {
    let decider = &asked.caller.identity;
    let told = second::Asked { requester: &stored.requester, owner: &stored.owner, needed };
    may_decide(&told, decider, console.world.is_person(decider)).map_err(undecidable)
}

const fn needed(needs: Needs) -> Needed {
    match needs {
        Needs::Second => Needed::Second,
        Needs::Person => Needed::Person,
    }
}

pub(crate) async fn deny(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ReasonRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let stored = waiting(console, asked).await?;
    // Whoever asked may take it back.
    if stored.requester != asked.caller.identity.id {
        decidable(console, asked, &stored, Needed::Second)?;
    }
    let denied = console.store.decide_approval(&actor, &stored.id, Decision::Deny, asked.now).await.map_err(decided)?;
    console.world.published(denied.revision).await;
    Ok(Answer::ok(&ApprovalView::of(&denied, asked.now)).at(denied.revision))
}

/// Somebody else decided between reading and deciding.
fn decided(fault: wardgate_store::StoreFault) -> Problem {
    match fault {
        wardgate_store::StoreFault::Conflict { .. } => Problem::new(Code::Decided, fault.to_string()),
        other => other.into(),
    }
}

pub(crate) async fn approve(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ReasonRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let reason = input::reason(request.reason.as_deref())?;
    let stored = waiting(console, asked).await?;
    decidable(console, asked, &stored, needed(stored.needs))?;
    let kept: Kept = serde_json::from_value(stored.act.clone()).map_err(Problem::fault)?;
    let requester = match requester(console, &stored).await? {
        Ok(requester) => requester,
        Err(why) => return overtaken(console, asked, &stored, why).await,
    };
    let ready = match ready(console, &requester, &kept).await? {
        Ok(ready) => ready,
        Err(why) => return overtaken(console, asked, &stored, why).await,
    };
    // What is on record now may want more than what was on record then.
    if ready.needs == Some(Needed::Person) && stored.needs == Needs::Second {
        decidable(console, asked, &stored, Needed::Person)?;
    }
    // Decided first and done then: a denial that somebody was told of is never overtaken by the act.
    let decider = asked.actor(reason);
    let approved = console.store.decide_approval(&decider, &stored.id, Decision::Approve, asked.now).await.map_err(decided)?;
    let who = Who::Identity(requester.id.clone());
    let actor = Actor::new(who, format!("{} (approval {} by {})", stored.reason, stored.id, asked.caller.identity.id).trim_start());
    perform(console, &requester, &actor, &kept, ready, asked.now).await.map_err(|problem| {
        tracing::warn!(approval = %stored.id, detail = problem.detail, "an approved act could not be done");
        let detail = format!("`{}` is approved and could not be done: {}", stored.id, problem.detail);
        if matches!(problem.code, Code::Fault | Code::Away) { problem } else { Problem::new(Code::Overtaken, detail) }
    })?;
    console.world.published(approved.revision).await;
    Ok(Answer::ok(&ApprovalView::of(&approved, asked.now)).at(approved.revision))
}

/// Whoever asked, with the power that it has now. The inner error says why it has none.
async fn requester(console: &Console, stored: &StoredApproval) -> Result<Result<Arc<Identity>, String>, Problem> {
    if console.store.containment(Containable::Owner, stored.owner.as_str()).await?.is_some() {
        return Ok(Err(format!("`{}`, who asked for it, is of the owner `{}`, who is contained", stored.requester, stored.owner)));
    }
    Ok(in_use(console, stored))
}

fn in_use(console: &Console, stored: &StoredApproval) -> Result<Arc<Identity>, String> {
    let known = console.world.identity(&stored.requester).ok_or_else(|| format!("`{}` is not on record any more", stored.requester))?;
    if known.state != IdentityState::Active || known.claim_overdue {
        return Err(format!("`{}`, who asked for it, is not in use any more", stored.requester));
    }
    if known.owner != stored.owner {
        return Err(format!("`{}`, who asked for it, belongs to another owner now", stored.requester));
    }
    Ok(known)
}

/// Notes that an act cannot be done any more: it is denied, with the reason.
async fn overtaken(console: &Console, asked: &Asked<'_>, stored: &StoredApproval, why: String) -> Result<Answer, Problem> {
    let detail = format!("it does not apply any more: {why}");
    let actor = asked.actor(detail.chars().take(500).collect::<String>().into());
    let denied = console.store.decide_approval(&actor, &stored.id, Decision::Deny, asked.now).await.map_err(decided)?;
    console.world.published(denied.revision).await;
    Err(Problem::new(Code::Overtaken, detail))
}

/// An act that can be done now.
struct Ready {
    wanted: Vec<Wanted>,
    basis: u64,
    needs: Option<Needed>,
}

/// Plans an act again, with what is on record now. The inner error says why it does not apply any more.
async fn ready(console: &Console, requester: &Identity, kept: &Kept) -> Result<Result<Ready, String>, Problem> {
    match &kept.act {
        Act::Apply { .. } | Act::Rollback { .. } => {}
        Act::Release { kind, name } => {
            let there = console.store.containment(*kind, name).await?;
            return Ok(match there {
                None => Err(format!("{kind} `{name}` is not contained any more")),
                Some(there) if is_other(kept, there.revision) => Err(format!("{kind} `{name}` was released, and contained anew")),
                Some(_) => Ok(Ready { wanted: Vec::new(), basis: 0, needs: None }),
            });
        }
        Act::Return { owner } => {
            let there = owner_gone(console, owner).await?;
            return Ok(match there {
                None => Err(format!("the owner `{owner}` did not depart")),
                Some(there) if is_other(kept, there.revision) => Err(format!("the owner `{owner}` changed since: ask again")),
                Some(_) => Ok(Ready { wanted: Vec::new(), basis: 0, needs: None }),
            });
        }
        Act::Resume { .. } | Act::Issue { .. } => return Ok(Err("this act is not done by approval".into())),
    }
    let changes = kept.act.changes();
    let ids = changes.iter().map(|one| ResourceId::parse(one.kind, &one.name)).collect::<Result<Vec<_>, _>>().map_err(Problem::fault)?;
    let scene = Scene::read(console, &ids).await?;
    let mut wanted = Vec::with_capacity(ids.len());
    for (at, (id, change)) in ids.into_iter().zip(changes).enumerate() {
        let expect = match kept.expects.get(at).copied().flatten() {
            Some(revision) => Precondition::Revision(revision),
            None => Precondition::Absent,
        };
        wanted.push(scene.wanted(id, change.spec.clone(), expect));
    }
    match declared::look(console, requester, &wanted, &scene).await {
        Ok(looked) => {
            let needs = looked.needs.map(|needs| needs.needed);
            Ok(Ok(Ready { wanted, basis: scene.seq.min(looked.planned.basis), needs }))
        }
        Err(problem) if matches!(problem.code, Code::Fault | Code::Away) => Err(problem),
        Err(problem) => Ok(Err(problem.detail)),
    }
}

/// Whether what is undone is another stop than the one that was looked at: that one is over.
fn is_other(kept: &Kept, revision: u64) -> bool {
    kept.expects.first().copied().flatten().is_some_and(|looked_at| looked_at != revision)
}

/// Whether an owner is gone.
pub(crate) async fn departed(console: &Console, owner: &OwnerName) -> Result<bool, Problem> {
    Ok(owner_gone(console, owner).await?.is_some())
}

/// An owner that is gone.
async fn owner_gone(console: &Console, owner: &OwnerName) -> Result<Option<StoredOwner>, Problem> {
    let owners = console.store.owner_statuses().await?;
    Ok(owners.into_iter().find(|status| status.owner == *owner && status.departed.is_some()))
}

/// Does what was approved.
async fn perform(console: &Console, _requester: &Identity, actor: &Actor, kept: &Kept, ready: Ready, now: Time) -> Result<(), Problem> {
    let seq = match &kept.act {
        Act::Apply { .. } | Act::Rollback { .. } => {
            let changes: Vec<ResourceChange> = ready.wanted.into_iter().map(|one| one.change).collect();
            let manner = if kept.whole { Manner::Whole } else { Manner::Single };
            console.world.apply(actor, &changes, manner, ready.basis, now).await?.seq
        }
        Act::Release { kind, name } => console.store.release(actor, *kind, name, now).await?,
        Act::Return { owner } => console.store.return_owner(actor, owner, now).await?.revision,
        Act::Resume { .. } | Act::Issue { .. } => return Err(Problem::fault("an act that is not done by approval")),
    };
    console.world.published(seq).await;
    Ok(())
}

#[cfg(test)]
mod tests;
