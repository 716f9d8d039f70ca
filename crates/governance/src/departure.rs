//! An owner departs. Takes the owner and what it answers for, gives what is flagged now, who could take over, and until when.
//!
//! Why a grace and not an end at once: what machines do goes on while people hand over; what nobody took by the end of the
//! grace is suspended (see [`crate::due`]), not retired, so that a late successor can have it.

use serde::Serialize;
use std::{sync::Arc, time::Duration};
use wardgate_model::{
    api::Api,
    id::{ApiName, IdentityId, OwnerName},
    inventory::{Criticality, Identity, IdentityState, Owner},
    time::Time,
};

/// The grace when nobody says otherwise.
pub const GRACE: Duration = Duration::from_hours(14 * 24);
/// The longest grace.
pub const GRACE_MAX: Duration = Duration::from_hours(90 * 24);
/// Identities that are listed; the others are counted.
pub const LISTED_MAX: usize = 1_000;

/// What a departure means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Departure {
    /// Who departs.
    pub owner: OwnerName,
    /// Until when its identities go on.
    #[serde(serialize_with = "crate::shown::moment")]
    pub grace_until: Time,
    /// Who could take over: the deputy on record.
    pub successor: Option<Box<str>>,
    /// Its identities that are not retired: flagged now, those that are active suspended after the grace. At most
    /// [`LISTED_MAX`], the most critical first.
    pub identities: Vec<Flagged>,
    /// How many there are, listed or not.
    pub count: u64,
    /// APIs that it is accountable for.
    pub apis: Vec<Orphan>,
}

/// An identity that needs another owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flagged {
    /// Which.
    pub identity: IdentityId,
    /// Where it is in its life.
    pub state: IdentityState,
    /// How much depends on it.
    pub criticality: Criticality,
}

/// An API that needs somebody else to answer for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// Which.
    pub api: ApiName,
    /// `policy_owner` or `business_owner`.
    pub part: &'static str,
}

/// The grace is longer than [`GRACE_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`grace` is at most 90 days: transfer what has to live longer")]
pub struct LongGrace;

/// What it means that `owner` departs at `now`.
///
/// # Errors
/// When the grace is too long.
pub fn depart<'i>(
    owner: &Owner,
    identities: impl IntoIterator<Item = &'i Identity>,
    apis: &[Arc<Api>],
    grace: Option<Duration>,
    now: Time,
) -> Result<Departure, LongGrace> {
    let grace = grace.unwrap_or(GRACE);
    if grace > GRACE_MAX {
        return Err(LongGrace);
    }
    let (mut flagged, mut count) = (Vec::new(), 0);
    for identity in identities.into_iter().filter(|identity| identity.owner == owner.name && identity.state != IdentityState::Retired) {
        count += 1;
        flagged.push(Flagged { identity: identity.id.clone(), state: identity.state, criticality: identity.criticality });
        // Sorted and cut now and then: a million identities need no million entries.
        if flagged.len() >= 2 * LISTED_MAX {
            cut(&mut flagged);
        }
    }
    cut(&mut flagged);
    let parts = apis.iter().flat_map(|api| {
        let policy = (api.policy_owner == owner.name).then_some("policy_owner");
        let business = (api.business_owner.as_ref() == Some(&owner.name)).then_some("business_owner");
        [policy, business].into_iter().flatten().map(|part| Orphan { api: api.name.clone(), part })
    });
    Ok(Departure {
        owner: owner.name.clone(),
        grace_until: now + grace,
        successor: owner.deputy.clone(),
        identities: flagged,
        count,
        apis: parts.collect(),
    })
}

fn cut(flagged: &mut Vec<Flagged>) {
    flagged.sort_by(|a, b| b.criticality.cmp(&a.criticality).then_with(|| a.identity.cmp(&b.identity)));
    flagged.truncate(LISTED_MAX);
}

/// Why an identity is not used again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StaysSuspended {
    /// Nobody answers for it.
    #[error("`{identity}` belongs to the owner `{owner}`, who departed: transfer it first, or take the owner back")]
    OwnerDeparted {
        /// Which identity.
        identity: IdentityId,
        /// Who departed.
        owner: OwnerName,
    },
    /// Its time is over.
    #[error("`{identity}` was to end at {ends}: change its `until` first")]
    Ended {
        /// Which identity.
        identity: IdentityId,
        /// Its end.
        ends: Time,
    },
}

/// Whether a suspended identity may be used again: what suspended it by itself must be gone, or it would at once do so again.
///
/// # Errors
/// Says what is in the way.
pub fn may_resume(identity: &Identity, owner_departed: bool, now: Time) -> Result<(), StaysSuspended> {
    if owner_departed {
        return Err(StaysSuspended::OwnerDeparted { identity: identity.id.clone(), owner: identity.owner.clone() });
    }
    match identity.ends.filter(|ends| *ends <= now) {
        Some(ends) => Err(StaysSuspended::Ended { identity: identity.id.clone(), ends }),
        None => Ok(()),
    }
}

/// Why an identity is not given to another owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTransferable {
    /// It is over.
    #[error("`{0}` is retired: nobody has to answer for it")]
    Retired(IdentityId),
    /// There is nobody there.
    #[error("the owner `{0}` departed: choose one who is there")]
    Departed(OwnerName),
    /// It is theirs.
    #[error("`{identity}` belongs to `{owner}` already")]
    Same {
        /// Which identity.
        identity: IdentityId,
        /// Whose it is.
        owner: OwnerName,
    },
}

/// Whether an identity may be given to `to`.
///
/// # Errors
/// Says what is in the way.
pub fn may_transfer(identity: &Identity, to: &OwnerName, to_departed: bool) -> Result<(), NotTransferable> {
    if identity.state == IdentityState::Retired {
        return Err(NotTransferable::Retired(identity.id.clone()));
    }
    if to_departed {
        return Err(NotTransferable::Departed(to.clone()));
    }
    if identity.owner == *to {
        return Err(NotTransferable::Same { identity: identity.id.clone(), owner: to.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
