//! What was typed. Unknown keys are refused; every default stands in [`defaults`].

mod doors;
mod governance;
mod issuer;
mod outside;
mod sign_in;
mod sources;

pub(super) use defaults::GLASS;
use doors::{RawEdge, RawListener};
use governance::{RawBreakGlass, RawBypass, RawDeliver, RawDiscovery, RawState};
use issuer::RawSigner;
use outside::{RawAnchor, RawSegments};
use sign_in::RawSignIn;
use sources::RawSources;

use super::{Config, KeySource, SealConfig};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use wardgate_model::diagnostic::{Diagnostic, Place};

/// The one table of defaults.
mod defaults {
    /// `admin.address`.
    pub(super) const ADMIN: &str = "127.0.0.1:9080";
    /// `issuer.url` where no listener says what clients call it.
    pub(super) const ISSUER: &str = "https://wardgate.invalid";
    /// `issuer.token_life`.
    pub(super) const TOKEN_LIFE: &str = "5m";
    /// `store.url`.
    pub(super) const STORE: &str = "sqlite:wardgate.db";
    /// `audit.directory`.
    pub(super) const AUDIT: &str = "audit/";
    /// `audit.queue_events`.
    pub(super) const QUEUE_EVENTS: usize = 65_536;
    /// `audit.bytes_max`.
    pub(super) const AUDIT_BYTES: &str = "64GiB";
    /// `audit.window`.
    pub(super) const AUDIT_WINDOW: &str = "100ms";
    /// `audit.seal.events`.
    pub(super) const SEAL_EVENTS: u64 = 131_072;
    /// `audit.seal.after`.
    pub(super) const SEAL_AFTER: &str = "1h";
    /// `audit.segments.local`.
    pub(super) const SEGMENTS_LOCAL: &str = "24h";
    /// In the place of an `audit.segments.s3.endpoint` that is none, while the rest is looked at.
    pub(super) const NO_STORE: &str = "https://store.invalid";
    /// `audit.segments.s3.region`.
    pub(super) const S3_REGION: &str = "us-east-1";
    /// `secrets.key`.
    pub(super) const KEY: &str = "file:wardgate.key";
    /// `edge.name`.
    pub(super) const EDGE: &str = "edge-1";
    /// `edge.connections_max`.
    pub(super) const CONNECTIONS: usize = 10_000;
    /// `edge.source_connections_max`.
    pub(super) const SOURCE_CONNECTIONS: usize = 2_500;
    /// `edge.head_timeout`.
    pub(super) const HEAD_TIMEOUT: &str = "10s";
    /// `edge.body_idle`.
    pub(super) const BODY_IDLE: &str = "30s";
    /// `edge.keep_alive`.
    pub(super) const KEEP_ALIVE: &str = "75s";
    /// `edge.body_bytes_max`.
    pub(super) const BODY_BYTES: &str = "1GiB";
    /// `edge.rate_min`.
    pub(super) const RATE_MIN: &str = "240B";
    /// `edge.drain`.
    pub(super) const DRAIN: &str = "30s";
    /// `state.directory` where the database is no file.
    pub(super) const STATE: &str = "state";
    /// `discovery.claim_within`.
    pub(super) const CLAIM_WITHIN: &str = "14d";
    /// `bypass.every`.
    pub(super) const BYPASS: &str = "6h";
    /// `break_glass.socket`, in the directory of state.
    pub(in crate::config) const GLASS: &str = "wardgate.glass";
    /// `admin.sign_in.groups_claim`.
    pub(super) const GROUPS_CLAIM: &str = "groups";
    /// `admin.sign_in.scopes`.
    pub(super) const SCOPE: &str = "email";
    /// `admin.sign_in.session`.
    pub(super) const PEOPLE_SESSION: &str = "1h";
    /// `deliver.vault.mount`.
    pub(super) const VAULT_MOUNT: &str = "secret";
    /// `sources.reputation.format`.
    pub(super) const LIST_FORMAT: &str = "netset";
    /// `sources.reputation.column` of `jsonl`.
    pub(super) const LIST_MEMBER: &str = "cidr";
    /// `sources.reputation.weight`.
    pub(super) const LIST_WEIGHT: u8 = 25;
}

