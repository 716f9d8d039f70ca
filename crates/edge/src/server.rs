//! The doors as a whole: listeners, one single-threaded runtime per core, and the way down.

use crate::{
    census::{Census, Inbox},
    connection::{self, Connection, Cover},
    handshake,
    inside::{InProcess, Probes, TrustKeys},
    limits::EdgeLimits,
    metrics::EdgeMetrics,
    preamble::{self, Sender},
    proxies::Proxies,
    sources::Sources,
    thread::{Control, Phase, Shared, Thread},
    watch::PERIOD,
};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use std::{
    io,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
};
use wardgate_gate::Gate;
use wardgate_model::{event::EventSink, facts::Door, time::Time};

/// What a TLS listener offers, in order of preference; put it into [`ServerConfig::alpn_protocols`].
pub const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Connections that the admin door takes when clients have all the others: whoever fills the gate must not keep its operator
/// from stopping them.
const ADMIN_CONNECTIONS: usize = 64;

/// One listener.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Its name, for messages.
    pub name: Box<str>,
    /// Which kind of door it is.
    pub door: Door,
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Proxies before it that are trusted to say from where a request comes.
    pub proxies: Proxies,
    /// Whether every connection begins with the PROXY protocol, version 2; only trusted proxies may connect then.
    pub proxy_protocol: bool,
    /// TLS, when it speaks that. What is swapped in serves the next connection.
    pub tls: Option<Arc<ArcSwap<ServerConfig>>>,
}

/// How the doors are set up.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Where they listen.
    pub listeners: Vec<Listener>,
    /// Bounds.
    pub limits: EdgeLimits,
    /// Threads, each with a runtime of its own; at least 1.
    pub threads: usize,
    /// Our own name in `Via`, by which requests that come round again are known: one per process, a token (RFC 9110 §5.6.2).
    pub via: Arc<str>,
}

/// What the doors work with.
#[derive(Clone)]
pub struct EdgeParts {
    /// The judge.
    pub gate: Arc<Gate>,
    /// Where events go.
    pub sink: Arc<dyn EventSink>,
    /// The clock.
    pub clock: fn() -> Time,
    /// Randomness for request ids.
    pub entropy: fn() -> u128,
    /// APIs of this process.
    pub in_process: Arc<dyn InProcess>,
    /// Paths that are answered before the judge.
    pub probes: Arc<dyn Probes>,
    /// Keys of trust sources.
    pub keys: Arc<dyn TrustKeys>,
    /// Counters; shared with whoever renders them.
    pub metrics: Arc<EdgeMetrics>,
    /// Who asks for open requests.
    pub census: Arc<Census>,
}

impl std::fmt::Debug for EdgeParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EdgeParts")
    }
}

/// Why the doors could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// An address cannot be listened on.
    #[error("listener `{name}` cannot listen on `{address}`: {source}")]
    Listen {
        /// Which listener.
        name: Box<str>,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system gave no thread or runtime.
    #[error("a thread of the doors cannot be started: {0}")]
    Thread(io::Error),
}

/// The doors.
#[derive(Debug)]
pub struct Edge;

/// The running doors. Dropping it cuts them.
#[derive(Debug)]
pub struct EdgeHandle {
    addresses: Vec<(Box<str>, SocketAddr)>,
    control: Arc<Control>,
    /// Ends when every thread has.
    ended: mpsc::Receiver<()>,
}

impl Edge {
    /// Opens the doors.
    ///
    /// # Errors
    /// When an address cannot be listened on, or the system gives no thread. Nothing stays open then.
    pub fn start(config: EdgeConfig, parts: EdgeParts) -> Result<EdgeHandle, StartFault> {
        let mut bound = Vec::with_capacity(config.listeners.len());
        let mut addresses = Vec::with_capacity(config.listeners.len());
        for listener in config.listeners {
            let fault = |source| StartFault::Listen { name: listener.name.clone(), address: listener.address, source };
            let socket = TcpListener::bind(listener.address).map_err(fault)?;
            socket.set_nonblocking(true).map_err(fault)?;
            addresses.push((listener.name.clone(), socket.local_addr().map_err(fault)?));
            bound.push((listener, socket));
        }
        let threads = config.threads.max(1);
        let (limits, via) = (config.limits, config.via);
        let counting = Arc::<Sources>::default;
        let (sources, asking, pausing, slowing) = (counting(), counting(), counting(), counting());
        let shared = Shared { parts, sources, asking, pausing, slowing, limits, via, threads };
        let control = Arc::new(Control::default());
        let (alive, ended) = mpsc::channel(1);
        let handle = EdgeHandle { addresses, control: Arc::clone(&control), ended };
        for number in 0..threads {
            let mut doors = Vec::with_capacity(bound.len());
            for (listener, socket) in &bound {
                doors.push((listener.clone(), socket.try_clone().map_err(StartFault::Thread)?));
            }
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartFault::Thread)?;
            let (shared, control, alive) = (shared.clone(), Arc::clone(&control), alive.clone());
            let inbox = shared.parts.census.enrol();
            let work = move || {
                tokio::task::LocalSet::new().block_on(&runtime, run(shared, &control, inbox, doors));
                drop(alive);
            };
            std::thread::Builder::new().name(format!("edge-{number}")).spawn(work).map_err(StartFault::Thread)?;
        }
        Ok(handle)
    }
}

