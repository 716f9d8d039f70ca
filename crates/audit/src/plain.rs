//! Opening only what is a plain file, and reading no more of it than there may be: a pipe or a device put in the place of a file of the
//! log would be waited for without end.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

/// How often a file is looked at anew that was replaced while it was opened.
const LOOKS: usize = 16;
/// `O_NONBLOCK`: opening does not wait for whoever writes to a pipe. For plain files it means nothing.
const NONBLOCK: i32 = if cfg!(target_os = "linux") { 0o4000 } else { 0x4 };

/// Opens a file to read it. A link is none.
///
/// # Errors
/// When there is none, when it is no plain file, or when the system refuses.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Another may be put there after it was looked at: by us, which is soon over, or by somebody else, and then it may be a link.
    for _ in 0..LOOKS {
        let named = fs::symlink_metadata(path)?;
        plain(&named)?;
        let file = open_through(path)?;
        let found = file.metadata()?;
        if (found.dev(), found.ino()) == (named.dev(), named.ino()) {
            return Ok(file);
        }
    }
    Err(io::Error::other("it is replaced again and again"))
}

/// Opens a file to read it, also one that a link leads to.
///
/// # Errors
/// When there is none, when it is no plain file, or when the system refuses.
pub(crate) fn open_through(path: &Path) -> io::Result<File> {
    plain(&fs::metadata(path)?)?;
    // A pipe that was put there since is not waited for.
    let file = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path)?;
    plain(&file.metadata()?)?;
    Ok(file)
}

fn plain(found: &fs::Metadata) -> io::Result<()> {
    if found.is_file() { Ok(()) } else { Err(io::Error::other("it is no plain file")) }
}

/// All that a file holds.
///
/// # Errors
/// As [`open`], and when it holds more than `bytes_max`.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    read_on(&open(path)?, bytes_max)
}

/// What an open file holds from where it stands.
///
/// # Errors
/// When that is more than `bytes_max`, or the system refuses.
pub(crate) fn read_on(file: &File, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(read) if read <= bytes_max => Ok(bytes),
        _ => Err(io::Error::other(format!("it has more than {bytes_max} bytes"))),
    }
}
