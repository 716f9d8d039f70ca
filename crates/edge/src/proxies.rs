//! Proxies in front of us that are trusted to say from where a request comes (RFC 7239, and `X-Forwarded-For`).
//!
//! Of the addresses that a request came by, the right-most one that is no trusted proxy is its source: further left anybody may
//! have written anything. Whoever is not trusted is not listened to at all.

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Hops that are looked at, from the right.
const HOPS_MAX: usize = 32;

/// The networks of trusted proxies.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Arc<[IpNet]>);

/// From where a request comes, as far as it can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// Whether it came to the first of the trusted proxies by TLS, where one says so.
    pub tls: Option<bool>,
    /// Whether a trusted proxy passes it on for somebody: what it shows of itself is not the caller's.
    pub relayed: bool,
}

/// What a trusted proxy passes on has no one meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// Two accounts contradict each other: one of them is the client's own.
    #[error("`Forwarded` and `X-Forwarded-For` disagree")]
    Disagree,
    /// A hop that a trusted proxy tells of has no address: `unknown`, a hidden name, or what cannot be read. To take the proxy for the
    /// source would give whoever it is the proxy's zones and networks.
    #[error("a hop that a trusted proxy tells of has no address")]
    Nobody,
    /// A quote has no end: whoever wrote it would hide what a proxy wrote behind it, and be taken for the proxy.
    #[error("a quote in `Forwarded` has no end")]
    Quote,
}

impl Proxies {
    /// These networks.
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Whether an address is that of a trusted proxy.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        !self.0.is_empty() && self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// From where a request of `peer` comes.
    ///
    /// # Errors
    /// When both fields are there and do not agree, a hop has no address, or `Forwarded` cannot be taken apart.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Source, Unclear> {
        let peer = peer.to_canonical();
        if !self.trust(peer) {
            return Ok(Source { address: peer, tls: None, relayed: false });
        }
        if headers.get_all(header::FORWARDED).iter().any(|value| value.as_bytes().iter().filter(|byte| **byte == b'"').count() % 2 == 1) {
            return Err(Unclear::Quote);
        }
        let forwarded = headers
            .contains_key(header::FORWARDED)
            .then(|| self.walk(peer, elements(headers).map(|element| node(parameter(element, "for")?))))
            .transpose()?;
        let listed = headers.contains_key(X_FORWARDED_FOR).then(|| self.walk(peer, items(headers).map(address))).transpose()?;
        let address = match (forwarded, listed) {
            (Some(forwarded), Some(listed)) if forwarded != listed => return Err(Unclear::Disagree),
            (Some(address), _) | (None, Some(address)) => address,
            (None, None) => peer,
        };
        Ok(Source { address, tls: proto(headers), relayed: forwarded.is_some() || listed.is_some() })
    }

    /// Goes back hop by hop, from the right, for as long as who tells of a hop is trusted.
    fn walk(&self, peer: IpAddr, hops: impl DoubleEndedIterator<Item = Option<IpAddr>>) -> Result<IpAddr, Unclear> {
        let mut source = peer;
        for hop in hops.rev().take(HOPS_MAX) {
            source = hop.ok_or(Unclear::Nobody)?.to_canonical();
            if !self.trust(source) {
                return Ok(source);
            }
        }
        Ok(source)
    }
}

/// The elements of `X-Forwarded-For`, left to right.
fn items(headers: &HeaderMap) -> impl DoubleEndedIterator<Item = &str> {
    headers.get_all(X_FORWARDED_FOR).iter().collect::<Vec<_>>().into_iter().flat_map(|value| {
        // A value that is no text hides what stands before it too.
        value.to_str().unwrap_or("?").split(',').map(str::trim)
    })
}

/// The elements of `Forwarded`, left to right. Quoted commas do not part them.
fn elements(headers: &HeaderMap) -> impl DoubleEndedIterator<Item = &str> {
    headers.get_all(header::FORWARDED).iter().collect::<Vec<_>>().into_iter().flat_map(|value| {
        // INVARIANT (quotes): each has its end, or nobody comes here.
        let mut quoted = false;
        let parts: Vec<&str> = value
            .to_str()
            .unwrap_or("?")
            .split(|c: char| {
                quoted ^= c == '"';
                c == ',' && !quoted
            })
            .collect();
        parts.into_iter().map(str::trim)
    })
}

/// One parameter of an element, exactly once (RFC 7239 §4).
fn parameter<'a>(element: &'a str, wanted: &str) -> Option<&'a str> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case(wanted) && found.replace(value.trim()).is_some() {
            return None;
        }
    }
    found
}

/// `for`: an address, in quotes where it has a port or is IPv6 (§6). Obfuscated names and `unknown` are no addresses.
fn node(value: &str) -> Option<IpAddr> {
    match value.strip_prefix('"') {
        Some(rest) => address(rest.strip_suffix('"')?),
        None => value.parse::<std::net::Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// An address as proxies write it: bare, or in brackets, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::V6))
}

/// What the trusted proxies say of TLS: the left-most element that the nearest of them wrote is its own word alone, so only one element counts.
fn proto(headers: &HeaderMap) -> Option<bool> {
    let mut values = headers.get_all(X_FORWARDED_PROTO).iter();
    let said = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok()?,
        (None, _) => parameter(elements(headers).next_back()?, "proto")?,
        (Some(_), Some(_)) => return None,
    };
    match said {
        "https" | "\"https\"" => Some(true),
        "http" | "\"http\"" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
