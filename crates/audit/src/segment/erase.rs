//! Taking out of a segment what tells of a person, so that the proof still holds: the commitment stays.

use super::{
    Segment, SegmentError,
    find::{Predicate, Wanted},
    hash_of,
    read::{SEGMENT_BYTES_MAX, guarded},
    write::{Filling, Sealed, put_in_place, unfinished},
};
use crate::{
    canonical::{Personal, Record},
    columns::Row,
    plain,
    tree::Hash,
};
use aws_lc_rs::digest::{SHA256, digest};
use std::path::Path;

/// The API call by which an erasure is asked for.
const ASKED: &str = "wardgate-admin POST /api/v1/audit/erasures";
/// What was ruled of a call that got there.
const LET_IN: &str = "allow";
/// What the changes are called that tell of erasures: that one was asked for, and from how many events something was taken.
pub const ERASURE: &str = "erasure";
/// Columns that say who did something.
const DOERS: [&str; 3] = ["identity", "actors", "change_actor"];

/// What is to be erased, and what is left although it is wanted.
///
/// INVARIANT (on record): who asked for an erasure cannot be erased, by nobody: a second erasure would hide the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasable {
    wanted: Wanted,
    /// Of one of these, all hold: a record of an erasure.
    kept: Vec<Vec<Predicate>>,
    /// The same: a trace of whoever asks.
    own: Vec<Vec<Predicate>>,
}

/// Why a record is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// It has nothing that is asked for.
    Unwanted,
    /// It tells of an erasure.
    Kept,
    /// It tells of whoever asks.
    Own,
}

impl From<Wanted> for Erasable {
    /// By nobody whose own traces are among it.
    fn from(wanted: Wanted) -> Self {
        let is = |column: &str, text: &str| Predicate::text(column, text);
        let kept = [
            vec![is("change_kind", ERASURE)],
            // As they were told before.
            vec![is("change_what", "erase"), is("change_kind", "event")],
            // Let in: who knocks there and is turned away asks for nothing.
            vec![is("operation", ASKED), is("response", LET_IN)],
        ];
        Self { wanted, kept: kept.map(|all| all.into_iter().flatten().collect()).into(), own: Vec::new() }
    }
}

impl Erasable {
    /// The same without what these identities did: nobody takes away traces of its own.
    #[must_use]
    pub fn without_traces_of<'a>(mut self, identities: impl IntoIterator<Item = &'a str>) -> Self {
        for identity in identities {
            self.own.extend(DOERS.iter().filter_map(|column| Predicate::text(column, identity)).map(|one| vec![one]));
        }
        self
    }

    /// Whether it leaves a record that is wanted.
    #[cfg(test)]
    pub(crate) fn spares(&self, row: &Row<'_>) -> bool {
        matches!(self.left(row), Some(Left::Kept | Left::Own))
    }

    /// Why a record is left; `None`: it is to be erased.
    fn left(&self, row: &Row<'_>) -> Option<Left> {
        let any = |either: &[Vec<Predicate>]| either.iter().any(|all| all.iter().all(|predicate| predicate.holds_in(row)));
        if !self.wanted.holds_in(row) {
            Some(Left::Unwanted)
        } else if any(&self.kept) {
            Some(Left::Kept)
        } else {
            any(&self.own).then_some(Left::Own)
        }
    }
}

/// Writes a segment anew, beside its file and durably, without the personal columns and salts of the records that are wanted:
/// their commitments stand in their place, so every record keeps its leaf. The limit is not asked. The new file is put in
/// place by [`super::write::put_in_place`], once the log says what hash it has.
///
/// Gives how many records lost something and what the new file is; `None` when none had anything to lose: then no file is left.
///
/// # Errors
/// When the segment cannot be read, its records do not give the root that its footer says (what is damaged is not written anew:
/// that would hide it), or the disk refuses.
pub fn erase(path: &Path, erasable: &Erasable) -> Result<Option<(u64, Sealed)>, SegmentError> {
    let rewritten = written_anew(&Segment::open(path)?, erasable)?;
    Ok((rewritten.erased > 0).then_some((rewritten.erased, rewritten.sealed)))
}

/// What came of a segment from which something is to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anew {
    /// It holds nothing of it that is to go.
    Nothing {
        /// How many records were left that are traces of whoever asks.
        own: u64,
    },
    /// It is not what the log says: nothing is made of it.
    Unsealed,
    /// It is written anew beside.
    Written {
        /// How many records lost something.
        records: u64,
        /// How many were left that are traces of whoever asks.
        own: u64,
        /// The hash of the new file.
        file: Hash,
    },
}

