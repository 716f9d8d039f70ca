//! Refusals: RFC 9457 problems with a stable code and a way out.

use crate::answer::Answer;
use http::StatusCode;
use serde_json::json;
use wardgate_model::id::RequestId;
use wardgate_store::StoreFault;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:ident, $title:literal, $remedy:literal;)*) => {
        /// What is wrong, in one of a few ways. The one table of this API's own refusals; those of the gate stand in
        /// `model::reason`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as clients see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The status of the answer.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What is wrong, for people; the same for every occurrence (RFC 9457 §3.1.3).
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

codes! {
    /// Path, query, header or body cannot be read.
    Malformed = "console.malformed", BAD_REQUEST, "the request cannot be read", "see what the operation takes: /api/v1/openapi.json";
    /// The credential is of a kind that buys another operation.
    Proof = "console.proof", FORBIDDEN, "this credential is not for this operation", "swap a sign-in credential at POST /api/v1/sessions, use the session for all else";
    /// The caller may use the operation, not upon this.
    Reach = "console.reach", FORBIDDEN, "the caller may not do this to this identity", "ask somebody with the role that it takes";
    /// It is not on record.
    NotFound = "console.not_found", NOT_FOUND, "it is not on record", "list what is on record";
    /// What is on record does not allow it.
    Conflict = "console.conflict", CONFLICT, "what is on record does not allow it", "change what the detail names, then ask again";
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
    /// The idempotency key was used for something else.
    KeyReused = "console.key_reused", UNPROCESSABLE_ENTITY, "this idempotency key was used for another request", "use a new key for a new request";
    /// We failed.
    Fault = "console.fault", SERVICE_UNAVAILABLE, "the request cannot be served at present", "try again later; tell the operator, with the request id";
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In which way.
    pub code: Code,
    /// What exactly is wrong this time.
    pub detail: String,
}

impl Problem {
    /// A refusal with its detail: lower case, no full stop, what was given in backticks.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// Something of ours failed: told to the log in full, to the caller only that.
    pub fn fault(what: impl std::fmt::Display) -> Self {
        tracing::error!(fault = %what, "the management API could not serve a request");
        Self::new(Code::Fault, "something that this needs does not work at present")
    }

    /// The answer (RFC 9457 §3, with CONTRACT's own members).
    pub(crate) fn answer(&self, request: RequestId) -> Answer {
        let body = json!({
            "type": format!("urn:wardgate:reason:{}", self.code.as_str()),
            "title": self.code.title(),
            "status": self.code.status().as_u16(),
            "detail": self.detail,
            "instance": format!("urn:uuid:{request}"),
            "code": self.code.as_str(),
            "request_id": request.to_string(),
            "remedy": self.code.remedy(),
        });
        Answer::problem(self.code.status(), &body)
    }
}

impl From<StoreFault> for Problem {
    fn from(fault: StoreFault) -> Self {
        let code = match &fault {
            StoreFault::NotFound { .. } => Code::NotFound,
            StoreFault::Conflict { .. } | StoreFault::EmptySources { .. } => Code::Conflict,
            StoreFault::Limit { .. } => Code::Limit,
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
