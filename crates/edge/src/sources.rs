//! How many connections each source has open: one that opens more than its share leaves room for the others.
//!
//! A source is an IPv4 address or an IPv6 network of 64 bits, which is what one client gets (RFC 6177 §2). Counted when connections
//! begin and end, never on the way of a request. A source whose connections are given up again and again, because nothing comes or is
//! taken on them in time, gets fewer for a while: many slow ones cost as much as a few fast ones.

use ahash::AHashMap;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use wardgate_model::time::Time;

/// Connections of a source that may be given up within [`WINDOW`] before it gets fewer.
const SLOW_MAX: u32 = 20;
/// For how long they count.
const WINDOW: Duration = Duration::from_secs(60);
/// By what its share is divided then.
const SHARE: usize = 8;

/// What is known of a source that has a connection open.
#[derive(Debug, Default, Clone, Copy)]
struct Open {
    connections: usize,
    slow: u32,
    since: Time,
}

/// Open connections by source. As many entries as connections are open, at most.
#[derive(Debug, Default)]
pub struct Sources(Mutex<AHashMap<IpAddr, Open>>);

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
    /// Counts a connection from `peer`, unless its source has `max` already, or an eighth of that while it is a slow one.
    #[must_use]
    pub fn enter(self: &Arc<Self>, peer: IpAddr, max: usize, now: Time) -> Option<Entrance> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = all.get(&source(peer)).copied().unwrap_or_default();
        let slow = open.slow >= SLOW_MAX && now.since(open.since) < WINDOW && max != usize::MAX;
        if open.connections >= if slow { (max / SHARE).max(1) } else { max } {
            return None;
        }
        all.insert(source(peer), Open { connections: open.connections + 1, ..open });
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

    /// Counts that a connection of its source was given up: nothing came, or was taken, in time.
    pub fn slow(&self, now: Time) {
        let mut all = self.sources.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = all.get_mut(&source(self.peer)) {
            if now.since(open.since) >= WINDOW {
                (open.slow, open.since) = (0, now);
            }
            open.slow = open.slow.saturating_add(1);
        }
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        let mut all = self.sources.0.lock().unwrap_or_else(PoisonError::into_inner);
        let source = source(self.peer);
        if let Some(open) = all.get_mut(&source) {
            open.connections = open.connections.saturating_sub(1);
            if open.connections == 0 {
                all.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests;
