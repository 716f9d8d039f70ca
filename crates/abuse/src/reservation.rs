//! What a request holds of the limits that count it, and how it is told when they give nothing.

use crate::{
    budget::{Course, TaskPlace},
    ledger::{Short, Token},
    limits::{Limits, Part, Rule},
    meter::{Gauge, Meter},
    meters::Shared,
    states::{States, is_own},
};
use smallvec::SmallVec;
use std::{fmt, sync::Arc};
use wardgate_model::{id::LimitName, reason::Reason, ruling::LimitState, time::Time};

/// Why a request has no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which measure: [`Reason::ReserveRate`], [`Reason::ReserveQuota`], [`Reason::ReserveConcurrency`], [`Reason::ReserveBytes`],
    /// [`Reason::ReserveFault`] or, before a proof, [`Reason::SourceLimited`].
    pub reason: Reason,
    /// Of which limit.
    pub limit: LimitName,
    /// The states of the limits that count the request: the tightest first, at most 4.
    pub states: SmallVec<[LimitState; 2]>,
    /// Seconds after which another try can succeed; `None` when that cannot be told.
    pub retry_after_s: Option<u64>,
}

/// A running request has used up a limit of bytes, or the budget of its task: it has to be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what passes cannot be charged: {}", .reason.code())]
pub struct Exhausted {
    /// Which limit; `None`: the budget of its task.
    pub limit: Option<LimitName>,
    /// [`Reason::ReserveBytes`], [`Reason::ReserveTask`], or [`Reason::ReserveFault`] when the journal cannot be written.
    pub reason: Reason,
}

/// A place under every limit that counts a request. Dropped before [`Reservation::commit`], it gives back quota and concurrency; the
/// rate stays counted, because attempts count: else a caller could probe the policy as fast as it likes.
#[derive(Debug)]
#[must_use = "a reservation that is dropped gives its place back"]
pub struct Reservation {
    taking: Taking,
    /// A call of the budget of its task, where it is of one.
    task: Option<TaskPlace>,
}

/// What a request under way holds: its places, until dropped, and the right to be charged for bytes.
#[derive(Debug)]
#[must_use = "a hold that is dropped ends the request's place"]
pub struct Hold {
    taking: Taking,
    task: Option<TaskPlace>,
}

impl Reservation {
    pub(crate) const fn new(taking: Taking) -> Self {
        Self { taking, task: None }
    }

    /// Has it hold a place in the budget of a task, too.
    pub fn hold_task(&mut self, task: TaskPlace) {
        self.task = Some(task);
    }

    /// The states of the limits that count the request: the tightest first, at most 4.
    #[must_use]
    pub fn states(&self, now: Time) -> SmallVec<[LimitState; 2]> {
        self.taking.states(now)
    }

    /// The request goes ahead: its quota is used for good, its place is held until the hold is dropped.
    pub fn commit(mut self) -> Hold {
        self.taking.committed = true;
        if let Some(task) = &mut self.task {
            task.commit();
        }
        Hold { taking: self.taking, task: self.task }
    }
}

impl Hold {
    pub(crate) const fn of(taking: Taking) -> Self {
        Self { taking, task: None }
    }

    /// Whether records are charged to the budget of a task.
    #[must_use]
    pub fn counts_records(&self) -> bool {
        self.task.as_ref().is_some_and(TaskPlace::counts_records)
    }

    /// Charges records of an answer that pass to the budget of the task; `None`: nobody can say how many.
    ///
    /// # Errors
    /// When it is used up ([`TaskPlace::charge_records`]).
    pub fn charge_records(&self, records: Option<u64>, course: Course, now: Time) -> Result<(), Exhausted> {
        let charged = self.task.as_ref().map_or(Ok(()), |task| task.charge_records(records, course, now));
        charged.map_err(|_used| Exhausted { limit: None, reason: Reason::ReserveTask })
    }

