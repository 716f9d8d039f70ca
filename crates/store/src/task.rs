//! Tasks: started, kept alive, ended; and what of their budgets is given out to gates.
//!
//! What of a budget is given out stands in `budget`.

mod budget;

pub use budget::{Rest, Share};

use crate::{
    Store, StoreFault,
    apply::ROWS,
    containment::soon,
    database::{Conn, query, query_rows},
    feed::{Act, Actor, Subject, Told, Writing, signed, unsigned},
    sql,
};
use serde_json::{Value, json};
use std::time::Duration;
use wardgate_model::{
    grant::OperationSelector,
    id::{ApiName, IdentityId, PurposeName, TaskId},
    task::{Budget, Task, TaskState},
    time::{SKEW, Time},
};

/// Ended tasks that are forgotten at a time.
pub const TASKS_FORGOTTEN_MAX: u32 = 1_000;

/// Most tasks of one identity that are open at a time.
pub const TASKS_OPEN_MAX: u32 = 10_000;
/// A task on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// The task.
    pub task: Task,
    /// What of its budget was given out to gates.
    pub given: Share,
    /// When it was started.
    pub started: Time,
    /// When it was ended.
    pub ended: Option<Time>,
    /// Who started it; who ended it, once it is.
    pub actor: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// The number of the last change.
    pub revision: u64,
}

/// By what a start is told from others of the same identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartKey {
    /// What whoever starts it calls the start.
    pub name: Box<str>,
    /// The hash of what was asked for.
    pub hash: [u8; 32],
}

/// A task to be started, and by what name, if any, its start is told from others of the same identity.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// The task, open.
    pub task: Task,
    /// What its start is called.
    pub key: Option<StartKey>,
}

/// What came of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It is on record now.
    New(StoredTask),
    /// It was started before, under the same name.
    Again(StoredTask),
    /// Something else was started before under that name.
    Otherwise,
}

/// Which tasks to read.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Those after this id.
    pub after: Box<str>,
    /// Only this identity's.
    pub identity: Option<IdentityId>,
    /// Only those in this state.
    pub state: Option<TaskState>,
    /// At most so many.
    pub limit: u32,
}

#[derive(sqlx::FromRow)]
struct TaskRow {
    id: String,
    identity: String,
    purpose: String,
    api: String,
    operations: String,
    resources: String,
    calls_max: Option<i64>,
    bytes_max: Option<i64>,
    records_max: Option<i64>,
    calls_given: i64,
    bytes_given: i64,
    records_given: i64,
    started_us: i64,
    ends_us: i64,
    lease_us: Option<i64>,
    beat_us: i64,
    state: String,
    ended_us: Option<i64>,
    actor: String,
    reason: String,
    start_hash: Option<Vec<u8>>,
    revision: i64,
}

impl TaskRow {
    fn read(self) -> Result<StoredTask, StoreFault> {
        let corrupt = |why: String| StoreFault::corrupt("task", &self.id, why);
        let operations: Vec<String> = serde_json::from_str(&self.operations).map_err(|e| corrupt(e.to_string()))?;
        let operations = operations
            .iter()
            .map(|text| OperationSelector::parse(text).ok_or_else(|| corrupt(format!("`{text}` selects no operation"))))
            .collect::<Result<_, _>>()?;
        let micros = |micros: i64| Duration::from_micros(unsigned(micros));
        let task = Task {
            id: TaskId::parse(&self.id).map_err(|e| corrupt(e.to_string()))?,
            identity: IdentityId::parse(&self.identity).map_err(|e| corrupt(e.to_string()))?,
            purpose: PurposeName::parse(&self.purpose).map_err(|e| corrupt(e.to_string()))?,
            api: ApiName::parse(&self.api).map_err(|e| corrupt(e.to_string()))?,
            operations,
            resources: serde_json::from_str(&self.resources).map_err(|e| corrupt(e.to_string()))?,
            budget: Budget {
                calls: self.calls_max.map(unsigned),
                bytes: self.bytes_max.map(unsigned),
                records: self.records_max.map(unsigned),
            },
            ends: Time::from_micros(self.ends_us),
            lease: self.lease_us.map(micros),
            beat: Time::from_micros(self.beat_us),
            state: TaskState::parse(&self.state).ok_or_else(|| corrupt(format!("unknown state `{}`", self.state)))?,
        };
        Ok(StoredTask {
            task,
            given: Share { calls: unsigned(self.calls_given), bytes: unsigned(self.bytes_given), records: unsigned(self.records_given) },
            started: Time::from_micros(self.started_us),
            ended: self.ended_us.map(Time::from_micros),
            actor: self.actor.into(),
            reason: self.reason.into(),
            revision: unsigned(self.revision),
        })
    }
}

async fn find(conn: &mut Conn, id: &TaskId) -> Result<StoredTask, StoreFault> {
    let row: Option<TaskRow> = query(sql::TASK).bind(id.as_str()).maybe(conn).await?;
    row.ok_or_else(|| StoreFault::missing("task", id))?.read()
}

