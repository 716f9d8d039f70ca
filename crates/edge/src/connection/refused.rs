//! Refusals that no request of the engine's stands for: the wire guard's, and what ends a connection.

use super::Connection;
use crate::{preamble::Malformed, record::Opening, respond, wire::Refusal};
use http::Method;
use wardgate_model::{
    event::{CameOf, Ending, Event, EventKind, Outcome, Share},
    facts::{Facts, Stopped},
    reason::Reason,
    ruling::Ruling,
};

impl Connection {
    /// Records that a balancer did not say for whom it connects.
    pub(crate) fn no_preamble(&self, malformed: Malformed) {
        let detail = match malformed {
            Malformed::Ended => return,
            Malformed::Signature | Malformed::Command | Malformed::Family | Malformed::Length => "no preamble of the PROXY protocol",
        };
        let _ = self.refuse_on_wire(&Refusal::new(Reason::WireMalformed, detail, 0), b"", b"");
    }

    /// Ends it at once, and records why: more came on it than may.
    pub(crate) fn flooded(&self, detail: &'static str) {
        if !self.killed.get() {
            let _ = self.refuse_on_wire(&Refusal::new(Reason::WireFlood, detail, 0), b"", b"");
            self.kill();
        }
    }

    /// Records a refusal of the wire guard and gives the answer to it.
    pub(crate) fn refuse_on_wire(&self, refusal: &Refusal, method: &[u8], target: &[u8]) -> Vec<u8> {
        if refusal.reason == Reason::WireTimeout {
            self.was_slow();
        }
        let now = self.thread.now();
        let id = self.thread.request_id(now);
        let method = Method::from_bytes(method).ok().unwrap_or(Method::from_bytes(b"UNREAD").unwrap_or(Method::GET));
        let opening = Opening { id, time: now, door: self.door, method, peer: self.peer() };
        let path: String = target.iter().take_while(|b| **b != b'?').take(256).map(|b| char::from(*b)).collect();
        let facts = Facts { stopped: Some(Stopped::because(refusal.reason)), ..opening.facts(&path) };
        let ruling = Ruling::refused(refusal.reason);
        self.thread.metrics.wire(refusal.reason);
        self.thread.resolved.borrow_mut().count(&self.thread.metrics, None, None, &ruling);
        let status = refusal.reason.row().http;
        let outcome = Outcome {
            end: now,
            ending: Ending::Complete,
            client_status: Some(status),
            upstream: None,
            effect: None,
            came_of: CameOf::default(),
        };
        let event = Event {
            kind: EventKind::Connection,
            facts,
            ruling,
            outcome,
            snapshot: self.thread.gate.snapshot().number(),
            judge_order: self.thread.gate.next_judge_order(),
        };
        match self.thread.place(Share::Half) {
            Some(place) => place.record(event),
            None => self.thread.drop_event(),
        }
        respond::on_the_wire(id, refusal.reason, &refusal.to_string())
    }
}
