//! From an event back to the facts that were judged.
//!
//! Who called, which API and which operation are looked up in the snapshot of then: the event has their names, and the judge reads more
//! of them. All else stands in the event. A secret that was cut out of a text is cut out of the facts too, and of the query only
//! what a rule reads is recorded.

use http::Method;
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use wardgate_audit::event_v1::{CredentialV1, EventV1, ProofV1, SignalV1, SourceV1, TokenV1};
use wardgate_gate::Snapshot;
use wardgate_model::{
    api::{Api, Operation},
    atlas::{AsNumber, Country, Listing},
    credential::{Credential, CredentialKind, CredentialState},
    facts::{
        Acting, Basis, Caller, ContentFacts, Delegation, Door, Facts, Purpose, RequestFacts, SourceFacts, SourceZone, Stopped, TokenFacts,
    },
    id::{CredentialId, IdentityId, PurposeName, RequestId, TaskId, ZoneName},
    inventory::Identity,
    proof::{ProofFacts, ProofKind},
    reason::Reason,
    risk::{Assessment, Contribution, Signal},
    time::Time,
};

/// What the facts cannot be made without.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Missing {
    /// The event does not have it, or not in a form that is known here.
    #[error("the event's `{0}` cannot be read")]
    Member(&'static str),
    /// What told of a person was taken out of it: nobody can say any more what was judged.
    #[error("the event has no source address: what may tell of a person was erased from it")]
    Erased,
    /// It was not on record then.
    #[error("the snapshot has no {0} `{1}`")]
    Unknown(&'static str, Box<str>),
    /// The snapshot cannot be made again.
    #[error("{0}")]
    Snapshot(Box<str>),
    /// Nothing was judged: the request was not understood, or broke off before.
    #[error("it was never judged: {0}")]
    NeverJudged(Box<str>),
}

/// The facts of an event, as they were in this snapshot.
pub(super) fn facts(event: &EventV1<'_>, snapshot: &Snapshot) -> Result<Facts, Missing> {
    let member = Missing::Member;
    let id = event.request_id.as_deref().and_then(RequestId::parse).ok_or(member("request_id"))?;
    let door = event.door.as_deref().and_then(Door::parse).ok_or(member("door"))?;
    let time = Time::from_micros(event.time_us);
    let stopped = match event.stopped.as_deref() {
        None => None,
        Some(code) => Some(Stopped::because(Reason::parse(code).ok_or(member("stopped"))?)),
    };
    let source = event.source.as_ref();
    // Each request came from somewhere. One that was never judged may lack a path, one that was erased lacks both.
    let address = source.and_then(|source| source.address.as_deref()).ok_or(Missing::Erased)?;
    let (Some(method), Some(path)) = (event.method.as_deref(), event.path.as_deref()) else {
        return Err(Missing::NeverJudged(why_not(event)));
    };
    let api = event.api.as_ref().map(|api| find_api(&api.name, snapshot)).transpose()?;
    let operation = event.operation.as_deref().map(|name| find_operation(name, api.as_deref())).transpose()?;
    let task = task_shown(event, api.as_deref());
    let caller = caller(event, task, time, snapshot)?;
    if stopped.is_none() && (caller.is_none() || api.is_none() || operation.is_none()) {
        return Err(Missing::NeverJudged(why_not(event)));
    }
    let request = event.request.as_ref();
    let zone = source
        .and_then(|source| source.zone.as_deref())
        .map(ZoneName::parse)
        .transpose()
        .map_err(|_| member("source.zone"))?
        .map(SourceZone::from);
    let address = address.parse().map_err(|_| member("source.address"))?;
    let user_agent = source.and_then(|source| source.user_agent.as_deref()).map(Into::into);
    let tls = source.and_then(|source| source.tls_fingerprint.as_deref()).map(Into::into);
    Ok(Facts {
        id,
        time,
        door,
        trace: None,
        request: RequestFacts {
            method: Method::from_bytes(method.as_bytes()).map_err(|_| member("method"))?,
            host: request.and_then(|request| request.host.as_deref()).unwrap_or_default().into(),
            path: path.into(),
            query: request.and_then(|request| request.query.as_deref()).map(Into::into),
            content_type: request.and_then(|request| request.content_type.as_deref()).map(Into::into),
            length: request.and_then(|request| request.length),
            retry: None,
            content: ContentFacts { refused: refused_by_inspection(event), ..ContentFacts::default() },
        },
        source: SourceFacts { address, zone, user_agent, tls, ..looked_up(source)? },
        api,
        operation,
        resource: event.resource.as_deref().map(Into::into),
        caller,
        unknown: None,
        assessed: Some(Box::new(assessment(event)?)),
        purpose: purpose(event, task)?,
        stopped,
    })
}

/// What files of then said of the address.
fn looked_up(source: Option<&SourceV1<'_>>) -> Result<SourceFacts, Missing> {
    let mut facts = SourceFacts::at(Ipv4Addr::UNSPECIFIED.into());
    let Some(source) = source else { return Ok(facts) };
    facts.country = read(source.country.as_deref(), "source.country", Country::parse)?;
    facts.network = read(source.network.as_deref(), "source.network", AsNumber::parse)?;
    facts.listing = source.reputation.as_deref().map(|names| Arc::new(Listing::recorded(names)));
    Ok(facts)
}

fn read<T>(text: Option<&str>, member: &'static str, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Missing> {
    text.map(|text| parse(text).ok_or(Missing::Member(member))).transpose()
}

/// Why its inspection refused it: there is nothing to inspect any more.
fn refused_by_inspection(event: &EventV1<'_>) -> Option<Reason> {
    let reason = Reason::parse(&event.ruling.as_ref()?.code)?;
    (reason.room() == "inspect").then_some(reason)
}

/// The risk as it was found then.
fn assessment(event: &EventV1<'_>) -> Result<Assessment, Missing> {
    let Some(ruling) = &event.ruling else { return Ok(Assessment::default()) };
    let part = |told: &SignalV1<'_>| {
        let signal = Signal::parse(&told.name).ok_or_else(|| Missing::Unknown("signal", told.name.as_ref().into()))?;
        Ok(Contribution { signal, value: whole(told.value), weight: u8::try_from(whole(told.weight).min(100)).unwrap_or(100) })
    };
    let place_known = event.source.as_ref().and_then(|source| source.known);
    Ok(Assessment { risk: ruling.risk, parts: ruling.signals.iter().map(part).collect::<Result<_, _>>()?, place_known })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "INVARIANT (whole): it is clamped to what a u32 holds")]
