//! The token service in this process: the edge routes and judges, `wardgate-issuer` answers, here they meet. What has to be put on
//! record before an answer is done here too.

use crate::{
    api::Management,
    clock,
    config::{Config, Listener},
    control::{Control, aside},
    tasks::{self, budgets::Drawer},
};
use bytes::Bytes;
use http::{Response, StatusCode};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use wardgate_edge::{Answering, ClientCertificates, Drawing, InProcess, InProcessCall};
use wardgate_issuer::{
    answer::{self, Error, Refusal, marked},
    exchange::{self, Asked, Outcome, Terms},
    once,
    place::{Mutual, Place},
    revocations::Revocations,
};
use wardgate_model::{
    api::{Api, Doors, HostPattern},
    contain::Containable,
    diagnostic::{Diagnostic, Place as Spot},
    facts::Facts,
    id::{ApiName, TaskId},
    resource::Kind,
    time::Time,
    trust::Vouches,
};
use wardgate_proof::entropy::SystemEntropy;
use wardgate_resources::Inventory;
use wardgate_store::{Actor, Once, StoredContainment, Who};

/// For how long an ended token is kept on record: longer than any lives.
const ENDED_KEPT: Duration = Duration::from_hours(2);
/// What is recorded of an assertion that another gate on the same store has taken: the gates that judged it let it in.
const REPLAYED: &str = "refused assertion=replayed";
/// For how long after its end it is kept on record that an assertion was shown: gates' clocks differ, and each takes it a little longer.
const ONCE_KEPT_US: i64 = 120_000_000;
/// How often it is looked what of that is over.
const SWEPT_EVERY: Duration = Duration::from_mins(10);

/// Everything that answers in this process.
#[derive(Debug, Clone)]
pub struct Inside {
    management: Management,
    tokens: Arc<TokenService>,
    drawer: Arc<Drawer>,
}

impl Inside {
    /// All of them.
    #[must_use]
    pub fn new(management: Management, tokens: TokenService, drawer: Arc<Drawer>) -> Self {
        Self { management, tokens: Arc::new(tokens), drawer }
    }
}

impl InProcess for Inside {
    fn call(&self, call: InProcessCall) -> Answering {
        let of_tasks = call.facts.api.as_deref().is_some_and(Api::is_tasks);
        if !of_tasks && !call.facts.api.as_deref().is_some_and(Api::is_issuer) {
            return self.management.call(call);
        }
        let tokens = Arc::clone(&self.tokens);
        // It is done to its end, whoever waits for it still.
        let running = self
            .tokens
            .runtime
            .spawn(async move { if of_tasks { tasks::answer(&tokens.control, &call).await } else { tokens.answer(&call).await } });
        Box::pin(async move { running.await.unwrap_or_else(|_| broken()) })
    }

    fn draw(&self, task: &TaskId) -> Drawing {
        let (drawer, task) = (Arc::clone(&self.drawer), task.clone());
        let running = self.tokens.runtime.spawn(async move { drawer.draw(&task).await });
        Box::pin(async move { running.await.unwrap_or(false) })
    }
}

fn broken() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// The token service.
pub struct TokenService {
    control: Arc<Control>,
    runtime: tokio::runtime::Handle,
    revocations: Mutex<Revocations>,
}

impl std::fmt::Debug for TokenService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenService")
    }
}

impl TokenService {
    /// The token service of a control side.
    #[must_use]
    pub fn new(control: Arc<Control>, runtime: tokio::runtime::Handle) -> Self {
        Self { control, runtime, revocations: Mutex::default() }
    }

    async fn answer(&self, call: &InProcessCall) -> Response<Bytes> {
        let asked = Asked { facts: &call.facts, body: &call.body };
        if let Some(refusal) = self.shown_before(asked).await {
            return refusal;
        }
        let outcome = {
            let snapshot = self.control.gate().snapshot();
            let terms = Terms { life: self.control.config().tokens.life };
            // The key that signs may be in a module, which takes its time.
            aside(|| exchange::answer(asked, terms, &snapshot, &SystemEntropy, clock::now()))
        };
        match outcome {
            Outcome::Answer(response) => response,
            Outcome::End { token, then } => self.end(&call.facts, &token, then).await,
        }
    }

