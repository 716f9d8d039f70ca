//! Room 6. Takes a [`Proven`], gives the [`Facts`]: which identity, and is it alive?
//!
//! Why here: it ends `establish`; whatever is known now is what will be judged, recorded and replayed. Refuses: no
//! credential where one is needed (RFC 6750 §3.1: 401 without an error), credentials whose identity is not on record,
//! credentials and identities that were stopped, identities whose time is over. A proof that matches two identities is a refusal (AN6).
//! What shows no proof and a person's session, where the API serves people, is in the people's lane ([`people`]).

use crate::{delegation, judge::Refused, people, proof::Proven, proof::claim, snapshot::Snapshot, source::Sourced, task};
use std::sync::Arc;
use wardgate_model::{
    facts::{Caller, Facts},
    inventory::{Identity, IdentityState},
    proof::{ProofFacts, ProofKind},
    reason::Reason,
    time::Time,
};

/// Finds the identity.
///
/// # Errors
/// When there is none that may call.
#[inline]
pub fn resolve(proven: Proven<'_>, snapshot: &Snapshot, now: Time) -> Result<Facts, Refused> {
    let Proven { sourced, genuine } = proven;
    let anonymous = sourced.routed.operation.anonymous;
    let session = match genuine {
        // A machine's proof is a machine's, whatever else is shown.
        Some(_) => Ok(None),
        None => people::session(sourced.routed.canonical.arrival.headers, &sourced.routed.api, snapshot.pepper()),
    };
    let of_task = genuine.as_ref().and_then(|genuine| genuine.task.clone());
    let refused = |sourced: Sourced<'_>, reason| Err(Refused::new(sourced.into_facts(), reason));
    let caller = match (genuine, session) {
        (None, Err(reason)) => return refused(sourced, reason),
        (None, Ok(Some(session))) => person(session, snapshot),
        (None, Ok(None)) if anonymous => nobody(snapshot),
        (None, Ok(None)) => return refused(sourced, Reason::CredentialMissing),
        (Some(genuine), _) if Identity::is_built_in(genuine.credential.identity.as_str()) => {
            return refused(sourced, Reason::IdentityUnknown);
        }
        (Some(genuine), _) => match snapshot.identity(&genuine.credential.identity) {
            Some(identity) => claim(identity, genuine),
            None => return refused(sourced, Reason::IdentityUnknown),
        },
    };
    let contained = is_contained(&caller, snapshot);
    // Not the caller is stopped but what it shows: that looks as it will when the snapshot itself knows of it.
    let revoked = contained && snapshot.denied().stops_credential(&caller);
    let ended = caller.identity.ends.is_some_and(|end| end <= now);
    let vouched = if sourced.zone.is_none() { snapshot.zone_of(&caller).cloned() } else { None };
    // All at once and last: facts are large.
    let mut facts = Facts { caller: Some(caller), ..sourced.into_facts() };
    if vouched.is_some() {
        facts.source.zone = vouched;
    }
    match (revoked, contained, ended) {
        (true, _, _) => Err(Refused::new(facts, Reason::ProofRevoked)),
        (false, true, _) => Err(Refused::new(facts, Reason::IdentityContained)),
        (false, false, true) => Err(Refused::new(facts, Reason::IdentityEnded)),
        (false, false, false) => match task::within(of_task.as_deref(), &mut facts, snapshot, now) {
            Ok(()) => Ok(facts),
            Err(reason) => Err(Refused::new(facts, reason)),
        },
    }
}

/// Whether the caller was stopped: by the overlay, or by its state in the snapshot. The break-glass door stays open to
/// whoever holds it, until its own credential is ended: nobody can lock everybody out.
pub(crate) fn is_contained(caller: &Caller, snapshot: &Snapshot) -> bool {
    if caller.proof.kind == ProofKind::BreakGlass {
        return snapshot.denied().stops_credential(caller);
    }
    let state = matches!(caller.identity.state, IdentityState::Suspended | IdentityState::Quarantined | IdentityState::Retired);
    state || caller.delegation.as_deref().is_some_and(delegation::is_contained) || snapshot.denied().stops(caller)
}

/// A caller that is only described: the identity as it is, with a proof of this kind, made now.
pub(crate) fn described(identity: &Arc<Identity>, kind: ProofKind, snapshot: &Snapshot, now: Time) -> Caller {
    let proof = if Identity::is_built_in(identity.id.as_str()) {
        ProofFacts::NONE
    } else {
        ProofFacts { kind, bound: false, fresh: false, since: now, ends: None }
    };
    Caller { identity: Arc::clone(identity), proof, ..nobody(snapshot) }
}

/// The people's lane, for the session of this name.
fn person(session: Box<str>, snapshot: &Snapshot) -> Caller {
    Caller { identity: Arc::clone(snapshot.people()), on_behalf_of: Some(session), ..nobody(snapshot) }
}

fn nobody(snapshot: &Snapshot) -> Caller {
    Caller {
        identity: Arc::clone(snapshot.anonymous()),
        credential: None,
        proof: ProofFacts::NONE,
        token: None,
        on_behalf_of: None,
        actors: smallvec::SmallVec::new(),
        holds: None,
        delegation: None,
        task: None,
    }
}
