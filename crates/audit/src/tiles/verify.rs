//! Looking a whole log over: what is wrong, and where.
//!
//! A log says everything twice: entries hash to the tiles, and tiles to the root that is signed. So where one of the two
//! leads to the root, whatever differs in the other is named exactly; only where neither does, both are.

use super::{
    CHECKPOINT, CHECKPOINT_NEW, FILE_BYTES_MAX, FileFault, LOCK, TilesError, WIDTH, disk, entries, hashes,
    log::read_note,
    name::{Kind, LEVELS, TileName},
};
use crate::{
    note::{Checkpoint, NoteError, Trusted},
    tree::{self, Hash},
};
use std::{collections::BTreeMap, fmt, fs, path::Path};

/// Findings that are told. Whatever is beyond is only said to be there.
pub const FINDINGS_MAX: usize = 1000;
/// How often a log that goes on while it is looked at is looked at again.
const ROUNDS_MAX: usize = 8;

/// What was found wrong. Entries and hashes are counted from 0, the last one named is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// There is no checkpoint.
    NoCheckpoint,
    /// The checkpoint is none, of another log, or not signed by its key: forged, or damaged.
    Checkpoint(NoteError),
    /// The log is shorter than it was: somebody went back to an older state.
    RolledBack {
        /// Entries now.
        size: u64,
        /// Entries of the checkpoint that was remembered elsewhere.
        remembered: u64,
    },
    /// The log does not begin with what it held once: it was written anew, and signed.
    Rewritten {
        /// Entries of the checkpoint that was remembered elsewhere.
        remembered: u64,
    },
    /// A file is missing, or not as long as it must be.
    File {
        /// The file, named from the log's directory on.
        file: String,
        /// What is wrong of it.
        fault: FileFault,
    },
    /// The system does not let a file be read.
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        error: String,
    },
    /// Entries are not those that were logged.
    Entries {
        /// The file they stand in.
        file: String,
        /// The first of them, counted through the log.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// Hashes of a tile are not those of the tree.
    Hashes {
        /// The tile.
        file: String,
        /// The first of them, counted through its level.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// Entries and tiles differ, and neither leads to the root: either can be wrong.
    Either {
        /// The file of the entries.
        file: String,
        /// The first entry that differs.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// Neither entries nor tiles lead to the root of the checkpoint: it is of another state of the log, or all was rewritten.
    Root,
    /// Tiles go on where the checkpoint ends, and tiles that it needs are gone: it is an older one, put back.
    SetBack {
        /// Entries that the checkpoint names.
        size: u64,
        /// A file with more.
        file: String,
    },
    /// A file that is none of a log's.
    Stray {
        /// The file.
        file: String,
    },
    /// There are more than [`FINDINGS_MAX`].
    More,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |f: &mut fmt::Formatter<'_>, one: &str, many: &str, first: &u64, last: &u64| match first == last {
            true => write!(f, "{one} {first} is"),
            false => write!(f, "{many} {first} to {last} are"),
        };
        match self {
            Self::NoCheckpoint => f.write_str("there is no checkpoint"),
            Self::Checkpoint(error) => write!(f, "`{CHECKPOINT}`: {error}"),
            Self::RolledBack { size, remembered } => {
                write!(f, "the log was set back: {size} entries now, and a remembered checkpoint names {remembered}")
            }
            Self::Rewritten { remembered } => {
                write!(f, "the log was rewritten: its first {remembered} entries are not those of the remembered checkpoint")
            }
            Self::File { file, fault } => write!(f, "`{file}` {fault}"),
            Self::Unreadable { file, error } => write!(f, "`{file}` cannot be read: {error}"),
            Self::Entries { file, first, last } => {
                write!(f, "`{file}`: ")?;
                range(f, "entry", "entries", first, last)?;
                f.write_str(" not what was logged")
            }
            Self::Hashes { file, first, last } => {
                write!(f, "`{file}`: ")?;
                range(f, "hash", "hashes", first, last)?;
                f.write_str(" not what the tree has there")
            }
            Self::Either { file, first, last } => {
                write!(f, "`{file}`: ")?;
                range(f, "entry", "entries", first, last)?;
                f.write_str(" not what the tile beside it says, and neither leads to the root")
            }
            Self::Root => {
                f.write_str("neither entries nor tiles lead to the root of the checkpoint: it is of another state, or all was rewritten")
            }
            Self::SetBack { size, file } => {
                write!(f, "the checkpoint names {size} entries and lacks tiles, while `{file}` goes on: an older checkpoint was put back")
            }
            Self::Stray { file } => write!(f, "`{file}` is no file of a log"),
            Self::More => write!(f, "and more: only {FINDINGS_MAX} are told"),
        }
    }
}

