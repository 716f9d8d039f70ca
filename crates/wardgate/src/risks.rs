//! Identities whose requests were risky, and credentials that were shown after their end: counted on the writing thread of the event
//! log, told as findings, and where a plan says so quarantined.
//!
//! Bounded: [`IDENTITIES_MAX`] identities, and as many credentials; where there are more, the one whose last such request is the oldest is
//! forgotten, and so is whoever had none for [`KEPT`]. A process that ends loses the counts; its events are in the log.

mod misuses;
mod quarantine;
mod rows;

pub use misuses::Shown;
pub use quarantine::start;

use misuses::Misuses;
use quarantine::Wanted;
use rows::Rows;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;
use tokio::sync::mpsc;
use wardgate_governance::findings::{Risky, Signalled};
use wardgate_model::{
    event::{Event, EventKind},
    facts::Lane,
    id::IdentityId,
    time::Time,
};

/// From this risk on a request is worth a word.
pub const TOLD: u8 = 30;
/// Identities that are told of.
pub const IDENTITIES_MAX: usize = 10_000;
/// For how long.
pub const KEPT: Duration = Duration::from_hours(30 * 24);
/// Identities that wait to be quarantined; more are told of all the same, and each further request asks again.
const WAITING_MAX: usize = 256;

/// How it is going. For metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests of [`TOLD`] or more (`wardgate_risk_requests_total`).
    pub requests: u64,
    /// Of these, requests that would have been slowed, challenged or refused (`wardgate_risk_would_total`).
    pub would: u64,
    /// Identities that were quarantined (`wardgate_risk_quarantined_total`).
    pub quarantined: u64,
    /// Identities that are told of (`wardgate_risk_identities`).
    pub identities: u64,
}

/// What is known of one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    identity: IdentityId,
    first: Time,
    last: Time,
    count: u64,
    risk: u8,
    answered: u64,
    would: u64,
    quarantined: Option<Time>,
    signals: Vec<Signalled>,
}

impl Row {
    /// As a value for `governance::findings`.
    #[must_use]
    pub fn shown(&self) -> Risky<'_> {
        Risky {
            identity: &self.identity,
            first: self.first,
            last: self.last,
            count: self.count,
            risk: self.risk,
            answered: self.answered,
            would: self.would,
            quarantined: self.quarantined,
            signals: &self.signals,
        }
    }
}

/// Who looks at the risk of requests.
#[derive(Debug)]
pub struct Risks {
    rows: Mutex<Rows>,
    misuses: Mutex<Misuses>,
    wanted: mpsc::Sender<Wanted>,
    waiting: Mutex<Option<mpsc::Receiver<Wanted>>>,
    requests: AtomicU64,
    would: AtomicU64,
    quarantined: AtomicU64,
}

impl Default for Risks {
    fn default() -> Self {
        let (wanted, waiting) = mpsc::channel(WAITING_MAX);
        Self {
            rows: Mutex::new(Rows::new(IDENTITIES_MAX)),
            misuses: Mutex::new(Misuses::new(IDENTITIES_MAX)),
            wanted,
            waiting: Mutex::new(Some(waiting)),
            requests: AtomicU64::default(),
            would: AtomicU64::default(),
            quarantined: AtomicU64::default(),
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Risks {
    /// Looks at a request. Cheap, waits for nothing. Of a long stream its end is looked at.
    pub fn observe(&self, event: &Event) {
        let (risk, facts) = (event.ruling.risk, &event.facts);
        if let Some((credential, misuse)) = misuses::misuse(event) {
            lock(&self.misuses).count(credential, misuse, facts.source.address, facts.time);
        }
        if risk < TOLD || event.ruling.signals.is_empty() || !matches!(event.kind, EventKind::Request | EventKind::Closed) {
            return;
        }
        let Some(caller) = facts.caller.as_ref().filter(|caller| caller.lane() == Lane::Machine && !caller.identity.is_anonymous()) else {
            return;
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        if event.ruling.would.is_some() {
            self.would.fetch_add(1, Ordering::Relaxed);
        }
        lock(&self.rows).count(&caller.identity.id, &event.ruling, facts.time);
        if let Some(wanted) = Wanted::of(event, caller) {
            // Whoever finds no room asks again with its next request.
            let _full = self.wanted.try_send(wanted);
        }
    }

    /// Everybody who is told of at `now`.
    #[must_use]
    pub fn rows(&self, now: Time) -> Vec<Row> {
        lock(&self.rows).of(now)
    }

    /// Every credential that is told of at `now`.
    #[must_use]
    pub fn misused(&self, now: Time) -> Vec<Shown> {
        lock(&self.misuses).of(now)
    }

    /// How it is going.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Counters {
            requests: read(&self.requests),
            would: read(&self.would),
            quarantined: read(&self.quarantined),
            identities: u64::try_from(lock(&self.rows).len()).unwrap_or(u64::MAX),
        }
    }

    /// It was quarantined.
    fn quarantined(&self, identity: &IdentityId, now: Time) {
        self.quarantined.fetch_add(1, Ordering::Relaxed);
        lock(&self.rows).quarantined(identity, now);
    }

    /// What waits to be quarantined; once.
    fn waiting(self: &Arc<Self>) -> Option<mpsc::Receiver<Wanted>> {
        lock(&self.waiting).take()
    }
}
