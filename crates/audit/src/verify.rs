//! Looking a whole event log over: what is wrong, and where, as precisely as it can be said.
//!
//! What is believed is the key alone. It signs the checkpoint of the log of segments, which names each segment by the root over
//! its records and the hash of its file, and it signs what the tail holds. From there: the log itself ([`crate::tiles`]), each
//! segment's file and records, the numbers of all events one after the other, and the tail's records.
//!
//! Said of damage: the segment always; the row group where the footer still has the roots that were sealed, or where columns can
//! no longer be read; the record where columns can be read, by the mark that stands beside it. Memory: one segment's file and one
//! row group for each of the segments that are looked at at the same time. What is found does not depend on how many those are.
//!
//! It may be written to meanwhile: what is sealed while it is looked at is no finding.

mod finding;
mod fold;
mod order;
mod proof;
mod segment;
mod segments;
mod tails;

pub use finding::{FINDINGS_MAX, Finding};
pub use proof::{Disclosure, EventProof, NotProven, ProofError, prove};

use crate::{
    directory::LOG,
    hands, hot,
    ledger::Ledger,
    note::{Checkpoint, Trusted},
    seal::{Age, NoTailNote, TAIL_NOTE, TailNote, is_unfinished},
    segment::write::UNFINISHED,
    store::StoreError,
    tiles,
};
use std::{fs, io, num::NonZeroUsize, path::Path};
use tails::Tails;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Every record is hashed anew: what the files say is what was logged.
    #[default]
    Records,
    /// The hash of each file is compared, and records only where it differs: quicker, and it believes what sealed the segment.
    Files,
}

/// What is to be verified, and by what.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The origin of the edge's log and its keys, from outside of it.
    pub trusted: &'a Trusted,
    /// A checkpoint that was kept elsewhere and verified: the log has to begin with it.
    pub remembered: Option<&'a Checkpoint>,
    /// How much is looked at.
    pub depth: Depth,
}

/// What a look at a whole event log gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What the log's checkpoint says, when it is believed: what to remember elsewhere.
    pub checkpoint: Option<Checkpoint>,
    /// Segments looked at.
    pub segments: u64,
    /// Events in them.
    pub sealed: u64,
    /// Of those, the ones from which what tells of persons was erased, as the log says.
    pub erased: u64,
    /// Events in tails.
    pub in_tails: u64,
    /// Of those, the ones that nothing signed covers yet.
    pub unsigned: u64,
    /// Bytes looked at.
    pub bytes: u64,
    /// Whether the newest tail ends within a record: a machine that stopped, or a record that is being written.
    pub torn: bool,
    /// Files of the log of segments that hold what its checkpoint does not name ([`tiles::Report::beyond`]).
    pub beyond: Vec<String>,
    /// What is wrong; nothing when the log is whole.
    pub findings: Vec<Finding>,
    /// What else is not as it should be, and follows from what is wrong. Without a finding there is nothing of it.
    pub follows: Vec<Finding>,
}

/// How often a log that goes on while it is looked at is looked at again.
const ROUNDS_MAX: usize = 3;

/// Looks the event log in a directory over. `progress` is told how many bytes have been looked at since it was told last.
///
/// # Errors
/// When the directory cannot be read. A file that cannot be is a finding.
pub fn verify(directory: &Path, asked: &Asked<'_>, progress: &mut dyn FnMut(u64)) -> io::Result<Report> {
    verify_by(hands::all(), directory, asked, progress)
}

/// As [`verify`], with so many segments looked at at the same time, at most 16: each takes a thread, and memory for its file.
///
/// # Errors
/// As [`verify`], and when the system has no more threads.
pub fn verify_by(hands: NonZeroUsize, directory: &Path, asked: &Asked<'_>, progress: &mut dyn FnMut(u64)) -> io::Result<Report> {
    look_over(hands, Scope::Whole, directory, asked, progress)
}

