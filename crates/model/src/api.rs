//! APIs, their operations and the upstreams behind them.

use crate::{
    credential::CredentialKind,
    id::{ApiName, OwnerName, SecretName},
    inventory::{Environment, words},
    wire::UpstreamWire,
};
use http::{HeaderName, Method};
use std::{fmt, sync::Arc, time::Duration};

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

/// A path template: whole segments that are literal or a parameter, or (rarely) a mix, as in `/report.{format}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathTemplate {
    text: Box<str>,
    segments: Box<[Segment]>,
}

/// One segment of a path template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// These bytes and no others.
    Literal(Box<str>),
    /// Any one segment that is not empty.
    Parameter(Box<str>),
    /// Literal text around one parameter.
    Mixed {
        /// Before it.
        prefix: Box<str>,
        /// The parameter's name.
        name: Box<str>,
        /// After it.
        suffix: Box<str>,
    },
    /// Literal text around and between several parameters, as in `/compare/{base}...{head}`.
    Several {
        /// Before, between and after them, one more than there are names; those between are not empty.
        texts: Box<[Box<str>]>,
        /// The parameters' names.
        names: Box<[Box<str>]>,
    },
}

/// Why a text is no path template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It does not begin with a slash.
    #[error("a path begins with `/`")]
    NoSlash,
    /// A brace without its partner, an empty `{}`, or two parameters with nothing between them.
    #[error("the braces of `{0}` do not make named parameters with text between them")]
    Braces(Box<str>),
    /// The same name twice.
    #[error("the parameter `{0}` stands twice")]
    Twice(Box<str>),
}

impl PathTemplate {
    /// Reads `/orders/{id}/items`. A trailing slash is a segment of its own (empty literal).
    ///
    /// # Errors
    /// Says which segment is wrong.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let rest = text.strip_prefix('/').ok_or(TemplateError::NoSlash)?;
        let mut segments = Vec::new();
        if !rest.is_empty() {
            for part in rest.split('/') {
                segments.push(Segment::parse(part)?);
            }
        }
        let mut names: Vec<&str> = segments.iter().flat_map(Segment::parameters).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.array_windows::<2>().find(|[a, b]| a == b) {
            return Err(TemplateError::Twice((*twice).into()));
        }
        Ok(Self { text: text.into(), segments: segments.into() })
    }

    /// The template as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its segments. The root path `/` has none.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl Segment {
    fn parse(part: &str) -> Result<Self, TemplateError> {
        let braces = || TemplateError::Braces(part.into());
        let (mut texts, mut names, mut rest) = (Vec::<Box<str>>::new(), Vec::<Box<str>>::new(), part);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or_else(braces)?;
            let adjacent = before.is_empty() && !names.is_empty();
            if name.is_empty() || name.contains('{') || before.contains('}') || adjacent {
                return Err(braces());
            }
            texts.push(before.into());
            names.push(name.into());
            rest = behind;
        }
        if rest.contains('}') {
            return Err(braces());
        }
        texts.push(rest.into());
        Ok(match (names.as_slice(), texts.as_slice()) {
            ([], _) => Self::Literal(part.into()),
            ([name], [prefix, suffix]) if prefix.is_empty() && suffix.is_empty() => Self::Parameter(name.clone()),
            ([name], [prefix, suffix]) => Self::Mixed { prefix: prefix.clone(), name: name.clone(), suffix: suffix.clone() },
            _ => Self::Several { texts: texts.into(), names: names.into() },
        })
    }

    /// The parameter's name, if it has exactly one.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::Literal(_) | Self::Several { .. } => None,
            Self::Parameter(name) | Self::Mixed { name, .. } => Some(name),
        }
    }

    /// The names of all its parameters, in their order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let several = match self {
            Self::Several { names, .. } => &**names,
            Self::Literal(_) | Self::Parameter(_) | Self::Mixed { .. } => &[],
        };
        self.parameter().into_iter().chain(several.iter().map(|name| &**name))
    }

    /// How many bytes of it are literal: of two segments that are a mix, the one with more goes first.
    #[must_use]
    pub fn literal_bytes(&self) -> usize {
        match self {
            Self::Literal(text) => text.len(),
            Self::Parameter(_) => 0,
            Self::Mixed { prefix, suffix, .. } => prefix.len() + suffix.len(),
            Self::Several { texts, .. } => texts.iter().map(|text| text.len()).sum(),
        }
    }

    /// Whether both take the same path segments: whether they differ in nothing but the names of parameters.
    #[must_use]
    pub fn is_shaped_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(a), Self::Literal(b)) => a == b,
            (Self::Parameter(_), Self::Parameter(_)) => true,
            (Self::Mixed { prefix, suffix, .. }, Self::Mixed { prefix: p, suffix: s, .. }) => prefix == p && suffix == s,
            (Self::Several { texts, .. }, Self::Several { texts: others, .. }) => texts == others,
            _ => false,
        }
    }

    /// Whether a segment of a path is one of these. A parameter stands for one character or more.
    #[must_use]
    pub fn fits(&self, part: &str) -> bool {
        self.values(part, |_, _| {}).is_some()
    }

    /// What the named parameter stands for in a segment of a path; `None` when that does not fit or has no such parameter.
    #[must_use]
    pub fn value<'p>(&self, name: &str, part: &'p str) -> Option<&'p str> {
        let mut wanted = None;
        self.values(part, |known, value| {
            if known == name {
                wanted = Some(value);
            }
        })?;
        wanted
    }

    /// Shows each parameter with its value. The text between two parameters is taken where it first comes.
    fn values<'p>(&self, part: &'p str, mut show: impl FnMut(&str, &'p str)) -> Option<()> {
        match self {
            Self::Literal(text) => (**text == *part).then_some(()),
            Self::Parameter(name) => (!part.is_empty()).then(|| show(name, part)),
            Self::Mixed { prefix, name, suffix } => {
                let value = part.strip_prefix(&**prefix)?.strip_suffix(&**suffix)?;
                (!value.is_empty()).then(|| show(name, value))
            }
            Self::Several { texts, names } => {
                let ([first, between @ .., last], [others @ .., end]) = (&**texts, &**names) else { return None };
                let mut rest = part.strip_prefix(&**first)?.strip_suffix(&**last)?;
                for (name, text) in others.iter().zip(between) {
                    let one = rest.chars().next()?.len_utf8();
                    let at = one + rest.get(one..)?.find(&**text)?;
                    show(name, rest.get(..at)?);
                    rest = rest.get(at + text.len()..)?;
                }
                (!rest.is_empty()).then(|| show(end, rest))
            }
        }
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The id of an operation: `API METHOD TEMPLATE`, unique in the installation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(Arc<str>);

impl OperationId {
    /// Composes the id.
    #[must_use]
    pub fn new(api: &ApiName, method: &Method, template: &PathTemplate) -> Self {
        Self(format!("{api} {method} {template}").into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
    /// Query parameters that a policy or rule reads: only these are recorded.
    pub query: Box<[Box<str>]>,
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
}

impl Api {
    /// The name of the management API.
    pub const ADMIN: &'static str = "wardgate-admin";
}

#[cfg(test)]
mod tests;
