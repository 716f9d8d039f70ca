//! What the clock makes due. Takes the situation and `now`, gives deeds; doing them makes none of them due again.
//!
//! Why a list and not deeds: two control processes may ask at once, and what each does is compare-and-set in the store.
//!
//! A time-bound identity whose time is over is *suspended* at once (the next request is refused) and *retired* only
//! [`RETIRE_AFTER`] later: a wrong date in a file can be mended, what is retired is so for good.

use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    govern::{Contract, Exemption, Waived, Waiver},
    id::{ApprovalId, ContractName, CredentialId, IdentityId, OwnerName, WaiverName},
    inventory::{Identity, IdentityState},
    time::Time,
};

/// How long after its end a time-bound identity is retired.
pub const RETIRE_AFTER: Duration = Duration::from_hours(30 * 24);

/// An identity that the clock may have a say in.
#[derive(Debug, Clone, Copy)]
pub struct Living<'a> {
    /// The identity, its status included.
    pub identity: &'a Identity,
    /// Until when somebody has to claim it.
    pub claim_by: Option<Time>,
}

/// An owner who departed.
#[derive(Debug, Clone, Copy)]
pub struct Away<'a> {
    /// Who.
    pub owner: &'a OwnerName,
    /// Until when its identities go on; `None`: they do not.
    pub grace_until: Option<Time>,
}

/// An act that waits for a second person.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// Which.
    pub approval: ApprovalId,
    /// Until when.
    pub expires: Time,
}

/// All that the clock looks at. Lists may be longer than needed, never shorter: of a million identities those that have an
/// end or a claim, and those of owners who departed; of credentials those of owners with a contract and those without an end.
#[derive(Debug, Clone, Default)]
pub struct Situation<'a> {
    /// Identities.
    pub identities: Vec<Living<'a>>,
    /// Owners who departed.
    pub away: Vec<Away<'a>>,
    /// Acts that wait.
    pub waiting: Vec<Waiting>,
    /// Contracts, those that are over too.
    pub contracts: Vec<&'a Contract>,
    /// Waivers, those that are over too.
    pub waivers: Vec<&'a Waiver>,
    /// Credentials, each with the owner of its identity; with the dates on record, not those of rotation.
    pub credentials: Vec<(&'a Credential, &'a OwnerName)>,
}

/// Something that is to be done now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "due", rename_all = "snake_case")]
pub enum Due {
    /// Nobody claimed it in time: it is marked, and `guardrail:unowned` refuses it.
    ClaimOverdue {
        /// Which identity.
        identity: IdentityId,
    },
    /// Nobody took it over in time.
    SuspendOrphan {
        /// Which identity.
        identity: IdentityId,
        /// Who departed.
        owner: OwnerName,
    },
    /// Its time is over.
    SuspendEnded {
        /// Which identity.
        identity: IdentityId,
    },
    /// Its time has been over for [`RETIRE_AFTER`].
    Retire {
        /// Which identity.
        identity: IdentityId,
    },
    /// The last contract that it was issued under is over: it ends then.
    EndWithContract {
        /// Which credential.
        credential: CredentialId,
        /// The contract.
        contract: ContractName,
        /// When it ends.
        #[serde(serialize_with = "crate::shown::moment")]
        at: Time,
    },
    /// The waiver that let it live without an end is over: it ends then.
    EndWithWaiver {
        /// Which credential.
        credential: CredentialId,
        /// The waiver.
        waiver: WaiverName,
        /// When it ends.
        #[serde(serialize_with = "crate::shown::moment")]
        at: Time,
    },
    /// Nobody decided in time.
    Lapse {
        /// Which approval.
        #[serde(rename = "approval")]
        id: ApprovalId,
    },
}

impl Due {
    /// Why, in words for the record.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::ClaimOverdue { .. } => "nobody claimed it in time".to_owned(),
            Self::SuspendOrphan { owner, .. } => format!("its owner `{owner}` departed and nobody took it over in time"),
            Self::SuspendEnded { .. } => "its time is over".to_owned(),
            Self::Retire { .. } => "its time has been over for 30 days".to_owned(),
            Self::EndWithContract { contract, .. } => format!("the contract `{contract}` is over"),
            Self::EndWithWaiver { waiver, .. } => format!("the waiver `{waiver}` is over"),
            Self::Lapse { .. } => "nobody decided in time".to_owned(),
        }
    }
}

