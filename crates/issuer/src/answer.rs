//! How the token service answers: JSON as OAuth has it (RFC 6749 §5), never kept by anybody on the way.

use crate::against::{Against, REFUSED};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use wardgate_model::event::CameOf;

/// What is recorded of an answer, and taken off before it is sent.
const EFFECT: HeaderName = HeaderName::from_static("wardgate-effect");

/// Why a request is not answered with what it asks for; the error codes of RFC 6749 §5.2, RFC 8707 §2, RFC 9396 §5, RFC 9449 §5 and RFC 7009
/// §2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// What the client shows does not count.
    InvalidClient,
    /// A parameter is missing, there twice, or ill-formed.
    InvalidRequest,
    /// An assertion that is not taken (RFC 7521 §4.1.1).
    InvalidGrant,
    /// The client may not do this.
    UnauthorizedClient,
    /// No such grant here.
    UnsupportedGrantType,
    /// A scope that is none, or not the client's.
    InvalidScope,
    /// No API of this address that the client may call.
    InvalidTarget,
    /// Details that nobody here knows (RFC 9396 §5).
    InvalidAuthorizationDetails,
    /// The proof of possession that it takes is missing (RFC 9449 §5).
    InvalidDpopProof,
    /// It cannot be done at present.
    Unavailable,
    /// We failed.
    Server,
}

impl Error {
    const fn code(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::Unavailable => "temporarily_unavailable",
            Self::Server => "server_error",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Server => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// An error with what its client can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub error: Error,
    /// For people.
    pub description: String,
    /// After how many seconds another try can succeed, where it is [`Error::Unavailable`].
    pub retry_after_s: u64,
    /// What stands against it, for the record alone: the client learns no more than `description` says.
    pub because: Option<Against>,
    /// The sentence that is recorded: of ours alone, never anything that a client wrote.
    recorded: String,
}

impl Refusal {
    /// An error, told to the client and recorded by the same sentence, which has nothing in it that a client wrote.
    #[must_use]
    pub fn new(error: Error, sentence: &'static str) -> Self {
        Self { error, description: fitting(sentence), retry_after_s: 1, because: None, recorded: sentence.to_owned() }
    }

    /// The same, told to the client in these words, which may have something of its own in them.
    #[must_use]
    pub fn told(self, description: &str) -> Self {
        Self { description: fitting(description), ..self }
    }

    /// With what is recorded of why.
    #[must_use]
    pub fn because(self, against: Against) -> Self {
        Self { because: Some(against), ..self }
    }

    /// With another sentence in the record: names of the operator's own, and nothing that a client wrote.
    #[must_use]
    pub fn recorded(self, sentence: String) -> Self {
        Self { recorded: sentence, ..self }
    }

    /// What is recorded of it: the error or what stands against it, and the sentence. Of an API that is none to the client the word says it all.
    fn effect(&self) -> String {
        match self.because {
            Some(against) if self.error == Error::InvalidTarget => format!("{REFUSED}{}", against.recorded()),
            Some(against) => format!("{REFUSED}{}: {}", against.recorded(), fitting(&self.recorded)),
            None => format!("{REFUSED}error={}: {}", self.error.code(), fitting(&self.recorded)),
        }
    }

    /// Says when to come again.
    #[must_use]
    pub fn after(self, retry_after_s: u64) -> Self {
        Self { retry_after_s, ..self }
    }

    /// As it is sent.
    #[must_use]
    pub fn response(&self) -> Response<Bytes> {
        let body = json!({ "error": self.error.code(), "error_description": self.description });
        let mut response = document(&body);
        *response.status_mut() = self.error.status();
        if self.error == Error::InvalidClient {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"wardgate\""));
        }
        if self.error == Error::Unavailable {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after_s));
        }
        marked(response, &self.effect())
    }
}

/// Kept within what RFC 6749 §5.2 allows: printable ASCII without `"` and `\`, and not too much of it.
fn fitting(text: &str) -> String {
    let fits = |c: char| if matches!(c, ' '..='!' | '#'..='[' | ']'..='~') { c } else { '?' };
    text.chars().take(DESCRIPTION_CHARACTERS_MAX).map(fits).collect()
}

/// Longest description, in characters.
const DESCRIPTION_CHARACTERS_MAX: usize = 300;

/// A document that nobody keeps (RFC 6749 §5.1).
#[must_use]
pub fn document(body: &Value) -> Response<Bytes> {
    let mut response = empty();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = Bytes::from(body.to_string());
    response
}

/// An answer that says nothing but that it was done (RFC 7009 §2.2).
#[must_use]
pub fn empty() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// The same, with what is recorded of it: which token it is about, by its `jti`, and of which tokens that one came.
#[must_use]
pub fn recorded(response: Response<Bytes>, what: &str, token: &str, came_of: CameOf) -> Response<Bytes> {
    let mut response = marked(response, &format!("{what} token={token}"));
    response.extensions_mut().insert(came_of);
    response
}

/// The same, with what is recorded of it where it is about no token.
#[must_use]
pub fn marked(mut response: Response<Bytes>, effect: &str) -> Response<Bytes> {
    if let Ok(value) = HeaderValue::try_from(effect) {
        response.headers_mut().insert(EFFECT, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{Error, Refusal};

    #[test]
    fn an_error_is_what_oauth_has_for_it() {
        let response = Refusal::new(Error::InvalidScope, "it is none").told("the scope `\"\\ü` is none").response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["pragma"], "no-cache");
        assert_eq!(&response.body()[..], br#"{"error":"invalid_scope","error_description":"the scope `???` is none"}"#);
        // What a client wrote is in no record.
        assert_eq!(response.headers()["wardgate-effect"], "refused error=invalid_scope: it is none");
    }
}
