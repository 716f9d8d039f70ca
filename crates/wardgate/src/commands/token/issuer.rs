//! A token service, as its client sees it: found by its metadata (RFC 8414), asked over one connection a question.

use super::possession::NONCE;
use crate::{client::segment, output::plain};
use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use serde_json::Value;
use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use wardgate_model::time::Time;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest wait for one answer, connecting included.
const PATIENCE: Duration = Duration::from_secs(30);

/// The field of every answer that names the request.
const REQUEST_ID: &str = "wardgate-request-id";
/// Behind the issuer's address: the token endpoint, and where tasks are started and ended.
const TOKEN: &str = "/oauth/token";
const TASKS: &str = "/tasks";

/// How to get to a gate.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    /// Where to connect, when that is not what the address says.
    pub(super) connect: Option<String>,
    /// Roots, in the place of the public ones.
    pub(super) ca: Option<PathBuf>,
    /// The certificate that is shown, and its private key.
    pub(super) certificate: Option<(PathBuf, PathBuf)>,
}

/// A token service that was found.
#[derive(Clone)]
pub(super) struct Issuer {
    way: Way,
    name: String,
    token: String,
    /// Where a token is ended that is not needed any more (RFC 7009).
    revocation: Option<String>,
    binds: bool,
}

/// What a token service answers.
pub(super) struct Answered {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its document; `null`: it is none.
    pub(super) said: Value,
    /// The id by which the record has the request.
    pub(super) request: String,
    /// What proofs of possession are to say from now on.
    pub(super) nonce: Option<String>,
    /// How long it wants not to be asked again.
    pub(super) after: Option<Duration>,
}

/// Why there is no answer that counts.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    /// It was refused, and will be refused again.
    #[error("{0}")]
    Refused(String),
    /// It may be otherwise later.
    #[error("{why}")]
    Later {
        /// What went wrong.
        why: String,
        /// Not before so long, as the service says.
        after: Option<Duration>,
    },
}

impl Answered {
    fn text(&self, member: &str) -> String {
        self.said.get(member).and_then(Value::as_str).map(plain).unwrap_or_default()
    }

    /// The error's code; empty: none is told.
    pub(super) fn error(&self) -> String {
        self.text("error")
    }

    /// What kind of problem it is.
    fn problem(&self) -> String {
        let code = self.text("code");
        if code.is_empty() { self.text("title") } else { code }
    }

    /// Its document, where it is one of success.
    ///
    /// # Errors
    /// With what the service says against it. `what` was wanted.
    pub(super) fn good(self, what: &str) -> Result<Value, NoAnswer> {
        if self.status.is_success() {
            return Ok(self.said);
        }
        // RFC 9457 where it is no endpoint of OAuth.
        let told =
            if self.error().is_empty() { (self.problem(), self.text("detail")) } else { (self.error(), self.text("error_description")) };
        let said = format!("no {what}: {} {}: {} (request {})", self.status.as_u16(), told.0, told.1, plain(&self.request));
        let later = self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS;
        Err(if later { NoAnswer::Later { why: said, after: self.after } } else { NoAnswer::Refused(said) })
    }
}

impl Issuer {
    /// Finds it by its metadata.
    ///
    /// # Errors
    /// When nobody is there, or somebody else (RFC 8414 §3.3: the metadata says the very URL that was asked).
    pub(super) async fn find(url: &str, way: Way) -> anyhow::Result<Self> {
        let place = well_known(url, "oauth-authorization-server").with_context(|| format!("`{}` is no issuer", plain(url)))?;
        let tls = way.tls()?;
        let Answered { status, said, .. } = way.ask(&tls, Method::GET, &place, Vec::new(), String::new()).await?;
        if !status.is_success() {
            bail!("`{}` does not say where its token service is: it answered {status}", plain(url));
        }
        let binds = said.get("dpop_signing_alg_values_supported").and_then(Value::as_array);
        let binds = binds.is_some_and(|algorithms| algorithms.iter().any(|algorithm| algorithm == "ES256"));
        let text = |pointer: &str| said.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        // RFC 8705 §5: where certificates are asked for on a listener of its own.
        let endpoint = |name: &str| {
            let alias = way.certificate.as_ref().and_then(|_| text(&format!("/mtls_endpoint_aliases/{name}")));
            alias.or_else(|| text(&format!("/{name}")))
        };
        let (token, revocation) = (endpoint("token_endpoint"), endpoint("revocation_endpoint"));
        match (text("/issuer"), token) {
            (Some(name), Some(token)) if name == url => Ok(Self { way, name, token, revocation, binds }),
            (Some(other), Some(_)) => bail!("the issuer there calls itself `{}`: name it so, exactly", plain(&other)),
            _ => bail!("what is said at `{}` is no metadata of a token service", plain(&place)),
        }
    }

