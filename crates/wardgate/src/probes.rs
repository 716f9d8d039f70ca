//! What answers without a credential: health, readiness, metrics on the admin listener, our keys on the others.

mod charts;
mod evidence;
mod trust;

use crate::{
    clock,
    control::Control,
    issuer,
    run::Before,
    usage::{Counting, Metric},
};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use std::{
    fmt::Write as _,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};
use wardgate_audit::sink::{Fullness, Log, WAY_OUT};
use wardgate_edge::{EdgeMetrics, Probes};
use wardgate_gate::snapshot::RESOURCE_METADATA;
use wardgate_issuer::{
    place::{Federation, KEYS, Mutual, Place},
    resource,
};
use wardgate_model::facts::Door;

/// How long others may remember our keys, in seconds (STANDARDS §1.12: 60 s to 24 h).
const KEYS_MAX_AGE_S: u32 = 300;

/// The answers.
#[derive(Debug)]
pub struct Answers {
    control: Arc<Control>,
    log: Arc<Log>,
    before: Before,
    metrics: OnceLock<Arc<EdgeMetrics>>,
    counting: OnceLock<Counting>,
    draining: AtomicBool,
}

impl Answers {
    /// Answers for this process. `before`: how the last one ended.
    #[must_use]
    pub fn new(control: Arc<Control>, log: Arc<Log>, before: Before) -> Self {
        Self { control, log, before, metrics: OnceLock::new(), counting: OnceLock::new(), draining: AtomicBool::new(false) }
    }

    /// From now on this process is not ready: others should take the traffic.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Where the doors count.
    pub fn count_with(&self, metrics: Arc<EdgeMetrics>) {
        let _only_once = self.metrics.set(metrics);
    }

    /// Who else counts.
    pub fn count_also(&self, counting: Counting) {
        let _only_once = self.counting.set(counting);
    }

    fn ready(&self) -> Response<Bytes> {
        let (failing, fullness) = (self.log.counters().failing, self.log.taken().fullness);
        let (status, text) = match (self.draining.load(Ordering::Relaxed), failing) {
            (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned()),
            (false, _) if fullness == Fullness::Full => {
                (StatusCode::SERVICE_UNAVAILABLE, format!("the event log is at its cap, `audit.bytes_max`: {WAY_OUT}\n"))
            }
            (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "the event log cannot be written\n".to_owned()),
            // The gate goes on with its last good state: that is ready, and said.
            (false, false) if self.control.heard().trouble().is_some() || self.control.unrecorded() > 0 => (StatusCode::OK, self.stale()),
            (false, false) if fullness == Fullness::Pressed => (
                StatusCode::OK,
                format!(
                    "ready; the event log is over three quarters of its cap, `audit.bytes_max`: refusals are only counted; {WAY_OUT}\n"
                ),
            ),
            (false, false) => (StatusCode::OK, "ready\n".to_owned()),
        };
        plain(
            status,
            text + &evidence::lines(&self.log.counters())
                + &trust::lines(&self.control.sources().states(), &self.control.sources().asked(), clock::now())
                + &charts::lines(&self.control.charted()),
        )
    }

    /// What a gate goes on with while the store does not answer, and what the store does not know of it.
    fn stale(&self) -> String {
        let (heard, unrecorded) = (self.control.heard(), self.control.unrecorded());
        let mut text = "ready".to_owned();
        if heard.trouble().is_some() {
            let why = heard.away().map_or_else(|| "what is in it cannot be followed".into(), |away| away.why);
            let _infallible = write!(text, ", stale since {}: the store does not answer: {why}", heard.last());
        }
        if unrecorded > 0 {
            let _infallible = write!(text, "; obeyed here and not on record, so that other gates do not know it: {unrecorded}");
        }
        text + "\n"
    }

