//! The SPIFFE Workload API (SPIFFE-Workload-API §4 to §6): bundles that an agent on this machine streams over a Unix socket, by
//! gRPC.
//!
//! Each message is the whole state, so the last one counts and what vanished from it is gone. hyper's HTTP/2 bare and two
//! messages read by hand: a client library would bring its own connections, and generated code for all that is not used.

mod message;

use crate::{
    fault::{Shown, chain},
    feed::Feed,
    fetch::Bounds,
};
use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::UnixStream, task::AbortHandle, time::timeout};
use wardgate_proof::x509::TrustDomain;

/// Largest head of an answer, in bytes.
const HEAD_BYTES_MAX: u32 = 16 * 1024;
/// A gRPC message without any field: a byte for "not compressed", and four for its length.
const EMPTY: &[u8] = &[0; 5];

/// Why an agent gave no bundle.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadFault {
    /// Nobody listens at the socket.
    #[error("`{path}` cannot be connected to: {why}")]
    Connect {
        /// Which.
        path: Box<str>,
        /// What the system said.
        why: io::Error,
    },
    /// Too slow.
    #[error("the agent gave no bundle within {} ms", .0.as_millis())]
    Slow(Duration),
    /// What came is no HTTP/2, or the connection broke.
    #[error("the exchange with the agent broke: {0}")]
    Broke(Shown),
    /// It does not speak gRPC.
    #[error("the agent answered {0}")]
    Status(StatusCode),
    /// It refused, by a gRPC status.
    #[error("the agent refused: status {code}: {said}")]
    Refused {
        /// The status: 3 for a wrong call, 7 when it knows no identity of ours, 14 when it is not ready.
        code: u32,
        /// What it said.
        said: Shown,
    },
    /// It ended a stream.
    #[error("the agent ended the stream")]
    Ended,
    /// A message is too long.
    #[error("a message of the agent has more than {0} bytes")]
    Long(usize),
    /// A message cannot be read.
    #[error("a message of the agent cannot be read: {0}")]
    Message(&'static str),
    /// It knows another domain only.
    #[error("the agent has no bundle of `{0}`")]
    Domain(TrustDomain),
}

/// What an agent said last.
#[derive(Debug)]
struct Latest {
    x509: Bytes,
    jwt: Bytes,
    /// Counts what was said, its end included.
    version: u64,
    ended: bool,
}

/// A connection with an agent. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Agent {
    latest: Arc<Mutex<Latest>>,
    follower: AbortHandle,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

fn lock(latest: &Mutex<Latest>) -> MutexGuard<'_, Latest> {
    latest.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Agent {
    /// Connects, and waits for the first message of both streams. Each later one wakes the feed.
    ///
    /// # Errors
    /// When there is no agent, or it has nothing for us.
    pub(crate) async fn open(path: &Path, bounds: Bounds, feed: Feed) -> Result<Self, WorkloadFault> {
        timeout(bounds.whole, Box::pin(Self::connect(path, bounds, feed))).await.map_err(|_| WorkloadFault::Slow(bounds.whole))?
    }

    async fn connect(path: &Path, bounds: Bounds, feed: Feed) -> Result<Self, WorkloadFault> {
        let refused = |why| WorkloadFault::Connect { path: path.to_string_lossy().into(), why };
        let socket = UnixStream::connect(path).await.map_err(refused)?;
        let mut client = http2::Builder::new(TokioExecutor::new());
        client.max_header_list_size(HEAD_BYTES_MAX);
        let (mut sender, connection) = client.handshake(TokioIo::new(socket)).await.map_err(broke)?;
        let driver = Driver(tokio::spawn(async move { drop(connection.await) }).abort_handle());
        let mut x509 = Stream::open(&mut sender, "FetchX509Bundles", bounds.bytes_max).await?;
        let mut jwt = Stream::open(&mut sender, "FetchJWTBundles", bounds.bytes_max).await?;
        let latest = Latest { x509: x509.next().await?, jwt: jwt.next().await?, version: 1, ended: false };
        let latest = Arc::new(Mutex::new(latest));
        let follower = tokio::spawn(follow(x509, jwt, Arc::clone(&latest), feed, (sender, driver))).abort_handle();
        Ok(Self { latest, follower })
    }

    /// Counts what it said: another number is another state.
    pub(crate) fn version(&self) -> u64 {
        lock(&self.latest).version
    }

    /// Whether it says nothing any more.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.latest).ended
    }

    /// The bundle of a trust domain as it said it last, as a SPIFFE bundle document, and which state that is; `None`: it has none
    /// of this domain.
    ///
    /// # Errors
    /// When what it said cannot be read.
    pub(crate) fn bundle(&self, domain: &TrustDomain) -> Result<(u64, Option<Bytes>), WorkloadFault> {
        let (x509, jwt, version) = {
            let latest = lock(&self.latest);
            (latest.x509.clone(), latest.jwt.clone(), latest.version)
        };
        Ok((version, message::document(&x509, &jwt, domain)?))
    }
}

