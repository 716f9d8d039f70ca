//! What is on record: resources with their status, and the feed of changes.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use wardgate_model::{id::IdentityId, resource::Kind};
use wardgate_store::{Change, ChangeFilter, Claim, ResourceId, StoredResource, StoredStatus, Subject};

/// A resource on record.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ResourceView {
    /// What it is.
    kind: &'static str,
    /// Its name.
    name: String,
    /// What was declared.
    spec: Value,
    /// Who may change it: `file:PATH`, `api` or `shipped`.
    origin: String,
    /// The number of its last change.
    revision: u64,
    /// What happened to it; identities only.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusView>,
}

/// What happened to an identity.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StatusView {
    /// Where it is in its life.
    state: &'static str,
    /// Whether nobody claimed it in time.
    claim_overdue: bool,
    /// Why, in the words of who made it so.
    reason: String,
    /// Since when (RFC 3339).
    since: String,
}

/// One row of the feed of changes.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChangeView {
    /// Its number; they only grow.
    seq: u64,
    /// When (RFC 3339).
    time: String,
    /// Who: an identity, or `file:PATH`.
    actor: String,
    /// About what: a kind of resource, `status`, `credential`, `secret`, `signing_key`.
    kind: &'static str,
    /// The name or id of it.
    name: String,
    /// What was done.
    act: &'static str,
    /// Why, in the actor's words.
    reason: String,
    /// What it was.
    before: Option<Value>,
    /// What it is.
    after: Option<Value>,
}

impl ResourceView {
    fn of(resource: StoredResource, status: Option<&StoredStatus>) -> Self {
        Self {
            kind: resource.id.kind().as_str(),
            name: resource.id.name().to_owned(),
            spec: resource.spec,
            origin: resource.origin.to_string(),
            revision: resource.revision,
            status: status.map(|status| StatusView {
                state: status.state.as_str(),
                claim_overdue: status.claim == Claim::Overdue,
                reason: status.reason.to_string(),
                since: status.updated.to_rfc3339(),
            }),
        }
    }
}

impl ChangeView {
    fn of(change: Change) -> Self {
        Self {
            seq: change.seq,
            time: change.time.to_rfc3339(),
            actor: change.actor.into(),
            kind: change.subject.as_str(),
            name: change.name.into(),
            act: change.act.as_str(),
            reason: change.reason.into(),
            before: change.before,
            after: change.after,
        }
    }
}

fn kind(asked: &Asked<'_>) -> Result<Kind, Problem> {
    let word = asked.parameter("kind")?;
    let found = Kind::ALL.iter().find(|kind| kind.as_str().eq_ignore_ascii_case(&word));
    found.copied().ok_or_else(|| {
        let kinds = Kind::ALL.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ");
        Problem::new(Code::NotFound, format!("there is no kind `{}`; the kinds are {kinds}", input::shown(&word)))
    })
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (kind, limit) = (kind(asked)?, asked.query.limit()?);
    let mut found = console.store.resources_of(kind, asked.query.value("cursor").unwrap_or_default(), limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|r| r.id.name().to_owned());
    let mut items = Vec::with_capacity(found.len());
    for resource in found {
        items.push(with_status(console, resource).await?);
    }
    Ok(Answer::json(StatusCode::OK, &Page { items, next }))
}

pub(crate) async fn read(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let kind = kind(asked)?;
    let id = input::name("the name of the resource", &asked.parameter("name")?, |name| ResourceId::parse(kind, name))?;
    let found = console.store.resource(&id).await?;
    let resource = found.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no resource `{id}`")))?;
    let revision = resource.revision;
    Ok(Answer::json(StatusCode::OK, &with_status(console, resource).await?).at(revision))
}

async fn with_status(console: &Console, resource: StoredResource) -> Result<ResourceView, Problem> {
    if resource.id.kind() != Kind::Identity {
        return Ok(ResourceView::of(resource, None));
    }
    let identity = IdentityId::parse(resource.id.name()).map_err(Problem::fault)?;
    let status = console.store.status(&identity).await?;
    Ok(ResourceView::of(resource, Some(&status)))
}

pub(crate) async fn changes(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let subject = asked.query.value("kind").map(|word| {
        Subject::parse(word).ok_or_else(|| {
            let detail =
                format!("`kind` is a kind of resource, `status`, `credential`, `secret` or `signing_key`, not `{}`", input::shown(word));
            input::malformed(detail)
        })
    });
    let limit = asked.query.limit()?;
    let filter = ChangeFilter {
        since: asked.query.cursor()?,
        subject: subject.transpose()?,
        name: asked.query.value("name").map(Into::into),
        limit: limit + 1,
    };
    let mut found = console.store.changes(&filter).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|c| c.seq.to_string());
    Ok(Answer::json(StatusCode::OK, &Page { items: found.into_iter().map(ChangeView::of).collect(), next }))
}

#[cfg(test)]
mod tests;
