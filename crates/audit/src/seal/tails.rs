//! What is known of the tails: what the note that the last run left says of them, and what this run wrote. So what is signed next, and
//! which of them may be sealed.

use super::{
    Held, SealError, Sealer, Span, TAIL_NOTE, TAILS_MAX, TailNote, failed, holds, kept_note, lived::Lived, note::Age, replace, step,
};
use crate::{
    directory::SEGMENTS,
    hot::{self, Frame, Tail, TailName},
    note::Verifier,
    segment::{SegmentName, write::UNFINISHED},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{PoisonError, atomic::Ordering},
};

/// What is known of tails.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What those hold that stand, by the numbers of their first events.
    noted: BTreeMap<u64, Held>,
    /// Those that the last run had begun and not signed yet when it ended.
    unsigned: BTreeSet<u64>,
    /// The number after the last event that a note told of.
    least: u64,
    /// The note that is on the disk.
    written: Option<TailNote>,
    /// The newest tail, where nothing may be appended to it.
    distrusted: Option<TailName>,
}

impl Known {
    /// The number after the last event that a note told of.
    pub(super) const fn least(&self) -> u64 {
        self.least
    }

    /// It is sealed, and gone.
    pub(super) fn forget(&mut self, first_seq: u64) {
        self.noted.remove(&first_seq);
        self.unsigned.remove(&first_seq);
    }

    /// Takes in what was held by a tail at some moment: it only grows.
    fn note(&mut self, first_seq: u64, held: Held) {
        let known = self.noted.entry(first_seq).or_insert(held);
        if known.events < held.events {
            *known = held;
        }
    }
}

impl Sealer {
    /// Takes away what a machine that stopped left half written: nobody reads it, and it is written anew.
    pub(super) fn clear_away(&self) -> Result<(), SealError> {
        let segments = self.directory.join(SEGMENTS);
        let tail_or_note = |name: &str| is_unfinished(name);
        let segment = |name: &str| name.strip_suffix(UNFINISHED).and_then(SegmentName::parse).is_some();
        for (folder, ours) in [(&self.directory, &tail_or_note as &dyn Fn(&str) -> bool), (&segments, &segment)] {
            for entry in fs::read_dir(folder).map_err(failed(folder))? {
                let entry = entry.map_err(failed(folder))?;
                if entry.file_name().to_str().is_some_and(ours) {
                    tracing::info!(file = %entry.path().display(), "a file of the event log that was not written to its end is taken away");
                    if let Err(error) = fs::remove_file(entry.path()) {
                        tracing::warn!(file = %entry.path().display(), %error, "it cannot be taken away");
                    }
                }
            }
        }
        Ok(())
    }

    /// Holds the tails against the note that the last run left. What they hold that is not what was signed is left as it is for
    /// ever: what was signed, or that nothing was, is kept beside it.
    pub(super) fn look_at_tails(&mut self) -> Result<(), SealError> {
        let names = hot::names(&self.directory).map_err(failed(&self.directory))?;
        let note = TailNote::read(&self.directory.join(TAIL_NOTE), &self.edge, &[Verifier::of(&*self.seal.0)?])?;
        let note = match note {
            Some(note) => self.is_believed(&note, names.last())?.then_some(note),
            None => None,
        };
        match &note {
            Some(note) => self.hold_against(note, &names)?,
            None => names.iter().try_for_each(|name| self.keep(*name, None))?,
        }
        self.tails.distrusted = names.last().copied().filter(|name| self.is_kept(*name));
        self.write_note()
    }

    /// Whether it is the newest note that was signed, as far as the log of segments can tell.
    fn is_believed(&self, note: &TailNote, newest: Option<&TailName>) -> Result<bool, SealError> {
        let age = self.log.as_ref().map_or(Ok(Age::Ahead), |log| note.age(log.log()))?;
        let believed = age == Age::Current || age == Age::Unsaid && newest.is_some_and(|newest| newest.first_seq == note.first);
        if !believed {
            tracing::error!(
                "`{TAIL_NOTE}` does not belong to the log of segments beside it: one of them was put back, and no tail is trusted"
            );
        }
        Ok(believed)
    }

    fn hold_against(&mut self, note: &TailNote, names: &[TailName]) -> Result<(), SealError> {
        let end = |(first, held): (u64, Held)| first.saturating_add(held.events);
        self.tails.least = note.tails().map(end).max().unwrap_or_default();
        // A tail that was signed and is gone is told of further on.
        for (first, held) in note.tails().filter(|(_, held)| held.events > 0) {
            let is_sealed = self.ledger.segments.contains_key(&first) || end((first, held)) <= self.sealed_to();
            if !is_sealed && !names.contains(&TailName { first_seq: first }) {
                self.tails.note(first, held);
            }
        }
        let (mut span, mut beyond) = (Span::default(), Vec::new());
        for name in names {
            if self.ledger.segments.contains_key(&name.first_seq) || self.is_kept(*name) {
                continue;
            }
            let path = self.directory.join(name.to_string());
            let bytes = hot::read(&path).map_err(failed(&path))?;
            // What is no tail is never sealed.
            let Ok(tail) = Tail::read(&bytes) else { continue };
            let held = match note.held(name.first_seq) {
                Some(held) if !holds(tail.frames(), held) => {
                    self.keep(*name, Some(note))?;
                    continue;
                }
                None if note.must_tell_of(name.first_seq) => continue,
                held => held,
            };
            match held {
                Some(held) => self.tails.note(name.first_seq, held),
                None => drop(self.tails.unsigned.insert(name.first_seq)),
            }
            let signed = held.map_or(0, |held| usize::try_from(held.events).unwrap_or(usize::MAX));
            let mut rest = tail.frames().skip(signed).peekable();
            if rest.peek().is_some() {
                beyond.push((*name, held.is_some()));
            }
            rest.for_each(|frame| span.take(frame.number("time"), frame.number("duration_us")));
        }
        if span.is_long() {
            for (name, told) in beyond {
                self.keep(name, told.then_some(note))?;
                self.tails.forget(name.first_seq);
            }
        }
        Ok(())
    }

