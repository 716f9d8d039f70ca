//! Tails: frame by frame, one after the other, and what was signed of them.

use super::{Asked, Finding, Look, finding::last, ledger::Ledger};
use crate::{
    columns::{Row, Value},
    hot::{self, Frame, Tail, TailName},
    note::{NoteError, Trusted},
    seal::{Seal, TAIL_NOTE, kept_note},
    segment::Segment,
    tree::{self, Frontier, Hash},
};
use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// What was signed of a tail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// The number of its first event.
    pub(super) first: u64,
    /// How many.
    pub(super) count: u64,
    /// The root over them.
    pub(super) root: Hash,
}

impl Note {
    /// Reads the note on the tail that is written to. `Ok(None)`: there is none.
    pub(super) fn read(directory: &Path, edge: &str, asked: &Asked<'_>) -> io::Result<Result<Option<Self>, NoteError>> {
        Self::read_file(&directory.join(TAIL_NOTE), edge, asked)
    }

    fn read_file(path: &Path, edge: &str, asked: &Asked<'_>) -> io::Result<Result<Option<Self>, NoteError>> {
        let note = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(None)),
            other => other?,
        };
        let trusted = Trusted { origin: Seal::tail_origin(edge), keys: asked.trusted.keys.clone() };
        Ok(trusted.open(&note).and_then(|note| {
            let first = match note.extension.as_slice() {
                [line] => line.strip_prefix("first ").and_then(crate::note::decimal),
                _ => None,
            };
            let first = first.ok_or(NoteError::Checkpoint { part: "extension" })?;
            Ok(Some(Self { first, count: note.size, root: note.root }))
        }))
    }
}

/// The tails that there were at one moment: open, so that they can be read when they are sealed and gone meanwhile.
#[derive(Debug)]
pub(super) struct Tails(Vec<(TailName, File)>);

impl Tails {
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let mut tails = Vec::new();
        for name in hot::names(directory)? {
            match File::open(directory.join(name.to_string())) {
                Ok(file) => tails.push((name, file)),
                // Sealed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(error),
            }
        }
        Ok(Self(tails))
    }

    /// Whether one begins with this event.
    fn begins(&self, first_seq: u64) -> bool {
        self.0.iter().any(|(name, _)| name.first_seq == first_seq)
    }

    /// Whether a segment that the log does not name yet holds just the records of the tail that it was made of, up to its end or
    /// to where the next one begins. Readers take the segment then: it may say nothing else.
    pub(super) fn hold(&self, segment: &Segment) -> bool {
        let tail = self.0.iter().find(|(name, _)| name.first_seq == segment.first_seq());
        let Some(bytes) = tail.and_then(|(_, file)| whole_file(file).ok()) else { return false };
        let Ok(tail) = Tail::read(&bytes) else { return false };
        let mut leaves = tail.frames().map(|frame| frame.record.leaf()).collect::<Vec<_>>();
        let Ok(count) = usize::try_from(segment.events()) else { return false };
        if leaves.len() > count && self.begins(segment.first_seq().saturating_add(segment.events())) {
            leaves.truncate(count);
        }
        leaves.len() == count && segment.root().is_ok_and(|root| root == tree::root(leaves))
    }
}

/// All that an open file holds now.
fn whole_file(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where one is in the row of all events.
struct Along<'n> {
    /// The number that comes next.
    next: u64,
    ledger: &'n Ledger,
    note: Option<&'n Note>,
    /// Whether the note was held against something.
    noted: bool,
}

