//! What one thread of the doors works with. Nothing here is shared between threads but the gate, the sink and counters.

use crate::{
    inside::{InProcess, Probes, TrustKeys},
    limits::EdgeLimits,
    metrics::{EdgeMetrics, Resolved},
    pause::Pauses,
    review::Reviews,
    server::EdgeParts,
    sources::Sources,
    upstream::Upstreams,
    watch::Watch,
};
use http::HeaderValue;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use wardgate_gate::Gate;
use wardgate_model::{
    event::{EventSink, Place, Share},
    id::RequestId,
    time::Time,
};

/// What the doors of a process share; each thread takes a clone.
#[derive(Clone)]
pub struct Shared {
    /// What they work with.
    pub parts: EdgeParts,
    /// Connections by source.
    pub sources: Arc<Sources>,
    /// Requests that wait for keys, by source.
    pub asking: Arc<Sources>,
    /// Requests that wait to be told that their source is over its limit, by source.
    pub pausing: Arc<Sources>,
    /// Requests that are being slowed, by source.
    pub slowing: Arc<Sources>,
    /// Bounds.
    pub limits: EdgeLimits,
    /// Our own name in `Via`, by which we know our own requests.
    pub via: Arc<str>,
    /// Number of threads: bounds that hold per edge are divided by it.
    pub threads: usize,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

/// Requests that are being slowed.
#[derive(Debug)]
pub struct Slowed {
    /// On this thread.
    pub here: Cell<usize>,
    /// Of the whole process, by source.
    pub sources: Arc<Sources>,
}

/// Where a thread is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Takes requests.
    Open,
    /// Lets what runs end.
    Draining,
    /// Ends what still runs.
    Cutting,
}

/// The word from outside to end. Threads look at it as often as at their deadlines.
#[derive(Debug, Default)]
pub struct Control {
    /// Milliseconds that a drain may take, plus one; 0: no drain.
    drain: AtomicU64,
}

impl Control {
    /// Asks every thread to end within `deadline`. The first to ask sets it.
    pub fn drain(&self, deadline: Duration) {
        let millis = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        let _ = self.drain.compare_exchange(0, millis, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// How long a drain that was asked for may take.
    #[must_use]
    pub fn draining(&self) -> Option<Duration> {
        self.drain.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_millis)
    }
}

/// One thread's own state.
pub struct Thread {
    /// The judge.
    pub gate: Arc<Gate>,
    /// APIs of this process.
    pub in_process: Arc<dyn InProcess>,
    /// Paths that are answered before the judge.
    pub probes: Arc<dyn Probes>,
    /// Keys of trust sources.
    pub keys: Arc<dyn TrustKeys>,
    /// Counters.
    pub metrics: Arc<EdgeMetrics>,
    /// Bounds.
    pub limits: EdgeLimits,
    /// Our own name in `Via`.
    pub via: Arc<str>,
    /// `1.1 <name>`.
    pub via_field: HeaderValue,
    /// `2.0 <name>`, for what came by HTTP/2 (RFC 9110 §7.6.3).
    pub via_field_2: HeaderValue,
    /// Everything with a deadline.
    pub watch: Rc<Watch>,
    /// Which snapshot open requests have been judged by.
    pub reviews: Reviews,
    /// Counters of APIs, resolved.
    pub resolved: RefCell<Resolved>,
    /// Connections of clients, by source.
    pub sources: Arc<Sources>,
    /// Requests that wait for the keys of a trust source, by source.
    pub asking: Arc<Sources>,
    /// Requests that wait to be told that their source is over its limit.
    pub pauses: Pauses,
    /// Connections to upstreams.
    pub upstreams: Upstreams,
    /// Requests that are being slowed.
    pub slowed: Slowed,
    /// Requests that wait for more of a task's budget.
    pub drawing: Cell<usize>,
    /// Requests whose bodies are collected for the judge.
    pub collecting: Cell<usize>,
    /// The same, by source.
    pub collectors: Arc<Sources>,
    sink: Arc<dyn EventSink>,
    clock: fn() -> Time,
    moment: Cell<Time>,
    entropy: fn() -> u128,
    phase: Cell<Phase>,
    open: Cell<usize>,
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Thread")
    }
}

impl Thread {
    /// The state of a new thread.
    #[must_use]
    pub fn new(shared: Shared) -> Rc<Self> {
        let Shared { parts, sources, asking, pausing, slowing, limits, via, threads } = shared;
        let EdgeParts { gate, sink, clock, entropy, in_process, probes, keys, metrics, census: _ } = parts;
        let via_field_2 = HeaderValue::try_from(format!("2.0 {via}")).unwrap_or(HeaderValue::from_static("2.0 wardgate"));
        let via_field = HeaderValue::try_from(format!("1.1 {via}")).unwrap_or(HeaderValue::from_static("1.1 wardgate"));
        Rc::new(Self {
            upstreams: Upstreams::new(limits, threads, Arc::clone(&metrics)),
            gate,
            in_process,
            probes,
            keys,
            metrics,
            limits,
            via,
            via_field,
            via_field_2,
            sources,
            asking,
            pauses: Pauses::new(pausing),
            watch: Rc::new(Watch::default()),
            reviews: Reviews::default(),
            resolved: RefCell::default(),
            slowed: Slowed { here: Cell::new(0), sources: slowing },
            drawing: Cell::new(0),
            collecting: Cell::new(0),
            collectors: Arc::default(),
            sink,
            clock,
            moment: Cell::new(clock()),
            entropy,
            phase: Cell::new(Phase::Open),
            open: Cell::new(0),
        })
    }

    /// Reads the clock.
    #[must_use]
    pub fn now(&self) -> Time {
        let now = (self.clock)();
        self.moment.set(now);
        now
    }

    /// When the clock was read last: at the beginning of the step under way of an HTTP/1 connection, and never longer ago than
    /// a tick. Good for deadlines and for what is recorded of a request; a request would read the clock a dozen times otherwise.
    #[must_use]
    pub fn moment(&self) -> Time {
        self.moment.get()
    }

    /// The clock itself.
    #[must_use]
    pub fn clock(&self) -> fn() -> Time {
        self.clock
    }

    /// A new request id.
    #[must_use]
    pub fn request_id(&self, now: Time) -> RequestId {
        RequestId::new(now, (self.entropy)())
    }

    /// Random bits.
    #[must_use]
    pub fn random(&self) -> u128 {
        (self.entropy)()
    }

    /// A place for an event, when there is one.
    #[must_use]
    pub fn place(&self, share: Share) -> Option<Place> {
        Place::reserve(&self.sink, share).ok()
    }

    /// Counts an event that finds no place.
    pub fn drop_event(&self) {
        self.sink.count_dropped();
        self.metrics.event_dropped();
    }

    /// Whether it takes requests, ends, or cuts.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Goes on to the next phase.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// Counts a connection that was taken (the process's count is already made).
    pub fn opened(&self) {
        self.open.set(self.open.get() + 1);
    }

    /// Counts a connection that ended.
    pub fn closed(&self) {
        self.open.set(self.open.get().saturating_sub(1));
        self.metrics.disconnect();
    }

    /// Whether no connection is open.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open.get() == 0
    }
}
