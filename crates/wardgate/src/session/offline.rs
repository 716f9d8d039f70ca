//! The management API without a gate that serves: the store is opened here, and commands are answered by the same console
//! behind the same judge, through connections that never leave the process.
//!
//! Why so, and not by the store alone: what wants a second person wants one here too, what is refused is refused in the same
//! words, and what was done is in the feed and in the event log like anything else. There is no second way to do a thing.
//!
//! INVARIANT (alone): the locks of `serve` are taken first, in its order. While a gate serves from here, nothing is opened.

mod holder;

use crate::{
    api::Management,
    builtin,
    bypass::Bypass,
    client::{Client, Inside},
    clock,
    config::Config,
    control::{Control, ReloadFault},
    deliver::Deliveries,
    evidence,
};
use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::Response;
use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::DuplexStream,
    sync::{mpsc, oneshot},
    task::LocalSet,
};
use wardgate_abuse::{
    MeterBounds, Meters,
    journal::{FileJournal, JournalFault},
};
use wardgate_audit::sink::{Log, Writer};
use wardgate_edge::{
    Census, EdgeLimits, EdgeMetrics, EdgeParts, Probes,
    connection::{self, Connection, Cover},
    proxies::Proxies,
    sources::Sources,
    thread::{Phase, Shared, Thread},
    watch::PERIOD,
};
use wardgate_model::{
    credential::CredentialKind,
    facts::Door,
    id::{CredentialId, EnvironmentName, IdentityId},
    secret::Secret,
};
use wardgate_proof::{
    api_key::{self, KeyKind},
    entropy::SystemEntropy,
};
use wardgate_store::{Actor, NewCredential, Precondition, StoreFault, Who};

/// The name of this edge, in events.
const VIA: &str = "offline";
/// The file of quotas, in the directory of state: `serve` holds it while it runs.
const JOURNAL: &str = "wardgate.quotas";
/// How long the operator's session lives, should nobody be left to end it.
const LIFE: Duration = Duration::from_hours(1);
/// Connections that wait to be taken.
const CONNECTIONS: usize = 16;
/// How long running requests and the log are waited for at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a thread says that has opened the store.
struct Opened {
    token: Secret<String>,
    /// The first sign-in credential of the installation, when this made it.
    first: Option<Secret<String>>,
}

/// A client of the management API over the store that a configuration names, as the built-in operator. `told` is called with
/// the first sign-in credential, where the store has never had one.
///
/// # Errors
/// When a gate serves from it (says which, and how to reach it), or what is on record or in the files makes no sense.
pub async fn open(file: &Path, told: impl FnOnce(&Secret<String>)) -> anyhow::Result<Client> {
    let config = Config::read(file).map_err(ReloadFault::Input)?;
    let (connections, taken) = mpsc::channel(CONNECTIONS);
    let (say, started) = oneshot::channel();
    let serving = std::thread::Builder::new().name("wardgate-offline".to_owned()).spawn(move || run(config, taken, say))?;
    let inside = Inside::new(connections, serving);
    let opened = started.await.context("the store was closed before it was open")??;
    if let Some(first) = &opened.first {
        told(first);
    }
    Ok(Client::inside(inside, opened.token))
}

/// The thread's life.
fn run(config: Config, connections: mpsc::Receiver<DuplexStream>, say: oneshot::Sender<anyhow::Result<Opened>>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(say.send(Err(error.into()))),
    };
    LocalSet::new().block_on(&runtime, async {
        match Box::pin(Office::open(config)).await {
            Ok((office, opened)) => {
                // Whoever asked may have gone: then nobody calls, and it is closed again.
                drop(say.send(Ok(opened)));
                office.serve(connections).await;
            }
            Err(error) => drop(say.send(Err(error))),
        }
    });
}

/// All that answers.
struct Office {
    control: Arc<Control>,
    thread: Rc<Thread>,
    sources: Arc<Sources>,
    journal: Arc<FileJournal>,
    log: Writer,
    session: CredentialId,
}

