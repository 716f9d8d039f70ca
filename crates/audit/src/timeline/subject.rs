//! What a timeline is of, and in which columns it is looked for.

use crate::segment::find::Predicate;
use std::{fmt, net::IpAddr, str::FromStr};
use wardgate_model::id::RequestId;

/// The API of our own token service: only what it declares of a token is believed.
const ISSUER: &str = "wardgate-issuer";
/// What it declares as the effect of a request, before the id of the token.
const EFFECTS: [&str; 2] = ["issued token=", "revoked token="];
/// Longest name of a subject, in bytes.
pub const SUBJECT_BYTES_MAX: usize = 1024;

/// Of what kind a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Not said: looked for as each of the others.
    Any,
    Identity,
    Credential,
    Token,
    Task,
    Grant,
    Trace,
    Source,
    Owner,
    Resource,
    Api,
    Operation,
    Request,
    Person,
}

impl Sort {
    /// Those that have a word.
    const ALL: [Self; 13] = [
        Self::Identity,
        Self::Credential,
        Self::Token,
        Self::Task,
        Self::Grant,
        Self::Trace,
        Self::Source,
        Self::Owner,
        Self::Resource,
        Self::Api,
        Self::Operation,
        Self::Request,
        Self::Person,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Identity => "identity",
            Self::Credential => "credential",
            Self::Token => "token",
            Self::Task => "task",
            Self::Grant => "grant",
            Self::Trace => "trace",
            Self::Source => "source",
            Self::Owner => "owner",
            Self::Resource => "resource",
            Self::Api => "api",
            Self::Operation => "operation",
            Self::Request => "request",
            Self::Person => "person",
        }
    }

    /// Columns that hold it in events of requests; for an identity also what it did elsewhere.
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Any => &[],
            Self::Identity => &["identity", "actors", "change_actor", "change_of"],
            Self::Credential => &["credential"],
            Self::Token => &["token", "token_parents"],
            Self::Task => &["task"],
            Self::Grant => &["grant_name"],
            Self::Trace => &["trace_id"],
            Self::Source => &["source"],
            Self::Owner => &["owner"],
            Self::Resource => &["resource"],
            Self::Api => &["api"],
            Self::Operation => &["operation"],
            Self::Request => &["request_id"],
            Self::Person => &["on_behalf_of"],
        }
    }

    /// What changes and findings call it that are about it: values of `change_kind` and `finding_kind`.
    const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Identity => &["Identity", "identity", "status", "approval"],
            Self::Credential => &["credential"],
            Self::Token => &["token"],
            Self::Task => &["Task", "task"],
            Self::Grant => &["Grant", "grant"],
            Self::Source => &["source"],
            Self::Owner => &["Owner", "owner", "owner_status"],
            Self::Api => &["Api", "api"],
            Self::Operation => &["Operation", "operation"],
            Self::Person => &["person"],
            Self::Any | Self::Trace | Self::Resource | Self::Request => &[],
        }
    }

    /// What a containment calls it: such a change has the name `WORD/NAME`.
    const fn contained(self) -> Option<&'static str> {
        match self {
            Self::Identity | Self::Credential | Self::Token | Self::Task | Self::Owner => Some(self.word()),
            Self::Any
            | Self::Grant
            | Self::Trace
            | Self::Source
            | Self::Resource
            | Self::Api
            | Self::Operation
            | Self::Request
            | Self::Person => None,
        }
    }
}

/// What a timeline is of: `identity:NAME`, `credential:ID`, `token:JTI`, `task:ID`, `grant:NAME`, `trace:ID`,
/// `source:ADDRESS`, `owner:NAME`, `resource:VALUE`, `api:NAME`, `operation:API METHOD TEMPLATE`, `request:ID`, `person:HASH`; or a word alone,
/// which is looked for as each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    sort: Sort,
    // INVARIANT (name): neither empty nor longer than `SUBJECT_BYTES_MAX`, without control characters.
    name: Box<str>,
}