    /// What it calls itself.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where tokens are asked for.
    pub(super) fn endpoint(&self) -> &str {
        &self.token
    }

    /// Where tokens are ended; `None`: nowhere.
    pub(super) fn revocation(&self) -> Option<&str> {
        self.revocation.as_deref()
    }

    /// Whether it binds tokens to a key of ours (RFC 9449 §5.1).
    pub(super) fn binds(&self) -> bool {
        self.binds
    }

    /// Whether an API says that it takes no token that is not bound to a key (RFC 9728 §2). One that says nothing says so at its first
    /// refusal.
    pub(super) async fn only_bound(&self, resource: &str) -> bool {
        let Ok(place) = well_known(resource, "oauth-protected-resource") else { return false };
        let Ok(tls) = self.way.tls() else { return false };
        let Ok(told) = self.way.ask(&tls, Method::GET, &place, Vec::new(), String::new()).await else { return false };
        // RFC 9728 §3.3: what is of another says nothing of it.
        told.status.is_success()
            && told.said.get("resource").and_then(Value::as_str) == Some(resource)
            && told.said.get("dpop_bound_access_tokens_required").and_then(Value::as_bool) == Some(true)
    }

    /// How to get to it.
    pub(super) fn way(&self) -> &Way {
        &self.way
    }

    /// What a token is for that opens its API of tasks.
    pub(super) fn tasks_resource(&self) -> String {
        format!("{}{TASKS}", self.name.trim_end_matches('/'))
    }

    /// Where tasks are started and ended: on the listener where this client gets its tokens, which may be bound to its certificate. `None`: it
    /// is another make of token service.
    pub(super) fn tasks(&self) -> Option<String> {
        self.token.strip_suffix(TOKEN).map(|base| format!("{base}{TASKS}"))
    }

    /// Asks one of its endpoints.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn post(
        &self,
        tls: &Arc<ClientConfig>,
        endpoint: &str,
        fields: Vec<(HeaderName, HeaderValue)>,
        form: &[(&str, &str)],
    ) -> anyhow::Result<Answered> {
        let form: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
        let form_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.way.ask(tls, Method::POST, endpoint, fields.into_iter().chain([form_type]).collect(), form.join("&")).await
    }
}

/// Where the metadata of an issuer or a resource are: between host and path (RFC 8414 §3, RFC 9728 §3.1).
fn well_known(url: &str, what: &str) -> anyhow::Result<String> {
    let uri: Uri = url.parse()?;
    let path = uri.path().trim_end_matches('/');
    let origin = url.trim_end_matches('/').strip_suffix(path).unwrap_or(url);
    Ok(format!("{origin}/.well-known/{what}{path}"))
}

