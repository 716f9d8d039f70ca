//! Running doors in front of an upstream.

pub(crate) use crate::socket::{answer, connect, raw, said, told_anything};
use crate::{fixture, on_file::OnFile, upstream::Upstream};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::Response;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr, TcpStream},
    num::NonZeroU64,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use wardgate_abuse::{MeterBounds, Unrecorded};
use wardgate_edge::{
    Answering, Asking, Census, Edge, EdgeConfig, EdgeHandle, EdgeLimits, EdgeMetrics, EdgeParts, Fetching, InProcess, InProcessCall,
    Listener, Probes, Proxies, TrustKeys,
};
use wardgate_gate::{
    Change, Gate, Hook, Meters, Snapshot,
    assertion::Mint,
    denied::{Denied, Subject},
    trust::Trust,
};
use wardgate_model::{
    api::Api,
    credential::{Credential, CredentialKind, CredentialState, SignatureForm},
    event::{Event, EventSink, NoPlace, NotDurable, OnDurable, Share},
    facts::Door,
    id::{EnvironmentName, IdentityId, LimitName, OwnerName, TrustName},
    inventory::{Environment, Identity, IdentityKind},
    limit::{Limit, Per, Rate, Select},
    secret::Secret,
    time::Time,
};
use wardgate_proof::{
    api_key::{self, KeyKind, Pepper},
    entropy::SystemEntropy,
    jws::Signer,
    webhook::Key,
};

/// Longer than anything here takes, also on a machine with little time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Production.
fn production() -> Arc<Environment> {
    Arc::new(Environment { name: EnvironmentName::literal("production"), production: true, shared: false })
}

/// Remembers events; can be full.
#[derive(Default)]
pub(crate) struct Sink {
    events: Mutex<Vec<Event>>,
    came: Condvar,
    full: AtomicBool,
    dropped: AtomicUsize,
    held: AtomicUsize,
    /// How many there are at a time; 0: any number.
    places: AtomicUsize,
    /// Who waits for a disk that is slow; `None`: it is quick.
    slow: Mutex<Option<Vec<OnDurable>>>,
    waits: Condvar,
}

impl Sink {
    /// From now on what is to be durable waits for the test.
    pub(crate) fn slow_down(&self) {
        self.slow.lock().unwrap().get_or_insert_default();
    }

    /// Waits until somebody waits, and says what became of its event.
    pub(crate) fn tell(&self, outcome: Result<(), NotDurable>) {
        self.waiting()(outcome);
    }

    /// Waits until somebody waits for the disk.
    pub(crate) fn waiting(&self) -> OnDurable {
        let nobody = |slow: &mut Option<Vec<OnDurable>>| slow.as_ref().is_none_or(Vec::is_empty);
        let (mut slow, timeout) = self.waits.wait_timeout_while(self.slow.lock().unwrap(), PATIENCE, nobody).unwrap();
        assert!(!timeout.timed_out(), "nobody waits for the disk");
        slow.as_mut().unwrap().remove(0)
    }

    pub(crate) fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }

    /// From now on there are so many places at a time.
    pub(crate) fn hold_few(&self, places: usize) {
        self.places.store(places, Ordering::SeqCst);
    }

    /// Places that are reserved and not used yet.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// Waits until there are `count` events, and gives all there are.
    pub(crate) fn wait(&self, count: usize) -> Vec<Event> {
        let (events, timeout) = self.came.wait_timeout_while(self.events.lock().unwrap(), PATIENCE, |events| events.len() < count).unwrap();
        assert!(!timeout.timed_out(), "{} of {count} events came", events.len());
        events.clone()
    }

    /// Each event as `code ending client-status upstream-status`.
    pub(crate) fn told(&self, count: usize) -> Vec<String> {
        let tell = |event: &Event| {
            let outcome = &event.outcome;
            let number = |status: Option<u16>| status.map_or("-".to_owned(), |status| status.to_string());
            let upstream = outcome.upstream.as_ref().map_or("never".to_owned(), |upstream| number(upstream.status));
            format!("{} {} {} {upstream}", event.ruling.reason().code(), outcome.ending, number(outcome.client_status))
        };
        self.wait(count).iter().map(tell).collect()
    }
}