impl EdgeHandle {
    /// Where the listeners listen, by name, in their order.
    #[must_use]
    pub fn addresses(&self) -> &[(Box<str>, SocketAddr)] {
        &self.addresses
    }

    /// Goes down in good order: accepts nothing more, tells clients (`Connection: close`, GOAWAY), lets what runs end within
    /// `deadline`, then cuts it. Every request leaves its event.
    pub async fn drain(mut self, deadline: Duration) {
        self.control.drain(deadline);
        // Nobody sends: this ends when the last thread has dropped its end.
        while self.ended.recv().await.is_some() {}
    }

    /// Goes down at once.
    pub async fn shutdown(self) {
        self.drain(Duration::ZERO).await;
    }
}

impl Drop for EdgeHandle {
    fn drop(&mut self) {
        self.control.drain(Duration::ZERO);
    }
}

/// One thread's life.
async fn run(shared: Shared, control: &Control, inbox: Arc<Inbox>, doors: Vec<(Listener, TcpListener)>) {
    let thread = Thread::new(shared);
    let mut accepting = Vec::new();
    for (listener, socket) in doors {
        accepting.push(tokio::task::spawn_local(accept(Rc::clone(&thread), listener, socket)));
    }
    let mut ticker = tokio::time::interval(PERIOD);
    ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut until: Option<Time> = None;
    let stopped = Arc::new(Notify::new());
    let wake = Arc::clone(&stopped);
    // A stop is looked at at once, and not at the next tick: open streams of whoever was stopped end with it.
    thread.gate.snapshot().denied().listen(move || wake.notify_one());
    loop {
        tokio::select! {
            _ = ticker.tick() => {}
            () = stopped.notified() => {}
        }
        let now = thread.now();
        if let Some(deadline) = control.draining()
            && until.is_none()
        {
            until = Some(now + deadline);
            thread.set_phase(Phase::Draining);
            for task in &accepting {
                task.abort();
            }
        }
        thread.reviews.turn(&thread.watch, &thread.gate.snapshot(), now);
        thread.watch.tick(now);
        inbox.answer(|tally| thread.watch.tell(tally));
        thread.upstreams.sweep(now);
        let Some(until) = until else { continue };
        if thread.is_idle() || now >= until {
            // What is still there ends with the runtime, and says so in its events.
            thread.set_phase(Phase::Cutting);
            return;
        }
    }
}

/// Takes connections until it is aborted.
async fn accept(thread: Rc<Thread>, listener: Listener, socket: TcpListener) {
    let Ok(socket) = tokio::net::TcpListener::from_std(socket) else { return };
    loop {
        match socket.accept().await {
            Ok((client, peer)) => {
                let limits = &thread.limits;
                let (max, of_source) = match listener.door {
                    Door::Admin => (limits.connections_max.saturating_add(ADMIN_CONNECTIONS), usize::MAX),
                    Door::Public | Door::Described => (limits.connections_max, limits.source_connections_max),
                };
                let trusted = listener.proxies.trust(peer.ip());
                if listener.proxy_protocol && !trusted {
                    thread.metrics.refuse_untrusted();
                    continue;
                }
                // A trusted proxy brings the connections of many.
                let Some(from) = thread.sources.enter(peer.ip(), if trusted { usize::MAX } else { of_source }, thread.now()) else {
                    thread.metrics.refuse_source();
                    continue;
                };
                if thread.metrics.connect(max) {
                    let cover = if listener.tls.is_some() { Cover::Tls } else { Cover::Clear };
                    let connection = Connection::new(&thread, listener.door, from, cover, listener.proxies.clone());
                    let tls = listener.tls.as_ref().map(|tls| tls.load_full());
                    let named = listener.proxy_protocol.then_some(of_source);
                    tokio::task::spawn_local(take(connection, client, tls, named));
                }
            }
            // Out of descriptors, or the client was gone already: wait a little rather than spin.
            Err(_) => tokio::time::sleep(PERIOD).await,
        }
    }
}

/// Brings one connection to the protocol that it speaks.
///
/// `named`: the balancer says first for whom it is, and a client has so many connections at most.
async fn take(connection: Rc<Connection>, mut client: TcpStream, tls: Option<Arc<ServerConfig>>, named: Option<usize>) {
    if client.set_nodelay(true).is_err() {
        return;
    }
    if let Some(max) = named {
        match connection.opening(preamble::read(&mut client)).await {
            Some(Ok(Sender::Local)) => {}
            Some(Ok(Sender::Client(address))) => match connection.thread().sources.enter(address, max, connection.thread().now()) {
                Some(entrance) => connection.named(entrance),
                None => return connection.thread().metrics.refuse_source(),
            },
            Some(Err(malformed)) => return connection.no_preamble(malformed),
            None => return,
        }
    }
    let Some(tls) = tls else {
        return connection::serve(connection, client, false).await;
    };
    let accepted = handshake::accept(tls, client, || connection.thread().now());
    let Some(Ok((client, told))) = connection.opening(accepted).await else { return };
    connection.shook(told);
    let session = client.get_ref().1;
    if let Some(certificates) = handshake::shown(session) {
        connection.showed(certificates);
    }
    let http2 = session.alpn_protocol() == Some(b"h2");
    connection::serve(connection, client, http2).await;
}
