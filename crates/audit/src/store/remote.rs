//! Reading a segment that lies in a store, by ranges: its end first, then what is asked for and a little more.

use super::{Store, StoreError, Stub, reader};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Bytes of the end that are read first: the footer of a segment is in them.
const END_BYTES: u64 = 256 * 1024;
/// Bytes that are read at least.
const AHEAD_BYTES: u64 = 64 * 1024;
/// Bytes that are read ahead at most, where reading goes on.
const AHEAD_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes that are held at most.
const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A segment in a store.
#[derive(Debug)]
pub(crate) struct Remote {
    store: Store,
    stub: Stub,
    held: Mutex<Held>,
}

/// What was read of it.
#[derive(Debug, Default)]
struct Held {
    /// Where each piece begins.
    pieces: VecDeque<(u64, Bytes)>,
    /// Where the last piece ended.
    next: u64,
    /// How much was read then.
    ahead: u64,
}

impl Held {
    /// What is held from a place on, at most so much.
    fn from(&self, start: u64, most: u64) -> Option<Bytes> {
        self.pieces.iter().find_map(|(begin, piece)| {
            let from = usize::try_from(start.checked_sub(*begin)?).ok()?;
            let length = piece.len().checked_sub(from).filter(|length| *length > 0)?;
            Some(piece.slice(from..from + length.min(usize::try_from(most).unwrap_or(usize::MAX))))
        })
    }

    fn keep(&mut self, start: u64, piece: Bytes) {
        self.pieces.push_front((start, piece));
        let bytes = |pieces: &VecDeque<(u64, Bytes)>| pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>();
        while self.pieces.len() > 1 && bytes(&self.pieces) > HELD_BYTES_MAX {
            self.pieces.pop_back();
        }
    }
}

impl Remote {
    /// What lies beside where a segment's file was; `None`: nothing says that it lies in a store.
    ///
    /// # Errors
    /// When it cannot be read there.
    pub(crate) fn open(segment: &Path) -> Result<Option<Self>, StoreError> {
        let Some(stub) = Stub::beside(segment)? else { return Ok(None) };
        let remote = Self { store: reader(&stub)?, stub, held: Mutex::default() };
        let end = remote.stub.bytes.saturating_sub(END_BYTES)..remote.stub.bytes;
        if !end.is_empty() {
            let piece = remote.store.range(&remote.stub, &end)?;
            remote.held.lock().unwrap_or_else(PoisonError::into_inner).keep(end.start, piece.into());
        }
        Ok(Some(remote))
    }

    /// Its length.
    pub(crate) const fn bytes(&self) -> u64 {
        self.stub.bytes
    }

    /// Some bytes from a place on: at least one where there is one, and no more than so many.
    pub(crate) fn some(&self, start: u64, most: u64) -> Result<Bytes, StoreError> {
        let most = most.min(self.stub.bytes.saturating_sub(start));
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.from(start, most) {
            _ if most == 0 => Ok(Bytes::new()),
            Some(bytes) => Ok(bytes),
            None => {
                self.fetch(&mut held, start, most).map(|piece| piece.slice(..piece.len().min(usize::try_from(most).unwrap_or(usize::MAX))))
            }
        }
    }

    /// Exactly so many bytes from a place on, which the object has.
    pub(crate) fn exactly(&self, start: u64, length: u64) -> Result<Bytes, StoreError> {
        let exact = |bytes: &Bytes| u64::try_from(bytes.len()) == Ok(length);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if length == 0 {
            return Ok(Bytes::new());
        }
        if let Some(bytes) = held.from(start, length).filter(exact) {
            return Ok(bytes);
        }
        let piece = self.fetch(&mut held, start, length)?;
        Ok(piece.slice(..piece.len().min(usize::try_from(length).unwrap_or(usize::MAX))))
    }

    fn fetch(&self, held: &mut Held, start: u64, length: u64) -> Result<Bytes, StoreError> {
        held.ahead = if start == held.next { held.ahead.saturating_mul(2).clamp(AHEAD_BYTES, AHEAD_BYTES_MAX) } else { AHEAD_BYTES };
        let end = start.saturating_add(length.max(held.ahead)).min(self.stub.bytes);
        let piece = Bytes::from(self.store.range(&self.stub, &(start..end))?);
        held.next = end;
        held.keep(start, piece.clone());
        Ok(piece)
    }
}
