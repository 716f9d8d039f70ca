//! What of the log of segments goes elsewhere: checkpoints to anchors, segments and a copy of the log to a store.

mod copying;
mod storing;
mod transit;
mod trouble;

pub(crate) use storing::StoreState;

use super::Sealer;
use crate::{
    anchor::{Anchor, Anchoring},
    note::{Trusted, Verifier},
    plain,
    segment::{self, SegmentName, read::SEGMENT_BYTES_MAX},
    store::{self, Storage, Stub},
};
use std::{fs, io, path::Path, sync::atomic::Ordering};
use storing::StoringThread;
use transit::{Going, Transit};

/// Who brings it there.
#[derive(Debug, Default)]
pub(super) struct Outside {
    anchoring: Anchoring,
    storing: Option<StoringThread>,
}

impl Sealer {
    /// The same, with second places for checkpoints and a store for segments.
    ///
    /// # Errors
    /// When the system gives no thread, or a folder cannot be made.
    pub(crate) fn with_outside(mut self, anchors: &[Anchor], storage: Option<&Storage>) -> io::Result<Self> {
        self.outside.anchoring = Anchoring::start(anchors, &self.shared.anchors)?;
        if let Some(storage) = storage {
            store::allow(storage.store.clone());
            let trusted = Trusted::of(Verifier::of(&*self.seal.0).map_err(io::Error::other)?);
            self.outside.storing = Some(StoringThread::start(&self.directory, storage, trusted, &self.shared.store)?);
        }
        Ok(self)
    }

    /// Tells of the newest checkpoint, and of what the log says. Nothing waits.
    pub(super) fn tell_outside(&self) {
        let Some(log) = &self.log else { return };
        self.outside.anchoring.tell(log.log().note());
        if let Some(storing) = &self.outside.storing {
            if self.shared.store.hold().learn(&self.ledger, log.size()) {
                storing.wake();
            }
            if self.shared.store.wants_recount() {
                self.shared.recount.store(true, Ordering::Release);
            }
        }
    }

    /// Takes a segment away that was retired: its file, and the object by and by. INVARIANT (held).
    pub(super) fn take_away(&self, first_seq: u64) -> io::Result<()> {
        let _held = self.shared.store.hold();
        let path = self.segment(first_seq);
        absent_is_good(fs::remove_file(&path))?;
        let beside = Stub::path(&path);
        match Stub::look(&beside)? {
            None => Ok(()),
            Some(Ok(stub)) => {
                let transit = Transit::open(&self.directory)?;
                fs::rename(&beside, transit.place(first_seq, &stub.sha256, Going::Out))?;
                transit.sync(Some(&beside))
            }
            // It was read, and says nothing that leads to an object.
            Some(Err(_)) => fs::remove_file(&beside),
        }
    }

    /// Whether a segment is there: here, or in the store.
    pub(super) fn lies(&self, first_seq: u64) -> bool {
        segment::lies(&self.directory.join(super::SEGMENTS).join(SegmentName { first_seq }.to_string())).unwrap_or(false)
    }
}

fn absent_is_good(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Objects of a log that are still to be replaced or deleted, because something was erased from them or retired.
///
/// # Errors
/// When what is in the directory cannot be read.
pub fn outstanding(directory: &Path) -> io::Result<usize> {
    let folder = directory.join(transit::OUTSIDE);
    if !folder.try_exists()? {
        return Ok(0);
    }
    let deleting = |path: &Path| path.extension().is_some_and(|end| end == "deleting");
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut count = entries.iter().filter(|entry| deleting(&entry.path())).count();
    let segments = directory.join(super::SEGMENTS);
    for name in segment::names(&segments)? {
        let path = segments.join(name.to_string());
        let Ok(Some(stub)) = Stub::beside(&path) else { continue };
        match plain::read(&path, SEGMENT_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => count += usize::from(segment::hash_of(&read?) != stub.sha256),
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
