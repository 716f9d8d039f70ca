//! Why the answer is what it is: every policy and grant that could have a say, what it said, and what was missing.

use crate::{
    answer::Answer,
    check::flatten,
    compile::Entry,
    context::{Asked, Fields},
    fold,
    grants::{Entitled, grant_text},
    set::PolicySet,
    world::World,
};
use cedar_policy::{
    Decision, PolicySet as Cedar,
    pst::{Clause, Effect as CedarEffect, Expr},
};
use std::sync::Arc;
use wardgate_model::{
    api::{Api, Operation},
    diagnostic::Place,
    facts::Facts,
    id::{GrantId, PolicyName},
    inventory::Identity,
    time::Time,
};

/// What a policy does when it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Lets through.
    Permit,
    /// Stops.
    Forbid,
}

impl Effect {
    /// The word of Cedar.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Forbid => "forbid",
        }
    }
}

/// What a policy said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It applies.
    Satisfied,
    /// It does not.
    NotSatisfied,
    /// It could not be evaluated: that denies.
    Errored(String),
}

/// A policy or grant that could have a say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name; `grant:NAME` for a grant.
    pub policy: PolicyName,
    /// The grant, when it is one.
    pub grant: Option<GrantId>,
    /// What it does.
    pub effect: Effect,
    /// What it said.
    pub verdict: Verdict,
    /// As text: what would have to hold for a permit that does not apply; what would have to hold to escape a `forbid`
    /// that does.
    pub missing: Vec<String>,
    /// The policy as text.
    pub text: String,
    /// Where it stands; `None` for a grant.
    pub place: Option<Place>,
}

/// The answer, and who had a say in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The answer, as [`PolicySet::rule`] gives it.
    pub answer: Answer,
    /// Forbids first, then permits, then grants; each in the order of files and names.
    pub candidates: Vec<Candidate>,
}

impl PolicySet {
    /// Explains the answer to a request. Not for the path of requests: it evaluates every condition by itself.
    #[must_use]
    pub fn explain(&self, identity: &Identity, api: &Api, operation: &Operation, facts: &Facts, risk: u8, now: Time) -> Explanation {
        let asked = Asked { facts, risk, now };
        let answer = self.rule(&self.standing(identity, api, operation), facts, risk, now);
        let world = World::new(identity, api, operation, &self.environments).ok();
        let mut candidates: Vec<Candidate> =
            self.candidates(identity, api, operation).map(|entry| candidate(entry, world.as_ref(), asked)).collect();
        candidates.sort_by_key(|candidate| candidate.effect == Effect::Permit);
        candidates.extend(self.grants.on(identity, api).into_iter().filter_map(|entitled| granted(entitled, operation, asked)));
        Explanation { answer, candidates }
    }
}

fn candidate(entry: &Entry, world: Option<&World>, asked: Asked<'_>) -> Candidate {
    let effect = match entry.effect {
        CedarEffect::Permit => Effect::Permit,
        CedarEffect::Forbid => Effect::Forbid,
    };
    let verdict = match (&entry.condition, world) {
        (_, None) => Verdict::Errored("identity and operation cannot be given to Cedar".to_owned()),
        (None, Some(_)) => Verdict::Satisfied,
        (Some(condition), Some(world)) => holds(condition, world, asked),
    };
    let missing = match (&verdict, effect, world) {
        (Verdict::NotSatisfied, Effect::Permit, Some(world)) => unmet(entry, world, asked),
        (Verdict::Satisfied, Effect::Forbid, Some(world)) => escapes(entry, world, asked),
        _ => Vec::new(),
    };
    Candidate {
        policy: entry.name.clone(),
        grant: None,
        effect,
        verdict,
        missing,
        text: entry.text.to_string(),
        place: Some(entry.place.clone()),
    }
}

fn holds(condition: &Arc<Expr>, world: &World, asked: Asked<'_>) -> Verdict {
    let response = fold::policy("condition", CedarEffect::Permit, Arc::clone(condition))
        .and_then(|policy| Cedar::from_policies([policy]).ok())
        .and_then(|policies| world.ask(&policies, asked.context(Fields::ALL)?));
    let Some(response) = response else { return Verdict::Errored("the request cannot be given to Cedar".to_owned()) };
    match response.diagnostics().errors().next() {
        Some(cedar_policy::AuthorizationError::PolicyEvaluationError(error)) => Verdict::Errored(error.inner().to_string()),
        None if response.decision() == Decision::Allow => Verdict::Satisfied,
        None => Verdict::NotSatisfied,
    }
}

/// The conditions of a permit that do not hold.
fn unmet(entry: &Entry, world: &World, asked: Asked<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    for clause in entry.body.clauses() {
        match clause {
            Clause::When(expr) => missing.extend(failing(expr, world, asked)),
            Clause::Unless(expr) if holds(expr, world, asked) != Verdict::NotSatisfied => missing.push(format!("!({expr})")),
            Clause::Unless(_) => {}
        }
    }
    missing
}

/// What would have to hold for a `forbid` that applies to apply no more: of an `unless`, its conditions that do not hold;
/// of a `when`, its contrary.
fn escapes(entry: &Entry, world: &World, asked: Asked<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    for clause in entry.body.clauses() {
        match clause {
            Clause::Unless(expr) => missing.extend(failing(expr, world, asked)),
            Clause::When(expr) => missing.push(format!("!({expr})")),
        }
    }
    missing
}

fn failing(expr: &Arc<Expr>, world: &World, asked: Asked<'_>) -> Vec<String> {
    let mut conjuncts = Vec::new();
    flatten(expr, &mut conjuncts);
    conjuncts.into_iter().filter(|part| holds(part, world, asked) != Verdict::Satisfied).map(|part| part.to_string()).collect()
}

/// `None` only for a grant whose name is no policy's name, which does not compile.
fn granted(entitled: &Entitled, operation: &Operation, asked: Asked<'_>) -> Option<Candidate> {
    let grant = &entitled.grant;
    let mut missing = Vec::new();
    if !entitled.selects(operation) {
        missing.push(format!("a grant that covers `{}` (class {})", operation.id, operation.class));
    }
    if let Some(until) = grant.until.filter(|_| !entitled.in_time(asked)) {
        missing.push(format!("a grant that has not ended: this one did at {until}"));
    }
    if let Some(purpose) = grant.purpose.as_ref().filter(|_| !entitled.for_purpose(asked)) {
        missing.push(format!("the purpose `{purpose}`, or none declared"));
    }
    Some(Candidate {
        policy: entitled.policies.first()?.clone(),
        grant: Some(grant.id.clone()),
        effect: Effect::Permit,
        verdict: if missing.is_empty() { Verdict::Satisfied } else { Verdict::NotSatisfied },
        missing,
        text: grant_text(grant),
        place: None,
    })
}

#[cfg(test)]
mod tests;
