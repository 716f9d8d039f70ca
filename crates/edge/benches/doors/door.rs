//! A door in a process of its own: one thread, one API before an upstream, one issuer.

use crate::{Failed, certificates, line};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use wardgate_edge::{
    Answering, Asking, ClientCertificates, Edge, EdgeConfig, EdgeLimits, EdgeParts, Fetching, InProcess, InProcessCall, Listener, Probes,
    Proxies, TrustKeys, handshake,
};
use wardgate_gate::{Gate, Introspection, KeysAnswer};
use wardgate_model::{
    event::{Event, EventSink, NoPlace, OnDurable, Share},
    facts::Door,
    id::TrustName,
    secret::Secret,
    time::Time,
};
use wardgate_proof::jws::{Signer, jwks};
use wardgate_testkit::world::{DAWN, ShippedLimits, Texts};

const WORLD: &str = include_str!("world.yaml");

/// Serves until it is ended. Says where, with which key, and which tokens are junk here.
pub(crate) fn serve(directory: &Path, upstream: &str) -> Result<(), Failed> {
    let signer = || -> Result<Signer, Failed> { Ok(Signer::load(Signer::generate()?.danger_expose())?) };
    let (own, other) = (signer()?, signer()?);
    let keys = jwks([&own]).to_string();
    let yaml = WORLD.replace("UPSTREAM", upstream);
    let files: &[(&str, &[u8])] = &[("ci.json", keys.as_bytes())];
    let world = Texts { yaml: &yaml, cedar: &[], files, grants: &[], shipped: ShippedLimits::Off }.world()?;
    let key = world.key("ledger-sync").to_owned();
    let (chain, private) = certificates::read(directory, "server")?;
    let tls = handshake::server_config(chain, private, ClientCertificates::Require)?;
    let listener = |name: &str, tls: Option<rustls::ServerConfig>| -> Result<Listener, Failed> {
        let tls = tls.map(|config| Arc::new(ArcSwap::from_pointee(config)));
        let address = "127.0.0.1:0".parse()?;
        Ok(Listener { name: name.into(), door: Door::Public, address, proxies: Proxies::default(), proxy_protocol: false, tls })
    };
    let listeners = vec![listener("public", None)?, listener("tls", Some(tls))?];
    let config = EdgeConfig { listeners, limits: EdgeLimits::default(), threads: 1, via: "wardgate-bench".into() };
    let parts = EdgeParts {
        gate: Arc::new(Gate::new(world.snapshot, world.meters)),
        sink: Arc::new(Forgetting),
        clock,
        entropy,
        in_process: Arc::new(Nothing),
        probes: Arc::new(Nothing),
        keys: Arc::new(Nothing),
        metrics: Arc::default(),
        census: Arc::default(),
    };
    let handle = Edge::start(config, parts)?;
    line(&format!("key {key}"));
    for (name, token) in junk(&own, &other)? {
        line(&format!("{name} {token}"));
    }
    for (name, address) in handle.addresses() {
        line(&format!("{name} {address}"));
    }
    loop {
        std::thread::park();
    }
}

/// Tokens that prove nothing, each in its own way.
fn junk(own: &Signer, other: &Signer) -> Result<Vec<(&'static str, String)>, Failed> {
    let from = DAWN.as_seconds();
    let claims = json!({
        "iss": "https://ci.example", "sub": "repo:acme/ledger:ref:refs/heads/main", "aud": "wardgate", "iat": from, "exp": from + 3000,
        "jti": "0d3c7cf2-5f9a-4f5c-8a48-8f5d7a4c0a55", "environment": "production", "repository": "acme/ledger", "run_id": "123456",
        "job_workflow_ref": "acme/flows/.github/workflows/deploy.yml@refs/heads/main",
    });
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        if let Some(members) = claims.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
        claims
    };
    let good = own.sign("JWT", &claims)?;
    let (signed, _) = good.rsplit_once('.').ok_or("no token")?;
    let foreign = other.sign("JWT", &claims)?;
    let (_, signature) = foreign.rsplit_once('.').ok_or("no token")?;
    Ok(vec![
        ("random", format!("eyJ{0}.{0}.{0}", "q7Zt0Kx".repeat(30))),
        ("expired", own.sign("JWT", &with("exp", json!(from - 60)))?),
        ("wrongly-signed", format!("{signed}.{signature}")),
        ("unknown-key", foreign.clone()),
        ("huge", own.sign("JWT", &with("sub", json!("x".repeat(11_000))))?),
    ])
}

/// Takes every event, and keeps none.
struct Forgetting;

impl EventSink for Forgetting {
    fn reserve(&self, _: Share) -> Result<(), NoPlace> {
        Ok(())
    }

    fn release(&self) {}

    fn record(&self, _: Event) {}

    fn record_durable(&self, _: Event, done: OnDurable) {
        done(Ok(()));
    }

    fn count_dropped(&self) {}
}

/// Answers nothing.
struct Nothing;

impl InProcess for Nothing {
    fn call(&self, _: InProcessCall) -> Answering {
        Box::pin(std::future::ready(Response::new(Bytes::new())))
    }
}

impl Probes for Nothing {
    fn answer(&self, _: Door, _: Option<&str>, _: &str) -> Option<Response<Bytes>> {
        None
    }
}

impl TrustKeys for Nothing {
    /// As it is after somebody asked for keys that nobody has.
    fn want(&self, _: &TrustName, _: Option<&str>, _: IpAddr) -> Fetching {
        Box::pin(std::future::ready(KeysAnswer::NotBefore(clock() + Duration::from_secs(30))))
    }

    fn ask(&self, _: &TrustName, _: &Secret<String>) -> Asking {
        Box::pin(std::future::ready(Introspection::Silent))
    }
}

/// From [`DAWN`] on, at which what is on record begins.
#[expect(clippy::disallowed_methods, reason = "the door's own clock")]
fn clock() -> Time {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    DAWN + BEGIN.elapsed()
}

fn entropy() -> u128 {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    u128::from(COUNT.fetch_add(1, Ordering::Relaxed)) * 0x9E37_79B9_7F4A_7C15
}
