//! What the log of segments says that there should be: its entries, taken in one after the other.

use crate::{
    directory::LOG,
    seal::step,
    segment::{
        entry::{Entry, NoEntry},
        hash_of,
    },
    tiles::{self, TilesError},
    tree::Hash,
};
use std::{collections::BTreeMap, ops::Range, path::Path};

/// A segment, as the log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The place of its entry in the log.
    pub(crate) index: u64,
    pub(crate) events: u64,
    /// The time of its newest event, in microseconds.
    pub(crate) to_us: i64,
    /// What the log had lived through then, in microseconds, as far as the times of its segments follow each other.
    pub(crate) lived_us: i64,
    pub(crate) root: Hash,
    /// The hashes of its file: when it was sealed, and after each erasure. The last one counts.
    pub(crate) files: Vec<Hash>,
    /// From so many of its records something was erased, in as many erasures as it has further hashes.
    pub(crate) erased: u64,
}

/// All that should be there.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By the number of the first event.
    pub(crate) segments: BTreeMap<u64, Known>,
    /// What was retired, with all before it.
    pub(crate) retired: u64,
    /// The number after the last event that was sealed.
    pub(crate) next_seq: u64,
    /// The time of the newest event of the last segment that was sealed.
    pub(crate) newest_us: Option<i64>,
    /// What the log had lived through then, in microseconds.
    pub(crate) lived_us: i64,
}

/// Why an entry does not fit those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It says nothing that this version understands.
    Entry(NoEntry),
    /// It is of this edge's log, and not of the one that was asked for.
    Edge(String),
    /// It names a segment that does not begin where the one before it ended.
    Sequence { expected: u64, found: u64 },
    /// It names an erasure in a segment that is not there, by its first number.
    Erasure(u64),
}

/// A segment that should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The numbers of its events.
    pub events: Range<u64>,
    /// The SHA-256 of its file.
    file: Hash,
}

impl Named {
    /// Whether these are the bytes of its file.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        hash_of(bytes) == self.file
    }
}

/// The segments that the event log in a directory names and that are not retired, oldest first. That is what should be there, not
/// what is. Nobody's signature is asked for: [`crate::verify`] does that.
///
/// # Errors
/// When the log cannot be read. One that has sealed nothing yet names none.
pub fn named(directory: &Path) -> Result<Vec<Named>, TilesError> {
    let folder = directory.join(LOG);
    let Some(log) = tiles::Log::open_unproven(&folder)? else { return Ok(Vec::new()) };
    let mut ledger = Ledger::default();
    for index in 0..log.checkpoint().size {
        if let Ok(entry) = Entry::parse(&log.entry(index)?) {
            ledger.take(index, &entry);
        }
    }
    let named = |(first, known): (&u64, &Known)| Named { events: *first..first.saturating_add(known.events), file: known.file() };
    Ok(ledger.segments.iter().map(named).collect())
}

impl Ledger {
    /// Takes in one entry; says what does not fit those before it.
    pub(crate) fn read(&mut self, index: u64, entry: &[u8], edge: &str) -> Option<Misfit> {
        let entry = match Entry::parse(entry) {
            Ok(entry) => entry,
            Err(error) => return Some(Misfit::Entry(error)),
        };
        if entry.edge() != edge {
            return Some(Misfit::Edge(entry.edge().to_owned()));
        }
        self.take(index, &entry)
    }

    /// Takes in an entry of this edge's.
    pub(crate) fn take(&mut self, index: u64, entry: &Entry) -> Option<Misfit> {
        match *entry {
            Entry::Segment { first_seq, events, to_us, root, file, .. } => {
                let expected = self.next();
                self.next_seq = first_seq.saturating_add(events);
                self.lived_us = self.lived_us.saturating_add(step(self.newest_us.unwrap_or(to_us), to_us));
                self.newest_us = Some(to_us);
                self.segments
                    .insert(first_seq, Known { index, events, to_us, lived_us: self.lived_us, root, files: vec![file], erased: 0 });
                (first_seq != expected).then_some(Misfit::Sequence { expected, found: first_seq })
            }
            Entry::Retired { through_seq, .. } => {
                self.retired = self.retired.max(through_seq);
                self.segments.retain(|first_seq, known| first_seq.saturating_add(known.events) > through_seq.saturating_add(1));
                None
            }
            Entry::Erasure { segment, file, records, .. } => match self.segments.get_mut(&segment) {
                Some(known) => {
                    known.files.push(file);
                    known.erased = known.erased.saturating_add(records).min(known.events);
                    None
                }
                None => Some(Misfit::Erasure(segment)),
            },
        }
    }

    /// The number of the first event that no segment holds.
    pub(crate) fn next(&self) -> u64 {
        self.next_seq.max(1)
    }
}

impl Known {
    /// The hash that its file must have.
    pub(crate) fn file(&self) -> Hash {
        self.files.last().copied().unwrap_or_default()
    }
}
