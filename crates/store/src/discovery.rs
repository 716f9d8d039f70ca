//! Callers that nobody has on record, as traffic shows them.

use crate::{
    Store, StoreFault,
    database::{Conn, query},
    feed::{Act, Actor, Subject, Told, Who, Writing, signed, unsigned},
    sql,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt};
use wardgate_model::{
    credential::KeyedHash,
    id::{ApiName, EnvironmentName, IdentityId, TrustName},
    time::Time,
};

/// Most discoveries that are open at a time; what is seen beyond that is counted and dropped.
pub const OPEN_MAX: u32 = 10_000;
/// Most APIs, and most networks, that are kept of one discovery.
pub const SEEN_MAX: usize = 32;

/// By what an unknown caller is told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiscoveredBy {
    /// By the key that it showed, which is none of ours.
    Key,
    /// By where it comes from: it showed nothing.
    Source,
    /// By the subject of a token that a trust source vouches for.
    Subject,
    /// By the name in a certificate that a trust source vouches for.
    Certificate,
}

impl DiscoveredBy {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Source => "source",
            Self::Subject => "subject",
            Self::Certificate => "certificate",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Key, Self::Source, Self::Subject, Self::Certificate].into_iter().find(|d| d.as_str() == word)
    }
}

/// What became of a discovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscoveryState {
    /// Nobody has said whose it is.
    Open,
    /// It is an identity's.
    Claimed,
    /// It is nobody's.
    Rejected,
}

impl DiscoveryState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Claimed => "claimed",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Open, Self::Claimed, Self::Rejected].into_iter().find(|s| s.as_str() == word)
    }
}

impl fmt::Display for DiscoveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whom a trust source vouches for, where nobody on record is meant by that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeenSubject {
    /// The trust source.
    pub trust: TrustName,
    /// Whom it names: a stranger's text.
    pub subject: Box<str>,
}

/// An unknown caller, as it was seen lately.
#[derive(Debug, Clone)]
pub struct SeenUnknown {
    /// What it is called until somebody claims it.
    pub id: IdentityId,
    /// By what it is told from others.
    pub what: DiscoveredBy,
    /// What a credential made of its key would be compared with.
    pub hash: Option<KeyedHash>,
    /// Whom a trust source vouches for; of a subject or certificate.
    pub vouched: Option<SeenSubject>,
    /// Where it was seen.
    pub environment: Option<EnvironmentName>,
    /// What it called.
    pub apis: Vec<ApiName>,
    /// From which networks.
    pub sources: Vec<Box<str>>,
    /// The first time.
    pub first: Time,
    /// The last time.
    pub last: Time,
    /// How often.
    pub count: u64,
}

/// An unknown caller on record.
#[derive(Debug, Clone)]
pub struct StoredDiscovery {
    /// What it is called until somebody claims it.
    pub id: IdentityId,
    /// By what it is told from others.
    pub what: DiscoveredBy,
    /// What a credential made of its key would be compared with.
    pub hash: Option<KeyedHash>,
    /// Whom a trust source vouches for; of a subject or certificate.
    pub vouched: Option<SeenSubject>,
    /// Where it was seen first.
    pub environment: Option<EnvironmentName>,
    /// What it called, by name; at most [`SEEN_MAX`].
    pub apis: Vec<ApiName>,
    /// From which networks; at most [`SEEN_MAX`].
    pub sources: Vec<Box<str>>,
    /// The first time.
    pub first: Time,
    /// The last time.
    pub last: Time,
    /// How often.
    pub count: u64,
    /// Until when somebody has to say whose it is.
    pub claim_by: Time,
    /// What became of it.
    pub state: DiscoveryState,
    /// Whose it is.
    pub claimed_as: Option<IdentityId>,
    /// The number of its last change; being seen again is none.
    pub revision: u64,
    /// The number of the change that noted it: discoveries are listed in this order.
    pub created_seq: u64,
}

/// Which discoveries to read. The default is all of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiscoveryFilter {
    /// Only those noted by a later change.
    pub after: u64,
    /// Only those in this state.
    pub state: Option<DiscoveryState>,
    /// Only those that somebody has to claim before this moment.
    pub claim_before: Option<Time>,
    /// At most so many; `None`: all.
    pub limit: Option<u32>,
}

/// What noting unknown callers did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Discovered {
    /// Seen for the first time.
    pub new: usize,
    /// Seen again.
    pub again: usize,
    /// Not noted: as many as [`OPEN_MAX`] are open.
    pub dropped: usize,
}

#[derive(sqlx::FromRow)]
struct DiscoveryRow {
    id: String,
    what: String,
    hash: Option<Vec<u8>>,
    environment: Option<String>,
    apis: String,
    sources: String,
    first_us: i64,
    last_us: i64,
    seen: i64,
    claim_by_us: i64,
    state: String,
    claimed_as: Option<String>,
    revision: i64,
    created_seq: i64,
    trust: Option<String>,
    subject: Option<String>,
}

