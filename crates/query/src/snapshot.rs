//! What there is at one moment: the sealed segments of each log, and the rows of its hot tail.
//!
//! The tail is read before the segments are listed. What is sealed in between is seen twice and counts once; the other way
//! round it could be seen in neither place.

use crate::{fault::LogFault, schema::of_events, segment};
use datafusion::arrow::array::RecordBatch;
use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind},
    ops::Range,
    path::{Path, PathBuf},
};
use wardgate_audit::{
    canonical::Record,
    columns::Value,
    hot,
    ledger::{self, Named},
    reading,
    segment::{SegmentName, batch},
    store::Stub,
};

/// Rows of the tail in a batch at most.
const BATCH_ROWS: usize = 8192;

/// A sealed segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// Number of its first event.
    pub(crate) first: u64,
    /// Its length on disk.
    pub(crate) bytes: u64,
    /// What the log says of it, where it says something.
    pub(crate) named: Option<Named>,
}

/// Some logs at one moment.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) segments: Vec<Segment>,
    /// Rows that are in no segment yet.
    pub(crate) tail: Vec<RecordBatch>,
    /// What could not be read and is left out, for people.
    pub(crate) left_out: Vec<String>,
}

impl Snapshot {
    /// Looks at the logs in some directories. One that is named twice, by whatever name, is one log.
    ///
    /// # Errors
    /// When one is not there, or holds what cannot be read.
    pub(crate) fn take(directories: &[PathBuf]) -> Result<Self, LogFault> {
        let mut snapshot = Self::default();
        let mut seen = BTreeSet::new();
        for directory in directories {
            if !reading::is_log(directory) {
                return Err(LogFault::NoLog(directory.clone()));
            }
            if !seen.insert(fs::canonicalize(directory).map_err(|source| unreadable(directory, source))?) {
                continue;
            }
            let tails = read_tails(directory)?;
            let mut segments = list(directory)?;
            snapshot.hold_against_log(directory, &mut segments, &tails);
            snapshot.add_tails(&tails, &sealed(&segments, &tails)?)?;
            snapshot.segments.extend(segments);
        }
        Ok(snapshot)
    }

    /// Notes which events the log names and no file holds, and of each segment what the log says of it.
    fn hold_against_log(&mut self, directory: &Path, segments: &mut [Segment], tails: &[Tail]) {
        // After the files were listed: what is retired meanwhile is not named any more, what is sealed meanwhile is in a tail.
        let named = match ledger::named(directory) {
            Ok(named) => named,
            Err(error) => {
                return self.left_out.push(format!("whether events are missing is not known: the log of segments cannot be read: {error}"));
            }
        };
        let mut missing: Vec<Range<u64>> = Vec::new();
        for named in named {
            let Range { start, end } = named.events;
            match (segments.binary_search_by_key(&start, |segment| segment.first), missing.last_mut()) {
                (Ok(at), _) => segments.iter_mut().skip(at).take(1).for_each(|segment| segment.named = Some(named.clone())),
                _ if tails.binary_search_by_key(&start, |tail| tail.first).is_ok() => {}
                (Err(_), Some(before)) if before.end == start => before.end = end,
                (Err(_), _) => missing.push(start..end),
            }
        }
        for Range { start, end } in missing {
            let last = end.saturating_sub(1);
            let path = directory.display();
            self.left_out.push(format!(
                "left out: events {start}\u{2013}{last} of `{path}`: their files are gone; `wardgate audit verify` says more"
            ));
        }
    }

