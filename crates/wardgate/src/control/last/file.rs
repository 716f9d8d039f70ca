//! The file: a head, a line for each thing, and an end that vouches for all of it.

use super::super::{
    pending::{beside, private, sync_directory},
    voucher::Voucher,
};
use anyhow::bail;
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use wardgate_model::{contain::Containable, time::Time};
use wardgate_store::{IdentityRecord, Kept, StoredResource, StoredSecret, StoredSigningKey};

/// Its name, in the directory of state.
pub(in super::super) const FILE: &str = "wardgate.last";
/// The name of a later one that holds nothing but stops, written between two of the others, which may take long.
pub(in super::super) const STOPS_FILE: &str = "wardgate.last-stops";
/// Largest file that is written and read, in bytes. A million identities with two keys each come to about a gigabyte.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// What it is, and which shape it has.
const VERSION: u32 = 1;
/// How the line begins that vouches for all before it.
const VOUCHED: &str = "vouched ";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    wardgate_last_good_state: u32,
    seq: u64,
    written_us: i64,
}

/// Why a file is not started from.
#[derive(Debug, thiserror::Error)]
pub enum LastFault {
    /// The operator's, or the disk's.
    #[error("the last good state `{}` cannot be read: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody's who changed it, or it is of another installation.
    #[error("the last good state `{}` was not written under this master key, or changed since: it is not started from", path.display())]
    Forged {
        /// Which file.
        path: PathBuf,
    },
    /// Somebody put an old one in its place.
    #[error(
        "the last good state `{}` is older (change {seq}) than the stops that were kept beside it (change {known}): it is not started from",
        path.display()
    )]
    Old {
        /// Which file.
        path: PathBuf,
        /// The last change that it holds.
        seq: u64,
        /// The last change of the state that was there before.
        known: u64,
    },
    /// Of another version of this program.
    #[error("the last good state `{}` has the shape {version}, this version reads {VERSION}: it is not started from", path.display())]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its shape.
        version: u32,
    },
}

