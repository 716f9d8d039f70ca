//! A client of the gate: real TLS that trusts the demo's own authority, HTTP/1.1 or HTTP/2, or raw bytes.

use super::mesh::Svid;
use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{CipherSuite, ClientConfig, HandshakeKind, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::Value;
use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use wardgate_model::secret::Secret;

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// What is spoken over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// What a client's TLS offers: by that one program is told from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offers {
    /// What the library offers by itself.
    Usual,
    /// One cipher suite alone, as other programs do not.
    Little,
}

/// Where the gate is, what its clients trust, and where they are.
#[derive(Debug, Clone)]
pub(super) struct Gateway {
    address: SocketAddr,
    from: Option<Ipv4Addr>,
    roots: Arc<RootCertStore>,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

/// A request that a client makes.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
    about: &'static str,
}

/// What came back.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// Status.
    pub(super) status: StatusCode,
    /// Header fields.
    pub(super) headers: HeaderMap,
    /// The body as JSON; null when it is none.
    pub(super) body: Value,
}

impl Answer {
    /// A field's value as text.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The code of a refusal of the gate's.
    pub(super) fn code(&self) -> Option<&str> {
        let problem = self.field("content-type") == Some("application/problem+json");
        self.body.get("code").and_then(Value::as_str).filter(|_| problem)
    }
}

impl Call {
    /// A request without a body.
    pub(super) fn get(target: &str) -> Self {
        Self::new(Method::GET, target)
    }

    /// A request with a JSON body.
    pub(super) fn post(target: &str, body: &Value) -> Self {
        let call = Self { body: Bytes::from(body.to_string()), ..Self::new(Method::POST, target) };
        call.field("content-type", "application/json")
    }

    /// A request with a form for a body.
    pub(super) fn form(target: &str, pairs: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let call = Self { body: Bytes::from(pairs.join("&")), ..Self::new(Method::POST, target) };
        call.field("content-type", "application/x-www-form-urlencoded")
    }

    /// With a name and its password (RFC 7617).
    pub(super) fn basic(self, name: &str, password: &Secret<String>) -> Self {
        self.field("authorization", &format!("Basic {}", STANDARD.encode(format!("{name}:{}", password.danger_expose()))))
    }

    fn new(method: Method, target: &str) -> Self {
        Self { method, target: target.to_owned(), headers: HeaderMap::new(), body: Bytes::new(), about: "" }
    }

    /// With a key of Wardgate.
    pub(super) fn key(self, key: &Secret<String>) -> Self {
        self.field("authorization", &format!("Bearer {}", key.danger_expose()))
    }

    /// With one more header field. What is no field is left out.
    pub(super) fn field(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            self.headers.append(name, value);
        }
        self
    }

    /// With what people should know of it beside method and target.
    pub(super) fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// Method and target, for people.
    pub(super) fn shown(&self) -> String {
        format!("{} {} {}", self.method, self.target, self.about).trim_end().to_owned()
    }
}

