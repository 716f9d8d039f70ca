//! What is on its way to the store or out of it, as files of the folder `outside`: a machine that stops leaves there what is to be done.
//!
//! A file is a [`Stub`], named `events-FIRSTSEQ-SHA256` with an end that says what happens: `putting` before an object is put,
//! `deleting` before one is deleted. So no object is ever in the store that nothing here names.

use crate::{store::Stub, tree::Hash};
use std::{
    fmt,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// The folder.
pub(super) const OUTSIDE: &str = "outside";
/// Files that one look takes in.
const FILES_MAX: usize = 10_000;

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    /// It is put.
    In,
    /// It is deleted.
    Out,
}

impl fmt::Display for Going {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::In => "putting",
            Self::Out => "deleting",
        })
    }
}

/// What [`Transit::list`] finds.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// The number of the first event, and what lies or is to lie where.
    pub(super) found: Vec<(u64, Stub, Going)>,
    /// What could not be read, and why: it stays.
    pub(super) unread: Vec<(PathBuf, io::Error)>,
}

/// The folder of what is on its way.
#[derive(Debug, Clone)]
pub(super) struct Transit {
    folder: PathBuf,
}

impl Transit {
    /// The folder in the directory of a log; made if need be.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let folder = directory.join(OUTSIDE);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    /// Where the file of an object is.
    pub(super) fn place(&self, first_seq: u64, sha256: &Hash, going: Going) -> PathBuf {
        self.folder.join(format!("{}.{going}", name(first_seq, sha256)))
    }

    /// What is on its way.
    pub(super) fn list(&self) -> io::Result<Listed> {
        let mut listed = Listed::default();
        for entry in fs::read_dir(&self.folder)?.take(FILES_MAX) {
            let path = entry?.path();
            let going = match path.extension().and_then(|end| end.to_str()) {
                Some("putting") => Going::In,
                Some("deleting") => Going::Out,
                _ => continue,
            };
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let first_seq = stem.split('-').nth(1).and_then(|first| first.parse().ok());
            match (first_seq, Stub::look(&path)) {
                (_, Ok(None)) => {}
                (Some(first), Ok(Some(Ok(stub)))) if stem == name(first, &stub.sha256) => listed.found.push((first, stub, going)),
                // Begun, and not written whole: nothing was put or deleted yet.
                (_, Ok(Some(_))) => match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => listed.unread.push((path, error)),
                    _ => {}
                },
                // What it says may still be to do.
                (_, Err(error)) => listed.unread.push((path, error)),
            }
        }
        Ok(listed)
    }

    /// Makes the names in this folder, and those beside a file, outlast the machine.
    pub(super) fn sync(&self, beside: Option<&Path>) -> io::Result<()> {
        for folder in [Some(self.folder.as_path()), beside.and_then(Path::parent)].into_iter().flatten() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// What a file of an object is called, but for its end.
fn name(first_seq: u64, sha256: &Hash) -> String {
    let hex: String = sha256.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("events-{first_seq:012}-{hex}")
}
