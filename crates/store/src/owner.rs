//! What happens to an owner: departed, back, attested. Files and the API own who it is.

use crate::{
    Precondition, Store, StoreFault,
    database::{Conn, query},
    feed::{Act, Actor, Subject, Told, Writing, signed, unsigned},
    sql,
};
use serde_json::{Value, json};
use wardgate_model::{id::OwnerName, time::Time};

/// The status of an owner that something happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOwner {
    /// Which owner. Its resource may be gone.
    pub owner: OwnerName,
    /// Since when nobody answers for what it owns.
    pub departed: Option<Time>,
    /// Until when what it owns goes on all the same.
    pub grace_until: Option<Time>,
    /// When it last said that what it owns is as it should be.
    pub attested: Option<Time>,
    /// Why it is so, in the words of who made it so.
    pub reason: Box<str>,
    /// The number of the last change.
    pub revision: u64,
}

#[derive(sqlx::FromRow)]
struct OwnerRow {
    owner: String,
    departed_us: Option<i64>,
    grace_until_us: Option<i64>,
    attested_us: Option<i64>,
    reason: String,
    revision: i64,
}

impl OwnerRow {
    fn read(self) -> Result<StoredOwner, StoreFault> {
        Ok(StoredOwner {
            owner: OwnerName::parse(&self.owner).map_err(|e| StoreFault::corrupt("status of an owner", &self.owner, e))?,
            departed: self.departed_us.map(Time::from_micros),
            grace_until: self.grace_until_us.map(Time::from_micros),
            attested: self.attested_us.map(Time::from_micros),
            reason: self.reason.into(),
            revision: unsigned(self.revision),
        })
    }
}

pub(crate) async fn load(conn: &mut Conn) -> Result<Vec<StoredOwner>, StoreFault> {
    let rows: Vec<OwnerRow> = query(sql::OWNERS).all(conn).await?;
    rows.into_iter().map(OwnerRow::read).collect()
}

async fn find(conn: &mut Conn, owner: &OwnerName) -> Result<Option<StoredOwner>, StoreFault> {
    let row: Option<OwnerRow> = query(sql::OWNER).bind(owner.as_str()).maybe(conn).await?;
    row.map(OwnerRow::read).transpose()
}

fn told(owner: &StoredOwner) -> Value {
    json!({
        "departed": owner.departed.map(Time::to_rfc3339),
        "grace_until": owner.grace_until.map(Time::to_rfc3339),
        "attested": owner.attested.map(Time::to_rfc3339),
        "reason": &*owner.reason,
    })
}

impl Store {
    /// Notes that nobody answers for what an owner owns any more, and until when that goes on all the same. Departed
    /// already, it keeps its first date; another end of the grace is taken over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn depart_owner(&self, actor: &Actor, owner: &OwnerName, grace_until: Time, now: Time) -> Result<StoredOwner, StoreFault> {
        self.change_owner(actor, owner, Act::Depart, now, |status| {
            status.departed.get_or_insert(now);
            status.grace_until = Some(grace_until);
            Ok(())
        })
        .await
    }

    /// Notes that somebody answers again for what an owner owns.
    ///
    /// # Errors
    /// `Conflict` when it did not depart.
    pub async fn return_owner(&self, actor: &Actor, owner: &OwnerName, now: Time) -> Result<StoredOwner, StoreFault> {
        self.return_owner_looked_at(actor, owner, Precondition::Any, now).await
    }

    /// As [`Store::return_owner`], of an owner as it was looked at.
    ///
    /// # Errors
    /// `Conflict` as there; `Stale` when something else happened to it since.
    pub async fn return_owner_looked_at(
        &self,
        actor: &Actor,
        owner: &OwnerName,
        expect: Precondition,
        now: Time,
    ) -> Result<StoredOwner, StoreFault> {
        self.change_owner(actor, owner, Act::Return, now, |status| {
            if status.departed.is_none() {
                return Err(StoreFault::conflict("owner", owner, "did not depart"));
            }
            expect.check("owner", owner.as_str(), Some(status.revision))?;
            (status.departed, status.grace_until) = (None, None);
            Ok(())
        })
        .await
    }

    /// Notes that an owner says that what it owns is as it should be.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attest_owner(&self, actor: &Actor, owner: &OwnerName, now: Time) -> Result<StoredOwner, StoreFault> {
        self.change_owner(actor, owner, Act::Attest, now, |status| {
            status.attested = Some(now);
            Ok(())
        })
        .await
    }

    /// The status of every owner that something happened to, by name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn owner_statuses(&self) -> Result<Vec<StoredOwner>, StoreFault> {
        load(&mut self.reader.acquire().await?).await
    }

    async fn change_owner(
        &self,
        actor: &Actor,
        owner: &OwnerName,
        act: Act,
        now: Time,
        change: impl FnOnce(&mut StoredOwner) -> Result<(), StoreFault> + Send,
    ) -> Result<StoredOwner, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = find(writing.conn(), owner).await?;
        let nothing =
            || StoredOwner { owner: owner.clone(), departed: None, grace_until: None, attested: None, reason: "".into(), revision: 0 };
        let mut new = old.clone().unwrap_or_else(nothing);
        change(&mut new)?;
        if let Some(old) = &old
            && new == *old
        {
            return Ok(new);
        }
        let seq = writing.allocate(1).await?;
        (new.reason, new.revision) = (actor.reason.clone(), seq);
        query(sql::OWNER_PUT)
            .bind(owner.as_str())
            .bind(new.departed.map(Time::as_micros))
            .bind(new.grace_until.map(Time::as_micros))
            .bind(new.attested.map(Time::as_micros))
            .bind(&*new.reason)
            .bind(signed(seq))
            .execute(writing.conn())
            .await?;
        let (subject, name, before, after) = (Subject::OwnerStatus, owner.as_str(), old.as_ref().map(told), Some(told(&new)));
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name, act, before, after }).await?;
        writing.commit().await?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests;