/// `wardgate.yaml`. A key that is not there is `None` until [`Raw::filled`].
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// Doors for clients.
    pub listeners: Vec<RawListener>,
    /// The admin listener: management API, /metrics, /healthz, /readyz.
    pub admin: Option<RawAdmin>,
    /// Our own issuer.
    pub issuer: Option<RawIssuer>,
    /// The database.
    pub store: Option<RawStore>,
    /// The event log.
    pub audit: Option<RawAudit>,
    /// The installation's master key.
    pub secrets: Option<RawSecrets>,
    /// Directories and files of resources and policies: applied at start and when they change.
    pub resources: Option<Vec<String>>,
    /// Bounds of the edge.
    pub edge: Option<RawEdge>,
    /// Files of this process's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RawState>,
    /// Unknown callers.
    pub discovery: Option<RawDiscovery>,
    /// Ways round the gate.
    pub bypass: Option<RawBypass>,
    /// The door of last resort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<RawBreakGlass>,
    /// Where new upstream secrets may be brought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliver: Option<RawDeliver>,
    /// What is known of addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<RawSources>,
}

/// The admin listener.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAdmin {
    /// Address and port.
    pub address: Option<String>,
    /// `open` or `closed`: whether /metrics answers without a credential.
    pub metrics: Option<String>,
    /// Where people sign in to the management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<RawSignIn>,
}

/// Our own issuer.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawIssuer {
    /// Its URL: `iss` of assertions and tokens. The token service is at URL + /oauth, said by /.well-known/oauth-authorization-server;
    /// keys at /.well-known/jwks.json. Default: the first listener's public_url.
    pub url: Option<String>,
    /// How long a token lives, from `30s` to `1h`; less where who calls or what is called is critical. Default: `5m`.
    pub token_life: Option<String>,
    /// What tokens and assertions are signed with: `ES256` (default) or `EdDSA`.
    pub algorithm: Option<String>,
    /// Where tokens are signed, if not in this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<RawSigner>,
}

/// The database.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStore {
    /// `sqlite:PATH`, or `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE`, or `env:NAME` of a variable that says so.
    pub url: Option<String>,
}

/// The event log.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAudit {
    /// Its directory.
    pub directory: Option<String>,
    /// Events that may wait to be written; beyond it `audit: required` refuses.
    pub queue_events: Option<usize>,
    /// Bytes on disk that it may take. From three quarters on refusals are only counted; beyond it `audit: required` refuses, and
    /// what operators do is still recorded.
    pub bytes_max: Option<String>,
    /// How long a sealed segment is kept after its newest event, as in `90d`; without it until somebody takes it away.
    pub retain: Option<String>,
    /// How long events are gathered before they are written: at most this long an event is in memory only.
    pub window: Option<String>,
    /// When what was written is sealed: whichever comes first.
    pub seal: Option<RawSeal>,
    /// Second places for the checkpoints of what is sealed: whoever puts an older log back, or writes another one, is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Vec<RawAnchor>>,
    /// Where sealed segments go; without it they stay in the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<RawSegments>,
}

/// When what was written to the event log is sealed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSeal {
    /// After so many events.
    pub events: Option<u64>,
    /// So long after the first of them, whether another one comes or not.
    pub after: Option<String>,
}

/// The master key.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSecrets {
    /// `file:PATH` or `env:NAME`: 32 bytes as hex or base64url.
    pub key: Option<String>,
}

