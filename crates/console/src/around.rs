//! Ways round the gate: what upstreams answered to calls that came with nothing, and such calls made now.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
    world::BoxFuture,
};
use schemars::JsonSchema;
use serde::Serialize;
use wardgate_model::{id::ApiName, time::Time};

/// What was last seen of one API's upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProbeView {
    /// The API.
    pub api: String,
    /// `guarded`, `unguarded`, `unclear`, `not_probed` (it cannot be, or shall not be) or `waiting` (it was not yet).
    pub state: String,
    /// Why it is not probed.
    pub why: Option<String>,
    /// When it was last called (RFC 3339).
    pub last: Option<String>,
    /// What was called, those that answer first.
    pub calls: Vec<ProbedCall>,
}

/// One call that came with nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProbedCall {
    /// What was called: the operation's id.
    pub operation: String,
    /// Whether the API has this operation no longer.
    pub retired: bool,
    /// At which address.
    pub address: String,
    /// `refused`, `answered` or `unclear`.
    pub outcome: String,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// Why it is unclear.
    pub why: Option<String>,
    /// When (RFC 3339).
    pub at: String,
    /// Since when it answers (RFC 3339), until it is seen to refuse.
    pub open_since: Option<String>,
}

/// What came of calls made now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Probed {
    /// Every API that was asked for, as it was last seen, by name.
    pub items: Vec<ProbeView>,
    /// Whether every call was made; `false`: time ran out, and some are as they were seen before.
    pub whole: bool,
}

/// Who looks for ways round the gate. The binary implements it.
pub trait Around: Send + Sync {
    /// What was last seen, by the APIs' names; of one API, where one is named.
    fn probes(&self, api: Option<&ApiName>) -> Vec<ProbeView>;

    /// Calls upstreams now, with nothing to show, and returns when they have answered or some time has passed.
    fn probe<'a>(&'a self, api: Option<&'a ApiName>, now: Time) -> BoxFuture<'a, Probed>;
}

fn api(asked: &Asked<'_>) -> Result<Option<ApiName>, Problem> {
    asked.query.value("api").map(|text| input::name("api", text, ApiName::parse)).transpose()
}

/// An API that is named has to be there.
fn known(api: Option<&ApiName>, found: &[ProbeView]) -> Result<(), Problem> {
    match api {
        Some(api) if found.is_empty() => Err(Problem::new(Code::NotFound, format!("there is no API `{api}`"))),
        _ => Ok(()),
    }
}

pub(crate) fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (limit, after, api) = (asked.query.limit()?, asked.query.value("cursor"), api(asked)?);
    let mut found = console.world.around().probes(api.as_ref());
    known(api.as_ref(), &found)?;
    found.retain(|view| after.is_none_or(|after| view.api.as_str() > after));
    Ok(Answer::ok(&Page::cut(found, limit, |view| view.api.clone(), |view| view)))
}

pub(crate) async fn probe(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let api = api(asked)?;
    known(api.as_ref(), &console.world.around().probes(api.as_ref()))?;
    Ok(Answer::ok(&console.world.around().probe(api.as_ref(), asked.now).await))
}

#[cfg(test)]
mod tests;
