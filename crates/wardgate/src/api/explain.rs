//! Explanations: the same judge, asked without metering; and what the answer rests on, policy by policy.

use crate::{clock, control::Control};
use bytes::Bytes;
use http::{HeaderMap, Version, header};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use wardgate_abuse::{MeterBounds, Meters, journal::Unrecorded};
use wardgate_audit::event_v1::EventV1;
use wardgate_console::{Code, DescribedRequest, Problem};
use wardgate_gate::{
    Answer, Arrival, Introspection, KeysAnswer, Need, Snapshot, Step, Unproven, decide, describe, establish, establish_with,
};
use wardgate_model::{
    api::Api,
    credential::CredentialKind,
    event::{CameOf, Ending, Event, EventKind, Outcome},
    facts::{Door, Facts},
    id::{IdentityId, RequestId},
    proof::ProofKind,
    reason::Reason,
    time::Time,
};
use wardgate_policy::{Candidate, Verdict};

/// What would become of a described request. Limits are left out: nobody called.
///
/// # Errors
/// When it names an identity that is not on record.
pub(super) fn described(control: &Control, described: &DescribedRequest) -> Result<Value, Problem> {
    let (now, snapshot) = (clock::now(), control.gate().snapshot());
    let mut headers = described.headers.clone();
    if let (false, Some(host)) = (headers.contains_key(header::HOST), described.url.authority()) {
        headers.extend(http::HeaderValue::try_from(host.as_str()).map(|value| (header::HOST, value)));
    }
    let arrival = arrival(described, &headers, now);
    let scratch = Meters::new(Arc::new(Unrecorded), MeterBounds::default());
    let facts = match &described.identity {
        Some(identity) => describe(&arrival, identity, described.proof.unwrap_or_else(|| usual_proof(control, identity)), &snapshot)
            .map_err(|_| Problem::new(Code::NotFound, format!("no identity `{identity}` is on record")))?,
        None => match establish(&arrival, &snapshot, &scratch, now) {
            Step::Done(facts) => facts,
            Step::Wait(unproven, need) => unproven_facts(&arrival, (unproven, need), &snapshot, &scratch, now),
        },
    };
    let ruling = match decide(&facts, &snapshot, &scratch, now) {
        Step::Done(verdict) => verdict.ruling,
        Step::Wait(..) => return Err(Problem::new(Code::Unfit, "this request would be slowed")),
    };
    let policies = policies(&facts, &snapshot, now);
    let (api, told) = (facts.api.clone(), ruling.told.clone());
    let event = Event {
        kind: EventKind::Request,
        facts,
        ruling,
        outcome: Outcome {
            end: now,
            ending: Ending::Complete,
            client_status: None,
            upstream: None,
            effect: None,
            came_of: CameOf::default(),
        },
        snapshot: snapshot.number(),
        judge_order: 0,
    };
    let value = serde_json::to_value(EventV1::unrecorded(&event, "described")).map_err(Problem::fault)?;
    let mut explained = explained(value, Some(policies), api.as_deref());
    // Whoever describes a request knows what is in it: where it is wrong is told, as its sender would be.
    if let (Some(told), Some(members)) = (told, explained.as_object_mut()) {
        members.insert("detail".to_owned(), Value::from(&*told));
    }
    Ok(explained)
}

/// A recorded request: what its event says, and what could be done about it as its API is now.
pub(super) fn recorded(control: &Control, event: Value) -> Value {
    let snapshot = control.gate().snapshot();
    let name = event.pointer("/api/name").and_then(Value::as_str).unwrap_or_default();
    let api = snapshot.apis().iter().find(|api| api.name.as_str() == name).cloned();
    explained(event, None, api.as_deref())
}

/// The facts of a request whose proof needs something that nobody asks for.
fn unproven_facts(arrival: &Arrival<'_>, mut waits: (Unproven, Need), snapshot: &Snapshot, meters: &Meters, now: Time) -> Facts {
    let mut answers = Vec::new();
    loop {
        let (unproven, need) = waits;
        answers.push(unasked(&need));
        match establish_with(arrival, unproven, &answers, snapshot, meters, now) {
            Step::Done(facts) => return facts,
            Step::Wait(unproven, need) => waits = (unproven, need),
        }
    }
}

