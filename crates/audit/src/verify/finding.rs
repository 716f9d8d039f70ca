//! What can be found, and how it is told.

use crate::{
    ledger::Misfit,
    note::NoteError,
    segment::{Foreign, entry::NoEntry},
    store::Named,
    tiles,
};
use std::fmt;

/// Findings that are told. Whatever is beyond is only said to be there.
pub const FINDINGS_MAX: usize = 1000;

/// Files of one finding that are told by name.
const FILES_TOLD_MAX: usize = 8;

/// What was found wrong. Events are named by their numbers, row groups counted from 0; the last one named is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The log of segments cannot be read at all.
    NoLog(String),
    /// The log of segments is not whole.
    Log(tiles::Finding),
    /// An entry of the log cannot be read: a file of it is missing or changed.
    LogEntry {
        /// Its place, counted from 0.
        index: u64,
        /// What is wrong.
        error: String,
    },
    /// An entry of the log says nothing that this version understands.
    Entry {
        /// Its place, counted from 0.
        index: u64,
        /// What is wrong.
        error: NoEntry,
    },
    /// An entry is of another edge's log.
    Edge {
        /// Its place, counted from 0.
        index: u64,
        /// The edge that it names.
        edge: String,
    },
    /// An entry names a segment that does not begin where the one before it ended.
    Sequence {
        /// Its place, counted from 0.
        index: u64,
        /// The number that should come next.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An entry names an erasure in a segment that is not there.
    Erasure {
        /// Its place, counted from 0.
        index: u64,
        /// The first number of the segment.
        segment: u64,
    },
    /// The file of a segment is gone, and nothing says that it was retired.
    Missing {
        /// The file.
        file: String,
        /// The first of its events.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A file cannot be read.
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        error: String,
    },
    /// Segments are said to lie in another store than the configuration names for the log. Either what says so was changed or the
    /// configuration was: nothing says that they are damaged, and they were not looked at.
    Elsewhere {
        /// The files that say so.
        files: Vec<String>,
        /// How many events are not looked at.
        events: u64,
        /// The store that they name.
        said: Named,
        /// The store that the configuration names.
        own: Named,
    },
    /// There is a segment that the log does not name.
    Extra {
        /// The file.
        file: String,
    },
    /// There is a segment still that the log says was retired.
    Retired {
        /// The file.
        file: String,
    },
    /// A file that is no segment lies among them.
    Stray {
        /// The file.
        file: String,
    },
    /// The file is no segment that can be read, or one of a newer version.
    Segment {
        /// The file.
        file: String,
        /// The first of the events that it should hold.
        first: u64,
        /// The last.
        last: u64,
        /// What is wrong.
        error: String,
    },
    /// The file is a segment, of other events.
    Other {
        /// The file.
        file: String,
        /// The first event that it holds, as its footer says.
        first: u64,
        /// How many, as its footer says.
        events: u64,
    },
    /// The file is the one that was there before something was erased.
    Older {
        /// The file.
        file: String,
    },
    /// The footer's roots of row groups are not those that were sealed, so damage cannot be said to be in one of them.
    GroupRoots {
        /// The file.
        file: String,
    },
    /// A row group cannot be read.
    GroupUnreadable {
        /// The file.
        file: String,
        /// The row group.
        group: usize,
        /// The first of its events.
        first: u64,
        /// The last.
        last: u64,
        /// The first column that cannot be read, where it is one.
        column: Option<&'static str>,
        /// What is wrong.
        error: String,
    },
    /// A row group holds other records than were sealed, and each has the mark that belongs to it: they were put there.
    Group {
        /// The file.
        file: String,
        /// The row group.
        group: usize,
        /// The first of its events.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A segment holds other records than were sealed, and nothing says in which row group.
    Records {
        /// The file.
        file: String,
    },
    /// A record is not the one that was sealed or written.
    Record {
        /// The file.
        file: String,
        /// Its number, by its place.
        seq: u64,
    },
    /// A record has another number than its place: records were dropped, doubled or moved.
    Seq {
        /// The file.
        file: String,
        /// The number that belongs in that place.
        expected: u64,
        /// The number that the record says, when it says one.
        found: Option<i64>,
    },
    /// Records are not there, where those before and behind them are.
    Dropped {
        /// The file.
        file: String,
        /// The number of the first of them.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A record is there twice.
    Doubled {
        /// The file.
        file: String,
        /// Its number.
        seq: u64,
        /// The id of its request, where it has one.
        request: Option<Box<str>>,
    },
    /// All records are as they were sealed, and the file is another one: something beside them was changed.
    Beside {
        /// The file.
        file: String,
        /// The record whose mark was changed, where that is what it is.
        mark: Option<u64>,
    },
    /// A tail cannot be read as one.
    Tail {
        /// The file.
        file: String,
        /// What is wrong.
        error: String,
    },
    /// Records of a tail can no longer be told apart.
    TailDamaged {
        /// The file.
        file: String,
        /// The first of them.
        first: u64,
        /// The last, where what follows says it.
        last: Option<u64>,
    },
    /// Events are in no file.
    Gap {
        /// The first of them.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A tail begins with events that are elsewhere already.
    Overlap {
        /// The file.
        file: String,
        /// The number that should come next.
        expected: u64,
    },
    /// Nothing signed says what the tail holds.
    NoNote,
    /// When the log was gone on with, nothing signed said what a tail held: the note had been taken away.
    Unnoted {
        /// The file of the tail.
        file: String,
    },
    /// The note says nothing of a tail that is older than the newest of which it does.
    Untold {
        /// The file of the tail.
        file: String,
    },
    /// The note on what the tails hold is none, or not signed by the log's key.
    Note(NoteError),
    /// The note was signed before the newest entries of the log of segments: it is an older one.
    OldNote {
        /// Entries of the log.
        size: u64,
        /// How many there were when the note was signed, where it says so.
        noted: Option<u64>,
    },
    /// The log of segments does not have the entries that it had when the note was signed: it is an older or another one.
    LogBehind {
        /// Entries of the log.
        size: u64,
        /// How many there were when the note was signed.
        noted: u64,
    },
    /// Events that should long be signed, by their times, are not.
    Behind {
        /// The first of them.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Events that were signed are no longer there: they were cut off.
    Cut {
        /// The first of them.
        first: u64,
        /// The last.
        last: u64,
    },
    /// The records of a tail are not those that were signed, and each has the mark that belongs to it.
    Signed {
        /// The first of the events that were signed.
        first: u64,
        /// The last.
        last: u64,
    },
    /// There are more than [`FINDINGS_MAX`].
    More,
}

impl Finding {
    /// Whether it shows that something was changed, removed or put in; else it may be the configuration that is another one.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        !matches!(self, Self::Elsewhere { .. })
    }

    pub(super) fn misfit(index: u64, misfit: Misfit) -> Self {
        match misfit {
            Misfit::Entry(error) => Self::Entry { index, error },
            Misfit::Edge(edge) => Self::Edge { index, edge },
            Misfit::Sequence { expected, found } => Self::Sequence { index, expected, found },
            Misfit::Erasure(segment) => Self::Erasure { index, segment },
        }
    }

    pub(super) fn shape(file: &str, first: u64, events: u64, wrong: &Foreign) -> Self {
        Self::Segment { file: file.to_owned(), first, last: last(first, events), error: wrong.to_string() }
    }
}

/// The number of the last of so many events.
pub(super) fn last(first: u64, events: u64) -> u64 {
    first.saturating_add(events).saturating_sub(1)
}

struct Events(u64, u64);

impl fmt::Display for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 == self.1 {
            true => write!(f, "event {}", self.0),
            false => write!(f, "events {} to {}", self.0, self.1),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLog(error) => write!(f, "the log of segments cannot be read: {error}"),
            Self::Log(finding) => write!(f, "log of segments: {finding}"),
            Self::LogEntry { index, error } => write!(f, "log of segments: entry {index} cannot be read: {error}"),
            Self::Entry { index, error } => write!(f, "log of segments: entry {index}: {error}"),
            Self::Edge { index, edge } => write!(f, "log of segments: entry {index} is of another edge, `{edge}`"),
            Self::Sequence { index, expected, found } => {
                write!(f, "log of segments: entry {index} begins with event {found} where {expected} comes next")
            }
            Self::Erasure { index, segment } => {
                write!(f, "log of segments: entry {index} tells of an erasure in a segment that is not there, from event {segment} on")
            }
            Self::NoNote => f.write_str("`tail.note` is missing: nothing signed says what the tail holds"),
            Self::Unnoted { file } => {
                write!(
                    f,
                    "`{file}`: `tail.note` was missing or an older one when the log was gone on with: nothing signed says what it held"
                )
            }
            Self::Untold { file } => write!(f, "`{file}`: `tail.note` says nothing of it: it was put there"),
            Self::Note(error) => write!(f, "`tail.note`: {error}"),
            Self::OldNote { size, noted: Some(noted) } => {
                write!(f, "`tail.note` is an older one: it was signed when the log of segments had {noted} entries, and it has {size}")
            }
            Self::OldNote { noted: None, .. } => f.write_str("`tail.note` is an older one: it tells of another tail than the newest"),
            Self::LogBehind { size, noted } => {
                write!(f, "log of segments: set back, or another one: it had {noted} entries when `tail.note` was signed, and has {size}")
            }
            Self::Behind { first, last } => {
                write!(
                    f,
                    "{}: not signed, and by their times they should be: `tail.note` is an older one, or could not be renewed",
                    Events(*first, *last)
                )
            }
            Self::Gap { first, last } => write!(f, "{} are in no file", Events(*first, *last)),
            Self::Cut { first, last } => write!(f, "{}: signed, and no longer there", Events(*first, *last)),
            Self::Signed { first, last } => write!(f, "{}: not the records that were signed", Events(*first, *last)),
            Self::More => write!(f, "and more: only {FINDINGS_MAX} are told"),
            of_file => of_file.fmt_file(f),
        }
    }
}

impl Finding {
    /// Those of one file.
    fn fmt_file(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { file, first, last } => write!(f, "`{file}` is missing: {}", Events(*first, *last)),
            Self::Unreadable { file, error } => write!(f, "`{file}` cannot be read: {error}"),
            Self::Elsewhere { files, events, said, own } => {
                let shown: Vec<String> = files.iter().take(FILES_TOLD_MAX).map(|file| format!("`{file}`")).collect();
                let more = files.len().saturating_sub(shown.len());
                let (name, more) =
                    (if files.len() == 1 { "names" } else { "name" }, if more > 0 { format!(" and {more} more") } else { String::new() });
                write!(
                    f,
                    "{}{more} {name} {said}, and `audit.segments` names {own}: the files were changed, or the configuration was; {events} events \
                     are not looked at",
                    shown.join(", ")
                )
            }
            Self::Extra { file } => write!(f, "`{file}` is no segment that the log names"),
            Self::Retired { file } => write!(f, "`{file}` is still there, and the log says that it was retired"),
            Self::Stray { file } => write!(f, "`{file}` is no file of an event log"),
            Self::Segment { file, first, last, error } => write!(f, "`{file}` ({}): {error}", Events(*first, *last)),
            Self::Other { file, first, events } => {
                write!(f, "`{file}` holds {}, as its footer says, and should not", Events(*first, last(*first, *events)))
            }
            Self::Older { file } => write!(f, "`{file}` is the file that was there before something was erased from it"),
            Self::GroupRoots { file } => write!(f, "`{file}`: the footer's roots of row groups are not those that were sealed"),
            Self::GroupUnreadable { file, group, first, last, column, error } => {
                write!(f, "`{file}`, row group {group} ({})", Events(*first, *last))?;
                column.map_or(Ok(()), |column| write!(f, ", column `{column}`"))?;
                write!(f, ": {error}")
            }
            Self::Group { file, group, first, last } => {
                write!(f, "`{file}`, row group {group} ({}): not the records that were sealed", Events(*first, *last))
            }
            Self::Records { file } => write!(f, "`{file}`: not the records that were sealed"),
            Self::Record { file, seq } => write!(f, "`{file}`: event {seq} is not what was recorded"),
            Self::Seq { file, expected, found: Some(found) } => write!(f, "`{file}`: event {found} stands where {expected} belongs"),
            Self::Seq { file, expected, found: None } => write!(f, "`{file}`: a record without a number stands where {expected} belongs"),
            Self::Dropped { file, first, last } if first == last => write!(f, "`{file}`: event {first} is not there"),
            Self::Dropped { file, first, last } => write!(f, "`{file}`: events {first} to {last} are not there"),
            Self::Doubled { file, seq, request: Some(request) } => write!(f, "`{file}`: event {seq} (request `{request}`) is there twice"),
            Self::Doubled { file, seq, request: None } => write!(f, "`{file}`: event {seq} is there twice"),
            Self::Beside { file, mark: None } => {
                write!(f, "`{file}`: its records are as they were sealed, and something beside them was changed: footer, index or filter")
            }
            Self::Beside { file, mark: Some(seq) } => {
                write!(f, "`{file}`: its records are as they were sealed, and the mark beside event {seq} was changed")
            }
            Self::Tail { file, error } => write!(f, "`{file}`: {error}"),
            Self::TailDamaged { file, first, last: Some(last) } => write!(f, "`{file}`: {} cannot be read", Events(*first, *last)),
            Self::TailDamaged { file, first, last: None } => write!(f, "`{file}`: from event {first} on, records cannot be read"),
            Self::Overlap { file, expected } => write!(f, "`{file}` begins before event {expected}, which comes next"),
            _ => Ok(()),
        }
    }
}
