//! How much of the disk the log may take, and who still finds room when it is nearly all taken.
//!
//! What is refused can be had by anybody as fast as the wire carries it, so it may fill three quarters; what is permitted
//! fills the rest. What operators do has a little room beyond: they must be able to act when the log is at its cap.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use wardgate_model::event::Share;

/// Bytes beyond the cap that only operators' deeds are given.
pub(crate) const OPERATORS_BYTES: u64 = 64 * 1024 * 1024;

/// What to do about a log that is full.
pub const WAY_OUT: &str = "raise `audit.bytes_max`, keep less long (`audit.retain`), or have segments lie in a bucket (`audit.segments`)";

/// How full the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Fullness {
    /// There is room for everything.
    #[default]
    Roomy,
    /// Over three quarters: refusals are counted and not recorded.
    Pressed,
    /// At the cap: only what operators do is recorded.
    Full,
}

/// The cap, and what is taken of it.
#[derive(Debug)]
pub(crate) struct Cap {
    bytes_max: u64,
    bytes: AtomicU64,
    told: AtomicU8,
}

impl Default for Cap {
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}

impl Cap {
    pub(crate) const fn new(bytes_max: u64) -> Self {
        Self { bytes_max, bytes: AtomicU64::new(0), told: AtomicU8::new(0) }
    }

    pub(crate) const fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Bytes on disk when the log last looked.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether an event finds room. The queue may go over it by what it holds.
    pub(crate) fn admits(&self, share: Share) -> bool {
        let most = match share {
            Share::Half => self.bytes_max - self.bytes_max / 4,
            Share::Whole => self.bytes_max,
            Share::Operators => self.bytes_max.saturating_add(OPERATORS_BYTES),
        };
        self.bytes() < most
    }

    pub(crate) fn fullness(&self) -> Fullness {
        match (self.admits(Share::Half), self.admits(Share::Whole)) {
            (true, _) => Fullness::Roomy,
            (false, true) => Fullness::Pressed,
            (false, false) => Fullness::Full,
        }
    }

    /// Notes what is on disk; says so when that changes what is recorded.
    pub(crate) fn note(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
        let fullness = self.fullness();
        let (now, bytes_max) = (fullness as u8, self.bytes_max);
        if self.told.swap(now, Ordering::Relaxed) == now {
            return;
        }
        match fullness {
            Fullness::Roomy => tracing::info!(bytes, bytes_max, "the event log has room again"),
            Fullness::Pressed => {
                tracing::warn!(bytes, bytes_max, "the event log is over three quarters of its cap: refusals are only counted; {WAY_OUT}");
            }
            Fullness::Full => {
                tracing::error!(
                    bytes,
                    bytes_max,
                    "the event log is at its cap: requests are refused where a record is required; {WAY_OUT}"
                );
            }
        }
    }
}
