//! What a certificate says of itself (RFC 5280 §4.1), as far as `webpki` does not tell.

use super::{
    der::{BIT_STRING, BadDer, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, constructed, primitive},
    names::{NameFault, Names},
};
use wardgate_model::time::Time;

/// Most extensions of a certificate: every one is compared with every other.
const EXTENSIONS_MAX: usize = 32;

/// `id-ce`, 2.5.29: the extensions of RFC 5280 §4.2.1 are named below it.
pub(super) const ID_CE: [u8; 2] = [0x55, 0x1d];
/// `id-kp`, 1.3.6.1.5.5.7.3: purposes of keys.
const ID_KP: [u8; 7] = [0x2b, 6, 1, 5, 5, 7, 3];

/// What a key may be used for (RFC 5280 §4.2.1.3).
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyUsage {
    bits: u8,
    /// Whether whoever does not understand it must refuse the certificate.
    pub(super) critical: bool,
}

impl KeyUsage {
    /// Signatures that are neither on certificates nor on revocation lists: those of a handshake.
    pub(super) const fn signs(self) -> bool {
        self.bits & 0x80 != 0
    }

    /// Signatures on certificates.
    pub(super) const fn certifies(self) -> bool {
        self.bits & 0x04 != 0
    }

    /// Signatures on revocation lists.
    pub(super) const fn revokes(self) -> bool {
        self.bits & 0x02 != 0
    }

    fn read(value: &[u8], critical: bool) -> Result<Self, BadDer> {
        let mut reader = Reader::new(value);
        let [unused, bits, ..] = *reader.value(BIT_STRING)? else { return Err(BadDer) };
        reader.end()?;
        if unused > 7 { Err(BadDer) } else { Ok(Self { bits, critical }) }
    }
}

/// What extended key usage says (RFC 5280 §4.2.1.12).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Purposes {
    /// TLS servers.
    pub(super) server: bool,
    /// TLS clients.
    pub(super) client: bool,
}

impl Purposes {
    fn read(value: &[u8]) -> Result<Self, BadDer> {
        let mut reader = Reader::whole(value, SEQUENCE)?;
        let mut purposes = Self::default();
        while !reader.is_empty() {
            match reader.value(OID)?.strip_prefix(&ID_KP) {
                Some([1]) => purposes.server = true,
                Some([2]) => purposes.client = true,
                _ => {}
            }
        }
        Ok(purposes)
    }
}

/// One certificate.
#[derive(Debug, Clone)]
pub(super) struct Certificate<'a> {
    /// The number that its issuer gave it, big-endian.
    pub(super) serial: &'a [u8],
    /// Who issued it: the content of the name, as `webpki` has it too.
    pub(super) issuer: &'a [u8],
    /// Whose it is.
    pub(super) subject: &'a [u8],
    /// Its first second.
    pub(super) not_before: Time,
    /// Its last second.
    pub(super) not_after: Time,
    /// Whether it is that of an authority; not said means no.
    pub(super) authority: bool,
    /// What its key may be used for, if it says.
    pub(super) key_usage: Option<KeyUsage>,
    /// What for in particular, if it says.
    pub(super) purposes: Option<Purposes>,
    /// Which key of its issuer signed it, if it says.
    pub(super) signer: Option<&'a [u8]>,
    /// The content of its public key, `SubjectPublicKeyInfo`.
    pub(super) key: &'a [u8],
    names: Option<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    /// Reads it. Any extension that comes twice spoils it (RFC 5280 §4.2).
    pub(super) fn read(der: &'a [u8]) -> Result<Self, BadDer> {
        let mut outer = Reader::whole(der, SEQUENCE)?;
        let mut body = Reader::new(outer.value(SEQUENCE)?);
        outer.value(SEQUENCE)?;
        outer.value(BIT_STRING)?;
        outer.end()?;
        if body.value(constructed(0))? != [INTEGER, 1, 2] {
            return Err(BadDer);
        }
        let serial = body.value(INTEGER)?;
        body.value(SEQUENCE)?;
        let issuer = body.value(SEQUENCE)?;
        let mut validity = Reader::new(body.value(SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        validity.end()?;
        let subject = body.value(SEQUENCE)?;
        let key = body.value(SEQUENCE)?;
        let extensions = body.optional(constructed(3))?;
        body.end()?;
        let mut read = Self {
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            authority: false,
            key_usage: None,
            purposes: None,
            signer: None,
            key,
            names: None,
        };
        if let Some(extensions) = extensions {
            read.extend(Reader::whole(extensions, SEQUENCE)?)?;
        }
        Ok(read)
    }

    fn extend(&mut self, mut extensions: Reader<'a>) -> Result<(), BadDer> {
        let mut seen: smallvec::SmallVec<[&[u8]; 12]> = smallvec::SmallVec::new();
        while !extensions.is_empty() {
            let mut extension = Reader::new(extensions.value(SEQUENCE)?);
            let id = extension.value(OID)?;
            let critical = extension.flag()?;
            let value = extension.value(OCTET_STRING)?;
            extension.end()?;
            if seen.contains(&id) || seen.len() == EXTENSIONS_MAX {
                return Err(BadDer);
            }
            seen.push(id);
            match id.strip_prefix(&ID_CE) {
                Some([15]) => self.key_usage = Some(KeyUsage::read(value, critical)?),
                Some([17]) => self.names = Some(value),
                Some([19]) => self.authority = says_authority(value)?,
                Some([35]) => self.signer = key_identifier(value)?,
                Some([37]) => self.purposes = Some(Purposes::read(value)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whom it names besides its subject (RFC 5280 §4.2.1.6).
    pub(super) fn names(&self) -> Result<Names, NameFault> {
        self.names.map_or_else(|| Ok(Names::default()), Names::read)
    }
}

/// `keyIdentifier` of an authority key identifier (RFC 5280 §4.2.1.1): which of its keys an issuer signed with.
pub(super) fn key_identifier(value: &[u8]) -> Result<Option<&[u8]>, BadDer> {
    Reader::whole(value, SEQUENCE)?.optional(primitive(0))
}

/// `cA` of basic constraints; how long a path may become is for `webpki`.
fn says_authority(value: &[u8]) -> Result<bool, BadDer> {
    let mut constraints = Reader::whole(value, SEQUENCE)?;
    let authority = constraints.flag()?;
    constraints.optional(INTEGER)?;
    constraints.end()?;
    Ok(authority)
}
