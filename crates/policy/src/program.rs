//! Conditions that are left, ready to be asked of a request: a small Cedar policy set over a narrow context.

use crate::{
    context::{Asked, Fields},
    fold,
    world::World,
};
use cedar_policy::{
    AuthorizationError, Decision, PolicySet,
    pst::{Effect, Expr},
};
use std::{fmt::Write as _, sync::Arc};
use wardgate_model::id::PolicyName;

/// One policy's rest.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    pub(crate) name: PolicyName,
    pub(crate) effect: Effect,
    pub(crate) condition: Arc<Expr>,
}

/// What a program says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// These forbid.
    Forbidden(Arc<[PolicyName]>),
    /// These cannot be evaluated.
    Fault(Arc<[PolicyName]>),
    /// These permit.
    Permitted(Arc<[PolicyName]>),
    /// None forbids, none permits.
    Silent,
}

/// Conditions and the world they are asked in.
#[derive(Debug)]
pub(crate) struct Program {
    /// Unique within a policy set: part of the key of a remembered answer.
    pub(crate) number: u64,
    /// The fields read, `has` included.
    pub(crate) reads: Fields,
    policies: PolicySet,
    names: Arc<[PolicyName]>,
    world: Arc<World>,
}

impl Program {
    /// `None` when Cedar does not take the conditions.
    pub(crate) fn new(number: u64, rests: &[Rest], world: Arc<World>) -> Option<Self> {
        let reads = rests.iter().fold(Fields::NONE, |fields, rest| fields.and(fold::reads(&rest.condition)));
        let policies: Option<Vec<_>> =
            rests.iter().map(|rest| fold::policy(rest.name.as_str(), rest.effect, Arc::clone(&rest.condition))).collect();
        let policies = PolicySet::from_policies(policies?).ok()?;
        Some(Self { number, reads, policies, names: rests.iter().map(|rest| rest.name.clone()).collect(), world })
    }

    /// What two programs have in common exactly when they say the same of every request; `None` when the program
    /// speaks of its own identity or operation.
    pub(crate) fn signature(rests: &[Rest]) -> Option<String> {
        let mut text = String::new();
        for rest in rests {
            if fold::open(&rest.condition) {
                return None;
            }
            let _ = writeln!(text, "{}\t{}\t{:?}", rest.name, rest.effect, rest.condition);
        }
        Some(text)
    }

    /// Evaluates. Any error is a fault, unless a `forbid` holds all the same.
    pub(crate) fn run(&self, asked: Asked<'_>) -> Outcome {
        let response = asked.context(self.reads).and_then(|context| self.world.ask(&self.policies, context));
        let Some(response) = response else { return Outcome::Fault(Arc::clone(&self.names)) };
        let reasons = named(response.diagnostics().reason().map(AsRef::as_ref));
        let errors =
            named(response.diagnostics().errors().map(|AuthorizationError::PolicyEvaluationError(error)| error.policy_id().as_ref()));
        match response.decision() {
            Decision::Deny if !reasons.is_empty() => Outcome::Forbidden(reasons),
            _ if !errors.is_empty() => Outcome::Fault(errors),
            Decision::Allow => Outcome::Permitted(reasons),
            Decision::Deny => Outcome::Silent,
        }
    }
}

/// Cedar's ids are our names; sorted, since Cedar gives them in no order.
fn named<'a>(ids: impl Iterator<Item = &'a str>) -> Arc<[PolicyName]> {
    let mut names: Vec<_> = ids.filter_map(|id| PolicyName::parse(id).ok()).collect();
    names.sort_unstable();
    names.into()
}
