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

    /// What is on its way: the number of the first event, and what lies or is to lie where.
    pub(super) fn list(&self) -> io::Result<Vec<(u64, Stub, Going)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)?.take(FILES_MAX) {
            let path = entry?.path();
            let going = match path.extension().and_then(|end| end.to_str()) {
                Some("putting") => Going::In,
                Some("deleting") => Going::Out,
                _ => continue,
            };
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let first_seq = stem.split('-').nth(1).and_then(|first| first.parse().ok());
            match (first_seq, Stub::read(&path)) {
                (Some(first), Ok(Some(stub))) if stem == name(first, &stub.sha256) => found.push((first, stub, going)),
                // Begun, and not written whole: nothing was put or deleted yet.
                _ => fs::remove_file(&path)?,
            }
        }
        Ok(found)
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
