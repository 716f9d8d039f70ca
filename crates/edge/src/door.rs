//! Room 0, seen from above: takes a request from the HTTP engine, asks the judge, and sends it on or back.

mod needs;

use crate::{
    body::{Answer, Answered, Inbound},
    challenge,
    connection::{self, Connection},
    cookie,
    forward::{self, Forwarding},
    hygiene::REQUEST_ID,
    pause::pause,
    record::{Exchange, Opening},
    respond::{self, Voice},
    thread::Thread,
    wait,
    wire::http2,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header, request::Parts, uri::Authority};
use http_body::Body;
use hyper::body::Incoming;
use std::{
    cell::Cell,
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};
use wardgate_gate::{
    Answer as Given, Arrival, Held, Introspection, KeysAnswer, Need, Permit, Step, Unproven, Verdict, canon, decide, establish,
    establish_with,
};
use wardgate_model::{
    api::AuditMode,
    event::{Ending, Share},
    facts::{Door, Facts, Stopped},
    reason::Reason,
    ruling::Ruling,
};

/// Serves one request. There is always an answer and, but for probes, always an event.
///
/// # Errors
/// Never.
pub async fn serve(connection: Rc<Connection>, request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    let mut request = connect_as_get(request);
    cookie::read(connection.door(), &mut request);
    let answered = Some(Answered::new(&connection));
    let thread = connection.thread();
    if let Some(answer) = probe(&connection, &request) {
        let (parts, body) = answer.into_parts();
        let body = if *request.method() == Method::HEAD { Bytes::new() } else { body };
        return Ok(Response::from_parts(parts, Answer::whole(body, None, answered)));
    }
    let now = connection.now();
    let opening = Opening {
        id: thread.request_id(now),
        time: now,
        door: connection.door(),
        method: request.method().clone(),
        peer: connection.source(request.headers()).map_or(connection.peer(), |source| source.address),
    };
    let exchange = Exchange::open(&connection, opening);
    let has_body = connection.wire().is_some() && !request.body().is_end_stream();
    let voice = Voice::of(request.method(), request.version(), request.headers());
    let begun = catch_unwind(AssertUnwindSafe(|| begin(&exchange, &connection, request)));
    let mut way = begun.unwrap_or(Way::Broken);
    // A panic of ours is an answer and an event too; the connection goes on.
    let answer = std::future::poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut way).poll(cx)));
        polled.unwrap_or(Poll::Ready(Err(Broken::Panicked)))
    });
    let (mut response, refused) = match answer.await {
        Ok(response) => (response, exchange.ruling().is_none_or(|ruling| !ruling.forwards())),
        Err(Broken::For(reason)) => (failed(&exchange, reason, voice), true),
        Err(Broken::Panicked) => {
            exchange.end(Ending::Fault);
            (failed(&exchange, Reason::ForwardFault, voice), true)
        }
    };
    exchange.answer(response.status().as_u16());
    wait::told(&exchange, response.status(), response.headers(), refused);
    let over = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, exchange.id_field().clone());
    if let (Some(ruling), Some(facts)) = (exchange.ruling(), exchange.facts()) {
        if ruling.forwards() {
            connection.rate_limits(headers, ruling, facts);
        }
        challenge::said_beside(&exchange, &connection, ruling, facts, headers, now);
        respond::operation_ends(headers, facts);
        respond::credential_ends(headers, facts, now);
    }
    // Whatever refused it: what follows on this connection is the rest of the body, and no request can be (RFC 9112 §9.6).
    let overtakes = refused && has_body && !exchange.is_uploaded();
    if connection.wire().is_some() && (overtakes || connection.is_spent()) && !over {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.body_mut().answering(answered);
    Ok(response)
}

/// An extended CONNECT is judged as the GET that it stands for (RFC 8441 §5); its `:protocol` stays beside it.
fn connect_as_get(mut request: Request<Incoming>) -> Request<Incoming> {
    if *request.method() == Method::CONNECT && connection::protocol(request.extensions()).is_some() {
        *request.method_mut() = Method::GET;
    }
    request
}

/// Why a request got neither an answer nor a refusal by the judge.
enum Broken {
    /// For this reason.
    For(Reason),
    /// We failed on it.
    Panicked,
}

/// What becomes of a request once it has been looked at: most are judged in one step.
enum Way {
    /// The judge refused it.
    Refused(Option<Box<Response<Answer>>>),
    /// It goes on.
    Forwarding(Forwarding),
    /// It waits for something else.
    Winding(Pin<Box<dyn Future<Output = Result<Response<Answer>, Broken>>>>),
    /// We failed on it.
    Broken,
}

