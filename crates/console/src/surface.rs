//! Operations that are beside the documents of their APIs: shadow, zombie, unused, drift.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input, power,
    problem::Problem,
    records,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;
use wardgate_governance::{findings::UNUSED, surface::Standing};
use wardgate_model::{id::ApiName, resource::Kind};

/// Which operations to tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationQuery {
    /// Only of this API.
    pub api: Option<ApiName>,
    /// How long an operation goes without a call until it is unused.
    pub unused_for: Duration,
}

/// An operation, and one way in which it is beside the document of its API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OperationView {
    /// Of which API.
    pub api: String,
    /// Who answers for the API.
    pub owner: String,
    /// `shadow`: it is called, and no document has it; `zombie`: it is called, and should not be any more; `unused`: nobody calls it;
    /// `drift`: it is called otherwise than the document has it.
    pub standing: String,
    /// `METHOD TEMPLATE`, with the prefix of the API. Of a shadow operation learned from its calls: a part that looks like the name of a
    /// thing is a parameter.
    pub operation: String,
    /// Its class, where the document has it.
    pub class: Option<String>,
    /// What is beside the document: where requests are otherwise, why it should be gone, since when nobody calls it.
    pub detail: String,
    /// Whether it should be gone by now: past its sunset, or taken out.
    pub gone: bool,
    /// Since when nobody calls it, as far as it was looked (RFC 3339); of what is unused.
    pub since: Option<String>,
    /// Its first call (RFC 3339).
    pub first: Option<String>,
    /// Its last call (RFC 3339).
    pub last: Option<String>,
    /// Its calls.
    pub calls: u64,
    /// Of these, calls that the upstream served.
    pub served: u64,
    /// Of these, calls that were refused here.
    pub refused: u64,
    /// How many identities called; 0 where nobody is known.
    pub identities: u64,
    /// Some of them.
    pub callers: Vec<String>,
    /// Some of the networks that calls came from.
    pub sources: Vec<String>,
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (limit, from) = (asked.query.limit()?, usize::try_from(asked.query.cursor()?).unwrap_or(usize::MAX));
    let api = asked.query.value("api").map(|text| input::name("api", text, ApiName::parse)).transpose()?;
    let standing = asked.query.value("standing").map(|word| {
        let words = || Standing::ALL.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
        Standing::parse(word).ok_or_else(|| input::malformed(format!("`standing` is one of {}, not `{}`", words(), input::shown(word))))
    });
    let standing = standing.transpose()?;
    let unused_for = asked.query.value("unused_for_s").map(|text| {
        let bad = || input::malformed(format!("`unused_for_s` is a number of seconds, not `{}`", input::shown(text)));
        text.parse().map(Duration::from_secs).map_err(|_| bad())
    });
    let query = OperationQuery { api: api.clone(), unused_for: unused_for.transpose()?.unwrap_or(UNUSED) };
    let mut found = console.world.operations(query, asked.now).await?;
    let own = power::kept_to(&asked.caller.identity).map(|own| own.as_str());
    found.retain(|one| own.is_none_or(|own| one.owner == own) && standing.is_none_or(|standing| one.standing == standing.as_str()));
    if let (Some(api), true, None) = (&api, found.is_empty(), own)
        && let Some(problem) = records::missing(console, Kind::Api, api.as_str()).await
    {
        return Err(problem);
    }
    let found: Vec<OperationView> = found.into_iter().skip(from).collect();
    let mut page = Page::cut(found, limit, |_| String::new(), |one| one);
    page.next = page.next.map(|_| from.saturating_add(limit as usize).to_string());
    Ok(Answer::ok(&page))
}

#[cfg(test)]
mod tests;
