//! An HTTP/1.1 server that answers every request with the same bytes, and keeps its connections.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, header, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::net::{TcpListener, TcpStream};

/// What the server answers.
#[derive(Debug, Clone)]
pub struct Answer {
    body: Bytes,
    requests: Arc<AtomicU64>,
}

impl Answer {
    /// 200 with a body of this many bytes of text.
    #[must_use]
    pub fn of_bytes(length: usize) -> Self {
        Self { body: Bytes::from(vec![b'w'; length]), requests: Arc::default() }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Requests answered so far, over all connections.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Reads the request to its end, because a connection is kept only then.
    async fn to(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut response = Response::new(Full::new(self.body.clone()));
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
        Ok(response)
    }
}

/// Serves until the task that runs it ends.
///
/// # Errors
/// When no more connections can be accepted.
pub async fn serve(listener: TcpListener, answer: Answer) -> io::Result<Infallible> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_connection(stream, answer.clone()));
    }
}

/// A connection that breaks is the peer's affair.
async fn serve_connection(stream: TcpStream, answer: Answer) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| answer.to(request));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
