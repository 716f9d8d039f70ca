//! Finding events again: the newest of them, those after a place, or the one of a request.
//!
//! Lines that cannot be read (damage, a line still being written) are passed over and counted, never an error.

use crate::{
    directory::{Day, FileName, names},
    event_v1::EventV1,
    lines::{ReverseLines, whole_length},
};
use std::{
    fmt,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};
use wardgate_model::{id::RequestId, time::Time};

/// Bytes that one call of [`tail`] reads at most, from a cursor on.
const PAGE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of files that [`Since::Newest`] goes back at most, the file in which it ends counted whole.
const BACK_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the audit log `{}` cannot be read: {source}", .path.display())]
pub struct ReadError {
    path: PathBuf,
    source: io::Error,
}

/// Which events are wanted. Every member that is set must fit; none set: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Id of the identity.
    pub identity: Option<Box<str>>,
    /// Name of the API.
    pub api: Option<Box<str>>,
    /// Code of the deciding reason, `room.cause`, or a room alone.
    pub code: Option<Box<str>>,
    /// `allow`, `slow`, `challenge` or `block`.
    pub response: Option<Box<str>>,
    /// Name of an API of which requests that were allowed and only read (classes `read` and `list`) are not wanted. Who
    /// follows the log through an API of ours would otherwise read for ever that it reads.
    pub without_reads_of: Option<Box<str>>,
}

impl Filter {
    /// Whether the event is wanted.
    #[must_use]
    pub fn admits(&self, event: &EventV1<'_>) -> bool {
        let fits = |wanted: &Option<Box<str>>, is: Option<&str>| wanted.as_deref().is_none_or(|wanted| is == Some(wanted));
        let code = event.ruling.as_ref().map(|ruling| &*ruling.code);
        let room = code.and_then(|code| code.split('.').next());
        fits(&self.identity, event.identity.as_ref().map(|identity| &*identity.id))
            && fits(&self.api, event.api.as_ref().map(|api| &*api.name))
            && (fits(&self.code, code) || fits(&self.code, room))
            && fits(&self.response, event.ruling.as_ref().map(|ruling| &*ruling.response))
            && !self.is_unwanted_read(event)
    }

    fn is_unwanted_read(&self, event: &EventV1<'_>) -> bool {
        self.without_reads_of.is_some()
            && event.api.as_ref().map(|api| &*api.name) == self.without_reads_of.as_deref()
            && matches!(event.class.as_deref(), Some("read" | "list"))
            && event.ruling.as_ref().is_some_and(|ruling| ruling.response == "allow")
    }
}

/// A place in the log, between two lines. Printed and read as `FILE:OFFSET`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    file: FileName,
    offset: u64,
}

impl Cursor {
    /// Reads `FILE:OFFSET`, where the file is one that the log could have.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (file, offset) = text.split_once(':')?;
        Some(Self { file: FileName::parse(file)?, offset: offset.parse().ok()? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.offset)
    }
}

/// From where [`tail`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// The first event there is.
    Oldest,
    /// As many of the newest as asked for; looked for in the newest gibibyte of the log.
    Newest,
    /// After this place: what an earlier page gave.
    After(Cursor),
}

/// Some events, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The events, oldest first.
    pub events: Vec<EventV1<'static>>,
    /// Where the next page begins; `None` while there is no file at all. A page without events but with another cursor
    /// than before means that there is more to look through.
    pub cursor: Option<Cursor>,
    /// Lines that could not be read.
    pub unreadable: u64,
}

/// Reads at most `limit` events that pass the filter. To follow the log, ask again [`Since::After`] the page's cursor.
///
/// # Errors
/// When a file cannot be read. A directory without files is an empty page.
pub fn tail(directory: &Path, filter: &Filter, since: &Since, limit: usize) -> Result<Page, ReadError> {
    let files = names(directory).map_err(|source| ReadError { path: directory.to_owned(), source })?;
    let begin = match since {
        Since::Newest => return newest(directory, &files, filter, limit),
        Since::Oldest => files.first().map(|file| Cursor { file: *file, offset: 0 }),
        Since::After(cursor) => Some(cursor.clone()),
    };
    let mut page = Page { events: Vec::new(), cursor: begin.clone(), unreadable: 0 };
    let Some(begin) = begin.filter(|_| limit > 0) else { return Ok(page) };
    let mut budget = PAGE_BYTES_MAX;
    let mut left = files.iter().filter(|file| **file >= begin.file).peekable();
    while let Some(file) = left.next() {
        let offset = if *file == begin.file { begin.offset } else { 0 };
        let is_last = left.peek().is_none();
        let read = read_on(directory, *file, offset, budget, is_last, |line| page.consider(line, filter, limit))?;
        page.cursor = Some(Cursor { file: *file, offset: read.offset });
        budget = budget.saturating_sub(read.bytes);
        if page.events.len() >= limit || !read.to_end || budget == 0 {
            break;
        }
    }
    Ok(page)
}

