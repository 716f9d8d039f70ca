//! Stopping things everywhere, now: one person's act. Letting them go on is not.

use crate::{
    acts::{self, Asking, Kept},
    answer::{Answer, Page},
    call::{Asked, Console},
    credentials,
    here::{self, OnlyHere},
    input,
    power::{self, Power, within_reach},
    problem::{Code, Problem},
    records, tasks,
    world::OpenNow,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};
use wardgate_governance::{
    preview::{Open, Preview, Stop, Use, preview},
    second::{Act, Record, needs},
};
use wardgate_model::{
    contain::Containable,
    id::{CredentialId, IdentityId, OwnerName, TrustName},
    inventory::Identity,
    resource::Kind,
    time::Time,
};
use wardgate_store::{Actor, ChangeFilter, StoreFault, StoredContainment, Subject, TOKEN_ENDED, UsageFilter};

/// How far back use is looked at to say who would break.
const LOOKED_BACK: Duration = Duration::from_hours(30 * 24);
/// Digits in the `jti` of a token of ours.
const TOKEN_ID: usize = 32;
/// Most rows of use that are looked at for a preview, those used last.
const USAGE_MAX: u32 = 100_000;

/// What to stop.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContainRequest {
    /// `identity`, `credential`, `task`, `owner`, `issuer` or `token`.
    kind: String,
    /// Its name or id.
    name: String,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
    /// Only tell who would break; nothing is stopped.
    #[serde(default)]
    preview: bool,
}

/// Something that is stopped.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ContainmentView {
    /// What it is.
    kind: &'static str,
    /// Its name or id.
    name: String,
    /// Since when (RFC 3339).
    since: String,
    /// Who stopped it.
    actor: String,
    /// Why.
    reason: String,
    /// The number of the change; 0: not on record yet.
    revision: u64,
}

/// What stopping something did, or would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Contained {
    /// What is stopped; `null` for a preview of what is not.
    containment: Option<ContainmentView>,
    /// Who would break; only for a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<PreviewView>,
    /// That it is not on record yet; only while the store is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    only_here: Option<OnlyHere>,
}

/// Who would break.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PreviewView {
    /// Whether anybody would notice.
    breaks: bool,
    /// From when the numbers are (RFC 3339); `null`: nothing was counted.
    from: Option<String>,
    /// Until when they are (RFC 3339).
    to: String,
    /// Calls that were let through.
    calls: u64,
    /// Calls that were refused.
    refused: u64,
    /// Requests that are open and would be cut.
    open: u64,
    /// When the oldest of these began (RFC 3339).
    open_since: Option<String>,
    /// Whether `open` is all there is: `false` where a part of the gate did not answer in time.
    open_whole: bool,
    /// Whom it hits, those with the most calls first; at most 200.
    identities: Vec<HitView>,
    /// How many it hits, listed or not.
    count: u64,
    /// By owner: whom to tell.
    owners: Vec<ToldView>,
}

/// An identity that would be hit.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HitView {
    /// Which.
    identity: String,
    /// Who answers for it.
    owner: Option<String>,
    /// Where it lives.
    environment: Option<String>,
    /// How much depends on it.
    criticality: Option<&'static str>,
    /// Where it is in its life.
    state: Option<&'static str>,
    /// Calls that were let through.
    calls: u64,
    /// Calls that were refused.
    refused: u64,
    /// Requests that are open.
    open: u64,
    /// When the oldest of these began (RFC 3339).
    open_since: Option<String>,
    /// The last call (RFC 3339).
    last: Option<String>,
    /// What it called: where requests are open first, then the most called; at most 50.
    operations: Vec<CalledView>,
    /// Networks it called from.
    sources: Vec<String>,
}

/// An operation that would not be called any more.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CalledView {
    /// Its id.
    operation: String,
    /// Calls that were let through.
    calls: u64,
    /// Calls that were refused.
    refused: u64,
    /// Requests that are open.
    open: u64,
    /// When the oldest of these began (RFC 3339).
    open_since: Option<String>,
    /// The last call (RFC 3339).
    last: String,
}

/// An owner, and how much of what it owns would be hit.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ToldView {
    /// Who; `null`: of identities that are not on record any more.
    owner: Option<String>,
    /// Identities.
    identities: u64,
    /// Calls that were let through.
    calls: u64,
}

