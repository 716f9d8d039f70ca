//! The socket's file: ours alone from its first moment.

use anyhow::bail;
use std::{
    fs::{self, Permissions},
    io::ErrorKind,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net,
    },
    path::Path,
};
use tokio::net::UnixListener;

/// The name of the socket while it is made.
const FRESH: &str = "s";

/// Makes a socket of mode 0600. Gives it, and the user that it belongs to: the one that this process runs as.
///
/// # Errors
/// When another process serves there, something else has the name, or the system says no.
pub(super) fn bind(path: &Path) -> anyhow::Result<(UnixListener, u32)> {
    make_way(path)?;
    // A socket is made with the mode that the umask leaves: it is made in a directory that only we can enter, and moved.
    let directory = crate::folder::of(path);
    let closed = tempfile::Builder::new().prefix(".glass").permissions(Permissions::from_mode(0o700)).tempdir_in(directory)?;
    let fresh = closed.path().join(FRESH);
    let listener = net::UnixListener::bind(&fresh)?;
    fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
    let owner = fs::symlink_metadata(&fresh)?.uid();
    fs::rename(&fresh, path)?;
    listener.set_nonblocking(true)?;
    Ok((UnixListener::from_std(listener)?, owner))
}

/// Takes away what a process that was killed has left.
fn make_way(path: &Path) -> anyhow::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(meta) if !meta.file_type().is_socket() => bail!("something that is no socket has this name: move it away"),
        Ok(_) => {}
    }
    match net::UnixStream::connect(path) {
        Ok(_) => bail!("another process serves there"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(fs::remove_file(path)?),
        Err(error) => Err(error.into()),
    }
}
