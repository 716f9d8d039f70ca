//! The writing thread: takes what is queued, makes records of it, and appends them in batches.

use super::{Erase, Message, OnWritten, Shared};
use crate::{
    canonical::{SALT_BYTES, Salt},
    cap::Fullness,
    columns::{self, COLUMNS},
    directory::{Append, Batch},
    encode,
    event_v1::EventV1,
    hot,
    observer::Observing,
    seal,
};
use std::{
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    thread,
    time::Duration,
};
use wardgate_model::{
    event::{NotDurable, OnDurable},
    time::Time,
};

/// Events in one write at most.
pub(super) const BATCH_EVENTS_MAX: usize = 1_024;
/// Bytes after which a batch takes no further event.
pub(super) const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// After how many times `Options::retry` a log that is nearly full looks again at what is on disk.
const RECOUNT_RETRIES: u32 = 10;
/// How often the age of the tail is looked at while no event comes.
const IDLE_STEP: Duration = Duration::from_secs(1);
/// How often a closing log looks for events of places that are still out.
const CLOSING_STEP: Duration = Duration::from_millis(5);

/// The writing thread.
pub(super) struct Scribe {
    pub(super) append: Box<dyn Append>,
    pub(super) observing: Observing,
    pub(super) receiver: Receiver<Message>,
    pub(super) shared: Arc<Shared>,
    pub(super) sealing: Arc<seal::Shared>,
    pub(super) edge: Box<str>,
    pub(super) window: Duration,
    pub(super) retry: Duration,
    pub(super) next_seq: u64,
    // INVARIANT (batch): `batch` holds whole records, numbered up to `next_seq`, whose places are still taken.
    pub(super) batch: Batch,
    // INVARIANT (waiting): each of them waits for an event of `batch`, so they are no more than there are places.
    pub(super) waiting: Vec<OnDurable>,
    /// Those who read, and what was recorded before they asked is being written.
    pub(super) reading: Vec<OnWritten>,
    pub(super) salts: Salts,
    pub(super) newest: Time,
    /// How long nothing has come.
    pub(super) idle: Duration,
    /// Whether it was told that a tail is old and cannot be ended.
    pub(super) old_told: bool,
    pub(super) closing: Option<Duration>,
}

