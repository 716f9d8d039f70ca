//! What is announced: whoever deploys says so, and what is new by it is not unusual for a while. An announcement never allows anything.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input, power,
    problem::{Code, Problem},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wardgate_model::{
    id::{ApiName, IdentityId},
    inventory::{Identity, Role},
    resource::Kind,
};
use wardgate_resources::scalar;
use wardgate_store::{ResourceId, StoredAnnouncement};

/// Longest announcement.
const LONGEST: Duration = Duration::from_hours(35 * 24);
/// Shortest.
const SHORTEST: Duration = Duration::from_mins(1);

/// What to announce.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnnounceRequest {
    /// `identity` or `api`.
    kind: String,
    /// Its name.
    name: String,
    /// For how long from now, as `2h` or `12d`: a minute to 35 days.
    #[serde(rename = "for")]
    lasting: String,
    /// Why, for the feed of changes: at most 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// Something that is announced.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AnnouncementView {
    /// `identity` or `api`.
    kind: &'static str,
    /// Its name.
    name: String,
    /// Since when (RFC 3339).
    since: String,
    /// Until when (RFC 3339).
    until: String,
    /// Who announced it.
    actor: String,
    /// Why.
    reason: String,
    /// The number of the change.
    revision: u64,
}

/// The word for a kind.
const fn word(kind: Kind) -> &'static str {
    if matches!(kind, Kind::Api) { "api" } else { "identity" }
}

impl AnnouncementView {
    fn of(stored: StoredAnnouncement) -> Self {
        Self {
            kind: word(stored.kind),
            name: stored.name.into(),
            since: stored.since.to_rfc3339(),
            until: stored.until.to_rfc3339(),
            actor: stored.actor.into(),
            reason: stored.reason.into(),
            revision: stored.revision,
        }
    }
}

pub(crate) async fn announce(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: AnnounceRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let unfit = |detail: String| Problem::new(Code::Unfit, detail);
    let caller = &asked.caller.identity;
    let kind = match request.kind.as_str() {
        "identity" => Kind::Identity,
        "api" => Kind::Api,
        other => return Err(unfit(format!("`kind` is `identity` or `api`, not `{}`", input::shown(other)))),
    };
    let lasting = scalar::duration(&request.lasting).map_err(|wrong| unfit(format!("`for`: {}", wrong.what)))?;
    if !(SHORTEST..=LONGEST).contains(&lasting) {
        return Err(unfit("`for` is a minute to 35 days".to_owned()));
    }
    let owners = match kind {
        Kind::Api => api_owners(console, input::name("api", &request.name, ApiName::parse)?).await?,
        _ => {
            let id = input::name("the name of the identity", &request.name, IdentityId::parse)?;
            let known = console.world.identity(&id);
            vec![known.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no identity `{id}`")))?.owner.as_str().to_owned()]
        }
    };
    may_announce(caller, &request.name, &owners)?;
    let actor = asked.actor(input::reason(request.reason.as_deref())?);
    let stored = console.store.announce(&actor, (kind, &request.name), asked.now + lasting, asked.now).await?;
    console.world.published(stored.revision).await;
    let revision = stored.revision;
    Ok(Answer::json(StatusCode::CREATED, &AnnouncementView::of(stored)).at(revision))
}

/// Who answers for an API, for its policy and for the business behind it.
async fn api_owners(console: &Console, name: ApiName) -> Result<Vec<String>, Problem> {
    let missing = || Problem::new(Code::NotFound, format!("there is no API `{name}`"));
    let id = ResourceId::parse(Kind::Api, name.as_str()).map_err(Problem::fault)?;
    let stored = console.store.resource(&id).await?.ok_or_else(missing)?;
    let owners = ["policy_owner", "business_owner"].into_iter().filter_map(|key| stored.spec.get(key)?.as_str());
    Ok(owners.map(str::to_owned).collect())
}

/// Whoever answers for it, and who answers for security: nobody else has a say in what is usual.
fn may_announce(caller: &Identity, name: &str, owners: &[String]) -> Result<(), Problem> {
    let has = |role: Role| caller.roles.contains(&role);
    if has(Role::Admin) || has(Role::Security) || (has(Role::Owner) && owners.iter().any(|owner| *owner == *caller.owner.as_str())) {
        return Ok(());
    }
    let detail = format!("`{}` is announced by its owner, by `security` or `admin`", input::shown(name));
    Err(Problem::new(Code::Reach, detail))
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (limit, after) = (asked.query.limit()?, asked.query.value("cursor").unwrap_or_default());
    let place = |one: &StoredAnnouncement| format!("{}/{}", word(one.kind), one.name);
    let mut found = console.store.announcements(asked.now).await?;
    found.sort_by_key(place);
    found.retain(|one| *place(one) > *after);
    if let Some(own) = power::kept_to(&asked.caller.identity) {
        let mut kept = Vec::new();
        for one in found {
            let its = match one.kind {
                Kind::Api => match ApiName::parse(&one.name) {
                    Ok(api) => api_owners(console, api).await.unwrap_or_default(),
                    Err(_) => Vec::new(),
                },
                _ => {
                    let known = IdentityId::parse(&one.name).ok().and_then(|id| console.world.identity(&id));
                    known.map(|known| known.owner.as_str().to_owned()).into_iter().collect()
                }
            };
            if its.iter().any(|owner| *owner == *own.as_str()) {
                kept.push(one);
            }
        }
        found = kept;
    }
    Ok(Answer::ok(&Page::cut(found, limit, place, AnnouncementView::of)))
}

#[cfg(test)]
mod tests;
