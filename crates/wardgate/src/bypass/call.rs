//! One call of an upstream, past the gate and with nothing to show: no assertion, no secret, no certificate.
//!
//! It goes where the gate itself sends requests, and nowhere else; no redirect is followed. A connection serves one call, and only
//! the head of the answer is read.

use super::plan::Wanted;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{AlertDescription, ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use std::{error::Error, io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::AbortHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use wardgate_model::{
    api::UpstreamUrl,
    wire::{UpstreamProtocol, UpstreamWire},
};

/// Until a connection stands, TLS included.
pub(super) const CONNECT: Duration = Duration::from_secs(3);
/// From the request to the head of its answer.
pub(super) const ANSWER: Duration = Duration::from_secs(5);
/// Largest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How it names itself, for whoever reads the upstream's own log.
const AGENT: &str = "wardgate-probe";

/// Why there is no status.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallFault {
    /// The upstream wants a certificate before it reads anything.
    #[error("it wants a client certificate")]
    Certificate,
    /// Nobody there, or not in time: nothing else at this address needs to be called now.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It is there and did not answer.
    #[error("it did not answer: {0}")]
    Broke(String),
}

/// Calls; gives the status of the answer.
pub(super) async fn call(url: &UpstreamUrl, wire: &UpstreamWire, wanted: &Wanted) -> Result<StatusCode, CallFault> {
    let unreachable = |error: &dyn std::fmt::Display| CallFault::Unreachable(error.to_string());
    let connecting = async {
        let stream = TcpStream::connect((&*url.host, url.port)).await.map_err(|error| unreachable(&error))?;
        if !url.tls {
            return Ok(Stream::Clear(stream));
        }
        let name = ServerName::try_from(url.host.to_string()).map_err(|error| unreachable(&error))?;
        let stream = TlsConnector::from(tls(wire)?).connect(name, stream).await;
        Ok(Stream::Tls(Box::new(stream.map_err(|error| judged(&error).unwrap_or_else(|| unreachable(&error)))?)))
    };
    let stream = timeout(CONNECT, connecting).await.map_err(|_| CallFault::Unreachable("not in time".to_owned()))??;
    let exchange = async {
        match stream {
            Stream::Clear(stream) => exchange(stream, url, wire, wanted).await,
            Stream::Tls(stream) => exchange(*stream, url, wire, wanted).await,
        }
    };
    timeout(ANSWER, exchange).await.map_err(|_| CallFault::Broke("not in time".to_owned()))?
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// What drives a connection. Dropping it closes the connection, whatever is still to come on it.
struct Link(AbortHandle);

impl Drop for Link {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn exchange<S>(stream: S, url: &UpstreamUrl, wire: &UpstreamWire, wanted: &Wanted) -> Result<StatusCode, CallFault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    let request = request(url, wire, wanted)?;
    let (answer, _link): (Result<Response<Incoming>, hyper::Error>, Link) = match wire.protocol {
        UpstreamProtocol::Http1 => {
            let handshake = http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(io).await;
            let (mut sender, connection) = handshake.map_err(|error| broke(&error))?;
            let link = Link(tokio::spawn(async move { drop(connection.await) }).abort_handle());
            (sender.send_request(request).await, link)
        }
        UpstreamProtocol::Http2 => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.max_header_list_size(64 * 1024);
            let (mut sender, connection) = builder.handshake(io).await.map_err(|error| broke(&error))?;
            let link = Link(tokio::spawn(async move { drop(connection.await) }).abort_handle());
            (sender.send_request(request).await, link)
        }
    };
    answer.map(|answer| answer.status()).map_err(|error| broke(&error))
}

fn request(url: &UpstreamUrl, wire: &UpstreamWire, wanted: &Wanted) -> Result<Request<Empty<Bytes>>, CallFault> {
    let wrong = |error: &dyn std::fmt::Display| CallFault::Broke(error.to_string());
    let request = Request::builder().method(wanted.method.clone()).header(header::USER_AGENT, AGENT).header(header::ACCEPT, "*/*");
    let request = match wire.protocol {
        UpstreamProtocol::Http1 => {
            request.uri(Uri::from(wanted.path.clone())).header(header::HOST, url.authority()).header(header::CONNECTION, "close")
        }
        UpstreamProtocol::Http2 => {
            let uri = Uri::builder().scheme(if url.tls { "https" } else { "http" }).authority(url.authority());
            request.uri(uri.path_and_query(wanted.path.clone()).build().map_err(|error| wrong(&error))?)
        }
    };
    request.body(Empty::new()).map_err(|error| wrong(&error))
}

fn broke(error: &hyper::Error) -> CallFault {
    judged(error).unwrap_or_else(|| {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        CallFault::Broke(format!("{error}{cause}"))
    })
}

/// With TLS 1.3 a server says only after the handshake that it wanted a certificate (RFC 8446 §4.4.2.4).
fn judged(error: &(dyn Error + 'static)) -> Option<CallFault> {
    let mut next = Some(error);
    while let Some(cause) = next {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = inner.or_else(|| cause.downcast_ref::<rustls::Error>()) {
            let wants = [AlertDescription::CertificateRequired, AlertDescription::BadCertificate, AlertDescription::AccessDenied];
            return wants.contains(alert).then_some(CallFault::Certificate);
        }
        next = cause.source();
    }
    None
}

/// As the gate speaks TLS to it, but with no certificate of ours.
fn tls(wire: &UpstreamWire) -> Result<Arc<ClientConfig>, CallFault> {
    let wrong = |error: &dyn std::fmt::Display| CallFault::Unreachable(error.to_string());
    let mut roots = RootCertStore::empty();
    match &wire.ca {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(&error))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![match wire.protocol {
        UpstreamProtocol::Http1 => b"http/1.1".to_vec(),
        UpstreamProtocol::Http2 => b"h2".to_vec(),
    }];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests;
