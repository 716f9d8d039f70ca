//! Counters of the doors, without locks on a request's way, and their Prometheus text form.

mod histogram;

use ahash::AHashMap;
pub use histogram::Histogram;
use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use wardgate_model::{facts::Lane, id::ApiName, reason::Reason, ruling::Ruling};

/// Upper bounds of `http_server_request_duration_seconds`, in seconds (OpenTelemetry semantic conventions).
const REQUEST_BOUNDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Upper bounds of `wardgate_judge_duration_seconds`.
const JUDGE_BOUNDS: &[f64] = &[2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2e-2];
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "_OTHER"];
const RESPONSES: [&str; 4] = ["allow", "slow", "challenge", "block"];
/// Statuses are told apart up to here; what lies beyond is no HTTP status.
const STATUS_MAX: usize = 600;

/// Rulings of one API, by response and reason, and by lane and response.
#[derive(Debug)]
pub struct ApiRulings {
    reasons: Box<[AtomicU64]>,
    lanes: Box<[AtomicU64]>,
}

impl ApiRulings {
    fn new() -> Self {
        let counters = |of: usize| (0..RESPONSES.len() * of).map(|_| AtomicU64::new(0)).collect();
        Self { reasons: counters(Reason::ALL.len()), lanes: counters(Lane::ALL.len()) }
    }

    fn count(&self, lane: Option<Lane>, ruling: &Ruling) {
        let response = RESPONSES.iter().position(|word| *word == ruling.response.as_str()).unwrap_or(0);
        // A reason's place in `ALL` is its discriminant: the table makes both. So is a lane's.
        let of_reason = self.reasons.get(response * Reason::ALL.len() + ruling.reason() as usize);
        let of_lane = lane.and_then(|lane| self.lanes.get(response * Lane::ALL.len() + lane as usize));
        for counter in of_reason.into_iter().chain(of_lane) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The counters of a process's doors.
#[derive(Debug)]
pub struct EdgeMetrics {
    apis: Mutex<Vec<(Box<str>, Arc<ApiRulings>)>>,
    /// Requests that upstreams bear at a time, by API.
    borne: Mutex<Vec<(Box<str>, Arc<AtomicI64>)>>,
    requests: Box<[OnceLock<Histogram>]>,
    judge: Histogram,
    wire: Box<[AtomicU64]>,
    connections: AtomicI64,
    connections_refused: AtomicU64,
    source_refused: AtomicU64,
    pausing: AtomicI64,
    unpaused: AtomicU64,
    slowing: AtomicI64,
    unslowed: AtomicU64,
    ejections: AtomicU64,
    untrusted: AtomicU64,
    trailers: AtomicU64,
    in_flight: AtomicI64,
    dropped: AtomicU64,
    faults: AtomicU64,
}

impl Default for EdgeMetrics {
    fn default() -> Self {
        Self {
            apis: Mutex::default(),
            borne: Mutex::default(),
            requests: (0..METHODS.len() * STATUS_MAX).map(|_| OnceLock::new()).collect(),
            judge: Histogram::new(JUDGE_BOUNDS),
            wire: Reason::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            connections: AtomicI64::new(0),
            connections_refused: AtomicU64::new(0),
            source_refused: AtomicU64::new(0),
            pausing: AtomicI64::new(0),
            unpaused: AtomicU64::new(0),
            slowing: AtomicI64::new(0),
            unslowed: AtomicU64::new(0),
            ejections: AtomicU64::new(0),
            untrusted: AtomicU64::new(0),
            trailers: AtomicU64::new(0),
            in_flight: AtomicI64::new(0),
            dropped: AtomicU64::new(0),
            faults: AtomicU64::new(0),
        }
    }
}

impl EdgeMetrics {
    /// The counters of an API: resolved once per thread, then kept.
    fn api(&self, name: &str) -> Arc<ApiRulings> {
        let mut apis = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rulings)) = apis.iter().find(|(known, _)| **known == *name) {
            return Arc::clone(rulings);
        }
        let rulings = Arc::new(ApiRulings::new());
        apis.push((name.into(), Arc::clone(&rulings)));
        rulings
    }

