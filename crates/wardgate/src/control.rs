//! The control side of a process: it reads files, keeps the store, and is the one writer of snapshots.
//!
//! Reading order: `load` (files and what is declared otherwise, resolved), `people` (identities and credentials), `publish`
//! (snapshots), `graded` (what policies see of their quality), `follow` (what stops somebody, before any snapshot), `lag` (how long that took), `change` (what the management API declares),
//! `material` (our keys), `signing` (how they are replaced), `hooks` (secrets of senders), `trust` (those of others), `charts` (what is known of addresses); `heard`, `away`, `pending` and `last` (the store is away: how that is known, what is obeyed all the
//! same, what is started from),
//! `replays` (what rulings can be made again with), `open` (the start).

mod announced;
mod away;
mod change;
mod charts;
mod follow;
mod graded;
mod heard;
mod hooks;
mod lag;
mod last;
mod load;
mod material;
mod module;
mod open;
mod past;
mod pending;
mod people;
mod person;
mod publish;
mod rehearsed;
mod replays;
mod signing;
mod trust;
mod voucher;

pub use heard::{Heard, Tried};
pub use last::LastFault;
pub(crate) use load::gather;
pub use load::{Gathered, Loaded};
pub(crate) use material::keyring;
pub use material::{Material, mint_sign_in};
pub use past::Past;
pub(crate) use past::with_status;
pub(crate) use people::{OnRecord, recorded};
pub use person::{NotLetIn, Person, PersonSession};
pub(crate) use publish::aside;
pub use trust::{AskedState, Sources};

use crate::{clock, config::Config, replay::Keeper};
use arc_swap::ArcSwap;
use change::Proposed;
use follow::Heeded;
use lag::RevocationLag;
use pending::Pending;
use publish::Rebuild;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
};
use tokio::sync::{Mutex, Notify};
use voucher::Voucher;
use wardgate_audit::sink::Log;
use wardgate_gate::{Gate, denied::Denied};
use wardgate_model::{diagnostic::Diagnostic, id::IdentityId, resource::Kind};
use wardgate_resources::IdentitySpec;
use wardgate_store::{Change, Store, StoreFault};

/// What was last published.
#[derive(Debug, Clone, Copy)]
struct Published {
    /// The last change that is in it.
    seq: u64,
    /// The number of the snapshot.
    number: u64,
}

/// The control side.
pub struct Control {
    config: Config,
    store: Arc<Store>,
    material: Material,
    denied: Arc<Denied>,
    sources: Arc<Sources>,
    charts: charts::Followed,
    gate: Arc<Gate>,
    log: Arc<Log>,
    loaded: ArcSwap<Loaded>,
    published: Mutex<Published>,
    /// The last change that is in the published snapshot, for whoever must not wait for the next one.
    seen: AtomicU64,
    /// A change that was in the feed when it was last looked at: another one of its number tells of another database.
    known: Mutex<Option<Change>>,
    /// How far the feed was read for stops.
    heeded: Mutex<Heeded>,
    /// How long stops took from the record to here.
    lag: RevocationLag,
    /// The last change that went into the event log.
    recorded: Mutex<u64>,
    /// Held by whoever looks at what a change would come to: one at a time, so that many do not take the machine.
    planning: Mutex<()>,
    /// Somebody was stopped whom the snapshot does not refuse yet.
    behind: Notify,
    /// A rehearsal began or ended.
    rehearsed: Notify,
    heard: Heard,
    /// Somebody found the store away.
    doubted: Notify,
    /// And it has not been tried since whether it can be written.
    doubtful: AtomicBool,
    /// Stops that are obeyed here and not on record.
    pending: Arc<Pending>,
    voucher: Arc<Voucher>,
    /// The last good state could not be kept on disk.
    last_failing: AtomicBool,
    keeper: Keeper,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("config", &self.config.file).finish_non_exhaustive()
    }
}

/// Why files were not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReloadFault {
    /// The operator's input is wrong; the old state stays.
    #[error("{} diagnostics; the old state stays", .0.len())]
    Input(Vec<Diagnostic>),
    /// The store failed; the old state stays.
    #[error("the store failed: {0}; the old state stays")]
    Store(#[from] StoreFault),
}

impl Control {
    /// The configuration of this process.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether the store answers.
    #[must_use]
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// The overlay of what was stopped.
    #[must_use]
    pub fn denied(&self) -> &Arc<Denied> {
        &self.denied
    }

    /// The judge that obeys it.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The name of this run of the process.
    #[must_use]
    pub fn run(&self) -> &str {
        self.keeper.run()
    }

    /// How long stops took from the record to here.
    pub(crate) fn lag(&self) -> &RevocationLag {
        &self.lag
    }

    /// The event log.
    #[must_use]
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Keys.
    #[must_use]
    pub fn material(&self) -> &Material {
        &self.material
    }

    /// What the files said when they were last taken.
    #[must_use]
    pub fn loaded(&self) -> Arc<Loaded> {
        self.loaded.load_full()
    }

    /// What an identity's own record declares; `None`: it is not on record.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn identity_spec(&self, id: &IdentityId) -> Result<Option<IdentitySpec>, StoreFault> {
        let records = self.store.identity_records(std::slice::from_ref(id)).await?.records;
        Ok(records.first().and_then(|record| people::spec(record, &self.loaded()).ok().flatten()))
    }

    /// Reads the files again and publishes what they say. A bad change is refused whole.
    ///
    /// # Errors
    /// With every diagnostic at once; the old state stays.
    pub async fn reload(&self) -> Result<u64, ReloadFault> {
        let last = self.loaded();
        let gathered = Arc::new(Gathered::of(&self.config));
        let stays: BTreeSet<(Kind, &str)> = gathered.documents.iter().map(|document| (document.kind, document.name.as_str())).collect();
        let before = last.gathered.documents.iter().map(|document| (document.kind, document.name.as_str()));
        let removed: Vec<_> = before.filter(|named| !stays.contains(named)).collect();
        let proposed = Proposed {
            documents: self.declared().await?,
            identities: Vec::new(),
            gone: removed.iter().filter(|(kind, _)| *kind == Kind::Identity).map(|(_, name)| *name).collect(),
            removed,
        };
        let snapshot = self.gate.snapshot();
        let resolved = publish::resolve(&self.store, snapshot.population(), Arc::clone(&gathered), Some(&proposed)).await?;
        let loaded = resolved.map_err(ReloadFault::Input)?;
        let applied = self.store.apply_files(&gathered.kept(), "files changed", clock::now()).await?;
        self.loaded.store(Arc::new(loaded));
        self.publish(applied.seq, Rebuild::Always).await?;
        Ok(applied.seq)
    }
}

#[cfg(test)]
mod tests;
