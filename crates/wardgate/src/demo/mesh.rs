//! A service mesh: an authority that certifies workloads by their SPIFFE ids (X.509-SVID §2), and revokes what was stolen.

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// What identifies the workload of the tour.
pub(super) const KEEPER: &str = "spiffe://acme.example/prod/stock-keeper";

/// An authority.
pub(super) struct Mesh {
    authority: CertifiedIssuer<'static, KeyPair>,
    serial: AtomicU64,
    lists: AtomicU64,
}

/// What a workload shows: its certificate, and that it has the key.
#[derive(Debug)]
pub(super) struct Svid {
    /// The certificate.
    pub(super) certificate: CertificateDer<'static>,
    /// Its private key.
    pub(super) key: PrivateKeyDer<'static>,
    serial: u64,
}

impl Mesh {
    /// Makes one.
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?).context("no authority for the mesh")?;
        Ok(Self { authority, serial: AtomicU64::new(1), lists: AtomicU64::new(1) })
    }

    /// Its own certificate, PEM: the trust bundle.
    pub(super) fn bundle(&self) -> String {
        self.authority.pem()
    }

    /// Certifies a workload.
    pub(super) fn certify(&self, spiffe_id: &str) -> anyhow::Result<Svid> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(spiffe_id.try_into()?)];
        params.serial_number = Some(SerialNumber::from(serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // An SVID that has purposes has both (X509-SVID §4.4).
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.authority)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Svid { certificate: certificate.der().clone(), key, serial })
    }

    /// A new revocation list (RFC 5280 §5), PEM, with these certificates on it.
    pub(super) fn revoked(&self, svids: &[&Svid]) -> anyhow::Result<String> {
        let revoked = svids.iter().map(|svid| RevokedCertParams {
            serial_number: SerialNumber::from(svid.serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 2),
            next_update: date_time_ymd(2060, 1, 1),
            crl_number: SerialNumber::from(self.lists.fetch_add(1, Ordering::Relaxed)),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer: &Issuer<'_, KeyPair> = &self.authority;
        Ok(list.signed_by(issuer)?.pem()?)
    }
}

impl fmt::Debug for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mesh").finish_non_exhaustive()
    }
}
