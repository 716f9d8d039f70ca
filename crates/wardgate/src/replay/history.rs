//! What was on record at a moment of the feed, made present again change by change, and the snapshots of a run with it.

use super::{
    documents::KeptDocuments,
    kept::{Mark, Run},
};
use crate::{
    builtin,
    control::{Gathered, Loaded, OnRecord, recorded, with_status},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};
use wardgate_gate::{
    Change as Becomes, Estate, Population, Snapshot, World,
    assertion::Mint,
    denied::{Denied, Subject as Stopped},
};
use wardgate_model::{
    contain::Containable,
    diagnostic::Place,
    id::{CredentialId, IdentityId, OwnerName, SecretName, TaskId, TrustName},
    resource::Kind,
    secret::Secret,
    time::Time,
};
use wardgate_proof::{api_key::Pepper, jws::Signer};
use wardgate_resources::Document;
use wardgate_store::{Act, CHANGES_MAX, Change, Store, StoreFault, Subject};

/// Stops that are remembered: a request is stopped within moments of one.
const STOPS_MAX: usize = 1_000;

/// What somebody declared, and in which file.
#[derive(Debug, Clone)]
struct Declared {
    spec: Value,
    /// `None`: not in a file.
    file: Option<Box<str>>,
    /// The last change of it.
    seq: u64,
}

impl Declared {
    fn document(&self, kind: Kind, name: &str) -> Document {
        let file = self.file.as_deref().map_or_else(|| format!("api:{kind}/{name}"), str::to_owned);
        Document::new(kind, name, self.spec.clone(), Place::file(file).at(1, 1))
    }
}

/// A stop that the feed tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stop {
    /// Its number in the feed.
    pub(super) seq: u64,
    /// When.
    pub(super) time: Time,
    /// What was stopped.
    pub(super) what: Stopped,
}

/// Why a snapshot cannot be made again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lost {
    /// A document is not there any more.
    #[error("a document that resources name with `file:` was not kept, or is not what it was")]
    Documents,
    /// It does not resolve, and never did in this replay.
    #[error("what was declared then does not resolve: {0}")]
    Unresolved(Box<str>),
    /// The feed ends before it.
    #[error("the store's feed of changes ends at {last}, before change {wanted}")]
    Feed {
        /// The last change in it.
        last: u64,
        /// The one that is in the snapshot.
        wanted: u64,
    },
    /// The feed has been read beyond it.
    #[error("the snapshots of this run do not follow the feed of this store: is it another one, or a restored one?")]
    Backwards,
    /// What is needed beside it could not be made.
    #[error("{0}")]
    Other(Box<str>),
}

/// What every snapshot of a replay has in common.
struct Common {
    pepper: Arc<Pepper>,
    mint: Arc<Mint>,
    denied: Arc<Denied>,
}

/// The feed of a store, read once from its beginning to where it is asked about.
pub(super) struct History<'s> {
    store: &'s Store,
    /// Read, and not come to yet.
    ahead: VecDeque<Change>,
    /// The last change that was read.
    read: u64,
    /// The last change that is present.
    seq: u64,
    declared: BTreeMap<(Kind, Box<str>), Declared>,
    people: BTreeMap<Box<str>, Declared>,
    statuses: HashMap<Box<str>, (Value, u64)>,
    secrets: BTreeSet<SecretName>,
    stops: VecDeque<Stop>,
    /// Identities that are others since they were last resolved.
    touched: BTreeSet<Box<str>>,
    everybody: bool,
    estate: bool,
    loaded: Option<Arc<Loaded>>,
    built: Option<Arc<Estate>>,
    population: Population,
    documents: Arc<KeptDocuments>,
    common: Option<Common>,
}

impl<'s> History<'s> {
    pub(super) fn new(store: &'s Store, documents: KeptDocuments) -> Self {
        Self {
            store,
            ahead: VecDeque::new(),
            read: 0,
            seq: 0,
            declared: BTreeMap::new(),
            people: BTreeMap::new(),
            statuses: HashMap::new(),
            secrets: BTreeSet::new(),
            stops: VecDeque::new(),
            touched: BTreeSet::new(),
            everybody: true,
            estate: true,
            loaded: None,
            built: None,
            population: Population::default(),
            documents: Arc::new(documents),
            common: None,
        }
    }

    /// A run begins: its settings are its own, and what was not kept of the one before counts no more.
    pub(super) fn begin(&mut self) {
        (self.estate, self.everybody, self.loaded, self.built) = (true, true, None, None);
    }

    /// The stops of the last while, and those that come next in the feed.
    pub(super) async fn stops(&mut self) -> Result<Vec<Stop>, StoreFault> {
        if self.ahead.is_empty() {
            self.fetch().await?;
        }
        Ok(self.stops.iter().cloned().chain(self.ahead.iter().filter_map(stop)).collect())
    }

