//! Connections to upstreams: a pool per thread, API and address. HTTP/1.1 in clear text.
//!
//! INVARIANT (clean reuse): a connection goes back only after a whole answer to a wholly sent request, and is taken again only
//! if the engine found nothing more on it. Everything else is closed.

use crate::{body::Upload, limits::EdgeLimits, thread::Thread};
use ahash::AHashMap;
use http::{HeaderValue, Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{self, SendRequest},
    },
};
use hyper_util::rt::TokioIo;
use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::AbortHandle,
};
use wardgate_model::{
    api::{Api, UpstreamUrl},
    id::ApiName,
    time::Time,
};

/// Why there is no answer of the upstream.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamFault {
    /// Every connection was in use for too long, or too many wait for one.
    #[error("every connection to the upstream is in use")]
    Busy,
    /// It could not be reached.
    #[error("the upstream cannot be reached: {0}")]
    Connect(std::io::Error),
    /// It could not be reached in time.
    #[error("the upstream did not take a connection in time")]
    ConnectTimeout,
    /// It wants TLS, which is not spoken to upstreams.
    #[error("`https` upstreams are not served")]
    Tls,
    /// The exchange broke before its answer's head.
    #[error("the upstream did not answer: {0}")]
    Broke(hyper::Error),
}

/// One address of one API's upstream.
#[derive(Debug)]
pub struct Pool {
    url: UpstreamUrl,
    /// `host:port`, for `Host`.
    authority: HeaderValue,
    /// The address as configured, for events.
    name: Arc<str>,
    max: usize,
    places: Arc<Semaphore>,
    waiting: Cell<usize>,
    idle: RefCell<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    since: Time,
}

/// A connection. Dropping it closes it at once, whatever is still under way on it.
#[derive(Debug)]
struct Link {
    sender: SendRequest<Upload>,
    engine: AbortHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

/// A connection in use, and its place among the allowed ones.
#[derive(Debug)]
pub struct Lane {
    link: Link,
    pool: Rc<Pool>,
    _place: OwnedSemaphorePermit,
}

/// A request that the engine has taken: gives the head of the answer, or the request again where nothing was sent of it.
pub type Sending = Pin<Box<dyn Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>>>>;

impl Lane {
    /// Sends a request. The connection must be one that [`Pool::kept`] gave.
    pub fn send(&mut self, request: Request<Upload>) -> Sending {
        Box::pin(self.link.sender.try_send_request(request))
    }

    /// Puts the connection back for the next request.
    pub fn give_back(self, thread: &Rc<Thread>) {
        if self.link.sender.is_ready() {
            self.pool.keep(self.link, thread);
        } else if !self.link.sender.is_closed() {
            // The engine has not turned round yet: keep the place until it has.
            let thread = Rc::clone(thread);
            tokio::task::spawn_local(async move {
                let mut lane = self;
                if lane.link.sender.ready().await.is_ok() {
                    lane.pool.keep(lane.link, &thread);
                }
            });
        }
    }
}

/// A request that did not get an answer, and whether a byte of it may have been sent.
#[derive(Debug)]
enum Failed {
    /// Nothing was sent: here it is again.
    Unsent(Box<Request<Upload>>, hyper::Error),
    /// Something may have been.
    Sent(hyper::Error),
}

impl Pool {
    fn new(url: &UpstreamUrl, max: usize) -> Self {
        Self {
            url: url.clone(),
            authority: HeaderValue::try_from(url.authority()).unwrap_or(HeaderValue::from_static("")),
            name: url.to_string().into(),
            max,
            places: Arc::new(Semaphore::new(max)),
            waiting: Cell::new(0),
            idle: RefCell::default(),
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

    fn keep(&self, link: Link, thread: &Thread) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < thread.limits.upstream_idle_max.min(self.max) {
            idle.push(Idle { link, since: thread.moment() });
        }
    }

    fn take_idle(&self) -> Option<Link> {
        let mut idle = self.idle.borrow_mut();
        while let Some(Idle { link, .. }) = idle.pop() {
            if link.sender.is_ready() {
                return Some(link);
            }
        }
        None
    }

    /// A kept connection, when there is one, and a place for it at once.
    #[must_use]
    pub fn kept(self: &Rc<Self>) -> Option<Lane> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Lane { link: self.take_idle()?, pool: Rc::clone(self), _place: place })
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

