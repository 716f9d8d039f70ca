//! WebSocket: a permitted request goes over to another protocol (RFC 6455; RFC 8441 on HTTP/2), and from then on bytes pass both
//! ways for as long as the permit lives. What they mean is not read.
//!
//! Towards the upstream it is always an HTTP/1.1 upgrade. INVARIANT (premature): no byte of the client's behind its request goes
//! anywhere before the upstream has agreed (CVE-2026-2833).

use crate::{
    body::{Answer, Answered, Upload},
    connection::Connection,
    forward::{self, Failure, Forwarded, Onward, failure},
    record::{Exchange, Strike},
    upstream::{Lane, Pool, UpstreamFault},
};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wardgate_model::{event::Ending, reason::Reason, wire::UpstreamProtocol};

/// Bytes that are held for one direction.
const BUFFER: usize = 16 * 1024;
/// What RFC 6455 §1.3 puts behind the key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// The upstream's side of a tunnel that was agreed on, and what goes with it.
#[derive(Debug)]
pub struct Crossing {
    upstream: Upgraded,
    exchange: Rc<Exchange>,
    patience: Duration,
    /// Keeps its place among the connections to the upstream.
    _lane: Lane,
    /// Keeps the client's connection from being taken for an idle one.
    _answered: Option<Answered>,
}

/// Asks the upstream, and gives its answer: the agreement to go over, or whatever else it says.
pub(crate) async fn open(
    onward: Onward,
    pool: Rc<Pool>,
    mut request: Request<Upload>,
    connection: Rc<Connection>,
    version: Version,
    mut extensions: Extensions,
) -> Forwarded {
    let exchange = Rc::clone(&onward.exchange);
    if pool.wire().protocol == UpstreamProtocol::Http2 {
        return Err(failure(Reason::CanonUpgrade));
    }
    pool.address(&mut request);
    let key = ask(request.headers_mut(), version, connection.thread().random()).ok_or(failure(Reason::ForwardFault))?;
    let (mut response, lane) = match forward::head(&pool, &onward.api, &exchange, request).await {
        Ok(answer) => answer,
        Err((fault, _)) => return Err(broken(&fault, &exchange)),
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        // The lane is not given back after this: what the upstream makes of the bytes behind is not known.
        return forward::passed_on(response, lane.only_once(), &onward.api, &exchange);
    }
    let agreed = agrees(response.headers(), &key);
    let upstream = hyper::upgrade::on(&mut response);
    let (mut parts, _) = response.into_parts();
    let effect = crate::hygiene::towards_client(&mut parts.headers);
    exchange.returned(parts.status.as_u16(), effect, exchange.now());
    exchange.charge(0).map_err(failure)?;
    let (true, Ok(upstream)) = (agreed, upstream.await) else { return Err(failure(Reason::ForwardMalformed)) };
    exchange.go_over(if version == Version::HTTP_2 { 200 } else { 101 }).map_err(failure)?;
    let patience = onward.api.upstream.timeouts.idle;
    let answered = Some(Answered::new(&connection));
    let crossing = Crossing { upstream, exchange, patience, _lane: lane, _answered: answered };
    if version == Version::HTTP_2 {
        let client = extensions.remove::<OnUpgrade>().ok_or(failure(Reason::ForwardFault))?;
        parts.status = StatusCode::OK;
        parts.headers.remove(header::SEC_WEBSOCKET_ACCEPT);
        tokio::task::spawn_local(async move {
            if let Ok(client) = client.await {
                run(TokioIo::new(client), crossing).await;
            }
        });
    } else {
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        parts.headers.insert(header::UPGRADE, WEBSOCKET);
        connection.go_over(crossing);
    }
    parts.version = Version::HTTP_11;
    Ok(Response::from_parts(parts, Answer::whole(Bytes::new(), None, None)))
}

fn broken(fault: &UpstreamFault, exchange: &Exchange) -> Failure {
    failure(forward::reason(fault, exchange))
}

/// Makes the fields of an opening (RFC 6455 §4.1), which end at every hop. Gives the key: the client's own, or one of ours where it
/// came by HTTP/2, which has none.
fn ask(headers: &mut HeaderMap, version: Version, random: u128) -> Option<HeaderValue> {
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, WEBSOCKET);
    if version == Version::HTTP_2 {
        let key = HeaderValue::try_from(STANDARD.encode(random.to_be_bytes())).ok()?;
        headers.insert(header::SEC_WEBSOCKET_KEY, key);
    }
    headers.get(header::SEC_WEBSOCKET_KEY).cloned()
}

/// Whether the upstream agrees to what was asked (RFC 6455 §4.1): one `Upgrade: websocket`, and the right answer to the key.
fn agrees(headers: &HeaderMap, key: &HeaderValue) -> bool {
    let mut upgrades = headers.get_all(header::UPGRADE).iter();
    let upgrade = upgrades.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(WEBSOCKET.as_bytes()));
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), GUID].concat());
    let accept = STANDARD.encode(hash);
    let accepted = headers.get(header::SEC_WEBSOCKET_ACCEPT).is_some_and(|value| value.as_bytes() == accept.as_bytes());
    upgrade && upgrades.next().is_none() && accepted
}

