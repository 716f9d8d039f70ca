//! One [`Exchange`] per request: it owns the event until the last byte has passed, and records it when it is dropped,
//! whatever happened: an answer, a refusal, a client that went away, a panic.

mod event;
mod intent;
mod opening;
mod pace;
mod reviewed;
mod wait;

use crate::{
    census::Tally,
    connection::Connection,
    hygiene,
    limits::EdgeLimits,
    records::Counting,
    respond,
    review::Sight,
    thread::Thread,
    watch::{Tick, Watched},
};
use http::{HeaderMap, HeaderValue};
pub use opening::Opening;
use pace::Pace;
use reviewed::Reviewed;
use std::{
    cell::{Cell, OnceCell, RefCell},
    net::IpAddr,
    rc::{Rc, Weak},
    sync::Arc,
    task::Context,
    time::Duration,
};
use wait::{NEVER, Wait};
use wardgate_gate::Lease;
use wardgate_model::{
    event::{CameOf, Ending, EventKind, Place},
    facts::{Door, Facts},
    id::RequestId,
    reason::Reason,
    ruling::Ruling,
    time::Time,
};

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
    sight: Cell<Option<wardgate_gate::Sight>>,
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
    came_of: RefCell<CameOf>,
    client_status: Cell<Option<u16>>,
    ending: Cell<Option<Ending>>,
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
    /// The records of the answer, where they are counted.
    records: RefCell<Counting>,
    /// How many of them the budget of a task was charged; `None`: all that it has.
    charged: Cell<Option<u64>>,
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
    /// How fast its client sends, and takes.
    paces: (Pace, Pace),
    /// Whether its client may be silent for as long as it likes: it is a stream of gRPC.
    unhurried: Cell<bool>,
    /// By when it must be over, whatever else.
    deadline: Cell<Time>,
    /// When what its caller was let in by ends.
    ends: Cell<Time>,
    /// What its event tells of.
    kind: Cell<EventKind>,
    /// Whether it has gone over to another protocol.
    over: Cell<bool>,
    /// When the client is given up that does not take its answer.
    client: Cell<Time>,
    strike: Cell<Option<Strike>>,
    reviewed: Reviewed,
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
            sight: Cell::new(None),
            ruling: OnceCell::new(),
            failure: Cell::new(None),
            place: RefCell::new(None),
            snapshot: Cell::new(0),
            order: Cell::new(0),
            lease: OnceCell::new(),
            acting: Cell::new(false),
            trip: RefCell::new(None),
            effect: RefCell::new(None),
            came_of: RefCell::default(),
            client_status: Cell::new(None),
            ending: Cell::new(None),
            bytes_in: Cell::new(0),
            bytes_out: Cell::new(0),
            records: RefCell::default(),
            charged: Cell::new(Some(0)),
            uploaded: Cell::new(false),
            upload_fault: Cell::new(None),
            progress,
            patience: Cell::new(Duration::ZERO),
            up: Wait::new(),
            down: Wait::new(),
            paces: <(Pace, Pace)>::default(),
            unhurried: Cell::new(false),
            deadline: Cell::new(NEVER),
            ends: Cell::new(NEVER),
            kind: Cell::new(EventKind::Request),
            over: Cell::new(false),
            client: Cell::new(NEVER),
            strike: Cell::new(None),
            reviewed: Reviewed::default(),
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

    /// From where it comes.
    #[must_use]
    pub fn peer(&self) -> IpAddr {
        self.opening.peer
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

    /// Goes to the upstream `name`.
    pub fn depart(&self, name: Arc<str>, now: Time) {
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
        self.reviewed.withdrawn().or_else(|| self.lease.get().map(Lease::stopped)).unwrap_or(Reason::CommitStale)
    }

    fn is_live(&self) -> bool {
        let ended = || self.ends.get() != NEVER && self.connection.now() >= self.ends.get();
        let withdrawn = || self.reviewed.is_withdrawn(self.connection.now());
        self.acting.get() || (!withdrawn() && self.lease.get().is_none_or(|lease| lease.is_live() && !ended()))
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
        let now = self.connection.now();
        self.paces.0.rest(now);
        self.paces.0.moved(bytes);
        self.progress.set(now);
        self.up.clear();
        self.bytes_in.get()
    }

    /// Counts bytes of the answer's body, and begins to wait for the client to take them.
    pub fn count_out(&self, bytes: u64) {
        self.bytes_out.set(self.bytes_out.get().saturating_add(bytes));
        self.down.clear();
        let now = self.connection.now();
        self.paces.1.rest(now);
        self.paces.1.moved(bytes);
        self.paces.1.wait(now);
        self.client.set(now + self.thread().limits.client_idle);
    }

    /// Waits for more of the request's body.
    pub fn wait_for_client(&self, cx: &Context<'_>) {
        let now = self.connection.now();
        if !self.unhurried.get() {
            self.paces.0.wait(now);
        }
        self.up
            .until(cx, now + self.thread().limits.body_idle.max(if self.unhurried.get() { self.patience.get() } else { Duration::ZERO }));
    }

    /// Waits for the upstream; the client has taken all there is.
    pub fn wait_for_upstream(&self, cx: &Context<'_>, patience: Duration) {
        let now = self.connection.now();
        self.paces.1.rest(now);
        self.client.set(NEVER);
        self.patience.set(patience);
        self.down.until(cx, now + patience);
    }

    /// Its client may be silent: it is a stream of gRPC, which ends by its own deadline or the upstream's patience.
    pub fn unhurry(&self, patience: Duration) {
        self.unhurried.set(true);
        self.patience.set(patience);
    }

    /// Something has gone on, either way.
    pub fn progressed(&self) {
        self.progress.set(self.connection.now());
    }

    /// It must be over by then: its caller waits no longer.
    pub fn end_by(&self, deadline: Time) {
        self.deadline.set(deadline);
    }

    /// The trailers that go on: none where they do not `pass` at all (STANDARDS §3.1). What does not go on is counted.
    #[must_use]
    pub fn trailers(&self, fields: HeaderMap, pass: bool) -> Option<HeaderMap> {
        let api = self.facts.get().and_then(|facts| facts.api.as_deref());
        let allowed = api.map_or(&[][..], |api| &api.upstream.wire.trailers);
        let (passed, dropped) = if pass { hygiene::trailers(fields, allowed) } else { (HeaderMap::new(), fields.len()) };
        if dropped > 0 {
            self.thread().metrics.drop_trailers(dropped);
        }
        pass.then_some(passed)
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
}

impl Exchange {
    /// What a stop of its caller would cut: it is under way, and no act of this process that ends in any case.
    fn under_way(&self) -> Option<&Facts> {
        let over = self.strike.get().is_some() || self.ending.get().is_some();
        self.facts.get().filter(|_| !over && !self.acting.get() && self.lease.get().is_some())
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
            self.connection.was_slow();
        }
        // A request that still goes out keeps the upstream's time from running.
        if self.down.deadline() != NEVER {
            self.down.not_before(self.progress.get() + self.patience.get());
        }
        if self.down.strike(now) {
            self.strike.set(Some(Strike::Upstream));
        }
        let EdgeLimits { rate_min, rate_grace, .. } = self.thread().limits;
        if self.paces.0.is_slow(now, rate_min, rate_grace) && !self.uploaded.get() {
            self.strike.set(Some(Strike::Client));
            self.connection.was_slow();
            self.up.wake();
        }
        if now >= self.client.get() || self.paces.1.is_slow(now, rate_min, rate_grace) {
            self.strike.set(Some(Strike::Client));
            self.connection.was_slow();
            self.connection.kill();
        }
    }

    fn tell(&self, tally: &mut Tally) {
        if let Some(facts) = self.under_way() {
            tally.add(facts, self.opening.time);
        }
    }

    fn review(&self, sight: &Sight<'_>) -> usize {
        self.look_again(sight)
    }
}