    /// How many requests at a time the upstream of an API bears: the sum of what each thread lets go to each of its addresses.
    pub fn concurrency(&self, api: &ApiName) -> Arc<AtomicI64> {
        let mut all = self.borne.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, gauge)) = all.iter().find(|(known, _)| **known == *api.as_str()) {
            return Arc::clone(gauge);
        }
        let gauge = Arc::<AtomicI64>::default();
        all.push((api.as_str().into(), Arc::clone(&gauge)));
        gauge
    }

    /// Counts the time that a request took.
    pub fn request(&self, method: &http::Method, status: Option<u16>, took: Duration) {
        let method = METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1);
        let status = usize::from(status.unwrap_or(0)).min(STATUS_MAX - 1);
        if let Some(cell) = self.requests.get(method * STATUS_MAX + status) {
            cell.get_or_init(|| Histogram::new(REQUEST_BOUNDS)).observe(took);
        }
    }

    /// Counts the time that the judge took.
    pub fn judged(&self, took: Duration) {
        self.judge.observe(took);
    }

    /// Counts a refusal by the wire guard.
    pub fn wire(&self, reason: Reason) {
        if let Some(counter) = self.wire.get(reason as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts trailers that were not passed on.
    pub fn drop_trailers(&self, count: usize) {
        self.trailers.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Counts an event that found no place.
    pub fn event_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failure of ours.
    pub fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts requests under way.
    pub fn in_flight(&self, change: i64) {
        self.in_flight.fetch_add(change, Ordering::Relaxed);
    }

    /// Counts a new connection, unless there are `max` already.
    #[must_use]
    pub fn connect(&self, max: usize) -> bool {
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        let room = usize::try_from(before).unwrap_or(0) < max;
        if !room {
            self.connections.fetch_sub(1, Ordering::Relaxed);
            self.connections_refused.fetch_add(1, Ordering::Relaxed);
        }
        room
    }

    /// Counts a connection of a source that has too many.
    pub fn refuse_source(&self) {
        self.source_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts requests that wait to be told that their source is over its limit.
    pub fn pausing(&self, change: i64) {
        self.pausing.fetch_add(change, Ordering::Relaxed);
    }

    /// Counts a request that was told so at once: too many wait.
    pub fn unpaused(&self) {
        self.unpaused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts requests that are being slowed.
    pub fn slowing(&self, change: i64) {
        self.slowing.fetch_add(change, Ordering::Relaxed);
    }

    /// Counts a request that was to be slowed and was refused: too many wait.
    pub fn unslowed(&self) {
        self.unslowed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that was to come by a balancer, and did not.
    pub fn refuse_untrusted(&self) {
        self.untrusted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an address of an upstream that is passed over for a while.
    pub fn eject(&self) {
        self.ejections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that ended.
    pub fn disconnect(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Open connections of clients.
    #[must_use]
    pub fn connections(&self) -> i64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// All of it in Prometheus text form (version 0.0.4).
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(4096);
        self.render_rulings(&mut text);
        self.render_lanes(&mut text);
        self.render_requests(&mut text);
        self.render_borne(&mut text);
        header(&mut text, "wardgate_judge_duration_seconds", "histogram", "time that the judge took");
        self.judge.render(&mut text, "wardgate_judge_duration_seconds", "");
        let gauges = [
            ("wardgate_open_connections", "gauge", "open connections of clients", self.connections.load(Ordering::Relaxed)),
            ("http_server_active_requests", "gauge", "requests under way", self.in_flight.load(Ordering::Relaxed)),
            (
                "wardgate_paused_refusals",
                "gauge",
                "requests that wait to be told that their source is over its limit",
                self.pausing.load(Ordering::Relaxed),
            ),
            ("wardgate_slowed_requests", "gauge", "requests that wait for their risk", self.slowing.load(Ordering::Relaxed)),
        ];
        for (name, kind, help, value) in gauges {
            header(&mut text, name, kind, help);
            let _ = writeln!(text, "{name} {value}");
        }
        let counters = [
            ("wardgate_connections_refused_total", "connections closed at once: too many", &self.connections_refused),
            ("wardgate_source_connections_refused_total", "connections closed at once: too many of one source", &self.source_refused),
            (
                "wardgate_unpaused_refusals_total",
                "requests that were told at once that their source is over its limit: too many wait",
                &self.unpaused,
            ),
            ("wardgate_unslowed_refusals_total", "requests that were to be slowed and were refused: too many wait", &self.unslowed),
            ("wardgate_untrusted_connections_refused_total", "connections closed at once: not of a trusted balancer", &self.untrusted),
            ("wardgate_upstream_ejections_total", "times that an address of an upstream was passed over for its failures", &self.ejections),
            ("wardgate_trailers_dropped_total", "trailers that were not passed on", &self.trailers),
            ("wardgate_audit_dropped_total", "events that found no place", &self.dropped),
            ("wardgate_faults_total", "requests on which the gate itself failed", &self.faults),
        ];
        for (name, help, value) in counters {
            header(&mut text, name, "counter", help);
            let _ = writeln!(text, "{name} {}", value.load(Ordering::Relaxed));
        }
        header(&mut text, "wardgate_wire_refusals_total", "counter", "requests refused by the wire guard");
        for (reason, counter) in Reason::ALL.iter().zip(&self.wire) {
            let count = counter.load(Ordering::Relaxed);
            if count > 0 {
                let _ = writeln!(text, "wardgate_wire_refusals_total{{code=\"{}\"}} {count}", reason.code());
            }
        }
        text
    }

    fn render_borne(&self, text: &mut String) {
        let all = self.borne.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.is_empty() {
            header(text, "wardgate_upstream_concurrency", "gauge", "requests at a time that an upstream gets, by how quickly it answers");
        }
        for (api, gauge) in all.iter() {
            let _ = writeln!(text, "wardgate_upstream_concurrency{{api=\"{api}\"}} {}", gauge.load(Ordering::Relaxed));
        }
    }

    fn render_rulings(&self, text: &mut String) {
        header(text, "wardgate_rulings_total", "counter", "rulings by response, reason and API");
        let apis = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
        for (api, rulings) in apis.iter() {
            let cells = RESPONSES.iter().flat_map(|response| Reason::ALL.iter().map(move |reason| (response, reason)));
            for ((response, reason), counter) in cells.zip(&rulings.reasons) {
                let count = counter.load(Ordering::Relaxed);
                if count > 0 {
                    let code = reason.code();
                    let _ = writeln!(text, "wardgate_rulings_total{{response=\"{response}\",code=\"{code}\",api=\"{api}\"}} {count}");
                }
            }
        }
    }

    fn render_lanes(&self, text: &mut String) {
        header(
            text,
            "wardgate_lane_rulings_total",
            "counter",
            "rulings on callers that are known as machines, people's sessions or nobody",
        );
        let apis = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
        for (api, rulings) in apis.iter() {
            let cells = RESPONSES.iter().flat_map(|response| Lane::ALL.iter().map(move |lane| (response, lane)));
            for ((response, lane), counter) in cells.zip(&rulings.lanes) {
                let count = counter.load(Ordering::Relaxed);
                if count > 0 {
                    let _ = writeln!(text, "wardgate_lane_rulings_total{{lane=\"{lane}\",response=\"{response}\",api=\"{api}\"}} {count}");
                }
            }
        }
    }

    fn render_requests(&self, text: &mut String) {
        header(text, "http_server_request_duration_seconds", "histogram", "time from a request's head to the last byte of its answer");
        let cells = METHODS.iter().flat_map(|method| (0..STATUS_MAX).map(move |status| (method, status)));
        for ((method, status), cell) in cells.zip(&self.requests) {
            if let Some(histogram) = cell.get() {
                let labels = format!("http_request_method=\"{method}\",http_response_status_code=\"{status}\"");
                histogram.render(text, "http_server_request_duration_seconds", &labels);
            }
        }
    }
}

fn header(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

/// A thread's own look-up of API counters.
#[derive(Debug, Default)]
pub struct Resolved {
    apis: AHashMap<ApiName, Arc<ApiRulings>>,
    none: Option<Arc<ApiRulings>>,
}

impl Resolved {
    /// Counts a ruling on a request to `api`, `None` where none was found, that came in `lane`, `None` while nobody is known to call.
    pub fn count(&mut self, metrics: &EdgeMetrics, api: Option<&ApiName>, lane: Option<Lane>, ruling: &Ruling) {
        match api {
            None => self.none.get_or_insert_with(|| metrics.api("")).count(lane, ruling),
            Some(name) => match self.apis.get(name) {
                Some(rulings) => rulings.count(lane, ruling),
                None => {
                    let rulings = metrics.api(name.as_str());
                    rulings.count(lane, ruling);
                    self.apis.insert(name.clone(), rulings);
                }
            },
        }
    }
}

#[cfg(test)]
mod tests;
