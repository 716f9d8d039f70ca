//! The directory of the log: the tail that is appended to, and when another one begins.
//!
//! INVARIANT (order): the order of names is the order of events. A file's name holds the number of its first event. There is
//! always a tail: the next one is begun before the full one may be sealed and goes.

use crate::{
    hot::{self, HEADER, NoTail, Tail, TailName},
    seal::SealError,
    tree::{Frontier, Hash},
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use wardgate_model::time::Time;

pub(crate) const LOCK_NAME: &str = "events.lock";
/// The folder of what is sealed.
pub(crate) const SEGMENTS: &str = "segments";
/// The folder of the log of segments.
pub(crate) const LOG: &str = "log";

/// Why the log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process writes to it.
    #[error("another process writes to the audit directory `{}`", .0.display())]
    Locked(PathBuf),
    /// A file of it cannot be gone on with.
    #[error("the event log cannot go on with `{}`: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: NoTail,
    },
    /// What was sealed cannot be gone on with.
    #[error("the event log cannot go on with what was sealed: {0}")]
    Sealed(Box<SealError>),
    /// The system refused.
    #[error("the audit directory `{}` cannot be {does}: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What could not be done.
        does: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Records that are written in one go.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Their frames.
    pub(crate) frames: Vec<u8>,
    /// Their leaves.
    pub(crate) leaves: Vec<Hash>,
}

/// Where records go. The directory, or a test's stand-in that fails as a full disk does.
pub(crate) trait Append: Send {
    /// Appends records, all or none. `first_seq` is the number of the first of them, `time` that of its end.
    fn append(&mut self, batch: &Batch, first_seq: u64, time: Time) -> io::Result<()>;

    /// Makes what was appended outlast the machine.
    fn sync(&mut self) -> io::Result<()>;

    /// Bytes of all files.
    fn bytes(&self) -> u64;

    /// Counts the bytes of all files again: others may have taken some away.
    fn recount(&mut self) -> io::Result<u64>;

    /// Begins another tail, so that all that was appended so far can be sealed.
    fn begin_another(&mut self, first_seq: u64) -> io::Result<()>;

    /// Whether the tail that is appended to holds anything and is as old by then as one may get.
    fn is_old(&self, now: Time) -> bool;

    /// What the tail that is appended to holds so far.
    fn standing(&self) -> Option<Standing>;
}

/// What a tail holds up to some moment.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Number of its first event.
    pub(crate) first_seq: u64,
    /// How many there are.
    pub(crate) events: u64,
    /// The root of the tree over them.
    pub(crate) root: Hash,
    /// The file, to make it outlast the machine first.
    pub(crate) file: Arc<File>,
}

/// When a tail is full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Full {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    pub(crate) after: Duration,
}

/// Where to go on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Begin {
    /// The least number of the next event.
    pub(crate) least: u64,
    /// A tail that nothing may be appended to.
    pub(crate) not: Option<TailName>,
}

/// What was found when the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Number of the next event.
    pub(crate) next_seq: u64,
    /// Bytes of a record that had not been written whole, now cut off.
    pub(crate) torn_bytes: u64,
}

/// Told what a full tail holds, before the next one is begun: as soon as that is there, the full one may be sealed. Told of nothing
/// when it has begun.
pub(crate) type OnFull = Box<dyn FnMut(Option<Standing>) + Send>;

/// The directory of the log, locked for this process.
pub(crate) struct Directory {
    path: PathBuf,
    full: Full,
    on_full: OnFull,
    current: Option<Current>,
    /// Bytes of all files.
    total: u64,
    _lock: File,
}

struct Current {
    file: File,
    // INVARIANT (own): opened by itself, not a copy of the above: a system tells of bytes that it lost once for each opening, so
    // whoever syncs this one does not take the answer away that who waits for `file` must get.
    other: Arc<File>,
    name: TailName,
    /// Whether its name outlasts the machine.
    named: bool,
    // INVARIANT (whole): the file is this long and ends with a whole frame; `tree` is over the leaves of its frames.
    length: u64,
    tree: Frontier,
    events: u64,
    /// When its first event was over, in microseconds.
    began_us: Option<i64>,
}

