//! Running doors in front of an upstream, and a client that sends raw bytes.

use crate::{fixture, upstream::Upstream};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::Response;
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    num::NonZeroU64,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use wardgate_abuse::{Limits, MeterBounds, Unrecorded};
use wardgate_edge::{
    Answering, Census, Edge, EdgeConfig, EdgeHandle, EdgeLimits, EdgeMetrics, EdgeParts, Fetching, InProcess, InProcessCall, Listener,
    Probes, Proxies, TrustKeys,
};
use wardgate_gate::{
    Change, Estate, Gate, Meters, Snapshot, World,
    assertion::Mint,
    denied::{Denied, Subject},
    trust::Trust,
};
use wardgate_model::{
    api::Api,
    credential::{Credential, CredentialKind, CredentialState},
    event::{Event, EventSink, NoPlace, Share},
    facts::Door,
    grant::{Grant, GrantTo, OperationSelector},
    id::{EnvironmentName, GrantId, IdentityId, LimitName, OwnerName, TrustName},
    inventory::{Environment, Identity, IdentityKind},
    limit::{Limit, Per, Rate, Select},
    time::Time,
};
use wardgate_policy::{Names, compile};
use wardgate_proof::{
    api_key::{self, KeyKind, Pepper},
    entropy::SystemEntropy,
    jws::Signer,
};

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
}

impl Sink {
    pub(crate) fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }

    /// Waits until there are `count` events, and gives all there are.
    pub(crate) fn wait(&self, count: usize) -> Vec<Event> {
        let (events, timeout) =
            self.came.wait_timeout_while(self.events.lock().unwrap(), Duration::from_secs(10), |events| events.len() < count).unwrap();
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
        if self.full.load(Ordering::SeqCst) { Err(NoPlace) } else { Ok(()) }
    }

    fn release(&self) {}

    fn record(&self, event: Event) {
        self.events.lock().unwrap().push(event);
        self.came.notify_all();
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
        Box::pin(async move { Response::builder().header("wardgate-effect", "done").body(Bytes::from(text)).unwrap() })
    }
}

/// `asked`: how often keys were wanted. None ever come.
#[derive(Default)]
struct Answers {
    asked: Arc<AtomicUsize>,
}

impl Probes for Answers {
    fn answer(&self, door: Door, path: &str) -> Option<Response<Bytes>> {
        matches!((door, path), (Door::Admin, "/healthz") | (Door::Public, "/.well-known/jwks.json"))
            .then(|| Response::new(Bytes::from(format!("{door} {path}"))))
    }
}

impl TrustKeys for Answers {
    fn want(&self, _: &TrustName, _: Option<&str>) -> Fetching {
        self.asked.fetch_add(1, Ordering::Relaxed);
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
}

/// Changes what is on record of the caller.
pub(crate) type OnRecord = dyn FnOnce(&mut Credential, &mut Limit);

impl Setup {
    /// One API before this upstream.
    pub(crate) fn before(upstream: &Upstream) -> Self {
        Self {
            apis: vec![fixture::api("orders", &upstream.url())],
            limits: EdgeLimits::default(),
            tls: None,
            on_record: None,
            proxies: Proxies::default(),
            proxy_protocol: false,
            trust: Trust::nobody(),
        }
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
        let apis: Vec<Arc<Api>> = self.apis.into_iter().map(Arc::new).collect();
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
            state: CredentialState::Live,
        };
        let grant = Arc::new(Grant {
            id: GrantId::literal("ledger-sync-reads"),
            to: GrantTo::Identity(identity.id.clone()),
            api: apis[0].name.clone(),
            operations: apis[0]
                .operations
                .iter()
                .map(|operation| OperationSelector::Operation { method: operation.method.clone(), template: operation.template.clone() })
                .collect(),
            purpose: None,
            until: None,
            approver: None,
        });
        let names = Names { identities: ["ledger-sync"].into(), owners: ["shop"].into(), apis: &apis, ..Names::default() };
        let compiled = compile(&[], std::slice::from_ref(&grant), &names);
        let policies = compiled.policies.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
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
        let population = [Change::Identity(Arc::new(identity)), Change::Credential(Arc::new(on_record))].into_iter().collect();
        let estate = Estate::build(World {
            apis,
            grants: vec![grant],
            zones: vec![],
            secrets: vec![],
            policies: Arc::new(policies),
            limits: Arc::new(Limits::compile(&[Arc::new(limit)])),
            pepper: Arc::new(pepper),
            mint: Arc::new(Mint::new(signer, "https://gate.example".into())),
            denied: Arc::clone(&denied),
            body_bytes_max: self.limits.body_bytes_max,
        });
        let snapshot = Snapshot::new(7, population, Arc::new(estate)).trusting(self.trust);
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
        let config = EdgeConfig { listeners, limits: self.limits, threads: 2, via: "wardgate-test".into() };
        let census = Arc::new(Census::default());
        let asked = Arc::<AtomicUsize>::default();
        let parts = EdgeParts {
            gate: Arc::new(Gate::new(snapshot, Meters::new(Arc::new(Unrecorded), MeterBounds::default()))),
            sink: Arc::clone(&sink) as Arc<dyn EventSink>,
            clock,
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

    /// Drains, and gives how that ended only when it has.
    pub(crate) fn drain(&mut self, deadline: Duration) {
        let handle = self.handle.take().unwrap();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(handle.drain(deadline));
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

pub(crate) fn raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut socket = connect(address);
    // A refusal may come before all is sent.
    let _ = socket.write_all(bytes.as_ref());
    let _ = socket.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads one answer with a Content-Length.
pub(crate) fn answer(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        if socket.read(&mut byte).unwrap() == 0 {
            return String::from_utf8(bytes).unwrap();
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes.clone()).unwrap().to_ascii_lowercase();
    let length: usize =
        head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).unwrap();
    bytes.extend(body);
    String::from_utf8(bytes).unwrap()
}

/// The status of an answer, or `nothing`.
pub(crate) fn status(answer: &str) -> &str {
    answer.strip_prefix("HTTP/1.1 ").or(answer.strip_prefix("HTTP/1.0 ")).and_then(|rest| rest.get(..3)).unwrap_or("nothing")
}

/// `status code` of a refusal; only the status of anything else.
pub(crate) fn said(answer: &str) -> String {
    let code = answer.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next());
    code.map_or_else(|| status(answer).to_owned(), |code| format!("{} {code}", status(answer)))
}
