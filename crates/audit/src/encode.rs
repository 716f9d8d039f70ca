//! From the compact [`Event`] to one line of [`EventV1`]. Runs in the writing thread.

use crate::{
    event_v1::{
        ApiV1, ChangeV1, CredentialV1, EventV1, FindingV1, IdentityV1, Kind, ProofV1, PurposeV1, RequestV1, RulingV1, SignalV1, SourceV1,
        TokenV1, UpstreamV1, VERSION,
    },
    record::{ChangeRecord, FindingRecord},
    scrub::scrub,
};
use std::{borrow::Cow, time::Duration};
use wardgate_model::{
    api::Operation,
    event::{Event, EventKind, UpstreamOutcome},
    facts::{Basis, Caller, RequestFacts},
    risk::Contribution,
    ruling::{Challenge, Response, Ruling},
    time::Time,
};

/// Changes of this kind stop something, or let it go again.
const CONTAINMENT: &str = "containment";

/// The event as it is written. Everything that came from outside goes through [`scrub`].
pub(crate) fn event<'a>(event: &'a Event, edge: &'a str, seq: u64) -> EventV1<'a> {
    let facts = &event.facts;
    let operation = facts.operation.as_deref();
    // What is no HTTP request has no method: the value in the facts only fills the place.
    let has_request = !facts.request.path.is_empty();
    let mut told = bare(edge, seq, kind(event.kind), facts.time);
    told.request_id = Some(facts.id.to_string().into());
    told.trace_id = facts.trace.map(|trace| format!("{:032x}", trace.id).into());
    told.door = Some(facts.door.as_str().into());
    if let Some(caller) = &facts.caller {
        describe_caller(&mut told, caller, facts.time);
    }
    told.grant = event.ruling.grant.as_ref().map(|grant| grant.as_str().into());
    let of_task = event.outcome.came_of.task.as_ref();
    told.task = of_task.map(|of| of.task.as_str().into()).or(told.task);
    // What was judged comes first: it is judged again.
    let known = facts.purpose.as_ref().or(event.ruling.purpose.as_ref().filter(|_| of_task.is_none()));
    let known = known.map(|purpose| (&purpose.value, purpose.basis)).or_else(|| Some((&of_task?.purpose, Basis::Task)));
    told.purpose = known.map(|(value, basis)| PurposeV1 { value: value.as_str().into(), basis: basis.as_str().into() });
    told.source = Some(SourceV1 {
        address: Some(facts.source.address.to_string().into()),
        zone: facts.source.zone.as_ref().map(|zone| zone.as_str().into()),
        environment: facts.source.zone.as_ref().and_then(|zone| Some(zone.environment.as_ref()?.name.as_str().into())),
        user_agent: facts.source.user_agent.as_deref().map(scrub),
        tls_fingerprint: facts.source.tls.as_deref().map(Cow::Borrowed),
        country: facts.source.country.as_ref().map(|country| country.as_str().into()),
        network: facts.source.network.map(|network| network.to_string().into()),
        reputation: facts.source.listing.as_deref().map(|listing| listing.names().into()),
        known: event.ruling.place_known,
    });
    told.request = request(&facts.request, operation);
    told.api = facts.api.as_deref().map(|api| ApiV1 {
        name: api.name.as_str().into(),
        owner: Some(api.policy_owner.as_str().into()),
        business_function: api.business_function.as_deref().map(Cow::Borrowed),
        sensitivity: Some(api.sensitivity.as_str().into()),
    });
    told.operation = operation.map(|operation| operation.id.as_str().into());
    told.class = operation.map(|operation| operation.class.as_str().into());
    told.method = has_request.then(|| scrub(facts.request.method.as_str()));
    told.path = has_request.then(|| scrub(&facts.request.path));
    told.resource = facts.resource.as_deref().map(scrub);
    told.stopped = facts.stopped.map(|stopped| stopped.reason.code().into());
    told.ruling = Some(ruling(&event.ruling));
    if event.kind != EventKind::Opened {
        told.ending = Some(event.outcome.ending.as_str().into());
        told.duration_us = Some(micros(event.outcome.end.since(facts.time)));
    }
    told.client_status = event.outcome.client_status;
    told.upstream = event.outcome.upstream.as_ref().map(upstream);
    told.effect = event.outcome.effect.as_deref().map(scrub);
    told.token_parents = parents(event).iter().map(|parent| scrub(parent)).collect();
    told.snapshot = Some(event.snapshot);
    told.judge_order = Some(event.judge_order);
    told
}

