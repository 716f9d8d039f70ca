//! Status: what happens to an identity. No file, apply or restart touches it.

use crate::{
    Store, StoreFault, containment,
    database::{Conn, query, query_rows},
    feed::{Act, Actor, Subject, Told, Who, Writing, signed, unsigned},
    sql,
};
use serde_json::{Value, json};
use wardgate_model::{contain::Containable, id::IdentityId, inventory::IdentityState, time::Time};

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
    /// Until when it has to be claimed.
    pub claim_by: Option<Time>,
    /// Where it was when it was suspended or contained: where it goes back to.
    pub resumes_to: Option<IdentityState>,
    /// Where it was before that, when it was contained while suspended.
    pub resumes_then: Option<IdentityState>,
    /// Who asked for it, as [`Who`] prints it.
    pub requester: Option<Box<str>>,
    /// Who approved it.
    pub approver: Option<Box<str>>,
    /// What its approval, or its last step that gave one, rests on; may be empty.
    pub evidence: Box<str>,
    /// Why it is so, in the words of who made it so.
    pub reason: Box<str>,
    /// Since when.
    pub updated: Time,
    /// The number of the last change.
    pub revision: u64,
}

impl StoredStatus {
    /// Puts it into a state, remembering where it came from when it is stopped.
    fn move_to(&mut self, to: IdentityState) {
        use IdentityState::{Quarantined, Suspended};
        match (self.state, to) {
            (from, to) if from == to => return,
            // Released into the suspension that was there before; or suspended instead of contained.
            (Quarantined, Suspended) => {
                if self.resumes_to == Some(Suspended) {
                    self.resumes_to = self.resumes_then.take();
                }
            }
            (from, Quarantined | Suspended) => {
                self.resumes_then = self.resumes_to.take();
                self.resumes_to = Some(from);
            }
            _ => (self.resumes_to, self.resumes_then) = (None, None),
        }
        self.state = to;
    }
}

/// A step in the life of an identity, made only from where it may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The states that it may be in.
    pub from: Vec<IdentityState>,
    /// The state that it comes into.
    pub to: IdentityState,
    /// What the step rests on; `None`: what is there stays.
    pub evidence: Option<Box<str>>,
    /// Until when it has to be claimed; `None`: as it is, `Some(None)`: it was claimed.
    pub claim_by: Option<Option<Time>>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct StatusRow {
    name: String,
    state: String,
    claim_overdue: i64,
    claim_by_us: Option<i64>,
    resumes_to: Option<String>,
    resumes_then: Option<String>,
    requester: Option<String>,
    approver: Option<String>,
    evidence: String,
    reason: String,
    updated_us: i64,
    revision: i64,
}

impl StatusRow {
    fn read(self) -> Result<StoredStatus, StoreFault> {
        let corrupt = |why: String| StoreFault::corrupt("status", &self.name, why);
        let state = |word: &str| IdentityState::parse(word).ok_or_else(|| corrupt(format!("unknown state `{word}`")));
        Ok(StoredStatus {
            identity: IdentityId::parse(&self.name).map_err(|e| corrupt(e.to_string()))?,
            state: state(&self.state)?,
            claim: if self.claim_overdue == 0 { Claim::InTime } else { Claim::Overdue },
            claim_by: self.claim_by_us.map(Time::from_micros),
            resumes_to: self.resumes_to.as_deref().map(state).transpose()?,
            resumes_then: self.resumes_then.as_deref().map(state).transpose()?,
            requester: self.requester.map(Into::into),
            approver: self.approver.map(Into::into),
            evidence: self.evidence.into(),
            reason: self.reason.into(),
            updated: Time::from_micros(self.updated_us),
            revision: unsigned(self.revision),
        })
    }
}

pub(crate) fn read(rows: Vec<StatusRow>) -> Result<Vec<StoredStatus>, StoreFault> {
    rows.into_iter().map(StatusRow::read).collect()
}

