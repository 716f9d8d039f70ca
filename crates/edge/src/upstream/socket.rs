//! A connection to an upstream: TCP, and TLS where its address says so.

use super::UpstreamFault;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use wardgate_gate::ClientCertificate;
use wardgate_model::{
    api::UpstreamUrl,
    wire::{UpstreamProtocol, UpstreamWire},
};

/// A connection, clear or protected.
#[derive(Debug)]
pub(super) enum Socket {
    /// Clear text.
    Clear(TcpStream),
    /// TLS, to the name that the address says.
    Tls(Box<TlsStream<TcpStream>>),
}

/// How TLS is spoken to one address: its roots, the certificate that it is shown where it asks for one, and by ALPN the one protocol
/// that the API names (RFC 7301).
///
/// # Errors
/// When the roots or the certificate cannot be read.
pub(super) fn tls(wire: &UpstreamWire, certificate: Option<&ClientCertificate>) -> Result<Arc<ClientConfig>, UpstreamFault> {
    let mut roots = RootCertStore::empty();
    match &wire.ca {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let added = certificate.map_err(|_| UpstreamFault::Roots).map(|certificate| roots.add(certificate));
                added?.map_err(|_| UpstreamFault::Roots)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    if roots.is_empty() {
        return Err(UpstreamFault::Roots);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|_| UpstreamFault::Roots)?;
    let builder = builder.with_root_certificates(roots);
    let mut config = match certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let pem = certificate.danger_expose().as_bytes();
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| UpstreamFault::Certificate)?;
            builder.with_client_auth_cert(chain.map_err(|_| UpstreamFault::Certificate)?, key).map_err(|_| UpstreamFault::Certificate)?
        }
    };
    config.alpn_protocols = vec![match wire.protocol {
        UpstreamProtocol::Http1 => b"http/1.1".to_vec(),
        UpstreamProtocol::Http2 => b"h2".to_vec(),
    }];
    Ok(Arc::new(config))
}

impl Socket {
    /// Connects. With `tls` its peer must show a certificate for the name of the address, and agree on the protocol where it
    /// agrees on one; HTTP/2 over TLS wants that it does (RFC 9113 §3.3).
    pub(super) async fn open(url: &UpstreamUrl, tls: Option<Arc<ClientConfig>>, protocol: UpstreamProtocol) -> Result<Self, UpstreamFault> {
        let socket = TcpStream::connect((&*url.host, url.port)).await.map_err(UpstreamFault::Connect)?;
        socket.set_nodelay(true).map_err(UpstreamFault::Connect)?;
        let Some(config) = tls else { return Ok(Self::Clear(socket)) };
        let name = ServerName::try_from(url.host.to_string()).map_err(|_| UpstreamFault::Name)?;
        let socket = TlsConnector::from(config).connect(name, socket).await.map_err(UpstreamFault::Tls)?;
        let agreed = socket.get_ref().1.alpn_protocol();
        if protocol == UpstreamProtocol::Http2 && agreed != Some(b"h2") {
            return Err(UpstreamFault::Protocol);
        }
        Ok(Self::Tls(Box::new(socket)))
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Tls(socket) => Pin::new(socket).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(socket) => Pin::new(socket).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_write_vectored(cx, pieces),
            Self::Tls(socket) => Pin::new(socket).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Clear(socket) => socket.is_write_vectored(),
            Self::Tls(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