impl Way {
    /// What TLS is spoken with. Read anew each time: certificates are replaced under a running process.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub(super) fn tls(&self) -> anyhow::Result<Arc<ClientConfig>> {
        tls(self)
    }

    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// There is none.
    pub(super) async fn ask(
        &self,
        tls: &Arc<ClientConfig>,
        method: Method,
        url: &str,
        fields: Vec<(HeaderName, HeaderValue)>,
        body: String,
    ) -> anyhow::Result<Answered> {
        let asked = tokio::time::timeout(PATIENCE, self.exchange(tls, method, url, fields, body)).await;
        let answer = asked.with_context(|| format!("no answer from `{}` within {} s", plain(url), PATIENCE.as_secs()))??;
        let field = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let request = field(REQUEST_ID).unwrap_or_else(|| "unknown".to_owned());
        let said = serde_json::from_slice(answer.body()).unwrap_or_default();
        let after = field(header::RETRY_AFTER.as_str()).and_then(|said| retry_after(&said, field(header::DATE.as_str()).as_deref()));
        Ok(Answered { status: answer.status(), said, request, nonce: field(NONCE), after })
    }

    /// A connection to the host of an address.
    ///
    /// # Errors
    /// Nobody is there, it is somebody else, or what is sent would cross a network in the clear.
    pub(super) async fn connected(&self, tls: &Arc<ClientConfig>, uri: &Uri) -> anyhow::Result<Box<dyn Stream>> {
        let url = uri.to_string();
        let authority = uri.authority().with_context(|| format!("`{}` names no host", plain(&url)))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => bail!("`{}` is no address: write `https://HOST[:PORT]`", plain(&url)),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let unreachable = || format!("nothing answers for `{}`", plain(&url));
        let stream = match &self.connect {
            Some(place) => TcpStream::connect(place).await,
            None => TcpStream::connect((host, port)).await,
        };
        let stream = stream.with_context(unreachable)?;
        stream.set_nodelay(true)?;
        if !is_tls {
            // What a token opens is open to whoever sees it.
            if !stream.peer_addr().is_ok_and(|peer| is_here(peer.ip())) {
                bail!("a token would cross a network in the clear: `{}` has to begin with `https://`", plain(&url));
            }
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.map_err(|error| match untrusted(&error) {
            Some(why) => anyhow::anyhow!(
                "the certificate of `{}` is not trusted: {why}: name the file with the certificate of its authority by `--ca FILE`",
                plain(&url)
            ),
            None => anyhow::Error::new(error).context(unreachable()),
        })?;
        Ok(Box::new(stream))
    }

    async fn exchange(
        &self,
        tls: &Arc<ClientConfig>,
        method: Method,
        url: &str,
        fields: Vec<(HeaderName, HeaderValue)>,
        body: String,
    ) -> anyhow::Result<Response<Bytes>> {
        let uri: Uri = url.parse().with_context(|| format!("`{}` is no address", plain(url)))?;
        let host = uri.authority().with_context(|| format!("`{}` names no host", plain(url)))?.as_str();
        let mut request = Request::builder()
            .method(method)
            .uri(uri.path_and_query().map_or("/", |target| target.as_str()))
            .header(header::HOST, host)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("wardgate/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(body)))?;
        request.headers_mut().extend(fields);
        let stream = self.connected(tls, &uri).await?;
        sent(stream, request).await.with_context(|| format!("nothing answers for `{}`", plain(url)))
    }
}

/// How long is to be waited, as `Retry-After` says it in seconds or as a date (RFC 9110 §10.2.3). A date counts from the answer's own: the clocks of
/// two machines differ, and of an answer that does not say when it was made a date says nothing.
fn retry_after(said: &str, made: Option<&str>) -> Option<Duration> {
    let said = said.trim();
    let digits = !said.is_empty() && said.bytes().all(|byte| byte.is_ascii_digit());
    // More than fits is more than anybody waits.
    if digits {
        return Some(Duration::from_secs(said.parse().unwrap_or(u64::MAX)));
    }
    let (until, made) = (Time::parse_http_date(said)?, Time::parse_http_date(made?)?);
    Some(until.since(made))
}

/// A connection, in the clear or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What is wrong with the certificate that was shown, where that is why there is no connection.
fn untrusted(error: &std::io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(fault) => Some(plain(&fault.to_string())),
        _ => None,
    }
}

fn is_here(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

async fn sent(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Response<Bytes>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let carried = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = whole(body).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    carried.abort();
    Ok(Response::from_parts(head, body))
}

#[expect(clippy::disallowed_methods, reason = "INVARIANT (bounded): the body is read under `Limited`")]
async fn whole(body: hyper::body::Incoming) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes())
}

/// Public roots, or those of a file and no others; the certificate of the client, where it has one.
fn tls(way: &Way) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    match &way.ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let wrong = || format!("the roots `{}`", path.display());
            for certificate in CertificateDer::pem_file_iter(path).with_context(wrong)? {
                roots.add(certificate.with_context(wrong)?).with_context(wrong)?;
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots);
    let Some((chain, key)) = &way.certificate else { return Ok(Arc::new(builder.with_no_client_auth())) };
    let wrong = || format!("the certificate `{}`", chain.display());
    let certificates = CertificateDer::pem_file_iter(chain).with_context(wrong)?.collect::<Result<Vec<_>, _>>().with_context(wrong)?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("the private key `{}`", key.display()))?;
    Ok(Arc::new(builder.with_client_auth_cert(certificates, key).with_context(wrong)?))
}

#[cfg(test)]
mod tests;