impl Directory {
    /// Opens the directory that is locked, cuts a torn end off and finds the next number.
    pub(crate) fn open(path: &Path, lock: File, full: Full, begin: Begin, on_full: OnFull) -> Result<(Self, Found), StartError> {
        let fail = |does: &'static str| move |source: io::Error| StartError::Io { path: path.to_owned(), does, source };
        let mut found = Found { next_seq: begin.least.max(1), torn_bytes: 0 };
        let mut current = None;
        if let Some(name) = hot::names(path).map_err(fail("listed"))?.pop() {
            let file = path.join(name.to_string());
            let named = |error: io::Error| io::Error::new(error.kind(), format!("`{name}`: {error}"));
            let bytes = hot::read(&file).map_err(named).map_err(fail("read"))?;
            let tail = Tail::read(&bytes).map_err(|why| StartError::Unreadable { path: file, why })?;
            let next = next_seq(name, &tail);
            if begin.not == Some(name) {
                // Whoever distrusts it has said so.
            } else if tail.damaged {
                tracing::error!(tail = %name, "a tail of the event log is damaged in its middle: it is left as it is, a new one begins");
            } else {
                found.torn_bytes = u64::try_from(bytes.len().saturating_sub(tail.whole)).unwrap_or(u64::MAX);
                current = (next >= found.next_seq).then(|| Current::go_on(path, name, &tail)).transpose().map_err(fail("written"))?;
            }
            found.next_seq = found.next_seq.max(next);
        }
        let total = total(path).map_err(fail("measured"))?;
        Ok((Self { path: path.to_owned(), full, on_full, current, total, _lock: lock }, found))
    }

    /// The file that the next records belong to.
    fn file_for(&mut self, first_seq: u64, time: Time) -> io::Result<&mut Current> {
        if !self.current.as_ref().is_some_and(|current| current.has_room(&self.full, time)) {
            if let Some(full) = &mut self.current {
                full.file.sync_data()?;
            }
            self.begin(first_seq)?;
        }
        self.current.as_mut().ok_or_else(|| io::Error::other("no file is open"))
    }

    fn begin(&mut self, first_seq: u64) -> io::Result<()> {
        self.hand_over();
        self.current = Some(Current::begin(&self.path, TailName { first_seq })?);
        self.total = self.total.saturating_add(header_bytes());
        (self.on_full)(None);
        Ok(())
    }

    /// Leaves a tail that is gone: what was appended to it from now on would be nowhere. Where its directory is gone too, no other can be
    /// begun, and nothing is accepted.
    fn leave_what_is(&mut self, gone: impl Fn(&Current) -> bool) {
        if let Some(current) = self.current.take_if(|current| gone(current)) {
            let events = current.events;
            tracing::error!(tail = %current.name, events, "a tail of the event log was taken away while it was written: another one begins");
            (self.on_full)(Some(current.standing()));
        }
    }

    /// Says what the tail holds that may not be appended to any more.
    fn hand_over(&mut self) {
        if let Some(full) = self.standing() {
            (self.on_full)(Some(full));
        }
    }
}