impl ContainmentView {
    fn of(stored: &StoredContainment) -> Self {
        Self {
            kind: stored.kind.as_str(),
            name: stored.name.to_string(),
            since: stored.since.to_rfc3339(),
            actor: stored.actor.to_string(),
            reason: stored.reason.to_string(),
            revision: stored.revision,
        }
    }
}

impl PreviewView {
    fn of(preview: Preview, open_whole: bool) -> Self {
        let identities = preview.identities.into_iter().map(|hit| HitView {
            identity: hit.identity.to_string(),
            owner: hit.owner.map(|owner| owner.to_string()),
            environment: hit.environment.map(|environment| environment.to_string()),
            criticality: hit.criticality.map(|criticality| criticality.as_str()),
            state: hit.state.map(|state| state.as_str()),
            calls: hit.calls,
            refused: hit.refused,
            open: hit.open,
            open_since: hit.open_since.map(Time::to_rfc3339),
            last: hit.last.map(Time::to_rfc3339),
            operations: hit
                .operations
                .into_iter()
                .map(|one| CalledView {
                    operation: one.operation.into(),
                    calls: one.calls,
                    refused: one.refused,
                    open: one.open,
                    open_since: one.open_since.map(Time::to_rfc3339),
                    last: one.last.to_rfc3339(),
                })
                .collect(),
            sources: hit.sources.into_iter().map(Into::into).collect(),
        });
        let owners = preview.owners.into_iter().map(|told| ToldView {
            owner: told.owner.map(|owner| owner.to_string()),
            identities: told.identities,
            calls: told.calls,
        });
        Self {
            breaks: preview.breaks,
            from: preview.from.map(Time::to_rfc3339),
            to: preview.to.to_rfc3339(),
            calls: preview.calls,
            refused: preview.refused,
            open: preview.open,
            open_since: preview.open_since.map(Time::to_rfc3339),
            open_whole,
            identities: identities.collect(),
            count: preview.count,
            owners: owners.collect(),
        }
    }
}

/// What can be stopped in this version.
fn kind(word: &str) -> Result<Containable, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let kind = Containable::parse(word);
    kind.ok_or_else(|| {
        unfit(format!("`kind` is `identity`, `credential`, `task`, `owner`, `issuer` or `token`, not `{}`", input::shown(word)))
    })
}

/// What is to be stopped is there, or was, and the caller may stop it. A name that nobody ever had is a slip of the pen,
/// and whoever makes it believes that something is stopped.
async fn target(console: &Console, asked: &Asked<'_>, kind: Containable, name: &str) -> Result<(), Problem> {
    let caller = &asked.caller.identity;
    let missing = || {
        let problem = Problem::new(Code::NotFound, format!("there is no {kind} `{}`, and there was none", input::shown(name)));
        match kind {
            Containable::Identity => problem.mend("list what is on record: `wardgate get identities`"),
            Containable::Credential => problem.mend("list what is on record: `wardgate credential list`"),
            Containable::Owner => problem.mend("list what is on record: `wardgate get owners`"),
            _ => problem,
        }
    };
    let identity = match kind {
        Containable::Owner => {
            let owner = input::name("the name of the owner", name, OwnerName::parse)?;
            console.world.owner(&owner).ok_or_else(missing)?;
            return power::may_see(caller, &owner);
        }
        Containable::Issuer => return issuer(console, caller, name).await,
        Containable::Token => return may_stop_token(caller, name),
        Containable::Task => tasks::find(console, caller, name).await?.task.identity,
        Containable::Credential => {
            let id = CredentialId::parse(name).ok_or_else(missing)?;
            credentials::find(console, &id).await?.identity
        }
        _ => input::name("the name of the identity", name, IdentityId::parse)?,
    };
    match console.world.identity(&identity) {
        Some(known) => within_reach(caller, &known, Power::Stop),
        // It is gone, and what was issued to it may be live.
        None if power::kept_to(caller).is_some() => Err(missing()),
        None if matches!(kind, Containable::Credential | Containable::Task) => Ok(()),
        None => match console.store.status(&identity).await {
            Ok(_) => Ok(()),
            Err(StoreFault::NotFound { .. }) => Err(missing()),
            Err(fault) => Err(fault.into()),
        },
    }
}

