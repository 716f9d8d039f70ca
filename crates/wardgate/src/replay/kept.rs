//! What is kept beside the log so that its rulings can be made again: `audit/replay/`.
//!
//! | file | is |
//! |---|---|
//! | `RUN.jsonl` | one run of the process: what it was started with, then for each snapshot the change of the feed that it stands for |
//! | `RUN-ORDER.meters` | where all meters stood before the ruling of that number: a line each |
//! | `documents/SHA256` | what resources name with `file:` |
//!
//! A run is named by an event of the log, the first that the process writes. Nothing here is proof: what was altered shows in a ruling
//! that comes out otherwise, and never makes one good that the record does not have.

use super::documents::FileRead;
use crate::run;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use wardgate_abuse::{Counted, Level, MeterKey, SourceNet, Standing, Subject, SubjectName};
use wardgate_model::{
    id::LimitName,
    limit::{Per, Window},
    time::Time,
};

/// The directory, in that of the log.
pub const DIRECTORY: &str = "replay";
/// The directory of documents in it.
pub const DOCUMENTS: &str = "documents";
/// What an event that names a run tells of: kind and act of a change.
pub const RUN: (&str, &str) = (run::KIND, run::START);
/// Largest file of a run or of meters that is written or read, in bytes.
pub const BYTES_MAX: u64 = 256 << 20;
/// Version of these forms.
pub const VERSION: u32 = 1;

/// A line of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// The first one.
    Run(Run),
    /// A snapshot was published.
    Snapshot(Mark),
    /// Where the meters stood was written down.
    Meters(MetersAt),
}

/// What a process was started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Version of this form.
    pub version: u32,
    /// When, in microseconds since the epoch.
    pub started_us: i64,
    /// Threads that judge.
    pub threads: usize,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: u64,
    /// Whether people sign in at an issuer, which is an API of its own.
    pub sign_in: bool,
    /// The issuer of assertions.
    pub issuer: String,
}

/// A snapshot, and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Its number.
    pub number: u64,
    /// The last change of the feed that is in it.
    pub feed: u64,
    /// The last change that there was when it was made: more than `feed` while others changed something at the same time, of which
    /// some may be in it.
    pub until: u64,
    /// The files that documents name, where they are others than in the snapshot before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<Vec<FileRead>>,
}

/// Where the meters stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetersAt {
    /// Before the ruling of this number.
    pub order: u64,
    /// At this moment, in microseconds since the epoch.
    pub time_us: i64,
    /// Whether no ruling was made meanwhile.
    pub exact: bool,
    /// How many meters.
    pub meters: usize,
}

/// One meter, as a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MeterLine {
    limit: String,
    per: Per,
    subject: SubjectLine,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    full_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quota: Option<WindowLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<WindowLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowLine {
    window: Window,
    start_us: i64,
    used: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum SubjectLine {
    Text(String),
    Person { client: String, person: String },
    Session(String),
    V4([u8; 4]),
    V6([u8; 8]),
    Overflow,
}

impl SubjectLine {
    fn of(name: &SubjectName) -> Self {
        match name {
            SubjectName::Text(text) => Self::Text(text.to_string()),
            SubjectName::Person { client, person } => Self::Person { client: client.to_string(), person: person.to_string() },
            SubjectName::Session(session) => Self::Session(session.to_string()),
            SubjectName::Net(SourceNet::V4(net)) => Self::V4(*net),
            SubjectName::Net(SourceNet::V6(net)) => Self::V6(*net),
            SubjectName::Overflow => Self::Overflow,
        }
    }

    fn read(self) -> SubjectName {
        match self {
            Self::Text(text) => SubjectName::Text(text.into()),
            Self::Person { client, person } => SubjectName::Person { client: client.into(), person: person.into() },
            Self::Session(session) => SubjectName::Session(session.into()),
            Self::V4(net) => SubjectName::Net(SourceNet::V4(net)),
            Self::V6(net) => SubjectName::Net(SourceNet::V6(net)),
            Self::Overflow => SubjectName::Overflow,
        }
    }
}

impl MeterLine {
    fn of(level: &Level) -> Self {
        let (key, subject) = (&level.key, level.key.subject());
        let window = |window| match level.standing {
            Standing::Window { start, used } => Some(WindowLine { window, start_us: start.as_micros(), used }),
            Standing::Rate { .. } => None,
        };
        let (full_at, quota, bytes) = match (key.counted(), level.standing) {
            (Counted::Flow, Standing::Rate { full_at }) => (Some(full_at), None, None),
            (Counted::Quota(of), _) => (None, window(of), None),
            (Counted::Bytes(of), _) => (None, None, window(of)),
            (Counted::Flow, Standing::Window { .. }) => (None, None, None),
        };
        let subject_line = SubjectLine::of(&subject.name);
        Self { limit: key.limit().to_string(), per: subject.per, subject: subject_line, full_at, quota, bytes }
    }

    fn read(self) -> Option<Level> {
        let (counted, standing) = match (self.full_at, self.quota, self.bytes) {
            (Some(full_at), None, None) => (Counted::Flow, Standing::Rate { full_at }),
            (None, Some(quota), None) => (Counted::Quota(quota.window), window(&quota)),
            (None, None, Some(bytes)) => (Counted::Bytes(bytes.window), window(&bytes)),
            _ => return None,
        };
        let key = MeterKey::new(LimitName::parse(&self.limit).ok()?, counted, Subject { per: self.per, name: self.subject.read() });
        Some(Level { key, standing })
    }
}

const fn window(line: &WindowLine) -> Standing {
    Standing::Window { start: Time::from_micros(line.start_us), used: line.used }
}

/// What was kept of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRun {
    /// What it was started with.
    pub run: Run,
    /// Its snapshots, in their order; each with the files that count for it.
    pub marks: Vec<Mark>,
    /// Where meters stood, in their order.
    pub meters: Vec<MetersAt>,
}

