//! Wiring: one process with its doors, control side, log and journal, from start to graceful end.

use crate::{
    api::Management,
    bypass::Bypass,
    certificates::{Certificates, Shown},
    clock,
    config::Config,
    control::{Control, ReloadFault},
    deliver::{self, Deliveries},
    discovery::{self, Discovery},
    evidence, glass,
    governor::{self, Governor},
    issuer::{self, Inside, TokenService},
    kept,
    posture::Posture,
    probes::Answers,
    risks::{self, Risks},
    run::{Before, Daily, Run},
    surface::{self, Surface},
    tasks::{self, budgets::Drawer},
    tls,
    usage::{self, Counting, Usage},
    watch,
};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use wardgate_abuse::{MeterBounds, Meters, journal::FileJournal};
use wardgate_audit::sink::{Log, Observer, Writer};
use wardgate_edge::{self as edge, Census, Edge, EdgeConfig, EdgeHandle, EdgeLimits, EdgeMetrics, EdgeParts};
use wardgate_gate::Gate;
use wardgate_model::{diagnostic::Diagnostic, facts::Door, secret::Secret};

/// How often idle meters are forgotten.
const SWEEP: Duration = Duration::from_secs(30);
/// How long the log waits at the end for events of requests that are being cut.
const LOG_PATIENCE: Duration = Duration::from_secs(5);
/// The file of quotas, in the directory of state.
const JOURNAL: &str = "wardgate.quotas";
/// The name of the admin listener, in messages.
const ADMIN: &str = "admin";

/// A running process. Dropping it does not end it well: use [`Running::stop`].
pub struct Running {
    control: Arc<Control>,
    runtime: tokio::runtime::Runtime,
    edge: EdgeHandle,
    addresses: Vec<(String, SocketAddr)>,
    admin: SocketAddr,
    answers: Arc<Answers>,
    journal: Arc<FileJournal>,
    run: Run,
    log: Writer,
    usage: Arc<Usage>,
    surface: Arc<Surface>,
    drawer: Arc<Drawer>,
    _watch: watch::Watch,
    _certificates: Certificates,
    _governor: Governor,
    _glass: glass::Door,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("addresses", &self.addresses).field("admin", &self.admin).finish_non_exhaustive()
    }
}