/// A trust source counts, or did, and the caller is kept to no owner: it vouches for identities of any.
async fn issuer(console: &Console, caller: &Identity, name: &str) -> Result<(), Problem> {
    let source = input::name("the name of the trust source", name, TrustName::parse)?;
    may_stop_issuer(caller, &source)?;
    if console.world.trusts(&source) {
        return Ok(());
    }
    let told = ChangeFilter {
        subject: Some(Subject::Resource(Kind::TrustSource)),
        name: Some(source.as_str().into()),
        limit: 1,
        ..ChangeFilter::default()
    };
    match console.store.changes(&told).await?.as_slice() {
        [] => Err(Problem::new(Code::NotFound, format!("there is no issuer `{source}`, and there was none"))
            .mend("name it as the TrustSource is named: `wardgate get trustsources`")),
        _ => Ok(()),
    }
}

/// Whether a caller may stop what a trust source vouches for.
pub(crate) fn may_stop_issuer(caller: &Identity, source: &TrustName) -> Result<(), Problem> {
    power::kept_to(caller).map_or(Ok(()), |own| {
        let detail = format!("the trust source `{source}` vouches for identities of any owner, the caller acts for `{own}`");
        Err(Problem::new(Code::Reach, detail))
    })
}

/// Whether a caller may stop the token of this `jti`. Whose it is, is on record nowhere.
pub(crate) fn may_stop_token(caller: &Identity, id: &str) -> Result<(), Problem> {
    if id.len() != TOKEN_ID || !id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        let detail = format!("`{}` is no token of ours: name it by its `jti`, {TOKEN_ID} digits of 0-9 and a-f", input::shown(id));
        return Err(Problem::new(Code::Unfit, detail));
    }
    power::kept_to(caller).map_or(Ok(()), |own| {
        let detail = format!("a token may be of any owner, the caller acts for `{own}`");
        Err(Problem::new(Code::Reach, detail).mend("contain the identity or the credential that it was got by"))
    })
}

pub(crate) async fn contain(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ContainRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let (kind, actor) = (kind(&request.kind)?, asked.actor(input::reason(request.reason.as_deref())?));
    if kind == Containable::Token && *actor.reason == *TOKEN_ENDED {
        return Err(Problem::new(Code::Unfit, "this reason is the one of clients that end tokens of their own").mend("say why you stop it"));
    }
    if !request.preview && console.world.away().is_some() {
        return contain_here(console, asked, kind, &request).await;
    }
    match contain_on_record(console, asked, kind, &request, &actor).await {
        Err(problem) if problem.code == Code::Away && !request.preview => {
            console.world.doubt();
            contain_here(console, asked, kind, &request).await
        }
        done => done,
    }
}

/// The store is away: whoever is to be stopped is stopped all the same.
async fn contain_here(console: &Console, asked: &Asked<'_>, kind: Containable, request: &ContainRequest) -> Result<Answer, Problem> {
    let reason = input::reason(request.reason.as_deref())?;
    let only_here = here::contain(console, asked, kind, &request.name, &reason).await?;
    let containment = ContainmentView {
        kind: kind.as_str(),
        name: request.name.clone(),
        since: asked.now.to_rfc3339(),
        actor: asked.caller.identity.id.to_string(),
        reason: reason.into(),
        revision: 0,
    };
    Ok(Answer::ok(&Contained { containment: Some(containment), preview: None, only_here: Some(only_here) }))
}

async fn contain_on_record(
    console: &Console,
    asked: &Asked<'_>,
    kind: Containable,
    request: &ContainRequest,
    actor: &Actor,
) -> Result<Answer, Problem> {
    if let Err(problem) = target(console, asked, kind, &request.name).await {
        return Err(match kind {
            Containable::Owner => records::meant(console, asked, (Kind::Owner, &request.name), problem).await,
            Containable::Issuer => records::meant(console, asked, (Kind::TrustSource, &request.name), problem).await,
            Containable::Identity => records::meant(console, asked, (Kind::Identity, &request.name), problem).await,
            _ => problem,
        });
    }
    if request.preview {
        let uncounted = match kind {
            Containable::Token => Some("preview the credential that it was got by"),
            Containable::Task => Some("preview the identity that it is of, or see the task: `wardgate task show`"),
            _ => None,
        };
        if let Some(mend) = uncounted {
            let detail = format!("use is not counted by {kind}: nothing can be told beforehand");
            return Err(Problem::new(Code::Unfit, detail).mend(mend));
        }
        let containment = console.store.containment(kind, &request.name).await?;
        let preview = Some(look_ahead(console, kind, &request.name, asked.now).await?);
        return Ok(Answer::ok(&Contained { containment: containment.as_ref().map(ContainmentView::of), preview, only_here: None }));
    }
    let stored = console.store.contain(actor, kind, &request.name, asked.now).await?;
    console.world.published_stop(stored.revision, kind, &request.name).await;
    Ok(Answer::ok(&Contained { containment: Some(ContainmentView::of(&stored)), preview: None, only_here: None }).at(stored.revision))
}

