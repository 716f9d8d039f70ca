//! Why something that is asked of tasks is not done: a problem (RFC 9457) with a stable code, the request's id and a way out, as the
//! gate's own refusals are.

use super::document;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;
use wardgate_model::{id::RequestId, problems};

problems! {
    /// In which of a few ways. The one table of what the API of tasks refuses itself; what the gate refuses before stands in
    /// `model::reason`.
    Cause {
        /// Query, header or body make no task.
        Unfit = "task.unfit", BAD_REQUEST, "this makes no task", "correct what the detail names, then ask again";
        /// Who acts for somebody asks about that one's tasks.
        Acting = "task.acting", FORBIDDEN, "who acts for somebody neither sees nor rules that one's tasks", "ask with a token of whom the tasks are of";
        /// More is asked for than the identity is granted.
        NotGranted = "task.not_granted", FORBIDDEN, "the task is for more than its identity is granted", "ask for less, or have it granted: the detail names what";
        /// It is none, or somebody else's.
        NotFound = "task.not_found", NOT_FOUND, "there is no such task of this caller", "list your tasks: `GET` where tasks are started";
        /// It is over.
        Over = "task.over", CONFLICT, "the task is over", "nothing brings it back: start another";
        /// Somebody stopped it.
        Contained = "task.contained", CONFLICT, "the task is contained", "start another, or ask the owner of this integration to have it released";
        /// There are as many as there may be.
        Limit = "task.limit", CONFLICT, "there are as many tasks under way as there may be", "complete or fail those that are done";
        /// The request is longer than it may be.
        TooLarge = "task.too_large", PAYLOAD_TOO_LARGE, "the request is longer than it may be", "name less: a class in the place of its operations, `*` at the end of a resource";
        /// The idempotency key was used for another task.
        KeyReused = "task.key_reused", UNPROCESSABLE_ENTITY, "this `Idempotency-Key` was used for another task", "use a new key for a new task";
        /// We failed.
        Fault = "task.fault", INTERNAL_SERVER_ERROR, "no task could be made", "try again later; tell the operator, with the request id";
        /// Nothing can be put on record.
        Away = "task.away", SERVICE_UNAVAILABLE, "the task cannot be looked at or put on record at present", "try again after `Retry-After` seconds";
    }
}

/// Why it is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In which way.
    pub cause: Cause,
    /// What exactly is wrong this time: lower case, no full stop, what was given in backticks.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its detail.
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into() }
    }

    /// As it is sent, in answer to this request.
    #[must_use]
    pub fn response(&self, request: RequestId) -> Response<Bytes> {
        let (cause, status) = (self.cause, self.cause.status());
        let body = json!({
            "type": format!("urn:wardgate:reason:{}", cause.as_str()),
            "title": cause.title(),
            "status": status.as_u16(),
            "detail": self.detail,
            "instance": format!("urn:uuid:{request}"),
            "code": cause.as_str(),
            "request_id": request.to_string(),
            "remedy": cause.remedy(),
        });
        let mut response = document(status, &body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<Cause> for Refusal {
    /// With nothing to say beside what is always said.
    fn from(cause: Cause) -> Self {
        Self::new(cause, cause.title())
    }
}
