//! Appending to a log, and opening it after whatever happened.

use super::{
    CHECKPOINT, CHECKPOINT_NEW, ENTRY_BYTES_MAX, FileFault, LOCK, Log, TilesError, WIDTH,
    disk::{self, Disk, Local},
    entries, hashes,
    log::{broken, read_note},
    name::{Kind, LEVELS, TileName},
};
use crate::{
    note::{Checkpoint, Signer, Trusted, Verifier},
    tree::{self, Hash},
};
use std::{
    collections::BTreeSet,
    fmt,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What was found when a log was opened for writing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Entries that a signed checkpoint named which had not got its name yet: they are in the log now.
    pub taken_up: u64,
    /// Files of entries that no checkpoint names, cut: nobody was told of them.
    pub cut: Vec<String>,
}

/// The one that appends to a log.
pub struct Writer {
    directory: PathBuf,
    trusted: Trusted,
    signer: Arc<dyn Signer + Send + Sync>,
    disk: Box<dyn Disk>,
    log: Log,
    edge: Edge,
    /// Size at the checkpoint before: its tiles are kept until the next one.
    size_before: u64,
    /// Folders whose names outlast the machine.
    durable: BTreeSet<PathBuf>,
    // INVARIANT (signed): true from signing until what was signed is on the disk. While it is, nothing else is signed.
    signing: bool,
    _lock: File,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("directory", &self.directory).field("checkpoint", self.log.checkpoint()).finish_non_exhaustive()
    }
}

/// The right edge of the tree: what is in the tiles that are not full.
#[derive(Debug, Clone, Default)]
struct Edge {
    /// Entries with their lengths.
    bundle: Vec<u8>,
    /// Hashes of each level.
    levels: [Vec<Hash>; LEVELS as usize],
}

impl Edge {
    /// The root of the whole tree: the highest level stands furthest to the left.
    fn root(&self) -> Hash {
        let folded = self.levels.iter().filter(|level| !level.is_empty()).map(|level| peaks(level)).reduce(|mut right, mut left| {
            left.append(&mut right);
            left
        });
        folded.unwrap_or_default().into_iter().rev().reduce(|right, left| tree::node(&left, &right)).unwrap_or(Hash::EMPTY)
    }

    /// The bytes of the tile that is not full.
    fn bytes(&self, kind: Kind) -> Vec<u8> {
        match kind {
            Kind::Entries => self.bundle.clone(),
            Kind::Hashes(level) => self.levels.get(usize::from(level)).map_or_else(Vec::new, |hashes| concat(hashes)),
        }
    }
}

/// The roots of the whole parts of a tile, the widest first.
fn peaks(hashes: &[Hash]) -> Vec<Hash> {
    let mut peaks = Vec::new();
    let mut rest = hashes;
    while let Some(part) = rest.len().checked_ilog2().and_then(|level| rest.split_at_checked(1 << level)) {
        peaks.push(tree::root(part.0.iter().copied()));
        rest = part.1;
    }
    peaks
}

