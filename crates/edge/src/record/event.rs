//! The event of a request: what came of it, told when all is over; of a long stream also when it begins, and where
//! its record is durable before it goes anywhere.

use super::{Exchange, Strike, Trip};
use crate::{
    records::{Counting, Extent},
    thread::{Phase, Thread},
};
use http::{HeaderMap, Method, StatusCode};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use wardgate_gate::{Course, Effect, Lease, Sight};
use wardgate_model::{
    api::AuditMode,
    event::{CameOf, Ending, Event, EventKind, Outcome, Place, Share, UpstreamOutcome},
    facts::Door,
    inventory::Criticality,
    reason::Reason,
    ruling::Ruling,
};

impl Exchange {
    /// Both sides have agreed to go over to another protocol: from now on it is a stream, of which a first event tells that it has begun,
    /// where none does yet.
    ///
    /// # Errors
    /// When there is no place for that event and the API wants it.
    pub fn go_over(&self, status: u16) -> Result<(), Reason> {
        self.client_status.set(Some(status));
        let event = self.opened_event().ok_or(Reason::ForwardFault)?;
        if self.kind.get() == EventKind::Request {
            let place = self.place_of_opened();
            let must = event.facts.api.as_ref().is_some_and(|api| api.audit != AuditMode::BestEffort);
            match place {
                Some(place) => place.record(event),
                None if must => return Err(Reason::CommitNoRecord),
                None => self.thread().drop_event(),
            }
        }
        self.kind.set(EventKind::Closed);
        self.over.set(true);
        let operation = self.facts().and_then(|facts| facts.operation.as_deref());
        *self.records.borrow_mut() = operation.map(Counting::unseen).unwrap_or_default();
        Ok(())
    }

    /// A place for the event that it is under way.
    pub(super) fn place_of_opened(&self) -> Option<Place> {
        self.thread().place(match self.door() {
            Door::Admin => Share::Operators,
            Door::Public | Door::Described => Share::Whole,
        })
    }

    /// The event that it is under way, with all that is known so far. `None`: it was never ruled on.
    pub(super) fn opened_event(&self) -> Option<Event> {
        let outcome = Outcome {
            end: self.now(),
            ending: Ending::Complete,
            client_status: self.client_status.get(),
            upstream: self.trip.borrow().as_ref().map(|trip| self.upstream(trip)),
            effect: None,
            came_of: CameOf::default(),
        };
        Some(Event {
            kind: EventKind::Opened,
            facts: self.facts()?.clone(),
            ruling: self.ruling()?.clone(),
            outcome,
            snapshot: self.snapshot.get(),
            judge_order: self.order.get(),
        })
    }

