//! Snapshots: what changed since the last one is read from the feed, the rest is shared with it.
//!
//! INVARIANT (one writer): snapshots are published only here, under the `published` lock, in the order of the feed.

use super::{
    Control, Loaded, Material, Published,
    announced::{ANNOUNCED_FOR, ANNOUNCED_MAX, by_change},
    change::{Proposed, place},
    follow::{Heeded, is_stopped},
    heard::Tried,
    load::Gathered,
    people::{self, OnRecord},
};
use crate::{clock, config::Config, issuer, tasks};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::runtime::{Handle, RuntimeFlavor};
use wardgate_abuse::watch::Announced;
use wardgate_gate::{
    Change, Estate, Population, Snapshot, World,
    denied::{Denied, Settled, Subject as Stopped},
};
use wardgate_issuer::place::{Mutual, Place};
use wardgate_model::{
    contain::Containable,
    credential::CredentialState,
    diagnostic::Diagnostic,
    id::{CredentialId, IdentityId, TaskId},
    resource::Kind,
};
use wardgate_resources::{Document, still_named};
use wardgate_store::{Change as Told, Origin, Store, StoreFault, StoredSecret, Subject, Touched};

/// Rows of the feed read at a time, and identities read at a time.
const PAGE: u32 = 2_000;

/// How often the feed is looked at when nothing says that it has grown.
const FOLLOWED_AT_LEAST: Duration = Duration::from_secs(1);
/// How long a store that does not answer is left alone.
const AWAY: Duration = Duration::from_millis(250);

/// Why a snapshot is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rebuild {
    /// The files are others, or something beside the feed.
    Always,
    /// The keys that sign are others, beside the feed.
    Keys,
    /// Only when the last one does not hold the change yet.
    IfBehind,
}

/// What changed since a snapshot.
#[derive(Debug, Default)]
struct Behind {
    seq: u64,
    identities: BTreeSet<IdentityId>,
    credentials: BTreeMap<CredentialId, Option<IdentityId>>,
    /// Something small.
    estate: bool,
    /// Something that every identity may rest on.
    everybody: bool,
    /// A key that we sign with.
    keys: bool,
    tasks: BTreeSet<TaskId>,
    /// What is new by that, so that it is not unusual for a while. At most [`ANNOUNCED_MAX`].
    announced: Vec<Announced>,
    /// Somebody announced something.
    told: bool,
    /// A rehearsal began or ended.
    rehearsed: bool,
}

impl Behind {
    fn note(&mut self, touched: Touched) {
        self.seq = touched.seq;
        if self.announced.len() < ANNOUNCED_MAX {
            self.announced.extend(by_change(&touched));
        }
        match touched.subject {
            Subject::Resource(Kind::Identity) | Subject::Status => self.identities.extend(IdentityId::parse(&touched.name)),
            Subject::Credential => {
                if let Some(id) = CredentialId::parse(&touched.name) {
                    self.identities.extend(touched.identity.clone());
                    self.credentials.insert(id, touched.identity);
                }
            }
            Subject::Resource(Kind::Owner | Kind::Environment | Kind::TrustSource | Kind::Contract | Kind::Waiver | Kind::Rotation) => {
                (self.estate, self.everybody) = (true, true);
            }
            Subject::SigningKey => (self.estate, self.keys) = (true, true),
            Subject::Task => self.tasks.extend(TaskId::parse(&touched.name)),
            Subject::Resource(_) | Subject::Secret => self.estate = true,
            Subject::Announcement => self.told = true,
            Subject::Rehearsal => self.rehearsed = true,
            Subject::OwnerStatus | Subject::Containment | Subject::Approval | Subject::Discovery => {}
        }
    }
}

impl Control {
    /// Makes the gate obey every change up to `seq`. What was stopped goes first, through the overlay; a stop is obeyed when
    /// this returns although the snapshot that holds it may still be in the making.
    ///
    /// # Errors
    /// When the store cannot be read: the overlay already holds what was stopped.
    pub async fn obey(&self, seq: u64) -> Result<(), StoreFault> {
        if self.heed(seq).await? {
            self.behind.notify_one();
            return Ok(());
        }
        self.publish(seq, Rebuild::IfBehind).await
    }

    /// As [`Control::obey`], of the change `seq` that stopped something: should the feed not tell of it, it is obeyed all the
    /// same, and read there later.
    ///
    /// # Errors
    /// When the store cannot be read: the overlay holds this stop, and what the feed told before.
    pub async fn obey_stop(&self, seq: u64, kind: Containable, name: &str) -> Result<(), StoreFault> {
        let obeyed = self.obey(seq).await;
        if obeyed.is_err() {
            let heeded = self.heeded.lock().await;
            if let Some(stopped) = heeded.ahead(seq, kind, name) {
                self.denied.stop(stopped, clock::now());
            }
            drop(heeded);
            self.doubt();
        }
        obeyed
    }