/// As [`erase()`], of a segment that is what the log says: whose file has this hash, and whose records give this root. What is
/// written anew is entered into the log, and an entry of what somebody changed would make it true.
///
/// Of a file, every byte is looked at before it is believed. Of one that lies in a store, statistics and filters are asked first,
/// and all of it is fetched and looked at when they and the columns say that it holds something.
///
/// # Errors
/// As [`erase()`].
pub(crate) fn erase_sealed(path: &Path, erasable: &Erasable, (file, root): (Hash, Hash)) -> Result<Anew, SegmentError> {
    let segment = Segment::open(path)?;
    let one = Wanted { limit: 1, ..erasable.wanted.clone() };
    if !path.exists() && segment.find(&one)?.records.is_empty() {
        return Ok(Anew::Nothing { own: 0 });
    }
    let input = segment.input();
    let bytes = guarded(path, || input.read(&(0..input.bytes())))?;
    if hash_of(&bytes) != file {
        return Ok(Anew::Unsealed);
    }
    // What was looked at is what is read: the file may be another one by now.
    let segment = Segment::of(path, bytes.into())?;
    if segment.said_root() != root {
        return Ok(Anew::Unsealed);
    }
    if segment.find(&one)?.records.is_empty() {
        return Ok(Anew::Nothing { own: 0 });
    }
    let Rewritten { erased: records, own, sealed } = written_anew(&segment, erasable)?;
    Ok(if records == 0 { Anew::Nothing { own } } else { Anew::Written { records, own, file: sealed.file } })
}

/// A segment that was written anew; where nothing was erased, nothing of it is left.
struct Rewritten {
    erased: u64,
    own: u64,
    sealed: Sealed,
}

fn written_anew(segment: &Segment, erasable: &Erasable) -> Result<Rewritten, SegmentError> {
    let path = segment.path();
    let beside = unfinished(path);
    let rewritten = rewrite(segment, &beside, erasable).and_then(|rewritten| {
        let same = rewritten.sealed.root == segment.said_root();
        if same { Ok(rewritten) } else { Err(SegmentError::Changed { path: path.to_owned() }) }
    });
    if !rewritten.as_ref().is_ok_and(|rewritten| rewritten.erased > 0) {
        // What is left of it is overwritten next time.
        let _ = std::fs::remove_file(&beside);
    }
    rewritten
}

/// Whether what was written anew is still there as it was written; where it is not, nothing of it is left.
///
/// # Errors
/// When the disk refuses.
pub(crate) fn stands(path: &Path, file: Hash) -> Result<bool, SegmentError> {
    let beside = unfinished(path);
    if plain::read(&beside, SEGMENT_BYTES_MAX).is_ok_and(|bytes| hash_of(&bytes) == file) {
        return Ok(true);
    }
    leave(path).map(|()| false)
}

/// Takes away what was written anew beside a segment, and is not to take its place.
///
/// # Errors
/// When the disk refuses.
pub(crate) fn leave(path: &Path) -> Result<(), SegmentError> {
    let beside = unfinished(path);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SegmentError::Io { path: beside, error }),
        _ => Ok(()),
    }
}

fn rewrite(segment: &Segment, beside: &Path, erasable: &Erasable) -> Result<Rewritten, SegmentError> {
    let mut filling = Filling::begin(segment.path(), beside, segment.edge(), segment.first_seq())?;
    let (mut erased, mut own) = (0, 0);
    for group in 0..segment.groups() {
        segment.records(group, |_, record| {
            let clear = matches!(record.personal, Personal::Clear { .. });
            // What cannot be read is left as it is.
            let left = if clear { record.row().map_or(Some(Left::Unwanted), |row| erasable.left(&row)) } else { Some(Left::Unwanted) };
            own += u64::from(left == Some(Left::Own));
            match record.commitment().filter(|_| left.is_none()) {
                None => filling.push(&record),
                Some(commitment) => {
                    erased += 1;
                    filling.push(&Record { public: record.public, personal: Personal::Erased(commitment) })
                }
            }
        })?;
    }
    Ok(Rewritten { erased, own, sealed: filling.finish()? })
}

/// Puts in place, or takes away, what an erasure left beside a segment when the machine stopped: it counts when it has the hash
/// that the log says.
///
/// # Errors
/// When the disk refuses.
pub fn finish(path: &Path, file: Hash) -> Result<(), SegmentError> {
    let beside = unfinished(path);
    let io = |error| SegmentError::Io { path: beside.clone(), error };
    match plain::read(&beside, SEGMENT_BYTES_MAX) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        // No plain file, or longer than any segment: put there by somebody else.
        Err(error) if error.kind() == std::io::ErrorKind::Other => std::fs::remove_file(&beside).map_err(io),
        Err(error) => Err(io(error)),
        Ok(bytes) if digest(&SHA256, &bytes).as_ref() == file.0 => put_in_place(path),
        Ok(_) => std::fs::remove_file(&beside).map_err(io),
    }
}