/// What is vouched for: that this is such a file, and every byte of it.
fn statement(digest: digest::Context) -> String {
    use std::fmt::Write as _;
    digest.finish().as_ref().iter().fold("last good state ".to_owned(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// A file being written. It takes its name when it is whole.
pub(super) struct Writing {
    path: PathBuf,
    voucher: Arc<Voucher>,
    file: BufWriter<File>,
    digest: digest::Context,
    bytes: u64,
}

impl Writing {
    pub(super) fn begin(path: PathBuf, voucher: Arc<Voucher>, seq: u64, now: Time) -> anyhow::Result<Self> {
        let file = BufWriter::new(private().write(true).truncate(true).open(beside(&path))?);
        let mut writing = Self { path, voucher, file, digest: digest::Context::new(&digest::SHA256), bytes: 0 };
        let head = Head { wardgate_last_good_state: VERSION, seq, written_us: now.as_micros() };
        writing.line(&serde_json::to_string(&head)?)?;
        Ok(writing)
    }

    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        self.bytes += line.len() as u64 + 1;
        if self.bytes > FILE_BYTES_MAX {
            bail!("it would be larger than {FILE_BYTES_MAX} bytes");
        }
        for piece in [line.as_bytes(), b"\n"] {
            self.digest.update(piece);
            self.file.write_all(piece)?;
        }
        Ok(())
    }

    pub(super) fn lines(mut self, lines: impl IntoIterator<Item = Kept>) -> anyhow::Result<Self> {
        for kept in lines {
            self.line(&kept.line())?;
        }
        Ok(self)
    }

    /// Gives it its name, in the place of the one before; gives its size in bytes.
    pub(super) fn end(mut self) -> anyhow::Result<u64> {
        let tag = self.voucher.tag(&statement(self.digest))?;
        writeln!(self.file, "{VOUCHED}{tag}")?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(beside(&self.path), &self.path)?;
        sync_directory(&self.path)?;
        Ok(self.bytes)
    }
}

/// A file that was vouched for: what is small in it, and how to go over what is not.
pub(in super::super) struct Last {
    path: PathBuf,
    file: File,
    statement: String,
    /// The last change that it is sure to hold.
    pub(in super::super) seq: u64,
    /// When it was written.
    pub(in super::super) written: Time,
    pub(in super::super) resources: Vec<StoredResource>,
    pub(in super::super) secrets: Vec<StoredSecret>,
    pub(in super::super) keys: Vec<StoredSigningKey>,
    pub(in super::super) contained: Vec<(Containable, Box<str>)>,
    pub(in super::super) stopped: Vec<(Containable, Box<str>)>,
}

impl Last {
    /// Reads the file of a directory of state, with the stops of the later one; `None`: there is none.
    ///
    /// # Errors
    /// One cannot be read, is of another shape, or nobody vouches for it.
    pub(in super::super) fn read(state: &Path, voucher: &Voucher) -> Result<Option<Self>, LastFault> {
        let Some(mut last) = Self::read_one(state.join(FILE), voucher)? else { return Ok(None) };
        match Self::read_one(state.join(STOPS_FILE), voucher)? {
            // What was stopped since the first was begun, all of it; whatever the clock says: it is written after it, of it.
            Some(later) if later.seq == last.seq => (last.contained, last.stopped) = (later.contained, later.stopped),
            // Of a state that came after this one: what was stopped in between is in neither.
            Some(later) if later.seq > last.seq && later.written >= last.written => {
                return Err(LastFault::Old { path: last.path, seq: last.seq, known: later.seq });
            }
            Some(_) | None => {}
        }
        Ok(Some(last))
    }

    fn read_one(path: PathBuf, voucher: &Voucher) -> Result<Option<Self>, LastFault> {
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LastFault::File { path, source }),
            Ok(file) => file,
        };
        let written = Time::from_micros(0);
        let mut last = Self {
            path,
            file,
            statement: String::new(),
            seq: 0,
            written,
            resources: Vec::new(),
            secrets: Vec::new(),
            keys: Vec::new(),
            contained: Vec::new(),
            stopped: Vec::new(),
        };
        // Nothing of it is looked at before all of it is vouched for.
        let (statement, tag) = last.pass(|_| Ok(()))?;
        if !voucher.holds(&statement, &tag) {
            return Err(last.forged());
        }
        last.statement = statement;
        last.gather()?;
        Ok(Some(last))
    }

    fn gather(&mut self) -> Result<(), LastFault> {
        let (mut head, mut small) = (None, Vec::new());
        self.again(|line| {
            if head.is_none() {
                head = Some(serde_json::from_str::<Head>(line).map_err(io::Error::other)?);
            } else if !line.starts_with(IDENTITY) {
                small.push(Kept::read(line).map_err(io::Error::other)?);
            }
            Ok(())
        })?;
        let Some(head) = head else { return Err(self.forged()) };
        if head.wardgate_last_good_state != VERSION {
            return Err(LastFault::Version { path: self.path.clone(), version: head.wardgate_last_good_state });
        }
        (self.seq, self.written) = (head.seq, Time::from_micros(head.written_us));
        for kept in small {
            match kept {
                Kept::Resource(resource) => self.resources.push(resource),
                Kept::Secret(secret) => self.secrets.push(secret),
                Kept::SigningKey(key) => self.keys.push(key),
                Kept::Contained(kind, name) => self.contained.push((kind, name)),
                Kept::Stopped(kind, name) => self.stopped.push((kind, name)),
                Kept::Identity(_) => {}
            }
        }
        Ok(())
    }

    /// Goes over the identities, which may be too many to hold.
    ///
    /// # Errors
    /// The file cannot be read, or is another than it was.
    pub(in super::super) fn each_identity(&mut self, mut each: impl FnMut(IdentityRecord)) -> Result<(), LastFault> {
        self.again(|line| {
            if line.starts_with(IDENTITY)
                && let Kept::Identity(record) = Kept::read(line).map_err(io::Error::other)?
            {
                each(record);
            }
            Ok(())
        })
    }

    /// Goes over the lines once more: they must be the same.
    fn again(&mut self, each: impl FnMut(&str) -> io::Result<()>) -> Result<(), LastFault> {
        let (statement, _) = self.pass(each)?;
        if statement == self.statement { Ok(()) } else { Err(self.forged()) }
    }

    /// Goes over the lines; gives what is to be vouched for, and the tag that should.
    fn pass(&mut self, each: impl FnMut(&str) -> io::Result<()>) -> Result<(String, String), LastFault> {
        match self.lines(each) {
            Ok(Some(end)) => Ok(end),
            Ok(None) => Err(self.forged()),
            Err(source) => Err(LastFault::File { path: self.path.clone(), source }),
        }
    }

    fn lines(&self, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<Option<(String, String)>> {
        if self.file.metadata()?.len() > FILE_BYTES_MAX + 1_024 {
            return Err(io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes")));
        }
        (&self.file).seek(SeekFrom::Start(0))?;
        let (mut reader, mut digest) = (BufReader::new(&self.file), digest::Context::new(&digest::SHA256));
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            let text = std::str::from_utf8(&line).ok().and_then(|text| text.strip_suffix('\n'));
            let Some(text) = text else { return Ok(None) };
            if let Some(tag) = text.strip_prefix(VOUCHED) {
                // What comes after the end is not vouched for.
                return Ok(reader.fill_buf()?.is_empty().then(|| (statement(digest), tag.to_owned())));
            }
            digest.update(&line);
            each(text)?;
        }
    }

    fn forged(&self) -> LastFault {
        LastFault::Forged { path: self.path.clone() }
    }
}

/// How the line of an identity begins.
const IDENTITY: &str = r#"{"identity":"#;
