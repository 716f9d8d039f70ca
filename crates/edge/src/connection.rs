//! One connection of a client: which protocol it speaks, the engine that carries it, and how it ends.

mod counted;
mod refused;
mod rewound;

use crate::{
    door,
    pause::Pausing,
    proxies::{Proxies, Source, Unclear},
    respond::PolicyField,
    sources::Entrance,
    thread::{Phase, Thread},
    tunnel::{self, Crossing},
    watch::{Tick, Watched},
    wire::{
        Refusal,
        guard::{Guard, Wire},
    },
};
use counted::Counted;
use http::{HeaderMap, HeaderValue};
use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use rewound::Rewound;
use std::{
    cell::{Cell, OnceCell, RefCell},
    net::IpAddr,
    pin::Pin,
    rc::{Rc, Weak},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use wardgate_gate::Handshake;
use wardgate_model::{
    facts::{Door, Facts},
    proof::CertificateChain,
    ruling::Ruling,
    time::Time,
};

/// What an HTTP/2 client sends first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How often an HTTP/2 client is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);

/// Whether a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// Clear text.
    Clear,
    /// TLS.
    Tls,
}

/// One connection of a client.
#[derive(Debug)]
pub struct Connection {
    thread: Rc<Thread>,
    door: Door,
    from: Entrance,
    cover: Cover,
    /// Proxies that are trusted to say from where a request comes.
    proxies: Proxies,
    /// The client that a balancer named before the first byte.
    proxied: OnceCell<Entrance>,
    /// The host that was called last, from where, and what is made of it: most clients call one.
    called: RefCell<Option<(Source, Own)>>,
    limited: RefCell<PolicyField>,
    wire: OnceCell<Rc<Wire>>,
    requests: Cell<u64>,
    active: Cell<u64>,
    pausing: Pausing,
    last: Cell<Time>,
    stalled: Cell<Option<Time>>,
    killed: Cell<bool>,
    /// When it ends, for what came over it.
    condemned: Cell<Option<Time>>,
    ending: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    watched: OnceCell<Watched>,
    crossing: RefCell<Option<Crossing>>,
    certificates: OnceCell<Arc<CertificateChain>>,
    handshake: OnceCell<Handshake>,
}

/// Fields of ours that a connection has ready.
#[derive(Debug, Clone)]
pub struct Own {
    /// The client's address.
    pub client: HeaderValue,
    /// `Forwarded`.
    pub forwarded: HeaderValue,
    /// The host that it called.
    pub host: HeaderValue,
    /// Whether it called by TLS.
    pub tls: bool,
}

impl Connection {
    /// Begins to watch a connection.
    #[must_use]
    pub fn new(thread: &Rc<Thread>, door: Door, from: Entrance, cover: Cover, proxies: Proxies) -> Rc<Self> {
        thread.opened();
        let connection = Rc::new(Self {
            thread: Rc::clone(thread),
            door,
            cover,
            from,
            proxies,
            proxied: OnceCell::new(),
            called: RefCell::new(None),
            limited: RefCell::default(),
            wire: OnceCell::new(),
            requests: Cell::new(0),
            active: Cell::new(0),
            pausing: Pausing::default(),
            last: Cell::new(thread.now()),
            stalled: Cell::new(None),
            killed: Cell::new(false),
            condemned: Cell::new(None),
            ending: Cell::new(false),
            waker: RefCell::new(None),
            watched: OnceCell::new(),
            crossing: RefCell::new(None),
            certificates: OnceCell::new(),
            handshake: OnceCell::new(),
        });
        let weak: Weak<dyn Tick> = Rc::downgrade(&connection) as Weak<dyn Tick>;
        let _ = connection.watched.set(thread.watch.add(weak));
        connection
    }

    /// The thread that carries it.
    #[must_use]
    pub fn thread(&self) -> &Rc<Thread> {
        &self.thread
    }

    /// Through which kind of door it came.
    #[must_use]
    pub fn door(&self) -> Door {
        self.door
    }

    /// The address of who is connected: of the client that a balancer named, or of the socket.
    #[must_use]
    pub fn peer(&self) -> IpAddr {
        self.proxied.get().unwrap_or(&self.from).peer()
    }

    /// A balancer named the client before the first byte.
    pub fn named(&self, client: Entrance) {
        let _ = self.proxied.set(client);
    }

    /// It is given up: nothing came on it, or was taken, in time.
    pub fn was_slow(&self) {
        self.proxied.get().unwrap_or(&self.from).slow(self.thread.now());
    }

    /// From where a request with these fields comes.
    ///
    /// # Errors
    /// When a trusted proxy passes on two accounts that contradict each other.
    pub fn source(&self, headers: &HeaderMap) -> Result<Source, Unclear> {
        self.proxies.source(self.peer(), headers)
    }

    /// The certificates that the client showed in the handshake.
    #[must_use]
    pub fn certificates(&self) -> Option<&Arc<CertificateChain>> {
        self.certificates.get()
    }