/// Starts everything; the listeners are bound when this returns.
///
/// # Errors
/// When anything is wrong: a gate does not start half.
pub fn start(config: Config) -> anyhow::Result<Running> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("wardgate-control").enable_all().build()?;
    std::fs::create_dir_all(&config.state).with_context(|| format!("cannot make the directory `{}`", config.state.display()))?;
    let journal_file = config.state.join(JOURNAL);
    let (journal, opened) = FileJournal::open(&journal_file, clock::now())
        .context("cannot open the journal of quotas: does another `wardgate serve` run here?")?;
    if opened.ignored_bytes > 0 {
        tracing::warn!(bytes = opened.ignored_bytes, "the journal of quotas ends in bytes that are no record: they are ignored");
    }
    let journal = Arc::new(journal);
    let meters = Meters::watching(Arc::clone(&journal) as Arc<_>, MeterBounds::default(), kept::open(&config.state)?);
    meters.restore(opened.records);
    let options = evidence::options(&config)?;
    let observed = Observed {
        usage: Arc::default(),
        discovery: Arc::default(),
        deliveries: Arc::new(Deliveries::new(config.deliver.clone())),
        risks: Arc::default(),
        surface: Arc::default(),
    };
    let state = config.state.clone();
    let cannot_note = || format!("cannot use the directory `{}`", state.display());
    let before = Before::look(&config.audit, &state).with_context(cannot_note)?;
    let (log, writer) = Log::start_observed(&config.audit, &options, observed.observer())
        .with_context(|| format!("cannot open the event log `{}`", config.audit.display()))?;

    let control = runtime.block_on(Control::open(config, meters, Arc::clone(&log)))?;
    let run = Run::started(&log, control.run(), before, control.config().audit_window, &state).with_context(cannot_note)?;
    runtime.block_on(control.chart())?;
    let config = control.config();
    let answers = Arc::new(Answers::new(Arc::clone(&control), Arc::clone(&log), before));
    let metrics = Arc::new(EdgeMetrics::default());
    answers.count_with(Arc::clone(&metrics));
    let census = Arc::new(Census::default());
    let bypass = Bypass::new(Arc::clone(&control), Arc::clone(&log));
    let management = Management::new(
        Arc::clone(&control),
        Arc::clone(&observed.deliveries),
        bypass.clone(),
        Arc::clone(&observed.risks),
        Arc::clone(&observed.surface),
        Arc::clone(&census),
        runtime.handle().clone(),
    )?;
    management.finish_approved();
    let drawer = {
        let _within = runtime.enter();
        Drawer::start(Arc::clone(&control))
    };
    let posture = Posture {
        control: Arc::clone(&control),
        log: Arc::clone(&log),
        bypass: bypass.clone(),
        risks: Arc::clone(&observed.risks),
        surface: Arc::clone(&observed.surface),
    };
    runtime.block_on(posture.grade());
    let parts = EdgeParts {
        gate: Arc::clone(control.gate()),
        sink: Arc::clone(&log) as Arc<_>,
        clock: clock::now,
        entropy: clock::entropy,
        in_process: Arc::new(Inside::new(
            management.clone(),
            TokenService::new(Arc::clone(&control), runtime.handle().clone()),
            Arc::clone(&drawer),
        )),
        probes: Arc::clone(&answers) as Arc<_>,
        keys: Arc::clone(control.sources()) as Arc<_>,
        metrics,
        census,
    };
    let doors = doors(config)?;
    let shown = shown(config, &doors);
    let edge = Edge::start(doors, parts)?;
    let (watch, certificates) = {
        let _within = runtime.enter();
        (watch::Watch::start(Arc::clone(&control))?, Certificates::follow(shown)?)
    };
    runtime.spawn(sweep(Arc::clone(&control), Arc::clone(&log), run.daily()));
    runtime.spawn(Arc::clone(&control).listen());
    runtime.spawn(Arc::clone(&control).follow());
    runtime.spawn(Arc::clone(&control).follow_rehearsals());
    runtime.spawn(Arc::clone(&control).trust());
    runtime.spawn(Arc::clone(&control).follow_charts());
    runtime.spawn(Arc::clone(&control).keep_last());
    runtime.spawn(Arc::clone(&control).keep_meters());
    runtime.spawn(Arc::clone(&control).renew_keys());
    runtime.spawn(issuer::forget_ended(Arc::clone(&control)));
    runtime.spawn(tasks::look_after(Arc::clone(&control)));
    runtime.spawn(kept::follow(Arc::clone(&control)));
    if let Err(error) = runtime.block_on(control.announce()) {
        tracing::warn!(%error, "what is announced could not be read: it counts when something is announced again");
    }
    let (addresses, admin) = bound(&edge)?;
    management.listens_at(admin);
    let (governor, glass) = {
        let _within = runtime.enter();
        observed.start(&control, &log);
        // It runs as long as the runtime does.
        drop(bypass.start());
        drop(posture.start());
        let governor = governor::start(Arc::clone(&control), Arc::clone(&log));
        (governor, glass::start(Arc::clone(&control), Arc::clone(&log), &config.glass(), admin)?)
    };
    let (usage, surface) = (Arc::clone(&observed.usage), Arc::clone(&observed.surface));
    answers.count_also(observed.counting(&governor, &glass, bypass));
    Ok(Running {
        control,
        runtime,
        edge,
        addresses,
        admin,
        answers,
        journal,
        run,
        log: writer,
        usage,
        surface,
        drawer,
        _watch: watch,
        _certificates: certificates,
        _governor: governor,
        _glass: glass,
    })
}

/// Who looks at the events of requests, on the thread that writes them.
struct Observed {
    usage: Arc<Usage>,
    discovery: Arc<Discovery>,
    deliveries: Arc<Deliveries>,
    risks: Arc<Risks>,
    surface: Arc<Surface>,
}

impl Observed {
    fn observer(&self) -> Observer {
        let (usage, discovery, deliveries) = (Arc::clone(&self.usage), Arc::clone(&self.discovery), Arc::clone(&self.deliveries));
        let (risks, surface) = (Arc::clone(&self.risks), Arc::clone(&self.surface));
        Box::new(move |event| {
            usage.observe(event);
            discovery.observe(event);
            deliveries.observe(event);
            risks.observe(event);
            surface.observe(event);
        })
    }

    /// Everybody who counts, for metrics.
    fn counting(self, governor: &Governor, glass: &glass::Door, bypass: Bypass) -> Counting {
        let Self { usage, discovery, deliveries, risks, surface } = self;
        Counting { usage, discovery, deliveries, risks, surface, bypass, due: governor.deeds(), glass: glass.opened() }
    }

    /// Begins to keep what they see. Call it within a runtime.
    fn start(&self, control: &Arc<Control>, log: &Arc<Log>) {
        // They run as long as the runtime does.
        drop(usage::start(Arc::clone(&self.usage), Arc::clone(control.store())));
        drop(discovery::start(Arc::clone(&self.discovery), Arc::clone(control.store()), control.config().claim_within));
        drop(deliver::start(Arc::clone(&self.deliveries), Arc::clone(control), Arc::clone(log)));
        drop(surface::start(Arc::clone(&self.surface), Arc::clone(control.store())));
        drop(risks::start(Arc::clone(&self.risks), Arc::clone(control), Arc::clone(log)));
    }
}

impl Running {
    /// The listeners for clients, by name, as bound.
    #[must_use]
    pub fn addresses(&self) -> &[(String, SocketAddr)] {
        &self.addresses
    }