impl Look<'_> {
    pub(super) fn tails(&mut self, tails: &Tails, ledger: &Ledger, note: Option<&Note>) {
        let mut along = Along { next: ledger.next(), ledger, note, noted: false };
        let newest = tails.0.last().map(|(name, _)| *name);
        for (name, file) in &tails.0 {
            match whole_file(file) {
                Err(error) => self.find(Finding::Unreadable { file: name.to_string(), error: error.to_string() }),
                Ok(bytes) => {
                    self.looked_at(bytes.len());
                    // Kept when the writer saw that the tail is no longer what was signed.
                    let kept = Note::read_file(&self.directory.join(kept_note(*name)), self.edge(), self.asked);
                    let kept = kept.unwrap_or(Err(NoteError::NotText)).unwrap_or_else(|_| {
                        self.find(Finding::Unnoted { file: name.to_string() });
                        None
                    });
                    let kept = kept.filter(|kept| kept.first == name.first_seq);
                    self.tail(*name, &bytes, Some(*name) == newest, kept.as_ref(), &mut along);
                }
            }
        }
        let sealed = |note: &Note| ledger.segments.contains_key(&note.first) || last(note.first, note.count) <= ledger.retired;
        match note {
            // Events that are signed, and in no file that is there.
            Some(note) if !along.noted && !sealed(note) && note.count > 0 => {
                self.find(Finding::Cut { first: note.first, last: last(note.first, note.count) });
            }
            _ => (),
        }
    }

    fn tail(&mut self, name: TailName, bytes: &[u8], newest: bool, kept: Option<&Note>, along: &mut Along<'_>) {
        let file = || name.to_string();
        let tail = match Tail::read(bytes) {
            Ok(tail) => tail,
            Err(error) => {
                self.find(Finding::Tail { file: file(), error: error.to_string() });
                return;
            }
        };
        // What a machine that stopped left: sealed, and not yet taken away.
        let sealed = name.first_seq < along.next;
        if name.first_seq > along.next {
            self.find(Finding::Gap { first: along.next, last: name.first_seq - 1 });
        }
        let newer = along.note.filter(|note| note.first == name.first_seq);
        let signed = kept.or(newer);
        let mut begin = Frontier::new();
        let mut next = name.first_seq;
        let before = self.report.findings.len();
        for frame in tail.frames() {
            self.frame(&file(), next, &frame);
            if signed.is_some_and(|note| begin.size() < note.count) {
                begin.append(frame.record.leaf());
            }
            next = next.saturating_add(1);
        }
        if tail.damaged {
            next = self.behind_damage(&file(), next, &tail);
        } else if tail.whole < bytes.len() && newest {
            self.report.torn = true;
        } else if tail.whole < bytes.len() {
            self.find(Finding::TailDamaged { file: file(), first: next, last: None });
        }
        if sealed {
            // One that begins within what is sealed, and is not what a segment was made of, would be read in place of the segment's rest.
            let beside = name.first_seq < along.ledger.next() && !along.ledger.segments.contains_key(&name.first_seq);
            if next > along.next || beside {
                self.find(Finding::Overlap { file: file(), expected: along.next });
            }
        } else {
            self.report.in_tails = self.report.in_tails.saturating_add(next - name.first_seq);
            self.report.unsigned =
                self.report.unsigned.saturating_add((next - name.first_seq).saturating_sub(signed.map_or(0, |note| note.count)));
        }
        along.next = along.next.max(next);
        if let Some(note) = signed {
            along.noted |= newer.is_some();
            let end = note.first.saturating_add(note.count);
            if next < end {
                self.find(Finding::Cut { first: next, last: end - 1 });
            } else if begin.root() != note.root && self.report.findings.len() == before {
                self.find(Finding::Signed { first: note.first, last: end.saturating_sub(1) });
            }
        }
    }

    /// Says what is wrong of one frame.
    fn frame(&mut self, file: &str, seq: u64, frame: &Frame<'_>) {
        let row = frame.record.row().ok().filter(|_| frame.leaf().is_some());
        match row.map(|row| whole(&row)) {
            None => self.find(Finding::Record { file: file.to_owned(), seq }),
            Some(found) if found.and_then(|found| u64::try_from(found).ok()) == Some(seq) => (),
            Some(found) => self.find(Finding::Seq { file: file.to_owned(), expected: seq, found }),
        }
    }

    /// What can be read again behind damage; gives the number after the last of it.
    fn behind_damage(&mut self, file: &str, first: u64, tail: &Tail<'_>) -> u64 {
        let frames = tail.behind_damage();
        let number = |frame: &Frame<'_>| frame.record.row().ok().and_then(|row| whole(&row)).and_then(|seq| u64::try_from(seq).ok());
        let follows = frames.first().and_then(number).filter(|seq| *seq > first);
        let damaged = Finding::TailDamaged { file: file.to_owned(), first, last: follows.map(|seq| seq - 1) };
        self.find(damaged);
        let Some(mut next) = follows else { return first };
        for frame in &frames {
            self.frame(file, next, frame);
            next = next.saturating_add(1);
        }
        next
    }
}

/// The number that a record says it has.
fn whole(row: &Row<'_>) -> Option<i64> {
    match row.first() {
        Some(Some(Value::Int(seq))) => Some(*seq),
        _ => None,
    }
}