/// Why what was kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptFault {
    /// The operating system refused.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// It is damaged.
    #[error("`{}` cannot be read from line {line} on", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line.
        line: usize,
    },
    /// A newer version wrote it.
    #[error("`{}` was written by a newer version", .0.display())]
    Newer(PathBuf),
}

/// How files here are opened for writing: for nobody else's eyes.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// The file of a run.
#[must_use]
pub fn run_file(directory: &Path, run: &str) -> PathBuf {
    directory.join(format!("{run}.jsonl"))
}

/// The file of meters before a ruling.
#[must_use]
pub fn meters_file(directory: &Path, run: &str, order: u64) -> PathBuf {
    directory.join(format!("{run}-{order:012}.meters"))
}

/// Whether a text is the name of a run, as [`super::keeper`] makes it: nothing else becomes the name of a file.
#[must_use]
pub fn is_run(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Reads what was kept of a run; `None`: nothing was. A last line that was not written whole is left out.
///
/// # Errors
/// When it cannot be read or is damaged.
pub fn read_run(directory: &Path, run: &str) -> Result<Option<KeptRun>, KeptFault> {
    let path = run_file(directory, run);
    if !is_run(run) || !path.exists() {
        return Ok(None);
    }
    let damaged = |line: usize| KeptFault::Damaged { path: path.clone(), line: line + 1 };
    let mut kept: Option<KeptRun> = None;
    for (at, line) in lines(&path)?.into_iter().enumerate() {
        let line: Line = serde_json::from_str(&line).map_err(|_| damaged(at))?;
        match (line, &mut kept) {
            (Line::Run(run), None) if run.version > VERSION => return Err(KeptFault::Newer(path)),
            (Line::Run(run), None) => kept = Some(KeptRun { run, marks: Vec::new(), meters: Vec::new() }),
            (Line::Snapshot(mut mark), Some(kept)) => {
                if mark.documents.is_none() {
                    mark.documents = kept.marks.last().and_then(|before| before.documents.clone());
                }
                kept.marks.push(mark);
            }
            (Line::Meters(meters), Some(kept)) => kept.meters.push(meters),
            (Line::Run(_), Some(_)) | (Line::Snapshot(_) | Line::Meters(_), None) => return Err(damaged(at)),
        }
    }
    Ok(kept)
}

/// The whole lines of a file.
fn lines(path: &Path) -> Result<Vec<String>, KeptFault> {
    let fail = |source| KeptFault::Io { path: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).map_err(fail)?.take(BYTES_MAX).read_to_string(&mut text).map_err(fail)?;
    let whole = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    Ok(whole.lines().map(str::to_owned).collect())
}

/// Meters as they are written.
pub(super) fn meters_text(levels: &[Level]) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    for level in levels {
        serde_json::to_writer(&mut text, &MeterLine::of(level))?;
        text.push(b'\n');
    }
    Ok(text)
}

/// Reads where meters stood before a ruling.
///
/// # Errors
/// When it cannot be read, is damaged, or has another number of meters than was noted.
pub fn read_meters(directory: &Path, run: &str, at: &MetersAt) -> Result<Vec<Level>, KeptFault> {
    let path = meters_file(directory, run, at.order);
    let fail = |source| KeptFault::Io { path: path.clone(), source };
    let damaged = |line: usize| KeptFault::Damaged { path: path.clone(), line: line + 1 };
    let mut levels = Vec::new();
    for (number, line) in BufReader::new(File::open(&path).map_err(fail)?.take(BYTES_MAX)).lines().enumerate() {
        let line: MeterLine = serde_json::from_str(&line.map_err(fail)?).map_err(|_| damaged(number))?;
        levels.push(line.read().ok_or_else(|| damaged(number))?);
    }
    if levels.len() == at.meters { Ok(levels) } else { Err(damaged(levels.len())) }
}

#[cfg(test)]
mod tests;
