//! What tasks may use in all: calls, bytes and records that were drawn for this process, taken from and given back to.
//!
//! What a task has left stands in the store, for all gates together. A process draws a share of it ahead of use, and takes from that
//! here without asking anybody. When a share runs low it says so ([`Budgets::when_low`]); when it is used up, whoever wants more is
//! told to ask ([`Short::Ask`]), until the store has said that there is no more ([`Short::Used`]).
//!
//! - A call is taken before it is judged any further, and given back when it is refused later: of a budget of N, N calls pass.
//! - Bytes are charged as they pass; what there is not enough for is cut.
//! - Records are charged as they pass. Each call under way holds one; a task can exceed its budget by one answer, and by what passes of
//!   others until the store has said that there are no more: those are cut then. What it used
//!   beyond what was drawn is owed, and drawn before anything else, so that every gate knows of it. An answer of which nobody can say how
//!   many it had counts as the whole budget.

mod measure;

use ahash::{AHashMap, RandomState};
use measure::Measure;
use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use wardgate_model::{
    id::TaskId,
    task::{Budget, Task},
    time::Time,
};

/// How often a call is not charged that bears the key of one that was charged.
const RETRIES_MAX: u8 = 4;
/// How many keys of one task are remembered.
const KEYS_MAX: usize = 1_024;

/// What tells a retry from another call: method, target and `Idempotency-Key`, hashed.
pub type RetryKey = [u8; 32];

/// Who wants to hear that a task's share runs low; `false`: it could not listen. It must not wait.
type Low = Box<dyn Fn(&TaskId) -> bool + Send + Sync>;

/// Why nothing could be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    /// The store may have more.
    Ask,
    /// There is no more.
    Used,
}

/// What is drawn, or left, of each measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Calls.
    pub calls: u64,
    /// Bytes.
    pub bytes: u64,
    /// Records.
    pub records: u64,
}

/// What a process has of a task's budget at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Of which task.
    pub task: TaskId,
    /// What was drawn and not used.
    pub unused: Drawn,
    /// Records that were used beyond what was drawn.
    pub records_owed: u64,
}

/// The shares of tasks that a process has drawn.
#[derive(Default)]
pub struct Budgets {
    tasks: papaya::HashMap<TaskId, Arc<Shares>, RandomState>,
    low: Arc<OnceLock<Low>>,
}

struct Shares {
    task: TaskId,
    /// Who wants to hear that they run low.
    low: Arc<OnceLock<Low>>,
    /// Records that the whole budget has, where they are counted.
    most_records: AtomicU64,
    calls: Measure,
    bytes: Measure,
    records: Measure,
    /// Somebody was told that it runs low, and has not drawn yet.
    told: AtomicBool,
    /// Records are owed of which the store has not heard, although it was to be told.
    unheard: AtomicBool,
    /// Charged calls that bore a key, and how often each was tried again.
    keys: Mutex<AHashMap<RetryKey, u8>>,
}

impl Shares {
    fn of(task: TaskId, low: &Arc<OnceLock<Low>>) -> Self {
        let measure = Measure::default;
        Self {
            task,
            low: Arc::clone(low),
            most_records: AtomicU64::new(0),
            calls: measure(),
            bytes: measure(),
            records: measure(),
            told: AtomicBool::new(false),
            unheard: AtomicBool::new(false),
            keys: Mutex::default(),
        }
    }

    /// Tells that somebody should draw, unless that was told.
    fn tell(&self) {
        if !self.told.swap(true, Ordering::AcqRel)
            && let Some(tell) = self.low.get()
            && !tell(&self.task)
        {
            self.asked(0);
        }
    }

    /// Nobody is to draw any more. Of the records that are owed then, the store has heard of so many.
    fn asked(&self, heard: u64) {
        // First this: whoever owes more from here on tells it.
        let _told = self.told.swap(false, Ordering::AcqRel);
        self.unheard.store(self.records.owed() > heard, Ordering::Release);
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, AHashMap<RetryKey, u8>> {
        // Counts are whole at every moment: whoever panicked left nothing half done.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call with this key was charged, and may be tried once more for that.
    fn is_retry(&self, key: &RetryKey) -> bool {
        match self.keys().get_mut(key) {
            Some(tries) if *tries < RETRIES_MAX => {
                *tries += 1;
                true
            }
            Some(_) | None => false,
        }
    }

    fn charged(&self, key: RetryKey) {
        let mut keys = self.keys();
        if keys.len() < KEYS_MAX {
            keys.entry(key).or_default();
        }
    }
}

/// Whether an answer comes to its end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It does: a JSON text.
    Ends,
    /// It may go on for ever: lines, a stream, another protocol.
    Open,
}

/// A call's place in a task's budget. Dropped before [`TaskPlace::commit`], it gives the call back.
///
/// It goes from room to room with what else is held, so it is small: a key of a retry, which few calls have, lies elsewhere.
pub struct TaskPlace {
    shares: Arc<Shares>,
    key: Option<Box<RetryKey>>,
    counts_bytes: bool,
    counts_records: bool,
    /// The call is to be given back.
    owed: bool,
    /// A record is held for an answer of which none was charged yet.
    held: AtomicBool,
    /// With a record of this answer the budget was exceeded.
    exceeds: AtomicBool,
}

impl fmt::Debug for TaskPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskPlace").field("task", &self.shares.task).finish_non_exhaustive()
    }
}

impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgets").field("tasks", &self.tasks.pin().len()).finish_non_exhaustive()
    }
}

impl Budgets {
    /// Says who wants to hear that a share runs low. Only then budgets are kept: without anybody who draws, everything is let through
    /// and nothing is counted, as replays and descriptions want it. To be called once.
    pub fn when_low(&self, low: impl Fn(&TaskId) -> bool + Send + Sync + 'static) {
        let _first = self.low.set(Box::new(low));
    }

    fn of(&self, task: &TaskId) -> Arc<Shares> {
        let tasks = self.tasks.pin();
        // Nearly always it is there.
        let shares =
            tasks.get(task).unwrap_or_else(|| tasks.get_or_insert_with(task.clone(), || Arc::new(Shares::of(task.clone(), &self.low))));
        Arc::clone(shares)
    }

    /// Takes a call of a task, where its budget has one, and bytes and records to begin with. `None`: nothing is counted.
    ///
    /// # Errors
    /// When something is used up here.
    pub fn take(&self, task: &Task, key: Option<&RetryKey>, now: Time) -> Result<Option<TaskPlace>, Short> {
        if task.budget.is_open() || self.low.get().is_none() {
            return Ok(None);
        }
        let shares = self.of(&task.id);
        let Budget { calls, bytes, records } = task.budget;
        if bytes.is_some() && shares.bytes.left.load(Ordering::Acquire) <= 0 {
            return Err(shares.bytes.short(now));
        }
        let mut place = TaskPlace {
            shares,
            key: None,
            counts_bytes: bytes.is_some(),
            counts_records: records.is_some(),
            owed: false,
            held: AtomicBool::new(false),
            exceeds: AtomicBool::new(false),
        };
        let shares = &*place.shares;
        // INVARIANT (no more answers than records): each call that is under way holds one that its answer may have.
        if let Some(most) = records {
            shares.most_records.store(most, Ordering::Relaxed);
            if !shares.records.take(1) {
                return Err(shares.records.short(now));
            }
            place.held.store(true, Ordering::Relaxed);
        }
        let retry = calls.is_some() && key.is_some_and(|key| shares.is_retry(key));
        if calls.is_some() && !retry {
            if !shares.calls.take(1) {
                return Err(shares.calls.short(now));
            }
            (place.owed, place.key) = (true, key.copied().map(Box::new));
        }
        place.look(now);
        Ok(Some(place))
    }

    /// What is here of a task now.
    #[must_use]
    pub fn left(&self, task: &TaskId) -> Drawn {
        let shares = self.tasks.pin().get(task).map(Arc::clone);
        shares.map_or_else(Drawn::default, |shares| Drawn {
            calls: shares.calls.left(),
            bytes: shares.bytes.left(),
            records: shares.records.left(),
        })
    }

    /// Whether a measure of a task that is counted has nothing here, or runs low.
    #[must_use]
    pub fn wants(&self, task: &TaskId, budget: &Budget, now: Time) -> Wants {
        let shares = self.of(task);
        let one =
            |most: Option<u64>, measure: &Measure| most.is_some() && !measure.is_dry(now) && (measure.left() == 0 || measure.is_low(now));
        Wants {
            calls: one(budget.calls, &shares.calls),
            bytes: one(budget.bytes, &shares.bytes),
            records: one(budget.records, &shares.records),
            records_owed: shares.records.owed(),
        }
    }

    /// Adds what was drawn of those measures that were wanted. Nothing of one, or less than was owed, means that the store has no more of
    /// it.
    pub fn drawn(&self, task: &TaskId, wanted: Wants, drawn: Drawn, now: Time) {
        let shares = self.of(task);
        for (wants, measure, drawn, owed) in [
            (wanted.calls, &shares.calls, drawn.calls, 0),
            (wanted.bytes, &shares.bytes, drawn.bytes, 0),
            (wanted.records, &shares.records, drawn.records, wanted.records_owed),
        ] {
            if wants {
                measure.add(drawn, owed, now);
            }
        }
        // What there was not enough for is owed still; the store has nothing left that anybody else could use instead.
        shares.asked(if wanted.records { wanted.records_owed.saturating_sub(drawn.records) } else { 0 });
    }