    /// The refusal of an assertion that another gate on the same store has taken. Where the store does not answer nobody knows, and none
    /// is taken.
    async fn shown_before(&self, asked: Asked<'_>) -> Option<Response<Bytes>> {
        let mark = once::mark(asked).filter(|_| self.control.store().is_shared())?;
        match self.control.store().once(&mark.text, mark.ends, clock::now()).await {
            Ok(Once::First) => None,
            Ok(Once::Again) => {
                let caller = asked.facts.caller.as_ref();
                let identity = caller.map(|caller| caller.identity.id.as_str());
                let credential = caller.and_then(|caller| caller.credential.as_ref()).map(|credential| credential.id.to_string());
                tracing::warn!(
                    identity,
                    credential,
                    "an assertion that another gate has taken is shown again: somebody may have caught it"
                );
                // It was let in by then: what it costs its source, and that it was refused, is said here.
                let gate = self.control.gate();
                gate.meters().charge_failed_proof(gate.snapshot().limits(), asked.facts.source.address, clock::now());
                let refused = Refusal::new(Error::InvalidClient, "the client cannot be authenticated").response();
                Some(marked(refused, REPLAYED))
            }
            Err(fault) => {
                tracing::warn!(%fault, "whether an assertion was shown before cannot be told");
                Some(Refusal::new(Error::Unavailable, "the client cannot be authenticated at present: try again").response())
            }
        }
    }

    /// Ends a token: it is on record and obeyed here when this returns, and obeyed elsewhere as soon as the feed tells of it.
    async fn end(&self, facts: &Facts, token: &str, then: Response<Bytes>) -> Response<Bytes> {
        let Some(caller) = &facts.caller else { return Refusal::new(Error::Server, "nobody asks").response() };
        if let Ok(Some(stop)) = self.control.store().containment(Containable::Token, token).await
            && stop.is_for_good()
        {
            return answer::empty();
        }
        let counts = || self.revocations.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counts().count(&caller.identity.id, clock::now());
        if let Err(seconds) = counted {
            // RFC 7009 §2.2.1: it is good still. Every gate hears of each.
            let told = "this client has ended as many tokens as it may for now: have it contained if they are lost";
            return Refusal::new(Error::Unavailable, told).after(seconds).response();
        }
        let ended = self.control.store().end_token(Who::Identity(caller.identity.id.clone()), token, clock::now()).await;
        let obeyed = match ended {
            Ok(ended) => self.control.obey_stop(ended.revision, Containable::Token, token).await,
            Err(fault) => {
                tracing::warn!(%fault, "a token could not be ended");
                counts().give_back(&caller.identity.id);
                // RFC 7009 §2.2.1: it is good still, and the client may come again.
                return Refusal::new(Error::Unavailable, "the token could not be ended: try again").response();
            }
        };
        if let Err(fault) = obeyed {
            tracing::error!(%fault, "a token is ended on record and here; the feed that tells of it cannot be read");
        }
        then
    }
}

/// Forgets ended tokens that have ended by themselves since; for as long as the process runs.
pub async fn forget_ended(control: Arc<Control>) {
    let mut tick = tokio::time::interval(SWEPT_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let now = clock::now();
        if control.store().is_shared()
            && let Err(fault) = control.store().forget_once(Time::from_micros(now.as_micros().saturating_sub(ONCE_KEPT_US))).await
        {
            tracing::debug!(%fault, "what counts once stays on record for now");
        }
        let Ok(contained) = control.store().containments().await else { continue };
        let over = contained.into_iter().filter(|one| is_over(one, now));
        let actor = Actor::new(Who::Process, "it has ended by itself since");
        for one in over {
            if let Err(fault) = control.store().forget_ended(&actor, &one.name, now).await {
                tracing::debug!(%fault, "an ended token stays on record for now");
            }
        }
    }
}

/// Whether a stop is one that a client made of its own token, which has ended by itself since.
fn is_over(stop: &StoredContainment, now: Time) -> bool {
    stop.is_for_good() && now.since(stop.since) >= ENDED_KEPT
}

/// The addresses by which APIs are called: what clients name as `resource`, and what stands in tokens as their audience.
///
/// They are made of what clients call the listeners: scheme and port are the listener's, the host is the API's own where it has one.
pub(crate) fn addresses(config: &Config, apis: &[Arc<Api>]) -> Vec<(Box<str>, ApiName)> {
    let urls = config.listeners.iter().filter_map(|listener| listener.public_url.as_deref()).chain([config.issuer.as_str()]);
    let places: Vec<Place> = urls.filter_map(Place::parse).collect();
    let mut found = BTreeMap::new();
    let called = apis.iter().filter(|api| api.doors != Doors::Admin);
    let pairs = || called.clone().flat_map(|api| api.hosts.iter().map(move |host| (api, host)));
    // One that answers for this very host goes before one that answers for every host, as in routing.
    for (api, _) in pairs().filter(|(_, host)| matches!(host, HostPattern::Any)) {
        found.extend(places.iter().map(|place| (format!("{}{}", place.origin(), api.path_prefix), api.name.clone())));
    }
    for (api, host) in pairs() {
        let HostPattern::Exact(host) = host else { continue };
        found.extend(places.iter().filter_map(|place| {
            let (scheme, port) = place.origin().split_once("://").map(|(scheme, rest)| (scheme, port(rest)))?;
            Some((format!("{scheme}://{host}{port}{}", api.path_prefix), api.name.clone()))
        }));
    }
    found.into_iter().map(|(address, name)| (address.into(), name)).collect()
}

