//! Who has requests open, asked of the threads of the doors: nothing is counted on the way of a request.
//!
//! A question lies in a thread's box until the thread looks at its deadlines next, within [`crate::watch::PERIOD`]. Then the
//! thread goes once through what it watches. What it tells is sums, so that ten thousand streams of one caller are one line.

use ahash::AHashMap;
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::oneshot;
use wardgate_model::{
    api::OperationId,
    facts::Facts,
    id::{CredentialId, IdentityId},
    time::Time,
};

/// Lines that one thread tells at most.
const LINES_MAX: usize = 10_000;
/// Questions that wait for one thread at most.
const QUESTIONS_MAX: usize = 16;

/// What open requests have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Common {
    /// Whose they are; `anonymous` where no credential was shown.
    pub identity: IdentityId,
    /// By which credential.
    pub credential: Option<CredentialId>,
    /// On which operation; its id begins with the API's name. `None`: on one that the API does not document.
    pub operation: Option<OperationId>,
}

/// Open requests that have everything in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequests {
    /// What they have in common.
    pub common: Common,
    /// How many.
    pub count: u64,
    /// When the oldest began.
    pub since: Time,
}

/// What the threads told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// What is open.
    pub open: Vec<OpenRequests>,
    /// Whether that is all: no thread was silent, and none had more to tell than fits.
    pub whole: bool,
}

/// Asks every thread of the doors.
#[derive(Debug, Default)]
pub struct Census(Mutex<Vec<Weak<Inbox>>>);

/// Where questions wait for one thread.
#[derive(Debug, Default)]
pub struct Inbox(Mutex<Vec<oneshot::Sender<Counted>>>);

/// What one thread has counted so far.
#[derive(Debug, Default)]
pub struct Tally {
    // INVARIANT (bounded): at most LINES_MAX lines.
    lines: AHashMap<Common, (u64, Time)>,
    more: bool,
}

impl Census {
    /// Takes a thread in; it is asked until it drops its box.
    #[must_use]
    pub fn enrol(&self) -> Arc<Inbox> {
        let inbox = Arc::new(Inbox::default());
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| thread.strong_count() > 0);
        threads.push(Arc::downgrade(&inbox));
        inbox
    }

    /// Asks, and waits no longer than `patience` for all answers together. Call it on a runtime with a timer.
    pub async fn count(&self, patience: Duration) -> Counted {
        let mut counted = Counted { open: Vec::new(), whole: true };
        let inboxes: Vec<Arc<Inbox>> = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
        let mut answers = Vec::with_capacity(inboxes.len());
        for inbox in &inboxes {
            match inbox.put() {
                Some(answer) => answers.push(answer),
                None => counted.whole = false,
            }
        }
        // A thread that ends drops its questions: nobody waits for it.
        drop(inboxes);
        let mut told = 0;
        let all = async {
            for answer in &mut answers {
                if let Ok(part) = answer.await {
                    counted.whole &= part.whole;
                    counted.open.extend(part.open);
                }
                told += 1;
            }
        };
        let _late = tokio::time::timeout(patience, all).await;
        counted.whole &= told == answers.len();
        counted
    }
}

impl Inbox {
    /// Puts a question; `None`: too many wait already.
    fn put(&self) -> Option<oneshot::Receiver<Counted>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|question| !question.is_closed());
        if waiting.len() >= QUESTIONS_MAX {
            return None;
        }
        let (question, answer) = oneshot::channel();
        waiting.push(question);
        Some(answer)
    }

    /// Answers whoever asks, all with one count.
    pub fn answer(&self, count: impl FnOnce(&mut Tally)) {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.is_empty() {
            return;
        }
        let mut tally = Tally::default();
        count(&mut tally);
        let counted = tally.told();
        for question in waiting {
            // Whoever asked may not want to know any more.
            let _gone = question.send(counted.clone());
        }
    }
}

impl Tally {
    /// Counts an open request, unless nobody is behind it.
    pub fn add(&mut self, facts: &Facts, since: Time) {
        let Some(caller) = &facts.caller else { return };
        let common = Common {
            identity: caller.identity.id.clone(),
            credential: caller.credential.as_ref().map(|credential| credential.id),
            operation: facts.operation.as_ref().map(|operation| operation.id.clone()),
        };
        let room = self.lines.len() < LINES_MAX;
        match self.lines.get_mut(&common) {
            Some((count, oldest)) => (*count, *oldest) = (count.saturating_add(1), since.min(*oldest)),
            None if room => drop(self.lines.insert(common, (1, since))),
            None => self.more = true,
        }
    }

    fn told(self) -> Counted {
        let open = self.lines.into_iter().map(|(common, (count, since))| OpenRequests { common, count, since });
        Counted { open: open.collect(), whole: !self.more }
    }
}
