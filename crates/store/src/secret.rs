//! Upstream secrets, sealed, in versions: the next one lies ready, is delivered, takes over; the one before is kept until
//! the new one is seen to work.

use crate::{
    Store, StoreFault,
    database::{Conn, query},
    feed::{Act, Actor, Subject, Told, Writing, signed, unsigned},
    resource::Precondition,
    sql,
    vault::Sealed,
};
use serde_json::{Value, json};
use wardgate_model::{id::SecretName, time::Time};

/// One version of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedVersion {
    /// The material.
    pub sealed: Sealed,
    /// Its number; they only grow.
    pub version: u64,
}

/// An upstream secret on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its name.
    pub name: SecretName,
    /// The material in use.
    pub sealed: Sealed,
    /// The version in use.
    pub version: u64,
    /// The version that lies ready.
    pub staged: Option<SealedVersion>,
    /// The version before, until the one in use is seen to work.
    pub previous: Option<SealedVersion>,
    /// When it was first put.
    pub created: Time,
    /// When another version was last put into use.
    pub updated: Time,
    /// When the version that lies ready was put there.
    pub staged_at: Option<Time>,
    /// When the version in use took over from the one before.
    pub promoted_at: Option<Time>,
    /// The highest number that a version ever had.
    pub latest: u64,
    /// The number of its last change.
    pub revision: u64,
}

impl StoredSecret {
    /// The version in use.
    #[must_use]
    pub fn current(&self) -> SealedVersion {
        SealedVersion { sealed: self.sealed.clone(), version: self.version }
    }
}

#[derive(sqlx::FromRow)]
struct SecretRow {
    name: String,
    sealed: Vec<u8>,
    version: i64,
    staged: Option<Vec<u8>>,
    staged_version: Option<i64>,
    previous: Option<Vec<u8>>,
    previous_version: Option<i64>,
    created_us: i64,
    updated_us: i64,
    staged_us: Option<i64>,
    promoted_us: Option<i64>,
    latest: i64,
    revision: i64,
}

impl SecretRow {
    fn read(self) -> Result<StoredSecret, StoreFault> {
        let version = |sealed: Option<Vec<u8>>, version: Option<i64>| {
            sealed.zip(version).map(|(sealed, version)| SealedVersion { sealed: Sealed::new(sealed), version: unsigned(version) })
        };
        Ok(StoredSecret {
            name: SecretName::parse(&self.name).map_err(|e| StoreFault::corrupt("secret", &self.name, e))?,
            sealed: Sealed::new(self.sealed),
            version: unsigned(self.version),
            staged: version(self.staged, self.staged_version),
            previous: version(self.previous, self.previous_version),
            created: Time::from_micros(self.created_us),
            updated: Time::from_micros(self.updated_us),
            staged_at: self.staged_us.map(Time::from_micros),
            promoted_at: self.promoted_us.map(Time::from_micros),
            latest: unsigned(self.latest),
            revision: unsigned(self.revision),
        })
    }
}

pub(crate) async fn load(conn: &mut Conn) -> Result<Vec<StoredSecret>, StoreFault> {
    let rows: Vec<SecretRow> = query(sql::SECRETS).all(conn).await?;
    rows.into_iter().map(SecretRow::read).collect()
}

async fn find(conn: &mut Conn, name: &SecretName) -> Result<Option<StoredSecret>, StoreFault> {
    let row: Option<SecretRow> = query(sql::SECRET).bind(name.as_str()).maybe(conn).await?;
    row.map(SecretRow::read).transpose()
}

/// What the feed tells of a secret: its versions' numbers, never what is in them.
fn told(secret: &StoredSecret) -> Value {
    let mut told = json!({
        "version": secret.version,
        "created": secret.created.to_rfc3339(),
        "updated": secret.updated.to_rfc3339(),
    });
    if let Some(members) = told.as_object_mut() {
        for (name, version) in [("staged", &secret.staged), ("previous", &secret.previous)] {
            members.extend(version.iter().map(|v| (name.to_owned(), v.version.into())));
        }
    }
    told
}

/// Keeps a secret within a change under way, and tells of it.
async fn keep(
    writing: &mut Writing,
    actor: &Actor,
    act: Act,
    old: Option<&StoredSecret>,
    mut new: StoredSecret,
) -> Result<StoredSecret, StoreFault> {
    let seq = writing.allocate(1).await?;
    new.revision = seq;
    query(sql::SECRET_PUT)
        .bind(new.name.as_str())
        .bind(new.sealed.bytes())
        .bind(signed(new.version))
        .bind(new.staged.as_ref().map(|v| v.sealed.bytes()))
        .bind(new.staged.as_ref().map(|v| signed(v.version)))
        .bind(new.previous.as_ref().map(|v| v.sealed.bytes()))
        .bind(new.previous.as_ref().map(|v| signed(v.version)))
        .bind(new.created.as_micros())
        .bind(new.updated.as_micros())
        .bind(new.staged_at.map(Time::as_micros))
        .bind(new.promoted_at.map(Time::as_micros))
        .bind(signed(new.latest))
        .bind(signed(seq))
        .execute(writing.conn())
        .await?;
    let (subject, name, before, after) = (Subject::Secret, new.name.as_str(), old.map(told), Some(told(&new)));
    writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name, act, before, after }).await?;
    Ok(new)
}

