//! The gate from outside: how its callers call it, where it is reached, and by what software.

use super::Unfit;
use anyhow::Context as _;
use http::Uri;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// Until a connection stands, TLS included.
const CONNECT: Duration = Duration::from_secs(5);

/// What a caller calls with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Software {
    /// What it has always called with.
    Usual,
    /// Something else.
    Other,
}

impl Software {
    /// How it names itself.
    pub(super) const fn agent(self) -> &'static str {
        match self {
            Self::Usual => "drill-usual/1.0",
            Self::Other => "drill-other/1.0",
        }
    }
}

/// The TLS that each software speaks: they differ in what a fingerprint is made of.
struct Tls {
    usual: Arc<ClientConfig>,
    other: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// The gate.
pub(super) struct Gateway {
    /// How callers call it: scheme and authority.
    scheme: String,
    authority: String,
    connect: SocketAddr,
    tls: Option<Tls>,
}

/// A connection, in the clear or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

fn speaking(roots: &Arc<RootCertStore>, software: Software) -> anyhow::Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = match software {
        Software::Usual => builder.with_safe_default_protocol_versions()?,
        Software::Other => builder.with_protocol_versions(&[&rustls::version::TLS12])?,
    };
    let mut config = builder.with_root_certificates(Arc::clone(roots)).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn roots(ca: Option<&Path>) -> anyhow::Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let unread = || format!("`{}` holds no certificates that can be read", file.display());
            for certificate in CertificateDer::pem_file_iter(file).with_context(unread)? {
                roots.add(certificate.with_context(unread)?)?;
            }
        }
    }
    Ok(Arc::new(roots))
}

impl Gateway {
    /// Reads how the gate is called (`https://HOST[:PORT]`) and where it is reached when that is elsewhere (`[http://]HOST:PORT`; `http://`
    /// where TLS ends in front of it).
    ///
    /// # Errors
    /// When it is no address, or nobody has that name.
    pub(super) async fn find(url: &str, connect: Option<&str>, ca: Option<&Path>) -> anyhow::Result<Self> {
        let unfit = || Unfit::new(format!("`{url}` is no address of a gate: write `https://HOST[:PORT]`"));
        let uri: Uri = url.parse().map_err(|_| unfit())?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https")).ok_or_else(unfit)?.to_owned();
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(unfit)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(unfit().into());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let (plain, place) = match connect {
            Some(place) => match place.strip_prefix("http://") {
                Some(place) => (true, place.trim_end_matches('/').to_owned()),
                None => (scheme == "http", place.trim_start_matches("https://").trim_end_matches('/').to_owned()),
            },
            None => {
                let port = authority.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
                (scheme == "http", format!("{}:{port}", authority.host()))
            }
        };
        let nobody = || format!("nobody has the name `{place}` (`--connect` says where the gate is reached)");
        let connect = lookup_host(&place).await.with_context(nobody)?.next().with_context(nobody)?;
        if plain && !connect.ip().is_loopback() {
            return Err(Unfit::new(format!("credentials would cross a network in the clear: `{place}` is not this machine")).into());
        }
        let tls = if plain {
            None
        } else {
            let roots = roots(ca)?;
            let name = ServerName::try_from(host)?;
            Some(Tls { usual: speaking(&roots, Software::Usual)?, other: speaking(&roots, Software::Other)?, name })
        };
        Ok(Self { scheme, authority: authority.as_str().to_owned(), connect, tls })
    }

    /// What `Host` says.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// The address of a path, as callers name it.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.authority)
    }

    /// Where it is reached.
    pub(super) const fn ip(&self) -> IpAddr {
        self.connect.ip()
    }

    /// Whether software is known by how it speaks TLS.
    pub(super) const fn has_fingerprints(&self) -> bool {
        self.tls.is_some()
    }

    /// A connection from an address of this machine.
    ///
    /// # Errors
    /// The address cannot be sent from, or the gate does not answer.
    pub(super) async fn open(&self, from: Option<IpAddr>, software: Software) -> anyhow::Result<Box<dyn Stream>> {
        let socket = if self.connect.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(from) = from {
            socket.bind(SocketAddr::new(from, 0)).with_context(|| format!("this machine does not send from `{from}`"))?;
        }
        let opening = async {
            let stream: TcpStream = socket.connect(self.connect).await.context("the gate does not answer")?;
            stream.set_nodelay(true)?;
            let Some(tls) = &self.tls else { return anyhow::Ok(Box::new(stream) as Box<dyn Stream>) };
            let config = match software {
                Software::Usual => &tls.usual,
                Software::Other => &tls.other,
            };
            let stream = TlsConnector::from(Arc::clone(config)).connect(tls.name.clone(), stream).await.context("no TLS with the gate")?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        };
        timeout(CONNECT, opening).await.context("the gate does not answer in time")?
    }
}
