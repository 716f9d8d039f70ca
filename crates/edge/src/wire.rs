//! The wire guard: HTTP/1 read byte by byte, before the HTTP engine sees it (RFC 9112).
//!
//! [`head`] reads a request head, [`chunk`] a chunked body, [`framer`] puts messages one after another, [`guard`]
//! stands between socket and engine. The first three are pure: bytes in, progress or refusal out. For HTTP/2 the engine reads
//! itself: [`frames`] bounds what may come, [`http2`] looks at heads again.
//!
//! INVARIANT (sole author): whatever the engine would answer 400 to by itself has been refused here before.

pub mod chunk;
pub mod framer;
pub mod frames;
pub mod guard;
pub mod head;
pub mod http2;

use wardgate_model::reason::Reason;

/// Why bytes were refused: for the answer, the event and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The reason in the one table.
    pub reason: Reason,
    /// What is wrong, for people.
    pub detail: &'static str,
    /// In which line of the head, from 1; 0 where a line says nothing.
    pub line: u32,
}

impl Refusal {
    /// A refusal of a line of the head.
    #[must_use]
    pub const fn new(reason: Reason, detail: &'static str, line: u32) -> Self {
        Self { reason, detail, line }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.detail)?;
        if self.line > 0 { write!(f, " (line {} of the head)", self.line) } else { Ok(()) }
    }
}
