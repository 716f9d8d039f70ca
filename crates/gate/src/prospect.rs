//! Whether a caller could be let in to an operation, told before any request: what our token service asks before it gives a token out.
//!
//! Only a certain no counts. Where, when and what for a token will be shown is not known yet, so what a policy makes of that is left to
//! the request itself.

use crate::{snapshot::Snapshot, standing};
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Operation},
    facts::{Caller, Facts, RequestFacts},
    proof::ProofKind,
    time::Time,
};
use wardgate_policy::{Decision, Standing};

/// The guardrail that keeps what lives long from dangerous operations: whether it would refuse is known beforehand.
const POWER: &str = "guardrail:power";

/// Whether `caller` could be let in to an operation. `asking`: the request by which it asks.
#[must_use]
pub fn could(caller: &Caller, api: &Arc<Api>, operation: &Arc<Operation>, asking: &Facts, snapshot: &Snapshot, now: Time) -> bool {
    let wanted = api.require.iter().filter(|required| required.class == operation.class);
    let short = |required: &wardgate_model::api::Require| {
        let old = required.max_age.is_some_and(|most| now.since(caller.proof.since) > most);
        (required.bound && !caller.proof.bound) || old
    };
    if !standing::is_in_scope(caller, operation, snapshot) || operation.ending.is_some_and(|ending| ending.refuses(now)) {
        return false;
    }
    if wanted.into_iter().any(short) {
        return false;
    }
    match &*snapshot.policies().standing(&caller.identity, api, operation) {
        Standing::Denied(_) => false,
        Standing::Allowed(_) => true,
        standing @ Standing::Residual(_) => {
            let described = || Facts {
                request: RequestFacts {
                    method: operation.method.clone(),
                    path: operation.template.as_str().into(),
                    ..asking.request.clone()
                },
                api: Some(Arc::clone(api)),
                operation: Some(Arc::clone(operation)),
                caller: Some(caller.clone()),
                ..asking.clone()
            };
            let refused = |facts: Facts| {
                let answer = snapshot.policies().rule(standing, &facts, 0, now);
                answer.decision == Decision::Deny && answer.policies.iter().any(|policy| policy.as_str() == POWER)
            };
            caller.proof.kind != ProofKind::ApiKey || !refused(described())
        }
    }
}