impl Future for Way {
    type Output = Result<Response<Answer>, Broken>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Forwarding(forwarding) => Pin::new(forwarding).poll(cx).map_err(|failure| Broken::For(failure.reason)),
            Self::Winding(winding) => winding.as_mut().poll(cx),
            Self::Refused(response) => Poll::Ready(response.take().map(|response| *response).ok_or(Broken::Panicked)),
            Self::Broken => Poll::Ready(Err(Broken::Panicked)),
        }
    }
}

fn probe<B>(connection: &Connection, request: &Request<B>) -> Option<Response<Bytes>> {
    let path = request.uri().path();
    let asked = matches!(*request.method(), Method::GET | Method::HEAD)
        && match connection.door() {
            Door::Admin => matches!(path, "/healthz" | "/readyz" | "/metrics"),
            // An issuer with a path has its discovery document behind that (OpenID Connect Discovery 1.0 §4).
            Door::Public => path.starts_with("/.well-known/") || path.ends_with("/.well-known/openid-configuration"),
            Door::Described => false,
        };
    if asked { connection.thread().probes.answer(connection.door(), host(request).as_deref(), path) } else { None }
}

/// The host that is called, as the judge would have it.
fn host<B>(request: &Request<B>) -> Option<Box<str>> {
    let mut fields = request.headers().get_all(header::HOST).iter();
    let (field, None) = (fields.next(), fields.next()) else { return None };
    match (field.map(HeaderValue::to_str).transpose().ok()?, request.uri().authority().map(Authority::as_str)) {
        (Some(field), Some(authority)) if !field.eq_ignore_ascii_case(authority) => None,
        (Some(one), _) | (None, Some(one)) => canon::host_name(one),
        (None, None) => None,
    }
}

/// The answer to a request that failed after, or instead of, its ruling.
fn failed(exchange: &Rc<Exchange>, reason: Reason, voice: Voice) -> Response<Answer> {
    exchange.fail(reason);
    refuse(exchange, &Ruling::refused(reason), voice)
}

fn refuse(exchange: &Rc<Exchange>, ruling: &Ruling, voice: Voice) -> Response<Answer> {
    respond::refusal(exchange.id(), ruling, exchange.facts(), ruling.told.as_deref(), voice)
        .map(|body| Answer::whole(body, Some(Rc::clone(exchange)), None))
}

/// The request's way: establish, decide, and forward or refuse.
fn begin(exchange: &Rc<Exchange>, connection: &Rc<Connection>, request: Request<Incoming>) -> Way {
    let (parts, body) = request.into_parts();
    if let Some((reason, told)) = unsound(&parts, connection) {
        let path: String = parts.uri.path().chars().take(256).collect();
        exchange.establish(Facts { stopped: Some(Stopped::because(reason)), ..exchange.blank(&path) });
        let mut verdict = Verdict::refused(reason);
        verdict.ruling.told = told;
        return settle(exchange, connection, parts, Inbound::Streaming(body), verdict);
    }
    let body = Inbound::Streaming(body);
    match judge(exchange, connection, &parts, &body) {
        Step::Done(verdict) => settle(exchange, connection, parts, body, verdict),
        Step::Wait(paused, need) => {
            let (exchange, connection) = (Rc::clone(exchange), Rc::clone(connection));
            Way::Winding(Box::pin(async move {
                let mut body = body;
                let verdict = match paused {
                    Paused::Ruled(held) => needs::answered(&exchange, &connection, &mut body, held, need).await,
                    Paused::Unproven(unproven) => judge_with(&exchange, &connection, &parts, &mut body, unproven, need).await,
                };
                let verdict = verdict.map_err(Broken::For)?;
                settle(&exchange, &connection, parts, body, verdict).await
            }))
        }
    }
}

/// Forwards what is permitted, and answers the rest.
fn settle(exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: Parts, body: Inbound, verdict: Verdict) -> Way {
    let Verdict { ruling, permit, sight } = verdict;
    exchange.saw(sight);
    let (ruling, permit) = recorded(exchange, exchange.thread(), ruling, permit);
    if let Some(permit) = permit {
        return Way::Forwarding(forward::forward(permit, exchange, connection, parts, body));
    }
    let voice = Voice::of(&parts.method, parts.version, &parts.headers);
    let over_limit = ruling.reason() == Reason::SourceLimited;
    let unread = match body {
        Inbound::Streaming(body) | Inbound::Begun(_, body) if !body.is_end_stream() => Some(body),
        Inbound::Streaming(_) | Inbound::Gathered(_) | Inbound::Begun(..) => None,
    };
    if !over_limit && unread.is_none() {
        return Way::Refused(Some(Box::new(refuse(exchange, ruling, voice))));
    }
    let relayed = connection.source(&parts.headers).is_ok_and(|source| source.relayed);
    // Who was not told to go on is not told so now, which reading would do (RFC 9110 §10.1.1).
    let waits = parts.version < Version::HTTP_2 && parts.headers.contains_key(header::EXPECT);
    let (exchange, connection) = (Rc::clone(exchange), Rc::clone(connection));
    Way::Winding(Box::pin(async move {
        if over_limit {
            pause(&exchange, &connection, relayed).await;
        }
        if let Some(body) = unread.filter(|_| !waits)
            && discard(exchange.thread(), body).await
        {
            exchange.upload_done();
        }
        exchange.ruling().map(|ruling| refuse(&exchange, ruling, voice)).ok_or(Broken::Panicked)
    }))
}

