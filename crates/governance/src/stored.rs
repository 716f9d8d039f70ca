//! What the store keeps, as the values that rules take, and back.

use crate::{
    due::{Away, Waiting},
    findings::{Answering, Unclaimed, Used},
    lifecycle::{Life, Move, origins},
    preview::Use,
    second::{Asked, Needed, Proposed, Record},
};
use wardgate_model::{
    id::NameError,
    inventory::{IdentityState, Owner},
    time::Time,
};
use wardgate_store as store;

impl From<Needed> for store::Needs {
    fn from(needed: Needed) -> Self {
        match needed {
            Needed::Second => Self::Second,
            Needed::Person => Self::Person,
        }
    }
}

impl From<store::Needs> for Needed {
    fn from(needs: store::Needs) -> Self {
        match needs {
            store::Needs::Second => Self::Second,
            store::Needs::Person => Self::Person,
        }
    }
}

impl<'a> From<&'a store::StoredApproval> for Asked<'a> {
    fn from(approval: &'a store::StoredApproval) -> Self {
        Self { requester: &approval.requester, owner: &approval.owner, needed: approval.needs.into() }
    }
}

impl From<&store::StoredApproval> for Waiting {
    fn from(approval: &store::StoredApproval) -> Self {
        Self { approval: approval.id, expires: approval.expires }
    }
}

impl From<&store::ResourceChange> for Proposed {
    fn from(change: &store::ResourceChange) -> Self {
        Self { kind: change.id.kind(), name: change.id.name().into(), spec: change.spec.clone() }
    }
}

impl Proposed {
    /// The change for the store.
    ///
    /// # Errors
    /// When the name is none.
    pub fn change(&self, expect: store::Precondition) -> Result<store::ResourceChange, NameError> {
        Ok(store::ResourceChange { id: store::ResourceId::parse(self.kind, &self.name)?, spec: self.spec.clone(), expect })
    }
}

impl<'a> FromIterator<&'a store::StoredResource> for Record<'a> {
    fn from_iter<I: IntoIterator<Item = &'a store::StoredResource>>(resources: I) -> Self {
        resources.into_iter().map(|resource| (resource.id.kind(), resource.id.name(), &resource.spec)).collect()
    }
}

impl From<&store::StoredStatus> for Life {
    fn from(status: &store::StoredStatus) -> Self {
        Self { state: status.state, resumes_to: status.resumes_to.filter(|_| status.state == IdentityState::Quarantined) }
    }
}

/// The compare-and-set that a move is, for an identity that [`Life::step`] has taken to `to`.
#[must_use]
pub fn step(asked: Move, to: IdentityState, evidence: Option<&str>) -> store::Step {
    // Whatever is claimed has somebody who answers for it.
    let claim_by = matches!(asked, Move::Claim).then_some(None);
    store::Step { from: origins(asked), to, evidence: evidence.map(Into::into), claim_by }
}

impl<'a> From<&'a store::UsageRow> for Use<'a> {
    fn from(row: &'a store::UsageRow) -> Self {
        Self {
            identity: &row.identity,
            credential: row.credential.as_ref(),
            api: row.api.as_str(),
            operation: &row.operation,
            source: &row.source,
            first: row.first,
            last: row.last,
            allowed: row.allowed,
            refused: row.refused,
        }
    }
}

impl From<store::Use> for Used {
    fn from(used: store::Use) -> Self {
        Self { first: used.first, last: used.last, count: used.count }
    }
}

/// An owner with what happened to it; `since`: when it came on record, where that is known.
#[must_use]
pub fn answering<'a>(owner: &'a Owner, statuses: &[store::StoredOwner], since: Option<Time>) -> Answering<'a> {
    let status = statuses.iter().find(|status| status.owner == owner.name);
    Answering { owner, departed: status.and_then(|status| status.departed), attested: status.and_then(|status| status.attested), since }
}

/// The owners who departed.
pub fn away(statuses: &[store::StoredOwner]) -> impl Iterator<Item = Away<'_>> {
    let departed = statuses.iter().filter(|status| status.departed.is_some());
    departed.map(|status| Away { owner: &status.owner, grace_until: status.grace_until })
}

/// Discoveries that are open.
pub fn unclaimed(discoveries: &[store::StoredDiscovery]) -> impl Iterator<Item = Unclaimed<'_>> {
    discoveries.iter().filter(|discovery| discovery.state == store::DiscoveryState::Open).map(|discovery| Unclaimed {
        id: &discovery.id,
        first: discovery.first,
        last: discovery.last,
        count: discovery.count,
        claim_by: discovery.claim_by,
    })
}
