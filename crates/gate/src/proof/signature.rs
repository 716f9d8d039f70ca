//! Signatures of requests (RFC 9421): does it cover what matters, is it of just now, whose key made it, is the body what was signed of it,
//! and was it taken before?
//!
//! Cheap before dear, and nothing for strangers: what a signature says of itself is checked before its key is looked for, and no byte of
//! a body is waited for before a key has verified it. What is wrong with what it says is told; that it is nobody's, of another key or
//! taken before looks as an unknown key does.

mod bot;

use super::{Failed, Genuine, client::body, stands};
use crate::{
    arrival::Arrival,
    possession, signers,
    snapshot::Snapshot,
    source::Sourced,
    spent::Taken,
    step::{Answer, Need},
};
use http::{HeaderName, header};
use std::sync::Arc;
use wardgate_model::{
    proof::{ProofFacts, ProofKind},
    reason::Reason,
    time::Time,
};
use wardgate_proof::{
    client::stranger,
    digest,
    dpop::{nonce::Space, target},
    jose::jwk::Key,
    signature::{self, AGE_MAX, Fault, Mark, Signed, component::Part, message::Message},
};

/// Largest body that a digest is compared with, in bytes.
const BODY_BYTES_MAX: u64 = 1024 * 1024;

/// The record that a signature stands for.
pub(super) fn signed(sourced: &Sourced<'_>, answers: &[Answer], snapshot: &Snapshot, now: Time) -> Result<Genuine, Failed> {
    let arrival = sourced.routed.canonical.arrival;
    let all = signature::read(arrival.headers).map_err(|_| Reason::CredentialMalformed)?;
    let one = chosen(&all, arrival, snapshot)?;
    if let Some(agent) = bot::agent(one, arrival.headers)? {
        return bot::signed(one, &agent, sourced, answers, snapshot, now);
    }
    let sent = Sent::of(sourced);
    let (created, ends) = one.made(AGE_MAX, now).map_err(|fault| reason(&fault))?;
    covers_call(one, arrival, sent == Sent::Body)?;
    let fresh = nonce(one, sourced, snapshot, now)?;
    let message = message(sourced, snapshot).ok_or(Reason::ProofMessageAddress)?;
    let name = one.parameters().key_id.as_deref().ok_or(Reason::ProofMessageKey)?;
    let Some(found) = signers::signing(snapshot.population(), name) else {
        // Who is nobody costs the same work.
        let algorithm = one.parameters().algorithm.as_deref();
        let refused = stranger(algorithm).and_then(|key| one.verify(key, &message).err());
        let component = refused.filter(|fault| matches!(fault, Fault::Component(_)));
        return Err(component.map_or(Reason::ProofUnknown, |fault| reason(&fault)).into());
    };
    let mark = one.verify(found.key, &message).map_err(|fault| reason(&fault))?;
    if found.shared {
        return Err(Reason::IdentityAmbiguous.into());
    }
    let record = snapshot.credential(found.credential.id.as_str()).ok_or(Reason::ProofUnknown)?;
    let proof = ProofFacts { kind: ProofKind::Signature, bound: true, fresh: fresh == Fresh::Ours, since: created, ends: None };
    let genuine =
        Genuine { credential: Arc::clone(record), proof, token: None, on_behalf_of: None, holds: None, delegation: None, task: None };
    // Who cannot use it any more, or not from here, uses up no room.
    if stands(&genuine, sourced.address, now).is_err() {
        return Ok(genuine);
    }
    let genuine = is_whole(one, genuine, arrival, sent, answers, snapshot)?;
    once(one, genuine, found.key, &mark, (fresh, ends), snapshot, now)
}

/// What is sent beside the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// Nothing.
    Nothing,
    /// A body.
    Body,
    /// HTTP/2 need not say: it has to be looked at.
    Perhaps,
}

impl Sent {
    fn of(sourced: &Sourced<'_>) -> Self {
        let canonical = &sourced.routed.canonical;
        let (arrival, length) = (canonical.arrival, canonical.request.length);
        match length {
            Some(0) => Self::Nothing,
            Some(_) => Self::Body,
            None if arrival.version >= http::Version::HTTP_2 => Self::Perhaps,
            None if arrival.headers.contains_key(header::TRANSFER_ENCODING) => Self::Body,
            None => Self::Nothing,
        }
    }
}

/// The one signature that is ours to verify. Others may stand beside it (RFC 9421 §4.3): whoever passes a request on may sign it too.
fn chosen<'a>(all: &'a [Signed], arrival: &Arrival<'_>, snapshot: &Snapshot) -> Result<&'a Signed, Reason> {
    if let [one] = all {
        return Ok(one);
    }
    let is_known = |one: &&Signed| {
        let name = one.parameters().key_id.as_deref();
        name.is_some_and(|name| signers::signing(snapshot.population(), name).is_some())
            || bot::agent(one, arrival.headers).is_ok_and(|agent| agent.is_some_and(|agent| bot::known(&agent, snapshot).is_some()))
    };
    let mut known = all.iter().filter(is_known);
    match (known.next(), known.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Reason::CredentialConflict),
        (None, _) => Err(Reason::ProofUnknown),
    }
}

fn reason(fault: &Fault) -> Reason {
    match fault {
        Fault::Unreadable(_) | Fault::Labels | Fault::TooMany | Fault::Shape(_) | Fault::Parameter(_) | Fault::Wide | Fault::Twice(_) => {
            Reason::CredentialMalformed
        }
        Fault::Component(_) => Reason::ProofMessageComponent,
        Fault::Missing(_) | Fault::Old | Fault::Early | Fault::Expired => Reason::ProofMessageTime,
        Fault::Algorithm | Fault::Signature => Reason::ProofSignature,
    }
}