/// What drives a connection. Dropping it closes the connection.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps what an agent says last, until it ends.
async fn follow(mut x509: Stream, mut jwt: Stream, latest: Arc<Mutex<Latest>>, feed: Feed, _open: (SendRequest<Full<Bytes>>, Driver)) {
    loop {
        let said = tokio::select! {
            next = x509.next() => next.map(|message| lock(&latest).x509 = message),
            next = jwt.next() => next.map(|message| lock(&latest).jwt = message),
        };
        let ended = {
            let mut latest = lock(&latest);
            latest.version = latest.version.saturating_add(1);
            latest.ended = said.is_err();
            latest.ended
        };
        feed.wake();
        if ended {
            break;
        }
    }
}

/// A stream of messages.
struct Stream {
    body: Incoming,
    read: BytesMut,
    bytes_max: usize,
}

impl Stream {
    async fn open(sender: &mut SendRequest<Full<Bytes>>, method: &str, bytes_max: usize) -> Result<Self, WorkloadFault> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://localhost/SpiffeWorkloadAPI/{method}"))
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .header(header::USER_AGENT, "wardgate")
            // SPIFFE-Workload-API §4: without it an agent takes us for somebody's forged request.
            .header("workload.spiffe.io", "true")
            .body(Full::new(Bytes::from_static(EMPTY)))
            .map_err(|error| WorkloadFault::Broke(chain(&error)))?;
        let response = sender.send_request(request).await.map_err(broke)?;
        if response.status() != StatusCode::OK {
            return Err(WorkloadFault::Status(response.status()));
        }
        if let Some(fault) = refused(response.headers()) {
            return Err(fault);
        }
        Ok(Self { body: response.into_body(), read: BytesMut::new(), bytes_max })
    }

    /// The next message. Dropping the wait loses nothing.
    async fn next(&mut self) -> Result<Bytes, WorkloadFault> {
        loop {
            if let Some(message) = self.whole()? {
                return Ok(message);
            }
            let frame = self.body.frame().await.ok_or(WorkloadFault::Ended)?.map_err(broke)?;
            match frame.into_data() {
                Ok(piece) => self.read.extend_from_slice(&piece),
                Err(frame) => return Err(frame.trailers_ref().and_then(refused).unwrap_or(WorkloadFault::Ended)),
            }
        }
    }

    /// A message, where all of it is there.
    fn whole(&mut self) -> Result<Option<Bytes>, WorkloadFault> {
        let Some((&[compressed, a, b, c, d], rest)) = self.read.split_first_chunk::<5>() else { return Ok(None) };
        if compressed != 0 {
            return Err(WorkloadFault::Message("it is compressed, which nobody asked for"));
        }
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length > self.bytes_max {
            return Err(WorkloadFault::Long(self.bytes_max));
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.read.advance(5);
        Ok(Some(self.read.split_to(length).freeze()))
    }
}

/// What a gRPC status says, where it is none of success.
fn refused(headers: &HeaderMap) -> Option<WorkloadFault> {
    let code = headers.get("grpc-status")?.to_str().ok().and_then(|code| code.parse().ok()).unwrap_or(2);
    let said = headers.get("grpc-message").map_or_else(|| Shown::new("it said nothing"), |said| Shown::quoted(said.as_bytes()));
    (code != 0).then_some(WorkloadFault::Refused { code, said })
}

fn broke(error: hyper::Error) -> WorkloadFault {
    WorkloadFault::Broke(chain(&error))
}
