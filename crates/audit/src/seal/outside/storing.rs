//! The thread that puts sealed segments into a store, and then takes away the file here. It keeps a copy of the log there, too.
//!
//! Nothing waits for it. What it goes by is what the log of segments says ([`Said`]): a segment whose file has the hash of its entry
//! is put, checked there, and only then does a stub say so; the file stays as long as `audit.segments.local` says, and goes
//! when the object was checked once more. What was erased from is put anew, and the object before is deleted; what was
//! retired is deleted. Each step can be the last one before the machine stops: the next start does the rest.
//!
//! INVARIANT (held): who changes a segment's file or its stub holds [`StoreState::hold`] meanwhile, so that never the file of one
//! content is taken away for the object of another.

use super::{
    copying::Copying,
    transit::{Going, Transit},
    trouble::{Trouble, Troubles, failed},
};
use crate::{
    ledger::Ledger,
    note::Trusted,
    plain,
    segment::{SegmentName, hash_of, read::SEGMENT_BYTES_MAX},
    store::{Storage, Stub},
    tree::Hash,
    wakeup::Wakeup,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// How often it looks whether a file was here long enough.
const PERIOD: Duration = Duration::from_secs(10);
/// After a failure the store is tried again so soon, then after twice as long, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// An object that cannot be deleted is left out of as many looks as it failed before, doubled each time, up to so many.
const LOOKS_MAX: u32 = 32;

/// What the log says of segments: by the number of the first event, the hash of the file and the time of the newest event.
#[derive(Debug, Default)]
pub(crate) struct Said {
    segments: BTreeMap<u64, (Hash, i64)>,
    /// Entries of the log that were read, so that it is seen when there are more.
    entries: Option<u64>,
}

impl Said {
    /// Takes in all that the log says. `false`: it was known.
    pub(super) fn learn(&mut self, ledger: &Ledger, entries: u64) -> bool {
        if self.entries == Some(entries) {
            return false;
        }
        self.segments = ledger.segments.iter().map(|(first, known)| (*first, (known.file(), known.to_us))).collect();
        self.entries = Some(entries);
        true
    }

    /// The file of a segment is another one from now on.
    pub(in crate::seal) fn is_now(&mut self, first_seq: u64, file: Hash) {
        if let Some((held, _)) = self.segments.get_mut(&first_seq) {
            *held = file;
        }
    }

    fn is(&self, first_seq: u64, file: &Hash) -> bool {
        self.segments.get(&first_seq).is_some_and(|(said, _)| said == file)
    }
}

#[derive(Debug, Default)]
struct Shared {
    said: Mutex<Said>,
    ended: AtomicBool,
    wakeup: Wakeup,
    unstored: AtomicUsize,
    uncopied: AtomicU64,
    failures: AtomicU64,
    recount: AtomicBool,
}

/// What the threads that seal and that store tell each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoreState(Arc<Shared>);

impl StoreState {
    /// INVARIANT (held).
    pub(in crate::seal) fn hold(&self) -> MutexGuard<'_, Said> {
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Segments that are not in the store as they are now, entries of the log that its copy there does not have, and tries that failed
    /// since the start.
    pub(crate) fn counts(&self) -> (usize, u64, u64) {
        (self.0.unstored.load(Ordering::Relaxed), self.0.uncopied.load(Ordering::Relaxed), self.0.failures.load(Ordering::Relaxed))
    }

    /// Whether files went since this was asked last.
    pub(in crate::seal) fn wants_recount(&self) -> bool {
        self.0.recount.swap(false, Ordering::AcqRel)
    }
}

/// The thread, as the one that seals sees it.
#[derive(Debug)]
pub(super) struct StoringThread {
    state: StoreState,
    thread: Option<thread::JoinHandle<()>>,
}

impl StoringThread {
    /// Starts it.
    ///
    /// # Errors
    /// When the folder of what is on its way cannot be made, or the system gives no thread.
    pub(super) fn start(directory: &Path, storage: &Storage, trusted: Trusted, state: &StoreState) -> io::Result<Self> {
        let transit = Transit::open(directory)?;
        let segments = directory.join(crate::directory::SEGMENTS);
        let storing = Storing {
            storage: storage.clone(),
            transit,
            segments,
            copying: Copying::new(&directory.join(crate::directory::LOG), trusted),
            state: state.clone(),
            stored: BTreeMap::new(),
            bad: BTreeSet::new(),
            elsewhere: BTreeSet::new(),
            undeleted: BTreeMap::new(),
            begin: 0,
            is_failing: false,
        };
        let thread = thread::Builder::new().name("wardgate-store".to_owned()).spawn(move || storing.run())?;
        Ok(Self { state: state.clone(), thread: Some(thread) })
    }

    /// Has it look.
    pub(super) fn wake(&self) {
        self.state.0.wakeup.wake();
    }
}

impl Drop for StoringThread {
    /// Blocks until the thread has ended: at once, but for what was erased and lies in the store as it was, and the log's newest entries.
    fn drop(&mut self) {
        self.state.0.ended.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return };
        self.state.0.wakeup.wake();
        if thread.join().is_err() {
            tracing::error!("the thread that puts segments into the store broke down");
        }
    }
}