async fn look_ahead(console: &Console, kind: Containable, name: &str, now: Time) -> Result<PreviewView, Problem> {
    let since = Time::from_seconds(now.as_seconds().saturating_sub(LOOKED_BACK.as_secs().cast_signed()));
    let mut filter = UsageFilter { since: Some(since), limit: Some(USAGE_MAX), ..UsageFilter::default() };
    match kind {
        Containable::Identity => filter.identity = IdentityId::parse(name).ok(),
        Containable::Credential => filter.credential = CredentialId::parse(name),
        _ => {}
    }
    let rows = console.store.usage(&filter).await?;
    let used = rows.iter().map(Use::from);
    let OpenNow { requests, whole } = console.world.open_requests().await;
    let open = requests.iter().map(|one| Open {
        identity: &one.identity,
        credential: one.credential.as_ref(),
        operation: &one.operation,
        count: one.count,
        since: one.since,
    });
    let known = |id: &IdentityId| console.world.identity(id);
    let vouched = match kind {
        Containable::Issuer => {
            let shown = rows.iter().filter_map(|row| row.credential).chain(requests.iter().filter_map(|one| one.credential));
            vouched(console, name, shown)
        }
        _ => BTreeSet::new(),
    };
    Ok(PreviewView::of(preview(&Stop { kind, name, vouched: &vouched, since }, used, open, &known, now), whole))
}

/// Of these credentials, those that a trust source vouches for.
fn vouched(console: &Console, source: &str, shown: impl Iterator<Item = CredentialId>) -> BTreeSet<CredentialId> {
    let shown: BTreeSet<CredentialId> = shown.collect();
    let by_it = |id: &CredentialId| {
        let known = console.world.credential(id)?;
        Some(known.binding.as_ref()?.trust.as_str() == source)
    };
    shown.into_iter().filter(|id| by_it(id) == Some(true)).collect()
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (limit, after) = (asked.query.limit()?, asked.query.value("cursor").unwrap_or_default());
    let unread = |problem: Problem| input::malformed(problem.detail);
    let only = asked.query.value("kind").map(kind).transpose().map_err(unread)?;
    let place = |one: &StoredContainment| format!("{}/{}", one.kind, one.name);
    let mut found = console.store.containments().await?;
    found.sort_by_key(place);
    found.retain(|one| only.is_none_or(|only| only == one.kind) && *place(one) > *after);
    if let Some(own) = power::kept_to(&asked.caller.identity) {
        found.retain(|one| match one.kind {
            Containable::Owner => *one.name == *own.as_str(),
            Containable::Identity => {
                let id = IdentityId::parse(&one.name).ok();
                id.and_then(|id| console.world.identity(&id)).is_some_and(|known| known.owner == *own)
            }
            _ => false,
        });
    }
    Ok(Answer::ok(&Page::cut(found, limit, place, |one| ContainmentView::of(&one))))
}

pub(crate) async fn release(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (kind, name) = (kind(&asked.parameter("kind")?)?, asked.parameter("name")?);
    let actor = asked.actor(input::reason(asked.query.value("reason"))?);
    let missing = || {
        Problem::new(Code::NotFound, format!("{kind} `{}` is not contained", input::shown(&name)))
            .mend("list what is contained: `wardgate contain --list`")
    };
    let there = console.store.containment(kind, &name).await?.ok_or_else(missing)?;
    if there.is_for_good() {
        return Err(
            Problem::new(Code::Conflict, "its client ended the token: nobody brings it back").mend("have the client ask for a new one")
        );
    }
    let act = Act::Release { kind, name: name.as_str().into() };
    let needs = needs(&act, &Record::default()).ok_or_else(|| Problem::fault("a release that nobody has to agree to"))?;
    let kept = Kept { act, why: needs.why, expects: vec![Some(there.revision)], whole: false };
    let approval = acts::ask(console, &Asking::of(asked, &actor), &kept, needs.needed, asked.now).await?;
    Ok(acts::waits(&approval, asked.now))
}

#[cfg(test)]
mod tests;
