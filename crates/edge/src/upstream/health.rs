//! Asks an upstream whether it is well, where its API says how.

use super::{Pool, lane::Engine, socket::Socket};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body::{Body, Frame, SizeHint};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll},
    time::Duration,
};
use wardgate_model::wire::{Health, UpstreamProtocol};

/// Shortest time between two questions.
const EVERY_MIN: Duration = Duration::from_millis(100);

/// No body at all.
#[derive(Debug)]
struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

/// Asks for as long as there is a pool.
pub(super) async fn watch(pool: Weak<Pool>, health: Health) {
    let every = health.every.max(EVERY_MIN);
    loop {
        // The pool is not held while nothing is asked: it ends with its API.
        let asked = match pool.upgrade() {
            Some(pool) => tokio::time::timeout(every, ask(&pool, &health)).await,
            None => return,
        };
        if let Some(pool) = pool.upgrade() {
            pool.standing().asked(asked == Ok(Some(true)));
        }
        tokio::time::sleep(every).await;
    }
}

/// Whether it says that it is well; `None`: it says nothing that could be read.
async fn ask(pool: &Rc<Pool>, health: &Health) -> Option<bool> {
    let protocol = pool.wire().protocol;
    let socket = TokioIo::new(Socket::open(pool.url(), pool.tls().ok()?, protocol).await.ok()?);
    let scheme = if pool.url().tls { "https" } else { "http" };
    let mut request = Request::new(Nothing);
    let answer = match protocol {
        UpstreamProtocol::Http1 => {
            *request.uri_mut() = health.path.parse().ok()?;
            request.headers_mut().insert(header::HOST, pool.authority().clone());
            let (mut sender, connection) = http1::handshake(socket).await.ok()?;
            let _engine = Engine::start(connection);
            sender.send_request(request).await
        }
        UpstreamProtocol::Http2 => {
            *request.uri_mut() = format!("{scheme}://{}{}", pool.authority().to_str().ok()?, health.path).parse::<Uri>().ok()?;
            let (mut sender, connection) = http2::handshake(crate::connection::Local, socket).await.ok()?;
            let _engine = Engine::start(connection);
            sender.send_request(request).await
        }
    };
    Some((200..400).contains(&answer.ok()?.status().as_u16()))
}
