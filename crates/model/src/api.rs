//! APIs, their operations and the upstreams behind them.

use crate::{
    credential::CredentialKind,
    flow::Step,
    id::{ApiName, OwnerName, SecretName},
    inventory::{Environment, words},
    numbered::Numbered,
    risk::Plan,
    shape::{Inspect, Login, RequestShape},
    time::Time,
    wire::UpstreamWire,
};
use http::{HeaderName, Method};
use std::{fmt, sync::Arc, time::Duration};

mod ours;
mod template;

pub use template::{PathTemplate, Segment, TemplateError};

words! {
    /// What an operation does to the world. The action of a policy.
    OperationClass {
        /// Reads one thing.
        Read = "read",
        /// Reads many things, page by page.
        List = "list",
        /// Creates or changes.
        Write = "write",
        /// Deletes.
        Delete = "delete",
        /// Takes everything at once.
        Bulk = "bulk",
        /// Changes who may do what.
        Admin = "admin",
        /// Proves somebody to the upstream.
        Login = "login",
        /// Moves value.
        Money = "money",
    }
}

words! {
    /// What a leak of this API's data or powers would mean.
    Sensitivity {
        /// Little.
        Low = "low",
        /// Something.
        Medium = "medium",
        /// Much.
        High = "high",
        /// Everything.
        Critical = "critical",
    }
}

words! {
    /// Whom an API is there for.
    Exposure {
        /// One's own systems.
        Internal = "internal",
        /// Named partners too.
        Partner = "partner",
        /// Anybody.
        Public = "public",
    }
}

words! {
    /// Who uses an API.
    Consumers {
        /// Machines only.
        Machine = "machine",
        /// Machines and people's sessions.
        Mixed = "mixed",
    }
}

words! {
    /// What the record of a request is worth to this API.
    AuditMode {
        /// A request is served although its event may be dropped (and counted).
        BestEffort = "best_effort",
        /// No place for the event, no request.
        Required = "required",
        /// The intent is on disk before the upstream acts.
        Durable = "durable",
    }
}

words! {
    /// Whether rulings bind.
    Mode {
        /// They do.
        Enforce = "enforce",
        /// They are recorded; the request is forwarded all the same.
        Observe = "observe",
    }
}

words! {
    /// What becomes of requests when nothing was heard from the store for long.
    StaleStance {
        /// They are refused.
        Deny = "deny",
        /// They are judged by the last good state.
        Allow = "allow",
    }
}

words! {
    /// What becomes of requests for an operation past its sunset.
    SunsetStance {
        /// They are judged as before; who still calls is a finding.
        Allow = "allow",
        /// They are refused.
        Deny = "deny",
    }
}

words! {
    /// Through which doors an API can be reached.
    Doors {
        /// The listeners of `listeners`.
        Public = "public",
        /// The admin listener only.
        Admin = "admin",
        /// Both.
        Both = "both",
    }
}

/// The id of an operation: `API METHOD TEMPLATE`, unique in the installation.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(Arc<str>, Numbered);

impl OperationId {
    /// Composes the id.
    #[must_use]
    pub fn new(api: &ApiName, method: &Method, template: &PathTemplate) -> Self {
        Self(format!("{api} {method} {template}").into(), Numbered::default())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is made of it by a key, and remembered with it.
    #[must_use]
    pub const fn numbered(&self) -> &Numbered {
        &self.1
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OperationId").field(&self.0).finish()
    }
}

/// One operation of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// The method.
    pub method: Method,
    /// The full path, the API's prefix included.
    pub template: PathTemplate,
    /// What it does.
    pub class: OperationClass,
    /// The path parameter that names the resource acted on.
    pub resource: Option<Box<str>>,
    /// JSON pointer to the list whose length counts as records.
    pub records: Option<Box<str>>,
    /// Whether a caller without any credential may use it (`shipped:anonymous`).
    pub anonymous: bool,
    /// Whether a person's session may use it (`shipped:people`).
    pub people: bool,
    /// Query parameters that a policy or rule reads: only these are recorded.
    pub query: Box<[Box<str>]>,
    /// How it goes out of use; `None`: nobody said that it does.
    pub ending: Option<OperationEnding>,
    /// What a request for it has to be like, as the API's document says; `None`: it says nothing.
    pub request: Option<Arc<RequestShape>>,
    /// Whom a request for it signs in, where it does.
    pub login: Option<Box<Login>>,
    /// What it begins and brings to its end; at most [`FLOWS_OF_OPERATION_MAX`](crate::flow::FLOWS_OF_OPERATION_MAX).
    pub flows: Box<[Step]>,
}

