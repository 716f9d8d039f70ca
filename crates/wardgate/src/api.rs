//! The management API in this process: the edge routes and judges, the console answers, here they meet.

mod access;
mod erasures;
mod explain;
pub(crate) mod findings;
pub(crate) mod sign_in;
mod surface;
pub(crate) mod timeline;

use crate::{bypass::Bypass, clock, control::Control, deliver::Deliveries, evidence, query::Asking, risks::Risks, surface::Surface, tasks};
use bytes::Bytes;
use erasures::Erasures;
use http::{Response, StatusCode};
use serde_json::Value;
use sign_in::SignIn;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use wardgate_audit::{
    event_v1::EventV1,
    reading::{self, Cursor, Filter, Since},
};
use wardgate_console::{
    AccessPage, AccessQuery, Around, Away, BoxFuture, Call, Code, Console, DeclaredQuery, DescribedRequest, Entry, Erasure, ErasureView,
    EventPage, EventQuery, FindingView, Finished, Found, Habits, HereStop, Journaled, Key, Manner, Minted, OpenNow, OpenRequests,
    OperationQuery, OperationView, Planned, Problem, QualityView, Question, Refused, SecretRotation, SignInStep, TimelineQuery,
    TimelineView, World, WorldFault, row_of,
};
use wardgate_edge::{Answering, Census, InProcess, InProcessCall};
use wardgate_governance::person;
use wardgate_issuer::tasks::Start;
use wardgate_model::{
    contain::Containable,
    credential::{Credential, CredentialKind, KeyedHash, SignatureScheme},
    facts::Facts,
    govern::Contract,
    id::{CredentialId, EnvironmentName, IdentityId, OwnerName, RequestId, SecretName, TaskId, TrustName},
    inventory::{Identity, Owner},
    secret::Secret,
    time::Time,
};
use wardgate_proof::{
    api_key::{self, KeyKind},
    entropy::SystemEntropy,
};
use wardgate_store::{Actor, Applied, ResourceChange, Sealed, StoredSecret, StoredTask};

/// How long the doors have to say who has requests open. They look many times a second.
const CENSUS_PATIENCE: Duration = Duration::from_millis(500);
/// How long whoever reads the log waits at the most until it holds what was recorded before.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(1);
/// In which time a request is recorded that was answered.
const RECORDED_WITHIN: Duration = Duration::from_millis(100);

/// The console, reachable from the doors. Its work runs on the control runtime, never on a door's thread.
#[derive(Clone)]
pub struct Management {
    console: Arc<Console>,
    sign_in: Option<Arc<SignIn>>,
    runtime: tokio::runtime::Handle,
}

impl std::fmt::Debug for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Management")
    }
}

impl Management {
    /// Puts a console in front of a control side, and a way in for people where one is configured.
    ///
    /// # Errors
    /// When the secret or the roots of `admin.sign_in` cannot be read.
    pub fn new(
        control: Arc<Control>,
        deliveries: Arc<Deliveries>,
        bypass: Bypass,
        risks: Arc<Risks>,
        surface: Arc<Surface>,
        census: Arc<Census>,
        runtime: tokio::runtime::Handle,
    ) -> anyhow::Result<Self> {
        let store = Arc::clone(control.store());
        let sign_in = SignIn::new(&control)?.map(Arc::new);
        let asking = Asking::about(&control.config().audit, evidence::environment(control.config())?);
        let erasures = Erasures::new(control.log(), &control.config().audit);
        let world = Ruled { control, deliveries, bypass, risks, surface, census, asking, erasures };
        Ok(Self { console: Arc::new(Console::new(store, Arc::new(world))), sign_in, runtime })
    }

    /// Says where the admin listener is: people are led back there.
    pub fn listens_at(&self, admin: SocketAddr) {
        if let Some(sign_in) = &self.sign_in {
            sign_in.listens_at(admin);
        }
    }

    /// Does what was approved and not done, because the process that was to do it ended.
    pub fn finish_approved(&self) {
        let console = Arc::clone(&self.console);
        self.runtime.spawn(async move {
            match console.finish_approved(clock::now()).await {
                Ok(Finished { done: 0, failed: 0, left: 0 }) => {}
                Ok(Finished { done, failed, left }) => tracing::info!(done, failed, left, "acts that were approved and not done"),
                Err(problem) => tracing::warn!(detail = problem.detail, "acts that were approved and not done could not be looked for"),
            }
        });
    }
}

