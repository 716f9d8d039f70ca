//! Room 6. Takes a [`Proven`], gives the [`Facts`]: which identity, and is it alive?
//!
//! Why here: it ends `establish`; whatever is known now is what will be judged, recorded and replayed. Refuses: no
//! credential where one is needed (RFC 6750 §3.1: 401 without an error), credentials whose identity is not on record,
//! credentials and identities that were stopped, identities whose time is over. A proof that matches two identities is a refusal (AN6).

use crate::{judge::Refused, proof::Proven, proof::claim, snapshot::Snapshot};
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
pub fn resolve(proven: Proven<'_>, snapshot: &Snapshot, now: Time) -> Result<Facts, Refused> {
    let Proven { sourced, genuine } = proven;
    let anonymous = sourced.routed.operation.anonymous;
    let mut facts = sourced.into_facts();
    let caller = match genuine {
        None if anonymous => nobody(snapshot),
        None => return Err(Refused::new(facts, Reason::CredentialMissing)),
        Some(genuine) => match snapshot.identity(&genuine.credential.identity) {
            Some(identity) => claim(identity, genuine),
            None => return Err(Refused::new(facts, Reason::IdentityUnknown)),
        },
    };
    let contained = is_contained(&caller, snapshot);
    // Not the caller is stopped but what it shows: that looks as it will when the snapshot itself knows of it.
    let revoked = contained && snapshot.denied().stops_credential(&caller);
    let ended = caller.identity.ends.is_some_and(|end| end <= now);
    facts.caller = Some(caller);
    match (revoked, contained, ended) {
        (true, _, _) => Err(Refused::new(facts, Reason::ProofRevoked)),
        (false, true, _) => Err(Refused::new(facts, Reason::IdentityContained)),
        (false, false, true) => Err(Refused::new(facts, Reason::IdentityEnded)),
        (false, false, false) => Ok(facts),
    }
}

/// Whether the caller was stopped: by the overlay, or by its state in the snapshot. The break-glass door stays open to
/// whoever holds it, until its own credential is ended: nobody can lock everybody out.
pub(crate) fn is_contained(caller: &Caller, snapshot: &Snapshot) -> bool {
    if caller.proof.kind == ProofKind::BreakGlass {
        return snapshot.denied().stops_credential(caller);
    }
    let state = matches!(caller.identity.state, IdentityState::Suspended | IdentityState::Quarantined | IdentityState::Retired);
    state || snapshot.denied().stops(caller)
}

/// A caller that is only described: the identity as it is, with a proof of this kind, made now.
pub(crate) fn described(identity: &Arc<Identity>, kind: ProofKind, snapshot: &Snapshot, now: Time) -> Caller {
    let proof = if identity.is_anonymous() { ProofFacts::NONE } else { ProofFacts { kind, bound: false, since: now, ends: None } };
    Caller { identity: Arc::clone(identity), proof, ..nobody(snapshot) }
}

fn nobody(snapshot: &Snapshot) -> Caller {
    Caller {
        identity: Arc::clone(snapshot.anonymous()),
        credential: None,
        proof: ProofFacts::NONE,
        token: None,
        on_behalf_of: None,
        actors: smallvec::SmallVec::new(),
        task: None,
    }
}
