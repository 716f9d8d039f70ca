//! The thread that seals, as the log holds it.

use crate::seal::Sealer;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, Thread},
};

/// The thread that seals.
pub(super) struct Sealing {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Sealing {
    pub(super) fn start(sealer: Sealer) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        let thread = thread::Builder::new().name("wardgate-seal".to_owned()).spawn(move || sealer.run(&told))?;
        Ok(Self { ended, thread })
    }

    pub(super) fn thread(&self) -> Thread {
        self.thread.thread().clone()
    }

    /// Has it sign a last time. Blocks until the thread has ended.
    pub(super) fn end(self) {
        self.ended.store(true, Ordering::Release);
        self.thread.thread().unpark();
        if self.thread.join().is_err() {
            tracing::error!("the thread that seals the event log broke down");
        }
    }
}
