//! Room 11. Takes an [`Assessed`], gives a [`Ruled`]: what is left of the policy, in this context.
//!
//! Why here: everything that a policy may read is known now. Refuses: what a `forbid` covers, what no `permit` covers, and
//! what cannot be evaluated (a policy that errors denies, whatever the others say).

use crate::{
    judge::Denial,
    risk::{self, Assessed},
    snapshot::Snapshot,
    standing::Considered,
};
use smallvec::SmallVec;
use std::sync::Arc;
use wardgate_abuse::{Reservation, watch::Sight};
use wardgate_model::{
    api::{Api, Mode, Operation, Require},
    credential::CredentialKind,
    facts::{Basis, Caller, Facts, Lane, Purpose},
    reason::Reason,
    ruling::{Response, Ruling},
    time::Time,
};
use wardgate_policy::{Answer, Decision, REQUIRE};

/// A ruling that has not been committed: no permit has been given yet. It owns all that a permit needs, so that it can wait.
#[derive(Debug)]
pub struct Ruled {
    pub(crate) ruling: Ruling,
    pub(crate) reservation: Option<Reservation>,
    pub(crate) api: Option<Arc<Api>>,
    pub(crate) operation: Option<Arc<Operation>>,
    pub(crate) caller: Option<Caller>,
    /// When the grant ends that permits it to whoever acts for the caller.
    pub(crate) acting_until: Option<Time>,
    pub(crate) sight: Option<Sight>,
    /// From when on its task is over, as this snapshot has it; `None`: it is of none, or that was not looked for.
    pub(crate) lapses: Option<Time>,
}

/// Rules.
///
/// # Errors
/// When the answer is no.
pub fn rule(assessed: Assessed<'_>, snapshot: &Snapshot, now: Time) -> Result<Ruled, Box<Denial>> {
    let Assessed { inspected, assessment, sight } = assessed;
    let (reserved, risk) = (inspected.reserved, assessment.risk);
    let asked = &reserved.considered;
    let answer = snapshot.policies().rule(&asked.standing, asked.facts, risk, now);
    if answer.decision == Decision::Deny {
        let reason = if lacks_possession(asked, &answer) { Reason::RuleUnbound } else { answer.reason };
        let denial = Denial::because(reason).policies(answer.policies).limits(reserved.reservation.states(now), None);
        return Err(denial.assessed(assessment));
    }
    // Whoever acts is asked for in the same context: the strictest wins.
    let acting = asked.acting.as_deref().map(|standing| snapshot.policies().rule(standing, asked.facts, risk, now));
    if let Some(acting) = acting.as_ref().filter(|acting| acting.decision == Decision::Deny) {
        let reason = if acting.reason == Reason::RuleFault { acting.reason } else { Reason::RuleActor };
        let denial = Denial::because(reason).policies(Arc::clone(&acting.policies)).limits(reserved.reservation.states(now), None);
        return Err(denial.assessed(assessment));
    }
    let follows = risk::follows(&assessment, asked, snapshot);
    // What room 9 found where rulings do not bind: it comes first, as it would have.
    let (found, told) = inspected.denied.map_or((None, None), |denial| (Some(denial.reason), denial.told));
    let registered = || snapshot.purpose_of(answer.grant.as_ref()?).map(|value| Purpose { value, basis: Basis::Registered });
    Ok(Ruled {
        api: Some(Arc::clone(asked.api)),
        operation: Some(Arc::clone(asked.operation)),
        caller: Some(asked.caller.clone()),
        ruling: Ruling {
            response: if found.is_some() { Response::Block } else { follows.response },
            enforced: asked.api.mode == Mode::Enforce,
            reasons: found.into_iter().chain(follows.reason).chain([answer.reason]).collect(),
            policies: answer.policies,
            purpose: asked.facts.purpose.clone().or_else(registered),
            grant: answer.grant,
            risk,
            signals: assessment.parts,
            place_known: assessment.place_known,
            would: follows.would,
            limits: reserved.reservation.states(now),
            retry_after_s: None,
            told,
            deviation: inspected.deviation,
            subject: inspected.payload.subject,
        },
        reservation: Some(reserved.reservation),
        acting_until: acting.and_then(|acting| snapshot.end_of(&acting.grant?)),
        sight,
        lapses: reserved.lapses,
    })
}

/// Whether what the API wants of a class refuses it, and that is possession of a key: whoever gets a token that is bound to one may come
/// again, and is told so by a challenge (RFC 9449 §7.1).
fn lacks_possession(asked: &Considered<'_>, answer: &Answer) -> bool {
    let wanted = |require: &Require| require.class == asked.operation.class && require.bound;
    answer.reason == Reason::RuleForbidden
        && !asked.caller.proof.bound
        && asked.caller.lane() == Lane::Machine
        && asked.api.accept.contains(&CredentialKind::Oidc)
        && asked.api.require.iter().any(wanted)
        && answer.policies.iter().all(|policy| policy.as_str().starts_with(REQUIRE))
}

impl Ruled {
    /// The ruling that a denial becomes. Under `mode: observe` it does not bind, unless its reason always does.
    pub(crate) fn denied(denial: Denial, facts: &Facts) -> Self {
        let observe = facts.api.as_deref().is_some_and(|api| api.mode == Mode::Observe);
        Self {
            reservation: None,
            acting_until: None,
            sight: None,
            lapses: None,
            api: facts.api.clone(),
            operation: facts.operation.clone(),
            caller: facts.caller.clone(),
            ruling: Ruling {
                response: Response::Block,
                enforced: !observe || denial.reason.binds_in_observe(),
                reasons: SmallVec::from_elem(denial.reason, 1),
                policies: denial.policies,
                grant: None,
                purpose: facts.purpose.clone(),
                risk: denial.assessment.risk,
                signals: denial.assessment.parts,
                place_known: denial.assessment.place_known,
                would: None,
                limits: denial.limits,
                retry_after_s: denial.retry_after_s,
                told: denial.told,
                deviation: None,
                subject: None,
            },
        }
    }
}
