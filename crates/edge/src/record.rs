//! One [`Exchange`] per request: it owns the event until the last byte has passed, and records it when it is dropped,
//! whatever happened: an answer, a refusal, a client that went away, a panic.

mod wait;

use crate::{
    census::Tally,
    connection::Connection,
    respond,
    thread::{Phase, Thread},
    watch::{Tick, Watched},
};
use http::{HeaderValue, Method};
use std::{
    cell::{Cell, OnceCell, RefCell},
    net::IpAddr,
    rc::{Rc, Weak},
    sync::Arc,
    task::Context,
    time::Duration,
};
use wait::{NEVER, Wait};
use wardgate_gate::{Lease, canon};
use wardgate_model::{
    api::AuditMode,
    event::{Ending, Event, EventKind, Outcome, Place, Share, UpstreamOutcome},
    facts::{Door, Facts, RequestFacts, SourceFacts},
    id::RequestId,
    reason::Reason,
    ruling::Ruling,
    time::Time,
};

/// What is known of a request before the judge has looked at it.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its id.
    pub id: RequestId,
    /// When its head was there.
    pub time: Time,
    /// Through which door.
    pub door: Door,
    /// Method.
    pub method: Method,
    /// The peer.
    pub peer: IpAddr,
}

impl Opening {
    /// Facts of a request that the judge never saw.
    #[must_use]
    pub fn facts(&self, path: &str) -> Facts {
        Facts {
            id: self.id,
            time: self.time,
            door: self.door,
            trace: None,
            request: RequestFacts {
                method: self.method.clone(),
                host: Box::default(),
                path: path.into(),
                query: None,
                content_type: None,
                length: None,
            },
            source: SourceFacts { address: canon::address(self.peer), zone: None, user_agent: None },
            api: None,
            operation: None,
            resource: None,
            caller: None,
            purpose: None,
            stopped: None,
            unknown: None,
        }
    }
}

/// What ends an exchange from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// The permit ended, or its bytes are used up.
    Cut,
    /// The client did not go on in time.
    Client,
    /// The upstream did not go on in time.
    Upstream,
}

/// Upstream's part of the event, as it comes to be known.
#[derive(Debug)]
struct Trip {
    name: Arc<str>,
    status: Cell<Option<u16>>,
    departed: Time,
    latency: Cell<Duration>,
}

/// One request, from its head to the last byte of its answer.
#[derive(Debug)]
pub struct Exchange {
    connection: Rc<Connection>,
    opening: Opening,
    id_field: OnceCell<HeaderValue>,
    facts: OnceCell<Facts>,
    ruling: OnceCell<Ruling>,
    /// A refusal after the ruling: what failed on the way.
    failure: Cell<Option<Reason>>,
    place: RefCell<Option<Place>>,
    snapshot: Cell<u64>,
    order: Cell<u64>,
    lease: OnceCell<Lease>,
    /// Whether an API of this process has begun to act on it.
    acting: Cell<bool>,
    trip: RefCell<Option<Trip>>,
    effect: RefCell<Option<Box<str>>>,
    client_status: Cell<Option<u16>>,
    ending: Cell<Option<Ending>>,
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
    /// Whether the whole request has been taken from the client.
    uploaded: Cell<bool>,
    /// Why the request's body broke.
    upload_fault: Cell<Option<Reason>>,
    /// When the request last went on towards the upstream.
    progress: Cell<Time>,
    /// How long the upstream may take from there.
    patience: Cell<Duration>,
    up: Wait,
    down: Wait,
    /// By when it must be over, whatever else.
    deadline: Cell<Time>,
    /// When what its caller was let in by ends.
    ends: Cell<Time>,
    /// What its event tells of.
    kind: Cell<EventKind>,
    /// When the client is given up that does not take its answer.
    client: Cell<Time>,
    strike: Cell<Option<Strike>>,
    watched: OnceCell<Watched>,
}

impl Exchange {
    /// Opens the record of a request.
    #[must_use]
    pub fn open(connection: &Rc<Connection>, opening: Opening) -> Rc<Self> {
        let thread = connection.thread();
        thread.metrics.in_flight(1);
        let progress = Cell::new(opening.time);
        let exchange = Rc::new(Self {
            connection: Rc::clone(connection),
            opening,
            id_field: OnceCell::new(),
            facts: OnceCell::new(),
            ruling: OnceCell::new(),
            failure: Cell::new(None),
            place: RefCell::new(None),
            snapshot: Cell::new(0),
            order: Cell::new(0),
            lease: OnceCell::new(),
            acting: Cell::new(false),
            trip: RefCell::new(None),
            effect: RefCell::new(None),
            client_status: Cell::new(None),
            ending: Cell::new(None),
            bytes_in: Cell::new(0),
            bytes_out: Cell::new(0),
            uploaded: Cell::new(false),
            upload_fault: Cell::new(None),
            progress,
            patience: Cell::new(Duration::ZERO),
            up: Wait::new(),
            down: Wait::new(),
            deadline: Cell::new(NEVER),
            ends: Cell::new(NEVER),
            kind: Cell::new(EventKind::Request),
            client: Cell::new(NEVER),
            strike: Cell::new(None),
            watched: OnceCell::new(),
        });
        let weak: Weak<dyn Tick> = Rc::downgrade(&exchange) as Weak<dyn Tick>;
        let _ = exchange.watched.set(thread.watch.add(weak));
        exchange
    }

