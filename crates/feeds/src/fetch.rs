//! One fetch: resolve, have every address judged, connect to one that was judged, ask, read within bounds.
//!
//! A connection serves one fetch. So nothing outlives the judgement of its address, no proxy of the environment is asked, and
//! what a server leaves on a connection reaches nobody. HTTP/1.1 only; the body is asked for as it is (`identity`), so what is
//! counted is what is kept. hyper and rustls bare, as at the doors, and no client library: its pool, its resolver, its proxies
//! and its redirects would each have to be turned off again, and whether they are could not be seen here.

use crate::{
    fault::{FetchFault, Shown, Step, chain},
    freshness, guard,
    resolve::Resolve,
    roots::Roots,
    target::{Host, Scheme, Target},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Body as _, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use rustls::{CertificateError, OtherError};
use rustls_pki_types::ServerName;
use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::AbortHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use wardgate_model::trust::Reach;

/// Most addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 32;
/// Most headers of an answer.
const HEADERS_MAX: usize = 100;
/// Largest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long and how large a fetch may be. All of it is finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// For the name, for each address of it, for the handshake.
    pub connect: Duration,
    /// From the beginning to the last byte, redirects included.
    pub whole: Duration,
    /// The body, in bytes.
    pub bytes_max: usize,
    /// How often a redirect to the same origin is followed.
    pub redirects_max: u8,
}

impl Bounds {
    /// For documents about keys: three seconds, 512 KiB, no redirect.
    pub const KEYS: Self = Self { connect: Duration::from_secs(1), whole: Duration::from_secs(3), bytes_max: 512 * 1024, redirects_max: 0 };
    /// For bundles of trust: three seconds, 1 MiB, no redirect.
    pub const BUNDLES: Self = Self { bytes_max: 1024 * 1024, ..Self::KEYS };
    /// For lists that may be long: thirty seconds, 16 MiB, no redirect.
    pub const LISTS: Self =
        Self { connect: Duration::from_secs(3), whole: Duration::from_secs(30), bytes_max: 16 * 1024 * 1024, redirects_max: 0 };
}

/// What kind of document is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// JSON, also where it is labelled as plain text or as bytes.
    Json,
    /// Certificates or lists of them, DER or PEM.
    Certificates,
    /// The directory of a bot (Web Bot Auth), under its own name and no other.
    Directory,
}

/// The media type of the directory of a bot.
const DIRECTORY: &str = "application/http-message-signatures-directory+json";

impl Media {
    const fn accept(self) -> HeaderValue {
        match self {
            Self::Json => HeaderValue::from_static("application/json, application/jwk-set+json"),
            Self::Certificates => {
                HeaderValue::from_static("application/pkix-crl, application/pkix-cert, application/x-pem-file, */*;q=0.5")
            }
            Self::Directory => HeaderValue::from_static(DIRECTORY),
        }
    }

    /// Loosely: what a server that means well may say of it. A page for people is refused, whatever is in it. A directory is one by its
    /// name: it says that whoever publishes here means these keys to speak for the address.
    fn admits(self, essence: &str) -> bool {
        if self == Self::Directory {
            return essence == DIRECTORY;
        }
        let plain = ["", "text/plain", "application/octet-stream", "binary/octet-stream"].contains(&essence);
        plain
            || match self {
                Self::Json => essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")),
                Self::Directory => false,
                Self::Certificates => ["pkix", "pkcs", "pem", "x509", "crl"].iter().any(|word| essence.contains(word)),
            }
    }
}

/// What is sent.
#[derive(Debug, Clone)]
pub enum Message {
    /// `GET`.
    Read,
    /// `POST` of a form.
    Form {
        /// `application/x-www-form-urlencoded`.
        body: Bytes,
        /// What says who asks.
        authorization: Option<HeaderValue>,
    },
}

/// One fetch.
#[derive(Debug, Clone)]
pub struct Asking<'a> {
    /// What.
    pub target: &'a Target,
    /// What is sent.
    pub message: Message,
    /// What kind of document is wanted.
    pub media: Media,
    /// How far it may go.
    pub reach: &'a Reach,
    /// Whom its server is certified by.
    pub roots: &'a Roots,
    /// How long and how large it may be.
    pub bounds: Bounds,
}

