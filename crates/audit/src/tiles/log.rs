//! Reading a log as it stands at one checkpoint. What is read is proven before it is handed out.

use super::{
    CHECKPOINT, FILE_BYTES_MAX, FileFault, Proof, TilesError, WIDTH, disk, entries, hashes,
    name::{Kind, TileName},
};
use crate::{
    note::{Checkpoint, NOTE_BYTES_MAX, Trusted},
    tree::{self, Hash, consistency_from, inclusion_from, verify_consistency, verify_inclusion},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// A log at one checkpoint. Later entries are not seen: open it again for them.
#[derive(Debug, Clone)]
pub struct Log {
    directory: PathBuf,
    note: String,
    checkpoint: Checkpoint,
}

impl Log {
    /// Opens the log in `directory` at its newest checkpoint.
    ///
    /// # Errors
    /// When there is no checkpoint, or none that is believed.
    pub fn open(directory: &Path, trusted: &Trusted) -> Result<Self, TilesError> {
        let bytes = read_note(directory, CHECKPOINT)?.ok_or_else(|| TilesError::NoCheckpoint(directory.to_owned()))?;
        let wrong = |source| TilesError::Checkpoint { path: directory.to_owned(), source };
        let checkpoint = trusted.open(&bytes).map_err(wrong)?;
        Ok(Self { directory: directory.to_owned(), note: String::from_utf8_lossy(&bytes).into_owned(), checkpoint })
    }

    /// Opens the log in `directory` at the checkpoint that lies there, whoever signed it. `None`: there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub(crate) fn open_unproven(directory: &Path) -> Result<Option<Self>, TilesError> {
        let Some(bytes) = read_note(directory, CHECKPOINT)? else { return Ok(None) };
        let wrong = |source| TilesError::Checkpoint { path: directory.to_owned(), source };
        let checkpoint = Checkpoint::unproven(&bytes).map_err(wrong)?;
        Ok(Some(Self::at(directory, String::from_utf8_lossy(&bytes).into_owned(), checkpoint)))
    }

    /// The log in `directory` at this checkpoint, which was verified.
    pub(crate) fn at(directory: &Path, note: String, checkpoint: Checkpoint) -> Self {
        Self { directory: directory.to_owned(), note, checkpoint }
    }

    /// What the checkpoint says.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The checkpoint with its signatures, as it stands in its file: what to remember elsewhere.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Entry `index`, counted from 0, proven to be the one that the checkpoint covers.
    ///
    /// # Errors
    /// When there is no such entry, or a file is missing or not what the checkpoint says.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, TilesError> {
        self.proven(index).map(|(entry, _)| entry)
    }

    /// The proof that entry `index` is in the log, to be kept or handed on.
    ///
    /// # Errors
    /// As [`Self::entry`].
    pub fn proof(&self, index: u64) -> Result<Proof, TilesError> {
        let (_, path) = self.proven(index)?;
        Ok(Proof { index, extra: None, path, checkpoint: self.note.clone() })
    }

    /// The path that shows the log to begin with the `older` entries it had once.
    ///
    /// # Errors
    /// When it has fewer, or a file is missing or not what the checkpoint says.
    pub fn consistency(&self, older: u64) -> Result<Vec<Hash>, TilesError> {
        let Checkpoint { size, root, .. } = &self.checkpoint;
        let mut tiles = Tiles::new(self);
        let path = consistency_from(older, *size, &mut |level, index| tiles.node(level, index))??;
        let older_root = self.root_at(older)?;
        verify_consistency(older, *size, &path, &older_root, root).map_err(|_| self.broken(Kind::Hashes(0), older.saturating_sub(1)))?;
        Ok(path)
    }

    /// The root that the log had when it had `size` entries, from its tiles. What they say is as true as they are: a proof
    /// of consistency shows it.
    ///
    /// # Errors
    /// When a file is missing or has the wrong length.
    pub(crate) fn root_at(&self, size: u64) -> Result<Hash, TilesError> {
        let mut tiles = Tiles::new(self);
        tree::root_from(size, &mut |level, index| tiles.node(level, index))
    }

    fn proven(&self, index: u64) -> Result<(Vec<u8>, Vec<Hash>), TilesError> {
        let Checkpoint { size, root, .. } = &self.checkpoint;
        let mut tiles = Tiles::new(self);
        let path = inclusion_from(*size, index, &mut |level, index| tiles.node(level, index))??;
        let name = self.tile(Kind::Entries, index / WIDTH)?;
        let bytes = self.read(name)?;
        let (entries, whole) = entries(&bytes, name.width);
        let at = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
        let entry = entries.get(at).filter(|_| whole).ok_or_else(|| broken(name, FileFault::Length))?;
        match verify_inclusion(&tree::leaf(entry), index, *size, &path, root) {
            Ok(()) => Ok((entry.to_vec(), path)),
            Err(_) => Err(self.broken(Kind::Entries, index)),
        }
    }

    /// The tile number `index` as it is at the checkpoint.
    fn tile(&self, kind: Kind, index: u64) -> Result<TileName, TilesError> {
        let size = self.checkpoint.size;
        TileName::within(kind, index, size).ok_or(TilesError::Proof(tree::ProofError::NoLeaf { index, size }))
    }

    /// The hashes of a tile as it is at the checkpoint.
    pub(crate) fn hashes(&self, level: u8, index: u64) -> Result<Vec<Hash>, TilesError> {
        let name = self.tile(Kind::Hashes(level), index)?;
        hashes(&self.read(name)?, name.width).ok_or_else(|| broken(name, FileFault::Length))
    }

    /// The bytes of a tile.
    pub(crate) fn read(&self, name: TileName) -> Result<Vec<u8>, TilesError> {
        let path = self.directory.join(name.to_string());
        let bytes = disk::read(&path, FILE_BYTES_MAX).map_err(TilesError::io(&path, "read"))?;
        bytes.ok_or_else(|| broken(name, FileFault::Missing))
    }

    /// That the file with this entry or hash, or one on its way up, does not lead to the root.
    fn broken(&self, kind: Kind, index: u64) -> TilesError {
        let name = TileName::within(kind, index / WIDTH, self.checkpoint.size);
        TilesError::Broken { file: name.map_or_else(|| "tile".to_owned(), |name| name.to_string()), fault: FileFault::Root }
    }
}

