//! The entries of the log: one when a segment is sealed, one when segments are retired, one when something is erased.
//!
//! Text in lines, the first of which says which and of what version. A segment's entry has the root over its records, for ever,
//! and the hash of its file; an erasure's has the hash of the file that took its place. So nobody can put an older file back,
//! nor change a byte of a file that no reader looks at.

use crate::tree::{HASH_BYTES, Hash};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{fmt, str::FromStr};

/// An entry is at most so many bytes.
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// A reason is cut to so many bytes.
pub const REASON_BYTES_MAX: usize = 1024;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A segment was sealed.
    Segment {
        /// Whose events.
        edge: String,
        /// Number of the first.
        first_seq: u64,
        /// How many.
        events: u64,
        /// The least time of one, in microseconds since 1970.
        from_us: i64,
        /// The greatest.
        to_us: i64,
        /// The root over all records.
        root: Hash,
        /// SHA-256 of the file.
        file: Hash,
    },
    /// Segments were deleted because they are old enough.
    Retired {
        /// Whose events.
        edge: String,
        /// Number of the last event that is gone, with all before it.
        through_seq: u64,
        /// When, in microseconds since 1970.
        at_us: i64,
    },
    /// What tells of persons was taken out of a segment.
    Erasure {
        /// Whose events.
        edge: String,
        /// Number of the segment's first event.
        segment: u64,
        /// Of how many records.
        records: u64,
        /// When, in microseconds since 1970.
        at_us: i64,
        /// SHA-256 of the file that took the place of the one before.
        file: Hash,
        /// Why, in the words of whoever asked for it: one line.
        reason: String,
    },
}

/// An entry that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEntry {
    /// It is one of a later version.
    #[error("`{0}` is no entry that this version knows: written by a newer version")]
    Newer(String),
    /// It is none.
    #[error("it is no entry of an event log: the line `{0}` is missing or not as such a line is")]
    Malformed(&'static str),
}

const SEGMENT: &str = "wardgate-segment/1";
const RETIRED: &str = "wardgate-retired/1";
const ERASURE: &str = "wardgate-erasure/1";

impl Entry {
    /// The edge whose log it stands in.
    #[must_use]
    pub fn edge(&self) -> &str {
        match self {
            Self::Segment { edge, .. } | Self::Retired { edge, .. } | Self::Erasure { edge, .. } => edge,
        }
    }

    /// Reads an entry: exactly what [`fmt::Display`] writes.
    ///
    /// # Errors
    /// When it is of a later version, or none.
    pub fn parse(text: &[u8]) -> Result<Self, NoEntry> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= ENTRY_BYTES_MAX).ok_or(NoEntry::Malformed(SEGMENT))?;
        let mut lines = Lines(text);
        let entry = match lines.next_line().ok_or(NoEntry::Malformed(SEGMENT))? {
            SEGMENT => Self::Segment {
                edge: lines.field("edge")?,
                first_seq: lines.field("first")?,
                events: lines.field("events")?,
                from_us: lines.field("from")?,
                to_us: lines.field("to")?,
                root: lines.hash("root")?,
                file: lines.hash("file")?,
            },
            RETIRED => Self::Retired { edge: lines.field("edge")?, through_seq: lines.field("through")?, at_us: lines.field("at")? },
            ERASURE => Self::Erasure {
                edge: lines.field("edge")?,
                segment: lines.field("segment")?,
                records: lines.field("records")?,
                at_us: lines.field("at")?,
                file: lines.hash("file")?,
                reason: lines.field("reason")?,
            },
            other if other.starts_with("wardgate-") => return Err(NoEntry::Newer(other.chars().take(64).collect())),
            _ => return Err(NoEntry::Malformed(SEGMENT)),
        };
        // One text for one entry: no `+7`, no line more.
        if entry.to_string() == text { Ok(entry) } else { Err(NoEntry::Malformed("the last")) }
    }
}

struct Lines<'t>(&'t str);

impl<'t> Lines<'t> {
    fn next_line(&mut self) -> Option<&'t str> {
        let (line, rest) = self.0.split_once('\n')?;
        self.0 = rest;
        Some(line)
    }

    fn value(&mut self, name: &'static str) -> Result<&'t str, NoEntry> {
        let line = self.next_line().ok_or(NoEntry::Malformed(name))?;
        line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')).ok_or(NoEntry::Malformed(name))
    }

    fn field<T: FromStr>(&mut self, name: &'static str) -> Result<T, NoEntry> {
        self.value(name)?.parse().map_err(|_| NoEntry::Malformed(name))
    }

    fn hash(&mut self, name: &'static str) -> Result<Hash, NoEntry> {
        let bytes = STANDARD.decode(self.value(name)?).map_err(|_| NoEntry::Malformed(name))?;
        <[u8; HASH_BYTES]>::try_from(bytes).map(Hash).map_err(|_| NoEntry::Malformed(name))
    }
}

/// One line of what somebody wrote.
fn line(text: &str) -> String {
    let mut line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    line.truncate(line.floor_char_boundary(REASON_BYTES_MAX));
    line
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base64 = |hash: &Hash| STANDARD.encode(hash.0);
        match self {
            Self::Segment { edge, first_seq, events, from_us, to_us, root, file } => {
                let (edge, root, file) = (line(edge), base64(root), base64(file));
                write!(f, "{SEGMENT}\nedge {edge}\nfirst {first_seq}\nevents {events}\n")?;
                write!(f, "from {from_us}\nto {to_us}\nroot {root}\nfile {file}\n")
            }
            Self::Retired { edge, through_seq, at_us } => {
                write!(f, "{RETIRED}\nedge {}\nthrough {through_seq}\nat {at_us}\n", line(edge))
            }
            Self::Erasure { edge, segment, records, at_us, file, reason } => {
                let (edge, file, reason) = (line(edge), base64(file), line(reason));
                write!(f, "{ERASURE}\nedge {edge}\nsegment {segment}\nrecords {records}\nat {at_us}\nfile {file}\nreason {reason}\n")
            }
        }
    }
}

#[cfg(test)]
mod tests;