fn concat(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

impl Writer {
    /// Opens the log in `directory` for writing, makes it if nothing is there, and puts right what a machine that stopped left
    /// behind. `signer` must be one of the keys that are trusted.
    ///
    /// # Errors
    /// When another process writes to it, when the system refuses, when the checkpoint is missing or not believed, or when the
    /// tiles do not lead to it. Nothing is changed then.
    pub fn open(directory: &Path, trusted: Trusted, signer: Arc<dyn Signer + Send + Sync>) -> Result<(Self, Found), TilesError> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(TilesError::io(directory, "made"))?;
        Self::open_on(directory, trusted, signer, Box::new(Local))
    }

    /// [`Self::open`] in a directory that is there, with these steps.
    pub(crate) fn open_on(
        directory: &Path,
        trusted: Trusted,
        signer: Arc<dyn Signer + Send + Sync>,
        mut disk: Box<dyn Disk>,
    ) -> Result<(Self, Found), TilesError> {
        let lock = lock(directory)?;
        if !Verifier::of(&*signer).is_ok_and(|key| trusted.keys.contains(&key)) {
            return Err(TilesError::NotTrusted(signer.name().to_owned()));
        }
        if read_note(directory, CHECKPOINT)?.is_none() {
            begin(directory, &trusted, &*signer, &mut *disk)?;
        }
        let named = Log::open(directory, &trusted)?;
        let mut found = Found::default();
        let (log, edge) = match waiting(directory, &trusted, &named)? {
            Some(signed) => {
                let edge = edge_of(&signed)?;
                consistent(&named, &signed)?;
                publish(directory, &mut *disk)?;
                found.taken_up = signed.checkpoint().size - named.checkpoint().size;
                (signed, edge)
            }
            None => {
                let edge = edge_of(&named)?;
                (named, edge)
            }
        };
        let size = log.checkpoint().size;
        let (durable, signing) = (BTreeSet::new(), false);
        let directory = directory.to_owned();
        let mut writer = Self { directory, trusted, signer, disk, log, edge, size_before: size, durable, signing, _lock: lock };
        found.cut = writer.tidy()?;
        Ok((writer, found))
    }

    /// The log as it stands: to read entries, roots and proofs.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// Entries of the log.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.log.checkpoint().size
    }

    /// Appends entries under one new checkpoint, and gives the index of the first of them. When it returns they are on the
    /// disk, and the checkpoint is.
    ///
    /// # Errors
    /// When an entry is longer than [`ENTRY_BYTES_MAX`] or the system refuses. Nothing is in the log then, but after
    /// [`TilesError::Unfinished`] and after a failure to write the checkpoint: open the log again and look at its end.
    pub fn append(&mut self, entries: &[&[u8]]) -> Result<u64, TilesError> {
        if self.signing {
            return Err(TilesError::Unfinished);
        }
        if let Some(bytes) = entries.iter().map(|entry| entry.len()).find(|bytes| *bytes > ENTRY_BYTES_MAX) {
            return Err(TilesError::Long { bytes });
        }
        let old = self.size();
        if entries.is_empty() {
            return Ok(old);
        }
        let mut edge = self.edge.clone();
        let mut folders = BTreeSet::new();
        let mut size = old;
        for entry in entries {
            size = size.saturating_add(1);
            self.take(&mut edge, entry, size, &mut folders)?;
        }
        let before: BTreeSet<TileName> = TileName::partial(old).collect();
        for name in TileName::partial(size).filter(|name| !before.contains(name)) {
            self.write(name, &edge.bytes(name.kind), &mut folders)?;
        }
        for folder in folders {
            self.disk.sync_folder(&folder).map_err(TilesError::io(&folder, "kept"))?;
            self.durable.insert(folder);
        }
        self.sign(size, edge)?;
        self.forget(old);
        Ok(old)
    }

    /// Takes an entry into the edge, and writes the tiles that it fills. `size` counts it already.
    fn take(&mut self, edge: &mut Edge, entry: &[u8], size: u64, folders: &mut BTreeSet<PathBuf>) -> Result<(), TilesError> {
        edge.bundle.extend(u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
        edge.bundle.extend(entry);
        if size.is_multiple_of(WIDTH) {
            let bundle = std::mem::take(&mut edge.bundle);
            self.write(TileName { kind: Kind::Entries, index: size / WIDTH - 1, width: 256 }, &bundle, folders)?;
        }
        let mut hash = tree::leaf(entry);
        for level in 0..LEVELS {
            let kind = Kind::Hashes(level);
            let Some(tile) = edge.levels.get_mut(usize::from(level)) else { break };
            tile.push(hash);
            if !kind.count(size).is_multiple_of(WIDTH) {
                break;
            }
            let full = std::mem::take(tile);
            self.write(TileName { kind, index: kind.count(size) / WIDTH - 1, width: 256 }, &concat(&full), folders)?;
            hash = tree::root(full);
        }
        Ok(())
    }

    /// Writes a tile, and notes which folders have a new name in them.
    fn write(&mut self, name: TileName, bytes: &[u8], folders: &mut BTreeSet<PathBuf>) -> Result<(), TilesError> {
        let path = self.directory.join(name.to_string());
        // From the log's directory on, down to the one that holds the tile.
        let above: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| *folder != self.directory).collect();
        for folder in above.iter().rev() {
            if !self.durable.contains(*folder) {
                self.disk.make_folder(folder).map_err(TilesError::io(folder, "made"))?;
                folders.extend(folder.parent().map(Path::to_owned));
            }
        }
        folders.extend(path.parent().map(Path::to_owned));
        self.disk.write(&path, bytes).map_err(TilesError::io(&path, "written"))
    }

    /// Signs the checkpoint over what is on the disk now, and gives it its name.
    fn sign(&mut self, size: u64, edge: Edge) -> Result<(), TilesError> {
        let checkpoint = Checkpoint { origin: self.trusted.origin.clone(), size, root: edge.root(), extension: Vec::new() };
        let wrong = |source| TilesError::Checkpoint { path: self.directory.clone(), source };
        self.signing = true;
        let note = checkpoint.sign(&*self.signer).map_err(wrong)?;
        write_note(&self.directory, &note, &mut *self.disk)?;
        publish(&self.directory, &mut *self.disk)?;
        self.log = Log::at(&self.directory, note, checkpoint);
        self.edge = edge;
        self.signing = false;
        Ok(())
    }

    /// Takes away those tiles of the checkpoint before the last one (`old`) that neither it nor the new one has. One that stays
    /// is no failure of the append: it goes when the log is opened again.
    fn forget(&mut self, old: u64) {
        let kept: BTreeSet<TileName> = TileName::partial(old).chain(TileName::partial(self.size())).collect();
        let stale: Vec<TileName> = TileName::partial(self.size_before).filter(|name| !kept.contains(name)).collect();
        self.size_before = old;
        for name in stale {
            if let Err(error) = self.remove(name) {
                tracing::warn!(%error, "a tile of the audit's log that is full by now cannot be taken away");
            }
        }
    }

    /// Takes away what no checkpoint names, and what newer tiles hold as well. Says which files no checkpoint named.
    fn tidy(&mut self) -> Result<Vec<String>, TilesError> {
        let mut cut = Vec::new();
        let new = self.directory.join(CHECKPOINT_NEW);
        self.disk.remove(&new).map_err(TilesError::io(&new, "removed"))?;
        let tile = self.directory.join("tile");
        for file in disk::files(&self.directory).map_err(TilesError::io(&tile, "listed"))? {
            let Some(name) = TileName::parse(&file) else { continue };
            match TileName::within(name.kind, name.index, self.size()) {
                Some(now) if now == name => {}
                Some(now) if now.width > name.width => {
                    if self.directory.join(now.to_string()).exists() {
                        self.remove(name)?;
                    }
                }
                Some(_) | None => {
                    cut.push(file);
                    self.remove(name)?;
                }
            }
        }
        Ok(cut)
    }

    /// Takes a tile away, and its folder where no tile will come into it any more.
    fn remove(&mut self, name: TileName) -> Result<(), TilesError> {
        let path = self.directory.join(name.to_string());
        self.disk.remove(&path).map_err(TilesError::io(&path, "removed"))?;
        let filling = TileName::within(name.kind, name.index, self.size()).is_some_and(|now| !now.is_full());
        match path.parent().filter(|_| !name.is_full() && !filling) {
            Some(folder) => {
                self.durable.remove(folder);
                self.disk.remove_folder(folder).map_err(TilesError::io(folder, "removed"))
            }
            None => Ok(()),
        }
    }
}