pub(crate) async fn load(conn: &mut Conn) -> Result<Vec<StoredStatus>, StoreFault> {
    read(query(sql::STATUSES).all(conn).await?)
}

pub(crate) async fn find(conn: &mut Conn, identity: &str) -> Result<Option<StoredStatus>, StoreFault> {
    let row: Option<StatusRow> = query(sql::STATUS).bind(identity).maybe(conn).await?;
    row.map(StatusRow::read).transpose()
}

async fn load_one(conn: &mut Conn, identity: &IdentityId) -> Result<StoredStatus, StoreFault> {
    find(conn, identity.as_str()).await?.ok_or_else(|| StoreFault::missing("identity", identity))
}

/// An identity that is declared, perhaps for the first time.
pub(crate) struct Birth<'a> {
    pub(crate) seq: u64,
    pub(crate) name: &'a str,
    pub(crate) state: IdentityState,
    pub(crate) requester: &'a Who,
}

/// Gives identities that were never on record their first status.
pub(crate) async fn begin<'a>(
    writing: &mut Writing,
    births: impl ExactSizeIterator<Item = Birth<'a>> + Send,
    reason: &str,
) -> Result<(), StoreFault> {
    let (now, armed_by) = (writing.now.as_micros(), writing.behind.text());
    let mut begin = query_rows(sql::STATUS_BEGIN, births.len(), 10);
    for birth in births {
        begin = begin.bind("Identity").bind(birth.name).bind(birth.state.as_str()).bind(0).bind(reason).bind(now);
        begin = begin.bind(signed(birth.seq)).bind(birth.requester.to_string()).bind("").bind(armed_by.clone());
    }
    begin.execute(writing.conn()).await.map(drop)
}

fn told(status: &StoredStatus) -> Value {
    let mut told = json!({
        "state": status.state.as_str(),
        "claim_overdue": status.claim == Claim::Overdue,
        "reason": &*status.reason,
    });
    let more = [
        ("claim_by", status.claim_by.map(Time::to_rfc3339)),
        ("resumes_to", status.resumes_to.map(|s| s.as_str().to_owned())),
        ("requester", status.requester.as_deref().map(str::to_owned)),
        ("approver", status.approver.as_deref().map(str::to_owned)),
        ("evidence", Some(status.evidence.to_string()).filter(|e| !e.is_empty())),
    ];
    if let Some(members) = told.as_object_mut() {
        members.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    told
}

/// Keeps a status that was changed within a change under way, and tells of it.
async fn keep(
    writing: &mut Writing,
    actor: &Actor,
    act: Act,
    old: &StoredStatus,
    mut new: StoredStatus,
) -> Result<StoredStatus, StoreFault> {
    let seq = writing.allocate(1).await?;
    new.reason = actor.reason.clone();
    new.updated = writing.now;
    new.revision = seq;
    query(sql::STATUS_CHANGE)
        .bind(new.identity.as_str())
        .bind(new.state.as_str())
        .bind(i64::from(new.claim == Claim::Overdue))
        .bind(new.claim_by.map(Time::as_micros))
        .bind(new.resumes_to.map(IdentityState::as_str))
        .bind(new.resumes_then.map(IdentityState::as_str))
        .bind(new.approver.as_deref())
        .bind(&*new.evidence)
        .bind(&*new.reason)
        .bind(new.updated.as_micros())
        .bind(signed(seq))
        .execute(writing.conn())
        .await?;
    let (before, after) = (Some(told(old)), Some(told(&new)));
    let (subject, name) = (Subject::Status, new.identity.as_str());
    writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name, act, before, after }).await?;
    Ok(new)
}

/// Puts an identity into a state within a change under way, when it is on record and not there already.
pub(crate) async fn shift(writing: &mut Writing, actor: &Actor, old: &StoredStatus, to: IdentityState) -> Result<StoredStatus, StoreFault> {
    if old.state == to {
        return Ok(old.clone());
    }
    let mut new = old.clone();
    new.move_to(to);
    keep(writing, actor, Act::State, old, new).await
}

