//! A client of the management API: HTTP/1.1, JSON in and out, refusals made readable.
//!
//! It speaks clear text, so it speaks to this machine only: a token never crosses a network in the clear.

mod refusal;
mod way;

pub use refusal::{Refusal, Told};
pub use way::Inside;

use crate::output::{plain, waiting};
use bytes::Bytes;
use http::{HeaderName, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};
use wardgate_model::secret::Secret;
use way::Way;

/// Longest wait for one answer, unless told.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for an answer to what may be much work: a whole inventory, a delivery to an upstream.
pub const LONG: Duration = Duration::from_secs(600);
/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Where the management API is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    authority: String,
    host: String,
    port: u16,
}

/// Why a call of the management API came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientFault {
    /// The operator named an address that cannot be used.
    #[error("`{url}` is no address of a management API: {why}")]
    Address {
        /// What was named.
        url: String,
        /// Why not.
        why: &'static str,
    },
    /// Nobody answers there.
    #[error(
        "nothing answers at http://{authority}: {why}; is `wardgate serve` running, with this `admin.address`? (--url, WARDGATE_URL or .wardgate/profile.json says where)"
    )]
    Unreachable {
        /// Where.
        authority: String,
        /// What the network said.
        why: String,
    },
    /// What answers there does not speak as a management API does.
    #[error("what answers at http://{authority} is no management API: {why}")]
    Foreign {
        /// Where.
        authority: String,
        /// What was wrong.
        why: String,
    },
    /// The management API in this process has come to an end.
    #[error("the store was closed before the answer: {why}")]
    Ended {
        /// What was seen of it.
        why: String,
    },
    /// The gate refused.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
}

