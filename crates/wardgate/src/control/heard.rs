//! Whether the store answers, and since when it does not. The gate goes on with its last good state; this says how stale
//! that is.

use crate::clock;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};
use wardgate_model::time::Time;
use wardgate_store::StoreFault;

/// The contact with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// It answers.
    Kept,
    /// It does not.
    Lost,
}

/// When the store last answered.
#[derive(Debug)]
pub struct Heard {
    last_us: AtomicI64,
    trouble: Mutex<Option<String>>,
}

impl Heard {
    /// It just answered.
    pub(super) fn now() -> Self {
        Self { last_us: AtomicI64::new(clock::now().as_micros()), trouble: Mutex::new(None) }
    }

    /// Notes how the last attempt went; says so once when it changes.
    pub(super) fn note(&self, attempt: Result<(), StoreFault>) -> Contact {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match attempt {
            Ok(()) => {
                self.last_us.store(clock::now().as_micros(), Ordering::Relaxed);
                if trouble.take().is_some() {
                    tracing::info!("the store answers again");
                }
                Contact::Kept
            }
            Err(error) => {
                if trouble.is_none() {
                    tracing::error!(%error, "the store does not answer: the gate goes on with its last good state");
                }
                *trouble = Some(error.to_string());
                Contact::Lost
            }
        }
    }

    /// When it last answered.
    #[must_use]
    pub fn last(&self) -> Time {
        Time::from_micros(self.last_us.load(Ordering::Relaxed))
    }

    /// What is wrong with it, while it does not answer.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