impl Store {
    /// Puts a sealed upstream secret in place at once, over every version that was there.
    ///
    /// # Errors
    /// `Stale` when the precondition does not hold; `Conflict` for a blob that is empty or too large.
    pub async fn put_secret(
        &self,
        actor: &Actor,
        name: &SecretName,
        sealed: &Sealed,
        expect: Precondition,
        now: Time,
    ) -> Result<StoredSecret, StoreFault> {
        sealed.checked("secret", name.as_str())?;
        let mut writing = Writing::begin(self, now).await?;
        let old = find(writing.conn(), name).await?;
        expect.check("secret", name.as_str(), old.as_ref().map(|s| s.revision))?;
        let version = old.as_ref().map_or(1, |s| s.latest + 1);
        let new = StoredSecret {
            name: name.clone(),
            sealed: sealed.clone(),
            version,
            staged: None,
            previous: None,
            created: old.as_ref().map_or(now, |s| s.created),
            updated: now,
            staged_at: None,
            promoted_at: None,
            latest: version,
            revision: 0,
        };
        let kept = keep(&mut writing, actor, Act::Put, old.as_ref(), new).await?;
        writing.commit().await?;
        Ok(kept)
    }

    /// Lays the next version of a secret ready, instead of one that lay there.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for a blob that is empty or too large.
    pub async fn stage_secret(&self, actor: &Actor, name: &SecretName, sealed: &Sealed, now: Time) -> Result<StoredSecret, StoreFault> {
        sealed.checked("secret", name.as_str())?;
        self.change_secret(actor, name, Act::Stage, now, |secret| {
            secret.latest += 1;
            secret.staged = Some(SealedVersion { sealed: sealed.clone(), version: secret.latest });
            secret.staged_at = Some(now);
            Ok(())
        })
        .await
    }

    /// Puts the version that lies ready into use; the one that was is kept.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when none lies ready.
    pub async fn promote_secret(&self, actor: &Actor, name: &SecretName, now: Time) -> Result<StoredSecret, StoreFault> {
        self.change_secret(actor, name, Act::Promote, now, |secret| {
            let Some(next) = secret.staged.take() else {
                return Err(StoreFault::conflict("secret", name, "has no version that lies ready: stage one first"));
            };
            secret.previous = Some(secret.current());
            (secret.sealed, secret.version) = (next.sealed, next.version);
            (secret.updated, secret.staged_at, secret.promoted_at) = (now, None, Some(now));
            Ok(())
        })
        .await
    }

    /// Forgets the version before: the one in use was seen to work.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when none is kept.
    pub async fn settle_secret(&self, actor: &Actor, name: &SecretName, now: Time) -> Result<StoredSecret, StoreFault> {
        self.change_secret(actor, name, Act::Settle, now, |secret| {
            let nothing = || StoreFault::conflict("secret", name, "has no version before the one in use");
            secret.previous.take().map(drop).ok_or_else(nothing)
        })
        .await
    }

    /// Goes back: forgets the version that lies ready; when none does, puts the version before into use again.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when there is neither.
    pub async fn revert_secret(&self, actor: &Actor, name: &SecretName, now: Time) -> Result<StoredSecret, StoreFault> {
        self.change_secret(actor, name, Act::Revert, now, |secret| {
            if secret.staged.take().is_some() {
                secret.staged_at = None;
                return Ok(());
            }
            let Some(before) = secret.previous.take() else {
                return Err(StoreFault::conflict("secret", name, "has no other version to go back to"));
            };
            (secret.sealed, secret.version) = (before.sealed, before.version);
            (secret.updated, secret.promoted_at) = (now, None);
            Ok(())
        })
        .await
    }

    /// Every upstream secret, sealed, by name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn secrets(&self) -> Result<Vec<StoredSecret>, StoreFault> {
        load(&mut self.reader.acquire().await?).await
    }

    async fn change_secret(
        &self,
        actor: &Actor,
        name: &SecretName,
        act: Act,
        now: Time,
        change: impl FnOnce(&mut StoredSecret) -> Result<(), StoreFault> + Send,
    ) -> Result<StoredSecret, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = find(writing.conn(), name).await?.ok_or_else(|| StoreFault::missing("secret", name))?;
        let mut new = old.clone();
        change(&mut new)?;
        let kept = keep(&mut writing, actor, act, Some(&old), new).await?;
        writing.commit().await?;
        Ok(kept)
    }
}

#[cfg(test)]
mod tests;
