//! What is on record: resources with their status.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    declared::{kind, kinds, owner_of},
    input, power,
    problem::{Code, Problem},
    world::QualityView,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use wardgate_model::{
    api::Api,
    id::{IdentityId, OwnerName},
    inventory::{Identity, IdentityState},
    resource::Kind,
    time::Time,
};
use wardgate_store::{Claim, Origin, ResourceId, StoredOwner, StoredResource, StoredStatus};

/// How many rows are looked at for one page, however few of them are wanted.
const LOOKED_MAX: usize = 5_000;

/// A resource on record.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ResourceView {
    /// What it is.
    kind: &'static str,
    /// Its name.
    name: String,
    /// What was declared.
    spec: Value,
    /// Who may change it: `file:PATH`, `api`, `apply` or `shipped`.
    origin: String,
    /// The number of its last change.
    revision: u64,
    /// What happened to it; identities only.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusView>,
    /// Whether somebody answers; owners only, and only where something happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<PresenceView>,
    /// How it is graded; only of an identity that is asked for by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<QualityView>,
}

/// What happened to an identity.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StatusView {
    /// Where it is in its life.
    state: &'static str,
    /// Whether nobody claimed it in time.
    claim_overdue: bool,
    /// Until when it has to be claimed (RFC 3339).
    claim_by: Option<String>,
    /// Where a release or the end of a suspension leads.
    resumes_to: Option<&'static str>,
    /// Who asked for it.
    requester: Option<String>,
    /// Who approved it.
    approver: Option<String>,
    /// What the approval rests on.
    evidence: String,
    /// Why, in the words of who made it so.
    reason: String,
    /// Since when (RFC 3339).
    since: String,
    /// The number of its last change.
    revision: u64,
}

/// Whether somebody answers for what an owner owns.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PresenceView {
    /// Since when it is gone (RFC 3339).
    departed: Option<String>,
    /// Until when what it owns goes on all the same (RFC 3339).
    grace_until: Option<String>,
    /// When it last said that what it owns is as it should be (RFC 3339).
    attested: Option<String>,
    /// Why it is so, in the words of who made it so.
    reason: String,
}

impl StatusView {
    fn of(status: &StoredStatus) -> Self {
        Self {
            state: status.state.as_str(),
            claim_overdue: status.claim == Claim::Overdue,
            claim_by: status.claim_by.map(Time::to_rfc3339),
            resumes_to: status.resumes_to.map(IdentityState::as_str),
            requester: status.requester.as_deref().map(str::to_owned),
            approver: status.approver.as_deref().map(str::to_owned),
            evidence: status.evidence.to_string(),
            reason: status.reason.to_string(),
            since: status.updated.to_rfc3339(),
            revision: status.revision,
        }
    }
}

impl PresenceView {
    pub(crate) fn of(owner: &StoredOwner) -> Self {
        Self {
            departed: owner.departed.map(Time::to_rfc3339),
            grace_until: owner.grace_until.map(Time::to_rfc3339),
            attested: owner.attested.map(Time::to_rfc3339),
            reason: owner.reason.to_string(),
        }
    }
}

impl ResourceView {
    fn of(resource: StoredResource, status: Option<&StoredStatus>, owner: Option<&StoredOwner>) -> Self {
        Self {
            kind: resource.id.kind().as_str(),
            name: resource.id.name().to_owned(),
            spec: resource.spec,
            origin: resource.origin.to_string(),
            revision: resource.revision,
            status: status.map(StatusView::of),
            presence: owner.map(PresenceView::of),
            quality: None,
        }
    }
}

/// A kind, in the words of the operator.
pub(crate) fn kind_of(word: &str) -> Result<Kind, Problem> {
    let missing = || Problem::new(Code::NotFound, format!("there is no kind `{}`; the kinds are {}", input::shown(word), kinds()));
    kind(word).ok_or_else(missing)
}

/// The resource that the path names.
pub(crate) fn resource_id(asked: &Asked<'_>) -> Result<ResourceId, Problem> {
    let kind = kind_of(&asked.parameter("kind")?)?;
    input::name("the name of the resource", &asked.parameter("name")?, |name| ResourceId::parse(kind, name))
}

/// Whether something comes from where a word says: `file` (any), or the origin as it is shown.
pub(crate) fn comes_from(origin: &Origin, word: &str) -> bool {
    (word == "file" && matches!(origin, Origin::File(_))) || origin.to_string() == word
}

