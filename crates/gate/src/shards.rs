//! A map in pieces: copying it shares all of them, changing it copies one.
//!
//! Why: identities and credentials may be a million, and each change makes a new snapshot. A change copies a path of two
//! short lists and one piece of a few hundred entries; all else is shared with the snapshots before.

use ahash::RandomState;
use hashbrown::HashTable;
use std::sync::Arc;
use wardgate_model::{credential::Credential, inventory::Identity, task::Task};

/// Pieces in a branch, and branches in a map: both 2^6, so that a million entries make pieces of about 250.
const FAN: usize = 1 << FAN_BITS;
const FAN_BITS: u32 = 6;
/// The bits of the hash that choose branch and piece. hashbrown uses the lowest bits and the 7 highest.
const BRANCH_SHIFT: u32 = 50;
const PIECE_SHIFT: u32 = 44;

/// What has a name that it is found by.
pub trait Named {
    /// The name.
    fn name(&self) -> &str;
}

impl Named for Identity {
    fn name(&self) -> &str {
        self.id.as_str()
    }
}

impl Named for Credential {
    fn name(&self) -> &str {
        self.id.as_str()
    }
}

impl Named for Task {
    fn name(&self) -> &str {
        self.id.as_str()
    }
}

type Piece<T> = HashTable<Arc<T>>;
type Branch<T> = Vec<Arc<Piece<T>>>;

/// The map.
#[derive(Debug)]
pub struct Shards<T> {
    // INVARIANT (fan): FAN branches of FAN pieces each.
    branches: Vec<Arc<Branch<T>>>,
    hasher: RandomState,
    length: usize,
}

impl<T> Clone for Shards<T> {
    fn clone(&self) -> Self {
        Self { branches: self.branches.clone(), hasher: self.hasher.clone(), length: self.length }
    }
}

impl<T: Named> Default for Shards<T> {
    fn default() -> Self {
        let piece = Arc::new(Piece::new());
        let branch = Arc::new(vec![piece; FAN]);
        Self { branches: vec![branch; FAN], hasher: RandomState::new(), length: 0 }
    }
}

fn digit(hash: u64, shift: u32) -> usize {
    usize::try_from((hash >> shift) & (FAN as u64 - 1)).unwrap_or_default()
}

impl<T: Named> Shards<T> {
    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The entry of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<T>> {
        let hash = self.hasher.hash_one(name);
        let piece = self.branches.get(digit(hash, BRANCH_SHIFT))?.get(digit(hash, PIECE_SHIFT))?;
        piece.find(hash, |entry| entry.name() == name)
    }

    /// Puts an entry in the place of its name.
    pub fn put(&mut self, entry: Arc<T>) {
        let hash = self.hasher.hash_one(entry.name());
        let hasher = self.hasher.clone();
        let Some(piece) = self.piece(hash) else { return };
        if let Some(old) = piece.find_mut(hash, |old| old.name() == entry.name()) {
            *old = entry;
            return;
        }
        piece.insert_unique(hash, entry, |entry| hasher.hash_one(entry.name()));
        self.length += 1;
    }

    /// Takes the entry of a name out.
    pub fn remove(&mut self, name: &str) {
        let hash = self.hasher.hash_one(name);
        let Some(piece) = self.piece(hash) else { return };
        if let Ok(entry) = piece.find_entry(hash, |entry| entry.name() == name) {
            entry.remove();
            self.length -= 1;
        }
    }

    /// Every entry, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.branches.iter().flat_map(|branch| branch.iter()).flat_map(|piece| piece.iter())
    }

    /// The piece that a hash falls into, made our own.
    fn piece(&mut self, hash: u64) -> Option<&mut Piece<T>> {
        let branch = Arc::make_mut(self.branches.get_mut(digit(hash, BRANCH_SHIFT))?);
        branch.get_mut(digit(hash, PIECE_SHIFT)).map(Arc::make_mut)
    }
}

impl<T: Named> FromIterator<Arc<T>> for Shards<T> {
    fn from_iter<I: IntoIterator<Item = Arc<T>>>(entries: I) -> Self {
        let mut shards = Self::default();
        for entry in entries {
            shards.put(entry);
        }
        shards
    }
}

#[cfg(test)]
mod tests;
