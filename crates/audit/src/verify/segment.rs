//! One segment: its file, its row groups, its records.
//!
//! It is looked at by itself, so several can be at the same time.

use super::{Depth, FINDINGS_MAX, Finding, finding::last, order, tails::said_by};
use crate::{
    directory::SEGMENTS,
    ledger::Known,
    seal::Held,
    segment::{Foreign, Segment, SegmentError, SegmentName, hash_of, read::SEGMENT_BYTES_MAX},
    store::{self, StoreError, Stub},
    tree::{self, Frontier, Hash},
};
use parquet::errors::ParquetError;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What a look at one segment gave.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// What is wrong, in the order in which it stands there.
    pub(super) findings: Vec<Finding>,
    /// Bytes looked at.
    pub(super) bytes: u64,
    /// That its store is away, and what is said of it.
    pub(super) away: Option<(String, StoreError)>,
    /// The store that it is said to lie in, and the one that the configuration names for the log: nobody asked the first.
    pub(super) elsewhere: Option<(store::Named, store::Named)>,
}

/// What is to be looked at of a segment that the log names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'k> {
    /// The number of its first event.
    pub(super) first: u64,
    /// What the log says of it.
    pub(super) known: &'k Known,
    /// Whether it lies there.
    pub(super) there: bool,
    /// What was signed of its events while they were in a tail.
    pub(super) signed: Option<Held>,
}

/// A look at one segment that goes on.
pub(super) struct Looking<'a> {
    directory: &'a Path,
    depth: Depth,
    edge: &'a str,
    looked: Looked,
}

/// A segment that is looked at.
struct Place<'k> {
    /// How it is named: from the directory of the log on.
    file: String,
    path: PathBuf,
    first: u64,
    known: &'k Known,
}

/// How a segment is named: where it lies in a store, by the object too.
fn called(file: String, path: &Path) -> String {
    match Stub::beside(path) {
        Ok(Some(stub)) if !path.exists() => format!("{file}` in `{}", stub.object()),
        _ => file,
    }
}

impl<'a> Looking<'a> {
    pub(super) fn new(directory: &'a Path, depth: Depth, edge: &'a str) -> Self {
        Self { directory, depth, edge, looked: Looked::default() }
    }

    /// Looks at a segment, and where a note tells of its events, whether they are the ones that it tells of.
    pub(super) fn look(mut self, named: Named<'_>) -> Looked {
        let Named { first, known, there, signed } = named;
        let file = format!("{SEGMENTS}/{}", SegmentName { first_seq: first });
        let path = self.directory.join(&file);
        let place = Place { file: called(file, &path), path, first, known };
        if !there {
            self.find(Finding::Missing { file: place.file, first, last: last(first, known.events) });
            return self.looked;
        }
        let root = self.segment(&place, signed.map(|held| held.events.min(known.events)));
        if let Some(held) = signed {
            self.sealed_as_signed(held, &place, root);
        }
        self.looked
    }

    fn find(&mut self, finding: Finding) {
        // One more than is told says that there are more.
        if self.looked.findings.len() <= FINDINGS_MAX {
            self.looked.findings.push(finding);
        }
    }

