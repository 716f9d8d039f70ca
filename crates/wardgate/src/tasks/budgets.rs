//! Shares of budgets, drawn from the store before they are used.
//!
//! A gate draws a quarter of the calls that are left, at most `CALLS_MAX`, and half of the bytes and records, at most so many; a small
//! rest goes to one gate whole. So a budget that nears its end is drawn in small pieces. What a gate has drawn no other has, and what it
//! had when it was killed nobody has any more.

use crate::{clock, control::Control};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use wardgate_abuse::budget::{self, Drawn, Wants};
use wardgate_model::id::TaskId;
use wardgate_store::{Rest, Share, StoreFault};

/// Most calls of a task that a gate draws at once.
pub(crate) const CALLS_MAX: u64 = 256;
/// Bytes: so few go to one gate whole, so many are the most at once.
pub(crate) const BYTES: (u64, u64) = (1 << 20, 1 << 30);
/// Records: so few go to one gate whole, so many are the most at once.
pub(crate) const RECORDS: (u64, u64) = (1_000, 1_000_000);
/// How long a request waits for a share at most.
const WAITS: Duration = Duration::from_secs(2);
/// For how long a gate that ends tells the store what it has of budgets.
const TELLS: Duration = Duration::from_secs(5);
/// Of so many tasks at once.
const TOLD_AT_ONCE: usize = 500;
/// Tasks whose shares run low and wait to be drawn from.
const LOW_MAX: usize = 4_096;

/// Who draws of one task waits for whoever does so already.
#[derive(Debug, Default)]
struct Turn {
    waiting: AtomicU64,
    lock: tokio::sync::Mutex<()>,
}

/// Draws shares for this process.
#[derive(Debug)]
pub struct Drawer {
    control: Arc<Control>,
    turns: Mutex<HashMap<TaskId, Arc<Turn>>>,
}

impl Drawer {
    /// Draws whenever a share runs low, from now on. Call it within a runtime, once.
    #[must_use]
    pub fn start(control: Arc<Control>) -> Arc<Self> {
        let drawer = Arc::new(Self { control, turns: Mutex::default() });
        let (low, mut lows) = tokio::sync::mpsc::channel::<TaskId>(LOW_MAX);
        // Who finds no room is drawn for when it is short, and what it owes is told again.
        drawer.control.gate().meters().budgets().when_low(move |task| low.try_send(task.clone()).is_ok());
        let drawing = Arc::clone(&drawer);
        tokio::spawn(async move {
            while let Some(task) = lows.recv().await {
                let _known = drawing.draw(&task).await;
            }
        });
        drawer
    }

    fn turns(&self) -> std::sync::MutexGuard<'_, HashMap<TaskId, Arc<Turn>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws of a task what it is short of; `true` when it is known now how much there is.
    pub async fn draw(&self, task: &TaskId) -> bool {
        let turn = {
            let mut turns = self.turns();
            let turn = Arc::clone(turns.entry(task.clone()).or_default());
            turn.waiting.fetch_add(1, Ordering::AcqRel);
            turn
        };
        let drawn = tokio::time::timeout(WAITS, async {
            let _mine = turn.lock.lock().await;
            self.draw_now(task, turn.waiting.load(Ordering::Acquire)).await
        });
        let known = match drawn.await {
            Ok(drawn) => drawn,
            Err(_) => {
                // Otherwise it would count as told for good.
                self.control.gate().meters().budgets().not_drawn(task);
                false
            }
        };
        let mut turns = self.turns();
        if turn.waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            turns.remove(task);
        }
        known
    }

    async fn draw_now(&self, id: &TaskId, waiting: u64) -> bool {
        let budgets = Arc::clone(self.control.gate().meters().budgets());
        let task = self.control.gate().snapshot().population().tasks().get(id.as_str()).map(Arc::clone);
        // It is over: to judge again says so.
        let Some(task) = task else { return true };
        let wants = budgets.wants(id, &task.budget, clock::now());
        if wants.is_nothing() {
            budgets.not_drawn(id);
            return true;
        }
        match self.control.store().draw_budget(id, move |left| share(left, wants, waiting)).await {
            Ok(Share { calls, bytes, records }) => {
                budgets.drawn(id, wants, Drawn { calls, bytes, records }, clock::now());
                true
            }
            // It was ended, and the snapshot does not know yet.
            Err(StoreFault::NotFound { .. } | StoreFault::Conflict { .. }) => {
                budgets.drawn(id, wants, Drawn::default(), clock::now());
                true
            }
            Err(fault) => {
                tracing::debug!(%fault, task = %id, "no share of a budget could be drawn");
                budgets.not_drawn(id);
                false
            }
        }
    }

    /// Gives back what was drawn and not used, and tells what was used beyond that, at the end of the process. It ends in bounded time,
    /// whether or not the store is there.
    pub async fn give_back(&self) {
        let rests: Vec<Rest> = self.control.gate().meters().budgets().empty().into_iter().map(rest).collect();
        let mut told = 0;
        let telling = async {
            for piece in rests.chunks(TOLD_AT_ONCE) {
                self.control.store().give_back_budgets(piece).await?;
                told += piece.len();
            }
            Ok::<_, StoreFault>(())
        };
        let why = match tokio::time::timeout(TELLS, telling).await {
            Ok(Ok(())) => return,
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        let tasks = rests.len() - told;
        tracing::warn!(
            why,
            tasks,
            "what this gate had of the budgets of tasks could not be given back and is lost, and what they owe unheard"
        );
    }
}

fn rest(rest: budget::Rest) -> Rest {
    let budget::Rest { task, unused: Drawn { calls, bytes, records }, records_owed } = rest;
    Rest { task, unused: Share { calls, bytes, records }, records_owed }
}

/// How much of what is left.
fn share(left: Share, wants: Wants, waiting: u64) -> Share {
    let most = |wanted: bool, share: u64| if wanted { share } else { 0 };
    let half = |left: u64, (few, many): (u64, u64)| (left / 2).clamp(few, many);
    Share {
        calls: most(wants.calls, (left.calls / 4).clamp(1, CALLS_MAX).max(waiting.min(CALLS_MAX))),
        bytes: most(wants.bytes, half(left.bytes, BYTES)),
        // What is owed comes first, and then as if that had been given out before.
        records: most(wants.records, wants.records_owed.saturating_add(half(left.records.saturating_sub(wants.records_owed), RECORDS))),
    }
}

#[cfg(test)]
mod tests {
    use super::{CALLS_MAX, share};
    use wardgate_abuse::budget::Wants;
    use wardgate_store::Share;

    #[test]
    fn a_budget_that_nears_its_end_is_drawn_in_small_pieces() {
        let wants = Wants { calls: true, ..Wants::default() };
        let calls = |left, waiting| share(Share { calls: left, ..Share::default() }, wants, waiting).calls;
        assert_eq!([calls(1_000_000, 1), calls(100, 1), calls(5, 1), calls(5, 4)], [CALLS_MAX, 25, 1, 4]);
        assert_eq!(share(Share::default(), wants, 1), Share { calls: 1, ..Share::default() });
        let owed = |owed| Wants { records: true, records_owed: owed, ..Wants::default() };
        let records = |left, wants| share(Share { records: left, ..Share::default() }, wants, 1).records;
        assert_eq!([records(10_000, owed(0)), records(10_000, owed(4_000)), records(10_000, owed(20_000))], [5_000, 7_000, 21_000]);
    }
}
