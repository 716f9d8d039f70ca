//! Signed webhooks: whose secret made the signature over a moment and the body, and was it taken before?
//!
//! Cheap before dear: what cannot be read, or was made too long ago, is refused before a byte of the body is waited for.

use super::{Failed, Genuine, stands};
use crate::{
    arrival::Arrival,
    hooks::{Hook, is_usable},
    snapshot::Snapshot,
    spent::{Taken, WhenFull},
    step::{Answer, Need},
};
use http::{HeaderMap, HeaderName};
use smallvec::SmallVec;
use std::{net::IpAddr, sync::Arc};
use wardgate_model::{
    proof::{ProofFacts, ProofKind},
    reason::Reason,
    time::Time,
};
use wardgate_proof::webhook::{Fields, Mac, Malformed, Signature};

/// Largest body that a signature is verified over, in bytes.
pub(super) const BODY_BYTES_MAX: u64 = 1024 * 1024;

/// A signature that may be a sender's.
type Read<'a> = (&'a Arc<Hook>, Signature<'a>);

/// The record that a signature stands for.
pub(super) fn signed(
    hooks: &[Arc<Hook>],
    arrival: &Arrival<'_>,
    address: IpAddr,
    answer: Option<&Answer>,
    snapshot: &Snapshot,
    now: Time,
) -> Result<Genuine, Failed> {
    let read: SmallVec<[Read<'_>; 2]> = hooks.iter().filter_map(|hook| Some((hook, read(hook, arrival.headers).ok()?))).collect();
    if read.is_empty() {
        return Err(Reason::CredentialMalformed.into());
    }
    let is_timely = |(hook, signature): &&Read<'_>| signature.is_timely(now, hook.form.tolerance);
    if !read.iter().any(|one| is_timely(&one)) {
        return Err(Reason::ProofStale.into());
    }
    let Some(Answer::Body(Ok(body))) = answer else {
        return Err(Failed::Needs(Need::Body { limit: BODY_BYTES_MAX.min(snapshot.body_bytes_max()) }));
    };
    let (hook, signature, mac) = whose(read.iter().filter(is_timely), body, now)?;
    let record = snapshot.credential(hook.credential.id.as_str()).ok_or(Reason::ProofUnknown)?;
    let since = signature.made().unwrap_or(record.created);
    let proof = ProofFacts { kind: ProofKind::Hmac, bound: false, fresh: false, since, ends: None };
    let genuine =
        Genuine { credential: Arc::clone(record), proof, token: None, on_behalf_of: None, holds: None, delegation: None, task: None };
    // Who cannot use it any more, or not from here, uses up no room.
    if stands(&genuine, address, now).is_err() {
        return Ok(genuine);
    }
    let (end, full) = match signature.made() {
        Some(made) => (made + hook.form.tolerance, WhenFull::Refuse),
        None => (now + hook.form.tolerance, WhenFull::Forget),
    };
    // It is timely at its end too.
    let end = Time::from_micros(end.as_micros().saturating_add(1));
    match snapshot.spent().take(&record.id, &mac, end, full, now) {
        Taken::First => Ok(genuine),
        Taken::Again => Err(Failed::Somebody(Reason::ProofReplayed, Box::new(genuine))),
        Taken::NoRoom => Err(Failed::Somebody(Reason::ProofUnremembered, Box::new(genuine))),
    }
}

/// Whose secret fits. All of them are tried: how long it takes does not tell which one did.
fn whose<'a>(read: impl Iterator<Item = &'a Read<'a>>, body: &[u8], now: Time) -> Result<(&'a Hook, &'a Signature<'a>, Mac), Reason> {
    let mut found: Option<(&Hook, &Signature<'_>, Mac)> = None;
    for (hook, signature) in read {
        let Some(mac) = signature.verify(&hook.key, body) else { continue };
        match &found {
            None => found = Some((hook, signature, mac)),
            // Two secrets of one identity that are the same are one.
            Some((before, ..)) if before.credential.identity == hook.credential.identity => {}
            // Nor is one that was revoked or is over a second one: a secret that a sender dictates may go to another identity.
            Some((before, ..)) if is_usable(&before.credential, now) && !is_usable(&hook.credential, now) => {}
            Some(_) => return Err(Reason::IdentityAmbiguous),
        }
    }
    found.ok_or(Reason::ProofUnknown)
}

fn read<'a>(hook: &Hook, headers: &'a HeaderMap) -> Result<Signature<'a>, Malformed> {
    let form = &hook.form;
    let beside = |name: &Option<HeaderName>| name.as_ref().map(|name| single(headers, name)).transpose();
    let fields = Fields { signature: single(headers, &form.header)?, timestamp: beside(&form.timestamp)?, message: beside(&form.message)? };
    Signature::read(form.scheme, &fields)
}

/// The text of a field that stands there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Malformed> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Malformed)?;
    if values.next().is_some() { Err(Malformed) } else { value.to_str().map_err(|_| Malformed) }
}
