//! Tails: frame by frame, one after the other, and what was signed of them.

use super::{
    Finding, Look,
    finding::last,
    order::{self, Said},
};
use crate::{
    columns::{Row, Value},
    hot::{self, Frame, TAIL_BYTES_MAX, Tail, TailName},
    ledger::Ledger,
    plain,
    seal::{Held, Span, TailNote, kept_note},
    segment::Segment,
    tree::{self, Frontier},
};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Seek as _, SeekFrom},
    path::Path,
};

/// The tails that there were at one moment: open, so that they can be read when they are sealed and gone meanwhile.
#[derive(Debug, Default)]
pub(super) struct Tails(Vec<(TailName, File)>);

impl Tails {
    pub(super) fn open(directory: &Path, look: &mut Look<'_>) -> io::Result<Self> {
        let mut tails = Vec::new();
        for name in hot::names(directory)? {
            match plain::open(&directory.join(name.to_string())) {
                Ok(file) => tails.push((name, file)),
                // Sealed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => look.find(Finding::Unreadable { file: name.to_string(), error: error.to_string() }),
            }
        }
        Ok(Self(tails))
    }

    /// The number with which the newest begins.
    pub(super) fn newest(&self) -> Option<u64> {
        self.0.last().map(|(name, _)| name.first_seq)
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
    file.seek(SeekFrom::Start(0))?;
    plain::read_on(file, TAIL_BYTES_MAX)
}

/// What is signed of a tail.
#[derive(Clone, Copy)]
enum Signed {
    /// So much.
    Held(Held),
    /// Nothing yet: it is newer than the note.
    NotYet,
    /// Nothing says what it holds, and that is told.
    Distrusted,
}

/// Where one is in the row of all events.
struct Along<'n> {
    /// The number that comes next.
    next: u64,
    ledger: &'n Ledger,
    note: Option<&'n TailNote>,
    /// Tails that were held against the note.
    noted: BTreeSet<u64>,
    /// Events that the note does not cover: the first, the last, and the span of their times.
    unsigned: Option<(u64, u64)>,
    span: Span,
}

