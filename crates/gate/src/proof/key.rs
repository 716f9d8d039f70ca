//! Keys: they are compared with the hash on record.

use super::{Failed, Genuine};
use crate::snapshot::Snapshot;
use std::sync::Arc;
use wardgate_model::{credential::CredentialKind, facts::Unknown, proof::ProofKind, reason::Reason};
use wardgate_proof::api_key::{self, ApiKey};

/// The record whose hash fits; the same work is done for ids that are not on record.
pub(super) fn genuine(key: &ApiKey<'_>, snapshot: &Snapshot) -> Result<Genuine, Failed> {
    let record = snapshot.credential(key.id());
    let hash = record.and_then(|credential| credential.hash.as_ref());
    let good = api_key::matches(snapshot.pepper(), key.text(), hash);
    let record = record.filter(|_| good).ok_or(Reason::ProofUnknown)?;
    Ok(Genuine::of(Arc::clone(record), key.kind().proof()))
}

/// The record of a key of foreign make; else what it would be on record as.
pub(super) fn registered(text: &str, snapshot: &Snapshot) -> Result<Genuine, Failed> {
    let (id, hash) = api_key::foreign(snapshot.pepper(), text);
    let record = snapshot.credential(id.as_str()).filter(|credential| credential.kind == CredentialKind::ForeignKey);
    let same = record.filter(|credential| credential.hash.as_ref().is_some_and(|on_record| api_key::same(on_record, &hash)));
    match same {
        Some(credential) => Ok(Genuine::of(Arc::clone(credential), ProofKind::ApiKey)),
        None => Err(Failed::Nobody(Reason::ProofUnknown, Some(Box::new(Unknown::Key { id, hash })))),
    }
}
