//! Events: what is recorded of a request, once it is over. Compact values here; JSON is made on the way out.

use crate::{
    facts::Facts,
    id::{PurposeName, TaskId},
    inventory::words,
    ruling::Ruling,
    time::Time,
};
use std::{sync::Arc, time::Duration};

words! {
    /// What an event tells of.
    EventKind {
        /// A request and its end.
        Request = "request",
        /// What is under way: a long stream that has begun, or a request that is about to go to an upstream of `audit: durable`. Its end
        /// is told by another event of the same request.
        Opened = "opened",
        /// The end of what was under way.
        Closed = "closed",
        /// A connection that was ended for what came over it.
        Connection = "connection",
    }
}

words! {
    /// How a request ended.
    Ending {
        /// The answer went out whole.
        Complete = "complete",
        /// The client went away before that.
        ClientGone = "client_gone",
        /// The upstream broke off.
        UpstreamBroke = "upstream_broke",
        /// The answer was cut: its permit ended.
        Cut = "cut",
        /// We failed.
        Fault = "fault",
    }
}

/// What the upstream did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamOutcome {
    /// Its address, as configured.
    pub name: Arc<str>,
    /// Its status; `None` when it gave none.
    pub status: Option<u16>,
    /// From the request's departure to the head of the answer.
    pub latency: Duration,
    /// Body bytes sent to it.
    pub bytes_in: u64,
    /// Body bytes received from it.
    pub bytes_out: u64,
    /// Records in the answer, where counted.
    pub records: Option<u64>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// When the request was over.
    pub end: Time,
    /// How it ended.
    pub ending: Ending,
    /// The status that the client was sent; `None` when nothing could be sent.
    pub client_status: Option<u16>,
    /// What the upstream did; `None`: never reached.
    pub upstream: Option<UpstreamOutcome>,
    /// `Wardgate-Effect`, as declared by the upstream, cut to 256 bytes.
    pub effect: Option<Box<str>>,
    /// What our own services gave out or ended, and of what it came.
    pub came_of: CameOf,
}

/// Of what that came which our own services gave out or ended. Their answer brings it to the record among its extensions, which no upstream
/// can write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CameOf {
    /// The tokens that a token came of, nearest first, by their `jti`.
    pub tokens: Box<[Box<str>]>,
    /// The task that was started, or that the token is of.
    pub task: Option<ForTask>,
}

/// A task, as its events have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForTask {
    /// Which.
    pub task: TaskId,
    /// What it is for.
    pub purpose: PurposeName,
}

/// The record of one request.
#[derive(Debug, Clone)]
pub struct Event {
    /// What it tells of.
    pub kind: EventKind,
    /// What was known.
    pub facts: Facts,
    /// What was decided.
    pub ruling: Ruling,
    /// What came of it.
    pub outcome: Outcome,
    /// Number of the snapshot that it was judged against.
    pub snapshot: u64,
    /// Number of the ruling, in the order they were made on this edge.
    pub judge_order: u64,
}

/// Why no place could be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue of events is full")]
pub struct NoPlace;

/// How much of the queue an event may fill. Anybody can be refused as fast as the wire carries it; what is permitted must
/// still find a place then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// All of it: what is permitted.
    Whole,
    /// All of it, and of the disk what is kept beyond the log's cap: what operators do.
    Operators,
    /// Half of it: what is refused.
    Half,
}

/// Why an event is not yet one that outlasts the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event could not be made to outlast the machine")]
pub struct NotDurable;

/// Told once what became of an event that is to outlast the machine, by whatever thread writes. Dropped untold, it did not.
pub type OnDurable = Box<dyn FnOnce(Result<(), NotDurable>) + Send>;

/// Where events go. Reserving and recording never wait. Use it through [`Place`].
pub trait EventSink: Send + Sync {
    /// Takes one place in the queue, if it has one left for this share of it.
    ///
    /// # Errors
    /// When there is none.
    fn reserve(&self, share: Share) -> Result<(), NoPlace>;

    /// Gives an unused place back.
    fn release(&self);

    /// Records an event in a place that was reserved before.
    fn record(&self, event: Event);

    /// Records an event in a place that was reserved before, has it made to outlast the machine at once, and tells when it does, or
    /// that it does not. The event is not taken back then: it may be found in the log all the same.
    fn record_durable(&self, event: Event, done: OnDurable);

    /// Counts an event that found no place.
    fn count_dropped(&self);
}

/// A reserved place in the log: whoever holds one can record one event for sure. Dropping it unused gives it back.
pub struct Place {
    sink: Option<Arc<dyn EventSink>>,
}

impl Place {
    /// Reserves a place. Done before a request is forwarded, so that `audit: required` can refuse.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn reserve(sink: &Arc<dyn EventSink>, share: Share) -> Result<Self, NoPlace> {
        sink.reserve(share)?;
        Ok(Self { sink: Some(Arc::clone(sink)) })
    }

    /// Records the event.
    pub fn record(mut self, event: Event) {
        if let Some(sink) = self.sink.take() {
            sink.record(event);
        }
    }

    /// Records the event, and tells when it outlasts the machine, or that it does not.
    pub fn record_durable(mut self, event: Event, done: OnDurable) {
        if let Some(sink) = self.sink.take() {
            sink.record_durable(event, done);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.release();
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Place")
    }
}
