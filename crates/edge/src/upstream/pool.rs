//! One address of an upstream: its connections, who waits for one, and how it stands.

use super::{
    Lane, UpstreamFault,
    borne::Borne,
    lane::{Engine, Held, Own, Shared},
    socket::{self, Socket},
    standing::Standing,
};
use crate::{body::Upload, connection::Local, limits::EdgeLimits, thread::Thread};
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ClientConfig;
use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use wardgate_gate::ClientCertificate;
use wardgate_model::{
    api::{Api, UpstreamUrl},
    inventory::Criticality,
    time::Time,
    wire::{UpstreamProtocol, UpstreamWire},
};

/// How often a quiet HTTP/2 upstream is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// How long a pool is kept that nobody uses, for what is known of its address.
const MEMORY: Duration = Duration::from_mins(5);

/// One address of one API's upstream.
#[derive(Debug)]
pub struct Pool {
    url: UpstreamUrl,
    wire: UpstreamWire,
    /// The certificate that is shown to it.
    certificate: Option<ClientCertificate>,
    /// `host:port`, for `Host`.
    authority: HeaderValue,
    /// The address as configured, for events.
    name: Arc<str>,
    max: usize,
    places: Arc<Semaphore>,
    waiting: Cell<usize>,
    idle: RefCell<Vec<Idle>>,
    /// The one connection that all requests share, on HTTP/2.
    shared: RefCell<Option<Rc<Shared>>>,
    /// Held by who makes it: one connects, the others wait.
    connecting: Mutex<()>,
    tls: OnceCell<Arc<ClientConfig>>,
    standing: Standing,
    /// How many requests it bears, where that is asked for.
    borne: Option<Borne>,
    used: Cell<Time>,
}

#[derive(Debug)]
struct Idle {
    own: Own,
    since: Time,
}

impl Pool {
    pub(super) fn new(
        url: &UpstreamUrl,
        max: usize,
        wire: &UpstreamWire,
        certificate: Option<ClientCertificate>,
        borne: Option<Borne>,
        now: Time,
    ) -> Self {
        Self {
            url: url.clone(),
            wire: wire.clone(),
            certificate,
            authority: HeaderValue::try_from(url.authority()).unwrap_or(HeaderValue::from_static("")),
            name: url.to_string().into(),
            max,
            places: Arc::new(Semaphore::new(max)),
            waiting: Cell::new(0),
            idle: RefCell::default(),
            shared: RefCell::default(),
            connecting: Mutex::default(),
            tls: OnceCell::new(),
            standing: Standing::default(),
            borne,
            used: Cell::new(now),
        }
    }

