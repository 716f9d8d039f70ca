//! A Vault's KV engine, version 2: one key of one entry is replaced, the others stay
//! (`PATCH /v1/MOUNT/data/PATH` with a JSON merge patch, RFC 7396; a new entry by `POST` with check-and-set).

use super::{DeliverFault, VaultSettings};
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::{Value, json};
use std::{net::IpAddr, path::Path, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use wardgate_model::secret::Secret;
use zeroize::Zeroizing;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest path of an entry, in bytes.
const PATH_BYTES_MAX: usize = 512;
/// Largest file of a token, in bytes.
const TOKEN_BYTES_MAX: u64 = 8 * 1024;

/// One key of an entry.
#[derive(Debug)]
pub(super) struct Entry {
    vault: VaultSettings,
    path: Box<str>,
    key: Box<str>,
}

/// What the Vault said.
struct Said {
    status: StatusCode,
    body: Value,
}

impl Entry {
    /// Reads a path within the mount, and the key within the entry.
    ///
    /// # Errors
    /// When they name nothing that a Vault could hold, or something outside the mount.
    pub(super) fn parse(vault: &VaultSettings, path: &str, key: &str) -> Result<Self, DeliverFault> {
        let wrong = |given: &str, what, why| Err(DeliverFault::Name { given: given.escape_default().to_string(), what, why });
        let good = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if path.len() > PATH_BYTES_MAX
            || !path.split('/').all(|part| !part.is_empty() && good(part) && part.bytes().any(|byte| byte != b'.'))
        {
            return wrong(path, "path in the Vault", "write names of A-Z, a-z, 0-9, `-`, `_` and `.`, joined by `/`");
        }
        if key.is_empty() || key.len() > PATH_BYTES_MAX || !good(key) {
            return wrong(key, "key of an entry", "use A-Z, a-z, 0-9, `-`, `_` and `.`");
        }
        Ok(Self { vault: vault.clone(), path: path.into(), key: key.into() })
    }

    /// Puts the secret there.
    ///
    /// # Errors
    /// When the Vault cannot be reached or does not take it.
    pub(super) async fn put(&self, secret: &Secret<String>) -> Result<(), DeliverFault> {
        let token = self.token()?;
        let data = json!({ &*self.key: secret.danger_expose() });
        let patched = self.ask(Method::PATCH, "application/merge-patch+json", &json!({ "data": data }), &token).await?;
        if patched.status != StatusCode::NOT_FOUND {
            return self.judge(patched.status);
        }
        // Nothing is there, or what was there was deleted: then its last version says so, and a new one must follow it.
        let last = patched.body.pointer("/data/metadata/version").and_then(Value::as_u64).unwrap_or(0);
        let made = json!({ "options": { "cas": last }, "data": data });
        let posted = self.ask(Method::POST, "application/json", &made, &token).await?;
        self.judge(posted.status)
    }

    fn judge(&self, status: StatusCode) -> Result<(), DeliverFault> {
        let Self { vault: VaultSettings { url, mount, .. }, path, .. } = self;
        let why = match status {
            status if status.is_success() => return Ok(()),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "its token may not patch and create there",
            StatusCode::NOT_FOUND => "no KV engine of version 2 is mounted there",
            StatusCode::METHOD_NOT_ALLOWED => "it does not know PATCH: Vault 1.9 or OpenBao is needed",
            StatusCode::BAD_REQUEST => "it was changed meanwhile, or the engine wants check-and-set",
            StatusCode::SERVICE_UNAVAILABLE => "it is sealed",
            _ => "see the Vault's own log",
        };
        Err(DeliverFault::Failed(format!("the Vault {url} answered {} for `{mount}/{path}`: {why}", status.as_u16())))
    }

    fn token(&self) -> Result<Zeroizing<String>, DeliverFault> {
        let path = &self.vault.token;
        let read = || -> std::io::Result<Zeroizing<String>> {
            if std::fs::metadata(path)?.len() > TOKEN_BYTES_MAX {
                return Err(std::io::Error::other("it is too large for a token"));
            }
            let text = Zeroizing::new(std::fs::read_to_string(path)?);
            Ok(Zeroizing::new(text.trim().to_owned()))
        };
        read().map_err(|error| DeliverFault::Failed(format!("the Vault's token `{}`: {error}", path.display())))
    }

    async fn ask(&self, method: Method, media: &str, body: &Value, token: &str) -> Result<Said, DeliverFault> {
        let at = Place::parse(&self.vault.url)?;
        let stream = TcpStream::connect((at.host.as_str(), at.port)).await.map_err(|error| self.unreachable(&error))?;
        let request = Request::builder()
            .method(method)
            .uri(format!("/v1/{}/data/{}", self.vault.mount, self.path))
            .header(header::HOST, &at.authority)
            .header(header::CONTENT_TYPE, media)
            .header("x-vault-request", "true")
            .header("x-vault-token", token);
        let request = match &self.vault.namespace {
            Some(namespace) => request.header("x-vault-namespace", &**namespace),
            None => request,
        };
        let request = request.body(Full::new(Bytes::from(body.to_string()))).map_err(|_| {
            DeliverFault::Failed("the Vault's token, mount or namespace has characters that HTTP does not carry".to_owned())
        })?;
        if at.tls {
            let name = ServerName::try_from(at.host.clone()).map_err(DeliverFault::failed)?;
            let stream = TlsConnector::from(self.tls()?).connect(name, stream).await.map_err(|error| self.unreachable(&error))?;
            self.exchange(stream, request).await
        } else {
            self.exchange(stream, request).await
        }
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Full<Bytes>>,
    ) -> Result<Said, DeliverFault> {
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| self.unreachable(&error))?;
        let carried = tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| self.unreachable(&error));
        let said = match answer {
            Ok(answer) => {
                let status = answer.status();
                let body = whole(answer.into_body()).await.map_err(|error| self.unreachable(&error))?;
                Ok(Said { status, body: serde_json::from_slice(&body).unwrap_or_default() })
            }
            Err(fault) => Err(fault),
        };
        carried.abort();
        said
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, DeliverFault> {
        let path = self.vault.ca.as_deref().unwrap_or(Path::new(""));
        let fault =
            |error: &dyn std::fmt::Display| DeliverFault::Failed(format!("the authority's certificates `{}`: {error}", path.display()));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(&error))? {
            roots.add(certificate.map_err(|error| fault(&error))?).map_err(|error| fault(&error))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = builder.with_safe_default_protocol_versions().map_err(DeliverFault::failed)?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }

    fn unreachable(&self, why: &dyn std::fmt::Display) -> DeliverFault {
        DeliverFault::Failed(format!("the Vault {} cannot be spoken to: {why}", self.vault.url))
    }
}

/// Where a Vault listens.
struct Place {
    tls: bool,
    authority: String,
    host: String,
    port: u16,
}

impl Place {
    fn parse(url: &str) -> Result<Self, DeliverFault> {
        let wrong = |why| DeliverFault::Name { given: url.to_owned(), what: "address of a Vault", why };
        let uri: Uri = url.parse().map_err(|_| wrong("write `https://HOST[:PORT]`"))?;
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let here = host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if here => false,
            Some("http") => return Err(wrong("a secret would cross a network in the clear: write `https://`")),
            _ => return Err(wrong("write `https://HOST[:PORT]`")),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(wrong("only host and port belong to it"));
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, authority: authority.as_str().to_owned(), host, port })
    }
}

/// Whether an address is one that a Vault can be configured by.
///
/// # Errors
/// Says why not.
pub(crate) fn check(url: &str) -> Result<(), DeliverFault> {
    Place::parse(url).map(drop)
}

#[expect(clippy::disallowed_methods, reason = "INVARIANT (bounded): the body is read under `Limited`")]
async fn whole(body: hyper::body::Incoming) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes())
}

#[cfg(test)]
mod tests;
