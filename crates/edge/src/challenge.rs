//! What a client is told beside an answer: of proofs of possession and of the API; and, where it is challenged, how to show itself.

use crate::{connection::Connection, record::Exchange, respond};
use http::{HeaderMap, HeaderValue, header};
use wardgate_gate::{
    Snapshot,
    challenge::{self, Shows},
    possession, signers,
};
use wardgate_model::{
    api::Api,
    facts::{Caller, Facts},
    ruling::{Challenge, Response, Ruling},
    time::Time,
};

/// The nonce of a client's next proof (RFC 9449 §8), what a challenge asks for, and with each challenge where to read on (RFC 9728 §5.1).
pub(crate) fn said_beside(
    exchange: &Exchange,
    connection: &Connection,
    ruling: &Ruling,
    facts: &Facts,
    headers: &mut HeaderMap,
    now: Time,
) {
    // What an upstream answers is its own.
    let unproven = ruling.reason().outside().row().http == 401;
    let refused = !ruling.forwards() && (unproven || headers.contains_key(header::WWW_AUTHENTICATE));
    let holds = facts.caller.as_ref().is_some_and(|caller| caller.holds.is_some());
    if !refused && !holds && facts.stopped.is_none() {
        return;
    }
    let snapshot = exchange.thread().gate.snapshot();
    if let Some(nonce) = nonce(connection, ruling, facts, headers, &snapshot, now) {
        headers.insert(respond::NONCE, nonce);
    }
    if refused
        && let Some(wanted) = signers::accept_signature(facts, ruling, &snapshot, now).and_then(|text| HeaderValue::try_from(text).ok())
    {
        headers.insert(signers::ACCEPT_SIGNATURE, wanted);
    }
    if let (true, Some(api)) = (refused, facts.api.as_deref())
        && let Some(url) = snapshot.resource_metadata(api, &facts.request.host)
    {
        respond::resource_metadata(headers, &url);
    }
}

/// The nonce of the next proof. Whoever has just answered a challenge is given the next one of its kind, so that it is challenged once.
fn nonce(
    connection: &Connection,
    ruling: &Ruling,
    facts: &Facts,
    headers: &mut HeaderMap,
    snapshot: &Snapshot,
    now: Time,
) -> Option<HeaderValue> {
    let challenged = !ruling.forwards() && matches!(ruling.response, Response::Challenge { kind: Challenge::Possession });
    if let (true, Some(caller), Some(api)) = (challenged, &facts.caller, facts.api.as_deref()) {
        ask(connection, caller, api, headers, snapshot, now);
    }
    let fresh = facts.caller.as_ref().is_some_and(|caller| caller.proof.fresh);
    let next = if challenged || fresh { challenge::nonce(facts, snapshot, now) } else { None };
    HeaderValue::try_from(next.or_else(|| possession::next_nonce(facts, snapshot, now))?).ok()
}

/// Asks for what this caller can show. Who can show nothing is asked for nothing.
fn ask(connection: &Connection, caller: &Caller, api: &Api, headers: &mut HeaderMap, snapshot: &Snapshot, now: Time) {
    match challenge::shows(caller, api, snapshot) {
        Some(Shows::Key(_)) => respond::ask_for_nonce(headers),
        Some(Shows::Certificate) => {
            if let Some(chain) = connection.certificates() {
                challenge::want_handshake(caller, chain, snapshot, now);
            }
            // A handshake is one of a new connection. HTTP/2: GOAWAY (RFC 9113 §6.8).
            match connection.wire() {
                Some(_) => drop(headers.insert(header::CONNECTION, HeaderValue::from_static("close"))),
                None => connection.finish(),
            }
        }
        Some(Shows::Signature) | None => {}
    }
}