pub(crate) fn broken(name: TileName, fault: FileFault) -> TilesError {
    TilesError::Broken { file: name.to_string(), fault }
}

/// The bytes of a note in a log's directory, if it is there.
pub(crate) fn read_note(directory: &Path, name: &str) -> Result<Option<Vec<u8>>, TilesError> {
    let path = directory.join(name);
    disk::read(&path, NOTE_BYTES_MAX).map_err(TilesError::io(&path, "read"))
}

/// Nodes of the tree from tiles, each of which is read once.
struct Tiles<'a> {
    log: &'a Log,
    read: HashMap<(u8, u64), Vec<Hash>>,
}

impl<'a> Tiles<'a> {
    fn new(log: &'a Log) -> Self {
        Self { log, read: HashMap::new() }
    }

    /// The root of the whole subtree of height `level` that is number `index` of its level: from the tile whose hashes stand
    /// at most seven levels below it.
    fn node(&mut self, level: u32, index: u64) -> Result<Hash, TilesError> {
        let (of_tile, above) = (u8::try_from(level / 8).unwrap_or(u8::MAX), level % 8);
        let first = index << above;
        let key = (of_tile, first / WIDTH);
        let tile = match self.read.entry(key) {
            std::collections::hash_map::Entry::Occupied(tile) => tile.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => place.insert(self.log.hashes(key.0, key.1)?),
        };
        let at = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
        Ok(tree::root(tile.get(at..at.saturating_add(1 << above)).unwrap_or_default().iter().copied()))
    }
}
