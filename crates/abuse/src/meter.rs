//! One meter, and when it may be forgotten.

use crate::{
    bucket::Bucket,
    calendar::Span,
    key::{Counted, MeterKey},
    ledger::Ledger,
};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use wardgate_model::time::Time;

/// Nobody uses it any more, nobody will: it is about to leave the map.
const RETIRED: u64 = 1 << 63;
const PINS: u64 = 0xFFFF_FFFF;

/// Rate and concurrency of one subject under one limit.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) bucket: Bucket,
    running: AtomicU32,
}

impl Flow {
    /// Takes a place among at most `most`.
    pub(crate) fn enter(&self, most: u32) -> bool {
        self.running.try_update(Ordering::Relaxed, Ordering::Relaxed, |running| (running < most).then(|| running.saturating_add(1))).is_ok()
    }

    /// Gives the place back.
    pub(crate) fn leave(&self) {
        // INVARIANT (paired): called once for every `enter` that gave a place, so it cannot pass zero.
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn running(&self) -> u32 {
        self.running.load(Ordering::Relaxed)
    }
}

/// What a meter holds.
#[derive(Debug)]
pub(crate) enum Gauge {
    Flow(Flow),
    Ledger(Ledger),
}

/// A gauge with a count of who uses it.
///
/// INVARIANT (one meter per key): a meter leaves the map only after [`Meter::retire`], which succeeds only when nobody has it
/// pinned and nobody had in between; nobody pins a retired meter. So a subject's counts are never split over two meters.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Low 32 bits: pins. Then 31 bits: how often it was pinned. Highest: retired.
    users: AtomicU64,
    pub(crate) gauge: Gauge,
}

impl Meter {
    /// A new meter, pinned once.
    pub(crate) fn pinned(key: &MeterKey) -> Self {
        let gauge = match key.counted() {
            Counted::Flow => Gauge::Flow(Flow::default()),
            Counted::Quota(_) | Counted::Bytes(_) => Gauge::Ledger(Ledger::new(key.clone())),
        };
        Self { users: AtomicU64::new(1), gauge }
    }

    /// A rate's meter whose bucket stands there, not pinned.
    pub(crate) fn at(level: u64) -> Self {
        Self { users: AtomicU64::new(0), gauge: Gauge::Flow(Flow { bucket: Bucket::at(level), running: AtomicU32::new(0) }) }
    }

    /// A meter from the journal, not pinned.
    pub(crate) fn restored(key: &MeterKey, span: Span, used: u64) -> Self {
        Self { users: AtomicU64::new(0), gauge: Gauge::Ledger(Ledger::restored(key.clone(), span, used)) }
    }

    /// Keeps it from being retired. `false`: it is retired, look again.
    pub(crate) fn pin(&self) -> bool {
        self.users
            .try_update(Ordering::AcqRel, Ordering::Acquire, |users| {
                let times = ((users >> 32) + 1) & 0x7FFF_FFFF;
                (users & RETIRED == 0).then_some((times << 32) | ((users & PINS) + 1))
            })
            .is_ok()
    }

    /// Ends a pin.
    pub(crate) fn unpin(&self) {
        // INVARIANT (paired): called once for every pin, so the low half cannot pass zero.
        self.users.fetch_sub(1, Ordering::Release);
    }

    /// Retires it when nobody uses it and forgetting it changes nothing.
    pub(crate) fn retire(&self, now: Time) -> bool {
        let users = self.users.load(Ordering::Acquire);
        if users & (PINS | RETIRED) != 0 {
            return false;
        }
        let idle = match &self.gauge {
            Gauge::Flow(flow) => flow.bucket.is_full(now) && flow.running() == 0,
            Gauge::Ledger(ledger) => ledger.is_over(now),
        };
        idle && self.users.compare_exchange(users, RETIRED, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.users.load(Ordering::Acquire) & RETIRED != 0
    }
}
