//! Certificate revocation lists (RFC 5280 §5) of one trust source.

use super::{
    der::{BadDer, INTEGER, Reader, SEQUENCE},
    pem::{self, PemFault},
};
use rustls_pki_types::pem::SectionKind;
use std::time::Duration;
use wardgate_model::time::Time;
use webpki::{CertRevocationList, OwnedCertRevocationList};

/// Most bytes of all lists of a trust source.
pub const CRLS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most lists of a trust source.
pub const CRLS_MAX: usize = 64;
/// How far ahead of ours the clock of who signs lists may be.
const AHEAD: Duration = Duration::from_secs(300);

/// Why revocation lists are not taken. `at` counts them from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CrlFault {
    /// They are too long.
    #[error("the revocation lists of a trust source have at most {CRLS_BYTES_MAX} bytes")]
    TooLong,
    /// There are too many.
    #[error("a trust source has at most {CRLS_MAX} revocation lists")]
    TooMany,
    /// One is neither PEM nor DER, or it breaks off.
    #[error("the revocation list is not PEM (`-----BEGIN X509 CRL-----`), or it breaks off")]
    NotPem,
    /// There is no list where one should be.
    #[error("there is no revocation list in it")]
    Empty,
    /// Something else is in it.
    #[error("there is a `{0}` in it; it is for revocation lists only")]
    Foreign(&'static str),
    /// It is not one that can be relied on.
    #[error("revocation list {at} cannot be read")]
    Unreadable {
        /// Which.
        at: usize,
    },
    /// It is of a version without extensions.
    #[error("revocation list {at} is of version 1; only version 2 is read (in OpenSSL's configuration: `crl_extensions`)")]
    Version {
        /// Which.
        at: usize,
    },
    /// It says only what changed since another.
    #[error("revocation list {at} is a delta; only complete lists are read")]
    Delta {
        /// Which.
        at: usize,
    },
    /// It is also for certificates of other issuers.
    #[error("revocation list {at} is indirect; only lists of the issuers themselves are read")]
    Indirect {
        /// Which.
        at: usize,
    },
}

impl From<PemFault> for CrlFault {
    fn from(fault: PemFault) -> Self {
        match fault {
            PemFault::Broken => Self::NotPem,
            PemFault::Foreign(what) => Self::Foreign(what),
        }
    }
}

/// One list. Who signed it is seen when it is used: then the issuer's key is known.
#[derive(Debug)]
pub struct Crl {
    list: CertRevocationList<'static>,
    this_update: Time,
    next_update: Time,
}

impl Crl {
    /// When it was made.
    #[must_use]
    pub fn this_update(&self) -> Time {
        self.this_update
    }

    /// When there is to be a newer one.
    #[must_use]
    pub fn next_update(&self) -> Time {
        self.next_update
    }

    /// The name of its issuer: the content of the name, DER.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        self.list.issuer()
    }

    fn read(at: usize, der: &[u8]) -> Result<Self, CrlFault> {
        let (version, this_update, next_update) = outline(der).map_err(|BadDer| CrlFault::Unreadable { at })?;
        if version != Version::Two {
            return Err(CrlFault::Version { at });
        }
        let list = OwnedCertRevocationList::from_der(der).map_err(|error| match error {
            webpki::Error::UnsupportedDeltaCrl => CrlFault::Delta { at },
            webpki::Error::UnsupportedIndirectCrl => CrlFault::Indirect { at },
            _ => CrlFault::Unreadable { at },
        })?;
        Ok(Self { list: list.into(), this_update, next_update })
    }

    /// Whether its time has come, given that clocks differ.
    fn has_begun(&self, now: Time) -> bool {
        self.this_update <= now + AHEAD
    }
}

/// Of which version a list is (RFC 5280 §5.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// Version, `thisUpdate` and `nextUpdate` (RFC 5280 §5.1.2); without the last nobody could tell a stale list.
fn outline(der: &[u8]) -> Result<(Version, Time, Time), BadDer> {
    let mut list = Reader::new(Reader::whole(der, SEQUENCE)?.value(SEQUENCE)?);
    let version = match list.optional(INTEGER)? {
        None => Version::One,
        Some([1]) => Version::Two,
        Some(_) => return Err(BadDer),
    };
    list.value(SEQUENCE)?;
    list.value(SEQUENCE)?;
    Ok((version, list.time()?, list.time()?))
}

/// The revocation lists of one trust source.
#[derive(Debug, Default)]
pub struct Crls {
    // INVARIANT (newest first): of the lists of one issuer the first that fits is asked, and that must be the newest.
    lists: Vec<Crl>,
}

impl Crls {
    /// Reads lists, each PEM (of one list or more) or DER.
    ///
    /// # Errors
    /// When one cannot be read; see [`CrlFault`]. Nothing is taken then.
    pub fn parse<'a>(documents: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, CrlFault> {
        let (mut lists, mut bytes) = (Vec::new(), 0_usize);
        for document in documents {
            bytes = bytes.saturating_add(document.len());
            if bytes > CRLS_BYTES_MAX {
                return Err(CrlFault::TooLong);
            }
            let sections = pem::sections(document, SectionKind::Crl)?;
            if sections.is_empty() {
                return Err(if document.is_ascii() { CrlFault::Empty } else { CrlFault::NotPem });
            }
            if lists.len() + sections.len() > CRLS_MAX {
                return Err(CrlFault::TooMany);
            }
            for der in sections {
                lists.push(Crl::read(lists.len() + 1, &der)?);
            }
        }
        lists.sort_by_key(|list| std::cmp::Reverse(list.this_update));
        Ok(Self { lists })
    }

    /// The lists, the newest first.
    #[must_use]
    pub fn lists(&self) -> &[Crl] {
        &self.lists
    }

    /// The lists whose time has come.
    pub(super) fn begun(&self, now: Time) -> Vec<&CertRevocationList<'static>> {
        self.lists.iter().filter(|list| list.has_begun(now)).map(|list| &list.list).collect()
    }

    /// Whether an issuer has lists, but none whose time has come: then its certificates cannot pass for not covered.
    pub(super) fn is_ahead(&self, issuer: &[u8], now: Time) -> bool {
        let mut of_issuer = self.lists.iter().filter(|list| list.issuer() == issuer).peekable();
        of_issuer.peek().is_some() && of_issuer.all(|list| !list.has_begun(now))
    }

    /// When the next list that is up to date will not be.
    pub(super) fn next_stale(&self, now: Time) -> Option<Time> {
        self.lists.iter().map(Crl::next_update).filter(|next| *next > now).min()
    }
}
