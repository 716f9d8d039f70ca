//! The certificates that a client showed in the handshake.

use std::{fmt, sync::OnceLock};

/// Most certificates of a chain, the leaf among them.
pub const CHAIN_CERTIFICATES_MAX: usize = 8;
/// Most bytes of a chain: room for eight certificates with keys and signatures of ML-DSA-65.
pub const CHAIN_BYTES_MAX: usize = 48 * 1024;

/// Why certificates are no chain that anybody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// There is none.
    #[error("there is no certificate")]
    Empty,
    /// There are too many.
    #[error("there are more than {CHAIN_CERTIFICATES_MAX} certificates")]
    TooMany,
    /// They are too long.
    #[error("the certificates have more than {CHAIN_BYTES_MAX} bytes")]
    TooLong,
}

/// The certificates that a client showed in the handshake, DER, the leaf first. Whoever showed them has proved that it holds the
/// private key of the leaf; nothing else of them has been looked at.
pub struct CertificateChain {
    // INVARIANT (bounded): between 1 and CHAIN_CERTIFICATES_MAX, of CHAIN_BYTES_MAX bytes together.
    certificates: Box<[Box<[u8]>]>,
    hash: OnceLock<[u8; 32]>,
}

impl CertificateChain {
    /// Takes a copy of certificates, leaf first.
    ///
    /// # Errors
    /// When there is none, or more than a chain may have.
    pub fn new<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ChainError> {
        let (mut taken, mut bytes) = (Vec::with_capacity(2), 0_usize);
        for certificate in certificates {
            bytes = bytes.saturating_add(certificate.len());
            if taken.len() == CHAIN_CERTIFICATES_MAX {
                return Err(ChainError::TooMany);
            }
            if bytes > CHAIN_BYTES_MAX {
                return Err(ChainError::TooLong);
            }
            taken.push(Box::from(certificate));
        }
        if taken.is_empty() { Err(ChainError::Empty) } else { Ok(Self { certificates: taken.into(), hash: OnceLock::new() }) }
    }

    /// The certificate of whoever showed them.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        self.certificates.first().map(|leaf| &**leaf).unwrap_or_default()
    }

    /// What came with it, in the order shown: certificates of issuers, if all is well.
    pub fn others(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.certificates.iter().skip(1).map(|certificate| &**certificate)
    }

    /// All of them, the leaf first.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.certificates.iter().map(|certificate| &**certificate)
    }

    /// The hash of the chain as `make` makes it, which is asked once however many requests a connection carries. There is one such
    /// function (`proof::x509::chain_hash`): this crate knows no cryptography.
    #[must_use]
    pub fn hash(&self, make: impl FnOnce(&Self) -> [u8; 32]) -> &[u8; 32] {
        self.hash.get_or_init(|| make(self))
    }
}

impl fmt::Debug for CertificateChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateChain({} certificates)", self.certificates.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(sizes: &[usize]) -> Result<usize, ChainError> {
        let certificates: Vec<Vec<u8>> = sizes.iter().map(|size| vec![0x30; *size]).collect();
        CertificateChain::new(certificates.iter().map(Vec::as_slice)).map(|chain| chain.all().len())
    }

    #[test]
    fn a_chain_is_neither_empty_nor_endless() {
        assert_eq!(sized(&[]), Err(ChainError::Empty));
        assert_eq!(sized(&[1; CHAIN_CERTIFICATES_MAX]), Ok(8));
        assert_eq!(sized(&[1; CHAIN_CERTIFICATES_MAX + 1]), Err(ChainError::TooMany));
        assert_eq!(sized(&[CHAIN_BYTES_MAX]), Ok(1));
        assert_eq!(sized(&[CHAIN_BYTES_MAX, 1]), Err(ChainError::TooLong));
    }

    #[test]
    fn the_leaf_is_the_first_and_the_hash_is_made_once() {
        let chain = CertificateChain::new([b"leaf".as_slice(), b"issuer"]).expect("a chain");
        assert_eq!((chain.leaf(), chain.others().collect::<Vec<_>>()), (b"leaf".as_slice(), vec![b"issuer".as_slice()]));
        assert_eq!(chain.hash(|_| [1; 32]), &[1; 32]);
        assert_eq!(chain.hash(|_| [2; 32]), &[1; 32]);
        assert_eq!(format!("{chain:?}"), "CertificateChain(2 certificates)");
    }
}
