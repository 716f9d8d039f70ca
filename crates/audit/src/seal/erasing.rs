//! What is asked to be erased, a segment at a time. To look for it and to write a segment anew takes as long as the disk or the store
//! takes: a thread of its own does that for one segment, and the thread that seals only enters what came of it, between two turns of
//! its own. So what comes meanwhile is signed and sealed as ever.
//!
//! INVARIANT (one): one erasure is under way at a time, and one segment of it.

use super::{ErasureProgress, SealError, Sealer, failed, shared::Erasure};
use crate::{
    hot::{self, TailName},
    segment::{
        self, SegmentError,
        entry::Entry,
        erase::{Anew, Erasable, leave, stands},
        write::put_in_place,
    },
    tree::Hash,
};
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, PoisonError,
        atomic::Ordering,
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    thread,
};

/// An erasure that is under way.
pub(super) struct Erasing {
    asked: Erasure,
    erasable: Arc<Erasable>,
    at_us: i64,
    /// Segments that are to be looked at, oldest first.
    left: VecDeque<u64>,
    /// The one that is looked at.
    looking: Option<Looking>,
    progress: ErasureProgress,
    /// The first that went wrong; what comes behind it is erased all the same.
    wrong: Option<SealError>,
}

struct Looking {
    first_seq: u64,
    /// The file that the log named when it was begun.
    file: Hash,
    told: Receiver<Result<Anew, SegmentError>>,
}

impl Erasing {
    fn went_wrong(&mut self, error: SealError) {
        tracing::error!(%error, "what was to be erased from a segment of the event log is still there");
        self.progress.failed += 1;
        self.wrong.get_or_insert(error);
    }
}

impl Sealer {
    /// Goes on with what was asked to be erased, as far as nothing has to be waited for.
    pub(super) fn erase_what_is_asked(&mut self) -> Result<(), SealError> {
        if self.erasing.is_none() {
            self.erasing = self.next_erasure()?;
        }
        let Some(mut erasing) = self.erasing.take() else { return Ok(()) };
        let gone_on = self.go_on(&mut erasing);
        self.shared.tell_erased(erasing.progress);
        match gone_on {
            Ok(true) => self.erasing = Some(erasing),
            Ok(false) => self.is_over(erasing),
            // The log cannot be written: that is told to who asked.
            Err(error) => {
                erasing.wrong = Some(error);
                self.is_over(erasing);
            }
        }
        Ok(())
    }

    /// The next erasure whose records are all sealed, as far as they will be.
    fn next_erasure(&self) -> Result<Option<Erasing>, SealError> {
        let mut erasures = self.shared.erasures.lock().unwrap_or_else(PoisonError::into_inner);
        if erasures.is_empty() {
            return Ok(None);
        }
        // After the lock: whoever asks does so when the tails that it means are there.
        let names = hot::names(&self.directory).map_err(failed(&self.directory))?;
        let before = |seq: u64| names.iter().copied().filter(move |tail: &TailName| tail.first_seq < seq);
        let ready = |erasure: &Erasure| before(erasure.from_seq).all(|tail| self.changed.contains(&tail));
        let Some(at) = erasures.iter().position(ready) else { return Ok(None) };
        let asked = erasures.remove(at);
        drop(erasures);
        let left: VecDeque<u64> = self.there().map(|(first, _)| first).collect();
        Ok(Some(Erasing {
            erasable: Arc::new(asked.erasable.clone()),
            at_us: self.shared.now_us.load(Ordering::Relaxed),
            progress: ErasureProgress { segments: left.len(), failed: before(asked.from_seq).count(), ..ErasureProgress::default() },
            left,
            looking: None,
            // It is not sealed, and nothing is erased from it: that must not be taken for done.
            wrong: before(asked.from_seq).next().map(SealError::Changed),
            asked,
        }))
    }

