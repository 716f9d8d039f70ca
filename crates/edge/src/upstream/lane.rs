//! A connection in use.

use super::Pool;
use crate::{body::Upload, thread::Thread};
use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use std::{pin::Pin, rc::Rc};
use tokio::{sync::OwnedSemaphorePermit, task::AbortHandle};

/// What drives a connection. Dropping it closes the connection at once, whatever is still under way on it.
#[derive(Debug)]
pub(super) struct Engine(AbortHandle);

impl Engine {
    pub(super) fn start(connection: impl Future<Output = Result<(), hyper::Error>> + 'static) -> Self {
        // What goes wrong within is told to whoever waits for the answer.
        Self(tokio::task::spawn_local(async move { drop(connection.await) }).abort_handle())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An HTTP/1 connection: one request at a time.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) sender: http1::SendRequest<Upload>,
    pub(super) _engine: Engine,
}

/// An HTTP/2 connection: all requests.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) sender: http2::SendRequest<Upload>,
    pub(super) _engine: Engine,
}

/// A connection that stands.
#[derive(Debug)]
pub(super) enum Held {
    /// For this request alone.
    Own(Own),
    /// Others use it at the same time.
    Shared(Rc<Shared>),
}

/// A connection in use, and its place among the allowed ones.
#[derive(Debug)]
pub struct Lane {
    pub(super) held: Held,
    pub(super) pool: Rc<Pool>,
    pub(super) place: OwnedSemaphorePermit,
    /// Whether it is closed after this request, whatever comes of it.
    pub(super) last: bool,
}

/// A request that the engine has taken: gives the head of the answer, or the request again where nothing was sent of it.
pub type Sending = Pin<Box<dyn Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>>>>;

impl Lane {
    /// Sends a request. The connection must be one that [`Pool::kept`] gave.
    pub fn send(&mut self, request: Request<Upload>) -> Sending {
        match &mut self.held {
            Held::Own(own) => Box::pin(own.sender.try_send_request(request)),
            Held::Shared(shared) => Box::pin(shared.sender.clone().try_send_request(request)),
        }
    }

    /// The address that it leads to.
    #[must_use]
    pub fn pool(&self) -> &Rc<Pool> {
        &self.pool
    }

    /// The same, to be closed after this request.
    #[must_use]
    pub fn only_once(self) -> Self {
        Self { last: true, ..self }
    }

    /// Puts the connection back for the next request.
    pub fn give_back(self, thread: &Rc<Thread>) {
        let Self { held, pool, place, last } = self;
        let (Held::Own(mut own), false) = (held, last) else { return };
        if own.sender.is_ready() {
            pool.keep(own, thread);
        } else if !own.sender.is_closed() {
            // The engine has not turned round yet: keep the place until it has.
            let thread = Rc::clone(thread);
            tokio::task::spawn_local(async move {
                if own.sender.ready().await.is_ok() {
                    pool.keep(own, &thread);
                }
                drop(place);
            });
        }
    }
}