impl Raw {
    /// The same with every default written out: what is in force.
    #[must_use]
    pub fn filled(mut self) -> Self {
        fn fill(place: &mut Option<String>, default: &str) {
            place.get_or_insert_with(|| default.to_owned());
        }
        let admin = self.admin.get_or_insert_default();
        fill(&mut admin.address, defaults::ADMIN);
        fill(&mut admin.metrics, "open");
        if let Some(sign_in) = &mut admin.sign_in {
            sign_in.fill();
        }
        let public_url = self.listeners.iter().find_map(|listener| listener.public_url.clone());
        let issuer = self.issuer.get_or_insert_default();
        fill(&mut issuer.url, public_url.as_deref().unwrap_or(defaults::ISSUER));
        fill(&mut issuer.token_life, defaults::TOKEN_LIFE);
        fill(&mut issuer.algorithm, issuer::ES256);
        fill(&mut self.store.get_or_insert_default().url, defaults::STORE);
        let audit = self.audit.get_or_insert_default();
        fill(&mut audit.directory, defaults::AUDIT);
        audit.queue_events.get_or_insert(defaults::QUEUE_EVENTS);
        fill(&mut audit.bytes_max, defaults::AUDIT_BYTES);
        fill(&mut audit.window, defaults::AUDIT_WINDOW);
        let seal = audit.seal.get_or_insert_default();
        seal.events.get_or_insert(defaults::SEAL_EVENTS);
        fill(&mut seal.after, defaults::SEAL_AFTER);
        if let Some(segments) = &mut audit.segments {
            segments.fill();
        }
        fill(&mut self.secrets.get_or_insert_default().key, defaults::KEY);
        self.resources.get_or_insert_default();
        let edge = self.edge.get_or_insert_default();
        edge.threads.get_or_insert_with(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
        edge.connections_max.get_or_insert(defaults::CONNECTIONS);
        edge.source_connections_max.get_or_insert(defaults::SOURCE_CONNECTIONS);
        fill(&mut edge.name, defaults::EDGE);
        fill(&mut edge.head_timeout, defaults::HEAD_TIMEOUT);
        fill(&mut edge.body_idle, defaults::BODY_IDLE);
        fill(&mut edge.keep_alive, defaults::KEEP_ALIVE);
        fill(&mut edge.rate_min, defaults::RATE_MIN);
        fill(&mut edge.body_bytes_max, defaults::BODY_BYTES);
        fill(&mut edge.drain, defaults::DRAIN);
        fill(&mut self.discovery.get_or_insert_default().claim_within, defaults::CLAIM_WITHIN);
        fill(&mut self.bypass.get_or_insert_default().every, defaults::BYPASS);
        self.sources.iter_mut().for_each(RawSources::fill);
        for tls in self.listeners.iter_mut().filter_map(|listener| listener.tls.as_mut()) {
            fill(&mut tls.client_certificates, "off");
        }
        self
    }
}

/// Collects what is wrong, so that all of it is said at once.
struct Findings<'a> {
    file: &'a Path,
    text: &'a [u8],
    base: &'a Path,
    found: Vec<Diagnostic>,
}

