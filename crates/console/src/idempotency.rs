//! Idempotency keys: the same request again gets the first one's answer, for a day, in bounded memory.
//!
//! The memory is this process's own: after a restart a repeated request is a new one, and what it makes is bounded by
//! what may be live at a time.

use crate::{
    answer::Answer,
    problem::{Code, Problem},
};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use wardgate_model::{id::IdentityId, time::Time};

/// How long an answer is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How many answers are remembered; the oldest goes first.
pub const REMEMBERED_MAX: usize = 1_000;
/// Longest body that a key may stand on, in bytes: bounds the memory.
const BODY_BYTES_MAX: usize = 4 * 1024;

struct Entry {
    identity: IdentityId,
    key: Box<str>,
    body: Bytes,
    begun: Time,
    /// `None`: under way.
    answer: Option<Answer>,
}

impl Entry {
    fn is(&self, identity: &IdentityId, key: &str) -> bool {
        self.identity == *identity && *self.key == *key
    }
}

/// What was answered of late, oldest first.
#[derive(Clone, Default)]
pub(crate) struct Remembered(Arc<Mutex<VecDeque<Entry>>>);

/// A request under way. Dropped without [`Place::keep`], the key is free again.
pub(crate) struct Place {
    remembered: Remembered,
    identity: IdentityId,
    key: Box<str>,
}

/// What a key stands for.
pub(crate) enum Begun {
    /// This request.
    New(Place),
    /// A request that was answered.
    Known(Answer),
}

impl Remembered {
    /// A panic elsewhere leaves the list whole: every change to it is one push, one removal or one assignment.
    fn entries(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a key for a request, or gives the answer that it had.
    ///
    /// # Errors
    /// The key was used for another request, or the first one is still under way.
    pub(crate) fn begin(&self, identity: &IdentityId, key: &str, body: &Bytes, now: Time) -> Result<Begun, Problem> {
        if body.len() > BODY_BYTES_MAX {
            return Err(Problem::new(Code::Malformed, format!("a body with an idempotency key has at most {BODY_BYTES_MAX} bytes")));
        }
        let mut entries = self.entries();
        while entries.front().is_some_and(|e| now.since(e.begun) >= REMEMBERED) {
            entries.pop_front();
        }
        if let Some(entry) = entries.iter().find(|e| e.is(identity, key)) {
            if entry.body != *body {
                return Err(Problem::new(Code::KeyReused, "the body is another than that of the first request with this key"));
            }
            let first = entry.answer.clone();
            return first.map(Begun::Known).ok_or_else(|| Problem::new(Code::InProgress, "ask again when it is answered"));
        }
        if entries.len() >= REMEMBERED_MAX {
            entries.pop_front();
        }
        entries.push_back(Entry { identity: identity.clone(), key: key.into(), body: body.clone(), begun: now, answer: None });
        Ok(Begun::New(Place { remembered: self.clone(), identity: identity.clone(), key: key.into() }))
    }
}

impl Place {
    /// Remembers the answer.
    pub(crate) fn keep(self, answer: Answer) {
        if let Some(entry) = self.remembered.entries().iter_mut().find(|e| e.is(&self.identity, &self.key)) {
            entry.answer = Some(answer);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.remembered.entries().retain(|e| e.answer.is_some() || !e.is(&self.identity, &self.key));
    }
}

#[cfg(test)]
mod tests;
