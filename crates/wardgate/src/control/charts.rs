//! The operator's files of addresses: read at the start, followed from then on, handed to the gate with a snapshot.

use super::Control;
use crate::clock;
use arc_swap::ArcSwap;
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;
use wardgate_feeds::charts::{Chart, Charts, FileState, Settings};
use wardgate_gate::Snapshot;

/// How often it is looked whether a file is another.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The files of a process, and how each was when it was last looked at.
#[derive(Debug)]
pub(super) struct Followed {
    charts: Mutex<Charts>,
    states: ArcSwap<Vec<FileState>>,
}

impl Followed {
    pub(super) fn new(settings: &Settings) -> Self {
        let charts = Charts::new(settings.clone());
        Self { states: ArcSwap::from_pointee(charts.states()), charts: Mutex::new(charts) }
    }
}

impl Control {
    /// Reads the files for the first time. A list that is none leaves its addresses unknown, which is said and lets nobody in; policies
    /// rest on countries, so without that file there is no start.
    ///
    /// # Errors
    /// When a file of countries or networks cannot be used.
    pub async fn chart(&self) -> anyhow::Result<()> {
        self.look_at_charts().await;
        let states = self.charts.states.load();
        match states.iter().find(|state| state.chart != Chart::List && state.read.is_none()).and_then(|state| state.failure.as_deref()) {
            Some(why) => anyhow::bail!("{why}"),
            None => Ok(()),
        }
    }

    /// Follows the files for as long as the process runs.
    pub async fn follow_charts(self: Arc<Self>) {
        if self.charts.charts.lock().await.is_empty() {
            return;
        }
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.look_at_charts().await;
        }
    }

    /// How each file is.
    #[must_use]
    pub fn charted(&self) -> Arc<Vec<FileState>> {
        self.charts.states.load_full()
    }

    async fn look_at_charts(&self) {
        let mut charts = self.charts.charts.lock().await;
        let changed = charts.look(clock::now()).await;
        if let Some(atlas) = changed {
            // INVARIANT (one writer): under the lock, as every snapshot.
            let mut published = self.published.lock().await;
            let before = self.gate.snapshot().clone();
            published.number += 1;
            let next = Snapshot::new(published.number, before.population().clone(), Arc::clone(before.estate()));
            self.gate.publish(next.trusting(Arc::clone(before.trust())).knowing(atlas));
            self.keep_snapshot(published.number, published.seq).await;
        }
        // Not before the snapshot: whoever reads that a file was taken may rely on it.
        let states = charts.states();
        if **self.charts.states.load() != states {
            self.charts.states.store(Arc::new(states));
        }
    }
}
