//! Identities that are made for a rehearsal of an attack: active at once, for minutes, with a past that every gate takes them to have.
//!
//! Whoever asks for an identity needs a second one to approve it. A canary needs none, since it opens nothing that whoever may begin a
//! rehearsal could not open alone (a grant to an identity that is there, and a credential of it); it has no power in Wardgate, ends by
//! itself, and is named so that everybody sees what it is (ADR 026).

use crate::{
    answer::{Answer, Page},
    approvals::doing::departed,
    call::{Asked, Console},
    input,
    power::{Power, may_give, within_reach},
    problem::{Code, Problem},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{net::IpAddr, time::Duration};
use wardgate_governance::{
    lifecycle::{self, Life, Move},
    person,
};
use wardgate_model::{
    contain::Containable,
    id::IdentityId,
    inventory::{Identity, IdentityKind, IdentityState, Role},
    time::Time,
};
use wardgate_resources::scalar;
use wardgate_store::{Actor, REHEARSALS_MAX, Step, StoreFault, StoredRehearsal, TAUGHT_BYTES_MAX};

/// What the names of identities begin with that are made for rehearsals.
pub const CANARY: &str = "drill-";
/// Longest rehearsal.
pub const REHEARSAL_MAX: Duration = Duration::from_hours(2);
/// Shortest.
const SHORTEST: Duration = Duration::from_secs(10);
/// Longest fingerprint or user agent that is taught, in bytes: each call that is taught has it.
const SOFTWARE_BYTES_MAX: usize = 1_024;

/// What an identity is taken to have done before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Habits {
    /// For how many days, the last of which has just passed: 1 to 28.
    #[schemars(range(min = 1, max = 28))]
    pub days: u8,
    /// What it did on each of them: at most 32, and 100,000 calls in all.
    #[schemars(length(min = 1, max = 32))]
    pub habits: Vec<Habit>,
}

/// Calls of one operation that an identity is taken to have made every day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Habit {
    /// The operation: `API METHOD TEMPLATE`, as events have it.
    pub operation: String,
    /// How often in each of these hours.
    pub per_hour: u32,
    /// In which hours of the day, UTC; in every one unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Vec<u8>>,
    /// From which address.
    #[schemars(with = "String")]
    pub from: IpAddr,
    /// By what: the TLS fingerprint that events have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// By what, where there is no TLS: the user agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Records in each answer; 1 unless said.
    #[serde(default = "one")]
    pub records: u64,
}

const fn one() -> u64 {
    1
}

/// Which identity, for how long, with which past.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RehearsalRequest {
    /// Its name: it begins with `drill-`.
    identity: String,
    /// For how long from now, as `5m`: ten seconds to two hours.
    #[serde(rename = "for")]
    lasting: String,
    /// That it is known that its environment is production.
    #[serde(default)]
    production: bool,
    /// What it is taken to have done before; nothing unless said.
    taught: Option<Habits>,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// An identity that was made for a rehearsal.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RehearsalView {
    /// Which.
    identity: String,
    /// Since when (RFC 3339).
    since: String,
    /// Until when (RFC 3339).
    until: String,
    /// Who began it.
    actor: String,
    /// Why.
    reason: String,
    /// The number of the change.
    revision: u64,
}

impl RehearsalView {
    fn of(stored: StoredRehearsal) -> Self {
        Self {
            identity: stored.identity.to_string(),
            since: stored.since.to_rfc3339(),
            until: stored.until.to_rfc3339(),
            actor: stored.actor.into(),
            reason: stored.reason.into(),
            revision: stored.revision,
        }
    }
}

fn unfit(detail: impl Into<String>) -> Problem {
    Problem::new(Code::Unfit, detail.into())
}

/// Whoever answers for security: nobody else makes callers that need no second person.
fn may_rehearse(caller: &Identity) -> Result<(), Problem> {
    if caller.roles.contains(&Role::Security) || caller.roles.contains(&Role::Admin) {
        return Ok(());
    }
    Err(Problem::new(Code::Reach, "a rehearsal takes the role `security` or `admin`"))
}

