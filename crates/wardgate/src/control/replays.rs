//! What is kept so that rulings can be made again: what each snapshot stands for, and where the meters stand.

use super::Control;
use crate::{clock, replay::keeper::EVERY};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long the store is waited for, and the disk: meanwhile nothing else is published, and what was revoked waits too.
const PATIENCE: Duration = Duration::from_millis(500);

impl Control {
    /// Keeps what a snapshot stands for that was just published. Whatever fails is told there, and nothing waits for it but the next one.
    pub(super) async fn keep_snapshot(&self, number: u64, feed: u64) {
        // What is not known counts as "others changed something meanwhile".
        let until = if self.store.is_back() {
            let known = timeout(PATIENCE, self.store.last_seq()).await;
            known.ok().and_then(Result::ok).unwrap_or(u64::MAX)
        } else {
            feed
        };
        let written = self.keeper.published(number, (feed, until), self.loaded());
        // Later it is written all the same, in its order.
        let _late = timeout(PATIENCE, written).await;
    }

    /// Waits until all that was kept so far is written.
    #[cfg(test)]
    pub(crate) fn settle_replay(&self) {
        self.keeper.settle();
    }

    /// Writes down from time to time where the meters stand, for as long as the process runs.
    pub async fn keep_meters(self: Arc<Self>) {
        loop {
            tokio::time::sleep(EVERY).await;
            let control = Arc::clone(&self);
            let kept = tokio::task::spawn_blocking(move || control.keeper.meters(&control.gate, clock::now()));
            if let Err(error) = kept.await {
                tracing::error!(%error, "it was not written down where the meters stand");
            }
        }
    }
}
