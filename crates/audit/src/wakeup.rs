//! How a thread that waits is told that there is something to do.
//!
//! `thread::park` is no good for that here: what a thread calls meanwhile (a channel of the HTTP client, say) parks too, and takes the
//! token that was meant for the thread itself.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Remembers that it was told until somebody waits. INVARIANT: nothing told between two waits is lost.
#[derive(Debug, Default)]
pub(crate) struct Wakeup {
    told: Mutex<bool>,
    changed: Condvar,
}

impl Wakeup {
    /// Ends the wait of a thread, or else its next one.
    pub(crate) fn wake(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits until it was told, or for so long.
    pub(crate) fn wait(&self, longest: Option<Duration>) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = match longest {
            Some(longest) => self.changed.wait_timeout_while(told, longest, |told| !*told).unwrap_or_else(PoisonError::into_inner).0,
            None => self.changed.wait_while(told, |told| !*told).unwrap_or_else(PoisonError::into_inner),
        };
        *told = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{Arc, mpsc},
        thread,
    };

    /// What is waited for in between, by whatever means, takes nothing away.
    #[test]
    fn what_was_told_while_a_thread_parked_elsewhere_is_not_lost() {
        let wakeup = Arc::new(Wakeup::default());
        let (send, receive) = mpsc::sync_channel::<()>(1);
        let waiting = thread::spawn({
            let wakeup = Arc::clone(&wakeup);
            move || {
                thread::park();
                receive.recv().ok();
                wakeup.wait(None);
                wakeup.wait(Some(Duration::from_millis(1)));
            }
        });
        wakeup.wake();
        waiting.thread().unpark();
        send.send(()).unwrap();
        waiting.join().unwrap();
    }
}
