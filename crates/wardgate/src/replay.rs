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

use std::path::Path;
use wardgate_audit::reading::{self, Filter, ReadError, Since};
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
    let mut walk = walk::Walk::new(log, store);
    let mut since = Since::Oldest;
    loop {
        let page = reading::tail(log, &Filter::default(), &since, PAGE)?;
        walk.unreadable(page.unreadable);
        let stands_still = page.events.is_empty();
        for event in page.events {
            walk.take(event).await?;
        }
        match page.cursor {
            // A page without events that goes on has more behind it.
            Some(cursor) if !stands_still || since != Since::After(cursor) => since = Since::After(cursor),
            Some(_) | None => return walk.end().await,
        }
    }
}

/// Makes every ruling of several logs of one store again.
///
/// # Errors
/// As [`replay`].
pub async fn replay_all<'p>(logs: impl IntoIterator<Item = &'p Path>, store: &Store) -> Result<Report, ReplayFault> {
    let mut report = Report::default();
    for log in logs {
        report.add(Box::pin(replay(log, store)).await?);
    }
    Ok(report)
}

#[cfg(test)]
mod tests;
