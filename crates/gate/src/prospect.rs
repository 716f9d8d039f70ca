//! Whether a caller could be let in to an operation, told before any request: what our token service asks before it gives a token out.
//!
//! Only a certain no counts: what holds whatever the request, and what holds of the token wherever it is shown. Where, when and what for
//! that will be is not known yet, so what a policy makes of that is left to the request itself.

use crate::{snapshot::Snapshot, standing};
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Operation},
    facts::{Caller, Facts, Purpose, RequestFacts},
    id::PolicyName,
    inventory::Identity,
    reason::Reason,
    time::Time,
};
use wardgate_policy::{Decision, Standing};

/// A token that is not there yet.
#[derive(Debug, Clone, Copy)]
pub struct Prospect<'a> {
    /// Whoever will show it, as the gate will know them then.
    pub caller: &'a Caller,
    /// The request by which it is asked for.
    pub asking: &'a Facts,
    /// What requests are judged against.
    pub snapshot: &'a Snapshot,
    /// The present moment.
    pub now: Time,
}

/// What keeps a caller out.
#[derive(Debug, Clone)]
pub struct Forbidden {
    /// One of the `standing.*` reasons, where no context changes it; of the `rule.*` reasons, where the token would have to be another one.
    pub reason: Reason,
    /// The policies; none: none permits it.
    pub policies: Arc<[PolicyName]>,
}

impl Prospect<'_> {
    /// Whether what holds of every request keeps nobody out of an operation. `identity`: the caller's own, or whose of those who act for
    /// it.
    #[must_use]
    pub fn stands(&self, identity: &Identity, api: &Api, operation: &Operation) -> bool {
        let Self { caller, snapshot, now, .. } = *self;
        let old = |most| now.since(caller.proof.since) > most;
        let too_old = api.require.iter().any(|wanted| wanted.class == operation.class && wanted.max_age.is_some_and(old));
        standing::is_in_scope(caller, operation, snapshot)
            && !too_old
            && operation.ending.is_none_or(|ending| !ending.refuses(now))
            && !matches!(*snapshot.policies().standing(identity, api, operation), Standing::Denied(_))
    }

    /// Whether nothing that is known of the token keeps it out either.
    #[must_use]
    pub fn could(&self, identity: &Identity, api: &Arc<Api>, operation: &Arc<Operation>) -> bool {
        let Self { snapshot, now, .. } = *self;
        let foretold = || {
            let standing = snapshot.policies().standing(identity, api, operation);
            snapshot.policies().foretell(&standing, &self.described(api, operation), now)
        };
        self.stands(identity, api, operation) && foretold().is_none_or(|answer| answer.decision == Decision::Allow)
    }

    /// What keeps the caller out of an operation, as far as that can be told. `None`: nothing that can be told does.
    #[must_use]
    pub fn forbidden(&self, identity: &Identity, api: &Arc<Api>, operation: &Arc<Operation>) -> Option<Forbidden> {
        let policies = self.snapshot.policies();
        let standing = policies.standing(identity, api, operation);
        let answer = policies.foretell(&standing, &self.described(api, operation), self.now)?;
        (answer.decision == Decision::Deny).then_some(Forbidden { reason: answer.reason, policies: answer.policies })
    }

    /// Whether it is not the purpose that would keep the caller out of an operation, all else being as it may.
    #[must_use]
    pub fn is_purposed(&self, api: &Arc<Api>, operation: &Arc<Operation>, purpose: &Purpose) -> bool {
        let policies = self.snapshot.policies();
        let standing = policies.standing(&self.caller.identity, api, operation);
        let denied = |purpose: Option<Purpose>| {
            let facts = Facts { purpose, ..self.described(api, operation) };
            policies.rule(&standing, &facts, 0, self.now).decision == Decision::Deny
        };
        !denied(Some(purpose.clone())) || denied(None)
    }

    /// A request for an operation, as far as it can be told beforehand.
    fn described(&self, api: &Arc<Api>, operation: &Arc<Operation>) -> Facts {
        let asking = self.asking;
        Facts {
            request: RequestFacts { method: operation.method.clone(), path: operation.template.as_str().into(), ..asking.request.clone() },
            api: Some(Arc::clone(api)),
            operation: Some(Arc::clone(operation)),
            caller: Some(self.caller.clone()),
            ..asking.clone()
        }
    }
}
