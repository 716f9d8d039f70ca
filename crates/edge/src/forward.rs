//! Room 13. Takes a [`Permit`] by value and a request, gives the upstream's answer as it comes: no permit, no forwarding.
//!
//! ```
//! # use std::rc::Rc;
//! # use wardgate_edge::{connection::Connection, forward::forward, record::Exchange};
//! # use wardgate_gate::Permit;
//! async fn with(permit: Permit, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: http::request::Parts, body: hyper::body::Incoming) {
//!     let _ = forward(permit, exchange, connection, parts, body).await;
//! }
//! ```
//!
//! The same without a permit, or with one that has been used, does not compile:
//!
//! ```compile_fail,E0308
//! # use std::rc::Rc;
//! # use wardgate_edge::{connection::Connection, forward::forward, record::Exchange};
//! async fn without(exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: http::request::Parts, body: hyper::body::Incoming) {
//!     let _ = forward((), exchange, connection, parts, body).await;
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use std::rc::Rc;
//! # use wardgate_edge::{connection::Connection, forward::forward, record::Exchange};
//! # use wardgate_gate::Permit;
//! async fn twice(permit: Permit, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: http::request::Parts, body: hyper::body::Incoming) {
//!     let _ = permit.depart();
//!     let _ = forward(permit, exchange, connection, parts, body).await;
//! }
//! ```
//!
//! It takes the client's credential off, puts on what the upstream is to see, and passes both bodies through.

use crate::{
    body::{Answer, Upload},
    connection::Connection,
    hygiene::{self, Trip},
    inside::InProcessCall,
    record::{Exchange, Strike},
    upstream::{Lane, Pool, Sending, UpstreamFault},
    wire::guard::Wire,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header, request::Parts, uri::PathAndQuery};
use http_body::Body;
use hyper::body::Incoming;
use std::{
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};
use wardgate_gate::{Departure, Permit};
use wardgate_model::{
    api::{Api, Target},
    event::Ending,
    reason::Reason,
};

/// Why a permitted request got no answer: the reason, and what to tell beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The reason in the one table.
    pub reason: Reason,
}

const fn failure(reason: Reason) -> Failure {
    Failure { reason }
}

/// An answer to pass on, or why there is none.
type Forwarded = Result<Response<Answer>, Failure>;

/// A request under way to where its permit sends it. Gives the answer, or the reason for which there is none.
///
/// The common way, a kept connection that takes the request at once, is spelt out: futures within futures would move
/// request and answer half a dozen times over.
#[must_use = "nothing becomes of it unless it is awaited"]
pub struct Forwarding(Way);

enum Way {
    /// It cannot go.
    Failed(Reason),
    /// A kept connection has taken it.
    Sent { sending: Sending, lane: Option<Lane>, onward: Onward },
    /// Any other.
    Winding(Pin<Box<dyn Future<Output = Forwarded>>>),
}

/// Where a request goes, for as long as it may have to go there again.
#[derive(Clone)]
struct Onward {
    exchange: Rc<Exchange>,
    api: Arc<Api>,
    turn: usize,
}

impl std::fmt::Debug for Forwarding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Forwarding")
    }
}

/// Forwards: begins at once, and goes on as it is awaited.
pub fn forward(permit: Permit, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: Parts, body: Incoming) -> Forwarding {
    let begun = begin(permit, exchange, connection, parts, body);
    Forwarding(begun.unwrap_or_else(|failure| Way::Failed(failure.reason)))
}

fn begin(permit: Permit, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: Parts, body: Incoming) -> Result<Way, Failure> {
    let Some(facts) = exchange.facts() else { return Err(failure(Reason::ForwardFault)) };
    let departure = permit.depart();
    let target = match parts.uri.path_and_query() {
        Some(received) => departure.path_and_query(&facts.request, received),
        None => departure.path_and_query(&facts.request, &PathAndQuery::from_static("/")),
    };
    let target = target.ok_or(failure(Reason::ForwardFault))?;
    match &departure.api.upstream.target {
        Target::InProcess => {
            let inside = inside(departure, Rc::clone(exchange), Rc::clone(connection), parts, body);
            Ok(Way::Winding(Box::pin(inside)))
        }
        Target::Http(_) => abroad(departure, target, exchange, connection, parts, body),
    }
}