/// Nobody is asked because of a description, and it has no body.
fn unasked(need: &Need) -> Answer {
    match need {
        Need::Keys { .. } => Answer::Keys(KeysAnswer::Answered),
        Need::Introspection { trust, .. } => Answer::Introspection { of: trust.clone(), said: Introspection::Silent },
        Need::Body { .. } | Need::Start { .. } => Answer::Body(Ok(Bytes::new())),
        Need::Budget { .. } => Answer::Budget(false),
        Need::Delay { .. } => Answer::Elapsed,
    }
}

fn arrival<'a>(described: &'a DescribedRequest, headers: &'a HeaderMap, now: Time) -> Arrival<'a> {
    Arrival {
        id: RequestId::new(now, clock::entropy()),
        time: now,
        door: Door::Described,
        version: Version::HTTP_11,
        protocol: None,
        certificates: None,
        handshake: None,
        method: &described.method,
        uri: &described.url,
        headers,
        // A description has no body: that there would be one is told by what it says of it.
        body: !described.method.is_safe() && headers.contains_key(header::CONTENT_TYPE)
            || [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].iter().any(|name| headers.contains_key(name)),
        peer: described.source.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        via: "described",
    }
}

/// The proof that this identity has on record: what it would most likely show.
fn usual_proof(control: &Control, identity: &IdentityId) -> ProofKind {
    let loaded = control.loaded();
    let spec = loaded.inventory.identities.iter().find(|spec| spec.identity.id == *identity);
    match spec.and_then(|spec| spec.credentials.first()).map(|credential| credential.kind) {
        Some(CredentialKind::ApiKey | CredentialKind::ForeignKey) => ProofKind::ApiKey,
        Some(CredentialKind::Oidc) => ProofKind::Jwt,
        Some(CredentialKind::X509) => ProofKind::X509,
        // It is swapped for a token.
        Some(CredentialKind::PublicKey) => ProofKind::Jwt,
        Some(CredentialKind::Hmac) => ProofKind::Hmac,
        Some(CredentialKind::WebBotAuth) => ProofKind::Signature,
        Some(CredentialKind::Session | CredentialKind::SignIn | CredentialKind::BreakGlass) | None => ProofKind::Session,
    }
}

/// Every policy and grant that could have a say, and what it said.
fn policies(facts: &Facts, snapshot: &Snapshot, now: Time) -> Value {
    let (Some(caller), Some(api), Some(operation)) = (&facts.caller, &facts.api, &facts.operation) else { return json!([]) };
    let explanation = snapshot.policies().explain(&caller.identity, api, operation, facts, 0, now);
    explanation.candidates.iter().map(candidate).collect()
}

fn candidate(candidate: &Candidate) -> Value {
    let (verdict, error) = match &candidate.verdict {
        Verdict::Satisfied => ("satisfied", None),
        Verdict::NotSatisfied => ("not_satisfied", None),
        Verdict::Errored(error) => ("errored", Some(error)),
    };
    json!({
        "policy": candidate.policy,
        "grant": candidate.grant,
        "effect": candidate.effect.as_str(),
        "verdict": verdict,
        "error": error,
        "missing": candidate.missing,
        "place": candidate.place.as_ref().map(ToString::to_string),
    })
}

/// The members of the event that answer "why", and the remedy of its reason (CONTRACT `explain`).
fn explained(mut event: Value, policies: Option<Value>, api: Option<&Api>) -> Value {
    let code = event.pointer("/ruling/code").and_then(Value::as_str).and_then(Reason::parse);
    let mut take = |member: &str| event.get_mut(member).map(Value::take);
    let mut answer = serde_json::Map::new();
    for member in [
        "request_id",
        "time_us",
        "identity",
        "credential",
        "proof",
        "lane",
        "actors",
        "source",
        "api",
        "operation",
        "class",
        "method",
        "path",
        "resource",
        "purpose",
        "grant",
        "stopped",
        "ruling",
        "client_status",
        "upstream",
        "effect",
    ] {
        if let Some(value) = take(member) {
            answer.insert(member.to_owned(), value);
        }
    }
    if let Some(policies) = policies {
        answer.insert("policies".to_owned(), policies);
    }
    let refused = answer.get("effect").and_then(Value::as_str).and_then(wardgate_issuer::against::remedy);
    let remedy = refused.map_or_else(|| code.map_or(Value::Null, |code| code.remedy(api).into()), Value::from);
    answer.insert("remedy".to_owned(), remedy);
    answer.insert("documentation".to_owned(), code.map_or(Value::Null, |code| code.anchor().into()));
    Value::Object(answer)
}