/// Takes in, for a moment and within bounds, a body that nobody wants; `false`: there is more of it. An answer that overtakes the
/// request's body ends in a reset of the stream (RFC 9113 §8.1), at which some clients lose the answer, and in HTTP/1 it ends the
/// connection, where the guard lingers for that.
async fn discard(thread: &Thread, mut body: Incoming) -> bool {
    let limits = &thread.limits;
    if body.size_hint().lower() > limits.settle_bytes_max as u64 {
        return false;
    }
    let all = async {
        let mut left = limits.settle_bytes_max;
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let Ok(frame) = frame else { return false };
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return body.is_end_stream();
            }
        }
        true
    };
    tokio::time::timeout(limits.settle, all).await.unwrap_or(false)
}

/// What the wire guard does not see: whom to believe, and all of HTTP/2, which has no wire guard. With what the client is told of it.
fn unsound(parts: &Parts, connection: &Connection) -> Option<(Reason, Option<Box<str>>)> {
    let limits = &connection.thread().limits;
    if connection.source(&parts.headers).is_err() {
        return Some((Reason::CanonHeader, None));
    }
    let refused = (parts.version == Version::HTTP_2).then(|| http2::recheck(parts, limits).err())??;
    Some((refused.reason, Some(refused.detail.into())))
}

/// What waits for something.
enum Paused {
    /// A request whose proof cannot be verified yet.
    Unproven(Unproven),
    /// One that was ruled on.
    Ruled(Held),
}

fn arrival<'a>(exchange: &'a Exchange, connection: &'a Connection, parts: &'a Parts, body: &Inbound) -> Arrival<'a> {
    // What a trusted proxy shows in the handshake is its own: those whom it passes on do not become it.
    let own = connection.is_tls() && connection.source(&parts.headers).is_ok_and(|source| !source.relayed);
    Arrival {
        id: exchange.id(),
        time: exchange.opened(),
        door: connection.door(),
        version: parts.version,
        protocol: connection::protocol(&parts.extensions),
        handshake: connection.handshake().filter(|_| own),
        certificates: connection.certificates().filter(|_| own),
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
        body: !body.is_over(),
        peer: exchange.peer(),
        via: &exchange.thread().via,
    }
}

/// Rooms 1 to 12, as far as they go without needing anything.
fn judge(exchange: &Rc<Exchange>, connection: &Rc<Connection>, parts: &Parts, body: &Inbound) -> Step<Verdict, Paused> {
    let thread = exchange.thread();
    let begun = exchange.opened();
    let step = {
        let snapshot = thread.gate.snapshot();
        exchange.judged_by(snapshot.number());
        match establish(&arrival(exchange, connection, parts, body), &snapshot, thread.gate.meters(), begun) {
            Step::Done(facts) => match decide(exchange.establish(facts), &snapshot, thread.gate.meters(), begun) {
                Step::Done(verdict) => Step::Done(verdict),
                Step::Wait(held, need) => Step::Wait(Paused::Ruled(held), need),
            },
            Step::Wait(unproven, need) => Step::Wait(Paused::Unproven(unproven), need),
        }
    };
    thread.metrics.judged(thread.now().since(begun));
    step
}

/// The same once more, with what the proof could not be verified without. One kind of it after another, each once.
async fn judge_with(
    exchange: &Rc<Exchange>,
    connection: &Rc<Connection>,
    parts: &Parts,
    body: &mut Inbound,
    mut unproven: Unproven,
    mut need: Need,
) -> Result<Verdict, Reason> {
    let thread = exchange.thread();
    let mut given = Vec::with_capacity(1);
    let step = loop {
        given.push(what_a_proof_needs(exchange, connection, body, need).await?);
        let (snapshot, now) = (thread.gate.snapshot(), thread.now());
        exchange.judged_by(snapshot.number());
        match establish_with(&arrival(exchange, connection, parts, body), unproven, &given, &snapshot, thread.gate.meters(), now) {
            Step::Done(facts) => break decide(exchange.establish(facts), &snapshot, thread.gate.meters(), now),
            Step::Wait(again, more) => (unproven, need) = (again, more),
        }
    };
    let verdict = match step {
        Step::Done(verdict) => verdict,
        Step::Wait(held, need) => needs::answered(exchange, connection, body, held, need).await?,
    };
    // Whatever it is let in for meanwhile: of a body that is lost nothing goes on.
    let lost = given.iter().find_map(|given| match given {
        Given::Body(Err(reason)) => Some(*reason),
        Given::Body(Ok(_)) | Given::Keys(_) | Given::Introspection { .. } | Given::Budget(_) | Given::Elapsed => None,
    });
    match lost {
        Some(reason) if verdict.permit.is_some() => Ok(Verdict::refused(reason)),
        Some(_) | None => Ok(verdict),
    }
}

