//! What a text names: a network, an address, or addresses from one to another.

use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The widest that a list names, less one: a /8 of version 4, a /16 of version 6. Wider ones would weigh on everybody.
const V4_MAX: u32 = (1 << 24) - 1;
const V6_MAX: u128 = (1 << 112) - 1;

/// Addresses from one to another, both included. Those of version 4 that are written as version 6 are of version 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    V4(u32, u32),
    V6(u128, u128),
}

impl Range {
    /// Reads `192.0.2.0/24`, `192.0.2.7`, `192.0.2.7-192.0.2.9`. What is wider than /8, or /16 of version 6, is none: no list means it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.contains('/') {
            let network: IpNet = text.parse().ok()?;
            return Self::between(network.network(), network.broadcast());
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
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                let (first, last) = (u32::from(first), u32::from(last));
                last.checked_sub(first).filter(|more| *more <= V4_MAX).map(|_| Self::V4(first, last))
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                let (first, last) = (u128::from(first), u128::from(last));
                last.checked_sub(first).filter(|more| *more <= V6_MAX).map(|_| Self::V6(first, last))
            }
            _ => None,
        }
    }
}