impl InProcess for Management {
    fn call(&self, call: InProcessCall) -> Answering {
        let Some(operation) = call.facts.operation.clone() else { return Box::pin(async { broken() }) };
        let call = Call {
            operation,
            facts: call.facts,
            method: call.method,
            path: call.path.into(),
            query: call.query.map(Into::into),
            headers: call.headers,
            body: call.body,
        };
        if let Some(sign_in) = &self.sign_in
            && let Some(step) = SignInStep::of(&call.operation)
        {
            let sign_in = Arc::clone(sign_in);
            let running = self.runtime.spawn(async move { sign_in.answer(step, &call).await });
            return Box::pin(async move { running.await.unwrap_or_else(|_| broken()) });
        }
        let console = Arc::clone(&self.console);
        // A change is made to its end. A question that nobody waits for any more is not.
        let only_asks = row_of(&call.operation).is_some_and(|row| row.key == Key::AskLog);
        let running = self.runtime.spawn(async move { console.answer(call, clock::now()).await });
        let ends = only_asks.then(|| Ends(running.abort_handle()));
        Box::pin(async move {
            let answer = running.await.unwrap_or_else(|_| broken());
            drop(ends);
            answer
        })
    }
}

/// Ends what runs when it is dropped.
struct Ends(tokio::task::AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn broken() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// The running gate, as the console sees it.
struct Ruled {
    control: Arc<Control>,
    deliveries: Arc<Deliveries>,
    bypass: Bypass,
    risks: Arc<Risks>,
    surface: Arc<Surface>,
    census: Arc<Census>,
    asking: Asking,
    erasures: Arc<Erasures>,
}

impl Ruled {
    /// Waits until what was recorded before can be read in the log; not for long.
    async fn caught_up(&self) {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.control.log().when_written(Box::new(move || {
            let _nobody_waits = tell.send(());
        }));
        let _in_vain = tokio::time::timeout(CAUGHT_UP_WITHIN, told).await;
    }

    /// The event of a request, as far as the log holds what was recorded before.
    async fn find(&self, request: RequestId) -> Result<Option<EventV1<'static>>, WorldFault> {
        self.caught_up().await;
        let directory = self.control.config().audit.clone();
        tokio::task::spawn_blocking(move || reading::find(&directory, request)).await.map_err(fault)?.map_err(fault)
    }
}

impl World for Ruled {
    fn away(&self) -> Option<Away> {
        self.control.heard().away()
    }

    fn doubt(&self) {
        self.control.doubt();
    }

