//! What is fetched: an address, read once and strictly.

use http::uri::PathAndQuery;
use std::{fmt, net::IpAddr};

/// Longest address, in bytes.
pub const TARGET_BYTES_MAX: usize = 2_048;
/// Longest name of a host (RFC 1035 §2.3.4), in bytes.
const HOST_BYTES_MAX: usize = 253;
/// Longest label of such a name, in bytes.
const LABEL_BYTES_MAX: usize = 63;

/// How it is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Under TLS.
    Https,
    /// In clear text: only ever to this machine itself, and only where its network is named.
    Http,
}

impl Scheme {
    const fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Https => "https",
            Self::Http => "http",
        })
    }
}

/// Whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, in small letters.
    Name(Box<str>),
    /// An address.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// An address that can be fetched: scheme, host, port, path and query; no user, no password, no fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    scheme: Scheme,
    host: Host,
    port: u16,
    /// Begins with `/`.
    path: Box<str>,
}

/// Why a text is no address that can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetFault {
    /// Too long.
    #[error("it has more than {TARGET_BYTES_MAX} bytes")]
    Long,
    /// Another scheme, or none.
    #[error("write `https://HOST[:PORT]/PATH`")]
    Scheme,
    /// `user:password@`.
    #[error("user and password do not belong to it")]
    User,
    /// A fragment.
    #[error("`#` does not belong to it")]
    Fragment,
    /// The host is none.
    #[error("its host is neither a name nor an address")]
    Host,
    /// The port is none.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// The path or the query has what does not belong there.
    #[error("its path has a character that must be percent-encoded")]
    Path,
}

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TargetFault> {
        if text.len() > TARGET_BYTES_MAX {
            return Err(TargetFault::Long);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(_) | None => return Err(TargetFault::Scheme),
        };
        if rest.contains('#') {
            return Err(TargetFault::Fragment);
        }
        // A backslash is a slash to some readers and a character to others: it is neither here.
        if rest.contains('\\') {
            return Err(TargetFault::Path);
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(TargetFault::User);
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None => scheme.port(),
            Some(digits) => read_port(digits)?,
        };
        Ok(Self { scheme, host: read_host(host)?, port, path: read_path(path)? })
    }

    /// How it is carried.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whose it is.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, as sent.
    #[must_use]
    pub const fn path(&self) -> &str {
        &self.path
    }

    /// What `Host` says (RFC 9110 §7.2).
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.port() { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Whether the other is at the same origin (RFC 6454 §4): scheme, host and port.
    #[must_use]
    pub fn same_origin(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host == other.host && self.port == other.port
    }

    /// The target that a `Location` of an answer from here names (RFC 9110 §10.2.2): an address, or a path from the root.
    ///
    /// # Errors
    /// When it is neither.
    pub fn join(&self, location: &str) -> Result<Self, TargetFault> {
        match location {
            path if path.starts_with('/') && !path.starts_with("//") => {
                Self::parse(&format!("{}://{}{path}", self.scheme, self.authority()))
            }
            address => Self::parse(address),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.path)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), TargetFault> {
    if let Some(inner) = authority.strip_prefix('[') {
        let (address, after) = inner.split_once(']').ok_or(TargetFault::Host)?;
        let whole = authority.get(..address.len() + 2).ok_or(TargetFault::Host)?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((whole, Some(port))),
            None if after.is_empty() => Ok((whole, None)),
            None => Err(TargetFault::Host),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn read_port(digits: &str) -> Result<u16, TargetFault> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = if plain { digits.parse().unwrap_or(0) } else { 0 };
    if port == 0 { Err(TargetFault::Port) } else { Ok(port) }
}

fn read_host(text: &str) -> Result<Host, TargetFault> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse().map(|address| Host::Address(IpAddr::V6(address))).map_err(|_| TargetFault::Host);
    }
    if let Ok(address) = text.parse() {
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // `2130706433`, `0x7f.1` and `127.1` are addresses to some resolvers: a name does not end in a number.
    let last = text.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    if text.len() > HOST_BYTES_MAX || number || !text.split('.').all(label) {
        return Err(TargetFault::Host);
    }
    Ok(Host::Name(text.to_ascii_lowercase().into()))
}

fn read_path(text: &str) -> Result<Box<str>, TargetFault> {
    let path = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'^' | b'|'));
    match PathAndQuery::try_from(path.as_str()) {
        Ok(read) if plain && read.as_str() == path => Ok(path.into()),
        Ok(_) | Err(_) => Err(TargetFault::Path),
    }
}

#[cfg(test)]
mod tests;
