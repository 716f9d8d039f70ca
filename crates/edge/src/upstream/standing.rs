//! How an address of an upstream stands: what it did with requests, and what it answers when it is asked.

use std::{cell::Cell, time::Duration};
use wardgate_model::time::Time;

/// Failures in a row after which an address is passed over.
const FAILURES_MAX: u32 = 5;
/// How long it is passed over the first time; each further time in a row adds as much again.
const EJECTION: Duration = Duration::from_secs(10);
/// The longest time that it is passed over.
const EJECTION_MAX: Duration = Duration::from_mins(5);
/// Questions in a row that must fail until an address counts as sick.
const QUESTIONS_MAX: u32 = 2;

/// How an address stands. Counted per thread.
#[derive(Debug, Default)]
pub struct Standing {
    failures: Cell<u32>,
    ejections: Cell<u32>,
    until: Cell<Option<Time>>,
    unanswered: Cell<u32>,
}

impl Standing {
    /// Whether requests should go there.
    #[must_use]
    pub fn is_up(&self, now: Time) -> bool {
        self.unanswered.get() < QUESTIONS_MAX && self.until.get().is_none_or(|until| now >= until)
    }

    /// A request was answered as it should be.
    pub fn well(&self) {
        if self.failures.replace(0) > 0 || self.until.get().is_some() {
            self.until.set(None);
            self.ejections.set(0);
        }
    }

    /// A request failed for what the upstream did or did not do. Gives whether that is the one too many.
    pub fn failed(&self, now: Time) -> bool {
        let failures = self.failures.get().saturating_add(1);
        // After its time one more failure is enough: it has not recovered.
        let again = self.ejections.get() > 0 && self.until.get().is_some_and(|until| now >= until);
        if failures < FAILURES_MAX && !again {
            self.failures.set(failures);
            return false;
        }
        self.failures.set(0);
        let times = self.ejections.get().saturating_add(1);
        self.ejections.set(times);
        self.until.set(Some(now + EJECTION.saturating_mul(times).min(EJECTION_MAX)));
        true
    }

    /// It was asked for its health.
    pub fn asked(&self, well: bool) {
        if well {
            self.unanswered.set(0);
            self.until.set(None);
        } else {
            self.unanswered.set(self.unanswered.get().saturating_add(1));
        }
    }
}

#[cfg(test)]
mod tests;
