//! Taking out of a segment what tells of a person, so that the proof still holds: the commitment stays.

use super::{
    Segment, SegmentError,
    find::Wanted,
    hash_of,
    read::{SEGMENT_BYTES_MAX, guarded},
    write::{Filling, Sealed, put_in_place, unfinished},
};
use crate::{
    canonical::{Personal, Record},
    plain,
    tree::Hash,
};
use aws_lc_rs::digest::{SHA256, digest};
use std::path::Path;

/// Writes a segment anew, beside its file and durably, without the personal columns and salts of the records that are wanted:
/// their commitments stand in their place, so every record keeps its leaf. The limit is not asked. The new file is put in
/// place by [`super::write::put_in_place`], once the log says what hash it has.
///
/// Gives how many records lost something and what the new file is; `None` when none had anything to lose: then no file is left.
///
/// # Errors
/// When the segment cannot be read, its records do not give the root that its footer says (what is damaged is not written anew:
/// that would hide it), or the disk refuses.
pub fn erase(path: &Path, wanted: &Wanted) -> Result<Option<(u64, Sealed)>, SegmentError> {
    written_anew(&Segment::open(path)?, wanted)
}

/// What came of a segment from which something is to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anew {
    /// It holds nothing of it.
    Nothing,
    /// It is not what the log says: nothing is made of it.
    Unsealed,
    /// It is written anew beside.
    Written {
        /// How many records lost something.
        records: u64,
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
pub(crate) fn erase_sealed(path: &Path, wanted: &Wanted, (file, root): (Hash, Hash)) -> Result<Anew, SegmentError> {
    let segment = Segment::open(path)?;
    let one = Wanted { limit: 1, ..wanted.clone() };
    if !path.exists() && segment.find(&one)?.records.is_empty() {
        return Ok(Anew::Nothing);
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
        return Ok(Anew::Nothing);
    }
    Ok(written_anew(&segment, wanted)?.map_or(Anew::Nothing, |(records, sealed)| Anew::Written { records, file: sealed.file }))
}

fn written_anew(segment: &Segment, wanted: &Wanted) -> Result<Option<(u64, Sealed)>, SegmentError> {
    let path = segment.path();
    let beside = unfinished(path);
    let erased = rewrite(segment, &beside, wanted).and_then(|(erased, sealed)| {
        if sealed.root == segment.said_root() { Ok((erased, sealed)) } else { Err(SegmentError::Changed { path: path.to_owned() }) }
    });
    match erased {
        Ok((erased, sealed)) if erased > 0 => Ok(Some((erased, sealed))),
        other => {
            // What is left of it is overwritten next time.
            let _ = std::fs::remove_file(&beside);
            other.map(|_| None)
        }
    }
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

fn rewrite(segment: &Segment, beside: &Path, wanted: &Wanted) -> Result<(u64, Sealed), SegmentError> {
    let mut filling = Filling::begin(segment.path(), beside, segment.edge(), segment.first_seq())?;
    let mut erased = 0;
    for group in 0..segment.groups() {
        segment.records(group, |_, record| {
            let clear = matches!(record.personal, Personal::Clear { .. });
            let commitment = record.commitment().filter(|_| clear && record.row().is_ok_and(|row| wanted.holds_in(&row)));
            match commitment {
                None => filling.push(&record),
                Some(commitment) => {
                    erased += 1;
                    filling.push(&Record { public: record.public, personal: Personal::Erased(commitment) })
                }
            }
        })?;
    }
    Ok((erased, filling.finish()?))
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
