//! Checkpoints in a second place: each one that the log of segments signs goes to every anchor, a file elsewhere or a URL.
//!
//! Whoever has the master key and the whole directory can write another log, or put an older one back; what an anchor has kept
//! shows it. Nothing waits for an anchor: each has a thread of its own, and only the newest checkpoint is brought to it. A file
//! is appended to and never shortened, so that it may lie where nothing can be taken away; a URL is sent `POST` with the signed
//! note as the body (`text/plain`), and any 2xx is a yes. What it has kept a URL may answer to `GET` ([`Anchor::kept`]): 200, and the
//! bodies that it was sent, one after the other, as they stand in a file.

mod notes;

pub use notes::{Anchored, compare, read};

use crate::{
    plain,
    wakeup::Wakeup,
    web::{Method, Outgoing, Site, Web, WebError},
};
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Anchors at most.
pub const ANCHORS_MAX: usize = 8;
/// After a failure an anchor is tried again so soon, then after twice as long, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Bytes of an answer that are read, to be passed over.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// Bytes that are read at most of what an anchor has kept: some hundred thousand checkpoints.
pub const KEPT_BYTES_MAX: u64 = 64 << 20;
/// How long a URL may take to give what it has kept, from the head of its answer on.
const KEPT: Duration = Duration::from_secs(120);

/// A second place for checkpoints.
#[derive(Debug, Clone)]
pub enum Anchor {
    /// A file, appended to.
    File(PathBuf),
    /// A server, and by whom its certificate may be vouched for.
    Url(Site, Web),
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Url(site, _) => write!(f, "`{site}`"),
        }
    }
}

