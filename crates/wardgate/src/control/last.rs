//! The last good state on disk: what the snapshot is made of, so that a gate can start while the database is away.
//!
//! Written beside the gate's work, page by page, never by whoever publishes; replaced as a whole; vouched for by the master
//! key, so that nobody lets himself in by editing it. It holds keyed hashes and sealed blobs, as the database does. Only for
//! a database in a server: a file is as near as this one.

mod file;

use super::{
    Control, Heard, Loaded, Material,
    follow::{Heeded, is_stopped},
    heard::Tried,
    load::Gathered,
    pending::replace,
    people::{self, OnRecord},
    publish,
    voucher::Voucher,
};
use crate::{builtin, clock, config::Config};
use anyhow::Context as _;
use file::Writing;
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use wardgate_gate::{Change, Population, denied::Denied};
use wardgate_model::{contain::Containable, diagnostic::Place, id::IdentityId, inventory::IdentityState, resource::Kind, time::Time};
use wardgate_resources::Document;
use wardgate_store::{Act, Kept, Origin, ResourceId, StoreFault, StoredResource, Subject};

pub use file::LastFault;
use file::{FILE, Last, STOPS_FILE};

/// How often it is looked whether something changed.
const LOOKED: Duration = Duration::from_secs(1);
/// How long it is left alone after it was written, at least; and how many times as long as the writing took, so that of one
/// core a twentieth goes into it at the most, however many identities there are.
const RESTS: Duration = Duration::from_secs(5);
const RESTS_TIMES: u32 = 20;
/// How long it is left alone after it could not be written.
const RESTS_AFTER_FAULT: Duration = Duration::from_secs(30);
/// How often it is noted when the store was last heard, while nothing else changes.
const HEARD_EVERY: Duration = Duration::from_secs(10);
/// Where that is noted, in the directory of state.
const HEARD_FILE: &str = "wardgate.heard";
/// Identities read from the store at a time, and changes of the feed.
const PAGE: u32 = 1_000;

/// What of a start from the last good state is the same as of any other.
pub(super) struct Started {
    pub(super) loaded: Loaded,
    pub(super) material: Material,
    pub(super) heeded: Heeded,
    pub(super) population: Population,
    pub(super) estate: wardgate_gate::Estate,
    pub(super) heard: Heard,
    /// The last change that is in it.
    pub(super) seq: u64,
}

/// Everything from the file; nothing from the store, which is away.
///
/// # Errors
/// The file cannot be read or was not written under this master key, or what it says does not resolve any more.
pub(super) fn start(
    config: &Config,
    voucher: &Voucher,
    denied: &Arc<Denied>,
    material: impl FnOnce(&[wardgate_store::StoredSigningKey]) -> anyhow::Result<Material>,
    fault: &StoreFault,
) -> anyhow::Result<Option<Started>> {
    let Some(mut last) = Last::read(&config.state, voucher)? else { return Ok(None) };
    let (in_files, declared): (Vec<_>, Vec<_>) = last.resources.iter().partition(|one| matches!(one.origin, Origin::File(_)));
    let in_files: Vec<Document> = in_files.into_iter().map(document).collect();
    let declared: Vec<Document> = declared.into_iter().map(document).collect();
    let wanted: BTreeSet<IdentityId> = [&in_files, &declared].into_iter().flat_map(|documents| people::wanted(documents)).collect();
    let mut beside = OnRecord::default();
    last.each_identity(|record| {
        if let Some(resource) = record.resource.filter(|_| wanted.contains(&record.identity)) {
            beside.note(record.identity.as_str(), &resource.spec);
        }
    })?;
    // What stood in files stays as it was until the store is back and they are read again.
    let gathered = Arc::new(Gathered::again(config, in_files));
    let loaded = Loaded::resolve(gathered, declared, &beside).map_err(super::ReloadFault::Input)?;
    let mut population = Population::default();
    population.apply(Change::Identity(Arc::new(builtin::operator())));
    let material = material(&last.keys)?;
    last.each_identity(|record| population.extend(people::changes(&record, &loaded, &material, &Population::default())))?;
    let heeded = Heeded::kept(last.seq, &last.contained, &last.stopped);
    denied.stop_all(heeded.stopped(), clock::now());
    let since = last.written.max(heard(&config.state, voucher).unwrap_or(last.written));
    let heard = Heard::away_since(since, fault);
    let estate = publish::build(&material, denied, config, &loaded, &last.secrets)?.heard(heard.clock());
    tracing::error!(
        %since, seq = last.seq, identities = population.identities().iter().count(),
        "the store is away: this gate starts from its last good state"
    );
    Ok(Some(Started { loaded, material, heeded, population, estate, heard, seq: last.seq }))
}

