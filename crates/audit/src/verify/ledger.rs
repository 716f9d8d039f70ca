//! What the log says that there should be.

use super::Finding;
use crate::{segment::entry::Entry, tree::Hash};
use std::collections::BTreeMap;

/// A segment, as the log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The place of its entry in the log.
    pub(super) index: u64,
    pub(super) events: u64,
    pub(super) root: Hash,
    /// The hashes of its file: when it was sealed, and after each erasure. The last one counts.
    pub(super) files: Vec<Hash>,
}

/// All that should be there.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// By the number of the first event.
    pub(super) segments: BTreeMap<u64, Known>,
    /// What was retired, with all before it.
    pub(super) retired: u64,
    /// The number after the last event that was sealed.
    pub(super) next_seq: u64,
}

impl Ledger {
    /// Takes in one entry; says what does not fit those before it.
    pub(super) fn read(&mut self, index: u64, entry: &[u8], edge: &str) -> Option<Finding> {
        let entry = match Entry::parse(entry) {
            Ok(entry) => entry,
            Err(error) => return Some(Finding::Entry { index, error }),
        };
        if entry.edge() != edge {
            return Some(Finding::Edge { index, edge: entry.edge().to_owned() });
        }
        match entry {
            Entry::Segment { first_seq, events, root, file, .. } => {
                let expected = self.next_seq.max(1);
                self.next_seq = first_seq.saturating_add(events);
                self.segments.insert(first_seq, Known { index, events, root, files: vec![file] });
                (first_seq != expected).then_some(Finding::Sequence { index, expected, found: first_seq })
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
                None => Some(Finding::Erasure { index, segment }),
            },
        }
    }

    /// The number of the first event that no segment holds.
    pub(super) fn next(&self) -> u64 {
        self.next_seq.max(1)
    }
}
