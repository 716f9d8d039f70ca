//! Replays of our own log: each recorded ruling is made again, by the judge that made it.
//!
//! Reading order: [`kept`] is what a process keeps beside its log for this, [`documents`] a part of it, [`keeper`] keeps it. `history`
//! makes a snapshot of then again from the store's feed, `facts` the facts from an event, `drive` has the meters go along; `walk`
//! goes through a log with all of them, and [`report`] is what comes of it.
//!
//! What is compared: answer, reason, policies, grant, and whether it was binding. What cannot be compared is counted apart and named, never
//! passed over: see docs/evidence.md, "Replaying".

pub mod documents;
mod drive;
mod facts;
mod history;
pub mod keeper;
pub mod kept;
pub mod report;
mod walk;

pub use keeper::Keeper;
pub use report::Report;

use std::path::{Path, PathBuf};
use wardgate_audit::{
    event_v1::Kind,
    reading::{self, Filter, Page, ReadError, Since},
};
use wardgate_governance::traffic::{Judged, report::FileTold};
use wardgate_model::time::Time;
use wardgate_store::{Store, StoreFault};

/// Events read at a time.
const PAGE: usize = 1_000;

/// Why a log could not be replayed at all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFault {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The store cannot be read.
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreFault),
}

/// Makes every ruling of a log again.
///
/// # Errors
/// When log or store cannot be read. What is missing or damaged in them is no error but in the report.
pub async fn replay(log: &Path, store: &Store) -> Result<Report, ReplayFault> {
    through(log, walk::Walk::new(log, store)).await
}

async fn through(log: &Path, mut walk: walk::Walk<'_>) -> Result<Report, ReplayFault> {
    let mut pages = Pages::of(log);
    while let Some(page) = pages.next()? {
        walk.unreadable(page.unreadable);
        for event in page.events {
            walk.take(event).await?;
        }
    }
    walk.end().await
}

/// The events of a log, page by page.
struct Pages<'p> {
    log: &'p Path,
    /// `None`: there are no more.
    since: Option<Since>,
}

impl<'p> Pages<'p> {
    fn of(log: &'p Path) -> Self {
        Self { log, since: Some(Since::Oldest) }
    }

    fn next(&mut self) -> Result<Option<Page>, ReadError> {
        let Some(since) = self.since.take() else { return Ok(None) };
        let page = reading::tail(self.log, &Filter::default(), &since, PAGE)?;
        // A page without events that goes on has more behind it.
        self.since = page.cursor.map(Since::After).filter(|next| !page.events.is_empty() || *next != since);
        Ok(Some(page))
    }
}

/// Makes every ruling of several logs of one store again, and counts what is ruled.
///
/// # Errors
/// As [`replay`].
pub async fn replay_all(logs: &[PathBuf], store: &Store, judged: &mut Judged) -> Result<Report, ReplayFault> {
    let mut report = Report::default();
    for log in logs {
        let walk = walk::Walk::new(log, store).counting(judged);
        report.add(Box::pin(through(log, walk)).await?);
    }
    Ok(report)
}

/// A first look at logs: how many rulings, and of when.
///
/// # Errors
/// When a log cannot be read.
pub fn looked_at(logs: &[PathBuf]) -> Result<Judged, ReplayFault> {
    let look = |log: &PathBuf| {
        let name = log.display().to_string();
        let mut told = FileTold { name, calls: 0, not_understood: 0, passed_over: 0, from: None, to: None };
        let mut pages = Pages::of(log);
        while let Some(page) = pages.next()? {
            told.not_understood += page.unreadable;
            for event in &page.events {
                if event.judge_order.is_none() || event.kind == Kind::Closed {
                    told.passed_over += 1;
                    continue;
                }
                let time = Time::from_micros(event.time_us);
                told.calls += 1;
                told.from = Some(told.from.map_or(time, |from| from.min(time)));
                told.to = Some(told.to.map_or(time, |to| to.max(time)));
            }
        }
        Ok(told)
    };
    Ok(Judged::new(logs.iter().map(look).collect::<Result<_, ReplayFault>>()?))
}

#[cfg(test)]
mod tests;
