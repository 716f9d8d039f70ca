//! Connections to the gate, used again while they are quiet.

use super::rewound::Rewound;
use crate::commands::token::issuer::Way;
use anyhow::Context as _;
use http::{Request, Response, Uri};
use hyper::{
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// Longest wait for a connection.
const CONNECTING: Duration = Duration::from_secs(10);
/// Longest wait for the head of an answer, once the request has been sent.
const ANSWERING: Duration = Duration::from_mins(5);
/// A connection that was quiet for so long is not used again: the gate may be closing it.
const QUIET_MAX: Duration = Duration::from_secs(20);
/// Most quiet connections that are kept.
const KEPT_MAX: usize = 64;

type Sender = SendRequest<Rewound<Incoming>>;

struct Lane {
    sender: Sender,
    tls: Arc<ClientConfig>,
    used: Instant,
}

/// Connections to one gate.
pub(super) struct Lanes {
    way: Way,
    target: Uri,
    lanes: Mutex<Vec<Lane>>,
}

impl Lanes {
    /// None yet.
    pub(super) fn new(way: Way, target: Uri) -> Self {
        Self { way, target, lanes: Mutex::default() }
    }

    /// Sends a request, and gives the head of its answer.
    ///
    /// # Errors
    /// Nobody answers, or not in time.
    pub(super) async fn send(
        &self,
        tls: &Arc<ClientConfig>,
        mut request: Request<Rewound<Incoming>>,
    ) -> anyhow::Result<Response<Incoming>> {
        let handed_on = request.body().same();
        let mut kept = self.take(tls);
        loop {
            let was_kept = kept.is_some();
            let mut sender = match kept.take() {
                Some(sender) => sender,
                None => timeout(CONNECTING, self.connect(tls)).await.context("the gate does not take a connection")??,
            };
            match timeout(ANSWERING, sender.try_send_request(request)).await.context("the gate does not answer")? {
                // INVARIANT (whole): who answers before it has heard all of a request may close the connection behind the answer, and what is
                // sent there next may be lost half-way: such a one is not used again.
                Ok(answer) => {
                    if handed_on.is_over() {
                        self.keep(Lane { sender, tls: Arc::clone(tls), used: Instant::now() });
                    }
                    return Ok(answer);
                }
                Err(mut failed) => match failed.take_message() {
                    // Closed meanwhile, and nothing of it was sent: on a new one, since what closed one may have closed the others.
                    Some(unsent) if was_kept => request = unsent,
                    _ => return Err(failed.into_error()).context("the gate broke off"),
                },
            }
        }
    }

    async fn connect(&self, tls: &Arc<ClientConfig>) -> anyhow::Result<Sender> {
        let stream = self.way.connected(tls, &self.target).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the gate broke off");
            }
        });
        Ok(sender)
    }

    /// One that is quiet, by the same TLS.
    fn take(&self, tls: &Arc<ClientConfig>) -> Option<Sender> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.retain(|lane| !lane.sender.is_closed() && (!lane.sender.is_ready() || lane.used.elapsed() < QUIET_MAX));
        let at = lanes.iter().rposition(|lane| lane.sender.is_ready() && Arc::ptr_eq(&lane.tls, tls))?;
        Some(lanes.swap_remove(at).sender)
    }

    /// It is ready again when its answer has been read to the end.
    fn keep(&self, lane: Lane) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() < KEPT_MAX {
            lanes.push(lane);
        }
    }
}
