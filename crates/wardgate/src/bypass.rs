//! Ways round the gate: from time to time each upstream is called past the gate and with nothing to show. One that answers
//! guards nothing, whatever the gate does; that is a finding until it is seen to refuse.
//!
//! `plan` says what may be called, `call` calls, `seen` judges and remembers, `known` remembers what APIs had, `view` tells. Each
//! gate looks from where it stands, and tells what it saw itself.

mod call;
mod known;
mod plan;
mod seen;
#[cfg(test)]
mod testing;
mod view;

use crate::{
    clock,
    control::{Control, Loaded},
};
use call::CallFault;
use http::{Method, StatusCode};
use known::Known;
use plan::{Wanted, addresses, chosen, wanted};
use seen::{Place, Seen, Turn, Verdict, address};
use std::{
    collections::{BTreeSet, HashMap},
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};
use wardgate_audit::sink::{FindingRecord, Log};
use wardgate_governance::findings::{self, Code};
use wardgate_model::{
    api::{Api, PathTemplate, UpstreamIdentity, UpstreamUrl},
    event::EventSink as _,
    id::ApiName,
    time::Time,
};

/// How often upstreams are called, where the configuration does not say.
pub const EVERY: Duration = Duration::from_hours(6);
/// The longest time from the start to the first round.
pub const FIRST: Duration = Duration::from_mins(10);
/// How often it is looked whether an API has lost an operation.
const NOTICE: Duration = Duration::from_secs(5);
/// Operations that are called in one round at one address; of more, each has its turn.
pub const CALLS_MAX: usize = 32;
/// Addresses that are called at a time, one call each.
const TOGETHER: usize = 8;
/// Time between two calls of one address, where nobody waits for what comes of them.
const REST: Duration = Duration::from_millis(250);
/// How long whoever asks for calls waits for all of them.
pub const PATIENCE: Duration = Duration::from_secs(45);

/// What is called, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// From one round to the next, give or take a quarter; `None`: only when somebody asks.
    pub every: Option<Duration>,
    /// APIs whose upstreams are not called.
    pub except: BTreeSet<ApiName>,
    /// Operations, by id, that are called although their method or class says that they change something.
    pub also: BTreeSet<String>,
}

/// How it is going. For metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Calls since the start (`wardgate_bypass_calls_total`).
    pub calls: u64,
    /// Operations, by address, that answer whoever reaches them (`wardgate_bypass_open`).
    pub open: u64,
}

/// Whether somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Nobody: there is no hurry.
    Quiet,
    /// Somebody, for at most [`PATIENCE`].
    Asked,
}

/// An operation that answers whoever reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    api: ApiName,
    place: Place,
    open: seen::Open,
}

impl Found {
    /// As a value for `governance::findings`.
    #[must_use]
    pub fn shown(&self) -> findings::Bypass<'_> {
        findings::Bypass {
            api: &self.api,
            operation: &self.place.operation,
            retired: self.place.retired,
            address: &self.place.address,
            status: self.open.status.as_u16(),
            since: self.open.since,
            last: self.open.last,
        }
    }
}

/// Looks for ways round the gate. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bypass(Arc<Looking>);

/// What it looks with.
#[derive(Debug)]
pub struct Looking {
    control: Arc<Control>,
    log: Arc<Log>,
    settings: Settings,
    seen: Mutex<Seen>,
    known: Mutex<Known>,
    /// What was declared when it was last looked at.
    noticed: Mutex<Weak<Loaded>>,
    /// Whoever calls an address holds its lane: one call at a time.
    lanes: Mutex<HashMap<UpstreamUrl, Arc<tokio::sync::Mutex<()>>>>,
    together: Semaphore,
    calls: AtomicU64,
}

impl Deref for Bypass {
    type Target = Looking;

    fn deref(&self) -> &Looking {
        &self.0
    }
}

/// The upstream of an API at one address, and what is called there.
struct Job {
    api: Arc<Api>,
    url: UpstreamUrl,
    wanted: Vec<Wanted>,
}

