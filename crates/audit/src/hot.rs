//! The tail of the log: records as they come, one frame each, in a file that is only appended to until it is sealed.
//!
//! A frame is `u32` length · mark · body · `u32` length, big-endian; a body is `u32` length of what is personal · (its salt and
//! itself, where there is any) · what is not. The length stands at both ends so that the newest can be read from the end, and so
//! that what follows a damaged frame is still found. The mark is the first four bytes of the record's leaf: it names a
//! damaged record. What proves is the tree.

use crate::{
    canonical::{Columned, Malformed, Personal, Record, SALT_BYTES, Salt},
    columns::{self, Value},
    plain,
    tree::Hash,
};
use std::{fmt, io, path::Path};

/// What a tail begins with.
pub const HEADER: &[u8; 16] = b"wardgate-tail/1\n";
/// Bytes of the longest tail that is read: one is full long before.
pub const TAIL_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of a mark.
pub const MARK_BYTES: usize = 4;
/// The first bytes of a leaf.
pub type Mark = [u8; MARK_BYTES];

const LENGTH_BYTES: usize = 4;
const AROUND_BODY: usize = 2 * LENGTH_BYTES + MARK_BYTES;

/// Name of a tail: `tail-FIRSTSEQ.wgl`. Ordered as the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TailName {
    /// Number of its first event.
    pub first_seq: u64,
}

impl TailName {
    /// Reads exactly what [`fmt::Display`] writes, so that no name leads out of the directory.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("tail-")?.strip_suffix(".wgl")?;
        if !(12..=20).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let name = Self { first_seq: digits.parse().ok()? };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for TailName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tail-{:012}.wgl", self.first_seq)
    }
}

/// The names of the tails, oldest first. Other files in the directory are none of ours.
/// # Errors
/// When the directory cannot be read.
pub fn names(directory: &Path) -> io::Result<Vec<TailName>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        names.extend(entry?.file_name().to_str().and_then(TailName::parse));
    }
    names.sort_unstable();
    Ok(names)
}

/// All that a tail's file holds.
///
/// # Errors
/// When it cannot be read, is no plain file, or is longer than any tail.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    plain::read(path, TAIL_BYTES_MAX)
}

/// The mark of a leaf.
pub(crate) fn mark(leaf: &Hash) -> Mark {
    let [a, b, c, d, ..] = leaf.0;
    [a, b, c, d]
}

/// Appends the frame of a row or an event, and gives its leaf.
pub(crate) fn push(out: &mut Vec<u8>, row: &impl Columned, salt: &Salt) -> Hash {
    let begin = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES + MARK_BYTES + LENGTH_BYTES]);
    let salted = out.len();
    out.extend_from_slice(salt);
    let personal = out.len();
    row.encode(true, out);
    let personal_bytes = out.len() - personal;
    if personal_bytes == 0 {
        out.truncate(salted);
    }
    let before = out.len();
    row.encode(false, out);
    let public_bytes = out.len() - before;
    let length = length_bytes(out.len() - begin - LENGTH_BYTES - MARK_BYTES);
    put(out, begin, &length);
    put(out, begin + LENGTH_BYTES + MARK_BYTES, &length_bytes(personal_bytes));
    let public = out.get(out.len() - public_bytes..).unwrap_or_default();
    let bytes = out.get(personal..personal + personal_bytes).unwrap_or_default();
    let personal = if bytes.is_empty() { Personal::Nothing } else { Personal::Clear { salt: *salt, bytes } };
    let leaf = Record { public, personal }.leaf();
    put(out, begin + LENGTH_BYTES, &mark(&leaf));
    out.extend_from_slice(&length);
    leaf
}

fn length_bytes(length: usize) -> [u8; LENGTH_BYTES] {
    // INVARIANT (cut): texts are cut before they get here; a record has a few kibibytes.
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

fn put<const N: usize>(out: &mut [u8], at: usize, bytes: &[u8; N]) {
    if let Some(place) = out.get_mut(at..at + N) {
        place.copy_from_slice(bytes);
    }
}

/// The parts of a body.
fn split(body: &[u8]) -> Option<Record<'_>> {
    let (length, rest) = body.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    if length == 0 {
        return Some(Record { public: rest, personal: Personal::Nothing });
    }
    let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
    let (bytes, public) = rest.split_at_checked(length)?;
    Some(Record { public, personal: Personal::Clear { salt: *salt, bytes } })
}

/// One frame of a tail.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'b> {
    /// The mark as it stands there.
    pub mark: Mark,
    /// What it holds.
    pub record: Record<'b>,
    /// Where the frame ends, in bytes from the begin of the file.
    pub end: usize,
}

