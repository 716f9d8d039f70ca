//! Files that documents name with `file:`, wherever they are: looked at every now and then, links followed, since a directory that
//! nobody named cannot be followed, and what another is moved over or a link is turned away from tells nobody.

use crate::{clock, control::Gathered};
use std::{
    collections::BTreeMap,
    ops::Bound,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};
use wardgate_model::time::Time;
use wardgate_resources::Document;

/// Most files that are looked at. Of more the first in order of their names are; all of them are read with each change that is noticed.
const NAMED_MAX: usize = 10_000;
/// Most files that are looked at each time; of more, the next ones the next time.
const LOOKS_MAX: usize = 1_000;
/// How far behind the clock of the file system may be, in microseconds.
const COARSE_MICROS: i64 = 50_000;

/// What a file looks like from outside: another mark is another content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    place: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Mark {
    /// Of what is there, links followed; `None`: nothing is.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let seen = std::fs::metadata(path).ok()?;
        Some(Self {
            place: (seen.dev(), seen.ino()),
            length: seen.len(),
            modified: (seen.mtime(), seen.mtime_nsec()),
            changed: (seen.ctime(), seen.ctime_nsec()),
        })
    }

    /// Which one it is, whatever is in it.
    pub(super) const fn place(&self) -> (u64, u64) {
        self.place
    }

    fn is_since(&self, moment: Time) -> bool {
        let changed = self.changed.0.saturating_mul(1_000_000).saturating_add(self.changed.1 / 1_000);
        changed.saturating_add(COARSE_MICROS) >= moment.as_micros()
    }
}

/// The files that are named, as they were when they were last read; `None`: not there, or changed while they were read.
#[derive(Debug, Default)]
pub(super) struct Named {
    files: BTreeMap<PathBuf, Option<Mark>>,
    /// The last that was looked at.
    looked_at: Option<PathBuf>,
}

impl Named {
    /// Those that these documents name, which were read at `read` or after it.
    pub(super) fn follow(&mut self, gathered: &[&Gathered], base: &Path, read: Time) {
        let documents = gathered.iter().flat_map(|gathered| &gathered.documents);
        let mut paths: Vec<PathBuf> = documents.flat_map(|document| candidates(document, base)).collect();
        paths.sort_unstable();
        paths.dedup();
        paths.truncate(NAMED_MAX);
        let mut before = std::mem::take(&mut self.files);
        let marked = paths.into_iter().map(|path| match before.remove(&path) {
            Some(mark) => (path, mark),
            None => {
                let mark = Mark::of(&path).filter(|mark| !mark.is_since(read));
                (path, mark)
            }
        });
        self.files = marked.collect();
    }

    /// Whether one of them is another than when it was last looked at: the next thousand of them. It asks the disk.
    pub(super) fn look(&mut self) -> bool {
        self.look_at(LOOKS_MAX)
    }

    fn look_at(&mut self, most: usize) -> bool {
        let mut changed = false;
        let begin = self.looked_at.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut looked = 0;
        for (path, before) in self.files.range_mut::<PathBuf, _>((begin, Bound::Unbounded)) {
            if looked == most {
                break;
            }
            let now = Mark::of(path);
            changed |= now != *before;
            *before = now;
            looked += 1;
            self.looked_at = Some(path.clone());
        }
        if looked < most {
            // At the end of them: from the first again.
            self.looked_at = None;
        }
        changed
    }

    /// Those that are followed from the start on: what was read before it, was read a moment ago.
    pub(super) fn at_start(gathered: &Gathered, base: &Path) -> Self {
        let mut named = Self::default();
        named.follow(&[gathered], base, clock::now());
        // A file that was written just before the start is not read twice for it.
        while {
            named.look();
            named.looked_at.is_some()
        } {}
        named
    }
}

/// Where the files may be that a document names: beside it, or beside the configuration.
fn candidates(document: &Document, base: &Path) -> Vec<PathBuf> {
    let mut texts = vec![&document.spec];
    let mut paths = Vec::new();
    let beside = document.place.file.parent().unwrap_or(Path::new(""));
    while let Some(value) = texts.pop() {
        match value {
            serde_json::Value::String(text) => {
                if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
                    paths.extend([beside.join(path), base.join(path)]);
                }
            }
            serde_json::Value::Array(values) => texts.extend(values),
            serde_json::Value::Object(members) => texts.extend(members.values()),
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
        }
    }
    paths
}

#[cfg(test)]
mod tests;