impl DiscoveryRow {
    fn read(self) -> Result<StoredDiscovery, StoreFault> {
        let id = self.id;
        let corrupt = |why: String| StoreFault::corrupt("discovery", &id, why);
        let identity = |name: &str| IdentityId::parse(name).map_err(|e| corrupt(e.to_string()));
        let hash = self.hash.map(<[u8; 32]>::try_from).transpose();
        let trust = self.trust.map(|name| TrustName::parse(&name)).transpose().map_err(|e| corrupt(e.to_string()))?;
        Ok(StoredDiscovery {
            what: DiscoveredBy::parse(&self.what).ok_or_else(|| corrupt(format!("seen by `{}`", self.what)))?,
            hash: hash.map_err(|h| corrupt(format!("a hash of {} bytes", h.len())))?.map(KeyedHash::new),
            vouched: trust.zip(self.subject).map(|(trust, subject)| SeenSubject { trust, subject: subject.into() }),
            environment: self.environment.map(|e| EnvironmentName::parse(&e)).transpose().map_err(|e| corrupt(e.to_string()))?,
            apis: serde_json::from_str(&self.apis).map_err(|e| corrupt(e.to_string()))?,
            sources: serde_json::from_str(&self.sources).map_err(|e| corrupt(e.to_string()))?,
            first: Time::from_micros(self.first_us),
            last: Time::from_micros(self.last_us),
            count: unsigned(self.seen),
            claim_by: Time::from_micros(self.claim_by_us),
            state: DiscoveryState::parse(&self.state).ok_or_else(|| corrupt(format!("unknown state `{}`", self.state)))?,
            claimed_as: self.claimed_as.as_deref().map(identity).transpose()?,
            id: identity(&id)?,
            revision: unsigned(self.revision),
            created_seq: unsigned(self.created_seq),
        })
    }
}

async fn find(conn: &mut Conn, id: &IdentityId) -> Result<Option<StoredDiscovery>, StoreFault> {
    let row: Option<DiscoveryRow> = query(sql::DISCOVERY).bind(id.as_str()).maybe(conn).await?;
    row.map(DiscoveryRow::read).transpose()
}

/// What the feed tells of a discovery: everything but its hash.
fn told(discovery: &StoredDiscovery) -> Value {
    json!({
        "what": discovery.what.as_str(),
        "trust": discovery.vouched.as_ref().map(|vouched| vouched.trust.as_str()),
        "subject": discovery.vouched.as_ref().map(|vouched| &*vouched.subject),
        "environment": discovery.environment.as_ref().map(EnvironmentName::as_str),
        "claim_by": discovery.claim_by.to_rfc3339(),
        "state": discovery.state.as_str(),
        "claimed_as": discovery.claimed_as.as_ref().map(IdentityId::as_str),
    })
}

/// The union of two lists, in order, no longer than [`SEEN_MAX`]: what was there stays.
fn union<T: Ord + Clone>(old: &[T], new: &[T]) -> Vec<T> {
    let mut all: BTreeSet<T> = old.iter().cloned().collect();
    for one in new {
        if all.len() < SEEN_MAX {
            all.insert(one.clone());
        }
    }
    all.into_iter().collect()
}

fn merge(old: Option<&StoredDiscovery>, seen: &SeenUnknown, claim_by: Time) -> StoredDiscovery {
    match old {
        None => StoredDiscovery {
            id: seen.id.clone(),
            what: seen.what,
            hash: seen.hash.clone(),
            vouched: seen.vouched.clone(),
            environment: seen.environment.clone(),
            apis: union(&[], &seen.apis),
            sources: union(&[], &seen.sources),
            first: seen.first,
            last: seen.last,
            count: seen.count,
            claim_by,
            state: DiscoveryState::Open,
            claimed_as: None,
            revision: 0,
            created_seq: 0,
        },
        Some(old) => StoredDiscovery {
            apis: union(&old.apis, &seen.apis),
            sources: union(&old.sources, &seen.sources),
            first: old.first.min(seen.first),
            last: old.last.max(seen.last),
            count: old.count.saturating_add(seen.count),
            ..old.clone()
        },
    }
}

async fn put(writing: &mut Writing, discovery: &StoredDiscovery) -> Result<(), StoreFault> {
    query(sql::DISCOVERY_PUT)
        .bind(discovery.id.as_str())
        .bind(discovery.what.as_str())
        .bind(discovery.hash.as_ref().map(|hash| hash.bytes().as_slice()))
        .bind(discovery.environment.as_ref().map(EnvironmentName::as_str))
        .bind(json!(discovery.apis).to_string())
        .bind(json!(discovery.sources).to_string())
        .bind(discovery.first.as_micros())
        .bind(discovery.last.as_micros())
        .bind(signed(discovery.count))
        .bind(discovery.claim_by.as_micros())
        .bind(discovery.state.as_str())
        .bind(discovery.claimed_as.as_ref().map(IdentityId::as_str))
        .bind(signed(discovery.revision))
        .bind(signed(discovery.created_seq))
        .bind(discovery.vouched.as_ref().map(|vouched| vouched.trust.as_str()))
        .bind(discovery.vouched.as_ref().map(|vouched| &*vouched.subject))
        .execute(writing.conn())
        .await
        .map(drop)
}