    /// Reads on in the feed; whether there was more.
    async fn fetch(&mut self) -> Result<bool, StoreFault> {
        let changes = self.store.changes_since(self.read, CHANGES_MAX).await?;
        let Some(last) = changes.last() else { return Ok(false) };
        self.read = last.seq;
        self.ahead.extend(changes);
        Ok(true)
    }

    /// Makes a snapshot of a run again. `others`: its files are others than those of the snapshot before it.
    pub(super) async fn snapshot(&mut self, run: &Run, mark: &Mark, others: bool) -> Result<Result<Snapshot, Lost>, StoreFault> {
        if mark.feed < self.seq {
            return Ok(Err(Lost::Backwards));
        }
        self.advance(mark.feed).await?;
        if self.seq < mark.feed {
            return Ok(Err(Lost::Feed { last: self.seq, wanted: mark.feed }));
        }
        Ok(self.make(run, mark, others))
    }

    /// Reads on, and makes present what happened up to `to`.
    pub(super) async fn advance(&mut self, to: u64) -> Result<(), StoreFault> {
        loop {
            while let Some(change) = self.ahead.pop_front_if(|change| change.seq <= to) {
                self.seq = change.seq;
                self.apply(change);
            }
            if !self.ahead.is_empty() || self.read >= to {
                return Ok(());
            }
            if !self.fetch().await? {
                return Ok(());
            }
        }
    }

    fn apply(&mut self, change: Change) {
        if let Some(stop) = stop(&change) {
            if self.stops.len() >= STOPS_MAX {
                self.stops.pop_front();
            }
            self.stops.push_back(stop);
        }
        let Change { seq, actor, subject, name, act, reason, after, .. } = change;
        match subject {
            Subject::Resource(kind) => {
                let file = actor.strip_prefix("file:").map(Into::into);
                if kind == Kind::Identity {
                    self.born(&name, &actor, &reason, seq);
                    self.touched.insert(name.clone());
                } else {
                    self.estate = true;
                    self.everybody |= matches!(
                        kind,
                        Kind::Owner | Kind::Environment | Kind::TrustSource | Kind::Contract | Kind::Waiver | Kind::Rotation
                    );
                }
                match (kind, after) {
                    (Kind::Identity, Some(spec)) => drop(self.people.insert(name, Declared { spec, file, seq })),
                    (Kind::Identity, None) => drop(self.people.remove(&name)),
                    (_, Some(spec)) => drop(self.declared.insert((kind, name), Declared { spec, file, seq })),
                    (_, None) => drop(self.declared.remove(&(kind, name))),
                }
            }
            Subject::Status => {
                self.touched.insert(name.clone());
                if let Some(status) = after {
                    self.statuses.insert(name, (status, seq));
                }
            }
            Subject::Secret => {
                self.estate = true;
                let Ok(name) = SecretName::parse(&name) else { return };
                match act {
                    Act::Remove => drop(self.secrets.remove(&name)),
                    Act::Put | Act::Promote => drop(self.secrets.insert(name)),
                    _ => {}
                }
            }
            Subject::Credential
            | Subject::SigningKey
            | Subject::OwnerStatus
            | Subject::Containment
            | Subject::Approval
            | Subject::Discovery
            | Subject::Task
            | Subject::Announcement
            | Subject::Rehearsal => {}
        }
    }

    /// How an identity begins is told by who declared it first.
    fn born(&mut self, name: &str, actor: &str, reason: &str, seq: u64) {
        let state = if actor.starts_with("file:") || actor == "<process>" { "active" } else { "requested" };
        let status = || (json!({ "state": state, "claim_overdue": false, "reason": reason }), seq);
        self.statuses.entry(name.into()).or_insert_with(status);
    }

    fn make(&mut self, run: &Run, mark: &Mark, others: bool) -> Result<Snapshot, Lost> {
        let documents = Arc::clone(&self.documents);
        if self.estate || others || self.loaded.is_none() {
            documents.show(mark.documents.as_deref().unwrap_or_default());
            let resolved = self.resolve(run);
            if documents.has_missed() {
                self.loaded = None;
                return Err(Lost::Documents);
            }
            match (resolved, &self.loaded) {
                (Ok(loaded), _) => self.loaded = Some(Arc::new(loaded)),
                // The process kept its last good state, and so does this.
                (Err(_), Some(_)) => {}
                (Err(why), None) => return Err(Lost::Unresolved(why)),
            }
            self.built = None;
        }
        let Some(loaded) = self.loaded.clone() else { return Err(Lost::Unresolved("nothing was resolved".into())) };
        let estate = match &self.built {
            Some(estate) => Arc::clone(estate),
            None => Arc::new(self.build(run, &loaded)?),
        };
        self.built = Some(Arc::clone(&estate));
        self.estate = false;
        self.settle(&loaded);
        Ok(Snapshot::new(mark.number, self.population.clone(), estate))
    }