/// Asks for what a proof cannot be verified without.
async fn what_a_proof_needs(exchange: &Rc<Exchange>, connection: &Rc<Connection>, body: &mut Inbound, need: Need) -> Result<Given, Reason> {
    let thread = exchange.thread();
    let place = || thread.asking.enter(exchange.peer(), thread.limits.asking_max, thread.now());
    Ok(match need {
        Need::Keys { trust, kid } => Given::Keys(match place() {
            Some(_place) => thread.keys.want(&trust, kid.as_deref(), exchange.peer()).await,
            None => KeysAnswer::Silent,
        }),
        Need::Introspection { trust, token } => {
            let said = match place() {
                Some(_place) => thread.keys.ask(&trust, &token).await,
                None => Introspection::Silent,
            };
            Given::Introspection { of: trust, said }
        }
        Need::Body { limit } => Given::Body(gather(exchange, connection, body, Gathering::Whole, limit).await),
        Need::Start { .. } | Need::Delay { .. } | Need::Budget { .. } => return Err(Reason::ForwardFault),
    })
}

/// How much of a body is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gathering {
    /// All of it.
    Whole,
    /// All of what begins like JSON, and the beginning of what does not.
    Start,
}

/// Collects the body for the judge; it is passed on from there.
async fn gather(
    exchange: &Rc<Exchange>,
    connection: &Connection,
    body: &mut Inbound,
    gathering: Gathering,
    limit: u64,
) -> Result<Bytes, Reason> {
    // The proof was of this very body.
    if let Inbound::Gathered(whole) = body {
        return Ok(whole.clone());
    }
    let thread = exchange.thread();
    // Who sends such a body proves nothing yet: slow ones of one source leave room for the others.
    let share = thread.limits.collecting_max.div_ceil(2);
    let _place = thread.collectors.enter(exchange.peer(), share, thread.now()).ok_or(Reason::CommitBusy)?;
    let _collecting = Counted::new(&thread.collecting, thread.limits.collecting_max).ok_or(Reason::CommitBusy)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(thread.limits.collected_bytes_max);
    let inbound = std::mem::replace(body, Inbound::Gathered(Bytes::new()));
    let gathered = async {
        match gathering {
            Gathering::Whole => {
                forward::collect(inbound, exchange, connection.wire(), limit).await.map(|whole| (whole.clone(), Inbound::Gathered(whole)))
            }
            Gathering::Start => forward::start(inbound, exchange, connection.wire(), limit).await,
        }
    };
    let gathered = tokio::time::timeout(thread.limits.collecting, gathered).await.map_err(|_| Reason::WireTimeout)?;
    let (come, rest) = gathered.map_err(|failure| failure.reason)?;
    *body = rest;
    Ok(come)
}

/// One of at most so many requests that wait for something.
struct Counted<'a>(&'a Cell<usize>);

impl<'a> Counted<'a> {
    fn new(count: &'a Cell<usize>, most: usize) -> Option<Self> {
        (count.get() < most).then(|| {
            count.set(count.get() + 1);
            Self(count)
        })
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// Takes the event's place *before* anything is forwarded. Without one, `audit: required` refuses; elsewhere the event
/// may be lost, and is counted.
fn recorded<'a>(exchange: &'a Rc<Exchange>, thread: &Rc<Thread>, ruling: Ruling, permit: Option<Permit>) -> (&'a Ruling, Option<Permit>) {
    let place = thread.place(match (&permit, exchange.door()) {
        (None, _) => Share::Half,
        (Some(_), Door::Admin) => Share::Operators,
        (Some(_), Door::Public | Door::Described) => Share::Whole,
    });
    let must = exchange.facts().and_then(|facts| facts.api.as_ref()).is_some_and(|api| match api.audit {
        AuditMode::BestEffort => false,
        AuditMode::Required | AuditMode::Durable => true,
    });
    let order = thread.gate.next_judge_order();
    if place.is_none() && must && permit.is_some() {
        // The permit is dropped here: it gives back what it holds.
        return (exchange.rule(Ruling::refused(Reason::CommitNoRecord), order, None), None);
    }
    (exchange.rule(ruling, order, place), permit)
}
