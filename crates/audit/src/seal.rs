//! What is sealed, by a thread of its own: a full tail becomes a segment and an entry of the log, and is taken away.
//!
//! Once a second, while events come, the thread also makes the tail outlast the machine and signs what all tails hold so far
//! (`tail.note`): whoever cuts records off afterwards has to forge that note. INVARIANT (seen): a tail is sealed only when it
//! holds what it held when it was written, as far as the note or the writing thread can tell. What somebody changed is left
//! as it is, and told: sealing it would make it true.

mod erasing;
mod lived;
mod note;
pub mod outside;
mod shared;
mod tails;

pub(crate) use lived::step;
pub(crate) use note::{Age, Span, TAILS_MAX};
pub use note::{Held, LogAt, NoTailNote, TailNote};
pub(crate) use shared::Shared;
pub use shared::{Done, ErasureProgress};
pub(crate) use tails::is_unfinished;

use crate::{
    canonical::Record,
    directory::{LOG, SEGMENTS},
    hot::{self, Frame, Tail, TailName},
    ledger::{Known, Ledger},
    note::{NoteError, Signer, Trusted, Verifier},
    plain,
    segment::{self, SegmentError, SegmentName, entry::Entry, write::UNFINISHED},
    tiles::{self, TilesError},
    tree::{self, Frontier, Hash},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The file of the signed note on what the tail holds.
pub const TAIL_NOTE: &str = "tail.note";
/// The file with the note on a tail that is no longer what was signed.
pub(crate) fn kept_note(name: TailName) -> String {
    format!("{name}.note")
}

/// Bytes of a checkpoint that are looked at to say whose it is.
const CHECKPOINT_BYTES_MAX: u64 = 256 * 1024;

/// How often what the tail holds is signed, while events come.
const PERIOD: Duration = Duration::from_secs(1);

/// Who signs the log of an edge.
#[derive(Clone)]
pub struct Seal(pub Arc<dyn Signer + Send + Sync>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Seal").field(&self.0.name()).finish()
    }
}

impl Seal {
    /// The name of an edge's log and of the key that signs it.
    #[must_use]
    pub fn origin(edge: &str) -> String {
        format!("wardgate/{edge}")
    }

    /// The name under which what the tail of an edge holds is signed.
    #[must_use]
    pub fn tail_origin(edge: &str) -> String {
        format!("wardgate-tail/{edge}")
    }
}

