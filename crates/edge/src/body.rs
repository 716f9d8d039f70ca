//! Bodies as they pass: counted, charged and bounded. One is gathered only where the judge has to see it.

use crate::{
    connection::Connection,
    record::{Exchange, Strike},
    respond,
    upstream::Lane,
    wire::guard::Wire,
};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use wardgate_model::{event::Ending, reason::Reason, wire::UpstreamProtocol};

/// Why a body was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// The permit ended, or its bytes are used up.
    #[error("the permit ended")]
    Cut,
    /// The client's body broke or did not go on.
    #[error("the client did not send the whole body")]
    Client,
    /// The client sent more than allowed.
    #[error("the body is too large")]
    TooLarge,
    /// The upstream's body broke or did not go on.
    #[error("the upstream did not send the whole body")]
    Upstream,
}

/// Counts one request of a connection, and its answer when dropped.
#[derive(Debug)]
pub struct Answered(Rc<Connection>);

impl Answered {
    /// For one request on this connection.
    #[must_use]
    pub fn new(connection: &Rc<Connection>) -> Self {
        connection.begin();
        Self(Rc::clone(connection))
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.answered();
    }
}

#[derive(Debug)]
enum Source {
    /// Nothing more.
    Over,
    /// Whole, of ours.
    Whole(Bytes),
    /// As it comes from the upstream, with the connection it comes on.
    Upstream { incoming: Incoming, lane: Option<Lane>, patience: Duration, trailers: bool, grpc: bool },
}

/// The body of an answer.
#[derive(Debug)]
pub struct Answer {
    source: Source,
    // Order of fields = order of dropping: the event is complete before the connection takes the answer as given.
    exchange: Option<Rc<Exchange>>,
    answered: Option<Answered>,
}

impl Answer {
    /// A whole body of ours.
    #[must_use]
    pub fn whole(bytes: Bytes, exchange: Option<Rc<Exchange>>, answered: Option<Answered>) -> Self {
        let source = if bytes.is_empty() { Source::Over } else { Source::Whole(bytes) };
        let body = Self { source, exchange, answered };
        if matches!(body.source, Source::Over) {
            body.complete();
        }
        body
    }

    /// An upstream's body.
    #[must_use]
    ///
    /// `grpc`: what ends it before its time is told in gRPC's own way.
    pub fn upstream(incoming: Incoming, lane: Lane, patience: Duration, exchange: Rc<Exchange>, grpc: bool) -> Self {
        let over = incoming.is_end_stream();
        // Trailers go along where both sides speak HTTP/2; elsewhere none is on a list of allowed ones (STANDARDS §3.1).
        let trailers = exchange.is_http2() && lane.pool().wire().protocol == UpstreamProtocol::Http2;
        let source = Source::Upstream { incoming, lane: Some(lane), patience, trailers, grpc: grpc && exchange.is_http2() };
        let mut body = Self { source, exchange: Some(exchange), answered: None };
        if over {
            body.finish();
        }
        body
    }

    /// Goes with the guard's count.
    pub fn answering(&mut self, answered: Option<Answered>) {
        self.answered = answered;
    }

    fn complete(&self) {
        if let Some(exchange) = &self.exchange {
            exchange.end(Ending::Complete);
        }
    }

    /// The upstream's body is over, whole: its connection can be used again once the request, too, is out.
    fn finish(&mut self) {
        if let Source::Upstream { lane, .. } = std::mem::replace(&mut self.source, Source::Over)
            && let Some(exchange) = &self.exchange
            && exchange.is_uploaded()
            && let Some(lane) = lane
        {
            lane.give_back(exchange.thread());
        }
        self.complete();
    }

