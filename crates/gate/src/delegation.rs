//! Who acts for whom: what the chain of a delegated token (RFC 8693 §4.1) is on record, and whether all of it lives.
//!
//! The outermost actor alone counts for what is permitted; what a policy says of an inner one has no effect. Life is another matter: a
//! token came of all of them, and ends with each: with their identities, their credentials and the tokens that it came of.

use crate::{snapshot::Snapshot, trust::Token};
use serde_json::Value;
use std::sync::Arc;
use wardgate_model::{
    credential::{Credential, CredentialState},
    facts::{Acting, Delegation},
    id::IdentityId,
    inventory::IdentityState,
    reason::Reason,
    time::Time,
};
use wardgate_proof::access_token::{ACTORS, PARENTS, PARENTS_MAX};

/// The chain of a token of ours; `None`: it came of no other.
///
/// # Errors
/// When an actor, or what it was proven by, is not on record any more.
pub(crate) fn of(token: &Token, snapshot: &Snapshot) -> Result<Option<Arc<Delegation>>, Reason> {
    if !token.told.came_of {
        return Ok(None);
    }
    let texts = |name: &str| {
        let list = token.claims.all().get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().take(PARENTS_MAX + 1).filter_map(Value::as_str)
    };
    let parents: Box<[Box<str>]> = texts(PARENTS).map(Into::into).collect();
    let named: Vec<&str> = token.claims.actors().map(|actor| actor.subject).collect();
    let credentials: Vec<&str> = texts(ACTORS).collect();
    // The first may have come of a token that was not ours: that one has no name here.
    if named.len() != credentials.len() || named.len() > parents.len() + 1 || parents.len() > PARENTS_MAX {
        return Err(Reason::ProofToken);
    }
    let actors = named.into_iter().zip(credentials).map(|(name, credential)| acting(name, credential, snapshot));
    let actors = actors.collect::<Result<Box<[Acting]>, Reason>>()?;
    Ok((!parents.is_empty() || !actors.is_empty()).then(|| Arc::new(Delegation { actors, parents })))
}

fn acting(name: &str, credential: &str, snapshot: &Snapshot) -> Result<Acting, Reason> {
    // It is not on record any more, or stands for somebody else now.
    let credential =
        snapshot.credential(credential).filter(|credential| credential.identity.as_str() == name).ok_or(Reason::ProofRevoked)?;
    let identity = snapshot.identity(&credential.identity).ok_or(Reason::IdentityUnknown)?;
    Ok(Acting { identity: Arc::clone(identity), credential: Arc::clone(credential) })
}

/// The same chain as the record has it now.
///
/// # Errors
/// When an actor, or what it was proven by, is not on record any more.
pub(crate) fn again(delegation: &Delegation, snapshot: &Snapshot) -> Result<Arc<Delegation>, Reason> {
    let of = |then: &Acting| acting(then.identity.id.as_str(), then.credential.id.as_str(), snapshot);
    let actors = delegation.actors.iter().map(of).collect::<Result<_, _>>()?;
    Ok(Arc::new(Delegation { actors, parents: delegation.parents.clone() }))
}

/// Whether identities and credentials of a chain are on record as they were.
pub(crate) fn is_unchanged(delegation: &Delegation, snapshot: &Snapshot) -> bool {
    delegation.actors.iter().all(|then| {
        snapshot.credential(then.credential.id.as_str()).is_some_and(|now| Arc::ptr_eq(now, &then.credential))
            && snapshot.identity(&then.identity.id).is_some_and(|now| Arc::ptr_eq(now, &then.identity))
    })
}

/// Whether nothing of a chain is ended or over.
///
/// # Errors
/// Says what is.
pub(crate) fn lives(delegation: &Delegation, now: Time) -> Result<(), Reason> {
    let over = |end: Option<Time>| end.is_some_and(|end| end <= now);
    for Acting { identity, credential } in &delegation.actors {
        match credential.state {
            CredentialState::Revoked { .. } | CredentialState::Spent => return Err(Reason::ProofRevoked),
            CredentialState::Live if over(credential.expires) => return Err(Reason::ProofExpired),
            CredentialState::Live if over(identity.ends) => return Err(Reason::IdentityEnded),
            CredentialState::Live => {}
        }
    }
    Ok(())
}

/// Whether somebody of a chain is stopped by the state that the record has.
pub(crate) fn is_contained(delegation: &Delegation) -> bool {
    let stopped = |state| matches!(state, IdentityState::Suspended | IdentityState::Quarantined | IdentityState::Retired);
    delegation.actors.iter().any(|actor| stopped(actor.identity.state))
}

/// When the first of a chain ends by itself.
pub(crate) fn end(delegation: &Delegation) -> Option<Time> {
    delegation.actors.iter().flat_map(|actor| [actor.credential.expires, actor.identity.ends]).flatten().min()
}

/// Everything that a token of ours rests on.
pub(crate) fn credentials<'a>(own: &'a Credential, delegation: Option<&'a Delegation>) -> impl Iterator<Item = &'a Credential> {
    std::iter::once(own).chain(delegation.into_iter().flat_map(|delegation| &delegation.actors).map(|actor| &*actor.credential))
}

/// The names of the actors, outermost first.
pub(crate) fn names(delegation: Option<&Delegation>) -> smallvec::SmallVec<[IdentityId; 1]> {
    delegation.into_iter().flat_map(|delegation| &delegation.actors).map(|actor| actor.identity.id.clone()).collect()
}
