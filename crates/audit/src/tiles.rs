//! A small log in a directory, laid out as C2SP tlog-tiles has it, so that any program that knows the standard can read it.
//!
//! ```text
//! checkpoint                  the signed checkpoint: origin, size, root
//! tile/0/000                  256 hashes of leaves; `tile/1/000`: of full tiles of level 0; and so on
//! tile/0/001.p/7              a tile with 7 hashes so far
//! tile/entries/001.p/7        the entries themselves, each with its length in two bytes before it
//! ```
//!
//! One process writes ([`Writer`]), anybody reads ([`Log`]), and [`verify`] says what is wrong where. Nobody needs to be
//! believed but who has the key: a checkpoint, or a [`Proof`] that was kept elsewhere, shows what was changed here since.
//!
//! # What a machine that stops leaves behind
//!
//! Entries and tiles are on the disk before the checkpoint over them is signed, and the checkpoint is before anybody is told.
//! INVARIANT (signed): what is signed counts, what is not signed does not. So a signed checkpoint that had not got its name
//! yet is taken up, and entries that no checkpoint names are cut: nobody was told of them, whoever appended them will do so
//! again, and signing what lay in a directory would make it true. A checkpoint with the sizes of the past is not mended:
//! its tiles are gone, and [`Writer::open`] says so.
//!
//! Tiles that are not full are kept for the checkpoint and the one before, not for ever as the standard wants it: entries are
//! written anew with each, and 255 copies of a tile of long ones are more than the log. A reader begins again when the
//! checkpoint is another one meanwhile.

mod copied;
mod disk;
mod log;
mod name;
mod proof;
mod verify;
mod writer;

pub(crate) use copied::CopiedTile;
pub use log::Log;
pub use proof::{PROOF_BYTES_MAX, Proof, ProofFault};
pub use verify::{FINDINGS_MAX, Finding, Report, verify};
pub use writer::{Found, Writer};

use crate::{
    note::NoteError,
    tree::{HASH_BYTES, Hash, ProofError},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Hashes of a full tile, and entries of a full bundle.
const WIDTH: u64 = 256;
/// The longest entry, in bytes: its length is written in 16 bits.
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// Bytes of the longest file.
const FILE_BYTES_MAX: usize = 256 * (2 + ENTRY_BYTES_MAX);
/// The checkpoint's file.
const CHECKPOINT: &str = "checkpoint";
/// The checkpoint's file before it has its name.
const CHECKPOINT_NEW: &str = "checkpoint.new";
/// The file that a writer holds a lock on.
const LOCK: &str = "log.lock";

/// Why a log cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum TilesError {
    /// Another process writes to it.
    #[error("another process writes to the log `{}`", .0.display())]
    Locked(PathBuf),
    /// The system refused.
    #[error("`{}` cannot be {does}: {source}", .path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What could not be done.
        does: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// There are tiles and no checkpoint over them.
    #[error("the log `{}` has no checkpoint", .0.display())]
    NoCheckpoint(PathBuf),
    /// The checkpoint is none, of another log, or not signed by its key.
    #[error("the checkpoint of the log `{}`: {source}", .path.display())]
    Checkpoint {
        /// The log.
        path: PathBuf,
        /// What is wrong of it.
        source: NoteError,
    },
    /// A key signs that nobody would believe.
    #[error("`{0}` signs, and is no key of the log")]
    NotTrusted(String),
    /// An entry is too long.
    #[error("an entry of {bytes} bytes: at most {ENTRY_BYTES_MAX} fit")]
    Long {
        /// Its length, in bytes.
        bytes: usize,
    },
    /// A file of the log is missing or not what the checkpoint says.
    #[error("the log's `{file}` {fault}")]
    Broken {
        /// The file, named from the log's directory on.
        file: String,
        /// What is wrong of it.
        fault: FileFault,
    },
    /// There is no such entry, or no such past.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A checkpoint was signed and could not be written: the log has to be opened again, which finishes or forgets it.
    #[error("the last append did not end: the log has to be opened again")]
    Unfinished,
}

/// What is wrong of a file of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It has not as many hashes or entries as its name says.
    #[error("is not as long as it must be")]
    Length,
    /// It leads to another root than the checkpoint's.
    #[error("does not lead to the root of the checkpoint")]
    Root,
}

impl TilesError {
    fn io(path: &Path, does: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, does, source }
    }
}

/// Reads the hashes of a tile.
fn hashes(bytes: &[u8], width: u16) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    (rest.is_empty() && hashes.len() == usize::from(width)).then(|| hashes.iter().copied().map(Hash).collect())
}

/// The entries of a bundle, as many as can be read, up to `width`; and whether that is all of it.
fn entries(mut bytes: &[u8], width: u16) -> (Vec<&[u8]>, bool) {
    let mut entries = Vec::new();
    for _ in 0..width {
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return (entries, false) };
        let Some((entry, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))) else { return (entries, false) };
        entries.push(entry);
        bytes = rest;
    }
    (entries, bytes.is_empty())
}

#[cfg(test)]
mod tests;