/// Looks whether a task is one of this identity's that is under way, for what is made for it within a change.
pub(crate) async fn is_of(writing: &mut Writing, id: &TaskId, identity: &IdentityId) -> Result<(), StoreFault> {
    let now = writing.now;
    let there = find(writing.conn(), id).await?;
    if there.task.identity != *identity {
        return Err(StoreFault::missing("task", id));
    }
    if there.task.is_open(now) { Ok(()) } else { Err(over(&there)) }
}

/// What the feed tells of a task.
fn told(task: &Task) -> Value {
    let operations: Vec<String> = task.operations.iter().map(ToString::to_string).collect();
    json!({
        "identity": task.identity.as_str(),
        "purpose": task.purpose.as_str(),
        "api": task.api.as_str(),
        "operations": operations,
        "resources": task.resources,
        "calls": task.budget.calls,
        "bytes": task.budget.bytes,
        "records": task.budget.records,
        "ends": task.ends.to_rfc3339(),
        "lease_s": task.lease.map(|lease| lease.as_secs()),
        "state": task.state.as_str(),
    })
}

async fn tell(writing: &mut Writing, seq: u64, actor: &Actor, act: Act, (before, after): (Option<&Task>, &Task)) -> Result<(), StoreFault> {
    let (subject, name) = (Subject::Task, after.id.as_str());
    let (before, after) = (before.map(told), Some(told(after)));
    writing.tell(seq, Told { who: &actor.who, reason: &actor.reason, subject, name, act, before, after }).await
}

/// Ends an open task within a change under way.
async fn end(writing: &mut Writing, actor: &Actor, old: &StoredTask, state: TaskState) -> Result<StoredTask, StoreFault> {
    let seq = writing.allocate(1).await?;
    let now = writing.now;
    let new = StoredTask {
        task: Task { state, ..old.task.clone() },
        ended: Some(now),
        actor: actor.who.to_string().into(),
        reason: actor.reason.clone(),
        revision: seq,
        ..old.clone()
    };
    query(sql::TASK_END)
        .bind(old.task.id.as_str())
        .bind(state.as_str())
        .bind(now.as_micros())
        .bind(&*new.actor)
        .bind(&*new.reason)
        .bind(signed(seq))
        .execute(writing.conn())
        .await?;
    tell(writing, seq, actor, Act::State, (Some(&old.task), &new.task)).await?;
    Ok(new)
}

fn over(task: &StoredTask) -> StoreFault {
    let state = if task.task.state == TaskState::Open { TaskState::Lapsed } else { task.task.state };
    StoreFault::conflict("task", &task.task.id, format!("is {state} already"))
}

impl Store {
    /// Puts a task on record, once for each name that its start is given.
    ///
    /// # Errors
    /// `Conflict` when its identity has [`TASKS_OPEN_MAX`] open; when the database fails.
    pub async fn start_task(&self, actor: &Actor, new: &NewTask, now: Time) -> Result<Started, StoreFault> {
        let NewTask { task, key } = new;
        let mut writing = Writing::begin(self, now).await?;
        if let Some(StartKey { name, hash }) = key {
            let there: Option<TaskRow> = query(sql::TASK_BY_START).bind(task.identity.as_str()).bind(&**name).maybe(writing.conn()).await?;
            if let Some(row) = there {
                let same = row.start_hash.as_deref() == Some(hash.as_slice());
                return Ok(if same { Started::Again(row.read()?) } else { Started::Otherwise });
            }
        }
        let (open,): (i64,) = query(sql::TASKS_OPEN).bind(task.identity.as_str()).one(writing.conn()).await?;
        if open >= i64::from(TASKS_OPEN_MAX) {
            return Err(StoreFault::conflict(
                "task",
                &task.id,
                format!("would be one too many: `{}` has {open} open, {TASKS_OPEN_MAX} at the most", task.identity),
            ));
        }
        let seq = writing.allocate(1).await?;
        let most = |most: Option<u64>| most.map(signed);
        let operations: Vec<String> = task.operations.iter().map(ToString::to_string).collect();
        query(sql::TASK_PUT)
            .bind(task.id.as_str())
            .bind(task.identity.as_str())
            .bind(task.purpose.as_str())
            .bind(task.api.as_str())
            .bind(json!(operations).to_string())
            .bind(json!(task.resources).to_string())
            .bind(most(task.budget.calls))
            .bind(most(task.budget.bytes))
            .bind(most(task.budget.records))
            .bind(task.beat.as_micros())
            .bind(task.ends.as_micros())
            .bind(task.lease.map(micros))
            .bind(task.lapses().as_micros())
            .bind(actor.who.to_string())
            .bind(&*actor.reason)
            .bind(key.as_ref().map(|key| &*key.name))
            .bind(key.as_ref().map(|key| key.hash.as_slice()))
            .bind(signed(seq))
            .execute(writing.conn())
            .await?;
        tell(&mut writing, seq, actor, Act::Create, (None, task)).await?;
        let stored = find(writing.conn(), &task.id).await?;
        writing.commit().await?;
        Ok(Started::New(stored))
    }

