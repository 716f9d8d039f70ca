//! Where events go: a bounded queue, and one thread that writes it to the directory in batches.
//!
//! A place is reserved *before* a request is forwarded and given back once its event is written, so `used` never exceeds
//! the bound and an event with a place always finds room (INVARIANT (room): what is queued ≤ `used` ≤ `places`, and the
//! channel holds `places`, one wish to erase, one to read and one closing message). Nobody who reserves or records ever waits.
//!
//! When the disk refuses, what is queued is kept and tried again; meanwhile nothing more can be reserved, so that
//! `audit: required` refuses and `best_effort` counts. Events are lost only when the process ends before the disk mends. The
//! same happens where the log has taken as much of the disk as it may, before the disk itself is full.
//!
//! An event that somebody waits for (`audit: durable`) does not wait for the window: it is written and made to outlast the machine at
//! once, and whatever came meanwhile with it. Who waits is told that it does, or at the first failure that it does not; an event that
//! cannot be written is kept all the same, as any other.

mod readers;
mod scribe;
mod sealing;

pub use crate::{
    cap::{Fullness, WAY_OUT},
    directory::StartError,
    observer::Observer,
    record::{ChangeRecord, FindingRecord},
    seal::Seal,
};
pub use readers::OnWritten;

use crate::{
    anchor::Anchor,
    cap::Cap,
    directory::{self, Append, Batch, Begin, Directory, Found, Full, Standing},
    observer::Observing,
    seal::{self, Done, ErasureProgress, Sealer},
    segment::erase::Erasable,
    store::Storage,
};
use readers::Readers;
use scribe::{Salts, Scribe};
use sealing::Sealing;
use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle, Thread},
    time::Duration,
};
use wardgate_model::{
    event::{Event, EventSink, NoPlace, OnDurable, Share},
    time::Time,
};

/// How the log works. Every bound is finite.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of this edge, in every event.
    pub edge: Box<str>,
    /// Places in the queue.
    pub queue_events: usize,
    /// Events after which a tail is sealed.
    pub seal_events: u64,
    /// Bytes after which a tail is sealed.
    pub seal_bytes: u64,
    /// How long after its first event a tail is sealed, whether another event comes or not.
    pub seal_after: Duration,
    /// Bytes that all files together may take; beyond it nothing is recorded but what operators do.
    pub bytes_max: u64,
    /// How long a segment is kept after its newest event; `None`: until somebody takes it away.
    pub retain: Option<Duration>,
    /// Who signs what is sealed. `None`: nothing is sealed, all stays in tails.
    pub seal: Option<Seal>,
    /// Second places for the checkpoints of what is sealed.
    pub anchors: Vec<Anchor>,
    /// Where segments go; `None`: they stay in the directory.
    pub storage: Option<Storage>,
    /// How long events are gathered before they are written; at most this long an event is in memory only.
    pub window: Duration,
    /// How long after a failed write the next is tried.
    pub retry: Duration,
}

impl Options {
    /// The defaults: 16,384 places; sealed after 131,072 events, 128 MiB or an hour; together 64 GiB, kept until somebody takes them away; written every 100 ms, tried again after 500 ms.
    #[must_use]
    pub fn new(edge: &str) -> Self {
        Self {
            edge: edge.into(),
            queue_events: 16_384,
            seal_events: 131_072,
            seal_bytes: 128 * 1024 * 1024,
            seal_after: Duration::from_secs(3_600),
            bytes_max: 64 * 1024 * 1024 * 1024,
            retain: None,
            seal: None,
            anchors: Vec::new(),
            storage: None,
            window: Duration::from_millis(100),
            retry: Duration::from_millis(500),
        }
    }
}