/// Whoever asks the token service shows no token that came of another: what is said there is of the one that it is about.
fn parents(event: &Event) -> &[Box<str>] {
    let shown = event.facts.caller.as_ref().and_then(|caller| caller.delegation.as_deref());
    match &*event.outcome.came_of.tokens {
        [] => shown.map_or(&[], |delegation| &delegation.parents),
        told => told,
    }
}

/// A management change as it is written.
pub(crate) fn change<'a>(change: &'a ChangeRecord, edge: &'a str, seq: u64) -> EventV1<'a> {
    let kind = if &*change.kind == CONTAINMENT { Kind::Containment } else { Kind::Change };
    let mut told = bare(edge, seq, kind, change.time);
    told.change = Some(ChangeV1 {
        actor: scrub(&change.actor),
        what: scrub(&change.what),
        kind: scrub(&change.kind),
        name: scrub(&change.name),
        reason: change.reason.as_deref().map(scrub),
        of: change.of.iter().map(|identity| scrub(identity)).collect(),
    });
    told
}

/// A finding as it is written.
pub(crate) fn finding<'a>(finding: &'a FindingRecord, edge: &'a str, seq: u64) -> EventV1<'a> {
    let mut told = bare(edge, seq, Kind::Finding, finding.time);
    told.finding = Some(FindingV1 {
        code: scrub(&finding.code),
        severity: scrub(&finding.severity),
        kind: scrub(&finding.kind),
        name: scrub(&finding.name),
        what: scrub(&finding.what),
    });
    told
}

/// An event that tells nothing yet. Its `id` is made of edge and number where somebody reads it: no record has it.
pub(crate) fn bare(edge: &str, seq: u64, kind: Kind, time: Time) -> EventV1<'_> {
    EventV1 {
        v: VERSION,
        time_us: time.as_micros(),
        seq,
        id: Cow::Borrowed(""),
        kind,
        request_id: None,
        trace_id: None,
        door: None,
        edge: edge.into(),
        identity: None,
        credential: None,
        proof: None,
        token: None,
        token_parents: Vec::new(),
        lane: None,
        on_behalf_of: None,
        actors: Vec::new(),
        grant: None,
        purpose: None,
        task: None,
        source: None,
        request: None,
        api: None,
        operation: None,
        class: None,
        method: None,
        path: None,
        resource: None,
        stopped: None,
        ruling: None,
        ending: None,
        duration_us: None,
        client_status: None,
        upstream: None,
        effect: None,
        snapshot: None,
        judge_order: None,
        change: None,
        finding: None,
        erased: false,
    }
}

const fn kind(kind: EventKind) -> Kind {
    match kind {
        EventKind::Request => Kind::Request,
        EventKind::Opened => Kind::Opened,
        EventKind::Closed => Kind::Closed,
        EventKind::Connection => Kind::Connection,
    }
}