/// An object that cannot be deleted.
#[derive(Debug, Default)]
struct Undeleted {
    /// Looks in which it is left out, the next time it fails.
    then: u32,
    /// Looks in which it is left out from now on.
    left: u32,
}

/// A segment that is in the store.
#[derive(Debug)]
struct Stored {
    stub: Stub,
    /// Whether its file is here, too.
    is_here: bool,
}

struct Storing {
    storage: Storage,
    transit: Transit,
    segments: PathBuf,
    copying: Copying,
    state: StoreState,
    stored: BTreeMap<u64, Stored>,
    /// Segments that do not hold what the log says: told once.
    bad: BTreeSet<u64>,
    /// Files of what is to be deleted and lies in another store: told once.
    elsewhere: BTreeSet<PathBuf>,
    undeleted: BTreeMap<PathBuf, Undeleted>,
    /// The segment that the next look begins with.
    begin: u64,
    is_failing: bool,
}

impl Storing {
    fn run(mut self) {
        let mut pause = PAUSE;
        loop {
            let ended = self.has_ended();
            // INVARIANT (told): before the log was read nothing is known of what it names, and nothing may be taken away.
            let entries = self.state.hold().entries;
            let told = match (entries, ended) {
                (None, _) => Ok(()),
                (Some(_), true) => self.finish(),
                (Some(_), false) => self.turn(),
            };
            // What the log names goes first. Where it cannot, or not in time, that there was a segment is proven all the same.
            let is_copied = match (entries, &told) {
                (None, _) => true,
                (_, Err(error)) if error.is_away() => false,
                _ if ended && self.is_failing => true,
                (Some(_), _) => self.copy(),
            };
            self.count();
            match told {
                Ok(()) if std::mem::take(&mut self.is_failing) => tracing::info!("the store takes segments of the event log again"),
                Ok(()) => {}
                Err(error) => {
                    self.state.0.failures.fetch_add(1, Ordering::Relaxed);
                    if !std::mem::replace(&mut self.is_failing, true) {
                        tracing::error!(%error, "a segment of the event log is not in the store yet: it stays here, and is tried again");
                    }
                }
            }
            if ended {
                return;
            }
            if self.is_failing || !is_copied {
                self.state.0.wakeup.wait(Some(pause));
                pause = pause.saturating_mul(2).min(PAUSE_MAX);
            } else {
                self.state.0.wakeup.wait(Some(PERIOD));
                pause = PAUSE;
            }
        }
    }

    /// Brings the copy of the log there; `false`: it is behind.
    fn copy(&mut self) -> bool {
        let is_copied = self.copying.turn(&self.storage.store);
        self.state.0.failures.fetch_add(u64::from(!is_copied), Ordering::Relaxed);
        is_copied
    }

    fn has_ended(&self) -> bool {
        self.state.0.ended.load(Ordering::Acquire)
    }

    fn wanted(&self) -> Vec<(u64, Hash, i64)> {
        self.state.hold().segments.iter().map(|(first, (file, to_us))| (*first, *file, *to_us)).collect()
    }

    fn path(&self, first_seq: u64) -> PathBuf {
        self.segments.join(SegmentName { first_seq }.to_string())
    }

    fn count(&self) {
        let missing = |(first, file, _): &(u64, Hash, i64)| self.stored.get(first).is_none_or(|stored| stored.stub.sha256 != *file);
        self.state.0.unstored.store(self.wanted().iter().filter(|wanted| missing(wanted)).count(), Ordering::Relaxed);
        let entries = self.state.hold().entries.unwrap_or(0);
        self.state.0.uncopied.store(entries.saturating_sub(self.copying.entries()), Ordering::Relaxed);
    }