    fn add_tails(&mut self, tails: &[Tail], sealed: &[Range<u64>]) -> Result<(), LogFault> {
        for tail in tails {
            let damaged = |what: String| LogFault::Damaged { path: tail.path.clone(), what };
            let (mut records, unread) = match hot::records(&tail.bytes) {
                Ok(read) => read,
                Err(hot::NoTail::Newer) => {
                    return Err(LogFault::Newer { path: tail.path.clone(), what: "it is no tail of version 1".to_owned() });
                }
                Err(hot::NoTail::Foreign) => return Err(damaged("is no tail of an event log".to_owned())),
            };
            if unread > 0 {
                let path = tail.path.display();
                let places = if unread == 1 { "1 damaged place".to_owned() } else { format!("{unread} damaged places") };
                self.left_out.push(format!("left out: {places} in `{path}`; `wardgate audit verify` names what is damaged"));
            }
            if !sealed.is_empty() {
                records.retain(|record| !sealed.iter().any(|range| range.contains(&seq(record))));
            }
            for records in records.chunks(BATCH_ROWS) {
                let rows = batch(records.iter().copied()).map_err(|error| damaged(format!("holds what no table can: {error}")))?;
                self.tail.push(of_events(&rows).map_err(|error| damaged(format!("holds what no table can: {error}")))?);
            }
        }
        Ok(())
    }
}

/// A file of the hot tail, as it was.
struct Tail {
    path: PathBuf,
    first: u64,
    bytes: Vec<u8>,
}

/// The number of a record that can be read.
fn seq(record: &Record<'_>) -> u64 {
    match record.row().ok().and_then(|[seq, ..]| seq) {
        Some(Value::Int(seq)) => u64::try_from(seq).unwrap_or(0),
        _ => 0,
    }
}

fn read_tails(directory: &Path) -> Result<Vec<Tail>, LogFault> {
    let mut tails = Vec::new();
    for entry in fs::read_dir(directory).map_err(|source| unreadable(directory, source))? {
        let entry = entry.map_err(|source| unreadable(directory, source))?;
        let Some(first) = entry.file_name().to_str().and_then(hot::first_seq) else { continue };
        let path = entry.path();
        match read_plain(&path) {
            Ok(bytes) => tails.push(Tail { path, first, bytes }),
            // Sealed since: the segment is there.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(unreadable(&path, source)),
        }
    }
    tails.sort_by_key(|tail| tail.first);
    Ok(tails)
}

/// All of a file: what is none would be waited for without end.
fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_file() { fs::read(path) } else { Err(io::Error::other("it is no plain file")) }
}

/// The segments in a directory, oldest first, also those that lie in a store. What has another name is none of them.
fn list(directory: &Path) -> Result<Vec<Segment>, LogFault> {
    let folder = directory.join(segment::FOLDER);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(unreadable(&folder, source)),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| unreadable(&folder, source))?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let Some(name) = SegmentName::parse(name).or_else(|| SegmentName::parse_stored(name)) else { continue };
        let path = folder.join(name.to_string());
        if let Some(bytes) = length(&path)? {
            segments.push(Segment { path, first: name.first_seq, bytes, named: None });
        }
    }
    segments.sort_by_key(|segment| segment.first);
    segments.dedup_by_key(|segment| segment.first);
    Ok(segments)
}

/// The length of a segment, here or in a store; `None`: it is gone.
fn length(path: &Path) -> Result<Option<u64>, LogFault> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => match Stub::beside(path) {
            Ok(stub) => Ok(stub.map(|stub| stub.bytes)),
            Err(error) => Err(LogFault::Store { path: path.to_owned(), error }),
        },
        Err(source) => Err(unreadable(path, source)),
    }
}

/// Which numbers are sealed, as far as a tail may hold them too.
fn sealed(segments: &[Segment], tails: &[Tail]) -> Result<Vec<Range<u64>>, LogFault> {
    let Some(oldest) = tails.first().map(|tail| tail.first) else { return Ok(Vec::new()) };
    let from = segments.partition_point(|segment| segment.first <= oldest).saturating_sub(1);
    let mut ranges = Vec::new();
    for segment in segments.iter().skip(from) {
        let metadata = segment::read_metadata(&segment::open(&segment.path)?, &segment.path)?;
        let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
        ranges.push(segment.first..segment.first.saturating_add(rows));
    }
    Ok(ranges)
}

fn unreadable(path: &Path, source: io::Error) -> LogFault {
    LogFault::Unreadable { path: path.to_owned(), source }
}

/// Why a segment that was listed cannot be opened.
pub(crate) fn opened(path: &Path, source: io::Error) -> LogFault {
    if source.kind() == ErrorKind::NotFound { LogFault::Gone(path.to_owned()) } else { unreadable(path, source) }
}
