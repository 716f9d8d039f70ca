//! What is sealed, by a thread of its own: a full tail becomes a segment and an entry of the log, and is taken away.
//!
//! Once a second, while events come, the thread also makes the tail outlast the machine and signs what it holds so far
//! (`tail.note`): whoever cuts records off afterwards has to forge that note. INVARIANT (seen): a tail is sealed only when it
//! holds what it held when it was written, as far as the note or the writing thread can tell. What somebody changed is left
//! as it is, and told: sealing it would make it true.

mod known;
mod shared;

pub(crate) use shared::Shared;

use crate::{
    canonical::Record,
    directory::{LOG, SEGMENTS},
    hot::{self, Frame, Tail, TailName},
    note::{Checkpoint, NoteError, Signer, Trusted, Verifier},
    segment::{self, SegmentError, SegmentName, entry::Entry, find::Wanted, write::put_in_place},
    tiles::{self, TilesError},
    tree::{Frontier, Hash},
};
use known::{Known, known};
use shared::Erasure;
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError,
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
    retain: Option<Duration>,
    shared: Arc<Shared>,
    /// What was sealed, by its first number.
    sealed: BTreeMap<u64, Known>,
    /// The number of the last event that was retired.
    retired: u64,
    /// What was signed last: first number and count.
    signed: (u64, u64),
    /// Tails that were found changed: told once.
    changed: Vec<TailName>,
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
        let (sealed, changed) = (BTreeMap::new(), Vec::new());
        let mut sealer = Self { directory, edge, seal, log: None, retain, shared, sealed, retired: 0, signed: (0, 0), changed };
        sealer.open_log()?;
        sealer.begin_note()?;
        Ok(sealer)
    }

    /// Signs, before there is any event, that there is none: from then on a note that is missing was taken away.
    fn begin_note(&self) -> Result<(), SealError> {
        let is_new = self.log.as_ref().is_some_and(|log| log.size() == 0)
            && hot::names(&self.directory).map_err(failed(&self.directory))?.is_empty()
            && !self.directory.join(TAIL_NOTE).exists();
        if is_new { self.sign(1, 0, Hash::EMPTY) } else { Ok(()) }
    }

    /// Opens the log of segments where it is not open, learns what is in it, and does what it says and was not done.
    fn open_log(&mut self) -> Result<(), SealError> {
        if self.log.is_some() {
            return Ok(());
        }
        let trusted = Trusted::of(Verifier::of(&*self.seal.0)?);
        let (log, found) = tiles::Writer::open(&self.directory.join(LOG), trusted, Arc::clone(&self.seal.0))?;
        for file in &found.cut {
            tracing::warn!(file, "an entry of the log of segments that was never signed is cut off");
        }
        (self.sealed, self.retired) = known(&log)?;
        self.finish_retirement()?;
        self.finish_erasures()?;
        self.log = Some(log);
        Ok(())
    }

    /// Appends an entry. When that fails it may be in all the same: the log is opened again before the next one.
    fn append(&mut self, entry: &Entry) -> Result<(), SealError> {
        self.open_log()?;
        if let Some(log) = &mut self.log
            && let Err(error) = log.append(&[entry.to_string().as_bytes()])
        {
            self.log = None;
            return Err(error.into());
        }
        Ok(())
    }

    /// A tail that does not hold what was signed, and the number after the last event that was: nothing may be appended to it. The
    /// note is kept beside it, so that it is never taken for whole again.
    ///
    /// # Errors
    /// When the note or the tail cannot be read.
    pub(crate) fn distrusted(&self) -> Result<Option<(TailName, u64)>, SealError> {
        let Some((first_seq, note)) = self.tail_note()? else { return self.unnoted() };
        let name = TailName { first_seq };
        let path = self.directory.join(name.to_string());
        let bytes = match fs::read(&path) {
            // Sealed since, or taken away: `verify` knows which.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed(&path))?,
        };
        let signed = Tail::read(&bytes).is_ok_and(|tail| holds(&tail.frames().collect::<Vec<_>>(), note.size, note.root));
        if signed {
            return Ok(None);
        }
        let kept = self.directory.join(kept_note(name));
        if !kept.exists() {
            fs::copy(self.directory.join(TAIL_NOTE), &kept).map_err(failed(&kept))?;
        }
        Ok(Some((name, first_seq.saturating_add(note.size))))
    }

    /// The newest tail, where the note was taken away: nothing says what any tail held. That is kept beside each of them.
    fn unnoted(&self) -> Result<Option<(TailName, u64)>, SealError> {
        let names = hot::names(&self.directory).map_err(failed(&self.directory))?;
        for name in &names {
            let kept = self.directory.join(kept_note(*name));
            if !kept.exists() {
                fs::write(&kept, "").map_err(failed(&kept))?;
            }
        }
        Ok(names.last().map(|name| (*name, name.first_seq)))
    }

    /// The number after the last event that was sealed.
    pub(crate) fn next_seq(&self) -> u64 {
        let sealed = self.sealed.last_key_value().map_or(1, |(_, known)| known.next_seq);
        sealed.max(self.retired.saturating_add(1))
    }

    /// Seals, signs and retires until it is told to end; then signs a last time.
    pub(crate) fn run(mut self, ended: &AtomicBool) {
        loop {
            let last = ended.load(Ordering::Acquire);
            self.turn();
            if last {
                return;
            }
            std::thread::park_timeout(PERIOD);
        }
    }

    fn turn(&mut self) {
        let told = [self.open_log(), self.seal_what_is_full(), self.sign_what_stands(), self.retire(), self.erase_what_is_asked()];
        for error in told.into_iter().filter_map(Result::err) {
            tracing::error!(%error, "the event log cannot be sealed: what is written stays in its tail, and is tried again");
        }
    }

    /// Seals every tail but the one that is written to.
    fn seal_what_is_full(&mut self) -> Result<(), SealError> {
        let names = hot::names(&self.directory).map_err(failed(&self.directory))?;
        for pair in names.windows(2) {
            let [name, next] = pair else { continue };
            match self.seal(*name, next.first_seq) {
                Err(SealError::Changed(name)) => {
                    if !self.changed.contains(&name) {
                        self.changed.push(name);
                        self.shared.unsealed.fetch_add(1, Ordering::Relaxed);
                        tracing::error!(tail = %name, "a tail of the event log does not hold what was written to it: it is left as it is, `wardgate audit verify` says what is wrong");
                    }
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn seal(&mut self, name: TailName, next_seq: u64) -> Result<(), SealError> {
        let path = self.directory.join(name.to_string());
        // It may have been sealed before the machine stopped that should have taken it away.
        if !(self.sealed.contains_key(&name.first_seq) && self.segment(name.first_seq).exists()) {
            // What begins within what is sealed was never written there: it would be signed in place of it.
            if name.first_seq < self.next_seq() {
                return Err(SealError::Changed(name));
            }
            let bytes = fs::read(&path).map_err(failed(&path))?;
            let tail = Tail::read(&bytes).map_err(|_| SealError::Changed(name))?;
            let count = usize::try_from(next_seq.saturating_sub(name.first_seq)).unwrap_or(usize::MAX);
            let frames: Vec<Frame<'_>> = tail.frames().take(count).collect();
            if tail.damaged || frames.iter().any(|frame| frame.leaf().is_none()) || !self.is_as_written(name, &frames)? {
                return Err(SealError::Changed(name));
            }
            if !frames.is_empty() {
                self.write_segment(name, &frames)?;
            }
        }
        fs::remove_file(&path).map_err(failed(&path))?;
        self.shared.full.lock().unwrap_or_else(PoisonError::into_inner).remove(&name.first_seq);
        self.shared.recount.store(true, Ordering::Release);
        Ok(())
    }

    fn write_segment(&mut self, name: TailName, frames: &[Frame<'_>]) -> Result<(), SealError> {
        let file = self.segment(name.first_seq);
        let records = frames.iter().map(|frame| -> Record<'_> { frame.record });
        let sealed = segment::write(&file, &self.edge, name.first_seq, records)?;
        let known = Known { next_seq: sealed.first_seq.saturating_add(sealed.events), to_us: sealed.to_us, file: sealed.file };
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
        self.sealed.insert(sealed.first_seq, known);
        self.shared.sealed.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(first = sealed.first_seq, events = sealed.events, bytes = sealed.bytes, "a segment of the event log is sealed");
        Ok(())
    }

    /// INVARIANT (seen).
    fn is_as_written(&self, name: TailName, frames: &[Frame<'_>]) -> Result<bool, SealError> {
        if self.directory.join(kept_note(name)).exists() {
            return Ok(false);
        }
        let seen = self.shared.full.lock().unwrap_or_else(PoisonError::into_inner).get(&name.first_seq).copied();
        let seen = match seen {
            Some(seen) => Some(seen),
            None => self.tail_note()?.filter(|(first, _)| *first == name.first_seq).map(|(_, note)| (note.size, note.root)),
        };
        Ok(seen.is_none_or(|(events, root)| holds(frames, events, root)))
    }

    fn tail_note(&self) -> Result<Option<(u64, Checkpoint)>, SealError> {
        read_tail_note(&self.directory, &self.edge, &Verifier::of(&*self.seal.0)?)
    }

    fn segment(&self, first_seq: u64) -> PathBuf {
        self.directory.join(SEGMENTS).join(SegmentName { first_seq }.to_string())
    }

    /// Makes the tail outlast the machine, and signs what it holds.
    fn sign_what_stands(&mut self) -> Result<(), SealError> {
        let standing = self.shared.standing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(standing) = standing else { return Ok(()) };
        let signed = (standing.first_seq, standing.events);
        if signed == self.signed {
            return Ok(());
        }
        let path = self.directory.join(TAIL_NOTE);
        standing.file.sync_data().map_err(failed(&path))?;
        self.sign(standing.first_seq, standing.events, standing.root)?;
        self.signed = signed;
        Ok(())
    }

    fn sign(&self, first_seq: u64, size: u64, root: Hash) -> Result<(), SealError> {
        let note = Checkpoint { origin: Seal::tail_origin(&self.edge), size, root, extension: vec![format!("first {first_seq}")] };
        let path = self.directory.join(TAIL_NOTE);
        replace(&path, note.sign(&*self.seal.0)?.as_bytes()).map_err(failed(&path))
    }

    /// The segments that should be there, oldest first.
    fn there(&self) -> impl Iterator<Item = (u64, Known)> {
        self.sealed.iter().map(|(first_seq, known)| (*first_seq, *known))
    }

    /// Takes away what was kept long enough, once the log says so.
    fn retire(&mut self) -> Result<(), SealError> {
        let Some(retain) = self.retain else { return Ok(()) };
        let now_us = self.shared.now_us.load(Ordering::Relaxed);
        let kept_us = now_us.saturating_sub(i64::try_from(retain.as_micros()).unwrap_or(i64::MAX));
        let old: Vec<(u64, u64)> =
            self.there().take_while(|(_, known)| known.to_us < kept_us).map(|(first, known)| (first, known.next_seq)).collect();
        let Some((_, next)) = old.last() else { return Ok(()) };
        let entry = Entry::Retired { edge: self.edge.to_string(), through_seq: next.saturating_sub(1), at_us: now_us };
        self.append(&entry)?;
        self.retired = self.retired.max(next.saturating_sub(1));
        for (first_seq, _) in &old {
            self.sealed.remove(first_seq);
        }
        self.finish_retirement()
    }

    /// Takes away the files that the log says were retired: also where a machine stopped between the two.
    fn finish_retirement(&self) -> Result<(), SealError> {
        let folder = self.directory.join(SEGMENTS);
        for SegmentName { first_seq } in segment::names(&folder).map_err(failed(&folder))? {
            if first_seq > self.retired || self.sealed.contains_key(&first_seq) {
                continue;
            }
            let path = self.segment(first_seq);
            fs::remove_file(&path).map_err(failed(&path))?;
            tracing::info!(segment = %path.display(), "a segment of the event log was kept as long as `audit.retain` says and is gone");
            self.shared.recount.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Takes what tells of persons out of the records that are wanted, in every segment that holds one. Gives of how many.
    /// Where a segment cannot be read, or does not hold what was sealed, those before it are done.
    fn erase(&mut self, wanted: &Wanted, reason: &str) -> Result<u64, SealError> {
        let at_us = self.shared.now_us.load(Ordering::Relaxed);
        let mut all = 0;
        for (segment, mut known) in self.there().collect::<Vec<_>>() {
            let path = self.segment(segment);
            let Some((records, sealed)) = segment::erase(&path, wanted)? else { continue };
            let (edge, reason) = (self.edge.to_string(), reason.to_owned());
            let entry = Entry::Erasure { edge, segment, records, at_us, file: sealed.file, reason };
            self.append(&entry)?;
            put_in_place(&path)?;
            known.file = sealed.file;
            self.sealed.insert(segment, known);
            all += records;
        }
        self.shared.recount.store(true, Ordering::Release);
        Ok(all)
    }

    /// Erases what was asked for, once what was in the tail then is sealed.
    fn erase_what_is_asked(&mut self) -> Result<(), SealError> {
        let shared = Arc::clone(&self.shared);
        let mut erasures = shared.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        if erasures.is_empty() {
            return Ok(());
        }
        // After the lock: whoever asks does so when the tails that it means are there.
        let names = hot::names(&self.directory).map_err(failed(&self.directory))?;
        let before = |seq: u64| names.iter().filter(move |tail| tail.first_seq < seq);
        let asked: Vec<Erasure> =
            erasures.extract_if(.., |erasure| before(erasure.from_seq).all(|tail| self.changed.contains(tail))).collect();
        drop(erasures);
        for Erasure { wanted, reason, from_seq, done } in asked {
            let erased = self.erase(&wanted, &reason);
            // It is not sealed, and nothing is erased from it: that must not be taken for done.
            let left = before(from_seq).next().map_or(Ok(()), |tail| Err(SealError::Changed(*tail)));
            done(erased.and_then(|erased| left.map(|()| erased)));
        }
        Ok(())
    }

    /// Puts in place what the log says was erased, where a machine stopped between the two.
    fn finish_erasures(&self) -> Result<(), SealError> {
        for (segment, known) in self.there() {
            segment::erase::finish(&self.segment(segment), known.file)?;
        }
        Ok(())
    }
}

/// Whether frames begin with so many records under this root.
fn holds(frames: &[Frame<'_>], events: u64, root: Hash) -> bool {
    let Ok(count) = usize::try_from(events) else { return false };
    let mut tree = Frontier::default();
    for frame in frames.iter().take(count) {
        tree.append(frame.record.leaf());
    }
    frames.len() >= count && tree.root() == root
}

/// What the signed note says that the tail holds: the number of its first event, and how many under which root.
///
/// # Errors
/// When it cannot be read, or is not signed by that key.
pub fn read_tail_note(directory: &Path, edge: &str, key: &Verifier) -> Result<Option<(u64, Checkpoint)>, SealError> {
    let path = directory.join(TAIL_NOTE);
    let note = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed(&path))?,
    };
    let note = Trusted { origin: Seal::tail_origin(edge), keys: vec![key.clone()] }.open(&note)?;
    let first = note.extension.first().and_then(|line| line.strip_prefix("first ")?.parse().ok());
    first.map_or(Err(SealError::Note(NoteError::NotText)), |first| Ok(Some((first, note))))
}

/// Gives a file new contents, all or none.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests;
