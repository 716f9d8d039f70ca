//! What the tests of this crate share: a store in a directory of its own, a feed that can be read as text.

use crate::{Actor, ChangeFilter, FileDocument, NewCredential, ResourceId, Store, StoreFault, Who, database::query};
use ipnet::IpNet;
use std::time::Duration;
use tempfile::TempDir;
use wardgate_model::{
    credential::{CredentialKind, KeyedHash},
    id::{CredentialId, EnvironmentName, IdentityId},
    resource::Kind,
    time::Time,
};
use wardgate_testkit::postgres;

pub(crate) const NOW: Time = Time::from_seconds(1_800_000_000);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// Makes two tests of one function: the same on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::world::World::new().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::world::World::on_postgres().await).await;
            })*
        }
    };
}
pub(crate) use on_both;

/// A store of its own.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) url: String,
    /// Where the file is; of no use on PostgreSQL.
    pub(crate) directory: TempDir,
}

impl World {
    /// A store in a directory that goes with it.
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = url(&directory);
        Self { store: Store::open(&url).await.unwrap(), url, directory }
    }

    /// A store in a database of the server that the tests share.
    pub(crate) async fn on_postgres() -> Self {
        let url = postgres::shared().and_then(postgres::Server::database).unwrap();
        Self { store: Store::open(&url).await.unwrap(), url, directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// Drops the store without closing it, as a process that dies does, and opens it again.
    pub(crate) async fn restart(self) -> Self {
        let Self { store, url, directory } = self;
        drop(store);
        Self { store: Store::open(&url).await.unwrap(), url, directory }
    }

    /// All bytes of the database file after closing, or what `pg_dump` says.
    pub(crate) async fn into_dump(self) -> Vec<u8> {
        let Self { store, url, directory } = self;
        store.close().await;
        if url.starts_with("postgres") {
            return postgres::shared().unwrap().dump(&url).unwrap().into_bytes();
        }
        std::fs::read(directory.path().join("wardgate.db")).unwrap()
    }

    /// Does to the database what no change of ours does.
    pub(crate) async fn tamper(&self, text: &'static str) -> Result<u64, StoreFault> {
        query(text).execute(&mut self.store.writer.acquire().await.unwrap()).await
    }

    /// The feed, a line a change: number, actor, what, act, before → after, (reason).
    pub(crate) async fn feed(&self) -> String {
        let mut text = String::new();
        for c in self.store.changes(&ChangeFilter { limit: u32::MAX, ..ChangeFilter::default() }).await.unwrap() {
            // In order of the members' names, whatever order they were written in.
            let sorted = |v| serde_json::from_value::<std::collections::BTreeMap<String, serde_json::Value>>(v).unwrap();
            let side = |v: Option<serde_json::Value>| v.map_or_else(|| "-".to_owned(), |v| serde_json::to_string(&sorted(v)).unwrap());
            let (subject, act) = (c.subject.as_str(), c.act.as_str());
            let line = format!("{} {} {subject}/{} {act} {} → {} ({})\n", c.seq, c.actor, c.name, side(c.before), side(c.after), c.reason);
            text.push_str(&line);
        }
        text
    }

    pub(crate) async fn apply(&self, documents: &[&str]) -> Result<String, StoreFault> {
        let documents: Vec<FileDocument> = documents.iter().map(|text| document(text)).collect();
        let a = self.store.apply_files(&documents, "apply", NOW).await?;
        let (c, u, m, r, s) = (a.created, a.updated, a.moved, a.removed, a.unchanged);
        Ok(format!("created {c} updated {u} moved {m} removed {r} unchanged {s} seq {}", a.seq))
    }
}

pub(crate) fn url(directory: &TempDir) -> String {
    format!("sqlite:{}", directory.path().join("wardgate.db").display())
}

/// `a.yaml Identity/ledger {"owner":"payments"}`
pub(crate) fn document(text: &str) -> FileDocument {
    let mut parts = text.splitn(3, ' ');
    let mut next = || parts.next().unwrap();
    FileDocument { file: next().into(), id: resource(next()), spec: serde_json::from_str(next()).unwrap() }
}

/// `Identity/ledger`
pub(crate) fn resource(text: &str) -> ResourceId {
    let (kind, name) = text.split_once('/').unwrap();
    ResourceId::parse(Kind::parse(kind).unwrap(), name).unwrap()
}

pub(crate) fn identity(name: &str) -> IdentityId {
    IdentityId::parse(name).unwrap()
}

pub(crate) fn actor(who: &str, reason: &str) -> Actor {
    Actor::new(Who::Identity(identity(who)), reason)
}

pub(crate) fn id(text: &str) -> CredentialId {
    CredentialId::parse(text).unwrap()
}

/// `api_key AAAAAAAAAAAA ledger/main 24` (kind, id, identity/entry, hours)
pub(crate) fn credential(text: &str) -> NewCredential {
    let mut parts = text.split(' ');
    let mut next = || parts.next().unwrap();
    let (kind, key, entry, hours) = (CredentialKind::parse(next()).unwrap(), next(), next(), next());
    let (owner, name) = entry.split_once('/').unwrap();
    let mut hash = [0xA5; 32];
    hash[..12].copy_from_slice(key.as_bytes());
    NewCredential {
        id: id(key),
        identity: identity(owner),
        name: name.into(),
        kind,
        environment: EnvironmentName::parse("production").unwrap(),
        sources: ["10.0.0.0/8".parse::<IpNet>().unwrap()].into(),
        hash: KeyedHash::new(hash),
        expires: NOW + HOUR * hours.parse().unwrap(),
        task: None,
    }
}
