//! What may be issued, and whether a contract is kept. Takes an identity, who answers for it and its contracts; gives the end a
//! new credential gets, or why there is none; and a contract's compliance, line by line.
//!
//! Why here: nothing gets a credential that nobody answers for, that has no purpose or no environment, or that would outlive
//! what was agreed.

use serde::Serialize;
use std::{sync::Arc, time::Duration};
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    govern::Contract,
    grant::{Grant, GrantTo},
    id::{ContractName, CredentialId, IdentityId, OwnerName},
    inventory::{Identity, IdentityState},
    time::Time,
};

/// How long before its end a contract is said to be ending.
pub const ENDING: Duration = Duration::from_hours(30 * 24);

/// Why nothing is issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotIssued {
    /// It is not in a state in which it may have credentials.
    #[error("`{identity}` is `{state}`: credentials are issued to approved and active identities")]
    State {
        /// Which identity.
        identity: IdentityId,
        /// Where it is in its life.
        state: IdentityState,
    },
    /// Nobody answers for it.
    #[error("the owner `{0}` departed: transfer the identity first")]
    OwnerDeparted(OwnerName),
    /// Nobody claimed it in time.
    #[error("`{0}` was not claimed in time: an owner has to claim it first")]
    Unclaimed(IdentityId),
    /// Nobody knows what for.
    #[error("`{0}` has no purpose: say what it is for first")]
    NoPurpose(IdentityId),
    /// Its time is over.
    #[error("`{identity}` ended at {ends}")]
    Ended {
        /// Which identity.
        identity: IdentityId,
        /// Its end.
        ends: Time,
    },
    /// What was agreed is over.
    #[error("the contract `{contract}` with `{owner}` ended at {until}: agree on a new one first")]
    ContractOver {
        /// Which contract.
        contract: ContractName,
        /// The partner.
        owner: OwnerName,
        /// Its end.
        until: Time,
    },
    /// Longer than was agreed.
    #[error("the contract `{contract}` allows keys to live for {} days at most, this one would for {}", days(*most), days(*asked))]
    TooLong {
        /// Which contract.
        contract: ContractName,
        /// The longest life.
        most: Duration,
        /// The life asked for.
        asked: Duration,
    },
}

const fn days(span: Duration) -> u64 {
    span.as_secs().div_ceil(86_400)
}

/// When a new credential of `identity` ends: after the `life` asked for, but no later than its identity and its contract.
///
/// `contracts`: those of its owner. A `life` of `None` is one under a waiver: it ends with the waiver, at `waived_until`.
///
/// # Errors
/// Says why nothing is issued.
pub fn may_issue(
    identity: &Identity,
    owner_departed: bool,
    contracts: &[Contract],
    life: Option<Duration>,
    waived_until: Option<Time>,
    now: Time,
) -> Result<Option<Time>, NotIssued> {
    let id = || identity.id.clone();
    if !matches!(identity.state, IdentityState::Approved | IdentityState::Active) {
        return Err(NotIssued::State { identity: id(), state: identity.state });
    }
    if owner_departed {
        return Err(NotIssued::OwnerDeparted(identity.owner.clone()));
    }
    if identity.claim_overdue {
        return Err(NotIssued::Unclaimed(id()));
    }
    if identity.purpose.trim().is_empty() {
        return Err(NotIssued::NoPurpose(id()));
    }
    if let Some(ends) = identity.ends.filter(|ends| *ends <= now) {
        return Err(NotIssued::Ended { identity: id(), ends });
    }
    let contract = in_force(identity, contracts, now)?;
    if let (Some(contract), Some(asked)) = (contract, life)
        && let Some(most) = contract.key_life_max.filter(|most| asked > *most)
    {
        return Err(NotIssued::TooLong { contract: contract.name.clone(), most, asked });
    }
    let own = life.map(|life| now + life).or(waived_until);
    let bounds = [own, identity.ends, contract.map(|contract| contract.until)];
    Ok(bounds.into_iter().flatten().min())
}