/// Why a text names no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSubject {
    /// There is nothing in it.
    #[error("no subject is named: write one as in `identity:NAME`, or a word alone")]
    Empty,
    /// It is too long.
    #[error("a subject has at most {SUBJECT_BYTES_MAX} bytes")]
    Long,
    /// It holds what no name holds.
    #[error("a subject holds no control characters")]
    Control,
    /// There is no such kind.
    #[error("`{kind}` is no kind of subject: it is one of {known}", known = known())]
    Kind {
        /// What was written.
        kind: Box<str>,
    },
    /// It is no id of a request.
    #[error("`{id}` is no id of a request: it is one as in `0197c5b2-6e0a-7c3d-9b1f-2f60d1a4c0de`")]
    Request {
        /// What was written.
        id: Box<str>,
    },
    /// It is no trace id.
    #[error("`{id}` is no id of a trace: it has 32 hexadecimal digits")]
    Trace {
        /// What was written.
        id: Box<str>,
    },
    /// It is no address.
    #[error("`{address}` is no address")]
    Address {
        /// What was written.
        address: Box<str>,
    },
}

fn known() -> String {
    Sort::ALL.map(Sort::word).join(", ")
}

impl FromStr for Subject {
    type Err = NoSubject;

    fn from_str(text: &str) -> Result<Self, NoSubject> {
        let text = text.trim();
        if text.len() > SUBJECT_BYTES_MAX {
            return Err(NoSubject::Long);
        }
        if text.contains(char::is_control) {
            return Err(NoSubject::Control);
        }
        let (sort, name) = match text.split_once(':') {
            // An address of IPv6 has colons of its own.
            _ if text.parse::<IpAddr>().is_ok() => (Sort::Source, text),
            Some((word, name)) if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') => {
                let sort = Sort::ALL.into_iter().find(|sort| sort.word() == word);
                (sort.ok_or_else(|| NoSubject::Kind { kind: word.into() })?, name.trim())
            }
            _ => (Sort::Any, text),
        };
        if name.is_empty() {
            return Err(NoSubject::Empty);
        }
        let name = match sort {
            // As the log writes addresses: one of IPv4 also where it is written as one of IPv6.
            Sort::Source => {
                name.parse::<IpAddr>().map_err(|_| NoSubject::Address { address: name.into() })?.to_canonical().to_string().into()
            }
            Sort::Trace if name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) => name.to_ascii_lowercase().into(),
            Sort::Trace => return Err(NoSubject::Trace { id: name.into() }),
            Sort::Request => RequestId::parse(name).ok_or_else(|| NoSubject::Request { id: name.into() })?.to_string().into(),
            _ => name.into(),
        };
        Ok(Self { sort, name })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sort {
            Sort::Any => f.write_str(&self.name),
            sort => write!(f, "{}:{}", sort.word(), self.name),
        }
    }
}

impl Subject {
    /// That an event belongs to it: of one of these, all must hold.
    #[must_use]
    pub fn predicates(&self) -> Vec<Vec<Predicate>> {
        let mut either = Vec::new();
        let mut add = |all: &[(&str, &str)]| {
            let all: Vec<Predicate> = all.iter().filter_map(|(column, text)| Predicate::text(column, text)).collect();
            if !all.is_empty() {
                either.push(all);
            }
        };
        let sorts: &[Sort] = if self.sort == Sort::Any { &Sort::ALL } else { &[self.sort] };
        for column in sorts.iter().flat_map(|sort| sort.columns()) {
            add(&[(column, &self.name)]);
        }
        if self.sort == Sort::Any {
            add(&[("change_name", &self.name)]);
            add(&[("finding_name", &self.name)]);
        }
        for sort in sorts {
            for kind in sort.kinds().iter().filter(|_| self.sort != Sort::Any) {
                add(&[("change_name", &self.name), ("change_kind", kind)]);
                add(&[("finding_name", &self.name), ("finding_kind", kind)]);
            }
            if *sort == Sort::Token {
                EFFECTS.iter().for_each(|effect| add(&[("effect", &format!("{effect}{}", self.name)), ("api", ISSUER)]));
            }
            if let Some(word) = sort.contained() {
                add(&[("change_name", &format!("{word}/{}", self.name))]);
            }
        }
        either
    }
}
