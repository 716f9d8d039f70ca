//! Acts that wait for a second person.

use crate::{
    Store, StoreFault, arming,
    database::{Conn, query},
    feed::{Act, Actor, Subject, Told, Who, Writing, signed, unsigned},
    sql,
};
use serde_json::{Value, json};
use std::fmt;
use wardgate_model::{
    id::{ApprovalId, IdentityId, OwnerName},
    time::Time,
};

/// Most acts that wait at a time.
pub const WAITING_MAX: u32 = 1_000;
/// Most acts of one requester that wait at a time, so that nobody takes all the places.
pub const WAITING_OF_ONE_MAX: u32 = 50;
/// Largest act that is kept, in bytes of its JSON.
pub const ACT_BYTES_MAX: usize = 256 * 1024;

/// Who may decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A second identity, of another owner.
    Second,
    /// A person.
    Person,
}

impl Needs {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Person => "person",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Second, Self::Person].into_iter().find(|n| n.as_str() == word)
    }
}

/// What became of an act that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState {
    /// Nobody has decided.
    Waiting,
    /// A second person agreed.
    Approved,
    /// A second person did not.
    Denied,
    /// Nobody decided in time.
    Lapsed,
}

impl ApprovalState {
    /// Every state.
    pub const ALL: &'static [Self] = &[Self::Waiting, Self::Approved, Self::Denied, Self::Lapsed];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Lapsed => "lapsed",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.as_str() == word)
    }
}

impl fmt::Display for ApprovalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a second person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Approve,
    /// It may not.
    Deny,
}

/// An act that is to wait. It must hold no secret: it is kept as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct NewApproval {
    /// Its id.
    pub id: ApprovalId,
    /// What is to be done, for whoever does it.
    pub act: Value,
    /// What is to be done, for whoever decides.
    pub summary: Box<str>,
    /// Who asks.
    pub requester: IdentityId,
    /// The owner of who asks.
    pub owner: OwnerName,
    /// Who may decide.
    pub needs: Needs,
    /// Until when it can be decided.
    pub expires: Time,
}

/// An act that waits or waited.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredApproval {
    /// Its id.
    pub id: ApprovalId,
    /// What is to be done, for whoever does it.
    pub act: Value,
    /// What is to be done, for whoever decides.
    pub summary: Box<str>,
    /// Who asked.
    pub requester: IdentityId,
    /// The owner of who asked.
    pub owner: OwnerName,
    /// Why, in the words of who asked.
    pub reason: Box<str>,
    /// Who may decide.
    pub needs: Needs,
    /// When it was asked for.
    pub asked: Time,
    /// Until when it can be decided.
    pub expires: Time,
    /// What became of it.
    pub state: ApprovalState,
    /// Who decided, as [`Who`] prints it.
    pub decider: Option<Box<str>>,
    /// When.
    pub decided: Option<Time>,
    /// Why, in the words of who decided.
    pub decision_reason: Box<str>,
    /// The number of its last change.
    pub revision: u64,
    /// The number of the change that asked for it: approvals are listed in this order.
    pub created_seq: u64,
    /// When what was approved was done.
    pub done: Option<Time>,
    /// Why what was approved could not be done.
    pub failed: Option<Box<str>>,
}

#[derive(sqlx::FromRow)]
struct ApprovalRow {
    id: String,
    act: String,
    summary: String,
    requester: String,
    owner: String,
    reason: String,
    needs: String,
    asked_us: i64,
    expires_us: i64,
    state: String,
    decider: Option<String>,
    decided_us: Option<i64>,
    decision_reason: String,
    revision: i64,
    created_seq: i64,
    done_us: Option<i64>,
    failed: Option<String>,
}

impl ApprovalRow {
    fn read(self) -> Result<StoredApproval, StoreFault> {
        let id = self.id;
        let corrupt = |why: String| StoreFault::corrupt("approval", &id, why);
        Ok(StoredApproval {
            id: ApprovalId::parse(&id).ok_or_else(|| corrupt("an id of another form".into()))?,
            act: serde_json::from_str(&self.act).map_err(|e| corrupt(e.to_string()))?,
            summary: self.summary.into(),
            requester: IdentityId::parse(&self.requester).map_err(|e| corrupt(e.to_string()))?,
            owner: OwnerName::parse(&self.owner).map_err(|e| corrupt(e.to_string()))?,
            reason: self.reason.into(),
            needs: Needs::parse(&self.needs).ok_or_else(|| corrupt(format!("unknown need `{}`", self.needs)))?,
            asked: Time::from_micros(self.asked_us),
            expires: Time::from_micros(self.expires_us),
            state: ApprovalState::parse(&self.state).ok_or_else(|| corrupt(format!("unknown state `{}`", self.state)))?,
            decider: self.decider.map(Into::into),
            decided: self.decided_us.map(Time::from_micros),
            decision_reason: self.decision_reason.into(),
            revision: unsigned(self.revision),
            created_seq: unsigned(self.created_seq),
            done: self.done_us.map(Time::from_micros),
            failed: self.failed.map(Into::into),
        })
    }
}

