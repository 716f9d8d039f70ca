//! The wire guard beside the HTTP engine: whatever the guard passes, the engine reads as the same requests with the same bodies, and
//! never refuses in its own words. A difference here is a request that one of them sees and the other does not.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, Version,
    body::Incoming,
    header::CONNECTION,
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
    service::service_fn,
};
use std::{
    cell::RefCell,
    convert::Infallible,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};
use wardgate_edge::{
    limits::EdgeLimits,
    wire::framer::{Framer, Place},
};
use wardgate_testkit::fuzz::{Broken, Outcome, Target, hold};

pub(crate) const TARGET: Target = Target { name: "engine", property, ..crate::wire::TARGET };

/// How often the engine is polled until it must have come to its end.
const POLLS_MAX: usize = 10_000;

/// One request, as the engine read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    /// Its body came to its end.
    whole: bool,
    /// Nothing is read behind it.
    last: bool,
}

/// Gives the bytes, then the end; keeps what is written.
struct Wire {
    bytes: Vec<u8>,
    given: usize,
    written: Rc<RefCell<Vec<u8>>>,
}

impl Read for Wire {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let rest = me.bytes.get(me.given..).unwrap_or_default();
        let count = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..count).unwrap_or_default());
        me.given += count;
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.borrow_mut().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn property(bytes: &[u8]) -> Result<Outcome, Broken> {
    let limits = EdgeLimits::default();
    let mut framer = Framer::default();
    let (mut good, mut heads) = (0, 0);
    let place = loop {
        let passed = framer.read(bytes.get(good..).unwrap_or_default(), &limits);
        good += passed.bytes;
        heads += passed.heads;
        if !framer.is_held() {
            break passed.violation.map(|(place, _)| place);
        }
        // Nobody goes over to another protocol here.
        framer.settle(false);
    };
    let good = bytes.get(..good).unwrap_or_default();
    let (seen, written) = engine(good)?;
    let told = || format!("the guard passed {heads} requests, the engine saw {seen:?} and wrote {:?}", String::from_utf8_lossy(&written));
    hold(!written.windows(12).any(|window| window == b"HTTP/1.1 400"), told)?;
    let closed = seen.last().is_some_and(|seen| seen.last);
    let count = seen.len() as u64;
    hold(count == heads || (closed && count < heads), told)?;
    // All bodies are whole, but for the last where the guard, too, waits for the rest of it.
    let open = seen.iter().filter(|seen| !seen.whole).count();
    let within = match place {
        None => framer.is_in_body(),
        Some(Place::Body) => true,
        Some(Place::Request) => false,
    };
    let waits = within && count == heads;
    hold(open == usize::from(waits), told)?;
    Ok(Outcome::of((heads.min(4), open, closed)))
}

/// What the engine makes of these bytes, and what it writes.
fn engine(bytes: &[u8]) -> Result<(Vec<Seen>, Vec<u8>), Broken> {
    let (seen, written) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    let wire = Wire { bytes: bytes.to_vec(), given: 0, written: Rc::clone(&written) };
    let calls = Rc::clone(&seen);
    let service = service_fn(move |request: Request<Incoming>| {
        let calls = Rc::clone(&calls);
        let named = request.headers().get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
        let words: Vec<String> = named.flat_map(|value| value.split(',')).map(|word| word.trim().to_ascii_lowercase()).collect();
        let old = request.version() == Version::HTTP_10 && !words.iter().any(|word| word == "keep-alive");
        let last = old || words.iter().any(|word| word == "close");
        let at = calls.borrow().len();
        calls.borrow_mut().push(Seen { whole: false, last });
        async move {
            let mut body = request.into_body();
            let whole = loop {
                match body.frame().await {
                    Some(Ok(_)) => {}
                    Some(Err(_)) => break false,
                    None => break true,
                }
            };
            if let Some(seen) = calls.borrow_mut().get_mut(at) {
                seen.whole = whole;
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let mut builder = http1::Builder::new();
    builder.half_close(true).max_buf_size(256 * 1024);
    let mut connection = std::pin::pin!(builder.serve_connection(wire, service));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..POLLS_MAX {
        if connection.as_mut().poll(&mut context).is_ready() {
            let (seen, written) = (seen.borrow().clone(), written.borrow().clone());
            return Ok((seen, written));
        }
    }
    hold(false, || format!("the engine does not end: {:?}", seen.borrow()))?;
    Ok((Vec::new(), Vec::new()))
}
