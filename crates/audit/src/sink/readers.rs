//! Who reads the log and is not to miss what was answered just now: events wait for each other a moment before they are written.

use super::{Log, Message};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Told that what was recorded before can be read; dropped untold where the log is closed.
pub type OnWritten = Box<dyn FnOnce() + Send>;

/// Who waits for that at a time. Whoever comes later reads what there is.
const READERS_MAX: usize = 64;

/// Who waits for it.
#[derive(Default)]
pub(super) struct Readers {
    /// INVARIANT (readers): at most [`READERS_MAX`].
    waiting: Mutex<Vec<OnWritten>>,
    /// Whether a message for the writing thread is under way: there is room for one.
    told: AtomicBool,
}

impl Readers {
    fn with<T>(&self, look: impl FnOnce(&mut Vec<OnWritten>) -> T) -> T {
        // Whoever panicked left whole what is there.
        look(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everybody who waits. What was recorded before they asked is queued by now.
    pub(super) fn take(&self) -> Vec<OnWritten> {
        self.with(std::mem::take)
    }

    /// The message has come.
    pub(super) fn heard(&self) {
        self.told.store(false, Ordering::Release);
    }
}

impl Log {
    /// Has all that was recorded before this call written now, and tells when that was done, or tried in vain.
    pub fn when_written(&self, done: OnWritten) {
        let readers = &self.shared.readers;
        let too_many = readers.with(|waiting| match waiting.len() < READERS_MAX {
            true => {
                waiting.push(done);
                None
            }
            false => Some(done),
        });
        if let Some(done) = too_many {
            return done();
        }
        if !readers.told.swap(true, Ordering::AcqRel) && self.sender.try_send(Message::Look).is_err() {
            // The log is closed: nothing more will be written.
            drop(readers.take());
        }
        self.writer.unpark();
    }
}
