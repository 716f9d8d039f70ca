//! Owners: one departs, comes back, answers for what it owns.

use crate::{
    acts::{self, Asking, Kept},
    answer::Answer,
    call::{Asked, Console},
    input, power,
    problem::{Code, Problem},
    reasons::ReasonRequest,
    records::{self, PresenceView},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wardgate_governance::{
    departure::{GRACE, GRACE_MAX, LongGrace},
    second::{Act, Record, needs},
};
use wardgate_model::{id::OwnerName, inventory::Owner, resource::Kind};
use wardgate_resources::scalar;
use wardgate_store::{Actor, StoredOwner};

/// Identities that an answer names; more are only said to be there.
const NAMED_MAX: u32 = 100;

/// That an owner is gone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DepartRequest {
    /// How long what it owns goes on all the same, such as `14d` (unless told) or `12h`; at most `90d`.
    grace: Option<String>,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// An owner, and what happened to it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OwnerView {
    /// Its name.
    owner: String,
    /// The accountable person.
    accountable: String,
    /// Who stands in.
    deputy: Option<String>,
    /// Whether somebody answers.
    #[serde(flatten)]
    presence: PresenceView,
    /// Identities that it owns, by name; at most 100.
    identities: Vec<String>,
    /// Whether it owns more.
    more: bool,
}

async fn view(console: &Console, owner: &Owner, status: &StoredOwner) -> Result<OwnerView, Problem> {
    let mut found = console.store.identities_of(owner.name.as_str(), "", NAMED_MAX + 1).await?;
    let more = found.len() > NAMED_MAX as usize;
    found.truncate(NAMED_MAX as usize);
    Ok(OwnerView {
        owner: owner.name.to_string(),
        accountable: owner.accountable.to_string(),
        deputy: owner.deputy.as_deref().map(str::to_owned),
        presence: PresenceView::of(status),
        identities: found.iter().map(ToString::to_string).collect(),
        more,
    })
}

/// The owner that the path names.
async fn named(console: &Console, asked: &Asked<'_>) -> Result<Owner, Problem> {
    let name = input::name("the name of the owner", &asked.parameter("name")?, OwnerName::parse)?;
    if let Some(owner) = console.world.owner(&name) {
        return Ok(owner);
    }
    let missing = Problem::new(Code::NotFound, format!("there is no owner `{name}`"));
    Err(records::meant(console, asked, (Kind::Owner, name.as_str()), missing).await)
}

async fn status(console: &Console, owner: &OwnerName) -> Result<Option<StoredOwner>, Problem> {
    Ok(console.store.owner_statuses().await?.into_iter().find(|status| status.owner == *owner))
}

fn read(asked: &Asked<'_>) -> Result<Actor, Problem> {
    let request: ReasonRequest = input::body(&asked.call.headers, &asked.call.body)?;
    Ok(asked.actor(input::reason(request.reason.as_deref())?))
}

fn grace(text: Option<&str>) -> Result<Duration, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let Some(text) = text else { return Ok(GRACE) };
    let grace = scalar::duration(text).map_err(|wrong| unfit(format!("`grace`: {}", wrong.what)).mend(input::SPAN))?;
    if grace > GRACE_MAX { Err(unfit(LongGrace.to_string())) } else { Ok(grace) }
}

pub(crate) async fn depart(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: DepartRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let until = asked.now + grace(request.grace.as_deref())?;
    let owner = named(console, asked).await?;
    if let Some(old) = status(console, &owner.name).await?.filter(|status| status.departed.is_some())
        && old.grace_until.is_some_and(|old| old < until)
    {
        let detail = format!("`{}` departed before, and its grace is only ever shortened", owner.name);
        return Err(Problem::new(Code::Conflict, detail).mend("transfer what has to live longer: `wardgate identity transfer`"));
    }
    let stored = console.store.depart_owner(&actor, &owner.name, until, asked.now).await?;
    console.world.published(stored.revision).await;
    Ok(Answer::ok(&view(console, &owner, &stored).await?))
}

pub(crate) async fn come_back(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (actor, owner) = (read(asked)?, named(console, asked).await?);
    let there = status(console, &owner.name).await?.filter(|status| status.departed.is_some());
    let there = there
        .ok_or_else(|| Problem::new(Code::Conflict, format!("the owner `{}` did not depart", owner.name)).mend("nothing has to be done"))?;
    let act = Act::Return { owner: owner.name.clone() };
    if let Some(needs) = needs(&act, &Record::default()) {
        let kept = Kept { act, why: needs.why, expects: vec![Some(there.revision)], whole: false };
        let approval = acts::ask(console, &Asking::of(asked, &actor), &kept, needs.needed, asked.now).await?;
        return Ok(acts::waits(&approval, asked.now));
    }
    let stored = console.store.return_owner(&actor, &owner.name, asked.now).await?;
    console.world.published(stored.revision).await;
    Ok(Answer::ok(&view(console, &owner, &stored).await?))
}

pub(crate) async fn attest(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (actor, owner) = (read(asked)?, named(console, asked).await?);
    power::may_see(&asked.caller.identity, &owner.name)?;
    if status(console, &owner.name).await?.is_some_and(|status| status.departed.is_some()) {
        let detail = format!("the owner `{}` departed: nobody is there to say so", owner.name);
        return Err(Problem::new(Code::Conflict, detail).mend(format!("say first that it is back: `wardgate owner return {}`", owner.name)));
    }
    let stored = console.store.attest_owner(&actor, &owner.name, asked.now).await?;
    console.world.published(stored.revision).await;
    Ok(Answer::ok(&view(console, &owner, &stored).await?))
}

#[cfg(test)]
mod tests;