impl Store {
    /// The status of every identity that ever was on record, by name.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn statuses(&self) -> Result<Vec<StoredStatus>, StoreFault> {
        load(&mut self.reader.acquire().await?).await
    }

    /// The status of one identity.
    ///
    /// # Errors
    /// `NotFound` when it never was on record.
    pub async fn status(&self, identity: &IdentityId) -> Result<StoredStatus, StoreFault> {
        load_one(&mut self.reader.acquire().await?, identity).await
    }

    /// Makes a step in the life of an identity. Which steps are legal is the caller's to know; that it is made from
    /// where it may be made is sure. A step into quarantine is a containment, one out of it a release.
    ///
    /// # Errors
    /// `NotFound` when it never was on record; `Conflict` that names the state it is in when that is none of
    /// [`Step::from`].
    pub async fn step_identity(&self, actor: &Actor, identity: &IdentityId, step: &Step, now: Time) -> Result<StoredStatus, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_one(writing.conn(), identity).await?;
        if !step.from.contains(&old.state) {
            let from: Vec<_> = step.from.iter().map(|s| format!("`{s}`")).collect();
            let why = format!("is `{}`; it can become `{}` only from {}", old.state, step.to, from.join(", "));
            return Err(StoreFault::conflict("identity", identity, why));
        }
        let mut new = old.clone();
        new.move_to(step.to);
        if let Some(evidence) = &step.evidence {
            new.evidence.clone_from(evidence);
        }
        if let Some(claim_by) = step.claim_by {
            (new.claim_by, new.claim) = (claim_by, Claim::InTime);
        }
        if step.to == IdentityState::Approved {
            new.approver = Some(actor.who.to_string().into());
        }
        let kind = Containable::Identity;
        if step.to == IdentityState::Quarantined {
            containment::insert(&mut writing, actor, kind, identity.as_str()).await?;
        } else if step.to != IdentityState::Retired {
            containment::delete(&mut writing, actor, kind, identity.as_str()).await?;
        }
        let kept = if new == old { old } else { keep(&mut writing, actor, Act::State, &old, new).await? };
        writing.commit().await?;
        Ok(kept)
    }

    /// Puts an identity into a state of its life from any but `retired`. The state it is in already changes nothing.
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
        if state != IdentityState::Retired && self.status(identity).await?.state == IdentityState::Retired {
            return Err(StoreFault::conflict("identity", identity, "is retired, and that is for good: make a new one"));
        }
        let may = |from: &IdentityState| *from != IdentityState::Retired || state == IdentityState::Retired;
        let from = IdentityState::ALL.iter().copied().filter(may).collect();
        self.step_identity(actor, identity, &Step { from, to: state, evidence: None, claim_by: None }, now).await
    }

    /// Says whether an identity's claim is overdue. What is so already changes nothing.
    ///
    /// # Errors
    /// It never was on record.
    pub async fn set_claim(&self, actor: &Actor, identity: &IdentityId, claim: Claim, now: Time) -> Result<StoredStatus, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = load_one(writing.conn(), identity).await?;
        if old.claim == claim {
            return Ok(old);
        }
        let new = StoredStatus { claim, ..old.clone() };
        let kept = keep(&mut writing, actor, Act::Claim, &old, new).await?;
        writing.commit().await?;
        Ok(kept)
    }

    /// Identities that had to be claimed before `now`, were not, and are not marked so yet: at most `limit`.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn claims_due(&self, now: Time, limit: u32) -> Result<Vec<StoredStatus>, StoreFault> {
        let due = query(sql::STATUSES_CLAIM_DUE).bind(now.as_micros()).bind(i64::from(limit));
        read(due.all(&mut self.reader.acquire().await?).await?)
    }
}

#[cfg(test)]
mod tests;
