//! The control side of a process: it reads files, keeps the store, and is the one writer of snapshots.
//!
//! INVARIANT (one writer): snapshots are published only under the `published` lock, in the order of the feed.
//! INVARIANT (stops first): the feed is followed into the overlay under a lock of its own, so that a stop never waits for a
//! snapshot; and every change that a published snapshot holds has been followed, so that open requests obey it too.

mod load;
mod material;

pub use load::Loaded;
pub(crate) use load::gather;
pub use material::{Material, mint_sign_in};

use crate::{builtin, clock, config::Config};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use std::sync::Arc;
use tokio::sync::Mutex;
use wardgate_audit::sink::{ChangeRecord, JsonLines};
use wardgate_gate::{
    Change as Changed, Estate, Gate, Meters, Snapshot, World,
    denied::{Denied, Settled, Subject as Stopped},
};
use wardgate_model::{
    credential::CredentialState,
    diagnostic::Diagnostic,
    event::EventSink as _,
    id::{CredentialId, IdentityId},
    inventory::{Identity, IdentityState},
    resource::Kind,
};
use wardgate_store::{Act, Change, Picture, Store, StoreFault, Subject};

/// Changes read from the feed at a time.
const FEED_PAGE: u32 = 500;

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
    gate: Arc<Gate>,
    log: Arc<JsonLines>,
    loaded: ArcSwap<Loaded>,
    published: Mutex<Published>,
    /// The last change that went into the overlay and the event log.
    followed: Mutex<u64>,
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
    /// Opens the store, reads files and material, and makes the first snapshot.
    ///
    /// # Errors
    /// When anything of it is wrong: a gate does not start half.
    pub async fn open(config: Config, meters: Meters, log: Arc<JsonLines>) -> anyhow::Result<Arc<Self>> {
        let loaded = Loaded::read(&config).map_err(ReloadFault::Input)?;
        let store = Arc::new(Store::open(&config.store).await.with_context(|| format!("cannot open `{}`", config.store))?);
        let material = Material::open(&config, &store).await?;
        let before = store.last_seq().await?;
        store.apply_files(&loaded.documents, "start", clock::now()).await.context("cannot keep the resources")?;
        let picture = store.picture().await?;
        let denied = Arc::new(Denied::default());
        let snapshot = snapshot(&loaded, &picture, &material, &denied, &config, 1)?;
        let published = Mutex::new(Published { seq: picture.seq, number: 1 });
        let gate = Arc::new(Gate::new(snapshot, meters));
        let control = Self {
            config,
            store,
            material,
            denied,
            gate,
            log,
            loaded: ArcSwap::from_pointee(loaded),
            published,
            followed: Mutex::new(before),
        };
        control.follow().await?;
        Ok(Arc::new(control))
    }

    /// The configuration of this process.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The judge that obeys it.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
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

    /// Reads the files again and publishes what they say. A bad change is refused whole.
    ///
    /// # Errors
    /// With every diagnostic at once; the old state stays.
    pub async fn reload(&self) -> Result<u64, ReloadFault> {
        let loaded = Loaded::read(&self.config).map_err(ReloadFault::Input)?;
        let applied = self.store.apply_files(&loaded.documents, "files changed", clock::now()).await?;
        self.loaded.store(Arc::new(loaded));
        self.publish(applied.seq, Rebuild::Always).await?;
        Ok(applied.seq)
    }

    /// Makes the gate obey every change up to `seq`. What was stopped goes first, through the overlay.
    ///
    /// # Errors
    /// When the store cannot be read: the overlay already holds what was stopped.
    pub async fn obey(&self, seq: u64) -> Result<(), StoreFault> {
        self.follow().await?;
        self.publish(seq, Rebuild::IfBehind).await
    }

    async fn publish(&self, seq: u64, rebuild: Rebuild) -> Result<(), StoreFault> {
        let mut published = self.published.lock().await;
        if published.seq >= seq && rebuild == Rebuild::IfBehind {
            return Ok(());
        }
        let picture = self.store.picture().await?;
        self.follow().await?;
        let number = published.number + 1;
        let loaded = self.loaded.load_full();
        match snapshot(&loaded, &picture, &self.material, &self.denied, &self.config, number) {
            Ok(snapshot) => {
                self.gate.publish(snapshot);
                *published = Published { seq: picture.seq, number };
            }
            // The sealed material of one secret cannot be opened: the old snapshot stays, what was stopped is stopped, and the
            // next change tries again.
            Err(error) => tracing::error!(%error, "cannot make a snapshot; the last one stays"),
        }
        self.settle();
        Ok(())
    }

    /// Lets the overlay forget what the published snapshot refuses by itself.
    fn settle(&self) {
        let snapshot = self.gate.snapshot();
        self.denied.settle(clock::now(), |subject| {
            let admitted = match subject {
                Stopped::Credential(id) => snapshot.credential(id.as_str()).is_some_and(|c| c.state == CredentialState::Live),
                Stopped::Identity(id) => snapshot.identity(id).is_some_and(|identity| !contained(identity.state)),
                Stopped::Owner(_) => true,
            };
            if admitted { Settled::StillAdmitted } else { Settled::Refused }
        });
    }

    /// Reads on in the feed: what it stopped goes into the overlay at once, and every change into the event log, each once.
    async fn follow(&self) -> Result<(), StoreFault> {
        let mut followed = self.followed.lock().await;
        loop {
            let changes = self.store.changes_since(*followed, FEED_PAGE).await?;
            let Some(last) = changes.last() else { return Ok(()) };
            *followed = last.seq;
            for change in &changes {
                match effect(change) {
                    Some(Effect::Stops(subject)) => self.denied.stop(subject, clock::now()),
                    Some(Effect::Releases(subject)) => self.denied.release(&subject),
                    None => {}
                }
                self.record(change);
            }
        }
    }

    /// The change is in the feed already; a full log is counted there, and loses nothing that the feed does not have.
    fn record(&self, change: &Change) {
        let record = ChangeRecord {
            time: change.time,
            actor: change.actor.clone(),
            what: change.act.as_str().into(),
            kind: change.subject.as_str().into(),
            name: change.name.clone(),
            reason: Some(change.reason.clone()).filter(|reason| !reason.is_empty()),
        };
        if self.log.record_change(record).is_err() {
            self.log.count_dropped();
            tracing::warn!(seq = change.seq, "no place in the event log for a change; it is in the feed");
        }
    }
}

