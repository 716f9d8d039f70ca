//! What use adds up to.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    credentials, input, power,
    problem::{Code, Problem},
    records,
};
use schemars::JsonSchema;
use serde::Serialize;
use wardgate_model::{
    id::{ApiName, CredentialId, IdentityId},
    resource::Kind,
    time::Time,
};
use wardgate_store::{UsageFilter, UsageRow};

/// Most rows that a list goes through.
const ROWS_MAX: usize = 20_000;

/// What one credential did with one operation from one network.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageView {
    /// By which credential; `null`: without one on record.
    credential: Option<String>,
    /// By whom.
    identity: String,
    /// What was called.
    api: String,
    /// Which operation of it.
    operation: String,
    /// From which network: a /24, or a /56 of IPv6.
    source: String,
    /// The first time (RFC 3339).
    first: String,
    /// The last time (RFC 3339).
    last: String,
    /// How many requests were permitted.
    allowed: u64,
    /// How many were refused.
    refused: u64,
}

impl UsageView {
    fn of(row: &UsageRow) -> Self {
        Self {
            credential: row.credential.as_ref().map(ToString::to_string),
            identity: row.identity.to_string(),
            api: row.api.to_string(),
            operation: row.operation.to_string(),
            source: row.source.to_string(),
            first: row.first.to_rfc3339(),
            last: row.last.to_rfc3339(),
            allowed: row.allowed,
            refused: row.refused,
        }
    }
}

/// A typing error is no answer: what nothing was used of must be on record.
async fn known(console: &Console, filter: &UsageFilter) -> Result<(), Problem> {
    if let Some(id) = &filter.credential {
        credentials::find(console, id).await?;
    }
    let names = [(Kind::Identity, filter.identity.as_ref().map(IdentityId::as_str)), (Kind::Api, filter.api.as_ref().map(ApiName::as_str))];
    for (kind, name) in names {
        if let Some(name) = name
            && let Some(problem) = records::missing(console, kind, name).await
        {
            return Err(problem);
        }
    }
    Ok(())
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (limit, from) = (asked.query.limit()?, usize::try_from(asked.query.cursor()?).unwrap_or(usize::MAX));
    let credential = asked.query.value("credential").map(|text| {
        let bad = || input::malformed(format!("the id of a credential has {} letters and digits", CredentialId::CHARACTERS));
        CredentialId::parse(text).ok_or_else(bad)
    });
    let api = asked.query.value("api").map(|text| input::name("api", text, ApiName::parse));
    let since = asked.query.value("since").map(|text| {
        let bad = || input::malformed(format!("`since` is a time such as `2027-01-31T12:00:00Z`, not `{}`", input::shown(text)));
        Time::parse(text).ok_or_else(bad)
    });
    let identity = asked.query.identity()?;
    if from > ROWS_MAX {
        return Err(input::malformed(format!("at most {ROWS_MAX} rows are listed: ask for one identity, credential or API")));
    }
    let filter = UsageFilter {
        identity: identity.clone(),
        credential: credential.transpose()?,
        api: api.transpose()?,
        since: since.transpose()?,
        limit: u32::try_from(from + limit as usize + 1).ok(),
    };
    if let Some(own) = power::kept_to(&asked.caller.identity) {
        let whose = match (&identity, &filter.credential) {
            (Some(identity), _) => identity.clone(),
            (None, Some(credential)) => credentials::find(console, credential).await?.identity,
            (None, None) => {
                return Err(Problem::new(Code::Reach, format!("ask for one identity of the owner `{own}`, for whom the caller acts")));
            }
        };
        let known =
            console.world.identity(&whose).ok_or_else(|| Problem::new(Code::NotFound, format!("there is no identity `{whose}`")))?;
        power::may_see(&asked.caller.identity, &known.owner)?;
    }
    // Last used first, so what comes in meanwhile moves rows to pages that were read: none is missed for long.
    let rows: Vec<UsageRow> = console.store.usage(&filter).await?.into_iter().skip(from).collect();
    if rows.is_empty() && from == 0 && power::kept_to(&asked.caller.identity).is_none() {
        known(console, &filter).await?;
    }
    let mut page = Page::cut(rows, limit, |_| String::new(), |row| UsageView::of(&row));
    page.next = page.next.map(|_| (from + limit as usize).to_string());
    Ok(Answer::ok(&page))
}

#[cfg(test)]
mod tests;