impl Frame<'_> {
    /// The leaf of the record, when its mark is the one that stands there.
    #[must_use]
    pub fn leaf(&self) -> Option<Hash> {
        let leaf = self.record.leaf();
        (mark(&leaf) == self.mark).then_some(leaf)
    }

    /// What a column of whole numbers holds.
    pub(crate) fn number(&self, column: &str) -> Option<i64> {
        let row = self.record.row().ok()?;
        match row.into_iter().nth(columns::number(column)?)? {
            Some(Value::Int(number)) => Some(number),
            _ => None,
        }
    }
}

/// The frame that begins at a place.
pub(crate) fn frame_at(bytes: &[u8], at: usize) -> Option<Frame<'_>> {
    let rest = bytes.get(at..)?;
    let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>()?;
    let (mark, rest) = rest.split_first_chunk::<MARK_BYTES>()?;
    let size = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (body, rest) = rest.split_at_checked(size)?;
    let (again, _) = rest.split_first_chunk::<LENGTH_BYTES>()?;
    let record = split(body).filter(|_| again == length)?;
    Some(Frame { mark: *mark, record, end: at.checked_add(size)?.checked_add(AROUND_BODY)? })
}

/// The frame that ends at a place, and where it begins.
pub(crate) fn frame_before(bytes: &[u8], end: usize) -> Option<(usize, Frame<'_>)> {
    let head = bytes.get(..end)?;
    let (_, length) = head.split_last_chunk::<LENGTH_BYTES>()?;
    let size = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let begin = end.checked_sub(size.checked_add(AROUND_BODY)?).filter(|begin| *begin >= HEADER.len())?;
    frame_at(head, begin).map(|frame| (begin, frame))
}

/// What the bytes of a tail hold.
#[derive(Debug)]
pub struct Tail<'b> {
    bytes: &'b [u8],
    /// Where the last sound frame ends that is reached from the begin.
    pub whole: usize,
    /// Whether frames can be read behind the place where reading from the begin ended: damage, and no torn end.
    pub damaged: bool,
}

/// Why bytes are no tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTail {
    /// It begins with something else.
    #[error("it is no tail of an event log")]
    Foreign,
    /// It begins as a tail of another version does.
    #[error("it was written by a newer version")]
    Newer,
}

impl<'b> Tail<'b> {
    /// Looks through the frames of a tail. A file that ends within its header holds nothing.
    ///
    /// # Errors
    /// When it is no tail, or one of a newer version.
    pub fn read(bytes: &'b [u8]) -> Result<Self, NoTail> {
        if HEADER.starts_with(bytes) && bytes.len() < HEADER.len() {
            return Ok(Self { bytes, whole: 0, damaged: false });
        }
        if !bytes.starts_with(HEADER) {
            return Err(if bytes.starts_with(b"wardgate-tail/") { NoTail::Newer } else { NoTail::Foreign });
        }
        let mut whole = HEADER.len();
        while let Some(frame) = frame_at(bytes, whole) {
            whole = frame.end;
        }
        let damaged =
            whole < bytes.len() && frame_before(bytes, bytes.len()).is_some_and(|(begin, frame)| begin >= whole && frame.leaf().is_some());
        Ok(Self { bytes, whole, damaged })
    }

    /// The frames from the begin to where they can no longer be followed.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'b>> + use<'b> {
        let (bytes, whole) = (self.bytes, self.whole);
        let mut at = HEADER.len();
        std::iter::from_fn(move || {
            let frame = (at < whole).then(|| frame_at(bytes, at)).flatten()?;
            at = frame.end;
            Some(frame)
        })
    }

    /// The frames from the end of the file back to where reading from the begin ended, in their order. There are none but behind damage.
    #[must_use]
    pub fn behind_damage(&self) -> Vec<Frame<'b>> {
        let mut found = Vec::new();
        let mut end = if self.damaged { self.bytes.len() } else { self.whole };
        while end > self.whole
            && let Some((begin, frame)) = frame_before(self.bytes, end)
            && begin >= self.whole
        {
            found.push(frame);
            end = begin;
        }
        found.reverse();
        found
    }
}

/// The first number that the name of a tail's file says; `None`: it is the name of something else.
#[must_use]
pub fn first_seq(name: &str) -> Option<u64> {
    TailName::parse(name).map(|name| name.first_seq)
}

/// The records of a tail that can be read, in order, and in how many places there is something else. A record that is just being
/// written is not there yet.
///
/// # Errors
/// When the bytes are no tail, or one of a newer version: also where a record has a column that this version does not know.
pub fn records(bytes: &[u8]) -> Result<(Vec<Record<'_>>, u64), NoTail> {
    let tail = Tail::read(bytes)?;
    let (mut records, mut unread) = (Vec::new(), u64::from(tail.damaged));
    for frame in tail.frames().chain(tail.behind_damage()) {
        match frame.record.row() {
            Ok(_) => records.push(frame.record),
            Err(Malformed::UnknownColumn(_)) if frame.leaf().is_some() => return Err(NoTail::Newer),
            Err(_) => unread += 1,
        }
    }
    Ok((records, unread))
}

#[cfg(test)]
mod tests;