impl Look<'_> {
    pub(super) fn tails(&mut self, tails: &Tails, ledger: &Ledger, note: Option<&TailNote>) {
        let mut along = Along { next: ledger.next(), ledger, note, noted: BTreeSet::new(), unsigned: None, span: Span::default() };
        for (name, file) in &tails.0 {
            match whole_file(file) {
                Err(error) => self.find(Finding::Unreadable { file: name.to_string(), error: error.to_string() }),
                Ok(bytes) => {
                    self.looked_at(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                    self.tail(*name, &bytes, tails.newest() == Some(name.first_seq), &mut along);
                }
            }
        }
        if let Some((first, last)) = along.unsigned.filter(|_| along.span.is_long()) {
            self.find(Finding::Behind { first, last });
        }
        let is_sealed = |first: u64, held: Held| ledger.segments.contains_key(&first) || last(first, held.events) <= ledger.retired;
        for (first, held) in note.iter().flat_map(|note| note.tails()).filter(|(_, held)| held.events > 0) {
            // Events that are signed, and in no file that is there.
            if !along.noted.contains(&first) && !is_sealed(first, held) {
                self.find(Finding::Cut { first, last: last(first, held.events) });
            }
        }
    }

    /// What is signed of a tail: what is kept beside it, where the writer saw that it is no longer that, and what the note says. A tail only grows, so of
    /// two that are signed it holds the larger: whoever sets an older note of it beside it takes nothing off the newest.
    fn signed(&mut self, name: TailName, along: &Along<'_>) -> Signed {
        let first = name.first_seq;
        let kept = TailNote::read(&self.directory.join(kept_note(name)), self.edge(), &self.asked.trusted.keys);
        let kept = match kept.map(|kept| kept.map(|kept| kept.held(first))) {
            Ok(Some(Some(held))) => Some(held),
            Ok(Some(None)) | Err(_) => {
                self.find(Finding::Unnoted { file: name.to_string() });
                return Signed::Distrusted;
            }
            Ok(None) => None,
        };
        let noted = along.note.and_then(|note| note.held(first));
        if let Some(held) = kept.into_iter().chain(noted).max_by_key(|held| held.events) {
            return Signed::Held(held);
        }
        if along.note.is_some_and(|note| first >= along.ledger.next() && note.must_tell_of(first)) {
            self.find(Finding::Untold { file: name.to_string() });
            return Signed::Distrusted;
        }
        Signed::NotYet
    }

    fn tail(&mut self, name: TailName, bytes: &[u8], newest: bool, along: &mut Along<'_>) {
        let file = || name.to_string();
        let tail = match Tail::read(bytes) {
            Ok(tail) => tail,
            Err(error) => {
                self.find(Finding::Tail { file: file(), error: error.to_string() });
                return;
            }
        };
        let signed = self.signed(name, along);
        let held = if let Signed::Held(held) = signed { held } else { Held::default() };
        if name.first_seq > along.next {
            self.find(Finding::Gap { first: along.next, last: name.first_seq - 1 });
        }
        let mut begin = Frontier::new();
        let before = self.report.findings.len();
        let mut span = Span::default();
        let mut next = self.frames(&file(), name.first_seq, &tail.frames().collect::<Vec<_>>());
        for frame in tail.frames() {
            if begin.size() < held.events {
                begin.append(frame.record.leaf());
            } else {
                span.take(frame.number("time"), frame.number("duration_us"));
            }
        }
        if tail.damaged {
            next = self.behind_damage(&file(), next, &tail);
        } else if tail.whole < bytes.len() && newest {
            self.report.torn = true;
        } else if tail.whole < bytes.len() {
            self.find(Finding::TailDamaged { file: file(), first: next, last: None });
        }
        self.in_order(name, next, held, matches!(signed, Signed::Distrusted), along);
        if let Signed::Held(held) = signed {
            along.noted.insert(name.first_seq);
            let end = name.first_seq.saturating_add(held.events);
            if next < end {
                self.find(Finding::Cut { first: next, last: end - 1 });
            } else if begin.root() != held.root && self.report.findings.len() == before {
                self.find(Finding::Signed { first: name.first_seq, last: end.saturating_sub(1) });
            }
        }
        let unsigned = name.first_seq.saturating_add(held.events);
        if unsigned < next && along.note.is_some() && !matches!(signed, Signed::Distrusted) && along.next == next {
            along.unsigned = Some((along.unsigned.map_or(unsigned, |(first, _)| first), next - 1));
            along.span.join(span);
        }
    }

    /// Whether a tail begins where the one before it ended, and what of it is not yet signed.
    fn in_order(&mut self, name: TailName, next: u64, held: Held, distrusted: bool, along: &mut Along<'_>) {
        // What a machine that stopped left: sealed, and not yet taken away.
        if name.first_seq < along.next {
            // One that begins within what is sealed, and is not what a segment was made of, would be read in place of the segment's rest.
            let beside = name.first_seq < along.ledger.next() && !along.ledger.segments.contains_key(&name.first_seq);
            if (next > along.next || beside) && !distrusted {
                self.find(Finding::Overlap { file: name.to_string(), expected: along.next });
            }
        } else {
            let events = next - name.first_seq;
            self.report.in_tails = self.report.in_tails.saturating_add(events);
            self.report.unsigned = self.report.unsigned.saturating_add(events.saturating_sub(held.events));
        }
        along.next = along.next.max(next);
    }

    /// Says what is wrong of frames one after the other. Gives the number after the last.
    fn frames(&mut self, file: &str, first: u64, frames: &[Frame<'_>]) -> u64 {
        let mut said = Vec::with_capacity(frames.len());
        for (seq, frame) in (first..).zip(frames) {
            let row = frame.record.row().ok().filter(|_| frame.leaf().is_some());
            if row.is_none() {
                self.find(Finding::Record { file: file.to_owned(), seq });
            }
            // What is not what was recorded says nothing, not even its number.
            said.push(row.map_or_else(|| Said { seq: i64::try_from(seq).ok(), request: None }, |row| said_by(&row)));
        }
        let (findings, next) = order::look(file, first, &said);
        findings.into_iter().for_each(|finding| self.find(finding));
        next
    }

    /// What can be read again behind damage; gives the number after the last of it.
    fn behind_damage(&mut self, file: &str, first: u64, tail: &Tail<'_>) -> u64 {
        let frames = tail.behind_damage();
        let number = |frame: &Frame<'_>| frame.record.row().ok().and_then(|row| whole(&row)).and_then(|seq| u64::try_from(seq).ok());
        let follows = frames.first().and_then(number).filter(|seq| *seq > first);
        let damaged = Finding::TailDamaged { file: file.to_owned(), first, last: follows.map(|seq| seq - 1) };
        self.find(damaged);
        follows.map_or(first, |next| self.frames(file, next, &frames))
    }
}

/// The number that a record says it has.
fn whole(row: &Row<'_>) -> Option<i64> {
    match row.first() {
        Some(Some(Value::Int(seq))) => Some(*seq),
        _ => None,
    }
}

/// The number and the request that a record says it has.
pub(super) fn said_by(row: &Row<'_>) -> Said {
    let request = crate::columns::number("request_id").and_then(|at| row.get(at));
    let request = if let Some(Some(Value::Text(id))) = request { Some(id.as_ref().into()) } else { None };
    Said { seq: whole(row), request }
}
