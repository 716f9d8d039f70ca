//! The feed of changes: who did what to what, and why.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
    records,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use wardgate_store::{Change, ChangeFilter, Subject};

/// What a change is about when it is not about a resource.
const WORDS: [Subject; 11] = [
    Subject::Status,
    Subject::Credential,
    Subject::Secret,
    Subject::SigningKey,
    Subject::OwnerStatus,
    Subject::Containment,
    Subject::Approval,
    Subject::Discovery,
    Subject::Task,
    Subject::Announcement,
    Subject::Rehearsal,
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
    /// Where it was, in a word: a state, a version, the end of a credential that another one replaces. `null` of what was not
    /// there, and of resources.
    from: Option<String>,
    /// Where it is, likewise.
    to: Option<String>,
    /// What it was.
    before: Option<Value>,
    /// What it is.
    after: Option<Value>,
}

impl ChangeView {
    fn of(change: Change) -> Self {
        let (from, to) = moved(change.subject, change.before.as_ref(), change.after.as_ref());
        Self {
            from,
            to,
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

/// Where something was and where it is, in a word each.
fn moved(subject: Subject, before: Option<&Value>, after: Option<&Value>) -> (Option<String>, Option<String>) {
    let both = |word: &dyn Fn(&Value) -> Option<String>| (before.and_then(word), after.and_then(word));
    let member = |name: &'static str| move |value: &Value| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match subject {
        Subject::Resource(_) => (None, None),
        Subject::Announcement | Subject::Rehearsal => both(&|value| member("until")(value).map(|end| format!("until {end}"))),
        Subject::Status | Subject::SigningKey | Subject::Approval | Subject::Discovery | Subject::Task => both(&member("state")),
        Subject::Credential => match both(&member("state")) {
            // Rotated or renewed: it is as alive as before, for another time.
            (from, to) if from == to => both(&|value| member("expires")(value).map(|end| format!("until {end}"))),
            states => states,
        },
        Subject::Secret => both(&|value| Some(format!("version {}", value.get("version")?))),
        Subject::OwnerStatus => both(&|value| {
            let departed = value.get("departed").is_some_and(Value::is_string);
            Some(if departed { "departed" } else { "present" }.to_owned())
        }),
        Subject::Containment => {
            let word = |there: bool| Some(if there { "contained" } else { "free" }.to_owned());
            (word(before.is_some()), word(after.is_some()))
        }
    }
}

/// What a question for one thing is answered that is not on record and that nobody ever changed.
async fn unknown(console: &Console, subject: Option<Subject>, name: &str) -> Option<Problem> {
    let missing = |what: &str| Some(Problem::new(Code::NotFound, format!("there is no {what} `{}`", input::shown(name))));
    match subject? {
        Subject::Resource(kind) => records::missing(console, kind, name).await,
        Subject::Credential => missing("credential"),
        Subject::Secret => missing("secret"),
        Subject::Approval => missing("approval"),
        Subject::Discovery => missing("discovered caller"),
        Subject::Task => missing("task"),
        // What nothing has happened to yet is not unknown for that.
        Subject::Status
        | Subject::OwnerStatus
        | Subject::Containment
        | Subject::SigningKey
        | Subject::Announcement
        | Subject::Rehearsal => None,
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
    let subject = subject.transpose()?;
    let filter = ChangeFilter {
        since: asked.query.cursor()?.max(since),
        subject,
        name: asked.query.value("name").map(Into::into),
        limit: limit + 1,
    };
    let found = console.store.changes(&filter).await?;
    if let (true, 0, Some(name)) = (found.is_empty(), filter.since, asked.query.value("name"))
        && let Some(problem) = unknown(console, subject, name).await
    {
        return Err(problem);
    }
    Ok(Answer::ok(&Page::cut(found, limit, |change| change.seq.to_string(), ChangeView::of)))
}

#[cfg(test)]
mod tests;
