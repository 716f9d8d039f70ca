//! Whom a certificate names: its subject alternative names (RFC 5280 §4.2.1.6). The subject's common name counts nowhere
//! (RFC 9525 §2).

use super::der::{BadDer, Reader, SEQUENCE, constructed, primitive};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Most alternative names of a certificate, of every kind together.
pub const NAMES_MAX: usize = 100;
/// Most bytes of one of them; what a SPIFFE id may have (SPIFFE-ID §2.3).
pub const NAME_BYTES_MAX: usize = 2048;

const EMAIL: u8 = primitive(1);
const DNS: u8 = primitive(2);
const URI: u8 = primitive(6);
const ADDRESS: u8 = primitive(7);
/// otherName, x400Address, directoryName, ediPartyName, registeredID.
const OTHERS: [u8; 5] = [constructed(0), constructed(3), constructed(4), constructed(5), primitive(8)];

/// Why alternative names are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameFault {
    /// They cannot be read, or one is of characters that no such name has.
    Unreadable,
    /// There are more than [`NAMES_MAX`].
    TooMany,
}

impl From<BadDer> for NameFault {
    fn from(_: BadDer) -> Self {
        Self::Unreadable
    }
}

/// The alternative names of a certificate, in the one form in which they are compared: byte by byte. There are no patterns: a
/// certificate for `*.example.com` is for nobody else than the one on record as `*.example.com`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Names of hosts, in lower case.
    pub dns: Vec<Box<str>>,
    /// URIs, as they stand there.
    pub uris: Vec<Box<str>>,
    /// Addresses of mail, what follows the `@` in lower case.
    pub emails: Vec<Box<str>>,
    /// IP addresses.
    pub addresses: Vec<IpAddr>,
}

impl Names {
    /// Reads them. Kinds that nobody is known by here (directory names, registered ids, names of other standards) are passed over.
    pub(super) fn read(value: &[u8]) -> Result<Self, NameFault> {
        let mut reader = Reader::whole(value, SEQUENCE)?;
        let (mut names, mut count) = (Self::default(), 0);
        while !reader.is_empty() {
            count += 1;
            if count > NAMES_MAX {
                return Err(NameFault::TooMany);
            }
            let (tag, value) = reader.any()?;
            match tag {
                EMAIL => names.emails.push(email(text(value)?)),
                DNS => names.dns.push(dns(text(value)?)),
                URI => names.uris.push(text(value)?.into()),
                ADDRESS => names.addresses.push(address(value)?),
                other if OTHERS.contains(&other) => {}
                _ => return Err(NameFault::Unreadable),
            }
        }
        if count == 0 { Err(NameFault::Unreadable) } else { Ok(names) }
    }

    /// Each name as bindings write it: its kind before it, as [`subject`] reads it.
    pub fn subjects(&self) -> impl Iterator<Item = Box<str>> {
        let dns = self.dns.iter().map(|name| format!("dns:{name}"));
        let uris = self.uris.iter().map(|name| format!("uri:{name}"));
        let emails = self.emails.iter().map(|name| format!("email:{name}"));
        let addresses = self.addresses.iter().map(|name| format!("ip:{name}"));
        dns.chain(uris).chain(emails).chain(addresses).map(Into::into)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dns.is_empty() && self.uris.is_empty() && self.emails.is_empty() && self.addresses.is_empty()
    }
}

/// The name of a host as it is compared (RFC 5280 §7.2): in lower case.
#[must_use]
pub fn dns(text: &str) -> Box<str> {
    text.to_ascii_lowercase().into()
}

/// An address of mail as it is compared (RFC 5280 §7.5): what names the host in lower case, the rest as it stands.
#[must_use]
pub fn email(text: &str) -> Box<str> {
    match text.rsplit_once('@') {
        Some((local, host)) => format!("{local}@{}", host.to_ascii_lowercase()).into(),
        None => text.into(),
    }
}

/// Why a text names nobody that a certificate could name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// It does not say which kind of name it is.
    #[error("the name of a certificate's holder begins with `dns:`, `uri:`, `email:` or `ip:`")]
    Kind,
    /// What follows is no name of that kind.
    #[error("a name in a certificate has 1 to {NAME_BYTES_MAX} visible characters of ASCII, and an address is an IP address")]
    Name,
    /// It is a SPIFFE id, for which only its trust domain vouches.
    #[error("a SPIFFE id is bound with a trust source of type `spiffe`")]
    SpiffeId,
}

/// Reads a name as somebody of ours wrote it, `dns:X.example`, and gives it in the form in which it is compared: `dns:x.example`.
///
/// # Errors
/// When no certificate could name anybody so.
pub fn subject(written: &str) -> Result<Box<str>, SubjectError> {
    let (kind, name) = written.split_once(':').ok_or(SubjectError::Kind)?;
    let readable = || text(name.as_bytes()).map_err(|_| SubjectError::Name);
    let name = match kind {
        "dns" => dns(readable()?),
        "email" => email(readable()?),
        "uri" if is_spiffe(name) => return Err(SubjectError::SpiffeId),
        "uri" => readable()?.into(),
        "ip" => name.parse::<IpAddr>().map_err(|_| SubjectError::Name)?.to_string().into(),
        _ => return Err(SubjectError::Kind),
    };
    Ok(format!("{kind}:{name}").into())
}

/// Whether a URI means to be a SPIFFE id.
pub(super) fn is_spiffe(uri: &str) -> bool {
    uri.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("spiffe:"))
}

/// An IA5String without what cannot be seen: a name with a NUL or a line feed in it is meant to be read in two ways.
fn text(value: &[u8]) -> Result<&str, NameFault> {
    let readable = !value.is_empty() && value.len() <= NAME_BYTES_MAX && value.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(value).ok().filter(|_| readable).ok_or(NameFault::Unreadable)
}

fn address(value: &[u8]) -> Result<IpAddr, NameFault> {
    if let Ok(four) = <[u8; 4]>::try_from(value) {
        return Ok(Ipv4Addr::from(four).into());
    }
    <[u8; 16]>::try_from(value).map(|sixteen| Ipv6Addr::from(sixteen).into()).map_err(|_| NameFault::Unreadable)
}