    fn broke(&mut self, ending: Ending, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let source = std::mem::replace(&mut self.source, Source::Over);
        let Some(exchange) = &self.exchange else { return Poll::Ready(Some(Err(fault))) };
        exchange.end(ending);
        let reason = match fault {
            BodyFault::Cut => exchange.stopped().outside(),
            BodyFault::Upstream if exchange.struck() == Some(Strike::Upstream) => Reason::ForwardTimeout,
            BodyFault::Upstream | BodyFault::Client | BodyFault::TooLarge => return Poll::Ready(Some(Err(fault))),
        };
        match source {
            Source::Upstream { grpc: true, .. } => Poll::Ready(Some(Ok(Frame::trailers(respond::grpc_status(reason))))),
            Source::Over | Source::Whole(_) | Source::Upstream { .. } => Poll::Ready(Some(Err(fault))),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let me = self.get_mut();
        match &mut me.source {
            Source::Over => Poll::Ready(None),
            Source::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                me.source = Source::Over;
                if let Some(exchange) = &me.exchange {
                    exchange.count_out(bytes.len() as u64);
                    if exchange.pass_records(&bytes).is_err() {
                        return me.broke(Ending::Cut, BodyFault::Cut);
                    }
                }
                me.complete();
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Source::Upstream { incoming, patience, trailers, .. } => {
                let Some(exchange) = &me.exchange else { return Poll::Ready(None) };
                match exchange.struck() {
                    None => {}
                    Some(Strike::Cut) => return me.broke(Ending::Cut, BodyFault::Cut),
                    Some(Strike::Client) => return me.broke(Ending::ClientGone, BodyFault::Client),
                    Some(Strike::Upstream) => return me.broke(Ending::UpstreamBroke, BodyFault::Upstream),
                }
                match Pin::new(&mut *incoming).poll_frame(cx) {
                    Poll::Pending => {
                        exchange.wait_for_upstream(cx, *patience);
                        Poll::Pending
                    }
                    Poll::Ready(Some(Ok(frame))) => {
                        let data = match frame.into_data() {
                            Ok(data) => data,
                            Err(frame) => {
                                let trailers = frame.into_trailers().ok().and_then(|fields| exchange.trailers(fields, *trailers));
                                me.finish();
                                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                            }
                        };
                        if exchange.charge(data.len() as u64).is_err() {
                            return me.broke(Ending::Cut, BodyFault::Cut);
                        }
                        exchange.count_out(data.len() as u64);
                        if exchange.pass_records(&data).is_err() {
                            return me.broke(Ending::Cut, BodyFault::Cut);
                        }
                        if incoming.is_end_stream() {
                            me.finish();
                        }
                        Poll::Ready(Some(Ok(Frame::data(data))))
                    }
                    Poll::Ready(Some(Err(_))) => me.broke(Ending::UpstreamBroke, BodyFault::Upstream),
                    Poll::Ready(None) => {
                        me.finish();
                        Poll::Ready(None)
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Over)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Over => SizeHint::with_exact(0),
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Upstream { incoming, .. } => incoming.size_hint(),
        }
    }
}

/// The body of a request, on its way from the client.
#[derive(Debug)]
pub enum Inbound {
    /// As it comes.
    Streaming(Incoming),
    /// Whole, and counted: it was gathered for the judge.
    Gathered(Bytes),
    /// What has come of it, counted, and the rest as it comes: the judge has seen how it begins.
    Begun(Bytes, Incoming),
}

impl Inbound {
    /// Whether there is nothing more of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Streaming(incoming) => incoming.is_end_stream(),
            Self::Gathered(bytes) => bytes.is_empty(),
            Self::Begun(first, rest) => first.is_empty() && rest.is_end_stream(),
        }
    }

    /// How much of it there is.
    #[must_use]
    pub fn size_hint(&self) -> SizeHint {
        match self {
            Self::Streaming(incoming) => incoming.size_hint(),
            Self::Gathered(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Begun(first, rest) => {
                let (first, rest, mut both) = (first.len() as u64, rest.size_hint(), SizeHint::new());
                both.set_lower(rest.lower().saturating_add(first));
                if let Some(upper) = rest.upper() {
                    both.set_upper(upper.saturating_add(first));
                }
                both
            }
        }
    }
}

/// The body of a request on its way to the upstream.
#[derive(Debug)]
pub struct Upload {
    inbound: Option<Inbound>,
    exchange: Rc<Exchange>,
    wire: Option<Rc<Wire>>,
    trailers: bool,
}

impl Upload {
    /// Passes `inbound` on; `wire` knows why it breaks, when it does.
    #[must_use]
    pub fn new(inbound: Inbound, exchange: Rc<Exchange>, wire: Option<Rc<Wire>>) -> Self {
        let inbound = if inbound.is_over() {
            exchange.upload_done();
            None
        } else {
            Some(inbound)
        };
        Self { inbound, exchange, wire, trailers: false }
    }

    /// No body at all.
    #[must_use]
    pub fn nothing(exchange: Rc<Exchange>) -> Self {
        exchange.upload_done();
        Self { inbound: None, exchange, wire: None, trailers: false }
    }

    /// Whether trailers go along: where both sides speak HTTP/2. Elsewhere they are dropped, never merged into fields.
    #[must_use]
    pub fn with_trailers(self, upstream_http2: bool) -> Self {
        Self { trailers: upstream_http2 && self.wire.is_none(), ..self }
    }

    /// What came of it first, and behind that what it has not read yet.
    pub(crate) fn begun(self, first: Bytes) -> Inbound {
        match self.inbound {
            Some(Inbound::Streaming(rest)) => Inbound::Begun(first, rest),
            Some(Inbound::Gathered(_) | Inbound::Begun(..)) | None => Inbound::Gathered(first),
        }
    }

    /// Whether there is any body.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inbound.is_none()
    }

    /// Passes bytes on that were counted when they came.
    fn pass(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if self.inbound.as_ref().is_none_or(Inbound::is_over) {
            self.inbound = None;
            self.exchange.upload_done();
        }
        match self.exchange.charge(bytes.len() as u64) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Err(reason) => self.broke(reason, BodyFault::Cut),
        }
    }

