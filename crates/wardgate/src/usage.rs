//! What use tells: the roll-up of requests per credential, operation and source network. Counted on the writing thread
//! of the event log, kept by the store every ten seconds and at the end.
//!
//! Bounded: [`ROWS_MAX`] rows by operation and network, then as many by credential alone (operation and source `other`),
//! then only a counter. A process that is killed loses the counts of at most [`EVERY`]; its events are in the log.

mod metrics;
mod rollup;
#[cfg(test)]
pub(crate) mod scene;

pub use metrics::{Counting, Metric};
pub use rollup::network;

use rollup::{Rollup, Taken};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle};
use wardgate_model::event::Event;
use wardgate_store::{Store, StoreFault};

/// How long after the first request what was counted is kept, so that what is rare is on record soon.
pub const SOON: Duration = Duration::from_secs(1);
/// How often it is kept while requests go on.
pub const EVERY: Duration = Duration::from_secs(10);
/// Rows that are counted between two times of keeping; beyond it operation and network are not told apart.
pub const ROWS_MAX: usize = 32_768;
/// Rows that are handed over at a time: as many as the store takes in one transaction, so that none is kept twice.
const BATCH: usize = 200;

/// How the roll-up is doing. For metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Rows kept since the start (`wardgate_usage_rows_total`).
    pub rows: u64,
    /// Requests counted without their operation and network, because there were too many rows (`wardgate_usage_coarse_total`).
    pub coarse: u64,
    /// Requests that were not counted at all (`wardgate_usage_lost_total`).
    pub lost: u64,
    /// Times that the store did not take what was counted; it is tried again (`wardgate_usage_failures_total`).
    pub failures: u64,
}

/// The roll-up, between the thread that counts and the store.
#[derive(Debug)]
pub struct Usage {
    rollup: Mutex<Rollup>,
    begun: Notify,
    filling: Notify,
    rows: AtomicU64,
    failures: AtomicU64,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            rollup: Mutex::new(Rollup::new(ROWS_MAX)),
            begun: Notify::new(),
            filling: Notify::new(),
            rows: AtomicU64::default(),
            failures: AtomicU64::default(),
        }
    }
}

impl Usage {
    /// Counts a request. Cheap, waits for nothing.
    pub fn observe(&self, event: &Event) {
        let mut rollup = self.rollup();
        let before = rollup.len();
        rollup.count(event);
        match (before, rollup.len()) {
            (0, 1..) => self.begun.notify_one(),
            (before, now) if before < ROWS_MAX / 2 && now >= ROWS_MAX / 2 => self.filling.notify_one(),
            _ => {}
        }
    }

    /// Hands what was counted to the store. What it does not take is counted on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep(&self, store: &Store) -> Result<(), StoreFault> {
        let mut taken = self.rollup().take().into_iter();
        loop {
            let batch: Vec<_> = taken.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let rows: Vec<_> = batch.iter().map(Taken::row).collect();
            if let Err(fault) = store.add_usage(&rows).await {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let mut rollup = self.rollup();
                batch.into_iter().chain(taken).for_each(|row| rollup.give_back(row));
                return Err(fault);
            }
            self.rows.fetch_add(u64::try_from(rows.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Waits, but not while rows pile up.
    async fn rest(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.filling.notified() => {}
        }
    }

    /// How it is doing.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let rollup = self.rollup();
        Counters {
            rows: self.rows.load(Ordering::Relaxed),
            coarse: rollup.coarse(),
            lost: rollup.lost(),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }

    /// Whoever broke down while it held the lock left whole counts behind: a row is one value.
    fn rollup(&self) -> MutexGuard<'_, Rollup> {
        self.rollup.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what is counted: [`SOON`] after the first request, every [`EVERY`] while requests go on, and earlier when many rows
/// have come together. Ends with its runtime; call [`Usage::keep`] once more after the log is closed.
#[must_use]
pub fn start(usage: Arc<Usage>, store: Arc<Store>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut failing = false;
        loop {
            // What the store did not take is counted still, and begins nothing.
            if !failing {
                usage.begun.notified().await;
            }
            usage.rest(SOON).await;
            match (usage.keep(&store).await, failing) {
                (Ok(()), true) => {
                    tracing::info!("use is kept again");
                    failing = false;
                }
                (Err(error), false) => {
                    tracing::error!(%error, "use cannot be kept: it is counted on in memory");
                    failing = true;
                }
                (Ok(()), false) | (Err(_), true) => {}
            }
            usage.rest(EVERY.saturating_sub(SOON)).await;
        }
    })
}

#[cfg(test)]
mod tests;
