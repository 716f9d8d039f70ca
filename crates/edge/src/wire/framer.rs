//! Messages one after another: heads and bodies of one connection, pipelined or not.

use super::{
    Refusal,
    chunk::ChunkReader,
    head::{Complete, Framing, HeadReader, Progress},
};
use crate::limits::EdgeLimits;

#[derive(Debug)]
enum At {
    Head(HeadReader),
    Length(u64),
    Chunked(ChunkReader),
    /// Behind a request to go over to another protocol, until that is answered.
    Held,
    /// Gone over.
    Tunnel,
}

/// Where a violation was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a request of which nothing has been passed on: all of it is refused.
    Request,
    /// In the body of a request whose beginning has been passed on.
    Body,
}

/// What became of a piece of the byte stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Passed {
    /// So many bytes, from the first, are good to be passed on. The rest is the beginning of a head, or refused.
    pub bytes: usize,
    /// So many heads are among them.
    pub heads: u64,
    /// What is wrong with the rest.
    pub violation: Option<(Place, Refusal)>,
}

/// Frames one connection's bytes. Bytes that it did not pass must be given again, with more behind them.
#[derive(Debug)]
pub struct Framer {
    at: At,
}

impl Default for Framer {
    fn default() -> Self {
        Self { at: At::Head(HeadReader::default()) }
    }
}

impl Framer {
    /// Whether it stands between two messages.
    #[must_use]
    pub fn is_between(&self) -> bool {
        matches!(&self.at, At::Head(head) if head.is_fresh())
    }

    /// Whether it stands in a body.
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        matches!(self.at, At::Length(_) | At::Chunked(_))
    }

    /// Whether nothing may pass until a request to go over to another protocol is answered: [`Framer::settle`].
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.at, At::Held)
    }

    /// Whether it has gone over to another protocol: everything passes.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        matches!(self.at, At::Tunnel)
    }

    /// Goes on after such an answer: with bytes of the other protocol when it was `agreed` on, else with the next request.
    pub fn settle(&mut self, agreed: bool) {
        self.at = if agreed { At::Tunnel } else { At::Head(HeadReader::default()) };
    }

    /// Method and target of the head under way, as far as they were read.
    #[must_use]
    pub fn request<'a>(&self, bytes: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        match &self.at {
            At::Head(head) => (head.method(bytes), head.target(bytes)),
            At::Length(_) | At::Chunked(_) | At::Held | At::Tunnel => (&[], &[]),
        }
    }

    /// Reads `bytes`, which begin where the last call stopped passing.
    pub fn read(&mut self, bytes: &[u8], limits: &EdgeLimits) -> Passed {
        let mut passed = Passed { bytes: 0, heads: 0, violation: None };
        // Where the last head of this piece begins, and how many were passed before it.
        let mut head_at: Option<(usize, u64)> = None;
        while passed.bytes < bytes.len() {
            let rest = bytes.get(passed.bytes..).unwrap_or_default();
            match &mut self.at {
                At::Head(head) => match head.read(rest, limits) {
                    Ok(Progress::Partial) => return passed,
                    Ok(Progress::Complete(Complete { bytes, framing, upgrade })) => {
                        head_at = Some((passed.bytes, passed.heads));
                        passed.bytes += bytes;
                        passed.heads += 1;
                        self.at = match framing {
                            Framing::Length(0) if upgrade => At::Held,
                            Framing::Length(0) => At::Head(HeadReader::default()),
                            Framing::Length(length) => At::Length(length),
                            Framing::Chunked => At::Chunked(ChunkReader::default()),
                        };
                    }
                    Err(refusal) => {
                        passed.violation = Some((Place::Request, refusal));
                        return passed;
                    }
                },
                At::Held => return passed,
                At::Tunnel => passed.bytes = bytes.len(),
                At::Length(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= here as u64;
                    passed.bytes += here;
                    if *left == 0 {
                        self.at = At::Head(HeadReader::default());
                    }
                }
                At::Chunked(chunks) => match chunks.read(rest, limits) {
                    Ok(here) => {
                        passed.bytes += here;
                        if chunks.is_done() {
                            self.at = At::Head(HeadReader::default());
                        }
                    }
                    Err((good, refusal)) => {
                        passed.bytes += good;
                        passed.violation = Some((Place::Body, refusal));
                        if let Some((start, heads)) = head_at {
                            passed = Passed { bytes: start, heads, violation: Some((Place::Request, refusal)) };
                        }
                        return passed;
                    }
                },
            }
        }
        passed
    }
}

#[cfg(test)]
mod tests;
