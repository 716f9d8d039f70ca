//! One feed: something that is fetched again and again, with its last good document.
//!
//! Whoever finds a key missing [wants](Feed::want) it: many who want it at once cause one fetch, and few fetches in a time
//! cause none. They are answered when what was fetched has been taken up by whoever receives [`Delivery`], so that who is told
//! that a key is there finds it there.

use crate::{
    absent::Absent,
    clock::Clock,
    discovery::DiscoveryFault,
    document::{Document, DocumentFault, Topic},
    fault::FetchFault,
    file::FileFault,
    pace::{Outcome, Pace, Rhythm, Turn, Wish},
    roots::RootsFault,
    workload::WorkloadFault,
};
use bytes::Bytes;
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use wardgate_model::{id::TrustName, time::Time};

pub(crate) mod runner;
mod spec;

pub use spec::{FeedSpec, Origin, SpecFault};

/// Most requests that wait for keys of one feed at a time.
pub const WAITERS_MAX: usize = 4_096;
/// Longest name of a key that is looked for, in bytes.
const KID_BYTES_MAX: usize = wardgate_proof::jose::refusal::KID_BYTES_MAX;

/// The name of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedId {
    /// Whose it is.
    pub trust: TrustName,
    /// What it is.
    pub topic: Topic,
    /// Where it is, as text.
    pub origin: Arc<str>,
}

impl fmt::Display for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of `{}` from `{}`", self.topic, self.trust, self.origin)
    }
}

/// Why a feed has nothing new.
#[derive(Debug, thiserror::Error)]
pub enum FeedFault {
    /// It cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchFault),
    /// It is not known where it is.
    #[error(transparent)]
    Discovery(#[from] DiscoveryFault),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileFault),
    /// The agent has nothing for us.
    #[error(transparent)]
    Workload(#[from] WorkloadFault),
    /// It is not what it should be.
    #[error(transparent)]
    Document(#[from] DocumentFault),
    /// Its server cannot be verified.
    #[error("its roots (`ca`) cannot be used: {0}")]
    Roots(#[from] RootsFault),
}

impl FeedFault {
    /// For how long the server asked to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Fetch(fault) => fault.retry_after(),
            Self::Discovery(fault) => fault.retry_after(),
            Self::File(_) | Self::Workload(_) | Self::Document(_) | Self::Roots(_) => None,
        }
    }

    const fn takes_back(&self) -> bool {
        matches!(self, Self::Document(DocumentFault::Older(_) | DocumentFault::Withdrawn { .. }))
    }
}

/// Whether a document is another than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is: byte for byte not the same.
    Changed,
    /// It is the very one that was handed out before, good for longer.
    Renewed,
}

/// Says that what was handed out is taken up: to be dropped when it is, and not before.
#[derive(Debug)]
#[must_use = "it is dropped when the document counts"]
pub struct Receipt(#[expect(dead_code, reason = "its drop is what is waited for")] oneshot::Sender<()>);

/// A document that was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// By whom.
    pub feed: FeedId,
    /// The document.
    pub document: Arc<Document>,
    /// Whether it is another than the one before.
    pub change: Change,
    /// When it came.
    pub fetched_at: Time,
    /// From when on it must not count any more, unless a later one says otherwise.
    pub good_until: Time,
    /// To be dropped when it counts.
    pub receipt: Receipt,
    pub(crate) by: Feed,
}

/// What a feed hands out.
#[derive(Debug)]
pub enum Delivery {
    /// A document.
    Fetched(Fetched),
    /// The last good one is too old, and counts no more.
    Lapsed {
        /// Of which feed.
        feed: FeedId,
        /// Since when.
        at: Time,
        /// The feed itself.
        by: Feed,
    },
}

impl Delivery {
    /// Whether its feed was stopped since: it was fetched from where, by whom or how nothing is to be fetched any more, and must not
    /// count, also where another feed of the same name has begun.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        match self {
            Self::Fetched(fetched) => fetched.by.lock().gone,
            Self::Lapsed { by, .. } => by.lock().gone,
        }
    }
}

/// What became of a wish for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// It is there, and what it is in is taken up.
    Present,
    /// The issuer was asked, now or not long ago, and does not have it.
    Absent,
    /// The issuer is not asked again before this moment.
    NotBefore(Time),
    /// The issuer was asked, and gave no answer that counts.
    Unavailable,
    /// Too many wait already.
    Busy,
    /// There is no such feed, or no longer.
    Gone,
}

