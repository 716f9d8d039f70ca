//! Conditions that are left, ready to be asked of a request: a small Cedar policy set over a narrow context.

use crate::{
    context::{Asked, Fields},
    fold::{self, Folded, Known},
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
    /// Unique within a policy set, with the next one: part of the key of a remembered answer, and of what is foretold.
    pub(crate) number: u64,
    /// The fields read, `has` included.
    pub(crate) reads: Fields,
    rests: Box<[Rest]>,
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
        Some(Self { number, reads, rests: rests.into(), policies, names: rests.iter().map(|rest| rest.name.clone()).collect(), world })
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

    /// What can be said before anything of a request is known but the proof that it will come with: `Permitted` is a perhaps.
    pub(crate) fn foretell(&self, asked: Asked<'_>) -> Outcome {
        let fields = self.reads.both(Fields::SHOWN);
        let Some(context) = asked.context(fields) else { return Outcome::Fault(Arc::clone(&self.names)) };
        let known = Known { fields, context };
        let (mut forbid, mut faults, mut permit) = (Vec::new(), Vec::new(), Vec::new());
        for Rest { name, effect, condition } in &self.rests {
            if *effect == Effect::Forbid {
                if fold::is_certain(condition, true, &self.world, &known) {
                    forbid.push(name.clone());
                }
                continue;
            }
            match fold::fold(condition, &self.world, &known) {
                Folded::Constant(false) => {}
                Folded::Constant(true) | Folded::Rest(_) => permit.push(name.clone()),
                Folded::Fault(_) => faults.push(name.clone()),
            }
        }
        match (forbid.is_empty(), faults.is_empty(), permit.is_empty()) {
            (false, ..) => Outcome::Forbidden(forbid.into()),
            (_, false, _) => Outcome::Fault(faults.into()),
            (.., false) => Outcome::Permitted(permit.into()),
            _ => Outcome::Silent,
        }
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
