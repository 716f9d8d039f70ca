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
/// How many bytes of requests and answers are remembered; the oldest go first.
pub const REMEMBERED_BYTES_MAX: usize = 16 * 1024 * 1024;

struct Entry {
    identity: IdentityId,
    key: Box<str>,
    path: Box<str>,
    body: Bytes,
    begun: Time,
    /// `None`: under way.
    answer: Option<Answer>,
}

impl Entry {
    fn is(&self, identity: &IdentityId, key: &str) -> bool {
        self.identity == *identity && *self.key == *key
    }

    fn bytes(&self) -> usize {
        self.path.len() + self.body.len() + self.answer.as_ref().map_or(0, Answer::bytes)
    }
}

/// Lets the oldest answers go until there is room; what is under way stays.
fn make_room(entries: &mut VecDeque<Entry>, bytes: usize) {
    let mut held: usize = entries.iter().map(Entry::bytes).sum();
    while entries.len() >= REMEMBERED_MAX || held + bytes > REMEMBERED_BYTES_MAX {
        let Some(oldest) = entries.iter().position(|entry| entry.answer.is_some()) else { return };
        held -= entries.remove(oldest).map_or(0, |entry| entry.bytes());
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
    pub(crate) fn begin(&self, identity: &IdentityId, key: &str, (path, body): (&str, &Bytes), now: Time) -> Result<Begun, Problem> {
        let mut entries = self.entries();
        while entries.front().is_some_and(|e| e.answer.is_some() && now.since(e.begun) >= REMEMBERED) {
            entries.pop_front();
        }
        if let Some(entry) = entries.iter().find(|e| e.is(identity, key)) {
            if entry.body != *body || *entry.path != *path {
                return Err(Problem::new(Code::KeyReused, "the body or the path is another than that of the first request with this key"));
            }
            let first = entry.answer.clone();
            return first.map(Begun::Known).ok_or_else(|| Problem::new(Code::InProgress, "ask again when it is answered"));
        }
        make_room(&mut entries, path.len() + body.len());
        if entries.len() >= REMEMBERED_MAX {
            return Err(Problem::new(Code::InProgress, "too many requests with keys are under way: ask again in a moment"));
        }
        let (key, path): (Box<str>, Box<str>) = (key.into(), path.into());
        // A copy of its own: the request's bytes may be a small part of something large.
        let body = Bytes::copy_from_slice(body);
        entries.push_back(Entry { identity: identity.clone(), key: key.clone(), path, body, begun: now, answer: None });
        Ok(Begun::New(Place { remembered: self.clone(), identity: identity.clone(), key }))
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