    /// Learns when the newest event was, of those that segments and tails hold.
    pub(super) fn look_at_times(&mut self) -> Result<(), SealError> {
        let (mut newest, mut lived) = (self.ledger.newest_us, self.ledger.lived_us);
        if self.retain.is_some() {
            for name in hot::names(&self.directory).map_err(failed(&self.directory))? {
                let path = self.directory.join(name.to_string());
                let bytes = hot::read(&path).map_err(failed(&path))?;
                let last = Tail::read(&bytes).ok().and_then(|tail| hot::frame_before(&bytes, tail.whole));
                if let Some(time) = last.and_then(|(_, frame)| frame.number("time")) {
                    lived = lived.saturating_add(step(newest.unwrap_or(time), time));
                    newest = Some(time);
                }
            }
        }
        self.lived = Lived::since(newest, lived);
        Ok(())
    }

    /// The newest tail, when nothing may be appended to it, and the least number of the next event.
    ///
    /// # Errors
    /// None: it was found out when the log was opened.
    pub(crate) fn distrusted(&self) -> Result<Option<(TailName, u64)>, SealError> {
        Ok(self.tails.distrusted.map(|name| (name, self.next_seq().max(name.first_seq))))
    }

    fn is_kept(&self, name: TailName) -> bool {
        self.directory.join(kept_note(name)).symlink_metadata().is_ok()
    }

    /// Keeps beside a tail what was signed of it, or that nothing was: it is never taken for whole again.
    fn keep(&self, name: TailName, note: Option<&TailNote>) -> Result<(), SealError> {
        let path = self.directory.join(kept_note(name));
        if self.is_kept(name) {
            return Ok(());
        }
        let signed = note.map(|note| note.sign(&self.edge, &*self.seal.0)).transpose()?;
        replace(&path, signed.unwrap_or_default().as_bytes()).map_err(failed(&path))
    }

    /// Keeps beside a tail that was changed what was written to it, and tells no more of it in the note.
    pub(super) fn keep_what_was_seen(&mut self, name: TailName) -> Result<(), SealError> {
        let first = name.first_seq;
        if let Some(held) = self.tails.noted.get(&first).copied() {
            self.keep(name, Some(&TailNote { first, held, full: BTreeMap::new(), log: Some(self.at) }))?;
            self.tails.forget(first);
        }
        Ok(())
    }

    /// INVARIANT (seen).
    pub(super) fn is_as_written(&mut self, name: TailName, frames: &[Frame<'_>]) -> bool {
        self.hear();
        let held = self.tails.noted.get(&name.first_seq);
        let as_seen = held.map_or_else(|| self.tails.unsigned.contains(&name.first_seq), |held| holds(frames.iter().copied(), *held));
        as_seen && !self.is_kept(name)
    }

    /// Takes in what the writing thread says that full tails held.
    fn hear(&mut self) {
        let full = std::mem::take(&mut *self.shared.full.lock().unwrap_or_else(PoisonError::into_inner));
        for (first, held) in full {
            if !self.ledger.segments.contains_key(&first) {
                self.tails.note(first, held);
            }
        }
    }

    /// Makes the tail outlast the machine, and signs what all of them hold.
    pub(super) fn sign_what_stands(&mut self) -> Result<(), SealError> {
        self.hear();
        let standing = self.shared.standing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(standing) = standing
            && !self.ledger.segments.contains_key(&standing.first_seq)
        {
            let path = self.directory.join(TailName { first_seq: standing.first_seq }.to_string());
            standing.file.sync_data().map_err(|error| {
                self.shared.failed.store(true, Ordering::Release);
                failed(&path)(error)
            })?;
            self.tails.note(standing.first_seq, Held { events: standing.events, root: standing.root });
        }
        self.write_note()
    }

    /// Signs what is known of the tails, where that is not what the note says.
    pub(super) fn write_note(&mut self) -> Result<(), SealError> {
        let mut full = self.tails.noted.clone();
        let (first, held) = full.pop_last().unwrap_or_else(|| (self.next_seq(), Held::default()));
        while full.len() >= TAILS_MAX {
            full.pop_last();
        }
        let note = TailNote { first, held, full, log: Some(self.at) };
        if self.tails.written.as_ref() == Some(&note) {
            return Ok(());
        }
        let path = self.directory.join(TAIL_NOTE);
        replace(&path, note.sign(&self.edge, &*self.seal.0)?.as_bytes()).map_err(failed(&path))?;
        self.tails.written = Some(note);
        Ok(())
    }
}

/// Whether a file of the directory is one of ours that is written before it gets its name.
pub(crate) fn is_unfinished(name: &str) -> bool {
    let Some(name) = name.strip_suffix(UNFINISHED) else { return false };
    let is_kept = |name: &str| name.strip_suffix(".note").and_then(TailName::parse).is_some();
    name == TAIL_NOTE || TailName::parse(name).is_some() || is_kept(name)
}
