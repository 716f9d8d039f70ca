//! Keeps, while a process serves, what its rulings can be made again with ([`super::kept`]).
//!
//! It never holds up a request nor, for long, what is published next: a thread of its own writes. What it cannot write is told once and
//! missed by a replay, which names it.

use super::{
    documents::{self, FileRead},
    kept::{self, Line, Mark, MetersAt, RUN, Run, VERSION},
};
use crate::{config::Config, control::Loaded, run::PROCESS};
use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::oneshot;
use wardgate_audit::sink::ChangeRecord;
use wardgate_gate::Gate;
use wardgate_model::time::Time;

/// How often it is written down where the meters stand.
pub const EVERY: Duration = Duration::from_mins(10);
/// Meters that are written down at the most: with more, none are.
const METERS_MAX: usize = 500_000;
/// How often the meters are looked at again because a ruling was made meanwhile.
const LOOKS: usize = 8;
/// Files that are kept at the most; the oldest go: where meters stood in the midst of a run, runs and where meters stood at their
/// beginnings, documents.
const METERS_FILES_MAX: usize = 200;
const RUNS_MAX: usize = 1_000;
const DOCUMENTS_MAX: usize = 2_000;
/// Snapshots that wait to be written at the most: with more, one is not kept.
const WAITING_MAX: usize = 64;

/// Keeps what one run can be replayed with. Dropped, it waits until what it was given is written.
#[derive(Debug)]
pub struct Keeper {
    kept: Arc<Kept>,
    queue: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
}

/// What is kept, and where.
#[derive(Debug)]
struct Kept {
    directory: PathBuf,
    run: String,
    open: Mutex<Open>,
}

/// What is to be written.
enum Work {
    /// A snapshot that was published, and who is told when that is written.
    Published { number: u64, feed: u64, until: u64, loaded: Arc<Loaded>, written: oneshot::Sender<()> },
    /// Who wants to know when all before it is.
    #[cfg(test)]
    Settle(SyncSender<()>),
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    /// The files that documents named when it was last said.
    documents: Option<Vec<FileRead>>,
    failed: bool,
}

impl Keeper {
    /// Begins a run. `entropy`: unlike any other.
    ///
    /// # Errors
    /// When its files cannot be made.
    pub fn start(config: &Config, now: Time, entropy: u128) -> io::Result<Self> {
        let directory = config.audit.join(kept::DIRECTORY);
        DirBuilder::new().recursive(true).mode(0o700).create(directory.join(kept::DOCUMENTS))?;
        let run = format!("{:016x}", u64::try_from(entropy >> 64).unwrap_or_default());
        let file = kept::private().create_new(true).append(true).open(kept::run_file(&directory, &run))?;
        let kept = Kept { directory, run, open: Mutex::new(Open { file, bytes: 0, documents: None, failed: false }) };
        let begun = Run {
            version: VERSION,
            started_us: now.as_micros(),
            threads: config.edge.threads,
            body_bytes_max: config.edge.body_bytes_max,
            sign_in: config.sign_in.is_some(),
            issuer: config.issuer.clone(),
        };
        kept.lock().write(&Line::Run(begun))?;
        kept.prune();
        let kept = Arc::new(kept);
        let (queue, work) = sync_channel(WAITING_MAX);
        let writing = Arc::clone(&kept);
        let thread = thread::Builder::new().name("wardgate-replay".to_owned()).spawn(move || writing.run(work))?;
        Ok(Self { kept, queue: Some(queue), thread: Some(thread) })
    }

    /// The name of the run.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.kept.run
    }

    /// The event that names the run, which has to be the first that is recorded.
    #[must_use]
    pub fn event(&self, now: Time) -> ChangeRecord {
        let (kind, what) = RUN;
        ChangeRecord {
            time: now,
            actor: PROCESS.into(),
            what: what.into(),
            kind: kind.into(),
            name: self.kept.run.as_str().into(),
            reason: None,
            of: Vec::new(),
        }
    }

    /// A snapshot was published: it stands for the feed up to `feed`, and when it was made there was `until`. Gives who is told when
    /// that is written; nothing is waited for here.
    pub fn published(&self, number: u64, (feed, until): (u64, u64), loaded: Arc<Loaded>) -> oneshot::Receiver<()> {
        let (written, told) = oneshot::channel();
        let published = Work::Published { number, feed, until, loaded, written };
        if self.queue.as_ref().is_none_or(|queue| queue.try_send(published).is_err()) {
            self.kept.lock().note(Err(io::Error::other("the disk is too slow for what is published")));
        }
        told
    }

    /// Waits until all that it was given so far is written.
    #[cfg(test)]
    pub(crate) fn settle(&self) {
        let (tell, told) = sync_channel(1);
        let queue = self.queue.as_ref().expect("it is not dropped");
        queue.send(Work::Settle(tell)).expect("it writes");
        told.recv().expect("it writes");
    }

    /// Writes down where the meters stand.
    pub fn meters(&self, gate: &Gate, now: Time) {
        self.kept.meters(gate, now);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.queue.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that keeps what rulings can be replayed with broke down");
        }
    }
}

