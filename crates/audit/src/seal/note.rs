//! The note on the tails: what each of them holds, and how far the log of segments was, signed in one.
//!
//! ```text
//! wardgate-tail/edge-1                                        whose tails
//! 4711                                                        events of the newest one
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=                the root over them
//! first 131073                                                the number of the first of them
//! log 1 GkRLnXRrW1aBuQ6AXbpFbXyxNUcSPDWFjNHM3vXTBsY=          entries of the log of segments then, and its root
//! next Az3grlgtzPICa5OS8npVmf1MXajj7h2fB2MPA3j2jxo=           the leaf of the entry that was then appended to it
//! full 65537 65536 pGGPo4dkMgIAUqom/CsUYaXajj7h2fB2MPA3j2jxq2I=   another tail that stands: first, events, root
//! ```
//!
//! INVARIANT (current): nothing is appended to the log of segments before a note is on the disk that tells of it. So a note that
//! was signed before the newest entry is an older one that somebody put back, whatever else it says.

use super::Seal;
use crate::{
    note::{Checkpoint, NOTE_BYTES_MAX, NoteError, Signer, Trusted, Verifier, decimal, read_hash, write_hash},
    plain,
    tiles::{self, TilesError},
    tree::{self, Hash},
};
use std::{collections::BTreeMap, io, path::Path};

/// Tails that a note tells of at most: the oldest, and the newest.
pub(crate) const TAILS_MAX: usize = 1_024;
/// How far apart the times of events may lie that no note covers yet, in microseconds. They are signed every second; what takes longest
/// in between is to seal one segment.
pub(crate) const UNSIGNED_US_MAX: i64 = 5 * 60 * 1_000_000;

/// What a tail holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// How many events.
    pub events: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// How far the log of segments was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogAt {
    /// Its entries.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The leaf of the entry that was about to be appended.
    pub next: Option<Hash>,
}

/// What a note on the tails says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailNote {
    /// The number of the first event of the newest tail.
    pub first: u64,
    /// What that tail holds.
    pub held: Held,
    /// What the others hold, by the numbers of their first events.
    pub full: BTreeMap<u64, Held>,
    /// How far the log of segments was. `None`: the note is of an earlier version, which did not say.
    pub log: Option<LogAt>,
}

/// Why there is no note to go by.
#[derive(Debug, thiserror::Error)]
pub enum NoTailNote {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no such note, or not signed by that key.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// What the log of segments says of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// Nothing was appended since that it does not tell of.
    Current,
    /// The log has entries that were appended later.
    Older,
    /// The log is not, or no longer, the one that it tells of.
    Ahead,
    /// It does not say.
    Unsaid,
}

impl TailNote {
    /// Reads the note in a file. `Ok(None)`: there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is not signed by one of these keys.
    pub fn read(path: &Path, edge: &str, keys: &[Verifier]) -> Result<Option<Self>, NoTailNote> {
        match plain::read(path, u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => Ok(Some(Self::open(&bytes?, edge, keys)?)),
        }
    }

    /// What a signed note says.
    ///
    /// # Errors
    /// When it is no note on tails, of another edge, or not signed by one of these keys.
    pub fn open(note: &[u8], edge: &str, keys: &[Verifier]) -> Result<Self, NoteError> {
        let Checkpoint { size, root, extension, .. } = Trusted { origin: Seal::tail_origin(edge), keys: keys.to_vec() }.open(note)?;
        let mut lines = extension.iter().map(String::as_str);
        let first = lines.next().and_then(|line| line.strip_prefix("first ")).and_then(decimal);
        let parsed = first.and_then(|first| {
            let (mut log, mut full) = (None, BTreeMap::new());
            for line in lines {
                match line.split(' ').collect::<Vec<_>>().as_slice() {
                    ["log", size, root] if log.is_none() => {
                        log = Some(LogAt { size: decimal(size)?, root: read_hash(root)?, next: None });
                    }
                    ["next", leaf] if full.is_empty() => log.as_mut()?.next = Some(read_hash(leaf)?),
                    ["full", other, events, root] => {
                        let other = decimal(other).filter(|other| *other < first && full.keys().all(|before| before < other))?;
                        full.insert(other, Held { events: decimal(events)?, root: read_hash(root)? });
                    }
                    _ => return None,
                }
            }
            Some(Self { first, held: Held { events: size, root }, full, log })
        });
        parsed.ok_or(NoteError::Checkpoint { part: "extension" })
    }

    /// The note, signed.
    ///
    /// # Errors
    /// When the signer's name is none.
    pub fn sign(&self, edge: &str, signer: &dyn Signer) -> Result<String, NoteError> {
        let mut extension = vec![format!("first {}", self.first)];
        if let Some(LogAt { size, root, next }) = &self.log {
            extension.push(format!("log {size} {}", write_hash(root)));
            extension.extend(next.iter().map(|leaf| format!("next {}", write_hash(leaf))));
        }
        let full = |(first, held): (&u64, &Held)| format!("full {first} {} {}", held.events, write_hash(&held.root));
        extension.extend(self.full.iter().map(full));
        let Held { events, root } = self.held;
        Checkpoint { origin: Seal::tail_origin(edge), size: events, root, extension }.sign(signer)
    }

    /// What it says that the tail with this first event holds.
    #[must_use]
    pub fn held(&self, first: u64) -> Option<Held> {
        if first == self.first { Some(self.held) } else { self.full.get(&first).copied() }
    }

    /// All tails that it tells of, oldest first.
    pub fn tails(&self) -> impl Iterator<Item = (u64, Held)> {
        self.full.iter().map(|(first, held)| (*first, *held)).chain([(self.first, self.held)])
    }

    /// Whether a tail that begins there has to be in it, if it is one of the log's: later ones may have been begun since.
    pub(crate) fn must_tell_of(&self, first: u64) -> bool {
        first < self.first && self.full.len().saturating_add(1) < TAILS_MAX
    }

    /// How old it is, as the log of segments says.
    ///
    /// # Errors
    /// When a file of the log cannot be read.
    pub(crate) fn age(&self, log: &tiles::Log) -> Result<Age, TilesError> {
        let Some(at) = self.log else { return Ok(Age::Unsaid) };
        let size = log.checkpoint().size;
        if at.size > size || log.root_at(at.size)? != at.root {
            return Ok(Age::Ahead);
        }
        Ok(match size - at.size {
            0 => Age::Current,
            1 if at.next == Some(tree::leaf(&log.entry(at.size)?)) => Age::Current,
            _ => Age::Older,
        })
    }
}

/// The span of the times at which events were over, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span(Option<(i64, i64)>);

impl Span {
    /// Takes in one event: when it began, and how long it took.
    pub(crate) fn take(&mut self, time_us: Option<i64>, duration_us: Option<i64>) {
        let Some(end) = time_us.map(|time| time.saturating_add(duration_us.unwrap_or(0))) else { return };
        self.0 = Some(self.0.map_or((end, end), |(least, greatest)| (least.min(end), greatest.max(end))));
    }

    /// Takes in what another one took in.
    pub(crate) fn join(&mut self, other: Self) {
        for end in other.0.into_iter().flat_map(|(least, greatest)| [least, greatest]) {
            self.take(Some(end), None);
        }
    }

    /// Whether it is longer than what is written between two notes.
    pub(crate) fn is_long(self) -> bool {
        self.0.is_some_and(|(least, greatest)| greatest.saturating_sub(least) > UNSIGNED_US_MAX)
    }
}
