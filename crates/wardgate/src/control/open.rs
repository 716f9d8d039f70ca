//! The start: from the store, or from the last good state while a server is away.

use super::{
    Control, Heard, Loaded, Material, Published, ReloadFault,
    charts::Followed,
    follow::Heeded,
    lag::RevocationLag,
    last::{self, Started},
    load::Gathered,
    material,
    pending::Pending,
    people, publish,
    trust::Sources,
    voucher::Voucher,
};
use crate::{clock, config::Config, replay::Keeper, run};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64},
};
use tokio::sync::{Mutex, Notify};
use wardgate_audit::sink::Log;
use wardgate_gate::{Gate, Meters, Population, Snapshot, denied::Denied};
use wardgate_model::event::EventSink as _;
use wardgate_resources::Nobody;
use wardgate_store::{Store, StoreFault};

impl Control {
    /// Opens the store, reads files and material, and makes the first snapshot; where the store is in a server that is away,
    /// from the last good state on disk. What is stopped and not on record yet is stopped before anybody is let in.
    ///
    /// # Errors
    /// When anything of it is wrong: a gate does not start half.
    pub async fn open(config: Config, meters: Meters, log: Arc<Log>) -> anyhow::Result<Arc<Self>> {
        let gathered = Arc::new(Gathered::of(&config));
        // What is wrong with the files alone is said before the store is touched.
        let alone = Loaded::resolve(Arc::clone(&gathered), Vec::new(), &Nobody);
        let denied = Arc::new(Denied::default());
        let (store, started, before) = match Store::open(&config.store).await {
            Ok(store) => {
                let (started, before) = Box::pin(from_store(&config, &store, &denied, gathered, alone)).await?;
                (store, started, before)
            }
            Err(fault) => {
                let (store, started) = from_last(&config, &denied, fault)?;
                let before = started.seq;
                (store, started, before)
            }
        };
        let voucher = Arc::new(Voucher::new(&material::keyring(&config)?));
        let pending = Arc::new(Pending::open(&config.state, Arc::clone(&voucher))?);
        denied.stop_all(pending.subjects(), clock::now());
        let Started { loaded, material, heeded, population, estate, heard, seq } = started;
        let sources = Sources::new()?;
        drop(sources.keep(&loaded.inventory.trust, &estate));
        let trust = sources.with_ours(material.ours());
        let gate = Arc::new(Gate::new(Snapshot::new(1, population, Arc::new(estate)).trusting(trust), meters));
        let keeper = Keeper::start(&config, clock::now(), clock::entropy());
        let keeper = keeper.with_context(|| format!("cannot keep in `{}` what rulings can be replayed with", config.audit.display()))?;
        let control = Self {
            charts: Followed::new(&config.sources),
            config,
            store: Arc::new(store),
            material,
            denied,
            sources: Arc::new(sources),
            gate,
            log,
            loaded: ArcSwap::from_pointee(loaded),
            published: Mutex::new(Published { seq, number: 1 }),
            seen: AtomicU64::new(seq),
            known: Mutex::default(),
            heeded: Mutex::new(heeded),
            lag: RevocationLag::default(),
            recorded: Mutex::new(before),
            planning: Mutex::new(()),
            behind: Notify::new(),
            rehearsed: Notify::new(),
            heard,
            doubted: Notify::new(),
            doubtful: AtomicBool::new(false),
            pending,
            voucher,
            last_failing: AtomicBool::new(false),
            keeper,
        };
        // Before the first ruling.
        if control.log.record_change(control.keeper.event(clock::now())).is_err() {
            control.log.count_dropped();
            tracing::warn!("no place in the event log for the begin of a run: what is ruled in it cannot be replayed");
        }
        control.keep_snapshot(1, seq).await;
        control.keeper.meters(&control.gate, clock::now());
        if control.store.is_back() {
            let told = control.record_changes().await;
            if told.is_err() {
                // It never served: the next start is not to take this one for killed.
                run::stopped(&control.log, control.run());
            }
            told?;
        }
        Ok(Arc::new(control))
    }
}

/// Everything from files and store; with the number of the last change before this start.
async fn from_store(
    config: &Config,
    store: &Store,
    denied: &Arc<Denied>,
    gathered: Arc<Gathered>,
    alone: Result<Loaded, Vec<wardgate_model::diagnostic::Diagnostic>>,
) -> anyhow::Result<(Started, u64)> {
    let resolved = publish::resolve(store, &Population::default(), gathered, None).await.context("cannot read the store")?;
    let loaded = match (resolved, alone) {
        (Ok(loaded), _) => loaded,
        (Err(_), Err(found)) | (Err(found), Ok(_)) => return Err(ReloadFault::Input(found).into()),
    };
    let material = Material::open(config, store).await?;
    let before = store.last_seq().await?;
    store.apply_files(&loaded.gathered.kept(), "start", clock::now()).await.context("cannot keep the resources")?;
    let seq = store.last_seq().await?;
    let heeded = Heeded::at(seq, &store.containments().await?);
    denied.stop_all(heeded.stopped(), clock::now());
    let population = people::all(store, &loaded, &material, &Population::default()).await?;
    let heard = Heard::at(clock::now());
    let estate = publish::estate(store, &material, denied, config, &loaded).await?.heard(heard.clock());
    Ok((Started { loaded, material, heeded, population, estate, heard, seq }, before))
}

/// Everything from the last good state, where a server is away.
fn from_last(config: &Config, denied: &Arc<Denied>, fault: StoreFault) -> anyhow::Result<(Store, Started)> {
    let cannot = || format!("cannot open `{}`", config.shown_store());
    let away = if fault.is_away() { Store::open_away(&config.store).ok() } else { None };
    let Some(store) = away else { return Err(fault).with_context(cannot) };
    let keyring = material::keyring(config)?;
    let material = |keys: &[_]| Material::kept(&keyring, config, keys);
    match last::start(config, &Voucher::new(&keyring), denied, material, &fault) {
        Ok(Some(started)) => Ok((store, started)),
        Ok(None) => Err(fault)
            .with_context(|| format!("{}, and there is no last good state in `{}` to start from", cannot(), config.state.display())),
        Err(error) => Err(error.context(format!("{}: {fault}", cannot()))),
    }
}