    fn resolve(&self, run: &Run) -> Result<Loaded, Box<str>> {
        let declared = self.declared.iter().map(|((kind, name), declared)| declared.document(*kind, name)).collect();
        let people: Vec<Document> = self.people.iter().map(|(name, declared)| declared.document(Kind::Identity, name)).collect();
        let gathered = Arc::new(Gathered::past(Arc::clone(&self.documents), run.sign_in, &run.issuer));
        Loaded::resolve(gathered, declared, &OnRecord::of(&people)).map_err(|found| {
            let first = found.iter().find(|found| found.is_error());
            first.map(ToString::to_string).unwrap_or_default().into()
        })
    }

    fn build(&mut self, run: &Run, loaded: &Loaded) -> Result<Estate, Lost> {
        let common = match self.common.take() {
            Some(common) => common,
            None => common(&run.issuer).map_err(|error| Lost::Other(error.to_string().into()))?,
        };
        let estate = Estate::build(World {
            apis: loaded.apis.clone(),
            grants: loaded.inventory.grants.clone(),
            zones: loaded.inventory.zones.clone(),
            // Whether there was one is all that a ruling depends on.
            secrets: self.secrets.iter().map(|name| (name.clone(), Secret::new("of-a-replay".to_owned()))).collect(),
            policies: Arc::clone(&loaded.policies),
            limits: Arc::clone(&loaded.limits),
            pepper: Arc::clone(&common.pepper),
            mint: Arc::clone(&common.mint),
            denied: Arc::clone(&common.denied),
            body_bytes_max: run.body_bytes_max,
        });
        self.common = Some(common);
        Ok(estate)
    }

    /// Makes the population what the feed says of it.
    fn settle(&mut self, loaded: &Loaded) {
        let names: Vec<Box<str>> = if std::mem::take(&mut self.everybody) {
            self.touched.clear();
            self.people.keys().chain(self.statuses.keys()).cloned().chain([builtin::OPERATOR.into()]).collect()
        } else {
            std::mem::take(&mut self.touched).into_iter().collect()
        };
        for name in names {
            let Ok(id) = IdentityId::parse(&name) else { continue };
            let become_ = self.identity(&id, loaded).map_or_else(|| Becomes::NoIdentity(id), Becomes::Identity);
            self.population.apply(become_);
        }
    }

    fn identity(&self, id: &IdentityId, loaded: &Loaded) -> Option<Arc<wardgate_model::inventory::Identity>> {
        let declared = self.people.get(id.as_str());
        let identity = match declared {
            Some(declared) => {
                recorded(&declared.document(Kind::Identity, id.as_str()), &loaded.inventory).ok().map(|recorded| recorded.spec.identity)
            }
            None => (id.as_str() == builtin::OPERATOR).then(builtin::operator),
        }?;
        let (status, changed) = self.statuses.get(id.as_str()).map_or((None, 0), |(status, seq)| (Some(status), *seq));
        let mut identity = with_status(identity, status);
        // What the policies remember of an identity rests on this.
        identity.revision = changed.max(declared.map_or(0, |declared| declared.seq));
        Some(Arc::new(identity))
    }
}

/// What a change stopped, where it did.
fn stop(change: &Change) -> Option<Stop> {
    let (kind, name) = match (change.subject, change.act) {
        (Subject::Credential, Act::Revoke | Act::Spend) => (Containable::Credential, &*change.name),
        (Subject::Status, Act::State) => (Containable::Identity, &*change.name),
        (Subject::Task, Act::State) => (Containable::Task, &*change.name),
        (Subject::Containment, Act::Contain) => {
            let (kind, name) = change.name.split_once('/')?;
            (Containable::parse(kind)?, name)
        }
        _ => return None,
    };
    let what = match kind {
        Containable::Identity => Stopped::Identity(IdentityId::parse(name).ok()?),
        Containable::Credential => Stopped::Credential(CredentialId::parse(name)?),
        Containable::Owner => Stopped::Owner(OwnerName::parse(name).ok()?),
        Containable::Issuer => Stopped::Issuer(TrustName::parse(name).ok()?),
        Containable::Token => Stopped::Token(name.into()),
        Containable::Task => Stopped::Task(TaskId::parse(name).ok()?),
    };
    Some(Stop { seq: change.seq, time: change.time, what })
}

/// Keys that nothing is decided by.
fn common(issuer: &str) -> anyhow::Result<Common> {
    let signer = Signer::load(Signer::generate()?.danger_expose())?;
    Ok(Common {
        pepper: Arc::new(Pepper::new(&[0x52; 32])),
        mint: Arc::new(Mint::new(signer, issuer.into())),
        denied: Arc::new(Denied::default()),
    })
}
