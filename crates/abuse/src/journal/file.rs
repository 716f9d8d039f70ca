//! The journal as a file: append-only, one checksummed record a write, made compact when opened, closed or grown.

use super::{Journal, JournalFault, MeterRecord, record};
use crate::{
    calendar,
    key::{Counted, MeterKey},
};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use wardgate_model::time::Time;

/// The words a journal begins with: what it is, and its version.
const MAGIC: &[u8; 8] = b"wgquota1";
/// Largest file that is read. One of a million meters has about 100 MB.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// A file grows to this before it is made compact.
const GROWN_BYTES: u64 = 16 << 20;
/// ... and to this many times what is live.
const GROWN_TIMES: u64 = 4;

/// What was found when a journal was opened.
#[derive(Debug)]
pub struct Opened {
    /// The last value of every counter whose window is not over.
    pub records: Vec<MeterRecord>,
    /// Bytes at the end that were no record: a write that the loss of power cut off, or damage. Worth a warning.
    pub ignored_bytes: u64,
}

/// A journal in a file of mode 0600. Several threads may raise at once.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    state: Mutex<State>,
}

/// The last value of each counter: when its window began, and its ceiling.
type Last = HashMap<MeterKey, (Time, u64), ahash::RandomState>;

#[derive(Debug)]
struct State {
    /// `None` once closed or unusable.
    file: Option<File>,
    bytes: u64,
    /// Never made compact below this size.
    least: u64,
    /// Made compact above this size.
    grown: u64,
    last: Last,
    line: Vec<u8>,
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> JournalFault {
    let path = path.to_path_buf();
    move |source| JournalFault::Io { action, path, source }
}

/// When the window of a record is over, in microseconds; `None` for what has no window.
fn until(key: &MeterKey, window_start: Time) -> Option<i64> {
    match key.counted() {
        Counted::Flow => None,
        Counted::Quota(window) | Counted::Bytes(window) => Some(calendar::span(window, window_start).until),
    }
}

fn is_live(key: &MeterKey, window_start: Time, now: Time) -> bool {
    until(key, window_start).is_some_and(|until| calendar::clamp(now) < until)
}

impl FileJournal {
    /// Opens or creates the journal, replays it and writes it anew without what is over at `now`.
    ///
    /// # Errors
    /// When the file cannot be read or written, is something else, or is open in another process.
    pub fn open(path: &Path, now: Time) -> Result<(Self, Opened), JournalFault> {
        Self::open_grown(path, now, GROWN_BYTES)
    }

    /// Opens one that is made compact when it has more than `least` bytes.
    pub(super) fn open_grown(path: &Path, now: Time, least: u64) -> Result<(Self, Opened), JournalFault> {
        let held = Self::hold(path)?;
        let (mut last, ignored_bytes) = Self::replay(path, &held)?;
        last.retain(|key, (start, _)| is_live(key, *start, now));
        let records = last.iter().map(|(key, (start, used))| MeterRecord { key: key.clone(), window_start: *start, used: *used }).collect();
        let mut state = State { file: None, bytes: 0, least, grown: least, last, line: Vec::with_capacity(256) };
        state.rewrite(path)?;
        drop(held);
        Ok((Self { path: path.to_path_buf(), state: Mutex::new(state) }, Opened { records, ignored_bytes }))
    }

    /// Writes the exact values, synced, in place of all else, and takes no more. For a graceful end, when no request is under way.
    ///
    /// # Errors
    /// When they cannot be written: the ceilings written before still stand.
    pub fn close(&self, records: impl IntoIterator<Item = MeterRecord>, now: Time) -> Result<(), JournalFault> {
        let mut state = self.lock();
        if state.file.is_none() {
            return Err(JournalFault::Closed);
        }
        let exact = records.into_iter().filter(|record| is_live(&record.key, record.window_start, now));
        state.last = exact.map(|record| (record.key, (record.window_start, record.used))).collect();
        let written = state.rewrite(&self.path);
        state.file = None;
        written
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the file and locks it against other processes.
    fn hold(path: &Path) -> Result<File, JournalFault> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map_err(io("open", path))?;
        file.try_lock().map_err(|fault| match fault {
            TryLockError::WouldBlock => JournalFault::InUse(path.to_path_buf()),
            TryLockError::Error(source) => io("lock", path)(source),
        })?;
        // Between opening and locking, another process may have put a new file in its place.
        let (ours, there) = (file.metadata().map_err(io("read", path))?, std::fs::metadata(path).map_err(io("read", path))?);
        if (ours.dev(), ours.ino()) != (there.dev(), there.ino()) {
            return Err(JournalFault::InUse(path.to_path_buf()));
        }
        Ok(file)
    }

