//! Client certificates, whose key was shown in the handshake.

use super::{Failed, Genuine, on_record};
use crate::{snapshot::Snapshot, trust::Certificate};
use serde_json::Map;
use std::sync::Arc;
use wardgate_model::{
    credential::CredentialKind,
    proof::{CertificateChain, ProofFacts, ProofKind},
    reason::Reason,
    time::Time,
};
use wardgate_proof::binding::{Holder, Match};

/// The record that a certificate stands for: every name in it that is on record is of one identity.
pub(super) fn certified(chain: &CertificateChain, snapshot: &Snapshot, now: Time) -> Result<Genuine, Failed> {
    let certificate: Arc<Certificate> = snapshot.trust().certificate(chain, now)?;
    let (bindings, claims) = (snapshot.population().bindings().subjects(), Map::new());
    let mut found: Option<&Holder> = None;
    for subject in &certificate.subjects {
        match (found, bindings.find(&certificate.trust, subject, &claims)) {
            (_, Match::Nobody) => {}
            (Some(before), Match::One(holder)) if before.identity == holder.identity => {}
            (None, Match::One(holder)) => found = Some(holder),
            (Some(_), Match::One(_)) | (_, Match::Ambiguous(..)) => return Err(Reason::IdentityAmbiguous.into()),
        }
    }
    let shown = (&certificate.trust, certificate.subjects.first().map(|subject| &**subject), CredentialKind::X509);
    let credential = on_record(found.map_or(Match::Nobody, Match::One), shown, snapshot)?;
    let proof = ProofFacts { kind: ProofKind::X509, bound: true, fresh: false, since: certificate.since, ends: Some(certificate.ends) };
    Ok(Genuine { credential, proof, token: None, on_behalf_of: None, holds: None, delegation: None, task: None })
}
