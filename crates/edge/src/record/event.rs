//! The event of a request: what came of it, told when all is over; of a long stream also when it begins.

use super::{Exchange, Strike, Trip};
use crate::thread::Phase;
use std::{rc::Rc, sync::Arc};
use wardgate_model::{
    api::AuditMode,
    event::{Ending, Event, EventKind, Outcome, Share, UpstreamOutcome},
    reason::Reason,
    ruling::Ruling,
};

impl Exchange {
    /// Both sides have agreed to go over to another protocol: from now on it is a stream, of which a first event tells that it has begun.
    ///
    /// # Errors
    /// When there is no place for that event and the API wants it.
    pub fn go_over(&self, status: u16) -> Result<(), Reason> {
        self.client_status.set(Some(status));
        let (Some(facts), Some(ruling)) = (self.facts(), self.ruling()) else { return Err(Reason::ForwardFault) };
        let thread = self.thread();
        let place = thread.place(Share::Whole);
        let must = facts.api.as_ref().is_some_and(|api| api.audit != AuditMode::BestEffort);
        if place.is_none() && must {
            return Err(Reason::CommitNoRecord);
        }
        self.kind.set(EventKind::Closed);
        let outcome = Outcome {
            end: self.now(),
            ending: Ending::Complete,
            client_status: Some(status),
            upstream: self.trip.borrow().as_ref().map(|trip| self.upstream(trip)),
            effect: None,
        };
        let event = Event {
            kind: EventKind::Opened,
            facts: facts.clone(),
            ruling: ruling.clone(),
            outcome,
            snapshot: self.snapshot.get(),
            judge_order: self.order.get(),
        };
        match place {
            Some(place) => place.record(event),
            None => thread.drop_event(),
        }
        Ok(())
    }

    /// Gives the place of its event back until there is one: who waits keeps no event of others from being recorded.
    pub fn vacate(&self) {
        drop(self.place.take());
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
        let facts = self.facts.take().unwrap_or_else(|| self.opening.facts(""));
        let fallback = if ending == Ending::Fault { Reason::ForwardFault } else { Reason::WireBodyIncomplete };
        let mut ruling = self.ruling.take().unwrap_or_else(|| Ruling::refused(fallback));
        if let Some(failure) = self.failure.get().or_else(|| self.reviewed.withdrawn()) {
            ruling.reasons.insert(0, failure);
        }
        let upstream = self.trip.take().map(|trip| self.upstream(&trip));
        Event {
            kind: self.kind.get(),
            facts,
            ruling,
            outcome: Outcome { end, ending, client_status: self.client_status.get(), upstream, effect: self.effect.take() },
            snapshot: self.snapshot.get(),
            judge_order: self.order.get(),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let place = self.place.take();
        let event = self.event();
        let thread = Rc::clone(self.thread());
        let metrics = &thread.metrics;
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
