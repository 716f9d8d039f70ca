//! Credentials of callers: issued and shown once, listed without their secrets, ended.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console, Power, within_reach},
    idempotency::Begun,
    input,
    problem::{Code, Problem},
    world::{Entry, KnownIdentity},
};
use http::StatusCode;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    id::{CredentialId, IdentityId},
    inventory::{Identity, IdentityState},
    time::Time,
};
use wardgate_store::{Condition, CredentialFilter, NewCredential, StoredCredential};

/// How long a sign-in waits to be used.
pub const SIGN_IN: Duration = Duration::from_secs(60 * 60);
/// The name of the entry that sign-ins stand under.
pub const SIGN_IN_NAME: &str = "sign-in";

/// What to issue.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssueRequest {
    /// For whom.
    identity: String,
    /// For which entry of its `credentials`; needed when it has several that take a key.
    name: Option<String>,
    /// `api_key` (unless told) or `sign_in`: the latter for an identity with a role in Wardgate itself.
    kind: Option<String>,
    /// Why, for the feed of changes: at most 500 characters.
    reason: Option<String>,
}

/// A credential on record.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CredentialView {
    /// Its public id: the third part of a key.
    id: String,
    /// Whose it is.
    identity: String,
    /// The entry of the identity's `credentials` that it was issued for.
    name: String,
    /// What kind of thing it is.
    kind: &'static str,
    /// Where it may be used.
    environment: String,
    /// Networks it may be used from; empty means any.
    sources: Vec<String>,
    /// When it was issued (RFC 3339).
    created: String,
    /// When it ends by itself (RFC 3339).
    expires: Option<String>,
    /// `live`, `expired`, `revoked` or `spent`.
    state: &'static str,
    /// When it was revoked (RFC 3339).
    revoked: Option<String>,
    /// What `If-Match` can name, in quotes.
    revision: u64,
}

/// A credential that was just issued.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Issued {
    /// The whole text of it. Shown once: it is not kept.
    key: String,
    /// What is on record.
    #[serde(flatten)]
    credential: CredentialView,
}

impl CredentialView {
    fn of(stored: &StoredCredential, now: Time) -> Self {
        let credential = &stored.credential;
        let revoked = match credential.state {
            CredentialState::Revoked { at } => Some(at.to_rfc3339()),
            CredentialState::Live | CredentialState::Spent => None,
        };
        Self {
            id: credential.id.to_string(),
            identity: credential.identity.to_string(),
            name: credential.name.to_string(),
            kind: credential.kind.as_str(),
            environment: credential.environment.to_string(),
            sources: credential.sources.iter().map(IpNet::to_string).collect(),
            created: credential.created.to_rfc3339(),
            expires: credential.expires.map(Time::to_rfc3339),
            state: Condition::of(credential, now).as_str(),
            revoked,
            revision: stored.revision,
        }
    }
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let state = asked.query.value("state");
    let condition = match state.map(|word| (word, Condition::parse(word))) {
        None => None,
        Some((_, Some(condition))) => Some((condition, asked.now)),
        Some((word, None)) => {
            let detail = format!("`state` is `live`, `expired`, `revoked` or `spent`, not `{}`", input::shown(word));
            return Err(input::malformed(detail));
        }
    };
    let limit = asked.query.limit()?;
    let filter =
        CredentialFilter { after: asked.query.cursor()?, identity: asked.query.identity()?, kind: None, condition, limit: Some(limit + 1) };
    let mut found = console.store.credentials(&filter).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|c| c.created_seq.to_string());
    let items = found.iter().map(|c| CredentialView::of(c, asked.now)).collect();
    Ok(Answer::json(StatusCode::OK, &Page { items, next }))
}

pub(crate) async fn issue(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let Some(key) = input::idempotency_key(&asked.call.headers)? else { return issue_now(console, asked).await };
    let place = match console.remembered.begin(&asked.caller.identity.id, &key, &asked.call.body, asked.now)? {
        Begun::New(place) => place,
        Begun::Known(first) => return Ok(first),
    };
    // Dropped on refusal: a request that changed nothing may be tried again with the same key.
    let answer = issue_now(console, asked).await?;
    place.keep(answer.clone());
    Ok(answer)
}

/// What a request for a credential comes to, once everything is known.
struct Plan {
    identity: KnownIdentity,
    name: Box<str>,
    kind: CredentialKind,
    lasts: Duration,
    sources: Box<[IpNet]>,
}

async fn issue_now(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: IssueRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let reason = input::reason(request.reason.as_deref())?;
    let plan = plan(console, asked, &request)?;
    let identity = &plan.identity.identity;
    let environment = &identity.environment.name;
    let minted = console.world.mint(plan.kind, environment).map_err(Problem::fault)?;
    let new = NewCredential {
        id: minted.id,
        identity: identity.id.clone(),
        name: plan.name,
        kind: plan.kind,
        environment: environment.clone(),
        sources: plan.sources,
        hash: minted.hash,
        expires: asked.now + plan.lasts,
    };
    let stored = console.store.issue_credential(&asked.actor(reason), new, asked.now).await?;
    console.world.published(stored.revision).await;
    let credential = CredentialView::of(&stored, asked.now);
    let issued = Issued { key: minted.text.danger_expose().clone(), credential };
    Ok(Answer::json(StatusCode::CREATED, &issued).at(stored.revision))
}

