//! What the log of segments says that there is.

use super::SealError;
use crate::{segment::entry::Entry, tiles, tree::Hash};
use std::collections::BTreeMap;

/// What the log says of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// The number after its last event.
    pub(super) next_seq: u64,
    /// The time of its newest event, in microseconds.
    pub(super) to_us: i64,
    /// The hash that its file must have.
    pub(super) file: Hash,
}

/// What the log says of segments that are not retired, and the number of the last event that is.
pub(super) fn known(log: &tiles::Writer) -> Result<(BTreeMap<u64, Known>, u64), SealError> {
    let (mut sealed, mut retired) = (BTreeMap::new(), 0);
    for index in 0..log.size() {
        // What a newer version wrote is not ours to understand.
        match Entry::parse(&log.log().entry(index)?) {
            Ok(Entry::Segment { first_seq, events, to_us, file, .. }) => {
                sealed.insert(first_seq, Known { next_seq: first_seq.saturating_add(events), to_us, file });
            }
            Ok(Entry::Retired { through_seq, .. }) => {
                retired = retired.max(through_seq);
                sealed.retain(|_, known: &mut Known| known.next_seq > through_seq.saturating_add(1));
            }
            Ok(Entry::Erasure { segment, file, .. }) => {
                if let Some(known) = sealed.get_mut(&segment) {
                    known.file = file;
                }
            }
            Err(_) => {}
        }
    }
    Ok((sealed, retired))
}
