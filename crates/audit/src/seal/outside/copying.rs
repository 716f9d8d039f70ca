//! The copy of the log of segments in the store: whoever loses the disk has what proves the segments that lie there.
//!
//! Its files have the names that they have here, below `log/`: tiles first, then the checkpoint over them, so that what lies there is whole
//! at any moment. Tiles that are not full are kept for the checkpoint and the one before, as here.
//!
//! INVARIANT (goes on): a checkpoint there is replaced by one only of a log that begins with what it names. Where this log was set
//! back, or is another one, the copy is left as it is, and says so to whoever holds the two side by side.

use super::trouble::Trouble;
use crate::{
    note::{Checkpoint, NOTE_BYTES_MAX, Trusted},
    store::Store,
    tiles::{self, CopiedTile, FileFault, TilesError},
    tree::Hash,
};
use std::path::{Path, PathBuf};

/// The folder.
const COPY: &str = "log";
/// Looks at a log that goes on while its tiles are read.
const LOOKS_MAX: usize = 3;

pub(super) struct Copying {
    log: PathBuf,
    trusted: Trusted,
    /// What the checkpoint there says; `None`: it was not asked for yet.
    there: Option<Checkpoint>,
    /// The size that it said before, where that is known.
    before: u64,
    is_failing: bool,
    is_littered: bool,
}

impl Copying {
    /// Of the log in this folder.
    pub(super) fn new(log: &Path, trusted: Trusted) -> Self {
        Self { log: log.to_owned(), trusted, there: None, before: 0, is_failing: false, is_littered: false }
    }

    /// Entries that the copy has, as far as is known.
    pub(super) fn entries(&self) -> u64 {
        self.there.as_ref().map_or(0, |there| there.size)
    }

    /// Brings the copy to the newest checkpoint; `false`: it is behind. What goes wrong is told once.
    pub(super) fn turn(&mut self, store: &Store) -> bool {
        let copied = self.bring(store);
        match &copied {
            Ok(()) if std::mem::take(&mut self.is_failing) => tracing::info!("the store takes the copy of the event log's `log/` again"),
            Ok(()) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!(%error, "the copy of the event log's `log/` in the store is behind: it is tried again");
                }
                // Whatever lies there by now, it is looked at again.
                self.there = None;
            }
        }
        copied.is_ok()
    }

    fn bring(&mut self, store: &Store) -> Result<(), Trouble> {
        let mut looks = 0;
        loop {
            looks += 1;
            let log = tiles::Log::open(&self.log, &self.trusted)?;
            match self.bring_to(store, &log) {
                // A tile is taken away when two checkpoints came since.
                Err(Trouble::Log(TilesError::Broken { fault: FileFault::Missing, .. })) if looks < LOOKS_MAX && self.is_behind(&log) => {}
                brought => return brought,
            }
        }
    }

    fn is_behind(&self, log: &tiles::Log) -> bool {
        tiles::Log::open(&self.log, &self.trusted).is_ok_and(|now| now.checkpoint() != log.checkpoint())
    }

    fn bring_to(&mut self, store: &Store, log: &tiles::Log) -> Result<(), Trouble> {
        let now = log.checkpoint();
        let there = match self.there.take() {
            Some(there) => there,
            None => self.ask(store, log)?,
        };
        if there == *now {
            self.there = Some(there);
            return Ok(());
        }
        for tile in CopiedTile::between(there.size, now.size) {
            store.put_file(&format!("{COPY}/{tile}"), &tile.read(log)?)?;
        }
        store.put_file(&format!("{COPY}/checkpoint"), log.note().as_bytes())?;
        tracing::debug!(entries = now.size, "the copy of the event log's `log/` in the store has all entries");
        self.forget(store, there.size, now.size);
        self.there = Some(now.clone());
        Ok(())
    }

    /// What the checkpoint there says. INVARIANT (goes on).
    fn ask(&self, store: &Store, log: &tiles::Log) -> Result<Checkpoint, Trouble> {
        let name = format!("{COPY}/checkpoint");
        let now = log.checkpoint();
        let most = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
        let Some(note) = store.file(&name, most)? else {
            return Ok(Checkpoint { origin: now.origin.clone(), size: 0, root: Hash::EMPTY, extension: Vec::new() });
        };
        let foreign = |why: String| Trouble::Foreign { object: format!("s3://{}/{}{name}", store.bucket.name, store.bucket.prefix), why };
        let there = self.trusted.open(&note).map_err(|error| foreign(error.to_string()))?;
        if there.size > now.size {
            return Err(foreign(format!("it names {} entries, and here are {}", there.size, now.size)));
        }
        let begins = if there.size == now.size { there.root == now.root } else { log.root_at(there.size)? == there.root };
        if begins { Ok(there) } else { Err(foreign(format!("its {} entries are not the first ones here", there.size))) }
    }

    /// Takes away those tiles of the checkpoint before the last one (`old`) that neither it nor the new one has. One that stays does no harm.
    fn forget(&mut self, store: &Store, old: u64, new: u64) {
        let before = std::mem::replace(&mut self.before, old);
        for tile in CopiedTile::stale(before, old, new) {
            if let Err(error) = store.delete_file(&format!("{COPY}/{tile}"))
                && !std::mem::replace(&mut self.is_littered, true)
            {
                tracing::warn!(%error, "a tile that is full by now is not deleted from the copy of the event log's `log/`: it stays there");
            }
        }
    }
}
