//! Refusals: RFC 9457 problems with a stable code and a way out.

use crate::{
    answer::Answer,
    world::{Away, Refused, WorldFault},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use wardgate_governance::lifecycle::{Illegal, Move};
use wardgate_model::{diagnostic::Diagnostic, id::RequestId, problems};
use wardgate_store::StoreFault;

problems! {
    /// What is wrong, in one of a few ways. The one table of this API's own refusals; those of the gate stand in
    /// `model::reason`.
    Code {
        /// Path, query, header or body cannot be read.
        Malformed = "console.malformed", BAD_REQUEST, "the request cannot be read", "see what the operation takes: /api/v1/openapi.json";
        /// The credential is of a kind that buys another operation.
        Proof = "console.proof", FORBIDDEN, "this credential is not for this operation", "swap a sign-in credential at POST /api/v1/sessions, use the session for all else";
        /// The caller may use the operation, not upon this.
        Reach = "console.reach", FORBIDDEN, "the caller may not do this to this identity", "ask somebody with the role that it takes";
        /// Somebody else has to decide.
        Undecidable = "console.undecidable", FORBIDDEN, "somebody else has to decide this", "ask an identity of another owner with the role `security` or `admin`";
        /// It is not on record.
        NotFound = "console.not_found", NOT_FOUND, "it is not on record", "list what is on record: `wardgate get KIND`, `wardgate credential list`, `wardgate approval list`";
        /// What is on record does not allow it.
        Conflict = "console.conflict", CONFLICT, "what is on record does not allow it", "change what the detail names, then ask again";
        /// The life of an identity does not allow it.
        Illegal = "console.illegal", CONFLICT, "this move is not possible from where it is", "make one of the moves in `legal`";
        /// An approval is decided already.
        Decided = "console.decided", CONFLICT, "this is decided already", "ask anew if it is still wanted";
        /// What was to be approved does not apply any more.
        Overtaken = "console.overtaken", CONFLICT, "what was asked for does not apply any more", "ask for it anew, from what is on record now";
        /// There are as many as there may be.
        Limit = "console.limit", CONFLICT, "there are as many as there may be", "revoke what is not needed any more";
        /// The same idempotency key is being answered.
        InProgress = "console.in_progress", CONFLICT, "the first request with this key is still under way", "wait, then ask again with the same key";
        /// The precondition does not hold.
        Stale = "console.stale", PRECONDITION_FAILED, "it was changed meanwhile", "read it again, then decide";
        /// The body is not JSON by its own word.
        MediaType = "console.media_type", UNSUPPORTED_MEDIA_TYPE, "the body is not of a type that is read here", "send `Content-Type: application/json`";
        /// Readable, but it asks for what makes no sense.
        Unfit = "console.unfit", UNPROCESSABLE_ENTITY, "the request makes no sense here", "correct what the detail names";
        /// What would be declared makes no sense.
        Diagnostics = "console.diagnostics", UNPROCESSABLE_ENTITY, "what would be declared makes no sense", "mend what `diagnostics` names, all of it is there";
        /// The idempotency key was used for something else.
        KeyReused = "console.key_reused", UNPROCESSABLE_ENTITY, "this idempotency key was used for another request", "use a new key for a new request";
        /// The store does not answer.
        Away = "store.away", SERVICE_UNAVAILABLE, "the store does not answer", "contain and revoke all the same, this gate obeys at once; ask for anything else again when `/readyz` says `ready`";
        /// It takes more time, memory or room than it may.
        Bounds = "console.bounds", UNPROCESSABLE_ENTITY, "this takes more than it may", "ask for less at a time: fewer rows, fewer columns, a shorter time";
        /// As many of its kind as may be are under way.
        Busy = "console.busy", TOO_MANY_REQUESTS, "as many of these as may be are under way", "wait, then ask again";
        /// A program that this needs is not installed.
        NoEngine = "console.no_engine", CONFLICT, "this gate has no engine for it", "put the program `wardgate-query` beside `wardgate`";
        /// We failed.
        Fault = "console.fault", SERVICE_UNAVAILABLE, "the request cannot be served at present", "try again later; tell the operator, with the request id";
    }
}

/// Something wrong with what would be declared, as answers show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiagnosticView {
    /// Where: `KIND/NAME` of the document, and where that is known the file with line and column.
    pub place: String,
    /// `error` or `warning`.
    pub level: String,
    /// A stable code, for programs.
    pub code: String,
    /// What is wrong.
    pub what: String,
    /// A way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl From<&Diagnostic> for DiagnosticView {
    fn from(diagnostic: &Diagnostic) -> Self {
        Self {
            place: diagnostic.place.to_string(),
            level: diagnostic.level.to_string(),
            code: diagnostic.code.to_owned(),
            what: diagnostic.what.clone(),
            mend: diagnostic.mend.clone(),
        }
    }
}

