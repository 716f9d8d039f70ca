//! Files of this machine as a feed: looked at often, read when they change.

use bytes::Bytes;
use std::{io, os::unix::fs::MetadataExt as _, path::Path, time::SystemTime};
use tokio::{fs::File, io::AsyncReadExt as _};

/// Why a file is no document.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It cannot be read.
    #[error("`{path}` cannot be read: {why}")]
    Read {
        /// Which.
        path: Box<str>,
        /// What the system said.
        why: io::Error,
    },
    /// It is a folder, a device or a pipe.
    #[error("`{path}` is no file")]
    Kind {
        /// Which.
        path: Box<str>,
    },
    /// Too long.
    #[error("`{path}` has more than {bytes_max} bytes")]
    Long {
        /// Which.
        path: Box<str>,
        /// The limit.
        bytes_max: usize,
    },
}

/// What a file looks like from outside: another mark is another content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    length: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
    inode: u64,
}

/// The mark of a file, links followed; `None`: it cannot be looked at.
pub(crate) async fn mark(path: &Path) -> Option<Mark> {
    let seen = tokio::fs::metadata(path).await.ok()?;
    let changed = (seen.ctime(), seen.ctime_nsec());
    Some(Mark { length: seen.len(), modified: seen.modified().ok(), changed, inode: seen.ino() })
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// When it cannot be read, is no file, or is longer.
pub(crate) async fn read(path: &Path, bytes_max: usize) -> Result<Bytes, FileFault> {
    let shown = || Box::from(path.to_string_lossy());
    let fault = |why| FileFault::Read { path: shown(), why };
    // Before it is opened: opening a pipe waits for its writer.
    if !tokio::fs::metadata(path).await.map_err(fault)?.is_file() {
        return Err(FileFault::Kind { path: shown() });
    }
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path).await.map_err(fault)?.take(most).read_to_end(&mut bytes).await.map_err(fault)?;
    if bytes.len() > bytes_max { Err(FileFault::Long { path: shown(), bytes_max }) } else { Ok(bytes.into()) }
}
