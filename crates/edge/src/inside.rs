//! What answers in this process: APIs of our own behind the judge, and probes before it.

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use std::{net::IpAddr, pin::Pin, sync::Arc};
use wardgate_gate::{Introspection, KeysAnswer};
use wardgate_model::{
    facts::{Door, Facts},
    id::{TaskId, TrustName},
    secret::Secret,
};

/// A judged request to an API of this process: the typed caller in its facts, and the raw proof in its headers.
#[derive(Debug, Clone)]
pub struct InProcessCall {
    /// What was judged; [`Facts::caller`] is proven.
    pub facts: Arc<Facts>,
    /// Method.
    pub method: Method,
    /// Canonical path.
    pub path: Box<str>,
    /// Query as received, without `?`.
    pub query: Option<Box<str>>,
    /// Fields as received.
    pub headers: HeaderMap,
    /// The whole body, at most [`crate::EdgeLimits::collected_bytes_max`].
    pub body: Bytes,
}

/// The answer under way. It is awaited on a door's thread: whoever implements [`InProcess`] spawns the work elsewhere.
pub type Answering = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// Answers requests to [`wardgate_model::api::Target::InProcess`].
pub trait InProcess: Send + Sync {
    /// Begins to answer.
    fn call(&self, call: InProcessCall) -> Answering;

    /// Has more of a task's budget drawn, for requests that are short of it. Ends after a bounded time: `true` when it is known now
    /// how much there is.
    fn draw(&self, task: &TaskId) -> Drawing {
        let _nobody = task;
        Box::pin(std::future::ready(false))
    }
}

/// A draw under way.
pub type Drawing = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Keys under way.
pub type Fetching = Pin<Box<dyn Future<Output = KeysAnswer> + Send>>;

/// What an issuer says, under way.
pub type Asking = Pin<Box<dyn Future<Output = Introspection> + Send>>;

/// Has the keys that proofs from outside are verified with, and asks issuers of opaque tokens.
pub trait TrustKeys: Send + Sync {
    /// Asks for newer keys of a trust source. Ends, after a bounded time, when the gate has them or when they do not come; a key
    /// that has a name is asked for by it. `source` is where the request comes from: who names keys that do not exist causes no
    /// further asking for a while.
    fn want(&self, trust: &TrustName, kid: Option<&str>, source: IpAddr) -> Fetching;

    /// Asks a trust source about an opaque token of its own (RFC 7662). Ends after a bounded time; so many are asked about at once
    /// as its endpoint may be bothered with.
    fn ask(&self, trust: &TrustName, token: &Secret<String>) -> Asking;
}

/// Answers a few paths before the judge: `/healthz`, `/readyz` and `/metrics` on the admin door, `/.well-known/jwks.json`
/// and metadata of the token service on the public ones. Only GET and HEAD are asked.
pub trait Probes: Send + Sync {
    /// The answer, where this path is one of them at this door, for the host that is called (in lower case, without a port; `None`: none,
    /// or not one alone).
    fn answer(&self, door: Door, host: Option<&str>, path: &str) -> Option<Response<Bytes>>;
}