    /// Nothing was drawn: whoever is short asks again, and what is owed is told again by [`Budgets::tell_again`].
    pub fn not_drawn(&self, task: &TaskId) {
        if let Some(shares) = self.tasks.pin().get(task) {
            shares.asked(0);
        }
    }

    /// Tells once more of tasks that owe records of which the store has not heard. To be called now and then: nobody may come here
    /// any more who would.
    pub fn tell_again(&self) {
        for shares in self.tasks.pin().values() {
            if shares.unheard.load(Ordering::Acquire) && shares.records.owed() > 0 {
                shares.tell();
            }
        }
    }

    /// Takes all out that is left here of every task, or owed by it, so that it can be told; in the order of the tasks.
    #[must_use]
    pub fn empty(&self) -> Vec<Rest> {
        let tasks = self.tasks.pin();
        let all = tasks.iter().map(|(task, shares)| {
            let unused = Drawn { calls: shares.calls.empty(), bytes: shares.bytes.empty(), records: shares.records.empty() };
            Rest { task: task.clone(), unused, records_owed: shares.records.settle() }
        });
        let mut rests: Vec<Rest> = all.filter(|rest| rest.unused != Drawn::default() || rest.records_owed > 0).collect();
        rests.sort_unstable_by(|one, other| one.task.cmp(&other.task));
        rests
    }

    /// Forgets tasks that are over.
    pub fn retain(&self, stays: impl Fn(&TaskId) -> bool) {
        self.tasks.pin().retain(|task, _| stays(task));
    }

    /// How many tasks have a share here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.pin().len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which measures of a task are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// Calls.
    pub calls: bool,
    /// Bytes.
    pub bytes: bool,
    /// Records.
    pub records: bool,
    /// So many records were used beyond what was drawn.
    pub records_owed: u64,
}

impl Wants {
    /// Whether nothing is.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        !self.calls && !self.bytes && !self.records
    }
}

impl TaskPlace {
    /// The call goes ahead: it is used for good.
    pub fn commit(&mut self) {
        self.owed = false;
        if let Some(key) = self.key.take() {
            self.shares.charged(*key);
        }
    }

    /// Charges bytes that are about to pass. Where there are not enough, what there is is used up.
    ///
    /// # Errors
    /// When there are not enough.
    pub fn charge_bytes(&self, bytes: u64, now: Time) -> Result<(), Short> {
        if !self.counts_bytes || bytes == 0 {
            return Ok(());
        }
        let charged = self.shares.bytes.take(i64::try_from(bytes).unwrap_or(i64::MAX));
        if !charged {
            let _lost = self.shares.bytes.empty();
        }
        self.look(now);
        if charged { Ok(()) } else { Err(self.shares.bytes.short(now)) }
    }

    /// Whether records are charged.
    #[must_use]
    pub const fn counts_records(&self) -> bool {
        self.counts_records
    }

    /// Charges records that pass; `None`: nobody can say how many there are, so all that the task has are used up.
    ///
    /// # Errors
    /// When there are no more, and others have exceeded the budget already: one answer that does and that comes to its end by itself
    /// (`course`) goes on to it.
    pub fn charge_records(&self, records: Option<u64>, course: Course, now: Time) -> Result<(), Short> {
        if !self.counts_records {
            return Ok(());
        }
        let count = records.unwrap_or_else(|| self.shares.most_records.load(Ordering::Relaxed));
        let charged = &self.shares.records;
        let held = count > 0 && self.held.swap(false, Ordering::AcqRel);
        let before = charged.use_up(count - u64::from(held));
        self.look(now);
        let left = charged.left.load(Ordering::Acquire);
        if before >= 0 && left < 0 {
            self.exceeds.store(true, Ordering::Relaxed);
        }
        // Nothing more passes that counts, or the store may have more.
        if left >= 0 || !charged.is_dry(now) {
            return Ok(());
        }
        match course {
            Course::Ends if count == 0 || self.exceeds.load(Ordering::Relaxed) => Ok(()),
            Course::Ends | Course::Open => Err(Short::Used),
        }
    }

    /// Tells once that a share runs low.
    fn look(&self, now: Time) {
        let Shares { calls, bytes, records, .. } = &*self.shares;
        if [calls, bytes, records].into_iter().any(|measure| measure.is_low(now)) {
            self.shares.tell();
        }
    }
}

impl Drop for TaskPlace {
    fn drop(&mut self) {
        if self.owed {
            self.shares.calls.left.fetch_add(1, Ordering::AcqRel);
        }
        if *self.held.get_mut() {
            self.shares.records.left.fetch_add(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests;
