//! Bots that sign their requests (Web Bot Auth): who it says that it is, whether a key of that very address made the signature, and which
//! identity that stands for. That somebody has keys at an address says nothing of whether they mean well.
//!
//! A signature over the authority alone is good for every path until it ends, for whoever catches it. So it is taken of what only reads,
//! and does not count as bound; what does more has to cover the whole call, with a nonce (STANDARDS §3.3).

use super::{Fresh, Sent, covers_call, is_whole, message, nonce, once, reason};
use crate::{
    proof::{Failed, Genuine, on_record, stands},
    snapshot::Snapshot,
    source::Sourced,
    step::Answer,
    trust::TrustedBot,
};
use http::{HeaderMap, Method};
use serde_json::Map;
use wardgate_model::{
    credential::CredentialKind,
    proof::{ProofFacts, ProofKind},
    reason::Reason,
    time::Time,
};
use wardgate_proof::{
    dpop::target,
    signature::{
        Signed,
        agent::{self, Agent, AgentKind},
        component::Part,
    },
};

/// Who a bot says that it is; `None`: it is none, or its signature does not cover its word, which then says nothing.
pub(super) fn agent(one: &Signed, headers: &HeaderMap) -> Result<Option<Agent>, Reason> {
    if one.parameters().tag.as_deref() != Some(agent::TAG) {
        return Ok(None);
    }
    agent::of(one, headers).map_err(|fault| reason(&fault))
}

/// The bot that is on record under an address. What is there has to be a directory.
pub(super) fn known<'s>(agent: &Agent, snapshot: &'s Snapshot) -> Option<&'s TrustedBot> {
    let origin = target::origin(&agent.url).filter(|_| agent.kind == AgentKind::Directory)?;
    snapshot.trust().bot(&origin)
}

/// The record that a signature of a bot stands for.
pub(super) fn signed(
    one: &Signed,
    agent: &Agent,
    sourced: &Sourced<'_>,
    answers: &[Answer],
    snapshot: &Snapshot,
    now: Time,
) -> Result<Genuine, Failed> {
    let canonical = &sourced.routed.canonical;
    let arrival = canonical.arrival;
    let bot = known(agent, snapshot).ok_or(Reason::ProofIssuer)?;
    let (sent, parameters) = (Sent::of(sourced), one.parameters());
    let (created, ends) = one.made(agent::LIFE_MAX, now).map_err(|fault| reason(&fault))?;
    let covered = covers_call(one, arrival, sent == Sent::Body);
    let whole = covered.is_ok();
    // What goes over to another protocol is a GET that does what it likes from then on.
    let reads = matches!(*arrival.method, Method::GET | Method::HEAD) && canonical.upgrade.is_none() && sent != Sent::Body;
    match reads {
        true if !one.covers(&Part::Authority) => return Err(Reason::ProofMessageTarget.into()),
        true => {}
        false => covered?,
    }
    if !reads && parameters.nonce.is_none() {
        return Err(Reason::ProofMessage.into());
    }
    if parameters.expires.is_none() {
        return Err(Reason::ProofMessageTime.into());
    }
    let fresh = nonce(one, sourced, snapshot, now)?;
    let message = message(sourced, snapshot).ok_or(Reason::ProofMessageAddress)?;
    let key = bot.key(parameters.key_id.as_deref().ok_or(Reason::ProofMessageKey)?, now)?;
    let mark = one.verify(key, &message).map_err(|fault| reason(&fault))?;
    let found = snapshot.population().bindings().subjects().find(&bot.name, &bot.agent, &Map::new());
    // Nothing is to be discovered where nobody has it: that it is on record is the operator's own word.
    let credential = on_record(found, (&bot.name, None, CredentialKind::WebBotAuth), snapshot)?;
    // Possession over a nonce of ours is of this call only where the call is covered.
    let fresh = if whole { fresh } else { Fresh::Other };
    let proof = ProofFacts { kind: ProofKind::Signature, bound: whole, fresh: fresh == Fresh::Ours, since: created, ends: None };
    let genuine = Genuine { credential, proof, token: None, on_behalf_of: None, holds: None, delegation: None, task: None };
    if stands(&genuine, sourced.address, now).is_err() {
        return Ok(genuine);
    }
    let genuine = is_whole(one, genuine, arrival, sent, answers, snapshot)?;
    // What has no nonce and is good for every path is shown again and again by bots that mean well.
    if !whole && parameters.nonce.is_none() {
        return Ok(genuine);
    }
    once(one, genuine, key, &mark, (fresh, ends), snapshot, now)
}
