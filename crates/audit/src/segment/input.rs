//! Where the bytes of a segment are read from: by place, so that several readers never move each other.
//!
//! This is the one place that finds out where a segment lies: in its file, or, where that is not there any more, in the store that
//! the stub beside it names ([`crate::store`]).

use super::SegmentError;
use crate::{
    plain,
    store::{self, Remote, StoreError},
};
use bytes::{Buf as _, Bytes, buf::Reader};
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use std::{
    error::Error,
    fs::File,
    io::{self, BufReader, Read},
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

/// The bytes of a segment.
#[derive(Debug, Clone)]
pub struct Input(Lying);

/// Where they lie.
#[derive(Debug, Clone)]
enum Lying {
    /// In a file of so many bytes.
    File(Arc<File>, u64),
    /// In memory.
    Memory(Bytes),
    /// In a store.
    Remote(Arc<Remote>),
    /// A part of it in memory, from this place on; the rest elsewhere.
    Held(u64, Bytes, Arc<Input>),
}

impl Input {
    /// Opens a segment where it lies: one that is replaced or taken away meanwhile is read as it was, as long as it is in a file.
    ///
    /// # Errors
    /// When it is nowhere, or cannot be read there.
    pub fn open(path: &Path) -> Result<Self, SegmentError> {
        let io = |error| SegmentError::Io { path: path.to_owned(), error };
        let in_store = |error| SegmentError::Store { path: path.to_owned(), error };
        let mut again = true;
        loop {
            let absent = match plain::open_through(path) {
                Ok(file) => {
                    let bytes = file.metadata().map_err(io)?.len();
                    return Ok(Self(Lying::File(Arc::new(file), bytes)));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => error,
                Err(error) => return Err(io(error)),
            };
            match Remote::open(path) {
                Ok(Some(remote)) => return Ok(Self(Lying::Remote(Arc::new(remote)))),
                Ok(None) => return Err(io(absent)),
                // It may have been put anew meanwhile.
                Err(StoreError::Missing { .. }) if std::mem::take(&mut again) => {}
                Err(error) => return Err(in_store(error)),
            }
        }
    }

    /// Bytes that are here already.
    #[must_use]
    pub fn memory(bytes: Vec<u8>) -> Self {
        Self(Lying::Memory(bytes.into()))
    }

    /// The same, with a part of it in memory: what is read in many small pieces is read once.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn holding(&self, part: &Range<u64>) -> Result<Self, ParquetError> {
        Ok(Self(Lying::Held(part.start, self.read(part)?, Arc::new(self.clone()))))
    }

    /// How many bytes there are.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match &self.0 {
            Lying::File(_, bytes) => *bytes,
            Lying::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Lying::Remote(remote) => remote.bytes(),
            Lying::Held(_, _, rest) => rest.bytes(),
        }
    }

    /// Some of them.
    ///
    /// # Errors
    /// When they end behind the end, or cannot be read.
    pub fn read(&self, range: &Range<u64>) -> Result<Bytes, ParquetError> {
        // Nothing is reserved for a length that a footer merely says.
        let length = range.end.checked_sub(range.start).filter(|_| range.end <= self.bytes());
        let behind = || ParquetError::EOF("a part that ends behind the end of the file".to_owned());
        let (Some(length), Ok(start)) = (length, usize::try_from(range.start)) else { return Err(behind()) };
        let short = usize::try_from(length).map_err(|_| behind())?;
        match &self.0 {
            Lying::Memory(bytes) => Ok(bytes.slice(start..start + short)),
            Lying::File(file, _) => {
                let mut buffer = vec![0; short];
                file.read_exact_at(&mut buffer, range.start)?;
                Ok(buffer.into())
            }
            Lying::Remote(remote) => remote.exactly(range.start, length).map_err(|error| ParquetError::External(Box::new(error))),
            Lying::Held(begin, held, rest) => held_from(*begin, held, range.start)
                .filter(|held| held.len() >= short)
                .map_or_else(|| rest.read(range), |held| Ok(held.slice(..short))),
        }
    }
}

/// What is held from a place on.
fn held_from(begin: u64, held: &Bytes, start: u64) -> Option<Bytes> {
    let from = usize::try_from(start.checked_sub(begin)?).ok()?;
    (from < held.len()).then(|| held.slice(from..))
}

/// Whether a segment lies somewhere: in its file, or in a store.
pub(crate) fn lies(path: &Path) -> io::Result<bool> {
    Ok(path.try_exists()? || store::Stub::path(path).try_exists()?)
}

/// What a store said, where that is what is behind an error.
pub(super) fn store_error(error: &ParquetError) -> Option<&StoreError> {
    let mut next: Option<&(dyn Error + 'static)> = match error {
        ParquetError::External(error) => Some(&**error),
        _ => None,
    };
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<StoreError>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map_or_else(|| error.source(), |inner| Some(inner));
    }
    None
}

impl Length for Input {
    fn len(&self) -> u64 {
        self.bytes()
    }
}

impl ChunkReader for Input {
    type T = Reading;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        if start > self.len() {
            return Err(ParquetError::EOF("a place behind the end of the file".to_owned()));
        }
        let held = match &self.0 {
            Lying::Held(begin, held, _) => held_from(*begin, held, start),
            Lying::File(..) | Lying::Memory(_) | Lying::Remote(_) => None,
        };
        // What is held ends at the end of a row group, and so does what is read of it.
        Ok(held.map_or_else(
            || Reading::Elsewhere(BufReader::new(From { input: self.clone(), at: start })),
            |held| Reading::Held(held.reader()),
        ))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = u64::try_from(length).ok().and_then(|length| start.checked_add(length));
        self.read(&(start..end.unwrap_or(u64::MAX)))
    }
}

/// Reads on from a place, in what is held or elsewhere.
#[derive(Debug)]
pub enum Reading {
    /// What is held from there on.
    Held(Reader<Bytes>),
    /// All from there on.
    Elsewhere(BufReader<From>),
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Held(held) => held.read(buffer),
            Self::Elsewhere(from) => from.read(buffer),
        }
    }
}

/// Reads on from a place.
#[derive(Debug)]
pub struct From {
    input: Input,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &self.input.0 {
            Lying::File(file, _) => file.read_at(buffer, self.at)?,
            Lying::Memory(bytes) => copied(usize::try_from(self.at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default(), buffer),
            Lying::Remote(remote) => {
                let most = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
                copied(&remote.some(self.at, most).map_err(io::Error::other)?, buffer)
            }
            Lying::Held(begin, held, rest) => match held_from(*begin, held, self.at) {
                Some(held) => copied(&held, buffer),
                None => From { input: (**rest).clone(), at: self.at }.read(buffer)?,
            },
        };
        self.at = self.at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// Copies as much as there is room for.
fn copied(from: &[u8], to: &mut [u8]) -> usize {
    let length = from.len().min(to.len());
    if let (Some(to), Some(from)) = (to.get_mut(..length), from.get(..length)) {
        to.copy_from_slice(from);
    }
    length
}