    /// Stores what is not stored, takes away what was here long enough, and deletes what the log does not name any more. Gives
    /// what went wrong first of storing: what cannot be deleted is told by itself, and holds nothing up.
    fn turn(&mut self) -> Result<(), Trouble> {
        let mut wanted = self.wanted();
        let numbers: BTreeSet<u64> = wanted.iter().map(|(first, ..)| *first).collect();
        self.stored.retain(|first, _| numbers.contains(first));
        let now_us = (self.storage.store.clock)().as_micros();
        let kept_us = now_us.saturating_sub(i64::try_from(self.storage.local.as_micros()).unwrap_or(i64::MAX));
        let begin = wanted.partition_point(|(first, ..)| *first < self.begin);
        wanted.rotate_left(begin);
        let mut troubles = Troubles::default();
        for (first, file, to_us) in wanted {
            if self.has_ended() {
                return Ok(());
            }
            let stored = if self.is_stored(first, &file) { Ok(()) } else { self.store(first, file) };
            let gone = stored.and_then(|()| if to_us < kept_us { self.leave(first) } else { Ok(()) });
            if !troubles.goes_on(gone) {
                self.begin = first.saturating_add(1);
                break;
            }
        }
        self.settle()?;
        troubles.first.map_or(Ok(()), Err)
    }

    /// At the end: only what was erased, and lies in the store as it was.
    fn finish(&mut self) -> Result<(), Trouble> {
        let mut troubles = Troubles::default();
        for (first, file, _) in self.wanted() {
            let path = self.path(first);
            let is_to_replace = Stub::path(&path).exists() && !self.is_stored(first, &file);
            if is_to_replace && !troubles.goes_on(self.store(first, file)) {
                break;
            }
        }
        if !troubles.is_away {
            self.settle()?;
        }
        troubles.first.map_or(Ok(()), Err)
    }

    /// Whether a segment is stored as it is now.
    fn is_stored(&mut self, first: u64, file: &Hash) -> bool {
        if self.stored.get(&first).is_some_and(|stored| stored.stub.sha256 == *file) {
            return true;
        }
        let path = self.path(first);
        let stub = Stub::beside(&path).ok().flatten().filter(|stub| stub.sha256 == *file);
        let is_here = path.exists();
        stub.map(|stub| self.stored.insert(first, Stored { stub, is_here })).is_some()
    }

    /// Puts a segment into the store, and says so beside it.
    fn store(&mut self, first: u64, file: Hash) -> Result<(), Trouble> {
        let path = self.path(first);
        let bytes = match plain::read(&path, SEGMENT_BYTES_MAX) {
            Ok(bytes) if hash_of(&bytes) == file => bytes,
            // Retired, or erased from, since.
            _ if !self.state.hold().is(first, &file) => return Ok(()),
            read => {
                if self.bad.insert(first) {
                    let error = read.err().map_or_else(|| "it does not hold what was sealed".to_owned(), |error| error.to_string());
                    tracing::error!(segment = %path.display(), error, "a segment of the event log is not put into the store: `wardgate audit verify` says what is wrong");
                }
                return Ok(());
            }
        };
        let putting = self.transit.place(first, &file, Going::In);
        let stub = self.storage.store.stub(first, file, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        stub.write(&putting).and_then(|()| self.transit.sync(None)).map_err(failed(&putting))?;
        let stub = self.storage.store.put(&stub, &bytes)?;
        stub.write(&putting).map_err(failed(&putting))?;
        self.say_stored(first, stub).map_err(failed(&putting))
    }

    /// Has a stub say that a segment is in the store; where the log says something else by now, it goes out again.
    fn say_stored(&mut self, first: u64, stub: Stub) -> io::Result<()> {
        let path = self.path(first);
        let (putting, beside) = (self.transit.place(first, &stub.sha256, Going::In), Stub::path(&path));
        let said = self.state.hold();
        if !said.is(first, &stub.sha256) {
            fs::rename(&putting, self.transit.place(first, &stub.sha256, Going::Out))?;
            return self.transit.sync(None);
        }
        if let Ok(Some(before)) = Stub::read(&beside)
            && before.sha256 != stub.sha256
        {
            fs::rename(&beside, self.transit.place(first, &before.sha256, Going::Out))?;
        }
        fs::rename(&putting, &beside)?;
        self.transit.sync(Some(&beside))?;
        drop(said);
        tracing::debug!(first, object = stub.object(), "a segment of the event log is in the store");
        let is_here = path.exists();
        self.stored.insert(first, Stored { stub, is_here });
        Ok(())
    }

    /// Takes away the file here, when the object in the store is still what was put there.
    fn leave(&mut self, first: u64) -> Result<(), Trouble> {
        let Some(Stored { stub, is_here: true }) = self.stored.get(&first) else { return Ok(()) };
        let (stub, path) = (stub.clone(), self.path(first));
        match self.storage.store.check(&stub) {
            Err(error) if error.is_damage() => {
                self.state.0.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "a segment of the event log is no longer in the store as it was put: it is put again");
                return self.store(first, stub.sha256);
            }
            checked => checked?,
        }
        let said = self.state.hold();
        let is_same =
            said.is(first, &stub.sha256) && plain::read(&path, SEGMENT_BYTES_MAX).is_ok_and(|bytes| hash_of(&bytes) == stub.sha256);
        if is_same {
            fs::remove_file(&path).map_err(failed(&path))?;
            self.state.0.recount.store(true, Ordering::Release);
        }
        drop(said);
        if let Some(stored) = self.stored.get_mut(&first) {
            stored.is_here = !is_same;
        }
        Ok(())
    }

