//! How quotas outlive the process.
//!
//! A quota counter may be used up to the ceiling that was journaled last. When it gets there, the next block is written *before* it
//! is used: one small append to the page cache, which survives kill -9 (not the loss of power: nothing is synced before the end).
//! After kill -9 counters stand at their ceilings: a caller may lose the rest of a block (and what was under way), and never gains.
//! After a clean end they are exact.
//!
//! Why there is I/O in a crate of pure state machines: "written before it is used" is a step *within* the counting, so the counters
//! must be able to ask for it. They know the [`Journal`] trait alone; the file is behind it, here and nowhere else.

mod file;
mod record;

use crate::key::MeterKey;
use std::path::PathBuf;
use wardgate_model::time::Time;

pub use file::{FileJournal, Opened};

/// Where ceilings are written before they are used.
pub trait Journal: Send + Sync {
    /// Makes `ceiling` outlive the process, as the most that `key` may have used of the window that began at `window_start`.
    ///
    /// Called for one key by one thread at a time, for different keys at once.
    ///
    /// # Errors
    /// When it could not be written: nothing above the former ceiling may be used then.
    fn raise(&self, key: &MeterKey, window_start: Time, ceiling: u64) -> Result<(), JournalFault>;
}

/// A journal that keeps nothing: for `explain`, replays and tests, where counters end with the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unrecorded;

impl Journal for Unrecorded {
    fn raise(&self, _: &MeterKey, _: Time, _: u64) -> Result<(), JournalFault> {
        Ok(())
    }
}

/// What one counter stood at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterRecord {
    /// Of which meter.
    pub key: MeterKey,
    /// When its window began.
    pub window_start: Time,
    /// What was used of it (requests or bytes).
    pub used: u64,
}

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// The operating system refused.
    #[error("cannot {action} the quota journal `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("`{}` is no quota journal of this version: it does not begin with the words of one", .0.display())]
    Foreign(PathBuf),
    /// The file is larger than any journal grows.
    #[error("the quota journal `{}` has {bytes} bytes; at most {most} are read", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest that is read.
        most: u64,
    },
    /// Another process has it open.
    #[error("the quota journal `{}` is in use by another process", .0.display())]
    InUse(PathBuf),
    /// It was closed, or an earlier write left it unusable.
    #[error("the quota journal takes no more records: it was closed, or an earlier write to it failed half-way")]
    Closed,
    /// A name too long to be recorded.
    #[error("the key `{0}` is too long for the quota journal")]
    KeyTooLong(Box<str>),
}

#[cfg(test)]
mod tests;