    fn metrics(&self) -> Response<Bytes> {
        let mut text = self.metrics.get().map(|metrics| metrics.render()).unwrap_or_default();
        let (log, taken) = (self.log.counters(), self.log.taken());
        let snapshot = self.control.gate().snapshot().number();
        let heard = self.control.heard();
        let last_failing = u64::from(self.control.last_failing());
        let stale_s = clock::now().since(heard.last()).as_secs();
        for (name, kind, help, value) in [
            ("wardgate_audit_written_total", "counter", "Events on disk since the start.", log.written),
            ("wardgate_audit_lost_total", "counter", "Events that had a place and could not be written.", log.lost),
            ("wardgate_audit_sealed_total", "counter", "Segments of the event log sealed since the start.", log.sealed),
            (
                "wardgate_audit_unsealed_total",
                "counter",
                "Tails of the event log that were not sealed, because they do not hold what was written to them.",
                log.unsealed,
            ),
            ("wardgate_audit_anchors_behind", "gauge", "Anchors that do not have the newest checkpoint.", log.anchors_behind as u64),
            (
                "wardgate_audit_anchor_failures_total",
                "counter",
                "Checkpoints that an anchor did not take; tried again.",
                log.anchor_failures,
            ),
            ("wardgate_audit_unstored", "gauge", "Segments that are not in the store as they are now.", log.unstored as u64),
            ("wardgate_audit_uncopied", "gauge", "Entries of the log of segments that its copy in the store lacks.", log.uncopied),
            ("wardgate_audit_store_failures_total", "counter", "Tries to store or delete a segment that failed.", log.store_failures),
            ("wardgate_audit_queue_events", "gauge", "Events that wait to be written.", log.queued as u64),
            ("wardgate_audit_bytes", "gauge", "Bytes of the event log on disk.", taken.bytes),
            (
                "wardgate_audit_bytes_max",
                "gauge",
                "Bytes that the event log may take; at the cap what must be recorded is refused.",
                taken.bytes_max,
            ),
            ("wardgate_audit_failing", "gauge", "1 while the event log cannot be written.", u64::from(log.failing)),
            ("wardgate_snapshot_number", "gauge", "Number of the snapshot that requests are judged against.", snapshot),
            ("wardgate_store_failing", "gauge", "1 while the store does not answer.", u64::from(heard.trouble().is_some())),
            ("wardgate_store_stale_seconds", "gauge", "Seconds since the store last answered.", stale_s),
            ("wardgate_stops_unrecorded", "gauge", "Stops that are obeyed here and not on record yet.", self.control.unrecorded() as u64),
            ("wardgate_last_state_failing", "gauge", "1 while the last good state cannot be kept on disk.", last_failing),
            ("wardgate_meters", "gauge", "Meters of limits in memory.", self.control.gate().meters().len() as u64),
            (
                "wardgate_profiles",
                "gauge",
                "Identities of which it is known what is usual.",
                self.control.gate().meters().watch().count() as u64,
            ),
        ] {
            let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
        for Metric { name, kind, help, value } in self.counting.get().map(Counting::metrics).unwrap_or_default() {
            let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
        text.push_str(&evidence::metrics(&log, self.before));
        text.push_str(&self.control.lag().render());
        text.push_str(&trust::metrics(&self.control.sources().states(), &self.control.sources().asked(), clock::now()));
        text.push_str(&charts::metrics(&self.control.charted(), clock::now()));
        let mut response = plain(StatusCode::OK, text);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
        response
    }

    fn keys(&self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.control.material().jwks().to_string()));
        kept_for_a_while(&mut response, HeaderValue::from_static("application/jwk-set+json"));
        response
    }

    /// What our token service says of itself (RFC 8414), where this path of its host asks for it: other hosts may have issuers of their own.
    fn metadata(&self, host: Option<&str>, path: &str) -> Option<Response<Bytes>> {
        let place = Place::parse(&self.control.config().issuer).filter(|place| host == Some(place.host()) && place.is_metadata(path))?;
        let mutual = issuer::mutual(self.control.config(), &place);
        let vouched = self.control.gate().snapshot().trust().vouches_for_tokens();
        let federation = if vouched { Federation::On } else { Federation::Off };
        let mut response = Response::new(Bytes::from(place.metadata(&mutual, federation).to_string()));
        kept_for_a_while(&mut response, HeaderValue::from_static("application/json"));
        Some(response)
    }
}

impl Answers {
    /// What an API is as a protected resource (RFC 9728), where this path of its host asks for it.
    fn resource(&self, host: Option<&str>, path: &str) -> Option<Response<Bytes>> {
        let snapshot = self.control.gate().snapshot();
        let (address, api) = snapshot.resource(host?, path.strip_prefix(RESOURCE_METADATA)?)?;
        let config = self.control.config();
        let mutual = Place::parse(&config.issuer).map_or(Mutual::Nowhere, |place| issuer::mutual(config, &place));
        let told = resource::metadata(address, api, &config.issuer, &mutual);
        let mut response = Response::new(Bytes::from(told.to_string()));
        kept_for_a_while(&mut response, HeaderValue::from_static("application/json"));
        Some(response)
    }
}

fn kept_for_a_while(response: &mut Response<Bytes>, kind: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    if let Ok(value) = HeaderValue::try_from(format!("public, max-age={KEYS_MAX_AGE_S}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

impl Probes for Answers {
    fn answer(&self, door: Door, host: Option<&str>, path: &str) -> Option<Response<Bytes>> {
        match (door, path) {
            (Door::Admin, "/healthz") => Some(plain(StatusCode::OK, "ok\n".to_owned())),
            (Door::Admin, "/readyz") => Some(self.ready()),
            (Door::Admin, "/metrics") if self.control.config().metrics_open => Some(self.metrics()),
            (Door::Public, KEYS) => Some(self.keys()),
            (Door::Public, path) => self.metadata(host, path).or_else(|| self.resource(host, path)),
            (Door::Admin | Door::Described, _) => None,
        }
    }
}

fn plain(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
