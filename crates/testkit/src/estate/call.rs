//! One call, as a value: what the gate sees of it, what is behind it, and what the upstream would answer.

use super::{
    attacks::{Family, Strength},
    catalogue::Operation,
};
use std::{net::IpAddr, sync::Arc, time::Duration};
use wardgate_model::{proof::ProofKind, time::Time};

/// What a caller proves itself by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Proof {
    /// Nothing.
    None,
    /// A static key.
    ApiKey,
    /// A bearer token.
    Jwt,
    /// A token that is bound to a key of its caller, with a proof of possession.
    BoundJwt,
    /// A client certificate.
    X509,
    /// A signature over the request.
    Signature,
}

impl Proof {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::None, Self::ApiKey, Self::Jwt, Self::BoundJwt, Self::X509, Self::Signature];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ApiKey => "api_key",
            Self::Jwt => "jwt",
            Self::BoundJwt => "bound_jwt",
            Self::X509 => "x509",
            Self::Signature => "signature",
        }
    }

    /// What it is to the gate.
    #[must_use]
    pub const fn kind(self) -> ProofKind {
        match self {
            Self::None => ProofKind::None,
            Self::ApiKey => ProofKind::ApiKey,
            Self::Jwt | Self::BoundJwt => ProofKind::Jwt,
            Self::X509 => ProofKind::X509,
            Self::Signature => ProofKind::Signature,
        }
    }

    /// Whether possession of a key is shown with each request: such a caller can answer a challenge by itself.
    #[must_use]
    pub const fn bound(self) -> bool {
        matches!(self, Self::BoundJwt | Self::X509 | Self::Signature)
    }
}

/// A token, as the gate sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    /// Stands for its `jti`.
    pub id: u64,
    /// When it was issued.
    pub issued: Time,
}

/// What a call shows of who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shown {
    /// By what.
    pub proof: Proof,
    /// Which of the identity's credentials, counted from 0 as they replace each other.
    pub credential: u8,
    /// The token, where it is one.
    pub token: Option<Token>,
    /// What is made for one request alone (`jti` of a proof of possession, nonce of a signature): twice the same is a replay.
    pub once: Option<u64>,
    /// Whether it answers a challenge: possession of the registered key, over the gate's own nonce.
    pub answers: bool,
}

/// Where a call comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// The zone whose networks hold it; `None`: no zone of the estate knows it.
    pub zone: Option<&'static str>,
}

/// What the upstream would answer, were it asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Bytes of the body.
    pub bytes: u64,
    /// Records in it.
    pub records: u32,
    /// How long it takes.
    pub latency: Duration,
}

/// Why an honest call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// As always.
    Usual,
    /// Again, because the upstream failed.
    Retry,
    /// Again, because the gate refused or challenged.
    Again,
    /// One of many at once, to catch up after an outage of the caller's own.
    Storm,
    /// By software that does not know yet how the API has changed.
    Outdated,
}

impl Why {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Usual, Self::Retry, Self::Again, Self::Storm, Self::Outdated];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Retry => "retry",
            Self::Again => "again",
            Self::Storm => "storm",
            Self::Outdated => "outdated",
        }
    }
}

/// What is behind a call. The gate is never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// It is honest.
    Honest(Why),
    /// It is part of an attack.
    Attack {
        /// Which one: a place in [`super::Estate::attacks`].
        attack: u16,
        /// Of which family.
        family: Family,
        /// How strong.
        strength: Strength,
    },
}

impl Label {
    /// Whether it is part of an attack.
    #[must_use]
    pub const fn is_attack(self) -> bool {
        matches!(self, Self::Attack { .. })
    }
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// When it arrives.
    pub time: Time,
    /// Which actor of the estate makes it; each makes one call at a time.
    pub actor: u32,
    /// What is behind it.
    pub label: Label,
    /// As whom it is made: a place in [`super::Estate::members`]; `None`: it shows nothing.
    pub member: Option<u16>,
    /// What it shows.
    pub shown: Shown,
    /// Where it comes from.
    pub source: Source,
    /// The user agent that it declares.
    pub user_agent: Arc<str>,
    /// Stands for the fingerprint of its TLS handshake: equal where equal software speaks.
    pub fingerprint: u64,
    /// The operation.
    pub operation: &'static Operation,
    /// The path.
    pub path: Box<str>,
    /// The query, without `?`.
    pub query: Option<Box<str>>,
    /// The thing that it acts on, where the path names one.
    pub resource: Option<u64>,
    /// The account that a login tries.
    pub subject: Option<u64>,
    /// Bytes of its body.
    pub body: u32,
    /// Media type of its body, where it has one.
    pub content_type: Option<&'static str>,
    /// 0 for the first try.
    pub attempt: u8,
    /// What the upstream would answer.
    pub answer: Answer,
}

/// What became of a call at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It reached the upstream.
    Allowed,
    /// It reached the upstream after a delay.
    Slowed(Duration),
    /// It was asked to prove possession of its key, and did not reach the upstream.
    Challenged,
    /// It was refused, perhaps with a word on when to come back.
    Blocked(Option<Duration>),
}

impl Fate {
    /// Whether the upstream saw it.
    #[must_use]
    pub const fn reached(self) -> bool {
        matches!(self, Self::Allowed | Self::Slowed(_))
    }
}
