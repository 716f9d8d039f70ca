//! The compiled policies: the constant answer for an identity and an operation, and the answer to a request.
//!
//! A request costs one look-up of its standing and, where the standing leaves something open, one of a remembered answer.
//! Both keys are compared in full. Nothing of Cedar's that parses, type-checks or validates runs here.

use crate::{
    answer::{Allowed, Answer, Denied, Residual, Standing},
    compile::Entry,
    context::{Asked, Fields, KEY_BYTES_MAX},
    fold::{self, Folded, Known},
    grants::{Entitled, Grants},
    index::{self, Index},
    program::{Outcome, Program, Rest},
    world::World,
};
use cedar_policy::pst::Effect;
use quick_cache::{Equivalent, sync::Cache};
use std::{
    cell::OnceCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use wardgate_model::{
    api::{Api, Operation, OperationId},
    facts::Facts,
    id::{IdentityId, PolicyName},
    inventory::{Environment, Identity},
    reason::Reason,
    time::Time,
};

/// Standings remembered.
pub const STANDINGS_MAX: usize = 65_536;
/// Answers remembered; with their keys at most about 20 MB unless callers declare very long values.
pub const ANSWERS_MAX: usize = 16_384;
/// Programs shared between standings.
pub const PROGRAMS_MAX: usize = 4_096;

/// Numbers that each program has: for what it answers, and for what it foretells.
const NUMBERS: u64 = 2;

/// Compiled policies and grants. Immutable but for its caches, shared by all threads.
#[derive(Debug)]
pub struct PolicySet {
    pub(crate) entries: Vec<Entry>,
    pub(crate) index: Index,
    pub(crate) grants: Grants,
    pub(crate) environments: Box<[Arc<Environment>]>,
    standings: Cache<StandingKey, Arc<Standing>>,
    answers: Cache<AnswerKey, Outcome>,
    programs: Cache<String, Arc<Program>>,
    next: AtomicU64,
}

pub(crate) struct Parts {
    pub(crate) entries: Vec<Entry>,
    pub(crate) index: Index,
    pub(crate) grants: Grants,
    pub(crate) environments: Box<[Arc<Environment>]>,
}

/// INVARIANT (standing key): all that a standing rests on beside this set. The revision counts every change of the
/// identity's spec and status, and its grade changes beside them; a change of an API makes a new set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct StandingKey {
    identity: IdentityId,
    revision: u64,
    quality: u8,
    operation: OperationId,
}

#[derive(Hash)]
struct StandingRef<'a> {
    identity: &'a IdentityId,
    revision: u64,
    quality: u8,
    operation: &'a OperationId,
}

impl Equivalent<StandingKey> for StandingRef<'_> {
    fn equivalent(&self, key: &StandingKey) -> bool {
        self.revision == key.revision && self.quality == key.quality && *self.identity == key.identity && *self.operation == key.operation
    }
}

/// INVARIANT (answer key): the program and every value that it reads, in full.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct AnswerKey {
    program: u64,
    values: Box<[u8]>,
}

#[derive(Hash)]
struct AnswerRef<'a> {
    program: u64,
    values: &'a [u8],
}

impl Equivalent<AnswerKey> for AnswerRef<'_> {
    fn equivalent(&self, key: &AnswerKey) -> bool {
        self.program == key.program && *self.values == *key.values
    }
}