    /// Follows the feed for as long as the process runs: stops that wait for their snapshot, stops that are not on record
    /// yet, and what other processes on the same store have changed.
    pub async fn follow(self: Arc<Self>) {
        loop {
            let obeyed = self.follow_once().await;
            let behind = matches!(obeyed, Ok(seq) if self.seen.load(Ordering::Acquire) < seq);
            let lost = obeyed.is_err();
            self.heard.note(Tried::Follow, obeyed.as_ref().map(drop));
            if lost {
                self.doubted.notify_one();
            }
            if lost || behind {
                tokio::time::sleep(AWAY).await;
            }
        }
    }

    async fn follow_once(&self) -> Result<u64, StoreFault> {
        if !self.store.is_back() {
            self.come_back().await?;
        }
        let grown = self.store.wait_change(self.seen.load(Ordering::Acquire), FOLLOWED_AT_LEAST);
        tokio::select! {
            grown = grown => drop(grown?),
            () = self.behind.notified() => {}
        }
        self.prove().await?;
        self.merge().await?;
        self.catch_up().await
    }

    pub(super) async fn catch_up(&self) -> Result<u64, StoreFault> {
        let seen = self.seen.load(Ordering::Acquire);
        self.heed(0).await?;
        let seq = self.store.last_seq().await?;
        // A backup was restored under us, or another server took over that does not know all: its numbers mean other changes.
        if seq < seen {
            tracing::error!(seq, seen, "the store is older than what this gate has seen of it: all of it is read anew");
            return self.anew().await;
        }
        if !self.is_same_feed().await? {
            tracing::error!(seq, seen, "the store tells otherwise what this gate has seen of it: all of it is read anew");
            return self.anew().await;
        }
        self.publish(seq, Rebuild::IfBehind).await?;
        self.remember().await?;
        Ok(seq)
    }

    /// Whether the change that was remembered is still the one of its number.
    async fn is_same_feed(&self) -> Result<bool, StoreFault> {
        let mut known = self.known.lock().await;
        let Some(change) = &*known else { return Ok(true) };
        let same = self.change(change.seq).await?.as_ref() == Some(change);
        if !same {
            *known = None;
        }
        Ok(same)
    }