/// How an operation goes out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationEnding {
    /// Since when it is deprecated (RFC 9745); `None`: since a moment that nobody told.
    pub deprecated: Option<Time>,
    /// From when on it is expected to be gone (RFC 8594); `None`: nobody said when.
    pub sunset: Option<Time>,
    /// What becomes of requests from then on.
    pub then: SunsetStance,
}

impl OperationEnding {
    /// Whether its sunset has come.
    #[must_use]
    pub fn is_past(&self, now: Time) -> bool {
        self.sunset.is_some_and(|sunset| sunset <= now)
    }

    /// Whether requests are refused.
    #[must_use]
    pub fn refuses(&self, now: Time) -> bool {
        self.then == SunsetStance::Deny && self.is_past(now)
    }
}

/// Where a person's session stands in a request. What it says is the upstream's business: to the gate it is opaque and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleSession {
    /// The name of a cookie.
    pub cookie: Option<Box<str>>,
    /// A header field.
    pub header: Option<HeaderName>,
}

/// Which hosts an API answers for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// Any host.
    Any,
    /// This host, in lower case, without a port.
    Exact(Box<str>),
}

/// What the upstream is shown instead of the client's credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamIdentity {
    /// A signed `Wardgate-Assertion` for this upstream.
    Assertion,
    /// A secret in a header of the upstream's choosing.
    Header {
        /// The header.
        name: HeaderName,
        /// The secret's name.
        secret: SecretName,
    },
    /// HTTP Basic (RFC 7617): a user name and the secret as password.
    Basic {
        /// The user name.
        user: Box<str>,
        /// The secret's name.
        secret: SecretName,
    },
    /// A client certificate: the secret is its chain and key, PEM. Over TLS only.
    ClientCertificate {
        /// The secret's name.
        secret: SecretName,
    },
    /// The client's own credential, passed on: named, logged, with an end date.
    Keep,
}

/// Where an API's requests go once they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An HTTP server. Scheme and authority; the path is the request's.
    Http(Box<[UpstreamUrl]>),
    /// An API that this process answers itself (management, later the token service).
    InProcess,
}

/// The address of an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamUrl {
    /// Whether to speak TLS.
    pub tls: bool,
    /// Host name or address, without brackets.
    pub host: Box<str>,
    /// Port.
    pub port: u16,
}

impl UpstreamUrl {
    /// `host:port`, with brackets round an IPv6 address; what the `Host` header says.
    #[must_use]
    pub fn authority(&self) -> String {
        let v6 = self.host.contains(':');
        match (self.tls, self.port, v6) {
            (true, 443, false) | (false, 80, false) => self.host.to_string(),
            (true, 443, true) | (false, 80, true) => format!("[{}]", self.host),
            (_, port, false) => format!("{}:{port}", self.host),
            (_, port, true) => format!("[{}]:{port}", self.host),
        }
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

/// Bounds on one exchange with an upstream. Every one is finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpstreamTimeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// From the end of the request to the head of the response.
    pub response: Duration,
    /// Between two pieces of a body, either way.
    pub idle: Duration,
}

impl Default for UpstreamTimeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), response: Duration::from_secs(60), idle: Duration::from_secs(60) }
    }
}

