//! Bundle endpoints whose server shows an X.509-SVID (SPIFFE-Federation §5.2.2, profile `https_spiffe`).
//!
//! Nobody but the bundle of its trust domain vouches for an SVID. Before the first fetch that is the bundle which was given out of
//! band; from then on, where the endpoint is of the trust domain that it publishes, the one that was fetched last, and the first counts
//! no more. A last one that is too old to count leaves the first.

use crate::{
    document::{Document, Kind},
    roots::{Roots, RootsFault},
    target::{Scheme, Target, TargetFault},
};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};
use wardgate_model::{
    proof::{CertificateChain, ChainError},
    time::Time,
    trust as model,
};
use wardgate_proof::x509::{
    self, BundleFault, Crls, Refusal, Revocation, SpiffeBundle, SpiffeBundleFault, SpiffeId, SpiffeIdError, TrustBundle,
};

/// A bundle endpoint that is known by its SPIFFE id.
#[derive(Debug, Clone)]
pub struct SpiffeEndpoint {
    target: Target,
    id: SpiffeId,
    /// As given.
    text: Arc<str>,
    first: TrustBundle,
}

/// Why a bundle endpoint could not be known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFault {
    /// It is at no address.
    #[error("`bundle`: {0}")]
    Target(#[from] TargetFault),
    /// It is in clear text.
    #[error("`bundle`: an endpoint that shows a SPIFFE id is at `https://`")]
    ClearText,
    /// What it is to show is no SPIFFE id.
    #[error("`endpoint_spiffe_id`: {0}")]
    Id(#[from] SpiffeIdError),
    /// What it is to show names no server.
    #[error("`endpoint_spiffe_id`: it has no path: that is the trust domain, and no server of it")]
    NoWorkload,
    /// Its first anchors.
    #[error("`endpoint_bundle`: {0}")]
    Anchors(#[from] BundleFault),
    /// Its first bundle.
    #[error("`endpoint_bundle`: {0}")]
    Bundle(#[from] SpiffeBundleFault),
    /// Its first bundle vouches for nobody.
    #[error("`endpoint_bundle`: there is no `x509-svid` key in it")]
    Empty,
}

impl PartialEq for SpiffeEndpoint {
    fn eq(&self, other: &Self) -> bool {
        // `first` is what `text` says for the domain of `id`.
        (&self.target, &self.id, &self.text) == (&other.target, &other.id, &other.text)
    }
}

impl Eq for SpiffeEndpoint {}

impl Hash for SpiffeEndpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.target, &self.id, &self.text).hash(state);
    }
}

impl SpiffeEndpoint {
    /// Reads what is declared of it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn of(declared: &model::SpiffeEndpoint) -> Result<Self, EndpointFault> {
        let target = Target::parse(&declared.url)?;
        if target.scheme() != Scheme::Https {
            return Err(EndpointFault::ClearText);
        }
        let id = SpiffeId::parse(&declared.id)?;
        if !id.names_workload() {
            return Err(EndpointFault::NoWorkload);
        }
        let text = Arc::clone(&declared.bundle);
        let first = if text.trim_start().starts_with('{') {
            SpiffeBundle::parse(text.as_bytes(), id.trust_domain())?.anchors().clone()
        } else {
            TrustBundle::parse(text.as_bytes(), Some(id.trust_domain()))?
        };
        if first.is_empty() { Err(EndpointFault::Empty) } else { Ok(Self { target, id, text, first }) }
    }

    /// Its address.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// By what its server is verified, when `last` is the last bundle that it published and that counts, and its bundles are of this kind.
    pub(crate) fn roots(&self, last: Option<&Document>, kind: &Kind) -> Result<Roots, RootsFault> {
        let bundle = match last {
            Some(Document::Bundle(last)) if *kind == Kind::Bundle(self.id.trust_domain().clone()) => last.anchors(),
            _ => &self.first,
        };
        let domain = Some(self.id.trust_domain().clone());
        let (crls, revocation) = (Crls::default(), Revocation::default());
        let trust = x509::Trust { bundle: bundle.clone(), crls, revocation, domain };
        Roots::verified_by(|algorithms| Arc::new(Svid { trust, id: self.id.clone(), algorithms }))
    }
}

/// Verifies that a server shows one SPIFFE id. Its name and address say nothing.
#[derive(Debug)]
struct Svid {
    trust: x509::Trust,
    id: SpiffeId,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Why a server is not who it should be.
#[derive(Debug, thiserror::Error)]
enum NotThis {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("its certificate proves no SPIFFE id: {0}")]
    Refused(#[from] Refusal),
    #[error("it shows `{0}`")]
    Other(SpiffeId),
}

impl Svid {
    fn judge(&self, certificates: &[&CertificateDer<'_>], now: Time) -> Result<(), NotThis> {
        let chain = CertificateChain::new(certificates.iter().map(|certificate| &***certificate))?;
        // An X.509-SVID is for both ends of a connection (X509-SVID §4.4): one that may not be a client is refused here too.
        match x509::verify(&chain, &self.trust, now)?.spiffe_id {
            Some(shown) if shown == self.id => Ok(()),
            Some(shown) => Err(NotThis::Other(shown)),
            None => Err(NotThis::Refused(Refusal::NoUri)),
        }
    }
}

impl ServerCertVerifier for Svid {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificates: Vec<&CertificateDer<'_>> = [end_entity].into_iter().chain(intermediates).collect();
        let now = Time::from_seconds(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        match self.judge(&certificates, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(why) => Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
