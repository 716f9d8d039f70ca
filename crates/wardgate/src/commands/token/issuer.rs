//! A token service, as its client sees it: found by its metadata (RFC 8414), asked over one connection a question.

use crate::{client::segment, output::plain};
use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::Value;
use std::{net::IpAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest wait for one answer, connecting included.
const PATIENCE: Duration = Duration::from_secs(30);

/// The field of every answer that names the request.
const REQUEST_ID: &str = "wardgate-request-id";

/// A token service that was found.
pub(super) struct Issuer {
    way: Way,
    name: String,
    token: String,
}

/// How to get there.
struct Way {
    /// Where to connect, when that is not what the address says.
    connect: Option<String>,
    tls: Arc<ClientConfig>,
}

impl Issuer {
    /// Finds it by its metadata.
    ///
    /// # Errors
    /// When nobody is there, or somebody else (RFC 8414 §3.3: the metadata says the very URL that was asked).
    pub(super) async fn find(url: &str, connect: Option<&str>, ca: Option<&Path>) -> anyhow::Result<Self> {
        let way = Way { connect: connect.map(str::to_owned), tls: tls(ca)? };
        let uri: Uri = url.parse().with_context(|| format!("`{}` is no issuer", plain(url)))?;
        let path = uri.path().trim_end_matches('/');
        let origin = url.trim_end_matches('/').strip_suffix(path).unwrap_or(url);
        let place = format!("{origin}/.well-known/oauth-authorization-server{path}");
        let (status, said, _) = way.ask(Method::GET, &place, String::new()).await?;
        if !status.is_success() {
            bail!("`{}` does not say where its token service is: it answered {status}", plain(url));
        }
        let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
        match (text("issuer"), text("token_endpoint")) {
            (Some(name), Some(token)) if name == url => Ok(Self { way, name, token }),
            (Some(other), Some(_)) => bail!("the issuer there calls itself `{}`: name it so, exactly", plain(&other)),
            _ => bail!("what is said at `{}` is no metadata of a token service", plain(&place)),
        }
    }

    /// What it calls itself.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks for a token.
    ///
    /// # Errors
    /// With what the service says against it.
    pub(super) async fn token(&self, form: &[(&str, &str)]) -> anyhow::Result<Value> {
        let form: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
        let (status, said, request) = self.way.ask(Method::POST, &self.token, form.join("&")).await?;
        if status.is_success() {
            return Ok(said);
        }
        let text = |name: &str| said.get(name).and_then(Value::as_str).map(plain).unwrap_or_default();
        bail!("no token: {} {}: {} (request {})", status.as_u16(), text("error"), text("error_description"), plain(&request))
    }
}

impl Way {
    /// Status, document, and the id by which the record has it.
    async fn ask(&self, method: Method, url: &str, body: String) -> anyhow::Result<(http::StatusCode, Value, String)> {
        let asked = tokio::time::timeout(PATIENCE, self.exchange(method, url, body)).await;
        let answer = asked.with_context(|| format!("no answer from `{}` within {} s", plain(url), PATIENCE.as_secs()))??;
        let status = answer.status();
        let id = answer.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("unknown").to_owned();
        Ok((status, serde_json::from_slice(answer.body()).unwrap_or_default(), id))
    }

    async fn exchange(&self, method: Method, url: &str, body: String) -> anyhow::Result<Response<Bytes>> {
        let uri: Uri = url.parse().with_context(|| format!("`{}` is no address", plain(url)))?;
        let authority = uri.authority().with_context(|| format!("`{}` names no host", plain(url)))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => bail!("`{}` is no address: write `https://HOST[:PORT]`", plain(url)),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let request = Request::builder()
            .method(method)
            .uri(uri.path_and_query().map_or("/", |target| target.as_str()))
            .header(header::HOST, authority.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::USER_AGENT, concat!("wardgate/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(body)))?;
        let unreachable = || format!("nothing answers for `{}`", plain(url));
        let stream = match &self.connect {
            Some(place) => TcpStream::connect(place).await,
            None => TcpStream::connect((host, port)).await,
        };
        let stream = stream.with_context(unreachable)?;
        if !is_tls {
            // What a token opens is open to whoever sees it.
            if !stream.peer_addr().is_ok_and(|peer| is_here(peer.ip())) {
                bail!("a token would cross a network in the clear: `{}` has to begin with `https://`", plain(url));
            }
            return sent(stream, request).await.with_context(unreachable);
        }
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.map_err(|error| match untrusted(&error) {
            Some(why) => anyhow::anyhow!(
                "the certificate of `{}` is not trusted: {why}: name the file with the certificate of its authority by `--ca FILE`",
                plain(url)
            ),
            None => anyhow::Error::new(error).context(unreachable()),
        })?;
        sent(stream, request).await.with_context(unreachable)
    }
}

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

/// Public roots, or those of a file and no others.
fn tls(ca: Option<&Path>) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let wrong = || format!("the roots `{}`", path.display());
            for certificate in CertificateDer::pem_file_iter(path).with_context(wrong)? {
                roots.add(certificate.with_context(wrong)?).with_context(wrong)?;
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Ok(Arc::new(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth()))
}
