//! How many connections each source has open: one that opens more than its share leaves room for the others.
//!
//! A source is an IPv4 address or an IPv6 network of 64 bits, which is what one client gets (RFC 6177 §2). Counted when connections
//! begin and end, never on the way of a request.

use ahash::AHashMap;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Open connections by source. As many entries as connections are open, at most.
#[derive(Debug, Default)]
pub struct Sources(Mutex<AHashMap<IpAddr, usize>>);

/// One connection of a source, counted until it is dropped.
#[derive(Debug)]
pub struct Entrance {
    sources: Arc<Sources>,
    peer: IpAddr,
}

/// The source that an address counts for.
fn source(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

impl Sources {
    /// Counts a connection from `peer`, unless its source has `max` already.
    #[must_use]
    pub fn enter(self: &Arc<Self>, peer: IpAddr, max: usize) -> Option<Entrance> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(&source(peer)).copied().unwrap_or(0);
        if count >= max {
            return None;
        }
        open.insert(source(peer), count + 1);
        Some(Entrance { sources: Arc::clone(self), peer })
    }

    /// How many sources have a connection open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Entrance {
    /// The peer's address.
    #[must_use]
    pub fn peer(&self) -> IpAddr {
        self.peer
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        let mut open = self.sources.0.lock().unwrap_or_else(PoisonError::into_inner);
        let source = source(self.peer);
        if let Some(count) = open.get_mut(&source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests;