/// The contract of an identity's owner that ends last, if it is bound by any.
fn in_force<'c>(identity: &Identity, contracts: &'c [Contract], now: Time) -> Result<Option<&'c Contract>, NotIssued> {
    let own = contracts.iter().filter(|contract| contract.owner == identity.owner);
    let Some(last) = own.max_by_key(|contract| contract.until) else {
        return Ok(None);
    };
    if last.until > now {
        return Ok(Some(last));
    }
    Err(NotIssued::ContractOver { contract: last.name.clone(), owner: identity.owner.clone(), until: last.until })
}

/// One thing that was agreed, and whether it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What: `end`, `contacts`, `rotation`, `key_life_max`, `apis`, `owner`.
    pub about: &'static str,
    /// Whether it is kept.
    pub kept: bool,
    /// In words.
    pub said: String,
    /// The credentials or grants that break it.
    pub breaches: Vec<Box<str>>,
}

/// What a contract is held against.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// Whether its owner departed.
    pub owner_departed: bool,
    /// The owner's identities.
    pub identities: &'a [&'a Identity],
    /// Their credentials.
    pub credentials: &'a [&'a Credential],
    /// All grants.
    pub grants: &'a [Arc<Grant>],
}

/// Whether a contract is kept, line by line.
#[must_use]
pub fn compliance(contract: &Contract, kept: &Kept<'_>, now: Time) -> Vec<Line> {
    let live: Vec<&Credential> = kept.credentials.iter().copied().filter(|credential| is_key(credential, now)).collect();
    let breaches = |breaks: &dyn Fn(&Credential) -> bool| -> Vec<CredentialId> {
        live.iter().filter(|credential| breaks(credential)).map(|credential| credential.id).collect()
    };
    let mut lines = vec![end(contract, live.len(), now)];
    let departed = if kept.owner_departed { "the owner departed" } else { "the owner is there" };
    lines.push(Line { about: "owner", kept: !kept.owner_departed, said: departed.to_owned(), breaches: Vec::new() });
    let contacts = format!("{} contacts are named", contract.contacts.len());
    lines.push(Line { about: "contacts", kept: !contract.contacts.is_empty(), said: contacts, breaches: Vec::new() });
    if let Some(every) = contract.rotation {
        let late = breaches(&|credential| now.since(credential.created) > every);
        lines.push(line("rotation", format!("keys are replaced every {} days", days(every)), &late));
    }
    if let Some(most) = contract.key_life_max {
        let long = breaches(&|credential| credential.expires.is_none_or(|end| end.since(credential.created) > most));
        lines.push(line("key_life_max", format!("keys live for {} days at most", days(most)), &long));
    }
    if !contract.apis.is_empty() {
        let theirs = |to: &GrantTo| match to {
            GrantTo::Owner(owner) => *owner == contract.owner,
            GrantTo::Identity(id) => kept.identities.iter().any(|identity| identity.id == *id && identity.owner == contract.owner),
        };
        let wide = kept.grants.iter().filter(|grant| theirs(&grant.to) && !contract.apis.contains(&grant.api));
        let wide: Vec<Box<str>> = wide.map(|grant| grant.id.as_str().into()).collect();
        let said = format!("{} APIs are covered", contract.apis.len());
        lines.push(Line { about: "apis", kept: wide.is_empty(), said, breaches: wide });
    }
    lines
}

fn is_key(credential: &Credential, now: Time) -> bool {
    matches!(credential.kind, CredentialKind::ApiKey | CredentialKind::ForeignKey)
        && credential.state == CredentialState::Live
        && credential.expires.is_none_or(|end| end > now)
}

fn end(contract: &Contract, live: usize, now: Time) -> Line {
    let over = contract.until <= now;
    let said = if over { format!("it ended at {}", contract.until) } else { format!("it ends at {}", contract.until) };
    let kept = !over || live == 0;
    let said = if kept { said } else { format!("{said}, and {live} keys are still live") };
    Line { about: "end", kept, said, breaches: Vec::new() }
}

fn line(about: &'static str, said: String, breaches: &[CredentialId]) -> Line {
    Line { about, kept: breaches.is_empty(), said, breaches: breaches.iter().map(|id| id.as_str().into()).collect() }
}

#[cfg(test)]
mod tests;
