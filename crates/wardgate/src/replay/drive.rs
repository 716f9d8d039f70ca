//! Meters that are driven by recorded requests instead of real ones, and the judge with them.
//!
//! Requests come in the order of their rulings. One that was let in holds its places until the moment at which its event says that it was
//! over; the bytes that passed are charged then.

use std::{collections::BTreeMap, sync::Arc, time::Duration};
use wardgate_abuse::{Hold, Level, MeterBounds, Meters, Unrecorded};
use wardgate_gate::{Answer, Lease, Snapshot, Step, decide, resume};
use wardgate_model::{facts::Facts, reason::Reason, ruling::Ruling, time::Time};

/// How often idle meters are forgotten, as a process does.
const SWEEP: Duration = Duration::from_secs(30);

/// What a request holds.
enum Held {
    /// As the judge gave it.
    Lease(Box<Lease>),
    /// Taken up again at a checkpoint.
    Hold(Hold),
}

/// A request that is under way.
struct Open {
    held: Held,
    facts: Facts,
    snapshot: Arc<Snapshot>,
    bytes: u64,
}

/// When a request was judged, when it was over, and how much passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) order: u64,
    pub(super) now: Time,
    /// `None`: its end is told later.
    pub(super) end: Option<Time>,
    pub(super) bytes: u64,
}

/// The meters of a run, and what is under way.
pub(super) struct Drive {
    meters: Meters,
    /// By the moment at which they are over.
    ending: BTreeMap<(Time, u64), Open>,
    /// Those whose end is told by a later event, by the number of their ruling.
    streams: BTreeMap<u64, Open>,
    swept: Time,
    /// Whether the meters stand where those of the process stood.
    known: bool,
}

fn empty() -> Meters {
    Meters::new(Arc::new(Unrecorded), MeterBounds::default())
}

impl Drive {
    /// Meters of which nothing is known yet.
    pub(super) fn new() -> Self {
        Self { meters: empty(), ending: BTreeMap::new(), streams: BTreeMap::new(), swept: Time::default(), known: false }
    }

    /// Whether the meters stand where those of the process stood.
    pub(super) const fn is_known(&self) -> bool {
        self.known
    }

    /// Rulings are missing: where the meters stand is not known from here on.
    pub(super) const fn lose(&mut self) {
        self.known = false;
    }

    /// Whether anything is under way.
    pub(super) fn is_busy(&self) -> bool {
        !self.ending.is_empty() || !self.streams.is_empty()
    }

    /// Goes on from a checkpoint at `now`. What is under way keeps its places.
    pub(super) fn resume(&mut self, levels: Vec<Level>, now: Time) {
        self.end_until(now);
        let meters = empty();
        meters.resume(levels);
        for open in self.ending.values_mut().chain(self.streams.values_mut()) {
            open.held = Held::Hold(meters.hold(open.snapshot.limits(), &open.facts));
        }
        (self.meters, self.known) = (meters, true);
    }

    /// What the judge says.
    pub(super) fn judge(&mut self, facts: &Facts, snapshot: &Arc<Snapshot>, span: Span) -> Ruling {
        self.end_until(span.now);
        if span.now.since(self.swept) >= SWEEP {
            self.meters.sweep(span.now);
            self.swept = span.now;
        }
        let mut step = decide(facts, snapshot, &self.meters, span.now);
        let verdict = loop {
            step = match step {
                Step::Done(verdict) => break verdict,
                Step::Wait(held, _) => resume(held, &Answer::Elapsed, facts, snapshot, &self.meters, span.now),
            };
        };
        if let Some(permit) = verdict.permit {
            let held = Held::Lease(Box::new(permit.depart().lease));
            let open = Open { held, facts: facts.clone(), snapshot: Arc::clone(snapshot), bytes: span.bytes };
            match span.end {
                Some(end) => drop(self.ending.insert((end, span.order), open)),
                None => drop(self.streams.insert(span.order, open)),
            }
        }
        verdict.ruling
    }

    /// A stream of which only the begin was told is over at `end`. Whether there was one.
    pub(super) fn close(&mut self, order: u64, end: Time, bytes: u64) -> bool {
        let open = self.streams.remove(&order);
        let there = open.is_some();
        if let Some(open) = open {
            self.ending.insert((end, order), Open { bytes, ..open });
        }
        there
    }

    /// What is over by then gives its places back.
    fn end_until(&mut self, now: Time) {
        while let Some(entry) = self.ending.first_entry()
            && entry.key().0 <= now
        {
            let ((end, _), open) = entry.remove_entry();
            // What is used up refuses later requests; this one has passed.
            drop(match &open.held {
                Held::Lease(lease) => lease.charge_bytes(open.bytes, end),
                Held::Hold(hold) => hold.charge_bytes(open.bytes, end),
            });
        }
    }
}

/// Whether a ruling is one by the meters.
pub(super) const fn is_by_meters(reason: Reason) -> bool {
    matches!(reason, Reason::ReserveRate | Reason::ReserveQuota | Reason::ReserveConcurrency | Reason::ReserveBytes)
}