impl PolicySet {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { entries, index, grants, environments } = parts;
        Self {
            entries,
            index,
            grants,
            environments,
            standings: Cache::new(STANDINGS_MAX),
            answers: Cache::new(ANSWERS_MAX),
            programs: Cache::new(PROGRAMS_MAX),
            next: AtomicU64::new(0),
        }
    }

    /// What the policies say of `identity` and `operation` of `api` before anything of the request is known.
    /// Remembered by identity, revision, grade and operation.
    #[must_use]
    pub fn standing(&self, identity: &Identity, api: &Api, operation: &Operation) -> Arc<Standing> {
        let (revision, quality) = (identity.revision, identity.quality);
        let key = StandingRef { identity: &identity.id, revision, quality, operation: &operation.id };
        if let Some(known) = self.standings.get(&key) {
            return known;
        }
        let standing = Arc::new(self.stand(identity, api, operation));
        let key = StandingKey { identity: identity.id.clone(), revision, quality, operation: operation.id.clone() };
        self.standings.insert(key, Arc::clone(&standing));
        standing
    }

    /// The answer to a request, given the standing of its identity and operation. Any evaluation error denies.
    #[must_use]
    pub fn rule(&self, standing: &Standing, facts: &Facts, risk: u8, now: Time) -> Answer {
        match standing {
            Standing::Denied(denied) => Answer::deny(denied.reason, &denied.policies),
            Standing::Allowed(allowed) => Answer::allow(allowed),
            Standing::Residual(residual) => self.finish(residual, Asked { facts, risk, now }),
        }
    }

    fn finish(&self, residual: &Residual, asked: Asked<'_>) -> Answer {
        let mut permitted = None;
        let mut fault = None;
        for program in residual.remembered.iter().chain(&residual.fresh) {
            match self.outcome(program, asked) {
                Outcome::Forbidden(by) => return Answer::deny(Reason::RuleForbidden, &by),
                Outcome::Fault(by) => fault = Some(by),
                Outcome::Permitted(by) => permitted = permitted.or(Some(by)),
                Outcome::Silent => {}
            }
        }
        if let Some(by) = fault {
            return Answer::deny(Reason::RuleFault, &by);
        }
        if let Some(sure) = &residual.sure {
            return Answer::allow(sure);
        }
        // INVARIANT (time): what a grant's end decides is never remembered.
        if let Some(entitled) = residual.grants.iter().find(|entitled| entitled.covers(asked)) {
            return Answer::allow(&Allowed { policies: Arc::clone(&entitled.policies), grant: Some(entitled.grant.id.clone()) });
        }
        match permitted {
            Some(policies) => Answer::allow(&Allowed { policies, grant: None }),
            None => Answer::deny(Reason::RuleNotPermitted, &Arc::default()),
        }
    }

    /// What can be said of every request that a proof is shown with, before there is one: `facts` has who shows it and the proof.
    /// `None`: it depends on the request.
    #[must_use]
    pub fn foretell(&self, standing: &Standing, facts: &Facts, now: Time) -> Option<Answer> {
        let Standing::Residual(residual) = standing else { return standing.constant() };
        let asked = Asked { facts, risk: 0, now };
        let mut could = residual.sure.is_some() || residual.grants.iter().any(|entitled| entitled.in_time(asked));
        let mut fault = None;
        for program in residual.remembered.iter().chain(&residual.fresh) {
            match self.foretold(program, asked) {
                Outcome::Forbidden(by) => return Some(Answer::deny(Reason::RuleForbidden, &by)),
                Outcome::Fault(by) => fault = Some(by),
                Outcome::Permitted(_) => could = true,
                Outcome::Silent => {}
            }
        }
        match fault {
            Some(by) => Some(Answer::deny(Reason::RuleFault, &by)),
            None => (!could).then(|| Answer::deny(Reason::RuleNotPermitted, &Arc::default())),
        }
    }

    /// What a program says of every request with a proof: what forbids whatever else there is, and what may permit.
    fn foretold(&self, program: &Program, asked: Asked<'_>) -> Outcome {
        let (number, values) = (program.number + 1, asked.key(program.reads.both(Fields::SHOWN)));
        if let Some(known) = self.answers.get(&AnswerRef { program: number, values: &values }) {
            return known;
        }
        let outcome = program.foretell(asked);
        if values.len() <= KEY_BYTES_MAX {
            self.answers.insert(AnswerKey { program: number, values: values.as_slice().into() }, outcome.clone());
        }
        outcome
    }

    fn outcome(&self, program: &Program, asked: Asked<'_>) -> Outcome {
        if program.reads.meets(Fields::FRESH) {
            return program.run(asked);
        }
        let values = asked.key(program.reads);
        if values.len() > KEY_BYTES_MAX {
            return program.run(asked);
        }
        if let Some(known) = self.answers.get(&AnswerRef { program: program.number, values: &values }) {
            return known;
        }
        let outcome = program.run(asked);
        self.answers.insert(AnswerKey { program: program.number, values: values.as_slice().into() }, outcome.clone());
        outcome
    }

    /// Policies whose scope matches.
    pub(crate) fn candidates<'a>(
        &'a self,
        identity: &Identity,
        api: &Api,
        operation: &Operation,
    ) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let class = operation.class;
        let positions = self.index.candidates(identity, api, operation);
        positions
            .into_iter()
            .filter_map(|position| self.entries.get(usize::try_from(position).ok()?))
            .filter(move |entry| index::takes(&entry.scope, class))
    }

    fn stand(&self, identity: &Identity, api: &Api, operation: &Operation) -> Standing {
        let denied = |reason, policies: Vec<PolicyName>| Standing::Denied(Denied { reason, policies: policies.into() });
        // Making it is most of what a standing costs: it is made when a condition is looked at, and not where scopes alone decide.
        let world = OnceCell::new();
        let mut found = Found::default();
        for entry in self.candidates(identity, api, operation) {
            let Some(condition) = &entry.condition else {
                found.take(entry, Folded::Constant(true));
                continue;
            };
            let made = world.get_or_init(|| World::new(identity, api, operation, &self.environments).map(Arc::new));
            let Ok(world) = made else { return denied(Reason::StandingFault, Vec::new()) };
            found.take(entry, fold::fold(condition, world, &Known::nothing()));
        }
        if !found.forbids.is_empty() {
            return denied(Reason::StandingDenied, found.forbids);
        }
        if !found.faults.is_empty() {
            return denied(Reason::StandingFault, found.faults);
        }
        let mut grants: Vec<Arc<Entitled>> =
            self.grants.on(identity, api).into_iter().filter(|entitled| entitled.selects(operation)).cloned().collect();
        let sure = sure(&grants, std::mem::take(&mut found.permits));
        if sure.is_some() {
            grants.clear();
        } else if grants.is_empty() && !found.rests().any(|rest| rest.effect == Effect::Permit) {
            return denied(Reason::StandingNoGrant, Vec::new());
        }
        let world = world.into_inner().and_then(Result::ok);
        let program = |rests: &[Rest]| match &world {
            Some(world) => self.program(rests, world),
            // Without a world no condition was looked at, and nothing is left of any.
            None => Ok(None),
        };
        let (Ok(remembered), Ok(fresh)) = (program(&found.remembered), program(&found.fresh)) else {
            return denied(Reason::StandingFault, found.rests().map(|rest| rest.name.clone()).collect());
        };
        match (sure, remembered, fresh) {
            (Some(allowed), None, None) => Standing::Allowed(allowed),
            (sure, remembered, fresh) => Standing::Residual(Residual { sure, remembered, fresh, grants: grants.into() }),
        }
    }

    /// The program of some rests, shared with every standing that has the same. `Err` when Cedar does not take it.
    fn program(&self, rests: &[Rest], world: &Arc<World>) -> Result<Option<Arc<Program>>, ()> {
        if rests.is_empty() {
            return Ok(None);
        }
        let signature = Program::signature(rests);
        if let Some(known) = signature.as_ref().and_then(|signature| self.programs.get(signature)) {
            return Ok(Some(known));
        }
        let number = self.next.fetch_add(NUMBERS, Ordering::Relaxed);
        let world = if signature.is_some() { Arc::new(World::empty()) } else { Arc::clone(world) };
        let program = Arc::new(Program::new(number, rests, world).ok_or(())?);
        if let Some(signature) = signature {
            self.programs.insert(signature, Arc::clone(&program));
        }
        Ok(Some(program))
    }
}

