//! Rulings: decisions are values.

use crate::{
    facts::Purpose,
    id::{GrantId, PolicyName},
    reason::Reason,
    risk::Contribution,
};
use smallvec::SmallVec;
use std::{sync::Arc, time::Duration};

/// The answer, from mildest to strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Response {
    /// Go on.
    Allow,
    /// Go on after a bounded delay.
    Slow {
        /// How long.
        delay: Duration,
    },
    /// Prove yourself again, in a stronger way.
    Challenge {
        /// How.
        kind: Challenge,
    },
    /// No.
    Block,
}

/// What a challenged caller has to show. Never anything that wants a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Challenge {
    /// Possession, now, of a key registered before the challenge.
    Possession,
    /// A stronger credential already on record.
    StepUp,
}

impl Response {
    /// The word for it in events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Slow { .. } => "slow",
            Self::Challenge { .. } => "challenge",
            Self::Block => "block",
        }
    }
}

/// A limit as the client may be told of it (draft-ietf-httpapi-ratelimit-headers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitState {
    /// The limit's name and what of it (`identity-rate`, `partner.quota`).
    pub policy: Arc<str>,
    /// What is allowed in a window (`q`).
    pub quota: u64,
    /// The window in seconds (`w`); `None` for concurrency.
    pub window_s: Option<u64>,
    /// What it counts (`qu`).
    pub unit: LimitUnit,
    /// What is left (`r`).
    pub remaining: u64,
    /// Seconds until more is there (`t`).
    pub reset_s: u64,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitUnit {
    /// Requests.
    Requests,
    /// Bytes of bodies.
    ContentBytes,
    /// Requests at a time.
    ConcurrentRequests,
}

impl LimitUnit {
    /// The word of the draft's `qu` parameter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::ContentBytes => "content-bytes",
            Self::ConcurrentRequests => "concurrent-requests",
        }
    }
}

/// What was decided about a request, and why.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// The answer.
    pub response: Response,
    /// Whether it binds; `false` under `mode: observe`, where the request is forwarded all the same.
    pub enforced: bool,
    /// Why, the deciding one first. Never empty unless allowed.
    pub reasons: SmallVec<[Reason; 1]>,
    /// The policies that decided.
    pub policies: Arc<[PolicyName]>,
    /// The grant that allowed it.
    pub grant: Option<GrantId>,
    /// What it is for: as the caller, its task or, where neither says so, that grant has it. `None` too where nothing was decided on it.
    pub purpose: Option<Purpose>,
    /// 0 to 100.
    pub risk: u8,
    /// What the risk is made of, the heaviest first.
    pub signals: SmallVec<[Contribution; 4]>,
    /// Whether a good call of this identity came from the same network before; `None` where nobody is watched.
    pub place_known: Option<bool>,
    /// What would have been done for the risk, where it is only watched or the operation stays alive whatever it is.
    pub would: Option<Response>,
    /// The limits it was counted against that the caller may be told of: the tightest first.
    pub limits: SmallVec<[LimitState; 2]>,
    /// Seconds after which another try can succeed.
    pub retry_after_s: Option<u64>,
    /// Where the request is not as it should be: for its sender alone, and without any value of it. Never recorded.
    pub told: Option<Box<str>>,
    /// Where a request that may go on is not as the document of its API has it, without any value of it. Never recorded.
    pub deviation: Option<Box<str>>,
    /// The account that a login is for, hashed. Never recorded.
    pub subject: Option<u64>,
}

impl Ruling {
    /// A refusal for one reason, without policies, limits or risk: what rooms before the judge, and the door itself, say.
    #[must_use]
    pub fn refused(reason: Reason) -> Self {
        Self {
            response: Response::Block,
            enforced: true,
            reasons: SmallVec::from_elem(reason, 1),
            policies: Arc::default(),
            grant: None,
            purpose: None,
            risk: 0,
            signals: SmallVec::new(),
            place_known: None,
            would: None,
            limits: SmallVec::new(),
            retry_after_s: None,
            told: None,
            deviation: None,
            subject: None,
        }
    }

    /// The deciding reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reasons.first().copied().unwrap_or(Reason::RuleAllowed)
    }

    /// Whether the request goes on to the upstream.
    #[must_use]
    pub fn forwards(&self) -> bool {
        !self.enforced || matches!(self.response, Response::Allow | Response::Slow { .. })
    }
}
