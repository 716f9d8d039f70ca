//! What is called beside the documents of APIs, as traffic shows it: seen on the writing thread of the event log, summed up by the store.
//!
//! What a stranger sends must not fill anything: what is looked at is bounded by network, by API and in all, what is kept by API. Whoever
//! asks for a list has everything that was seen before; else it is handed to the store after [`SOON`], then every [`EVERY`].

mod strays;

pub use strays::{APIS_MAX, OF_NETWORK_MAX};

use crate::clock;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use strays::Strays;
use tokio::{sync::Notify, task::JoinHandle};
use wardgate_governance::surface::{KEPT, folded};
use wardgate_model::{event::Event, time::Time};
use wardgate_store::{Store, StoreFault};

/// How long after something was seen it is handed to the store.
pub const SOON: Duration = Duration::from_secs(1);
/// How often what was seen again is.
pub const EVERY: Duration = Duration::from_secs(10);
/// How often what is old is forgotten.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// How it is going. For metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests for operations that no document has (`wardgate_shadow_requests_total`).
    pub shadow: u64,
    /// Requests that were not as the document has them (`wardgate_drift_requests_total`).
    pub drift: u64,
    /// Of both, requests that are not told of because of a bound (`wardgate_strays_dropped_total`).
    pub dropped: u64,
}

/// What was seen beside documents, between the thread that sees and the store.
#[derive(Debug, Default)]
pub struct Surface {
    strays: Mutex<Strays>,
    begun: Notify,
    shadow: AtomicU64,
    drift: AtomicU64,
}

impl Surface {
    /// Looks at a request. Cheap, waits for nothing.
    pub fn observe(&self, event: &Event) {
        let Some(seen) = strays::seen(event) else { return };
        match seen {
            strays::Seen::Shadow { .. } => self.shadow.fetch_add(1, Ordering::Relaxed),
            strays::Seen::Drift { .. } => self.drift.fetch_add(1, Ordering::Relaxed),
            strays::Seen::Unknown { .. } => 0,
        };
        if self.strays().take(seen, event) {
            self.begun.notify_one();
        }
    }

    /// Hands what was seen to the store. What it does not take is forgotten, and seen again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note(&self, store: &Store, now: Time) -> Result<(), StoreFault> {
        let ready = self.strays().ready(now);
        for (api, rows) in ready {
            store.merge_strays(&api, |before| folded(before.into_iter().chain(rows).collect())).await?;
        }
        Ok(())
    }

    /// How it is going.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Counters { shadow: read(&self.shadow), drift: read(&self.drift), dropped: self.strays().dropped() }
    }

    /// Whoever broke down while it held the lock left whole rows behind.
    fn strays(&self) -> MutexGuard<'_, Strays> {
        self.strays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands what is seen to the store, and has it forget what is old. Ends with its runtime; call [`Surface::note`] once more after the log
/// is closed.
#[must_use]
pub fn start(surface: Arc<Surface>, store: Arc<Store>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut forgotten = Time::default();
        loop {
            surface.begun.notified().await;
            tokio::time::sleep(SOON).await;
            let now = clock::now();
            if let Err(error) = surface.note(&store, now).await {
                tracing::error!(%error, "what was called beside the documents of APIs cannot be noted");
            }
            if now.since(forgotten) >= FORGET_EVERY {
                forgotten = now;
                let before = Time::from_micros(now.as_micros().saturating_sub(i64::try_from(KEPT.as_micros()).unwrap_or(i64::MAX)));
                if let Err(error) = store.forget_strays(before).await {
                    tracing::warn!(%error, "what was called beside the documents of APIs long ago could not be forgotten");
                }
            }
            tokio::time::sleep(EVERY.saturating_sub(SOON)).await;
        }
    })
}
