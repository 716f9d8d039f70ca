//! Which files of a log whoever keeps a copy of it has to bring there.

use super::{
    Log, TilesError, WIDTH,
    name::{Kind, TileName},
};
use std::{collections::BTreeSet, fmt};

/// A file of a log, but for the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopiedTile(TileName);

impl CopiedTile {
    /// Those that a log has at one size and had not at an older one. The files of a size never change.
    pub(crate) fn between(old: u64, new: u64) -> impl Iterator<Item = Self> {
        let of_kind = move |kind: Kind| {
            let tiles = kind.count(old) / WIDTH..kind.count(new).div_ceil(WIDTH);
            tiles.filter_map(move |index| {
                TileName::within(kind, index, new).filter(|name| TileName::within(kind, index, old) != Some(*name))
            })
        };
        Kind::all().flat_map(of_kind).map(Self)
    }

    /// Those tiles of the oldest of three sizes that are not full and that neither of the others has.
    pub(crate) fn stale(before: u64, old: u64, new: u64) -> impl Iterator<Item = Self> {
        let kept: BTreeSet<TileName> = TileName::partial(old).chain(TileName::partial(new)).collect();
        TileName::partial(before).filter(move |name| !kept.contains(name)).map(Self)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// When it is missing, or cannot be read.
    pub(crate) fn read(self, log: &Log) -> Result<Vec<u8>, TilesError> {
        log.read(self.0)
    }
}

impl fmt::Display for CopiedTile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{CopiedTile, Kind, TileName, WIDTH};
    use std::collections::BTreeSet;

    /// The files of a log of this size.
    fn files(size: u64) -> BTreeSet<String> {
        let all = Kind::all().flat_map(|kind| (0..kind.count(size).div_ceil(WIDTH)).map(move |index| (kind, index)));
        all.filter_map(|(kind, index)| TileName::within(kind, index, size)).map(|name| name.to_string()).collect()
    }

    #[test]
    fn what_was_not_there_is_brought_and_what_fills_up_goes() {
        let sizes = [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000];
        for old in sizes {
            for new in sizes.into_iter().filter(|new| *new >= old) {
                let brought: Vec<String> = CopiedTile::between(old, new).map(|tile| tile.to_string()).collect();
                let wanted: BTreeSet<String> = files(new).difference(&files(old)).cloned().collect();
                assert_eq!(brought.iter().cloned().collect::<BTreeSet<_>>(), wanted, "{old} to {new}");
                assert_eq!(brought.len(), wanted.len());
            }
        }
        // Step by step, what stays is what the last two sizes have.
        let (mut there, mut before, mut old) = (BTreeSet::new(), 0, 0);
        for new in 1..=600 {
            there.extend(CopiedTile::between(old, new).map(|tile| tile.to_string()));
            for stale in CopiedTile::stale(before, old, new) {
                assert!(there.remove(&stale.to_string()), "{stale} at {new}");
            }
            assert_eq!(there, files(old).union(&files(new)).cloned().collect(), "{new}");
            (before, old) = (old, new);
        }
    }
}
