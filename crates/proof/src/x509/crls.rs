//! Certificate revocation lists (RFC 5280 §5) of one trust source.

use super::{
    Stale,
    certificate::{Certificate, ID_CE, key_identifier},
    der::{BadDer, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, constructed},
    pem::{self, PemFault},
    signatures::Seen,
};
use rustls_pki_types::pem::SectionKind;
use std::sync::Arc;
use wardgate_model::time::Time;
use webpki::{CertRevocationList, OwnedCertRevocationList};

/// Most bytes of all lists of a trust source.
pub const CRLS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most lists of a trust source.
pub const CRLS_MAX: usize = 64;
/// How far ahead of ours the clock of who signs lists may be: five minutes.
const AHEAD_MICROS: i64 = 300_000_000;

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
    /// Which key of its issuer signed it, if it says.
    signer: Option<Box<[u8]>>,
    /// Big-endian, without zeros before it.
    number: Option<Box<[u8]>>,
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

    /// The texts of its issuer's name, for people: `acme, acme issuing`.
    #[must_use]
    pub fn issuer_texts(&self) -> String {
        let mut names = Reader::new(self.issuer());
        let mut texts = Vec::new();
        while let Ok((_, names)) = names.any() {
            let mut parts = Reader::new(names);
            while let Ok((_, part)) = parts.any() {
                let mut part = Reader::new(part);
                if part.value(OID).is_ok()
                    && let Ok((_, text)) = part.any()
                {
                    texts.push(String::from_utf8_lossy(text).into_owned());
                }
            }
        }
        texts.join(", ")
    }

    /// Which key of its issuer signed it, if it says (RFC 5280 §5.2.1).
    #[must_use]
    pub fn signer(&self) -> Option<&[u8]> {
        self.signer.as_deref()
    }

    /// Its number, if it has one (RFC 5280 §5.2.3): big-endian, without zeros before it, so that of two the longer is greater.
    #[must_use]
    pub fn number(&self) -> Option<&[u8]> {
        self.number.as_deref()
    }

    /// For which distribution point alone it is, if it says (RFC 5280 §5.2.5), DER.
    #[must_use]
    pub fn distribution_point(&self) -> Option<&[u8]> {
        self.list.issuing_distribution_point()
    }

    fn read(at: usize, der: &[u8]) -> Result<Self, CrlFault> {
        let outline = Outline::read(der).map_err(|BadDer| CrlFault::Unreadable { at })?;
        if outline.version != Version::Two {
            return Err(CrlFault::Version { at });
        }
        let list = OwnedCertRevocationList::from_der(der).map_err(|error| match error {
            webpki::Error::UnsupportedDeltaCrl => CrlFault::Delta { at },
            webpki::Error::UnsupportedIndirectCrl => CrlFault::Indirect { at },
            _ => CrlFault::Unreadable { at },
        })?;
        let Outline { this_update, next_update, signer, number, .. } = outline;
        Ok(Self { list: list.into(), signer: signer.map(Into::into), number: number.map(Into::into), this_update, next_update })
    }

    /// From when on it counts, given that clocks differ.
    fn begins(&self) -> Time {
        Time::from_micros(self.this_update.as_micros().saturating_sub(AHEAD_MICROS))
    }

    /// Whether its time has come, given that clocks differ: before that it is not asked.
    #[must_use]
    pub fn has_begun(&self, now: Time) -> bool {
        self.begins() <= now
    }
}

/// Of which version a list is (RFC 5280 §5.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// What a list says before and after whom it revokes (RFC 5280 §5.1.2).
struct Outline<'a> {
    version: Version,
    this_update: Time,
    /// Without it nobody could tell a stale list, so it is there.
    next_update: Time,
    signer: Option<&'a [u8]>,
    number: Option<&'a [u8]>,
}

impl<'a> Outline<'a> {
    fn read(der: &'a [u8]) -> Result<Self, BadDer> {
        let mut list = Reader::new(Reader::whole(der, SEQUENCE)?.value(SEQUENCE)?);
        let version = match list.optional(INTEGER)? {
            None => Version::One,
            Some([1]) => Version::Two,
            Some(_) => return Err(BadDer),
        };
        list.value(SEQUENCE)?;
        list.value(SEQUENCE)?;
        let (this_update, next_update) = (list.time()?, list.time()?);
        list.optional(SEQUENCE)?;
        let mut outline = Self { version, this_update, next_update, signer: None, number: None };
        if let Some(extensions) = list.optional(constructed(0))? {
            let mut extensions = Reader::whole(extensions, SEQUENCE)?;
            while !extensions.is_empty() {
                let mut extension = Reader::new(extensions.value(SEQUENCE)?);
                let id = extension.value(OID)?;
                extension.flag()?;
                match id.strip_prefix(&ID_CE) {
                    Some([35]) => outline.signer = key_identifier(extension.value(OCTET_STRING)?)?,
                    Some([20]) => outline.number = Some(number(extension.value(OCTET_STRING)?)?),
                    Some(_) | None => {}
                }
            }
        }
        Ok(outline)
    }
}

