//! Names as small numbers, keyed: nobody outside can make two names that are one here.

use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// What names are hashed with. Kept with what was learned: under another key all of it would be strange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub [u64; 2]);

impl Default for HashKey {
    /// A key that everybody knows: for replays and tests, where the same traffic has to give the same numbers.
    fn default() -> Self {
        Self([0x7761_7264_6761_7465, 0x7369_676e_616c_7331])
    }
}

impl HashKey {
    /// The number of some parts.
    pub(super) fn of(self, parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.0[0], self.0[1]);
        for part in parts {
            hasher.write(part);
            hasher.write_u8(0xFF);
        }
        hasher.finish()
    }

    /// The same, short. Never 0, which stands for nothing.
    pub(super) fn short(self, parts: &[&[u8]]) -> u32 {
        let long = self.of(parts);
        u32::try_from((long ^ (long >> 32)) & 0xFFFF_FFFF).unwrap_or(0).max(1)
    }
}
