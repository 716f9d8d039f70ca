//! Grades of identities: what policies read as `principal.quality`.
//!
//! A grade is neither declared nor on record. It stands in the snapshot, and there alone: who makes another population takes it over from
//! the one before, until somebody grades anew.

use super::Control;
use std::sync::Arc;
use wardgate_gate::{Change, Population, Snapshot};
use wardgate_governance::quality::BEST;
use wardgate_model::{id::IdentityId, inventory::Identity};

/// How an identity was graded last; [`BEST`] until it was.
pub(super) fn graded(before: &Population, id: &IdentityId) -> u8 {
    before.identities().get(id.as_str()).map_or(BEST, |known| known.quality)
}

impl Control {
    /// Lets policies see these grades. Those that are another than before make a snapshot, in which nothing else is different; its number,
    /// and that of the one before it. `None`: there is none to make.
    pub(crate) async fn grade(&self, grades: Vec<(IdentityId, u8)>) -> Option<(u64, u64)> {
        // INVARIANT (one writer): under the lock, as every snapshot.
        let mut published = self.published.lock().await;
        let before = self.gate.snapshot().clone();
        let mut population = before.population().clone();
        let mut differs = false;
        for (id, quality) in grades {
            // Whoever is gone meanwhile stays gone.
            let Some(known) = before.identity(&id).filter(|known| known.quality != quality) else { continue };
            population.apply(Change::Identity(Arc::new(Identity { quality, ..Identity::clone(known) })));
            differs = true;
        }
        if !differs {
            return None;
        }
        let last = published.number;
        published.number += 1;
        let next = Snapshot::new(published.number, population, Arc::clone(before.estate()));
        self.gate.publish(next.trusting(Arc::clone(before.trust())));
        self.keep_snapshot(published.number, published.seq).await;
        Some((last, published.number))
    }
}

#[cfg(test)]
mod tests;