/// The upstream of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Where it is.
    pub target: Target,
    /// Replaces the API's path prefix towards the upstream, when set.
    pub path: Option<Box<str>>,
    /// What it is shown.
    pub identity: UpstreamIdentity,
    /// How long it may take.
    pub timeouts: UpstreamTimeouts,
    /// Connections to it at a time, per edge and address.
    pub connections_max: u32,
    /// How it is spoken to.
    pub wire: UpstreamWire,
    /// The trust domain for which each request gets a transaction token; `None`: it gets none.
    pub transactions: Option<Arc<str>>,
}

/// An API: what is called, who answers for it and how it is guarded.
#[derive(Debug, Clone, PartialEq)]
pub struct Api {
    /// Its name.
    pub name: ApiName,
    /// Who answers for its policy.
    pub policy_owner: OwnerName,
    /// Who answers for the business behind it.
    pub business_owner: Option<OwnerName>,
    /// The business function it serves.
    pub business_function: Option<Box<str>>,
    /// Where it lives.
    pub environment: Arc<Environment>,
    /// What a leak would mean.
    pub sensitivity: Sensitivity,
    /// Whom it is there for.
    pub exposure: Exposure,
    /// Who uses it.
    pub consumers: Consumers,
    /// Where the sessions of people stand; there exactly when its consumers are mixed.
    pub people: Option<PeopleSession>,
    /// Hosts it answers for.
    pub hosts: Box<[HostPattern]>,
    /// Whole segments that its paths begin with; no trailing slash, empty for all paths.
    pub path_prefix: Box<str>,
    /// What the record of a request is worth.
    pub audit: AuditMode,
    /// Whether rulings bind.
    pub mode: Mode,
    /// Kinds of credential it accepts.
    pub accept: Box<[CredentialKind]>,
    /// A header, beside `Authorization: Bearer`, in which a key may come.
    pub api_key_header: Option<HeaderName>,
    /// Its upstream.
    pub upstream: Upstream,
    /// Its operations.
    pub operations: Box<[Arc<Operation>]>,
    /// Through which doors it can be reached.
    pub doors: Doors,
    /// For how long its requests are judged although nothing was heard from the store; `None`: without an end.
    pub stale_after: Option<Duration>,
    /// What a request has to bring besides, by the class of its operation; each class once.
    pub require: Box<[Require]>,
    /// What follows from which risk.
    pub risk: Plan,
    /// How its requests are inspected.
    pub inspect: Inspect,
}

/// What a class of operations of an API wants of a request, beside a grant (AZ8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Require {
    /// The class.
    pub class: OperationClass,
    /// Possession of a key was shown.
    pub bound: bool,
    /// A proof of possession that is made for one request has a nonce of ours (RFC 9449 §9). Who shows no such proof is judged by `bound`.
    pub nonce: bool,
    /// What was shown is no older than this: a token since it was issued, a key since it was.
    pub max_age: Option<Duration>,
    /// It has a registered purpose, declared or by its grant.
    pub purpose: bool,
    /// It is part of a task.
    pub task: bool,
}

impl Api {
    /// The name of the management API.
    pub const ADMIN: &'static str = "wardgate-admin";

    /// The name of the token service.
    pub const ISSUER: &'static str = "wardgate-issuer";

    /// The name of the API by which tasks are started and ended.
    pub const TASKS: &'static str = "wardgate-tasks";

    /// Whether it is where tasks are started and ended.
    #[must_use]
    pub fn is_tasks(&self) -> bool {
        self.upstream.target == Target::InProcess && self.name.as_str() == Self::TASKS
    }

    /// Whether it is our own token service: there clients prove themselves as OAuth has it, and are answered so.
    #[must_use]
    pub fn is_issuer(&self) -> bool {
        self.upstream.target == Target::InProcess && self.name.as_str() == Self::ISSUER
    }
}

#[cfg(test)]
mod tests;