impl Page {
    /// Takes one line in; `false` once there are enough.
    fn consider(&mut self, line: &[u8], filter: &Filter, limit: usize) -> bool {
        match serde_json::from_slice::<EventV1<'static>>(line) {
            Ok(event) if filter.admits(&event) => self.events.push(event),
            Ok(_) => {}
            Err(_) => self.unreadable += 1,
        }
        self.events.len() < limit
    }
}

struct ReadOn {
    offset: u64,
    bytes: u64,
    to_end: bool,
}

/// Gives each whole line from `offset` on to `take`, as long as it says so.
fn read_on(
    directory: &Path,
    name: FileName,
    offset: u64,
    budget: u64,
    is_last: bool,
    mut take: impl FnMut(&[u8]) -> bool,
) -> Result<ReadOn, ReadError> {
    let path = directory.join(name.to_string());
    let chunk = read_chunk(&path, offset, budget).map_err(|source| ReadError { path, source })?;
    let mut at = chunk.offset;
    let bytes = u64::try_from(chunk.bytes.len()).unwrap_or(u64::MAX);
    for line in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
        let whole = line.ends_with(b"\n");
        // A line without an end is still being written, or goes on beyond this page; when it fills a page of its own, or a
        // newer file exists, it is damage.
        let goes_on = if chunk.to_end { is_last } else { bytes < PAGE_BYTES_MAX || line.len() < chunk.bytes.len() };
        if !whole && goes_on {
            return Ok(ReadOn { offset: at, bytes, to_end: chunk.to_end });
        }
        at += u64::try_from(line.len()).unwrap_or(0);
        let text = line.trim_ascii_end();
        if !text.is_empty() && !take(text) {
            return Ok(ReadOn { offset: at, bytes, to_end: false });
        }
    }
    Ok(ReadOn { offset: at, bytes, to_end: chunk.to_end })
}

struct Chunk {
    bytes: Vec<u8>,
    offset: u64,
    to_end: bool,
}

fn read_chunk(path: &Path, offset: u64, budget: u64) -> io::Result<Chunk> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    // A cursor beyond the end: a torn line was cut off since.
    let offset = offset.min(length);
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    (&mut file).take(budget).read_to_end(&mut bytes)?;
    let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok(Chunk { bytes, offset, to_end: read < budget })
}

/// The newest events that pass, from the end of the newest file backwards.
fn newest(directory: &Path, files: &[FileName], filter: &Filter, limit: usize) -> Result<Page, ReadError> {
    let mut page = Page { events: Vec::new(), cursor: None, unreadable: 0 };
    let mut budget = BACK_BYTES_MAX;
    for name in files.iter().rev() {
        let mut more = true;
        let end = backwards(directory, *name, |line| {
            more = page.events.len() < limit && page.consider(line, filter, limit);
            more
        })?;
        page.cursor.get_or_insert(Cursor { file: *name, offset: end });
        budget = budget.saturating_sub(end);
        if !more || budget == 0 {
            break;
        }
    }
    page.events.reverse();
    Ok(page)
}

/// Gives each whole line to `take`, the last first, as long as it says so. Gives where the last whole line ends.
fn backwards(directory: &Path, name: FileName, mut take: impl FnMut(&[u8]) -> bool) -> Result<u64, ReadError> {
    let path = directory.join(name.to_string());
    let mut read = || -> io::Result<u64> {
        let mut file = File::open(&path)?;
        let end = whole_length(&mut file)?;
        let mut lines = ReverseLines::before(&mut file, end);
        while let Some(line) = lines.next_line()? {
            if !take(&line) {
                break;
            }
        }
        Ok(end)
    };
    read().map_err(|source| ReadError { path: path.clone(), source })
}

/// The event of a request; the last one, if a stream has several. Looks from the newest file back to the day on which the
/// request arrived, which its id tells.
///
/// # Errors
/// When a file cannot be read.
pub fn find(directory: &Path, request: RequestId) -> Result<Option<EventV1<'static>>, ReadError> {
    let files = names(directory).map_err(|source| ReadError { path: directory.to_owned(), source })?;
    let text = request.to_string();
    let arrived = day_of(&text);
    let mut found = None;
    for name in files.iter().rev() {
        backwards(directory, *name, |line| {
            if contains(line, text.as_bytes()) {
                found = serde_json::from_slice::<EventV1<'static>>(line).ok().filter(|event| event.request_id.as_deref() == Some(&text));
            }
            found.is_none()
        })?;
        // The last batch of a day may stand in the file of the day before.
        if found.is_some() || arrived.is_some_and(|arrived| name.day() < arrived) {
            break;
        }
    }
    Ok(found)
}

/// The day in a request's id (RFC 9562 §5.7: 48 bits of milliseconds since the epoch).
fn day_of(id: &str) -> Option<Day> {
    let hex: String = id.chars().filter(|c| *c != '-').take(12).collect();
    let millis = i64::from_str_radix(&hex, 16).ok()?;
    Some(Day::of(Time::from_micros(millis.checked_mul(1000)?)))
}

fn contains(line: &[u8], text: &[u8]) -> bool {
    std::str::from_utf8(line).ok().zip(std::str::from_utf8(text).ok()).is_some_and(|(line, text)| line.contains(text))
}

#[cfg(test)]
mod tests;