    fn broke(&mut self, reason: Reason, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.inbound = None;
        self.exchange.upload_broke(reason);
        Poll::Ready(Some(Err(fault)))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let me = self.get_mut();
        if me.inbound.is_none() {
            return Poll::Ready(None);
        }
        match me.exchange.struck() {
            None | Some(Strike::Upstream) => {}
            Some(Strike::Cut) => {
                let reason = me.exchange.stopped();
                return me.broke(reason, BodyFault::Cut);
            }
            Some(Strike::Client) => return me.broke(Reason::WireTimeout, BodyFault::Client),
        }
        let incoming = match &mut me.inbound {
            None => return Poll::Ready(None),
            Some(Inbound::Gathered(bytes)) => {
                let bytes = std::mem::take(bytes);
                return me.pass(bytes);
            }
            Some(Inbound::Begun(first, rest)) if first.is_empty() => rest,
            Some(Inbound::Begun(first, _)) => {
                let first = std::mem::take(first);
                return me.pass(first);
            }
            Some(Inbound::Streaming(incoming)) => incoming,
        };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Pending => {
                me.exchange.wait_for_client(cx);
                Poll::Pending
            }
            Poll::Ready(Some(Ok(frame))) => {
                let data = match frame.into_data() {
                    Ok(data) => data,
                    Err(frame) => {
                        me.inbound = None;
                        me.exchange.upload_done();
                        let trailers = frame.into_trailers().ok().and_then(|fields| me.exchange.trailers(fields, me.trailers));
                        return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                    }
                };
                let bytes = data.len() as u64;
                if me.exchange.count_in(bytes) > me.exchange.thread().limits.body_bytes_max {
                    return me.broke(Reason::WireBodyTooLarge, BodyFault::TooLarge);
                }
                if let Err(reason) = me.exchange.charge(bytes) {
                    return me.broke(reason, BodyFault::Cut);
                }
                if me.inbound.as_ref().is_some_and(Inbound::is_over) {
                    me.inbound = None;
                    me.exchange.upload_done();
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Poll::Ready(Some(Err(_))) => {
                let reason = me.wire.as_ref().and_then(|wire| wire.broken()).map_or(Reason::WireBodyIncomplete, |broken| broken.reason);
                me.broke(reason, BodyFault::Client)
            }
            Poll::Ready(None) => {
                me.inbound = None;
                me.exchange.upload_done();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inbound.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.inbound.as_ref().map_or(SizeHint::with_exact(0), Inbound::size_hint)
    }
}
