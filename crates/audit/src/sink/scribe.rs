//! The writing thread: takes what is queued, makes lines of it, and appends them in batches.

use super::{Message, Shared};
use crate::{cap::Fullness, directory::Append, encode, event_v1::EventV1, observer::Observing};
use std::{
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    thread,
    time::Duration,
};
use wardgate_model::time::Time;

/// Events in one write at most.
pub(super) const BATCH_EVENTS_MAX: usize = 1_024;
/// Bytes after which a batch takes no further event.
pub(super) const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// After how many times `Options::retry` a log that is nearly full looks again at what is on disk.
const RECOUNT_RETRIES: u32 = 10;
/// How often a closing log looks for events of places that are still out.
const CLOSING_STEP: Duration = Duration::from_millis(5);

/// The writing thread.
pub(super) struct Scribe {
    pub(super) append: Box<dyn Append>,
    pub(super) observing: Observing,
    pub(super) receiver: Receiver<Message>,
    pub(super) shared: Arc<Shared>,
    pub(super) edge: Box<str>,
    pub(super) window: Duration,
    pub(super) retry: Duration,
    pub(super) next_seq: u64,
    // INVARIANT (batch): `lines` holds `pending` whole lines, numbered up to `next_seq`, whose places are still taken.
    pub(super) lines: Vec<u8>,
    pub(super) pending: usize,
    pub(super) newest: Time,
    pub(super) closing: Option<Duration>,
}

impl Scribe {
    pub(super) fn run(mut self) {
        let _down = Down(Arc::clone(&self.shared));
        while self.wait() {
            let more = self.gather();
            self.write();
            if self.closing.is_some() {
                return self.close();
            }
            if self.shared.failing.load(Ordering::Relaxed) {
                thread::park_timeout(self.retry);
            } else if !more {
                thread::park_timeout(self.window);
            }
        }
        self.close();
    }

    /// Waits for work without looking. `false`: everybody who could bring some is gone.
    fn wait(&mut self) -> bool {
        if self.pending > 0 {
            return true;
        }
        loop {
            let message = match self.shared.cap.fullness() {
                Fullness::Roomy => self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                // Nothing may come until somebody has taken files away.
                Fullness::Pressed | Fullness::Full => self.receiver.recv_timeout(self.retry.saturating_mul(RECOUNT_RETRIES)),
            };
            match message {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => {
                    self.recount();
                    continue;
                }
            }
            return true;
        }
    }

    /// Looks again at what is on disk, and lets go what is old.
    fn recount(&mut self) {
        let now = self.newest.max(Time::from_micros(self.shared.now_us.load(Ordering::Relaxed)));
        match self.append.recount(now) {
            Ok(bytes) => self.shared.cap.note(bytes),
            Err(error) => tracing::error!(%error, "the files of the event log cannot be counted"),
        }
    }

    /// Takes what is queued, up to a batch. Gives whether there may be more.
    fn gather(&mut self) -> bool {
        while self.pending < BATCH_EVENTS_MAX && self.lines.len() < BATCH_BYTES_MAX {
            match self.receiver.try_recv() {
                Ok(message) => self.take(message),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    fn take(&mut self, message: Message) {
        let before = self.lines.len();
        let (time, done) = match &message {
            Message::Event(event) => {
                self.observing.see(event);
                (event.outcome.end, write_line(&mut self.lines, &encode::event(event, &self.edge, self.next_seq)))
            }
            Message::Change(change) => (change.time, write_line(&mut self.lines, &encode::change(change, &self.edge, self.next_seq))),
            Message::Finding(finding) => (finding.time, write_line(&mut self.lines, &encode::finding(finding, &self.edge, self.next_seq))),
            Message::Close { patience } => {
                self.closing = Some(*patience);
                return;
            }
        };
        self.newest = self.newest.max(time);
        self.keep(done, before);
    }

    /// Counts the line in, or takes back what there is of it.
    fn keep(&mut self, done: serde_json::Result<()>, before: usize) {
        match done {
            Ok(()) => {
                self.pending += 1;
                self.next_seq = self.next_seq.saturating_add(1);
            }
            Err(error) => {
                tracing::error!(%error, "an audit event is lost: it cannot be written as JSON");
                self.lines.truncate(before);
                self.shared.give_back(1);
                self.shared.count_lost(1);
            }
        }
    }

    /// Writes the batch in one go. When that fails it is kept, and nothing can be reserved until it succeeds.
    fn write(&mut self) {
        if self.pending == 0 {
            return;
        }
        let first_seq = self.next_seq.saturating_sub(u64::try_from(self.pending).unwrap_or(0));
        match self.append.append(&self.lines, first_seq, self.newest) {
            Ok(()) => {
                self.shared.written.fetch_add(u64::try_from(self.pending).unwrap_or(0), Ordering::Relaxed);
                self.shared.give_back(self.pending);
                self.shared.cap.note(self.append.bytes());
                self.pending = 0;
                self.lines.clear();
                if self.shared.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("audit events are written again");
                }
            }
            Err(error) => {
                if !self.shared.failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "audit events cannot be written: none is accepted until they can");
                }
            }
        }
    }

    /// Writes all that is there and all that still comes within the patience, then ends.
    fn close(mut self) {
        let mut patience = self.closing.unwrap_or_default();
        loop {
            while self.gather() && !self.shared.failing.load(Ordering::Relaxed) {
                self.write();
            }
            self.write();
            let out = self.shared.used.load(Ordering::Acquire);
            if out == 0 || (out == self.pending && self.shared.failing.load(Ordering::Relaxed)) || patience.is_zero() {
                break;
            }
            match self.receiver.recv_timeout(CLOSING_STEP) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => patience = patience.saturating_sub(CLOSING_STEP),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.count_what_is_left();
        if let Err(error) = self.append.sync() {
            tracing::error!(%error, "the audit log could not be synced to disk");
        }
    }

    fn count_what_is_left(&mut self) {
        let mut left = std::mem::take(&mut self.pending);
        while let Ok(message) = self.receiver.try_recv() {
            left += usize::from(!matches!(message, Message::Close { .. }));
        }
        if left > 0 {
            self.shared.give_back(left);
            self.shared.count_lost(left);
            tracing::error!(events = left, "audit events are lost: the log was closed before they could be written");
        }
    }
}

fn write_line(lines: &mut Vec<u8>, event: &EventV1<'_>) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *lines, event)?;
    lines.push(b'\n');
    Ok(())
}

/// However the thread ends, nothing can be reserved afterwards.
struct Down(Arc<Shared>);

impl Drop for Down {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
    }
}
