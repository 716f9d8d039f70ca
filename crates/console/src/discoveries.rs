//! Callers that were seen in traffic and that nobody knows: somebody says whose they are, or that they are nobody's.

mod subject;

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    credentials, input,
    power::may_give,
    problem::{Code, Problem},
    reasons::ReasonRequest,
};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    id::{CredentialId, IdentityId},
    inventory::Identity,
};
use wardgate_store::{Actor, DiscoveryFilter, DiscoveryState, NewCredential, StoreFault, StoredDiscovery};

/// How long a key counts that Wardgate did not issue: until then it is replaced by one of ours.
pub const FOREIGN: Duration = Duration::from_hours(90 * 24);
/// The name of the entry that such keys stand under.
pub const FOREIGN_NAME: &str = "foreign";

/// Whose a discovered caller is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimRequest {
    /// The identity that it is. Make it first.
    identity: String,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// A caller that was seen in traffic.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DiscoveryView {
    /// What it is called until somebody claims it.
    id: String,
    /// By what it is told from others: `key`, `subject`, `certificate` or `source`.
    what: &'static str,
    /// The trust source that vouches for it; of a `subject` or `certificate`.
    trust: Option<String>,
    /// Whom that one names: a stranger's text.
    subject: Option<String>,
    /// Where it was seen first.
    environment: Option<String>,
    /// What it called.
    apis: Vec<String>,
    /// From which networks.
    sources: Vec<String>,
    /// The first time (RFC 3339).
    first: String,
    /// The last time (RFC 3339).
    last: String,
    /// How often.
    count: u64,
    /// Until when somebody has to say whose it is (RFC 3339).
    claim_by: String,
    /// `open`, `claimed` or `rejected`.
    state: &'static str,
    /// Whose it is.
    claimed_as: Option<String>,
    /// The number of its last change.
    revision: u64,
}

impl DiscoveryView {
    fn of(stored: &StoredDiscovery) -> Self {
        Self {
            id: stored.id.to_string(),
            what: stored.what.as_str(),
            trust: stored.vouched.as_ref().map(|vouched| vouched.trust.to_string()),
            subject: stored.vouched.as_ref().map(|vouched| vouched.subject.to_string()),
            environment: stored.environment.as_ref().map(ToString::to_string),
            apis: stored.apis.iter().map(ToString::to_string).collect(),
            sources: stored.sources.iter().map(ToString::to_string).collect(),
            first: stored.first.to_rfc3339(),
            last: stored.last.to_rfc3339(),
            count: stored.count,
            claim_by: stored.claim_by.to_rfc3339(),
            state: stored.state.as_str(),
            claimed_as: stored.claimed_as.as_ref().map(ToString::to_string),
            revision: stored.revision,
        }
    }
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let state = asked.query.value("state").map(|word| {
        let detail = || format!("`state` is `open`, `claimed` or `rejected`, not `{}`", input::shown(word));
        DiscoveryState::parse(word).ok_or_else(|| input::malformed(detail()))
    });
    let limit = asked.query.limit()?;
    let filter = DiscoveryFilter { after: asked.query.cursor()?, state: state.transpose()?, claim_before: None, limit: Some(limit + 1) };
    let found = console.store.discoveries(&filter).await?;
    Ok(Answer::ok(&Page::cut(found, limit, |one| one.created_seq.to_string(), |one| DiscoveryView::of(&one))))
}

fn id(asked: &Asked<'_>) -> Result<IdentityId, Problem> {
    input::name("the id of the discovery", &asked.parameter("id")?, IdentityId::parse)
}

pub(crate) async fn reject(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ReasonRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let stored = console.store.reject_discovery(&actor, &id(asked)?, asked.now).await?;
    console.world.published(stored.revision).await;
    Ok(Answer::ok(&DiscoveryView::of(&stored)).at(stored.revision))
}

pub(crate) async fn claim(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ClaimRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let (id, name) = (id(asked)?, input::name("identity", &request.identity, IdentityId::parse)?);
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let missing = || unfit(format!("there is no identity `{name}`")).mend("ask for it first: `wardgate identity request`");
    let known = console.world.identity(&name).ok_or_else(missing)?;
    may_give(console, &asked.caller.identity, &known).await?;
    if !known.roles.is_empty() {
        let detail = format!("`{name}` has roles in Wardgate: a key that Wardgate did not issue is no proof for it");
        return Err(unfit(detail).mend("claim it as an identity without `roles`"));
    }
    let seen = console.store.discovery(&id).await?;
    let key = seen.hash.clone().map(|hash| (console.world.foreign_id(&hash), hash));
    if key.is_some() {
        // Whether it could be registered at all, before anything is said of it.
        credentials::lasts(console, &known, Some(FOREIGN), None, asked.now).await?;
    }
    if let (Some(vouched), DiscoveryState::Open) = (&seen.vouched, seen.state)
        && let Some(waits) = subject::bind(console, asked, &actor, &known, &seen, vouched).await?
    {
        return Ok(waits);
    }
    // Claimed first: of two who claim at once, one gets the key. Registered then: whoever claims again, finishes it.
    let stored = console.store.claim_discovery(&actor, &id, &name, asked.now).await?;
    let mut seq = stored.revision;
    if let Some((credential, hash)) = key {
        seq = seq.max(register(console, asked, &actor, &known, credential, hash).await?);
    }
    console.world.published(seq).await;
    Ok(Answer::ok(&DiscoveryView::of(&stored)).at(stored.revision))
}

async fn register(
    console: &Console,
    asked: &Asked<'_>,
    actor: &Actor,
    identity: &Identity,
    id: CredentialId,
    hash: KeyedHash,
) -> Result<u64, Problem> {
    match console.store.credential(&id).await {
        Ok(there) if there.credential.identity == identity.id => return Ok(there.revision),
        Ok(there) => {
            let detail = format!("the key is on record as `{}` of `{}`", id, there.credential.identity);
            return Err(Problem::new(Code::Conflict, detail).mend(format!("revoke `{id}` first, if it is the same caller after all")));
        }
        Err(StoreFault::NotFound { .. }) => {}
        Err(fault) => return Err(fault.into()),
    }
    let new = NewCredential {
        id,
        identity: identity.id.clone(),
        name: FOREIGN_NAME.into(),
        kind: CredentialKind::ForeignKey,
        environment: identity.environment.name.clone(),
        sources: Box::<[IpNet]>::default(),
        hash,
        expires: credentials::lasts(console, identity, Some(FOREIGN), None, asked.now).await?,
        task: None,
    };
    Ok(console.store.issue_credential(actor, new, asked.now).await?.revision)
}

#[cfg(test)]
mod tests;
