//! Stops that are obeyed here and not on record yet, because the store was away: in memory, and in a journal that outlives
//! the process.
//!
//! The journal is a line a stop: what it is as JSON, a blank, and a tag that the master key vouches for it with. A line is on
//! disk before the stop is answered for. Bounded: [`PENDING_MAX`] stops, of which none is longer than a containment on record.

use super::voucher::Voucher;
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use wardgate_console::{HereStop, Journaled, Stopping};
use wardgate_gate::denied::Subject;
use wardgate_model::{
    contain::Containable,
    id::{CredentialId, IdentityId, OwnerName, TaskId, TrustName},
    time::Time,
};

/// The file, in the directory of state.
pub(super) const FILE: &str = "wardgate.stops";
/// Stops that wait to be put on record, at the most.
pub(super) const PENDING_MAX: usize = 10_000;
/// Largest journal that is read, in bytes: more than so many stops come to.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// The word for ending a credential, beside the kinds of things that can be contained.
const REVOKE: &str = "revoke";

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    stop: String,
    name: String,
    actor: String,
    reason: String,
    at_us: i64,
}

impl Line {
    fn of(stop: &HereStop) -> Self {
        let word = match stop.stopping {
            Stopping::Contain(kind) => kind.as_str(),
            Stopping::Revoke => REVOKE,
        };
        Self {
            stop: word.to_owned(),
            name: stop.name.to_string(),
            actor: stop.actor.to_string(),
            reason: stop.reason.to_string(),
            at_us: stop.at.as_micros(),
        }
    }

    fn read(self) -> Option<HereStop> {
        let stopping = match self.stop.as_str() {
            REVOKE => Stopping::Revoke,
            word => Stopping::Contain(Containable::parse(word)?),
        };
        Some(HereStop {
            stopping,
            name: self.name.into(),
            actor: IdentityId::parse(&self.actor).ok()?,
            reason: self.reason.into(),
            at: Time::from_micros(self.at_us),
        })
    }
}

/// As many stops wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{PENDING_MAX} stops wait for the store to come back, and no more can")]
pub(super) struct TooMany;

#[derive(Debug, Default)]
struct Waiting {
    stops: VecDeque<HereStop>,
    /// Whether all of them are in the journal.
    unwritten: bool,
}

/// The stops that wait.
#[derive(Debug)]
pub(super) struct Pending {
    file: PathBuf,
    voucher: Arc<Voucher>,
    waiting: Mutex<Waiting>,
}

impl Pending {
    /// Reads the journal of the process before.
    ///
    /// # Errors
    /// It cannot be read, or holds a line that the master key does not vouch for: obeying that would let whoever wrote it
    /// stop somebody, passing over it could let somebody in who was stopped.
    pub(super) fn open(state: &Path, voucher: Arc<Voucher>) -> anyhow::Result<Self> {
        let file = state.join(FILE);
        let mut stops = VecDeque::new();
        let mut unwritten = false;
        if let Some(text) = read(&file).with_context(|| format!("cannot read the journal of stops `{}`", file.display()))? {
            let (whole, torn) = text.rsplit_once('\n').unwrap_or(("", &text));
            if !torn.is_empty() {
                // Nobody was told that it is on disk.
                tracing::warn!(file = %file.display(), "the journal of stops ends in the midst of a line, which is passed over");
                unwritten = true;
            }
            for (at, line) in whole.lines().enumerate() {
                let Some(stop) = vouched(&voucher, line) else {
                    bail!(
                        "line {} of the journal of stops `{}` was not written under this master key: see what it says, take it out, and \
                         contain again what it names",
                        at + 1,
                        file.display()
                    );
                };
                stops.push_back(stop);
            }
        }
        if !stops.is_empty() {
            tracing::warn!(stops = stops.len(), "stops that are not on record yet are obeyed from the start");
        }
        Ok(Self { file, voucher, waiting: Mutex::new(Waiting { stops, unwritten }) })
    }

    /// Keeps a stop that is obeyed already.
    ///
    /// # Errors
    /// As many wait as may.
    pub(super) fn add(&self, stop: HereStop) -> Result<Journaled, TooMany> {
        let mut waiting = self.waiting();
        let same = |other: &HereStop| (other.stopping, &other.name) == (stop.stopping, &stop.name);
        if !waiting.stops.iter().any(same) {
            if waiting.stops.len() >= PENDING_MAX {
                return Err(TooMany);
            }
            waiting.stops.push_back(stop.clone());
            if !waiting.unwritten {
                waiting.unwritten = self.append(&stop).is_err();
            }
        }
        if waiting.unwritten {
            match self.rewrite(&waiting.stops) {
                Ok(()) => waiting.unwritten = false,
                Err(error) => {
                    tracing::error!(%error, file = %self.file.display(), "the journal of stops cannot be written: a restart undoes them");
                    return Ok(Journaled::InMemory);
                }
            }
        }
        Ok(Journaled::OnDisk)
    }