    async fn connect(&self, timeout: Duration) -> Result<Link, UpstreamFault> {
        if self.url.tls {
            return Err(UpstreamFault::Tls);
        }
        let connecting = TcpStream::connect((&*self.url.host, self.url.port));
        let socket = tokio::time::timeout(timeout, connecting).await.map_err(|_| UpstreamFault::ConnectTimeout)?;
        let socket = socket.map_err(UpstreamFault::Connect)?;
        socket.set_nodelay(true).map_err(UpstreamFault::Connect)?;
        let (sender, connection) =
            http1::Builder::new().max_buf_size(256 * 1024).handshake(TokioIo::new(socket)).await.map_err(UpstreamFault::Broke)?;
        let engine = tokio::task::spawn_local(async move {
            // What goes wrong here is told to whoever waits for the answer.
            let _ = connection.await;
        });
        Ok(Link { sender, engine: engine.abort_handle() })
    }

    /// Sends one request and gives the head of its answer, with the connection that its body comes on.
    ///
    /// Tries again only where a kept connection turned out to be dead before a byte of the request was sent.
    ///
    /// # Errors
    /// Says who failed, and where.
    pub async fn send(
        self: &Rc<Self>,
        api: &Api,
        limits: &EdgeLimits,
        mut request: Request<Upload>,
    ) -> Result<(Response<Incoming>, Lane), (UpstreamFault, Option<Box<Request<Upload>>>)> {
        let place = match self.place(limits).await {
            Ok(place) => place,
            Err(fault) => return Err((fault, None)),
        };
        loop {
            let (mut link, kept) = match self.take_idle() {
                Some(link) => (link, true),
                None => match self.connect(api.upstream.timeouts.connect).await {
                    Ok(link) => (link, false),
                    Err(fault) => return Err((fault, Some(Box::new(request)))),
                },
            };
            match try_send(&mut link.sender, request).await {
                Ok(response) => return Ok((response, Lane { link, pool: Rc::clone(self), _place: place })),
                Err(Failed::Unsent(again, _)) if kept => request = *again,
                Err(Failed::Unsent(again, error)) => return Err((UpstreamFault::Broke(error), Some(again))),
                Err(Failed::Sent(error)) => return Err((UpstreamFault::Broke(error), None)),
            }
        }
    }
}

async fn try_send(sender: &mut SendRequest<Upload>, request: Request<Upload>) -> Result<Response<Incoming>, Failed> {
    sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
        Some(request) => Failed::Unsent(Box::new(request), error.into_error()),
        None => Failed::Sent(error.into_error()),
    })
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

/// The pools of one thread.
#[derive(Debug)]
pub struct Upstreams {
    limits: EdgeLimits,
    threads: usize,
    pools: RefCell<AHashMap<ApiName, Vec<Rc<Pool>>>>,
    turn: Cell<usize>,
}

impl Upstreams {
    /// No connection yet.
    #[must_use]
    pub fn new(limits: EdgeLimits, threads: usize) -> Self {
        Self { limits, threads: threads.max(1), pools: RefCell::default(), turn: Cell::new(0) }
    }

    /// Whose turn it is among the addresses of an upstream.
    #[must_use]
    pub fn turn(&self) -> usize {
        self.turn.replace(self.turn.get().wrapping_add(1))
    }

    /// The pool of the address whose turn it is. `None` only when there is no address.
    #[must_use]
    pub fn pool(&self, api: &Api, urls: &[UpstreamUrl], turn: usize) -> Option<Rc<Pool>> {
        let url = urls.get(turn.checked_rem(urls.len())?)?;
        let max = (api.upstream.connections_max as usize).div_ceil(self.threads).max(1);
        if let Some(pools) = self.pools.borrow().get(&api.name)
            && let Some(pool) = pools.iter().find(|pool| pool.url == *url && pool.max == max)
        {
            return Some(Rc::clone(pool));
        }
        let pool = Rc::new(Pool::new(url, max));
        let mut all = self.pools.borrow_mut();
        let pools = all.entry(api.name.clone()).or_default();
        // What the API no longer names is closed when its last request is over.
        pools.retain(|pool| urls.contains(&pool.url) && pool.url != *url);
        pools.push(Rc::clone(&pool));
        Some(pool)
    }

    /// Closes connections that have been idle for too long.
    pub fn sweep(&self, now: Time) {
        self.pools.borrow_mut().retain(|_, pools| {
            pools.retain(|pool| {
                let mut idle = pool.idle.borrow_mut();
                idle.retain(|idle| !idle.link.sender.is_closed() && now.since(idle.since) < self.limits.upstream_idle);
                // A pool that nobody uses goes with its last connection; the next request makes it anew.
                !idle.is_empty() || Rc::strong_count(pool) > 1
            });
            !pools.is_empty()
        });
    }
}
