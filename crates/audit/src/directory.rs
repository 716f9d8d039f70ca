//! The files of the log: `events-YYYYMMDD-FIRSTSEQ.jsonl`, one open at a time, a new one when the day or the size says so.
//!
//! INVARIANT (order): the order of names is the order of events. A file's name holds the number of its first event, and a
//! clock that goes back does not take the date with it.

use crate::lines::{ReverseLines, whole_length};
use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};
use wardgate_model::time::Time;

const LOCK_NAME: &str = "events.lock";

/// Name of a file of the log. Ordered as the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName {
    day: Day,
    first_seq: u64,
}

impl FileName {
    /// Reads exactly what [`fmt::Display`] writes, so that no name leads out of the directory.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (day, seq) = text.strip_prefix("events-")?.strip_suffix(".jsonl")?.split_once('-')?;
        let digits =
            |text: &str, range: std::ops::RangeInclusive<usize>| range.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(day, 8..=8) || !digits(seq, 12..=20) {
            return None;
        }
        let name = Self { day: Day(day.parse().ok()?), first_seq: seq.parse().ok()? };
        (name.to_string() == text).then_some(name)
    }

    /// The day of its events, in UTC.
    pub(crate) const fn day(self) -> Day {
        self.day
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "events-{:08}-{:012}.jsonl", self.day.0, self.first_seq)
    }
}

/// A calendar day in UTC, as the number YYYYMMDD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(u32);

impl Day {
    /// The day of a moment; the epoch for moments outside the calendar.
    pub(crate) fn of(time: Time) -> Self {
        let date = jiff::Timestamp::from_second(time.as_seconds()).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC).date();
        let part = |number: i16| u32::try_from(number).unwrap_or(0);
        Self(part(date.year()) * 10_000 + part(date.month().into()) * 100 + part(date.day().into()))
    }
}

/// Why the log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process writes to it.
    #[error("another process writes to the audit directory `{}`", .0.display())]
    Locked(PathBuf),
    /// The system refused.
    #[error("the audit directory `{}` cannot be {does}: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What could not be done.
        does: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Where lines go. The directory, or a test's stand-in that fails as a full disk does.
pub(crate) trait Append: Send {
    /// Appends whole lines, all or none. `first_seq` is the number of the first of them, `time` that of its end.
    fn append(&mut self, lines: &[u8], first_seq: u64, time: Time) -> io::Result<()>;

    /// Makes what was appended outlast the machine.
    fn sync(&mut self) -> io::Result<()>;

    /// Bytes of all files.
    fn bytes(&self) -> u64;

    /// Takes away what is too old at `now`, and counts the bytes of all files again: others may have taken some away.
    fn recount(&mut self, now: Time) -> io::Result<u64>;
}

/// What was found when the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Number of the next event.
    pub(crate) next_seq: u64,
    /// Bytes of a line that had not been written whole, now cut off.
    pub(crate) torn_bytes: u64,
}

/// The directory of the log, locked for this process.
pub(crate) struct Directory {
    path: PathBuf,
    file_bytes_max: u64,
    retain: Option<Duration>,
    current: Option<Current>,
    newest: Option<FileName>,
    /// Bytes of all files.
    total: u64,
    _lock: File,
}

struct Current {
    file: File,
    name: FileName,
    // INVARIANT (whole): the file is this long and ends with a whole line.
    length: u64,
}