/// How the log is doing. For metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Events on disk since the start.
    pub written: u64,
    /// Events that found no place (`wardgate_audit_dropped_total`).
    pub dropped: u64,
    /// Events that had a place and were lost all the same: the log closed before it could write them.
    pub lost: u64,
    /// Segments sealed since the start.
    pub sealed: u64,
    /// Tails that could not be sealed, because they do not hold what was written to them.
    pub unsealed: u64,
    /// Whether the last try to seal, sign, retire or erase failed: it is tried again each second.
    pub seal_failing: bool,
    /// Whether the clock is so far ahead of the newest event before the start that nothing is retired by it.
    pub clock_doubted: bool,
    /// Anchors that do not have the newest checkpoint.
    pub anchors_behind: usize,
    /// Tries to bring a checkpoint to an anchor that failed.
    pub anchor_failures: u64,
    /// Segments that are not in the store as they are now.
    pub unstored: usize,
    /// Entries of the log of segments that its copy in the store does not have.
    pub uncopied: u64,
    /// Tries to put a segment into the store, or to delete one there, that failed.
    pub store_failures: u64,
    /// Bytes of a torn record that the start cut off.
    pub torn_bytes: u64,
    /// Places taken now: reserved, queued or being written.
    pub queued: usize,
    /// Places in all.
    pub places: usize,
    /// Whether the last write failed. Nothing can be reserved while it does.
    pub failing: bool,
}

/// What the log takes of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes that they may have.
    pub bytes_max: u64,
    /// What is recorded therefore.
    pub fullness: Fullness,
}

#[derive(Default)]
struct Shared {
    places: usize,
    // INVARIANT (room): at most `places`.
    used: AtomicUsize,
    failing: AtomicBool,
    /// Whether an erasure is asked for, or under way.
    erasing: AtomicBool,
    readers: Readers,
    closed: AtomicBool,
    written: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
    torn_bytes: u64,
    cap: Cap,
}

impl Shared {
    fn give_back(&self, places: usize) {
        self.used.fetch_sub(places, Ordering::AcqRel);
    }

