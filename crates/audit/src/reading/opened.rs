//! Opening a segment that was listed, and what it means when it cannot be read.

use super::ReadError;
use crate::{
    directory::SEGMENTS,
    hot::TailName,
    segment::{self, Segment, SegmentError, SegmentName},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// One: a segment that cannot be read is passed over, and counted. Not one that lies in a store which is away, or lets nobody read:
/// what it holds would be missing without a trace, and another time it is there.
///
/// # Errors
/// When it is such a one.
pub(crate) fn passed_over(error: SegmentError) -> Result<u64, ReadError> {
    match error {
        SegmentError::Store { path, error } if !error.is_damage() => Err(ReadError { path, source: io::Error::other(error) }),
        _ => Ok(1),
    }
}

/// A segment; `None` when it went since the directory was listed.
pub(crate) fn open(path: &Path) -> Result<Option<Result<Segment, SegmentError>>, ReadError> {
    match segment::lies(path) {
        Ok(false) => Ok(None),
        Ok(true) => Ok(Some(Segment::open(path))),
        Err(source) => Err(ReadError { path: path.to_owned(), source }),
    }
}

/// Whether a tail that was listed is gone: it became a segment, which was there before the tail went.
pub(super) fn sealed_meanwhile(tail: &Path) -> bool {
    matches!(tail.try_exists(), Ok(false))
}

pub(super) fn segment_of(directory: &Path, tail: TailName) -> PathBuf {
    directory.join(SEGMENTS).join(SegmentName { first_seq: tail.first_seq }.to_string())
}