/// Whether a caller may read a resource: one who is kept to an owner reads what that owner answers for, what is granted
/// to that or by that, and what says nothing of others.
async fn may_read(console: &Console, asked: &Asked<'_>, resource: &StoredResource) -> Result<(), Problem> {
    let Some(own) = power::kept_to(&asked.caller.identity) else { return Ok(()) };
    let of_own = match resource.id.kind() {
        Kind::Environment | Kind::Purpose => true,
        Kind::Owner => resource.id.name() == own.as_str(),
        Kind::Grant => granted(console, own, &resource.spec).await?,
        _ => owner_of(&resource.spec) == Some(own.as_str()),
    };
    if of_own {
        return Ok(());
    }
    Err(Problem::new(Code::Reach, format!("`{}` is not of the owner `{own}`, for whom the caller acts", resource.id)))
}

/// Whether a grant is to an owner, to one of its identities, or on one of its APIs.
async fn granted(console: &Console, own: &OwnerName, spec: &Value) -> Result<bool, Problem> {
    let to = |member: &str| spec.get("to")?.get(member)?.as_str();
    let identity = to("identity").and_then(|name| console.world.identity(&IdentityId::parse(name).ok()?));
    if to("owner") == Some(own.as_str()) || identity.is_some_and(|known| known.owner == *own) {
        return Ok(true);
    }
    let api = spec.get("api").and_then(Value::as_str).and_then(|name| ResourceId::parse(Kind::Api, name).ok());
    let Some(api) = api else { return Ok(false) };
    let api = console.store.resource(&api).await?;
    Ok(api.is_some_and(|api| owner_of(&api.spec) == Some(own.as_str())))
}

/// What a list is narrowed to.
struct Filter<'a> {
    owner: Option<&'a str>,
    origin: Option<&'a str>,
    state: Option<IdentityState>,
}

impl<'a> Filter<'a> {
    fn read(asked: &'a Asked<'_>, kind: Kind) -> Result<Self, Problem> {
        let state = asked.query.value("state").map(|word| {
            let words = IdentityState::ALL.iter().map(|state| format!("`{state}`")).collect::<Vec<_>>().join(", ");
            IdentityState::parse(word).ok_or_else(|| input::malformed(format!("`state` is {words}, not `{}`", input::shown(word))))
        });
        let state = state.transpose()?;
        if state.is_some() && kind != Kind::Identity {
            return Err(input::malformed("`state` is of identities only"));
        }
        Ok(Self { owner: asked.query.value("owner"), origin: asked.query.value("origin"), state })
    }

    fn lets_through(&self, resource: &StoredResource) -> bool {
        let owned = match resource.id.kind() {
            Kind::Owner => Some(resource.id.name()),
            _ => owner_of(&resource.spec),
        };
        self.owner.is_none_or(|owner| owned == Some(owner)) && self.origin.is_none_or(|word| comes_from(&resource.origin, word))
    }
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (kind, limit) = (kind_of(&asked.parameter("kind")?)?, asked.query.limit()?);
    let filter = Filter::read(asked, kind)?;
    let mut after = asked.query.value("cursor").unwrap_or_default().to_owned();
    let (mut items, mut looked, mut more) = (Vec::new(), 0, true);
    // A page ends when it is full, when there is no more, or when enough was looked at for one request.
    while more && items.len() < limit as usize && looked < LOOKED_MAX {
        let room = limit - u32::try_from(items.len()).unwrap_or(limit);
        let mut found = console.store.resources_of(kind, &after, room + 1).await?;
        more = found.len() > room as usize;
        found.truncate(room as usize);
        looked += found.len();
        if let Some(last) = found.last() {
            after = last.id.name().to_owned();
        }
        let mut seen = Vec::with_capacity(found.len());
        for resource in found.into_iter().filter(|resource| filter.lets_through(resource)) {
            match may_read(console, asked, &resource).await {
                Ok(()) => seen.push(resource),
                Err(Problem { code: Code::Reach, .. }) => {}
                Err(problem) => return Err(problem),
            }
        }
        items.extend(shown(console, kind, seen, filter.state).await?);
    }
    let next = more.then_some(after);
    Ok(Answer::ok(&Page { items, next }))
}