/// What a change does to the overlay.
enum Effect {
    Stops(Stopped),
    Releases(Stopped),
}

fn effect(change: &Change) -> Option<Effect> {
    match (change.subject, change.act) {
        (Subject::Credential, Act::Revoke | Act::Spend) => CredentialId::parse(&change.name).map(Stopped::Credential).map(Effect::Stops),
        (Subject::Status, Act::State) => {
            let state = change.after.as_ref()?.get("state")?.as_str().and_then(IdentityState::parse)?;
            let identity = Stopped::Identity(IdentityId::parse(&change.name).ok()?);
            Some(if contained(state) { Effect::Stops(identity) } else { Effect::Releases(identity) })
        }
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rebuild {
    Always,
    IfBehind,
}

fn contained(state: IdentityState) -> bool {
    matches!(state, IdentityState::Suspended | IdentityState::Quarantined | IdentityState::Retired)
}

/// What the files declare, as the status on record makes it.
fn snapshot(
    loaded: &Loaded,
    picture: &Picture,
    material: &Material,
    denied: &Arc<Denied>,
    config: &Config,
    number: u64,
) -> anyhow::Result<Snapshot> {
    let inventory = &loaded.inventory;
    let statuses: std::collections::HashMap<_, _> = picture.statuses.iter().map(|status| (&status.identity, status)).collect();
    let declared = picture.resources.iter().filter(|resource| resource.id.kind() == Kind::Identity);
    let revisions: std::collections::HashMap<_, _> = declared.map(|resource| (resource.id.name(), resource.revision)).collect();
    let mut identities: Vec<Arc<Identity>> = vec![Arc::new(Identity::anonymous()), Arc::new(builtin::operator())];
    for spec in &inventory.identities {
        let mut identity = spec.identity.clone();
        let revision = revisions.get(identity.id.as_str()).copied().unwrap_or_default();
        if let Some(status) = statuses.get(&identity.id) {
            identity.state = status.state;
            identity.claim_overdue = status.claim == wardgate_store::Claim::Overdue;
            identity.revision = revision.max(status.revision);
        }
        identities.push(Arc::new(identity));
    }
    let credentials = picture.credentials.iter().map(|stored| Changed::Credential(Arc::new(stored.credential.clone())));
    let population = identities.into_iter().map(Changed::Identity).chain(credentials).collect();
    let estate = Estate::build(World {
        apis: loaded.apis.clone(),
        grants: inventory.grants.clone(),
        zones: inventory.zones.clone(),
        secrets: material.open_secrets(&picture.secrets)?,
        policies: Arc::clone(&loaded.policies),
        limits: Arc::clone(&loaded.limits),
        pepper: Arc::clone(material.pepper()),
        mint: Arc::clone(material.mint()),
        denied: Arc::clone(denied),
        body_bytes_max: config.edge.body_bytes_max,
    });
    Ok(Snapshot::new(number, population, Arc::new(estate)))
}

#[cfg(test)]
mod tests;
