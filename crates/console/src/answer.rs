//! Answers: JSON, never stored by anything between.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

/// Media type of an answer.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Media type of a refusal (RFC 9457 §6.1).
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An answer before it is HTTP.
#[derive(Clone)]
pub(crate) struct Answer {
    status: StatusCode,
    media: HeaderValue,
    body: Bytes,
    revision: Option<u64>,
    location: Option<String>,
}

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page<T> {
    /// What is on this page.
    pub(crate) items: Vec<T>,
    /// Give this as `cursor` for what comes next; `null`: there is no more.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// The first `limit` of what was found; there is more when more was found. `place` says where an item stands.
    pub(crate) fn cut<F>(mut found: Vec<F>, limit: u32, place: impl Fn(&F) -> String, shown: impl FnMut(F) -> T) -> Self {
        let limit = limit as usize;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(place);
        Self { items: found.into_iter().map(shown).collect(), next }
    }
}

impl Answer {
    /// A value, as JSON.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self { status, media: JSON, body: body.into(), revision: None, location: None },
            // INVARIANT (plain answers): answers are structs with string keys, which always serialise.
            Err(_) => Self { status: StatusCode::INTERNAL_SERVER_ERROR, media: JSON, body: Bytes::new(), revision: None, location: None },
        }
    }

    /// Done, and nothing to say.
    pub(crate) const fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, media: JSON, body: Bytes::new(), revision: None, location: None }
    }

    pub(crate) fn problem(status: StatusCode, value: &impl Serialize) -> Self {
        Self { media: PROBLEM, ..Self::json(status, value) }
    }

    /// A page of a list, or anything else that there is.
    pub(crate) fn ok(value: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// How much memory it takes, in bytes.
    pub(crate) const fn bytes(&self) -> usize {
        self.body.len()
    }

    /// With the revision that `If-Match` can name.
    pub(crate) fn at(self, revision: u64) -> Self {
        Self { revision: Some(revision), ..self }
    }

    /// Where what was made can be read.
    pub(crate) fn found_at(self, path: impl Into<String>) -> Self {
        Self { location: Some(path.into()), ..self }
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(header::CONTENT_TYPE, self.media);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(revision) = self.revision
            && let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\""))
        {
            headers.insert(header::ETAG, tag);
        }
        if let Some(path) = self.location
            && let Ok(path) = HeaderValue::try_from(path)
        {
            headers.insert(header::LOCATION, path);
        }
        response
    }
}
