//! Segments: the file, its row groups, its records.

use super::{
    Depth, Finding, Look,
    finding::last,
    ledger::{Known, Ledger},
    tails::{Note, Tails},
};
use crate::{
    directory::SEGMENTS,
    segment::{Foreign, Segment, SegmentError, SegmentName, hash_of, read::SEGMENT_BYTES_MAX, write::UNFINISHED},
    tree::{self, Frontier, Hash},
};
use std::{collections::BTreeSet, fs, io, path::PathBuf};

/// A segment that is looked at.
struct Place<'k> {
    /// How it is named: from the directory of the log on.
    file: String,
    path: PathBuf,
    first: u64,
    known: &'k Known,
}

impl Look<'_> {
    /// All that the log names and all that lies there. Where the note tells of events that are sealed by now, whether they are
    /// the ones that it tells of.
    pub(super) fn segments(&mut self, ledger: &Ledger, note: Option<&Note>, tails: &Tails) -> io::Result<()> {
        let there = self.list(ledger, tails)?;
        for (first, known) in &ledger.segments {
            let file = format!("{SEGMENTS}/{}", SegmentName { first_seq: *first });
            let place = Place { path: self.directory.join(&file), file, first: *first, known };
            self.report.segments += 1;
            self.report.sealed = self.report.sealed.saturating_add(known.events);
            if !there.contains(first) {
                self.find(Finding::Missing { file: place.file, first: *first, last: last(*first, known.events) });
                continue;
            }
            let signed = note.filter(|note| note.first == *first);
            let root = self.segment(&place, signed.map(|note| note.count.min(known.events)));
            if let Some(note) = signed {
                self.sealed_as_signed(note, &place, root);
            }
        }
        Ok(())
    }

    fn sealed_as_signed(&mut self, note: &Note, place: &Place<'_>, root: Option<Hash>) {
        if note.count > place.known.events {
            self.find(Finding::Cut { first: place.first.saturating_add(place.known.events), last: last(note.first, note.count) });
        } else if root.is_some_and(|root| root != note.root) {
            self.find(Finding::Signed { first: note.first, last: last(note.first, note.count) });
        }
    }

    /// Which segments lie there. What does not belong there is said.
    fn list(&mut self, ledger: &Ledger, tails: &Tails) -> io::Result<BTreeSet<u64>> {
        let mut there = BTreeSet::new();
        let entries = match fs::read_dir(self.directory.join(SEGMENTS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(there),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let file = format!("{SEGMENTS}/{name}");
            match SegmentName::parse(&name) {
                Some(SegmentName { first_seq }) if ledger.segments.contains_key(&first_seq) => {
                    there.insert(first_seq);
                }
                Some(SegmentName { first_seq }) if first_seq <= ledger.retired => self.find(Finding::Retired { file }),
                // Sealed, and not yet in the log: its tail is still there and counts.
                Some(SegmentName { first_seq }) if first_seq >= ledger.next() && self.is_of_tail(first_seq, &name, tails) => (),
                Some(_) => self.find(Finding::Extra { file }),
                // Being written, or left by a machine that stopped: it is written anew.
                None if name.strip_suffix(UNFINISHED).and_then(SegmentName::parse).is_some() => (),
                None => self.find(Finding::Stray { file }),
            }
        }
        Ok(there)
    }

    /// Whether a segment that the log does not name yet is what a tail that is still there makes.
    fn is_of_tail(&self, first_seq: u64, name: &str, tails: &Tails) -> bool {
        let path = self.directory.join(SEGMENTS).join(name);
        // Nothing waits for what is no file.
        let is_file = fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
        is_file && Segment::open(&path).is_ok_and(|segment| segment.first_seq() == first_seq && tails.hold(&segment))
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
        if sound && self.asked.depth == Depth::Files && leading.is_none() {
            return None;
        }
        let before = self.report.findings.len();
        let root = match Segment::of(&place.path, bytes) {
            Err(error) => {
                self.find(Finding::Segment { file: file.clone(), first: *first, last: last(*first, known.events), error: error.why() });
                None
            }
            Ok(segment) if segment.first_seq() != *first || segment.events() != known.events || segment.edge() != self.edge() => {
                self.find(Finding::Other { file: file.clone(), first: segment.first_seq(), events: segment.events() });
                None
            }
            Ok(segment) => self.records(place, &segment, leading),
        };
        if !sound && !known.files.contains(&found) && self.report.findings.len() == before {
            self.find(Finding::Beside { file: file.clone(), mark: None });
        }
        root
    }

    /// The bytes of its file: what is hashed is what is read afterwards.
    fn bytes(&mut self, place: &Place<'_>) -> Option<Vec<u8>> {
        let Place { file, path, first, known } = place;
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
            let before = self.report.findings.len();
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
            let named = self.report.findings.len() > before;
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

impl SegmentError {
    /// What is wrong, without the file's name.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Io { error, .. } => error.to_string(),
            Self::Parquet { error, .. } => error.to_string(),
            Self::Unreadable { .. } => "damaged in a way that cannot be read at all".to_owned(),
            Self::Foreign { wrong, .. } => wrong.to_string(),
            Self::Newer { newer, .. } => format!("written by a newer version: {newer}"),
            Self::Row { row, wrong, .. } => format!("row {row}: {wrong}"),
            Self::Changed { .. } => "the records do not give the root that its footer says".to_owned(),
            Self::Record { seq, wrong, .. } => format!("event {seq}: {wrong}"),
        }
    }
}
