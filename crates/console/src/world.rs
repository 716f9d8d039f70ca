//! What the console asks of the running gate. Everything cryptographic and everything judged happens there.

use crate::problem::Problem;
use http::{HeaderMap, Method, Uri};
use ipnet::IpNet;
use serde_json::Value;
use std::{net::IpAddr, pin::Pin, sync::Arc, time::Duration};
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    id::{CredentialId, EnvironmentName, IdentityId, RequestId, SecretName},
    inventory::Identity,
    proof::ProofKind,
    secret::Secret,
};
use wardgate_store::Sealed;

/// An answer under way.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A fresh credential: its text is shown once, its hash is kept.
#[derive(Debug)]
pub struct Minted {
    /// The public id within the text.
    pub id: CredentialId,
    /// The whole text.
    pub text: Secret<String>,
    /// What the text is compared with.
    pub hash: KeyedHash,
}

/// What an identity may be issued: an entry of its `credentials`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name.
    pub name: Box<str>,
    /// What kind of thing it is.
    pub kind: CredentialKind,
    /// How long one lasts; only kinds that Wardgate issues have it.
    pub expires_in: Option<Duration>,
    /// Networks it may be used from; empty means any.
    pub sources: Box<[IpNet]>,
}

/// An identity as the gate knows it now.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownIdentity {
    /// The identity, its status included.
    pub identity: Arc<Identity>,
    /// How it may prove itself.
    pub entries: Vec<Entry>,
}

/// A request that nobody made, described to be explained.
#[derive(Debug, Clone)]
pub struct DescribedRequest {
    /// As whom; `None`: as whoever the headers prove, or nobody.
    pub identity: Option<IdentityId>,
    /// The method.
    pub method: Method,
    /// The address, with scheme and host.
    pub url: Uri,
    /// Header fields.
    pub headers: HeaderMap,
    /// From where; `None`: from this machine.
    pub source: Option<IpAddr>,
    /// How the identity proves itself; `None`: by its first credential.
    pub proof: Option<ProofKind>,
}

/// Which events to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventQuery {
    /// Where the last page ended; `None`: the newest.
    pub cursor: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// Only of this identity.
    pub identity: Option<IdentityId>,
    /// Only of this API.
    pub api: Option<String>,
    /// Only with this reason code.
    pub code: Option<String>,
    /// Only with this answer: `allow`, `slow`, `challenge`, `block`.
    pub response: Option<String>,
    /// Without the allowed requests of this API that only read.
    pub without_reads_of: Option<String>,
}

/// Events, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventPage {
    /// Events of version 1.
    pub events: Vec<Value>,
    /// Where this page ends: what comes later begins here.
    pub cursor: Option<String>,
}

/// Something that the gate could not do; for the log, not for callers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorldFault(pub Box<str>);

/// The running gate, as the console sees it. The binary implements it.
pub trait World: Send + Sync {
    /// Returns when every edge in this process obeys all changes up to `seq`. Must end in bounded time.
    fn published(&self, seq: u64) -> BoxFuture<'_, ()>;

    /// Makes a credential of a kind that has a text of ours: `api_key`, `session` or `sign_in`.
    ///
    /// # Errors
    /// No randomness, or a kind without a text.
    fn mint(&self, kind: CredentialKind, environment: &EnvironmentName) -> Result<Minted, WorldFault>;

    /// Seals an upstream secret under the installation's key, bound to its name.
    ///
    /// # Errors
    /// No randomness, or too large.
    fn seal(&self, name: &SecretName, plain: &Secret<String>) -> Result<Sealed, WorldFault>;

    /// An identity, as the gate knows it now.
    fn identity(&self, id: &IdentityId) -> Option<KnownIdentity>;

    /// What would become of a described request.
    ///
    /// # Errors
    /// When it describes nothing that could be judged.
    fn explain_described(&self, described: &DescribedRequest) -> Result<Value, Problem>;

    /// What became of a recorded request, and what could be done about it.
    fn explain_recorded(&self, event: Value) -> Value;

    /// The event of a request.
    fn event(&self, request: RequestId) -> BoxFuture<'_, Result<Option<Value>, WorldFault>>;

    /// Events that a query lets through.
    ///
    /// # Errors
    /// A cursor that is none, or the log cannot be read.
    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<EventPage, Problem>>;
}
