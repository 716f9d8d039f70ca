//! The store that a configuration names for the log of a directory. A file that says that a segment of that log lies in another is
//! not believed: anybody who can write a file could have written it.

use super::{Bucket, Stub};
use std::{
    fmt,
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

/// A bucket of a store, as it is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The store's URL.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bucket `{}` at `{}`", self.bucket, self.endpoint)
    }
}

/// Where else a segment of the log in a directory is said to lie, and where it should; `None`: nowhere else, or it is not known where
/// it should.
pub(crate) fn elsewhere(directory: &Path, stub: &Stub) -> Option<(Named, Named)> {
    let directory = directory.canonicalize().ok()?;
    let own = OWN.read().unwrap_or_else(PoisonError::into_inner);
    let (_, bucket) = own.iter().find(|(other, bucket)| *other == directory && !bucket.holds(stub))?;
    let said = Named { endpoint: stub.endpoint.clone(), bucket: stub.bucket.clone() };
    Some((said, Named { endpoint: bucket.endpoint.base(), bucket: bucket.name.clone() }))
}