/// What could not be sealed, retired or erased.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The tail does not hold what was written to it.
    #[error("`{0}` does not hold what was written to it: it is left as it is, and not sealed")]
    Changed(TailName),
    /// A segment.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The log of segments.
    #[error(transparent)]
    Log(#[from] TilesError),
    /// A note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The log is another edge's.
    #[error("it is the event log of the edge `{found}`, and this one is called `{edge}`: give it a directory of its own, or its name back")]
    OtherEdge {
        /// The edge whose log it is, as its checkpoint says.
        found: String,
        /// The name of this one.
        edge: Box<str>,
    },
    /// The note on the tails.
    #[error("`{TAIL_NOTE}`: {0}")]
    TailNote(#[from] NoTailNote),
    /// A segment is not the file that the log names.
    #[error("`{}` is not what was sealed: it is left as it is, and nothing was erased from it", .path.display())]
    Unsealed {
        /// Its file.
        path: PathBuf,
    },
    /// The log was closed before all was erased that was asked for.
    #[error("the event log was closed before all was erased: ask again")]
    Ended,
    /// A file.
    #[error("the event log at `{}`: {source}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn failed(path: &Path) -> impl Fn(io::Error) -> SealError {
    let path = path.to_owned();
    move |source| SealError::Io { path: path.clone(), source }
}

/// The one that seals.
pub(crate) struct Sealer {
    directory: PathBuf,
    edge: Box<str>,
    seal: Seal,
    /// `None`: how an append ended is not known; it is opened again before anything else.
    log: Option<tiles::Writer>,
    /// How far the log is, and which entry is about to be appended.
    at: LogAt,
    retain: Option<Duration>,
    /// What the log has lived through.
    lived: lived::Lived,
    shared: Arc<Shared>,
    /// What the log says that there is.
    ledger: Ledger,
    /// What is known of tails.
    tails: tails::Known,
    /// Tails that were found changed: told once, and not read again.
    changed: Vec<TailName>,
    /// Where checkpoints go beside.
    outside: outside::Outside,
    /// What is being erased.
    erasing: Option<erasing::Erasing>,
}

impl Sealer {
    /// Opens the log of segments, and puts right what a machine that stopped left behind.
    ///
    /// # Errors
    /// When the log is not believed, or the system refuses.
    pub(crate) fn open(
        directory: &Path,
        edge: &str,
        seal: &Seal,
        retain: Option<Duration>,
        shared: Arc<Shared>,
    ) -> Result<Self, SealError> {
        let segments = directory.join(SEGMENTS);
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&segments).map_err(failed(&segments))?;
        let directory = directory.to_owned();
        let (edge, seal) = (edge.into(), seal.clone());
        let at = LogAt { size: 0, root: Hash::EMPTY, next: None };
        let (ledger, tails, changed) = (Ledger::default(), tails::Known::default(), Vec::new());
        let (outside, lived) = (outside::Outside::default(), lived::Lived::default());
        let mut sealer =
            Self { directory, edge, seal, log: None, at, retain, lived, shared, ledger, tails, changed, outside, erasing: None };
        sealer.open_log()?;
        sealer.clear_away()?;
        sealer.look_at_tails()?;
        sealer.look_at_times()?;
        Ok(sealer)
    }

    /// Opens the log of segments where it is not open, learns what is in it, and does what it says and was not done.
    fn open_log(&mut self) -> Result<(), SealError> {
        if self.log.is_some() {
            return Ok(());
        }
        if let Some(found) = edge_of(&self.directory).filter(|found| **found != *self.edge) {
            return Err(SealError::OtherEdge { found, edge: self.edge.clone() });
        }
        let trusted = Trusted::of(Verifier::of(&*self.seal.0)?);
        let (log, found) = tiles::Writer::open(&self.directory.join(LOG), trusted, Arc::clone(&self.seal.0))?;
        for file in &found.cut {
            tracing::warn!(file, "an entry of the log of segments that was never signed is cut off");
        }
        self.ledger = Ledger::default();
        for index in 0..log.size() {
            // What a newer version wrote is not ours to understand; what does not fit is for `verify` to say.
            let _ = self.ledger.read(index, &log.log().entry(index)?, &self.edge);
        }
        self.finish_retirement()?;
        self.finish_erasures()?;
        self.at = at(&log);
        self.log = Some(log);
        Ok(())
    }

    /// Appends an entry. When that fails it may be in all the same: the log is opened again before the next one.
    fn append(&mut self, entry: &Entry) -> Result<(), SealError> {
        self.open_log()?;
        let text = entry.to_string();
        // INVARIANT (current).
        self.at.next = Some(tree::leaf(text.as_bytes()));
        self.write_note()?;
        let Some(log) = &mut self.log else { return Ok(()) };
        match log.append(&[text.as_bytes()]) {
            Ok(index) => {
                self.at = at(log);
                let _ = self.ledger.take(index, entry);
                Ok(())
            }
            Err(error) => {
                self.log = None;
                Err(error.into())
            }
        }
    }

    /// The least number that the next event may have: no other was given one as great, as far as is known.
    pub(crate) fn next_seq(&self) -> u64 {
        self.sealed_to().max(self.tails.least())
    }

    /// The number after the last event that was sealed.
    fn sealed_to(&self) -> u64 {
        self.ledger.next().max(self.ledger.retired.saturating_add(1))
    }

    /// Seals, signs and retires until it is told to end; then signs a last time.
    pub(crate) fn run(mut self, ended: &AtomicBool) {
        loop {
            let last = ended.load(Ordering::Acquire);
            self.turn();
            if last {
                return self.leave_erasures();
            }
            std::thread::park_timeout(PERIOD);
        }
    }

    fn turn(&mut self) {
        let told = [self.open_log(), self.seal_what_is_full(), self.retire(), self.erase_what_is_asked(), self.sign_what_stands()];
        let errors: Vec<SealError> = told.into_iter().filter_map(Result::err).collect();
        self.shared.failing.store(!errors.is_empty(), Ordering::Relaxed);
        for error in errors {
            tracing::error!(%error, "the event log cannot be sealed: what is written stays in its tail, and is tried again");
        }
        self.tell_outside();
    }

    /// Seals every tail but the one that is written to.
    fn seal_what_is_full(&mut self) -> Result<(), SealError> {
        let names = hot::names(&self.directory).map_err(failed(&self.directory))?;
        for pair in names.windows(2) {
            let [name, next] = pair else { continue };
            if self.changed.contains(name) {
                continue;
            }
            match self.seal(*name, next.first_seq) {
                Err(SealError::Changed(name)) => {
                    self.changed.push(name);
                    self.shared.unsealed.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(tail = %name, "a tail of the event log does not hold what was written to it: it is left as it is, `wardgate audit verify` says what is wrong");
                    self.keep_what_was_seen(name)?;
                }
                other => other?,
            }
            // To seal takes its time, and what comes meanwhile waits to be signed.
            self.sign_what_stands()?;
        }
        Ok(())
    }

    fn seal(&mut self, name: TailName, next_seq: u64) -> Result<(), SealError> {
        let path = self.directory.join(name.to_string());
        // It may have been sealed before the machine stopped that should have taken it away.
        if !(self.ledger.segments.contains_key(&name.first_seq) && self.lies(name.first_seq)) {
            // What begins within what is sealed was never written there: it would be signed in place of it.
            if name.first_seq < self.sealed_to() {
                return Err(SealError::Changed(name));
            }
            let bytes = match hot::read(&path) {
                // No plain file, or longer than any tail.
                Err(error) if error.kind() == io::ErrorKind::Other => return Err(SealError::Changed(name)),
                read => read.map_err(failed(&path))?,
            };
            let tail = Tail::read(&bytes).map_err(|_| SealError::Changed(name))?;
            let count = usize::try_from(next_seq.saturating_sub(name.first_seq)).unwrap_or(usize::MAX);
            let frames: Vec<Frame<'_>> = tail.frames().take(count).collect();
            if tail.damaged || frames.iter().any(|frame| frame.leaf().is_none()) || !self.is_as_written(name, &frames) {
                return Err(SealError::Changed(name));
            }
            if !frames.is_empty() {
                self.write_segment(name, &frames)?;
            }
        }
        fs::remove_file(&path).map_err(failed(&path))?;
        self.tails.forget(name.first_seq);
        self.shared.recount.store(true, Ordering::Release);
        Ok(())
    }

    fn write_segment(&mut self, name: TailName, frames: &[Frame<'_>]) -> Result<(), SealError> {
        let file = self.segment(name.first_seq);
        let records = frames.iter().map(|frame| -> Record<'_> { frame.record });
        let sealed = segment::write(&file, &self.edge, name.first_seq, records)?;
        let entry = Entry::Segment {
            edge: self.edge.to_string(),
            first_seq: sealed.first_seq,
            events: sealed.events,
            from_us: sealed.from_us,
            to_us: sealed.to_us,
            root: sealed.root,
            file: sealed.file,
        };
        self.append(&entry)?;
        self.shared.sealed.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(first = sealed.first_seq, events = sealed.events, bytes = sealed.bytes, "a segment of the event log is sealed");
        Ok(())
    }

    fn segment(&self, first_seq: u64) -> PathBuf {
        self.directory.join(SEGMENTS).join(SegmentName { first_seq }.to_string())
    }

    /// The segments that should be there, oldest first.
    fn there(&self) -> impl Iterator<Item = (u64, &Known)> {
        self.ledger.segments.iter().map(|(first_seq, known)| (*first_seq, known))
    }

    /// Takes away what was kept long enough, once the log says so: by the wall clock, and by what the log has lived through.
    fn retire(&mut self) -> Result<(), SealError> {
        let (Some(retain), Some((begin, told))) = (self.retain, self.shared.told()) else { return Ok(()) };
        let now = self.lived.now(begin, told);
        let retired = self.retire_before(told.now_us, [told.now_us, now.lived_us].map(|us| us.saturating_sub(lived::micros(retain))));
        let was_doubted = self.shared.doubted.swap(now.doubted.is_some(), Ordering::Relaxed);
        if let Some(ahead) = now.doubted.filter(|_| !was_doubted) {
            let hours = ahead.as_secs() / 3_600;
            tracing::error!(
                hours,
                "the clock is far ahead of the newest event that the event log held at the start: nothing is retired by it until so much time has passed. Is it right?"
            );
        }
        retired
    }

    fn retire_before(&mut self, at_us: i64, [kept_us, lived_us]: [i64; 2]) -> Result<(), SealError> {
        let old = self.there().take_while(|(_, known)| known.to_us < kept_us && known.lived_us < lived_us);
        let Some(next) = old.last().map(|(first, known)| first.saturating_add(known.events)) else { return Ok(()) };
        self.append(&Entry::Retired { edge: self.edge.to_string(), through_seq: next.saturating_sub(1), at_us })?;
        self.finish_retirement()
    }

    /// Takes away the files that the log says were retired: also where a machine stopped between the two.
    fn finish_retirement(&self) -> Result<(), SealError> {
        let folder = self.directory.join(SEGMENTS);
        for SegmentName { first_seq } in segment::names(&folder).map_err(failed(&folder))? {
            if first_seq > self.ledger.retired || self.ledger.segments.contains_key(&first_seq) {
                continue;
            }
            let path = self.segment(first_seq);
            self.take_away(first_seq).map_err(failed(&path))?;
            tracing::info!(segment = %path.display(), "a segment of the event log was kept as long as `audit.retain` says and is gone");
            self.shared.recount.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Puts in place what the log says was erased, where a machine stopped between the two.
    fn finish_erasures(&self) -> Result<(), SealError> {
        let mut held = self.shared.store.hold();
        for (segment, known) in self.there() {
            segment::erase::finish(&self.segment(segment), known.file())?;
            held.is_now(segment, known.file());
        }
        Ok(())
    }
}

/// The edge whose log a directory says it holds. Nothing is believed of it: it only says more clearly why a log would not be.
#[must_use]
pub fn edge_of(directory: &Path) -> Option<String> {
    let checkpoint = plain::read(&directory.join(LOG).join("checkpoint"), CHECKPOINT_BYTES_MAX).ok()?;
    let line = std::str::from_utf8(&checkpoint).ok()?.lines().next()?;
    let edge = line.strip_prefix(&Seal::origin(""))?;
    let is_name = !edge.is_empty() && edge.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_name.then(|| edge.to_owned())
}

/// Whether the checkpoint of the log in a directory is signed by whom somebody trusts.
#[must_use]
pub fn is_signed_by(directory: &Path, trusted: &Trusted) -> bool {
    plain::read(&directory.join(LOG).join("checkpoint"), CHECKPOINT_BYTES_MAX).is_ok_and(|note| trusted.open(&note).is_ok())
}

/// How far a log is.
fn at(log: &tiles::Writer) -> LogAt {
    LogAt { size: log.size(), root: log.log().checkpoint().root, next: None }
}

/// Whether frames begin with the records that are held.
fn holds<'b>(frames: impl IntoIterator<Item = Frame<'b>>, held: Held) -> bool {
    let mut tree = Frontier::default();
    let mut frames = frames.into_iter();
    while tree.size() < held.events {
        let Some(frame) = frames.next() else { return false };
        tree.append(frame.record.leaf());
    }
    tree.root() == held.root
}

/// Gives a file new contents, all or none, and its name to last.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(UNFINISHED);
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder).and_then(|folder| folder.sync_data()))
}

#[cfg(test)]
mod tests;
