//! What a text names: a network, an address, or addresses from one to another.

use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Addresses from one to another, both included. Those of version 4 that are written as version 6 are of version 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    V4(u32, u32),
    V6(u128, u128),
}

impl Range {
    /// Reads `192.0.2.0/24`, `192.0.2.7`, `192.0.2.7-192.0.2.9`. A network that is all there is is none: no list means it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.contains('/') {
            let network: IpNet = text.parse().ok()?;
            return Self::between(network.network(), network.broadcast()).filter(|_| network.prefix_len() > 0);
        }
        match text.split_once('-') {
            Some((first, last)) => Self::between(first.trim().parse().ok()?, last.trim().parse().ok()?),
            None => text.parse().ok().and_then(|address| Self::between(address, address)),
        }
    }

    /// The same, or an address with a port: `192.0.2.7:443`.
    pub(super) fn parse_with_port(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| text.parse().ok().and_then(|of: SocketAddr| Self::between(of.ip(), of.ip())))
    }

    fn between(first: IpAddr, last: IpAddr) -> Option<Self> {
        match (first.to_canonical(), last.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => Some(Self::V4(first.into(), last.into())),
            (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => Some(Self::V6(first.into(), last.into())),
            _ => None,
        }
    }
}