    /// Ends what was begun: what the log does not name any more is deleted. What cannot be is told once, counted, and tried again in
    /// a later look.
    fn settle(&mut self) -> Result<(), Trouble> {
        let folder = self.segments.clone();
        let listed = self.transit.list().map_err(failed(&folder))?;
        let mut troubles = Troubles::default();
        let mut seen: BTreeSet<PathBuf> = listed.unread.iter().map(|(path, _)| path.clone()).collect();
        for (path, error) in listed.unread {
            let gone = Err(Trouble::Io { path: path.clone(), error });
            self.tell_undeleted(&path, &gone);
            troubles.goes_on(gone);
        }
        let mut goes_on = true;
        for (first, stub, going) in listed.found {
            let deleting = self.transit.place(first, &stub.sha256, Going::Out);
            seen.insert(deleting.clone());
            if !goes_on || self.is_left_out(&deleting) {
                continue;
            }
            let gone = self.delete(first, &stub, going);
            self.tell_undeleted(&deleting, &gone);
            goes_on = troubles.goes_on(gone);
        }
        self.undeleted.retain(|path, _| seen.contains(path));
        self.elsewhere.retain(|path| seen.contains(path));
        if troubles.count > 0 {
            self.state.0.failures.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether an object failed so recently that it is not tried in this look.
    fn is_left_out(&mut self, deleting: &Path) -> bool {
        let Some(undeleted) = self.undeleted.get_mut(deleting).filter(|undeleted| undeleted.left > 0) else { return false };
        undeleted.left -= 1;
        true
    }

    fn tell_undeleted(&mut self, path: &Path, gone: &Result<(), Trouble>) {
        let Err(error) = gone else {
            self.undeleted.remove(path);
            return;
        };
        let undeleted = self.undeleted.entry(path.to_owned()).or_default();
        if undeleted.then == 0 {
            tracing::error!(%error, "an object that the event log does not name any more is not deleted: it is tried again");
        }
        undeleted.then = undeleted.then.saturating_mul(2).clamp(1, LOOKS_MAX);
        undeleted.left = undeleted.then;
    }

    /// Deletes an object, unless the log names it.
    fn delete(&mut self, first: u64, stub: &Stub, going: Going) -> Result<(), Trouble> {
        let here = self.transit.place(first, &stub.sha256, going);
        if self.state.hold().is(first, &stub.sha256) {
            // It is put (again), and this file with it. What is to be deleted is never what the log names.
            return Ok(());
        }
        let deleting = self.transit.place(first, &stub.sha256, Going::Out);
        if going == Going::In {
            fs::rename(&here, &deleting).map_err(failed(&here))?;
        }
        let store = &self.storage.store;
        // A file cannot have us delete what was never ours; and that it is not in this store says nothing of another one.
        if store.stub(first, stub.sha256, stub.bytes).key != stub.key || !store.bucket.holds(stub) {
            if self.elsewhere.insert(deleting) {
                let (object, endpoint) = (stub.object(), &stub.endpoint);
                tracing::error!(object, endpoint, "an object that is to be deleted is not of this store: it is left there");
            }
            return Ok(());
        }
        store.delete(&stub.key)?;
        fs::remove_file(&deleting).map_err(failed(&deleting))?;
        tracing::info!(object = stub.object(), "an object that the event log does not name any more is deleted");
        Ok(())
    }
}
