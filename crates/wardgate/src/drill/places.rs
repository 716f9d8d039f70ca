//! Where a rehearsal sends from. On this machine Linux lets anybody send from any address of 127.0.0.0/8: each is a place of its own to the
//! gate, by its first three numbers.

use std::net::{IpAddr, Ipv4Addr};

/// Addresses to send from.
#[derive(Debug, Clone)]
pub(super) enum Places {
    /// As many as are wanted, all of this machine; which, the number says.
    Made(u8),
    /// Those that were named.
    Named(Vec<IpAddr>),
    /// The one that there is.
    One,
}

impl Places {
    /// Those for a gate at an address: the ones that were named, else as many as there can be.
    pub(super) fn of(gate: IpAddr, named: Vec<IpAddr>, seed: u64) -> Self {
        if !named.is_empty() {
            return Self::Named(named);
        }
        match gate {
            // 127.64.0.0 and up: nothing else is usually there.
            IpAddr::V4(address) if address.is_loopback() && cfg!(target_os = "linux") => {
                Self::Made(64 + u8::try_from(seed % 64).unwrap_or_default())
            }
            _ => Self::One,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Made(_) => 250 * 250,
            Self::Named(named) => named.len(),
            Self::One => 1,
        }
    }

    /// The address of a place; the first is home. `None`: the one that there is.
    pub(super) fn at(&self, number: usize) -> Option<IpAddr> {
        match self {
            Self::Made(second) => {
                let third = u8::try_from(number % 250).unwrap_or_default();
                let more = u8::try_from(number / 250 % 64).unwrap_or_default();
                Some(Ipv4Addr::new(127, second.wrapping_add(more).max(2), third, 20).into())
            }
            Self::Named(named) => named.get(number % named.len().max(1)).copied(),
            Self::One => None,
        }
    }
}

/// Numbers by chance, the same for the same seed (Steele et al., SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// In an order by chance.
    pub(super) fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let other = usize::try_from(self.below(at as u64 + 1)).unwrap_or_default();
            all.swap(at, other);
        }
    }
}