impl Store {
    /// Notes unknown callers that were seen. One seen for the first time has to be claimed until `claim_by`; seeing one
    /// again changes its counts only, whatever became of it.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn add_discoveries(&self, seen: &[SeenUnknown], claim_by: Time, now: Time) -> Result<Discovered, StoreFault> {
        let mut done = Discovered::default();
        if seen.is_empty() {
            return Ok(done);
        }
        let mut writing = Writing::begin(self, now).await?;
        let (mut open,): (i64,) = query(sql::DISCOVERIES_OPEN).one(writing.conn()).await?;
        for seen in seen {
            let old = find(writing.conn(), &seen.id).await?;
            let mut new = merge(old.as_ref(), seen, claim_by);
            if old.is_some() {
                done.again += 1;
                put(&mut writing, &new).await?;
                continue;
            }
            if open >= i64::from(OPEN_MAX) {
                done.dropped += 1;
                continue;
            }
            (open, done.new) = (open + 1, done.new + 1);
            let seq = writing.allocate(1).await?;
            (new.revision, new.created_seq) = (seq, seq);
            put(&mut writing, &new).await?;
            let (subject, act, name, after) = (Subject::Discovery, Act::Discover, new.id.as_str(), Some(told(&new)));
            writing.tell(seq, Told { who: &Who::Process, reason: "seen in traffic", subject, name, act, before: None, after }).await?;
        }
        writing.commit().await?;
        Ok(done)
    }

    /// Discoveries that a filter lets through, in the order they were noted.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn discoveries(&self, filter: &DiscoveryFilter) -> Result<Vec<StoredDiscovery>, StoreFault> {
        let rows: Vec<DiscoveryRow> = query(sql::DISCOVERIES)
            .bind(signed(filter.after))
            .bind(filter.state.map_or("", DiscoveryState::as_str))
            .bind(filter.claim_before.map_or(i64::MAX, Time::as_micros))
            .bind(filter.limit.map_or(i64::MAX, i64::from))
            .all(&mut self.reader.acquire().await?)
            .await?;
        rows.into_iter().map(DiscoveryRow::read).collect()
    }

    /// One discovery.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn discovery(&self, id: &IdentityId) -> Result<StoredDiscovery, StoreFault> {
        find(&mut self.reader.acquire().await?, id).await?.ok_or_else(|| StoreFault::missing("discovery", id))
    }

    /// Says whose a discovered caller is. Said already of the same identity, nothing is changed. The credential that
    /// its key becomes is issued apart from this ([`Store::issue_credential`]).
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is another's, or rejected.
    pub async fn claim_discovery(
        &self,
        actor: &Actor,
        id: &IdentityId,
        as_: &IdentityId,
        now: Time,
    ) -> Result<StoredDiscovery, StoreFault> {
        self.settle_discovery(actor, id, (Act::Claim, DiscoveryState::Claimed, Some(as_)), now).await
    }

    /// Says that a discovered caller is nobody's. Said already, nothing is changed.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it was claimed.
    pub async fn reject_discovery(&self, actor: &Actor, id: &IdentityId, now: Time) -> Result<StoredDiscovery, StoreFault> {
        self.settle_discovery(actor, id, (Act::Reject, DiscoveryState::Rejected, None), now).await
    }

    async fn settle_discovery(
        &self,
        actor: &Actor,
        id: &IdentityId,
        (act, state, claimed_as): (Act, DiscoveryState, Option<&IdentityId>),
        now: Time,
    ) -> Result<StoredDiscovery, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = find(writing.conn(), id).await?.ok_or_else(|| StoreFault::missing("discovery", id))?;
        if old.state == state && old.claimed_as.as_ref() == claimed_as {
            return Ok(old);
        }
        if old.state != DiscoveryState::Open {
            let whose = old.claimed_as.as_ref().map_or_else(String::new, |identity| format!(" as `{identity}`"));
            return Err(StoreFault::conflict("discovery", id, format!("is {} already{whose}", old.state)));
        }
        let seq = writing.allocate(1).await?;
        let new = StoredDiscovery { state, claimed_as: claimed_as.cloned(), revision: seq, ..old.clone() };
        put(&mut writing, &new).await?;
        let (subject, name, before, after) = (Subject::Discovery, id.as_str(), Some(told(&old)), Some(told(&new)));
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name, act, before, after }).await?;
        writing.commit().await?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests;