/// As [`verify`], of what is sealed alone: a copy that was brought down from a store has no tail, and no note on it. What was not
/// sealed when it was made is not in it, and nothing is said of that.
///
/// # Errors
/// As [`verify`].
pub fn verify_sealed(directory: &Path, asked: &Asked<'_>, progress: &mut dyn FnMut(u64)) -> io::Result<Report> {
    look_over(hands::all(), Scope::Sealed, directory, asked, progress)
}

/// What belongs to what is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All of a log.
    Whole,
    /// What is sealed.
    Sealed,
}

fn look_over(hands: NonZeroUsize, scope: Scope, directory: &Path, asked: &Asked<'_>, progress: &mut dyn FnMut(u64)) -> io::Result<Report> {
    for _ in 1..ROUNDS_MAX {
        let report = once(hands, scope, directory, asked, progress)?;
        let now = tiles::Log::open(&directory.join(LOG), asked.trusted).ok().map(|log| log.checkpoint().clone());
        // What was sealed, erased or retired meanwhile looks like damage: only a log that stands still can be blamed.
        if report.findings.is_empty() || now.is_none() || now == report.checkpoint {
            return Ok(report);
        }
    }
    once(hands, scope, directory, asked, progress)
}

fn once(hands: NonZeroUsize, scope: Scope, directory: &Path, asked: &Asked<'_>, progress: &mut dyn FnMut(u64)) -> io::Result<Report> {
    let mut look = Look { hands, directory, asked, edge: Look::edge_of(asked.trusted), report: Report::default(), away: None, progress };
    // In this order: what leaves one of them meanwhile is in the next.
    let (note, tails) = match scope {
        Scope::Whole => (look.note()?, Tails::open(directory, &mut look)?),
        Scope::Sealed => (Err(Unnoted::NotAsked), Tails::default()),
    };
    let (ledger, log) = look.ledger();
    if let (Ok(note), Some(log)) = (&note, &log) {
        look.age(note, log, &tails);
    }
    if scope == Scope::Whole {
        look.beside()?;
    }
    look.segments(&ledger, note.as_ref().ok(), &tails)?;
    look.tails(&tails, &ledger, note.as_ref().ok());
    if note == Err(Unnoted::None) && (look.report.in_tails > 0 || look.report.sealed > 0) {
        look.find(Finding::NoNote);
    }
    // Nobody can say whether it is whole, unless something else says that it is not.
    match look.away.take() {
        Some((_, error)) if look.report.findings.is_empty() => return Err(io::Error::other(error)),
        Some((file, error)) => look.find(Finding::Unreadable { file, error: error.to_string() }),
        None => {}
    }
    let mut report = look.report;
    (report.findings, report.follows) = fold::fold(report.findings);
    if report.findings.len() > FINDINGS_MAX {
        report.findings.truncate(FINDINGS_MAX);
        report.findings.push(Finding::More);
    }
    Ok(report)
}

/// Why there is no note to go by.
#[derive(Debug, PartialEq, Eq)]
enum Unnoted {
    /// There is none.
    None,
    /// None is to be there.
    NotAsked,
    /// It was found to be wrong.
    Wrong,
}

