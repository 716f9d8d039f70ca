//! What the log of segments says that there should be: its entries, taken in one after the other.

use crate::{
    seal::step,
    segment::entry::{Entry, NoEntry},
    tree::Hash,
};
use std::collections::BTreeMap;

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
                self.segments.insert(first_seq, Known { index, events, to_us, lived_us: self.lived_us, root, files: vec![file] });
                (first_seq != expected).then_some(Misfit::Sequence { expected, found: first_seq })
            }
            Entry::Retired { through_seq, .. } => {
                self.retired = self.retired.max(through_seq);
                self.segments.retain(|first_seq, known| first_seq.saturating_add(known.events) > through_seq.saturating_add(1));
                None
            }
            Entry::Erasure { segment, file, .. } => match self.segments.get_mut(&segment) {
                Some(known) => {
                    known.files.push(file);
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
