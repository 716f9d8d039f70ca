//! A file, replaced at once: whoever reads it sees the old secret or the new, never half of one.

use super::DeliverFault;
use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

/// Writes a file of mode 0600 in place of what is there. A link is replaced, never followed.
///
/// # Errors
/// When the directory is not there or others may write to it, or the disk says no; what was there stays.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), DeliverFault> {
    let directory = crate::folder::of(path);
    let shown = directory.display();
    let meta = fs::metadata(directory).map_err(|error| DeliverFault::Failed(format!("`{shown}`: {error}")))?;
    if !meta.is_dir() {
        return Err(DeliverFault::Failed(format!("`{shown}` is no directory")));
    }
    if meta.permissions().mode() & 0o002 != 0 {
        return Err(DeliverFault::Failed(format!("anybody may write to `{shown}`: `chmod o-w {shown}`")));
    }
    let put = || -> std::io::Result<()> {
        // Made with mode 0600 under a name of its own.
        let mut fresh = tempfile::NamedTempFile::new_in(directory)?;
        fresh.write_all(bytes)?;
        fresh.as_file().sync_all()?;
        fresh.persist(path).map_err(|error| error.error)?;
        File::open(directory)?.sync_all()
    };
    put().map_err(|error| DeliverFault::Failed(format!("`{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests;