impl Scribe {
    pub(super) fn run(mut self) {
        let _down = Down(Arc::clone(&self.shared));
        while self.wait() {
            // Before anything more is gathered: it is what was recorded before they asked.
            self.reading.extend(self.shared.readers.take());
            let more = self.gather();
            self.write();
            if !more {
                self.reading.drain(..).for_each(|done| done());
            }
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
        if !self.batch.leaves.is_empty() {
            return true;
        }
        loop {
            let roomy = self.shared.cap.fullness() == Fullness::Roomy;
            let step = if roomy { IDLE_STEP } else { self.retry.saturating_mul(RECOUNT_RETRIES) };
            match self.receiver.recv_timeout(step) {
                Ok(message) => {
                    self.idle = Duration::ZERO;
                    self.take(message);
                    return true;
                }
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => {
                    // Nothing may come until somebody has taken files away.
                    if !roomy {
                        self.recount();
                    }
                    self.idle = self.idle.saturating_add(step);
                    self.end_what_is_old();
                }
            }
        }
    }

    /// Ends a tail that is old, so that it is sealed although no event comes. Only while nothing waits to be written.
    fn end_what_is_old(&mut self) {
        // It is at least so late: as it was told, and as long after the newest event as nothing came.
        let now = self.sealing.time().max(self.newest + self.idle);
        if !self.append.is_old(now) {
            self.old_told = false;
            return;
        }
        match self.append.begin_another(self.next_seq) {
            Ok(()) => self.sealing.stands(self.append.standing()),
            Err(error) if !std::mem::replace(&mut self.old_told, true) => {
                tracing::error!(%error, "a tail of the event log that is old enough to be sealed cannot be ended: it is tried again");
            }
            Err(_) => {}
        }
    }

    /// Looks again at what is on disk.
    fn recount(&mut self) {
        match self.append.recount() {
            Ok(bytes) => self.shared.cap.note(bytes),
            Err(error) => tracing::error!(%error, "the files of the event log cannot be counted"),
        }
    }

    /// Takes what is queued, up to a batch. Gives whether there may be more.
    fn gather(&mut self) -> bool {
        while self.batch.leaves.len() < BATCH_EVENTS_MAX && self.batch.frames.len() < BATCH_BYTES_MAX {
            match self.receiver.try_recv() {
                Ok(message) => self.take(message),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    fn take(&mut self, message: Message) {
        let message = match message {
            Message::Erase(asked) => return self.erase(*asked),
            Message::Intent(event, done) => {
                self.waiting.push(done);
                Message::Event(event)
            }
            other => other,
        };
        let (seq, edge) = (self.next_seq, &*self.edge);
        let (time, told) = match &message {
            Message::Event(event) => {
                self.observing.see(event);
                (event.outcome.end, encode::event(event, edge, seq))
            }
            Message::Change(change) => (change.time, encode::change(change, edge, seq)),
            Message::Finding(finding) => (finding.time, encode::finding(finding, edge, seq)),
            Message::Close { patience } => {
                self.closing = Some(*patience);
                return;
            }
            Message::Look => return self.shared.readers.heard(),
            Message::Erase(_) | Message::Intent(..) => return,
        };
        push(&mut self.batch, &told, self.salts.next());
        self.newest = self.newest.max(time);
        self.next_seq = self.next_seq.saturating_add(1);
    }

    /// Has all that was recorded before sealed, and then what is wanted erased.
    fn erase(&mut self, asked: Erase) {
        self.write();
        // What could not be written is the first that belongs to the next tail.
        let pending = u64::try_from(self.batch.leaves.len()).unwrap_or(0);
        if let Err(error) = self.append.begin_another(self.next_seq.saturating_sub(pending)) {
            tracing::error!(%error, "the tail of the event log cannot be ended: what is to be erased waits until it is full");
        }
        self.sealing.erase(asked.erasable, &asked.reason, self.next_seq, asked.done);
    }

    /// Writes the batch in one go. When that fails it is kept, and nothing can be reserved until it succeeds.
    fn write(&mut self) {
        let pending = self.batch.leaves.len();
        if pending == 0 {
            return;
        }
        let first_seq = self.next_seq.saturating_sub(u64::try_from(pending).unwrap_or(0));
        if self.sealing.wants_another() {
            // It was told of what is lost once: the file is not synced again for that.
            let _told = self.append.sync();
            if let Err(error) = self.append.begin_another(first_seq) {
                tracing::error!(%error, "no other tail of the event log can be begun");
            }
        }
        match self.append.append(&self.batch, first_seq, self.newest) {
            Ok(()) => {
                self.shared.written.fetch_add(u64::try_from(pending).unwrap_or(0), Ordering::Relaxed);
                self.shared.give_back(pending);
                if self.sealing.wants_recount() {
                    self.recount();
                } else {
                    self.shared.cap.note(self.append.bytes());
                }
                self.sealing.stands(self.append.standing());
                self.batch.frames.clear();
                self.batch.leaves.clear();
                if self.shared.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("audit events are written again");
                }
                self.make_durable();
            }
            Err(error) => {
                self.tell(Err(NotDurable));
                if !self.shared.failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "audit events cannot be written: none is accepted until they can");
                }
            }
        }
    }

    /// Makes what was written outlast the machine, where somebody waits for that.
    fn make_durable(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let synced = self.append.sync();
        if let Err(error) = &synced {
            tracing::error!(%error, "audit events may not outlast the machine: requests that need them to are refused");
            // A system tells once that bytes of a file are lost: what is to be durable from here on goes into another.
            if let Err(error) = self.append.begin_another(self.next_seq) {
                tracing::error!(%error, "no other tail of the event log can be begun");
            }
        }
        self.tell(synced.map_err(|_| NotDurable));
    }

    /// Tells everybody who waits.
    fn tell(&mut self, outcome: Result<(), NotDurable>) {
        for done in self.waiting.drain(..) {
            done(outcome);
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
            if out == 0 || (out == self.batch.leaves.len() && self.shared.failing.load(Ordering::Relaxed)) || patience.is_zero() {
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
        let mut left = std::mem::take(&mut self.batch).leaves.len();
        while let Ok(message) = self.receiver.try_recv() {
            left += usize::from(!matches!(message, Message::Close { .. } | Message::Erase(_) | Message::Look));
        }
        if left > 0 {
            self.shared.give_back(left);
            self.shared.count_lost(left);
            tracing::error!(events = left, "audit events are lost: the log was closed before they could be written");
        }
    }
}

/// Adds the record of an event to the batch. Without a salt what is personal of it cannot be hidden: it is left out then.
fn push(batch: &mut Batch, told: &EventV1<'_>, salt: Option<Salt>) {
    let leaf = if let Some(salt) = salt {
        hot::push(&mut batch.frames, told, &salt)
    } else {
        tracing::error!("there is no randomness: what an audit event tells of a person is left out of it");
        let mut row = columns::row(told);
        for (column, value) in COLUMNS.iter().zip(&mut row) {
            *value = value.take().filter(|_| !column.personal);
        }
        hot::push(&mut batch.frames, &row, &Salt::default())
    };
    batch.leaves.push(leaf);
}

/// Random salts, made many at a time.
pub(super) struct Salts {
    made: Box<[u8; SALTS * SALT_BYTES]>,
    used: usize,
}

/// How many salts are made at a time.
const SALTS: usize = 256;

impl Salts {
    pub(super) fn new() -> Self {
        Self { made: Box::new([0; SALTS * SALT_BYTES]), used: SALTS }
    }

    /// A salt that was never given before; `None` when the system has no randomness.
    fn next(&mut self) -> Option<Salt> {
        if self.used >= SALTS {
            aws_lc_rs::rand::fill(&mut *self.made).ok()?;
            self.used = 0;
        }
        let salt = self.made.chunks_exact(SALT_BYTES).nth(self.used)?.try_into().ok()?;
        self.used += 1;
        Some(salt)
    }
}

/// However the thread ends, nothing can be reserved afterwards.
struct Down(Arc<Shared>);

impl Drop for Down {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
    }
}