    fn replay(path: &Path, file: &File) -> Result<(Last, u64), JournalFault> {
        let bytes = file.metadata().map_err(io("read", path))?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(JournalFault::TooLarge { path: path.to_path_buf(), bytes, most: FILE_BYTES_MAX });
        }
        let mut text = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(io("read", path))?;
        let mut last = Last::default();
        if MAGIC.starts_with(&text) {
            // Empty, or torn within its first words: it held nothing yet.
            return Ok((last, 0));
        }
        let mut rest = text.strip_prefix(MAGIC.as_slice()).ok_or_else(|| JournalFault::Foreign(path.to_path_buf()))?;
        while let Some((record, length)) = record::read(rest) {
            last.insert(record.key, (record.window_start, record.used));
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok((last, u64::try_from(rest.len()).unwrap_or(u64::MAX)))
    }
}

impl State {
    /// Writes all last values to a new file, syncs it and puts it in the place of the old one.
    fn rewrite(&mut self, path: &Path) -> Result<(), JournalFault> {
        let mut text = MAGIC.to_vec();
        for (key, (start, used)) in &self.last {
            if !record::write(&mut text, key, *start, *used) {
                return Err(JournalFault::KeyTooLong(key.to_string().into()));
            }
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&beside).map_err(io("create", &beside))?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(io("protect", &beside))?;
        file.try_lock().map_err(|_| JournalFault::InUse(beside.clone()))?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(io("write", &beside))?;
        std::fs::rename(&beside, path).map_err(io("replace", path))?;
        // From here on the old file is gone: whatever fails, records go to the new one.
        self.bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.grown = self.bytes.saturating_mul(GROWN_TIMES).max(self.least);
        self.file = Some(file);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync the folder of", path))
    }

    /// Appends `line`. A write that failed half-way is cut off again: a torn record in the middle would hide all that follow.
    fn append(&mut self, path: &Path) -> Result<(), JournalFault> {
        let file = self.file.as_mut().ok_or(JournalFault::Closed)?;
        if self.bytes >= FILE_BYTES_MAX {
            return Err(JournalFault::TooLarge { path: path.to_path_buf(), bytes: self.bytes, most: FILE_BYTES_MAX });
        }
        if let Err(fault) = file.write_all(&self.line) {
            if file.set_len(self.bytes).is_err() {
                self.file = None;
            }
            return Err(io("append to", path)(fault));
        }
        self.bytes = self.bytes.saturating_add(u64::try_from(self.line.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

impl Journal for FileJournal {
    fn raise(&self, key: &MeterKey, window_start: Time, ceiling: u64) -> Result<(), JournalFault> {
        let mut state = self.lock();
        state.line.clear();
        if !record::write(&mut state.line, key, window_start, ceiling) {
            return Err(JournalFault::KeyTooLong(key.to_string().into()));
        }
        if state.bytes > state.grown && state.file.is_some() {
            // A window that begins tells that the time is at least that; what is over by then need not be kept. Failing to make
            // the file compact is no failure to raise: it may grow on towards its bound.
            state.last.retain(|key, (start, _)| is_live(key, *start, window_start));
            if state.rewrite(&self.path).is_err() {
                state.grown = state.grown.saturating_mul(2).min(FILE_BYTES_MAX);
            }
        }
        state.append(&self.path)?;
        match state.last.get_mut(key) {
            Some(value) => *value = (window_start, ceiling),
            None => {
                state.last.insert(key.clone(), (window_start, ceiling));
            }
        }
        Ok(())
    }
}
