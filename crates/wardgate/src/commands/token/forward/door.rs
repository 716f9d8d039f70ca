//! Where the forwarder listens: on this machine alone, and at a socket in the file system for its owner alone.

use crate::{cli::TokenArgs, commands::token::issuer::Stream, output::plain};
use anyhow::{Context as _, bail};
use rustix::{fs::Mode, process::umask};
use std::{
    fmt, fs,
    io::ErrorKind,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// What begins the address of a socket in the file system.
const UNIX: &str = "unix:";
/// What nobody but the owner may do with a socket.
const PRIVATE: Mode = Mode::from_bits_retain(0o177);

/// Where it listens.
pub(super) enum Door {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// The file of a socket, taken away at the end.
pub(super) struct SocketFile {
    path: PathBuf,
    /// Which one it is: somebody may have put another one there meanwhile.
    own: Option<Identity>,
}

/// Which file something is, whatever its name: device and inode.
type Identity = (u64, u64);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.own.is_some() && lies_at(&self.path).ok().flatten().map(|lies| lies.which) == self.own {
            let _gone_already = fs::remove_file(&self.path);
        }
    }
}

/// What lies at a path.
struct Lies {
    which: Identity,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Socket,
    Directory,
    Link,
    File,
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socket => "a socket",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::File => "a file",
            Self::Other => "a device or a pipe",
        })
    }
}

/// What lies there itself, and not what it points at; `None`: nothing.
fn lies_at(path: &Path) -> std::io::Result<Option<Lies>> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let kind = match found.file_type() {
        kind if kind.is_socket() => Kind::Socket,
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_symlink() => Kind::Link,
        kind if kind.is_file() => Kind::File,
        _ => Kind::Other,
    };
    Ok(Some(Lies { which: (found.dev(), found.ino()), kind }))
}

impl Door {
    /// Listens, for this machine alone unless it is forced to do otherwise.
    ///
    /// # Errors
    /// Nobody can listen there.
    pub(super) async fn open(address: &str, args: &TokenArgs) -> anyhow::Result<Self> {
        if let Some(path) = address.strip_prefix(UNIX) {
            return unix(Path::new(path)).await;
        }
        let text = plain(address);
        let parsed: SocketAddr =
            address.parse().with_context(|| format!("`{text}` is no address: write `127.0.0.1:8700` or `unix:PATH`"))?;
        if !parsed.ip().is_loopback() && !args.danger_listen_anywhere {
            bail!(
                "`{text}` is not on this machine alone: whoever reaches it calls as this client; `--danger-listen-anywhere` does it all the same"
            );
        }
        Ok(Self::Tcp(TcpListener::bind(parsed).await.with_context(|| format!("cannot listen at `{text}`"))?))
    }

    /// As programs call it; `prefix` is the path of the API.
    ///
    /// # Errors
    /// The address is not known.
    pub(super) fn shown(&self, prefix: &str) -> std::io::Result<String> {
        Ok(match self {
            Self::Tcp(listener) => format!("http://{}{prefix}", listener.local_addr()?),
            Self::Unix(_, file) => format!("{UNIX}{}", file.path.display()),
        })
    }

    /// The next connection.
    ///
    /// # Errors
    /// It could not be taken.
    pub(super) async fn accept(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Self::Unix(listener, _) => Box::new(listener.accept().await?.0),
        })
    }
}

async fn unix(path: &Path) -> anyhow::Result<Door> {
    let cannot = || format!("cannot listen at `{}`", path.display());
    if let Some(Lies { which, kind }) = lies_at(path).with_context(cannot)? {
        if kind != Kind::Socket {
            bail!("`{}` is {kind}: it is left as it is, and nobody can listen there; name another place", path.display());
        }
        // One that is left over, by a process that is gone. What somebody listens at stays, and `bind` says so.
        let refused = UnixStream::connect(path).await.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
        if refused && lies_at(path).with_context(cannot)?.is_some_and(|lies| lies.which == which) {
            fs::remove_file(path).with_context(cannot)?;
        }
    }
    let listener = private(|| UnixListener::bind(path)).with_context(cannot)?;
    let own = lies_at(path).with_context(cannot)?.map(|lies| lies.which);
    Ok(Door::Unix(listener, SocketFile { path: path.to_owned(), own }))
}

/// Makes something that is its owner's alone from the first moment on: there is none in which somebody else could open it.
fn private<T>(make: impl FnOnce() -> T) -> T {
    let usual = umask(PRIVATE);
    let made = make();
    umask(usual);
    made
}

#[cfg(test)]
mod tests;