    /// The one that has waited longest.
    pub(super) fn first(&self) -> Option<HereStop> {
        self.waiting().stops.front().cloned()
    }

    /// It is on record. The journal is put in order with [`Pending::tidy`].
    pub(super) fn done(&self, stop: &HereStop) {
        let mut waiting = self.waiting();
        waiting.stops.retain(|other| other != stop);
        waiting.unwritten = true;
    }

    /// Takes out of the journal what is on record. What stays in it is put on record once more, which changes nothing.
    pub(super) fn tidy(&self) {
        let mut waiting = self.waiting();
        if waiting.unwritten {
            match self.rewrite(&waiting.stops) {
                Ok(()) => waiting.unwritten = false,
                Err(error) => tracing::error!(%error, file = %self.file.display(), "the journal of stops cannot be put in order"),
            }
        }
    }

    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.waiting().stops.len()
    }

    /// What is stopped by them.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        self.waiting().stops.iter().filter_map(subject).collect()
    }

    /// Whether one of them stops this.
    pub(super) fn holds(&self, wanted: &Subject) -> bool {
        self.waiting().stops.iter().any(|stop| subject(stop).as_ref() == Some(wanted))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, stop: &HereStop) -> io::Result<String> {
        let text = serde_json::to_string(&Line::of(stop))?;
        let tag = self.voucher.tag(&text).map_err(io::Error::other)?;
        Ok(format!("{text} {tag}\n"))
    }

    fn append(&self, stop: &HereStop) -> io::Result<()> {
        let line = self.line(stop)?;
        let is_new = !self.file.exists();
        let mut file = private().append(true).open(&self.file)?;
        let before = file.metadata()?.len();
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        if written.is_err() {
            // Half a line would make the next one unreadable.
            file.set_len(before)?;
        } else if is_new {
            sync_directory(&self.file)?;
        }
        written
    }

    /// Writes the journal anew, all of it or nothing.
    fn rewrite(&self, stops: &VecDeque<HereStop>) -> io::Result<()> {
        if stops.is_empty() {
            return match fs::remove_file(&self.file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let text: String = stops.iter().map(|stop| self.line(stop)).collect::<Result<_, _>>()?;
        replace(&self.file, text.as_bytes())
    }
}

/// What the overlay knows of it.
pub(super) fn subject(stop: &HereStop) -> Option<Subject> {
    match stop.stopping {
        Stopping::Revoke | Stopping::Contain(Containable::Credential) => CredentialId::parse(&stop.name).map(Subject::Credential),
        Stopping::Contain(Containable::Identity) => IdentityId::parse(&stop.name).ok().map(Subject::Identity),
        Stopping::Contain(Containable::Owner) => OwnerName::parse(&stop.name).ok().map(Subject::Owner),
        Stopping::Contain(Containable::Issuer) => TrustName::parse(&stop.name).ok().map(Subject::Issuer),
        Stopping::Contain(Containable::Token) => Some(Subject::Token(stop.name.as_ref().into())),
        Stopping::Contain(Containable::Task) => TaskId::parse(&stop.name).ok().map(Subject::Task),
    }
}

fn vouched(voucher: &Voucher, line: &str) -> Option<HereStop> {
    let (text, tag) = line.rsplit_once(' ')?;
    let holds = voucher.holds(text, tag);
    serde_json::from_str::<Line>(text).ok().filter(|_| holds)?.read()
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(found) if found.len() > FILE_BYTES_MAX => Err(io::Error::other("it is larger than any that was written")),
        Ok(_) => fs::read_to_string(path).map(Some),
    }
}

/// Opens files that nobody else may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The name that a file has while it is written.
pub(super) fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Writes a file anew, all of it or nothing.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(file);
    let mut written = private().write(true).truncate(true).open(&new)?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(&new, file)?;
    sync_directory(file)
}

/// The name of a file is on disk only with its directory.
pub(super) fn sync_directory(file: &Path) -> io::Result<()> {
    File::open(crate::folder::of(file))?.sync_all()
}

#[cfg(test)]
mod tests;
