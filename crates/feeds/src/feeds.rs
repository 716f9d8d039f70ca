//! All feeds of a process: started and stopped as trust sources come and go.

use crate::{
    clock::Clock,
    document::Topic,
    feed::{
        Delivery, Feed, FeedSpec, FeedState, Sought,
        runner::{Runner, Soil},
    },
    fetch::Fetcher,
    resolve::Resolve,
    roots::{Roots, RootsFault},
};
use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::AbortHandle,
};
use wardgate_model::id::TrustName;
use wardgate_proof::entropy::Entropy;

/// Most feeds of a process.
pub const FEEDS_MAX: usize = 1_000;
/// Most fetches at a time.
pub const FETCHES_MAX: usize = 16;
/// Most deliveries that wait to be taken up; further ones wait with their feed.
const DELIVERIES_MAX: usize = 64;

/// More than [`FEEDS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} documents are to be fetched: at most {FEEDS_MAX} can be")]
pub struct TooMany(pub usize);

/// All feeds of a process. Cheap to clone; the last clone stops them.
#[derive(Clone)]
pub struct Feeds(Arc<Set>);

struct Set {
    clock: Clock,
    soil: Soil,
    running: Mutex<HashMap<TrustName, Vec<Running>>>,
}

impl fmt::Debug for Feeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.states().iter().map(|state| &state.feed)).finish()
    }
}

/// A feed with its task, which ends with it.
struct Running {
    spec: FeedSpec,
    feed: Feed,
    engine: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        // At once: its task may hear of it later, and what it handed out lies in the channel.
        self.feed.end();
        self.engine.abort();
    }
}

impl Feeds {
    /// No feed yet. What they will fetch comes out of the receiver, in the order of its coming.
    ///
    /// # Errors
    /// When TLS cannot be spoken at all.
    pub fn new(
        resolver: Arc<dyn Resolve>,
        clock: Clock,
        entropy: Arc<dyn Entropy + Send + Sync>,
    ) -> Result<(Self, mpsc::Receiver<Delivery>), RootsFault> {
        let (out, deliveries) = mpsc::channel(DELIVERIES_MAX);
        let places = Arc::new(Semaphore::new(FETCHES_MAX));
        let soil = Soil { fetcher: Fetcher::new(resolver), system: Roots::system()?, entropy, out, places };
        Ok((Self(Arc::new(Set { clock, soil, running: Mutex::default() })), deliveries))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TrustName, Vec<Running>>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has exactly these feeds from now on. One that is the same goes on undisturbed; the others are stopped or started. What a
    /// stopped one handed out [is outdated](Delivery::is_outdated) from now on. To be called within a runtime of tokio.
    ///
    /// # Errors
    /// When there are too many; then nothing changes.
    pub fn keep(&self, specs: Vec<FeedSpec>) -> Result<(), TooMany> {
        if specs.len() > FEEDS_MAX {
            return Err(TooMany(specs.len()));
        }
        let mut running = self.lock();
        let mut before = std::mem::take(&mut *running);
        for spec in specs {
            let now = running.entry(spec.trust.clone()).or_default();
            if now.iter().any(|other| other.spec == spec) {
                continue;
            }
            let old = before.get_mut(&spec.trust).map(|old| (old.iter().position(|other| other.spec == spec), old));
            now.push(match old {
                Some((Some(at), old)) => old.swap_remove(at),
                Some((None, _)) | None => self.start(spec),
            });
        }
        Ok(())
    }

    /// What fetches for them, behind the same guard: for [introspection](crate::introspection).
    #[must_use]
    pub fn fetcher(&self) -> &Fetcher {
        &self.0.soil.fetcher
    }

    /// The roots that count where a trust source has none of its own.
    #[must_use]
    pub fn roots(&self) -> &Roots {
        &self.0.soil.system
    }

    fn start(&self, spec: FeedSpec) -> Running {
        let (runner, feed) = Runner::new(spec.clone(), self.0.clock.clone(), self.0.soil.clone());
        Running { spec, feed, engine: tokio::spawn(runner.run()).abort_handle() }
    }

    /// Looks for a key of a trust source that a token names and that was not found: see [`Feed::want`]. Without a name, for whatever
    /// of the trust source was never fetched.
    pub async fn want(&self, trust: &TrustName, kid: &str, from: Option<IpAddr>) -> Sought {
        let (for_tokens, bare) = {
            let running = self.lock();
            let feeds = running.get(trust).map_or(&[][..], Vec::as_slice);
            let for_tokens = feeds.iter().find(|one| matches!(one.spec.kind.topic(), Topic::Keys | Topic::Bundle));
            let bare = feeds.iter().filter(|one| one.feed.is_bare()).map(|one| one.feed.clone());
            (for_tokens.map(|one| one.feed.clone()), bare.collect::<Vec<Feed>>())
        };
        if kid.is_empty() && !bare.is_empty() {
            for feed in bare {
                let sought = feed.want_any(from).await;
                if sought != Sought::Present {
                    return sought;
                }
            }
            return Sought::Present;
        }
        match for_tokens {
            Some(feed) => feed.want(kid, from).await,
            None => Sought::Gone,
        }
    }

    /// How each of them is, in the order of their names.
    #[must_use]
    pub fn states(&self) -> Vec<FeedState> {
        let mut states: Vec<FeedState> = self.lock().values().flatten().map(|one| one.feed.state()).collect();
        states.sort_by(|one, other| one.feed.cmp(&other.feed));
        states
    }
}