fn document(resource: &StoredResource) -> Document {
    match &resource.origin {
        Origin::File(path) => Document::new(resource.id.kind(), resource.id.name(), resource.spec.clone(), Place::file(Path::new(&**path))),
        Origin::Api | Origin::Apply | Origin::Shipped => people::declared(&resource.id, resource.spec.clone()),
    }
}

/// When the store was last heard by the process before.
fn heard(state: &Path, voucher: &Voucher) -> Option<Time> {
    let text = std::fs::read_to_string(state.join(HEARD_FILE)).ok()?;
    let (said, tag) = text.trim_end().rsplit_once(' ')?;
    let us = said.strip_prefix("heard ")?.parse().ok()?;
    voucher.holds(said, tag).then(|| Time::from_micros(us))
}

impl Control {
    /// Keeps the last good state on disk for as long as the process runs, while the store answers.
    pub async fn keep_last(self: Arc<Self>) {
        if self.store.path().is_some() {
            return;
        }
        let (mut kept, mut rests_until, mut heard) = (None, clock::now(), Time::from_micros(0));
        let (mut stops, mut stops_rest_until) = (0, clock::now());
        loop {
            tokio::time::sleep(LOOKED).await;
            let now = clock::now();
            if self.heard.trouble().is_some() || !self.store.is_back() {
                continue;
            }
            let last = self.heard.last();
            if last.since(heard) >= HEARD_EVERY {
                heard = last;
                self.keep_heard(last).await;
            }
            let stopped = self.heeded.lock().await.seq();
            if let Some(kept) = kept.filter(|kept| stopped > stops.max(*kept) && now >= stops_rest_until) {
                match self.write_stops(kept).await {
                    Ok(_) => stops = stopped,
                    Err(error) => tracing::error!(error = format!("{error:#}"), "what was stopped last cannot be kept on disk"),
                }
                stops_rest_until = clock::now() + clock::now().since(now) * RESTS_TIMES;
            }
            let seq = self.seen.load(Ordering::Acquire);
            if kept == Some(seq) || now < rests_until {
                continue;
            }
            match self.write_last(seq).await {
                Ok(bytes) => {
                    kept = Some(seq);
                    let took = clock::now().since(now);
                    tracing::debug!(seq, bytes, ?took, "the last good state is on disk");
                    rests_until = clock::now() + RESTS.max(took * RESTS_TIMES);
                }
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "the last good state cannot be kept on disk; the one before stays");
                    rests_until = clock::now() + RESTS_AFTER_FAULT;
                }
            }
            self.last_failing.store(kept != Some(seq), Ordering::Relaxed);
        }
    }

    async fn keep_heard(&self, last: Time) {
        let said = format!("heard {}", last.as_micros());
        let Ok(tag) = self.voucher.tag(&said) else { return };
        let file = self.config.state.join(HEARD_FILE);
        let written = tokio::task::spawn_blocking(move || replace(&file, format!("{said} {tag}\n").as_bytes())).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "it cannot be noted when the store was last heard: after a restart it seems longer ago");
        }
    }

    /// Writes the state that holds every change up to `seq`, and maybe later ones; gives its size in bytes.
    async fn write_last(&self, seq: u64) -> anyhow::Result<u64> {
        let (path, voucher) = (self.config.state.join(FILE), Arc::clone(&self.voucher));
        let mut writing = blocking(move || Writing::begin(path, voucher, seq, clock::now())).await?;
        let loaded = self.loaded();
        let (keys, secrets) = (self.store.signing_keys().await?, self.store.secrets().await?);
        // One that could not be opened would keep a gate from starting.
        self.material.open_secrets(&secrets)?;
        let mut small: Vec<Kept> = resources(&loaded).map(Kept::Resource).collect();
        small.extend(keys.into_iter().map(Kept::SigningKey));
        small.extend(secrets.into_iter().map(Kept::Secret));
        writing = blocking(move || writing.lines(small)).await?;
        let mut after = String::new();
        loop {
            let page = self.store.identities_page(&after, PAGE).await?;
            let Some(last) = page.records.last() else { break };
            last.identity.as_str().clone_into(&mut after);
            writing = blocking(move || writing.lines(page.records.into_iter().map(Kept::Identity))).await?;
        }
        // Last, so that whoever was stopped after its own line was written is in it as well.
        let stops = self.stops(seq).await?;
        blocking(move || writing.lines(stops)?.end()).await
    }

    /// Writes what was stopped since `seq`: a revocation does not wait for a million identities to be written once more.
    async fn write_stops(&self, seq: u64) -> anyhow::Result<u64> {
        let stops = self.stops(seq).await?;
        let (path, voucher) = (self.config.state.join(STOPS_FILE), Arc::clone(&self.voucher));
        blocking(move || Writing::begin(path, voucher, seq, clock::now())?.lines(stops)?.end()).await
    }

    async fn stops(&self, seq: u64) -> Result<Vec<Kept>, StoreFault> {
        let contained = self.store.containments().await?.into_iter().map(|one| Kept::Contained(one.kind, one.name));
        let stopped = self.stopped_since(seq).await?.into_iter().map(|(kind, name)| Kept::Stopped(kind, name));
        Ok(contained.chain(stopped).collect())
    }

    /// What was stopped after `seq` otherwise than by a containment.
    async fn stopped_since(&self, seq: u64) -> Result<BTreeSet<(Containable, Box<str>)>, StoreFault> {
        let (mut stops, mut after) = (BTreeSet::new(), seq);
        loop {
            let changes = self.store.stops_since(after, PAGE).await?;
            let Some(last) = changes.last() else { return Ok(stops) };
            after = last.seq;
            for change in changes {
                match (change.subject, change.act) {
                    (Subject::Credential, Act::Revoke | Act::Spend) => {
                        stops.insert((Containable::Credential, change.name));
                    }
                    (Subject::Status, Act::State) => {
                        let state = change.after.as_ref().and_then(|after| IdentityState::parse(after.get("state")?.as_str()?));
                        let named = (Containable::Identity, change.name);
                        if state.is_none_or(is_stopped) {
                            stops.insert(named);
                        } else {
                            stops.remove(&named);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// The database is back: everything up to now is followed, or taken anew where it is an older one.
    ///
    /// # Errors
    /// It is not.
    pub(super) async fn come_back(&self) -> Result<(), StoreFault> {
        self.store.come_back().await?;
        self.heard.note(Tried::Beat, Ok(()));
        self.merge().await?;
        self.catch_up().await?;
        tracing::info!("the store is back: this gate follows it again");
        match self.reload().await {
            Ok(_) => {}
            Err(super::ReloadFault::Store(fault)) => return Err(fault),
            Err(super::ReloadFault::Input(found)) => {
                for diagnostic in found.iter().filter(|found| found.is_error()) {
                    tracing::error!(%diagnostic, "the files were not taken; what is on record stays");
                }
            }
        }
        Ok(())
    }
}

/// What is declared, identities apart, as it was last resolved: that it resolves is what makes it good.
fn resources(loaded: &Loaded) -> impl Iterator<Item = StoredResource> {
    let all = loaded.gathered.documents.iter().chain(&loaded.declared).filter(|document| document.kind != Kind::Identity);
    all.filter_map(|document| {
        let file = document.place.file.display().to_string();
        let origin = if file.starts_with(super::load::DECLARED) { Origin::Api } else { Origin::File(file.into()) };
        let id = ResourceId::parse(document.kind, &document.name).ok()?;
        Some(StoredResource { id, spec: document.spec.clone(), origin, revision: 0, created_seq: 0 })
    })
}

/// Does what waits for the disk where nobody waits for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("the writing broke off")?
}

#[cfg(test)]
mod tests;
