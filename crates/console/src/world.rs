//! What the console asks of the running gate. Everything cryptographic and everything judged happens there.

mod access;
mod issued;
mod stopping;

pub use access::{AccessCondition, AccessPage, AccessPath, AccessQuery, Moment, Span};
pub use issued::{Entry, Minted};
pub use stopping::{HereStop, Journaled, Stopping};

use crate::{
    around::Around,
    asking::{Found, Question},
    erasures::{Erasure, ErasureView},
    problem::{Code, Problem},
    rehearsals::Habits,
    surface::{OperationQuery, OperationView},
    timeline::{TimelineQuery, TimelineView},
};
use http::{HeaderMap, Method, Uri};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::{net::IpAddr, pin::Pin, sync::Arc};
use wardgate_model::{
    contain::Containable,
    credential::{Credential, CredentialKind, KeyedHash, SignatureScheme},
    diagnostic::Diagnostic,
    facts::Facts,
    govern::Contract,
    id::{CredentialId, EnvironmentName, IdentityId, OwnerName, RequestId, SecretName, TaskId, TrustName},
    inventory::{Identity, Owner},
    proof::ProofKind,
    secret::Secret,
    time::Time,
};
use wardgate_store::{Actor, Applied, ResourceChange, Sealed, StoreFault, StoredSecret, StoredTask};

/// An answer under way.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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

/// Which declared credentials to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredQuery {
    /// Only of this identity.
    pub identity: Option<IdentityId>,
    /// Only those after this identity and entry.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: usize,
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
    /// Only where this would have been done for the risk: `slow`, `challenge`, `block`, or `any` of them.
    pub would: Option<String>,
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
    /// Records and segments that could not be read.
    pub unreadable: u64,
}

/// Something that the gate could not do; for the log, not for callers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorldFault(pub Box<str>);

/// Why a change of resources was not made, or could not be. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Operator: what would be declared makes no sense. All that is wrong, at once; never empty.
    #[error("what would be declared makes no sense")]
    Diagnostics(Vec<Diagnostic>),
    /// What is on record does not allow it, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Ours.
    #[error(transparent)]
    World(#[from] WorldFault),
}

/// What changes of resources come to, with everything else that is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The change of the feed that it was resolved against. [`World::apply`] refuses when a resource has changed since.
    pub basis: u64,
    /// Worth knowing. No errors: those are refused.
    pub warnings: Vec<Diagnostic>,
}

/// How resources are changed: an apply that prunes later removes what was applied, nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One by one: `Store::change_resources`.
    Single,
    /// Documents as a whole: `Store::apply_resources`.
    Whole,
}

/// Something in the posture that somebody should mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingView {
    /// A stable code, for programs.
    pub code: String,
    /// What kind of thing it is about: a kind of resource, `credential`, `discovery` or `Operation`.
    pub kind: String,
    /// Its name or id.
    pub name: String,
    /// The owner who should mend it, where one is known.
    pub owner: Option<String>,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// Since when (RFC 3339), where that is known.
    pub since: Option<String>,
    /// What was seen.
    pub evidence: String,
    /// What to do about it.
    pub remedy: String,
    /// Its line of the OWASP Non-Human Identities Top 10, such as `NHI7`.
    pub owasp: Option<String>,
    /// Whether a waiver exempts from it.
    pub exempt: bool,
}

/// The quality of an identity, from 0 to 100.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QualityView {
    /// As the policies of this gate see it.
    pub score: u8,
    /// The same as a letter: `A` from 90 on, `B` from 75, `C` from 60, `D` below.
    pub letter: String,
    /// As it is graded now: policies see it when the gate looks next.
    pub now: u8,
    /// The same as a letter.
    pub letter_now: String,
    /// What is taken off 100 now, the most first.
    pub parts: Vec<QualityPart>,
}

/// What one cause takes off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QualityPart {
    /// The code of a finding, or another cause of the table in the guide.
    pub cause: String,
    /// How much.
    pub minus: u8,
    /// What was seen.
    pub what: String,
}

/// Where a new upstream secret is brought. Each names what the operator has configured; the API can add no address, no
/// directory and no argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A file of this name, in the directory for delivered secrets.
    File(Box<str>),
    /// The manifest of a Kubernetes Secret, `NAMESPACE/NAME`.
    Kubernetes(Box<str>),
    /// A path in the configured Vault.
    Vault(Box<str>),
    /// The configured command of this name, which gets the secret on its standard input.
    Command(Box<str>),
}

/// An upstream secret is to be replaced without a failed request.
#[derive(Debug)]
pub struct SecretRotation {
    /// Which.
    pub name: SecretName,
    /// The new one; `None`: a random one is made.
    pub value: Option<Secret<String>>,
    /// Where it is brought before it is used; `None`: the upstream has it already.
    pub deliver: Option<Delivery>,
}

