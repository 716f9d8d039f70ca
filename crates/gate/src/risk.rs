//! Room 10. Takes an [`Inspected`], gives an [`Assessed`]: signals → 0 to 100, with each contribution.
//!
//! Why here: policies read the risk, so it comes just before them. It refuses nothing itself: what follows from a risk is said
//! beside the policy's answer (`follows`), and the stricter of the two holds.

use crate::{
    challenge,
    inspect::Inspected,
    snapshot::Snapshot,
    standing::{self, Considered},
};
use wardgate_abuse::{Meters, watch::Sight};
use wardgate_model::{
    reason::Reason,
    risk::{Assessment, Plan},
    ruling::{Challenge, Response},
    time::Time,
};

/// A request whose risk is known.
#[derive(Debug)]
pub struct Assessed<'f> {
    /// What was inspected.
    pub inspected: Inspected<'f>,
    /// 0 to 100, and what it is made of.
    pub assessment: Assessment,
    /// What was seen of it: its end is learned by the same.
    pub sight: Option<Sight>,
}

/// Adds the signals up. Whoever has just shown possession of its key over a nonce of ours is nobody who stole something.
#[must_use]
pub fn assess<'f>(inspected: Inspected<'f>, meters: &Meters, now: Time) -> Assessed<'f> {
    let considered = &inspected.reserved.considered;
    let (facts, watch) = (considered.facts, meters.watch());
    let sight = if facts.assessed.is_none() { watch.see(facts, now) } else { None };
    let assessment = match (facts.assessed.as_deref(), &sight) {
        (Some(then), _) => then.clone(),
        (None, Some(sight)) => watch.assess_seen(sight, facts, &inspected.payload),
        (None, None) => Assessment::default(),
    };
    let assessment = if considered.caller.proof.fresh { assessment.cleared() } else { assessment };
    Assessed { inspected, assessment, sight }
}

/// What holds of a risk: the plan of the API, the containment plan of the identity before it, ten earlier where harm is done.
fn plan(asked: &Considered<'_>) -> Plan {
    let plan = match asked.caller.identity.risk.as_deref() {
        Some(containment) => asked.api.risk.with(&containment.steps),
        None => asked.api.risk,
    };
    plan.for_class(asked.operation.class)
}

/// What follows from a risk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Follows {
    pub(crate) response: Response,
    pub(crate) reason: Option<Reason>,
    /// What would have followed, where the risk is only watched or the operation stays alive whatever it is.
    pub(crate) would: Option<Response>,
}

pub(crate) fn follows(assessment: &Assessment, asked: &Considered<'_>, snapshot: &Snapshot) -> Follows {
    let mild = Follows { response: Response::Allow, reason: None, would: None };
    // Whoever opens the glass is locked out by nothing.
    if assessment.risk == 0 || standing::is_break_glass(asked.caller, asked.api) {
        return mild;
    }
    let plan = plan(asked);
    let response = plan.response(assessment, challenge::ladder(asked.caller, asked.api, snapshot));
    let reason = match response {
        Response::Allow => return mild,
        Response::Slow { .. } => Reason::RiskSlowed,
        Response::Challenge { kind: Challenge::StepUp } => Reason::RiskStepUp,
        Response::Challenge { kind: Challenge::Possession } => Reason::RiskChallenged,
        Response::Block => Reason::RiskBlocked,
    };
    let kept = || asked.caller.identity.risk.as_deref().is_some_and(|containment| containment.keeps(asked.api, asked.operation));
    if plan.observe || kept() { Follows { would: Some(response), ..mild } } else { Follows { response, reason: Some(reason), would: None } }
}
