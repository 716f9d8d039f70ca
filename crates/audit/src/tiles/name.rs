//! The names of the files of a log: `tile/LEVEL/INDEX`, `tile/entries/INDEX`, and `.p/WIDTH` behind those that are not full.

use super::WIDTH;
use crate::note::decimal;
use std::fmt;

/// Highest level of a tile: 64 bits of an index in steps of 8.
pub(crate) const LEVELS: u8 = 8;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Entries, each with its length before it.
    Entries,
    /// Hashes: of leaves at level 0, of full tiles of the level below at the others.
    Hashes(u8),
}

impl Kind {
    /// How many of its hashes (or entries) a log of `size` has.
    pub(crate) fn count(self, size: u64) -> u64 {
        match self {
            Self::Entries => size,
            Self::Hashes(level) => size.checked_shr(8 * u32::from(level)).unwrap_or(0),
        }
    }

    /// All kinds, entries first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Entries).chain((0..LEVELS).map(Self::Hashes))
    }
}

/// A tile, full or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TileName {
    pub(crate) kind: Kind,
    /// Which of its kind, counted from 0.
    pub(crate) index: u64,
    /// Hashes or entries in it, 1 to 256.
    pub(crate) width: u16,
}

impl TileName {
    /// The tile number `index` of a kind, as wide as it is in a log of `size`; `None` when there is nothing in it.
    pub(crate) fn within(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let width = kind.count(size).saturating_sub(index.saturating_mul(WIDTH)).min(WIDTH);
        let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Self { kind, index, width })
    }

    /// Those tiles of a log of `size` that are not full: at most one of each kind.
    pub(crate) fn partial(size: u64) -> impl Iterator<Item = Self> {
        Kind::all().filter_map(move |kind| Self::within(kind, kind.count(size) / WIDTH, size))
    }

    pub(crate) const fn is_full(self) -> bool {
        self.width as u64 == WIDTH
    }

    /// Index of the first hash or entry in it.
    pub(crate) const fn first(self) -> u64 {
        self.index.saturating_mul(WIDTH)
    }

    /// Index after its last hash or entry.
    pub(crate) const fn end(self) -> u64 {
        self.first().saturating_add(self.width as u64)
    }

    /// Reads exactly what [`fmt::Display`] writes, so that no name leads out of the directory.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => Kind::Hashes(u8::try_from(decimal(level)?).ok().filter(|level| *level < LEVELS)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, u16::try_from(decimal(width)?).ok().filter(|width| (1..256).contains(width))?),
            None => (rest, 256),
        };
        let digits = |part: &str| part.parse::<u64>().ok().filter(|_| part.len() == 3);
        let mut number = 0_u64;
        for part in index.split('/') {
            number = number.checked_mul(1000)?.checked_add(digits(part.strip_prefix('x').unwrap_or(part))?)?;
        }
        let name = Self { kind, index: number, width };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for TileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Entries => f.write_str("tile/entries")?,
            Kind::Hashes(level) => write!(f, "tile/{level}")?,
        }
        // Groups of three digits, all but the last behind an `x`.
        let mut groups = 0;
        let mut above = self.index / 1000;
        while above > 0 {
            groups += 1;
            above /= 1000;
        }
        for group in (1..=groups).rev() {
            write!(f, "/x{:03}", self.index / 1000_u64.pow(group) % 1000)?;
        }
        write!(f, "/{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, TileName};

    fn name(kind: Kind, index: u64, width: u16) -> TileName {
        TileName { kind, index, width }
    }

    #[test]
    fn names_are_those_of_the_standard() {
        for (tile, text) in [
            (name(Kind::Hashes(0), 0, 256), "tile/0/000"),
            (name(Kind::Hashes(2), 999, 1), "tile/2/999.p/1"),
            (name(Kind::Hashes(7), 1_234_067, 256), "tile/7/x001/x234/067"),
            (name(Kind::Entries, 1000, 255), "tile/entries/x001/000.p/255"),
            (name(Kind::Entries, u64::MAX, 256), "tile/entries/x018/x446/x744/x073/x709/x551/615"),
        ] {
            assert_eq!(tile.to_string(), text);
            assert_eq!(TileName::parse(text), Some(tile), "{text}");
        }
        for text in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/001",
            "tile/0/001/001",
            "tile/0/x001",
            "tile/00/001",
            "tile/8/001",
            "tile/64/000",
            "tile/-1/000",
            "tile/0/+01",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p",
            "tile/0/000.p/1/2",
            "tile/0/../000",
            "tile/data/000",
            "/tile/0/000",
            "tile/0/000.new",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ] {
            assert_eq!(TileName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_log_of_70_000_has_the_tiles_that_the_standard_counts() {
        let partial: Vec<String> = TileName::partial(70_000).map(|tile| tile.to_string()).collect();
        assert_eq!(partial, ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
        assert_eq!(TileName::partial(256).map(|tile| tile.to_string()).collect::<Vec<_>>(), ["tile/1/000.p/1"]);
        assert_eq!(TileName::partial(0).count(), 0);
        assert_eq!(TileName::within(Kind::Hashes(0), 272, 70_000), Some(name(Kind::Hashes(0), 272, 256)));
        assert_eq!(TileName::within(Kind::Hashes(0), 274, 70_000), None);
        assert_eq!(TileName::partial(u64::MAX).count(), 9);
    }
}