/// Resources of a kind as answers show them; of identities only those in `state`, if one is asked for.
async fn shown(
    console: &Console,
    kind: Kind,
    found: Vec<StoredResource>,
    state: Option<IdentityState>,
) -> Result<Vec<ResourceView>, Problem> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    match kind {
        Kind::Identity => {
            let names: Vec<IdentityId> = found.iter().filter_map(|resource| IdentityId::parse(resource.id.name()).ok()).collect();
            let records = console.store.identity_records(&names).await?.records;
            let with_status = found.into_iter().map(|resource| {
                let record = records.iter().find(|record| record.identity.as_str() == resource.id.name());
                (record.and_then(|record| record.status.as_ref()), resource)
            });
            let wanted = with_status.filter(|(status, _)| state.is_none_or(|state| status.is_some_and(|status| status.state == state)));
            Ok(wanted.map(|(status, resource)| ResourceView::of(resource, status, None)).collect())
        }
        Kind::Owner => {
            let owners = console.store.owner_statuses().await?;
            let of = |resource: &StoredResource| owners.iter().find(|owner| owner.owner.as_str() == resource.id.name());
            Ok(found.into_iter().map(|resource| (of(&resource), resource)).map(|(owner, one)| ResourceView::of(one, None, owner)).collect())
        }
        _ => Ok(found.into_iter().map(|resource| ResourceView::of(resource, None, None)).collect()),
    }
}

/// Names that one that is not on record is compared with.
const COMPARED_MAX: u32 = 10_000;

/// The refusal of a name that is not on record, with the nearest that is; `None`: it is there, or the store cannot say.
pub(crate) async fn missing(console: &Console, kind: Kind, name: &str) -> Option<Problem> {
    let id = ResourceId::parse(kind, name).ok();
    let ours = match kind {
        Kind::Identity => Identity::is_built_in(name) || IdentityId::parse(name).is_ok_and(|id| console.world.identity(&id).is_some()),
        Kind::Api => name == Api::ADMIN,
        _ => false,
    };
    if ours {
        return None;
    }
    if let Some(id) = id
        && !matches!(console.store.resource(&id).await, Ok(None))
    {
        return None;
    }
    let near = near(console, kind, name).await.map(|near| format!(": {near}")).unwrap_or_default();
    Some(Problem::new(Code::NotFound, format!("there is no {kind} `{}`{near}", input::shown(name))))
}

/// The name on record that a name which is not was probably meant to be, as a question.
async fn near(console: &Console, kind: Kind, name: &str) -> Option<String> {
    let there = console.store.resources_of(kind, "", COMPARED_MAX).await.ok()?;
    wardgate_resources::nearest(name, there.iter().map(|resource| resource.id.name())).map(|near| format!("did you mean `{near}`?"))
}

/// A refusal of somebody who is not there asks whether the nearest one was meant. One who is kept to an owner is told no
/// names of others.
pub(crate) async fn meant(console: &Console, asked: &Asked<'_>, (kind, name): (Kind, &str), problem: Problem) -> Problem {
    if problem.code != Code::NotFound || power::kept_to(&asked.caller.identity).is_some() {
        return problem;
    }
    match near(console, kind, name).await {
        Some(near) => problem.mend(near),
        None => problem,
    }
}

pub(crate) async fn read(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let id = resource_id(asked)?;
    let (mut view, revision) = view(console, asked, &id).await?;
    if let Some(identity) = IdentityId::parse(id.name()).ok().filter(|_| id.kind() == Kind::Identity) {
        view.quality = console.world.quality(&identity, asked.now).await?;
    }
    Ok(Answer::ok(&view).at(revision))
}

/// A resource as answers show it, and its revision.
pub(crate) async fn view(console: &Console, asked: &Asked<'_>, id: &ResourceId) -> Result<(ResourceView, u64), Problem> {
    let missing = || Problem::new(Code::NotFound, format!("there is no resource `{id}`"));
    let Some(resource) = console.store.resource(id).await? else {
        // One who is kept to an owner is told no names of others.
        let near = if power::kept_to(&asked.caller.identity).is_none() { self::missing(console, id.kind(), id.name()).await } else { None };
        return Err(near.unwrap_or_else(missing));
    };
    may_read(console, asked, &resource).await?;
    let revision = resource.revision;
    let view = shown(console, id.kind(), vec![resource], None).await?.pop().ok_or_else(missing)?;
    Ok((view, revision))
}

#[cfg(test)]
mod tests;