impl Address {
    /// Reads `http://HOST[:PORT]`, HOST on this machine.
    ///
    /// # Errors
    /// When it is none, or is elsewhere.
    pub fn parse(url: &str) -> Result<Self, ClientFault> {
        let wrong = |why| ClientFault::Address { url: plain(url), why };
        let uri: Uri = url.parse().map_err(|_| wrong("write `http://127.0.0.1:9080`"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(wrong("the admin listener speaks clear text on this machine: write `http://`")),
            _ => return Err(wrong("write `http://127.0.0.1:9080`")),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("a path does not belong to it"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("user and password do not belong to it"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let here = host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !here {
            return Err(wrong("a token would cross a network in the clear: use 127.0.0.1, through a tunnel where the gate is elsewhere"));
        }
        Ok(Self { authority: authority.as_str().to_owned(), host: host.to_owned(), port: authority.port_u16().unwrap_or(80) })
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

/// A client with its token.
#[derive(Debug, Clone)]
pub struct Client {
    way: Way,
    token: Secret<String>,
}

/// An answer that is no refusal.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// What `If-Match` can name.
    pub etag: Option<String>,
    /// The document; null where there was none.
    pub body: Value,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asking<'a> {
    method: Method,
    path: String,
    body: Option<&'a Value>,
    fields: Vec<(HeaderName, String)>,
    patience: Duration,
    once: Once,
}

/// Whether asking again is the same as asking once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Once {
    /// Perhaps not: it is sent one time.
    Sent,
    /// Yes, by its key: it is sent again when the connection broke before the answer.
    Keyed,
}

impl<'a> Asking<'a> {
    /// An operation by method and path.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None, fields: Vec::new(), patience: TIMEOUT, once: Once::Sent }
    }

    /// A change that happens once, though it may be sent twice: with an `Idempotency-Key` of its own.
    #[must_use]
    pub fn once(path: impl Into<String>) -> Self {
        let key = format!("{:032x}", crate::clock::entropy());
        let mut asking = Self::new(Method::POST, path).field(HeaderName::from_static("idempotency-key"), key);
        asking.once = Once::Keyed;
        asking
    }

    /// With a document.
    #[must_use]
    pub fn body(mut self, body: &'a Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Only when it is at this `ETag`.
    #[must_use]
    pub fn if_match(self, etag: &str) -> Self {
        self.field(header::IF_MATCH, etag.to_owned())
    }

    /// Only when it is not there yet.
    #[must_use]
    pub fn if_absent(self) -> Self {
        self.field(header::IF_NONE_MATCH, "*".to_owned())
    }

    /// The answer may take as long as [`LONG`].
    #[must_use]
    pub fn patiently(mut self) -> Self {
        self.patience = LONG;
        self
    }

    fn field(mut self, name: HeaderName, value: String) -> Self {
        self.fields.push((name, value));
        self
    }
}

impl Client {
    /// A client that shows `token`.
    #[must_use]
    pub const fn new(address: Address, token: Secret<String>) -> Self {
        Self { way: Way::Listener(address), token }
    }

    /// A client that shows nothing.
    #[must_use]
    pub const fn nobody(address: Address) -> Self {
        Self::new(address, Secret::new(String::new()))
    }

    /// A client of a management API in this process.
    #[must_use]
    pub fn inside(inside: Inside, token: Secret<String>) -> Self {
        Self { way: Way::Inside(Arc::new(inside)), token }
    }

    /// Asks for something.
    ///
    /// # Errors
    /// As [`ClientFault`] says.
    pub async fn get(&self, path: &str) -> Result<Value, ClientFault> {
        self.call(Method::GET, path, None).await.map(|answer| answer.body)
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// As [`ClientFault`] says.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, ClientFault> {
        let asking = Asking { body, ..Asking::new(method, path) };
        self.ask(&asking).await
    }

    /// Calls an operation with all that belongs to it.
    ///
    /// # Errors
    /// As [`ClientFault`] says.
    pub async fn ask(&self, asking: &Asking<'_>) -> Result<Answer, ClientFault> {
        match self.ask_within(asking).await {
            // The answer was lost, not the change: the same key brings the first answer.
            Err(ClientFault::Foreign { .. }) if asking.once == Once::Keyed => self.ask_within(asking).await,
            other => other,
        }
    }

    async fn ask_within(&self, asking: &Asking<'_>) -> Result<Answer, ClientFault> {
        match tokio::time::timeout(asking.patience, waiting(self.exchange(asking))).await {
            Ok(result) => result,
            Err(_) => Err(self.way.unreachable(&format!("no answer within {} s", asking.patience.as_secs()))),
        }
    }

    fn foreign(&self, why: &dyn fmt::Display) -> ClientFault {
        ClientFault::Foreign { authority: self.way.authority().to_owned(), why: why.to_string() }
    }

    async fn exchange(&self, asking: &Asking<'_>) -> Result<Answer, ClientFault> {
        let stream = self.way.connect().await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.foreign(&error))?;
        let carried = tokio::spawn(connection);
        let bytes = asking.body.map_or_else(Bytes::new, |value| Bytes::from(value.to_string()));
        let mut request = Request::builder()
            .method(asking.method.clone())
            .uri(&asking.path)
            .header(header::HOST, self.way.authority())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("wardgate/", env!("CARGO_PKG_VERSION")));
        if !self.token.danger_expose().is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token.danger_expose()));
        }
        if asking.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in &asking.fields {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(bytes)).map_err(|_| ClientFault::Address {
            url: plain(&asking.path),
            why: "the path or the token has characters that HTTP does not carry",
        })?;
        let answer = sender.send_request(request).await.map_err(|error| self.foreign(&error))?;
        let (head, body) = answer.into_parts();
        let bytes = whole(body).await.map_err(|error| self.foreign(&error))?;
        carried.abort();
        let id = head.headers.get("wardgate-request-id").and_then(|value| value.to_str().ok());
        if !head.status.is_success() {
            return Err(Box::new(Refusal::read(head.status, id, &bytes)).into());
        }
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).map_err(|error| self.foreign(&error))? };
        let etag = head.headers.get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Answer { status: head.status, etag, body })
    }
}

#[expect(clippy::disallowed_methods, reason = "INVARIANT (bounded): the body is read under `Limited`")]
async fn whole(body: hyper::body::Incoming) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes())
}

/// One segment of a path, escaped (RFC 3986 §2.3: all but unreserved characters).
#[must_use]
pub fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped
    })
}

/// `?name=value&…` of those that are there.
#[must_use]
pub fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let there: Vec<String> = pairs.iter().filter_map(|(name, value)| Some(format!("{name}={}", segment((*value)?)))).collect();
    if there.is_empty() { String::new() } else { format!("?{}", there.join("&")) }
}

#[cfg(test)]
mod tests;