impl Office {
    async fn open(config: Config) -> anyhow::Result<(Self, Opened)> {
        std::fs::create_dir_all(&config.state).with_context(|| format!("cannot make the directory `{}`", config.state.display()))?;
        let (journal, quotas) = match FileJournal::open(&config.state.join(JOURNAL), clock::now()) {
            Err(JournalFault::InUse(path)) => bail!(holder::in_use(&config, &path)),
            other => other.context("cannot open the journal of quotas")?,
        };
        let journal = Arc::new(journal);
        let meters = Meters::new(Arc::clone(&journal) as Arc<_>, MeterBounds::default());
        meters.restore(quotas.records);
        let options = evidence::options(&config)?;
        let opened = Log::start(&config.audit, &options);
        let (log, writer) = opened.with_context(|| format!("cannot open the event log `{}`", config.audit.display()))?;
        let shown = config.clone();
        let control = Control::open(config, meters, Arc::clone(&log)).await.map_err(|error| held(&shown, error))?;
        let (session, token) = session(&control).await?;
        let deliveries = Arc::new(Deliveries::new(control.config().deliver.clone()));
        let sources = Arc::new(Sources::default());
        let census = Arc::new(Census::default());
        let runtime = tokio::runtime::Handle::current();
        let bypass = Bypass::new(Arc::clone(&control), Arc::clone(&log));
        let management =
            Management::new(Arc::clone(&control), deliveries, bypass, Arc::default(), Arc::default(), Arc::clone(&census), runtime)?;
        let parts = EdgeParts {
            gate: Arc::clone(control.gate()),
            sink: log,
            clock: clock::now,
            entropy: clock::entropy,
            in_process: Arc::new(management),
            probes: Arc::new(NoProbes),
            keys: Arc::clone(control.sources()) as Arc<_>,
            metrics: Arc::new(EdgeMetrics::default()),
            census,
        };
        let limits = EdgeLimits { body_bytes_max: control.config().edge.body_bytes_max, ..EdgeLimits::default() };
        let asking = Arc::default();
        let (pausing, slowing) = (Arc::default(), Arc::default());
        let shared = Shared { parts, sources: Arc::clone(&sources), asking, pausing, slowing, limits, via: VIA.into(), threads: 1 };
        let opened = Opened { token, first: control.material().first_credential().cloned() };
        Ok((Self { control, thread: Thread::new(shared), sources, journal, log: writer, session }, opened))
    }

    /// Takes connections until nobody can make one any more, then closes all in good order.
    async fn serve(self, mut connections: mpsc::Receiver<DuplexStream>) {
        let mut tick = tokio::time::interval(PERIOD);
        loop {
            tokio::select! {
                taken = connections.recv() => match taken {
                    Some(stream) => self.take(stream),
                    None => break,
                },
                _ = tick.tick() => self.thread.watch.tick(self.thread.now()),
            }
        }
        self.thread.set_phase(Phase::Draining);
        let idle = async {
            while !self.thread.is_idle() {
                tick.tick().await;
                self.thread.watch.tick(self.thread.now());
            }
        };
        // What does not end is cut, and says so in its event.
        let _cut = tokio::time::timeout(PATIENCE, idle).await;
        self.close().await;
    }

    fn take(&self, stream: DuplexStream) {
        // INVARIANT (here): nobody is refused for having too many.
        let Some(from) = self.sources.enter(IpAddr::V4(Ipv4Addr::LOCALHOST), usize::MAX, self.thread.now()) else { return };
        let connection = Connection::new(&self.thread, Door::Admin, from, Cover::Clear, Proxies::default());
        tokio::task::spawn_local(connection::serve(connection, stream, false));
    }

    async fn close(self) {
        let actor = actor();
        let ended = self.control.store().revoke_credential(&actor, &self.session, Precondition::Any, clock::now()).await;
        // Obeyed, it is in the event log too.
        let ended = match ended {
            Ok(revoked) => self.control.obey(revoked.revision).await,
            Err(fault) => Err(fault),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "the operator's session could not be ended: it ends by itself within the hour");
        }
        let records = self.control.gate().meters().checkpoint();
        if let Err(error) = self.journal.close(records, clock::now()) {
            tracing::error!(%error, "the quotas could not be written exactly: callers may lose a block");
        }
        let counters = self.log.close(PATIENCE);
        if counters.lost > 0 {
            tracing::error!(lost = counters.lost, "events were lost: the log could not be written");
        }
    }
}

/// Who opens and ends the operator's session.
fn actor() -> Actor {
    Actor::new(Who::Process, "a command with `--offline`")
}

/// A session of the built-in operator.
async fn session(control: &Control) -> anyhow::Result<(CredentialId, Secret<String>)> {
    let environment = EnvironmentName::literal(builtin::OWN);
    let (id, text) = api_key::generate(KeyKind::Session, &environment, &SystemEntropy)?;
    let now = clock::now();
    let new = NewCredential {
        id,
        identity: IdentityId::literal(builtin::OPERATOR),
        name: builtin::OPERATOR_ENTRY.into(),
        kind: CredentialKind::Session,
        environment,
        sources: Box::default(),
        hash: api_key::hash(control.material().pepper(), text.danger_expose()),
        expires: now + LIFE,
        task: None,
    };
    let issued = control.store().issue_credential(&actor(), new, now).await?;
    control.obey(issued.revision).await?;
    Ok((id, text))
}

/// An error about a store that another process has open says which process that is, and how to reach it.
#[must_use]
pub fn held(config: &Config, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<StoreFault>() {
        Some(StoreFault::Locked { path }) => {
            let mut locked = path.as_os_str().to_owned();
            locked.push(".lock");
            anyhow::anyhow!(holder::in_use(config, Path::new(&locked)))
        }
        _ => error,
    }
}

/// There is no door at which anybody could ask.
struct NoProbes;

impl Probes for NoProbes {
    fn answer(&self, _door: Door, _host: Option<&str>, _path: &str) -> Option<Response<Bytes>> {
        None
    }
}