    /// Ends an open task. It waits for its turn no longer than any stop.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is ended already; `Busy` as [`Store::contain`].
    pub async fn end_task(&self, actor: &Actor, id: &TaskId, state: TaskState, now: Time) -> Result<StoredTask, StoreFault> {
        soon(Box::pin(async {
            let mut writing = Writing::begin(self, now).await?;
            let old = find(writing.conn(), id).await?;
            if old.task.state != TaskState::Open || state == TaskState::Open {
                return Err(over(&old));
            }
            let new = end(&mut writing, actor, &old, state).await?;
            writing.commit().await?;
            Ok(new)
        }))
        .await
    }

    /// Notes that something was heard of a task. Where hardly anything of its lease is gone, nothing is written.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is over; `Busy` as [`Store::end_task`].
    pub async fn beat_task(&self, actor: &Actor, id: &TaskId, now: Time) -> Result<StoredTask, StoreFault> {
        soon(Box::pin(self.beat_now(actor, id, now))).await
    }

    async fn beat_now(&self, actor: &Actor, id: &TaskId, now: Time) -> Result<StoredTask, StoreFault> {
        let mut writing = Writing::begin(self, now).await?;
        let old = find(writing.conn(), id).await?;
        if !old.task.is_open(now) {
            return Err(over(&old));
        }
        let Some(lease) = old.task.lease else { return Ok(old) };
        if now.since(old.task.beat) < lease / 4 {
            return Ok(old);
        }
        let seq = writing.allocate(1).await?;
        let new = StoredTask { task: Task { beat: now.max(old.task.beat), ..old.task.clone() }, revision: seq, ..old.clone() };
        query(sql::TASK_BEAT)
            .bind(id.as_str())
            .bind(new.task.beat.as_micros())
            .bind(new.task.lapses().as_micros())
            .bind(signed(seq))
            .execute(writing.conn())
            .await?;
        tell(&mut writing, seq, actor, Act::Renew, (None, &new.task)).await?;
        writing.commit().await?;
        Ok(new)
    }

    /// Ends open tasks whose time is over, at most `limit`; gives them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lapse_tasks(&self, actor: &Actor, now: Time, limit: u32) -> Result<Vec<StoredTask>, StoreFault> {
        // As [`Task::is_over_from`] has it: whoever was heard may have been so by another clock.
        let lapsed = now.as_micros().saturating_sub(micros(SKEW));
        let over = || query(sql::TASKS_OVER).bind(lapsed).bind(i64::from(limit));
        let there: Vec<TaskRow> = over().all(&mut self.reader.acquire().await?).await?;
        if there.is_empty() {
            return Ok(Vec::new());
        }
        let mut writing = Writing::begin(self, now).await?;
        let rows: Vec<TaskRow> = over().all(writing.conn()).await?;
        let mut lapsed = Vec::with_capacity(rows.len());
        for row in rows {
            lapsed.push(end(&mut writing, actor, &row.read()?, TaskState::Lapsed).await?);
        }
        writing.commit().await?;
        Ok(lapsed)
    }

    /// A task.
    ///
    /// # Errors
    /// `NotFound`; when the database fails or holds what cannot be read.
    pub async fn task(&self, id: &TaskId) -> Result<StoredTask, StoreFault> {
        find(&mut self.reader.acquire().await?, id).await
    }

    /// Tasks that a filter lets through, by id.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<StoredTask>, StoreFault> {
        let statement = if filter.identity.is_some() { sql::TASKS_OF } else { sql::TASKS };
        let asked =
            query(statement).bind(&*filter.after).bind(filter.state.map_or("", |state| state.as_str())).bind(i64::from(filter.limit));
        let asked = match &filter.identity {
            Some(identity) => asked.bind(identity.as_str()),
            None => asked,
        };
        let rows: Vec<TaskRow> = asked.all(&mut self.reader.acquire().await?).await?;
        rows.into_iter().map(TaskRow::read).collect()
    }

    /// Tasks by their ids; those that are there.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn tasks_named(&self, ids: &[TaskId]) -> Result<Vec<StoredTask>, StoreFault> {
        let mut found = Vec::with_capacity(ids.len());
        let mut conn = self.reader.acquire().await?;
        for ids in ids.chunks(ROWS) {
            let ask = ids.iter().fold(query_rows(sql::TASKS_NAMED, ids.len(), 1), |ask, id| ask.bind(id.as_str()));
            for row in ask.all::<TaskRow>(&mut conn).await? {
                found.push(row.read()?);
            }
        }
        Ok(found)
    }

    /// Forgets tasks that were ended before a moment, the oldest first and [`TASKS_FORGOTTEN_MAX`] at a time, so that nobody who writes waits
    /// for long; gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_tasks(&self, before: Time) -> Result<u64, StoreFault> {
        self.still_there()?;
        let mut conn = self.writer.begin_writing().await?;
        let forgotten = query(sql::TASKS_FORGET).bind(before.as_micros()).bind(i64::from(TASKS_FORGOTTEN_MAX)).execute(&mut conn).await?;
        conn.commit().await?;
        Ok(forgotten)
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
