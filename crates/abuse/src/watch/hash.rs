//! Names as small numbers, keyed: nobody outside can make two names that are one here.

use siphasher::sip::SipHasher13;

/// What names are hashed with. Kept with what was learned: under another key all of it would be strange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub [u64; 2]);

impl Default for HashKey {
    /// A key that everybody knows: for replays and tests, where the same traffic has to give the same numbers.
    fn default() -> Self {
        Self([0x7761_7264_6761_7465, 0x7369_676e_616c_7331])
    }
}

/// What a name is one of: the same name as something else is another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Api = 1,
    Operation,
    Zone,
    Network,
    /// A TLS fingerprint.
    Hello,
    UserAgent,
    Owner,
    Flow,
    Resource,
}

impl HashKey {
    /// The number of a name.
    #[inline(never)]
    pub(super) fn of(self, what: Of, name: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.0[0] ^ what as u64, self.0[1]).hash(name)
    }

    /// The number of a name that belongs to what has a number already.
    pub(super) fn within(self, outer: u64, name: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.0[0], self.0[1] ^ outer).hash(name)
    }

    /// The number of a name, short.
    pub(super) fn short(self, what: Of, name: &[u8]) -> u32 {
        short(self.of(what, name))
    }
}

/// A number, short. Never 0, which stands for nothing.
pub(super) fn short(long: u64) -> u32 {
    u32::try_from((long ^ (long >> 32)) & 0xFFFF_FFFF).unwrap_or(0).max(1)
}
