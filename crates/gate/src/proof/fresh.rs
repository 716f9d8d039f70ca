//! Whether possession of a key that was registered before was shown just now: the answer to a challenge ([`crate::challenge`]).

use super::{Genuine, possession::Held};
use crate::{
    challenge::{Rests, Shows},
    snapshot::Snapshot,
    source::Sourced,
};
use wardgate_model::time::Time;
use wardgate_proof::x509::Thumbprint;

/// Whether it was, by a proof. INVARIANT (last): that was verified, is in force and was not taken before.
pub(super) fn noted(genuine: &Genuine, sourced: &Sourced<'_>, held: Option<&Held<'_>>, snapshot: &Snapshot, now: Time) -> bool {
    let asked = held.is_some_and(Held::has_nonce) || !snapshot.handshakes().is_empty();
    if asked { is_fresh(genuine, sourced, held, snapshot, now) } else { genuine.proof.fresh }
}

fn is_fresh(genuine: &Genuine, sourced: &Sourced<'_>, held: Option<&Held<'_>>, snapshot: &Snapshot, now: Time) -> bool {
    let routed = &sourced.routed;
    let rests = Rests {
        proof: &genuine.proof,
        token: genuine.token.as_deref(),
        credential: &genuine.credential,
        delegation: genuine.delegation.as_deref(),
    };
    match rests.shows(genuine.holds, &routed.api, snapshot) {
        Some(Shows::Key(key)) => held.is_some_and(|held| held.answers(&routed.api.name, &key, snapshot, now)),
        Some(Shows::Certificate) => {
            let arrival = routed.canonical.arrival;
            let (Some(chain), Some(began)) = (arrival.certificates, arrival.handshake.and_then(|handshake| handshake.full)) else {
                return false;
            };
            snapshot.handshakes().is_answered(genuine.credential.id, Thumbprint::of(chain.leaf()).0, began, now)
        }
        // Room 5 has looked at the nonce of the signature.
        Some(Shows::Signature) => genuine.proof.fresh,
        None => false,
    }
}