/// Whether a new identity may have a name that is kept for rehearsals: a bot that ends as soon as they do. Whoever has such a name cannot
/// be changed, so that nobody who was asked for by its name alone becomes something else once it is active.
pub(crate) fn may_be_named(name: &str, spec: &Value, now: Time) -> Result<(), Problem> {
    let ends = spec.get("until").and_then(Value::as_str).and_then(Time::parse);
    if spec.get("type").and_then(Value::as_str) == Some(IdentityKind::Bot.as_str()) && ends.is_some_and(|ends| ends <= now + REHEARSAL_MAX)
    {
        return Ok(());
    }
    let hours = REHEARSAL_MAX.as_secs() / 3_600;
    let detail =
        format!("`{name}`: names that begin with `{CANARY}` are kept for rehearsals: bots with an `until` within {hours} hours from now");
    Err(unfit(detail).mend("give it another name"))
}

/// Whether an identity is one for rehearsals and for nothing else.
fn is_canary(known: &Identity, asked: &RehearsalRequest, until: Time) -> Result<(), Problem> {
    let id = &known.id;
    if !known.roles.is_empty() || known.tags.contains_key(person::TAG) || !known.serves.is_empty() {
        return Err(unfit(format!("`{id}` has power in Wardgate, stands for a person or behind an API: no rehearsal is made with it")));
    }
    if known.ends.is_none_or(|ends| until < ends) {
        let detail = format!("`{id}` does not end with the rehearsal, at {} at the latest", until.to_rfc3339());
        return Err(unfit(detail).mend("say so in its `until`"));
    }
    // What policies and grants could go by, nobody has approved.
    if known.kind != IdentityKind::Bot || known.team.is_some() || known.business_function.is_some() || !known.tags.is_empty() {
        let detail = format!("`{id}` has another type than `bot`, or a team, a business function or tags: no rehearsal is made with it");
        return Err(unfit(detail).mend("make one of type `bot`, without these"));
    }
    // Who is shared may call everywhere, in production too.
    if (known.environment.production || known.environment.shared) && !asked.production {
        let detail = format!("`{id}` is of the environment `{}`, which is production or shared with it", known.environment.name);
        return Err(unfit(detail).mend("rehearse elsewhere, or say `production: true` (`--production`)"));
    }
    Ok(())
}

/// Whether there is room for another one and for what is to be taught: known before anything is done for it.
async fn has_room(console: &Console, taught: Option<&Habits>, now: Time) -> Result<(), Problem> {
    let software = taught.into_iter().flat_map(|taught| &taught.habits).flat_map(|habit| [&habit.tls, &habit.user_agent]);
    if software.flatten().any(|name| name.len() > SOFTWARE_BYTES_MAX) {
        return Err(unfit(format!("`taught`: what software is known by has at most {SOFTWARE_BYTES_MAX} bytes")));
    }
    if serde_json::to_string(&taught).map_err(Problem::fault)?.len() > TAUGHT_BYTES_MAX {
        return Err(unfit(format!("`taught` has at most {TAUGHT_BYTES_MAX} bytes")));
    }
    if console.store.rehearsals().await?.iter().filter(|one| now < one.until).count() >= REHEARSALS_MAX {
        return Err(Problem::new(Code::Conflict, format!("{REHEARSALS_MAX} identities are rehearsed with already")));
    }
    Ok(())
}

/// Makes a move of an identity, from where the table has it.
async fn moved(console: &Console, actor: &Actor, id: &IdentityId, asked: Move, now: Time) -> Result<(), Problem> {
    let from = lifecycle::origins(asked);
    let first = from.first().copied().unwrap_or(IdentityState::Retired);
    let to = lifecycle::step(first, asked)?;
    let evidence = (asked == Move::Approve).then(|| "a rehearsal, which ends by itself".into());
    console.store.step_identity(actor, id, &Step { from, to, evidence, claim_by: None }, now).await?;
    Ok(())
}