fn whole(number: f64) -> u32 {
    number.clamp(0.0, f64::from(u32::MAX)) as u32
}

fn why_not(event: &EventV1<'_>) -> Box<str> {
    event.ruling.as_ref().map_or("no ruling", |ruling| &*ruling.code).into()
}

fn find_api(name: &str, snapshot: &Snapshot) -> Result<Arc<Api>, Missing> {
    let api = snapshot.apis().iter().find(|api| api.name.as_str() == name);
    api.cloned().ok_or_else(|| Missing::Unknown("API", name.into()))
}

fn find_operation(name: &str, api: Option<&Api>) -> Result<Arc<Operation>, Missing> {
    let operation = api.and_then(|api| api.operations.iter().find(|operation| operation.id.as_str() == name));
    operation.cloned().ok_or_else(|| Missing::Unknown("operation", name.into()))
}

/// The task whose token was shown. Where a token or a task was asked for, the event tells of the one that was given out: nobody who shows
/// a token of a task is let in there.
fn task_shown<'e>(event: &'e EventV1<'_>, api: Option<&Api>) -> Option<&'e str> {
    let gives_out = api.is_some_and(|api| api.is_issuer() || (api.is_tasks() && event.resource.is_none()));
    event.task.as_deref().filter(|_| !gives_out)
}

/// The purpose that was judged: what the grant says is of the ruling, and what a task says that was not shown is of the answer.
fn purpose(event: &EventV1<'_>, task: Option<&str>) -> Result<Option<Purpose>, Missing> {
    let Some(told) = &event.purpose else { return Ok(None) };
    let value = PurposeName::parse(&told.value).ok();
    match value.zip(Basis::parse(&told.basis)).ok_or(Missing::Member("purpose"))? {
        (_, Basis::Registered) => Ok(None),
        (_, Basis::Task) if task.is_none() => Ok(None),
        (value, basis) => Ok(Some(Purpose { value, basis })),
    }
}

