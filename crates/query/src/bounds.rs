//! How much a question may take. Every bound is finite.

use std::{num::NonZeroUsize, time::Duration};

/// Bytes of a question at most.
pub const SQL_BYTES_MAX: usize = 64 * 1024;
/// Words and signs of a question at most: what goes deep has many.
pub const SQL_TOKENS_MAX: usize = 8192;
/// Stack of the thread that plans, in bytes: what is nested in a question is nested in its plan. It is taken only as it is used.
pub const STACK_BYTES: usize = 1 << 30;
/// Stack of the threads that compute, in bytes.
pub const WORKER_STACK_BYTES: usize = 64 << 20;
/// Bytes of an answer at least, where a question may take less memory than that.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;
/// What the process as a whole may hold beside twice the memory of a question: the program itself and the hot tail.
pub const BESIDE_BYTES: usize = 512 << 20;

/// What one question may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Time from beginning to end.
    pub time: Duration,
    /// Memory for sorting, grouping and joining, in MiB.
    pub memory_mib: usize,
    /// Rows of the answer; there may be more, and then it says so.
    pub rows: usize,
    /// Threads that compute.
    pub threads: NonZeroUsize,
}

impl Bounds {
    /// Memory for sorting, grouping and joining, in bytes.
    #[must_use]
    pub const fn memory_bytes(&self) -> usize {
        self.memory_mib.saturating_mul(1 << 20)
    }

    /// How long the answer may be, in bytes, as the engine holds it and as it is written.
    #[must_use]
    pub fn answer_bytes(&self) -> usize {
        ANSWER_BYTES_MAX.max(self.memory_bytes())
    }

    /// What the process as a whole may hold, in bytes. More ends it.
    #[must_use]
    pub const fn process_bytes(&self) -> usize {
        self.memory_bytes().saturating_mul(2).saturating_add(BESIDE_BYTES)
    }
}