    fn count_lost(&self, events: usize) {
        self.lost.fetch_add(u64::try_from(events).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn counters(&self) -> Counters {
        Counters {
            written: self.written.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            sealed: 0,
            unsealed: 0,
            seal_failing: false,
            clock_doubted: false,
            anchors_behind: 0,
            anchor_failures: 0,
            unstored: 0,
            uncopied: 0,
            store_failures: 0,
            torn_bytes: self.torn_bytes,
            queued: self.used.load(Ordering::Relaxed),
            places: self.places,
            failing: self.failing.load(Ordering::Relaxed),
        }
    }
}

enum Message {
    Event(Box<Event>),
    Intent(Box<Event>, OnDurable),
    Change(Box<ChangeRecord>),
    Finding(Box<FindingRecord>),
    Erase(Box<Erase>),
    Look,
    Close { patience: Duration },
}

/// What is to be erased, and why.
struct Erase {
    erasable: Erasable,
    reason: Box<str>,
    done: Done,
}

/// The log as events see it.
pub struct Log {
    shared: Arc<Shared>,
    sealing: Arc<seal::Shared>,
    sender: SyncSender<Message>,
    writer: Thread,
}

impl Log {
    /// Opens the directory (made with mode 0700 if need be, files have 0600), finds where the last run ended, and starts
    /// the writing thread.
    ///
    /// # Errors
    /// When the directory cannot be used, or another process writes to it.
    pub fn start(directory: &Path, options: &Options) -> Result<(Arc<Self>, Writer), StartError> {
        Self::open(directory, options, None)
    }

    /// As [`Log::start`], with somebody who is shown the event of each request on the writing thread.
    ///
    /// # Errors
    /// As [`Log::start`].
    pub fn start_observed(directory: &Path, options: &Options, observer: Observer) -> Result<(Arc<Self>, Writer), StartError> {
        Self::open(directory, options, Some(observer))
    }

    fn open(directory: &Path, options: &Options, observer: Option<Observer>) -> Result<(Arc<Self>, Writer), StartError> {
        let full = Full { events: options.seal_events, bytes: options.seal_bytes, after: options.seal_after };
        let sealing = Arc::new(seal::Shared::default());
        let lock = directory::lock(directory)?;
        let sealer = options.seal.as_ref().map(|seal| Sealer::open(directory, &options.edge, seal, options.retain, Arc::clone(&sealing)));
        let sealer = sealer.transpose().map_err(|fault| StartError::Sealed(Box::new(fault)))?;
        let distrusted =
            sealer.as_ref().map(Sealer::distrusted).transpose().map_err(|fault| StartError::Sealed(Box::new(fault)))?.flatten();
        if let Some((tail, _)) = distrusted {
            tracing::error!(%tail, "a tail of the event log does not hold what was signed: it is left as it is, a new one begins");
        }
        let least = sealer.as_ref().map_or(1, Sealer::next_seq).max(distrusted.map_or(1, |(_, next)| next));
        let sealer = sealer
            .map(|sealer| Sealing::start(sealer.with_outside(&options.anchors, options.storage.as_ref())?))
            .transpose()
            .map_err(|source| thread_failed(directory, source))?;
        let (told, thread) = (Arc::clone(&sealing), sealer.as_ref().map(Sealing::thread));
        let on_full = Box::new(move |full: Option<Standing>| {
            full.iter().for_each(|full| told.is_full(full));
            thread.iter().for_each(Thread::unpark);
        });
        let (directory_of_log, found) =
            Directory::open(directory, lock, full, Begin { least, not: distrusted.map(|(tail, _)| tail) }, on_full)?;
        if found.torn_bytes > 0 {
            tracing::warn!(directory = %directory.display(), bytes = found.torn_bytes, "the last record of the event log was not written whole and is cut off");
        }
        sealing.stands(directory_of_log.standing());
        Self::start_with(Box::new(directory_of_log), &found, options, observer, sealing, sealer)
            .map_err(|source| thread_failed(directory, source))
    }

    fn start_with(
        append: Box<dyn Append>,
        found: &Found,
        options: &Options,
        observer: Option<Observer>,
        sealing: Arc<seal::Shared>,
        sealer: Option<Sealing>,
    ) -> io::Result<(Arc<Self>, Writer)> {
        let places = options.queue_events.max(1);
        let shared = Arc::new(Shared { places, torn_bytes: found.torn_bytes, cap: Cap::new(options.bytes_max), ..Shared::default() });
        shared.cap.note(append.bytes());
        let (sender, receiver) = sync_channel(places.saturating_add(3));
        let scribe = Scribe {
            append,
            observing: Observing::new(observer),
            receiver,
            shared: Arc::clone(&shared),
            edge: options.edge.clone(),
            window: options.window,
            retry: options.retry,
            next_seq: found.next_seq,
            sealing: Arc::clone(&sealing),
            batch: Batch::default(),
            waiting: Vec::new(),
            reading: Vec::new(),
            salts: Salts::new(),
            newest: Time::default(),
            idle: Duration::ZERO,
            old_told: false,
            closing: None,
        };
        let thread = thread::Builder::new().name("wardgate-audit".to_owned()).spawn(move || scribe.run())?;
        let sink = Arc::new(Self { shared: Arc::clone(&shared), sealing, sender: sender.clone(), writer: thread.thread().clone() });
        Ok((sink, Writer { shared, sender, thread: Some(thread), sealer }))
    }

    /// Records a management change in the same log.
    ///
    /// # Errors
    /// When there is no place for it; it is not recorded then, and the change should not be made.
    pub fn record_change(&self, change: ChangeRecord) -> Result<(), NoPlace> {
        self.reserve(Share::Operators)?;
        self.send(Message::Change(Box::new(change)));
        Ok(())
    }

    /// Records a finding in the same log.
    ///
    /// # Errors
    /// When there is no place for it; it is not recorded then.
    pub fn record_finding(&self, finding: FindingRecord) -> Result<(), NoPlace> {
        self.reserve(Share::Operators)?;
        self.send(Message::Finding(Box::new(finding)));
        Ok(())
    }

    /// What the log takes of the disk.
    #[must_use]
    pub fn taken(&self) -> Taken {
        let cap = &self.shared.cap;
        Taken { bytes: cap.bytes(), bytes_max: cap.bytes_max(), fullness: cap.fullness() }
    }

    /// Tells the log the time, so that old files can go while it is too full to be given events; and what a clock says that
    /// nobody sets, from whatever begin: files go only when they are old by that, too.
    pub fn tell_time(&self, now: Time, steady: Duration) {
        self.sealing.tell_time(now, steady);
    }

    /// Takes what tells of persons out of the records that are wanted: what is in the tail is sealed first. `done` is told of how
    /// many records, by another thread.
    ///
    /// # Errors
    /// When another one is under way, or the log is closed.
    pub fn erase(&self, asked: impl Into<Erasable>, reason: &str, done: Done) -> Result<(), NoPlace> {
        if self.shared.erasing.swap(true, Ordering::AcqRel) {
            return Err(NoPlace);
        }
        self.sealing.tell_erased(ErasureProgress::default());
        let shared = Arc::clone(&self.shared);
        let done = Box::new(move |erased| {
            shared.erasing.store(false, Ordering::Release);
            done(erased);
        });
        let asked = Erase { erasable: asked.into(), reason: reason.into(), done };
        self.sender.try_send(Message::Erase(Box::new(asked))).map_err(|_| {
            self.shared.erasing.store(false, Ordering::Release);
            NoPlace
        })
    }

    /// How far the erasure is that was asked for last, also after its end.
    #[must_use]
    pub fn erased(&self) -> ErasureProgress {
        self.sealing.erased()
    }

    /// How the log is doing.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let (sealed, unsealed) = self.sealing.counts();
        let (clock_doubted, seal_failing) = self.sealing.troubles();
        let (anchors_behind, anchor_failures) = self.sealing.anchors.counts();
        let (unstored, uncopied, store_failures) = self.sealing.store.counts();
        Counters {
            sealed,
            unsealed,
            seal_failing,
            clock_doubted,
            anchors_behind,
            anchor_failures,
            unstored,
            uncopied,
            store_failures,
            ..self.shared.counters()
        }
    }

    fn send(&self, message: Message) {
        // Full cannot be (INVARIANT room); disconnected means that the log was closed while this place was out.
        if self.sender.try_send(message).is_err() {
            self.shared.give_back(1);
            self.shared.count_lost(1);
            tracing::error!("an audit event is lost: the log is closed already");
        }
    }
}

impl EventSink for Log {
    fn reserve(&self, share: Share) -> Result<(), NoPlace> {
        let shared = &*self.shared;
        let most = match share {
            Share::Whole | Share::Operators => shared.places,
            Share::Half => shared.places.div_ceil(2),
        };
        if shared.failing.load(Ordering::Relaxed) || shared.closed.load(Ordering::Acquire) || !shared.cap.admits(share) {
            return Err(NoPlace);
        }
        let taken = shared.used.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |used| (used < most).then_some(used + 1));
        let used = taken.map_err(|_| NoPlace)?;
        // Half full: do not wait for the window to end.
        if used >= shared.places / 2 {
            self.writer.unpark();
        }
        Ok(())
    }

