//! The client by which evidence goes elsewhere: one request, one answer, nothing followed.
//!
//! It blocks, and is used by threads of its own. Every bound is finite: time to connect, time in all, bytes of an answer. No
//! proxy of the environment, no redirect, no compression. TLS by rustls with roots of the public or those that the operator
//! names; clear text only to this machine.

use rustls::crypto::aws_lc_rs;
use std::{fmt, net::IpAddr, str::FromStr, sync::Arc, time::Duration};
use ureq::{
    Agent,
    http::{Request, Uri},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

/// Time to find an address, and to connect.
const CONNECT: Duration = Duration::from_secs(3);
/// Time between a request and the head of its answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Bytes a second that a body is given at least, each way.
const RATE_MIN: u64 = 64 * 1024;
/// The longest URL, in bytes.
const URL_BYTES_MAX: usize = 2048;

/// Where something is sent: a URL with `https`, or `http` to this machine; without user, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    uri: Uri,
}

/// Why a text is no place to send evidence to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSite {
    /// No URL at all.
    #[error("it is no URL `https://HOST[:PORT][/PATH]`")]
    Form,
    /// Clear text to another machine.
    #[error("`http` is for this machine only: what goes elsewhere goes under TLS")]
    Clear,
    /// A password or a query can hold what nobody may see.
    #[error("a user, a query or a fragment has no place in it")]
    More,
}

impl FromStr for Site {
    type Err = NoSite;

    fn from_str(text: &str) -> Result<Self, NoSite> {
        if text.contains(['@', '?', '#']) {
            return Err(NoSite::More);
        }
        let uri: Uri = text.parse().ok().filter(|_| text.len() <= URL_BYTES_MAX).ok_or(NoSite::Form)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(NoSite::Form)?;
        let is_here = host == "localhost" || address(host).is_some_and(|address| address.is_loopback());
        match uri.scheme_str() {
            Some("https") => Ok(Self { uri }),
            Some("http") if is_here => Ok(Self { uri }),
            Some("http") => Err(NoSite::Clear),
            _ => Err(NoSite::Form),
        }
    }
}

impl Site {
    /// `https` or `http`.
    pub(crate) fn scheme(&self) -> &str {
        self.uri.scheme_str().unwrap_or_default()
    }

    /// Host, and port where one is named.
    pub(crate) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// Whether the host is an address, and no name.
    pub(crate) fn is_address(&self) -> bool {
        address(self.uri.host().unwrap_or_default()).is_some()
    }

    /// The path, without a slash at its end.
    pub(crate) fn path(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }

    /// The URL without a slash at its end: what names of objects are put behind.
    pub(crate) fn base(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority(), self.path())
    }
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// As it was written: what is sent to an anchor goes exactly there.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Some(self.uri.path()).filter(|path| *path != "/").unwrap_or_default();
        write!(f, "{}://{}{path}", self.scheme(), self.authority())
    }
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Put,
    Post,
    Delete,
}

impl Method {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: &'a [u8],
}

/// An answer, whatever it says.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A field of its head, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// It could not be asked, or did not answer in time.
    #[error("{0}")]
    Away(String),
    /// The answer is longer than it may be.
    #[error("the answer is longer than {0} bytes")]
    Long(u64),
    /// The file of the authority holds no certificate.
    #[error("there is no certificate in it")]
    NoCertificate,
}

/// The client.
#[derive(Clone)]
pub struct Web {
    agent: Agent,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Web")
    }
}

impl Web {
    /// A client that believes the authorities in this PEM text; without one, those of the public.
    ///
    /// # Errors
    /// When the text holds no certificate.
    pub fn new(authorities: Option<&[u8]>) -> Result<Self, WebError> {
        let roots = match authorities {
            None => RootCerts::WebPki,
            Some(pem) => {
                let certificate = |item| if let Ok(PemItem::Certificate(certificate)) = item { Some(certificate) } else { None };
                let found: Vec<Certificate<'static>> = parse_pem(pem).filter_map(certificate).collect();
                if found.is_empty() {
                    return Err(WebError::NoCertificate);
                }
                RootCerts::Specific(Arc::new(found))
            }
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("wardgate")
            .accept_encoding("")
            .max_idle_age(Duration::from_secs(15))
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .build();
        Ok(Self { agent: config.new_agent() })
    }

    /// Sends a request and reads the answer, of no more than so many bytes.
    pub(crate) fn send(&self, outgoing: &Outgoing<'_>, bytes_max: u64) -> Result<Answer, WebError> {
        self.send_within(outgoing, bytes_max, allowed(bytes_max))
    }

    /// As [`Self::send`], with so long a time for the body of the answer.
    pub(crate) fn send_within(&self, outgoing: &Outgoing<'_>, bytes_max: u64, down: Duration) -> Result<Answer, WebError> {
        let away = |error: ureq::Error| WebError::Away(error.to_string());
        let invalid = |error: ureq::http::Error| WebError::Away(error.to_string());
        let mut request = Request::builder().method(outgoing.method.as_str()).uri(&outgoing.url);
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        let up = allowed(u64::try_from(outgoing.body.len()).unwrap_or(u64::MAX));
        let answer = match outgoing.method {
            Method::Put | Method::Post => {
                let request = request.body(outgoing.body).map_err(invalid)?;
                let request = self.agent.configure_request(request).timeout_send_body(Some(up)).timeout_recv_body(Some(down)).build();
                self.agent.run(request)
            }
            Method::Get | Method::Head | Method::Delete => {
                let request = request.body(()).map_err(invalid)?;
                self.agent.run(self.agent.configure_request(request).timeout_recv_body(Some(down)).build())
            }
        };
        let (head, body) = answer.map_err(away)?.into_parts();
        let body = body.into_with_config().limit(bytes_max.saturating_add(1)).read_to_vec();
        let body = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => WebError::Long(bytes_max),
            other => away(other),
        })?;
        if u64::try_from(body.len()).is_ok_and(|length| length > bytes_max) {
            return Err(WebError::Long(bytes_max));
        }
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// How long a body of so many bytes may take.
fn allowed(bytes: u64) -> Duration {
    ANSWER.saturating_add(Duration::from_secs(bytes / RATE_MIN))
}