/// What came, with status 200.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The body.
    pub body: Bytes,
    /// How long the server says that it stays fresh; `None` when it says nothing.
    pub fresh_for: Option<Duration>,
}

/// Fetches. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    resolver: Arc<dyn Resolve>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetcher")
    }
}

impl Fetcher {
    /// With this knowledge of names.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver }
    }

    /// Fetches.
    ///
    /// # Errors
    /// Who erred, and how: the guard refused, the server is too slow, too long, another than it should be, or answers anything
    /// but 200 with the wanted kind of document.
    pub async fn fetch(&self, asking: &Asking<'_>) -> Result<Answer, FetchFault> {
        within(Step::Whole, asking.bounds.whole, Box::pin(self.follow(asking))).await?
    }

    async fn follow(&self, asking: &Asking<'_>) -> Result<Answer, FetchFault> {
        let mut target = asking.target.clone();
        let mut left = match asking.message {
            Message::Read => asking.bounds.redirects_max,
            Message::Form { .. } => 0,
        };
        loop {
            let (response, _link) = self.exchange(asking, &target).await?;
            let Some(location) = redirect(&response) else { return read(response, asking).await };
            let elsewhere = FetchFault::Redirected(Shown::quoted(location.as_bytes()));
            let Some(fewer) = left.checked_sub(1) else { return Err(elsewhere) };
            let next = location.to_str().ok().and_then(|location| target.join(location).ok());
            target = next.filter(|next| next.same_origin(asking.target)).ok_or(elsewhere)?;
            left = fewer;
        }
    }

    async fn exchange(&self, asking: &Asking<'_>, target: &Target) -> Result<(Response<Incoming>, Link), FetchFault> {
        let socket = self.connect(asking, target).await?;
        match target.scheme() {
            Scheme::Http => send(socket, asking, target).await,
            Scheme::Https => {
                let name = server_name(target)?;
                let handshake = TlsConnector::from(asking.roots.config()).connect(name, socket);
                let stream = within(Step::Handshake, asking.bounds.connect, handshake).await?;
                let stream = stream.map_err(|error| FetchFault::Tls { host: shown_host(target), why: not_believed(&error) })?;
                send(stream, asking, target).await
            }
        }
    }

    /// Connects to an address of the host that the guard admits. One refused address refuses them all: a name that is here and
    /// there is not to be believed.
    async fn connect(&self, asking: &Asking<'_>, target: &Target) -> Result<TcpStream, FetchFault> {
        let host = shown_host(target);
        let addresses = self.addresses(asking, target).await?;
        for address in &addresses {
            guard::admit(*address, asking.reach).map_err(|why| FetchFault::Forbidden { host: host.clone(), address: *address, why })?;
            if target.scheme() == Scheme::Http && !address.to_canonical().is_loopback() {
                return Err(FetchFault::ClearText { host });
            }
        }
        let mut fault = FetchFault::Resolve { host: host.clone(), why: Shown::new("none was found") };
        for address in addresses {
            match timeout(asking.bounds.connect, TcpStream::connect(SocketAddr::new(address, target.port()))).await {
                Ok(Ok(socket)) => return Ok(socket),
                Ok(Err(why)) => fault = FetchFault::Connect { host: host.clone(), why },
                Err(_) => fault = FetchFault::Slow { step: Step::Connect, limit: asking.bounds.connect },
            }
        }
        Err(fault)
    }

    async fn addresses(&self, asking: &Asking<'_>, target: &Target) -> Result<Vec<IpAddr>, FetchFault> {
        match target.host() {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => {
                let resolving = within(Step::Resolve, asking.bounds.connect, self.resolver.resolve(name)).await?;
                let mut addresses = resolving.map_err(|error| FetchFault::Resolve { host: name.clone(), why: chain(&error) })?;
                addresses.truncate(ADDRESSES_MAX);
                Ok(addresses)
            }
        }
    }
}

async fn within<F: Future>(step: Step, limit: Duration, future: F) -> Result<F::Output, FetchFault> {
    timeout(limit, future).await.map_err(|_| FetchFault::Slow { step, limit })
}

fn shown_host(target: &Target) -> Box<str> {
    target.host().to_string().into()
}