    /// How long it has waited since it last went on towards the upstream.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.now().since(self.progress.get())
    }

    /// How much depends on its caller.
    #[must_use]
    pub fn criticality(&self) -> Criticality {
        self.facts().and_then(|facts| facts.caller.as_ref()).map_or(Criticality::Low, |caller| caller.identity.criticality)
    }

    /// The token that is given out, or ended, came of these.
    pub fn told_of_token(&self, came_of: CameOf) {
        *self.came_of.borrow_mut() = came_of;
    }

    /// Gives the place of its event back until there is one: who waits keeps no event of others from being recorded.
    pub fn vacate(&self) {
        drop(self.place.take());
    }

    /// Has the records of an answer counted that passes from here on, where its operation wants that.
    pub fn count_records(&self, status: StatusCode, headers: &HeaderMap) {
        let operation = self.facts().and_then(|facts| facts.operation.as_deref());
        if let Some(operation) = operation.filter(|_| self.opening.method != Method::HEAD) {
            *self.records.borrow_mut() = Counting::of(operation, status, headers);
        }
    }

    /// Whether the records of its answer are charged to the budget of a task: then it is to be one that can be counted.
    #[must_use]
    pub fn counts_records(&self) -> bool {
        self.lease.get().is_some_and(Lease::counts_records)
    }

    /// Charges the records that have passed by now to the budget of a task; `None`: nobody can say how many.
    fn charge_records(&self, passed: Option<u64>, course: Course) -> Result<(), Reason> {
        let Some(lease) = self.lease.get().filter(|lease| lease.counts_records()) else { return Ok(()) };
        let more = match (self.charged.get(), passed) {
            (Some(charged), Some(passed)) => Some(passed.saturating_sub(charged)),
            (Some(_), None) => None,
            (None, _) => Some(0),
        };
        self.charged.set(passed.and_then(|passed| Some(self.charged.get()?.max(passed))));
        let course = if self.over.get() { Course::Open } else { course };
        lease.charge_records(more, course, self.connection.now()).map_err(|exhausted| exhausted.reason)
    }

    /// Looks at bytes of the answer that pass.
    ///
    /// # Errors
    /// When the records of a task are used up: the answer has to be cut.
    pub fn pass_records(&self, bytes: &[u8]) -> Result<(), Reason> {
        let mut records = self.records.borrow_mut();
        records.take(bytes);
        let charged = self.charge_records(records.so_far(self.bytes_out.get()), records.course());
        if charged.is_err() {
            self.strike.set(Some(Strike::Cut));
        }
        charged
    }

    fn upstream(&self, trip: &Trip) -> UpstreamOutcome {
        UpstreamOutcome {
            name: Arc::clone(&trip.name),
            status: trip.status.get(),
            latency: trip.latency.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            records: None,
        }
    }

    /// Keeps what the judge saw of it: it is learned by the same.
    pub(crate) fn saw(&self, sight: Option<Sight>) {
        self.sight.set(sight);
    }

    /// The event, once all is over.
    fn event(&mut self) -> Event {
        let end = self.connection.now();
        let ending = match (self.ending.get(), self.strike.get()) {
            (Some(ending), _) => ending,
            _ if std::thread::panicking() => Ending::Fault,
            (None, Some(Strike::Cut)) => Ending::Cut,
            (None, Some(Strike::Upstream)) => Ending::UpstreamBroke,
            (None, Some(Strike::Client)) => Ending::ClientGone,
            (None, None) if self.thread().phase() == Phase::Cutting => Ending::Cut,
            (None, None) => Ending::ClientGone,
        };
        let is_broken_off = match ending {
            Ending::UpstreamBroke | Ending::Fault => true,
            Ending::Cut => self.strike.get().is_none(),
            _ => false,
        };
        let facts = self.facts.take().unwrap_or_else(|| self.opening.facts(""));
        let fallback = if ending == Ending::Fault { Reason::ForwardFault } else { Reason::WireBodyIncomplete };
        let mut ruling = self.ruling.take().unwrap_or_else(|| Ruling::refused(fallback));
        let extent = if ending == Ending::Complete { Extent::Whole } else { Extent::Begin };
        let records = self.records.take();
        let course = records.course();
        let found = records.end(extent, self.bytes_out.get());
        // Where an answer breaks off through no act of its caller, what could not be counted yet is not charged to it.
        let passed = found.passed.or_else(|| is_broken_off.then_some(0));
        let _over_already = self.charge_records(passed, course);
        if self.charged.get().is_none() {
            ruling.reasons.insert(0, Reason::ReserveUncounted);
        }
        let upstream = self.trip.take().map(|trip| UpstreamOutcome { records: found.told, ..self.upstream(&trip) });
        match self.failure.get().or_else(|| self.reviewed.withdrawn()) {
            // It was not let go after all, as where there is no place for its event.
            Some(Reason::CommitNoRecord) if upstream.is_none() => ruling = Ruling::refused(Reason::CommitNoRecord),
            Some(failure) => ruling.reasons.insert(0, failure),
            None => {}
        }
        Event {
            kind: self.kind.get(),
            facts,
            ruling,
            outcome: Outcome {
                end,
                ending,
                client_status: self.client_status.get(),
                upstream,
                effect: self.effect.take(),
                came_of: self.came_of.take(),
            },
            snapshot: self.snapshot.get(),
            judge_order: self.order.get(),
        }
    }
}

/// What came of a request, as baselines learn it: once for each, whatever became of it. An event that it has begun is none of these.
fn learn(thread: &Thread, event: &Event, sight: Option<Sight>) {
    let upstream = event.outcome.upstream.as_ref();
    let effect = Effect {
        status: upstream.and_then(|upstream| upstream.status),
        records: upstream.and_then(|upstream| upstream.records),
        bytes: upstream.map_or(0, |upstream| upstream.bytes_out),
        subject: event.ruling.subject,
    };
    let (watch, end) = (thread.gate.meters().watch(), event.outcome.end);
    match sight {
        Some(sight) => watch.learn_seen(&sight.at(end), &event.facts, &event.ruling, &effect),
        None => watch.learn(&event.facts, &event.ruling, &effect, end),
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let place = self.place.take();
        let event = self.event();
        let thread = Rc::clone(self.thread());
        let metrics = &thread.metrics;
        // Whatever baselines make of it, it is recorded.
        if catch_unwind(AssertUnwindSafe(|| learn(&thread, &event, self.sight.get()))).is_err() {
            metrics.fault();
        }
        metrics.in_flight(-1);
        metrics.request(&event.facts.request.method, event.outcome.client_status, event.outcome.end.since(self.opening.time));
        if event.outcome.ending == Ending::Fault {
            metrics.fault();
        }
        let api = event.facts.api.as_deref().map(|api| &api.name);
        thread.resolved.borrow_mut().count(metrics, api, event.facts.lane(), &event.ruling);
        // A ruling that was never reached has no place yet.
        match place.or_else(|| thread.place(Share::Half)) {
            Some(place) => place.record(event),
            None => thread.drop_event(),
        }
    }
}