fn caller(event: &EventV1<'_>, task: Option<&str>, time: Time, snapshot: &Snapshot) -> Result<Option<Caller>, Missing> {
    let Some(told) = &event.identity else { return Ok(None) };
    let identity = match &*told.id {
        Identity::ANONYMOUS => Arc::clone(snapshot.anonymous()),
        name => {
            let id = IdentityId::parse(name).map_err(|_| Missing::Member("identity.id"))?;
            let known = snapshot.identity(&id).ok_or_else(|| Missing::Unknown("identity", name.into()))?;
            graded(known, told.quality)
        }
    };
    let proof = event.proof.as_ref().map_or(Ok(ProofFacts::NONE), |proof| self::proof(proof, time))?;
    let credential = event.credential.as_ref().map(|told| credential(told, &identity, proof)).transpose()?;
    let actors: Vec<IdentityId> =
        event.actors.iter().map(|actor| IdentityId::parse(actor)).collect::<Result<_, _>>().map_err(|_| Missing::Member("actors"))?;
    let credential = credential.map(Arc::new);
    let delegation = credential.as_ref().map(|credential| delegation(&actors, credential, snapshot)).transpose()?.flatten();
    let task = task.map(TaskId::parse).transpose().map_err(|_| Missing::Member("task"))?;
    Ok(Some(Caller {
        identity,
        credential,
        proof,
        token: event.token.as_ref().map(|told| Arc::new(token(told))),
        on_behalf_of: event.on_behalf_of.as_deref().map(Into::into),
        actors: actors.into(),
        holds: None,
        delegation,
        task,
    }))
}

/// The identity as it was graded then: that is on no record but in the event.
fn graded(known: &Arc<Identity>, quality: Option<u8>) -> Arc<Identity> {
    match quality.filter(|quality| *quality != known.quality) {
        Some(quality) => Arc::new(Identity { quality, ..Identity::clone(known) }),
        None => Arc::clone(known),
    }
}

/// Who acted. By what each was proven the event does not say, and no ruling depends on it.
fn delegation(actors: &[IdentityId], by: &Arc<Credential>, snapshot: &Snapshot) -> Result<Option<Arc<Delegation>>, Missing> {
    let acting = |actor: &IdentityId| {
        let identity = snapshot.identity(actor).ok_or_else(|| Missing::Unknown("identity", actor.as_str().into()))?;
        Ok(Acting { identity: Arc::clone(identity), credential: Arc::clone(by) })
    };
    let actors = actors.iter().map(acting).collect::<Result<Box<[Acting]>, Missing>>()?;
    Ok((!actors.is_empty()).then(|| Arc::new(Delegation { actors, parents: Box::default() })))
}

fn proof(told: &ProofV1<'_>, time: Time) -> Result<ProofFacts, Missing> {
    let kind = ProofKind::parse(&told.kind).ok_or(Missing::Member("proof.kind"))?;
    if kind == ProofKind::None {
        return Ok(ProofFacts::NONE);
    }
    let age = Duration::from_secs(u64::try_from(told.age_s).unwrap_or(0));
    let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    // To the second, which is as much as a policy sees of it.
    let since = Time::from_micros(time.as_micros().saturating_sub(age));
    Ok(ProofFacts { kind, bound: told.bound, fresh: false, since, ends: None })
}

/// As much of a credential as a ruling depends on.
fn credential(told: &CredentialV1<'_>, identity: &Identity, proof: ProofFacts) -> Result<Credential, Missing> {
    let id = CredentialId::parse(&told.id).ok_or(Missing::Member("credential.id"))?;
    let kind = told.kind.as_deref().and_then(CredentialKind::parse).ok_or(Missing::Member("credential.type"))?;
    Ok(Credential {
        id,
        identity: identity.id.clone(),
        name: Box::default(),
        kind,
        environment: identity.environment.name.clone(),
        sources: Box::default(),
        hash: None,
        binding: None,
        created: proof.since,
        expires: None,
        warn_from: None,
        task: None,
        state: CredentialState::Live,
    })
}

fn token(told: &TokenV1<'_>) -> TokenFacts {
    let list = |texts: &[std::borrow::Cow<'_, str>]| texts.iter().map(|text| (**text).into()).collect();
    TokenFacts {
        id: told.id.as_deref().unwrap_or_default().into(),
        issuer: told.issuer.as_deref().unwrap_or_default().into(),
        audience: list(&told.audience),
        scopes: list(&told.scopes),
    }
}