fn describe_caller<'a>(told: &mut EventV1<'a>, caller: &'a Caller, now: Time) {
    let identity = &*caller.identity;
    told.identity = Some(IdentityV1 {
        id: identity.id.as_str().into(),
        name: Some(identity.id.as_str().into()),
        kind: Some(identity.kind.as_str().into()),
        team: identity.team.as_ref().map(|team| team.as_str().into()),
        owner: Some(identity.owner.as_str().into()),
        environment: Some(identity.environment.name.as_str().into()),
        quality: Some(identity.quality),
    });
    told.credential = caller.credential.as_deref().map(|credential| CredentialV1 {
        id: credential.id.as_str().into(),
        kind: Some(credential.kind.as_str().into()),
        bound: Some(caller.proof.bound),
    });
    told.proof = Some(ProofV1 { kind: caller.proof.kind.as_str().into(), bound: caller.proof.bound, age_s: caller.proof.age_s(now) });
    told.token = caller.token.as_ref().map(|token| TokenV1 {
        id: Some(scrub(&token.id)),
        issuer: Some(scrub(&token.issuer)),
        audience: token.audience.iter().map(|audience| scrub(audience)).collect(),
        scopes: token.scopes.iter().map(|scope| scrub(scope)).collect(),
    });
    told.lane = Some(caller.lane().as_str().into());
    told.on_behalf_of = caller.on_behalf_of.as_deref().map(Cow::Borrowed);
    told.actors = caller.actors.iter().map(|actor| actor.as_str().into()).collect();
    told.task = caller.task.as_ref().map(|task| task.as_str().into());
}

fn request<'a>(request: &'a RequestFacts, operation: Option<&Operation>) -> Option<RequestV1<'a>> {
    let told = RequestV1 {
        host: (!request.host.is_empty()).then(|| scrub(&request.host)),
        query: request.query.as_deref().zip(operation).and_then(|(query, operation)| read_part(query, &operation.query)),
        content_type: request.content_type.as_deref().map(scrub),
        length: request.length,
    };
    (told != RequestV1::default()).then_some(told)
}

/// Of a query, only the parameters that a policy or rule reads: the rest may hold anything.
fn read_part(query: &str, read: &[Box<str>]) -> Option<Cow<'static, str>> {
    let mut kept = String::new();
    for pair in query.split('&') {
        let name = decoded(pair.split_once('=').map_or(pair, |(name, _)| name));
        if read.iter().any(|listed| listed.as_bytes() == &*name) {
            if !kept.is_empty() {
                kept.push('&');
            }
            kept.push_str(&scrub(pair));
        }
    }
    (!kept.is_empty()).then_some(Cow::Owned(kept))
}

/// A parameter's name without percent-encoding; `+` is a space (URL Standard §5.1).
fn decoded(name: &str) -> Cow<'_, [u8]> {
    if !name.contains(['%', '+']) {
        return Cow::Borrowed(name.as_bytes());
    }
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    loop {
        rest = match rest {
            [] => return Cow::Owned(plain),
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok()).unwrap_or(0);
                plain.push((digit(*high) << 4) | digit(*low));
                after
            }
            [b'+', after @ ..] => {
                plain.push(b' ');
                after
            }
            [byte, after @ ..] => {
                plain.push(*byte);
                after
            }
        };
    }
}

fn ruling(ruling: &Ruling) -> RulingV1<'_> {
    let (delay_us, challenge) = match ruling.response {
        Response::Slow { delay } => (Some(micros(delay)), None),
        Response::Challenge { kind: Challenge::Possession } => (None, Some("possession".into())),
        Response::Challenge { kind: Challenge::StepUp } => (None, Some("step_up".into())),
        Response::Allow | Response::Block => (None, None),
    };
    RulingV1 {
        response: ruling.response.as_str().into(),
        enforced: ruling.enforced,
        code: ruling.reason().code().into(),
        reasons: ruling.reasons.iter().map(|reason| reason.code().into()).collect(),
        policies: ruling.policies.iter().map(|policy| policy.as_str().into()).collect(),
        risk: ruling.risk,
        signals: ruling.signals.iter().map(signal).collect(),
        delay_us,
        challenge,
        would: ruling.would.map(|would| would.as_str().into()),
    }
}

fn signal(part: &Contribution) -> SignalV1<'static> {
    SignalV1 { name: part.signal.as_str().into(), value: f64::from(part.value), weight: f64::from(part.weight) }
}

fn upstream(outcome: &UpstreamOutcome) -> UpstreamV1<'_> {
    UpstreamV1 {
        name: scrub(&outcome.name),
        status: outcome.status,
        latency_us: micros(outcome.latency),
        bytes_in: outcome.bytes_in,
        bytes_out: outcome.bytes_out,
        records: outcome.records,
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
