//! What the policies leave open for an identity and an operation: who could permit, who could forbid, under which
//! conditions. For questions over the whole estate; it remembers nothing, so asking much pushes no answer of a request out.

use crate::{
    answer::{Allowed, Denied},
    explain::Effect,
    fold::{self, Folded, Known},
    set::PolicySet,
    world::World,
};
use cedar_policy::pst::Effect as CedarEffect;
use wardgate_model::{
    api::{Api, Operation},
    id::{GrantId, PolicyName},
    inventory::Identity,
    reason::Reason,
    time::Time,
};

/// A policy or grant that has a say, or can have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its name; `grant:NAME` for a grant.
    pub policy: PolicyName,
    /// The grant, when it is one.
    pub grant: Option<GrantId>,
    /// What it does when it applies.
    pub effect: Effect,
    /// What is left of its condition once identity and operation are known; `None`: it applies to every request.
    pub condition: Option<String>,
    /// When it ends (exclusive), where it has an end.
    pub until: Option<Time>,
}

/// What can be said before anything of a request is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prospect {
    /// Every request is refused.
    Denied(Denied),
    /// Every request is let through.
    Allowed(Allowed),
    /// It depends on the request.
    Depends,
}

/// The prospect, and who has a say in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// What can be said.
    pub prospect: Prospect,
    /// Whoever applies or may apply: policies in the order of files, then grants by name. Of a denial: who forbids.
    pub left: Vec<Left>,
}

impl PolicySet {
    /// What every request of `identity` for `operation` at `now` has in common. As [`PolicySet::standing`], but that grants
    /// which have ended at `now` count no more.
    #[must_use]
    pub fn outlook(&self, identity: &Identity, api: &Api, operation: &Operation, now: Time) -> Outlook {
        let denied = |reason, names: Vec<PolicyName>| {
            let forbids =
                |policy: &PolicyName| Left { policy: policy.clone(), grant: None, effect: Effect::Forbid, condition: None, until: None };
            Outlook { left: names.iter().map(forbids).collect(), prospect: Prospect::Denied(Denied { reason, policies: names.into() }) }
        };
        let Ok(world) = World::new(identity, api, operation, &self.environments) else {
            return denied(Reason::StandingFault, Vec::new());
        };
        let (mut left, mut forbids, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for entry in self.candidates(identity, api, operation) {
            let condition =
                match entry.condition.as_ref().map_or(Folded::Constant(true), |condition| fold::fold(condition, &world, &Known::nothing()))
                {
                    Folded::Constant(false) => continue,
                    Folded::Constant(true) if entry.effect == CedarEffect::Forbid => {
                        forbids.push(entry.name.clone());
                        continue;
                    }
                    Folded::Fault(_) => {
                        faults.push(entry.name.clone());
                        continue;
                    }
                    Folded::Constant(true) => None,
                    Folded::Rest(rest) => Some(rest.to_string()),
                };
            let effect = if entry.effect == CedarEffect::Forbid { Effect::Forbid } else { Effect::Permit };
            left.push(Left { policy: entry.name.clone(), grant: None, effect, condition, until: None });
        }
        if !forbids.is_empty() {
            return denied(Reason::StandingDenied, forbids);
        }
        if !faults.is_empty() {
            return denied(Reason::StandingFault, faults);
        }
        left.extend(self.granted(identity, api, operation, now));
        if !left.iter().any(|one| one.effect == Effect::Permit) {
            return denied(Reason::StandingNoGrant, Vec::new());
        }
        Outlook { prospect: prospect(&left), left }
    }

    fn granted(&self, identity: &Identity, api: &Api, operation: &Operation, now: Time) -> impl Iterator<Item = Left> {
        let covering = self.grants.on(identity, api).into_iter().filter(move |entitled| {
            let in_time = entitled.grant.until.is_none_or(|until| now < until);
            in_time && entitled.selects(operation)
        });
        covering.filter_map(|entitled| {
            let purpose = entitled.grant.purpose.as_ref();
            Some(Left {
                policy: entitled.policies.first()?.clone(),
                grant: Some(entitled.grant.id.clone()),
                effect: Effect::Permit,
                condition: purpose.map(|purpose| format!("the purpose is `{purpose}`, or none is declared")),
                until: entitled.grant.until,
            })
        })
    }
}

/// Certain when something permits whatever the request, and nothing can forbid.
fn prospect(left: &[Left]) -> Prospect {
    let sure = || left.iter().filter(|one| one.effect == Effect::Permit && one.condition.is_none());
    if sure().next().is_none() || left.iter().any(|one| one.effect == Effect::Forbid) {
        return Prospect::Depends;
    }
    let grant = sure().find_map(|one| one.grant.clone());
    Prospect::Allowed(Allowed { policies: sure().map(|one| one.policy.clone()).collect(), grant })
}

#[cfg(test)]
mod tests;