impl Directory {
    /// Opens the directory, makes it if need be, locks it, cuts a torn last line off and finds the next number.
    pub(crate) fn open(path: &Path, file_bytes_max: u64, retain: Option<Duration>) -> Result<(Self, Found), StartError> {
        let fail = |does: &'static str| move |source: io::Error| StartError::Io { path: path.to_owned(), does, source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fail("made"))?;
        let lock = private().create(true).truncate(false).write(true).open(path.join(LOCK_NAME)).map_err(fail("locked"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StartError::Locked(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(fail("locked")(source)),
        }
        let newest = names(path).map_err(fail("listed"))?.pop();
        let mut found = Found { next_seq: 1, torn_bytes: 0 };
        let mut current = None;
        if let Some(name) = newest {
            let mut opened = open_file(path, name).map_err(fail("read"))?;
            found = Found { next_seq: next_seq(&mut opened).map_err(fail("read"))?, torn_bytes: opened.torn_bytes };
            current = Some(opened.current);
        }
        let total = total(path).map_err(fail("measured"))?;
        Ok((Self { path: path.to_owned(), file_bytes_max, retain, current, newest, total, _lock: lock }, found))
    }

    /// The file that the next lines belong to.
    fn file_for(&mut self, first_seq: u64, time: Time) -> io::Result<&mut Current> {
        let day = Day::of(time);
        let day = self.newest.map_or(day, |newest| day.max(newest.day));
        let fits = |current: &Current| current.length < self.file_bytes_max && current.name.day == day;
        if !self.current.as_ref().is_some_and(fits) {
            if let Some(mut full) = self.current.take() {
                full.sync()?;
            }
            let name = FileName { day, first_seq };
            self.current = Some(open_file(&self.path, name)?.current);
            self.newest = Some(name);
            // The event goes before the housekeeping: what does not succeed is tried with the next file.
            if let Err(error) = self.recount(time) {
                tracing::warn!(%error, "old files of the event log cannot be taken away");
            }
        }
        self.current.as_mut().ok_or_else(|| io::Error::other("no file is open"))
    }
}

impl Append for Directory {
    fn append(&mut self, lines: &[u8], first_seq: u64, time: Time) -> io::Result<()> {
        let current = self.file_for(first_seq, time)?;
        let result = current.file.write_all(lines);
        match result {
            Ok(()) => {
                let bytes = u64::try_from(lines.len()).unwrap_or(0);
                current.length += bytes;
                self.total = self.total.saturating_add(bytes);
            }
            // Part of the lines may be in the file. When they cannot be taken out again, the file is left as it is and the
            // lines begin a new one: they may then stand twice, which is better than not at all.
            Err(_) if current.file.set_len(current.length).is_err() => self.current = None,
            Err(_) => {}
        }
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), Current::sync)
    }

    fn bytes(&self) -> u64 {
        self.total
    }

    fn recount(&mut self, now: Time) -> io::Result<u64> {
        if let Some(retain) = self.retain {
            let retain_us = i64::try_from(retain.as_micros()).unwrap_or(i64::MAX);
            let kept = Day::of(Time::from_micros(now.as_micros().saturating_sub(retain_us)));
            for name in names(&self.path)? {
                if name.day < kept && Some(name) != self.newest {
                    fs::remove_file(self.path.join(name.to_string()))?;
                    tracing::info!(file = %name, "a file of the event log was kept as long as `audit.retain` says and is gone");
                }
            }
        }
        self.total = total(&self.path)?;
        Ok(self.total)
    }
}

impl Current {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

struct Opened {
    current: Current,
    torn_bytes: u64,
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Opens a file for appending, new or not, and cuts a torn last line off.
fn open_file(directory: &Path, name: FileName) -> io::Result<Opened> {
    let mut file = private().create(true).read(true).append(true).open(directory.join(name.to_string()))?;
    let length = whole_length(&mut file)?;
    let torn_bytes = file.metadata()?.len().saturating_sub(length);
    if torn_bytes > 0 {
        file.set_len(length)?;
    }
    Ok(Opened { current: Current { file, name, length }, torn_bytes })
}

/// The number after the last event of the newest file. Each unreadable line after that event counts as one, so that no
/// number is given twice.
fn next_seq(opened: &mut Opened) -> io::Result<u64> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        seq: u64,
    }
    let Current { file, name, length } = &mut opened.current;
    let mut unreadable = 0;
    let mut lines = ReverseLines::before(file, *length);
    while let Some(line) = lines.next_line()? {
        if let Ok(Numbered { seq }) = serde_json::from_slice(&line) {
            return Ok(seq.saturating_add(1).saturating_add(unreadable));
        }
        unreadable += 1;
    }
    Ok(name.first_seq.saturating_add(unreadable))
}

/// Bytes of the log's files.
fn total(directory: &Path) -> io::Result<u64> {
    let mut total = 0_u64;
    for name in names(directory)? {
        match fs::metadata(directory.join(name.to_string())) {
            Ok(found) => total = total.saturating_add(found.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// The names of the log's files, oldest first. Other files in the directory are none of ours.
pub(crate) fn names(directory: &Path) -> io::Result<Vec<FileName>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.extend(entry?.file_name().to_str().and_then(FileName::parse));
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests;
