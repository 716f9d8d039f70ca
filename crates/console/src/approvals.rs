//! Acts that wait for a second person: listed and decided. What was approved is done by `doing`.

pub(crate) mod doing;

use crate::{
    answer::{Answer, Page},
    behind::{APART, Standing},
    call::{Asked, Console},
    input, power,
    problem::{Code, Problem},
    reasons::ReasonRequest,
};
use doing::Doing;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use wardgate_governance::second::{self, Needed, apart, may_decide};
use wardgate_model::{id::ApprovalId, time::Time};
use wardgate_store::{ApprovalState, Decision, Needs, StoredApproval};

/// What to do about an act that was approved and neither done nor given up.
const UNFINISHED: &str = "approved, and not known to be done: approve it once more, it is planned anew and done where it is not so already";

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
    /// What became of what was approved: `done`, `failed`, or `unfinished` when whoever did it did not come to an end.
    outcome: Option<&'static str>,
    /// Why it failed; of one that is unfinished, what to do about it.
    outcome_detail: Option<String>,
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
            outcome: doing::outcome(stored),
            outcome_detail: if doing::is_unfinished(stored) {
                Some(UNFINISHED.to_owned())
            } else {
                stored.failed.as_deref().map(str::to_owned)
            },
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
    still_waiting(console.store.approval(&id(asked)?).await?, asked.now)
}

fn still_waiting(stored: StoredApproval, now: Time) -> Result<StoredApproval, Problem> {
    match state_at(&stored, now) {
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

/// Whether whoever says yes is a second person, with all who stand behind either session. Saying no is one person's act.
fn agreeable(asked: &Asked<'_>, stored: &StoredApproval, needed: Needed, sides: &Sides) -> Result<(), Problem> {
    let told = second::Asked { requester: &stored.requester, owner: &stored.owner, needed };
    let (asking, deciding) = (sides.asking.behind(), sides.deciding.behind());
    apart::may_decide_behind(&told, asking, &asked.caller.identity, deciding).map_err(|why| undecidable(why).mend(APART))
}

/// Who stands behind whoever asked, and behind whoever decides.
struct Sides {
    asking: Standing,
    deciding: Standing,
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
    let stored = approvable(console, asked).await?;
    decidable(console, asked, &stored, needed(stored.needs))?;
    let armers = console.store.armers_of_approval(&stored.id).await?;
    let sides = Sides { asking: Standing::of(console, &armers), deciding: Standing::of_caller(console, asked).await? };
    agreeable(asked, &stored, needed(stored.needs), &sides)?;
    let doing = match Doing::ready(console, &stored, armers).await? {
        Ok(doing) => doing,
        Err(why) => return overtaken(console, asked, &stored, why).await,
    };
    // What is on record now may want more than what was on record then.
    if doing.needs() == Some(Needed::Person) && stored.needs == Needs::Second {
        decidable(console, asked, &stored, Needed::Person)?;
        agreeable(asked, &stored, Needed::Person, &sides)?;
    }
    // Decided first and done then: a denial that somebody was told of is never overtaken by the act.
    let approved = match stored.state {
        ApprovalState::Approved => stored,
        _ => console.store.decide_approval(&asked.actor(reason), &stored.id, Decision::Approve, asked.now).await.map_err(decided)?,
    };
    let done = doing.finish(console, &approved, asked.now).await?;
    console.world.published(done.revision).await;
    Ok(Answer::ok(&ApprovalView::of(&done, asked.now)).at(done.revision))
}

/// The approval that the path names: still to be decided, or approved by somebody who did not come to the end of doing it.
async fn approvable(console: &Console, asked: &Asked<'_>) -> Result<StoredApproval, Problem> {
    let stored = console.store.approval(&id(asked)?).await?;
    if doing::is_unfinished(&stored) { Ok(stored) } else { still_waiting(stored, asked.now) }
}

/// Notes that an act cannot be done any more: it is denied, with the reason.
async fn overtaken(console: &Console, asked: &Asked<'_>, stored: &StoredApproval, why: String) -> Result<Answer, Problem> {
    let detail = format!("it does not apply any more: {why}");
    if doing::is_unfinished(stored) {
        console.store.finish_approval(&stored.id, Some(&why), asked.now).await?;
        return Err(Problem::new(Code::Overtaken, detail));
    }
    let actor = asked.actor(detail.chars().take(500).collect::<String>().into());
    let denied = console.store.decide_approval(&actor, &stored.id, Decision::Deny, asked.now).await.map_err(decided)?;
    console.world.published(denied.revision).await;
    Err(Problem::new(Code::Overtaken, detail))
}

#[cfg(test)]
mod tests;
