//! A sealed segment of the log: one Parquet file, its name the number of its first event, which any engine reads.
//!
//! Its columns are those of [`crate::columns`] by name, and three that only the proof needs: `salt`, `mark`, `erased`. Rows stand
//! in the order of `seq`, in row groups of [`GROUP_ROWS`]; the footer holds the root of the tree over each group, so that damage
//! can be said to be in one. What proves is not the file: it is the entry of [`entry`] in the log, which holds the root over
//! all of its records, and the hash of the file.
//!
//! # Reading order
//!
//! [`fields`] is the schema, `arrays` takes rows to columns and back, [`write`](mod@write) makes a file, [`read`] opens one, [`find`] looks
//! for some of its events without reading the rest, [`mod@erase`] takes out what tells of a person.

mod arrays;
pub mod entry;
pub mod erase;
pub mod fields;
pub mod find;
mod input;
pub(crate) mod metadata;
pub mod read;
pub mod write;

pub use arrays::batch;
pub use erase::erase;
pub use fields::schema;
pub use input::Input;
pub(crate) use input::lies;
pub use read::{Leaf, Segment, Stored};
pub use write::{Sealed, write};

use crate::{
    canonical::Malformed,
    columns::Unfit,
    store::{STORED, StoreError},
    tree::Hash,
};
use aws_lc_rs::digest::{SHA256, digest};
use parquet::errors::ParquetError;
use std::{fmt, io, path::PathBuf};

/// Rows of a row group. Only the last of a segment may have fewer.
///
/// INVARIANT (groups): a power of two, so that the root over the roots of groups is the root over all records
/// ([`crate::tree`]).
pub const GROUP_ROWS: usize = 1 << GROUP_HEIGHT;
/// The height of the tree over a whole row group.
pub const GROUP_HEIGHT: u32 = 13;
/// The version of what a segment's file is, as its footer says it.
pub const VERSION: u32 = 1;

/// Name of a segment's file: `events-FIRSTSEQ.parquet`. Ordered as the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentName {
    /// Number of its first event.
    pub first_seq: u64,
}

impl SegmentName {
    /// Reads exactly what [`fmt::Display`] writes, so that no name leads out of the directory.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("events-")?.strip_suffix(".parquet")?;
        if !(12..=20).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let name = Self { first_seq: digits.parse().ok()? };
        (name.to_string() == text).then_some(name)
    }

    /// Reads the name of the file that says that a segment lies in a store.
    #[must_use]
    pub fn parse_stored(text: &str) -> Option<Self> {
        Self::parse(&format!("{}.parquet", text.strip_suffix(STORED)?.strip_suffix('.')?))
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "events-{:012}.parquet", self.first_seq)
    }
}

/// The names of the segments in a folder, oldest first, also of those that lie in a store; none where there is no such folder.
/// Other files are none of ours.
///
/// # Errors
/// When the folder cannot be read.
pub fn names(folder: &std::path::Path) -> io::Result<Vec<SegmentName>> {
    let mut names = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        entries => entries?,
    };
    for entry in entries {
        names.extend(entry?.file_name().to_str().and_then(|name| SegmentName::parse(name).or_else(|| SegmentName::parse_stored(name))));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A segment that cannot be written or read. Each names the file.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The disk said no.
    #[error("`{}`: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        error: io::Error,
    },
    /// It lies in a store, and cannot be read there.
    #[error("`{}`: {error}", path.display())]
    Store {
        /// The file that it would be.
        path: PathBuf,
        /// Why.
        #[source]
        error: StoreError,
    },
    /// It is no Parquet, or no longer.
    #[error("`{}`: {error}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        #[source]
        error: ParquetError,
    },
    /// It made the reader of Parquet give up in a way that it should not.
    #[error("`{}` is damaged in a way that cannot be read at all", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// It is Parquet, but says nothing that a segment says.
    #[error("`{}`: {wrong}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        wrong: Foreign,
    },
    /// It was written by a later version.
    #[error("`{}` was written by a newer version: {newer}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// By what that is seen.
        newer: Newer,
    },
    /// A row that no record has.
    #[error("`{}`, row group {group}, row {row}: {wrong}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row group, counted from 0.
        group: usize,
        /// The row within it, counted from 0.
        row: usize,
        /// What is wrong.
        wrong: BadRow,
    },
    /// Its records are not those that it was made of.
    #[error("`{}`: the records do not give the root that its footer says", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A record that cannot be sealed.
    #[error("`{}`: event {seq} cannot be sealed: {wrong}", path.display())]
    Record {
        /// The file that was to be.
        path: PathBuf,
        /// The number that the event should have.
        seq: u64,
        /// What is wrong.
        wrong: BadRecord,
    },
}

/// What makes a Parquet file no segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// The footer does not say what every segment's says.
    #[error("it is no segment of an event log: the footer has no sound `{0}`")]
    Footer(&'static str),
    /// A column is missing that another one stands behind.
    #[error("the column `{0}` is missing")]
    Missing(&'static str),
    /// A column is of another type.
    #[error("the column `{0}` has another type than such a column has")]
    Type(String),
    /// A column is there twice.
    #[error("the column `{0}` is there twice")]
    Twice(String),
    /// Row groups have another size, or are too few or too many.
    #[error("its row groups are not those of {0} events")]
    Groups(u64),
    /// It is larger than any segment.
    #[error("it is larger than any segment: {0} bytes")]
    Large(u64),
}

/// By what a later version is seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Newer {
    /// It says so.
    #[error("version {0}")]
    Version(u32),
    /// It has a column that this version does not know.
    #[error("the column `{0}`")]
    Column(String),
}

/// What makes a row of a segment none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRow {
    /// A column that holds what it cannot hold.
    #[error("the column `{0}` holds what it cannot hold")]
    Column(&'static str),
    /// Some of what tells of a person is there, and the salt or a commitment is missing or too much.
    #[error("what tells of a person is there by half: columns, `salt` and `erased` do not fit each other")]
    Personal,
    /// There is no such row.
    #[error("there is no such row")]
    None,
}

/// What makes a record unfit to be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// It has another number.
    #[error("it has the number {0:?}")]
    Seq(Option<i64>),
    /// It comes from another edge.
    #[error("it comes from another edge")]
    Edge,
    /// Its bytes are no record.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// No event has such columns.
    #[error("{0}")]
    Unfit(#[from] Unfit),
    /// It has no time.
    #[error("it has no time")]
    Time,
    /// There is none at all.
    #[error("there is no event")]
    Nothing,
}

/// SHA-256 of a file's bytes.
pub(crate) fn hash_of(bytes: &[u8]) -> Hash {
    Hash::read(digest(&SHA256, bytes).as_ref()).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