/// Locks the log for this process.
fn lock(directory: &Path) -> Result<File, TilesError> {
    let path = directory.join(LOCK);
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(TilesError::io(&path, "locked"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(TilesError::Locked(directory.to_owned())),
        Err(TryLockError::Error(source)) => Err(TilesError::io(&path, "locked")(source)),
    }
}

/// Gives a log its first checkpoint, over nothing, before there is any tile. So tiles without a checkpoint are never a
/// beginning: somebody took the checkpoint away.
fn begin(directory: &Path, trusted: &Trusted, signer: &dyn Signer, disk: &mut dyn Disk) -> Result<(), TilesError> {
    if !disk::files(directory).map_err(TilesError::io(directory, "listed"))?.is_empty() {
        return Err(TilesError::NoCheckpoint(directory.to_owned()));
    }
    let checkpoint = Checkpoint { origin: trusted.origin.clone(), size: 0, root: Hash::EMPTY, extension: Vec::new() };
    let note = checkpoint.sign(signer).map_err(|source| TilesError::Checkpoint { path: directory.to_owned(), source })?;
    write_note(directory, &note, disk)?;
    publish(directory, disk)?;
    match directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => disk.sync_folder(parent).map_err(TilesError::io(parent, "kept")),
        None => Ok(()),
    }
}

