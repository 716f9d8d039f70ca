//! Whom the servers that we fetch from are certified by.

use rustls::{
    ClientConfig, RootCertStore,
    client::danger::ServerCertVerifier,
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::{fmt, path::Path, sync::Arc};

/// Where systems keep their bundle of public roots; the first that can be read counts.
const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Most roots of one bundle.
pub const ROOTS_MAX: usize = 1_000;

/// Why roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsFault {
    /// The text is no PEM, or has no certificate.
    #[error("it has no certificate in PEM")]
    Empty,
    /// More than [`ROOTS_MAX`].
    #[error("it has more than {ROOTS_MAX} certificates")]
    Many,
    /// One of them is none.
    #[error("its certificate number {0} cannot be used as a root")]
    Certificate(usize),
    /// TLS cannot be spoken at all.
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
}

/// Roots, ready to verify a server with. Cheap to clone.
#[derive(Clone)]
pub struct Roots(Arc<ClientConfig>);

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Roots(…)")
    }
}

impl Roots {
    /// These, and no other.
    ///
    /// # Errors
    /// When the text is not one or more certificates in PEM.
    pub fn only(pem: &str) -> Result<Self, RootsFault> {
        let mut store = RootCertStore::empty();
        for (at, certificate) in CertificateDer::pem_slice_iter(pem.as_bytes()).enumerate() {
            if at >= ROOTS_MAX {
                return Err(RootsFault::Many);
            }
            let fault = RootsFault::Certificate(at + 1);
            let Ok(certificate) = certificate else { return Err(fault) };
            store.add(certificate).map_err(|_| fault)?;
        }
        if store.is_empty() { Err(RootsFault::Empty) } else { Self::new(store) }
    }

    /// Those of the system; where it has none, the public ones that Mozilla keeps, as of the build.
    ///
    /// # Errors
    /// When TLS cannot be spoken at all.
    pub fn system() -> Result<Self, RootsFault> {
        for bundle in SYSTEM_BUNDLES {
            let Ok(certificates) = CertificateDer::pem_file_iter(Path::new(bundle)) else { continue };
            let mut store = RootCertStore::empty();
            // A system's bundle may have an oddity: it costs that one root.
            store.add_parsable_certificates(certificates.flatten().take(ROOTS_MAX));
            if !store.is_empty() {
                return Self::new(store);
            }
        }
        Self::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    fn new(store: RootCertStore) -> Result<Self, RootsFault> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(RootsFault::Tls)?;
        let mut config = builder.with_root_certificates(store).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// No roots: what `verifier` makes judges the server.
    pub(crate) fn verified_by(verifier: impl FnOnce(WebPkiSupportedAlgorithms) -> Arc<dyn ServerCertVerifier>) -> Result<Self, RootsFault> {
        let provider = aws_lc_rs::default_provider();
        let verifier = verifier(provider.signature_verification_algorithms);
        let builder = ClientConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(RootsFault::Tls)?;
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Roots;

    #[test]
    fn roots_are_certificates_or_an_error() {
        let key = rcgen::generate_simple_self_signed(vec!["ca.example".into()]).expect("a certificate");
        assert!(Roots::only(&key.cert.pem()).is_ok());
        assert_eq!(Roots::only("").map_err(|fault| fault.to_string()).err().as_deref(), Some("it has no certificate in PEM"));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let fault = Roots::only(&format!("{}{broken}", key.cert.pem())).map_err(|fault| fault.to_string()).err();
        assert_eq!(fault.as_deref(), Some("its certificate number 2 cannot be used as a root"));
        assert!(Roots::system().is_ok());
    }
}
