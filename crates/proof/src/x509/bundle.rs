//! Trust bundles: the anchors of one trust source.

use super::{
    certificate::Certificate,
    names::is_spiffe,
    pem::{self, PemFault},
    spiffe::{SpiffeId, TrustDomain},
};
use rustls_pki_types::{CertificateDer, TrustAnchor, pem::SectionKind};
use std::borrow::Cow;
use wardgate_model::time::Time;

/// Most bytes of a bundle, as handed in.
pub const BUNDLE_BYTES_MAX: usize = 1024 * 1024;
/// Most anchors of a bundle.
pub const ANCHORS_MAX: usize = 256;

/// Why a bundle is not taken. `at` counts its certificates from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// It is too long.
    #[error("a trust bundle has at most {BUNDLE_BYTES_MAX} bytes")]
    TooLong,
    /// It has too many certificates.
    #[error("a trust bundle has at most {ANCHORS_MAX} certificates")]
    TooMany,
    /// It is neither PEM nor DER, or it breaks off.
    #[error("the trust bundle is not PEM (`-----BEGIN CERTIFICATE-----`), or it breaks off")]
    NotPem,
    /// It has no certificate.
    #[error("the trust bundle has no certificate")]
    Empty,
    /// It has something else in it.
    #[error("the trust bundle has a `{0}` in it; it is for certificates of authorities only")]
    Foreign(&'static str),
    /// A certificate cannot be read.
    #[error("certificate {at} of the trust bundle cannot be read")]
    Unreadable {
        /// Which.
        at: usize,
    },
    /// A certificate is not that of an authority.
    #[error("certificate {at} of the trust bundle is not that of a certificate authority (`CA:TRUE`)")]
    NotAuthority {
        /// Which.
        at: usize,
    },
    /// A certificate's key may not sign certificates.
    #[error("the key usage of certificate {at} of the trust bundle does not allow it to sign certificates")]
    KeyUsage {
        /// Which.
        at: usize,
    },
    /// A certificate names another trust domain than the one that it is to be an anchor of, or a workload.
    #[error("certificate {at} of the trust bundle has a SPIFFE id that is not that of the trust domain `{domain}`")]
    OtherDomain {
        /// Which.
        at: usize,
        /// The trust domain that the bundle is for.
        domain: TrustDomain,
    },
}

impl From<PemFault> for BundleFault {
    fn from(fault: PemFault) -> Self {
        match fault {
            PemFault::Broken => Self::NotPem,
            PemFault::Foreign(what) => Self::Foreign(what),
        }
    }
}

/// The anchors of one trust source. An anchor counts from its first to its last second only, though RFC 5280 §6.1 would not ask.
#[derive(Debug, Clone)]
pub struct TrustBundle {
    anchors: Vec<TrustAnchor<'static>>,
    // INVARIANT (aligned): one for each anchor, in their order.
    lives: Vec<Life>,
}

/// From when to when something is valid, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Its first second.
    pub not_before: Time,
    /// Its last second.
    pub not_after: Time,
}

impl Life {
    /// Whether a moment is in it.
    #[must_use]
    pub fn includes(self, now: Time) -> bool {
        // To the second, as certificates are written: the last one is valid to its end.
        (self.not_before.as_seconds()..=self.not_after.as_seconds()).contains(&now.as_seconds())
    }
}

impl TrustBundle {
    /// No anchor: whoever has this bundle vouches for nobody (SPIFFE-Trust-Domain-and-Bundle §4.2).
    #[must_use]
    pub const fn none() -> Self {
        Self { anchors: Vec::new(), lives: Vec::new() }
    }