/// One direction.
#[derive(Debug)]
struct Way {
    bytes: Box<[u8]>,
    from: usize,
    to: usize,
    /// The sender has said all.
    over: bool,
    /// The receiver has been told so.
    shut: bool,
}

impl Way {
    fn new() -> Self {
        Self { bytes: vec![0; BUFFER].into_boxed_slice(), from: 0, to: 0, over: false, shut: false }
    }

    /// Passes bytes on until there is nothing to read or no room to write. Ready once the sender has ended and the receiver knows.
    ///
    /// # Errors
    /// With the side that broke.
    fn poll<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
        mut charge: impl FnMut(u64) -> Result<(), Reason>,
    ) -> Poll<Result<(), Side>> {
        loop {
            while self.from < self.to {
                let rest = self.bytes.get(self.from..self.to).unwrap_or_default();
                match ready!(Pin::new(&mut *writer).poll_write(cx, rest)) {
                    Ok(0) | Err(_) => return Poll::Ready(Err(Side::Writer)),
                    Ok(count) => self.from += count,
                }
            }
            if self.over {
                if !self.shut {
                    let shut = ready!(Pin::new(&mut *writer).poll_shutdown(cx));
                    self.shut = true;
                    if shut.is_err() {
                        return Poll::Ready(Err(Side::Writer));
                    }
                }
                return Poll::Ready(Ok(()));
            }
            let mut room = ReadBuf::new(&mut self.bytes);
            let read: Poll<io::Result<()>> = Pin::new(&mut *reader).poll_read(cx, &mut room);
            let count = room.filled().len();
            match read {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Side::Reader)),
                Poll::Pending => {
                    // What the writer holds back goes out while nothing comes.
                    return match Pin::new(&mut *writer).poll_flush(cx) {
                        Poll::Ready(Err(_)) => Poll::Ready(Err(Side::Writer)),
                        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
                    };
                }
            }
            (self.from, self.to) = (0, count);
            self.over = count == 0;
            if charge(count as u64).is_err() {
                return Poll::Ready(Err(Side::Permit));
            }
        }
    }
}

/// Who broke it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Reader,
    Writer,
    Permit,
}

/// Passes bytes both ways until both sides have said all, one breaks, or the permit ends.
pub(crate) async fn run<C: AsyncRead + AsyncWrite + Unpin>(mut client: C, crossing: Crossing) {
    let Crossing { upstream, exchange, patience, _lane, _answered } = crossing;
    let mut upstream = TokioIo::new(upstream);
    let (mut there, mut back) = (Way::new(), Way::new());
    let half_close = exchange.thread().limits.half_close;
    let ending = std::future::poll_fn(|cx| {
        match exchange.struck() {
            None => {}
            Some(Strike::Cut) => return Poll::Ready(Ending::Cut),
            Some(Strike::Client) => return Poll::Ready(Ending::ClientGone),
            Some(Strike::Upstream) => return Poll::Ready(Ending::UpstreamBroke),
        }
        let mut moved = false;
        let out = there.poll(cx, &mut client, &mut upstream, |count| {
            moved = true;
            exchange.count_in(count);
            exchange.charge(count)
        });
        let home = back.poll(cx, &mut upstream, &mut client, |count| {
            moved = true;
            exchange.count_out(count);
            exchange.charge(count)?;
            exchange.pass_records(&[])
        });
        match (out, home) {
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(Ending::Complete),
            (Poll::Ready(Err(Side::Permit)), _) | (_, Poll::Ready(Err(Side::Permit))) => return Poll::Ready(Ending::Cut),
            (Poll::Ready(Err(Side::Reader)), _) | (_, Poll::Ready(Err(Side::Writer))) => return Poll::Ready(Ending::ClientGone),
            (Poll::Ready(Err(Side::Writer)), _) | (_, Poll::Ready(Err(Side::Reader))) => return Poll::Ready(Ending::UpstreamBroke),
            (Poll::Ready(Ok(())) | Poll::Pending, Poll::Ready(Ok(())) | Poll::Pending) => {}
        }
        // Once one side has said all, the other has a moment to do the same.
        let closing = there.over || back.over;
        exchange.wait_for_upstream(cx, if closing { half_close } else { patience });
        if moved {
            exchange.progressed();
        }
        Poll::Pending
    });
    let ending = ending.await;
    exchange.end(match ending {
        // Whoever closes first may leave the other to find out.
        Ending::UpstreamBroke | Ending::ClientGone if there.over || back.over => Ending::Complete,
        ending => ending,
    });
}

#[cfg(test)]
mod tests;