impl EventSink for Sink {
    fn reserve(&self, _: Share) -> Result<(), NoPlace> {
        let places = self.places.load(Ordering::SeqCst);
        if self.full.load(Ordering::SeqCst) || (places > 0 && self.held() >= places) {
            return Err(NoPlace);
        }
        self.held.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn release(&self) {
        self.held.fetch_sub(1, Ordering::SeqCst);
    }

    fn record(&self, event: Event) {
        self.held.fetch_sub(1, Ordering::SeqCst);
        self.events.lock().unwrap().push(event);
        self.came.notify_all();
    }

    fn record_durable(&self, event: Event, done: OnDurable) {
        self.record(event);
        let mut slow = self.slow.lock().unwrap();
        match &mut *slow {
            Some(waiting) => {
                waiting.push(done);
                self.waits.notify_all();
            }
            None => done(Ok(())),
        }
    }

    fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

struct Inside(Arc<Denied>);

impl InProcess for Inside {
    fn call(&self, call: InProcessCall) -> Answering {
        let caller = call.facts.caller.as_ref().map_or("nobody".into(), |caller| caller.identity.id.to_string());
        let text = format!("{caller} {} {} {:?}", call.method, call.path, String::from_utf8_lossy(&call.body));
        assert!(!text.contains("panic"), "as asked");
        if text.contains("stop me") {
            self.0.stop(Subject::Identity(IdentityId::literal("ledger-sync")), call.facts.time);
        }
        if text.contains("/json") {
            let answer = Response::builder().header("content-type", "application/json").body(Bytes::from_static(b"[1,2,3]")).unwrap();
            return Box::pin(async move { answer });
        }
        Box::pin(async move { Response::builder().header("wardgate-effect", "done").body(Bytes::from(text)).unwrap() })
    }
}

/// `asked`: how often keys were wanted. None ever come.
#[derive(Default)]
struct Answers {
    asked: Arc<AtomicUsize>,
}

impl Probes for Answers {
    fn answer(&self, door: Door, host: Option<&str>, path: &str) -> Option<Response<Bytes>> {
        let of_host = host == Some("issuer.test") && path == "/.well-known/openid-configuration";
        (of_host || matches!((door, path), (Door::Admin, "/healthz") | (Door::Public, "/.well-known/jwks.json")))
            .then(|| Response::new(Bytes::from(format!("{door} {path}"))))
    }
}

impl TrustKeys for Answers {
    fn want(&self, _: &TrustName, _: Option<&str>, _: IpAddr) -> Fetching {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::pending())
    }

    fn ask(&self, _: &TrustName, _: &Secret<String>) -> Asking {
        Box::pin(std::future::pending())
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own clock")]
fn clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// The moment, by that clock.
pub(crate) fn now() -> Time {
    clock()
}

/// The clock of one test: it stands until the test moves it, so no deadline strikes before the test is ready for it. Doors take a plain
/// function, so each test that wants one has a `static` of its own.
#[derive(Debug)]
pub(crate) struct StandingClock(AtomicI64);

impl StandingClock {
    pub(crate) const fn new() -> Self {
        Self(AtomicI64::new(1_780_272_000_000_000))
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_micros(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn forward(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Moves on, step by step, until a deadline has struck. What begins to wait between two steps has its turn at a later one.
    pub(crate) fn forward_until(&self, step: Duration, mut struck: impl FnMut() -> bool) {
        while !struck() {
            self.forward(step);
            std::thread::yield_now();
        }
    }
}

fn entropy() -> u128 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    u128::from(COUNT.fetch_add(1, Ordering::Relaxed)) * 0x9E37_79B9_7F4A_7C15
}

/// Running doors.
pub(crate) struct Running {
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) tls: Option<SocketAddr>,
    pub(crate) sink: Arc<Sink>,
    pub(crate) denied: Arc<Denied>,
    pub(crate) metrics: Arc<EdgeMetrics>,
    pub(crate) census: Arc<Census>,
    /// How often keys were wanted.
    pub(crate) asked: Arc<AtomicUsize>,
    /// A key of the identity `ledger-sync`.
    pub(crate) key: String,
    file: OnFile,
    gate: Arc<Gate>,
    handle: Option<EdgeHandle>,
}

/// How the doors are to be.
pub(crate) struct Setup {
    pub(crate) apis: Vec<Api>,
    pub(crate) limits: EdgeLimits,
    pub(crate) tls: Option<rustls::ServerConfig>,
    pub(crate) on_record: Option<Box<OnRecord>>,
    pub(crate) proxies: Proxies,
    pub(crate) proxy_protocol: bool,
    pub(crate) trust: Arc<Trust>,
    /// The real one, unless the test has one of its own.
    pub(crate) clock: fn() -> Time,
    /// Two, unless the test asks what one thread does: which of several takes a client is for the kernel to say.
    pub(crate) threads: usize,
    /// Secrets of upstreams.
    pub(crate) secrets: Vec<(&'static str, String)>,
}

/// Changes what is on record of the caller.
pub(crate) type OnRecord = dyn FnOnce(&mut Credential, &mut Limit);

impl Setup {
    /// One API before this upstream.
    pub(crate) fn before(upstream: &Upstream) -> Self {
        Self {
            apis: vec![fixture::api("orders", &upstream.url())],
            // Clients here close their sending side at once; that the rest takes long is no farewell.
            limits: EdgeLimits { half_close: PATIENCE, ..EdgeLimits::default() },
            tls: None,
            on_record: None,
            proxies: Proxies::default(),
            proxy_protocol: false,
            trust: Trust::nobody(),
            secrets: vec![],
            clock,
            threads: 2,
        }
    }

    /// By another clock.
    pub(crate) fn clock(self, clock: fn() -> Time) -> Self {
        Self { clock, ..self }
    }

    /// With one thread, so that everything comes to the same pools.
    pub(crate) fn one_thread(self) -> Self {
        Self { threads: 1, ..self }
    }

    /// With other bounds.
    pub(crate) fn limits(mut self, change: impl FnOnce(&mut EdgeLimits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// With another API.
    pub(crate) fn api(mut self, change: impl FnOnce(&mut Api)) -> Self {
        change(&mut self.apis[0]);
        self
    }

    /// With another credential of the caller, or another limit.
    pub(crate) fn on_record(mut self, change: impl FnOnce(&mut Credential, &mut Limit) + 'static) -> Self {
        self.on_record = Some(Box::new(change));
        self
    }

    pub(crate) fn start(self) -> Running {
        let pepper = Pepper::new(&[7; 32]);
        let (credential, key) = api_key::generate(KeyKind::ApiKey, &production().name, &SystemEntropy).unwrap();
        let identity = Identity {
            id: IdentityId::literal("ledger-sync"),
            kind: IdentityKind::ServiceAccount,
            owner: OwnerName::literal("shop"),
            environment: production(),
            tags: BTreeMap::new(),
            ..Identity::anonymous()
        };
        let mut on_record = Credential {
            id: credential,
            identity: identity.id.clone(),
            name: "main".into(),
            kind: CredentialKind::ApiKey,
            environment: production().name.clone(),
            sources: Box::default(),
            hash: Some(api_key::hash(&pepper, key.danger_expose())),
            binding: None,
            created: Time::from_seconds(0),
            expires: None,
            warn_from: None,
            task: None,
            state: CredentialState::Live,
        };
        let mut limit = Limit {
            name: LimitName::literal("guarded"),
            select: Select { identity: Some(identity.id.clone()), ..Select::default() },
            per: Per::Identity,
            rate: Some(Rate { count: NonZeroU64::new(2).unwrap(), period: Duration::from_secs(3600), burst: NonZeroU64::new(2).unwrap() }),
            quota: None,
            concurrency: None,
            bytes: None,
        };
        if let Some(change) = self.on_record {
            change(&mut on_record, &mut limit);
        }
        let denied = Arc::new(Denied::default());
        let signer = Signer::load(Signer::generate().unwrap().danger_expose()).unwrap();
        let file = OnFile {
            apis: self.apis,
            policies: String::new(),
            grant: Some(None),
            identity,
            credential: on_record,
            limit,
            secrets: self.secrets,
            trust: self.trust,
            pepper: Arc::new(pepper),
            mint: Arc::new(Mint::new(signer, "https://gate.example".into())),
            denied: Arc::clone(&denied),
            body_bytes_max: self.limits.body_bytes_max,
        };
        let snapshot = file.snapshot(7);
        let sink = Arc::new(Sink::default());
        let metrics = Arc::new(EdgeMetrics::default());
        let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listener = |name: &str, door, tls: Option<rustls::ServerConfig>| Listener {
            name: name.into(),
            door,
            address: local,
            proxies: self.proxies.clone(),
            proxy_protocol: self.proxy_protocol,
            tls: tls.map(|config| Arc::new(ArcSwap::from_pointee(config))),
        };
        let mut listeners = vec![listener("public", Door::Public, None), listener("admin", Door::Admin, None)];
        listeners.extend(self.tls.map(|config| listener("tls", Door::Public, Some(config))));
        let config = EdgeConfig { listeners, limits: self.limits, threads: self.threads, via: "wardgate-test".into() };
        let census = Arc::new(Census::default());
        let asked = Arc::<AtomicUsize>::default();
        let gate = Arc::new(Gate::new(snapshot, Meters::new(Arc::new(Unrecorded), MeterBounds::default())));
        let parts = EdgeParts {
            gate: Arc::clone(&gate),
            sink: Arc::clone(&sink) as Arc<dyn EventSink>,
            clock: self.clock,
            entropy,
            in_process: Arc::new(Inside(Arc::clone(&denied))),
            probes: Arc::new(Answers::default()),
            keys: Arc::new(Answers { asked: Arc::clone(&asked) }),
            metrics: Arc::clone(&metrics),
            census: Arc::clone(&census),
        };
        let handle = Edge::start(config, parts).unwrap();
        let addresses: BTreeMap<_, _> = handle.addresses().iter().map(|(name, address)| (name.to_string(), *address)).collect();
        Running {
            public: addresses["public"],
            admin: addresses["admin"],
            tls: addresses.get("tls").copied(),
            sink,
            denied,
            metrics,
            census,
            asked,
            key: key.danger_expose().clone(),
            file,
            gate,
            handle: Some(handle),
        }
    }
}

impl Running {
    /// Sends raw bytes, closes the sending side, and reads to the end.
    pub(crate) fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        raw(self.public, bytes)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.public)
    }

    /// The judge behind the doors.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Has something else on record from now on.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut OnFile)) {
        change(&mut self.file);
        let number = self.gate.snapshot().number() + 1;
        self.gate.publish(self.file.snapshot(number));
    }

    /// Has another credential or identity on record from now on, and all else as it was.
    pub(crate) fn change_caller(&mut self, change: impl FnOnce(&mut OnFile)) {
        change(&mut self.file);
        let before = self.gate.snapshot();
        let mut population = before.population().clone();
        population.apply(Change::Identity(Arc::new(self.file.identity.clone())));
        population.apply(Change::Credential(Arc::new(self.file.credential.clone())));
        let snapshot = Snapshot::new(before.number() + 1, population, Arc::clone(before.estate()));
        self.gate.publish(snapshot.trusting(Arc::clone(before.trust())));
    }

    /// Has its caller sign like this from now on, and all else as it was; `None`: not at all.
    pub(crate) fn sign(&self, form: Option<&SignatureForm>) {
        let before = self.gate.snapshot();
        let mut population = before.population().clone();
        let credential = Arc::new(Credential { kind: CredentialKind::Hmac, ..self.file.credential.clone() });
        let key = |form: &SignatureForm| Key::parse(form.scheme, "a-secret-of-webhooks").unwrap();
        let hooks = form.map(|form| Arc::new(Hook::new(&credential, &self.file.identity, form, key(form))));
        population.apply(Change::Hooks(self.file.identity.id.clone(), hooks.into_iter().collect()));
        let snapshot = Snapshot::new(before.number() + 1, population, Arc::clone(before.estate()));
        self.gate.publish(snapshot.trusting(Arc::clone(before.trust())));
    }

    /// Drains, and gives how that ended only when it has.
    pub(crate) fn drain(&mut self, deadline: Duration) {
        let handle = self.handle.take().unwrap();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(handle.drain(deadline));
    }
}