/// A look that goes on.
struct Look<'a> {
    hands: NonZeroUsize,
    directory: &'a Path,
    asked: &'a Asked<'a>,
    edge: &'a str,
    report: Report,
    /// A segment whose store is away, and what is said of it.
    away: Option<(String, StoreError)>,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a> Look<'a> {
    fn find(&mut self, finding: Finding) {
        // One more than is told says that there are more.
        if self.report.findings.len() <= FINDINGS_MAX {
            self.report.findings.push(finding);
        }
    }

    fn looked_at(&mut self, bytes: u64) {
        self.report.bytes = self.report.bytes.saturating_add(bytes);
        (self.progress)(bytes);
    }

    /// The edge that the log is of: what follows `wardgate/` in its origin.
    fn edge_of(trusted: &Trusted) -> &str {
        trusted.origin.split_once('/').map_or("", |(_, edge)| edge)
    }

    const fn edge(&self) -> &'a str {
        self.edge
    }

    /// What was signed of the tails.
    fn note(&mut self) -> io::Result<Result<TailNote, Unnoted>> {
        Ok(match self.read_note() {
            Ok(Some(note)) => Ok(note),
            Ok(None) => Err(Unnoted::None),
            Err(NoTailNote::Io(error)) if error.kind() != io::ErrorKind::Other => return Err(error),
            Err(NoTailNote::Io(error)) => {
                self.find(Finding::Unreadable { file: TAIL_NOTE.to_owned(), error: error.to_string() });
                Err(Unnoted::Wrong)
            }
            Err(NoTailNote::Note(error)) => {
                self.find(Finding::Note(error));
                Err(Unnoted::Wrong)
            }
        })
    }

    fn read_note(&self) -> Result<Option<TailNote>, NoTailNote> {
        TailNote::read(&self.directory.join(TAIL_NOTE), self.edge(), &self.asked.trusted.keys)
    }

    /// Whether the note is the newest that was signed, as far as the log of segments can tell.
    fn age(&mut self, note: &TailNote, log: &tiles::Log, tails: &Tails) {
        let size = log.checkpoint().size;
        // Of a log that is broken, that is said.
        match note.age(log) {
            Ok(Age::Ahead) => self.find(Finding::LogBehind { size, noted: note.log.map_or(0, |at| at.size) }),
            Ok(Age::Unsaid) if tails.newest().is_some_and(|newest| newest != note.first) => {
                self.find(Finding::OldNote { size, noted: None })
            }
            // What was appended since the note was read is in the one that is there now.
            Ok(Age::Older) => {
                if let Ok(Some(now)) = self.read_note()
                    && matches!(now.age(log), Ok(Age::Older | Age::Unsaid))
                {
                    self.find(Finding::OldNote { size, noted: now.log.map(|at| at.size) });
                }
            }
            Ok(Age::Current | Age::Unsaid) | Err(_) => (),
        }
    }

    /// What lies beside the tails, is called almost like one of our files, and is none.
    fn beside(&mut self) -> io::Result<()> {
        for entry in fs::read_dir(self.directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let whole = name.strip_suffix(".note").unwrap_or(&name);
            let is_ours = name == TAIL_NOTE || hot::TailName::parse(whole).is_some() || is_unfinished(&name);
            if !is_ours && (name.starts_with("tail") || name.ends_with(UNFINISHED)) {
                self.find(Finding::Stray { file: name });
            }
        }
        Ok(())
    }

    /// The log of segments: whether it is whole, and what it says there should be.
    fn ledger(&mut self) -> (Ledger, Option<tiles::Log>) {
        let directory = self.directory.join(LOG);
        let mut ledger = Ledger::default();
        let mut opened = None;
        match tiles::verify(&directory, self.asked.trusted, self.asked.remembered) {
            Err(error) => self.find(Finding::NoLog(error.to_string())),
            Ok(report) => {
                self.report.checkpoint = report.checkpoint;
                self.report.beyond = report.beyond;
                report.findings.into_iter().for_each(|finding| self.find(Finding::Log(finding)));
            }
        }
        if self.report.checkpoint.is_none() {
            return (ledger, None);
        }
        match tiles::Log::open(&directory, self.asked.trusted) {
            Err(error) => self.find(Finding::NoLog(error.to_string())),
            Ok(log) => {
                for index in 0..log.checkpoint().size {
                    match log.entry(index) {
                        Err(error) => self.find(Finding::LogEntry { index, error: error.to_string() }),
                        Ok(entry) => {
                            ledger
                                .read(index, &entry, self.edge())
                                .into_iter()
                                .for_each(|misfit| self.find(Finding::misfit(index, misfit)));
                        }
                    }
                }
                opened = Some(log);
            }
        }
        (ledger, opened)
    }
}

#[cfg(test)]
mod tests;