    /// Enters what was found and has the next segment looked at. Gives whether there is more to do.
    fn go_on(&mut self, erasing: &mut Erasing) -> Result<bool, SealError> {
        if let Some(looking) = erasing.looking.take() {
            let looked = match looking.told.try_recv() {
                Err(TryRecvError::Empty) => {
                    erasing.looking = Some(looking);
                    return Ok(true);
                }
                Ok(looked) => looked,
                Err(TryRecvError::Disconnected) => Err(SegmentError::Unreadable { path: self.segment(looking.first_seq) }),
            };
            erasing.progress.looked_at += 1;
            match looked {
                Ok(Anew::Nothing { own }) => erasing.progress.own = erasing.progress.own.saturating_add(own),
                Ok(Anew::Written { records, own, file }) => self.enter(erasing, &looking, (records, own), file)?,
                // Retired meanwhile: it is gone with all that it told.
                _ if !self.ledger.segments.contains_key(&looking.first_seq) => {}
                Ok(Anew::Unsealed) => erasing.went_wrong(SealError::Unsealed { path: self.segment(looking.first_seq) }),
                Err(error) => erasing.went_wrong(error.into()),
            }
        }
        while let Some(first_seq) = erasing.left.pop_front() {
            let Some(known) = self.ledger.segments.get(&first_seq) else {
                erasing.progress.looked_at += 1;
                continue;
            };
            let path = self.segment(first_seq);
            let told = look(path.clone(), Arc::clone(&erasing.erasable), (known.file(), known.root)).map_err(failed(&path))?;
            erasing.looking = Some(Looking { first_seq, file: known.file(), told });
            return Ok(true);
        }
        Ok(false)
    }

    /// Has the log say that a segment is another file from now on, and puts that in its place.
    fn enter(&mut self, erasing: &mut Erasing, looking: &Looking, (records, own): (u64, u64), file: Hash) -> Result<(), SealError> {
        let (path, segment) = (self.segment(looking.first_seq), looking.first_seq);
        // What is left of an append that failed is done first: it takes away what the log does not name.
        self.open_log()?;
        if self.ledger.segments.get(&segment).is_none_or(|known| known.file() != looking.file) {
            return Ok(leave(&path)?);
        }
        if !stands(&path, file)? {
            erasing.left.push_front(segment);
            erasing.progress.looked_at -= 1;
            return Ok(());
        }
        let (edge, reason) = (self.edge.to_string(), erasing.asked.reason.to_string());
        let shared = Arc::clone(&self.shared);
        // INVARIANT (held): what the log says and what lies here change together for who stores it.
        let mut held = shared.store.hold();
        self.append(&Entry::Erasure { edge, segment, records, at_us: erasing.at_us, file, reason })?;
        put_in_place(&path)?;
        held.is_now(segment, file);
        drop(held);
        erasing.progress.events = erasing.progress.events.saturating_add(records);
        erasing.progress.own = erasing.progress.own.saturating_add(own);
        self.shared.recount.store(true, Ordering::Release);
        Ok(())
    }

    fn is_over(&self, erasing: Erasing) {
        self.shared.recount.store(true, Ordering::Release);
        (erasing.asked.done)(erasing.wrong.map_or(Ok(erasing.progress.events), Err));
    }

    /// Tells whoever waits for an erasure that it is not done: what the log says so far is.
    pub(super) fn leave_erasures(mut self) {
        if let Some(erasing) = self.erasing.take() {
            (erasing.asked.done)(Err(erasing.wrong.unwrap_or(SealError::Ended)));
        }
        let waiting = std::mem::take(&mut *self.shared.erasures.lock().unwrap_or_else(PoisonError::into_inner));
        for erasure in waiting {
            (erasure.done)(Err(SealError::Ended));
        }
    }
}

/// Has a thread write a segment anew that is this file with this root; it wakes the one that asks when it is done.
fn look(path: PathBuf, erasable: Arc<Erasable>, sealed: (Hash, Hash)) -> std::io::Result<Receiver<Result<Anew, SegmentError>>> {
    let (tell, told) = sync_channel(1);
    let asking = thread::current();
    // Nobody waits for its end: a store that does not answer would keep the log from being closed.
    thread::Builder::new().name("wardgate-erase".to_owned()).spawn(move || {
        // Nobody listens any more only where the log was closed: what lies beside is taken away at the next start.
        drop(tell.send(segment::erase::erase_sealed(&path, &erasable, sealed)));
        asking.unpark();
    })?;
    Ok(told)
}