/// To an HTTP upstream.
fn abroad(
    departure: Departure,
    target: PathAndQuery,
    exchange: &Rc<Exchange>,
    connection: &Rc<Connection>,
    parts: Parts,
    body: Incoming,
) -> Result<Way, Failure> {
    let thread = exchange.thread();
    let Departure { api, show, purpose, lease } = departure;
    let onward = Onward { exchange: Rc::clone(exchange), api, turn: thread.upstreams.turn() };
    let pool = onward.pool(0).ok_or(failure(Reason::ForwardConnect))?;
    exchange.depart(Arc::clone(pool.name()), Some(lease), exchange.now());
    let mut headers = parts.headers;
    let own = connection.fields(parts.uri.authority().map(http::uri::Authority::as_str), headers.get(header::HOST));
    hygiene::towards_upstream(
        &mut headers,
        Trip {
            api: &onward.api,
            show,
            purpose: purpose.and_then(|purpose| HeaderValue::try_from(purpose.value.as_str()).ok()),
            via: &thread.via_field,
            client: &own.client,
            forwarded: &own.forwarded,
            client_host: &own.host,
            tls: connection.is_tls(),
            upstream_host: pool.authority(),
            id: exchange.id_field(),
            traced: exchange.facts().is_some_and(|facts| facts.trace.is_some()),
        },
    );
    let upload = Upload::new(body, Rc::clone(exchange), connection.wire().cloned());
    if !upload.is_empty() && !headers.contains_key(header::CONTENT_LENGTH) {
        // The engine frames bodies by itself, but leaves out those of GET and HEAD that nobody announces.
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    let mut request = Request::new(upload);
    *request.method_mut() = parts.method;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;
    *request.uri_mut() = Uri::from(target);
    Ok(match pool.kept() {
        Some(mut lane) => Way::Sent { sending: lane.send(request), lane: Some(lane), onward },
        None => Way::Winding(Box::pin(onward.go(pool, request))),
    })
}

impl Future for Forwarding {
    type Output = Forwarded;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Forwarded> {
        let way = &mut self.get_mut().0;
        if let Way::Sent { sending, lane, onward } = way {
            let Onward { exchange, api, .. } = &*onward;
            let Poll::Ready(answer) = sending.as_mut().poll(cx) else {
                return match exchange.struck() {
                    Some(_) => Poll::Ready(Err(failure(reason(&UpstreamFault::Busy, exchange)))),
                    None => {
                        exchange.wait_for_upstream(cx, api.upstream.timeouts.response);
                        Poll::Pending
                    }
                };
            };
            match (answer, lane.take()) {
                (Ok(response), Some(lane)) => return Poll::Ready(passed_on(response, lane, api, exchange)),
                (Ok(_), None) => return Poll::Ready(Err(failure(Reason::ForwardFault))),
                (Err(mut error), _) => {
                    let Some(request) = error.take_message() else {
                        return Poll::Ready(Err(failure(reason(&UpstreamFault::Broke(error.into_error()), exchange))));
                    };
                    // The kept connection was dead before a byte of the request was sent.
                    *way = match onward.pool(0) {
                        Some(pool) => Way::Winding(Box::pin(onward.clone().go(pool, request))),
                        None => Way::Failed(Reason::ForwardConnect),
                    };
                }
            }
        }
        match way {
            Way::Winding(winding) => winding.as_mut().poll(cx),
            Way::Failed(reason) => Poll::Ready(Err(failure(*reason))),
            Way::Sent { .. } => Poll::Ready(Err(failure(Reason::ForwardFault))),
        }
    }
}

impl Onward {
    /// The pool of the address that is tried after `attempt` others.
    fn pool(&self, attempt: usize) -> Option<Rc<Pool>> {
        let Target::Http(urls) = &self.api.upstream.target else { return None };
        self.exchange.thread().upstreams.pool(&self.api, urls, self.turn.wrapping_add(attempt))
    }

    /// How many addresses there are.
    fn addresses(&self) -> usize {
        match &self.api.upstream.target {
            Target::Http(urls) => urls.len(),
            Target::InProcess => 0,
        }
    }

    /// Waits for a place, connects where it has to, tries other addresses for as long as nothing was sent.
    async fn go(self, mut pool: Rc<Pool>, mut request: Request<Upload>) -> Forwarded {
        let Self { exchange, api, .. } = &self;
        let mut attempt = 0;
        let (response, lane) = loop {
            match head(&pool, api, exchange, request).await {
                Ok(answer) => break answer,
                Err((fault, again)) => {
                    attempt += 1;
                    let next = again.filter(|_| attempt < self.addresses()).zip(self.pool(attempt));
                    let Some((again, next)) = next else { return Err(failure(reason(&fault, exchange))) };
                    request = *again;
                    request.headers_mut().insert(header::HOST, next.authority().clone());
                    exchange.depart(Arc::clone(next.name()), None, exchange.now());
                    pool = next;
                }
            }
        };
        passed_on(response, lane, api, exchange)
    }
}

/// Until the head of the answer, or until something ends the wait.
async fn head(
    pool: &Rc<Pool>,
    api: &Api,
    exchange: &Rc<Exchange>,
    request: Request<Upload>,
) -> Result<(Response<Incoming>, Lane), (UpstreamFault, Option<Box<Request<Upload>>>)> {
    let thread = exchange.thread();
    let mut sending = std::pin::pin!(pool.send(api, &thread.limits, request));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(answer) = sending.as_mut().poll(cx) {
            return Poll::Ready(answer);
        }
        if exchange.struck().is_some() {
            return Poll::Ready(Err((UpstreamFault::Busy, None)));
        }
        exchange.wait_for_upstream(cx, api.upstream.timeouts.response);
        Poll::Pending
    })
    .await
}