/// A failed fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When it failed.
    pub at: Time,
    /// Why, in a line.
    pub why: Box<str>,
    /// Whether there was a document, and it was refused because it would take back what was said before.
    pub takes_back: bool,
}

/// How a feed is: for `/readyz` and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedState {
    /// Which.
    pub feed: FeedId,
    /// When a fetch last succeeded.
    pub success: Option<Time>,
    /// The last failure, until the next success.
    pub failure: Option<Failure>,
    /// Failures since the last success.
    pub failures: u32,
    /// Fetches that were begun.
    pub fetches: u64,
    /// Until when the last good document counts; `None`: there is none.
    pub good_until: Option<Time>,
    /// Its keys, anchors or lists.
    pub count: usize,
    /// Those of it that are left out.
    pub skipped: usize,
    /// Wishes for a key that had to wait for a fetch.
    pub waited: u64,
    /// Wishes that were turned away because too many waited already.
    pub turned_away: u64,
}

impl FeedState {
    /// Whether it has something that counts.
    #[must_use]
    pub fn is_ready(&self, now: Time) -> bool {
        self.good_until.is_some_and(|end| now < end)
    }

    /// How old the last good document is.
    #[must_use]
    pub fn age(&self, now: Time) -> Option<Duration> {
        self.success.map(|success| now.since(success))
    }
}

/// A feed that runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    id: FeedId,
    rhythm: Rhythm,
    clock: Clock,
    inner: Mutex<Inner>,
    /// Somebody wants a fetch.
    wake: Notify,
    /// Changes at the end of each fetch, and when the feed ends.
    ends: watch::Sender<()>,
    waiters: Semaphore,
}

#[derive(Debug)]
struct Inner {
    pace: Pace,
    held: Option<Held>,
    /// The revocation lists that were good last, also when they are too old to count: what they revoked stays so.
    listed: Option<Arc<Document>>,
    absent: Absent<Box<str>>,
    /// Sources that looked for a key in vain.
    barred: Absent<IpAddr>,
    success: Option<Time>,
    failure: Option<Failure>,
    waited: u64,
    turned_away: u64,
    gone: bool,
}

/// The last good document.
#[derive(Debug, Clone)]
struct Held {
    document: Arc<Document>,
    text: Bytes,
}