/// Why an anchor did not take a checkpoint, or does not give what it has.
#[derive(Debug, thiserror::Error)]
pub enum AnchorFault {
    /// The file.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server is away, or answers with too much.
    #[error("{0}")]
    Web(#[from] WebError),
    /// The server's status is another one.
    #[error("it answered {0}")]
    Refused(u16),
}

impl Anchor {
    /// Brings a signed checkpoint there. One that it has as its last is not brought again.
    fn take(&self, note: &str) -> Result<(), AnchorFault> {
        match self {
            Self::File(path) => Ok(append(path, note)?),
            Self::Url(site, web) => {
                let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
                let sent = Outgoing { method: Method::Post, url: site.to_string(), headers, body: note.as_bytes() };
                let status = web.send(&sent, ANSWER_BYTES_MAX)?.status;
                if (200..300).contains(&status) { Ok(()) } else { Err(AnchorFault::Refused(status)) }
            }
        }
    }
}

impl Anchor {
    /// All that it has kept: signed notes, one after the other, of at most [`KEPT_BYTES_MAX`].
    ///
    /// # Errors
    /// When the file cannot be read, or the URL does not answer `GET` with 200 and text in time, or when it is more.
    pub fn kept(&self) -> Result<Vec<u8>, AnchorFault> {
        match self {
            Self::File(path) => Ok(plain::read_on(&plain::open_through(path)?, KEPT_BYTES_MAX)?),
            Self::Url(site, web) => {
                let headers = vec![("accept".to_owned(), "text/plain".to_owned())];
                let asked = Outgoing { method: Method::Get, url: site.to_string(), headers, body: &[] };
                let answer = web.send_within(&asked, KEPT_BYTES_MAX, KEPT)?;
                if answer.status == 200 { Ok(answer.body) } else { Err(AnchorFault::Refused(answer.status)) }
            }
        }
    }
}

/// Appends a note to a file, durably, unless it ends with it.
fn append(path: &Path, note: &str) -> io::Result<()> {
    let is_new = match fs::metadata(path) {
        // A pipe would be waited for.
        Ok(found) if !found.is_file() => return Err(io::Error::other("it is no plain file")),
        Ok(_) => false,
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(error),
    };
    let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
    let end = end_of(&mut file, note.len())?;
    if end == note.as_bytes() {
        return Ok(());
    }
    // What a machine that stopped left half written stays, and ends its line.
    let gap = if end.last().is_none_or(|last| *last == b'\n') { "" } else { "\n" };
    file.write_all(format!("{gap}{note}").as_bytes())?;
    file.sync_all()?;
    match path.parent().filter(|_| is_new) {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// The last bytes of a file.
fn end_of(file: &mut File, most: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut end = Vec::new();
    file.take(most).read_to_end(&mut end)?;
    Ok(end)
}

/// The newest checkpoint, and how the anchors are doing.
#[derive(Debug, Default)]
struct Shared {
    /// How many checkpoints were told of, and the last one.
    newest: Mutex<(u64, Arc<str>)>,
    ended: AtomicBool,
    failures: AtomicU64,
    behind: AtomicUsize,
}

impl Shared {
    fn newest(&self) -> (u64, Arc<str>) {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How the anchors are doing.
#[derive(Debug, Clone, Default)]
pub(crate) struct AnchorState(Arc<Shared>);

impl AnchorState {
    /// Anchors that do not have the newest checkpoint, and tries that failed since the start.
    pub(crate) fn counts(&self) -> (usize, u64) {
        (self.0.behind.load(Ordering::Relaxed), self.0.failures.load(Ordering::Relaxed))
    }
}

/// The threads that bring checkpoints to anchors.
#[derive(Debug, Default)]
pub(crate) struct Anchoring {
    state: AnchorState,
    threads: Vec<(Arc<Wakeup>, JoinHandle<()>)>,
}

impl Anchoring {
    /// Starts a thread for each anchor. `state` says how they are doing.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(anchors: &[Anchor], state: &AnchorState) -> io::Result<Self> {
        let mut anchoring = Self { state: state.clone(), threads: Vec::new() };
        for anchor in anchors {
            let (anchor, shared, wakeup) = (anchor.clone(), Arc::clone(&anchoring.state.0), Arc::default());
            let bringing = Bringing { anchor, shared, wakeup: Arc::clone(&wakeup), taken: 0, is_behind: false };
            let spawned = thread::Builder::new().name("wardgate-anchor".to_owned()).spawn(move || bringing.run());
            anchoring.threads.push((wakeup, spawned?));
        }
        Ok(anchoring)
    }

    /// Tells of a new checkpoint. Nothing waits.
    pub(crate) fn tell(&self, note: &str) {
        let mut newest = self.state.0.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if &*newest.1 != note {
            *newest = (newest.0 + 1, note.into());
            drop(newest);
            self.threads.iter().for_each(|(wakeup, _)| wakeup.wake());
        }
    }
}

impl Drop for Anchoring {
    /// What is not there yet is tried once more. Blocks until the threads have ended.
    fn drop(&mut self) {
        self.state.0.ended.store(true, Ordering::Release);
        for (wakeup, thread) in self.threads.drain(..) {
            wakeup.wake();
            if thread.join().is_err() {
                tracing::error!("a thread that brings checkpoints to an anchor broke down");
            }
        }
    }
}

/// One anchor's thread.
struct Bringing {
    anchor: Anchor,
    shared: Arc<Shared>,
    wakeup: Arc<Wakeup>,
    /// The number of the checkpoint that it has.
    taken: u64,
    is_behind: bool,
}

impl Bringing {
    fn run(mut self) {
        let mut pause = PAUSE;
        loop {
            let ended = self.shared.ended.load(Ordering::Acquire);
            let is_there = self.bring();
            if ended {
                return;
            }
            if is_there {
                pause = PAUSE;
                self.wakeup.wait(None);
            } else {
                self.wakeup.wait(Some(pause));
                pause = pause.saturating_mul(2).min(PAUSE_MAX);
            }
        }
    }

    /// Brings the newest checkpoint there, where it is not. `false`: it is still not there.
    fn bring(&mut self) -> bool {
        let (number, note) = self.shared.newest();
        if number == self.taken {
            return true;
        }
        let taken = self.anchor.take(&note);
        match &taken {
            Ok(()) => {
                self.taken = number;
                if std::mem::take(&mut self.is_behind) {
                    self.shared.behind.fetch_sub(1, Ordering::Relaxed);
                    tracing::info!(anchor = %self.anchor, "an anchor takes checkpoints of the event log again");
                }
            }
            Err(error) => {
                self.shared.failures.fetch_add(1, Ordering::Relaxed);
                if !std::mem::replace(&mut self.is_behind, true) {
                    self.shared.behind.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(anchor = %self.anchor, %error, "an anchor does not take a checkpoint of the event log: it is tried again");
                }
            }
        }
        // What was signed meanwhile is brought next.
        taken.is_ok() && self.shared.newest().0 == self.taken
    }
}

#[cfg(test)]
mod tests;
