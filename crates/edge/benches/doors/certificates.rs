//! An authority, a server and a client, in files, so that every process has the same.

use crate::Failed;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{fs, path::Path};

/// The name in both certificates.
pub(crate) const NAME: &str = "localhost";

/// Makes them.
pub(crate) fn make(directory: &Path) -> Result<(), Failed> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key)?;
    fs::write(directory.join("root.pem"), root.pem())?;
    let issuer = Issuer::new(params, key);
    for name in ["server", "client"] {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([NAME.to_owned()])?.signed_by(&key, &issuer)?;
        fs::write(directory.join(format!("{name}.pem")), certificate.pem())?;
        fs::write(directory.join(format!("{name}.key")), key.serialize_pem())?;
    }
    Ok(())
}

/// A certificate and its key.
pub(crate) fn read(directory: &Path, name: &str) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Failed> {
    let certificate = CertificateDer::from_pem_file(directory.join(format!("{name}.pem")))?;
    Ok((vec![certificate], PrivateKeyDer::from_pem_file(directory.join(format!("{name}.key")))?))
}

/// The authority.
pub(crate) fn roots(directory: &Path) -> Result<RootCertStore, Failed> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(directory.join("root.pem"))?)?;
    Ok(roots)
}
