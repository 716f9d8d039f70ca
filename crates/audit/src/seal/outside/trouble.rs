//! What goes wrong with a store.

use crate::{store::StoreError, tiles::TilesError};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Objects with which something fails in one look at most: then there is a pause, and the next look begins with the others.
const FAILURES_MAX: usize = 16;

/// Why something could not be stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("`{}`: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Log(#[from] TilesError),
    #[error("the checkpoint `{object}` in the store is none that this log goes on from, and is left as it is: {why}")]
    Foreign { object: String, why: String },
}

impl Trouble {
    /// Whether the store is away, so that nothing else would go better now.
    pub(super) const fn is_away(&self) -> bool {
        matches!(self, Self::Store(StoreError::Away { .. }))
    }
}

/// What went wrong in one look: one object is no reason to leave the others.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    pub(super) first: Option<Trouble>,
    pub(super) count: usize,
    pub(super) is_away: bool,
}

impl Troubles {
    /// Takes in how it went with one object; `false`: this look is over.
    pub(super) fn goes_on(&mut self, gone: Result<(), Trouble>) -> bool {
        if let Err(trouble) = gone {
            self.count += 1;
            self.is_away |= trouble.is_away();
            self.first.get_or_insert(trouble);
        }
        self.count < FAILURES_MAX && !self.is_away
    }
}

pub(super) fn failed(path: &Path) -> impl Fn(io::Error) -> Trouble {
    let path = path.to_owned();
    move |error| Trouble::Io { path: path.clone(), error }
}