impl Feed {
    fn new(spec: &FeedSpec, clock: Clock) -> Self {
        let pace = Pace::new(spec.rhythm, clock.now());
        let (absent, barred) = (Absent::default(), Absent::default());
        let inner =
            Inner { pace, held: None, listed: None, absent, barred, success: None, failure: None, waited: 0, turned_away: 0, gone: false };
        Self(Arc::new(Shared {
            id: spec.id(),
            rhythm: spec.rhythm,
            clock,
            inner: Mutex::new(inner),
            wake: Notify::new(),
            ends: watch::Sender::new(()),
            waiters: Semaphore::new(WAITERS_MAX),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Time {
        self.0.clock.now()
    }

    /// It ends: nothing that it handed out counts from now on, and who waits hears of it.
    pub(crate) fn end(&self) {
        self.lock().gone = true;
        self.0.ends.send_replace(());
    }

    /// How it is.
    #[must_use]
    pub fn state(&self) -> FeedState {
        let inner = self.lock();
        let held = inner.held.as_ref().map(|held| &held.document);
        FeedState {
            feed: self.0.id.clone(),
            success: inner.success,
            failure: inner.failure.clone(),
            failures: inner.pace.failures(),
            fetches: inner.pace.begun(),
            good_until: inner.pace.good_until(),
            count: held.map_or(0, |document| document.count()),
            skipped: held.map_or(0, |document| document.skipped()),
            waited: inner.waited,
            turned_away: inner.turned_away,
        }
    }

    /// Has its task look at what is to be done.
    pub(crate) fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Whether there is nothing that counts.
    pub(crate) fn is_bare(&self) -> bool {
        self.lock().held.is_none()
    }

    /// Looks for a key that a token names and that was not found; without a name, for any keys at all, or for newer ones where
    /// there are some. Answers at once where the key is there, or was looked for in
    /// vain not long ago; otherwise at the end of a fetch that began after the wish, which may be nobody's but this one's. Whoever
    /// waits sets the limit: dropping the wish is always right.
    ///
    /// `from` is who shows the token. A source that looked in vain causes no fetch for a while: it may join one that others cause.
    pub async fn want(&self, kid: &str, from: Option<IpAddr>) -> Sought {
        if kid.len() > KID_BYTES_MAX {
            return Sought::Absent;
        }
        self.seek(kid, from, kid.is_empty() && self.is_bare()).await
    }

    /// Waits until there is anything at all.
    pub(crate) async fn want_any(&self, from: Option<IpAddr>) -> Sought {
        self.seek("", from, true).await
    }

    async fn seek(&self, kid: &str, from: Option<IpAddr>, any: bool) -> Sought {
        let mut ends = self.0.ends.subscribe();
        let mut wisher = self.wisher(from);
        let mut place = None;
        loop {
            if let Some(sought) = self.look(kid, any, &mut wisher) {
                return sought;
            }
            if place.is_none() {
                let taken = self.0.waiters.try_acquire();
                let mut inner = self.lock();
                let counter = if taken.is_ok() { &mut inner.waited } else { &mut inner.turned_away };
                *counter = counter.saturating_add(1);
                drop(inner);
                let Ok(taken) = taken else { return Sought::Busy };
                place = Some(taken);
            }
            self.0.wake.notify_one();
            if ends.changed().await.is_err() {
                return Sought::Gone;
            }
        }
    }

    fn wisher(&self, from: Option<IpAddr>) -> Wisher {
        let inner = self.lock();
        let late = inner.success.is_some_and(|success| self.now().since(success) < JUST);
        Wisher { from: from.map(line), came: inner.pace.turn(), late, barred: None }
    }

    /// What can be said of a wish now, for `any` document or for one that has the key; `None`: wait.
    fn look(&self, kid: &str, any: bool, wisher: &mut Wisher) -> Option<Sought> {
        let from = wisher.from;
        let Rhythm { absent_for, barred_for, .. } = self.0.rhythm;
        let mut inner = self.lock();
        let inner = &mut *inner;
        // Read under the lock: a moment of before it would take what another wish has just written for a clock that was set back.
        let now = self.now();
        if inner.gone {
            return Some(Sought::Gone);
        }
        if inner.held.as_ref().is_some_and(|held| any || held.document.has(kid)) {
            from.iter().for_each(|from| inner.barred.forget(from));
            return Some(Sought::Present);
        }
        if inner.absent.until(kid, now, absent_for).is_some() {
            return Some(Sought::Absent);
        }
        let barred = from.and_then(|from| inner.barred.until(&from, now, barred_for));
        // From the beginning on, so that a flood of names from one source causes one fetch and not one after another.
        let bar = |inner: &mut Inner| from.into_iter().for_each(|from| inner.barred.add(from, now, barred_for));
        match inner.pace.wish(wisher.came, barred, now) {
            Wish::Wait => None,
            Wish::Caused => {
                bar(inner);
                wisher.barred = Some(now + barred_for);
                None
            }
            Wish::NotBefore(until) => Some(Sought::NotBefore(until)),
            Wish::Over(Outcome::Failed) => {
                from.iter().for_each(|from| inner.barred.forget(from));
                Some(Sought::Unavailable)
            }
            Wish::Over(Outcome::Fetched) => {
                inner.absent.add(kid.into(), now, absent_for);
                match from {
                    // Who names no key, and came just after there were any, was judged before and need not have looked at all. It takes back
                    // its own bar and no other; that nobody causes one such fetch after another is seen to by what is remembered as absent.
                    Some(from) if kid.is_empty() && wisher.late && wisher.barred.is_some() => {
                        if inner.barred.until(&from, now, barred_for) == wisher.barred {
                            inner.barred.forget(&from);
                        }
                    }
                    _ => bar(inner),
                }
                Some(Sought::Absent)
            }
        }
    }
}

/// For so long after a fetch somebody may come who was judged before it ended: a moment, and one look at the processor of a busy machine.
const JUST: Duration = Duration::from_secs(3);

/// Who wishes for a key.
#[derive(Debug)]
struct Wisher {
    from: Option<IpAddr>,
    /// The last fetch that was begun when it came.
    came: Turn,
    /// Whether the last good fetch had ended just before.
    late: bool,
    /// Until when its source is barred for the fetch that was begun for it.
    barred: Option<Time>,
}

/// What counts as one source: an IPv4 address, or an IPv6 /64, since one customer's line holds that many addresses.
fn line(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}