    /// The request's id.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.opening.id
    }

    /// What is known of it.
    #[must_use]
    pub fn facts(&self) -> Option<&Facts> {
        self.facts.get()
    }

    /// What was decided.
    #[must_use]
    pub fn ruling(&self) -> Option<&Ruling> {
        self.ruling.get()
    }

    /// The request's id as a field value, made once.
    #[must_use]
    pub fn id_field(&self) -> &HeaderValue {
        self.id_field.get_or_init(|| respond::request_id(self.opening.id))
    }

    /// The thread that carries it.
    #[must_use]
    pub fn thread(&self) -> &Rc<Thread> {
        self.connection.thread()
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Time {
        self.connection.now()
    }

    /// Through which kind of door it came.
    #[must_use]
    pub fn door(&self) -> Door {
        self.opening.door
    }

    /// When its head was there.
    #[must_use]
    pub fn opened(&self) -> Time {
        self.opening.time
    }

    /// Notes by which snapshot it is judged.
    pub fn judged_by(&self, snapshot: u64) {
        self.snapshot.set(snapshot);
    }

    /// What is known of it without the judge.
    #[must_use]
    pub fn blank(&self, path: &str) -> Facts {
        self.opening.facts(path)
    }

    /// Keeps the facts.
    pub fn establish(&self, facts: Facts) -> &Facts {
        self.facts.get_or_init(|| facts)
    }

    /// Keeps the ruling, its number and the place of its event.
    pub fn rule(&self, ruling: Ruling, order: u64, place: Option<Place>) -> &Ruling {
        self.order.set(order);
        *self.place.borrow_mut() = place;
        self.ruling.get_or_init(|| ruling)
    }

    /// Notes that the request failed after it was allowed.
    pub fn fail(&self, reason: Reason) {
        self.failure.set(Some(reason));
    }

    /// Goes to the upstream `name` under `lease`.
    pub fn depart(&self, name: Arc<str>, lease: Option<Lease>, now: Time) {
        if let Some(lease) = lease {
            self.ends.set(lease.ends().unwrap_or(NEVER));
            let _ = self.lease.set(lease);
        }
        self.progress.set(now);
        *self.trip.borrow_mut() = Some(Trip { name, status: Cell::new(None), departed: now, latency: Cell::new(Duration::ZERO) });
    }

    /// The head of the upstream's answer is there.
    pub fn returned(&self, status: u16, effect: Option<Box<str>>, now: Time) {
        if let Some(trip) = &*self.trip.borrow() {
            trip.status.set(Some(status));
            trip.latency.set(now.since(trip.departed));
        }
        *self.effect.borrow_mut() = effect;
    }

    /// What the client is sent.
    pub fn answer(&self, status: u16) {
        self.client_status.set(Some(status));
    }

    /// Sets how it ended, unless that is known.
    pub fn end(&self, ending: Ending) {
        if self.ending.get().is_none() {
            self.ending.set(Some(ending));
        }
        self.client.set(NEVER);
        self.down.clear();
    }

    /// What struck it from outside.
    #[must_use]
    pub fn struck(&self) -> Option<Strike> {
        self.strike.get()
    }

    /// An API of this process begins to act. From here on it ends what it began, and its caller hears of it, although the act
    /// may be the end of its own credential: a sign-in is spent by signing in, a session signs out.
    ///
    /// # Errors
    /// When the caller was stopped before.
    pub fn act(&self) -> Result<(), Reason> {
        if !self.is_live() {
            self.strike.set(Some(Strike::Cut));
            return Err(self.stopped());
        }
        self.acting.set(true);
        Ok(())
    }

    /// Why it was cut: its caller was stopped, or what it showed was ended.
    #[must_use]
    pub fn stopped(&self) -> Reason {
        self.lease.get().map_or(Reason::CommitStale, Lease::stopped)
    }

    fn is_live(&self) -> bool {
        let ended = || self.connection.now() >= self.ends.get();
        self.acting.get() || self.lease.get().is_none_or(|lease| lease.is_live() && !ended())
    }

    /// Charges bytes of a body that are about to pass.
    ///
    /// # Errors
    /// With the reason for which they must not: the caller was stopped, or its bytes are used up.
    pub fn charge(&self, bytes: u64) -> Result<(), Reason> {
        let charged = match self.lease.get() {
            Some(_) if !self.is_live() => Err(self.stopped()),
            Some(lease) => lease.charge_bytes(bytes, self.connection.now()).map_err(|exhausted| exhausted.reason),
            None => Ok(()),
        };
        if charged.is_err() {
            self.strike.set(Some(Strike::Cut));
        }
        charged
    }

    /// Counts bytes of the request's body; gives how many there are now.
    pub fn count_in(&self, bytes: u64) -> u64 {
        self.bytes_in.set(self.bytes_in.get().saturating_add(bytes));
        self.progress.set(self.connection.now());
        self.up.clear();
        self.bytes_in.get()
    }

    /// Counts bytes of the answer's body, and begins to wait for the client to take them.
    pub fn count_out(&self, bytes: u64) {
        self.bytes_out.set(self.bytes_out.get().saturating_add(bytes));
        self.down.clear();
        self.client.set(self.connection.now() + self.thread().limits.client_idle);
    }

    /// Waits for more of the request's body.
    pub fn wait_for_client(&self, cx: &Context<'_>) {
        self.up.until(cx, self.connection.now() + self.thread().limits.body_idle);
    }

    /// Waits for the upstream; the client has taken all there is.
    pub fn wait_for_upstream(&self, cx: &Context<'_>, patience: Duration) {
        self.client.set(NEVER);
        self.patience.set(patience);
        self.down.until(cx, self.connection.now() + patience);
    }

    /// Something has gone on, either way.
    pub fn progressed(&self) {
        self.progress.set(self.connection.now());
    }

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

    /// It must be over by then: its caller waits no longer.
    pub fn end_by(&self, deadline: Time) {
        self.deadline.set(deadline);
    }

    /// Whether its client speaks HTTP/2.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        self.connection.wire().is_none()
    }

    /// The whole request has been taken.
    pub fn upload_done(&self) {
        self.uploaded.set(true);
        self.up.clear();
    }

    /// Whether the whole request has been taken.
    #[must_use]
    pub fn is_uploaded(&self) -> bool {
        self.uploaded.get()
    }

    /// The request's body broke.
    pub fn upload_broke(&self, reason: Reason) {
        self.upload_fault.set(Some(reason));
        self.up.clear();
    }

    /// Why the request's body broke.
    #[must_use]
    pub fn upload_fault(&self) -> Option<Reason> {
        self.upload_fault.get()
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
        if let Some(failure) = self.failure.get() {
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

impl Tick for Exchange {
    fn tick(&self, now: Time) {
        if self.strike.get().is_some() || self.ending.get().is_some() {
            return;
        }
        if !self.is_live() {
            self.strike.set(Some(Strike::Cut));
            self.up.wake();
            self.down.wake();
            // What its client leaves lying goes too: the engine asks for no more of the body until that is taken.
            if self.client_status.get().is_some() && self.connection.wire().is_some() {
                self.connection.kill();
            }
            return;
        }
        if now >= self.deadline.get() {
            self.strike.set(Some(Strike::Upstream));
            self.up.wake();
            self.down.wake();
            return;
        }
        if self.up.strike(now) {
            self.strike.set(Some(Strike::Client));
        }
        // A request that still goes out keeps the upstream's time from running.
        if self.down.deadline() != NEVER {
            self.down.not_before(self.progress.get() + self.patience.get());
        }
        if self.down.strike(now) {
            self.strike.set(Some(Strike::Upstream));
        }
        if now >= self.client.get() {
            self.strike.set(Some(Strike::Client));
            self.connection.kill();
        }
    }

    /// What a stop of its caller would cut: it is under way, and no act of this process that ends in any case.
    fn tell(&self, tally: &mut Tally) {
        let over = self.strike.get().is_some() || self.ending.get().is_some();
        if !over
            && !self.acting.get()
            && self.lease.get().is_some()
            && let Some(facts) = self.facts.get()
        {
            tally.add(facts, self.opening.time);
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
        thread.resolved.borrow_mut().count(metrics, event.facts.api.as_deref().map(|api| &api.name), &event.ruling);
        // A ruling that was never reached has no place yet.
        match place.or_else(|| thread.place(Share::Half)) {
            Some(place) => place.record(event),
            None => thread.drop_event(),
        }
    }
}