fn told(approval: &StoredApproval) -> Value {
    json!({
        "summary": &*approval.summary,
        "requester": approval.requester.as_str(),
        "owner": approval.owner.as_str(),
        "needs": approval.needs.as_str(),
        "expires": approval.expires.to_rfc3339(),
        "state": approval.state.as_str(),
    })
}

async fn load_one(conn: &mut Conn, id: &ApprovalId) -> Result<StoredApproval, StoreFault> {
    let row: Option<ApprovalRow> = query(sql::APPROVAL).bind(id.as_str()).maybe(conn).await?;
    row.ok_or_else(|| StoreFault::missing("approval", id))?.read()
}

async fn tell(
    writing: &mut Writing,
    (who, reason): (&Who, &str),
    act: Act,
    before: Option<Value>,
    after: &StoredApproval,
) -> Result<(), StoreFault> {
    let (subject, name, seq, after) = (Subject::Approval, after.id.as_str(), after.revision, Some(told(after)));
    writing.tell(seq, Told { who, reason, subject, name, act, before, after }).await
}

/// Ends the waiting of an act within a change under way.
async fn decide(
    writing: &mut Writing,
    (who, reason): (&Who, &str),
    old: &StoredApproval,
    (act, state): (Act, ApprovalState),
) -> Result<StoredApproval, StoreFault> {
    let seq = writing.allocate(1).await?;
    let new = StoredApproval {
        state,
        decider: Some(who.to_string().into()),
        decided: Some(writing.now),
        decision_reason: reason.into(),
        revision: seq,
        ..old.clone()
    };
    query(sql::APPROVAL_DECIDE)
        .bind(new.id.as_str())
        .bind(state.as_str())
        .bind(new.decider.as_deref())
        .bind(writing.now.as_micros())
        .bind(reason)
        .bind(signed(seq))
        .execute(writing.conn())
        .await?;
    tell(writing, (who, reason), act, Some(told(old)), &new).await?;
    Ok(new)
}

impl Store {
    /// Lets an act wait for a second person; the actor's reason is kept with it, and who armed the session that it asks by.
    /// The same act, asked for by the same ones while it waits, is the one that waits already.
    ///
    /// # Errors
    /// `Conflict` for an id on record, an end that is past, an act that is too large; `Full` when [`WAITING_MAX`] wait, or
    /// [`WAITING_OF_ONE_MAX`] of this requester.
    pub async fn ask_approval(&self, actor: &Actor, new: NewApproval, now: Time) -> Result<StoredApproval, StoreFault> {
        let act = new.act.to_string();
        let refused = |why: String| Err(StoreFault::conflict("approval", new.id, why));
        if new.expires <= now {
            return refused(format!("would have lapsed on {}", new.expires));
        }
        if act.len() > ACT_BYTES_MAX {
            return refused(format!("has an act of {} bytes; {ACT_BYTES_MAX} can be kept: ask for less at a time", act.len()));
        }
        let mut writing = Writing::begin(self, now).await?;
        let armed_by = arming::behind(writing.conn(), actor).await?.text();
        let own = query(sql::APPROVALS_WAITING_OF).bind(new.requester.as_str()).bind(now.as_micros()).bind(i64::from(WAITING_OF_ONE_MAX));
        let own: Vec<(String, String, Option<String>)> = own.all(writing.conn()).await?;
        if let Some((id, ..)) = own.iter().find(|(_, known, armed)| *known == act && *armed == armed_by) {
            let id = ApprovalId::parse(id).ok_or_else(|| StoreFault::corrupt("approval", id, "an id of another form"))?;
            return load_one(writing.conn(), &id).await;
        }
        if own.len() >= WAITING_OF_ONE_MAX as usize {
            return Err(StoreFault::Full { of: format!("{WAITING_OF_ONE_MAX} acts of `{}` wait", new.requester) });
        }
        let (waiting,): (i64,) = query(sql::APPROVALS_WAITING).bind(now.as_micros()).one(writing.conn()).await?;
        if waiting >= i64::from(WAITING_MAX) {
            return Err(StoreFault::Full { of: format!("{WAITING_MAX} acts wait") });
        }
        let seq = writing.allocate(1).await?;
        let put = query(sql::APPROVAL_ASK)
            .bind(new.id.as_str())
            .bind(act)
            .bind(&*new.summary)
            .bind(new.requester.as_str())
            .bind(new.owner.as_str())
            .bind(&*actor.reason)
            .bind(new.needs.as_str())
            .bind(now.as_micros())
            .bind(new.expires.as_micros())
            .bind(signed(seq))
            .bind(armed_by);
        if put.execute(writing.conn()).await? != 1 {
            return refused("is on record already: make another id".into());
        }
        let stored = load_one(writing.conn(), &new.id).await?;
        tell(&mut writing, (&actor.who, &actor.reason), Act::Ask, None, &stored).await?;
        writing.commit().await?;
        Ok(stored)
    }

