//! Unknown callers in traffic: what came with a key of foreign make, and what came with nothing where something is
//! needed. Seen on the writing thread of the event log, handed to the store, claimed or rejected by its owner.
//!
//! What a stranger sends must not fill anything. A refused key or source is a discovery only once it was seen
//! [`SEEN_MIN`] times; one that the upstream answered, under `mode: observe`, at once. All of it is bounded: what is
//! looked at, by network and in all, what is noted at a time, and what may be open; the rest is counted and dropped.

mod sightings;

use crate::clock;
use sightings::Sightings;
pub use sightings::{SEEN_MIN, name_of_key};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle};
use wardgate_model::{
    api::Target,
    event::{Event, EventKind},
    time::Time,
};
use wardgate_store::{DiscoveryFilter, DiscoveryState, Store, StoreFault};

/// Time that an owner has to claim what was discovered, where the configuration does not say.
pub const CLAIM_WITHIN: Duration = Duration::from_hours(14 * 24);
/// How long after an unknown caller is worth noting it is handed to the store.
pub const SOON: Duration = Duration::from_secs(1);
/// How often what was seen again is handed to the store.
pub const EVERY: Duration = Duration::from_secs(10);
/// Discoveries that may be open; beyond it nothing new is noted until some are claimed or rejected.
pub const OPEN_MAX: usize = 1_000;
/// New discoveries noted at a time.
pub const NEW_MAX: usize = 50;

/// How discovery is doing. For metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests that reached an upstream (`wardgate_passed_total`).
    pub passed: u64,
    /// Of these, requests that no identity on record answers for (`wardgate_passed_unattributed_total`).
    pub unattributed: u64,
    /// Discoveries noted since the start (`wardgate_discoveries_total`).
    pub noted: u64,
    /// Sightings of unknown callers that were dropped because of a bound (`wardgate_discoveries_dropped_total`).
    pub dropped: u64,
    /// Discoveries that waited for an owner when they were last counted (`wardgate_discoveries_open`).
    pub open: u64,
}

/// What is seen of unknown callers, between the thread that sees and the store.
#[derive(Debug, Default)]
pub struct Discovery {
    sightings: Mutex<Sightings>,
    worth: Notify,
    passed: AtomicU64,
    unattributed: AtomicU64,
    noted: AtomicU64,
    dropped: AtomicU64,
    open: AtomicU64,
}

impl Discovery {
    /// Looks at a request. Cheap, waits for nothing.
    pub fn observe(&self, event: &Event) {
        let facts = &event.facts;
        let Some(api) = &facts.api else { return };
        // What is under way is told of again at its end.
        if event.kind == EventKind::Opened {
            return;
        }
        if api.upstream.target == Target::InProcess {
            return;
        }
        let passed = u64::from(event.outcome.upstream.is_some());
        self.passed.fetch_add(passed, Ordering::Relaxed);
        if facts.caller.is_none() {
            self.unattributed.fetch_add(passed, Ordering::Relaxed);
            if self.sightings().see(event) {
                self.worth.notify_one();
            }
        }
    }

    /// Hands what is worth noting to the store. Gives how many discoveries are new.
    ///
    /// # Errors
    /// When the store fails; what was seen is forgotten then, and seen again.
    pub async fn note(&self, store: &Store, claim_within: Duration, now: Time) -> Result<usize, StoreFault> {
        let ready = self.sightings().ready(now);
        if ready.is_empty() {
            return Ok(0);
        }
        let known = store.discoveries(&DiscoveryFilter::default()).await?;
        let open = known.iter().filter(|discovery| discovery.state == DiscoveryState::Open).count();
        let known: HashSet<_> = known.into_iter().map(|discovery| discovery.id).collect();
        let mut room = OPEN_MAX.saturating_sub(open).min(NEW_MAX);
        let (mut rows, mut dropped) = (Vec::new(), 0_u64);
        for seen in ready {
            if known.contains(&seen.id) {
                rows.push(seen);
            } else if room > 0 {
                room -= 1;
                rows.push(seen);
            } else {
                dropped = dropped.saturating_add(seen.count);
            }
        }
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
        let done = store.add_discoveries(&rows, now + claim_within, now).await?;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.noted.fetch_add(count(done.new), Ordering::Relaxed);
        self.open.store(count(open + done.new), Ordering::Relaxed);
        Ok(done.new)
    }

    /// How it is doing.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            passed: read(&self.passed),
            unattributed: read(&self.unattributed),
            noted: read(&self.noted),
            dropped: read(&self.dropped).saturating_add(self.sightings().dropped()),
            open: read(&self.open),
        }
    }

    /// Whoever broke down while it held the lock left whole sightings behind.
    fn sightings(&self) -> MutexGuard<'_, Sightings> {
        self.sightings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands what is seen to the store: who is new after [`SOON`], who comes again every [`EVERY`]. Ends with its runtime.
#[must_use]
pub fn start(discovery: Arc<Discovery>, store: Arc<Store>, claim_within: Duration) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                // Others may come with it; and a flood must not have us write all the time.
                () = discovery.worth.notified() => tokio::time::sleep(SOON).await,
            }
            match discovery.note(&store, claim_within, clock::now()).await {
                Ok(0) => {}
                Ok(new) => tracing::warn!(new, "unknown callers were discovered: `wardgate identity discovered` shows them"),
                Err(error) => tracing::error!(%error, "what was discovered cannot be noted"),
            }
        }
    })
}

#[cfg(test)]
mod tests;