    fn looked_at(&mut self, bytes: usize) {
        self.looked.bytes = self.looked.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn sealed_as_signed(&mut self, held: Held, place: &Place<'_>, root: Option<Hash>) {
        if held.events > place.known.events {
            self.find(Finding::Cut { first: place.first.saturating_add(place.known.events), last: last(place.first, held.events) });
        } else if root.is_some_and(|root| root != held.root) {
            self.find(Finding::Signed { first: place.first, last: last(place.first, held.events) });
        }
    }

    /// One segment. Gives the root over its first records, as many as asked for, where they can be read.
    fn segment(&mut self, place: &Place<'_>, leading: Option<u64>) -> Option<Hash> {
        let Place { file, first, known, .. } = place;
        let bytes = self.bytes(place)?;
        let found = hash_of(&bytes);
        let sound = known.files.last() == Some(&found);
        if !sound && known.files.contains(&found) {
            self.find(Finding::Older { file: file.clone() });
        }
        if sound && self.depth == Depth::Files && leading.is_none() {
            return None;
        }
        let before = self.looked.findings.len();
        let root = match Segment::of(&place.path, bytes) {
            Err(error) => {
                self.find(Finding::Segment { file: file.clone(), first: *first, last: last(*first, known.events), error: error.why() });
                None
            }
            Ok(segment) if segment.first_seq() != *first || segment.events() != known.events || segment.edge() != self.edge => {
                self.find(Finding::Other { file: file.clone(), first: segment.first_seq(), events: segment.events() });
                if segment.first_seq() == *first && segment.edge() == self.edge {
                    self.out_of_place(place, &segment);
                }
                None
            }
            Ok(segment) => self.records(place, &segment, leading),
        };
        if !sound && !known.files.contains(&found) && self.looked.findings.len() == before {
            self.find(Finding::Beside { file: file.clone(), mark: None });
        }
        root
    }

    /// The bytes of a segment that lies in a store; `None`: it does not.
    fn stored(&mut self, place: &Place<'_>) -> Option<Option<Vec<u8>>> {
        // What the log says is believed, not a file that anybody could lay there: it alone must not lead anywhere.
        if !place.path.exists()
            && let Ok(Some(stub)) = Stub::beside(&place.path)
            && !stub.is_of(place.first, &place.known.file())
        {
            let error = "what says where it lies is not of the file that the log names".to_owned();
            self.find(Finding::Unreadable { file: place.file.clone(), error });
            return Some(None);
        }
        if !place.path.exists()
            && let Ok(Some(stub)) = Stub::beside(&place.path)
            && let Some(elsewhere) = store::elsewhere(self.directory, &stub)
        {
            self.looked.elsewhere = Some(elsewhere);
            return Some(None);
        }
        match if place.path.exists() { Ok(None) } else { store::whole(&place.path) } {
            Ok(None) => None,
            Ok(Some((_, bytes))) => {
                self.looked_at(bytes.len());
                Some(Some(bytes))
            }
            Err(error) => {
                if error.is_damage() {
                    self.find(Finding::Unreadable { file: place.file.clone(), error: error.to_string() });
                } else {
                    self.looked.away = Some((place.file.clone(), error));
                }
                Some(None)
            }
        }
    }

    /// The bytes of its file: what is hashed is what is read afterwards.
    fn bytes(&mut self, place: &Place<'_>) -> Option<Vec<u8>> {
        let Place { file, path, first, known } = place;
        if let Some(stored) = self.stored(place) {
            return stored;
        }
        let read = fs::metadata(path).and_then(|metadata| match metadata.len() {
            // A pipe would never end.
            _ if !metadata.is_file() => Err(io::Error::other("it is no plain file")),
            bytes if bytes > SEGMENT_BYTES_MAX => Ok(Err(bytes)),
            _ => fs::read(path).map(Ok),
        });
        match read {
            Ok(Ok(bytes)) => {
                self.looked_at(bytes.len());
                Some(bytes)
            }
            Ok(Err(bytes)) => {
                self.find(Finding::shape(file, *first, known.events, &Foreign::Large(bytes)));
                None
            }
            Err(error) => {
                self.find(Finding::Unreadable { file: file.clone(), error: error.to_string() });
                None
            }
        }
    }

    /// Which records were taken out or put in, as the columns of those that are there say.
    fn out_of_place(&mut self, place: &Place<'_>, segment: &Segment) {
        let mut said = Vec::new();
        for group in 0..segment.groups() {
            let read = segment.records(group, |_, record| {
                said.extend(record.row().ok().map(|row| said_by(&row)));
                Ok(())
            });
            if read.is_err() {
                return;
            }
        }
        let (mut findings, next) = order::look(&place.file, place.first, &said);
        let end = place.first.saturating_add(place.known.events);
        if next < end {
            findings.push(Finding::Dropped { file: place.file.clone(), first: next, last: end - 1 });
        }
        findings.into_iter().for_each(|finding| self.find(finding));
    }

    fn records(&mut self, place: &Place<'_>, segment: &Segment, leading: Option<u64>) -> Option<Hash> {
        // Where the footer's roots give the root that was logged, they are those that were sealed, and say which row group is another.
        let roots = (segment.said_root() == place.known.root).then(|| segment.group_roots());
        if roots.is_none() {
            self.find(Finding::GroupRoots { file: place.file.clone() });
        }
        let mut found = Some(Vec::with_capacity(segment.groups()));
        let mut begin = Frontier::new();
        let mut any_named = false;
        for group in 0..segment.groups() {
            let sealed = roots.and_then(|roots| roots.get(group));
            let before = self.looked.findings.len();
            let Some(leaves) = self.group(place, segment, group, sealed) else {
                found = None;
                continue;
            };
            for leaf in &leaves {
                if leading.is_some_and(|count| begin.size() < count) {
                    begin.append(*leaf);
                }
            }
            let root = tree::root(leaves);
            let named = self.looked.findings.len() > before;
            any_named |= named;
            if sealed.is_some_and(|sealed| *sealed != root) && !named {
                let first = segment.group_first_seq(group);
                let last = last(first, u64::try_from(segment.group_rows(group)).unwrap_or(u64::MAX));
                self.find(Finding::Group { file: place.file.clone(), group, first, last });
            }
            found.iter_mut().for_each(|found| found.push(root));
        }
        let root = tree::root(found?);
        if roots.is_none() && root != place.known.root && !any_named {
            self.find(Finding::Records { file: place.file.clone() });
        }
        (begin.size() == leading?).then(|| begin.root())
    }

    /// The leaves of a row group, where they can be read. Records that are not what they were are named by their marks.
    fn group(&mut self, place: &Place<'_>, segment: &Segment, group: usize, sealed: Option<&Hash>) -> Option<Vec<Hash>> {
        let first = segment.group_first_seq(group);
        let file = || place.file.clone();
        let leaves = match segment.leaves_or_not(group) {
            Ok(leaves) => leaves,
            Err(error) => {
                let last = last(first, u64::try_from(segment.group_rows(group)).unwrap_or(u64::MAX));
                let column = segment.damaged_column(group);
                self.find(Finding::GroupUnreadable { file: file(), group, first, last, column, error: error.why() });
                return None;
            }
        };
        let whole: Option<Vec<Hash>> = leaves.iter().map(|leaf| leaf.as_ref().ok().map(|leaf| leaf.hash)).collect();
        let as_sealed = sealed.is_some() && whole.as_ref().map(|leaves| tree::root(leaves.iter().copied())).as_ref() == sealed;
        for (seq, leaf) in (first..).zip(&leaves) {
            let finding = match leaf {
                Ok(leaf) if leaf.fits() && leaf.seq.and_then(|found| u64::try_from(found).ok()) == Some(seq) => continue,
                Ok(leaf) if leaf.fits() => Finding::Seq { file: file(), expected: seq, found: leaf.seq },
                Ok(_) if as_sealed => Finding::Beside { file: file(), mark: Some(seq) },
                Ok(_) | Err(_) => Finding::Record { file: file(), seq },
            };
            self.find(finding);
        }
        whole
    }
}

/// What a reader of Parquet says, for whoever does not know what it is made of.
fn in_words(error: &ParquetError) -> &'static str {
    match error {
        ParquetError::EOF(_) | ParquetError::NeedMoreData(_) | ParquetError::NeedMoreDataRange(_) => "it ends too early",
        ParquetError::IndexOutOfBound(..) => "a place that it names is outside of it",
        ParquetError::NYI(_) => "it uses what this version does not know",
        _ => "its bytes are damaged: they cannot be decoded",
    }
}

impl SegmentError {
    /// What is wrong, without the file's name.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Io { error, .. } => error.to_string(),
            Self::Store { error, .. } => error.to_string(),
            Self::Parquet { error, .. } => in_words(error).to_owned(),
            Self::Unreadable { .. } => "damaged in a way that cannot be read at all".to_owned(),
            Self::Foreign { wrong, .. } => wrong.to_string(),
            Self::Newer { newer, .. } => format!("written by a newer version: {newer}"),
            Self::Row { row, wrong, .. } => format!("row {row}: {wrong}"),
            Self::Changed { .. } => "the records do not give the root that its footer says".to_owned(),
            Self::Record { seq, wrong, .. } => format!("event {seq}: {wrong}"),
        }
    }
}