    /// What `Host` says.
    #[must_use]
    pub fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// The address as configured.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &UpstreamUrl {
        &self.url
    }

    /// How it is spoken to.
    #[must_use]
    pub fn wire(&self) -> &UpstreamWire {
        &self.wire
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// How many requests it has at present.
    pub(super) fn outstanding(&self) -> usize {
        self.max.saturating_sub(self.places.available_permits())
    }

    /// Whether it gets one more request of a caller on whom so much depends.
    #[must_use]
    pub fn admits(&self, criticality: Criticality) -> bool {
        self.borne.as_ref().is_none_or(|borne| borne.admits(self.outstanding(), criticality))
    }

    /// A request was answered, so long after its last byte went there: as an upstream does that is well, or as one under load.
    pub fn answered(&self, status: StatusCode, took: Duration, now: Time) {
        match (&self.borne, status) {
            (None, _) => {}
            (Some(borne), StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT) => borne.failed(now),
            (Some(borne), _) => borne.answered(took, self.outstanding(), now),
        }
    }

    /// A request was not answered.
    pub fn unanswered(&self, now: Time) {
        if let Some(borne) = &self.borne {
            borne.failed(now);
        }
    }

    /// Addresses a request to it: `Host` on HTTP/1, `:scheme` and `:authority` on HTTP/2 (RFC 9113 §8.3.1).
    pub fn address(&self, request: &mut Request<Upload>) {
        match self.wire.protocol {
            UpstreamProtocol::Http1 => {
                *request.version_mut() = Version::HTTP_11;
                request.headers_mut().insert(header::HOST, self.authority.clone());
            }
            UpstreamProtocol::Http2 => {
                *request.version_mut() = Version::HTTP_2;
                request.headers_mut().remove(header::HOST);
                let mut parts = std::mem::take(request.uri_mut()).into_parts();
                parts.scheme = Some(if self.url.tls { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP });
                parts.authority = http::uri::Authority::try_from(self.authority.as_bytes()).ok();
                *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
            }
        }
    }

    /// How TLS is spoken to it; `None` where it is not.
    pub(super) fn tls(&self) -> Result<Option<Arc<ClientConfig>>, UpstreamFault> {
        if !self.url.tls {
            return Ok(None);
        }
        if let Some(config) = self.tls.get() {
            return Ok(Some(Arc::clone(config)));
        }
        let config = socket::tls(&self.wire, self.certificate.as_ref())?;
        Ok(Some(Arc::clone(self.tls.get_or_init(|| config))))
    }

    pub(super) fn keep(&self, own: Own, thread: &Thread) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < thread.limits.upstream_idle_max.min(self.max) {
            idle.push(Idle { own, since: thread.moment() });
        }
    }

    /// A connection that stands: one of one's own, or the shared one.
    fn standing_link(&self) -> Option<Held> {
        match self.wire.protocol {
            UpstreamProtocol::Http1 => {
                let mut idle = self.idle.borrow_mut();
                while let Some(Idle { own, .. }) = idle.pop() {
                    if own.sender.is_ready() {
                        return Some(Held::Own(own));
                    }
                }
                None
            }
            UpstreamProtocol::Http2 => {
                let mut shared = self.shared.borrow_mut();
                if shared.as_ref().is_some_and(|link| !link.sender.is_ready()) {
                    *shared = None;
                }
                shared.as_ref().map(|link| Held::Shared(Rc::clone(link)))
            }
        }
    }

    /// A kept connection, when there is one, and a place for it at once.
    #[must_use]
    pub fn kept(self: &Rc<Self>) -> Option<Lane> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Lane { held: self.standing_link()?, pool: Rc::clone(self), place, last: false })
    }

    async fn place(&self, limits: &EdgeLimits) -> Result<OwnedSemaphorePermit, UpstreamFault> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        if self.waiting.get() >= limits.upstream_waiters_max {
            return Err(UpstreamFault::Busy);
        }
        let waiting = Waiting::new(&self.waiting);
        let place = tokio::time::timeout(limits.upstream_wait, Arc::clone(&self.places).acquire_owned()).await;
        drop(waiting);
        place.ok().and_then(Result::ok).ok_or(UpstreamFault::Busy)
    }

    async fn connect(&self, timeout: Duration) -> Result<Held, UpstreamFault> {
        match self.wire.protocol {
            UpstreamProtocol::Http1 => within(timeout, self.dial()).await,
            UpstreamProtocol::Http2 => {
                let _one = self.connecting.lock().await;
                if let Some(link) = self.standing_link() {
                    return Ok(link);
                }
                let held = within(timeout, self.dial()).await?;
                if let Held::Shared(link) = &held {
                    *self.shared.borrow_mut() = Some(Rc::clone(link));
                }
                Ok(held)
            }
        }
    }

    async fn dial(&self) -> Result<Held, UpstreamFault> {
        let socket = TokioIo::new(Socket::open(&self.url, self.tls()?, self.wire.protocol).await?);
        Ok(match self.wire.protocol {
            UpstreamProtocol::Http1 => {
                let handshake = http1::Builder::new().max_buf_size(256 * 1024).handshake(socket);
                let (sender, connection) = handshake.await.map_err(UpstreamFault::Broke)?;
                Held::Own(Own { sender, _engine: Engine::start(connection.with_upgrades()) })
            }
            UpstreamProtocol::Http2 => {
                let mut builder = http2::Builder::new(Local);
                builder
                    .timer(TokioTimer::new())
                    .initial_stream_window_size(256 * 1024)
                    .initial_connection_window_size(1024 * 1024)
                    .max_header_list_size(64 * 1024)
                    .max_send_buf_size(256 * 1024)
                    .keep_alive_interval(PING)
                    .keep_alive_timeout(PING);
                let (sender, connection) = builder.handshake(socket).await.map_err(UpstreamFault::Broke)?;
                Held::Shared(Rc::new(Shared { sender, _engine: Engine::start(connection) }))
            }
        })
    }

    /// Closes what has been idle for too long. Says whether anything is left that is worth keeping.
    pub(super) fn sweep(&self, now: Time, patience: Duration) -> bool {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|idle| !idle.own.sender.is_closed() && now.since(idle.since) < patience);
        let unused = now.since(self.used.get());
        if self.outstanding() == 0 && unused >= patience {
            self.shared.borrow_mut().take();
        }
        !idle.is_empty() || self.outstanding() > 0 || unused < MEMORY
    }

    /// Whether it is for this address, spoken to in this way and with this certificate, with so many connections; notes that it is used.
    pub(super) fn serves(
        &self,
        url: &UpstreamUrl,
        max: usize,
        wire: &UpstreamWire,
        certificate: Option<&ClientCertificate>,
        now: Time,
    ) -> bool {
        let serves = self.url == *url && self.max == max && self.wire == *wire && self.certificate.as_ref() == certificate;
        if serves {
            self.used.set(now);
        }
        serves
    }

    /// Sends one request and gives the head of its answer, with the connection that its body comes on.
    ///
    /// Tries again only where a kept connection turned out to be dead before a byte of the request was sent.
    ///
    /// # Errors
    /// Says who failed, and where; with the request, where nothing was sent of it.
    pub async fn send(
        self: &Rc<Self>,
        api: &Api,
        limits: &EdgeLimits,
        mut request: Request<Upload>,
    ) -> Result<(Response<Incoming>, Lane), (UpstreamFault, Option<Box<Request<Upload>>>)> {
        let mut place = match self.place(limits).await {
            Ok(place) => place,
            Err(fault) => return Err((fault, Some(Box::new(request)))),
        };
        loop {
            let (held, kept) = match self.standing_link() {
                Some(held) => (held, true),
                None => match self.connect(api.upstream.timeouts.connect).await {
                    Ok(held) => (held, false),
                    Err(fault) => return Err((fault, Some(Box::new(request)))),
                },
            };
            let mut lane = Lane { held, pool: Rc::clone(self), place, last: false };
            match lane.send(request).await {
                Ok(response) => return Ok((response, lane)),
                Err(mut error) => match (error.take_message(), kept) {
                    (Some(again), true) => {
                        request = again;
                        place = lane.place;
                    }
                    (again, _) => return Err((UpstreamFault::Broke(error.into_error()), again.map(Box::new))),
                },
            }
        }
    }
}

/// Waits for a connection, but not for ever.
async fn within(timeout: Duration, dial: impl Future<Output = Result<Held, UpstreamFault>>) -> Result<Held, UpstreamFault> {
    tokio::time::timeout(timeout, dial).await.map_err(|_| UpstreamFault::ConnectTimeout)?
}

/// Counts a waiter while it waits.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