/// What a refusal says beside what all refusals say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum More {
    /// Nothing.
    #[default]
    Nothing,
    /// All that is wrong.
    Diagnostics(Vec<DiagnosticView>),
    /// What is possible instead.
    Legal(Vec<&'static str>),
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In which way.
    pub code: Code,
    /// What exactly is wrong this time.
    pub detail: String,
    /// What to do about this one, where that is more than what its code says.
    remedy: Option<String>,
    more: More,
}

impl Problem {
    /// A refusal with its detail: lower case, no full stop, what was given in backticks.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), remedy: None, more: More::Nothing }
    }

    /// With what to do about it: lower case, no full stop, commands and words to be typed in backticks.
    #[must_use]
    pub fn mend(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// Something of ours failed: told to the log in full, to the caller only that.
    pub fn fault(what: impl std::fmt::Display) -> Self {
        tracing::error!(fault = %what, "the management API could not serve a request");
        Self::new(Code::Fault, "something that this needs does not work at present")
    }

    /// The store is away: told to the log in full, to the caller what is wrong with it.
    fn away(fault: &StoreFault) -> Self {
        tracing::error!(%fault, "the store did not answer to a request of the management API");
        Self::new(Code::Away, fault.away())
    }

    /// The same, with since when the store is away. What failed for another reason while it is away, failed for that one.
    pub(crate) fn while_away(self, away: Option<&Away>) -> Self {
        match (self.code, away) {
            (Code::Away | Code::Fault, Some(away)) => Self::new(Code::Away, format!("{}, since {}", away.why, away.since)),
            _ => self,
        }
    }

    /// What would be declared makes no sense: all that is wrong, at once.
    pub fn diagnostics(found: Vec<DiagnosticView>) -> Self {
        let first = found.iter().find(|one| one.level == "error").or_else(|| found.first());
        let detail = first.map_or_else(String::new, |one| format!("{}: {}", one.place, one.what));
        let others = found.iter().filter(|one| one.level == "error").count().saturating_sub(1);
        let detail = if others > 0 { format!("{detail}, and {others} more") } else { detail };
        Self { code: Code::Diagnostics, detail, remedy: None, more: More::Diagnostics(found) }
    }

    /// The answer (RFC 9457 §3, with CONTRACT's own members).
    pub(crate) fn answer(&self, request: RequestId) -> Answer {
        let mut body = json!({
            "type": format!("urn:wardgate:reason:{}", self.code.as_str()),
            "title": self.code.title(),
            "status": self.code.status().as_u16(),
            "detail": self.detail,
            "instance": format!("urn:uuid:{request}"),
            "code": self.code.as_str(),
            "request_id": request.to_string(),
            "remedy": self.remedy.as_deref().unwrap_or(self.code.remedy()),
        });
        if let Some(members) = body.as_object_mut() {
            match &self.more {
                More::Nothing => None,
                More::Diagnostics(found) => members.insert("diagnostics".into(), json!(found)),
                More::Legal(moves) => members.insert("legal".into(), json!(moves)),
            };
        }
        Answer::problem(self.code.status(), &body)
    }
}

impl From<Illegal> for Problem {
    fn from(mut illegal: Illegal) -> Self {
        // Nobody asks for it: issuing the first credential is what activates.
        illegal.legal.retain(|one| *one != Move::Activate);
        let legal = illegal.legal.iter().map(|one| one.as_str()).collect();
        Self { code: Code::Illegal, detail: illegal.to_string(), remedy: None, more: More::Legal(legal) }
    }
}

impl From<WorldFault> for Problem {
    fn from(fault: WorldFault) -> Self {
        Self::fault(fault)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Diagnostics(found) => Self::diagnostics(found.iter().map(DiagnosticView::from).collect()),
            Refused::Store(fault) => fault.into(),
            Refused::World(fault) => Self::fault(fault),
        }
    }
}

impl From<StoreFault> for Problem {
    fn from(fault: StoreFault) -> Self {
        if fault.is_away() {
            return Self::away(&fault);
        }
        let code = match &fault {
            StoreFault::NotFound { .. } => Code::NotFound,
            StoreFault::Conflict { .. } | StoreFault::EmptySources { .. } => Code::Conflict,
            StoreFault::Limit { .. } => Code::Limit,
            StoreFault::Full { .. } => {
                let remedy = "have them decided, or take your own back: `wardgate approval list`, `wardgate approval deny ID`";
                return Self::new(Code::Limit, fault.to_string()).mend(remedy);
            }
            StoreFault::Stale { .. } => Code::Stale,
            StoreFault::Address { .. }
            | StoreFault::Locked { .. }
            | StoreFault::File { .. }
            | StoreFault::Database(_)
            | StoreFault::Migration(_)
            | StoreFault::Corrupt { .. } => return Self::fault(fault),
        };
        Self::new(code, fault.to_string())
    }
}

#[cfg(test)]
mod tests;