    /// Charges `bytes` that are about to pass to every limit of bytes. Of several limits, each is charged even when one is used up.
    ///
    /// # Errors
    /// When a window has less left than `bytes` (what is left is used up then), or the journal cannot be written.
    pub fn charge_bytes(&self, bytes: u64, now: Time) -> Result<(), Exhausted> {
        let mut exhausted = None;
        for taken in self.taking.taken.iter().filter(|taken| bytes > 0 && matches!(taken.took, Took::Bytes)) {
            let Some((rule, Part::Bytes(allowed))) = self.taking.part(taken) else { continue };
            let Gauge::Ledger(ledger) = &taken.meter.gauge else { continue };
            if let Err(short) = ledger.spend(bytes, &allowed.allowance, &*self.taking.shared.journal, now) {
                let reason = match short {
                    Short::Full => Reason::ReserveBytes,
                    Short::Fault => Reason::ReserveFault,
                };
                exhausted.get_or_insert_with(|| Exhausted { limit: Some(rule.name.clone()), reason });
            }
        }
        if self.task.as_ref().is_some_and(|task| task.charge_bytes(bytes, now).is_err()) {
            exhausted.get_or_insert(Exhausted { limit: None, reason: Reason::ReserveTask });
        }
        exhausted.map_or(Ok(()), Err)
    }

    /// The states of the limits that count the request: the tightest first, at most 4.
    #[must_use]
    pub fn states(&self, now: Time) -> SmallVec<[LimitState; 2]> {
        self.taking.states(now)
    }
}

/// Parts of limits that count most requests, at the most.
const TAKEN_USUALLY: usize = 4;

/// What was taken, from where. Dropping it ends places and pins, and gives quota back unless committed.
pub(crate) struct Taking {
    shared: Arc<Shared>,
    rules: Arc<[Rule]>,
    /// On the heap: a reservation goes from room to room, and what is moved there is small so.
    taken: Vec<Taken>,
    committed: bool,
}

/// What was taken from one meter, which is pinned.
pub(crate) struct Taken {
    /// The rule's place among the rules.
    pub(crate) place: u32,
    /// The part's place in the rule.
    pub(crate) at: usize,
    pub(crate) meter: Arc<Meter>,
    pub(crate) took: Took,
}

/// What it was.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Took {
    Nothing,
    Flow { rate: bool, place: bool },
    Quota(Token),
    Bytes,
}

impl Taking {
    pub(crate) fn new(shared: &Arc<Shared>, limits: &Limits) -> Self {
        Self { shared: Arc::clone(shared), rules: Arc::clone(&limits.rules), taken: Vec::with_capacity(TAKEN_USUALLY), committed: false }
    }

    pub(crate) fn push(&mut self, taken: Taken) {
        self.taken.push(taken);
    }

    /// Gives rates back: only for a request that another limit refused, so that what one limit refuses costs nothing under another.
    pub(crate) fn give_back_rates(&mut self) {
        for taken in &self.taken {
            if let (Took::Flow { rate: true, .. }, Gauge::Flow(flow)) = (&taken.took, &taken.meter.gauge)
                && let Some((_, Part::Flow { rate: Some(paced), .. })) = self.part(taken)
            {
                flow.bucket.give_back(1, &paced.pace);
            }
        }
    }

    fn part(&self, taken: &Taken) -> Option<(&Rule, &Part)> {
        let rule = self.rules.get(usize::try_from(taken.place).ok()?)?;
        Some((rule, rule.parts.get(taken.at)?))
    }

    fn states(&self, now: Time) -> SmallVec<[LimitState; 2]> {
        let mut states = States::default();
        for taken in &self.taken {
            if let Some((_, part)) = self.part(taken).filter(|(rule, _)| is_own(rule.per)) {
                states.add(part, Some(&taken.meter.gauge), now);
            }
        }
        states.tightest()
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        for taken in &self.taken {
            match (taken.took, &taken.meter.gauge) {
                (Took::Flow { place: true, .. }, Gauge::Flow(flow)) => flow.leave(),
                (Took::Quota(token), Gauge::Ledger(ledger)) if !self.committed => ledger.give_back(1, token),
                (Took::Nothing | Took::Flow { .. } | Took::Quota(_) | Took::Bytes, _) => {}
            }
            taken.meter.unpin();
        }
    }
}

impl fmt::Debug for Taking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = self.taken.iter().filter_map(|taken| self.part(taken)).map(|(rule, _)| &rule.name);
        f.debug_list().entries(limits).finish()
    }
}