impl Findings<'_> {
    fn wrong(&mut self, key: &str, what: String, mend: &str) {
        self.found.push(Diagnostic::error(self.place(key), "config.value", what).mend(mend));
    }

    fn place(&self, key: &str) -> Place {
        wardgate_resources::yaml::place(self.file, self.text, key)
    }

    fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let address = text.parse().ok();
        if address.is_none() {
            self.wrong(key, format!("`{text}` is no address for `{key}`"), "write ADDRESS:PORT, as in `127.0.0.1:8443` or `[::1]:8443`");
        }
        address
    }

    fn file(&mut self, key: &str, text: &str) -> Option<PathBuf> {
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Some(self.base.join(path)),
            _ => {
                self.wrong(
                    key,
                    format!("`{text}` is no file for `{key}`"),
                    "write `file:PATH`; a relative path counts from the configuration's directory",
                );
                None
            }
        }
    }

    fn url(&mut self, key: &str, text: &str) -> Option<String> {
        let uri = text.parse::<http::Uri>().ok();
        let good =
            uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none() && uri.host().is_some());
        if !good {
            self.wrong(key, format!("`{text}` is no URL for `{key}`"), "write `https://host[:port]`");
        }
        good.then(|| text.trim_end_matches('/').to_owned())
    }

    fn word<'w>(&mut self, key: &str, given: &str, words: [&'w str; 2]) -> Option<&'w str> {
        let found = words.into_iter().find(|word| *word == given);
        if found.is_none() {
            self.wrong(key, format!("`{given}` is no value of `{key}`"), &format!("write `{}`", words.join("` or `")));
        }
        found
    }

    fn database(&mut self, url: &str) -> Option<String> {
        let from_variable = url.strip_prefix("env:").map(super::variable);
        let url = match &from_variable {
            None => url,
            Some(Some(url)) => url,
            Some(None) => {
                self.wrong("store.url", format!("`{url}` names no variable of the environment"), "set the variable, or write the URL");
                return None;
            }
        };
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Some(format!("sqlite:{}", self.base.join(path).display())),
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => Some(url.to_owned()),
            _ => {
                // A URL may hold a password: it is not shown.
                self.wrong(
                    "store.url",
                    "this is no database for `store.url`".to_owned(),
                    "write `sqlite:PATH`, `postgres://USER@HOST/DATABASE`, or `env:NAME` of a variable that says so",
                );
                None
            }
        }
    }

    fn key(&mut self, source: &str) -> Option<KeySource> {
        match source.strip_prefix("env:") {
            Some(name) if !name.is_empty() => Some(KeySource::Env(name.to_owned())),
            _ => self.file("secrets.key", source).map(KeySource::File),
        }
    }

    fn size(&mut self, key: &str, text: &str) -> Option<u64> {
        let size = wardgate_resources::scalar::size(text).ok();
        if size.is_none() {
            self.wrong(key, format!("`{text}` is no size for `{key}`"), "write a number with `B`, `KiB`, `MiB` or `GiB`");
        }
        size.map(std::num::NonZero::get)
    }

    fn duration(&mut self, key: &str, text: &str) -> Option<Duration> {
        let span = wardgate_resources::scalar::duration(text).ok().filter(|span| !span.is_zero());
        if span.is_none() {
            self.wrong(key, format!("`{text}` is no duration for `{key}`"), "write a number with `ms`, `s`, `m`, `h` or `d`, as in `10s`");
        }
        span
    }
}

/// The longest that an event may be in memory only.
const AUDIT_WINDOW_MAX: Duration = Duration::from_secs(1);
/// Events that may wait to be sealed: they are in one file, read at once.
const SEAL_EVENTS_MAX: u64 = 1_000_000;

/// Bytes that the event log may have at the least.
const AUDIT_BYTES_MIN: u64 = 64 * 1024;
/// How soon a tail may be sealed: whoever seals looks once a second.
const SEAL_AFTER_MIN: Duration = Duration::from_secs(1);
/// How late: what is not sealed can be set back to what it was a second after it began.
const SEAL_AFTER_MAX: Duration = Duration::from_hours(24);

impl RawSeal {
    fn resolve(&self, findings: &mut Findings<'_>) -> SealConfig {
        let after = self.after.as_ref().and_then(|span| findings.duration("audit.seal.after", span));
        if after.is_some_and(|after| !(SEAL_AFTER_MIN..=SEAL_AFTER_MAX).contains(&after)) {
            let said = format!(
                "`{}` for `audit.seal.after`: sooner each event would be sealed by itself, later what is not sealed can be set back for long",
                text(&self.after)
            );
            findings.wrong("audit.seal.after", said, "write one from `1s` to `24h`");
        }
        let after = after.unwrap_or_default();
        let events = self.events.unwrap_or(defaults::SEAL_EVENTS);
        if !(1..=SEAL_EVENTS_MAX).contains(&events) {
            let said = format!("`{events}` is no number of events for `audit.seal.events`");
            findings.wrong("audit.seal.events", said, &format!("write one from 1 to {SEAL_EVENTS_MAX}"));
        }
        SealConfig { events, after }
    }
}