/// What the client is told of a fault: its own part in it first.
fn reason(fault: &UpstreamFault, exchange: &Exchange) -> Reason {
    if let Some(reason) = exchange.upload_fault() {
        return reason;
    }
    match exchange.struck() {
        Some(Strike::Cut) => return Reason::CommitStale,
        Some(Strike::Client) => return Reason::WireTimeout,
        Some(Strike::Upstream) => return Reason::ForwardTimeout,
        None => {}
    }
    match fault {
        UpstreamFault::Busy => Reason::CommitBusy,
        UpstreamFault::Connect(_) | UpstreamFault::Tls => Reason::ForwardConnect,
        UpstreamFault::ConnectTimeout => Reason::ForwardTimeout,
        UpstreamFault::Broke(error) if error.is_canceled() || error.is_closed() => Reason::ForwardConnect,
        UpstreamFault::Broke(_) => Reason::ForwardMalformed,
    }
}

/// The upstream's answer, made ready for the client.
fn passed_on(response: Response<Incoming>, lane: Lane, api: &Api, exchange: &Rc<Exchange>) -> Result<Response<Answer>, Failure> {
    let (mut parts, incoming) = response.into_parts();
    let status = parts.status;
    // An upgrade that nobody asked for, or two lengths: the connection is not to be trusted (RFC 9112 §6.3).
    let two_lengths = parts.headers.contains_key(header::TRANSFER_ENCODING) && parts.headers.contains_key(header::CONTENT_LENGTH);
    if status == StatusCode::SWITCHING_PROTOCOLS || two_lengths {
        exchange.returned(status.as_u16(), None, exchange.now());
        return Err(failure(Reason::ForwardMalformed));
    }
    let effect = hygiene::towards_client(&mut parts.headers);
    exchange.returned(status.as_u16(), effect, exchange.now());
    // Whoever was stopped while the upstream worked gets a refusal, and nothing of the answer.
    exchange.charge(0).map_err(failure)?;
    parts.version = Version::HTTP_11;
    let body = Answer::upstream(incoming, lane, api.upstream.timeouts.idle, Rc::clone(exchange));
    Ok(Response::from_parts(parts, body))
}

/// To an API of this process: the whole body, bounded, and a typed caller.
async fn inside(departure: Departure, exchange: Rc<Exchange>, connection: Rc<Connection>, parts: Parts, body: Incoming) -> Forwarded {
    let exchange = &exchange;
    let Some(facts) = exchange.facts() else { return Err(failure(Reason::ForwardFault)) };
    let thread = exchange.thread();
    exchange.depart(Arc::from("in-process"), Some(departure.lease), thread.now());
    let body = collect(body, exchange, connection.wire(), thread.limits.collected_bytes_max).await?;
    let call = InProcessCall {
        facts: Arc::new(facts.clone()),
        method: parts.method,
        path: facts.request.path.clone(),
        query: facts.request.query.clone(),
        headers: parts.headers,
        body,
    };
    exchange.act().map_err(failure)?;
    let mut answering = thread.in_process.call(call);
    let answer = std::future::poll_fn(|cx| {
        if let Poll::Ready(answer) = answering.as_mut().poll(cx) {
            return Poll::Ready(Ok(answer));
        }
        match exchange.struck() {
            None => {}
            Some(Strike::Cut) => return Poll::Ready(Err(failure(Reason::CommitStale))),
            Some(Strike::Client | Strike::Upstream) => return Poll::Ready(Err(failure(Reason::ForwardTimeout))),
        }
        exchange.wait_for_upstream(cx, departure.api.upstream.timeouts.response);
        Poll::Pending
    });
    let (mut parts, body) = answer.await?.into_parts();
    let effect = hygiene::towards_client(&mut parts.headers);
    exchange.returned(parts.status.as_u16(), effect, thread.now());
    if let Err(reason) = exchange.charge(body.len() as u64) {
        exchange.end(Ending::Cut);
        return Err(failure(reason));
    }
    Ok(Response::from_parts(parts, Answer::whole(body, Some(Rc::clone(exchange)), None)))
}

/// Gathers a body of at most `max` bytes.
async fn collect(body: Incoming, exchange: &Rc<Exchange>, wire: Option<&Rc<Wire>>, max: usize) -> Result<Bytes, Failure> {
    if body.size_hint().lower() > max as u64 {
        return Err(failure(Reason::WireBodyTooLarge));
    }
    let mut upload = Upload::new(body, Rc::clone(exchange), wire.cloned());
    let mut whole = BytesMut::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut upload).poll_frame(cx)).await {
        let Ok(frame) = frame else {
            return Err(failure(exchange.upload_fault().unwrap_or(Reason::WireBodyIncomplete)));
        };
        if let Ok(data) = frame.into_data() {
            if whole.len() + data.len() > max {
                return Err(failure(Reason::WireBodyTooLarge));
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}
