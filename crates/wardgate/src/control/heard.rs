//! Whether the store answers, and since when it does not. The gate goes on with its last good state; this says how stale
//! that is.

use crate::clock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wardgate_console::Away;
use wardgate_gate::heard::LastHeard;
use wardgate_model::time::Time;
use wardgate_store::StoreFault;

/// What was tried with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// Whether it is there: asked once a second.
    Beat,
    /// To read on in the feed, and to obey it.
    Follow,
    /// To write, after somebody could not.
    Write,
}

/// Something that the store does not do.
#[derive(Debug, Clone)]
struct Trouble {
    said: String,
    /// In words for callers; `None`: it is there, and something in it is wrong.
    away: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Troubles {
    beat: Option<Trouble>,
    follow: Option<Trouble>,
    write: Option<Trouble>,
}

impl Troubles {
    fn of(&mut self, tried: Tried) -> &mut Option<Trouble> {
        match tried {
            Tried::Beat => &mut self.beat,
            Tried::Follow => &mut self.follow,
            Tried::Write => &mut self.write,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Trouble> {
        [&self.beat, &self.write, &self.follow].into_iter().flatten()
    }
}

/// When the store last answered.
#[derive(Debug)]
pub struct Heard {
    last: Arc<LastHeard>,
    troubles: Mutex<Troubles>,
}

impl Heard {
    /// It last answered at `time`.
    pub(super) fn at(time: Time) -> Self {
        Self { last: Arc::new(LastHeard::at(time)), troubles: Mutex::default() }
    }

    /// It was away when this process started.
    pub(super) fn away_since(time: Time, fault: &StoreFault) -> Self {
        let heard = Self::at(time);
        heard.note(Tried::Beat, Err(fault));
        heard
    }

    /// Notes how an attempt went; says so once when it changes.
    pub(super) fn note(&self, tried: Tried, attempt: Result<(), &StoreFault>) {
        let mut troubles = self.troubles();
        let silent = troubles.all().next().is_some();
        *troubles.of(tried) = attempt.err().map(|fault| Trouble { said: fault.to_string(), away: fault.is_away().then(|| fault.away()) });
        // Whoever is there but cannot be followed tells nothing.
        if tried != Tried::Write && troubles.beat.is_none() && troubles.follow.is_none() {
            self.last.note(clock::now());
        }
        match (silent, attempt) {
            (false, Err(error)) => {
                tracing::error!(%error, "the store does not answer: the gate goes on with its last good state");
            }
            (true, Ok(())) if troubles.all().next().is_none() => tracing::info!("the store answers again"),
            _ => {}
        }
    }

    /// When it last answered.
    #[must_use]
    pub fn last(&self) -> Time {
        self.last.last()
    }

    /// The same, for snapshots.
    pub(super) fn clock(&self) -> Arc<LastHeard> {
        Arc::clone(&self.last)
    }

    /// What is wrong with it, while something is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.troubles().all().next().map(|trouble| trouble.said.clone())
    }

    /// Whether it is away: nothing can be put on record.
    #[must_use]
    pub fn away(&self) -> Option<Away> {
        let why = self.troubles().all().find_map(|trouble| trouble.away)?;
        Some(Away { since: self.last(), why: why.into() })
    }

    /// Whether the last attempt of this kind failed.
    pub(super) fn failed(&self, tried: Tried) -> bool {
        self.troubles().of(tried).is_some()
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
