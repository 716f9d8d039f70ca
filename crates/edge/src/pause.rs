//! A source that is over its limit is told so after a pause. Whoever asks again as soon as it is answered asks once a pause then on
//! each of its connections, and being told costs the others next to nothing.
//!
//! Only the answer waits. The ruling is made, the place of its event is given back, and the body is not read, so nobody is kept from
//! anything by those who wait. On a client's own connection of HTTP/1 one request waits at a time, and connections are counted by
//! source: a bound of its own would only have clients come again with a handshake, which costs more than an answer. Streams of HTTP/2
//! and what a trusted proxy passes on share a connection, so few of a connection wait, so many of a source, and so many of a thread.
//! What goes beyond is told at once. A client's own connection of HTTP/2 then takes no further stream (GOAWAY); a trusted proxy's
//! stays, for it carries others too.

use crate::{
    connection::Connection,
    record::Exchange,
    sources::{Entrance, Sources},
    thread::{Phase, Thread},
    watch::Tick,
};
use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    sync::Arc,
    task::{Poll, Waker},
};
use wardgate_model::time::Time;

/// Who waits on a thread, of those that share a connection.
#[derive(Debug)]
pub struct Pauses {
    /// The same of the whole process, by source.
    sources: Arc<Sources>,
    waiting: Cell<usize>,
}

impl Pauses {
    /// Nobody waits; `sources` is what the threads of a process share.
    #[must_use]
    pub fn new(sources: Arc<Sources>) -> Self {
        Self { sources, waiting: Cell::new(0) }
    }
}

/// Who waits on a connection.
#[derive(Debug, Default)]
pub struct Pausing {
    waiting: Cell<usize>,
    /// When it was told to take no further stream, because too many would have waited.
    told: Cell<Option<Time>>,
}

/// Waits until the source of a refused request may be told so: for the pause, until the doors close, or not at all.
pub(crate) async fn pause(exchange: &Exchange, connection: &Connection, relayed: bool) {
    let thread = connection.thread();
    let place = if connection.wire().is_some() && !relayed {
        None
    } else {
        let Some(place) = Place::take(exchange, connection, relayed) else {
            thread.metrics.unpaused();
            if !relayed {
                beyond(connection);
            }
            return;
        };
        Some(place)
    };
    exchange.vacate();
    thread.metrics.pausing(1);
    let counted = Paused(thread);
    rest(thread, thread.now() + thread.limits.refusal_pause).await;
    drop((counted, place));
}

/// More streams of a client's own connection would wait than may: it takes no further one. Whoever opens more all the same, a pause
/// after it was told, is not going to listen.
fn beyond(connection: &Connection) {
    let now = connection.thread().now();
    match connection.pausing().told.get() {
        None => {
            connection.pausing().told.set(Some(now));
            connection.finish();
        }
        Some(told) if now.since(told) >= connection.thread().limits.refusal_pause => connection.flooded("streams after GOAWAY"),
        Some(_) => {}
    }
}

/// The place of a request that waits on a connection that it shares.
struct Place<'a> {
    here: &'a Cell<usize>,
    on_connection: &'a Cell<usize>,
    _of_source: Entrance,
}

impl<'a> Place<'a> {
    fn take(exchange: &Exchange, connection: &'a Connection, relayed: bool) -> Option<Self> {
        let thread = connection.thread();
        let limits = &thread.limits;
        let (here, on_connection) = (&thread.pauses.waiting, &connection.pausing().waiting);
        // Most streams of a trusted proxy's connection are kept for its other clients.
        let relayed_max = usize::try_from(limits.streams_max / 4).unwrap_or(usize::MAX).max(1);
        let few = if relayed { relayed_max } else { limits.paused_streams_max };
        if on_connection.get() >= few || here.get() >= limits.paused_max {
            return None;
        }
        let of_source = thread.pauses.sources.enter(exchange.peer(), limits.paused_source_max, thread.now())?;
        here.set(here.get() + 1);
        on_connection.set(on_connection.get() + 1);
        Some(Self { here, on_connection, _of_source: of_source })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        for count in [self.here, self.on_connection] {
            count.set(count.get().saturating_sub(1));
        }
    }
}

/// One pause.
struct Rest {
    thread: Rc<Thread>,
    until: Time,
    over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Waits until then or until the doors close: by the clock of the thread, as for any other deadline, for a timer for each would cost more
/// than the answer.
pub(crate) async fn rest(thread: &Rc<Thread>, until: Time) {
    let rest = Rc::new(Rest { thread: Rc::clone(thread), until, over: Cell::new(false), waker: RefCell::new(None) });
    let weak: Weak<dyn Tick> = Rc::downgrade(&rest) as Weak<dyn Tick>;
    let _watched = thread.watch.add(weak);
    std::future::poll_fn(|cx| {
        if rest.over.get() {
            return Poll::Ready(());
        }
        *rest.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    })
    .await;
}

impl Tick for Rest {
    fn tick(&self, now: Time) {
        if now >= self.until || self.thread.phase() != Phase::Open {
            self.over.set(true);
            if let Some(waker) = self.waker.borrow_mut().take() {
                waker.wake();
            }
        }
    }
}

/// Counts who waits.
struct Paused<'a>(&'a Thread);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.0.metrics.pausing(-1);
    }
}
