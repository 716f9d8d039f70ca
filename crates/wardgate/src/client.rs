//! A client of the management API: HTTP/1.1, JSON in and out, refusals made readable.
//!
//! It speaks clear text, so it speaks to this machine only: a token never crosses a network in the clear.

use crate::output::plain;
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{fmt, net::IpAddr, time::Duration};
use tokio::net::TcpStream;
use wardgate_model::secret::Secret;

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
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
    #[error("nothing answers at http://{authority}: {why}; is `wardgate serve` running?")]
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
    /// The gate refused.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
}

/// A refusal: RFC 9457 with the members of CONTRACT "HTTP, towards clients".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// `room.cause`.
    pub code: Option<String>,
    /// What is wrong.
    pub detail: String,
    /// A way out.
    pub remedy: Option<String>,
    /// The request's id, for `wardgate explain` and `wardgate audit tail`.
    pub request_id: Option<String>,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", plain(&self.detail))?;
        match &self.code {
            Some(code) => write!(f, " ({} {})", self.status.as_u16(), plain(code))?,
            None => write!(f, " ({})", self.status.as_u16())?,
        }
        if self.status == StatusCode::UNAUTHORIZED {
            f.write_str("\n  = sign in again: `wardgate sign-in`, or `wardgate sign-in --offline` when nothing is serving")?;
        } else if let Some(remedy) = self.remedy.as_deref().filter(|text| !text.is_empty()) {
            write!(f, "\n  = {}", plain(remedy))?;
        }
        if let Some(id) = &self.request_id {
            write!(f, "\n  = request {}", plain(id))?;
        }
        Ok(())
    }
}

impl Refusal {
    /// Reads a refusal's body; whatever is no problem document is told by its status.
    fn read(status: StatusCode, header: Option<&str>, body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let unsaid = || status.canonical_reason().unwrap_or("no reason was given").to_lowercase();
        Self {
            status,
            code: member("code"),
            detail: member("detail").or_else(|| member("title")).unwrap_or_else(unsaid),
            remedy: member("remedy"),
            request_id: member("request_id").or_else(|| header.map(str::to_owned)),
        }
    }
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
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

/// A client with its token.
#[derive(Debug, Clone)]
pub struct Client {
    address: Address,
    token: Secret<String>,
}

/// An answer that is no refusal.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// The document; null where there was none.
    pub body: Value,
}

impl Client {
    /// A client that shows `token`.
    #[must_use]
    pub const fn new(address: Address, token: Secret<String>) -> Self {
        Self { address, token }
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
        match tokio::time::timeout(TIMEOUT, self.exchange(method, path, body)).await {
            Ok(result) => result,
            Err(_) => Err(self.unreachable(&format!("no answer within {} s", TIMEOUT.as_secs()))),
        }
    }

    fn unreachable(&self, why: &dyn fmt::Display) -> ClientFault {
        ClientFault::Unreachable { authority: self.address.authority.clone(), why: why.to_string() }
    }

    fn foreign(&self, why: &dyn fmt::Display) -> ClientFault {
        ClientFault::Foreign { authority: self.address.authority.clone(), why: why.to_string() }
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, ClientFault> {
        let stream = TcpStream::connect((self.address.host.as_str(), self.address.port)).await.map_err(|error| self.unreachable(&error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.foreign(&error))?;
        let carried = tokio::spawn(connection);
        let bytes = body.map_or_else(Bytes::new, |value| Bytes::from(value.to_string()));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.address.authority)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("wardgate/", env!("CARGO_PKG_VERSION")))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.danger_expose()));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(bytes))
            .map_err(|_| ClientFault::Address { url: plain(path), why: "the path or the token has characters that HTTP does not carry" })?;
        let answer = sender.send_request(request).await.map_err(|error| self.foreign(&error))?;
        let (head, body) = answer.into_parts();
        let bytes = whole(body).await.map_err(|error| self.foreign(&error))?;
        carried.abort();
        let id = head.headers.get("wardgate-request-id").and_then(|value| value.to_str().ok());
        if !head.status.is_success() {
            return Err(Box::new(Refusal::read(head.status, id, &bytes)).into());
        }
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).map_err(|error| self.foreign(&error))? };
        Ok(Answer { status: head.status, body })
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