    fn release(&self) {
        self.shared.give_back(1);
    }

    fn record(&self, event: Event) {
        self.send(Message::Event(Box::new(event)));
    }

    fn record_durable(&self, event: Event, done: OnDurable) {
        self.send(Message::Intent(Box::new(event), done));
        // Somebody waits: the window is not.
        self.writer.unpark();
    }

    fn count_dropped(&self) {
        self.shared.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Log").field(&self.counters()).finish()
    }
}

fn thread_failed(path: &Path, source: io::Error) -> StartError {
    StartError::Io { path: path.to_owned(), does: "given a thread", source }
}

/// The handle of the writing thread. Dropping it closes the log at once.
pub struct Writer {
    shared: Arc<Shared>,
    sender: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
    sealer: Option<Sealing>,
}

impl Writer {
    /// Closes the log: no further place is given, what is queued is written, and events of places that are still out are
    /// waited for, about as long as `patience` says. Blocks until the thread has ended.
    #[must_use]
    pub fn close(mut self, patience: Duration) -> Counters {
        self.finish(patience);
        self.shared.counters()
    }

    fn finish(&mut self, patience: Duration) {
        let Some(thread) = self.thread.take() else { return };
        self.shared.closed.store(true, Ordering::Release);
        // Full or disconnected: the thread has ended already (INVARIANT room leaves a slot for this message).
        let _ended = self.sender.try_send(Message::Close { patience });
        thread.thread().unpark();
        if thread.join().is_err() {
            tracing::error!("the audit thread broke down");
        }
        if let Some(sealer) = self.sealer.take() {
            sealer.end();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish(Duration::ZERO);
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

#[cfg(test)]
mod tests;