fn write_note(directory: &Path, note: &str, disk: &mut dyn Disk) -> Result<(), TilesError> {
    let path = directory.join(CHECKPOINT_NEW);
    disk.write(&path, note.as_bytes()).map_err(TilesError::io(&path, "written"))
}

/// Gives the checkpoint that was written its name.
fn publish(directory: &Path, disk: &mut dyn Disk) -> Result<(), TilesError> {
    let (new, path) = (directory.join(CHECKPOINT_NEW), directory.join(CHECKPOINT));
    disk.rename(&new, &path).map_err(TilesError::io(&path, "renamed"))?;
    disk.sync_folder(directory).map_err(TilesError::io(directory, "kept"))
}

/// The log at a checkpoint that was signed and had not got its name yet. One that is torn, or no later than the log, is none.
fn waiting(directory: &Path, trusted: &Trusted, named: &Log) -> Result<Option<Log>, TilesError> {
    let Some(bytes) = read_note(directory, CHECKPOINT_NEW)? else { return Ok(None) };
    let Ok(checkpoint) = trusted.open(&bytes) else { return Ok(None) };
    let later = checkpoint.size > named.checkpoint().size;
    Ok(later.then(|| Log::at(directory, String::from_utf8_lossy(&bytes).into_owned(), checkpoint)))
}

/// That the log at `later` begins with the log at `named`.
fn consistent(named: &Log, later: &Log) -> Result<(), TilesError> {
    let Checkpoint { size, root, .. } = named.checkpoint();
    if later.root_at(*size)? == *root {
        return Ok(());
    }
    let file = CHECKPOINT_NEW.to_owned();
    Err(TilesError::Broken { file, fault: FileFault::Root })
}

/// The right edge of a log, when it leads to the root of its checkpoint.
fn edge_of(log: &Log) -> Result<Edge, TilesError> {
    let size = log.checkpoint().size;
    let mut edge = Edge::default();
    for name in TileName::partial(size) {
        let bytes = log.read(name)?;
        let wrong = || broken(name, FileFault::Length);
        match name.kind {
            Kind::Entries => edge.bundle = bytes,
            Kind::Hashes(level) => {
                let place = edge.levels.get_mut(usize::from(level)).ok_or_else(wrong)?;
                *place = hashes(&bytes, name.width).ok_or_else(wrong)?;
            }
        }
    }
    let leaves = edge.levels.first().map_or(&[][..], Vec::as_slice);
    if edge.root() != log.checkpoint().root {
        let file = TileName::partial(size).last().map_or_else(|| CHECKPOINT.to_owned(), |name| name.to_string());
        return Err(TilesError::Broken { file, fault: FileFault::Root });
    }
    let (entries, whole) = entries(&edge.bundle, u16::try_from(leaves.len()).unwrap_or(0));
    let same = whole && entries.iter().map(|entry| tree::leaf(entry)).eq(leaves.iter().copied());
    match TileName::within(Kind::Entries, size / WIDTH, size) {
        Some(name) if !same => Err(broken(name, if whole { FileFault::Root } else { FileFault::Length })),
        Some(_) | None => Ok(edge),
    }
}
