//! Room 7. Takes the [`Facts`] of a proven caller, gives a [`Considered`]: the policy's constant answer for this identity and
//! operation; where somebody acts for it, for that one too (RFC 8693 §4.1: the outermost actor, and no other).
//!
//! Why here: a constant deny ends the request before it burns anybody's quota. Refuses: what the token is not for, what no context
//! could permit, and what its API refuses since its sunset (RFC 8594): after the policy, so that only who might call is told.

use crate::{judge::Denial, snapshot::Snapshot};
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Operation, Target},
    facts::{Caller, Facts},
    id::PolicyName,
    proof::ProofKind,
    reason::Reason,
};
use wardgate_policy::{Allowed, Standing};

/// What stands in the place of a policy for a session of the break-glass socket.
pub const BREAK_GLASS: &str = "break-glass";

/// Whether this is such a session, on our own management API: no policy and no limit can lock it out.
pub(crate) fn is_break_glass(caller: &Caller, api: &Api) -> bool {
    caller.proof.kind == ProofKind::BreakGlass && api.upstream.target == Target::InProcess
}

/// Whether the token that is shown is for operations of this class. Only of our own tokens we know what their scopes mean.
pub(crate) fn is_in_scope(caller: &Caller, operation: &Operation, snapshot: &Snapshot) -> bool {
    let Some(token) = &caller.token else { return true };
    *token.issuer != **snapshot.mint().issuer() || token.scopes.iter().any(|scope| **scope == *operation.class.as_str())
}

/// A request that some context could permit.
#[derive(Debug)]
pub struct Considered<'f> {
    /// What is known.
    pub facts: &'f Facts,
    /// Who calls.
    pub caller: &'f Caller,
    /// Which API.
    pub api: &'f Arc<Api>,
    /// Which operation.
    pub operation: &'f Arc<Operation>,
    /// What is left of the policy.
    pub standing: Arc<Standing>,
    /// What is left of it for whoever acts for the caller: both have to be permitted.
    pub acting: Option<Arc<Standing>>,
}

/// Asks for the constant answer.
///
/// # Errors
/// When it is no, or when the facts lack what a judgement needs.
pub fn consider<'f>(facts: &'f Facts, snapshot: &Snapshot) -> Result<Considered<'f>, Box<Denial>> {
    if let Some(stopped) = facts.stopped {
        return Err(Denial::because(stopped.reason).limits(smallvec::SmallVec::new(), stopped.retry_after_s));
    }
    let (Some(caller), Some(api), Some(operation)) = (&facts.caller, &facts.api, &facts.operation) else {
        return Err(Denial::because(Reason::StandingFault));
    };
    if !is_in_scope(caller, operation, snapshot) {
        return Err(Denial::because(Reason::StandingScope));
    }
    let standing = if is_break_glass(caller, api) {
        Arc::new(Standing::Allowed(Allowed { policies: [PolicyName::literal(BREAK_GLASS)].into(), grant: None }))
    } else {
        snapshot.policies().standing(&caller.identity, api, operation)
    };
    let acting = caller.acting().map(|acting| snapshot.policies().standing(&acting.identity, api, operation));
    let over = operation.ending.is_some_and(|ending| ending.refuses(facts.time));
    match &*standing {
        Standing::Denied(denied) => Err(Denial::because(denied.reason).policies(Arc::clone(&denied.policies))),
        Standing::Allowed(_) | Standing::Residual(_) => {
            if let Some(Standing::Denied(denied)) = acting.as_deref() {
                let reason = if denied.reason == Reason::StandingFault { denied.reason } else { Reason::StandingActor };
                return Err(Denial::because(reason).policies(Arc::clone(&denied.policies)));
            }
            if over {
                return Err(Denial::because(Reason::StandingSunset));
            }
            Ok(Considered { facts, caller, api, operation, standing, acting })
        }
    }
}
