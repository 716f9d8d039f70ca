//! What operators hand in as PEM (RFC 7468) or DER.

use rustls_pki_types::pem::{PemObject as _, SectionKind};

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PemFault {
    /// Not PEM, or broken off.
    Broken,
    /// It has something else in it; a private key, for one.
    Foreign(&'static str),
}

/// The DER of every section of a kind, or the one that the bytes are. Sections of other kinds are refused: a bundle with a private
/// key in it has been published by mistake. Sections whose kind nobody knows are passed over, as is text between sections.
pub(super) fn sections(bytes: &[u8], kind: SectionKind) -> Result<Vec<Vec<u8>>, PemFault> {
    // No PEM begins like that, and all DER of these kinds does: a SEQUENCE with a long length.
    if matches!(bytes, [0x30, 0x81..=0x84, ..]) {
        return Ok(vec![bytes.to_vec()]);
    }
    let mut found = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
        match section {
            Ok((of, der)) if of == kind => found.push(der),
            Ok((of, _)) => return Err(PemFault::Foreign(label(of))),
            Err(_) => return Err(PemFault::Broken),
        }
    }
    Ok(found)
}

const fn label(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Certificate => "CERTIFICATE",
        SectionKind::PublicKey => "PUBLIC KEY",
        SectionKind::RsaPrivateKey | SectionKind::PrivateKey | SectionKind::EcPrivateKey => "PRIVATE KEY",
        SectionKind::Crl => "X509 CRL",
        SectionKind::Csr => "CERTIFICATE REQUEST",
        _ => "section of another kind",
    }
}