/// Why a server is not believed: as our own verifier says it, where that refused it.
fn not_believed(error: &io::Error) -> Shown {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why)))) => Shown::new(why),
        Some(_) | None => chain(error),
    }
}

fn server_name(target: &Target) -> Result<ServerName<'static>, FetchFault> {
    match target.host() {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => {
            ServerName::try_from(String::from(&**name)).map_err(|error| FetchFault::Tls { host: shown_host(target), why: chain(&error) })
        }
    }
}

/// What drives a connection. Dropping it closes the connection, whatever is still under way on it.
struct Link(AbortHandle);

impl Drop for Link {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn send<S>(stream: S, asking: &Asking<'_>, target: &Target) -> Result<(Response<Incoming>, Link), FetchFault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broke = |error: hyper::Error| FetchFault::Broke(chain(&error));
    let mut client = http1::Builder::new();
    client.max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(broke)?;
    let engine = tokio::spawn(async move {
        // What goes wrong here is told to whoever waits for the answer.
        let _ = connection.await;
    });
    let link = Link(engine.abort_handle());
    let response = sender.send_request(request(asking, target)?).await.map_err(broke)?;
    Ok((response, link))
}

fn request(asking: &Asking<'_>, target: &Target) -> Result<Request<Full<Bytes>>, FetchFault> {
    let broke = |error: http::Error| FetchFault::Broke(chain(&error));
    let builder = Request::builder()
        .uri(target.path())
        .header(header::HOST, target.authority())
        .header(header::USER_AGENT, "wardgate")
        .header(header::ACCEPT, asking.media.accept())
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close");
    match &asking.message {
        Message::Read => builder.body(Full::default()).map_err(broke),
        Message::Form { body, authorization } => {
            let mut builder = builder.method("POST").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            if let Some(value) = authorization {
                let mut value = value.clone();
                value.set_sensitive(true);
                builder = builder.header(header::AUTHORIZATION, value);
            }
            builder.body(Full::new(body.clone())).map_err(broke)
        }
    }
}

/// Where an answer sends us, when it does.
fn redirect(response: &Response<Incoming>) -> Option<HeaderValue> {
    let redirects = [StatusCode::MOVED_PERMANENTLY, StatusCode::FOUND, StatusCode::SEE_OTHER, StatusCode::TEMPORARY_REDIRECT];
    let sends = redirects.contains(&response.status()) || response.status() == StatusCode::PERMANENT_REDIRECT;
    sends.then(|| response.headers().get(header::LOCATION).cloned().unwrap_or(HeaderValue::from_static("nowhere")))
}

async fn read(response: Response<Incoming>, asking: &Asking<'_>) -> Result<Answer, FetchFault> {
    let (head, mut body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Err(FetchFault::Status { status: head.status, retry_after: freshness::retry_after(&head.headers) });
    }
    check_kind(&head.headers, asking.media)?;
    let long = FetchFault::Long { bytes_max: asking.bounds.bytes_max };
    if usize::try_from(body.size_hint().lower()).map_or(true, |least| least > asking.bounds.bytes_max) {
        return Err(long);
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| FetchFault::Broke(chain(&error)))?;
        if let Ok(piece) = frame.into_data() {
            if whole.len().saturating_add(piece.len()) > asking.bounds.bytes_max {
                return Err(long);
            }
            whole.extend_from_slice(&piece);
        }
    }
    Ok(Answer { body: whole.freeze(), fresh_for: freshness::fresh_for(&head.headers) })
}

fn check_kind(headers: &HeaderMap, media: Media) -> Result<(), FetchFault> {
    for encoding in headers.get_all(header::CONTENT_ENCODING) {
        if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") {
            return Err(FetchFault::Encoded(Shown::quoted(encoding.as_bytes())));
        }
    }
    if media == Media::Directory && !headers.contains_key(header::CONTENT_TYPE) {
        return Err(FetchFault::Media(Shown::new("nothing")));
    }
    for value in headers.get_all(header::CONTENT_TYPE) {
        let essence = value.to_str().ok().map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        if !essence.is_some_and(|essence| media.admits(&essence)) {
            return Err(FetchFault::Media(Shown::quoted(value.as_bytes())));
        }
    }
    Ok(())
}
