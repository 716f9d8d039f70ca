//! What of tasks' budgets is given out to gates.
//!
//! INVARIANT (never twice): what a gate may use of a budget is counted here, on disk, before it uses it. What a gate had and did not
//! give back is gone.

use super::{find, over};
use crate::{Store, StoreFault, database::query, feed::signed, sql};
use wardgate_model::{id::TaskId, task::TaskState};

/// How often a draw is tried again when another came in between.
const DRAWS_MAX: u32 = 16;

/// So much of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Calls.
    pub calls: u64,
    /// Bytes.
    pub bytes: u64,
    /// Records.
    pub records: u64,
}

impl Share {
    /// Whether it is nothing.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.calls == 0 && self.bytes == 0 && self.records == 0
    }
}

/// What a gate that ends has of a task's budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Of which task.
    pub task: TaskId,
    /// What it drew and did not use.
    pub unused: Share,
    /// Records that it used beyond what it drew.
    pub records_owed: u64,
}

impl Store {
    /// Gives a gate a share of an open task's budget: as much as it wants, or what is left. It is on disk when this returns.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is ended; when the database fails or too many draw at once.
    pub async fn draw_budget(&self, id: &TaskId, wanted: impl Fn(Share) -> Share + Send) -> Result<Share, StoreFault> {
        for _ in 0..DRAWS_MAX {
            self.still_there()?;
            let mut conn = self.writer.begin_writing().await?;
            let old = find(&mut conn, id).await?;
            if old.task.state != TaskState::Open {
                return Err(over(&old));
            }
            let (given, budget) = (old.given, old.task.budget);
            let left = |most: Option<u64>, given: u64| most.map_or(0, |most| most.saturating_sub(given));
            let left = Share {
                calls: left(budget.calls, given.calls),
                bytes: left(budget.bytes, given.bytes),
                records: left(budget.records, given.records),
            };
            let wanted = wanted(left);
            let drawn = Share {
                calls: wanted.calls.min(left.calls),
                bytes: wanted.bytes.min(left.bytes),
                records: wanted.records.min(left.records),
            };
            if drawn.is_nothing() {
                return Ok(drawn);
            }
            let changed = query(sql::TASK_DRAW)
                .bind(id.as_str())
                .bind(signed(given.calls + drawn.calls))
                .bind(signed(given.bytes + drawn.bytes))
                .bind(signed(given.records + drawn.records))
                .bind(signed(given.calls))
                .bind(signed(given.bytes))
                .bind(signed(given.records))
                .execute(&mut conn)
                .await?;
            conn.commit().await?;
            if changed == 1 {
                return Ok(drawn);
            }
        }
        Err(StoreFault::conflict("task", id, "is drawn from by too many at once"))
    }

    /// Takes back what a gate has not used of its shares, and notes what it used beyond them: all of these or none. They come in the
    /// order of their tasks, so that two gates that end at once do not wait for each other.
    ///
    /// # Errors
    /// When the database fails: what is not given back is lost then.
    pub async fn give_back_budgets(&self, rests: &[Rest]) -> Result<(), StoreFault> {
        self.still_there()?;
        let mut conn = self.writer.begin_writing().await?;
        for Rest { task, unused, records_owed } in rests {
            query(sql::TASK_GIVE_BACK)
                .bind(task.as_str())
                .bind(signed(unused.calls))
                .bind(signed(unused.bytes))
                .bind(signed(unused.records))
                .bind(signed(*records_owed))
                .execute(&mut conn)
                .await?;
        }
        conn.commit().await
    }
}