    /// The admin listener, as bound.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The single-use admin credential that this start made, to be shown once.
    #[must_use]
    pub fn first_credential(&self) -> Option<&Secret<String>> {
        self.control.material().first_credential()
    }

    /// The judge of all doors.
    pub(crate) fn gate(&self) -> &Gate {
        self.control.gate()
    }

    /// What was worth knowing about the files although they were taken.
    #[must_use]
    pub fn warnings(&self) -> Vec<Diagnostic> {
        self.control.loaded().warnings.clone()
    }

    /// Reads the files now.
    ///
    /// # Errors
    /// With every diagnostic at once; the old state stays.
    pub fn reload(&self) -> Result<u64, ReloadFault> {
        self.runtime.block_on(self.control.reload())
    }

    /// Ends well: no new request, running ones finish or are cut with an event, quotas and log are written exactly.
    pub fn stop(self) {
        let runtime = self.runtime.handle().clone();
        // INVARIANT (in its context): connections to a store are handed back to the runtime that they are of, by whoever drops them last.
        let _within = runtime.enter();
        self.end();
    }

    fn end(self) {
        self.answers.drain();
        self.runtime.block_on(self.edge.drain(self.control.config().edge.drain));
        let records = self.control.gate().meters().checkpoint();
        if let Err(error) = self.journal.close(records, clock::now()) {
            tracing::error!(%error, "the quotas could not be written exactly: callers may lose a block");
        }
        if let Err(error) = kept::keep(self.control.gate().meters().watch(), &self.control.config().state) {
            tracing::error!(%error, "what is usual for callers could not be kept: it is learned anew");
        }
        self.runtime.block_on(self.drawer.give_back());
        drop(self.run);
        let counters = self.log.close(LOG_PATIENCE);
        if let Err(error) = self.runtime.block_on(self.usage.keep(self.control.store())) {
            tracing::error!(%error, "the last counts of use could not be kept");
        }
        if let Err(error) = self.runtime.block_on(self.surface.note(self.control.store(), clock::now())) {
            tracing::error!(%error, "what was last called beside the documents of APIs could not be noted");
        }
        if counters.lost > 0 {
            tracing::error!(lost = counters.lost, "events were lost: the log could not be written");
        }
        self.runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

fn limits(config: &Config) -> EdgeLimits {
    let edge = &config.edge;
    EdgeLimits {
        connections_max: edge.connections_max,
        source_connections_max: edge.source_connections_max,
        head_timeout: edge.head_timeout,
        body_idle: edge.body_idle,
        keep_alive: edge.keep_alive,
        rate_min: edge.rate_min,
        body_bytes_max: edge.body_bytes_max,
        ..EdgeLimits::default()
    }
}

/// The listeners, ours for management last.
fn doors(config: &Config) -> anyhow::Result<EdgeConfig> {
    let mut listeners = Vec::new();
    for listener in &config.listeners {
        let tls = listener.tls.as_ref().map(tls::server).transpose()?;
        listeners.push(edge::Listener {
            name: listener.name.as_str().into(),
            door: Door::Public,
            address: listener.address,
            proxies: edge::Proxies::new(listener.trusted_proxies.iter().copied()),
            proxy_protocol: listener.proxy_protocol,
            tls: tls.map(|config| Arc::new(ArcSwap::new(config))),
        });
    }
    listeners.push(edge::Listener {
        name: ADMIN.into(),
        door: Door::Admin,
        address: config.admin,
        proxies: edge::Proxies::default(),
        proxy_protocol: false,
        tls: None,
    });
    // One name per process, so that our own requests are known when they come round again.
    let via = format!("wardgate-{:08x}", clock::entropy() & 0xFFFF_FFFF);
    Ok(EdgeConfig { listeners, limits: limits(config), threads: config.edge.threads, via: via.into() })
}

/// What the listeners with TLS show.
fn shown(config: &Config, doors: &EdgeConfig) -> Vec<Shown> {
    let both = config.listeners.iter().zip(&doors.listeners);
    let tls = both.filter_map(|(of, listener)| Some((of, of.tls.clone()?, Arc::clone(listener.tls.as_ref()?))));
    tls.map(|(of, files, config)| Shown { listener: of.name.clone(), files, config }).collect()
}

/// Where the listeners for clients and the admin listener ended up.
fn bound(edge: &EdgeHandle) -> anyhow::Result<(Vec<(String, SocketAddr)>, SocketAddr)> {
    let (admin, public) = edge.addresses().split_last().context("no listener was bound")?;
    Ok((public.iter().map(|(name, address)| (name.to_string(), *address)).collect(), admin.1))
}

async fn sweep(control: Arc<Control>, log: Arc<Log>, mut daily: Daily) {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tick.tick().await;
        control.gate().meters().sweep(clock::now());
        log.tell_time(clock::now(), clock::instant().span());
        daily.goes_on();
    }
}
