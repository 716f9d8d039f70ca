//! What the threads that write and that seal tell each other.

use super::{
    Held, SealError, TAILS_MAX,
    lived::{Told, micros},
    outside::StoreState,
};
use crate::{anchor::AnchorState, directory::Standing, segment::erase::Erasable};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use wardgate_model::time::Time;

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErasureProgress {
    /// Events from which something was taken out.
    pub events: u64,
    /// Events that were left because they are traces of whoever asked.
    pub own: u64,
    /// Segments that there are to look at; none until what the tail holds is sealed.
    pub segments: usize,
    /// Segments that were looked at.
    pub looked_at: usize,
    /// Segments, and tails that are not sealed, from which nothing could be taken out: why is told of the first.
    pub failed: usize,
}

/// What the threads that write and that seal tell each other.
#[derive(Default)]
pub(crate) struct Shared {
    /// What the tail holds that is written to now.
    pub(super) standing: Mutex<Option<Standing>>,
    /// What full tails held, by their first number: until the thread that seals has heard of it.
    pub(super) full: Mutex<BTreeMap<u64, Held>>,
    /// The time as it was last told, in microseconds.
    pub(super) now_us: AtomicI64,
    /// What a clock that nobody sets said then.
    steady_us: AtomicI64,
    /// What was told first.
    begin: OnceLock<Told>,
    /// Whether the time is told so far ahead that nothing is retired by it.
    pub(super) doubted: AtomicBool,
    /// Whether the last try to seal, sign, retire or erase failed.
    pub(super) failing: AtomicBool,
    pub(super) sealed: AtomicU64,
    pub(super) unsealed: AtomicU64,
    /// Set when the files are others: bytes are to be counted again.
    pub(super) recount: AtomicBool,
    /// Set when bytes of a tail may not outlast the machine: what comes is to go into another.
    pub(super) failed: AtomicBool,
    pub(super) erasures: Mutex<Vec<Erasure>>,
    /// How far the erasure is that was asked for last.
    pub(super) erased: Mutex<ErasureProgress>,
    /// How the anchors are doing.
    pub(crate) anchors: AnchorState,
    /// What who stores segments goes by, and how that is doing.
    pub(crate) store: StoreState,
}

impl Shared {
    /// Notes what the tail holds that is written to.
    pub(crate) fn stands(&self, standing: Option<Standing>) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Notes what a full tail held.
    pub(crate) fn is_full(&self, standing: &Standing) {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        if full.len() < TAILS_MAX {
            full.insert(standing.first_seq, Held { events: standing.events, root: standing.root });
        }
    }

    /// The time as it was last told.
    pub(crate) fn time(&self) -> Time {
        Time::from_micros(self.now_us.load(Ordering::Relaxed))
    }

    pub(crate) fn tell_time(&self, now: Time, steady: Duration) {
        let _first_only = self.begin.set(Told { now_us: now.as_micros(), steady_us: micros(steady) });
        self.steady_us.store(micros(steady), Ordering::Relaxed);
        self.now_us.store(now.as_micros(), Ordering::Release);
    }

    /// The time as it was first told and last, by both clocks; `None` before it was.
    pub(super) fn told(&self) -> Option<(Told, Told)> {
        let begin = *self.begin.get()?;
        let now_us = self.now_us.load(Ordering::Acquire);
        // What is about to be told of the first time.
        let now_us = if now_us == 0 { begin.now_us } else { now_us };
        Some((begin, Told { now_us, steady_us: self.steady_us.load(Ordering::Relaxed) }))
    }

    /// Whether the time is not believed, and whether the last try to seal failed.
    pub(crate) fn troubles(&self) -> (bool, bool) {
        (self.doubted.load(Ordering::Relaxed), self.failing.load(Ordering::Relaxed))
    }

    /// Asks for what tells of persons to be taken out of records, once all before `from_seq` is sealed. `done` is told of how many.
    pub(crate) fn erase(&self, erasable: Erasable, reason: &str, from_seq: u64, done: Done) {
        let erasure = Erasure { erasable, reason: reason.into(), from_seq, done };
        self.erasures.lock().unwrap_or_else(PoisonError::into_inner).push(erasure);
    }

    /// How far the erasure is that was asked for last.
    pub(crate) fn erased(&self) -> ErasureProgress {
        *self.erased.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell_erased(&self, progress: ErasureProgress) {
        *self.erased.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Whether bytes are to be counted again; asked once.
    pub(crate) fn wants_recount(&self) -> bool {
        self.recount.load(Ordering::Relaxed) && self.recount.swap(false, Ordering::AcqRel)
    }

    /// Whether bytes of the tail may be lost; asked once.
    pub(crate) fn wants_another(&self) -> bool {
        self.failed.load(Ordering::Relaxed) && self.failed.swap(false, Ordering::AcqRel)
    }

    /// Segments sealed since the start, and tails that could not be sealed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.sealed.load(Ordering::Relaxed), self.unsealed.load(Ordering::Relaxed))
    }
}

/// Is told of how many events something was erased.
pub type Done = Box<dyn FnOnce(Result<u64, SealError>) + Send>;

/// What is to be erased, and why.
pub(super) struct Erasure {
    pub(super) erasable: Erasable,
    pub(super) reason: Box<str>,
    /// The first number that is not in a tail any more when it may begin.
    pub(super) from_seq: u64,
    pub(super) done: Done,
}
