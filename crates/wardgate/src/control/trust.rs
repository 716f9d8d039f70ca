//! Whose proofs count: what trust sources declare and publish, made ready for the gate.
//!
//! What stands in files is read with the resources; what is fetched comes from the feeds, a document at a time, and each that is
//! another makes a new [`Trust`]. So a key that its issuer took away counts no more, and nothing that rested on it is remembered; the
//! other trust sources are what they were, and so is what was found by them.

mod asking;
mod diagnostics;
mod ready;

pub use asking::AskedState;
pub(super) use diagnostics::{diagnostics, keys};

use super::Control;
use crate::clock;
use asking::Askers;
use ready::{Memory, ready};
use std::{
    collections::{BTreeMap, HashSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;
use wardgate_edge::{Asking, Fetching, TrustKeys};
use wardgate_feeds::{
    clock::Clock,
    document::Document,
    feed::{Change, Delivery, FeedId, FeedSpec, FeedState, Sought},
    feeds::Feeds,
    resolve::SystemResolver,
};
use wardgate_gate::{
    Estate, KeysAnswer, Snapshot,
    trust::{Trust, TrustedIssuer},
};
use wardgate_model::{id::TrustName, secret::Secret, time::Time, trust::TrustSource};
use wardgate_proof::entropy::SystemEntropy;

/// How long a request waits for the keys of an issuer at the most. An issuer that is slower than this has to be waited for
/// by the next try.
const KEYS_PATIENCE: Duration = Duration::from_secs(3);
/// For so much longer the same document has to count before the gate is told: it would judge all that is open again for nothing.
const RENEWAL: Duration = Duration::from_secs(600);

/// A document that was fetched, and until when it counts.
#[derive(Debug, Clone)]
struct Held {
    document: Arc<Document>,
    good_until: Time,
    /// Until when the gate was told that it counts.
    told_until: Time,
}

struct State {
    sources: Vec<Arc<TrustSource>>,
    held: BTreeMap<FeedId, Held>,
    askers: Askers,
    /// What the trust of now was made from.
    memory: Memory,
    trust: Arc<Trust>,
    /// Our own token service.
    ours: Option<TrustedIssuer>,
}

impl Default for State {
    fn default() -> Self {
        let (memory, askers) = (Memory::default(), Askers::default());
        Self { sources: Vec::new(), held: BTreeMap::new(), askers, memory, trust: Trust::nobody(), ours: None }
    }
}

/// The trust sources of a process.
pub struct Sources {
    feeds: Feeds,
    deliveries: tokio::sync::Mutex<mpsc::Receiver<Delivery>>,
    state: Mutex<State>,
}

impl Sources {
    /// None yet.
    ///
    /// # Errors
    /// When TLS cannot be spoken at all.
    pub(super) fn new() -> anyhow::Result<Self> {
        let (feeds, deliveries) = Feeds::new(Arc::new(SystemResolver), Clock::new(clock::now), Arc::new(SystemEntropy))?;
        Ok(Self { feeds, deliveries: tokio::sync::Mutex::new(deliveries), state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How each document that is fetched is.
    #[must_use]
    pub fn states(&self) -> Vec<FeedState> {
        self.feeds.states()
    }

    /// How it goes with the issuers that are asked about their tokens.
    #[must_use]
    pub fn asked(&self) -> Vec<(TrustName, AskedState)> {
        self.lock().askers.states()
    }

    /// Has these sources from now on, asked with the secrets of `estate`. `None`: they are what they were, so that what is remembered
    /// with them stays good.
    pub(super) fn keep(&self, sources: &[Arc<TrustSource>], estate: &Estate) -> Option<Arc<Trust>> {
        let mut state = self.lock();
        state.askers.keep(sources, estate);
        if *state.sources == *sources {
            return None;
        }
        let specs_of =
            |list: &[Arc<TrustSource>]| list.iter().flat_map(|source| FeedSpec::of(source).unwrap_or_default()).collect::<Vec<_>>();
        let (before, now) = (specs_of(&state.sources), specs_of(sources));
        // What is fetched in the same way from the same place is kept: its feed goes on, and does not hand it out once more.
        let kept: HashSet<FeedId> = now.iter().filter(|spec| before.contains(spec)).map(FeedSpec::id).collect();
        state.held.retain(|feed, _| kept.contains(feed));
        if let Err(error) = self.feeds.keep(now) {
            tracing::error!(%error, "some trust sources are not fetched");
        }
        state.sources = sources.to_vec();
        Some(ready(&mut state))
    }

    /// Believes our own token service from now on by these keys.
    pub(super) fn with_ours(&self, ours: TrustedIssuer) -> Arc<Trust> {
        let mut state = self.lock();
        state.ours = Some(ours);
        ready(&mut state)
    }

    /// Takes up what a feed hands out. `None`: nothing changes by it. It is of a feed that was stopped since, and counts no more; or
    /// it is what was there, good for hardly longer than the gate knows.
    fn take(&self, delivery: &Delivery) -> Option<Arc<Trust>> {
        let mut state = self.lock();
        if delivery.is_outdated() {
            return None;
        }
        match delivery {
            Delivery::Fetched(fetched) => {
                let (document, good_until) = (Arc::clone(&fetched.document), fetched.good_until);
                let known = state.held.get_mut(&fetched.feed).filter(|held| Arc::ptr_eq(&held.document, &document));
                if let Some(held) = known.filter(|_| fetched.change == Change::Renewed) {
                    held.good_until = good_until;
                    if good_until.since(held.told_until) < RENEWAL {
                        return None;
                    }
                } else {
                    state.held.insert(fetched.feed.clone(), Held { document, good_until, told_until: good_until });
                }
            }
            Delivery::Lapsed { feed, at, .. } => {
                tracing::error!(%feed, %at, "the last good document is too old to be believed");
                state.held.remove(feed);
            }
        }
        Some(ready(&mut state))
    }
}

impl TrustKeys for Sources {
    fn want(&self, trust: &TrustName, kid: Option<&str>, source: IpAddr) -> Fetching {
        let (feeds, trust, kid) = (self.feeds.clone(), trust.clone(), kid.unwrap_or_default().to_owned());
        Box::pin(async move {
            let sought = tokio::time::timeout(KEYS_PATIENCE, feeds.want(&trust, &kid, Some(source))).await;
            tracing::debug!(%trust, ?sought, "keys were asked for");
            match sought {
                Ok(Sought::Present | Sought::Absent | Sought::Gone) => KeysAnswer::Answered,
                Ok(Sought::NotBefore(moment)) => KeysAnswer::NotBefore(moment),
                Ok(Sought::Unavailable | Sought::Busy) | Err(_) => KeysAnswer::Silent,
            }
        })
    }

    fn ask(&self, trust: &TrustName, token: &Secret<String>) -> Asking {
        Box::pin(self.lock().askers.ask(trust, token.clone()))
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("feeds", &self.feeds).finish_non_exhaustive()
    }
}

impl Control {
    /// Takes up what the feeds hand out, for as long as the process runs.
    pub async fn trust(self: Arc<Self>) {
        let mut deliveries = self.sources.deliveries.lock().await;
        while let Some(delivery) = deliveries.recv().await {
            // INVARIANT (one order): made and published under one lock, as where sources come and go. Otherwise a source that was
            // taken away meanwhile would be published once more.
            let mut published = self.published.lock().await;
            let Some(trust) = self.sources.take(&delivery) else { continue };
            let before = self.gate.snapshot().clone();
            published.number += 1;
            let next = Snapshot::new(published.number, before.population().clone(), Arc::clone(before.estate()));
            self.gate.publish(next.trusting(trust));
            // Who waits for the key is told when it counts, and not before.
            drop(delivery);
            self.keep_snapshot(published.number, published.seq).await;
        }
    }

    /// The trust sources.
    #[must_use]
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }
}

#[cfg(test)]
mod tests;
