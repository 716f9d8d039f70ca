//! Taking out of a segment what tells of a person, so that the proof still holds: the commitment stays.

use super::{
    Segment, SegmentError,
    find::Wanted,
    read::SEGMENT_BYTES_MAX,
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
    let segment = Segment::open(path)?;
    let beside = unfinished(path);
    let erased = rewrite(&segment, &beside, wanted).and_then(|(erased, sealed)| {
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
