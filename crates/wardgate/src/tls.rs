//! Certificates of listeners.

use crate::config::TlsFiles;
use anyhow::Context as _;
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::sync::Arc;
use wardgate_edge::handshake;

/// TLS 1.2 and 1.3 with this certificate; HTTP/2 and HTTP/1.1 by ALPN.
///
/// # Errors
/// When a file cannot be read, holds nothing of use, or the key is of another certificate.
pub fn server(files: &TlsFiles) -> anyhow::Result<Arc<ServerConfig>> {
    let certificate = &files.certificate;
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate `{}`", certificate.display()))?;
    anyhow::ensure!(!chain.is_empty(), "there is no certificate in `{}`", certificate.display());
    let key = PrivateKeyDer::from_pem_file(&files.key).with_context(|| format!("cannot read the private key `{}`", files.key.display()))?;
    let config = handshake::server_config(chain, key, files.clients)
        .with_context(|| format!("`{}` and `{}` do not belong together", certificate.display(), files.key.display()))?;
    Ok(Arc::new(config))
}
