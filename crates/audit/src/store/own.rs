//! The store that a configuration names for the log of a directory. A file that says that a segment of that log lies in another is
//! not believed: anybody who can write a file could have written it.

use super::{Bucket, Stub};
use std::{
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

/// Directories, as the system has them, and their buckets.
static OWN: RwLock<Vec<(PathBuf, Bucket)>> = RwLock::new(Vec::new());

/// From now on this process believes of the log in a directory that its segments lie in this bucket only.
pub fn own(directory: &Path, bucket: &Bucket) {
    let Ok(directory) = directory.canonicalize() else { return };
    let mut own = OWN.write().unwrap_or_else(PoisonError::into_inner);
    own.retain(|(other, _)| *other != directory);
    own.push((directory, bucket.clone()));
}

/// Where else a segment of the log in a directory is said to lie, in words; `None`: nowhere else, or it is not known where it should.
pub(crate) fn elsewhere(directory: &Path, stub: &Stub) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let own = OWN.read().unwrap_or_else(PoisonError::into_inner);
    let (_, bucket) = own.iter().find(|(other, bucket)| *other == directory && !bucket.holds(stub))?;
    Some(format!(
        "it is said to lie at `{}`, in the bucket `{}`, and the store of this log is `{}`, the bucket `{}`: the file that says so was changed, or \
         `audit.segments` was",
        stub.endpoint,
        stub.bucket,
        bucket.endpoint.base(),
        bucket.name
    ))
}