impl Raw {
    /// What it means, defaults filled in. `bytes` are what it was read from: they say where things stand.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn resolve(self, file: &Path, bytes: &[u8]) -> Result<Config, Vec<Diagnostic>> {
        let base = file.parent().unwrap_or(Path::new(""));
        let mut findings = Findings { file, text: bytes, base, found: Vec::new() };
        let names_issuer = self.issuer.as_ref().is_some_and(|issuer| issuer.url.is_some());
        let raw = self.filled();
        let listeners: Vec<_> = raw.listeners.iter().enumerate().filter_map(|(at, listener)| listener.resolve(at, &mut findings)).collect();
        if raw.listeners.is_empty() {
            findings.wrong("listeners", "there is no listener".to_owned(), "add one under `listeners`");
        }
        let admin = raw.admin.unwrap_or_default();
        let address = findings.address("admin.address", text(&admin.address));
        let sign_in = admin.sign_in.as_ref().and_then(|sign_in| sign_in.resolve(&mut findings));
        let metrics_open = findings.word("admin.metrics", text(&admin.metrics), ["open", "closed"]) == Some("open");
        // Where no issuer is named it is a `public_url`, which has been looked at already.
        let issuer = raw.issuer.unwrap_or_default();
        let tokens = issuer.tokens(&mut findings);
        let issuer = issuer.url;
        let issuer =
            if names_issuer { findings.url("issuer.url", text(&issuer)) } else { issuer.map(|url| url.trim_end_matches('/').to_owned()) };
        let store = findings.database(text(&raw.store.unwrap_or_default().url));
        let key = findings.key(text(&raw.secrets.unwrap_or_default().key));
        let edge = raw.edge.unwrap_or_default().resolve(&mut findings);
        let claim_within = raw.discovery.unwrap_or_default().resolve(&mut findings);
        let bypass = raw.bypass.unwrap_or_default().resolve(&mut findings);
        let deliver = raw.deliver.unwrap_or_default().resolve(&mut findings);
        let sources = raw.sources.unwrap_or_default().resolve(&mut findings);
        let glass = raw.break_glass.unwrap_or_default().socket;
        let audit = raw.audit.unwrap_or_default();
        let audit_bytes_max = findings.size("audit.bytes_max", text(&audit.bytes_max));
        if audit_bytes_max.is_some_and(|bytes| bytes < AUDIT_BYTES_MIN) {
            let said = format!("`{}` for `audit.bytes_max`: it is full before a hundred events are in it", text(&audit.bytes_max));
            findings.wrong("audit.bytes_max", said, "write at least `64KiB`; the default is `64GiB`");
        }
        let audit_retain = audit.retain.as_ref().and_then(|span| findings.duration("audit.retain", span));
        let audit_window = audit.window.as_ref().and_then(|span| findings.duration("audit.window", span)).unwrap_or_default();
        if audit_window > AUDIT_WINDOW_MAX {
            let said = "an event would be in memory only for longer than a second".to_owned();
            findings.wrong("audit.window", said, "write at most `1s`");
        }
        let audit_seal = audit.seal.unwrap_or_default().resolve(&mut findings);
        let audit_outside = outside::resolve(audit.anchor.as_deref().unwrap_or_default(), audit.segments.as_ref(), &mut findings);
        match (address, issuer, store, key, edge.zip(claim_within), audit_bytes_max) {
            (Some(admin), Some(issuer), Some(store), Some(key), Some((edge, claim_within)), Some(audit_bytes_max))
                if findings.found.is_empty() =>
            {
                Ok(Config {
                    state: governance::state_directory(raw.state.as_ref(), &store, base),
                    glass: glass.map(|path| base.join(path)),
                    claim_within,
                    bypass,
                    deliver,
                    sources,
                    file: file.to_owned(),
                    listeners,
                    admin,
                    metrics_open,
                    sign_in,
                    issuer,
                    tokens,
                    store,
                    audit: base.join(text(&audit.directory)),
                    audit_queue_events: audit.queue_events.unwrap_or(1).max(1),
                    audit_bytes_max,
                    audit_retain,
                    audit_window,
                    audit_seal,
                    audit_outside,
                    key,
                    resources: raw.resources.unwrap_or_default().iter().map(|path| base.join(path)).collect(),
                    edge,
                })
            }
            _ => Err(findings.found),
        }
    }
}

/// A text that [`Raw::filled`] has filled in.
fn text(filled: &Option<String>) -> &str {
    filled.as_deref().unwrap_or_default()
}
