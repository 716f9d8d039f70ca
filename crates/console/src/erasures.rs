//! Erasing: what may tell of a person goes from the events of a subject, for good. Every hash stays what it was.

use crate::{
    answer::Answer,
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate_model::id::IdentityId;

/// What to erase, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureRequest {
    /// Whose events, as in a timeline: `person:HASH`, `source:ADDRESS`, `resource:PATH`, `request:ID`…; no word alone.
    subject: String,
    /// Why: at most 500 characters. It stands in the log for ever, so it names nobody.
    #[schemars(length(min = 1, max = 500))]
    reason: String,
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Erased {
    /// From how many events.
    pub events: u64,
}

/// What is to be erased, by whom, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Whose events, as in `person:HASH`.
    pub subject: String,
    /// Why.
    pub reason: Box<str>,
    /// Who asks for it.
    pub actor: IdentityId,
}

pub(crate) async fn erase(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ErasureRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let reason = input::reason(Some(&request.reason))?;
    if reason.trim().is_empty() {
        return Err(Problem::new(Code::Unfit, "`reason` says why: what is erased does not come back"));
    }
    if !request.subject.contains(':') {
        let detail =
            format!("`{}` alone may mean many things: `subject` says what it is, as in `person:HASH`", input::shown(&request.subject));
        return Err(Problem::new(Code::Unfit, detail));
    }
    let erasure = Erasure { subject: request.subject, reason, actor: asked.caller.identity.id.clone() };
    let events = console.world.erase_events(erasure).await?;
    Ok(Answer::json(StatusCode::OK, &Erased { events }))
}

#[cfg(test)]
mod tests;
