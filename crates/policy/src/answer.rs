//! What the policy says: constant answers and what is left, and the answer to one request.

use crate::{grants::Entitled, program::Program};
use std::sync::Arc;
use wardgate_model::{
    id::{GrantId, PolicyName},
    reason::Reason,
};

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Permitted, and nothing forbids it.
    Allow,
    /// Forbidden, not permitted, or not to be evaluated.
    Deny,
}

/// The policy's answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Yes or no.
    pub decision: Decision,
    /// Why: one of the `standing.*` and `rule.*` reasons.
    pub reason: Reason,
    /// The policies that decided; empty when none permits.
    pub policies: Arc<[PolicyName]>,
    /// The grant that allowed it.
    pub grant: Option<GrantId>,
}

impl Answer {
    pub(crate) fn deny(reason: Reason, policies: &Arc<[PolicyName]>) -> Self {
        Self { decision: Decision::Deny, reason, policies: Arc::clone(policies), grant: None }
    }

    pub(crate) fn allow(allowed: &Allowed) -> Self {
        Self {
            decision: Decision::Allow,
            reason: Reason::RuleAllowed,
            policies: Arc::clone(&allowed.policies),
            grant: allowed.grant.clone(),
        }
    }
}

/// What the policy says of an identity and an operation before anything of the request is known.
#[derive(Debug)]
pub enum Standing {
    /// Whatever the request, no.
    Denied(Denied),
    /// Whatever the request, yes.
    Allowed(Allowed),
    /// It depends on the request.
    Residual(Residual),
}

impl Standing {
    /// The constant answer, if there is one.
    #[must_use]
    pub fn constant(&self) -> Option<Answer> {
        match self {
            Self::Denied(denied) => Some(Answer::deny(denied.reason, &denied.policies)),
            Self::Allowed(allowed) => Some(Answer::allow(allowed)),
            Self::Residual(_) => None,
        }
    }
}

/// A constant no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// `StandingDenied`, `StandingNoGrant` or `StandingFault`.
    pub reason: Reason,
    /// The policies that forbid it or cannot be evaluated.
    pub policies: Arc<[PolicyName]>,
}

/// A constant yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The permits, the grant first.
    pub policies: Arc<[PolicyName]>,
    /// The grant among them.
    pub grant: Option<GrantId>,
}

/// What is left to be asked of each request.
#[derive(Debug)]
pub struct Residual {
    /// What permits whatever the request.
    pub(crate) sure: Option<Allowed>,
    /// Conditions over values that repeat: their answers are remembered.
    pub(crate) remembered: Option<Arc<Program>>,
    /// Conditions over values that hardly repeat (path, address, time): evaluated each time.
    pub(crate) fresh: Option<Arc<Program>>,
    /// Grants with an end or a purpose, judged on typed values.
    pub(crate) grants: Box<[Arc<Entitled>]>,
}
