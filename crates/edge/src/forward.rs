//! Room 13. Takes a [`Permit`] by value and a request, gives the upstream's answer as it comes: no permit, no forwarding.
//!
//! ```
//! # use std::rc::Rc;
//! # use wardgate_edge::{connection::Connection, forward::forward, record::Exchange};
//! # use wardgate_gate::Permit;
//! async fn with(permit: Permit, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: http::request::Parts, body: wardgate_edge::body::Inbound) {
//!     let _ = forward(permit, exchange, connection, parts, body).await;
//! }
//! ```
//!
//! The same without a permit, or with one that has been used, does not compile:
//!
//! ```compile_fail,E0308
//! # use std::rc::Rc;
//! # use wardgate_edge::{connection::Connection, forward::forward, record::Exchange};
//! async fn without(exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: http::request::Parts, body: wardgate_edge::body::Inbound) {
//!     let _ = forward((), exchange, connection, parts, body).await;
//! }
//! ```
//!
//! ```compile_fail,E0382
//! # use std::rc::Rc;
//! # use wardgate_edge::{connection::Connection, forward::forward, record::Exchange};
//! # use wardgate_gate::Permit;
//! async fn twice(permit: Permit, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: http::request::Parts, body: wardgate_edge::body::Inbound) {
//!     let _ = permit.depart();
//!     let _ = forward(permit, exchange, connection, parts, body).await;
//! }
//! ```
//!
//! It takes the client's credential off, puts on what the upstream is to see, and passes both bodies through.

mod collect;
mod deadline;

use crate::{
    body::{Answer, Inbound, Upload},
    connection::{self, Connection},
    hygiene::{self, Trip},
    inside::InProcessCall,
    record::{Exchange, Strike},
    tunnel,
    upstream::{Lane, Pool, Sending, To, UpstreamFault},
};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, request::Parts, uri::PathAndQuery};
use hyper::body::Incoming;
use smallvec::SmallVec;
use std::{
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};
use wardgate_gate::{ClientCertificate, Departure, Permit, Show, canon, credential, people};
use wardgate_model::{
    api::{Api, AuditMode, Target},
    event::Ending,
    facts::Purpose,
    reason::Reason,
    wire::UpstreamProtocol,
};

pub(crate) use collect::{collect, start};

/// Why a permitted request got no answer: the reason, and what to tell beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The reason in the one table.
    pub reason: Reason,
}

pub(crate) const fn failure(reason: Reason) -> Failure {
    Failure { reason }
}

/// An answer to pass on, or why there is none.
pub(crate) type Forwarded = Result<Response<Answer>, Failure>;

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
    Sent { sending: Sending, lane: Option<Lane>, onward: Onward, again: Option<Box<Request<Upload>>> },
    /// Any other.
    Winding(Pin<Box<dyn Future<Output = Forwarded>>>),
}

/// Where a request goes, for as long as it may have to go there again.
#[derive(Clone)]
pub(crate) struct Onward {
    pub(crate) exchange: Rc<Exchange>,
    pub(crate) api: Arc<Api>,
    turn: usize,
    /// The certificate that the upstream is shown.
    certificate: Option<ClientCertificate>,
    /// Addresses that it has been to in vain.
    tried: SmallVec<[Arc<str>; 2]>,
}

impl std::fmt::Debug for Forwarding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Forwarding")
    }
}

/// Forwards: begins at once, and goes on as it is awaited.
pub fn forward(permit: Permit, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: Parts, body: Inbound) -> Forwarding {
    let begun = begin(permit, exchange, connection, parts, body);
    Forwarding(begun.unwrap_or_else(|failure| Way::Failed(failure.reason)))
}

fn begin(permit: Permit, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: Parts, body: Inbound) -> Result<Way, Failure> {
    let Some(facts) = exchange.facts() else { return Err(failure(Reason::ForwardFault)) };
    let departure = permit.depart();
    let target = match parts.uri.path_and_query() {
        Some(received) => departure.path_and_query(&facts.request, received),
        None => departure.path_and_query(&facts.request, &PathAndQuery::from_static("/")),
    };
    let target = target.ok_or(failure(Reason::ForwardFault))?;
    let transaction = departure.transaction_token(facts, exchange.now()).map_err(failure)?;
    let Departure { api, show, purpose, lease, .. } = departure;
    let exposed = matches!(api.upstream.target, Target::Http(_)) && !matches!(show, Show::Keep) && credential::is_exposed(target.as_str());
    if exposed {
        // Refused before, but where `mode: observe` lets everything go on: what stands in a URL cannot be left out of it.
        return Err(failure(Reason::CredentialMisplaced));
    }
    exchange.let_in(lease).map_err(failure)?;
    let going = Going { api, show, purpose, transaction, target };
    if going.api.audit != AuditMode::Durable {
        return going.out(exchange, connection, parts, body);
    }
    let (exchange, connection) = (Rc::clone(exchange), Rc::clone(connection));
    Ok(Way::Winding(Box::pin(async move {
        exchange.intend().await.map_err(failure)?;
        Forwarding(going.out(&exchange, &connection, parts, body)?).await
    })))
}

