//! Identities that were made for a rehearsal, until when, and what they are taken to have done before. It ends by itself.

use crate::{
    Store, StoreFault,
    database::{Conn, query},
    feed::{Act, Actor, Subject, Told, Writing, signed, unsigned},
    sql,
};
use serde_json::{Value, json};
use std::time::Duration;
use wardgate_model::{id::IdentityId, time::Time};

/// Identities that are rehearsed with at a time.
pub const REHEARSALS_MAX: usize = 64;
/// Largest text of what is taught of one, in bytes.
pub const TAUGHT_BYTES_MAX: usize = 64 * 1024;
/// For how long one that is over stays on record: every gate has heard of its end by then.
const REMEMBERED: Duration = Duration::from_hours(24);

/// An identity that was made for a rehearsal.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRehearsal {
    /// Which.
    pub identity: IdentityId,
    /// Since when.
    pub since: Time,
    /// Until when (exclusive).
    pub until: Time,
    /// What it is taken to have done before; the console knows the form. Null: nothing, or it is over.
    pub taught: Value,
    /// Who began it, as [`crate::Who`] prints it.
    pub actor: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// The number of the change.
    pub revision: u64,
}

#[derive(sqlx::FromRow)]
struct RehearsalRow {
    identity: String,
    since_us: i64,
    until_us: i64,
    taught: String,
    actor: String,
    reason: String,
    revision: i64,
}

impl RehearsalRow {
    fn read(self) -> Result<StoredRehearsal, StoreFault> {
        let corrupt = |why: String| StoreFault::corrupt("rehearsal", &self.identity, why);
        Ok(StoredRehearsal {
            identity: IdentityId::parse(&self.identity).map_err(|error| corrupt(error.to_string()))?,
            since: Time::from_micros(self.since_us),
            until: Time::from_micros(self.until_us),
            taught: serde_json::from_str(&self.taught).map_err(|error| corrupt(error.to_string()))?,
            actor: self.actor.into(),
            reason: self.reason.into(),
            revision: unsigned(self.revision),
        })
    }
}

async fn load(conn: &mut Conn) -> Result<Vec<StoredRehearsal>, StoreFault> {
    let rows: Vec<RehearsalRow> = query(sql::REHEARSALS).all(conn).await?;
    rows.into_iter().map(RehearsalRow::read).collect()
}

fn told(one: &StoredRehearsal) -> Value {
    let days = one.taught.get("days").cloned().unwrap_or_default();
    let habits = one.taught.get("habits").and_then(Value::as_array).map_or(0, Vec::len);
    json!({ "identity": one.identity.as_str(), "until": one.until.to_rfc3339(), "days": days, "habits": habits })
}

impl Store {
    /// Puts an identity on record as one of a rehearsal. What has long been over is forgotten, and what was taught of those that are over.
    ///
    /// # Errors
    /// `Conflict` when it is one already, when [`REHEARSALS_MAX`] are, or what is taught is longer than [`TAUGHT_BYTES_MAX`].
    pub async fn begin_rehearsal(
        &self,
        actor: &Actor,
        identity: &IdentityId,
        until: Time,
        taught: &Value,
        now: Time,
    ) -> Result<StoredRehearsal, StoreFault> {
        let text = taught.to_string();
        if text.len() > TAUGHT_BYTES_MAX {
            return Err(StoreFault::conflict("rehearsal", identity, format!("is taught more than {TAUGHT_BYTES_MAX} bytes say")));
        }
        let mut writing = Writing::begin(self, now).await?;
        let remembered = i64::try_from(REMEMBERED.as_micros()).unwrap_or(i64::MAX);
        query(sql::REHEARSALS_FORGET).bind(now.as_micros().saturating_sub(remembered)).execute(writing.conn()).await?;
        // Nobody teaches it any more: of what is over a row is left, and not what was to be taught.
        query(sql::REHEARSALS_SPENT).bind(now.as_micros()).execute(writing.conn()).await?;
        let there = load(writing.conn()).await?;
        if there.iter().any(|one| one.identity == *identity) {
            return Err(StoreFault::conflict("rehearsal", identity, "is on record already".to_owned()));
        }
        if there.iter().filter(|one| now < one.until).count() >= REHEARSALS_MAX {
            return Err(StoreFault::conflict("rehearsal", identity, format!("has no room: {REHEARSALS_MAX} are under way already")));
        }
        let seq = writing.allocate(1).await?;
        let new = StoredRehearsal {
            identity: identity.clone(),
            since: now,
            until,
            taught: taught.clone(),
            actor: actor.who.to_string().into(),
            reason: actor.reason.clone(),
            revision: seq,
        };
        query(sql::REHEARSAL_PUT)
            .bind(identity.as_str())
            .bind(now.as_micros())
            .bind(until.as_micros())
            .bind(&*text)
            .bind(&*new.actor)
            .bind(&*new.reason)
            .bind(signed(seq))
            .execute(writing.conn())
            .await?;
        let (subject, act, after) = (Subject::Rehearsal, Act::Create, Some(told(&new)));
        let name = identity.as_str();
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name, act, before: None, after }).await?;
        writing.commit().await?;
        Ok(new)
    }

    /// Ends the rehearsal of an identity now. One that is over stays as it is.
    ///
    /// # Errors
    /// `NotFound` when it is none.
    pub async fn end_rehearsal(&self, actor: &Actor, identity: &IdentityId, now: Time) -> Result<StoredRehearsal, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let there = load(writing.conn()).await?;
        let missing = || StoreFault::missing("rehearsal", identity);
        let old = there.into_iter().find(|one| one.identity == *identity).ok_or_else(missing)?;
        if old.until <= now {
            return Ok(old);
        }
        let seq = writing.allocate(1).await?;
        let new = StoredRehearsal { until: now, revision: seq, ..old.clone() };
        query(sql::REHEARSAL_END).bind(identity.as_str()).bind(now.as_micros()).bind(signed(seq)).execute(writing.conn()).await?;
        let (before, after) = (Some(told(&old)), Some(told(&new)));
        let (subject, act, name) = (Subject::Rehearsal, Act::Remove, identity.as_str());
        writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name, act, before, after }).await?;
        writing.commit().await?;
        Ok(new)
    }

    /// The identities that were made for rehearsals, those that are over since not long ago among them, by name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn rehearsals(&self) -> Result<Vec<StoredRehearsal>, StoreFault> {
        load(&mut self.reader.acquire().await?).await
    }
}

#[cfg(test)]
mod tests;