fn plan(console: &Console, asked: &Asked<'_>, request: &IssueRequest) -> Result<Plan, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let conflict = |detail: String| Problem::new(Code::Conflict, detail);
    let id = input::name("identity", &request.identity, IdentityId::parse)?;
    let known = console.world.identity(&id).ok_or_else(|| unfit(format!("there is no identity `{id}`")))?;
    governed(&known.identity)?;
    within_reach(&asked.caller.identity, &known.identity, &Power::Give)?;
    match request.kind.as_deref() {
        None | Some("api_key") => {
            let entry = entry(&known, request.name.as_deref())?;
            let lasts = entry.expires_in.filter(|span| !span.is_zero());
            let lasts = lasts.ok_or_else(|| conflict(format!("the entry `{}` of `{id}` has no `expires_in`", entry.name)))?;
            let (name, sources) = (entry.name.clone(), entry.sources.clone());
            Ok(Plan { name, kind: CredentialKind::ApiKey, lasts, sources, identity: known })
        }
        Some("sign_in") if known.identity.roles.is_empty() => {
            Err(unfit(format!("`{id}` has no role in Wardgate itself, so a session would be no use to it")))
        }
        Some("sign_in") if request.name.is_some() => Err(unfit("a sign-in is not issued for an entry: leave `name` out".into())),
        Some("sign_in") => {
            Ok(Plan { name: SIGN_IN_NAME.into(), kind: CredentialKind::SignIn, lasts: SIGN_IN, sources: Box::default(), identity: known })
        }
        Some(other) => Err(unfit(format!("`kind` is `api_key` or `sign_in`, not `{}`", input::shown(other)))),
    }
}

/// Refuses to arm an identity that nobody answers for or that is not in use.
fn governed(identity: &Identity) -> Result<(), Problem> {
    let conflict = |why: String| Err(Problem::new(Code::Conflict, format!("`{}` {why}", identity.id)));
    if identity.is_anonymous() {
        return conflict("is who shows no credential".into());
    }
    if identity.state != IdentityState::Active {
        return conflict(format!("is `{}`, not `active`", identity.state));
    }
    if identity.claim_overdue {
        return conflict("was not claimed in time: its owner must claim it first".into());
    }
    if identity.purpose.trim().is_empty() {
        return conflict("has no purpose".into());
    }
    Ok(())
}

/// The entry that a key is issued for: the one that is named, or the only one there is.
fn entry<'a>(known: &'a KnownIdentity, name: Option<&str>) -> Result<&'a Entry, Problem> {
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let id = &known.identity.id;
    let keys: Vec<&Entry> = known.entries.iter().filter(|e| e.kind == CredentialKind::ApiKey).collect();
    let names = || keys.iter().map(|e| format!("`{}`", e.name)).collect::<Vec<_>>().join(", ");
    let Some(name) = name else {
        return match keys.as_slice() {
            [] => Err(unfit(format!("`{id}` has no entry of the type `api_key` in its `credentials`"))),
            [only] => Ok(only),
            _ => Err(unfit(format!("`{id}` has several entries that take a key, so `name` must say which: {}", names()))),
        };
    };
    let found = known.entries.iter().find(|e| *e.name == *name);
    match found {
        Some(entry) if entry.kind == CredentialKind::ApiKey => Ok(entry),
        Some(entry) => Err(unfit(format!("the entry `{}` of `{id}` is of the type `{}`: no key is issued for it", entry.name, entry.kind))),
        None if keys.is_empty() => {
            Err(unfit(format!("`{id}` has no entry `{}` in its `credentials`, and none that takes a key", input::shown(name))))
        }
        None => {
            Err(unfit(format!("`{id}` has no entry `{}` in its `credentials`; those that take a key: {}", input::shown(name), names())))
        }
    }
}

pub(crate) async fn revoke(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let text = asked.parameter("id")?;
    let id = CredentialId::parse(&text).ok_or_else(|| {
        let detail = format!("the id of a credential has {} letters and digits: the third part of its key", CredentialId::CHARACTERS);
        input::malformed(detail)
    })?;
    let reason = input::reason(asked.query.value("reason"))?;
    let expect = input::precondition(&asked.call.headers)?;
    let stored = console.store.credential(&id).await?;
    reach_of(console, asked, &stored.credential)?;
    let stored = console.store.revoke_credential(&asked.actor(reason), &id, expect, asked.now).await?;
    console.world.published(stored.revision).await;
    Ok(Answer::json(StatusCode::OK, &CredentialView::of(&stored, asked.now)).at(stored.revision))
}

/// What belongs to an identity that is not on record any more can be ended by everyone who may end at all.
fn reach_of(console: &Console, asked: &Asked<'_>, credential: &Credential) -> Result<(), Problem> {
    let target = console.world.identity(&credential.identity);
    target.map_or(Ok(()), |known| within_reach(&asked.caller.identity, &known.identity, &Power::Stop))
}

#[cfg(test)]
mod tests;