/// Requests that are still open: of one identity, with one credential, on one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequests {
    /// Whose.
    pub identity: IdentityId,
    /// With which credential.
    pub credential: Option<CredentialId>,
    /// On which operation, by its id.
    pub operation: Box<str>,
    /// How many.
    pub count: u64,
    /// When the oldest began.
    pub since: Time,
}

/// What is open at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenNow {
    /// What is known to be.
    pub requests: Vec<OpenRequests>,
    /// Whether there is no more: `false` where a part of the gate did not answer in time, or had too much to tell.
    pub whole: bool,
}

/// The store does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// When it last answered.
    pub since: Time,
    /// What is wrong with it, in words for callers.
    pub why: Box<str>,
}

/// The running gate, as the console sees it. The binary implements it.
pub trait World: Send + Sync {
    /// Whether the store is known not to answer.
    fn away(&self) -> Option<Away> {
        None
    }

    /// Says that the store did not answer to somebody, so that it is looked at now.
    fn doubt(&self) {}

    /// Obeys a stop here and now, and keeps it to be put on record when the store is back.
    ///
    /// # Errors
    /// When as many as may wait do.
    fn stop_here(&self, stop: HereStop) -> BoxFuture<'_, Result<Journaled, Problem>> {
        let problem = Problem::new(Code::Away, format!("`{}` cannot be stopped without the store", stop.name));
        Box::pin(std::future::ready(Err(problem)))
    }

    /// A credential, as the gate knows it now.
    fn credential(&self, id: &CredentialId) -> Option<Arc<Credential>> {
        let _ = id;
        None
    }

    /// Every identity that has a tag of this name, with what it says.
    fn tagged(&self, tag: &str) -> Vec<(IdentityId, Box<str>)>;

    /// Every identity that says to stand behind an API.
    fn serving(&self) -> Vec<Arc<Identity>>;

    /// Whether a trust source counts now.
    fn trusts(&self, source: &TrustName) -> bool {
        let _ = source;
        false
    }

    /// Credentials that identities declare and that others vouch for, by identity and name.
    fn declared(&self, query: &DeclaredQuery) -> Vec<Arc<Credential>> {
        let _ = query;
        Vec::new()
    }

    /// Up to which change of the feed, at the least, holds what this gate says of identities and credentials.
    fn followed(&self) -> u64;

    /// Returns when every edge in this process obeys all changes up to `seq`. Must end in bounded time.
    fn published(&self, seq: u64) -> BoxFuture<'_, ()>;

    /// As [`World::published`], of the change `seq` that stopped something: it is obeyed in this process when this returns,
    /// also when the feed cannot be read any more.
    fn published_stop<'a>(&'a self, seq: u64, kind: Containable, name: &'a str) -> BoxFuture<'a, ()>;

    /// Makes a credential of a kind that has a text of ours: `api_key`, `session` or `sign_in`.
    ///
    /// # Errors
    /// No randomness, or a kind without a text.
    fn mint(&self, kind: CredentialKind, environment: &EnvironmentName) -> Result<Minted, WorldFault>;

    /// A secret for signed webhooks, the one given or a new one, with what is kept of it.
    ///
    /// # Errors
    /// `Unfit` when the one given is none of this scheme; no randomness.
    fn hook(&self, scheme: SignatureScheme, given: Option<Secret<String>>) -> Result<(Minted, Sealed), Problem>;

    /// Seals an upstream secret under the installation's key, bound to its name.
    ///
    /// # Errors
    /// No randomness, or too large.
    fn seal(&self, name: &SecretName, plain: &Secret<String>) -> Result<Sealed, WorldFault>;

    /// Makes a key that could sign in the place of another one: its id, and the private key, sealed.
    ///
    /// # Errors
    /// None can be made.
    fn new_signing_key(&self) -> Result<(String, Sealed), WorldFault>;

    /// The id under which a key that Wardgate did not issue is on record, from its keyed hash.
    fn foreign_id(&self, hash: &KeyedHash) -> CredentialId;

    /// An identity, as the gate knows it now.
    fn identity(&self, id: &IdentityId) -> Option<Arc<Identity>>;

    /// How an identity may prove itself, as it is on record.
    ///
    /// # Errors
    /// The store does not answer.
    fn entries<'a>(&'a self, id: &'a IdentityId) -> BoxFuture<'a, Result<Vec<Entry>, WorldFault>>;

    /// Takes an identity to have done something before, on this gate.
    ///
    /// # Errors
    /// `Unfit` when it cannot be: it has called already, the habits make no sense, or it may not do that.
    fn teach<'a>(&'a self, id: &'a IdentityId, habits: &'a Habits) -> BoxFuture<'a, Result<(), Problem>> {
        let _ = habits;
        let problem = Problem::new(Code::Unfit, format!("`{id}` cannot be taught: nothing is watched here"));
        Box::pin(std::future::ready(Err(problem)))
    }

    /// Takes back what was taught of an identity that is not rehearsed with after all.
    fn unteach(&self, id: &IdentityId) {
        let _ = id;
    }

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

    /// Asks the event log in SQL.
    ///
    /// # Errors
    /// It is no question, or takes more than it may; nobody answers such questions here.
    fn ask_log(&self, question: Question) -> BoxFuture<'_, Result<Found, Problem>>;

    /// Begins to take what may tell of a person out of the events of a subject, for good; joins one of the same subject.
    ///
    /// # Errors
    /// It is no subject, or the erasure of another is under way.
    fn erase_events(&self, erasure: Erasure) -> BoxFuture<'_, Result<ErasureView, Problem>>;

    /// How far an erasure is; `None`: none with this id is known.
    fn erasure<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<ErasureView>>;

    /// What the log holds about a subject.
    ///
    /// # Errors
    /// It is no subject, or the log cannot be read.
    fn timeline(&self, query: TimelineQuery) -> BoxFuture<'_, Result<TimelineView, Problem>>;

    /// What was agreed with the partner that an owner is: those in force, and those that are over.
    fn contracts(&self, owner: &OwnerName) -> Vec<Contract>;

    /// Requests that are open now: streams, long downloads. Must end in bounded time.
    fn open_requests(&self) -> BoxFuture<'_, OpenNow>;

    /// An owner on record: who is accountable, and who stands in.
    fn owner(&self, name: &OwnerName) -> Option<Owner>;

    /// Whether an identity acts for a person who answers for an owner (`governance::second` says who is one).
    fn is_person(&self, identity: &Identity) -> bool;

    /// What changes would come to: everything on record is resolved with them. Nothing is written.
    ///
    /// # Errors
    /// What would be declared makes no sense, or the store fails.
    fn plan<'a>(&'a self, changes: &'a [ResourceChange]) -> BoxFuture<'a, Result<Planned, Refused>>;

    /// Resolves, writes all of it or nothing, and returns when the gate obeys it.
    ///
    /// # Errors
    /// What would be declared makes no sense; a precondition fails, a file owns it, it was changed after `basis`; the store fails.
    fn apply<'a>(
        &'a self,
        actor: &'a Actor,
        changes: &'a [ResourceChange],
        manner: Manner,
        basis: u64,
        now: Time,
    ) -> BoxFuture<'a, Result<Applied, Refused>>;

    /// Who can call what, now or then, page by page.
    ///
    /// # Errors
    /// A cursor that is none, an operation that is none, a moment before the first change.
    fn access(&self, query: AccessQuery) -> BoxFuture<'_, Result<AccessPage, Problem>>;

    /// What somebody should mend.
    ///
    /// # Errors
    /// When the store fails.
    fn findings(&self, now: Time) -> BoxFuture<'_, Result<Vec<FindingView>, WorldFault>>;

    /// The quality of an identity; `None`: it is not there, or nobody grades here.
    ///
    /// # Errors
    /// The store does not answer.
    fn quality<'a>(&'a self, id: &'a IdentityId, now: Time) -> BoxFuture<'a, Result<Option<QualityView>, WorldFault>> {
        let _ = (id, now);
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Operations that are beside the documents of their APIs, with everything that was seen before.
    ///
    /// # Errors
    /// When the store fails.
    fn operations(&self, query: OperationQuery, now: Time) -> BoxFuture<'_, Result<Vec<OperationView>, WorldFault>> {
        let _nothing = (query, now);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Who looks for ways round the gate.
    fn around(&self) -> &dyn Around;

    /// Whose a task is that is under way.
    fn task_of(&self, task: &TaskId) -> Option<IdentityId> {
        let _nobody = task;
        None
    }

    /// Puts a task of an identity on record, as `body` asks for it; the gate knows of it when this returns.
    ///
    /// # Errors
    /// When the body makes no sense, or asks for more than the identity is granted.
    fn start_task<'a>(
        &'a self,
        actor: &'a Actor,
        identity: &'a IdentityId,
        body: Value,
        asking: &'a Facts,
    ) -> BoxFuture<'a, Result<StoredTask, Problem>> {
        let _nobody = (actor, body, asking);
        let problem = Problem::new(Code::Away, format!("no task of `{identity}` can be started here"));
        Box::pin(std::future::ready(Err(problem)))
    }

    /// Replaces an upstream secret without a failed request: kept beside the old one, delivered, used, and the old one
    /// dropped once the upstream is seen to take the new. Returns when the new one is in use.
    ///
    /// # Errors
    /// It is not on record, is being replaced already, or could not be delivered: then the old one stays in use.
    fn rotate_secret<'a>(&'a self, actor: &'a Actor, rotation: SecretRotation, now: Time) -> BoxFuture<'a, Result<StoredSecret, Problem>>;
}