/// The number in an extension: not below zero.
fn number(extension: &[u8]) -> Result<&[u8], BadDer> {
    let mut reader = Reader::new(extension);
    let digits = reader.value(INTEGER)?;
    reader.end()?;
    match digits {
        [0x80..=0xff, ..] | [] => Err(BadDer),
        digits => Ok(digits.get(digits.iter().take_while(|digit| **digit == 0).count()..).unwrap_or_default()),
    }
}

/// The revocation lists of one trust source.
#[derive(Debug, Default)]
pub struct Crls {
    // INVARIANT (newest first): of the lists of one issuer the first that fits is asked, and that must be the newest.
    lists: Vec<Arc<Crl>>,
    /// Of the documents that they were read from.
    bytes: usize,
    /// Which of them were found to be signed by whom they should be.
    pub(super) seen: Seen,
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
                lists.push(Arc::new(Crl::read(lists.len() + 1, &der)?));
            }
        }
        Ok(Self::of(lists, bytes))
    }

    /// The lists of several documents that were read before, put together: none of them is read again.
    ///
    /// # Errors
    /// When they are too many or too long together.
    pub fn together<'a>(documents: impl IntoIterator<Item = &'a Self>) -> Result<Self, CrlFault> {
        let (mut lists, mut bytes) = (Vec::new(), 0_usize);
        for document in documents {
            lists.extend(document.lists.iter().map(Arc::clone));
            bytes = bytes.saturating_add(document.bytes);
        }
        match (bytes > CRLS_BYTES_MAX, lists.len() > CRLS_MAX) {
            (true, _) => Err(CrlFault::TooLong),
            (false, true) => Err(CrlFault::TooMany),
            (false, false) => Ok(Self::of(lists, bytes)),
        }
    }

    fn of(mut lists: Vec<Arc<Crl>>, bytes: usize) -> Self {
        lists.sort_by_key(|list| std::cmp::Reverse(list.this_update));
        Self { lists, bytes, seen: Seen::default() }
    }

    /// The lists, the newest first.
    #[must_use]
    pub fn lists(&self) -> &[Arc<Crl>] {
        &self.lists
    }

    /// The lists whose time has come, for a path among these certificates. Of an issuer that has several keys under one name, as it
    /// has while it changes them, only those count that a key signed which signed one of the certificates too; if all were of other
    /// keys, they all count, and the path will be refused: what has a list must not pass for what has none.
    pub(super) fn begun(&self, certificates: &[Certificate<'_>], now: Time) -> Vec<&CertRevocationList<'static>> {
        let begun = || self.lists.iter().filter(|list| list.has_begun(now));
        let fits = |list: &Crl| {
            let mut issued = certificates.iter().filter(|certificate| certificate.issuer == list.issuer());
            issued.any(|certificate| match (&list.signer, certificate.signer) {
                (Some(list), Some(certificate)) => **list == *certificate,
                _ => true,
            })
        };
        let some_fit = |issuer: &[u8]| begun().any(|list| list.issuer() == issuer && fits(list));
        begun().filter(|list| fits(list) || !some_fit(list.issuer())).map(|list| &list.list).collect()
    }

    /// Whether an issuer has lists, but none whose time has come: then its certificates cannot pass for not covered.
    pub(super) fn is_ahead(&self, issuer: &[u8], now: Time) -> bool {
        let mut of_issuer = self.lists.iter().filter(|list| list.issuer() == issuer).peekable();
        of_issuer.peek().is_some() && of_issuer.all(|list| !list.has_begun(now))
    }

    /// When something changes by itself: a list begins to count, or becomes stale where that matters.
    pub(super) fn next_change(&self, stale: Stale, now: Time) -> Option<Time> {
        let begin = self.lists.iter().map(|list| list.begins());
        let end = self.lists.iter().filter(|_| stale == Stale::Refused).map(|list| list.next_update());
        begin.chain(end).filter(|moment| *moment > now).min()
    }
}

/// Whether a certificate is on a list that is said to be for another distribution point than the certificate names (RFC 5280
/// §5.2.5). `webpki` passes over such a list, so that whom it revokes would pass for not covered, as when an authority moves its lists.
pub(super) fn lists_elsewhere(lists: &[&CertRevocationList<'_>], certificate: &Certificate<'_>) -> bool {
    let mut points: Vec<&[u8]> = Vec::new();
    for list in lists.iter().filter(|list| list.issuer() == certificate.issuer) {
        let Some(point) = list.issuing_distribution_point() else { continue };
        // INVARIANT (newest first): of a distribution point the first list is what it says now.
        if points.contains(&point) {
            continue;
        }
        points.push(point);
        if list.find_serial(certificate.serial).is_ok_and(|found| found.is_some()) {
            return true;
        }
    }
    false
}