    fn stop_here(&self, stop: HereStop) -> BoxFuture<'_, Result<Journaled, Problem>> {
        Box::pin(async move { self.control.stop_here(stop).await.map_err(|why| Problem::new(Code::Limit, why)) })
    }

    fn credential(&self, id: &CredentialId) -> Option<Arc<Credential>> {
        self.control.gate().snapshot().credential(id.as_str()).map(Arc::clone)
    }

    fn tagged(&self, tag: &str) -> Vec<(IdentityId, Box<str>)> {
        let snapshot = self.control.gate().snapshot();
        let says = |identity: &Arc<Identity>| Some((identity.id.clone(), identity.tags.get(tag)?.clone()));
        snapshot.population().identities().iter().filter_map(says).collect()
    }

    fn serving(&self) -> Vec<Arc<Identity>> {
        let snapshot = self.control.gate().snapshot();
        snapshot.population().identities().iter().filter(|identity| !identity.serves.is_empty()).cloned().collect()
    }

    fn trusts(&self, source: &TrustName) -> bool {
        self.control.loaded().inventory.trust.iter().any(|trust| trust.name == *source)
    }

    fn declared(&self, query: &DeclaredQuery) -> Vec<Arc<Credential>> {
        let snapshot = self.control.gate().snapshot();
        let after = query.after.as_ref().map(|(identity, name)| (identity.as_str(), name.as_str()));
        snapshot.population().bindings().declared_after(query.identity.as_ref(), after, query.limit)
    }

    fn followed(&self) -> u64 {
        self.control.followed()
    }

    fn published(&self, seq: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = self.control.obey(seq).await {
                tracing::error!(%error, seq, "a change is kept but not yet obeyed");
            }
        })
    }

    fn published_stop<'a>(&'a self, seq: u64, kind: Containable, name: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.control.obey_stop(seq, kind, name).await {
                tracing::error!(%error, seq, %kind, name, "a stop is kept, and obeyed here; the feed that tells of it cannot be read");
            }
        })
    }

    fn mint(&self, kind: CredentialKind, environment: &EnvironmentName) -> Result<Minted, WorldFault> {
        let kind = KeyKind::ALL.into_iter().find(|key| key.credential() == kind).ok_or_else(|| fault("this kind has no text"))?;
        let (id, text) = api_key::generate(kind, environment, &SystemEntropy).map_err(fault)?;
        let hash = api_key::hash(self.control.material().pepper(), text.danger_expose());
        Ok(Minted { id, text, hash })
    }

    fn hook(&self, scheme: SignatureScheme, given: Option<Secret<String>>) -> Result<(Minted, Sealed), Problem> {
        self.control.material().hook(scheme, given)
    }

    fn seal(&self, name: &SecretName, plain: &Secret<String>) -> Result<Sealed, WorldFault> {
        self.control.material().seal(name, plain.danger_expose().as_bytes()).map_err(fault)
    }

    fn new_signing_key(&self) -> Result<(String, Sealed), WorldFault> {
        self.control.material().new_key(self.control.config().tokens.algorithm).map_err(fault)
    }

    fn foreign_id(&self, hash: &KeyedHash) -> CredentialId {
        api_key::foreign_id(hash)
    }

    fn identity(&self, id: &IdentityId) -> Option<Arc<Identity>> {
        self.control.gate().snapshot().identity(id).map(Arc::clone)
    }

    fn entries<'a>(&'a self, id: &'a IdentityId) -> BoxFuture<'a, Result<Vec<Entry>, WorldFault>> {
        Box::pin(async move {
            // They are in its record and nowhere else: there may be a million.
            let spec = self.control.identity_spec(id).await.map_err(fault)?;
            let entries = spec.into_iter().flat_map(|spec| spec.credentials).map(|credential| Entry {
                name: credential.name,
                kind: credential.kind,
                expires_in: credential.expires_in,
                waived_until: credential.waived_until,
                sources: credential.sources,
                signed: credential.signed.map(|form| form.scheme),
            });
            Ok(entries.collect())
        })
    }

    fn teach<'a>(&'a self, id: &'a IdentityId, habits: &'a Habits) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let unfit = |why: String| Problem::new(Code::Unfit, format!("what `{id}` is to have done cannot be taught: {why}"));
            self.control.teach(id, habits).await.map_err(unfit)
        })
    }

    fn unteach(&self, id: &IdentityId) {
        self.control.unteach(id);
    }

    fn explain_described(&self, described: &DescribedRequest) -> Result<Value, Problem> {
        explain::described(&self.control, described)
    }

    fn explain_recorded(&self, event: Value) -> Value {
        explain::recorded(&self.control, event)
    }

    fn event(&self, request: RequestId) -> BoxFuture<'_, Result<Option<Value>, WorldFault>> {
        Box::pin(async move {
            let mut found = self.find(request).await?;
            if found.is_none() {
                // It may have been answered, and not be recorded yet.
                tokio::time::sleep(RECORDED_WITHIN).await;
                found = self.find(request).await?;
            }
            found.map(|event| serde_json::to_value(event).map_err(fault)).transpose()
        })
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<EventPage, Problem>> {
        let directory = self.control.config().audit.clone();
        Box::pin(async move {
            let since = match &query.cursor {
                None => Since::Newest,
                Some(text) => Since::After(
                    Cursor::parse(text).ok_or_else(|| Problem::new(Code::Malformed, format!("`{text}` is no cursor of this log")))?,
                ),
            };
            let filter = Filter {
                identity: query.identity.map(|id| id.as_str().into()),
                api: query.api.map(Into::into),
                code: query.code.map(Into::into),
                response: query.response.map(Into::into),
                would: query.would.map(Into::into),
                without_reads_of: query.without_reads_of.map(Into::into),
            };
            let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
            // Who follows comes again.
            if matches!(since, Since::Newest) {
                self.caught_up().await;
            }
            let read = tokio::task::spawn_blocking(move || reading::tail(&directory, &filter, &since, limit)).await;
            let page = read.map_err(Problem::fault)?.map_err(Problem::fault)?;
            let events = page.events.into_iter().map(serde_json::to_value).collect::<Result<_, _>>().map_err(Problem::fault)?;
            Ok(EventPage { events, cursor: page.cursor.map(|cursor| cursor.to_string()), unreadable: page.unreadable })
        })
    }

    fn ask_log(&self, question: Question) -> BoxFuture<'_, Result<Found, Problem>> {
        Box::pin(self.asking.ask(question))
    }

    fn erase_events(&self, erasure: Erasure) -> BoxFuture<'_, Result<ErasureView, Problem>> {
        Box::pin(async move { self.erasures.begin(erasure) })
    }

    fn erasure<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<ErasureView>> {
        Box::pin(self.erasures.read(id))
    }

    fn timeline(&self, query: TimelineQuery) -> BoxFuture<'_, Result<TimelineView, Problem>> {
        Box::pin(async move {
            self.caught_up().await;
            timeline::timeline(self.control.config().audit.clone(), query).await
        })
    }

    fn contracts(&self, owner: &OwnerName) -> Vec<Contract> {
        let loaded = self.control.loaded();
        loaded.inventory.contracts.iter().filter(|contract| contract.owner == *owner).map(|contract| Contract::clone(contract)).collect()
    }

    fn open_requests(&self) -> BoxFuture<'_, OpenNow> {
        Box::pin(async {
            let counted = self.census.count(CENSUS_PATIENCE).await;
            let requests = counted.open.into_iter().map(|open| OpenRequests {
                identity: open.common.identity,
                credential: open.common.credential,
                operation: open.common.operation.as_ref().map_or("other", |operation| operation.as_str()).into(),
                count: open.count,
                since: open.since,
            });
            OpenNow { requests: requests.collect(), whole: counted.whole }
        })
    }

    fn owner(&self, name: &OwnerName) -> Option<Owner> {
        self.control.loaded().inventory.owners.iter().find(|owner| owner.name == *name).cloned()
    }

    fn is_person(&self, identity: &Identity) -> bool {
        person::is_person(identity, &self.control.loaded().inventory.owners)
    }

    fn plan<'a>(&'a self, changes: &'a [ResourceChange]) -> BoxFuture<'a, Result<Planned, Refused>> {
        Box::pin(self.control.plan(changes))
    }

    fn apply<'a>(
        &'a self,
        actor: &'a Actor,
        changes: &'a [ResourceChange],
        manner: Manner,
        basis: u64,
        now: Time,
    ) -> BoxFuture<'a, Result<Applied, Refused>> {
        Box::pin(self.control.apply(actor, changes, manner, basis, now))
    }

    fn access(&self, query: AccessQuery) -> BoxFuture<'_, Result<AccessPage, Problem>> {
        Box::pin(access::access(&self.control, query))
    }

    fn findings(&self, now: Time) -> BoxFuture<'_, Result<Vec<FindingView>, WorldFault>> {
        Box::pin(async move {
            self.caught_up().await;
            let (found, _) = findings::findings(&self.control, (&self.bypass, &self.risks, &self.surface), now).await.map_err(fault)?;
            Ok(found.findings.iter().map(findings::shown).collect())
        })
    }

    fn quality<'a>(&'a self, id: &'a IdentityId, now: Time) -> BoxFuture<'a, Result<Option<QualityView>, WorldFault>> {
        Box::pin(async move {
            let graded = findings::quality(&self.control, (&self.bypass, &self.risks), id, now).await.map_err(fault)?;
            Ok(graded.map(findings::graded))
        })
    }

    fn operations(&self, query: OperationQuery, now: Time) -> BoxFuture<'_, Result<Vec<OperationView>, WorldFault>> {
        Box::pin(async move {
            self.caught_up().await;
            surface::operations(&self.control, &self.bypass, &self.surface, query, now).await
        })
    }

    fn around(&self) -> &dyn Around {
        &self.bypass
    }

    fn task_of(&self, task: &TaskId) -> Option<IdentityId> {
        self.control.gate().snapshot().population().tasks().get(task.as_str()).map(|task| task.identity.clone())
    }

    fn start_task<'a>(
        &'a self,
        actor: &'a Actor,
        identity: &'a IdentityId,
        body: Value,
        asking: &'a Facts,
    ) -> BoxFuture<'a, Result<StoredTask, Problem>> {
        Box::pin(async move {
            let body = body.to_string();
            let start = Start { identity, body: body.as_bytes(), key: None, asking };
            tasks::start_task(&self.control, start, actor).await.map_err(|refused| {
                let code = if refused.cause.status().is_server_error() { Code::Away } else { Code::Unfit };
                Problem::new(code, refused.detail)
            })
        })
    }

    fn rotate_secret<'a>(&'a self, actor: &'a Actor, rotation: SecretRotation, _now: Time) -> BoxFuture<'a, Result<StoredSecret, Problem>> {
        Box::pin(self.deliveries.rotate(&self.control, actor, rotation))
    }
}

fn fault(what: impl std::fmt::Display) -> WorldFault {
    WorldFault(what.to_string().into())
}
