//! Calls that somebody else recorded, judged as if they came now: what a log tells of a request, made facts, and what such facts are
//! judged against.
//!
//! Rooms 1 to 3 look at them as at any request. Rooms 4 to 6 have nothing to look at: a log shows no proof, so who called is what the log
//! says, and nobody has verified it. From there on it is [`decide`](crate::decide), the only judge there is. Nothing is ever forwarded, so
//! upstreams are shown nothing and no secret of theirs is needed.

/// What a query reads as, here as in room 9.
pub use wardgate_abuse::inspect::form::pairs;

use crate::{
    assertion::Mint,
    canon,
    denied::Denied,
    route::{self, Found},
    snapshot::{Estate, Population, Snapshot, World},
};
use http::Method;
use std::{net::IpAddr, sync::Arc};
use wardgate_abuse::{Limits, MeterBounds, Meters, Unrecorded};
use wardgate_model::{
    api::{Api, Upstream, UpstreamIdentity},
    facts::{Caller, ContentFacts, Door, Facts, RequestFacts, SourceFacts, Stopped},
    grant::Grant,
    id::RequestId,
    inventory::{Identity, Zone},
    proof::ProofFacts,
    reason::Reason,
    time::Time,
};
use wardgate_policy::PolicySet;
use wardgate_proof::{
    api_key::Pepper,
    jose::signer::{SignError, Signer},
};

/// The longest path that is kept of a request whose path has not one meaning, in characters.
const STRANGE_MAX: usize = 256;

/// What a log tells of a request.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'r> {
    /// The id that it is given.
    pub id: RequestId,
    /// When it came: the `now` of its ruling.
    pub time: Time,
    /// Method.
    pub method: &'r Method,
    /// Host in lower case, without a port; empty where the log has none.
    pub host: &'r str,
    /// The path as it was sent, without the query.
    pub path: &'r str,
    /// The query, without `?`.
    pub query: Option<&'r str>,
    /// Where it came from.
    pub source: IpAddr,
    /// The declared user agent.
    pub user_agent: Option<&'r str>,
    /// Who called, as the log says.
    pub caller: &'r Caller,
}

/// What recorded calls are judged against.
#[derive(Debug)]
pub struct Ground {
    /// APIs.
    pub apis: Vec<Arc<Api>>,
    /// Grants: their permits are in `policies`, their purposes and ends here.
    pub grants: Vec<Arc<Grant>>,
    /// Zones.
    pub zones: Vec<Zone>,
    /// The compiled policies.
    pub policies: Arc<PolicySet>,
    /// The compiled limits; `None`: those that ship.
    pub limits: Option<Arc<Limits>>,
}

/// The cryptographic library made no key.
#[derive(Debug, thiserror::Error)]
#[error("no key could be made: {0}")]
pub struct NoKey(#[from] SignError);

impl Ground {
    /// Makes it a snapshot. Its keys are made for it and never used: nothing that is recorded goes anywhere.
    ///
    /// # Errors
    /// When there are none.
    pub fn into_snapshot(self) -> Result<Snapshot, NoKey> {
        let signer = Signer::load(Signer::generate()?.danger_expose())?;
        let shipped = || Arc::new(Limits::compile(&Limits::shipped().into_iter().map(Arc::new).collect::<Vec<_>>()));
        let estate = Estate::build(World {
            apis: self.apis.iter().map(|api| Arc::new(unreached(api))).collect(),
            grants: self.grants,
            zones: self.zones,
            secrets: Vec::new(),
            policies: self.policies,
            limits: self.limits.unwrap_or_else(shipped),
            pepper: Arc::new(Pepper::new(&[0; 32])),
            mint: Arc::new(Mint::new(signer, "https://replay.invalid".into())),
            denied: Arc::new(Denied::default()),
            body_bytes_max: u64::MAX,
        });
        Ok(Snapshot::new(1, Population::default(), Arc::new(estate)))
    }
}

/// Meters that count nothing yet and write nothing down.
#[must_use]
pub fn meters() -> Meters {
    Meters::new(Arc::new(Unrecorded), MeterBounds::default())
}

/// The API with an upstream that is shown nothing, and however old the last word of the store is.
fn unreached(api: &Api) -> Api {
    let upstream = Upstream { identity: UpstreamIdentity::Keep, transactions: None, ..api.upstream.clone() };
    Api { upstream, stale_after: None, ..api.clone() }
}

/// A caller that nothing was verified of but who the log says that it is.
#[must_use]
pub fn caller(identity: Arc<Identity>, proof: ProofFacts) -> Caller {
    Caller {
        identity,
        credential: None,
        proof,
        token: None,
        on_behalf_of: None,
        actors: smallvec::SmallVec::new(),
        holds: None,
        delegation: None,
        task: None,
    }
}

/// Facts of no request, to be written over by [`relate`].
#[must_use]
pub fn nothing() -> Facts {
    let request = RequestFacts {
        method: Method::GET,
        host: Box::default(),
        path: Box::default(),
        query: None,
        content_type: None,
        length: None,
        content: ContentFacts::default(),
        retry: None,
    };
    Facts {
        id: RequestId::new(Time::default(), 0),
        time: Time::default(),
        door: Door::Described,
        trace: None,
        request,
        source: SourceFacts::at(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)),
        api: None,
        operation: None,
        resource: None,
        caller: None,
        purpose: None,
        stopped: None,
        unknown: None,
        assessed: None,
    }
}