impl Bypass {
    /// Ready to look, with what is remembered in the directory of state.
    #[must_use]
    pub fn new(control: Arc<Control>, log: Arc<Log>) -> Self {
        let (settings, known) = (control.config().bypass.clone(), Known::open(&control.config().state));
        Self(Arc::new(Looking {
            control,
            log,
            settings,
            seen: Mutex::default(),
            known: Mutex::new(known),
            noticed: Mutex::default(),
            lanes: Mutex::default(),
            together: Semaphore::new(TOGETHER),
            calls: AtomicU64::new(0),
        }))
    }

    /// Looks from now on, until its runtime ends. Call it within a runtime.
    #[must_use]
    pub fn start(&self) -> JoinHandle<()> {
        tokio::spawn(self.clone().run())
    }

    async fn run(self) {
        let every = self.settings.every;
        self.warn_of_names();
        let mut next = every.map(|every| clock::now() + jittered(every.min(FIRST)));
        loop {
            self.notice(clock::now()).await;
            let left = next.map_or(NOTICE, |next| next.since(clock::now()).min(NOTICE));
            tokio::time::sleep(left).await;
            if let (Some(every), true) = (every, next.is_some_and(|next| clock::now() >= next)) {
                self.look(None, Pace::Quiet).await;
                next = Some(clock::now() + jittered(every));
            }
        }
    }

    /// Calls upstreams; says whether every call was made.
    async fn look(&self, which: Option<&ApiName>, pace: Pace) -> bool {
        self.notice(clock::now()).await;
        let mut running = JoinSet::new();
        for job in self.jobs(which) {
            running.spawn(self.clone().work(job, pace));
        }
        let all = async { while running.join_next().await.is_some() {} };
        match pace {
            Pace::Quiet => {
                all.await;
                true
            }
            Pace::Asked => tokio::time::timeout(PATIENCE, all).await.is_ok(),
        }
    }

    async fn work(self, job: Job, pace: Pace) {
        let lane = Arc::clone(self.lanes.lock().unwrap_or_else(PoisonError::into_inner).entry(job.url.clone()).or_default());
        let _alone = lane.lock().await;
        let Ok(_place) = self.together.acquire().await else { return };
        let mut gone: Option<String> = None;
        for wanted in &job.wanted {
            let answer = match &gone {
                Some(why) => Err(CallFault::Unreachable(why.clone())),
                None => {
                    self.calls.fetch_add(1, Ordering::Relaxed);
                    let answer = call::call(&job.url, &job.api.upstream.wire, wanted).await;
                    if pace == Pace::Quiet {
                        tokio::time::sleep(REST).await;
                    }
                    answer
                }
            };
            let answer = certificate_wanted(&job.api, answer);
            if let Err(CallFault::Unreachable(why)) = &answer {
                gone = Some(why.clone());
            }
            let place = Place { retired: wanted.retired, operation: Arc::clone(&wanted.operation), address: address(&job.url) };
            self.note(&job.api, place, Verdict::of(wanted.retired, &answer), clock::now());
        }
    }
}

impl Looking {
    /// What is to be called in a round.
    fn jobs(&self, which: Option<&ApiName>) -> Vec<Job> {
        let loaded = self.control.loaded();
        let (known, mut seen) = (self.known(), self.seen());
        let mut jobs = Vec::new();
        for api in loaded.inventory.apis.iter().filter(|api| which.is_none_or(|which| api.name == *which)) {
            let Ok(all) = wanted(api, &known.retired(&api.name), &self.settings) else { continue };
            for url in addresses(api) {
                let address = address(url);
                let open = seen.of(&api.name).map(|looked| looked.open_at(&address)).unwrap_or_default();
                let mut wanted = Vec::new();
                seen.turn(&api.name, &address, |from| {
                    let (chosen, next) = chosen(all.clone(), &open, from, CALLS_MAX);
                    wanted = chosen;
                    next
                });
                jobs.push(Job { api: Arc::clone(api), url: url.clone(), wanted });
            }
        }
        jobs
    }