/// Where clients may prove themselves to the token service by certificates: on a listener that asks for them, under the service's own host.
pub(crate) fn mutual(config: &Config, place: &Place) -> Mutual {
    let asks = |listener: &&Listener| listener.tls.as_ref().is_some_and(|tls| tls.clients != ClientCertificates::Off);
    let urls = config.listeners.iter().filter(asks).filter_map(|listener| listener.public_url.as_deref());
    let places: Vec<Place> = urls.filter_map(Place::parse).filter(|other| other.host() == place.host()).collect();
    match places.first() {
        None => Mutual::Nowhere,
        Some(_) if places.iter().any(|other| other.origin() == place.origin()) => Mutual::Here,
        Some(other) => Mutual::At(other.origin().into()),
    }
}

/// `:PORT` of an authority, where it has one.
fn port(authority: &str) -> &str {
    let host_end = authority.rfind(']').map_or(0, |at| at + 1);
    let rest = authority.get(host_end..).unwrap_or_default();
    rest.find(':').and_then(|at| rest.get(at..)).unwrap_or_default()
}

/// What is where our token service is: APIs, and a trust source that calls itself as it does.
pub(crate) fn clashes(inventory: &Inventory, place: &Place) -> Vec<Diagnostic> {
    let prefix = place.prefix();
    let tasks = place.tasks();
    let below = |path: &str, prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let within = |path: &str| below(path, &prefix) || below(path, &tasks);
    let here = |host: &HostPattern| match host {
        HostPattern::Any => true,
        HostPattern::Exact(host) => **host == *place.host(),
    };
    let spot = |kind: Kind, name: &str| inventory.places.get(&(kind, name.into())).cloned().unwrap_or_else(|| Spot::file("resources"));
    let error = |api: &Api, at: &str| {
        let what = format!("Api `{}`: {at}: our own token service is at `{prefix}` and `{tasks}` of `{}`", api.name, place.host());
        let mend = "match another path, or give the token service a host of its own by `issuer.url` in wardgate.yaml";
        Diagnostic::error(spot(Kind::Api, api.name.as_str()), "api.issuer", what).mend(mend)
    };
    let mut found = Vec::new();
    for api in inventory.apis.iter().filter(|api| api.doors != Doors::Admin && api.hosts.iter().any(here)) {
        if within(&api.path_prefix) {
            found.push(error(api, "`match`"));
        } else {
            // A longer prefix wins, and metadata is answered before there is any routing.
            let shadowed = |path: &str| within(path) || place.is_metadata(path);
            let operations = api.operations.iter().filter(|operation| shadowed(operation.template.as_str()));
            found.extend(operations.map(|operation| error(api, &format!("`{} {}`", operation.method, operation.template.as_str()))));
        }
    }
    for source in &inventory.trust {
        let Vouches::Tokens(issuer) = &source.vouches else { continue };
        if issuer.issuer.trim_end_matches('/') == place.url() {
            let what = format!("TrustSource `{}`: `issuer`: `{}` is our own token service", source.name, issuer.issuer);
            let mend = "take it out: tokens of our own count for APIs that accept `jwt`, without a trust source";
            found.push(Diagnostic::error(spot(Kind::TrustSource, source.name.as_str()), "trust.issuer", what).mend(mend));
        }
    }
    found.extend(served(inventory));
    found
}

/// Identities that say to stand behind an API that their owner does not answer for: it would count for nothing.
fn served(inventory: &Inventory) -> impl Iterator<Item = Diagnostic> {
    let pairs = inventory.identities.iter().flat_map(|spec| spec.identity.serves.iter().map(move |api| (&spec.identity, api)));
    pairs.filter_map(|(identity, name)| {
        let api = inventory.apis.iter().find(|api| api.name == *name)?;
        if identity.owner == api.policy_owner || Some(&identity.owner) == api.business_owner.as_ref() {
            return None;
        }
        let place = inventory.places.get(&(Kind::Identity, identity.id.as_str().into())).cloned();
        let what = format!("Identity `{}`: `serves`: its owner `{}` does not answer for the API `{name}`", identity.id, identity.owner);
        let mend = format!("only a workload of `{}`, who answers for it, stands behind it", api.policy_owner);
        Some(Diagnostic::warning(place.unwrap_or_else(|| Spot::file("resources")), "identity.serves", what).mend(mend))
    })
}

#[cfg(test)]
mod tests;
