//! The feed of changes: who did what to what, and why.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input,
    problem::Problem,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use wardgate_store::{Change, ChangeFilter, Subject};

/// What a change is about when it is not about a resource.
const WORDS: [Subject; 8] = [
    Subject::Status,
    Subject::Credential,
    Subject::Secret,
    Subject::SigningKey,
    Subject::OwnerStatus,
    Subject::Containment,
    Subject::Approval,
    Subject::Discovery,
];

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

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let subject = asked.query.value("kind").map(|word| {
        Subject::parse(word).ok_or_else(|| {
            let words = WORDS.map(Subject::as_str).join("`, `");
            input::malformed(format!("`kind` is a kind of resource or one of `{words}`, not `{}`", input::shown(word)))
        })
    });
    let limit = asked.query.limit()?;
    let since = asked.query.number("since")?.unwrap_or_default();
    let filter = ChangeFilter {
        since: asked.query.cursor()?.max(since),
        subject: subject.transpose()?,
        name: asked.query.value("name").map(Into::into),
        limit: limit + 1,
    };
    let found = console.store.changes(&filter).await?;
    Ok(Answer::ok(&Page::cut(found, limit, |change| change.seq.to_string(), ChangeView::of)))
}

#[cfg(test)]
mod tests;