    /// Reads PEM with one or more certificates, or one in DER. Anchors whose time is over, or has not come, are taken and do not count:
    /// see [`TrustBundle::lives`]. For a trust domain, an anchor that has a SPIFFE id has that of the domain (X509-SVID §3.2).
    ///
    /// # Errors
    /// When there is none, too many, or anything else in it; see [`BundleFault`]. Nothing is taken then.
    pub fn parse(bytes: &[u8], domain: Option<&TrustDomain>) -> Result<Self, BundleFault> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleFault::TooLong);
        }
        let certificates = pem::sections(bytes, SectionKind::Certificate)?;
        if certificates.is_empty() {
            return Err(if bytes.is_ascii() { BundleFault::Empty } else { BundleFault::NotPem });
        }
        Self::of(certificates.iter().map(Vec::as_slice), domain)
    }

    /// Takes certificates, DER; also none, as the bundle of a trust domain may have it.
    ///
    /// # Errors
    /// As [`TrustBundle::parse`].
    pub fn of<'a>(certificates: impl ExactSizeIterator<Item = &'a [u8]>, domain: Option<&TrustDomain>) -> Result<Self, BundleFault> {
        if certificates.len() > ANCHORS_MAX {
            return Err(BundleFault::TooMany);
        }
        let mut bundle = Self::none();
        for (index, der) in certificates.enumerate() {
            let (anchor, life) = anchor(index + 1, der, domain)?;
            bundle.anchors.push(anchor);
            bundle.lives.push(life);
        }
        Ok(bundle)
    }

    /// Whether there is no anchor.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// When each anchor is valid, in the order of the bundle: what to warn of before it ends.
    #[must_use]
    pub fn lives(&self) -> &[Life] {
        &self.lives
    }

    /// The anchors that count now.
    pub(super) fn at(&self, now: Time) -> Cow<'_, [TrustAnchor<'static>]> {
        if self.lives.iter().all(|life| life.includes(now)) {
            return Cow::Borrowed(&self.anchors);
        }
        Cow::Owned(self.paired().filter(|(_, life)| life.includes(now)).map(|(anchor, _)| anchor.clone()).collect())
    }

    /// The last second of an anchor that counts now; where it is there twice, the later.
    pub(super) fn end(&self, anchor: &TrustAnchor<'_>, now: Time) -> Option<Time> {
        let same =
            |other: &TrustAnchor<'_>| other.subject == anchor.subject && other.subject_public_key_info == anchor.subject_public_key_info;
        self.paired().filter(|(other, life)| same(other) && life.includes(now)).map(|(_, life)| life.not_after).max()
    }

    /// Whether an anchor that does not count now has this name.
    pub(super) fn knew(&self, name: &[u8], now: Time) -> bool {
        self.paired().any(|(anchor, life)| !life.includes(now) && *anchor.subject == *name)
    }

    fn paired(&self) -> impl Iterator<Item = (&TrustAnchor<'static>, Life)> {
        self.anchors.iter().zip(self.lives.iter().copied())
    }
}

fn anchor(at: usize, der: &[u8], domain: Option<&TrustDomain>) -> Result<(TrustAnchor<'static>, Life), BundleFault> {
    let unreadable = BundleFault::Unreadable { at };
    let certificate = Certificate::read(der).map_err(|_| unreadable.clone())?;
    if !certificate.authority {
        return Err(BundleFault::NotAuthority { at });
    }
    if certificate.key_usage.is_some_and(|usage| !usage.certifies()) {
        return Err(BundleFault::KeyUsage { at });
    }
    if let Some(domain) = domain {
        let names = certificate.names().map_err(|_| unreadable.clone())?;
        let of_domain = |uri: &str| SpiffeId::read(uri).is_ok_and(|id| id.trust_domain() == domain && !id.names_workload());
        let mut ids = names.uris.iter().filter(|uri| is_spiffe(uri));
        if ids.any(|uri| !of_domain(uri)) {
            return Err(BundleFault::OtherDomain { at, domain: domain.clone() });
        }
    }
    let life = Life { not_before: certificate.not_before, not_after: certificate.not_after };
    let der = CertificateDer::from(der);
    let anchor = webpki::anchor_from_trusted_cert(&der).map_err(|_| unreadable)?;
    Ok((anchor.to_owned(), life))
}
