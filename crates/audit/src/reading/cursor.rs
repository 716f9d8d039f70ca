//! Where a page of the log ends, and the next one begins.

use crate::hot::TailName;
use std::fmt;

/// A place in the log, behind an event. Printed and read as `SEQ` or, where the next one is in the tail, `SEQ:TAIL:OFFSET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cursor {
    /// Number of the event.
    pub(super) seq: u64,
    /// Where the next one is expected: a tail, and bytes from its begin. Only saves looking.
    pub(super) next: Option<(TailName, u64)>,
}

impl Cursor {
    /// Behind an event, by its number.
    #[must_use]
    pub const fn after(seq: u64) -> Self {
        Self { seq, next: None }
    }

    /// Reads `SEQ` or `SEQ:TAIL:OFFSET`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (seq, tail, offset) = (parts.next()?, parts.next(), parts.next());
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let next = match (tail, offset, parts.next()) {
            (None, None, None) => None,
            (Some(tail), Some(offset), None) => Some((TailName { first_seq: number(tail)? }, number(offset)?)),
            _ => return None,
        };
        Some(Self { seq: number(seq)?, next })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.next {
            None => write!(f, "{}", self.seq),
            Some((tail, offset)) => write!(f, "{}:{}:{offset}", self.seq, tail.first_seq),
        }
    }
}