/// What permits whatever the request: grants without conditions, then policies.
fn sure(grants: &[Arc<Entitled>], permits: Vec<PolicyName>) -> Option<Allowed> {
    let entitled = grants.iter().find(|entitled| entitled.unconditional());
    if entitled.is_none() && permits.is_empty() {
        return None;
    }
    let policies = entitled.iter().flat_map(|entitled| entitled.policies.iter().cloned()).chain(permits).collect();
    Some(Allowed { policies, grant: entitled.map(|entitled| entitled.grant.id.clone()) })
}

/// Candidates, sorted by what they came to.
#[derive(Default)]
struct Found {
    forbids: Vec<PolicyName>,
    permits: Vec<PolicyName>,
    faults: Vec<PolicyName>,
    remembered: Vec<Rest>,
    fresh: Vec<Rest>,
}

impl Found {
    fn take(&mut self, entry: &Entry, folded: Folded) {
        let name = entry.name.clone();
        match folded {
            Folded::Constant(false) => {}
            Folded::Constant(true) if entry.effect == Effect::Forbid => self.forbids.push(name),
            Folded::Constant(true) => self.permits.push(name),
            Folded::Fault(_) => self.faults.push(name),
            Folded::Rest(condition) => {
                let fresh = fold::reads(&condition).meets(Fields::FRESH);
                let rests = if fresh { &mut self.fresh } else { &mut self.remembered };
                rests.push(Rest { name, effect: entry.effect, condition });
            }
        }
    }

    fn rests(&self) -> impl Iterator<Item = &Rest> {
        self.remembered.iter().chain(&self.fresh)
    }
}

#[cfg(test)]
mod tests;