/// What a look at a whole log gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What its checkpoint says, when it is believed: what to remember elsewhere.
    pub checkpoint: Option<Checkpoint>,
    /// What is wrong; nothing when the log is whole.
    pub findings: Vec<Finding>,
    /// Files that hold what the checkpoint does not name. Where somebody writes, an append is under way; where nobody does, one
    /// did not end, or the checkpoint of one append before was put back. Opening the log for writing takes them away.
    pub beyond: Vec<String>,
}

/// Looks the log in `directory` over, from its checkpoint to the last byte of every file. `remembered` is a checkpoint that
/// was kept elsewhere and verified: the log must still begin with it.
///
/// It may be written to meanwhile: when the checkpoint is another one in the end, it is looked at anew.
///
/// # Errors
/// When the directory cannot be read. A file that cannot be is a finding.
pub fn verify(directory: &Path, trusted: &Trusted, remembered: Option<&Checkpoint>) -> Result<Report, TilesError> {
    let mut note = read_note(directory, CHECKPOINT)?;
    for _ in 1..ROUNDS_MAX {
        let report = once(directory, note.as_deref(), trusted, remembered)?;
        let now = read_note(directory, CHECKPOINT)?;
        if report.findings.is_empty() || now == note {
            return Ok(report);
        }
        note = now;
    }
    once(directory, note.as_deref(), trusted, remembered)
}

fn once(directory: &Path, note: Option<&[u8]>, trusted: &Trusted, remembered: Option<&Checkpoint>) -> Result<Report, TilesError> {
    let one = |finding| Ok(Report { checkpoint: None, findings: vec![finding], beyond: Vec::new() });
    let Some(note) = note else { return one(Finding::NoCheckpoint) };
    let checkpoint = match trusted.open(note) {
        Ok(checkpoint) => checkpoint,
        Err(error) => return one(Finding::Checkpoint(error)),
    };
    let mut look = Look { directory, size: checkpoint.size, files: BTreeMap::new(), findings: Vec::new(), beyond: Vec::new() };
    look.list()?;
    let truth = look.read(&checkpoint.root);
    look.remember(remembered, truth.as_deref());
    if let Some(leaves) = truth {
        look.compare(&leaves);
    }
    let Look { mut findings, beyond, .. } = look;
    if findings.len() > FINDINGS_MAX {
        findings.truncate(FINDINGS_MAX);
        findings.push(Finding::More);
    }
    Ok(Report { checkpoint: Some(checkpoint), findings, beyond })
}

/// A look at a log of this size.
struct Look<'a> {
    directory: &'a Path,
    size: u64,
    /// The hashes of each file that is there: of a bundle, those of the entries that can be read.
    files: BTreeMap<TileName, Vec<Hash>>,
    findings: Vec<Finding>,
    beyond: Vec<String>,
}

