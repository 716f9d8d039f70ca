//! Erasing: what may tell of a person goes from the events of a subject, for good. Every hash stays what it was. It takes as long as
//! the log is large: who asks is told at once where it can be seen how far it is.

use crate::{
    answer::Answer,
    behind::Standing,
    call::{Asked, Console},
    input,
    problem::{Code, Problem},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate_governance::person;
use wardgate_model::id::IdentityId;

/// What to erase, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureRequest {
    /// Whose events, as in a timeline: `person:HASH`, `source:ADDRESS`, `resource:VALUE`, `request:ID`…; no word alone.
    subject: String,
    /// Why: at most 500 characters. It stands in the log for ever, so it names nobody.
    #[schemars(length(min = 1, max = 500))]
    reason: String,
}

/// How an erasure is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// It is under way.
    Running,
    /// All was erased that was asked for.
    Done,
    /// It is over, and not all was erased: `code` and `detail` say why.
    Failed,
}

/// An erasure, and how far it is. It does not say of whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErasureView {
    /// Its id: `GET /api/v1/audit/erasures/{id}` tells of it, until the gate ends.
    pub id: String,
    /// How it is doing.
    pub state: ErasureState,
    /// When it was asked for (RFC 3339). Events that came later are not meant.
    pub begun: String,
    /// When it was over.
    pub ended: Option<String>,
    /// From how many events something was erased so far.
    pub events: u64,
    /// How many events were left because they are traces of whoever asked: somebody else has to ask for those.
    pub own: u64,
    /// Segments of the log that there are to look at; 0 until what is not sealed yet is.
    pub segments: u64,
    /// Segments that were looked at.
    pub looked_at: u64,
    /// Segments and tails from which nothing could be erased.
    pub failed: u64,
    /// Objects in the store of segments that still hold what was erased from this log, by this erasure or another; `null` while it is
    /// under way. They are replaced by and by.
    pub outstanding: Option<u64>,
    /// Why not all was erased, as the codes of this API have it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// Why not all was erased: the first that went wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
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
    /// Whose traces are left, whatever the subject is: whoever asks, the other identities of the same person, and who armed the session.
    pub own: Vec<IdentityId>,
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
    let own = own(console, asked).await?;
    refuse_own(&request.subject, &own)?;
    let erasure = Erasure { subject: request.subject, reason, actor: asked.caller.identity.id.clone(), own };
    let begun = console.world.erase_events(erasure).await?;
    let place = format!("/api/v1/audit/erasures/{}", begun.id);
    Ok(Answer::json(StatusCode::ACCEPTED, &begun).found_at(place))
}

/// Identities whose traces whoever asks must not take away: its own, those of the same person, and of whoever armed its session. Where that is
/// not known, nothing is erased.
async fn own(console: &Console, asked: &Asked<'_>) -> Result<Vec<IdentityId>, Problem> {
    let caller = &asked.caller.identity;
    let mut own = vec![caller.id.clone()];
    if let Some(address) = caller.tags.get(person::TAG) {
        let tagged = console.world.tagged(person::TAG).into_iter();
        own.extend(tagged.filter(|(_, other)| person::same(other, address)).map(|(id, _)| id));
    }
    let standing = Standing::of_caller(console, asked).await?;
    let armers = standing.behind().0.ok_or_else(|| {
        let detail = "it is not known who armed the session that asks, so not whose traces it must leave";
        Problem::new(Code::Undecidable, detail).mend("sign in anew, by a sign-in of whose issuing this installation has a record")
    })?;
    own.extend(armers.iter().map(|armer| armer.id.clone()));
    own.sort();
    own.dedup();
    Ok(own)
}

/// Nobody erases its own traces: what is about nothing else is refused, and of all else they are left. Traces are what identities did: as whom
/// a person is known to APIs, by a hash, is not known of a session here.
fn refuse_own(subject: &str, own: &[IdentityId]) -> Result<(), Problem> {
    let named = subject.trim().split_once(':').filter(|(kind, _)| *kind == "identity").map(|(_, name)| name.trim());
    if !named.is_some_and(|name| own.iter().any(|id| id.as_str() == name)) {
        return Ok(());
    }
    let detail =
        format!("`{}` are traces of whoever asks, or of whoever armed its session: nobody erases its own", input::shown(subject.trim()));
    Err(Problem::new(Code::Undecidable, detail).mend("have another person with the role `security` or `admin` ask for it"))
}

pub(crate) async fn read(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let id = asked.parameter("id")?;
    let found = console.world.erasure(&id).await;
    let unknown = || {
        let detail = format!("no erasure `{}` is known here: a gate forgets them when it ends", input::shown(&id));
        Problem::new(Code::NotFound, detail).mend("ask for it again: what is erased already stays so, and the rest is erased")
    };
    Ok(Answer::ok(&found.ok_or_else(unknown)?))
}

#[cfg(test)]
pub(crate) mod tests;
