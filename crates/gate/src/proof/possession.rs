//! Possession of a key, shown with the request (DPoP, RFC 9449): the proof is for this request, the token is bound to the key of it, and
//! it was not taken before.
//!
//! What is wrong with what a proof says is found before a token or a client is looked at, so that it tells nothing of these; that it is of
//! another key, for another token or not signed by its key looks as an unknown token does.

use super::{Failed, Genuine};
use crate::{credential::Presented, possession, snapshot::Snapshot, spent::Taken, trust::Token};
use std::sync::Arc;
use wardgate_model::{id::ApiName, proof::HeldKey, reason::Reason, time::Time};
use wardgate_proof::dpop::{Asked, Checked, Fault, Proof, ProofKey, Room, nonce::Space};

/// A proof that is for this request and in time. Its signature is verified where it is asked for.
pub(super) struct Held<'p> {
    proof: Proof<'p>,
    checked: Checked<'p>,
}

/// Reads a proof, and checks that it is for this request; `seen`: the token that it goes with, where that was seen before.
pub(super) fn read<'p>(
    (text, room): (&'p [u8], &'p mut Room),
    seen: Option<&'p Token>,
    presented: &Presented<'_>,
    snapshot: &Snapshot,
    now: Time,
) -> Result<Held<'p>, Reason> {
    let proof = Proof::read(text, seen.and_then(|token| token.prover.key()), room).map_err(|fault| reason(&fault))?;
    let routed = &presented.sourced.routed;
    let asked = |space: Option<Space<'_>>| {
        proof.check(&Asked {
            method: routed.canonical.request.method.as_str(),
            origins: snapshot.origins(&routed.api.name),
            path: &routed.canonical.request.path,
            nonce: space.map(|space| (snapshot.nonces(), space)),
            token: seen.and_then(|token| token.hash.as_deref()),
            now,
        })
    };
    let checked = match asked(possession::space(&routed.api, &routed.operation)) {
        // Where a nonce is wanted, that of a challenge is one too. Whoever was challenged has shown its key before.
        Err(Fault::Nonce) => match snapshot.possessions().key(proof.head()) {
            Some(key) => asked(Some(Space::Challenge(&routed.api.name, key.thumbprint()))),
            None => Err(Fault::Nonce),
        },
        checked => checked,
    };
    Ok(Held { proof, checked: checked.map_err(|fault| reason(&fault))? })
}

fn reason(fault: &Fault) -> Reason {
    match fault {
        Fault::Nonce => Reason::ProofNonce,
        Fault::Unreadable(_)
        | Fault::NoKey
        | Fault::Key(_)
        | Fault::Claim(_)
        | Fault::Method
        | Fault::Target
        | Fault::Old
        | Fault::Early => Reason::ProofPossession,
    }
}

impl Held<'_> {
    /// Whether it shows possession of the key of this thumbprint, for a token, whose hash `ath` has. The token was found good by then: whatever is
    /// wrong has to look as one that is not.
    pub(super) fn of(&self, token: &Token, thumbprint: &[u8; 32], snapshot: &Snapshot) -> Result<HeldKey, Reason> {
        let hash = token.hash.as_deref().map(str::as_bytes);
        if hash.is_none() || self.checked.token.as_deref() != hash {
            return Err(Reason::ProofBinding);
        }
        // As with nearly every request but the first: the header that its last proof had.
        if let Some(key) = self.proof.key() {
            let shown = key.thumbprint() == thumbprint && self.proof.is_of(key);
            return if shown { Ok(HeldKey::Key(*thumbprint)) } else { Err(Reason::ProofBinding) };
        }
        let (key, seen) = self.key(snapshot).map_err(|_| Reason::ProofBinding)?;
        if key.thumbprint() != thumbprint {
            return Err(Reason::ProofBinding);
        }
        let held = self.verified(&key, seen, snapshot).map_err(|_| Reason::ProofBinding)?;
        if possession::is_usual(&key) {
            token.prover.note(&key);
        }
        Ok(held)
    }

    /// Whether it has a nonce, of whatever kind.
    pub(super) fn has_nonce(&self) -> bool {
        self.checked.nonce.is_some()
    }

    /// Whether it has the nonce of a challenge at this API to the key of this thumbprint, which has made it.
    pub(super) fn answers(&self, api: &ApiName, thumbprint: &[u8; 32], snapshot: &Snapshot, now: Time) -> bool {
        let made = |nonce: &[u8]| snapshot.nonces().shown(Space::Challenge(api, thumbprint), nonce, now);
        self.checked.nonce.as_deref().and_then(made).is_some()
    }

    /// The key of its header, and whether it is remembered.
    fn key(&self, snapshot: &Snapshot) -> Result<(Arc<ProofKey>, bool), Reason> {
        match snapshot.possessions().key(self.proof.head()) {
            Some(key) => Ok((key, true)),
            None => ProofKey::read(self.proof.head()).map(|key| (Arc::new(key), false)).map_err(|fault| reason(&fault)),
        }
    }

    fn verified(&self, key: &Arc<ProofKey>, seen: bool, snapshot: &Snapshot) -> Result<HeldKey, Reason> {
        if !self.proof.is_of(key) {
            return Err(Reason::ProofPossession);
        }
        if !seen {
            snapshot.possessions().remember(key);
        }
        Ok(HeldKey::Key(*key.thumbprint()))
    }
}

/// A client of our token service that shows possession of a key beside: what it gets is bound to that (RFC 9449 §5).
pub(super) fn beside(genuine: Genuine, held: Option<&Held<'_>>, snapshot: &Snapshot) -> Result<Genuine, Failed> {
    let Some(held) = held else { return Ok(genuine) };
    let shown = held.key(snapshot).and_then(|(key, seen)| held.verified(&key, seen, snapshot));
    match shown {
        Ok(key) => Ok(Genuine { holds: Some(key), ..genuine }),
        Err(reason) => Err(Failed::Somebody(reason, Box::new(genuine))),
    }
}

/// A proof of possession that nothing rests on is none: what is shown by the scheme `DPoP` has to be bound to its key (RFC 9449 §7.1).
pub(super) fn is_used(genuine: Genuine, held: Option<&Held<'_>>) -> Result<Genuine, Failed> {
    if held.is_some() && !matches!(genuine.holds, Some(HeldKey::Key(_))) {
        return Err(Failed::Somebody(Reason::ProofBinding, Box::new(genuine)));
    }
    Ok(genuine)
}

/// Takes the proof, once (RFC 9449 §11.1); else says why not. INVARIANT (verified first): nothing is remembered before its signature was verified and what
/// it goes with found to be in force.
pub(super) fn once(genuine: &Genuine, held: Option<&Held<'_>>, snapshot: &Snapshot, now: Time) -> Result<(), Reason> {
    let (Some(held), Some(HeldKey::Key(key))) = (held, &genuine.holds) else { return Ok(()) };
    // Who signs takes up the room: of whoever acts it is, not of whom it acts for.
    let acting = genuine.delegation.as_deref().and_then(|delegation| delegation.actors.first());
    let signer = acting.map_or(&genuine.credential.identity, |acting| &acting.identity.id);
    match snapshot.possessions().take(signer, key, &held.checked, now) {
        Taken::First => Ok(()),
        Taken::Again => Err(Reason::ProofRepeated),
        Taken::NoRoom => Err(Reason::ProofUnremembered),
    }
}
