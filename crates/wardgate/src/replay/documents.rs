//! What resources name with `file:` (OpenAPI documents), kept beside the log by what is in it: the feed does not hold files, and
//! they change without it.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// A file that a document named, and what was in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRead {
    /// The file of the document that names it, or what stands in its place.
    pub from: PathBuf,
    /// How it names it.
    pub path: String,
    /// SHA-256 of the content, in hexadecimal digits.
    pub sha256: String,
}

impl FileRead {
    /// A file with this content.
    #[must_use]
    pub fn of(from: &Path, path: &str, bytes: &[u8]) -> Self {
        Self { from: from.to_owned(), path: path.to_owned(), sha256: sha256(bytes) }
    }
}

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text is a digest as [`sha256`] writes it: nothing else becomes the name of a file.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Keeps a content under its digest, in `directory`. Whole or not at all; written again where it is there, so that what is in use is
/// never the oldest.
///
/// # Errors
/// When it cannot be written.
pub(super) fn keep(directory: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = sha256(bytes);
    let part = directory.join(format!("{name}.part"));
    let mut file = super::kept::private().create(true).truncate(true).write(true).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(part, directory.join(name))
}

/// What was kept, read as the documents of a past name it.
#[derive(Debug)]
pub struct KeptDocuments {
    directory: PathBuf,
    files: Mutex<HashMap<(PathBuf, String), String>>,
    missed: AtomicBool,
}

impl KeptDocuments {
    /// Those in a directory; which of them counts under which name is said with [`KeptDocuments::show`].
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, files: Mutex::default(), missed: AtomicBool::new(false) }
    }

    /// From now on these are the files.
    pub fn show(&self, files: &[FileRead]) {
        let files = files.iter().map(|read| ((read.from.clone(), read.path.clone()), read.sha256.clone()));
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files.collect();
        self.missed.store(false, Ordering::Relaxed);
    }

    /// Whether something was asked for since that is not there, or not what it was.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        self.missed.load(Ordering::Relaxed)
    }

    /// The content of a file.
    ///
    /// # Errors
    /// When it was not kept, or is not what it was.
    pub fn read(&self, from: &Path, path: &str) -> io::Result<Vec<u8>> {
        let key = (from.to_owned(), path.to_owned());
        let name = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let whole = name.filter(|name| is_sha256(name)).and_then(|name| {
            let bytes = fs::read(self.directory.join(&name)).ok()?;
            (sha256(&bytes) == name).then_some(bytes)
        });
        whole.ok_or_else(|| {
            self.missed.store(true, Ordering::Relaxed);
            io::Error::new(io::ErrorKind::NotFound, "it was not kept beside the log, or is not what it was")
        })
    }
}
