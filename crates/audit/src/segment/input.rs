//! Where the bytes of a segment are read from: by place, so that several readers never move each other.

use bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

/// The bytes of a segment.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// In a file of so many bytes.
    File(Arc<File>, u64),
    /// In memory.
    Memory(Bytes),
}

impl Length for Input {
    fn len(&self) -> u64 {
        match self {
            Self::File(_, bytes) => *bytes,
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        }
    }
}

impl ChunkReader for Input {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        if start > self.len() {
            return Err(ParquetError::EOF("a place behind the end of the file".to_owned()));
        }
        Ok(BufReader::new(From { input: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // Nothing is reserved for a length that a footer merely says.
        let end = u64::try_from(length).ok().and_then(|length| start.checked_add(length)).filter(|end| *end <= self.len());
        let (Some(_), Ok(begin)) = (end, usize::try_from(start)) else {
            return Err(ParquetError::EOF("a part that ends behind the end of the file".to_owned()));
        };
        match self {
            Self::Memory(bytes) => Ok(bytes.slice(begin..begin + length)),
            Self::File(file, _) => {
                let mut buffer = vec![0; length];
                file.read_exact_at(&mut buffer, start)?;
                Ok(buffer.into())
            }
        }
    }
}

/// Reads on from a place.
#[derive(Debug)]
pub(super) struct From {
    input: Input,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &self.input {
            Input::File(file, _) => file.read_at(buffer, self.at)?,
            Input::Memory(bytes) => {
                let rest = usize::try_from(self.at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
                let length = rest.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
                    to.copy_from_slice(from);
                }
                length
            }
        };
        self.at = self.at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
