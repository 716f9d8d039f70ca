//! The TLS handshake of a listener, and what it says of the client.
//!
//! A client that shows a certificate proves that it has the private key of it, and that is all that is asked here: whoever made it,
//! expired, revoked or self-signed, is for the judge, who can refuse with a reason, looks again at every request, and so also at
//! what changed since the connection was opened. A handshake can only break off.
//!
//! So that nobody comes without that proof, such a listener resumes no sessions: a resumed one copies the certificates out of the
//! old session and asks for no signature.

mod hello;

pub use hello::fingerprint;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, HandshakeKind, OtherError, ServerConfig, ServerConnection, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime},
    server::{
        Acceptor, NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use std::{io, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};
use wardgate_gate::Handshake;
use wardgate_model::{proof::CertificateChain, time::Time};

use crate::server::ALPN;

/// Whether a listener asks clients for certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// It does not.
    #[default]
    Off,
    /// It asks, and takes clients that have none.
    Request,
    /// Without one there is no connection.
    Require,
}

/// TLS 1.2 and 1.3 with this certificate, HTTP/2 and HTTP/1.1 by ALPN. Only a listener that asks for certificates goes without
/// resumed sessions.
///
/// # Errors
/// When the chain is empty or cannot be read, or the key is of another certificate.
pub fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: ClientCertificates,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let asking = |mandatory| Arc::new(Possession { algorithms, mandatory });
    let mut config = match clients {
        ClientCertificates::Off => builder.with_no_client_auth(),
        ClientCertificates::Request => builder.with_client_cert_verifier(asking(false)),
        ClientCertificates::Require => builder.with_client_cert_verifier(asking(true)),
    }
    .with_single_cert(chain, key)?;
    if clients != ClientCertificates::Off {
        // INVARIANT (no resumption): neither sessions kept here nor tickets kept by clients (RFC 8446 §4.6.1, RFC 5077).
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

/// The server's side of a handshake; `now` is asked when the client's first message is there.
///
/// # Errors
/// When it breaks off.
pub async fn accept(
    config: Arc<ServerConfig>,
    client: TcpStream,
    now: impl FnOnce() -> Time,
) -> io::Result<(TlsStream<TcpStream>, Handshake)> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), client).await?;
    let (began, fingerprint) = (now(), fingerprint(&start.client_hello()));
    let stream = start.into_stream(config).await?;
    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
    Ok((stream, Handshake { fingerprint, full: (!resumed).then_some(began) }))
}

/// The certificates that a client showed, once the handshake is over; `None`: none were asked for, or it has none.
#[must_use]
pub fn shown(connection: &ServerConnection) -> Option<Arc<CertificateChain>> {
    let certificates = connection.peer_certificates()?;
    // The handshake has refused longer ones.
    CertificateChain::new(certificates.iter().map(AsRef::as_ref)).ok().map(Arc::new)
}

/// Takes every certificate whose private key the client has.
#[derive(Debug)]
struct Possession {
    algorithms: WebPkiSupportedAlgorithms,
    mandatory: bool,
}

impl ClientCertVerifier for Possession {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    /// None: whom we trust is no one's business, and a client that has one certificate shows it unasked.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// Looks at nothing but its size.
    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let all = std::iter::once(leaf).chain(others).map(AsRef::as_ref);
        match CertificateChain::new(all) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(error) => Err(CertificateError::Other(OtherError(Arc::new(error))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