    /// Up to which change of the feed, at the least, the snapshot holds what is on record.
    pub(crate) fn followed(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    /// Remembers the last change that was seen.
    async fn remember(&self) -> Result<(), StoreFault> {
        let (mut known, seen) = (self.known.lock().await, self.seen.load(Ordering::Acquire));
        if known.as_ref().is_none_or(|change| change.seq != seen) {
            *known = self.change(seen).await?;
        }
        Ok(())
    }

    /// The change of a number.
    async fn change(&self, seq: u64) -> Result<Option<Told>, StoreFault> {
        let Some(before) = seq.checked_sub(1) else { return Ok(None) };
        Ok(self.store.changes_since(before, 1).await?.pop().filter(|change| change.seq == seq))
    }

    /// Forgets what was followed so far, and takes everything as it is on record. What was stopped and is not on record as
    /// stopped any more is let in, as a restored backup has it; what waits to be put on record is not.
    pub(super) async fn anew(&self) -> Result<u64, StoreFault> {
        let mut published = self.published.lock().await;
        let mut recorded = self.recorded.lock().await;
        let seq = self.store.last_seq().await?;
        let before: Vec<Stopped> = {
            let mut heeded = self.heeded.lock().await;
            let anew = Heeded::at(seq, &self.store.containments().await?);
            self.denied.stop_all(anew.stopped(), clock::now());
            let before = std::mem::replace(&mut *heeded, anew);
            before.stopped().collect()
        };
        let loaded = self.reloaded().await?;
        let keyed = self.material.take_keys(&self.store.signing_keys().await?);
        let graded = self.gate.snapshot().population().clone();
        let population = people::all(&self.store, &loaded, &self.material, &graded).await?;
        match estate(&self.store, &self.material, &self.denied, &self.config, &loaded).await {
            Ok(estate) => {
                let number = published.number + 1;
                let kept = self.sources.keep(&loaded.inventory.trust, &estate);
                let ours = keyed.then(|| self.sources.with_ours(self.material.ours()));
                let trust = ours.or(kept).unwrap_or_else(|| Arc::clone(self.gate.snapshot().trust()));
                let estate = Arc::new(estate.heard(self.heard.clock()));
                self.gate.publish(Snapshot::new(number, population, estate).trusting(trust));
                *published = Published { seq, number };
                self.seen.store(seq, Ordering::Release);
                // Not sooner: the snapshot before this one may admit what is revoked on record.
                let heeded = self.heeded.lock().await;
                for subject in before.iter().filter(|subject| !heeded.stops(subject) && !self.pending.holds(subject)) {
                    self.denied.release(subject);
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot make a snapshot; the last one stays");
                self.heeded.lock().await.keep(before);
            }
        }
        *recorded = seq;
        drop(recorded);
        self.settle().await;
        self.rehearsed.notify_one();
        self.keep_snapshot(published.number, published.seq).await;
        Ok(seq)
    }

    pub(super) async fn publish(&self, seq: u64, rebuild: Rebuild) -> Result<(), StoreFault> {
        let mut published = self.published.lock().await;
        if published.seq >= seq && rebuild == Rebuild::IfBehind {
            return Ok(());
        }
        let behind = self.behind(published.seq).await?;
        if behind.told {
            self.announce().await?;
        }
        for what in &behind.announced {
            self.gate.meters().watch().announce(what, clock::now() + ANNOUNCED_FOR);
        }
        let before = self.gate.snapshot();
        let anew = behind.estate || rebuild != Rebuild::IfBehind;
        let loaded = if anew { self.reloaded().await? } else { self.loaded() };
        let keyed = (behind.keys || rebuild == Rebuild::Keys) && self.material.take_keys(&self.store.signing_keys().await?);
        let population = if behind.everybody {
            people::all(&self.store, &loaded, &self.material, before.population()).await?
        } else {
            self.changed(before.population().clone(), &behind, &loaded).await?
        };
        let made = match anew {
            true => estate(&self.store, &self.material, &self.denied, &self.config, &loaded)
                .await
                .map(|estate| Arc::new(estate.heard(self.heard.clock()))),
            false => Ok(Arc::clone(before.estate())),
        };
        self.heed(seq).await?;
        match made {
            Ok(estate) => {
                let number = published.number + 1;
                let kept = self.sources.keep(&loaded.inventory.trust, &estate);
                let ours = keyed.then(|| self.sources.with_ours(self.material.ours()));
                let trust = ours.or(kept).unwrap_or_else(|| Arc::clone(before.trust()));
                self.gate.publish(Snapshot::new(number, population, estate).trusting(trust));
                *published = Published { seq: behind.seq, number };
                self.seen.store(behind.seq, Ordering::Release);
            }
            // The sealed material of one secret cannot be opened: the old snapshot stays, what was stopped is stopped, and the
            // next change tries again.
            Err(error) => tracing::error!(%error, "cannot make a snapshot; the last one stays"),
        }
        self.settle().await;
        // With the snapshot that has its identities.
        if behind.rehearsed {
            self.rehearsed.notify_one();
        }
        self.keep_snapshot(published.number, published.seq).await;
        drop(published);
        self.record_changes().await
    }

    async fn behind(&self, since: u64) -> Result<Behind, StoreFault> {
        let mut behind = Behind { seq: since, ..Behind::default() };
        loop {
            let touched = self.store.touched_since(behind.seq, PAGE).await?;
            let last = touched.len() < PAGE as usize;
            touched.into_iter().for_each(|touched| behind.note(touched));
            if last {
                return Ok(behind);
            }
        }
    }

    /// The population with what changed. A credential that is not on record any more is taken out.
    async fn changed(&self, mut population: Population, behind: &Behind, loaded: &Loaded) -> Result<Population, StoreFault> {
        let mut gone: BTreeSet<CredentialId> = behind.credentials.keys().copied().collect();
        let names: Vec<IdentityId> = behind.identities.iter().cloned().collect();
        for names in names.chunks(PAGE as usize) {
            for record in self.store.identity_records(names).await?.records {
                for change in people::changes(&record, loaded, &self.material, &population) {
                    if let Change::Credential(credential) = &change {
                        gone.remove(&credential.id);
                    }
                    population.apply(change);
                }
            }
        }
        population.extend(gone.into_iter().map(Change::NoCredential));
        population.extend(tasks::changed(&self.store, &behind.tasks).await?);
        Ok(population)
    }

    /// What is declared beside the files may be another now: all of it is resolved again. It was good when it was taken;
    /// should it not be now, the last good one stays.
    async fn reloaded(&self) -> Result<Arc<Loaded>, StoreFault> {
        loop {
            let last = self.loaded();
            match resolve(&self.store, self.gate.snapshot().population(), Arc::clone(&last.gathered), None).await? {
                Ok(loaded) => {
                    let loaded = Arc::new(loaded);
                    // Files that were taken meanwhile are newer than those that this was made from: they must not be lost.
                    if Arc::ptr_eq(&self.loaded.compare_and_swap(&last, Arc::clone(&loaded)), &last) {
                        return Ok(loaded);
                    }
                }
                Err(found) => {
                    for diagnostic in found.iter().filter(|found| found.is_error()) {
                        tracing::error!(%diagnostic, "what is on record does not resolve; the last good state stays");
                    }
                    return Ok(last);
                }
            }
        }
    }

    /// What is declared beside the files, identities apart.
    pub(super) async fn declared(&self) -> Result<Vec<Document>, StoreFault> {
        declared(&self.store).await
    }

    /// Lets the overlay forget what the published snapshot refuses by itself. What is contained by name stays: something
    /// of that name may come on record later.
    async fn settle(&self) {
        let mut heeded = self.heeded.lock().await;
        let snapshot = self.gate.snapshot();
        let admitted = |subject: &Stopped| match subject {
            Stopped::Credential(id) => snapshot.credential(id.as_str()).is_some_and(|c| c.state == CredentialState::Live),
            Stopped::Identity(id) => snapshot.identity(id).is_some_and(|identity| !is_stopped(identity.state)),
            Stopped::Task(id) => snapshot.population().tasks().get(id.as_str()).is_some(),
            Stopped::Owner(_) | Stopped::Issuer(_) | Stopped::Token(_) => true,
        };
        heeded.settle(admitted);
        self.denied.settle(clock::now(), |subject| {
            if admitted(subject) || heeded.holds(subject) || self.pending.holds(subject) {
                Settled::StillAdmitted
            } else {
                Settled::Refused
            }
        });
    }
}

/// What is declared beside the files, identities apart.
async fn declared(store: &Store) -> Result<Vec<Document>, StoreFault> {
    let estate = store.estate().await?;
    let others = estate.resources.into_iter().filter(|resource| !matches!(resource.origin, Origin::File(_)));
    Ok(others.map(|resource| people::declared(&resource.id, resource.spec)).collect())
}

/// Resolves files with what is declared otherwise: as it is on record, or as it would be.
pub(super) async fn resolve(
    store: &Store,
    population: &Population,
    gathered: Arc<Gathered>,
    proposed: Option<&Proposed<'_>>,
) -> Result<Result<Loaded, Vec<Diagnostic>>, StoreFault> {
    let on_record = match proposed {
        Some(_) => Proposed::default(),
        None => Proposed { documents: declared(store).await?, ..Proposed::default() },
    };
    let proposed = proposed.unwrap_or(&on_record);
    let documents: Vec<Document> = gathered.documents.iter().chain(&proposed.documents).cloned().collect();
    let mut beside = OnRecord::read(store, &documents, proposed).await?;
    for (kind, name) in proposed.removed.iter().filter(|(kind, _)| *kind == Kind::Environment) {
        beside.lives_in(*kind, name, population, &proposed.gone);
    }
    let still = still_named(&proposed.removed, &documents, &beside, &place());
    drop(documents);
    if still.iter().any(Diagnostic::is_error) {
        return Ok(Err(still));
    }
    Ok(aside(|| Loaded::resolve(gathered, proposed.documents.clone(), &beside)))
}

/// Does long work without holding up what else the runtime has to do.
///
/// INVARIANT (stops first): a stop does not wait for somebody's plan, however large it is.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Everything but the people.
///
/// # Errors
/// When the store fails, or the sealed material of a secret cannot be opened.
pub(super) async fn estate(
    store: &Store,
    material: &Material,
    denied: &Arc<Denied>,
    config: &Config,
    loaded: &Loaded,
) -> anyhow::Result<Estate> {
    build(material, denied, config, loaded, &store.secrets().await?)
}

/// The same, with secrets that were read.
///
/// # Errors
/// When the sealed material of a secret cannot be opened.
pub(super) fn build(
    material: &Material,
    denied: &Arc<Denied>,
    config: &Config,
    loaded: &Loaded,
    secrets: &[StoredSecret],
) -> anyhow::Result<Estate> {
    let estate = Estate::build(World {
        apis: loaded.apis.clone(),
        grants: loaded.inventory.grants.clone(),
        zones: loaded.inventory.zones.clone(),
        secrets: material.open_secrets(secrets)?,
        policies: Arc::clone(&loaded.policies),
        limits: Arc::clone(&loaded.limits),
        pepper: Arc::clone(material.pepper()),
        mint: material.mint(),
        denied: Arc::clone(denied),
        body_bytes_max: config.edge.body_bytes_max,
    })
    .addressed(issuer::addresses(config, &loaded.apis));
    let mutual = Place::parse(&config.issuer).map_or(Mutual::Nowhere, |place| issuer::mutual(config, &place));
    Ok(match mutual {
        Mutual::At(origin) => estate.aliased(&origin),
        Mutual::Here | Mutual::Nowhere => estate,
    })
}