/// Whether it is for this call and no other (STANDARDS §3.2: an empty list verifies too); else what it leaves out.
fn covers_call(one: &Signed, arrival: &Arrival<'_>, body: bool) -> Result<(), Reason> {
    if ![Part::Method, Part::Authority, Part::Path].iter().all(|part| one.covers(part)) {
        return Err(Reason::ProofMessageTarget);
    }
    if arrival.uri.query().is_some() && !one.covers(&Part::Query) {
        return Err(Reason::ProofMessageQuery);
    }
    if body && !one.covers(&Part::field(digest::CONTENT)) {
        return Err(Reason::ProofMessageDigest);
    }
    Ok(())
}

/// Whose nonce a signature has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fresh {
    /// One that was given out here a short while ago: possession is shown just now.
    Ours,
    /// The signer's own, or none.
    Other,
}

/// Whether it has a nonce of ours; where the API wants one, it must.
fn nonce(one: &Signed, sourced: &Sourced<'_>, snapshot: &Snapshot, now: Time) -> Result<Fresh, Reason> {
    let routed = &sourced.routed;
    let made = |nonce: &str| snapshot.nonces().made(Space::Signatures(&routed.api.name), nonce, now).is_some();
    let fresh = if one.parameters().nonce.as_deref().is_some_and(made) { Fresh::Ours } else { Fresh::Other };
    let wanted = possession::space(&routed.api, &routed.operation).is_some();
    if wanted && fresh != Fresh::Ours { Err(Reason::ProofSignatureNonce) } else { Ok(fresh) }
}

/// The request as its signer saw it. `None`: nobody has said under which address this API is called.
fn message<'a>(sourced: &'a Sourced<'_>, snapshot: &'a Snapshot) -> Option<Message<'a>> {
    let (routed, arrival) = (&sourced.routed, sourced.routed.canonical.arrival);
    let origins = || snapshot.origins(&routed.api.name).iter().map(|origin| &**origin);
    let host = || arrival.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let called = arrival.uri.authority().map(http::uri::Authority::as_str).or_else(host).unwrap_or_default();
    // INVARIANT (audience): it is an address of ours whatever the request says, or what was signed for somebody else would be for us. Of
    // several the one that was called is meant, with TLS before without; who stands before us may have written another name.
    let fits = |origin: &&str| {
        let scheme = origin.split_once("://").map_or("", |(scheme, _)| scheme);
        target::origin(&format!("{scheme}://{called}")).as_deref() == Some(*origin)
    };
    let secure = |origin: &&str| origin.starts_with("https://");
    let origin = origins().filter(fits).find(secure).or_else(|| origins().find(fits));
    let origin = origin.or_else(|| origins().find(secure)).or_else(|| origins().next())?;
    // An extended CONNECT stands here as the GET that it is judged as (RFC 8441 §5).
    let method = if arrival.protocol.is_some() { "CONNECT" } else { arrival.method.as_str() };
    Some(Message { method, origin, uri: arrival.uri, version: arrival.version, headers: arrival.headers })
}

/// Whether the body is what was signed of it. It is had whole before anything of it goes on (STANDARDS §3.4).
fn is_whole(
    one: &Signed,
    genuine: Genuine,
    arrival: &Arrival<'_>,
    sent: Sent,
    answers: &[Answer],
    snapshot: &Snapshot,
) -> Result<Genuine, Failed> {
    let covered = |name: &HeaderName| one.covers(&Part::field(name.clone()));
    let fits = |name: &HeaderName, bytes: &[u8]| digest::fits(arrival.headers, name, bytes).unwrap_or(false);
    let body = match (sent, body(answers)) {
        (Sent::Nothing, _) => &[],
        (Sent::Body | Sent::Perhaps, Some(body)) => &**body,
        (Sent::Body | Sent::Perhaps, None) => {
            return Err(Failed::Needs(Need::Body { limit: BODY_BYTES_MAX.min(snapshot.body_bytes_max()) }));
        }
    };
    let content = if covered(&digest::CONTENT) { fits(&digest::CONTENT, body) } else { body.is_empty() };
    // What is sent is the whole representation, unless it says that it is a part (RFC 9110 §14.4).
    let whole = || !arrival.headers.contains_key(header::CONTENT_RANGE) && fits(&digest::REPRESENTATION, body);
    if content && (!covered(&digest::REPRESENTATION) || whole()) {
        Ok(genuine)
    } else {
        Err(Failed::Somebody(Reason::ProofDigest, Box::new(genuine)))
    }
}

/// Takes it, once: it is known again by what was signed, whosever nonce it has, for what is ours today is anybody's tomorrow. A nonce of the
/// signer's own is good for one request besides. INVARIANT (verified first): nothing is remembered of what nobody on record signed.
fn once(
    one: &Signed,
    genuine: Genuine,
    key: &Key,
    mark: &Mark,
    (fresh, ends): (Fresh, Time),
    snapshot: &Snapshot,
    now: Time,
) -> Result<Genuine, Failed> {
    let own = one.parameters().nonce.as_deref().filter(|_| fresh == Fresh::Other);
    let identity = &genuine.credential.identity;
    for kind in [Some(&mark[..]), own.map(str::as_bytes)].into_iter().flatten() {
        match snapshot.possessions().take_signature(identity, key.thumbprint(), kind, ends, now) {
            Taken::First => {}
            Taken::Again => return Err(Failed::Somebody(Reason::ProofReplayed, Box::new(genuine))),
            Taken::NoRoom => return Err(Failed::Somebody(Reason::ProofUnremembered, Box::new(genuine))),
        }
    }
    Ok(genuine)
}
