//! Room 5. Takes a [`Presented`], gives a [`Proven`]: is it genuine, still good, and from where it may be used?
//!
//! Why here: after this nothing asks again. Refuses: unknown, expired, revoked and spent credentials (which look the
//! same outside) and sources that the credential is not bound to. An unknown id costs the same work as a known one.

use crate::{
    credential::{Presented, Shown},
    judge::Refused,
    snapshot::Snapshot,
    source::Sourced,
};
use std::sync::Arc;
use wardgate_abuse::Meters;
use wardgate_model::{
    credential::{Credential, CredentialKind, CredentialState},
    facts::{Caller, Facts, Unknown},
    inventory::Identity,
    proof::{ProofFacts, ProofKind},
    reason::Reason,
    time::Time,
};
use wardgate_proof::api_key::{self, ApiKey};

/// A request whose proof is genuine, or that shows none.
#[derive(Debug)]
pub struct Proven<'a> {
    /// Where it comes from, what it is for.
    pub sourced: Sourced<'a>,
    /// The credential on record; `None`: nothing was shown.
    pub credential: Option<Arc<Credential>>,
    /// The proof.
    pub proof: ProofFacts,
}

/// Verifies what is shown.
///
/// # Errors
/// When it is not good; with the caller that it claims to be where the secret was right.
pub fn verify<'a>(presented: Presented<'a>, snapshot: &Snapshot, meters: &Meters, now: Time) -> Result<Proven<'a>, Refused> {
    let Presented { sourced, shown } = presented;
    let (found, kind, unknown) = match shown {
        Shown::None => return Ok(Proven { sourced, credential: None, proof: ProofFacts::NONE }),
        Shown::Key(key) => (genuine(&key, snapshot), key.kind().proof(), None),
        Shown::Foreign(text) => match registered(text, snapshot) {
            Ok(credential) => (Some(credential), ProofKind::ApiKey, None),
            Err(unknown) => (None, ProofKind::ApiKey, Some(unknown)),
        },
    };
    let address = sourced.address;
    let Some(credential) = found else {
        meters.charge_failed_proof(snapshot.limits(), address, now);
        return Err(Refused::new(Facts { unknown, ..sourced.into_facts() }, Reason::ProofUnknown));
    };
    let proof = ProofFacts { kind, bound: false, since: credential.created };
    let stands = match credential.state {
        CredentialState::Revoked { .. } | CredentialState::Spent => Err(Reason::ProofRevoked),
        CredentialState::Live if credential.expires.is_some_and(|end| end <= now) => Err(Reason::ProofExpired),
        CredentialState::Live if !credential.admits(address) => Err(Reason::ProofSource),
        CredentialState::Live => Ok(()),
    };
    match stands {
        Ok(()) => Ok(Proven { sourced, credential: Some(credential), proof }),
        Err(reason) => {
            let mut facts: Facts = sourced.into_facts();
            facts.caller = snapshot.identity(&credential.identity).map(|identity| claim(identity, credential, proof));
            Err(Refused::new(facts, reason))
        }
    }
}

/// The record whose hash fits; the same work is done for ids that are not on record.
fn genuine(key: &ApiKey<'_>, snapshot: &Snapshot) -> Option<Arc<Credential>> {
    let record = snapshot.credential(key.id());
    let hash = record.and_then(|credential| credential.hash.as_ref());
    if api_key::matches(snapshot.pepper(), key.text(), hash) { record.map(Arc::clone) } else { None }
}

/// The record of a key of foreign make; else what it would be on record as.
fn registered(text: &str, snapshot: &Snapshot) -> Result<Arc<Credential>, Box<Unknown>> {
    let (id, hash) = api_key::foreign(snapshot.pepper(), text);
    let record = snapshot.credential(id.as_str()).filter(|credential| credential.kind == CredentialKind::ForeignKey);
    let same = record.filter(|credential| credential.hash.as_ref().is_some_and(|on_record| api_key::same(on_record, &hash)));
    same.map(Arc::clone).ok_or_else(|| Box::new(Unknown { id, hash }))
}

pub(crate) fn claim(identity: &Arc<Identity>, credential: Arc<Credential>, proof: ProofFacts) -> Caller {
    Caller {
        identity: Arc::clone(identity),
        credential: Some(credential),
        proof,
        token: None,
        on_behalf_of: None,
        actors: smallvec::SmallVec::new(),
        task: None,
    }
}
