//! Status: what happens to an identity. No file, apply or restart touches it.

use crate::{
    Store, StoreFault,
    feed::{Act, Actor, Subject, Told, Writing, signed, unsigned},
    sql,
};
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use wardgate_model::{id::IdentityId, inventory::IdentityState, time::Time};

/// Whether an identity that has to be claimed was claimed in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Somebody answers for it, or the time is not over.
    InTime,
    /// Nobody claimed it in time.
    Overdue,
}

/// The status of an identity on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStatus {
    /// Which identity. Its resource may be gone.
    pub identity: IdentityId,
    /// Where it is in its life.
    pub state: IdentityState,
    /// Whether its claim is overdue.
    pub claim: Claim,
    /// Why it is so, in the words of who made it so.
    pub reason: Box<str>,
    /// Since when.
    pub updated: Time,
    /// The number of the last change.
    pub revision: u64,
}

#[derive(sqlx::FromRow)]
struct StatusRow {
    name: String,
    state: String,
    claim_overdue: bool,
    reason: String,
    updated_us: i64,
    revision: i64,
}

impl StatusRow {
    fn read(self) -> Result<StoredStatus, StoreFault> {
        let corrupt = |why: String| StoreFault::corrupt("status", &self.name, why);
        Ok(StoredStatus {
            identity: IdentityId::parse(&self.name).map_err(|e| corrupt(e.to_string()))?,
            state: IdentityState::parse(&self.state).ok_or_else(|| corrupt(format!("unknown state `{}`", self.state)))?,
            claim: if self.claim_overdue { Claim::Overdue } else { Claim::InTime },
            reason: self.reason.into(),
            updated: Time::from_micros(self.updated_us),
            revision: unsigned(self.revision),
        })
    }
}

pub(crate) async fn load(conn: &mut SqliteConnection) -> Result<Vec<StoredStatus>, StoreFault> {
    let rows: Vec<StatusRow> = sqlx::query_as(sql::STATUSES).fetch_all(conn).await?;
    rows.into_iter().map(StatusRow::read).collect()
}

async fn load_one(conn: &mut SqliteConnection, identity: &IdentityId) -> Result<StoredStatus, StoreFault> {
    let row: Option<StatusRow> = sqlx::query_as(sql::STATUS).bind(identity.as_str()).fetch_optional(conn).await?;
    row.ok_or_else(|| StoreFault::missing("identity", identity))?.read()
}

/// Gives an identity that was never on record its first status.
pub(crate) async fn begin(writing: &mut Writing, seq: u64, name: &str, state: IdentityState, reason: &str) -> Result<(), StoreFault> {
    let now = writing.now.as_micros();
    sqlx::query(sql::STATUS_BEGIN).bind(name).bind(state.as_str()).bind(reason).bind(now).bind(signed(seq)).execute(writing.conn()).await?;
    Ok(())
}

fn told(status: &StoredStatus) -> Value {
    json!({ "state": status.state.as_str(), "claim_overdue": status.claim == Claim::Overdue, "reason": &*status.reason })
}

impl Store {
    /// The status of every identity that ever was on record, by name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn statuses(&self) -> Result<Vec<StoredStatus>, StoreFault> {
        load(&mut *self.reader.acquire().await?).await
    }

    /// The status of one identity.
    ///
    /// # Errors
    /// `NotFound` when it never was on record.
    pub async fn status(&self, identity: &IdentityId) -> Result<StoredStatus, StoreFault> {
        load_one(&mut *self.reader.acquire().await?, identity).await
    }

    /// Puts an identity into a state of its life. The state it is in already changes nothing.
    ///
    /// # Errors
    /// It never was on record, or is retired: that is for good.
    pub async fn set_identity_state(
        &self,
        actor: &Actor,
        identity: &IdentityId,
        state: IdentityState,
        now: Time,
    ) -> Result<StoredStatus, StoreFault> {
        let change = |status: &mut StoredStatus| {
            if status.state == IdentityState::Retired && state != IdentityState::Retired {
                return Err(StoreFault::conflict("identity", identity, "is retired, and that is for good: make a new one"));
            }
            status.state = state;
            Ok(())
        };
        self.change_status(actor, identity, Act::State, now, change).await
    }

    /// Says whether an identity's claim is overdue. What is so already changes nothing.
    ///
    /// # Errors
    /// It never was on record.
    pub async fn set_claim(&self, actor: &Actor, identity: &IdentityId, claim: Claim, now: Time) -> Result<StoredStatus, StoreFault> {
        let change = |status: &mut StoredStatus| {
            status.claim = claim;
            Ok(())
        };
        self.change_status(actor, identity, Act::Claim, now, change).await
    }

    async fn change_status(
        &self,
        actor: &Actor,
        identity: &IdentityId,
        act: Act,
        now: Time,
        change: impl FnOnce(&mut StoredStatus) -> Result<(), StoreFault> + Send,
    ) -> Result<StoredStatus, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_one(writing.conn(), identity).await?;
        let mut new = old.clone();
        change(&mut new)?;
        if new == old {
            return Ok(old);
        }
        let seq = writing.allocate(1).await?;
        new.reason = actor.reason.clone();
        new.updated = now;
        new.revision = seq;
        sqlx::query(sql::STATUS_CHANGE)
            .bind(identity.as_str())
            .bind(new.state.as_str())
            .bind(new.claim == Claim::Overdue)
            .bind(&*new.reason)
            .bind(now.as_micros())
            .bind(signed(seq))
            .execute(writing.conn())
            .await?;
        let (before, after) = (Some(told(&old)), Some(told(&new)));
        let name = identity.as_str();
        let told = Told { who: &actor.who, reason: &actor.reason, subject: Subject::Status, name, act, before, after };
        writing.tell(seq, told).await?;
        writing.commit().await?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests;