    /// Notes what came of a call; what became different of an API is told.
    fn note(&self, api: &Api, place: Place, verdict: Verdict, now: Time) {
        let (retired, what) = (place.retired, format!("`{}` at {}", place.operation, place.address));
        let status = verdict.status().map_or_else(|| "a demand for a certificate".to_owned(), |status| status.as_u16().to_string());
        let Some(turn) = self.seen().note(&api.name, place, verdict, now) else { return };
        let code = if retired { Code::UpstreamRetired } else { Code::UpstreamUnguarded };
        let (code, severity, what) = match turn {
            Turn::Opened => (code.as_str(), code.severity().as_str(), format!("{what} answered {status} to a call with nothing to show")),
            Turn::Closed => {
                ("upstream.closed", "low", format!("{what}, the last that answered to a call with nothing to show, answered {status}"))
            }
        };
        tracing::warn!(code, api = api.name.as_str(), "{what}");
        let (kind, name) = ("Api".into(), api.name.as_str().into());
        let finding = FindingRecord { time: now, code: code.into(), severity: severity.into(), kind, name, what: what.into() };
        if self.log.record_finding(finding).is_err() {
            self.log.count_dropped();
        }
    }

    /// What an API had and has no longer.
    #[must_use]
    pub fn had(&self, api: &ApiName) -> Vec<(Method, PathTemplate)> {
        self.known().retired(api).into_iter().map(|retired| (retired.method, retired.template)).collect()
    }

    /// `METHOD TEMPLATE` of what an API did not have when it was first looked at, and since when it has it.
    #[must_use]
    pub fn came(&self, api: &ApiName) -> HashMap<String, Time> {
        self.known().came(api)
    }

    /// Looks whether what is declared became different: operations that are gone are remembered, what is of no use is forgotten.
    pub async fn notice(&self, now: Time) {
        let loaded = self.control.loaded();
        {
            let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
            if noticed.ptr_eq(&Arc::downgrade(&loaded)) {
                return;
            }
            *noticed = Arc::downgrade(&loaded);
        }
        let apis = &loaded.inventory.apis;
        let keeping = self.known().notice(apis, now);
        {
            let known = self.known();
            self.seen().keep(apis, |api| known.retired(api), &self.settings);
        }
        let used = |url: &UpstreamUrl| apis.iter().any(|api| addresses(api).contains(url));
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).retain(|url, lane| used(url) || Arc::strong_count(lane) > 1);
        let Some(keeping) = keeping else { return };
        match tokio::task::spawn_blocking(move || keeping.write()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "which operations APIs had cannot be kept on disk: a restart forgets it"),
            Err(error) => tracing::warn!(%error, "which operations APIs had could not be kept"),
        }
    }

    /// Names in the configuration that nothing has.
    fn warn_of_names(&self) {
        let loaded = self.control.loaded();
        let apis = &loaded.inventory.apis;
        for name in self.settings.except.iter().filter(|name| !apis.iter().any(|api| api.name == **name)) {
            tracing::warn!(name = name.as_str(), "`bypass.except` names an API that is not there");
        }
        let has = |id: &str| apis.iter().flat_map(|api| &api.operations).any(|operation| operation.id.as_str() == id);
        for id in self.settings.also.iter().filter(|id| !has(id)) {
            tracing::warn!(id, "`bypass.also` names an operation that is not there");
        }
    }

    /// Everything that answers whoever reaches it.
    #[must_use]
    pub fn found(&self) -> Vec<Found> {
        self.seen().open().map(|(api, place, open)| Found { api: api.clone(), place: place.clone(), open }).collect()
    }

    /// How it is going.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let open = u64::try_from(self.seen().open().count()).unwrap_or(u64::MAX);
        Counters { calls: self.calls.load(Ordering::Relaxed), open }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some servers take a connection without the certificate that they want, and answer 400 on it. Only where the gate shows one: from
/// others 400 says that the request was read.
fn certificate_wanted(api: &Api, answer: Result<StatusCode, CallFault>) -> Result<StatusCode, CallFault> {
    match (&api.upstream.identity, answer) {
        (UpstreamIdentity::ClientCertificate { .. }, Ok(StatusCode::BAD_REQUEST)) => Err(CallFault::Certificate),
        (_, answer) => answer,
    }
}

/// Three quarters to five quarters of a time.
fn jittered(time: Duration) -> Duration {
    let share = u32::try_from(clock::entropy() % 513).unwrap_or_default();
    time.saturating_mul(768 + share) / 1024
}