/// Makes the directory if need be, and locks it for this process.
pub(crate) fn lock(path: &Path) -> Result<File, StartError> {
    let fail = |does: &'static str| move |source: io::Error| StartError::Io { path: path.to_owned(), does, source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fail("made"))?;
    let lock = private().create(true).truncate(false).write(true).open(path.join(LOCK_NAME)).map_err(fail("locked"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StartError::Locked(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(fail("locked")(source)),
    }
}

impl Append for Directory {
    fn append(&mut self, batch: &Batch, first_seq: u64, time: Time) -> io::Result<()> {
        self.leave_what_is(Current::is_deleted);
        let current = self.file_for(first_seq, time)?;
        let result = current.file.write_all(&batch.frames);
        match result {
            Ok(()) => {
                let bytes = u64::try_from(batch.frames.len()).unwrap_or(0);
                current.take(batch, bytes, time);
                self.total = self.total.saturating_add(bytes);
            }
            // Part of the records may be in the file. When they cannot be taken out again, the file is left as it is and the
            // records begin a new one: a file's records count up to the first of the next file.
            Err(_) if current.file.set_len(current.length).is_err() => {
                self.hand_over();
                self.current = None;
            }
            Err(_) => {}
        }
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        if !current.named {
            sync_names(&self.path)?;
            current.named = true;
        }
        current.file.sync_data()
    }

    fn bytes(&self) -> u64 {
        self.total
    }

    fn recount(&mut self) -> io::Result<u64> {
        let path = self.path.clone();
        self.leave_what_is(|current| current.is_deleted() || matches!(path.join(current.name.to_string()).try_exists(), Ok(false)));
        self.total = total(&self.path)?;
        Ok(self.total)
    }

    fn begin_another(&mut self, first_seq: u64) -> io::Result<()> {
        match &mut self.current {
            Some(current) if current.events == 0 => Ok(()),
            Some(current) => {
                current.file.sync_data()?;
                self.begin(first_seq)
            }
            None => self.begin(first_seq),
        }
    }

    fn is_old(&self, now: Time) -> bool {
        self.current.as_ref().is_some_and(|current| current.events > 0 && current.age(now) >= self.full.after)
    }

    fn standing(&self) -> Option<Standing> {
        self.current.as_ref().map(Current::standing)
    }
}

impl Current {
    /// Whether no name leads to it any more.
    fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|found| found.nlink() == 0)
    }

    fn standing(&self) -> Standing {
        Standing { first_seq: self.name.first_seq, events: self.events, root: self.tree.root(), file: Arc::clone(&self.other) }
    }

    /// Goes on with a tail that is there, and cuts off what is torn of it.
    fn go_on(directory: &Path, name: TailName, tail: &Tail<'_>) -> io::Result<Self> {
        if tail.whole < HEADER.len() {
            fs::remove_file(directory.join(name.to_string()))?;
            return Self::begin(directory, name);
        }
        let path = directory.join(name.to_string());
        let file = private().append(true).open(&path)?;
        let other = Arc::new(File::open(&path)?);
        let length = u64::try_from(tail.whole).unwrap_or(0);
        file.set_len(length)?;
        let mut current = Self { file, other, name, named: false, length, tree: Frontier::default(), events: 0, began_us: None };
        for frame in tail.frames() {
            current.tree.append(frame.record.leaf());
            current.events += 1;
            current.began_us = current.began_us.or_else(|| frame.number("time"));
        }
        Ok(current)
    }

    fn begin(directory: &Path, name: TailName) -> io::Result<Self> {
        // INVARIANT (begun): under its name it is whole. As soon as it is there the one before may be sealed and go, so it must not
        // be there while the one before is still appended to, because the disk is too full for this one.
        let path = directory.join(name.to_string());
        let beside = directory.join(format!("{name}.new"));
        let written = || -> io::Result<(File, Arc<File>)> {
            let mut file = private().create(true).append(true).open(&beside)?;
            file.set_len(0)?;
            file.write_all(HEADER)?;
            file.sync_data()?;
            let other = Arc::new(File::open(&beside)?);
            // A file of this name that is there already holds nothing that counts: its first number was never given.
            fs::rename(&beside, &path)?;
            Ok((file, other))
        };
        let (file, other) = written().inspect_err(|_| {
            // What is left of it is overwritten next time.
            let _ = fs::remove_file(&beside);
        })?;
        // It has begun: from here on the one before may be gone, so there is no way back.
        let named = sync_names(directory).inspect_err(|error| {
            tracing::error!(tail = %name, %error, "the name of a new tail of the event log may not outlast the machine");
        });
        let (length, tree) = (header_bytes(), Frontier::default());
        Ok(Self { file, other, name, named: named.is_ok(), length, tree, events: 0, began_us: None })
    }

    fn has_room(&self, full: &Full, time: Time) -> bool {
        self.events < full.events && self.length < full.bytes && self.age(time) < full.after
    }

    /// How long ago its first event was over.
    fn age(&self, now: Time) -> Duration {
        let age_us = self.began_us.map_or(0, |began| now.as_micros().saturating_sub(began));
        Duration::from_micros(u64::try_from(age_us).unwrap_or(0))
    }

    fn take(&mut self, batch: &Batch, bytes: u64, time: Time) {
        self.length += bytes;
        self.events += u64::try_from(batch.leaves.len()).unwrap_or(0);
        self.began_us.get_or_insert(time.as_micros());
        for leaf in &batch.leaves {
            self.tree.append(*leaf);
        }
    }
}

/// Makes the names of files outlast the machine.
fn sync_names(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_data()
}

fn header_bytes() -> u64 {
    u64::try_from(HEADER.len()).unwrap_or(0)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// The number after the last event of a tail, so that no number is given twice.
pub(crate) fn next_seq(name: TailName, tail: &Tail<'_>) -> u64 {
    let behind = tail.behind_damage();
    let last = behind.last().and_then(|frame| frame.number("seq")).and_then(|seq| u64::try_from(seq).ok());
    let counted = tail.frames().count() + behind.len();
    let by_count = name.first_seq.saturating_add(u64::try_from(counted).unwrap_or(u64::MAX));
    last.map_or(by_count, |last| by_count.max(last.saturating_add(1)))
}

/// Bytes of the log's files.
fn total(directory: &Path) -> io::Result<u64> {
    let mut total = 0_u64;
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            let of_log = folder != directory || TailName::parse(name).is_some() || [SEGMENTS, LOG].contains(&name);
            match entry.metadata() {
                Ok(found) if found.is_dir() && of_log => folders.push(entry.path()),
                Ok(found) if of_log => total = total.saturating_add(found.len()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests;