/// A value of a form: whatever could mean something else is escaped.
fn escaped(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _infallible = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Line {
    authority: String,
    /// Whether the session of TLS is one that was begun over another connection.
    pub(super) resumed: bool,
    sender: Sender,
}

#[derive(Debug)]
enum Sender {
    Http1(conn::http1::SendRequest<Full<Bytes>>),
    Http2(conn::http2::SendRequest<Full<Bytes>>),
}

impl Gateway {
    /// Trusts the authority of `ca` (PEM) and nobody else.
    pub(super) fn new(address: SocketAddr, ca: &str) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).context("the authority's certificate cannot be read")?)?;
        let roots = Arc::new(roots);
        let speak = |alpn| speaking(&roots, None, Offers::Usual, alpn);
        let (http1, http2) = (speak(b"http/1.1")?, speak(b"h2")?);
        Ok(Self { address, from: None, roots, http1, http2 })
    }

    /// The same gate, for somebody who shows a certificate in the handshake.
    pub(super) fn showing(&self, svid: &Svid) -> anyhow::Result<Self> {
        let config = |alpn| speaking(&self.roots, Some(svid), Offers::Usual, alpn);
        Ok(Self { http1: config(b"http/1.1")?, http2: config(b"h2")?, ..self.clone() })
    }

    /// The same gate, for somebody at another address of this machine.
    pub(super) fn at(&self, address: Ipv4Addr) -> Self {
        Self { from: Some(address), ..self.clone() }
    }

    /// The same gate, for other software.
    pub(super) fn by_other_software(&self) -> anyhow::Result<Self> {
        let config = |alpn| speaking(&self.roots, None, Offers::Little, alpn);
        Ok(Self { http1: config(b"http/1.1")?, http2: config(b"h2")?, ..self.clone() })
    }

    /// Where it is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `Host` says.
    pub(super) fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    async fn tls(&self, config: &Arc<ClientConfig>) -> anyhow::Result<TlsStream<TcpStream>> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = self.from {
            socket.bind((from, 0).into()).with_context(|| format!("this machine has no address {from}"))?;
        }
        let stream = socket.connect(self.address).await.context("the gate does not answer")?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await.context("the TLS handshake failed")
    }

    /// Opens a connection.
    pub(super) async fn open(&self, protocol: Protocol) -> anyhow::Result<Line> {
        let stream = match protocol {
            Protocol::Http1 => self.tls(&self.http1).await?,
            Protocol::Http2 => self.tls(&self.http2).await?,
        };
        let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        let io = TokioIo::new(stream);
        let sender = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = conn::http1::handshake(io).await?;
                tokio::spawn(connection);
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let (sender, connection) = conn::http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                Sender::Http2(sender)
            }
        };
        Ok(Line { authority: self.authority(), resumed, sender })
    }

    /// Writes bytes as they are and reads until the gate closes.
    pub(super) async fn raw(&self, bytes: &[u8]) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.raw_over(Protocol::Http1, bytes, |_| false).await?).into_owned())
    }

    /// The same with either protocol agreed on, until what was heard is enough.
    pub(super) async fn raw_over(&self, protocol: Protocol, bytes: &[u8], enough: impl Fn(&[u8]) -> bool) -> anyhow::Result<Vec<u8>> {
        let mut stream = match protocol {
            Protocol::Http1 => self.tls(&self.http1).await?,
            Protocol::Http2 => self.tls(&self.http2).await?,
        };
        let talk = async {
            stream.write_all(bytes).await?;
            stream.flush().await?;
            let mut heard = Vec::new();
            loop {
                match stream.read_buf(&mut heard).await {
                    Ok(0) | Err(_) => return anyhow::Ok(heard),
                    Ok(_) if enough(&heard) => return Ok(heard),
                    Ok(_) if heard.len() > ANSWER_BYTES_MAX => bail!("the answer does not end"),
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(TIMEOUT, talk).await.context("the gate did not close the connection")?
    }
}

/// How a client speaks that trusts these roots.
fn speaking(roots: &Arc<RootCertStore>, svid: Option<&Svid>, offers: Offers, alpn: &[u8]) -> anyhow::Result<Arc<ClientConfig>> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    if offers == Offers::Little {
        provider.cipher_suites.retain(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions()?;
    let builder = builder.with_root_certificates(Arc::clone(roots));
    let mut config = match svid {
        Some(svid) => builder.with_client_auth_cert(vec![svid.certificate.clone()], svid.key.clone_key())?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(Arc::new(config))
}

impl Line {
    /// A connection without TLS to something on this machine, which is called by this name.
    pub(super) async fn plain(address: SocketAddr, name: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("nobody answers there")?;
        let (sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { authority: name.to_owned(), resumed: false, sender: Sender::Http1(sender) })
    }

    /// Makes a request and reads its answer whole.
    pub(super) async fn send(&mut self, call: Call) -> anyhow::Result<Answer> {
        tokio::time::timeout(TIMEOUT, self.exchange(call)).await.context("the gate did not answer in time")?
    }

    /// The same connection for one more request at the same time; HTTP/2 only.
    pub(super) fn share(&self) -> anyhow::Result<Self> {
        match &self.sender {
            Sender::Http2(sender) => {
                Ok(Self { authority: self.authority.clone(), resumed: self.resumed, sender: Sender::Http2(sender.clone()) })
            }
            Sender::Http1(_) => bail!("an HTTP/1.1 connection carries one request at a time"),
        }
    }

    /// Makes a request whose answer goes on.
    pub(super) async fn follow(&mut self, call: Call) -> anyhow::Result<Flow> {
        let answer = tokio::time::timeout(TIMEOUT, self.begin(call)).await.context("the gate did not answer in time")??;
        Ok(Flow { status: answer.status(), body: answer.into_body() })
    }

    async fn exchange(&mut self, call: Call) -> anyhow::Result<Answer> {
        let (head, body) = self.begin(call).await?.into_parts();
        let bytes = whole(body).await?;
        Ok(Answer { status: head.status, headers: head.headers, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    async fn begin(&mut self, call: Call) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        *request.headers_mut() = call.headers;
        let answer = match &mut self.sender {
            Sender::Http1(sender) => {
                *request.uri_mut() = call.target.parse::<Uri>()?;
                request.headers_mut().insert(header::HOST, HeaderValue::from_str(&self.authority)?);
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                *request.uri_mut() = format!("https://{}{}", self.authority, call.target).parse::<Uri>()?;
                sender.ready().await?;
                sender.send_request(request).await
            }
        };
        answer.context("the connection broke")
    }
}

/// An answer that goes on.
#[derive(Debug)]
pub(super) struct Flow {
    /// Status.
    pub(super) status: StatusCode,
    body: Incoming,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A piece.
    Piece,
    /// The end, as it should be.
    End,
    /// Nothing more: it was broken off.
    Cut,
}

impl Flow {
    /// Waits for what comes next.
    pub(super) async fn next(&mut self) -> anyhow::Result<Next> {
        let frame = tokio::time::timeout(TIMEOUT, self.body.frame()).await.context("nothing more came, and no end")?;
        Ok(match frame {
            Some(Ok(_)) => Next::Piece,
            Some(Err(_)) => Next::Cut,
            None => Next::End,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "INVARIANT (bounded): the body is read under `Limited`")]
async fn whole(body: Incoming) -> anyhow::Result<Bytes> {
    Ok(Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| anyhow::anyhow!(error))?.to_bytes())
}