pub(crate) async fn begin(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: RehearsalRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let caller = &asked.caller.identity;
    may_rehearse(caller)?;
    let lasting = scalar::duration(&request.lasting).map_err(|wrong| unfit(format!("`for`: {}", wrong.what)))?;
    if !(SHORTEST..=REHEARSAL_MAX).contains(&lasting) {
        return Err(unfit("`for` is ten seconds to two hours"));
    }
    let id = input::name("identity", &request.identity, IdentityId::parse)?;
    if !id.as_str().starts_with(CANARY) {
        return Err(unfit(format!("`{id}`: the names of identities that are made for rehearsals begin with `{CANARY}`")));
    }
    let missing = || Problem::new(Code::NotFound, format!("there is no identity `{id}`"));
    let known = console.world.identity(&id).ok_or_else(missing)?;
    let until = asked.now + lasting;
    may_give(console, caller, &known).await?;
    is_canary(&known, &request, until)?;
    if departed(console, &known.owner).await? {
        return Err(Problem::new(Code::Conflict, format!("the owner `{}` has departed", known.owner)));
    }
    let records = console.store.identity_records(std::slice::from_ref(&id)).await?.records;
    let status = records.into_iter().next().and_then(|record| record.status).ok_or_else(missing)?;
    if status.requester.as_deref() != Some(caller.id.as_str()) {
        return Err(Problem::new(
            Code::Undecidable,
            format!("`{id}` was asked for by somebody else: whoever makes a canary rehearses with it"),
        ));
    }
    Life { state: status.state, resumes_to: status.resumes_to }.step(Move::Approve)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    has_room(console, request.taught.as_ref(), asked.now).await?;
    // Nothing is taught of whoever may do nothing, so it is active before.
    moved(console, &actor, &id, Move::Approve, asked.now).await?;
    moved(console, &actor, &id, Move::Activate, asked.now).await?;
    console.world.published(console.store.last_seq().await?).await;
    let stored = match rehearsed(console, &actor, &id, until, request.taught.as_ref(), asked.now).await {
        Ok(stored) => stored,
        Err(problem) => {
            // Nobody rehearses with it, so it is to be nothing else either, and nothing is remembered of it.
            console.world.unteach(&id);
            retired(console, &actor, &id, asked.now).await?;
            return Err(problem);
        }
    };
    console.world.published(stored.revision).await;
    let revision = stored.revision;
    Ok(Answer::json(StatusCode::CREATED, &RehearsalView::of(stored)).at(revision))
}

/// Takes the past to have been, here first, where it is known whether it can be; by the feed everywhere.
async fn rehearsed(
    console: &Console,
    actor: &Actor,
    id: &IdentityId,
    until: Time,
    taught: Option<&Habits>,
    now: Time,
) -> Result<StoredRehearsal, Problem> {
    if let Some(habits) = taught {
        console.world.teach(id, habits).await?;
    }
    let taught = serde_json::to_value(taught).map_err(Problem::fault)?;
    Ok(console.store.begin_rehearsal(actor, id, until, &taught, now).await?)
}

/// Ends an identity for good. The clock may be first.
async fn retired(console: &Console, actor: &Actor, id: &IdentityId, now: Time) -> Result<(), Problem> {
    let retire = Step { from: lifecycle::origins(Move::Retire), to: IdentityState::Retired, evidence: None, claim_by: None };
    match console.store.step_identity(actor, id, &retire, now).await {
        Ok(status) => {
            console.world.published_stop(status.revision, Containable::Identity, id.as_str()).await;
            Ok(())
        }
        Err(StoreFault::Conflict { .. }) => Ok(()),
        Err(fault) => Err(fault.into()),
    }
}

pub(crate) async fn end(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    may_rehearse(&asked.caller.identity)?;
    let id = input::name("identity", &asked.parameter("identity")?, IdentityId::parse)?;
    if let Some(known) = console.world.identity(&id) {
        within_reach(&asked.caller.identity, &known, Power::Stop)?;
    }
    let actor = asked.actor(input::reason(asked.query.value("reason"))?);
    let stored = console.store.end_rehearsal(&actor, &id, asked.now).await?;
    retired(console, &actor, &id, asked.now).await?;
    console.world.published(stored.revision).await;
    let revision = stored.revision;
    Ok(Answer::ok(&RehearsalView::of(stored)).at(revision))
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (limit, after) = (asked.query.limit()?, asked.query.value("cursor").unwrap_or_default());
    let mut found = console.store.rehearsals().await?;
    found.retain(|one| asked.now < one.until && *one.identity.as_str() > *after);
    Ok(Answer::ok(&Page::cut(found, limit, |one| one.identity.to_string(), RehearsalView::of)))
}

#[cfg(test)]
mod tests;
