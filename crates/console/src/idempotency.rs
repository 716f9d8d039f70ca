//! Idempotency keys: the same request again gets the first one's answer, for a day, in bounded memory.
//!
//! The memory is this process's own: after a restart a repeated request is a new one, and what it makes is bounded by
//! what may be live at a time.

use crate::{
    answer::Answer,
    call::Call,
    problem::{Code, Problem},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, header};
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

/// The fields that make another request of the same words.
const FIELDS: [HeaderName; 2] = [header::IF_MATCH, header::IF_NONE_MATCH];

/// What makes two requests with one key the same: all that an operation reads of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Same<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
}

impl<'a> Same<'a> {
    pub(crate) fn of(call: &'a Call) -> Self {
        let query = call.query.as_deref().unwrap_or_default();
        Self { method: &call.method, path: &call.path, query, headers: &call.headers, body: &call.body }
    }

    /// The values of the fields that count, each with its length before it: no two requests have the same.
    fn fields(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for field in &FIELDS {
            for value in self.headers.get_all(field) {
                all.extend_from_slice(field.as_str().as_bytes());
                all.extend_from_slice(&value.len().to_be_bytes());
                all.extend_from_slice(value.as_bytes());
            }
        }
        all
    }

    /// A copy of its own: the request's bytes may be a small part of something large.
    fn kept(&self) -> Kept {
        let (method, fields) = (self.method.clone(), self.fields());
        Kept { method, path: self.path.into(), query: self.query.into(), fields, body: Bytes::copy_from_slice(self.body) }
    }

    /// In which part it is another request than the one that was kept.
    fn differs(&self, kept: &Kept) -> Option<&'static str> {
        let parts = [
            ("method", *self.method == kept.method),
            ("path", *self.path == *kept.path),
            ("query", *self.query == *kept.query),
            ("precondition", self.fields() == kept.fields),
            ("body", *self.body == kept.body),
        ];
        parts.into_iter().find(|(_, same)| !same).map(|(part, _)| part)
    }

    fn bytes(&self) -> usize {
        self.path.len() + self.query.len() + self.body.len()
    }
}

/// A request that was made with a key.
struct Kept {
    method: Method,
    path: Box<str>,
    query: Box<str>,
    fields: Vec<u8>,
    body: Bytes,
}

struct Entry {
    identity: IdentityId,
    key: Box<str>,
    request: Kept,
    begun: Time,
    /// `None`: under way.
    answer: Option<Answer>,
}

impl Entry {
    fn is(&self, identity: &IdentityId, key: &str) -> bool {
        self.identity == *identity && *self.key == *key
    }

    fn bytes(&self) -> usize {
        let Kept { path, query, fields, body, .. } = &self.request;
        path.len() + query.len() + fields.len() + body.len() + self.answer.as_ref().map_or(0, Answer::bytes)
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
    pub(crate) fn begin(&self, identity: &IdentityId, key: &str, request: Same<'_>, now: Time) -> Result<Begun, Problem> {
        let mut entries = self.entries();
        while entries.front().is_some_and(|e| e.answer.is_some() && now.since(e.begun) >= REMEMBERED) {
            entries.pop_front();
        }
        if let Some(entry) = entries.iter().find(|e| e.is(identity, key)) {
            if let Some(part) = request.differs(&entry.request) {
                return Err(Problem::new(Code::KeyReused, format!("the {part} is another than that of the first request with this key")));
            }
            let first = entry.answer.clone();
            return first.map(Begun::Known).ok_or_else(|| Problem::new(Code::InProgress, "ask again when it is answered"));
        }
        make_room(&mut entries, request.bytes());
        if entries.len() >= REMEMBERED_MAX {
            return Err(Problem::new(Code::InProgress, "too many requests with keys are under way: ask again in a moment"));
        }
        let key: Box<str> = key.into();
        entries.push_back(Entry { identity: identity.clone(), key: key.clone(), request: request.kept(), begun: now, answer: None });
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
