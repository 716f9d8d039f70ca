//! The gate's published keys, remembered.

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jsonwebtoken::{
    DecodingKey,
    jwk::{Jwk, JwkSet, KeyAlgorithm},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use std::{collections::HashMap, env, error::Error, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Mutex,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

/// Keys are fetched anew when they are so old, and count for a while longer when the gate does not answer.
const FRESH: Duration = Duration::from_secs(300);
const TOO_OLD: Duration = Duration::from_hours(24);
/// A name that nobody knows may be a new key, or junk: at most one fetch in this time.
const COOLDOWN: Duration = Duration::from_secs(10);
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
const KEYS_BYTES_MAX: usize = 512 * 1024;
/// The system's authorities, where `SSL_CERT_FILE` names no others.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

type Fault = Box<dyn Error + Send + Sync>;

#[derive(Debug)]
pub(crate) struct Keys {
    url: Uri,
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    keys: HashMap<String, DecodingKey>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl Keys {
    /// Keys at this address. Over `http` only where it is this machine: whoever changes them on the way is believed.
    pub(crate) fn new(url: &str) -> Result<Self, Fault> {
        let url: Uri = url.parse()?;
        let here = url.host().is_some_and(|host| host == "127.0.0.1" || host == "[::1]");
        match url.scheme_str() {
            Some("https") => {}
            Some("http") if here => {}
            _ => return Err("keys come over https".into()),
        }
        Ok(Self { url, remembered: Mutex::default() })
    }

    /// The key of this name. Whoever comes while keys are being fetched waits for them.
    pub(crate) async fn find(&self, kid: &str) -> Option<DecodingKey> {
        let mut remembered = self.remembered.lock().await;
        let since = |moment: Option<Instant>| moment.map_or(Duration::MAX, |moment| moment.elapsed());
        let wanted = !remembered.keys.contains_key(kid) || since(remembered.fetched) >= FRESH;
        if wanted && since(remembered.tried) >= COOLDOWN {
            remembered.tried = Some(Instant::now());
            if let Ok(Ok(keys)) = timeout(FETCH_TIMEOUT, self.fetch()).await {
                (remembered.keys, remembered.fetched) = (keys, Some(Instant::now()));
            }
        }
        remembered.keys.get(kid).filter(|_| since(remembered.fetched) <= TOO_OLD).cloned()
    }

    async fn fetch(&self) -> Result<HashMap<String, DecodingKey>, Fault> {
        let host = self.url.host().ok_or("no host")?.trim_matches(['[', ']']);
        let tls = self.url.scheme_str() == Some("https");
        let stream = TcpStream::connect((host, self.url.port_u16().unwrap_or(if tls { 443 } else { 80 }))).await?;
        let text = if tls {
            let name = ServerName::try_from(host.to_owned())?;
            self.read(TlsConnector::from(authorities()?).connect(name, stream).await?).await?
        } else {
            self.read(stream).await?
        };
        let set: JwkSet = serde_json::from_slice(&text)?;
        let signs = |key: &&Jwk| key.common.key_algorithm == Some(KeyAlgorithm::ES256);
        Ok(set.keys.iter().filter(signs).filter_map(|key| Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?))).collect())
    }

    async fn read(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Vec<u8>, Fault> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::get(self.url.path())
            .header(header::HOST, self.url.authority().map(ToString::to_string).unwrap_or_default())
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())?;
        let mut answer = sender.send_request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("the gate answered {}", answer.status()).into());
        }
        let mut text = Vec::new();
        while let Some(frame) = answer.frame().await {
            if let Ok(piece) = frame?.into_data() {
                if text.len() + piece.len() > KEYS_BYTES_MAX {
                    return Err("they are too long".into());
                }
                text.extend_from_slice(&piece);
            }
        }
        Ok(text)
    }
}

/// Whom the gate's certificate may be from.
fn authorities() -> Result<Arc<ClientConfig>, Fault> {
    let file = env::var_os("SSL_CERT_FILE").map_or_else(|| PathBuf::from(AUTHORITIES), PathBuf::from);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_file_iter(file)?.filter_map(Result::ok));
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    Ok(Arc::new(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth()))
}