/// A request that may go, and what goes with it. Its lease is kept with the record.
struct Going {
    api: Arc<Api>,
    show: Show,
    purpose: Option<Purpose>,
    transaction: Option<HeaderValue>,
    target: PathAndQuery,
}

impl Going {
    fn out(self, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: Parts, body: Inbound) -> Result<Way, Failure> {
        match &self.api.upstream.target {
            Target::InProcess => {
                let inside = inside(self.api, Rc::clone(exchange), Rc::clone(connection), parts, body);
                Ok(Way::Winding(Box::pin(inside)))
            }
            Target::Http(_) => abroad(self, exchange, connection, parts, body),
        }
    }
}

/// To an HTTP upstream.
fn abroad(going: Going, exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: Parts, body: Inbound) -> Result<Way, Failure> {
    let thread = exchange.thread();
    let Going { api, show, purpose, transaction, target } = going;
    let certificate = match &show {
        Show::Certificate(certificate) => Some(certificate.clone()),
        Show::Assertion(_) | Show::Secret { .. } | Show::Keep | Show::Nothing | Show::Caller => None,
    };
    let onward = Onward { exchange: Rc::clone(exchange), api, turn: thread.upstreams.turn(), certificate, tried: SmallVec::new() };
    let pool = onward.pool().ok_or(failure(Reason::ForwardConnect))?;
    if !pool.admits(exchange.criticality()) {
        return Err(failure(Reason::ForwardShed));
    }
    exchange.depart(Arc::clone(pool.name()), exchange.now());
    let upgrade = canon::upgrade(&parts.method, parts.version, &parts.headers, connection::protocol(&parts.extensions)).ok().flatten();
    let mut headers = parts.headers;
    exchange.rests_on(headers.get(header::AUTHORIZATION).or_else(|| headers.get(onward.api.api_key_header.as_ref()?)));
    if let Some(deadline) = deadline::of_grpc(&headers) {
        exchange.end_by(exchange.opened() + deadline);
    }
    let http2 = onward.api.upstream.wire.protocol == UpstreamProtocol::Http2;
    // gRPC is HTTP/2 from end to end: elsewhere the name alone buys nobody patience.
    let grpc = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    if grpc && http2 && parts.version == Version::HTTP_2 {
        exchange.unhurry(onward.api.upstream.timeouts.idle);
    }
    // `TE` ends here; that trailers are taken is said anew where they are (RFC 9110 §10.1.4).
    let trailers = http2 && headers.get(header::TE).is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    let source = connection.source(&headers).map_err(|_| failure(Reason::CanonHeader))?;
    let own = connection.fields(source, parts.uri.authority().map(http::uri::Authority::as_str), headers.get(header::HOST));
    if let Some(facts) = exchange.facts() {
        people::take_off(&mut headers, facts);
    }
    hygiene::towards_upstream(
        &mut headers,
        Trip {
            api: &onward.api,
            show,
            purpose: purpose.and_then(|purpose| HeaderValue::try_from(purpose.value.as_str()).ok()),
            transaction,
            via: if parts.version == Version::HTTP_2 { &thread.via_field_2 } else { &thread.via_field },
            client: &own.client,
            forwarded: &own.forwarded,
            client_host: &own.host,
            tls: own.tls,
            upstream_host: pool.authority(),
            id: exchange.id_field(),
            traced: exchange.facts().is_some_and(|facts| facts.trace.is_some()),
            counted: exchange.counts_records(),
        },
    );
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    let upload = Upload::new(body, Rc::clone(exchange), connection.wire().cloned()).with_trailers(http2);
    if !upload.is_empty() && !http2 && !headers.contains_key(header::CONTENT_LENGTH) {
        // The engine frames bodies by itself, but leaves out those of GET and HEAD that nobody announces.
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    let mut request = Request::new(upload);
    *request.method_mut() = parts.method;
    *request.headers_mut() = headers;
    *request.uri_mut() = Uri::from(target);
    if upgrade.is_some() {
        return Ok(Way::Winding(Box::pin(tunnel::open(onward, pool, request, Rc::clone(connection), parts.version, parts.extensions))));
    }
    pool.address(&mut request);
    let again = onward.again(&request);
    Ok(match pool.kept() {
        Some(mut lane) => Way::Sent { sending: lane.send(request), lane: Some(lane), onward, again },
        None => Way::Winding(Box::pin(onward.go(pool, request, again))),
    })
}

impl Future for Forwarding {
    type Output = Forwarded;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Forwarded> {
        let way = &mut self.get_mut().0;
        if let Way::Sent { sending, lane, onward, again } = way {
            let Onward { exchange, api, .. } = &*onward;
            let Poll::Ready(answer) = sending.as_mut().poll(cx) else {
                return match exchange.struck() {
                    Some(_) => {
                        let pool = lane.as_ref().map(|lane| Rc::clone(lane.pool()));
                        Poll::Ready(Err(gave_up(&UpstreamFault::Busy, exchange, pool.as_ref())))
                    }
                    None => {
                        exchange.wait_for_upstream(cx, api.upstream.timeouts.response);
                        Poll::Pending
                    }
                };
            };
            match (answer, lane.take()) {
                (Ok(response), Some(lane)) => return Poll::Ready(passed_on(response, lane, api, exchange)),
                (Ok(_), None) => return Poll::Ready(Err(failure(Reason::ForwardFault))),
                (Err(mut error), lane) => {
                    let unsent = error.take_message();
                    let pool = lane.as_ref().map(|lane| Rc::clone(lane.pool()));
                    *way = match (unsent, again.take(), pool) {
                        // The kept connection was dead before a byte of the request was sent.
                        (Some(request), again, Some(pool)) => Way::Winding(Box::pin(onward.clone().go(pool, request, again))),
                        (None, Some(request), Some(pool)) => {
                            let failure = gave_up(&UpstreamFault::Broke(error.into_error()), exchange, Some(&pool));
                            match onward.after(&pool, request) {
                                Some((pool, request)) => Way::Winding(Box::pin(onward.clone().go(pool, request, None))),
                                None => Way::Failed(failure.reason),
                            }
                        }
                        (_, _, pool) => {
                            return Poll::Ready(Err(gave_up(&UpstreamFault::Broke(error.into_error()), exchange, pool.as_ref())));
                        }
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
    /// The pool of the address that it goes to next. `None`: there is none left.
    fn pool(&self) -> Option<Rc<Pool>> {
        let Target::Http(urls) = &self.api.upstream.target else { return None };
        let to = To { api: &self.api, urls, certificate: self.certificate.as_ref() };
        self.exchange.thread().upstreams.pool(to, self.turn, &self.tried, self.exchange.now())
    }

    /// The request once more, where it may be repeated although it was sent: it is idempotent (RFC 9110 §9.2.2), has no body, and there
    /// is another address.
    fn again(&self, request: &Request<Upload>) -> Option<Box<Request<Upload>>> {
        let several = matches!(&self.api.upstream.target, Target::Http(urls) if urls.len() > 1);
        let idempotent = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE);
        if !several || !idempotent || !request.body().is_empty() {
            return None;
        }
        let mut again = Request::new(Upload::nothing(Rc::clone(&self.exchange)));
        *again.method_mut() = request.method().clone();
        *again.headers_mut() = request.headers().clone();
        *again.uri_mut() = request.uri().clone();
        Some(Box::new(again))
    }

    /// The next address after `pool` failed, with the request made ready for it; not once something has ended the request itself.
    fn after(&mut self, pool: &Pool, mut request: Box<Request<Upload>>) -> Option<(Rc<Pool>, Request<Upload>)> {
        if self.exchange.struck().is_some() || self.exchange.upload_fault().is_some() {
            return None;
        }
        self.tried.push(Arc::clone(pool.name()));
        let next = self.pool()?;
        next.address(&mut request);
        self.exchange.depart(Arc::clone(next.name()), self.exchange.now());
        Some((next, *request))
    }

    /// Waits for a place, connects where it has to, tries other addresses for as long as nothing was sent, and once where what was
    /// sent may be repeated.
    async fn go(mut self, mut pool: Rc<Pool>, mut request: Request<Upload>, mut again: Option<Box<Request<Upload>>>) -> Forwarded {
        let (response, lane) = loop {
            match head(&pool, &self.api, &self.exchange, request).await {
                Ok(answer) => break answer,
                Err((fault, unsent)) => {
                    let failure = gave_up(&fault, &self.exchange, Some(&pool));
                    let next = unsent.or_else(|| again.take()).and_then(|request| self.after(&pool, request));
                    (pool, request) = next.ok_or(failure)?;
                }
            }
        };
        passed_on(response, lane, &self.api, &self.exchange)
    }
}

/// The reason for which there is no answer; counted against the address, where it is its doing.
fn gave_up(fault: &UpstreamFault, exchange: &Exchange, pool: Option<&Rc<Pool>>) -> Failure {
    let theirs = exchange.upload_fault().is_none() && matches!(exchange.struck(), None | Some(Strike::Upstream));
    let busy = matches!(fault, UpstreamFault::Busy) && exchange.struck().is_none();
    if let Some(pool) = pool.filter(|_| theirs && !busy) {
        pool.unanswered(exchange.now());
        if pool.standing().failed(exchange.now()) {
            exchange.thread().metrics.eject();
        }
    }
    failure(reason(fault, exchange))
}

/// Until the head of the answer, or until something ends the wait.
pub(crate) async fn head(
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
pub(crate) fn reason(fault: &UpstreamFault, exchange: &Exchange) -> Reason {
    if let Some(reason) = exchange.upload_fault() {
        return reason;
    }
    match exchange.struck() {
        Some(Strike::Cut) => return exchange.stopped(),
        Some(Strike::Client) => return Reason::WireTimeout,
        Some(Strike::Upstream) => return Reason::ForwardTimeout,
        None => {}
    }
    match fault {
        UpstreamFault::Busy => Reason::CommitBusy,
        UpstreamFault::Connect(_) | UpstreamFault::Tls(_) | UpstreamFault::Name | UpstreamFault::Protocol | UpstreamFault::Roots => {
            Reason::ForwardConnect
        }
        UpstreamFault::ConnectTimeout => Reason::ForwardTimeout,
        UpstreamFault::Certificate => Reason::ForwardNoSecret,
        UpstreamFault::Broke(error) if error.is_canceled() || error.is_closed() => Reason::ForwardConnect,
        UpstreamFault::Broke(_) => Reason::ForwardMalformed,
    }
}

/// The upstream's answer, made ready for the client.
pub(crate) fn passed_on(response: Response<Incoming>, lane: Lane, api: &Api, exchange: &Rc<Exchange>) -> Result<Response<Answer>, Failure> {
    let (mut parts, incoming) = response.into_parts();
    let status = parts.status;
    lane.pool().answered(status, exchange.waited(), exchange.now());
    match status {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            if lane.pool().standing().failed(exchange.now()) {
                exchange.thread().metrics.eject();
            }
        }
        _ => lane.pool().standing().well(),
    }
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
    exchange.count_records(status, &parts.headers);
    parts.version = Version::HTTP_11;
    let grpc = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    let body = Answer::upstream(incoming, lane, api.upstream.timeouts.idle, Rc::clone(exchange), grpc);
    Ok(Response::from_parts(parts, body))
}

/// To an API of this process: the whole body, bounded, and a typed caller.
async fn inside(api: Arc<Api>, exchange: Rc<Exchange>, connection: Rc<Connection>, parts: Parts, body: Inbound) -> Forwarded {
    let exchange = &exchange;
    let Some(facts) = exchange.facts() else { return Err(failure(Reason::ForwardFault)) };
    let thread = exchange.thread();
    exchange.depart(Arc::from("in-process"), thread.now());
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
            Some(Strike::Cut) => return Poll::Ready(Err(failure(exchange.stopped()))),
            Some(Strike::Client | Strike::Upstream) => return Poll::Ready(Err(failure(Reason::ForwardTimeout))),
        }
        exchange.wait_for_upstream(cx, api.upstream.timeouts.response);
        Poll::Pending
    });
    let (mut parts, body) = answer.await?.into_parts();
    let effect = hygiene::towards_client(&mut parts.headers);
    exchange.returned(parts.status.as_u16(), effect, thread.now());
    exchange.told_of_token(parts.extensions.remove().unwrap_or_default());
    if let Err(reason) = exchange.charge(body.len() as u64) {
        exchange.end(Ending::Cut);
        return Err(failure(reason));
    }
    exchange.count_records(parts.status, &parts.headers);
    Ok(Response::from_parts(parts, Answer::whole(body, Some(Rc::clone(exchange)), None)))
}