    /// Notes what the client showed in the handshake.
    pub fn showed(&self, certificates: Arc<CertificateChain>) {
        let _ = self.certificates.set(certificates);
    }

    /// What the client's handshake told of it.
    #[must_use]
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.get()
    }

    /// Notes what the client's handshake told of it.
    pub fn shook(&self, handshake: Handshake) {
        let _ = self.handshake.set(handshake);
    }

    /// Whether it is protected.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.cover == Cover::Tls
    }

    /// The wire guard's state, on HTTP/1.
    #[must_use]
    pub fn wire(&self) -> Option<&Rc<Wire>> {
        self.wire.get()
    }

    /// The moment: that of the step under way on HTTP/1. HTTP/2 serves each request in a task of its own, so there the clock is read.
    #[must_use]
    pub fn now(&self) -> Time {
        if self.wire.get().is_some() { self.thread.moment() } else { self.thread.now() }
    }

    /// Counts a request. It is over when [`Connection::answered`] has been called.
    pub fn begin(&self) {
        self.requests.set(self.requests.get() + 1);
        self.active.set(self.active.get() + 1);
    }

    /// Counts an answer that has gone out whole, or was given up.
    pub fn answered(&self) {
        self.active.set(self.active.get().saturating_sub(1));
        if let Some(wire) = self.wire.get() {
            wire.answered();
        } else {
            self.last.set(self.thread.now());
        }
    }

    /// Both sides of the request under way have agreed to go over to another protocol.
    pub fn go_over(&self, crossing: Crossing) {
        if let Some(wire) = self.wire.get() {
            wire.go_over();
        }
        *self.crossing.borrow_mut() = Some(crossing);
    }

    /// Whether this HTTP/1 connection takes no further request.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.requests.get() >= self.thread.limits.connection_requests_max || self.wire().is_some_and(|wire| wire.broken().is_some())
    }

    /// Its requests that wait to be told that their source is over its limit.
    pub(crate) fn pausing(&self) -> &Pausing {
        &self.pausing
    }

    /// Takes no further request, and lets those end that are under way. HTTP/2: GOAWAY (RFC 9113 §6.8).
    pub(crate) fn finish(&self) {
        if !self.ending.replace(true) {
            self.wake();
        }
    }

    /// Ends it at once: its client takes nothing any more.
    pub fn kill(&self) {
        self.killed.set(true);
        self.wake();
    }

    /// Ends it at `then`, or before that.
    fn condemn(&self, then: Time) {
        self.condemned.set(Some(then));
    }

    /// Notes whether the client leaves our bytes lying.
    fn stall(&self, pending: bool) {
        match (pending, self.stalled.get()) {
            (true, None) => self.stalled.set(Some(self.thread.now())),
            (false, Some(_)) => self.stalled.set(None),
            _ => {}
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Waits for `step` of the opening of a connection, until it has taken too long or the doors close.
    pub async fn opening<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        let mut step = std::pin::pin!(tokio::time::timeout(self.thread.limits.head_timeout, step));
        std::future::poll_fn(|cx| {
            if self.ending.get() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(done) = step.as_mut().poll(cx) {
                return Poll::Ready(done.ok());
            }
            self.wake_by(cx);
            Poll::Pending
        })
        .await
    }

    fn wake_by(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    /// What is told to upstreams of this client, which called this host.
    #[must_use]
    pub fn fields(&self, source: Source, authority: Option<&str>, host: Option<&HeaderValue>) -> Own {
        let called = host.map(HeaderValue::as_bytes).or(authority.map(str::as_bytes)).unwrap_or_default();
        let mut cached = self.called.borrow_mut();
        match &*cached {
            Some((of, own)) if *of == source && own.host.as_bytes() == called => own.clone(),
            _ => {
                let host = HeaderValue::from_bytes(called).unwrap_or(HeaderValue::from_static(""));
                let tls = source.tls.unwrap_or(self.is_tls());
                let text = crate::hygiene::forwarded(source.address, host.to_str().unwrap_or_default(), tls);
                let own = Own {
                    client: HeaderValue::try_from(source.address.to_string()).unwrap_or(HeaderValue::from_static("unknown")),
                    forwarded: HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")),
                    host,
                    tls,
                };
                *cached = Some((source, own.clone()));
                own
            }
        }
    }

    /// Tells a caller of its limits.
    pub fn rate_limits(&self, headers: &mut HeaderMap, ruling: &Ruling, facts: &Facts) {
        self.limited.borrow_mut().rate_limits(headers, ruling, facts);
    }
}

impl Tick for Connection {
    fn tick(&self, now: Time) {
        if let Some(wire) = self.wire.get() {
            wire.tick(now);
        } else if self.active.get() == 0 && now.since(self.last.get()) >= self.thread.limits.keep_alive {
            self.finish();
        }
        if self.condemned.get().is_some_and(|then| now >= then) {
            self.kill();
        }
        if self.stalled.get().is_some_and(|since| now.since(since) >= self.thread.limits.client_idle) && !self.killed.get() {
            self.was_slow();
            self.kill();
        }
        if self.thread.phase() != Phase::Open {
            self.finish();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.thread.closed();
    }
}

/// `:protocol` of an extended CONNECT (RFC 8441 §4).
pub(crate) fn protocol(extensions: &http::Extensions) -> Option<&str> {
    extensions.get::<hyper::ext::Protocol>().map(hyper::ext::Protocol::as_str)
}

/// Serves a connection until it ends. `http2`: both sides agreed on it, so nothing else is understood.
pub async fn serve<S>(connection: Rc<Connection>, mut socket: S, http2: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let Some(Some(begun)) = connection.opening(beginning(&mut socket)).await else { return };
    if begun.starts_with(PREFACE) {
        serve_http2(connection, Rewound::new(socket, begun)).await;
    } else if !http2 {
        serve_http1(connection, socket, begun).await;
    }
}

/// The first bytes: all of an HTTP/2 preface, or enough to know that it is none. `None`: nothing came.
async fn beginning<S: AsyncRead + Unpin>(socket: &mut S) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4096);
    loop {
        let known = bytes.len().min(PREFACE.len());
        if bytes.get(..known) != PREFACE.get(..known) || bytes.len() >= PREFACE.len() {
            return Some(bytes);
        }
        match socket.read_buf(&mut bytes).await {
            Ok(0) if bytes.is_empty() => return None,
            Ok(0) => return Some(bytes),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

async fn serve_http1<S>(connection: Rc<Connection>, socket: S, begun: Vec<u8>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let author = {
        let connection = Rc::downgrade(&connection);
        move |refusal: &Refusal, method: &[u8], target: &[u8]| {
            connection.upgrade().map(|connection| connection.refuse_on_wire(refusal, method, target)).unwrap_or_default()
        }
    };
    let wire = Wire::new(connection.thread.limits, connection.thread.clock(), Box::new(author));
    let _ = connection.wire.set(Rc::clone(&wire));
    let guard = Guard::new(socket, wire, begun);
    let mut engine = http1::Builder::new();
    engine.header_read_timeout(None).max_buf_size(256 * 1024);
    let served = Rc::clone(&connection);
    let service = service_fn(move |request| door::serve(Rc::clone(&served), request));
    let mut engine = engine.serve_connection(TokioIo::new(guard), service);
    let whole = drive(&connection, Pin::new(&mut engine)).await;
    let crossing = connection.crossing.take();
    if let (true, Some(crossing)) = (whole, crossing) {
        let parts = engine.into_parts();
        let client = Rewound::new(parts.io.into_inner(), parts.read_buf.to_vec());
        until_killed(&connection, tunnel::run(client, crossing)).await;
    }
}

/// Runs a tunnel, unless the connection is ended at once.
async fn until_killed(connection: &Connection, tunnel: impl Future<Output = ()>) {
    let mut tunnel = std::pin::pin!(tunnel);
    std::future::poll_fn(|cx| {
        let _ = connection.thread.now();
        if connection.killed.get() || tunnel.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        connection.wake_by(cx);
        Poll::Pending
    })
    .await;
}

async fn serve_http2<S>(connection: Rc<Connection>, socket: Rewound<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let limits = connection.thread.limits;
    let mut engine = http2::Builder::new(Local);
    engine
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits.pending_resets_max)
        .max_local_error_reset_streams(limits.local_resets_max)
        .max_send_buf_size(256 * 1024)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .keep_alive_interval(PING)
        .keep_alive_timeout(limits.head_timeout)
        .enable_connect_protocol();
    let served = Rc::clone(&connection);
    let service = service_fn(move |request| door::serve(Rc::clone(&served), request));
    let socket = Counted::new(socket, Rc::clone(&connection));
    let engine = std::pin::pin!(engine.serve_connection(TokioIo::new(socket), service));
    drive(&connection, engine).await;
}

/// Polls the engine until it is through, told to end in good order, or killed. Says whether it came to its own end.
async fn drive<C: GracefulConnection>(connection: &Connection, mut engine: Pin<&mut C>) -> bool {
    let mut told = false;
    std::future::poll_fn(|cx| {
        let _ = connection.thread.now();
        if connection.killed.get() {
            return Poll::Ready(false);
        }
        if connection.ending.get() && !told {
            told = true;
            // HTTP/1: no further request. HTTP/2: GOAWAY (RFC 9113 §6.8).
            Pin::as_mut(&mut engine).graceful_shutdown();
        }
        if let Poll::Ready(done) = engine.as_mut().poll(cx) {
            return Poll::Ready(done.is_ok());
        }
        connection.wake_by(cx);
        Poll::Pending
    })
    .await
}

/// Spawns on the thread that it is used on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local;

impl<F> hyper::rt::Executor<F> for Local
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