/// What is due at `now`, in a stable order.
#[must_use]
pub fn due(situation: &Situation<'_>, now: Time) -> Vec<Due> {
    let mut all = Vec::new();
    for living in &situation.identities {
        all.extend(of_identity(living, &situation.away, now));
    }
    for (credential, owner) in &situation.credentials {
        all.extend(of_credential(credential, owner, situation, now));
    }
    let over = situation.waiting.iter().filter(|waiting| waiting.expires <= now);
    all.extend(over.map(|waiting| Due::Lapse { id: waiting.approval }));
    all.sort();
    all.dedup();
    all
}

fn of_identity(living: &Living<'_>, away: &[Away<'_>], now: Time) -> Vec<Due> {
    let Living { identity, claim_by } = living;
    let (mut all, id) = (Vec::new(), || identity.id.clone());
    if identity.state == IdentityState::Retired {
        return all;
    }
    if !identity.claim_overdue && claim_by.is_some_and(|by| by <= now) {
        all.push(Due::ClaimOverdue { identity: id() });
    }
    if identity.ends.is_some_and(|ends| ends + RETIRE_AFTER <= now) {
        all.push(Due::Retire { identity: id() });
        return all;
    }
    if identity.state != IdentityState::Active {
        return all;
    }
    let gone = away.iter().find(|gone| *gone.owner == identity.owner && gone.grace_until.is_none_or(|until| until <= now));
    if identity.ends.is_some_and(|ends| ends <= now) {
        all.push(Due::SuspendEnded { identity: id() });
    } else if gone.is_some() {
        all.push(Due::SuspendOrphan { identity: id(), owner: identity.owner.clone() });
    }
    all
}

fn of_credential(credential: &Credential, owner: &OwnerName, situation: &Situation<'_>, now: Time) -> Option<Due> {
    let lasting = matches!(credential.kind, CredentialKind::ApiKey | CredentialKind::ForeignKey);
    if credential.state != CredentialState::Live || !lasting {
        return None;
    }
    let outlives = |end: Time| end <= now && credential.expires.is_none_or(|expires| expires > end);
    // The last contract of the owner counts: one that follows another goes on.
    let last = situation.contracts.iter().filter(|contract| contract.owner == *owner).max_by_key(|contract| contract.until);
    if let Some(contract) = last.filter(|contract| outlives(contract.until)) {
        return Some(Due::EndWithContract { credential: credential.id, contract: contract.name.clone(), at: contract.until });
    }
    let waiver = expiry_waiver(credential, owner, &situation.waivers)?;
    let over = credential.expires.is_none() && waiver.until <= now;
    over.then(|| Due::EndWithWaiver { credential: credential.id, waiver: waiver.name.clone(), at: waiver.until })
}

/// The waiver that lets a credential live without an end, the one that ends last.
pub(crate) fn expiry_waiver<'w>(credential: &Credential, owner: &OwnerName, waivers: &[&'w Waiver]) -> Option<&'w Waiver> {
    let for_it = |waiver: &&&Waiver| {
        waiver.exempts == Exemption::Expiry
            && match &waiver.waived {
                Waived::Identity { identity, credential: entry } => {
                    *identity == credential.identity && entry.as_ref().is_none_or(|entry| *entry == credential.name)
                }
                Waived::Owner(of) => of == owner,
                Waived::Api(_) => false,
            }
    };
    waivers.iter().filter(for_it).max_by_key(|waiver| waiver.until).copied()
}

/// How many deeds of each kind, for the log.
#[must_use]
pub fn counted(due: &[Due]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for one in due {
        let word = match one {
            Due::ClaimOverdue { .. } => "claim_overdue",
            Due::SuspendOrphan { .. } => "suspend_orphan",
            Due::SuspendEnded { .. } => "suspend_ended",
            Due::Retire { .. } => "retire",
            Due::EndWithContract { .. } => "end_with_contract",
            Due::EndWithWaiver { .. } => "end_with_waiver",
            Due::Lapse { .. } => "lapse",
        };
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests;