/// Rooms 1 to 3 for a recorded request: `facts`, those of another one, become its own. What both have is left where it is, so that a long
/// log costs few allocations.
pub fn relate(facts: &mut Facts, recorded: &Recorded<'_>, snapshot: &Snapshot, meters: &Meters) {
    (facts.id, facts.time) = (recorded.id, recorded.time);
    if facts.request.method != *recorded.method {
        facts.request.method = recorded.method.clone();
    }
    put(&mut facts.request.host, recorded.host);
    put_or_none(&mut facts.request.query, recorded.query);
    put_or_none(&mut facts.source.user_agent, recorded.user_agent);
    let same = facts.caller.as_ref().is_some_and(|caller| is_same(caller, recorded.caller));
    if !same {
        facts.caller = Some(recorded.caller.clone());
    }
    let address = canon::address(recorded.source);
    facts.source.address = address;
    facts.source.zone = snapshot.zone(address).cloned();
    facts.source.look_up(snapshot.atlas());
    facts.stopped = None;
    if let Err(reason) = route(facts, recorded, snapshot) {
        facts.stopped = Some(Stopped::because(reason));
        return;
    }
    if let Err(refusal) = meters.admit_source(snapshot.limits(), address, recorded.time) {
        facts.stopped = Some(Stopped { retry_after_s: refusal.retry_after_s, ..Stopped::because(refusal.reason) });
    }
}

/// Rooms 1 and 2.
fn route(facts: &mut Facts, recorded: &Recorded<'_>, snapshot: &Snapshot) -> Result<(), Reason> {
    let refused = |facts: &mut Facts, api: Option<Arc<Api>>, reason| {
        (facts.api, facts.operation, facts.resource) = (api, None, None);
        Err(reason)
    };
    let canonical = match canon::path(recorded.path) {
        Some(canonical) if !matches!(*recorded.method, Method::CONNECT | Method::TRACE) => canonical,
        canonical => {
            facts.request.path = recorded.path.chars().take(STRANGE_MAX).collect();
            return refused(facts, None, if canonical.is_some() { Reason::CanonMethod } else { Reason::CanonPath });
        }
    };
    put(&mut facts.request.path, &canonical);
    let Some((api, trie)) = snapshot.routes().api(recorded.host, &canonical, Door::Described) else {
        return refused(facts, None, Reason::RouteNoApi);
    };
    match trie.find(recorded.method, &canonical) {
        Found::Operation(operation) => {
            put_or_none(&mut facts.resource, route::named(operation, &canonical));
            keep(&mut facts.api, api);
            keep(&mut facts.operation, operation);
            Ok(())
        }
        Found::OtherMethods => refused(facts, Some(Arc::clone(api)), Reason::RouteNoMethod),
        Found::Nothing => refused(facts, Some(Arc::clone(api)), Reason::RouteNoOperation),
    }
}

fn is_same(one: &Caller, other: &Caller) -> bool {
    let credential = |caller: &Caller| caller.credential.as_ref().map(Arc::as_ptr);
    Arc::ptr_eq(&one.identity, &other.identity) && credential(one) == credential(other) && one.proof == other.proof
}

fn keep<T>(place: &mut Option<Arc<T>>, value: &Arc<T>) {
    if !place.as_ref().is_some_and(|known| Arc::ptr_eq(known, value)) {
        *place = Some(Arc::clone(value));
    }
}

fn put(place: &mut Box<str>, text: &str) {
    if **place != *text {
        *place = text.into();
    }
}

fn put_or_none(place: &mut Option<Box<str>>, text: Option<&str>) {
    match (place.as_mut(), text) {
        (Some(place), Some(text)) => put(place, text),
        _ => *place = text.map(Into::into),
    }
}

#[cfg(test)]
mod tests;