    /// Decides an act that waits: once, and in time. Whether the actor may is the caller's to know.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` that says what became of it when it does not wait any more.
    pub async fn decide_approval(
        &self,
        actor: &Actor,
        id: &ApprovalId,
        decision: Decision,
        now: Time,
    ) -> Result<StoredApproval, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_one(writing.conn(), id).await?;
        if old.state != ApprovalState::Waiting {
            return Err(StoreFault::conflict("approval", id, format!("is {} already", old.state)));
        }
        if old.expires <= now {
            return Err(StoreFault::conflict("approval", id, format!("lapsed on {}: ask again", old.expires)));
        }
        let outcome = match decision {
            Decision::Approve => (Act::Approve, ApprovalState::Approved),
            Decision::Deny => (Act::Deny, ApprovalState::Denied),
        };
        let new = decide(&mut writing, (&actor.who, &actor.reason), &old, outcome).await?;
        writing.commit().await?;
        Ok(new)
    }

    /// Acts that wait or waited, in the order they were asked for: those after `after`, at most `limit`.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn approvals(&self, state: Option<ApprovalState>, after: u64, limit: u32) -> Result<Vec<StoredApproval>, StoreFault> {
        let page = query(sql::APPROVALS).bind(signed(after)).bind(state.map_or("", ApprovalState::as_str)).bind(i64::from(limit));
        let rows: Vec<ApprovalRow> = page.all(&mut self.reader.acquire().await?).await?;
        rows.into_iter().map(ApprovalRow::read).collect()
    }

    /// Acts that were approved and neither done nor given up, in the order they were asked for: whoever did them did not
    /// come to an end. At most `limit`.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn approvals_unfinished(&self, limit: u32) -> Result<Vec<StoredApproval>, StoreFault> {
        let page = query(sql::APPROVALS_UNFINISHED).bind(i64::from(limit));
        let rows: Vec<ApprovalRow> = page.all(&mut self.reader.acquire().await?).await?;
        rows.into_iter().map(ApprovalRow::read).collect()
    }

    /// Notes what became of an act that was approved: `None` when it was done, else why it could not be. It is noted once.
    /// This is no row of the feed: what was done tells of itself there.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn finish_approval(&self, id: &ApprovalId, failed: Option<&str>, now: Time) -> Result<StoredApproval, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let done = failed.is_none().then(|| now.as_micros());
        query(sql::APPROVAL_FINISH).bind(id.as_str()).bind(done).bind(failed).execute(writing.conn()).await?;
        let stored = load_one(writing.conn(), id).await?;
        writing.commit().await?;
        Ok(stored)
    }

    /// One act that waits or waited.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn approval(&self, id: &ApprovalId) -> Result<StoredApproval, StoreFault> {
        load_one(&mut self.reader.acquire().await?, id).await
    }

    /// Ends what waited too long; gives what lapsed now.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn lapse_approvals(&self, now: Time) -> Result<Vec<StoredApproval>, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let rows: Vec<ApprovalRow> = query(sql::APPROVALS_OVERDUE).bind(now.as_micros()).all(writing.conn()).await?;
        let mut lapsed = Vec::with_capacity(rows.len());
        for row in rows {
            let old = row.read()?;
            lapsed.push(decide(&mut writing, (&Who::Process, "nobody decided in time"), &old, (Act::Lapse, ApprovalState::Lapsed)).await?);
        }
        writing.commit().await?;
        Ok(lapsed)
    }
}

#[cfg(test)]
mod tests;