impl Kept {
    fn run(&self, work: Receiver<Work>) {
        for work in work {
            match work {
                Work::Published { number, feed, until, loaded, written } => {
                    self.published(number, (feed, until), &loaded);
                    // Whoever waited for it may have gone on.
                    let _gone = written.send(());
                }
                #[cfg(test)]
                Work::Settle(told) => told.send(()).expect("somebody waits"),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn published(&self, number: u64, (feed, until): (u64, u64), loaded: &Loaded) {
        let mut files = loaded.files.clone();
        files.sort();
        files.dedup();
        let mut open = self.lock();
        let others = open.documents.as_ref() != Some(&files);
        if others {
            for read in &files {
                // A file that is another by now is read again in a moment, and said then.
                let kept =
                    loaded.gathered.read_again(read).and_then(|bytes| documents::keep(&self.directory.join(kept::DOCUMENTS), &bytes));
                open.note(kept);
            }
        }
        let mark = Mark { number, feed, until, documents: others.then(|| files.clone()) };
        let written = open.write(&Line::Snapshot(mark));
        if written.is_ok() {
            open.documents = Some(files);
        }
        open.note(written);
    }

    fn meters(&self, gate: &Gate, now: Time) {
        let mut before = gate.judge_order();
        let mut looked = gate.meters().levels(now, METERS_MAX);
        let mut exact = before == gate.judge_order();
        for _ in 1..LOOKS {
            if exact {
                break;
            }
            before = gate.judge_order();
            looked = gate.meters().levels(now, METERS_MAX);
            exact = before == gate.judge_order();
        }
        let levels = match looked {
            Ok(levels) => levels,
            Err(why) => return tracing::warn!(%why, "it is not written down where they stand: a replay begins earlier"),
        };
        let at = MetersAt { order: before, time_us: now.as_micros(), exact, meters: levels.len() };
        let written = kept::meters_text(&levels).map_err(io::Error::from).and_then(|text| {
            let path = kept::meters_file(&self.directory, &self.run, at.order);
            let part = path.with_extension("part");
            let mut file = kept::private().create(true).truncate(true).write(true).open(&part)?;
            file.write_all(&text)?;
            fs::rename(part, path)
        });
        let mut open = self.lock();
        let written = written.and_then(|()| open.write(&Line::Meters(at)));
        open.note(written);
        drop(open);
        self.prune();
    }

    /// Takes away the oldest files of meters and of runs.
    fn prune(&self) {
        let begun = |path: &Path| path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("-000000000000"));
        let meters = |path: &Path| path.extension().is_some_and(|found| found == "meters");
        let run = |path: &Path| path.extension().is_some_and(|found| found == "jsonl");
        oldest(&self.directory, METERS_FILES_MAX, |path| meters(path) && !begun(path));
        oldest(&self.directory, RUNS_MAX, |path| meters(path) && begun(path));
        oldest(&self.directory, RUNS_MAX, run);
        oldest(&self.directory.join(kept::DOCUMENTS), DOCUMENTS_MAX, |path| path.is_file());
    }
}

/// Takes away the oldest files of a kind, so that at most so many are left.
fn oldest(directory: &Path, most: usize, of_kind: impl Fn(&Path) -> bool) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| of_kind(path));
    let mut dated: Vec<_> = paths.filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path))).collect();
    dated.sort();
    let spare = dated.len().saturating_sub(most);
    for (_, path) in dated.into_iter().take(spare) {
        // What cannot be removed now is tried again.
        drop(fs::remove_file(path));
    }
}

impl Open {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.bytes = self.bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        if self.bytes > kept::BYTES_MAX {
            return Err(io::Error::other("the file of this run is as large as it may be"));
        }
        self.file.write_all(&text)
    }

    /// Tells of the first thing that could not be written.
    fn note(&mut self, written: io::Result<()>) {
        if let (Err(error), false) = (written, self.failed) {
            self.failed = true;
            tracing::error!(%error, "what rulings can be replayed with is not kept: a replay will name the events");
        }
    }
}