impl Look<'_> {
    /// Says which files are too many or too few.
    fn list(&mut self) -> Result<(), TilesError> {
        for file in disk::files(self.directory).map_err(TilesError::io(self.directory, "listed"))? {
            match TileName::parse(&file) {
                Some(name) if name.end() <= name.kind.count(self.size) => {
                    self.files.insert(name, Vec::new());
                }
                Some(_) => self.beyond.push(file),
                None => self.findings.push(Finding::Stray { file }),
            }
        }
        for entry in fs::read_dir(self.directory).map_err(TilesError::io(self.directory, "listed"))? {
            let file = entry.map_err(TilesError::io(self.directory, "listed"))?.file_name().to_string_lossy().into_owned();
            match file.as_str() {
                CHECKPOINT_NEW => self.beyond.push(file),
                CHECKPOINT | LOCK | "tile" => {}
                _ => self.findings.push(Finding::Stray { file }),
            }
        }
        let before = self.findings.len();
        self.missing();
        let tile = self.beyond.iter().find(|file| TileName::parse(file).is_some());
        if let Some(file) = tile.filter(|_| self.findings.len() > before) {
            self.findings.push(Finding::SetBack { size: self.size, file: file.clone() });
        }
        Ok(())
    }

    /// Says which tiles are not there.
    fn missing(&mut self) {
        for kind in Kind::all() {
            for index in 0..kind.count(self.size).div_ceil(WIDTH) {
                let missing = TileName::within(kind, index, self.size).filter(|name| !self.files.contains_key(name));
                self.findings.extend(missing.map(|name| Finding::File { file: name.to_string(), fault: FileFault::Missing }));
                if self.findings.len() > FINDINGS_MAX {
                    return;
                }
            }
        }
    }

    /// Reads every file, and gives the hashes of the leaves that lead to the root, where there are such.
    fn read(&mut self, root: &Hash) -> Option<Vec<Hash>> {
        let names: Vec<TileName> = self.files.keys().copied().collect();
        for name in names {
            let read = self.hashes_of(name);
            self.files.insert(name, read);
        }
        let leads = |leaves: &[Hash]| u64::try_from(leaves.len()) == Ok(self.size) && tree::root(leaves.iter().copied()) == *root;
        let logged = self.whole(Kind::Entries);
        if leads(&logged) {
            return Some(logged);
        }
        let tiles = self.whole(Kind::Hashes(0));
        if leads(&tiles) {
            return Some(tiles);
        }
        // Each may be right where the other is wrong: the tile above says which.
        let mixed = [Kind::Entries, Kind::Hashes(0)].map(|last| self.mixed(last));
        if let Some(leaves) = mixed.into_iter().find(|leaves| leads(leaves)) {
            return Some(leaves);
        }
        self.either();
        self.findings.push(Finding::Root);
        None
    }

    /// The hashes that a file holds. Says when it is not as long as it must be.
    fn hashes_of(&mut self, name: TileName) -> Vec<Hash> {
        let file = name.to_string();
        let bytes = match disk::read(&self.directory.join(&file), FILE_BYTES_MAX) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error) => {
                self.findings.push(Finding::Unreadable { file, error: error.to_string() });
                return Vec::new();
            }
        };
        let (read, whole) = match name.kind {
            Kind::Entries => {
                let (entries, whole) = entries(&bytes, name.width);
                (entries.into_iter().map(tree::leaf).collect(), whole)
            }
            Kind::Hashes(_) => hashes(&bytes, name.width).map_or_else(|| (Vec::new(), false), |hashes| (hashes, true)),
        };
        if !whole {
            self.findings.push(Finding::File { file, fault: FileFault::Length });
        }
        read
    }

    /// The hashes of the tile number `index` as it is at the checkpoint.
    fn tile(&self, kind: Kind, index: u64) -> &[Hash] {
        TileName::within(kind, index, self.size).and_then(|name| self.files.get(&name)).map_or(&[], Vec::as_slice)
    }

    /// All hashes of a kind. Fewer than the log has when some are missing.
    fn whole(&self, kind: Kind) -> Vec<Hash> {
        let mut all = Vec::new();
        for index in 0..kind.count(self.size).div_ceil(WIDTH) {
            let tile = self.tile(kind, index);
            if tile.is_empty() {
                break;
            }
            all.extend_from_slice(tile);
        }
        all
    }

    /// The leaves, each tile from entries or from hashes, as the tile above says; the last one, of which none says, as told.
    fn mixed(&self, last: Kind) -> Vec<Hash> {
        let mut all = Vec::new();
        for index in 0..self.size.div_ceil(WIDTH) {
            let above = self.tile(Kind::Hashes(1), index / WIDTH);
            let told = usize::try_from(index % WIDTH).ok().and_then(|at| above.get(at));
            let right = |kind: &Kind| told == Some(&tree::root(self.tile(*kind, index).iter().copied()));
            let kind = [Kind::Entries, Kind::Hashes(0)].into_iter().find(right).unwrap_or(last);
            let tile = self.tile(kind, index);
            if tile.is_empty() {
                break;
            }
            all.extend_from_slice(tile);
        }
        all
    }

    /// Says where entries and tiles differ.
    fn either(&mut self) {
        let mut found = Vec::new();
        for (name, held) in self.files.iter().filter(|(name, _)| name.kind == Kind::Entries) {
            let beside = self.files.get(&TileName { kind: Kind::Hashes(0), ..*name }).map_or(&[][..], Vec::as_slice);
            let file = name.to_string();
            found.extend(runs(held, beside, name.first()).into_iter().map(|(first, last)| Finding::Either {
                file: file.clone(),
                first,
                last,
            }));
        }
        self.findings.append(&mut found);
    }

    /// Says where a file differs from the tree over these leaves.
    fn compare(&mut self, leaves: &[Hash]) {
        let mut level_hashes = leaves.to_vec();
        for level in 0..LEVELS {
            let kinds = if level == 0 { &[Kind::Entries, Kind::Hashes(0)][..] } else { &[Kind::Hashes(level)] };
            for kind in kinds {
                self.compare_with(*kind, &level_hashes);
            }
            let above = level_hashes.chunks_exact(256).map(|tile| tree::root(tile.iter().copied())).collect();
            level_hashes = above;
        }
    }

    /// Says where the files of a kind differ from these hashes.
    fn compare_with(&mut self, kind: Kind, right: &[Hash]) {
        let mut found = Vec::new();
        for (name, held) in self.files.iter().filter(|(name, _)| name.kind == kind) {
            let bound = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            let right = right.get(bound(name.first())..bound(name.end())).unwrap_or_default();
            for (first, last) in runs(held, right, name.first()) {
                let file = name.to_string();
                found.push(match kind {
                    Kind::Entries => Finding::Entries { file, first, last },
                    Kind::Hashes(_) => Finding::Hashes { file, first, last },
                });
            }
        }
        self.findings.append(&mut found);
    }

    /// Says when the log does not go on from where it was.
    fn remember(&mut self, remembered: Option<&Checkpoint>, leaves: Option<&[Hash]>) {
        let Some(Checkpoint { size, root, .. }) = remembered else { return };
        if *size > self.size {
            self.findings.push(Finding::RolledBack { size: self.size, remembered: *size });
            return;
        }
        let then = usize::try_from(*size).ok().and_then(|size| leaves?.get(..size));
        if then.is_some_and(|leaves| tree::root(leaves.iter().copied()) != *root) {
            self.findings.push(Finding::Rewritten { remembered: *size });
        }
    }
}

/// Where `held` differs from `right`, as runs: the first and the last index, the first of all being `begin`.
fn runs(held: &[Hash], right: &[Hash], begin: u64) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for (index, _) in (begin..).zip(held.iter().zip(right)).filter(|(_, (held, right))| held != right) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            Some(_) | None => runs.push((index, index)),
        }
    }
    runs
}
